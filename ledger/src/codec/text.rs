//! A column of short texts: constant, numbers written in digits, or fixed width.
//!
//! Tokens and references are mostly numbers; as numbers they take half the room, and a running count takes none.
//!
//! ```text
//! 0  length:1 bytes              all the same
//! 1  digits:1 column             every text is that many digits
//! 2  column                      every text is a number without leading zeros
//! 3  width:1 rows×width bytes    NUL-padded
//! ```

use super::bytes::{Corrupt, Reader};
use super::number::{self, Numbers};
use domain::Text;

const CONSTANT: u8 = 0;
const PADDED: u8 = 1;
const PLAIN: u8 = 2;
const FIXED: u8 = 3;

/// The most digits that are stored as a number.
pub(crate) const DIGITS_MAX: usize = 16;

/// Eight times the digit 0.
const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const SIXES: u64 = 0x0606_0606_0606_0606;
const TEN_TO_8: u64 = 100_000_000;

/// The number that 1 to 16 digits say; `None` for anything else.
#[inline]
pub(crate) fn decimal_of(text: &[u8]) -> Option<i64> {
    decimal_of_word(word_of(text)?, text.len())
}

/// At most 16 bytes as a number, the first the lowest. Read in overlapping pieces: a copy of unknown length would be a call.
#[inline]
fn word_of(text: &[u8]) -> Option<u128> {
    let len = text.len();
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) if len <= 16 => Some(u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << (8 * (len - 8))),
        (Some(_), _) => None,
        _ => match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(first), Some(last)) => Some(u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << (8 * (len - 4))),
            _ => Some(text.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte))),
        },
    }
}

/// The same for `len` digits that stand in the low bytes.
#[inline]
fn decimal_of_word(word: u128, len: usize) -> Option<i64> {
    if len == 0 || len > DIGITS_MAX {
        return None;
    }
    if len <= 8 {
        let [low, _] = halves(word);
        let shift = 8 * (8 - len);
        let digits = low << shift | (ZEROS >> 8).checked_shr(56 - shift as u32).unwrap_or(0);
        return is_digits(digits).then(|| eight_digits(digits).cast_signed());
    }
    let shift = 8 * (DIGITS_MAX - len);
    let zeros = if shift == 0 { 0 } else { u128::from(ZEROS) >> (64 - shift) };
    let [high, low] = halves(word << shift | zeros);
    (is_digits(high) && is_digits(low)).then(|| (eight_digits(high) * TEN_TO_8 + eight_digits(low)).cast_signed())
}

const fn is_digits(eight: u64) -> bool {
    eight & HIGH_NIBBLES == ZEROS && eight.wrapping_add(SIXES) & HIGH_NIBBLES == ZEROS
}

/// The first eight bytes and the last.
fn halves(bytes: u128) -> [u64; 2] {
    [(bytes & u128::from(u64::MAX)) as u64, (bytes >> 64) as u64]
}

