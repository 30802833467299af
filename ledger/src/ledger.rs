//! The ledger: one folder, one process that writes, a chain of blocks and what is derived from them.
//!
//! Days and files are held in memory and come from small indexes at open; the journal is not read then, except for what an
//! open checks: the chain ends where the head says, the block that the anchor names is in it and whole up to that end, and
//! every family of the database is as of it.

use crate::anchor::{self, ANCHOR_FILE, Anchor, Anchored, Start};
use crate::archive::{self, Archived, Shelved};
use crate::balances::Book;
use crate::chain;
use crate::days::{DayInfo, DayState};
use crate::decisions::Posted;
use crate::error::LedgerError;
use crate::files::FileInfo;
use crate::rocks::{self, Folder};
use crate::storage::{Database, Found, Manifest, Storage};
use crate::store::{self, DAYS, FAMILIES, FILES, FORMAT, FORMAT_KEY, HEAD_KEY, Head, INDEX, WITNESSES};
use domain::Day;
use hashbrown::HashMap;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::path::Path;

/// How a ledger is opened.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// Make one where there is none.
    pub create: bool,
    /// Less room than this on its disk, and it neither opens for writing nor takes in a group.
    pub free_bytes_min: u64,
    /// A head known from outside the ledger's folder: its block must be in the chain. A folder that was put back as a whole
    /// is seen by nothing else.
    pub anchor: Option<Head>,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        // Some groups, a memtable flush and the settlement files of a day fit below this.
        Self { create: true, free_bytes_min: 1 << 30, anchor: None }
    }
}

/// An open ledger. Reading needs `&self` and works from several threads; writing needs `&mut self`.
pub struct Ledger {
    pub(crate) db: Shelved,
    pub(crate) state: State,
    pub(crate) access: Access,
    pub(crate) free_bytes_min: u64,
    pub(crate) storage: Box<dyn Storage>,
}

/// What this process may do.
pub(crate) enum Access {
    /// Holds the lock as long as it lives.
    Write {
        _lock: Box<dyn Any + Send + Sync>,
        anchor: Anchor,
    },
    Read,
    /// A write failed: what is durable is unknown.
    Stopped,
}

/// What is held in memory.
#[derive(Default)]
pub(crate) struct State {
    pub head: Head,
    /// In the order of their days.
    pub days: Vec<DayInfo>,
    /// File `n` stands at `n - 1`.
    pub files: Vec<FileInfo>,
    /// The latest file with a digest.
    pub by_digest: HashMap<[u8; 32], u32, foldhash::fast::FixedState>,
    /// What the close under way has posted so far; none after an open, so that a close starts anew.
    pub closing: Option<Closing>,
    /// In the order of their heights.
    pub archives: Vec<Archived>,
}

#[derive(Default)]
pub(crate) struct Closing {
    pub book: Book,
    pub posted: Posted,
}

impl Ledger {
    /// Opens a ledger for writing; only one process at a time can.
    ///
    /// # Errors
    /// [`LedgerError::InUse`], [`LedgerError::Absent`], [`LedgerError::TooLittleDisk`], a format of another version, a head
    /// that is not in the chain, or storage that fails.
    pub fn open(path: &Path, options: &LedgerOptions) -> Result<Self, LedgerError> {
        Self::open_on(Box::new(Folder::new(path)), options)
    }

