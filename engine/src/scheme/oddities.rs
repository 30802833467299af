//! `[oddities]` of `scheme.toml` and `travel.csv`: what is looked for in records that clear, and from where on it is odd.
//!
//! A rule without its table is off. Nothing here changes a price.

use super::guess::{allowed, hint, shown};
use super::locations::Locations;
use super::position::Position;
use super::sheet::{self, needed};
use super::table::Table;
use crate::mistake::{Mistake, Mistakes};
use domain::{Symbol, SymbolTable};
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::path::Path;

pub const TRAVEL_FILE: &str = "travel.csv";

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long a metre takes at one kilometre an hour.
pub const MS_PER_METRE_AT_1_KMH: i64 = 3_600;

/// The rules that are on.
#[derive(Clone, Debug, Default)]
pub struct Oddities {
    /// Two terminals' clocks may differ by so much.
    pub clock_ms: i64,
    pub same_gate: Option<SameGate>,
    pub travel: Option<Travel>,
    pub missing_tap_offs: Option<MissingTapOffs>,
    pub counters: Option<Counters>,
}

#[derive(Clone, Debug)]
pub struct SameGate {
    pub within_ms: i64,
    /// Empty for all.
    pub modes: Vec<Symbol>,
}

#[derive(Clone, Debug, Default)]
pub struct Travel {
    pub speed_max_kmh: i64,
    /// Places that are nearer to each other are not looked at.
    pub distance_min_m: i64,
    /// No way in the scheme takes longer, at the fastest speed or by the table.
    pub longest_ms: i64,
    positions: HashMap<Symbol, Position, foldhash::fast::FixedState>,
    least_ms: HashMap<(Symbol, Symbol), i64, foldhash::fast::FixedState>,
    /// The places that ways begin at.
    ends: HashSet<Symbol, foldhash::fast::FixedState>,
    /// `[oddities.travel]`'s line.
    line: Option<u32>,
}

/// What the scheme knows of the way between two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By `travel.csv`.
    Least { ms: i64 },
    /// By coordinates.
    Straight { metres: i64 },
}

#[derive(Clone, Copy, Debug)]
pub struct MissingTapOffs {
    /// Service days over which a card's rides are counted.
    pub days: i32,
    pub rides: u32,
    /// By how much they cost less, together.
    pub gain_min_minor: i64,
    /// Only where the card's next tap-on is not later than this after the ride's.
    pub next_within_ms: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// How far back counters are compared.
    pub within_ms: i64,
}

impl Oddities {
    /// What stands in the table, before places are known. `None` where nothing is looked for.
    pub fn read(table: &mut Table<'_>, modes: &[String], symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        let mut found = table.table("oddities", mistakes)?;
        let clock_ms = number(&mut found, "clock_seconds", (0, 3_600, 60), mistakes) * SECOND_MS;
        let mut oddities = Self { clock_ms, ..Self::default() };
        if let Some(mut rule) = found.table("same_gate", mistakes) {
            let within_ms = number(&mut rule, "within_seconds", (1, 3_600, 20), mistakes) * SECOND_MS;
            let named = rule.texts("modes", mistakes).unwrap_or_default();
            for mode in named.iter().filter(|mode| !modes.is_empty() && !modes.contains(&mode.value)) {
                let names: Vec<&str> = modes.iter().map(String::as_str).collect();
                let todo = hint(&mode.value, names.iter().copied(), &format!("{}; the list is words.modes", allowed(&names)));
                rule.mistake(Some(mode.line), format!("`oddities.same_gate.modes` names an unknown mode {}", shown(&mode.value)), Some(&todo), mistakes);
            }
            let modes = named.into_iter().map(|mode| symbols.intern(&mode.value)).collect();
            oddities.same_gate = Some(SameGate { within_ms, modes });
            rule.finish(mistakes);
        }
        if let Some(mut rule) = found.table("travel", mistakes) {
            let speed_max_kmh = number(&mut rule, "speed_max_kmh", (1, 2_000, 400), mistakes);
            let distance_min_m = number(&mut rule, "distance_min_m", (0, 1_000_000, 2_000), mistakes);
            oddities.travel = Some(Travel { speed_max_kmh, distance_min_m, line: rule.line(), ..Travel::default() });
            rule.finish(mistakes);
        }
        if let Some(mut rule) = found.table("missing_tap_offs", mistakes) {
            oddities.missing_tap_offs = Some(MissingTapOffs {
                days: i32::try_from(number(&mut rule, "days", (1, 366, 30), mistakes)).unwrap_or(i32::MAX),
                rides: u32::try_from(number(&mut rule, "rides", (1, 1_000, 3), mistakes)).unwrap_or(u32::MAX),
                gain_min_minor: number(&mut rule, "gain_min_minor", (1, 1_000_000_000_000, 1), mistakes),
                next_within_ms: number(&mut rule, "next_within_hours", (1, 168, 24), mistakes) * HOUR_MS,
            });
            rule.finish(mistakes);
        }
        if let Some(mut rule) = found.table("counters", mistakes) {
            oddities.counters = Some(Counters { within_ms: number(&mut rule, "days", (1, 366, 7), mistakes) * DAY_MS });
            rule.finish(mistakes);
        }
        let any = oddities.same_gate.is_some() || oddities.travel.is_some() || oddities.missing_tap_offs.is_some() || oddities.counters.is_some();
        if !any {
            let todo = "add [oddities.same_gate], [oddities.travel], [oddities.missing_tap_offs] or [oddities.counters], or remove [oddities]";
            found.mistake(found.line(), "[oddities] has no rule, so nothing is looked for", Some(todo), mistakes);
        }
        found.finish(mistakes);
        any.then_some(oddities)
    }
}

