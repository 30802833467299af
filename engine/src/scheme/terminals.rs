//! `terminals.csv`: which terminal was where, for whom, and when.
//!
//! A terminal that is replaced starts counting again: its epoch says which one it was. Periods of one terminal and epoch
//! never overlap, so that a time finds at most one row.

use super::Words;
use super::clock::LocalClock;
use super::guess::{allowed, hint, shown};
use super::locations::Locations;
use super::moment::{self, MOMENT_HINT};
use super::parties::{Field, Parties};
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::{EventTime, PartyKind, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::path::Path;

pub const FILE: &str = "terminals.csv";

/// A terminal during one period of its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    pub id: Symbol,
    pub epoch: u32,
    /// The operator, venue or merchant that it belongs to; absent where its location says.
    pub operator: Symbol,
    /// Absent where any mode is right.
    pub mode: Symbol,
    /// Absent where the record says (a bus).
    pub location: Symbol,
    /// The first instant in service, and the first one after it.
    pub from: EventTime,
    pub to: EventTime,
}

/// What the registry knows of a terminal at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalAt<'t> {
    InService(&'t Terminal),
    /// Registered, but not with this epoch at this time.
    NotInService,
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub struct Terminals {
    /// By terminal, then epoch, then time.
    list: Vec<Terminal>,
    /// Each terminal's part of the list: first index and count.
    places: HashMap<Symbol, (u32, u32), foldhash::fast::FixedState>,
}

impl Terminals {
    #[must_use]
    pub fn read(
        dir: &Path,
        symbols: &SymbolTable,
        (clock, words): (&LocalClock, &Words),
        parties: &Parties,
        locations: &Locations,
        mistakes: &mut Mistakes,
    ) -> Self {
        let columns = [needed("id"), optional("epoch"), optional("operator"), optional("mode"), optional("location"), optional("from"), optional("to")];
        let mut found: Vec<(u32, Terminal)> = Vec::new();
        for row in sheet::read(dir, FILE, &columns, None, mistakes) {
            let line = Some(row.line);
            let [id, epoch, operator, mode, location, from, to] = row.fields;
            if id.is_empty() {
                mistakes.add(FILE, line, "`id` is empty", None);
                continue;
            }
            let epoch = if epoch.is_empty() { Ok(0) } else { epoch.parse::<u32>() };
            if epoch.is_err() {
                mistakes.add(FILE, line, "`epoch` is not a whole number", Some("0 for a terminal that was never replaced"));
            }
            let earners = [PartyKind::Operator, PartyKind::Venue, PartyKind::Merchant];
            let operator = if operator.is_empty() {
                None
            } else {
                parties.expect(&operator, &earners, Field { file: FILE, line: row.line, column: "operator" }, symbols, mistakes)
            };
            if !mode.is_empty() && !words.modes.is_empty() && !words.modes.contains(&mode) {
                let names: Vec<&str> = words.modes.iter().map(String::as_str).collect();
                let todo = hint(&mode, names.iter().copied(), &format!("{}; the list is words.modes in scheme.toml", allowed(&names)));
                mistakes.add(FILE, line, format!("unknown mode {}", shown(&mode)), Some(&todo));
            }
            let location = if location.is_empty() { None } else { locations.expect(&location, FILE, row.line, symbols, mistakes) };
            let mut bound = |text: &str, column: &str, open: i64, read: fn(&str, &LocalClock) -> Option<EventTime>| {
                if text.is_empty() {
                    return EventTime(open);
                }
                read(text, clock).unwrap_or_else(|| {
                    mistakes.add(FILE, line, format!("`{column}` is not a date or time"), Some(MOMENT_HINT));
                    EventTime(open)
                })
            };
            let (from, to) = (bound(&from, "from", i64::MIN, moment::start), bound(&to, "to", i64::MAX, moment::end));
            if from >= to {
                mistakes.add(FILE, line, "`to` is before `from`", Some("a date in `to` is the last day in service"));
            }
            let terminal = Terminal {
                id: symbols.intern(&id),
                epoch: epoch.unwrap_or_default(),
                operator: operator.unwrap_or_default(),
                mode: symbols.intern(&mode),
                location: location.unwrap_or_default(),
                from,
                to,
            };
            found.push((row.line, terminal));
        }
        found.sort_by_key(|(line, terminal)| (terminal.id, terminal.epoch, terminal.from, *line));
        for pair in found.windows(2) {
            let [(first, earlier), (second, later)] = pair else { continue };
            if (earlier.id, earlier.epoch) == (later.id, later.epoch) && later.from < earlier.to {
                let message = format!("this period overlaps that of line {}", first.min(second));
                let todo = "end the earlier period with `to`, or give the replacement the next epoch";
                mistakes.add(FILE, Some(*first.max(second)), message, Some(todo));
            }
        }
        Self::of(found.into_iter().map(|(_, terminal)| terminal).collect())
    }

    fn of(list: Vec<Terminal>) -> Self {
        let mut places: HashMap<Symbol, (u32, u32), foldhash::fast::FixedState> = HashMap::default();
        for (at, terminal) in (0u32..).zip(&list) {
            places.entry(terminal.id).or_insert((at, 0)).1 += 1;
        }
        Self { list, places }
    }

    /// What the registry knows of this terminal, with this epoch, at this time.
    #[must_use]
    pub fn at(&self, id: Symbol, epoch: u32, time: EventTime) -> TerminalAt<'_> {
        let Some(&(first, count)) = self.places.get(&id) else { return TerminalAt::Unknown };
        let rows = self.list.get(first as usize..).unwrap_or_default().iter().take(count as usize);
        let mut serving = rows.filter(|row| row.epoch == epoch && row.from <= time && time < row.to);
        serving.next().map_or(TerminalAt::NotInService, TerminalAt::InService)
    }

    /// By terminal, epoch and time.
    #[must_use]
    pub fn list(&self) -> &[Terminal] {
        &self.list
    }
}
