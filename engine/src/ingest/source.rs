//! A file, cut into chunks of whole rows.
//!
//! One thread cuts, many decode. Cutting looks at nothing but row ends, holds a chunk or two at a time, and gives the same
//! rows whatever the chunk size is. A file that turns out to be unreadable is an error, and then nothing of it counts.

use super::capture::{Capture, CaptureReader};
use super::csv_rows::{is_line_end, row_ends};
use super::error::IngestError;
use super::input::Input;
use super::json_rows::JsonRows;
use super::layout::Layout;
use super::mapping::{Format, Header, Section};
use super::{CHUNK_BYTES, ROW_BYTES_MAX};
use std::path::Path;
use std::sync::Arc;

/// An open file that gives out its rows in chunks, in order.
pub struct Source {
    rows: Rows,
    next_row: u64,
}

/// Whole rows of one file, for a decoder.
pub struct Chunk {
    /// The number of its first row; a file's data rows count from 1.
    pub first_row: u64,
    /// How many rows it has.
    pub rows: u64,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// Whole CSV rows.
    Csv { text: Vec<u8>, layout: Arc<Layout> },
    /// Records one after another and where each ends.
    Json { text: Vec<u8>, ends: Vec<u32> },
    /// A package of a capture.
    Package { capture: Arc<Capture>, at: usize },
}

enum Rows {
    Csv(CsvRows),
    Json { input: Input, rows: JsonRows, block: Vec<u8>, carry: Vec<u8>, chunk_bytes: usize, ended: bool },
    Lines { input: Input, tail: Vec<u8>, chunk_bytes: usize, ended: bool },
    Capture(CaptureReader),
}

struct CsvRows {
    input: Input,
    layout: Arc<Layout>,
    delimiter: u8,
    chunk_bytes: usize,
    /// What was read beyond the last whole row, or before the first.
    tail: Vec<u8>,
    ended: bool,
}

impl Source {
    /// Opens a file as its section says. The header, where there is one, is read and checked here.
    ///
    /// # Errors
    /// When the file cannot be read or is not what the section describes.
    pub fn open(path: &Path, section: &Section) -> Result<Self, IngestError> {
        Self::open_in_chunks(path, section, CHUNK_BYTES)
    }

    /// The same with chunks of about `chunk_bytes`.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_in_chunks(path: &Path, section: &Section, chunk_bytes: usize) -> Result<Self, IngestError> {
        let chunk_bytes = chunk_bytes.clamp(1, CHUNK_BYTES);
        let rows = match &section.format {
            Format::Capture => Rows::Capture(CaptureReader::open(path)?),
            Format::Csv { delimiter, header } => {
                let input = Input::open(path, section.encoding)?;
                let layout = Arc::new(Layout::default());
                let mut rows = CsvRows { input, layout, delimiter: *delimiter, chunk_bytes, tail: Vec::new(), ended: false };
                rows.read_header(section, *header)?;
                Rows::Csv(rows)
            }
            Format::Json { path: array } => Rows::Json {
                input: Input::open(path, section.encoding)?,
                rows: JsonRows::new(array),
                block: vec![0; chunk_bytes],
                carry: Vec::new(),
                chunk_bytes,
                ended: false,
            },
            Format::JsonLines => Rows::Lines { input: Input::open(path, section.encoding)?, tail: Vec::new(), chunk_bytes, ended: false },
        };
        Ok(Self { rows, next_row: 1 })
    }

    /// The next chunk; `None` at the end of the file.
    ///
    /// # Errors
    /// When the file turns out to be unreadable. What was given out before does not count then.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, IngestError> {
        let next = match &mut self.rows {
            Rows::Csv(rows) => rows.next(self.next_row)?,
            Rows::Json { input, rows, block, carry, chunk_bytes, ended } => next_json(input, rows, block, carry, *chunk_bytes, ended)?,
            Rows::Lines { input, tail, chunk_bytes, ended } => next_lines(input, tail, *chunk_bytes, ended, self.next_row)?,
            Rows::Capture(packages) => packages.next(),
        };
        Ok(next.map(|(body, rows)| {
            let first_row = self.next_row;
            self.next_row += rows;
            Chunk { first_row, rows, body }
        }))
    }
}

