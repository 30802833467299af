//! Backups: copies of a ledger's folder that were read back and whose chain was followed from its first block.
//!
//! A backup is taken while another process writes, from outside, file by file: the anchor first, then RocksDB's manifest,
//! then its tables, blobs and logs. The copy is what a crash at that moment would have left, or it lacks a file that was
//! dropped meanwhile; it is opened and checked as any ledger is, and taken again where it does not hold. RocksDB's own
//! backups copy what is there, damaged or not, and know nothing of the anchor.
//!
//! Nothing is written to the ledger, and a backup that is there is never changed. What several backups have in common is
//! stored once, under its digest.

mod copies;
mod list;

use crate::anchor::ANCHOR_FILE;
use crate::error::LedgerError;
use crate::ledger::{Ledger, LedgerOptions};
use crate::store::Head;
use copies::Copies;
use domain::Day;
use list::{Kept, List};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A ledger that is being written to changes under the copy; so often it is tried again.
const TRIES: usize = 20;

/// The folder of what was moved out of the journal, in a ledger's folder.
const FOLDERS: [&str; 2] = ["db", "archive"];

/// Why there is no backup, or none that can be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {what}", path.display())]
    File { path: PathBuf, what: String },
    #[error("{}: it cannot be {what}", path.display())]
    Disk {
        path: PathBuf,
        what: &'static str,
        #[source]
        error: std::io::Error,
    },
    #[error("{}: another process makes a backup there", folder.display())]
    InUse { folder: PathBuf },
    #[error("{}: it has no backup{}", folder.display(), number.map_or_else(String::new, |number| format!(" {number}")))]
    None { folder: PathBuf, number: Option<u64> },
    /// What was copied is no sound ledger, and nothing changed while it was copied.
    #[error("what was copied is not a whole ledger")]
    Unsound(#[source] LedgerError),
}

fn disk(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::Disk { path, what, error }
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// From 1, in the order in which they were made.
    pub number: u64,
    /// Where its journal ends.
    pub head: Head,
    /// The day that was open.
    pub open_day: Option<Day>,
    pub files: u64,
    pub bytes: u64,
    /// Of these, what no earlier backup had.
    pub new_files: u64,
    pub new_bytes: u64,
}

/// Makes a backup of a ledger in the folder `to`, whether or not another process writes to the ledger.
///
/// # Errors
/// [`BackupError`]; there is no new backup then, and those before are as they were.
pub fn back_up(ledger: &Path, to: &Path, workers: usize) -> Result<Backup, BackupError> {
    let copies = Copies::open(to)?;
    let _lock = lock(to)?;
    let mut tries = 0;
    loop {
        let before = listing(ledger)?;
        match attempt(ledger, to, &copies, workers) {
            Err(BackupError::Unsound(error)) if matches!(error, LedgerError::Absent) => return Err(BackupError::Unsound(error)),
            Err(BackupError::Unsound(_) | BackupError::Disk { .. }) if tries < TRIES && listing(ledger)? != before => tries += 1,
            ended => return ended,
        }
    }
}

/// Removes all but the newest `keep` backups, and what only they had.
///
/// # Errors
/// When a backup that stays cannot be read: nothing that it needs may be taken from it.
pub fn drop_older(to: &Path, keep: usize) -> Result<Vec<u64>, BackupError> {
    let copies = Copies::open(to)?;
    let _lock = lock(to)?;
    let mut numbers = list::numbers(to)?;
    let stay = numbers.split_off(numbers.len().saturating_sub(keep.max(1)));
    let mut needed = BTreeSet::new();
    for &number in &stay {
        needed.extend(List::read(to, number)?.files.into_values().map(|kept| kept.digest));
    }
    // The lists first: a list without its files would be a damaged backup.
    for &number in &numbers {
        let path = list::path(to, number);
        std::fs::remove_file(&path).map_err(disk(&path, "removed"))?;
    }
    sync_folder(to)?;
    copies.retain(&needed)?;
    Ok(numbers)
}

/// Puts a backup, the newest unless a number says which, into a folder that does not exist yet. `known` is a head from
/// outside that its chain must hold.
///
/// # Errors
/// [`BackupError`] that names the file; the folder does not exist then.
pub fn restore(from: &Path, number: Option<u64>, into: &Path, known: Option<Head>, workers: usize) -> Result<Backup, BackupError> {
    let none = || BackupError::None { folder: from.to_owned(), number };
    let number = match number {
        Some(number) => number,
        None => list::numbers(from)?.pop().ok_or_else(none)?,
    };
    let list = List::read(from, number)?;
    if into.exists() {
        return Err(BackupError::File { path: into.to_owned(), what: "it exists already".to_owned() });
    }
    let name = into.file_name().unwrap_or_default().to_string_lossy();
    let parent = into.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = parent.join(format!(".{name}.restoring"));
    remove(&draft)?;
    let restored = fill(from, &list, &draft, known, workers);
    if let Err(error) = restored {
        remove(&draft)?;
        return Err(error);
    }
    std::fs::rename(&draft, into).map_err(disk(into, "put in place"))?;
    sync_folder(parent)?;
    Ok(list.backup(number))
}

