//! Archives: blocks of closed days, moved out of the database into files beside it, and still read as if they were there.
//!
//! A file holds blocks in a row as they were stored, and a table with the place and the hash of each. The digest over the
//! table is in the journal, in the event that moved the blocks: it commits to every byte of them, since a block's hash does
//! to the block. Blocks leave the database in the batch of that event, after the file was read back. An archive that is
//! missing, cut or another one is noticed at every open; a block of it that was changed, when it is read.
//!
//! `"taparch" 1` ‖ blocks ‖ per block: place `u64`, hash (32)

use crate::block::Block;
use crate::codec::Corrupt;
use crate::days::DayState;
use crate::error::LedgerError;
use crate::event::Event;
use crate::group::Group;
use crate::ledger::{Ledger, from_json};
use crate::storage::{Batch, Database, KeyValue, Storage, Value};
use crate::store::{self, ARCHIVES, INDEX, JOURNAL};
use crate::wire;
use domain::Day;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The last byte is the version.
const MAGIC: [u8; 8] = *b"taparch\x01";
/// A block's place and hash in the table.
const ENTRY_LEN: usize = 8 + 32;
const EXTENSION: &str = "blocks";

/// What the journal says of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The last day of which it has blocks; it was settled.
    #[serde(with = "wire::day")]
    pub through: Day,
    /// Heights of its blocks.
    pub first: u64,
    pub last: u64,
    /// Hash of the last one.
    #[serde(with = "wire")]
    pub hash: [u8; 32],
    /// BLAKE3 of its table.
    #[serde(with = "wire")]
    pub digest: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

impl Archived {
    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.first, self.last)
    }
}

fn name(first: u64, last: u64) -> String {
    format!("{first:012}-{last:012}.{EXTENSION}")
}

/// An archive whose table is the one that the journal names.
pub(crate) struct Archive {
    path: PathBuf,
    file: File,
    first: u64,
    /// Where each block begins, and its hash; then where the last one ends.
    table: Vec<(u64, [u8; 32])>,
    end: u64,
}

impl Archive {
    /// Opens what an event speaks of.
    pub(crate) fn open(folder: &Path, archived: &Archived) -> Result<Self, LedgerError> {
        let path = folder.join(archived.name());
        let refused = |what| LedgerError::Archive { path: path.clone(), what };
        let (archive, digest) = Self::read(&path, archived.first, archived.last)?;
        let bytes = archive.end + (archive.table.len() * ENTRY_LEN) as u64;
        let is_it = digest == archived.digest && bytes == archived.bytes && archive.table.last().is_some_and(|last| last.1 == archived.hash);
        if is_it { Ok(archive) } else { Err(refused("it is not the one that the journal names")) }
    }

    /// Reads the table of a file; and the digest over it.
    fn read(path: &Path, first: u64, last: u64) -> Result<(Self, [u8; 32]), LedgerError> {
        let refused = |what| LedgerError::Archive { path: path.to_owned(), what };
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(refused("it is missing")),
            opened => opened?,
        };
        let count = last.checked_sub(first).and_then(|more| usize::try_from(more + 1).ok()).ok_or_else(|| refused("it has no blocks"))?;
        let length = file.metadata()?.len();
        let end = length.checked_sub((count * ENTRY_LEN) as u64).ok_or_else(|| refused("it is cut"))?;
        let (mut magic, mut bytes) = ([0; 8], vec![0; count * ENTRY_LEN]);
        file.read_exact_at(&mut magic, 0)?;
        file.read_exact_at(&mut bytes, end)?;
        let table: Vec<(u64, [u8; 32])> = bytes
            .as_chunks::<ENTRY_LEN>()
            .0
            .iter()
            .map(|entry| {
                let (place, hash) = entry.split_at(8);
                let place = place.first_chunk().map_or(0, |place| u64::from_le_bytes(*place));
                (place, hash.first_chunk().copied().unwrap_or_default())
            })
            .collect();
        let rises = table.is_sorted_by(|one, next| one.0 < next.0) && table.last().is_some_and(|last| last.0 < end);
        if magic != MAGIC || !rises || table.first().is_none_or(|block| block.0 != MAGIC.len() as u64) {
            return Err(refused("it is no archive, or a damaged one"));
        }
        Ok((Self { path: path.to_owned(), file, first, table, end }, *blake3::hash(&bytes).as_bytes()))
    }

    const fn last(&self) -> u64 {
        self.first + self.table.len() as u64 - 1
    }

    /// The bytes of a block; none where it has no block of this height.
    fn block(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let at = height.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let Some((at, (place, hash))) = at.and_then(|at| Some((at, *self.table.get(at)?))) else { return Ok(None) };
        let end = self.table.get(at + 1).map_or(self.end, |next| next.0);
        let refused = |what| LedgerError::Archive { path: self.path.clone(), what };
        let mut bytes = vec![0; usize::try_from(end - place).map_err(|_| refused("a block of it is too long"))?];
        self.file.read_exact_at(&mut bytes, place)?;
        let as_written = Block::parse(&bytes).is_ok_and(|block| block.hash == hash && block.header.height == height && block.payload_is_whole());
        if as_written { Ok(Some(bytes)) } else { Err(refused("a block of it is not as it was written")) }
    }
}

