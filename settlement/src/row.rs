//! A row of a CSV file under construction: integers, texts and quoting, without formatting machinery.
//!
//! Every field is followed by its comma, and [`Row::end`] turns the last one into the line end. Short fields are stored as
//! one wide copy of which the tail is overwritten by the next field: that is what makes a line cheap.

use domain::Text;

/// Fields of at most this many bytes, comma included, are held ready in a [`Cell`].
const CELL_BYTES: usize = 32;

/// Three digits and, in the fourth byte, how many of them are leading zeros.
static TRIPLES: [[u8; 4]; 1000] = triples();

#[allow(clippy::indexing_slicing, reason = "the compiler evaluates it, and would refuse an index out of bounds")]
const fn triples() -> [[u8; 4]; 1000] {
    let mut table = [[0; 4]; 1000];
    let mut n = 0;
    while n < 1000 {
        let leading = if n < 10 {
            2
        } else if n < 100 {
            1
        } else {
            0
        };
        table[n] = [b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8, leading];
        n += 1;
    }
    table
}

/// A field made ready: quoted where it must be, comma included.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Short { bytes: [u8; CELL_BYTES], len: u8 },
    Long(Box<[u8]>),
}

impl Cell {
    pub fn new(text: &[u8]) -> Self {
        let mut row = Row::default();
        row.text(text);
        let field = row.as_bytes();
        let mut bytes = [0; CELL_BYTES];
        match (bytes.get_mut(..field.len()), u8::try_from(field.len())) {
            (Some(start), Ok(len)) => {
                start.copy_from_slice(field);
                Self::Short { bytes, len }
            }
            _ => Self::Long(Box::from(field)),
        }
    }
}

/// Bytes of a line so far. Reused from line to line.
#[derive(Debug, Default)]
pub(crate) struct Row {
    bytes: Vec<u8>,
    at: usize,
}

impl Row {
    pub fn clear(&mut self) {
        self.at = 0;
    }

    pub const fn len(&self) -> usize {
        self.at
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.at).expect("what was written is there")
    }

    /// Room for `N` more bytes, of which the caller claims what it needs by moving `at`.
    #[inline]
    fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        if self.bytes.len() < self.at + N {
            self.grow(N);
        }
        self.bytes.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut()).expect("room was made")
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        self.bytes.resize((self.at + more) * 2 + 256, 0);
    }

    /// Bytes as they are, without a comma.
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.bytes.len() < self.at + bytes.len() {
            self.grow(bytes.len());
        }
        self.bytes.get_mut(self.at..self.at + bytes.len()).expect("room was made").copy_from_slice(bytes);
        self.at += bytes.len();
    }

    #[inline]
    pub fn comma(&mut self) {
        *self.room() = [b','];
        self.at += 1;
    }

    /// The line's end in the place of the last comma.
    #[inline]
    pub fn end(&mut self) {
        if let Some(last) = self.at.checked_sub(1).and_then(|last| self.bytes.get_mut(last)) {
            *last = b'\n';
        }
    }

    #[inline]
    pub fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Short { bytes, len } => {
                *self.room() = *bytes;
                self.at += usize::from(*len);
            }
            Cell::Long(bytes) => self.raw(bytes),
        }
    }

    /// The first `len` bytes of a fixed field.
    #[inline]
    pub fn fixed<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        *self.room() = *bytes;
        self.at += len.min(N);
    }

    /// Any text as a field: quoted when it holds a comma, a quote or a line end (RFC 4180).
    pub fn text(&mut self, text: &[u8]) {
        if text.iter().any(|&byte| is_special(byte)) {
            self.raw(b"\"");
            for part in text.split_inclusive(|&byte| byte == b'"') {
                self.raw(part);
                if part.ends_with(b"\"") {
                    self.raw(b"\"");
                }
            }
            self.raw(b"\"");
        } else {
            self.raw(text);
        }
        self.comma();
    }

    /// A text of the record as a field.
    #[inline]
    pub fn short_text<const N: usize>(&mut self, text: &Text<N>) {
        if text.padded().iter().fold(false, |special, &byte| special | is_special(byte)) {
            return self.text(text.as_bytes());
        }
        self.fixed(text.padded(), text.as_bytes().len());
        self.comma();
    }

    #[inline]
    pub fn signed(&mut self, number: i64) {
        if number < 0 {
            self.raw(b"-");
        }
        self.digits(number.unsigned_abs());
        self.comma();
    }

    #[inline]
    pub fn unsigned(&mut self, number: u64) {
        self.digits(number);
        self.comma();
    }

    /// Decimal digits, no comma.
    #[inline]
    pub fn digits(&mut self, number: u64) {
        if number < 1_000 {
            self.leading(number);
        } else if number < 1_000_000 {
            self.leading(number / 1_000);
            self.triple(number % 1_000);
        } else {
            self.many_digits(number);
        }
    }

    fn many_digits(&mut self, number: u64) {
        if number < 1_000_000_000 {
            self.leading(number / 1_000_000);
        } else {
            self.digits(number / 1_000_000_000);
            self.triple(number / 1_000_000 % 1_000);
        }
        self.triple(number / 1_000 % 1_000);
        self.triple(number % 1_000);
    }

    #[inline]
    fn leading(&mut self, below_1000: u64) {
        let triple = triple_of(below_1000);
        let skip = triple[3];
        *self.room() = (u32::from_le_bytes(triple) >> (8 * u32::from(skip))).to_le_bytes();
        self.at += 3 - usize::from(skip);
    }

    #[inline]
    fn triple(&mut self, below_1000: u64) {
        *self.room() = triple_of(below_1000);
        self.at += 3;
    }
}