impl Chunk {
    /// How much text or memory it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.body {
            Body::Csv { text, .. } | Body::Json { text, .. } => text.len(),
            Body::Package { capture, at } => capture.package_bytes(*at),
        }
    }
}

impl CsvRows {
    /// Reads until `tail` has `bytes` or the file ends.
    fn fill(&mut self, bytes: usize) -> Result<(), IngestError> {
        let mut len = self.tail.len();
        if len >= bytes || self.ended {
            return Ok(());
        }
        self.tail.resize(bytes, 0);
        while len < bytes {
            let read = self.input.read(self.tail.get_mut(len..).unwrap_or_default())?;
            if read == 0 {
                self.ended = true;
                break;
            }
            len += read;
        }
        self.tail.truncate(len);
        Ok(())
    }

    fn read_header(&mut self, section: &Section, header: Header) -> Result<(), IngestError> {
        if header == Header::Absent {
            self.layout = Arc::new(Layout::listed(section));
            return Ok(());
        }
        let mut bytes = self.chunk_bytes;
        let names = loop {
            self.fill(bytes)?;
            let start = self.tail.iter().take_while(|&&byte| is_line_end(byte)).count();
            let ends = first_row_end(self.tail.get(start..).unwrap_or_default(), self.delimiter);
            if let Some(end) = ends.or_else(|| (self.ended && start < self.tail.len()).then(|| self.tail.len() - start)) {
                break Some((start + end, super::cells::fields_of(self.tail.get(start..start + end).unwrap_or_default(), self.delimiter)));
            }
            if self.ended {
                break None;
            }
            bytes = self.tail.len() * 2;
            if bytes > ROW_BYTES_MAX * 2 {
                return Err(IngestError::RowTooLong { row: 0 });
            }
        };
        match (names, header) {
            (None, Header::Present) => return Err(IngestError::Empty),
            (Some((end, names)), Header::Present) => {
                self.layout = Arc::new(Layout::of_header(section, &names)?);
                self.tail.drain(..end);
            }
            (Some((end, names)), Header::Optional) if is_header(section, &names) => {
                self.layout = Arc::new(if is_listed_header(section, &names) { Layout::listed(section) } else { Layout::of_header(section, &names)? });
                self.tail.drain(..end);
            }
            _ => self.layout = Arc::new(Layout::listed(section)),
        }
        Ok(())
    }

    fn next(&mut self, row: u64) -> Result<Option<(Body, u64)>, IngestError> {
        let mut bytes = self.chunk_bytes;
        loop {
            self.fill(bytes)?;
            if self.tail.is_empty() {
                return Ok(None);
            }
            let ends = row_ends(&self.tail, self.delimiter);
            if self.ended && ends.quote_open {
                return Err(IngestError::QuoteOpen { row: row + ends.rows });
            }
            let last_row = u64::from(self.ended && ends.end < self.tail.len());
            let end = if self.ended { self.tail.len() } else { ends.end };
            if self.tail.len() - ends.end > ROW_BYTES_MAX {
                return Err(IngestError::RowTooLong { row: row + ends.rows });
            }
            if end > 0 {
                let rest = self.tail.get(end..).unwrap_or_default();
                let mut tail = Vec::with_capacity(self.chunk_bytes.max(rest.len()));
                tail.extend_from_slice(rest);
                let mut text = std::mem::replace(&mut self.tail, tail);
                text.truncate(end);
                return Ok(Some((Body::Csv { text, layout: Arc::clone(&self.layout) }, ends.rows + last_row)));
            }
            // Never past the longest row: whether a row is too long must not depend on the chunk size.
            bytes = (self.tail.len() * 2).min(ROW_BYTES_MAX + 1);
        }
    }
}

