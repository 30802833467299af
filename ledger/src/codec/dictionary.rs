//! A block's own dictionary of a column's texts: each text once, in the order of first use.
//!
//! Symbols mean something in one process only, so none is ever written: rows hold places in the dictionary.
//!
//! ```text
//! count:4  0  texts, each its length and bytes
//! count:4  1  digits:1 and a column of numbers: every text is that many digits
//! count:4  2  a column of numbers: every text is a number without leading zeros
//! ```

use super::BLOCK_ROWS_MAX;
use super::bytes::{Corrupt, Reader, put_text};
use super::number::{self, Numbers};
use super::text::{decimal_of, digits_of};
use domain::symbol::SymbolCache;
use domain::{Symbol, SymbolTable};
use std::sync::Arc;

const WORDS: u8 = 0;
const PADDED: u8 = 1;
const PLAIN: u8 = 2;

/// What symbols say. Most names are numbers and stand in block after block: each that is used is read as one once.
pub(crate) struct Lexicon<'t> {
    table: &'t SymbolTable,
    texts: Vec<Arc<str>>,
    /// By symbol.
    words: Vec<Word>,
}

/// A text as a number and its count of digits in one word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(u64);

impl Word {
    /// No number.
    const NONE: Self = Self(0);
    /// Not used yet.
    const UNREAD: Self = Self(u64::MAX);
    const LEN_BITS: u32 = 8;

    fn of(text: &str) -> Self {
        // A number of as many digits as are read leaves the eight highest bits free.
        let number = |value: i64| value.cast_unsigned() << Self::LEN_BITS | text.len() as u64;
        decimal_of(text.as_bytes()).map_or(Self::NONE, |value| Self(number(value)))
    }

    const fn value(self) -> i64 {
        (self.0 >> Self::LEN_BITS).cast_signed()
    }

    const fn digits(self) -> usize {
        (self.0 & ((1 << Self::LEN_BITS) - 1)) as usize
    }
}

impl<'t> Lexicon<'t> {
    pub(crate) const fn new(table: &'t SymbolTable) -> Self {
        Self { table, texts: Vec::new(), words: Vec::new() }
    }

    /// Learns what the table has got since.
    pub(crate) fn refresh(&mut self) {
        self.table.extend_texts(&mut self.texts);
        self.words.resize(self.texts.len(), Word::UNREAD);
    }

    /// # Panics
    /// When the symbol is another table's, or newer than the last refreshing.
    pub(crate) fn text(&self, symbol: Symbol) -> &Arc<str> {
        self.texts.get(symbol.index()).expect(KNOWN)
    }

    /// Writes the dictionary of some symbols.
    fn put(&mut self, symbols: &[u32], spare: &mut Vec<i64>, out: &mut Vec<u8>) {
        let Self { texts, words, .. } = self;
        let text = |symbol: u32| &**texts.get(symbol as usize).expect(KNOWN);
        let word = |&symbol: &u32| {
            let word = words.get_mut(symbol as usize).expect(KNOWN);
            if *word == Word::UNREAD {
                *word = Word::of(text(symbol));
            }
            *word
        };
        put_dictionary(symbols.iter().map(word), symbols.iter().map(|&symbol| text(symbol)), spare, out);
    }
}

const KNOWN: &str = "the table holds every symbol of the rows";

/// A column of symbols on its way into a block: each row's place in the dictionary that grows beside it. Used again, it
/// keeps its room.
#[derive(Default)]
pub(crate) struct Places {
    /// The dictionary: symbols in the order of first use.
    order: Vec<u32>,
    /// By symbol: its place plus one, zero where it has none.
    stamps: Vec<u32>,
    /// By row. A block's rows are few enough that places fit.
    rows: Vec<u16>,
}

const _: () = assert!(BLOCK_ROWS_MAX <= 1 << u16::BITS, "every place in a block's dictionary fits the rows' type");

impl Places {
    /// Starts with `rows` rows of one symbol.
    pub(crate) fn begin(&mut self, first: i64, rows: usize) {
        self.forget();
        self.extend(&[first]);
        self.rows.resize(rows, 0);
    }

    fn forget(&mut self) {
        for symbol in self.order.drain(..) {
            if let Some(stamp) = self.stamps.get_mut(symbol as usize) {
                *stamp = 0;
            }
        }
        self.rows.clear();
    }

    pub(crate) fn extend(&mut self, symbols: &[i64]) {
        let last = symbols.iter().copied().max().unwrap_or(0);
        let last = usize::try_from(last).expect("a symbol is not negative");
        if last >= self.stamps.len() {
            self.stamps.resize((last + 1).next_power_of_two(), 0);
        }
        let Self { order, stamps, rows } = self;
        rows.extend(symbols.iter().map(|&symbol| {
            let stamp = stamps.get_mut(symbol as usize).expect("made long enough just now");
            if *stamp == 0 {
                order.push(u32::try_from(symbol).expect("a symbol has 32 bits"));
                *stamp = order.len() as u32;
            }
            (*stamp - 1) as u16
        }));
    }

