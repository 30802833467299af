//! `parties.csv`: who takes part, and who is paid for a venue.
//!
//! Ids are names of folders: `kind-` and lowercase letters, digits or hyphens. References between parties are checked when
//! all are known.

use super::guess::{allowed, hint, shown};
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::{Party, PartyKind, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::path::Path;

pub const FILE: &str = "parties.csv";

/// What `run_by` says where the operator that the record names is paid.
pub const RUN_BY_RECORD: &str = "record";

/// Longer ids would not fit a folder name with what is put around it.
const ID_BYTES_MAX: usize = 32;

/// Who is paid for what happens at a venue or shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payee {
    /// The party itself.
    Itself,
    /// The operator that runs it; the party gets a statement only.
    Operator(Symbol),
    /// The operator that the record names (or its terminal is registered for).
    RecordOperator,
}

/// Where a reference stands, for the mistake that it may be.
#[derive(Clone, Copy, Debug)]
pub struct Field<'f> {
    pub file: &'f str,
    pub line: u32,
    pub column: &'f str,
}

/// The parties of a scheme, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    list: Vec<Party>,
    places: HashMap<Symbol, usize, foldhash::fast::FixedState>,
    by_record: Vec<Symbol>,
    ids: Vec<String>,
    /// Ids of rows that were refused, and whether some rows have no id that could be read: a reference to what may have
    /// stood there is not a second mistake.
    refused: Vec<String>,
    partial: bool,
}

impl Parties {
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Self {
        let columns = [needed("id"), needed("kind"), needed("name_en"), needed("name_zh"), optional("run_by"), optional("city")];
        let missing = "a scheme has a parties.csv with at least its hub; its header is id,kind,name_en,name_zh,run_by,city";
        let rows = sheet::read(dir, FILE, &columns, Some(missing), mistakes);
        let mut parties = Self { partial: !rows.whole, ..Self::default() };
        let mut first_lines: BTreeMap<String, u32> = BTreeMap::new();
        let mut found: Vec<(u32, Party, String, String)> = Vec::new();
        for row in rows {
            let line = Some(row.line);
            let [id, kind, name_en, name_zh, run_by, city] = row.fields;
            if let Some(first) = first_lines.insert(id.clone(), row.line) {
                mistakes.add(FILE, line, format!("party {} is already on line {first}", shown(&id)), Some("ids are given once"));
                first_lines.insert(id, first);
                continue;
            }
            let Some(kind) = PartyKind::from_name(&kind) else {
                let names = PartyKind::ALL.map(PartyKind::name);
                mistakes.add(FILE, line, format!("unknown kind {}", shown(&kind)), Some(&hint(&kind, names, &allowed(&names))));
                parties.refused.push(id);
                continue;
            };
            if !is_id(&id, kind) {
                let todo = format!("lowercase letters, digits and hyphens after `{}-`, such as {}-01", kind.name(), kind.name());
                mistakes.add(FILE, line, format!("{} cannot be the id of a party of kind {}", shown(&id), kind.name()), Some(&todo));
                parties.refused.push(id);
                continue;
            }
            for (column, name) in [("name_en", &name_en), ("name_zh", &name_zh)] {
                if name.is_empty() {
                    mistakes.add(FILE, line, format!("`{column}` is empty"), Some("files show parties by name in both languages"));
                }
            }
            found.push((row.line, Party { id: symbols.intern(&id), kind, name_en, name_zh, run_by: Symbol::NONE, city }, id, run_by));
        }
        found.sort_by(|(_, _, a, _), (_, _, b, _)| a.cmp(b));
        let mut links = Vec::new();
        for (at, (line, party, id, run_by)) in found.into_iter().enumerate() {
            parties.places.insert(party.id, at);
            parties.list.push(party);
            parties.ids.push(id);
            if !run_by.is_empty() {
                links.push((line, at, run_by));
            }
        }
        for (line, at, run_by) in links {
            parties.link(line, at, &run_by, symbols, mistakes);
        }
        parties
    }

