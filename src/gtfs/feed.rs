//! A GTFS feed on the disk: a folder or a zip, and the rows of its files.
//!
//! Feeds are written by many hands: byte-order marks, either kind of line end, quoted fields, columns in any order, short rows
//! and files in a folder inside the zip are all read. What is not UTF-8 is read with replacement characters.

use crate::failure::Failure;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

pub struct Feed {
    source: Source,
}

enum Source {
    Folder(PathBuf),
    Zip { archive: Box<ZipArchive<BufReader<File>>>, names: Vec<String> },
}

impl Feed {
    /// # Errors
    /// When there is no feed.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let refused = || Failure::refused(format!("the feed {} cannot be read", path.display()));
        if path.is_dir() {
            return Ok(Self { source: Source::Folder(path.to_owned()) });
        }
        let file = File::open(path).map_err(|error| refused().because(&error).hint("name a folder with a feed's .txt files, or a .zip of them"))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| refused().because(&error).hint("a feed is a folder or a .zip"))?;
        let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        // The shallowest file of a name counts.
        names.sort_by_key(|name| (name.matches('/').count(), name.clone()));
        Ok(Self { source: Source::Zip { archive: Box::new(archive), names } })
    }

    fn open_file(&mut self, name: &str) -> Result<Option<Box<dyn Read + '_>>, Failure> {
        let refused = || Failure::refused(format!("{name} of the feed cannot be read"));
        match &mut self.source {
            Source::Folder(folder) => match File::open(folder.join(name)) {
                Ok(file) => Ok(Some(Box::new(file))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(refused().because(&error)),
            },
            Source::Zip { archive, names } => {
                let Some(entry) = names.iter().find(|entry| entry.rsplit('/').next() == Some(name)) else { return Ok(None) };
                Ok(Some(Box::new(archive.by_name(entry).map_err(|error| refused().because(&error))?)))
            }
        }
    }

    /// Whether there is such a file.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn has(&mut self, name: &str) -> Result<bool, Failure> {
        Ok(self.open_file(name)?.is_some())
    }

    /// Calls `each` with every row's line and the wanted fields, empty where the file or the row has none. Gives the names of the
    /// columns; `None` where there is no such file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn rows<const N: usize>(&mut self, name: &str, wanted: [&str; N], mut each: impl FnMut(u64, [&str; N])) -> Result<Option<Vec<String>>, Failure> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 18).from_reader(LineEnds { inner: file, after_return: false });
        let mut row = csv::ByteRecord::new();
        let mut columns: Option<Vec<String>> = None;
        let mut places = [None; N];
        while reader.read_byte_record(&mut row).map_err(|error| Failure::refused(format!("{name} of the feed cannot be read")).because(&error))? {
            if columns.is_none() {
                let names: Vec<String> = row.iter().map(|field| text(field).trim_start_matches('\u{feff}').trim().to_ascii_lowercase()).collect();
                places = wanted.map(|wanted| names.iter().position(|name| name == wanted));
                columns = Some(names);
                continue;
            }
            let line = row.position().map_or(0, csv::Position::line);
            let fields = places.map(|place| place.and_then(|place| row.get(place)).map(text).unwrap_or_default());
            if fields.iter().any(|field| !field.is_empty()) {
                each(line, fields.each_ref().map(|field| field.trim()));
            }
        }
        Ok(Some(columns.unwrap_or_default()))
    }
}

/// Makes either kind of line end, or a lone return, one newline: lines are counted by these.
struct LineEnds<R> {
    inner: R,
    after_return: bool,
}

impl<R: Read> Read for LineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.inner.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                let Some(&byte) = buffer.get(at) else { break };
                let second = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r';
                if !second && let Some(slot) = buffer.get_mut(kept) {
                    *slot = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            // A lone second half of a line end is not the end of the file.
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

fn text(field: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_newlines_wherever_they_are_cut() {
        let text = "a\r\nb\rc\nd\r\n\r\ne\r";
        for size in 1..=text.len() {
            let mut ends = LineEnds { inner: text.as_bytes(), after_return: false };
            let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
            loop {
                let read = ends.read(&mut buffer).expect("bytes in memory");
                if read == 0 {
                    break;
                }
                all.extend_from_slice(&buffer[..read]);
            }
            assert_eq!(String::from_utf8(all).expect("text"), "a\nb\nc\nd\n\ne\n", "{size} at a time");
        }
    }
}
