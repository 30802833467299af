//! Names out of a row's bytes: terminals, parties, places, modes as symbols.
//!
//! A name is worked out once for each distinct value of its column and remembered by the value's bytes; short values, which
//! most are, as one word. Nothing here holds a card number: cards are no names.

use super::feed::{NameColumn, NameFeed, Otherwise, PlaceKind};
use super::numbers::{Span, word};
use domain::symbol::SymbolCache;
use domain::{RecordKind, Symbol};
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Longer names are refused: they are no codes.
pub const NAME_BYTES_MAX: usize = 120;
/// Distinct values remembered for a column; beyond it a value is worked out again each time.
const REMEMBERED_MAX: usize = 1 << 20;
const SHORT_SLOTS_MIN: usize = 64;
/// So many slots stay in a processor's first cache: 16 KiB.
const SHORT_SLOTS_AT_HAND: usize = 1024;

pub(super) struct NameReader {
    column: NameColumn,
    /// The kind of record is part of what a value means.
    by_record: bool,
    short: ShortNames,
    long: HashTable<(Box<[u8]>, u8, Symbol)>,
    hasher: foldhash::fast::FixedState,
}

/// A name that is always the same, or one from a column.
pub(super) enum Name {
    Always(Symbol),
    Column(Box<NameReader>),
}

impl Name {
    pub fn new(feed: &NameFeed, symbols: &mut SymbolCache<'_>) -> Self {
        match feed {
            NameFeed::Constant(text) => Self::Always(symbols.intern(text)),
            NameFeed::Column(column) => Self::Column(Box::new(NameReader::new(column.as_ref().clone()))),
        }
    }
}

impl NameReader {
    pub fn new(column: NameColumn) -> Self {
        let by_record = matches!(column.place, PlaceKind::ByRecord(_));
        Self { column, by_record, short: ShortNames::default(), long: HashTable::new(), hasher: foldhash::fast::FixedState::default() }
    }

    pub const fn slot(&self) -> usize {
        self.column.slot
    }

