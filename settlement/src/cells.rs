//! Symbols as ready fields: each is quoted once per thread and copied from then on.

use crate::row::Cell;
use domain::{Symbol, SymbolTable};

/// One thread's fields of the symbols it has met.
pub(crate) struct Cells<'t> {
    table: &'t SymbolTable,
    shown: fn(&str) -> &str,
    cells: Vec<Option<Cell>>,
    nothing: Cell,
}

impl<'t> Cells<'t> {
    /// Texts as they are.
    pub fn of_names(table: &'t SymbolTable) -> Self {
        Self::showing(table, |text| text)
    }

    /// Locations: `station:197` is shown as `197`; the kind of a place is not part of its number in files.
    pub fn of_places(table: &'t SymbolTable) -> Self {
        Self::showing(table, |text| text.split_once(':').map_or(text, |(_, code)| code))
    }

    fn showing(table: &'t SymbolTable, shown: fn(&str) -> &str) -> Self {
        Self { table, shown, cells: Vec::new(), nothing: Cell::new(b"") }
    }

    #[inline]
    pub fn get(&mut self, symbol: Symbol) -> &Cell {
        if self.cells.get(symbol.index()).is_none_or(Option::is_none) {
            self.fill(symbol);
        }
        self.cells.get(symbol.index()).and_then(Option::as_ref).unwrap_or(&self.nothing)
    }

    #[cold]
    fn fill(&mut self, symbol: Symbol) {
        if self.cells.len() <= symbol.index() {
            self.cells.resize(symbol.index() + 1, None);
        }
        if let Some(slot) = self.cells.get_mut(symbol.index()) {
            *slot = Some(Cell::new((self.shown)(&self.table.text(symbol)).as_bytes()));
        }
    }
}