/// Digits of a number below 1,000, zero-padded; the fourth byte counts its leading zeros.
#[inline]
pub(crate) fn triple_of(below_1000: u64) -> [u8; 4] {
    *TRIPLES.get(below_1000 as usize).expect("callers divide by 1,000")
}

#[inline]
const fn is_special(byte: u8) -> bool {
    matches!(byte, b',' | b'"' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(write: impl FnOnce(&mut Row)) -> String {
        let mut row = Row::default();
        write(&mut row);
        row.end();
        String::from_utf8(row.as_bytes().to_vec()).expect("UTF-8")
    }

    #[test]
    fn fields_are_quoted_only_where_they_must_be() {
        assert_eq!(fields(|row| row.text(b"plain")), "plain\n");
        assert_eq!(fields(|row| row.text("布,吉".as_bytes())), "\"布,吉\"\n");
        assert_eq!(fields(|row| row.text(b"a\"b\"")), "\"a\"\"b\"\"\"\n");
        assert_eq!(fields(|row| row.text(b"")), "\n");
        let long = "x".repeat(40);
        assert_eq!(fields(|row| row.cell(&Cell::new(long.as_bytes()))), format!("{long}\n"));
        assert_eq!(fields(|row| row.cell(&Cell::new(b"a\nb"))), "\"a\nb\"\n");
        assert_eq!(fields(|row| row.short_text(&Text::<8>::new(b"a,b").expect("short"))), "\"a,b\"\n");
        assert_eq!(fields(|row| row.short_text(&Text::<8>::new(b"12345678").expect("short"))), "12345678\n");
        assert_eq!(fields(|row| row.short_text(&Text::<8>::EMPTY)), "\n");
    }

    proptest! {
        #[test]
        fn numbers_print_as_the_library_prints_them(numbers in prop::collection::vec(any::<i64>(), 1..8), shifts in prop::collection::vec(0u32..64, 8)) {
            for (number, shift) in numbers.iter().zip(&shifts) {
                let number = number >> shift;
                prop_assert_eq!(fields(|row| row.signed(number)), format!("{number}\n"));
                prop_assert_eq!(fields(|row| row.unsigned(number.unsigned_abs())), format!("{}\n", number.unsigned_abs()));
            }
        }
    }

    #[test]
    fn edges_of_the_digit_groups_print() {
        for number in [0, 9, 10, 99, 100, 999, 1_000, 999_999, 1_000_000, 999_999_999, 1_000_000_000, u64::MAX] {
            assert_eq!(fields(|row| row.unsigned(number)), format!("{number}\n"));
        }
        assert_eq!(fields(|row| row.signed(i64::MIN)), format!("{}\n", i64::MIN));
    }
}
