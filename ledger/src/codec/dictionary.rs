//! A block's own dictionary of a column's texts: each text once, in the order of first use.
//!
//! Symbols mean something in one process only, so none is ever written: rows hold places in the dictionary.
//!
//! ```text
//! count:4  0  texts, each its length and bytes
//! count:4  1  digits:1 and a column of numbers: every text is that many digits
//! count:4  2  a column of numbers: every text is a number without leading zeros
//! ```

use super::bytes::{Corrupt, Reader, put_text};
use super::number::{self, Numbers};
use super::text::{decimal_of, digits_of};
use super::{BLOCK_ROWS_MAX, Scratch};
use domain::Symbol;
use domain::symbol::SymbolCache;
use std::sync::Arc;

const WORDS: u8 = 0;
const PADDED: u8 = 1;
const PLAIN: u8 = 2;

/// Replaces symbols by their places in a dictionary; returns the dictionary's symbols in order.
///
/// # Panics
/// When `texts` does not reach as far as the symbols do.
pub(crate) fn localize(values: &mut [i64], texts: &[Arc<str>], stamps: &mut Vec<u32>, order: &mut Vec<u32>) {
    order.clear();
    if stamps.len() < texts.len() {
        stamps.resize(texts.len(), 0);
    }
    for value in values.iter_mut() {
        let symbol = usize::try_from(*value).expect("a symbol is not negative");
        let stamp = stamps.get_mut(symbol).expect("the texts hold every symbol of the rows");
        if *stamp == 0 {
            order.push(u32::try_from(symbol).expect("a symbol has 32 bits"));
            *stamp = u32::try_from(order.len()).expect("a block's rows are few");
        }
        *value = i64::from(*stamp - 1);
    }
    for &symbol in order.iter() {
        if let Some(stamp) = stamps.get_mut(symbol as usize) {
            *stamp = 0;
        }
    }
}

/// Writes the dictionary of `symbols`.
pub(crate) fn put(symbols: &[u32], texts: &[Arc<str>], spare: &mut Vec<i64>, out: &mut Vec<u8>) {
    let text_of = |symbol: &u32| texts.get(*symbol as usize).map_or("", |text| text);
    put_texts(symbols.iter().map(text_of), spare, out);
}

/// Writes a dictionary of texts. `spare` is room to work in.
pub(crate) fn put_texts<'t>(texts: impl ExactSizeIterator<Item = &'t str> + Clone, spare: &mut Vec<i64>, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(texts.len()).expect("a block's rows are few").to_le_bytes());
    spare.clear();
    let (mut same_len, mut no_zeros, mut len) = (true, true, None);
    let numeric = texts.clone().all(|text| {
        let Some(value) = decimal_of(text.as_bytes()) else { return false };
        same_len &= *len.get_or_insert(text.len()) == text.len();
        no_zeros &= text.len() == 1 || !text.starts_with('0');
        spare.push(value);
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

/// A whole column of symbols: absent in all rows, or a dictionary and places in it. `values` is spent.
pub(crate) fn put_column(values: &mut [i64], texts: &[Arc<str>], scratch: &mut Scratch, out: &mut Vec<u8>) {
    let Scratch { stamps, order, spare, .. } = scratch;
    localize(values, texts, stamps, order);
    if let [0] = **order {
        out.push(0);
        return;
    }
    out.push(1);
    put(order, texts, spare, out);
    let last = i64::try_from(order.len()).expect("a block's rows are few") - 1;
    if last > 0 {
        number::put(values, (0, last), out);
    } else {
        number::put_constant(0, out);
    }
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
