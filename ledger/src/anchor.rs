//! The anchor: a small file outside RocksDB that says where the chain ended when something was last acknowledged.
//!
//! A log that was deleted, cut or replaced by an older one opens without an error in RocksDB, and with less in it. Here it
//! shows: the file is written and synced before anything durable is acknowledged. It holds two slots on two pages and writes
//! them in turn, so that a torn write costs the newest of the two and never both. Never read for anything but this check:
//! what is in the chain stands in the journal alone.

use crate::codec::{Corrupt, Reader};
use crate::error::LedgerError;
use crate::storage::{AnchorFile, Storage};
use crate::store::Head;

/// The file's name in the ledger's folder.
pub(crate) const ANCHOR_FILE: &str = "ledger.head";

/// A slot begins like this; the last byte is its version.
const MAGIC: [u8; 8] = *b"taphead\x01";
/// Magic, sequence, head, start, and the BLAKE3 of these.
const SLOT_LEN: usize = 8 + 8 + 40 + 56 + 32;
/// The slots stand on pages of their own: a disk that loses one write loses one slot.
const SLOT_STEP: u64 = 4096;
const SLOTS: u64 = 2;
/// No anchor is longer.
pub(crate) const FILE_LEN: u64 = SLOTS * SLOT_STEP;

/// The file, open for writing.
pub(crate) struct Anchor {
    file: Box<dyn AnchorFile>,
    /// Of the newest slot. Slot `sequence % 2` is the newest, so the next write never touches it.
    sequence: u64,
    /// What the newest slot says.
    head: Head,
    start: Start,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchored {
    sequence: u64,
    pub head: Head,
    pub start: Start,
}

/// The database as the process that wrote last has opened it. What it has written since can be lost in the middle, when
/// RocksDB's manifest is cut: it is looked at as a whole by the next open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Where the chain ended.
    pub head: Head,
    /// The number of RocksDB's manifest, and the bytes of it that were on the disk: what the database was made of.
    pub manifest: u64,
    pub manifest_bytes: u64,
}

impl Anchor {
    /// Makes the file of a ledger without blocks. It is on the disk, with its name, when this returns.
    pub(crate) fn create(storage: &dyn Storage) -> Result<Self, LedgerError> {
        let file = storage.create_anchor()?;
        let mut anchor = Self { file, sequence: 0, head: Head::default(), start: Start::default() };
        anchor.write(Head::default())?;
        anchor.write(Head::default())?;
        storage.sync_names()?;
        Ok(anchor)
    }

    pub(crate) fn open(storage: &dyn Storage, found: Anchored) -> Result<Self, LedgerError> {
        let file = storage.open_anchor()?;
        let mut anchor = Self { file, sequence: found.sequence, head: found.head, start: found.start };
        // What was read may stand in memory alone, after a sync that failed: the next write would go over the only slot that
        // is on the disk.
        anchor.put(found.sequence, found.head)?;
        Ok(anchor)
    }

    /// Makes `head` the newest, if it is not. After an error the file is not to be written again: what is on the disk is unknown.
    pub(crate) fn keep(&mut self, head: Head) -> std::io::Result<()> {
        if head == self.head { Ok(()) } else { self.write(head) }
    }

    /// Tells how the database was opened, and where the chain ends.
    pub(crate) fn begin(&mut self, start: Start) -> std::io::Result<()> {
        self.start = start;
        self.write(start.head)
    }

    fn write(&mut self, head: Head) -> std::io::Result<()> {
        self.put(self.sequence + 1, head)
    }

    fn put(&mut self, sequence: u64, head: Head) -> std::io::Result<()> {
        self.file.write_at(&slot(sequence, head, self.start), sequence % SLOTS * SLOT_STEP)?;
        self.file.sync()?;
        (self.sequence, self.head) = (sequence, head);
        Ok(())
    }
}

/// What the file of a ledger says; none where there is no file.
///
/// # Errors
/// When neither slot is whole, or the file cannot be read.
pub(crate) fn read(storage: &dyn Storage) -> Result<Option<Anchored>, LedgerError> {
    let Some(bytes) = storage.read_anchor()? else { return Ok(None) };
    let slot_at = |at: u64| {
        let start = usize::try_from(at * SLOT_STEP).expect("some pages");
        bytes.get(start..start + SLOT_LEN).and_then(|slot| parse(slot).ok()).filter(|slot| slot.sequence % SLOTS == at)
    };
    let newest = (0..SLOTS).filter_map(slot_at).max_by_key(|slot| slot.sequence);
    newest.map(Some).ok_or_else(|| LedgerError::Anchor { path: storage.folder().join(ANCHOR_FILE), what: "neither of its slots is whole" })
}