/// Where the first row of `text` ends, if it does. Byte by byte: a header is short, and one that is hostile costs no more.
fn first_row_end(text: &[u8], delimiter: u8) -> Option<usize> {
    let (mut inside, mut field_begins) = (false, true);
    for (at, &byte) in text.iter().enumerate() {
        if inside {
            // Two quotes close a field and open it again, which comes to the same.
            inside = byte != b'"';
            field_begins = !inside;
        } else if byte == b'"' && field_begins {
            inside = true;
        } else if is_line_end(byte) {
            return Some(at + 1);
        } else {
            field_begins = byte == delimiter;
        }
    }
    None
}

fn is_listed_header(section: &Section, names: &[Vec<u8>]) -> bool {
    names.len() == section.columns.len() && names.iter().zip(&section.columns).all(|(name, listed)| name.trim_ascii().eq_ignore_ascii_case(listed.as_bytes()))
}

/// Most of the row's fields are names that the mapping lists: it is a header, whatever its order, and no record.
fn is_header(section: &Section, fields: &[Vec<u8>]) -> bool {
    let is_name = |field: &&Vec<u8>| section.columns.iter().any(|name| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
    fields.iter().filter(is_name).count() * 2 > fields.len()
}

fn next_json(
    input: &mut Input,
    rows: &mut JsonRows,
    block: &mut [u8],
    carry: &mut Vec<u8>,
    chunk_bytes: usize,
    ended: &mut bool,
) -> Result<Option<(Body, u64)>, IngestError> {
    // The first half of a record that the last chunk ended in.
    let mut text = std::mem::take(carry);
    let mut ends: Vec<u32> = Vec::new();
    while !*ended && ends.last().is_none_or(|&end| (end as usize) < chunk_bytes) {
        let read = input.read(block)?;
        *ended = read == 0;
        rows.take(block.get(..read).unwrap_or_default(), &mut text, &mut ends)?;
    }
    if *ended {
        rows.finish()?;
    }
    *carry = text.split_off(ends.last().map_or(0, |&end| end as usize));
    let count = ends.len() as u64;
    Ok((count > 0).then_some((Body::Json { text, ends }, count)))
}

fn next_lines(input: &mut Input, tail: &mut Vec<u8>, chunk_bytes: usize, ended: &mut bool, row: u64) -> Result<Option<(Body, u64)>, IngestError> {
    let mut bytes = chunk_bytes;
    loop {
        let mut len = tail.len();
        tail.resize(len.max(bytes), 0);
        while !*ended && len < tail.len() {
            let read = input.read(tail.get_mut(len..).unwrap_or_default())?;
            *ended = read == 0;
            len += read;
        }
        tail.truncate(len);
        let whole = memchr::memrchr(b'\n', tail).map_or(0, |at| at + 1);
        if tail.len() - whole > ROW_BYTES_MAX {
            return Err(IngestError::RowTooLong { row });
        }
        let end = if *ended { tail.len() } else { whole };
        if end > 0 {
            let rest = tail.get(end..).unwrap_or_default().to_vec();
            let mut text = std::mem::replace(tail, rest);
            text.truncate(end);
            let mut ends = Vec::new();
            let mut from = 0;
            while from < text.len() {
                let line = text.get(from..).unwrap_or_default();
                let to = from + memchr::memchr(b'\n', line).map_or(line.len(), |at| at + 1);
                // A blank line joins the record after it, and at the end none.
                if !text.get(from..to).unwrap_or_default().trim_ascii().is_empty() {
                    ends.push(u32::try_from(to).expect("a chunk is smaller than 4 GiB"));
                }
                from = to;
            }
            let count = ends.len() as u64;
            if count > 0 || !*ended {
                return Ok(Some((Body::Json { text, ends }, count)));
            }
        }
        if *ended {
            return Ok(None);
        }
        // Never past the longest line, as with CSV.
        bytes = (tail.len().max(1) * 2).min(ROW_BYTES_MAX + 1);
    }
}
