//! Where the records of a JSON file begin and end, found while it streams by.
//!
//! Follows strings, escapes and nesting only; whether a record is sound JSON the decoder sees, record by record. What is
//! wrong around the records, so that their bounds cannot be trusted, refuses the file. Nesting and record size are bounded.

use super::ROW_BYTES_MAX;
use super::error::IngestError;

/// Deeper nesting than this is no record of a terminal.
const DEPTH_MAX: usize = 64;
/// A key that is longer is not part of the path.
const KEY_BYTES_MAX: usize = 256;
/// Stands for an open object that follows the path.
const FOLLOWED: u8 = b'P';

/// The place in the documents, kept from one block to the next.
pub(super) struct JsonRows {
    /// The keys that lead to the array.
    path: Vec<String>,
    /// Open brackets around the array.
    open: Vec<u8>,
    /// How many of the open brackets follow the path.
    level: usize,
    state: State,
    key: Vec<u8>,
    /// Inside an object outside the array: the next string is a key.
    key_next: bool,
    /// The value that follows belongs to the next key of the path.
    on_path: bool,
    found: bool,
    depth: usize,
    records: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between documents or among other values.
    Outside,
    /// In a string outside the array; `true` when the byte before was a backslash.
    Text {
        key: bool,
        escaped: bool,
    },
    /// In the array, before a record. `first`: it may be empty.
    Before {
        first: bool,
    },
    /// After a record: a comma or the end of the array.
    After,
    Record,
    RecordText {
        escaped: bool,
    },
    /// A record that is a bare value.
    Bare,
}

impl JsonRows {
    pub fn new(path: &[String]) -> Self {
        Self {
            path: path.to_vec(),
            open: Vec::new(),
            level: 0,
            state: State::Outside,
            key: Vec::new(),
            key_next: false,
            on_path: path.is_empty(),
            found: false,
            depth: 0,
            records: 0,
        }
    }

