//! Reads a file as `clear` does, in chunks of several sizes, and holds the answers against each other.
//!
//! What is checked is what every reader promises: nothing panics, every row ends as one record or one refusal, and where
//! the file was cut changes nothing.

use domain::{Record, SymbolTable};
use engine::ingest::{CHUNK_BYTES, Decoder, DoorKeys, IngestError, Mapping, Refusal, Section, Source};
use std::path::Path;

/// A file's rows, decoded.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    pub records: Vec<Record>,
    pub rows: Vec<u64>,
    pub refusals: Vec<Refusal>,
    pub packages_refused: usize,
}

/// One byte at a time, a few rows at a time, and as the program does.
const CHUNKS: [usize; 3] = [CHUNK_BYTES, 97, 1];

fn read_in_chunks(path: &Path, section: &Section, symbols: &SymbolTable, chunk_bytes: usize) -> Result<Rows, IngestError> {
    let mut source = Source::open_in_chunks(path, section, chunk_bytes)?;
    let mut decoder = Decoder::new(section, symbols, DoorKeys { token_key: [7; 32] }, [9; 32]);
    let mut all = Rows::default();
    let mut next_row = 1;
    while let Some(chunk) = source.next_chunk()? {
        assert_eq!(chunk.first_row, next_row, "rows follow each other");
        next_row += chunk.rows;
        let decoded = decoder.decode(&chunk);
        let refused_whole: u64 = decoded.packages.iter().map(|package| package.rows).sum();
        assert_eq!((decoded.records.len() + decoded.refusals.len()) as u64 + refused_whole, chunk.rows, "every row ends as a record or a refusal");
        assert_eq!(decoded.records.len(), decoded.rows.len());
        let ordered = |rows: &mut dyn Iterator<Item = u64>| rows.is_sorted_by(|a, b| a < b);
        assert!(ordered(&mut decoded.rows.iter().copied()) && ordered(&mut decoded.refusals.iter().map(|refusal| refusal.row)));
        all.records.extend(decoded.records);
        all.rows.extend(decoded.rows);
        all.refusals.extend(decoded.refusals);
        all.packages_refused += decoded.packages.len();
    }
    Ok(all)
}

/// The rows of a file, read in every chunk size; `None` where the file is refused.
pub fn read(path: &Path, section: &Section) -> Option<Rows> {
    let symbols = SymbolTable::new();
    let mut answers = CHUNKS.iter().map(|&chunk_bytes| read_in_chunks(path, section, &symbols, chunk_bytes));
    // Of several faults that a file is refused for, the first to be met depends on how far ahead was read.
    let first = answers.next()?.ok();
    for answer in answers {
        assert_eq!(first, answer.ok(), "cutting a file elsewhere changes nothing");
    }
    first
}

/// The section of a mapping that reads files of a name.
pub fn section<'m>(mapping: &'m Mapping, file_name: &str) -> &'m Section {
    mapping.section_for(Path::new(file_name)).expect("the mapping knows the name")
}

/// A bundled mapping, which has no mistakes.
pub fn bundled(name: &str, text: &str) -> Mapping {
    Mapping::parse(name, text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}
