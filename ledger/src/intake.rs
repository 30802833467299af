//! Intake blocks: records as they came in, each with its row in its file.
//!
//! Every record that could be decoded is here, repeats too: which of them repeat is a list beside the records, because it
//! is known only when the blocks stand in order. Nothing is decided here.

use crate::LedgerError;
use crate::block::{Block, Draft};
use crate::codec::{BLOCK_ROWS_MAX, Corrupt, Reader, Scratch, column, number, record};
use domain::Record;
use domain::symbol::SymbolCache;
use std::sync::Arc;

/// What to expect of a record's columns, in bytes, when room is made.
const RECORD_BYTES_EXPECTED: usize = 40;

/// An encoded intake block that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeBlock {
    pub(crate) draft: Draft,
    pub(crate) repeats: Vec<u32>,
}

impl IntakeBlock {
    /// Encodes records with their rows (from 1) in the file. `texts` are the symbol table's, indexed by symbol. Pure: for
    /// worker threads.
    ///
    /// # Panics
    /// When there are not as many rows as records, more than [`BLOCK_ROWS_MAX`], or a symbol beyond `texts`.
    #[must_use]
    pub fn encode(records: &[Record], rows: &[u64], texts: &[Arc<str>]) -> Self {
        assert_eq!(records.len(), rows.len(), "every record has its row");
        let draft = Draft::new(records.len(), records.len() * RECORD_BYTES_EXPECTED, |out| {
            Scratch::lend(|scratch| {
                let mut spare = std::mem::take(&mut scratch.spare);
                spare.clear();
                spare.extend(rows.iter().map(|row| row.cast_signed()));
                number::put_any(&spare, out);
                scratch.spare = spare;
                column::encode(&record::RECORD, records, texts, scratch, out);
            });
        });
        Self { draft, repeats: Vec::new() }
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

    pub(crate) fn side(&self) -> Vec<u8> {
        self.repeats.iter().flat_map(|position| position.to_le_bytes()).collect()
    }
}

/// An intake block read back.
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
    /// When the payload is none that [`IntakeBlock::encode`] could have made of so many records.
    pub fn decode(&mut self, count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>) -> Result<(), LedgerError> {
        self.read_payload(count, payload, symbols).map_err(|corrupt| LedgerError::Corrupt { height: 0, what: corrupt.0 })
    }

    pub(crate) fn read(&mut self, block: &Block<'_>, symbols: &mut SymbolCache<'_>) -> Result<(), Corrupt> {
        self.read_payload(block.header.count, block.payload, symbols)?;
        self.file_id = block.header.file;
        let (positions, left) = block.side.as_chunks::<4>();
        self.repeats.extend(positions.iter().map(|position| u32::from_le_bytes(*position)));
        let in_order = self.repeats.is_sorted_by(|one, next| one < next) && self.repeats.last().is_none_or(|&last| last < block.header.count);
        if in_order && left.is_empty() { Ok(()) } else { Err(Corrupt("its repeats are not positions in it")) }
    }

    fn read_payload(&mut self, count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>) -> Result<(), Corrupt> {
        let count = count as usize;
        if count > BLOCK_ROWS_MAX {
            return Err(Corrupt("it claims more rows than a block holds"));
        }
        let mut reader = Reader::new(payload);
        self.repeats.clear();
        self.rows.clear();
        self.records.clear();
        let rows = number::Numbers::read(&mut reader, count)?.all(count);
        self.rows.extend(rows.into_iter().map(i64::cast_unsigned));
        column::decode(&record::RECORD, count, &mut reader, symbols, &mut self.records)?;
        reader.finish()
    }
}
