//! Symbols: the names that recur (terminals, parties, locations, classes, products) as small numbers.
//!
//! A symbol means something in one process only. What is stored or sent carries the texts, and no answer depends on the
//! order in which symbols were given out. Texts are kept for the life of the table: it holds what has few values, never
//! card tokens.

use hashbrown::HashTable;
use parking_lot::RwLock;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A recurring name. [`Symbol::NONE`] stands for an absent one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

impl Symbol {
    pub const NONE: Self = Self(0);

    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Gives out symbols; shared between threads. Workers keep a [`SymbolCache`] in front of it.
pub struct SymbolTable {
    inner: RwLock<Inner>,
}

struct Inner {
    hasher: foldhash::fast::FixedState,
    slots: HashTable<u32>,
    texts: Vec<Arc<str>>,
}

impl Default for SymbolTable {
    fn default() -> Self {
        Self { inner: RwLock::new(Inner { hasher: foldhash::fast::FixedState::default(), slots: HashTable::new(), texts: vec![Arc::from("")] }) }
    }
}

impl SymbolTable {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbol of a text; the empty text is [`Symbol::NONE`].
    pub fn intern(&self, text: &str) -> Symbol {
        if text.is_empty() {
            return Symbol::NONE;
        }
        if let Some(symbol) = self.find(text) {
            return symbol;
        }
        let mut inner = self.inner.write();
        let Inner { hasher, slots, texts } = &mut *inner;
        let hash = hasher.hash_one(text);
        if let Some(&slot) = slots.find(hash, |&slot| text_at(texts, slot) == text) {
            return Symbol(slot);
        }
        let slot = u32::try_from(texts.len()).expect("fewer than 4 billion distinct names");
        texts.push(Arc::from(text));
        slots.insert_unique(hash, slot, |&slot| hasher.hash_one(text_at(texts, slot)));
        Symbol(slot)
    }

    /// The symbol of a text that has one already.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        let inner = self.inner.read();
        inner.slots.find(inner.hasher.hash_one(text), |&slot| text_at(&inner.texts, slot) == text).map(|&slot| Symbol(slot))
    }

    /// The text of a symbol; empty for [`Symbol::NONE`] and for a symbol of another table.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> Arc<str> {
        let inner = self.inner.read();
        inner.texts.get(symbol.index()).or_else(|| inner.texts.first()).map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// All texts so far, indexed by symbol: one look for a loop over many.
    #[must_use]
    pub fn texts(&self) -> Vec<Arc<str>> {
        self.inner.read().texts.clone()
    }
}

fn text_at(texts: &[Arc<str>], slot: u32) -> &str {
    texts.get(slot as usize).map_or("", |text| text)
}

/// One thread's cache in front of the shared table: no lock for a name seen before.
pub struct SymbolCache<'t> {
    table: &'t SymbolTable,
    hasher: foldhash::fast::FixedState,
    slots: HashTable<(Box<str>, Symbol)>,
}

impl<'t> SymbolCache<'t> {
    #[must_use]
    pub fn new(table: &'t SymbolTable) -> Self {
        Self { table, hasher: foldhash::fast::FixedState::default(), slots: HashTable::new() }
    }

    #[must_use]
    pub const fn table(&self) -> &'t SymbolTable {
        self.table
    }

    pub fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.hash_one(text);
        if let Some((_, symbol)) = self.slots.find(hash, |(known, _)| **known == *text) {
            return *symbol;
        }
        let symbol = self.table.intern(text);
        let hasher = &self.hasher;
        self.slots.insert_unique(hash, (Box::from(text), symbol), |(known, _)| hasher.hash_one(&**known));
        symbol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_symbol_and_a_symbol_one_text() {
        let table = SymbolTable::new();
        let mut cache = SymbolCache::new(&table);
        let bus = table.intern("bus-01");
        assert_eq!(cache.intern("bus-01"), bus);
        assert_eq!(cache.intern("bus-01"), bus);
        let metro = cache.intern("metro-01");
        assert_ne!(bus, metro);
        assert_eq!(&*table.text(metro), "metro-01");
        assert_eq!(table.find("metro-01"), Some(metro));
        assert_eq!(table.find("metro-02"), None);
        assert_eq!(table.intern(""), Symbol::NONE);
        assert!(cache.intern("").is_none());
        assert_eq!(table.texts().len(), 3);
        assert_eq!(&*table.text(Symbol(99)), "");
    }
}