    /// The name in a field; an absent one is [`Symbol::NONE`].
    #[inline]
    pub fn read(&mut self, text: &[u8], span: Span, kind: RecordKind, symbols: &mut SymbolCache<'_>) -> Result<Symbol, &'static str> {
        if span.is_empty() {
            return Ok(Symbol::NONE);
        }
        let code = if self.by_record { kind.code() } else { 0 };
        if span.len() <= 8 {
            let word = word(text, span.from as usize, span.len());
            let tag = span.len() as u32 | (u32::from(code) << 8);
            if let Some(symbol) = self.short.get(word, tag) {
                return Ok(symbol);
            }
            let symbol = self.work_out(span.of(text), kind, symbols)?;
            self.short.put(word, tag, symbol);
            return Ok(symbol);
        }
        self.read_long(span.of(text), code, kind, symbols)
    }

    /// Fetches what [`NameReader::read`] will look at, where that is not at hand anyway. Says nothing of use.
    #[inline]
    pub fn glance(&self, text: &[u8], span: Span) -> u64 {
        if self.by_record || span.is_empty() || span.len() > 8 || self.short.is_at_hand() {
            return 0;
        }
        self.short.glance(word(text, span.from as usize, span.len()), span.len() as u32)
    }

    fn read_long(&mut self, value: &[u8], code: u8, kind: RecordKind, symbols: &mut SymbolCache<'_>) -> Result<Symbol, &'static str> {
        let hash = self.hasher.hash_one((value, code));
        if let Some((_, _, symbol)) = self.long.find(hash, |(known, of, _)| *of == code && **known == *value) {
            return Ok(*symbol);
        }
        let symbol = self.work_out(value, kind, symbols)?;
        if self.long.len() < REMEMBERED_MAX {
            let hasher = &self.hasher;
            self.long.insert_unique(hash, (Box::from(value), code, symbol), |(known, of, _)| hasher.hash_one((&**known, *of)));
        }
        Ok(symbol)
    }

    #[cold]
    fn work_out(&self, value: &[u8], kind: RecordKind, symbols: &mut SymbolCache<'_>) -> Result<Symbol, &'static str> {
        let column = &self.column;
        let mut text = std::str::from_utf8(value).map_err(|_| super::decoder::WRONG_TEXT)?;
        if column.absent.iter().any(|absent| absent == text) {
            return Ok(Symbol::NONE);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err("is longer than a name may be");
        }
        if text.chars().any(char::is_control) {
            return Err("holds a control character");
        }
        if let Some(values) = &column.values {
            text = match (values.get(text), &column.otherwise) {
                (Some(to), _) | (None, Otherwise::Text(to)) => to,
                (None, Otherwise::Kept) => text,
                (None, Otherwise::Refused) => return Err("is not in the mapping's table of values"),
            };
        }
        let mut name = String::new();
        match &column.place {
            PlaceKind::None => {}
            PlaceKind::Written => {
                if text.split_once(':').is_none_or(|(kind, code)| kind.is_empty() || code.is_empty()) {
                    return Err("is not a place written kind:code");
                }
            }
            PlaceKind::Fixed(place) => {
                name.push_str(place);
                name.push(':');
            }
            PlaceKind::ByRecord(places) => {
                let place = places.get(usize::from(kind.code())).and_then(Option::as_ref);
                name.push_str(place.ok_or("has no kind of place for this kind of record")?);
                name.push(':');
            }
        }
        name.push_str(&column.prefix);
        name.extend(std::iter::repeat_n('0', column.pad.saturating_sub(text.chars().count())));
        name.push_str(text);
        Ok(symbols.intern(&name))
    }
}

/// Symbols by words of at most eight bytes: open addressing, one cache line a look.
struct ShortNames {
    /// A power of two of them.
    slots: Vec<ShortName>,
    len: usize,
    /// Leaves as many bits of a hash as number the slots.
    shift: u32,
}

/// `tag` is the length and the kind of record; zero is a free slot.
#[derive(Clone, Copy, Default)]
struct ShortName {
    word: u64,
    tag: u32,
    symbol: Symbol,
}

impl Default for ShortNames {
    fn default() -> Self {
        Self { slots: vec![ShortName::default(); SHORT_SLOTS_MIN], len: 0, shift: 64 - SHORT_SLOTS_MIN.trailing_zeros() }
    }
}

impl ShortNames {
    #[inline(always)]
    fn get(&self, word: u64, tag: u32) -> Option<Symbol> {
        let mut at = self.home(word, tag);
        loop {
            let slot = self.slots.get(at)?;
            if slot.word == word && slot.tag == tag {
                return Some(slot.symbol);
            }
            if slot.tag == 0 {
                return None;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    const fn is_at_hand(&self) -> bool {
        self.slots.len() <= SHORT_SLOTS_AT_HAND
    }

    #[inline(always)]
    fn glance(&self, word: u64, tag: u32) -> u64 {
        self.slots.get(self.home(word, tag)).map_or(0, |slot| slot.word)
    }

    fn put(&mut self, word: u64, tag: u32, symbol: Symbol) {
        if self.len >= REMEMBERED_MAX {
            return;
        }
        // Three quarters full at most: a longer walk now and then costs less than a table of twice the size.
        if self.len * 4 >= self.slots.len() * 3 {
            let grown = vec![ShortName::default(); self.slots.len() * 2];
            self.shift -= 1;
            let old = std::mem::replace(&mut self.slots, grown);
            for slot in old.into_iter().filter(|slot| slot.tag != 0) {
                self.place(slot);
            }
        }
        self.place(ShortName { word, tag, symbol });
        self.len += 1;
    }

    fn place(&mut self, name: ShortName) {
        let mut at = self.home(name.word, name.tag);
        while self.slots.get(at).is_some_and(|slot| slot.tag != 0) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = name;
        }
    }

    #[inline(always)]
    fn home(&self, word: u64, tag: u32) -> usize {
        // The highest bits of a product by an odd constant (the golden ratio) depend on every bit of the word.
        let mixed = (word ^ u64::from(tag).rotate_right(8)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_name_is_found_again_and_no_other() {
        let mut names = ShortNames::default();
        let all = || (0..300u64).flat_map(|word| (1..9u32).map(move |tag| (word, tag)));
        for (number, (word, tag)) in (1u32..).zip(all()) {
            assert_eq!(names.get(word, tag), None, "{word} {tag}");
            names.put(word, tag, Symbol(number));
        }
        for (number, (word, tag)) in (1u32..).zip(all()) {
            assert_eq!(names.get(word, tag), Some(Symbol(number)), "{word} {tag}");
            assert_eq!(names.get(word + 300, tag), None);
            assert_eq!(names.get(word, tag + 8), None);
        }
    }
}
