//! A sink: one file of the day being written, with its size, lines and digest taken on the way.
//!
//! Bytes are gathered into big writes. The file is opened when the first of them is due; where the day has more files
//! than a process may hold open, it is closed again after each.

use crate::SettleError;
use crate::digest::{FileDigest, NamedDigest};
use domain::Suite;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How sinks write: decided once for all files of a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SinkLimits {
    /// Bytes gathered before a write.
    pub gather_bytes_max: usize,
    pub stay_open: bool,
}

/// A digest as it is printed: lower-case hexadecimal.
#[must_use]
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from_digit(u32::from(digit), 16).expect("four bits")).collect()
}

/// A finished file as its manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileEntry {
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Lines without the header row; one for a file that is not CSV.
    pub lines: u64,
    /// By the house's suite.
    #[serde(flatten)]
    pub digest: NamedDigest,
}

pub(crate) struct Sink {
    path: PathBuf,
    limits: SinkLimits,
    file: Option<File>,
    made: bool,
    gathered: Vec<u8>,
    digest: FileDigest,
    size: u64,
    pub lines: u64,
}

impl Sink {
    /// A CSV file that starts with `header`. Nothing is on disk yet.
    pub fn new(path: PathBuf, header: &str, limits: SinkLimits, suite: Suite) -> Self {
        let mut digest = FileDigest::new(suite);
        digest.update(header.as_bytes());
        Self { path, limits, file: None, made: false, gathered: header.as_bytes().to_vec(), digest, size: header.len() as u64, lines: 0 }
    }

    pub fn append(&mut self, bytes: &[u8], lines: u64) -> Result<(), SettleError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        self.lines += lines;
        if self.gathered.len() + bytes.len() > self.limits.gather_bytes_max {
            self.flush()?;
        }
        if bytes.len() >= self.limits.gather_bytes_max {
            return self.write(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    pub fn finish(mut self) -> Result<FileEntry, SettleError> {
        self.flush()?;
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(FileEntry { name, size: self.size, lines: self.lines, digest: self.digest.finish() })
    }

    fn flush(&mut self) -> Result<(), SettleError> {
        let gathered = std::mem::take(&mut self.gathered);
        self.write(&gathered)?;
        self.gathered = gathered;
        self.gathered.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SettleError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open(&self.path, self.made)?,
        };
        self.made = true;
        file.write_all(bytes).map_err(SettleError::file("cannot write", &self.path))?;
        self.file = self.limits.stay_open.then_some(file);
        Ok(())
    }
}

fn open(path: &Path, made: bool) -> Result<File, SettleError> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(!made);
    options.open(path).map_err(SettleError::file("cannot create", path))
}

/// Writes a whole small file.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SettleError> {
    open(path, false)?.write_all(bytes).map_err(SettleError::file("cannot write", path))
}

/// Writes one that a manifest names, or is.
pub(crate) fn write_named(path: &Path, bytes: &[u8], lines: u64, suite: Suite) -> Result<FileEntry, SettleError> {
    write_whole(path, bytes)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(FileEntry { name, size: bytes.len() as u64, lines, digest: NamedDigest::of(suite, bytes) })
}