    /// The same of a ledger that lies elsewhere.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_on(storage: Box<dyn Storage>, options: &LedgerOptions) -> Result<Self, LedgerError> {
        let found = find(&*storage)?;
        if found.is_none() && !options.create {
            return Err(LedgerError::Absent);
        }
        let lock = storage.lock()?;
        enough_disk(&*storage, options.free_bytes_min)?;
        // The anchor is there before the database: a database without one has lost it.
        let mut anchor = match found {
            None => Anchor::create(&*storage)?,
            Some(anchored) => Anchor::open(&*storage, anchored)?,
        };
        // Families are only made while there was never anything in them.
        let db = Shelved::open(storage.open_database(found.is_none_or(|found| found.head == Head::default()))?, &*storage)?;
        storage.sync_names()?;
        let state = load(&db, options, found)?;
        let Manifest { number, bytes, .. } = storage.sync_manifest()?;
        anchor.begin(Start { head: state.head, manifest: number, manifest_bytes: bytes })?;
        Ok(Self { db, state, access: Access::Write { _lock: lock, anchor }, free_bytes_min: options.free_bytes_min, storage })
    }

    /// Opens a ledger as it is now, for reading, whether or not another process writes to it.
    ///
    /// # Errors
    /// As for [`Ledger::open`], without `InUse` and `TooLittleDisk`.
    pub fn open_read_only(path: &Path, options: &LedgerOptions) -> Result<Self, LedgerError> {
        let storage = Box::new(Folder::new(path));
        // The anchor first: a process that writes may make both longer meanwhile, and the database is ahead of the anchor then.
        let found = find(&*storage)?.ok_or(LedgerError::Absent)?;
        let opened = match storage.read_database() {
            // Cut off while it was being made, before anything was told.
            Err(error) if found.head == Head::default() && rocks::lacks_a_family(&error) => return Err(LedgerError::Absent),
            opened => opened?,
        };
        let db = Shelved::open(opened, &*storage)?;
        let state = load(&db, options, Some(found))?;
        Ok(Self { db, state, access: Access::Read, free_bytes_min: 0, storage })
    }

    /// The end of the chain.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.state.head
    }

    /// All clearing days, in order.
    #[must_use]
    pub fn days(&self) -> &[DayInfo] {
        &self.state.days
    }

    #[must_use]
    pub fn day(&self, day: Day) -> Option<&DayInfo> {
        self.state.days.iter().rev().find(|info| info.day == day)
    }

    /// The day that takes in records, or whose close is under way. None before the first is opened.
    #[must_use]
    pub fn open_day(&self) -> Option<&DayInfo> {
        self.state.days.last().filter(|info| matches!(info.state, DayState::Open | DayState::Closing))
    }

    /// All files, in the order in which they were started.
    #[must_use]
    pub fn files(&self) -> &[FileInfo] {
        &self.state.files
    }

    /// The latest file with this digest.
    #[must_use]
    pub fn file(&self, digest: &[u8; 32]) -> Option<&FileInfo> {
        self.state.by_digest.get(digest).and_then(|&id| self.file_by_id(id))
    }

    #[must_use]
    pub fn file_by_id(&self, id: u32) -> Option<&FileInfo> {
        self.state.file(id)
    }

    /// The id that the next `FileStarted` gives.
    ///
    /// # Panics
    /// When there are four billion files.
    #[must_use]
    pub fn next_file_id(&self) -> u32 {
        u32::try_from(self.state.files.len() + 1).expect("fewer than 4 billion files")
    }

    /// A digest over everything in each family of the database: two ledgers with the same digests are the same.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn digests(&self) -> Result<Vec<(&'static str, [u8; 32])>, LedgerError> {
        store::digests(&self.db, &FAMILIES)
    }

    /// The same of what is derived from the journal, and of the vault. Two journals are the same when their heads are.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn derived_digests(&self) -> Result<Vec<(&'static str, [u8; 32])>, LedgerError> {
        store::digests(&self.db, &WITNESSES)
    }

    /// Refuses when the disk has less room than the options ask for.
    pub(crate) fn enough_disk(&self) -> Result<(), LedgerError> {
        enough_disk(&*self.storage, self.free_bytes_min)
    }
}

impl State {
    pub(crate) fn file(&self, id: u32) -> Option<&FileInfo> {
        self.files.get((id as usize).checked_sub(1)?)
    }
}