fn fill(from: &Path, list: &List, draft: &Path, known: Option<Head>, workers: usize) -> Result<(), BackupError> {
    let copies = Copies::of(from);
    for folder in FOLDERS.map(|folder| draft.join(folder)) {
        std::fs::create_dir_all(&folder).map_err(disk(&folder, "made"))?;
    }
    for (name, kept) in &list.files {
        copies.restore(kept, &draft.join(name))?;
    }
    for folder in FOLDERS.map(|folder| draft.join(folder)).iter().chain([&draft.to_owned()]) {
        sync_folder(folder)?;
    }
    let head = sound(draft, known, workers).map_err(BackupError::Unsound)?.head();
    if head == list.head() {
        Ok(())
    } else {
        Err(BackupError::File { path: list::path(from, list.number), what: "its journal ends elsewhere than it says".to_owned() })
    }
}

/// One copy, from the anchor on.
fn attempt(ledger: &Path, to: &Path, copies: &Copies, workers: usize) -> Result<Backup, BackupError> {
    // Whatever the anchor says is in what is copied after it.
    let anchor = ledger.join(ANCHOR_FILE);
    if !anchor.exists() && !ledger.join("db/CURRENT").exists() {
        return Err(BackupError::Unsound(LedgerError::Absent));
    }
    let mut files: BTreeMap<String, Kept> = BTreeMap::new();
    let mut fresh = (0, 0);
    let mut note = |name: String, (kept, new): (Kept, bool)| {
        fresh = (fresh.0 + u64::from(new), fresh.1 + if new { kept.bytes } else { 0 });
        files.insert(name, kept);
    };
    note(ANCHOR_FILE.to_owned(), copies.take_at_once(&anchor)?);
    let current = ledger.join("db/CURRENT");
    let manifest = std::fs::read_to_string(&current).map_err(disk(&current, "read"))?;
    note("db/CURRENT".to_owned(), copies.take_at_once(&current)?);
    let manifest = format!("db/{}", manifest.trim_end());
    let taken = copies.take(&ledger.join(&manifest))?;
    note(manifest, taken);
    for (name, _) in listing(ledger)? {
        let kind = Path::new(&name).extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if matches!(kind, "sst" | "blob" | "log" | "blocks") {
            let taken = copies.take(&ledger.join(&name))?;
            note(name, taken);
        }
    }
    copies.sync()?;
    files.values().try_for_each(|kept| copies.check(kept))?;
    let view = to.join(".view");
    remove(&view)?;
    let seen = look(&view, &files, copies, workers);
    remove(&view)?;
    let (head, open_day) = seen.map_err(BackupError::Unsound)?;
    let number = list::numbers(to)?.last().map_or(1, |last| last + 1);
    let list = List::new(number, head, open_day, files);
    list.write(to)?;
    sync_folder(to)?;
    Ok(Backup { new_files: fresh.0, new_bytes: fresh.1, ..list.backup(number) })
}

/// Opens what was copied, under the names that it had.
fn look(view: &Path, files: &BTreeMap<String, Kept>, copies: &Copies, workers: usize) -> Result<(Head, Option<Day>), LedgerError> {
    for folder in FOLDERS {
        std::fs::create_dir_all(view.join(folder))?;
    }
    for (name, kept) in files {
        std::os::unix::fs::symlink(std::path::absolute(copies.place(&kept.digest))?, view.join(name))?;
    }
    let ledger = sound(view, None, workers)?;
    Ok((ledger.head(), ledger.open_day().map(|info| info.day)))
}

/// A ledger that opens, whose chain is whole from its first block to its end, and whose every key can be read.
fn sound(folder: &Path, known: Option<Head>, workers: usize) -> Result<Ledger, LedgerError> {
    let ledger = Ledger::open_read_only(folder, &LedgerOptions { create: false, anchor: known, ..LedgerOptions::default() })?;
    ledger.scrub(workers)?;
    Ok(ledger)
}

/// Only one process makes or drops backups in a folder.
fn lock(folder: &Path) -> Result<File, BackupError> {
    let path = folder.join("backup.lock");
    let file = File::create(&path).map_err(disk(&path, "made"))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(BackupError::InUse { folder: folder.to_owned() }),
        Err(error) => Err(disk(&path, "locked")(error.into())),
    }
}

/// The names of a ledger's files and their lengths.
fn listing(ledger: &Path) -> Result<BTreeMap<String, u64>, BackupError> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        let place = ledger.join(folder);
        let entries = match std::fs::read_dir(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(disk(&place, "listed"))?,
        };
        for entry in entries {
            let entry = entry.map_err(disk(&place, "listed"))?;
            // One that is gone again is no file of the ledger.
            if let Some(bytes) = entry.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()) {
                found.insert(format!("{folder}/{}", entry.file_name().to_string_lossy()), bytes);
            }
        }
    }
    Ok(found)
}

fn remove(folder: &Path) -> Result<(), BackupError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(disk(folder, "removed")(error)),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk(folder, "synced"))
}
