//! A column of numbers: constant, affine, or its smallest value and the distance of each from it.
//!
//! Arithmetic wraps on purpose: unsigned 64-bit values travel as `i64` of the same bits, and come back as they went.
//!
//! ```text
//! 0                           all zero
//! 1  value:8                  all the same
//! 2  first:8 step:8           first + row × step
//! 3  min:8 bits               min, or min + 1 where the bit is set (bit 0 of byte 0 is row 0)
//! 4  rest:2 column            rest + 1000 × the column's value: times in whole seconds
//! 16+w  min:8 rows×w bytes    min + an unsigned number of w bytes, w from 1 to 8
//! ```

use super::bytes::{Corrupt, Reader};

const ZERO: u8 = 0;
const CONSTANT: u8 = 1;
const AFFINE: u8 = 2;
const BITS: u8 = 3;
const SCALED: u8 = 4;
const BYTES: u8 = 16;

/// Milliseconds to the second: the one scale that columns of times are tried with.
const SCALE: i64 = 1000;

pub(crate) fn put_constant(value: i64, out: &mut Vec<u8>) {
    if value == 0 {
        out.push(ZERO);
    } else {
        out.push(CONSTANT);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Writes values whose smallest and largest are known. `value` gives each from how it is stored here.
pub(crate) fn put<T: Copy>(stored: &[T], value: impl Fn(T) -> i64 + Copy, (min, max): (i64, i64), out: &mut Vec<u8>) {
    let (Some(&first), true) = (stored.first(), min < max) else {
        return put_constant(min, out);
    };
    if let Some(step) = step_of(stored, value) {
        out.push(AFFINE);
        out.extend_from_slice(&value(first).to_le_bytes());
        out.extend_from_slice(&step.to_le_bytes());
        return;
    }
    let span = max.wrapping_sub(min).cast_unsigned();
    if span == 1 {
        out.push(BITS);
        out.extend_from_slice(&min.to_le_bytes());
        out.extend(stored.chunks(8).map(|eight| eight.iter().rev().fold(0u8, |byte, &stored| byte << 1 | u8::from(value(stored) != min))));
        return;
    }
    let width = width_of(span);
    out.push(BYTES + width);
    out.extend_from_slice(&min.to_le_bytes());
    match width {
        1 => pack::<1, T>(stored, value, min, out),
        2 => pack::<2, T>(stored, value, min, out),
        3 => pack::<3, T>(stored, value, min, out),
        4 => pack::<4, T>(stored, value, min, out),
        5 => pack::<5, T>(stored, value, min, out),
        6 => pack::<6, T>(stored, value, min, out),
        7 => pack::<7, T>(stored, value, min, out),
        _ => pack::<8, T>(stored, value, min, out),
    }
}

/// Writes values, looking for their range itself.
pub(crate) fn put_any(values: &[i64], out: &mut Vec<u8>) {
    let min = values.iter().copied().min().unwrap_or(0);
    let max = values.iter().copied().max().unwrap_or(0);
    put(values, |value| value, (min, max), out);
}

/// Writes times: where all lie the same number of milliseconds after a whole second, only the seconds vary.
pub(crate) fn put_times<T: Copy>(stored: &[T], value: impl Fn(T) -> i64 + Copy, (min, max): (i64, i64), out: &mut Vec<u8>) {
    let rest = min.rem_euclid(SCALE);
    if min == max || stored.iter().any(|&stored| value(stored).rem_euclid(SCALE) != rest) {
        return put(stored, value, (min, max), out);
    }
    out.push(SCALED);
    out.extend_from_slice(&u16::try_from(rest).expect("less than the scale").to_le_bytes());
    put(stored, |stored| value(stored).div_euclid(SCALE), (min.div_euclid(SCALE), max.div_euclid(SCALE)), out);
}

fn step_of<T: Copy>(stored: &[T], value: impl Fn(T) -> i64) -> Option<i64> {
    let [first, second, ..] = *stored else { return None };
    let step = value(second).wrapping_sub(value(first));
    // Most columns fail within the first rows; only an affine one is read to its end.
    stored.array_windows::<2>().all(|&[one, next]| value(next).wrapping_sub(value(one)) == step).then_some(step)
}

fn width_of(span: u64) -> u8 {
    let bits = u64::BITS - span.leading_zeros();
    u8::try_from(bits.div_ceil(8)).expect("at most eight bytes")
}

fn pack<const W: usize, T: Copy>(stored: &[T], value: impl Fn(T) -> i64, min: i64, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + stored.len() * W, 0);
    let (slots, _) = out.split_at_mut(start).1.as_chunks_mut::<W>();
    for (slot, &stored) in slots.iter_mut().zip(stored) {
        let bytes = value(stored).wrapping_sub(min).to_le_bytes();
        *slot = *bytes.first_chunk::<W>().expect("a width is at most eight");
    }
}

/// A stored column of numbers, read row by row without being unpacked as a whole.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<'a> {
    shape: Shape<'a>,
    scaled: Option<i64>,
}