    /// Takes in a block: records are appended to `text`, the end of each whole one to `ends`.
    pub fn take(&mut self, block: &[u8], text: &mut Vec<u8>, ends: &mut Vec<u32>) -> Result<(), IngestError> {
        let mut rest = block;
        while let Some((&byte, after)) = rest.split_first() {
            let mut used = 1;
            match self.state {
                State::Outside => self.outside(byte)?,
                State::Text { key, escaped } => self.text(byte, key, escaped),
                State::Before { first } => match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    b']' if first => self.array_ends(),
                    b'{' | b'[' => {
                        self.depth = 1;
                        text.push(byte);
                        self.state = State::Record;
                    }
                    b',' | b']' | b'}' | b':' => return Err(self.broken("a record is missing")),
                    b'"' => {
                        self.depth = 0;
                        text.push(byte);
                        self.state = State::RecordText { escaped: false };
                    }
                    _ => {
                        text.push(byte);
                        self.state = State::Bare;
                    }
                },
                State::After => match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => {}
                    b',' => self.state = State::Before { first: false },
                    b']' => self.array_ends(),
                    _ => return Err(self.broken("there is no comma between two records")),
                },
                State::Record => {
                    // Long stretches between strings and brackets are copied whole.
                    let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'));
                    used = stop.map_or(rest.len(), |at| at + 1);
                    text.extend_from_slice(rest.get(..used).unwrap_or_default());
                    match stop.and_then(|at| rest.get(at)) {
                        Some(b'"') => self.state = State::RecordText { escaped: false },
                        Some(b'{' | b'[') => {
                            self.depth += 1;
                            if self.depth > DEPTH_MAX {
                                return Err(self.broken("it is nested too deep"));
                            }
                        }
                        Some(_) => {
                            self.depth -= 1;
                            if self.depth == 0 {
                                self.record_ends(text, ends);
                            }
                        }
                        None => {}
                    }
                }
                State::RecordText { escaped: true } => {
                    text.push(byte);
                    self.state = State::RecordText { escaped: false };
                }
                State::RecordText { escaped: false } => {
                    let stop = memchr::memchr2(b'"', b'\\', rest);
                    used = stop.map_or(rest.len(), |at| at + 1);
                    text.extend_from_slice(rest.get(..used).unwrap_or_default());
                    match stop.and_then(|at| rest.get(at)) {
                        Some(b'\\') => self.state = State::RecordText { escaped: true },
                        Some(_) if self.depth == 0 => self.record_ends(text, ends),
                        Some(_) => self.state = State::Record,
                        None => {}
                    }
                }
                State::Bare => match byte {
                    b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' => {
                        self.record_ends(text, ends);
                        used = 0;
                    }
                    _ => text.push(byte),
                },
            }
            let begun = ends.last().map_or(0, |&end| end as usize);
            if text.len().saturating_sub(begun) > ROW_BYTES_MAX {
                return Err(IngestError::RowTooLong { row: self.records + 1 });
            }
            rest = if used == 1 { after } else { rest.get(used..).unwrap_or_default() };
        }
        Ok(())
    }

    /// The end of the file: everything opened must be closed, and the array must have been there.
    pub fn finish(&self) -> Result<(), IngestError> {
        if self.state != State::Outside || !self.open.is_empty() {
            return Err(self.broken("it ends too early"));
        }
        if !self.found {
            return Err(self.broken("there is no array where the mapping says"));
        }
        Ok(())
    }

    fn outside(&mut self, byte: u8) -> Result<(), IngestError> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' if self.open.is_empty() => return Err(self.broken("a document is neither an object nor an array")),
            b'"' => {
                let key = self.key_next;
                if key {
                    self.key.clear();
                }
                self.state = State::Text { key, escaped: false };
            }
            b'[' if self.on_path && self.level == self.path.len() => {
                self.found = true;
                self.state = State::Before { first: true };
            }
            b'{' | b'[' => {
                if self.open.len() >= DEPTH_MAX {
                    return Err(self.broken("it is nested too deep"));
                }
                // Only the outermost object and what the path's keys lead to is searched for the next key.
                let outermost = self.open.is_empty() && !self.path.is_empty();
                let follows = byte == b'{' && (outermost || (self.on_path && self.level < self.path.len()));
                self.level += usize::from(follows);
                self.open.push(if follows { FOLLOWED } else { byte });
                self.key_next = byte == b'{';
                self.on_path = false;
            }
            b'}' | b']' => {
                let opened = self.open.pop();
                let fits = match opened {
                    Some(FOLLOWED | b'{') => byte == b'}',
                    Some(_) => byte == b']',
                    None => false,
                };
                if !fits {
                    return Err(self.broken("a bracket closes what was not opened"));
                }
                self.level -= usize::from(opened == Some(FOLLOWED));
                self.value_ends();
            }
            b',' => {
                self.key_next = matches!(self.open.last(), Some(&(b'{' | FOLLOWED)));
                self.on_path = false;
            }
            b':' => self.key_next = false,
            _ if self.open.is_empty() => return Err(self.broken("a document is neither an object nor an array")),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, byte: u8, key: bool, escaped: bool) {
        if byte == b'"' && !escaped {
            self.state = State::Outside;
            if key {
                self.key_next = false;
                let wanted = self.level.checked_sub(1).and_then(|at| self.path.get(at));
                self.on_path = self.open.last() == Some(&FOLLOWED) && wanted.is_some_and(|wanted| wanted.as_bytes() == self.key);
            }
            return;
        }
        if key && self.key.len() < KEY_BYTES_MAX {
            self.key.push(byte);
        }
        self.state = State::Text { key, escaped: byte == b'\\' && !escaped };
    }

    fn value_ends(&mut self) {
        self.key_next = false;
        self.on_path = self.open.is_empty() && self.path.is_empty();
    }

    fn array_ends(&mut self) {
        self.state = State::Outside;
        self.value_ends();
    }

    fn record_ends(&mut self, text: &[u8], ends: &mut Vec<u32>) {
        self.records += 1;
        ends.push(u32::try_from(text.len()).expect("a chunk is smaller than 4 GiB"));
        self.state = State::After;
    }

    const fn broken(&self, problem: &'static str) -> IngestError {
        IngestError::Json { record: self.records, problem }
    }
}