    fn link(&mut self, line: u32, at: usize, run_by: &str, symbols: &SymbolTable, mistakes: &mut Mistakes) {
        let Some(party) = self.list.get(at) else { return };
        if !matches!(party.kind, PartyKind::Venue | PartyKind::Merchant) {
            let message = format!("a party of kind {} is not run by another", party.kind.name());
            mistakes.add(FILE, Some(line), message, Some("leave run_by empty; it is for venues and merchants"));
            return;
        }
        if run_by == RUN_BY_RECORD {
            self.by_record.push(party.id);
            return;
        }
        let operator = self.expect(run_by, &[PartyKind::Operator], Field { file: FILE, line, column: "run_by" }, symbols, mistakes);
        if let (Some(operator), Some(party)) = (operator, self.list.get_mut(at)) {
            party.run_by = operator;
        }
    }

    /// Checks that the hub that `scheme.toml` names is the only party of its kind.
    pub fn check_hub(&self, hub: Symbol, line: Option<u32>, scheme_file: &str, symbols: &SymbolTable, mistakes: &mut Mistakes) {
        let text = symbols.text(hub);
        if hub.is_none() || self.may_know(&text) {
            return;
        }
        if self.get(hub).is_none_or(|party| party.kind != PartyKind::Hub) {
            let todo = hint(&text, self.ids_of(&[PartyKind::Hub]), "add a row of kind hub to parties.csv");
            mistakes.add(scheme_file, line, format!("{} is not a party of kind hub", shown(&text)), Some(&todo));
            return;
        }
        for id in self.ids_of(&[PartyKind::Hub]).filter(|&id| *id != *text) {
            let todo = "a scheme has one hub, named in scheme.toml; another province's is of kind network";
            mistakes.add(FILE, None, format!("party {} is a second hub", shown(id)), Some(todo));
        }
    }

    /// The party that a field names, which must be of one of these kinds; otherwise a mistake of that field.
    pub fn expect(&self, id: &str, kinds: &[PartyKind], field: Field<'_>, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Symbol> {
        let Field { file, line, column } = field;
        match symbols.find(id).and_then(|symbol| self.get(symbol)) {
            Some(party) if kinds.contains(&party.kind) => return Some(party.id),
            Some(party) => {
                let message = format!("`{column}` is {}, a party of kind {}", shown(id), party.kind.name());
                mistakes.add(file, Some(line), message, Some(&format!("expected: {}", any_of(kinds))));
            }
            None if self.may_know(id) => {}
            None => {
                let todo = hint(id, self.ids_of(kinds), &format!("add a row of kind {} to parties.csv", any_of(kinds)));
                mistakes.add(file, Some(line), format!("`{column}` names an unknown party {}", shown(id)), Some(&todo));
            }
        }
        None
    }

    /// Whether an id that is not known may stand in a row that was refused.
    #[must_use]
    pub fn may_know(&self, id: &str) -> bool {
        self.partial || self.refused.iter().any(|refused| refused == id)
    }

    #[must_use]
    pub fn get(&self, id: Symbol) -> Option<&Party> {
        self.list.get(*self.places.get(&id)?)
    }

    /// Who is paid for what happens at this party's place.
    #[must_use]
    pub fn payee(&self, id: Symbol) -> Payee {
        match self.get(id).map(|party| party.run_by) {
            Some(operator) if !operator.is_none() => Payee::Operator(operator),
            _ if self.by_record.contains(&id) => Payee::RecordOperator,
            _ => Payee::Itself,
        }
    }

    /// All parties, by id.
    #[must_use]
    pub fn list(&self) -> &[Party] {
        &self.list
    }

    /// The ids of the parties of these kinds.
    pub fn ids_of(&self, kinds: &[PartyKind]) -> impl Iterator<Item = &str> {
        self.list.iter().zip(&self.ids).filter(|(party, _)| kinds.contains(&party.kind)).map(|(_, id)| id.as_str())
    }
}

fn is_id(id: &str, kind: PartyKind) -> bool {
    let rest = id.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix('-'));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    id.len() <= ID_BYTES_MAX && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain))
}

/// `operator, venue or merchant`.
fn any_of(kinds: &[PartyKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