/// Eight ASCII digits, the first in the lowest byte, added up in pairs, fours and eights.
fn eight_digits(ascii: u64) -> u64 {
    let ones = ascii & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

/// The reverse of [`eight_digits`] for a number below 10^8.
fn ascii_of_eight(value: u64) -> u64 {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = (fours * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let pairs = hundreds | (fours - hundreds * 100) << 16;
    let tens = (pairs * 103) >> 10 & 0x000f_000f_000f_000f;
    (tens | (pairs - tens * 10) << 8) | 0x3030_3030_3030_3030
}

/// How many digits a number is written with: `digits`, or as many as it needs. `None` when it does not fit.
#[inline]
pub(crate) fn digits_of(value: i64, digits: Option<usize>) -> Option<usize> {
    let value = u64::try_from(value).ok()?;
    let needed = || value.checked_ilog10().map_or(1, |log| log as usize + 1);
    let len = digits.unwrap_or_else(needed);
    let limit = 10u64.checked_pow(u32::try_from(len).ok()?)?;
    (value < limit && (1..=DIGITS_MAX).contains(&len)).then_some(len)
}

/// A number that fits `digits` in ASCII, the first digit in the lowest byte, NUL behind.
#[inline]
fn word_of_digits(value: i64, digits: usize) -> u128 {
    let value = value.cast_unsigned();
    if digits <= 8 {
        return u128::from(ascii_of_eight(value) >> (8 * (8 - digits)));
    }
    let ascii = u128::from(ascii_of_eight(value / TEN_TO_8)) | u128::from(ascii_of_eight(value % TEN_TO_8)) << 64;
    ascii >> (8 * (DIGITS_MAX - digits))
}

/// Writes a column of NUL-padded texts. `spare` is room to work in.
pub(crate) fn put<const N: usize>(texts: &[[u8; N]], spare: &mut Vec<i64>, out: &mut Vec<u8>) {
    let first = texts.first().copied().unwrap_or([0; N]);
    if texts.iter().all(|text| *text == first) {
        let len = width_of(&first);
        out.push(CONSTANT);
        out.push(u8::try_from(len).expect("texts are short"));
        out.extend_from_slice(first.split_at(len).0);
        return;
    }
    if put_digits(texts, spare, out) {
        return;
    }
    let mut used = [0; N];
    for text in texts {
        for (byte, text) in used.iter_mut().zip(text) {
            *byte |= text;
        }
    }
    let width = width_of(&used);
    out.push(FIXED);
    out.push(u8::try_from(width).expect("texts are short"));
    for text in texts {
        out.extend_from_slice(text.split_at(width).0);
    }
}

/// Bytes before the padding.
fn width_of<const N: usize>(padded: &[u8; N]) -> usize {
    padded.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

/// Writes the column as numbers where all texts are; otherwise nothing.
fn put_digits<const N: usize>(texts: &[[u8; N]], spare: &mut Vec<i64>, out: &mut Vec<u8>) -> bool {
    spare.clear();
    spare.reserve(texts.len());
    let (mut same_len, mut no_zeros, mut len) = (true, true, None);
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    for padded in texts {
        let Some((head, tail)) = padded.split_first_chunk::<DIGITS_MAX>() else { return false };
        let bytes = u128::from_le_bytes(*head);
        let text_len = (128 - bytes.leading_zeros() as usize).div_ceil(8);
        let Some(value) = decimal_of_word(bytes, text_len) else { return false };
        same_len &= *len.get_or_insert(text_len) == text_len;
        no_zeros &= text_len == 1 || head.first() != Some(&b'0');
        if !(same_len || no_zeros) || tail.iter().any(|&byte| byte != 0) {
            return false;
        }
        min = min.min(value);
        max = max.max(value);
        spare.push(value);
    }
    if same_len {
        out.push(PADDED);
        out.push(u8::try_from(len.unwrap_or(1)).expect("numbers have few digits"));
    } else {
        out.push(PLAIN);
    }
    number::put(spare, |value| value, (min, max), out);
    true
}

/// A stored column of texts.
pub(crate) enum Texts<'a> {
    Constant(&'a [u8]),
    Digits { digits: Option<usize>, numbers: Numbers<'a> },
    Fixed { width: usize, bytes: &'a [u8] },
}

impl<'a> Texts<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>, rows: usize) -> Result<Self, Corrupt> {
        Ok(match reader.u8()? {
            CONSTANT => {
                let len = reader.u8()?;
                Self::Constant(reader.take(usize::from(len))?)
            }
            PADDED => Self::Digits { digits: Some(usize::from(reader.u8()?)), numbers: Numbers::read(reader, rows)? },
            PLAIN => Self::Digits { digits: None, numbers: Numbers::read(reader, rows)? },
            FIXED => {
                let width = usize::from(reader.u8()?);
                Self::Fixed { width, bytes: reader.take(rows * width)? }
            }
            _ => return Err(Corrupt("a column of texts has an unknown shape")),
        })
    }

    /// The text that all rows have.
    pub(crate) const fn constant(&self) -> Option<&'a [u8]> {
        match self {
            Self::Constant(text) => Some(text),
            _ => None,
        }
    }

    /// Gives the rows from `at` on their texts; `values` is as long as `rows`. False when a text is none.
    pub(crate) fn fill<R, const N: usize>(&self, at: usize, rows: &mut [R], values: &mut [i64], slot: impl Fn(&mut R) -> &mut Text<N>) -> bool {
        let mut good = true;
        match *self {
            Self::Constant(text) => {
                let text = Text::new(text);
                good &= text.is_some();
                rows.iter_mut().for_each(|row| *slot(row) = text.unwrap_or_default());
            }
            Self::Digits { digits, numbers } => {
                numbers.unpack(at, values);
                for (row, &value) in rows.iter_mut().zip(values.iter()) {
                    let mut padded = [0; N];
                    let word = digits_of(value, digits).map(|digits| word_of_digits(value, digits).to_le_bytes());
                    let fits = padded.first_chunk_mut::<DIGITS_MAX>().zip(word).map(|(head, word)| *head = word);
                    let text = fits.and_then(|()| Text::from_padded(padded));
                    good &= text.is_some();
                    *slot(row) = text.unwrap_or_default();
                }
            }
            Self::Fixed { width, bytes } => {
                let bytes = bytes.get(at * width..).unwrap_or_default();
                for (row, bytes) in rows.iter_mut().zip(bytes.chunks_exact(width.max(1))) {
                    let mut padded = [0; N];
                    let fits = padded.get_mut(..width).map(|slot| slot.copy_from_slice(bytes));
                    let text = fits.and_then(|()| Text::from_padded(padded));
                    good &= text.is_some();
                    *slot(row) = text.unwrap_or_default();
                }
            }
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_read_as_std_reads_them(value in 0i64..10_000_000_000_000_000, digits in 1usize..17) {
            let plain = value.to_string();
            prop_assert_eq!(decimal_of(plain.as_bytes()), Some(value));
            prop_assert_eq!(digits_of(value, None), Some(plain.len()));
            let padded = format!("{value:0digits$}");
            let fits = digits_of(value, Some(digits));
            prop_assert_eq!(fits, (padded.len() == digits).then_some(digits));
            prop_assert_eq!(word_of_digits(value, padded.len()), word_of(padded.as_bytes()).expect("short"));
            prop_assert_eq!(decimal_of(padded.as_bytes()), Some(value));
        }

        #[test]
        fn what_is_no_number_is_not_read_as_one(text in prop::collection::vec(any::<u8>(), 0..20)) {
            let expected = (!text.is_empty() && text.len() <= DIGITS_MAX && text.iter().all(u8::is_ascii_digit)).then(|| std::str::from_utf8(&text).expect("digits").parse().expect("fits"));
            prop_assert_eq!(decimal_of(&text), expected);
        }

        #[test]
        fn texts_come_back(texts in prop::collection::vec(prop_oneof!["[0-9]{1,18}", "[0-9]{7}", "[a-z布0-9]{0,5}"], 1..100), only in 0usize..4) {
            let texts: Vec<Text<24>> = texts.iter().filter(|text| match only { 0 => true, 1 => text.len() == 7, 2 => text.parse::<u32>().is_ok(), _ => **text == texts[0] })
                .map(|text| Text::new(text.as_bytes()).expect("short")).collect();
            let mut bytes = Vec::new();
            let padded: Vec<[u8; 24]> = texts.iter().map(|text| *text.padded()).collect();
            put(&padded, &mut Vec::new(), &mut bytes);
            let mut reader = Reader::new(&bytes);
            let stored = Texts::read(&mut reader, texts.len()).expect("written just now");
            reader.finish().expect("all read");
            let mut back = vec![Text::<24>::EMPTY; texts.len()];
            prop_assert!(stored.fill(0, &mut back, &mut vec![0; texts.len()], |slot| slot));
            prop_assert_eq!(back, texts);
        }
    }
}