/// What the anchor of a ledger says; none where there is no ledger, or one that was being made. One of which a part is not
/// there is refused.
pub(crate) fn find(storage: &dyn Storage) -> Result<Option<Anchored>, LedgerError> {
    let remains = match storage.find_database()? {
        Found::Database(manifest) => {
            let missing = LedgerError::Anchor { path: storage.folder().join(ANCHOR_FILE), what: "it is missing" };
            let anchored = anchor::read(storage)?.ok_or(missing)?;
            // One with a higher number was made by an open that did not come to its end.
            let known = anchored.start;
            let older = manifest.number < known.manifest || (manifest.number == known.manifest && manifest.bytes < known.manifest_bytes);
            return if older { Err(LedgerError::Older { path: manifest.path }) } else { Ok(Some(anchored)) };
        }
        Found::Remains => true,
        Found::Nothing => false,
    };
    // An empty database would be made here.
    let had_blocks = match anchor::read(storage) {
        Ok(Some(anchored)) => anchored.head != Head::default(),
        // Cut off while it was being made; the database comes after it.
        Ok(None) | Err(LedgerError::Anchor { .. }) => false,
        Err(error) => return Err(error),
    };
    if remains || had_blocks { Err(LedgerError::Lost { path: storage.folder().join("db/CURRENT") }) } else { Ok(None) }
}

fn enough_disk(storage: &dyn Storage, needed_bytes: u64) -> Result<(), LedgerError> {
    let free_bytes = storage.free_bytes()?;
    if free_bytes < needed_bytes { Err(LedgerError::TooLittleDisk { free_bytes, needed_bytes }) } else { Ok(()) }
}

fn load(db: &dyn Database, options: &LedgerOptions, found: Option<Anchored>) -> Result<State, LedgerError> {
    match store::bytes_of(db.get(INDEX, FORMAT_KEY)?.as_ref()) {
        None | Some(&[FORMAT]) => {}
        Some(other) => return Err(LedgerError::Format { found: other.first().copied().unwrap_or(0) }),
    }
    let head = match db.get(INDEX, HEAD_KEY)? {
        Some(bytes) => Head::of_bytes((*bytes).as_ref()).map_err(|corrupt| LedgerError::Index { index: "head", what: corrupt.0.to_owned() })?,
        None => Head::default(),
    };
    let end = chain::end(db)?;
    check_anchor(db, found, end)?;
    if end != head {
        return Err(LedgerError::HeadDiffers { height: head.height });
    }
    WITNESSES.into_iter().try_for_each(|family| store::check_witness(db, family, head))?;
    if let Some(known) = options.anchor {
        chain::holds(db, known, head).map_err(|error| LedgerError::NotExtended(Box::new(error)))?;
    }
    let mut state = State { head, archives: archive::infos(db)?, ..State::default() };
    for row in db.scan(INDEX, &[DAYS]) {
        let (_, value) = row?;
        state.days.push(from_json("days", &value)?);
    }
    for row in db.scan(INDEX, &[FILES]) {
        let (_, value) = row?;
        let file: FileInfo = from_json("files", &value)?;
        if file.id as usize != state.files.len() + 1 {
            return Err(LedgerError::Index { index: "files", what: format!("file {} is missing", state.files.len() + 1) });
        }
        state.by_digest.insert(file.digest, file.id);
        state.files.push(file);
    }
    Ok(state)
}

/// The chain reaches what was told, and is whole since the last process began to write.
pub(crate) fn check_anchor(db: &dyn Database, found: Option<Anchored>, head: Head) -> Result<(), LedgerError> {
    let Some(found) = found else { return if head == Head::default() { Ok(()) } else { Err(LedgerError::HeadDiffers { height: head.height }) } };
    if found.head.height > head.height {
        return Err(LedgerError::ChainEnds { height: head.height, expected: found.head.height });
    }
    chain::has(db, found.head)?;
    chain::holds(db, found.start.head, head)
}

pub(crate) fn from_json<T: DeserializeOwned>(index: &'static str, json: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(json).map_err(|error| LedgerError::Index { index, what: error.to_string() })
}