    /// Writes the column, absent in all rows or a dictionary and places in it, and forgets it.
    pub(crate) fn put(&mut self, lexicon: &mut Lexicon<'_>, spare: &mut Vec<i64>, out: &mut Vec<u8>) {
        if let [0] = *self.order {
            out.push(0);
        } else {
            out.push(1);
            lexicon.put(&self.order, spare, out);
            let last = i64::try_from(self.order.len()).expect("a block's rows are few") - 1;
            number::put(&self.rows, i64::from, (0, last), out);
        }
        self.forget();
    }
}

/// Writes a dictionary of texts. `spare` is room to work in.
pub(crate) fn put_texts<'t>(texts: impl ExactSizeIterator<Item = &'t str> + Clone, spare: &mut Vec<i64>, out: &mut Vec<u8>) {
    put_dictionary(texts.clone().map(Word::of), texts, spare, out);
}

fn put_dictionary<'t>(mut words: impl Iterator<Item = Word>, texts: impl ExactSizeIterator<Item = &'t str>, spare: &mut Vec<i64>, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(texts.len()).expect("a block's rows are few").to_le_bytes());
    spare.clear();
    let (mut same_len, mut no_zeros, mut len) = (true, true, None);
    let numeric = words.all(|word| {
        if word == Word::NONE {
            return false;
        }
        let digits = word.digits();
        same_len &= *len.get_or_insert(digits) == digits;
        no_zeros &= digits_of(word.value(), None) == Some(digits);
        spare.push(word.value());
        same_len || no_zeros
    });
    match (numeric, same_len) {
        (true, true) => {
            out.push(PADDED);
            out.push(u8::try_from(len.unwrap_or(1)).expect("numbers have few digits"));
            number::put_any(spare, out);
        }
        (true, false) => {
            out.push(PLAIN);
            number::put_any(spare, out);
        }
        (false, _) => {
            out.push(WORDS);
            for text in texts {
                put_text(text, out);
            }
        }
    }
}

/// A dictionary's entry as it is stored.
enum Entry<'a> {
    Word(&'a str),
    /// A number in so many digits.
    Number(u64, usize),
}

/// Reads a dictionary, handing each entry to `each` in order.
fn read(reader: &mut Reader<'_>, mut each: impl FnMut(Entry<'_>)) -> Result<(), Corrupt> {
    let count = reader.u32()? as usize;
    if count > BLOCK_ROWS_MAX {
        return Err(Corrupt("a dictionary is larger than a block"));
    }
    let shape = reader.u8()?;
    let digits = match shape {
        WORDS => {
            for _ in 0..count {
                each(Entry::Word(reader.text()?));
            }
            return Ok(());
        }
        PADDED => Some(usize::from(reader.u8()?)),
        PLAIN => None,
        _ => return Err(Corrupt("a dictionary has an unknown shape")),
    };
    for value in Numbers::read(reader, count)?.all(count) {
        let digits = digits_of(value, digits).ok_or(Corrupt("a dictionary's number does not fit its digits"))?;
        each(Entry::Number(value.cast_unsigned(), digits));
    }
    Ok(())
}

/// Reads a dictionary as texts.
pub(crate) fn read_texts(reader: &mut Reader<'_>) -> Result<Vec<String>, Corrupt> {
    let mut found = Vec::new();
    read(reader, |entry| {
        found.push(match entry {
            Entry::Word(text) => text.to_owned(),
            Entry::Number(number, digits) => format!("{number:0digits$}"),
        });
    })?;
    Ok(found)
}

/// Reads a dictionary as symbols of this process.
pub(crate) fn read_symbols(reader: &mut Reader<'_>, symbols: &mut SymbolCache<'_>) -> Result<Vec<Symbol>, Corrupt> {
    let mut found = Vec::new();
    read(reader, |entry| {
        found.push(match entry {
            Entry::Word(text) => symbols.intern(text),
            Entry::Number(number, digits) => symbols.intern_number(number, digits),
        });
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_back(texts in prop::collection::vec(prop_oneof!["[0-9]{1,17}", "[0-9]{4}", ".{0,12}", Just(String::new())], 0..60), only in 0usize..3) {
            let texts: Vec<String> = texts.into_iter().filter(|text| match only { 0 => true, 1 => text.len() == 4, _ => text.parse::<u32>().is_ok_and(|n| n.to_string() == *text) }).collect();
            let mut bytes = Vec::new();
            put_texts(texts.iter().map(String::as_str), &mut Vec::new(), &mut bytes);
            let mut reader = Reader::new(&bytes);
            let found = read_texts(&mut reader).expect("written just now");
            reader.finish().expect("all read");
            prop_assert_eq!(found, texts);
        }
    }
}
