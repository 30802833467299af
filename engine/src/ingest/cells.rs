//! The cells of one row, wherever it came from: CSV split by hand or by csv-core, or the members of a JSON object.
//!
//! A row without a quote is split eight bytes at a time; one with a quote goes to csv-core. Both give the same cells.

use super::csv_rows::is_line_end;
use super::mapping::Column;
use super::numbers::Span;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A row as the field readers see it.
pub(super) struct Row<'a> {
    pub text: &'a [u8],
    spans: &'a [Span],
    places: &'a [usize],
    tidy: Option<&'a Tidy>,
}

/// What is done to every cell before it is read.
pub(super) struct Tidy {
    pub trim: bool,
    pub absent: Vec<Box<[u8]>>,
}

/// A column that a file lacks.
pub(super) const NO_PLACE: usize = usize::MAX;

impl<'a> Row<'a> {
    pub const fn new(text: &'a [u8], spans: &'a [Span], places: &'a [usize], tidy: Option<&'a Tidy>) -> Self {
        Self { text, spans, places, tidy }
    }

    /// Where a slot's text is; empty where it is absent.
    #[inline(always)]
    pub fn cell(&self, slot: usize) -> Span {
        let span = self.places.get(slot).and_then(|&place| self.spans.get(place)).copied().unwrap_or_default();
        match self.tidy {
            None => span,
            Some(tidy) => tidy.tidied(self.text, span),
        }
    }
}

impl Tidy {
    fn tidied(&self, text: &[u8], mut span: Span) -> Span {
        if self.trim {
            let bytes = span.of(text);
            let blanks = bytes.len() - bytes.trim_ascii_start().len();
            // At most as long as the span, which fits.
            span.from += blanks as u32;
            span.to = span.from + bytes.trim_ascii().len() as u32;
        }
        let bytes = span.of(text);
        if self.absent.iter().any(|absent| **absent == *bytes) { Span::default() } else { span }
    }
}

const fn repeated(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The high bit of every byte of `word` that equals the repeated byte, exactly.
#[inline]
const fn equal(word: u64, repeated: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differs = word ^ repeated;
    !((differs & LOW).wrapping_add(LOW) | differs | LOW)
}

/// Splits the row of unquoted CSV that begins at `from`, adding its cells to `spans`; gives the place of its line end, or the
/// text's length.
#[inline]
pub(super) fn split_row(text: &[u8], from: usize, delimiter: u8, spans: &mut Vec<Span>) -> usize {
    let pattern = repeated(delimiter);
    let mut start = from as u32;
    let mut at = from;
    while let Some(bytes) = text.get(at..at + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
        let word = u64::from_le_bytes(bytes);
        let ends = equal(word, repeated(b'\n')) | equal(word, repeated(b'\r'));
        let mut stops = equal(word, pattern) | ends;
        while stops != 0 {
            let bit = stops.trailing_zeros();
            let stop = at + bit as usize / 8;
            spans.push(Span { from: start, to: stop as u32 });
            if ends >> bit & 1 != 0 {
                return stop;
            }
            start = stop as u32 + 1;
            stops &= stops - 1;
        }
        at += 8;
    }
    for (stop, &byte) in text.iter().enumerate().skip(at) {
        if byte == delimiter || is_line_end(byte) {
            spans.push(Span { from: start, to: stop as u32 });
            if byte != delimiter {
                return stop;
            }
            start = stop as u32 + 1;
        }
    }
    spans.push(Span { from: start, to: text.len() as u32 });
    text.len()
}

/// Splits rows with quotes by csv-core into a buffer of its own.
pub(super) struct QuotedRows {
    reader: csv_core::Reader,
    ends: Vec<usize>,
    pub text: Vec<u8>,
}

impl QuotedRows {
    pub fn new(delimiter: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, ends: vec![0; 64], text: vec![0; 4096] }
    }

    /// Splits the row that begins at `from` into `spans` of `self.text`; gives where the next row begins.
    pub fn split(&mut self, text: &[u8], from: usize, spans: &mut Vec<Span>) -> usize {
        use csv_core::ReadRecordResult::{End, InputEmpty, OutputEndsFull, OutputFull, Record};
        self.reader.reset();
        let (mut read, mut written, mut fields) = (from, 0, 0);
        loop {
            let input = text.get(read..).unwrap_or_default();
            let output = self.text.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(fields..).unwrap_or_default();
            let (result, used, wrote, ended) = self.reader.read_record(input, output, ends);
            read += used;
            written += wrote;
            fields += ended;
            match result {
                // The end of the text: an empty read ends the record.
                InputEmpty if input.is_empty() => break,
                InputEmpty => {}
                OutputFull => self.text.resize(self.text.len() * 2, 0),
                OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                Record | End => break,
            }
        }
        spans.clear();
        let mut start = 0;
        for &end in self.ends.get(..fields).unwrap_or_default() {
            spans.push(Span { from: start, to: end as u32 });
            start = end as u32;
        }
        read
    }
}

/// The fields of a single CSV row.
pub(super) fn fields_of(row: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut rows = QuotedRows::new(delimiter);
    let mut spans = Vec::new();
    rows.split(row, 0, &mut spans);
    spans.into_iter().map(|span| span.of(&rows.text).to_vec()).collect()
}

/// The members of a JSON object that are columns.
pub(super) struct JsonCells<'c> {
    pub columns: &'c [Column],
    pub text: &'c mut Vec<u8>,
    pub spans: &'c mut Vec<Span>,
    /// The column whose value is no plain value or stands there twice.
    pub bad: &'c mut Option<(usize, &'static str)>,
}

impl JsonCells<'_> {
    /// Fills `text` and `spans` from one record; `false` when it is no sound JSON object.
    pub fn read(self, record: &[u8]) -> bool {
        self.text.clear();
        self.spans.clear();
        self.spans.resize(self.columns.len(), Span::default());
        *self.bad = None;
        let mut json = serde_json::Deserializer::from_slice(record);
        json.deserialize_map(self).is_ok() && json.end().is_ok()
    }
}

impl<'de> Visitor<'de> for JsonCells<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut given = [0_u64; 4];
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let slot = self.columns.iter().position(|column| matches!(column, Column::Name(name) if *name == key.0));
            let value: &RawValue = map.next_value()?;
            let Some(slot) = slot else { continue };
            // Mappings use a few dozen columns; a slot beyond 255 is not checked for being there twice.
            if let Some(bits) = given.get_mut(slot / 64) {
                if *bits >> (slot % 64) & 1 != 0 {
                    self.bad.get_or_insert((slot, "is given twice"));
                }
                *bits |= 1 << (slot % 64);
            }
            let from = self.text.len() as u32;
            let raw = value.get();
            match raw.as_bytes() {
                b"null" => continue,
                [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => self.text.extend_from_slice(inner),
                [b'"', ..] => {
                    let text: String = serde_json::from_str(raw).map_err(A::Error::custom)?;
                    self.text.extend_from_slice(text.as_bytes());
                }
                [b'{' | b'[', ..] => {
                    self.bad.get_or_insert((slot, "is not a plain value"));
                }
                plain => self.text.extend_from_slice(plain),
            }
            if let Some(span) = self.spans.get_mut(slot) {
                *span = Span { from, to: self.text.len() as u32 };
            }
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