fn slot(sequence: u64, head: Head, start: Start) -> Vec<u8> {
    let numbers = [start.manifest, start.manifest_bytes].map(u64::to_le_bytes).concat();
    let mut bytes = [&MAGIC[..], &sequence.to_le_bytes(), &head.to_bytes(), &start.head.to_bytes(), &numbers].concat();
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    assert_eq!(bytes.len(), SLOT_LEN, "a slot has one length");
    bytes
}

fn parse(slot: &[u8]) -> Result<Anchored, Corrupt> {
    let mut reader = Reader::new(slot);
    let magic: [u8; 8] = reader.array()?;
    let sequence = reader.u64()?;
    let head = Head { height: reader.u64()?, hash: reader.array()? };
    let begun = Head { height: reader.u64()?, hash: reader.array()? };
    let start = Start { head: begun, manifest: reader.u64()?, manifest_bytes: reader.u64()? };
    let digest: [u8; 32] = reader.array()?;
    reader.finish()?;
    let whole = slot.get(..SLOT_LEN - 32).is_some_and(|front| *blake3::hash(front).as_bytes() == digest);
    if magic == MAGIC && whole { Ok(Anchored { sequence, head, start }) } else { Err(Corrupt("a slot is not whole")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rocks::Folder;
    use std::path::{Path, PathBuf};

    fn path(folder: &Path) -> PathBuf {
        folder.join(ANCHOR_FILE)
    }

    fn head(height: u64) -> Head {
        Head { height, hash: [u8::try_from(height).expect("small"); 32] }
    }

    /// A file that was written for every height up to the last.
    fn written(folder: &Path, last: u64) {
        let mut anchor = Anchor::create(&Folder::new(folder)).expect("makes it");
        for height in 1..=last {
            anchor.write(head(height)).expect("writes");
        }
    }

    fn read_head(folder: &Path) -> Option<Head> {
        read(&Folder::new(folder)).expect("a slot is whole").map(|anchored| anchored.head)
    }

    #[test]
    fn the_newest_head_is_read_and_writing_goes_on_after_an_open() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(read(&Folder::new(dir.path())).expect("there is none"), None);
        for last in 0..5 {
            written(dir.path(), last);
            assert_eq!(read_head(dir.path()), Some(head(last)));
        }
        let found = read(&Folder::new(dir.path())).expect("reads").expect("it is there");
        Anchor::open(&Folder::new(dir.path()), found).expect("opens").write(head(9)).expect("writes");
        assert_eq!(read_head(dir.path()), Some(head(9)));
    }

    #[test]
    fn a_damaged_newest_slot_leaves_the_one_before() {
        for last in [6, 7] {
            let dir = tempfile::tempdir().expect("a folder");
            written(dir.path(), last);
            let whole = std::fs::read(path(dir.path())).expect("reads");
            let newest = read(&Folder::new(dir.path())).expect("reads").expect("it is there").sequence % SLOTS * SLOT_STEP;
            for at in 0..SLOT_LEN {
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[usize::try_from(newest).expect("small") + at] ^= 1 << bit;
                    std::fs::write(path(dir.path()), flipped).expect("writes");
                    assert_eq!(read_head(dir.path()), Some(head(last - 1)), "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_file_without_a_whole_slot_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        written(dir.path(), 3);
        let whole = std::fs::read(path(dir.path())).expect("reads");
        // The slots swapped are not what was written either.
        let swapped = [&whole[4096..], &vec![0; 4096 - SLOT_LEN], &whole[..SLOT_LEN]].concat();
        for bytes in [vec![], whole[..SLOT_LEN - 1].to_vec(), vec![0; 8192], swapped] {
            std::fs::write(path(dir.path()), bytes).expect("writes");
            assert!(matches!(read(&Folder::new(dir.path())), Err(LedgerError::Anchor { .. })));
        }
    }
}