/// A database and the archives of what was moved out of it.
pub(crate) struct Shelved {
    db: Box<dyn Database>,
    /// In the order of their heights.
    archives: Vec<Archive>,
}

impl Shelved {
    /// With the archives that the index names: all must be there, each as it was written.
    pub(crate) fn open(db: Box<dyn Database>, storage: &dyn Storage) -> Result<Self, LedgerError> {
        let archives = infos(&*db)?.iter().map(|archived| Archive::open(&storage.archive_folder(), archived)).collect::<Result<_, _>>()?;
        Ok(Self { db, archives })
    }

    /// With all archives in the folder, where the index is not to be believed: what is read from them is chained all the same.
    pub(crate) fn with_all(db: Box<dyn Database>, storage: &dyn Storage) -> Result<Self, LedgerError> {
        let mut archives = Vec::new();
        let entries = match std::fs::read_dir(storage.archive_folder()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { db, archives }),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let heights = path.file_name().and_then(|name| name.to_str()).and_then(heights_of);
            if let Some((first, last)) = heights {
                archives.push(Archive::read(&path, first, last)?.0);
            }
        }
        archives.sort_unstable_by_key(|archive| archive.first);
        Ok(Self { db, archives })
    }

    pub(crate) fn add(&mut self, archive: Archive) {
        self.archives.push(archive);
    }

    fn archived(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        for archive in self.archives.iter().filter(|archive| (archive.first..=archive.last()).contains(&height)) {
            if let Some(bytes) = archive.block(height)? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// What the index says of archives, in the order of their heights.
pub(crate) fn infos(db: &dyn Database) -> Result<Vec<Archived>, LedgerError> {
    db.scan(INDEX, &[ARCHIVES]).map(|row| from_json("archives", &row?.1)).collect()
}

fn heights_of(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(EXTENSION)?.strip_suffix('.')?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

impl Database for Shelved {
    fn get(&self, family: &str, key: &[u8]) -> Result<Option<Value<'_>>, LedgerError> {
        let found = self.db.get(family, key)?;
        if found.is_some() || family != JOURNAL || self.archives.is_empty() {
            return Ok(found);
        }
        let archived = store::height_of(key).map_or(Ok(None), |height| self.archived(height))?;
        Ok(archived.map(|bytes| Box::new(bytes) as Value<'_>))
    }

    fn scan<'d>(&'d self, family: &str, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, LedgerError>> + 'd> {
        let mut stored = self.db.scan(family, prefix).peekable();
        if family != JOURNAL || !prefix.is_empty() || self.archives.is_empty() {
            return Box::new(stored);
        }
        let first = stored.peek().and_then(|row| row.as_ref().ok()).and_then(|(key, _)| store::height_of(key)).unwrap_or(u64::MAX);
        let heights = self.archives.iter().flat_map(|archive| archive.first..=archive.last()).filter(move |height| *height < first);
        let archived = heights.filter_map(|height| {
            let found = self.archived(height).transpose()?;
            Some(found.map(|bytes| (height.to_be_bytes().into(), bytes.into_boxed_slice())))
        });
        Box::new(archived.chain(stored))
    }

    fn last_key(&self, family: &str) -> Result<Option<Box<[u8]>>, LedgerError> {
        self.db.last_key(family)
    }

    fn batch(&self, bytes: usize) -> Box<dyn Batch + '_> {
        self.db.batch(bytes)
    }

    fn purge(&self, family: &str) -> Result<(), LedgerError> {
        self.db.purge(family)
    }

    #[cfg(test)]
    fn flush(&self) {
        self.db.flush();
    }
}

impl Ledger {
    /// All archives, in the order of their heights.
    #[must_use]
    pub fn archives(&self) -> &[Archived] {
        &self.state.archives
    }

    /// Moves the blocks up to the close of a settled day into an archive. `None` where they are in one already.
    ///
    /// # Errors
    /// When the day is not settled, a block is damaged, or the storage fails. As with [`Ledger::commit`], a storage that fails
    /// leaves it open whether they were moved; the blocks are in one of the places or in both.
    pub fn archive(&mut self, through: Day) -> Result<Option<Archived>, LedgerError> {
        let Some(archived) = self.write_archive(through)? else { return Ok(None) };
        let mut group = Group::new();
        group.event(Event::DaysArchived(archived));
        self.commit(group)?;
        self.reclaim()?;
        Ok(Some(archived))
    }

    /// Writes the archive, without moving anything yet; the event that moves the blocks is to be committed.
    ///
    /// # Errors
    /// As [`Ledger::archive`].
    pub fn write_archive(&self, through: Day) -> Result<Option<Archived>, LedgerError> {
        let info = self.day(through).ok_or(LedgerError::OtherDay { day: through })?;
        if info.state != DayState::Settled {
            return Err(LedgerError::DayState { day: through, state: info.state });
        }
        let (first, last) = (self.state.archives.last().map_or(1, |archived| archived.last + 1), info.closed_height);
        if first > last {
            return Ok(None);
        }
        self.enough_disk()?;
        let folder = self.storage.archive_folder();
        std::fs::create_dir_all(&folder)?;
        let draft = folder.join(".draft");
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&draft)?);
        out.write_all(&MAGIC)?;
        let (mut place, mut table, mut hash) = (MAGIC.len() as u64, Vec::new(), None);
        for height in first..=last {
            let bytes = self.db.get(JOURNAL, &height.to_be_bytes())?.ok_or(LedgerError::NoBlock { height })?;
            let bytes = (*bytes).as_ref();
            let corrupt = |corrupt: Corrupt| LedgerError::Corrupt { height, what: corrupt.0 };
            let block = Block::parse(bytes).map_err(corrupt)?;
            if block.header.height != height || hash.is_some_and(|hash| hash != block.header.prev) || !block.payload_is_whole() {
                return Err(corrupt(Corrupt("it is not whole, or not the next one")));
            }
            out.write_all(bytes)?;
            table.extend_from_slice(&place.to_le_bytes());
            table.extend_from_slice(&block.hash);
            place += bytes.len() as u64;
            hash = Some(block.hash);
        }
        out.write_all(&table)?;
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        // What is read back comes from the disk.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        let archived =
            Archived { through, first, last, hash: hash.unwrap_or_default(), digest: *blake3::hash(&table).as_bytes(), bytes: place + table.len() as u64 };
        std::fs::rename(&draft, folder.join(archived.name()))?;
        File::open(&folder)?.sync_all()?;
        self.storage.sync_names()?;
        let archive = Archive::open(&folder, &archived)?;
        for height in first..=last {
            archive.block(height)?;
        }
        Ok(Some(archived))
    }

    /// Gives back the room of blocks that were moved, which RocksDB would do by and by.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn reclaim(&self) -> Result<(), LedgerError> {
        self.db.purge(JOURNAL)
    }

    /// Whether a block was moved into an archive. Reading does not ask: it finds the block where it is.
    #[must_use]
    pub fn is_archived(&self, height: u64) -> bool {
        self.state.archives.iter().any(|archived| (archived.first..=archived.last).contains(&height))
    }
}
