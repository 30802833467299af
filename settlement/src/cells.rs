//! Symbols as ready fields: each is quoted once per thread and copied from then on.
//!
//! There are many terminals and they come in no order, so a field takes 16 bytes: the table of a province's terminals stays
//! near the processor. Longer fields are rare and kept aside.

use crate::row::Row;
use domain::{Symbol, SymbolTable};
use std::collections::HashMap;

/// A field with its comma, and in the last byte its length; zero where the symbol has not been met.
type Slot = [u8; SLOT_BYTES];
const SLOT_BYTES: usize = 16;
const TEXT_BYTES_MAX: usize = SLOT_BYTES - 1;
/// The length of a field that is kept aside.
const ASIDE: u8 = u8::MAX;

/// One thread's fields of the symbols it has met.
pub(crate) struct Cells<'t> {
    table: &'t SymbolTable,
    shown: fn(&str) -> &str,
    slots: Vec<Slot>,
    aside: HashMap<Symbol, Vec<u8>>,
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
        Self { table, shown, slots: Vec::new(), aside: HashMap::new() }
    }

    /// Writes the symbol's field.
    #[inline]
    pub fn write(&mut self, symbol: Symbol, row: &mut Row) {
        let slot = self.slot(symbol);
        if slot[TEXT_BYTES_MAX] == ASIDE {
            return row.raw(self.aside.get(&symbol).map_or(b",", Vec::as_slice));
        }
        row.fixed(&slot, usize::from(slot[TEXT_BYTES_MAX]));
    }

    /// Writes the symbol's text without a comma, where it needs no quoting; says whether it did.
    #[inline]
    pub fn write_plain(&mut self, symbol: Symbol, row: &mut Row) -> bool {
        let slot = self.slot(symbol);
        let plain = slot[TEXT_BYTES_MAX] != ASIDE && slot[0] != b'"';
        if plain {
            row.fixed(&slot, usize::from(slot[TEXT_BYTES_MAX]) - 1);
        }
        plain
    }

    /// Fetches a symbol's field. Done for some symbols on end, the fetching of one waits for no other. Says nothing of use.
    #[inline]
    pub fn glance(&self, symbol: Symbol) -> u8 {
        self.slots.get(symbol.index()).map_or(0, |slot| slot[0])
    }

    #[inline]
    fn slot(&mut self, symbol: Symbol) -> Slot {
        match self.slots.get(symbol.index()) {
            Some(slot) if slot[TEXT_BYTES_MAX] != 0 => *slot,
            _ => self.fill(symbol),
        }
    }

    #[cold]
    fn fill(&mut self, symbol: Symbol) -> Slot {
        let mut row = Row::default();
        row.text((self.shown)(&self.table.text(symbol)).as_bytes());
        let field = row.as_bytes();
        let mut made = [0; SLOT_BYTES];
        match made.get_mut(..field.len()).filter(|text| text.len() <= TEXT_BYTES_MAX) {
            Some(text) => {
                text.copy_from_slice(field);
                made[TEXT_BYTES_MAX] = u8::try_from(field.len()).expect("at most 15");
            }
            None => {
                made[TEXT_BYTES_MAX] = ASIDE;
                self.aside.insert(symbol, field.to_vec());
            }
        }
        if self.slots.len() <= symbol.index() {
            self.slots.resize(symbol.index() + 1, [0; SLOT_BYTES]);
        }
        if let Some(slot) = self.slots.get_mut(symbol.index()) {
            *slot = made;
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_any_length_are_written_again_and_again() {
        let symbols = SymbolTable::new();
        for (text, name, place) in [
            ("station:197", "station:197,", "197,"),
            ("line:5,north", "\"line:5,north\",", "\"5,north\","),
            ("12345678901234", "12345678901234,", "12345678901234,"),
            ("123456789012345", "123456789012345,", "123456789012345,"),
            ("a-much-longer-terminal-name", "a-much-longer-terminal-name,", "a-much-longer-terminal-name,"),
            ("", ",", ","),
        ] {
            let symbol = symbols.intern(text);
            for (mut cells, expected) in [(Cells::of_names(&symbols), name), (Cells::of_places(&symbols), place)] {
                let mut row = Row::default();
                cells.write(symbol, &mut row);
                cells.write(symbol, &mut row);
                assert_eq!(String::from_utf8_lossy(row.as_bytes()), expected.repeat(2));
            }
            let (mut cells, mut row) = (Cells::of_names(&symbols), Row::default());
            if cells.write_plain(symbol, &mut row) {
                assert_eq!(String::from_utf8_lossy(row.as_bytes()), text);
            }
        }
    }
}