#[derive(Clone, Copy)]
enum Shape<'a> {
    Constant(i64),
    Affine { first: i64, step: i64 },
    Bits { min: i64, bits: &'a [u8] },
    Bytes { min: i64, width: u8, bytes: &'a [u8] },
}

impl<'a> Numbers<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>, rows: usize) -> Result<Self, Corrupt> {
        let mut tag = reader.u8()?;
        let mut scaled = None;
        if tag == SCALED {
            scaled = Some(i64::from(reader.u16()?));
            tag = reader.u8()?;
        }
        let shape = match tag {
            ZERO => Shape::Constant(0),
            CONSTANT => Shape::Constant(reader.i64()?),
            AFFINE => Shape::Affine { first: reader.i64()?, step: reader.i64()? },
            BITS => Shape::Bits { min: reader.i64()?, bits: reader.take(rows.div_ceil(8))? },
            17..=24 => {
                let width = tag - BYTES;
                Shape::Bytes { min: reader.i64()?, width, bytes: reader.take(rows * usize::from(width))? }
            }
            _ => return Err(Corrupt("a column of numbers has an unknown shape")),
        };
        Ok(Self { shape, scaled })
    }

    /// The value that all rows have.
    pub(crate) fn constant(&self) -> Option<i64> {
        match self.shape {
            Shape::Constant(value) => Some(self.scaled.map_or(value, |rest| value.wrapping_mul(SCALE).wrapping_add(rest))),
            _ => None,
        }
    }

    /// The values of the rows from `at` on, as many as there is room for. `at` is a multiple of eight.
    pub(crate) fn unpack(&self, at: usize, values: &mut [i64]) {
        match self.shape {
            Shape::Constant(value) => values.fill(value),
            Shape::Affine { first, step } => {
                let mut next = first.wrapping_add(step.wrapping_mul(i64::try_from(at).expect("rows fit i64")));
                for value in values.iter_mut() {
                    *value = next;
                    next = next.wrapping_add(step);
                }
            }
            Shape::Bits { min, bits } => {
                let bytes = bits.get(at / 8..).unwrap_or_default();
                for (eight, byte) in values.chunks_mut(8).zip(bytes) {
                    for (bit, value) in eight.iter_mut().enumerate() {
                        *value = min.wrapping_add(i64::from(byte >> bit & 1));
                    }
                }
            }
            Shape::Bytes { min, width, bytes } => {
                let bytes = bytes.get(at * usize::from(width)..).unwrap_or_default();
                match width {
                    1 => unpack::<1>(bytes, min, values),
                    2 => unpack::<2>(bytes, min, values),
                    3 => unpack::<3>(bytes, min, values),
                    4 => unpack::<4>(bytes, min, values),
                    5 => unpack::<5>(bytes, min, values),
                    6 => unpack::<6>(bytes, min, values),
                    7 => unpack::<7>(bytes, min, values),
                    _ => unpack::<8>(bytes, min, values),
                }
            }
        }
        if let Some(rest) = self.scaled {
            for value in values {
                *value = value.wrapping_mul(SCALE).wrapping_add(rest);
            }
        }
    }

    /// All values at once.
    pub(crate) fn all(&self, rows: usize) -> Vec<i64> {
        let mut values = vec![0; rows];
        self.unpack(0, &mut values);
        values
    }
}

fn unpack<const W: usize>(bytes: &[u8], min: i64, values: &mut [i64]) {
    let (chunks, _) = bytes.as_chunks::<W>();
    for (value, chunk) in values.iter_mut().zip(chunks) {
        let mut wide = [0; 8];
        *wide.first_chunk_mut::<W>().expect("a width is at most eight") = *chunk;
        *value = min.wrapping_add(i64::from_le_bytes(wide));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(bytes: &[u8], rows: usize) -> Vec<i64> {
        let mut reader = Reader::new(bytes);
        let numbers = Numbers::read(&mut reader, rows).expect("written just now");
        reader.finish().expect("all read");
        numbers.all(rows)
    }

    #[test]
    fn what_repeats_or_counts_takes_no_room() {
        for (values, len) in [
            (vec![0; 1000], 1),
            (vec![-7; 1000], 9),
            ((0..1000).map(|row| 5 + 3 * row).collect(), 17),
            ((0..1000).map(|row| row / 2 % 2).collect(), 9 + 125),
            ((0..1000).map(|row| row * row % 251).collect(), 9 + 1000),
            ((0..1000).map(|row| row * row % 70_001).collect(), 9 + 3000),
            (vec![i64::MIN, i64::MAX, 0], 9 + 24),
        ] {
            let mut bytes = Vec::new();
            put_any(&values, &mut bytes);
            assert_eq!(bytes.len(), len);
            assert_eq!(back(&bytes, values.len()), values);
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec(any::<i64>(), 0..200), shift in 0u32..64) {
            let values: Vec<i64> = values.into_iter().map(|value| value >> shift).collect();
            let mut bytes = Vec::new();
            put_any(&values, &mut bytes);
            prop_assert_eq!(back(&bytes, values.len()), values);
        }

        #[test]
        fn times_come_back(values in prop::collection::vec(-1_000_000i64..1_000_000, 1..200), rest in 0i64..1000, whole in any::<bool>()) {
            let values: Vec<i64> = values.into_iter().map(|value| if whole { value * 1000 + rest } else { value }).collect();
            let range = (*values.iter().min().expect("some"), *values.iter().max().expect("some"));
            let mut bytes = Vec::new();
            put_times(&values, |value| value, range, &mut bytes);
            prop_assert_eq!(back(&bytes, values.len()), values);
        }
    }
}
