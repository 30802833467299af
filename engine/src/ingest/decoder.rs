//! Rows into records, by the mapping's plan. The hot path of ingest.
//!
//! One decoder a worker thread; none waits for another. A bad row is refused with its number, its column and what is wrong,
//! never with what stood there, and stops nothing: every row of a chunk ends as one record or as one refusal.

use super::capture::{self, PackageRefusal};
use super::card::{DoorKeys, Pan};
use super::cells::{JsonCells, NO_PLACE, QuotedRows, Row, Tidy, split_row};
use super::csv_rows::is_line_end;
use super::feed::Slot;
use super::layout::Layout;
use super::mapping::{Format, Section};
use super::numbers::Span;
use super::record_reader::RecordReader;
use super::source::{Body, Chunk};
use domain::symbol::SymbolCache;
use domain::{CardToken, Record, SymbolTable};
use std::ops::Range;
use std::sync::Arc;

/// What became of a chunk's rows.
#[derive(Default)]
pub struct Decoded {
    pub records: Vec<Record>,
    /// The row that each record stood in; a file's data rows count from 1.
    pub rows: Vec<u64>,
    pub refusals: Vec<Refusal>,
    /// The card numbers behind the records' tokens, each once a chunk, for the vault.
    pub cards: Vec<(CardToken, Pan)>,
    /// Packages of a capture refused whole; their rows are neither records nor refusals.
    pub packages: Vec<PackageRefusal>,
}

impl Decoded {
    pub fn clear(&mut self) {
        self.records.clear();
        self.rows.clear();
        self.refusals.clear();
        self.cards.clear();
        self.packages.clear();
    }

    /// Puts down the row of the record that was added last, and hands on what has come together.
    #[inline]
    fn took(&mut self, row: u64, each: &mut impl FnMut(&[Record], &[u64])) {
        self.rows.push(row);
        if self.rows.len() == PIECE_RECORDS {
            each(&self.records, &self.rows);
            self.records.clear();
            self.rows.clear();
        }
    }
}

/// Records handed on at once.
const PIECE_RECORDS: usize = 64;
/// Plain rows that are split before the first of them is read: their names are fetched together.
const ROWS_AHEAD: usize = 32;

/// A row that became no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub row: u64,
    /// As the mapping names it; empty where the whole row is meant.
    pub column: String,
    pub problem: &'static str,
}

