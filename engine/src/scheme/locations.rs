//! `locations.csv`: where things happen, by kind (line 5 is not station 5), and whose place it is.
//!
//! A location's symbol is its `kind:code`. Codes are texts: leading zeros count.

use super::guess::{hint, shown};
use super::parties::{Field, Parties};
use super::position::Position;
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::{PartyKind, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::path::Path;

pub const FILE: &str = "locations.csv";

/// A stop, station, line, gate or shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// `kind:code`.
    pub id: Symbol,
    pub kind: String,
    pub code: String,
    pub name_en: String,
    pub name_zh: String,
    /// The venue or merchant whose files list what happened here; absent for stations and lines.
    pub party: Symbol,
    /// The operator that runs it; absent where the record's terminal says.
    pub operator: Symbol,
    pub city: String,
    /// Where on the globe it is.
    pub position: Option<Position>,
}

#[derive(Clone, Debug, Default)]
pub struct Locations {
    list: Vec<Location>,
    places: HashMap<Symbol, usize, foldhash::fast::FixedState>,
    /// Whose place a location is, also for those that only records name.
    venues: HashMap<Symbol, Symbol, foldhash::fast::FixedState>,
    /// Some rows were refused: what is not known may have stood there.
    partial: bool,
}

impl Locations {
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, parties: &Parties, mistakes: &mut Mistakes) -> Self {
        let [name_en, name_zh, party, operator] = ["name_en", "name_zh", "party", "operator"].map(optional);
        let [city, latitude, longitude] = ["city", "latitude", "longitude"].map(optional);
        let columns = [needed("kind"), needed("code"), name_en, name_zh, party, operator, city, latitude, longitude];
        let rows = sheet::read(dir, FILE, &columns, None, mistakes);
        let mut locations = Self { partial: !rows.whole, ..Self::default() };
        let mut lines = Vec::new();
        for row in rows {
            let [kind, code, name_en, name_zh, party, operator, city, latitude, longitude] = row.fields;
            if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                mistakes.add(FILE, Some(row.line), format!("{} cannot be a kind", shown(&kind)), Some("a lowercase word: line, station, venue, shop"));
                locations.partial = true;
                continue;
            }
            if code.is_empty() {
                mistakes.add(FILE, Some(row.line), "`code` is empty", None);
                locations.partial = true;
                continue;
            }
            let id = symbols.intern(&format!("{kind}:{code}"));
            if let Some(first) = locations.places.get(&id).and_then(|&at| lines.get(at)) {
                let message = format!("{kind} {} is already on line {first}", shown(&code));
                mistakes.add(FILE, Some(row.line), message, Some("kind and code together are given once"));
                continue;
            }
            let mut expect = |id: &str, kinds: &[PartyKind], column| {
                if id.is_empty() { None } else { parties.expect(id, kinds, Field { file: FILE, line: row.line, column }, symbols, mistakes) }
            };
            let party = expect(&party, &[PartyKind::Venue, PartyKind::Merchant], "party").unwrap_or_default();
            let operator = expect(&operator, &[PartyKind::Operator], "operator").unwrap_or_default();
            let position = Position::parse(&latitude, &longitude);
            if position.is_none() && !(latitude.is_empty() && longitude.is_empty()) {
                let todo = "decimal degrees, north and east positive: 30.6571 and 104.0660; or both empty";
                mistakes.add(FILE, Some(row.line), "`latitude` and `longitude` are no place on the globe", Some(todo));
            }
            if !party.is_none() {
                locations.venues.insert(id, party);
            }
            locations.places.insert(id, locations.list.len());
            locations.list.push(Location { id, kind, code, name_en, name_zh, party, operator, city, position });
            lines.push(row.line);
        }
        locations
    }

    /// For an open registry: a location `venue:12` that no row names is the party `venue-12`, also written `venue-012`.
    pub fn open_venues(&mut self, symbols: &SymbolTable, parties: &Parties, mistakes: &mut Mistakes) {
        let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
        for id in parties.ids_of(&[PartyKind::Venue]) {
            let Some(code) = id.strip_prefix("venue-") else { continue };
            let Some(venue) = symbols.find(id) else { continue };
            let number = code.trim_start_matches('0');
            if let Some(other) = numbers.insert(number, id) {
                let message = format!("parties `{other}` and `{id}` are the same venue number");
                mistakes.add(super::parties::FILE, None, message, Some("with open locations the number finds the venue"));
            }
            for code in [code, number] {
                let location = symbols.intern(&format!("venue:{code}"));
                self.venues.entry(location).or_insert(venue);
            }
        }
    }

    #[must_use]
    pub fn get(&self, id: Symbol) -> Option<&Location> {
        self.list.get(*self.places.get(&id)?)
    }

    /// The venue or merchant whose place it is; absent for stations, lines and unknown places.
    #[must_use]
    pub fn venue_of(&self, id: Symbol) -> Symbol {
        self.venues.get(&id).copied().unwrap_or_default()
    }

    /// In the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Location] {
        &self.list
    }

    /// The location that a field names as `kind:code`; otherwise a mistake of that field.
    pub fn expect(&self, text: &str, file: &str, line: u32, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Symbol> {
        let found = symbols.find(text).filter(|id| self.places.contains_key(id));
        if found.is_none() && !self.partial {
            let same_kind = text.split_once(':').map_or("", |(kind, _)| kind);
            let known: Vec<String> =
                self.list.iter().filter(|location| location.kind == same_kind).map(|location| format!("{}:{}", location.kind, location.code)).collect();
            let todo = if text.contains(':') { "add a row to locations.csv" } else { "write kind:code, such as station:101" };
            let todo = hint(text, known.iter().map(String::as_str), todo);
            mistakes.add(file, Some(line), format!("`location` names an unknown place {}", shown(text)), Some(&todo));
        }
        found
    }
}