/// A whole number: the least, the most, and what it is where it is absent.
fn number(table: &mut Table<'_>, key: &str, (least, most, default): (i64, i64, i64), mistakes: &mut Mistakes) -> i64 {
    table.integer(key, least..=most, mistakes).map_or(default, |number| number.value)
}

impl Travel {
    /// Reads what the scheme knows of places: their coordinates and `travel.csv`. Gives what it does not know as a note.
    pub fn read_places(&mut self, dir: &Path, settings: &str, locations: &Locations, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Mistake> {
        self.positions = locations.list().iter().filter_map(|location| Some((location.id, location.position?))).collect();
        self.read_table(dir, locations, symbols, mistakes);
        let ways = self.positions.len() > 1 || !self.least_ms.is_empty();
        if !ways && !dir.join(TRAVEL_FILE).exists() {
            let todo = "give locations.csv the columns latitude and longitude, or write travel.csv";
            mistakes.add(settings, self.line, "[oddities.travel] has nothing to compare: no place has coordinates", Some(todo));
        }
        let extent_m = Position::extent_metres(self.positions.values().copied());
        let by_speed_ms = (extent_m * MS_PER_METRE_AT_1_KMH).div_euclid(self.speed_max_kmh) + 1;
        self.longest_ms = self.least_ms.values().copied().chain([by_speed_ms]).max().unwrap_or(0);
        let unknown = locations.list().iter().filter(|location| !self.knows(location.id)).count();
        (unknown > 0 && ways).then(|| Mistake {
            file: super::locations::FILE.to_owned(),
            line: None,
            message: format!("{unknown} of {} places have neither coordinates nor a row in travel.csv", locations.list().len()),
            hint: Some("travel to and from them is not looked at".to_owned()),
        })
    }

    fn read_table(&mut self, dir: &Path, locations: &Locations, symbols: &SymbolTable, mistakes: &mut Mistakes) {
        let columns = [needed("from"), needed("to"), needed("seconds")];
        let mut lines: BTreeMap<(Symbol, Symbol), u32> = BTreeMap::new();
        for row in sheet::read(dir, TRAVEL_FILE, &columns, None, mistakes) {
            let [from, to, seconds] = row.fields;
            let ends = [&from, &to].map(|end| locations.expect(end, TRAVEL_FILE, row.line, symbols, mistakes));
            let seconds = seconds.parse::<i64>().ok().filter(|seconds| (1..=604_800).contains(seconds));
            if seconds.is_none() {
                mistakes.add(TRAVEL_FILE, Some(row.line), "`seconds` is not a whole number from 1 to 604800", Some("what the fastest way takes at least"));
            }
            let ([Some(from), Some(to)], Some(seconds)) = (ends, seconds) else { continue };
            if from == to {
                mistakes.add(TRAVEL_FILE, Some(row.line), "`from` and `to` are one place", Some("nobody has to travel there"));
                continue;
            }
            if let Some(first) = lines.insert((from, to), row.line) {
                mistakes.add(TRAVEL_FILE, Some(row.line), format!("this way is already on line {first}"), Some("each way is given once"));
            }
            self.least_ms.insert((from, to), seconds * SECOND_MS);
        }
        // A row holds in both directions unless the other one has a row of its own.
        let back: Vec<_> = self.least_ms.iter().map(|(&(from, to), &ms)| ((to, from), ms)).collect();
        for (way, ms) in back {
            self.least_ms.entry(way).or_insert(ms);
        }
        self.ends = self.least_ms.keys().map(|(from, _)| *from).collect();
    }

    /// A rule of these places and ways, for tests.
    #[cfg(test)]
    #[must_use]
    pub fn of((speed_max_kmh, distance_min_m): (i64, i64), places: &[(Symbol, Position)], ways: &[(Symbol, Symbol, i64)]) -> Self {
        let positions = places.iter().copied().collect();
        let least_ms = ways.iter().map(|&(from, to, ms)| ((from, to), ms)).collect();
        let ends = ways.iter().flat_map(|&(from, to, _)| [from, to]).collect();
        Self { speed_max_kmh, distance_min_m, positions, least_ms, ends, longest_ms: 0, line: None }
    }

    /// `None` where the scheme does not know, or they are one place.
    #[must_use]
    pub fn way(&self, from: Symbol, to: Symbol) -> Option<Way> {
        if from == to {
            return None;
        }
        if let Some(&ms) = self.least_ms.get(&(from, to)) {
            return Some(Way::Least { ms });
        }
        let metres = self.positions.get(&from)?.metres_to(*self.positions.get(&to)?);
        Some(Way::Straight { metres })
    }

    /// Whether anything is known of a place.
    #[must_use]
    pub fn knows(&self, place: Symbol) -> bool {
        self.positions.contains_key(&place) || self.ends.contains(&place)
    }
}

/// A file of ways that no rule asks for would silently do nothing.
pub fn check_unused(dir: &Path, oddities: Option<&Oddities>, mistakes: &mut Mistakes) {
    if oddities.is_none_or(|oddities| oddities.travel.is_none()) && dir.join(TRAVEL_FILE).exists() {
        mistakes.add(TRAVEL_FILE, None, "no rule asks for it", Some("add [oddities.travel] to scheme.toml, or remove the file"));
    }
}