/// What is wrong with a row, and in which of the used columns. Boxed: good rows are the rule, and a result that fits two
/// registers is returned in them.
pub(super) struct Bad(Box<(Option<Slot>, &'static str)>);

impl Bad {
    #[cold]
    pub fn of(slot: Slot, problem: &'static str) -> Self {
        Self(Box::new((Some(slot), problem)))
    }

    #[cold]
    pub fn of_row(problem: &'static str) -> Self {
        Self(Box::new((None, problem)))
    }
}

const WRONG_WIDTH: &str = "has another number of fields than the header";
/// The problem of a row that the file's encoding does not explain.
pub const WRONG_TEXT: &str = "is not text in the file's encoding";
const WRONG_NUL: &str = "holds a NUL byte";
const WRONG_JSON: &str = "is not a JSON object";

/// Turns the chunks of one file into records.
pub struct Decoder<'t> {
    section: Section,
    symbols: SymbolCache<'t>,
    reader: Option<RecordReader>,
    tidy: Option<Tidy>,
    layout: Arc<Layout>,
    places: Vec<usize>,
    spans: Vec<Span>,
    /// Rows that are split and not read yet: where their bytes are, and their cells in `spans`.
    ahead: Vec<(Range<usize>, Range<usize>)>,
    quoted: Option<QuotedRows>,
    scratch: Vec<u8>,
}

impl<'t> Decoder<'t> {
    #[must_use]
    pub fn new(section: &Section, symbols: &'t SymbolTable, keys: DoorKeys, file_digest: [u8; 32]) -> Self {
        let mut symbols = SymbolCache::new(symbols);
        let reader = section.feeds.as_deref().map(|feeds| RecordReader::new(feeds, &mut symbols, keys, &file_digest));
        let tidy = (section.trim || !section.absent.is_empty())
            .then(|| Tidy { trim: section.trim, absent: section.absent.iter().map(|text| Box::from(text.as_bytes())).collect() });
        let quoted = match section.format {
            Format::Csv { delimiter, .. } => Some(QuotedRows::new(delimiter)),
            _ => None,
        };
        Self {
            section: section.clone(),
            symbols,
            reader,
            tidy,
            layout: Arc::default(),
            places: Vec::new(),
            spans: Vec::new(),
            ahead: Vec::new(),
            quoted,
            scratch: Vec::new(),
        }
    }

    #[must_use]
    pub fn decode(&mut self, chunk: &Chunk) -> Decoded {
        let (mut records, mut rows) = (Vec::new(), Vec::new());
        let mut decoded = Decoded::default();
        self.decode_pieces(chunk, &mut decoded, |some, their_rows| {
            records.extend_from_slice(some);
            rows.extend_from_slice(their_rows);
        });
        Decoded { records, rows, ..decoded }
    }

    /// The same, but records and their rows are handed on a few at a time, while they are in the processor's first cache.
    /// `decoded` is left with the rest; what was in it is gone.
    pub fn decode_pieces(&mut self, chunk: &Chunk, decoded: &mut Decoded, mut each: impl FnMut(&[Record], &[u64])) {
        decoded.clear();
        if let Some(reader) = &mut self.reader {
            reader.begin();
        }
        match &chunk.body {
            Body::Csv { text, layout } => {
                self.bind(layout);
                self.csv(text, chunk.first_row, decoded, &mut each);
            }
            Body::Json { text, ends } => self.json(text, ends, chunk.first_row, decoded, &mut each),
            Body::Package { capture, at } => capture::decode(capture, *at, chunk.first_row, &mut self.symbols, decoded),
        }
        each(&decoded.records, &decoded.rows);
        decoded.records.clear();
        decoded.rows.clear();
    }

    /// Looks up the columns' places; the same for all chunks of a file.
    fn bind(&mut self, layout: &Arc<Layout>) {
        if !Arc::ptr_eq(&self.layout, layout) {
            self.layout = Arc::clone(layout);
            self.places = layout.places.iter().map(|place| place.unwrap_or(NO_PLACE)).collect();
        }
    }

    fn csv(&mut self, text: &[u8], first_row: u64, decoded: &mut Decoded, each: &mut impl FnMut(&[Record], &[u64])) {
        let Format::Csv { delimiter, .. } = self.section.format else { return };
        let (Some(reader), Some(quoted)) = (&mut self.reader, &mut self.quoted) else { return };
        let Self { section, symbols, tidy, layout, places, spans, ahead, .. } = self;
        let any_quote = memchr::memchr(b'"', text).is_some();
        let sound = std::str::from_utf8(text).is_ok() && memchr::memchr(0, text).is_none();
        let width = layout.width.unwrap_or(0);
        let needed = places.iter().filter(|&&place| place != NO_PLACE).max().map_or(0, |place| place + 1);
        let mut row = first_row;
        let mut read = |reader: &mut RecordReader, bytes: &[u8], cells_text: &[u8], spans: &[Span]| {
            let enough = if width > 0 { spans.len() == width } else { spans.len() >= needed };
            let read = if !sound && let Some(problem) = unsound(bytes) {
                Err(Bad::of_row(problem))
            } else if enough {
                let cells = Row::new(cells_text, spans, places, tidy.as_ref());
                reader.read(&cells, row, symbols, &mut decoded.records, &mut decoded.cards)
            } else {
                Err(Bad::of_row(WRONG_WIDTH))
            };
            match read {
                Ok(()) => decoded.took(row, each),
                Err(bad) => refuse(&bad, row, section, decoded),
            }
            row += 1;
        };
        let mut at = 0;
        loop {
            spans.clear();
            ahead.clear();
            let mut has_quote = false;
            while ahead.len() < ROWS_AHEAD {
                while text.get(at).copied().is_some_and(is_line_end) {
                    at += 1;
                }
                if at >= text.len() {
                    break;
                }
                has_quote = any_quote && row_has_quote(text, at);
                if has_quote {
                    break;
                }
                let (from, first) = (at, spans.len());
                at = split_row(text, from, delimiter, spans);
                ahead.push((from..at, first..spans.len()));
            }
            let rows = || ahead.iter().map(|(bytes, cells)| (bytes, spans.get(cells.clone()).unwrap_or_default()));
            let seen = rows().fold(0, |seen, (_, spans)| seen ^ reader.glance(&Row::new(text, spans, places, tidy.as_ref())));
            std::hint::black_box(seen);
            for (bytes, spans) in rows() {
                read(reader, text.get(bytes.clone()).unwrap_or_default(), text, spans);
            }
            if has_quote {
                let from = at;
                at = quoted.split(text, from, spans);
                read(reader, text.get(from..at).unwrap_or_default(), &quoted.text, spans);
            } else if ahead.is_empty() {
                break;
            }
        }
    }

    fn json(&mut self, text: &[u8], ends: &[u32], first_row: u64, decoded: &mut Decoded, each: &mut impl FnMut(&[Record], &[u64])) {
        let Some(reader) = &mut self.reader else { return };
        self.places.clear();
        self.places.extend(0..self.section.used.len());
        let mut from = 0;
        for (row, &end) in (first_row..).zip(ends) {
            let record = text.get(from..end as usize).unwrap_or_default();
            from = end as usize;
            let mut bad = None;
            let cells = JsonCells { columns: &self.section.used, text: &mut self.scratch, spans: &mut self.spans, bad: &mut bad };
            let sound = cells.read(record);
            let read = match bad {
                _ if !sound => Err(Bad::of_row(unsound(record).unwrap_or(WRONG_JSON))),
                Some((slot, problem)) => Err(Bad::of(slot, problem)),
                None => {
                    let cells = Row::new(&self.scratch, &self.spans, &self.places, self.tidy.as_ref());
                    reader.read(&cells, row, &mut self.symbols, &mut decoded.records, &mut decoded.cards)
                }
            };
            match read {
                Ok(()) => decoded.took(row, each),
                Err(bad) => refuse(&bad, row, &self.section, decoded),
            }
        }
    }
}

fn row_has_quote(text: &[u8], from: usize) -> bool {
    let rest = text.get(from..).unwrap_or_default();
    let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    memchr::memchr(b'"', rest.split_at(end).0).is_some()
}

fn unsound(row: &[u8]) -> Option<&'static str> {
    if std::str::from_utf8(row).is_err() { Some(WRONG_TEXT) } else { memchr::memchr(0, row).map(|_| WRONG_NUL) }
}

#[cold]
fn refuse(bad: &Bad, row: u64, section: &Section, decoded: &mut Decoded) {
    let (slot, problem) = *bad.0;
    let column = slot.and_then(|slot| section.used.get(slot)).map(super::mapping::Column::shown).unwrap_or_default();
    decoded.refusals.push(Refusal { row, column, problem });
}
