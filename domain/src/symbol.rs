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

    /// Adds to `texts`, which an earlier call filled, what the table has got since: cheap to ask again and again.
    pub fn extend_texts(&self, texts: &mut Vec<Arc<str>>) {
        let inner = self.inner.read();
        texts.extend(inner.texts.get(texts.len()..).unwrap_or_default().iter().cloned());
    }

    /// How many symbols there are, the absent one included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a table is never empty")]
    pub fn len(&self) -> usize {
        self.inner.read().texts.len()
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

/// One thread's cache in front of the shared table: no lock for a name seen before, and no look elsewhere for a short one.
pub struct SymbolCache<'t> {
    table: &'t SymbolTable,
    hasher: foldhash::fast::FixedState,
    short: HashTable<(ShortName, Symbol)>,
    long: HashTable<(Box<str>, Symbol)>,
    /// By count of digits, then by number.
    numbers: [Vec<Symbol>; DIGITS_MAX + 1],
}

/// Names that are numbers of so many digits are found by their place: at most 4 MiB a thread, and no hashing.
const DIGITS_MAX: usize = 6;

/// A name of at most 15 bytes with its length in the last byte: compared as two words.
type ShortName = [u64; 2];

fn short_name(text: &str) -> Option<ShortName> {
    let mut bytes = [0; 16];
    bytes.get_mut(..text.len()).filter(|_| text.len() < 16)?.copy_from_slice(text.as_bytes());
    let packed = u128::from_le_bytes(bytes) | (text.len() as u128) << 120;
    Some([packed as u64, (packed >> 64) as u64])
}

impl<'t> SymbolCache<'t> {
    #[must_use]
    pub fn new(table: &'t SymbolTable) -> Self {
        Self { table, hasher: foldhash::fast::FixedState::default(), short: HashTable::new(), long: HashTable::new(), numbers: Default::default() }
    }

    #[must_use]
    pub const fn table(&self) -> &'t SymbolTable {
        self.table
    }

    pub fn intern(&mut self, text: &str) -> Symbol {
        let hasher = &self.hasher;
        if let Some(name) = short_name(text) {
            let hash = hasher.hash_one(name);
            if let Some((_, symbol)) = self.short.find(hash, |(known, _)| *known == name) {
                return *symbol;
            }
            let symbol = self.table.intern(text);
            self.short.insert_unique(hash, (name, symbol), |(known, _)| hasher.hash_one(known));
            return symbol;
        }
        let hash = hasher.hash_one(text);
        if let Some((_, symbol)) = self.long.find(hash, |(known, _)| **known == *text) {
            return *symbol;
        }
        let symbol = self.table.intern(text);
        self.long.insert_unique(hash, (Box::from(text), symbol), |(known, _)| hasher.hash_one(&**known));
        symbol
    }

    /// The symbol of the text that says `number` in `digits` digits, zeros in front.
    pub fn intern_number(&mut self, number: u64, digits: usize) -> Symbol {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(&symbol) = self.numbers.get(digits).and_then(|known| known.get(place))
            && !symbol.is_none()
        {
            return symbol;
        }
        let symbol = self.intern(&format!("{number:0digits$}"));
        if let Some(known) = self.numbers.get_mut(digits).filter(|_| place < 10usize.pow(digits.min(DIGITS_MAX) as u32)) {
            known.resize(known.len().max(place + 1), Symbol::NONE);
            if let Some(slot) = known.get_mut(place) {
                *slot = symbol;
            }
        }
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
        let mut texts = table.texts();
        assert_eq!((texts.len(), table.len()), (3, 3));
        table.intern("bank-01");
        table.extend_texts(&mut texts);
        assert_eq!(texts, table.texts());
        assert_eq!(&*table.text(Symbol(99)), "");
        for (number, digits, text) in
            [(7, 1, "7"), (3, 1, "3"), (7, 1, "7"), (7, 3, "007"), (0, 2, "00"), (1234, 3, "1234"), (99_999_999, 8, "99999999"), (5, 0, "5")]
        {
            assert_eq!(cache.intern_number(number, digits), table.intern(text));
            assert_eq!(cache.intern_number(number, digits), cache.intern(text));
        }
        for text in ["a", "a\0", "fifteen bytes..", "fifteen bytes..\0", "fifteen bytes..a", "fifteen bytes..q", "seventeen bytes.."] {
            let symbol = cache.intern(text);
            assert_eq!((cache.intern(text), &*table.text(symbol)), (symbol, text));
        }
    }

    #[test]
    fn many_names_are_told_apart() {
        let table = SymbolTable::new();
        let mut cache = SymbolCache::new(&table);
        let names: Vec<String> = (0..4000).flat_map(|number| [format!("n{number}"), format!("a longer name, of number {number}")]).collect();
        for _ in 0..2 {
            for name in &names {
                assert_eq!(&*table.text(cache.intern(name)), name.as_str());
            }
        }
        assert_eq!(table.len(), names.len() + 1);
    }
}
