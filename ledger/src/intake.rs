//! Intake blocks: records as they came in, each with its row in its file.
//!
//! Every record that could be decoded is here, repeats too: which of them repeat is a list beside the records, because it
//! is known only when the blocks stand in order. Nothing is decided here.

use crate::LedgerError;
use crate::block::{Block, Draft};
use crate::codec::{BLOCK_ROWS_MAX, Corrupt, Encoder, Reader, column, number, record};
use domain::symbol::SymbolCache;
use domain::{Record, SymbolTable};

/// What to expect of a record's columns, in bytes, when room is made.
const RECORD_BYTES_EXPECTED: usize = 40;

/// An encoded intake block that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeBlock {
    pub(crate) draft: Draft,
    pub(crate) repeats: Vec<u32>,
}

/// Makes intake blocks, one after another, of records that are handed over a few at a time.
pub struct IntakeEncoder<'t> {
    encoder: Encoder<'t, Record>,
    rows: Vec<i64>,
}

impl<'t> IntakeEncoder<'t> {
    /// The records' symbols are `table`'s.
    #[must_use]
    pub fn new(table: &'t SymbolTable) -> Self {
        Self { encoder: Encoder::new(&record::RECORD, table), rows: Vec::new() }
    }

    /// Takes records with their rows (from 1) in the file.
    ///
    /// # Panics
    /// When there are not as many rows as records, or more than [`BLOCK_ROWS_MAX`] for one block.
    pub fn push(&mut self, records: &[Record], rows: &[u64]) {
        assert_eq!(records.len(), rows.len(), "every record has its row");
        self.rows.extend(rows.iter().map(|row| row.cast_signed()));
        self.encoder.push(records);
    }

    /// Records taken since the last block.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.encoder.rows()
    }

    /// The block of what was taken. Pure but for the table: for worker threads.
    ///
    /// # Panics
    /// When a symbol is not the table's.
    #[must_use]
    pub fn finish(&mut self) -> IntakeBlock {
        let Self { encoder, rows } = self;
        let count = encoder.rows();
        let draft = Draft::new(count, count * RECORD_BYTES_EXPECTED, |out| {
            number::put_any(rows, out);
            encoder.finish(out);
        });
        rows.clear();
        IntakeBlock { draft, repeats: Vec::new() }
    }
}

impl IntakeBlock {
    /// Encodes records with their rows (from 1) in the file, as [`IntakeEncoder`] does.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn encode(records: &[Record], rows: &[u64], table: &SymbolTable) -> Self {
        let mut encoder = IntakeEncoder::new(table);
        encoder.push(records, rows);
        encoder.finish()
    }

    /// Names the records, by position in this block, whose id was taken in before.
    ///
    /// # Panics
    /// When positions do not rise, or one is not in the block.
    pub fn set_repeats(&mut self, repeats: Vec<u32>) {
        assert!(repeats.is_sorted_by(|one, next| one < next), "positions rise");
        assert!(repeats.last().is_none_or(|&last| last < self.draft.count), "a repeat is in its block");
        self.repeats = repeats;
    }

    /// How many records it holds.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.draft.count
    }

    /// Its rows and records, encoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.draft.payload()
    }

    /// Positions of the records whose id was taken in before, rising.
    #[must_use]
    pub fn repeats(&self) -> &[u32] {
        &self.repeats
    }

    /// A block as it stands in another journal.
    pub(crate) fn copied(block: &Block<'_>) -> Self {
        let (positions, _) = block.side.as_chunks::<4>();
        Self { draft: Draft::copied(block), repeats: positions.iter().map(|position| u32::from_le_bytes(*position)).collect() }
    }

    pub(crate) fn side(&self) -> Vec<u8> {
        self.repeats.iter().flat_map(|position| position.to_le_bytes()).collect()
    }
}

/// Some records of an intake block read back, in their order.
#[derive(Clone, Copy, Debug)]
pub struct IntakePiece<'a> {
    pub file_id: u32,
    pub records: &'a [Record],
    /// Each record's row in its file, from 1.
    pub rows: &'a [u64],
    /// Positions in `records` of those whose id was taken in before, rising.
    pub repeats: &'a [u32],
}

/// An intake block read back as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeRows {
    pub file_id: u32,
    pub records: Vec<Record>,
    /// Each record's row in its file, from 1.
    pub rows: Vec<u64>,
    /// Positions in `records` of those whose id was taken in before, rising.
    pub repeats: Vec<u32>,
}

impl IntakeRows {
    /// Reads an encoded payload of `count` records, keeping the room that this has. Bytes from anywhere are safe to give.
    ///
    /// # Errors
    /// When the payload is none that [`IntakeEncoder`] could have made of so many records.
    pub fn decode(&mut self, count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>) -> Result<(), LedgerError> {
        *self = Self::default();
        let read = read_payload(count, payload, symbols, |_, records, rows| {
            self.records.extend_from_slice(records);
            self.rows.extend_from_slice(rows);
        });
        read.map_err(|corrupt| LedgerError::Corrupt { height: 0, what: corrupt.0 })
    }

    pub(crate) fn add(&mut self, piece: &IntakePiece<'_>) {
        let before = u32::try_from(self.records.len()).expect("a block's rows fit 32 bits");
        self.file_id = piece.file_id;
        self.records.extend_from_slice(piece.records);
        self.rows.extend_from_slice(piece.rows);
        self.repeats.extend(piece.repeats.iter().map(|repeat| before + repeat));
    }
}

/// Hands on a block's records piece by piece.
pub(crate) fn read(block: &Block<'_>, symbols: &mut SymbolCache<'_>, mut each: impl FnMut(IntakePiece<'_>)) -> Result<(), Corrupt> {
    let (positions, left) = block.side.as_chunks::<4>();
    let repeats: Vec<u32> = positions.iter().map(|position| u32::from_le_bytes(*position)).collect();
    let in_order = repeats.is_sorted_by(|one, next| one < next) && repeats.last().is_none_or(|&last| last < block.header.count);
    if !in_order || !left.is_empty() {
        return Err(Corrupt("its repeats are not positions in it"));
    }
    let mut repeats = repeats.into_iter().peekable();
    let mut here = Vec::new();
    read_payload(block.header.count, block.payload, symbols, |first, records, rows| {
        here.clear();
        while let Some(repeat) = repeats.next_if(|&repeat| (repeat as usize) < first + records.len()) {
            here.push(repeat - first as u32);
        }
        each(IntakePiece { file_id: block.header.file, records, rows, repeats: &here });
    })
}

fn read_payload(count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>, mut each: impl FnMut(usize, &[Record], &[u64])) -> Result<(), Corrupt> {
    let count = count as usize;
    if count > BLOCK_ROWS_MAX {
        return Err(Corrupt("it claims more rows than a block holds"));
    }
    let mut reader = Reader::new(payload);
    let rows: Vec<u64> = number::Numbers::read(&mut reader, count)?.all(count).into_iter().map(i64::cast_unsigned).collect();
    column::decode(&record::RECORD, count, &mut reader, symbols, |first, records| {
        each(first, records, rows.get(first..first + records.len()).unwrap_or_default());
    })?;
    reader.finish()
}
