//! What backups are made of: each content once, named by its BLAKE3. A content that is there is never written again, and is
//! believed only after it was read.

use super::list::Kept;
use super::{BackupError, disk, sync_folder};
use crate::error::LedgerError;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 1 << 20;

pub(crate) struct Copies {
    folder: PathBuf,
}

impl Copies {
    /// Those of a folder of backups, which is made where there is none.
    pub(crate) fn open(backups: &Path) -> Result<Self, BackupError> {
        let copies = Self::of(backups);
        std::fs::create_dir_all(&copies.folder).map_err(disk(&copies.folder, "made"))?;
        Ok(copies)
    }

    pub(crate) fn of(backups: &Path) -> Self {
        Self { folder: backups.join("files") }
    }

    pub(crate) fn place(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(blake3::Hash::from_bytes(*digest).to_hex().as_str())
    }

    /// Copies a file as long as it is now; says whether its content is new. A file that grows is copied up to where it
    /// ended.
    pub(crate) fn take(&self, path: &Path) -> Result<(Kept, bool), BackupError> {
        let file = File::open(path).map_err(disk(path, "opened"))?;
        let bytes = file.metadata().map_err(disk(path, "looked at"))?.len();
        let digest = pass(path, bytes, &mut std::io::sink())?;
        let kept = Kept { bytes, digest };
        let new = self.put(&kept, |out| pass(path, bytes, out))?;
        Ok((kept, new))
    }

    /// Copies a small file that is written in its place: it is read once.
    pub(crate) fn take_at_once(&self, path: &Path) -> Result<(Kept, bool), BackupError> {
        let read = std::fs::read(path).map_err(disk(path, "read"))?;
        let kept = Kept { bytes: read.len() as u64, digest: *blake3::hash(&read).as_bytes() };
        let new = self.put(&kept, |out| out.write_all(&read).map(|()| kept.digest).map_err(disk(path, "copied")))?;
        Ok((kept, new))
    }

    fn put(&self, kept: &Kept, write: impl FnOnce(&mut File) -> Result<[u8; 32], BackupError>) -> Result<bool, BackupError> {
        let place = self.place(&kept.digest);
        // A content of another length is what a run left that was cut off.
        if std::fs::metadata(&place).is_ok_and(|metadata| metadata.len() == kept.bytes) {
            return Ok(false);
        }
        let draft = self.folder.join("draft");
        let mut copy = File::create(&draft).map_err(disk(&draft, "made"))?;
        if write(&mut copy)? != kept.digest {
            return Err(BackupError::File { path: place, what: "what is to become it read otherwise a second time".to_owned() });
        }
        copy.sync_all().map_err(disk(&draft, "synced"))?;
        // What is read back below comes from the disk.
        let _ = rustix::fs::fadvise(&copy, 0, None, rustix::fs::Advice::DontNeed);
        std::fs::rename(&draft, &place).map_err(disk(&place, "put in place"))?;
        Ok(true)
    }

    /// Makes the names durable.
    pub(crate) fn sync(&self) -> Result<(), BackupError> {
        sync_folder(&self.folder)
    }

    /// Reads a content back.
    pub(crate) fn check(&self, kept: &Kept) -> Result<(), BackupError> {
        self.read(kept, &mut std::io::sink())
    }

    /// Writes a content to a new file, which is durable then but for its name.
    pub(crate) fn restore(&self, kept: &Kept, to: &Path) -> Result<(), BackupError> {
        let mut file = File::create_new(to).map_err(disk(to, "made"))?;
        self.read(kept, &mut file)?;
        file.sync_all().map_err(disk(to, "synced"))
    }

    /// Removes what is not needed, and drafts of runs that were cut off.
    pub(crate) fn retain(&self, needed: &BTreeSet<[u8; 32]>) -> Result<(), BackupError> {
        let names: BTreeSet<PathBuf> = needed.iter().map(|digest| self.place(digest)).collect();
        for entry in std::fs::read_dir(&self.folder).map_err(disk(&self.folder, "listed"))? {
            let path = entry.map_err(disk(&self.folder, "listed"))?.path();
            if !names.contains(&path) {
                std::fs::remove_file(&path).map_err(disk(&path, "removed"))?;
            }
        }
        self.sync()
    }

    fn read(&self, kept: &Kept, out: &mut dyn Write) -> Result<(), BackupError> {
        let path = self.place(&kept.digest);
        let damaged = |what: &str| BackupError::File { path: path.clone(), what: what.to_owned() };
        let length = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(damaged("it is missing")),
            found => found.map_err(disk(&path, "looked at"))?.len(),
        };
        if length != kept.bytes {
            return Err(damaged(&format!("it has {length} bytes; {} were copied", kept.bytes)));
        }
        if pass(&path, length, out)? == kept.digest { Ok(()) } else { Err(damaged("its bytes are not those that were copied")) }
    }
}

/// Hands on the first `bytes` bytes of a file; their digest.
fn pass(path: &Path, bytes: u64, out: &mut dyn Write) -> Result<[u8; 32], BackupError> {
    let mut file = File::open(path).map_err(disk(path, "opened"))?.take(bytes);
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; BUFFER_BYTES]);
    let mut left = bytes;
    loop {
        let read = file.read(&mut buffer).map_err(disk(path, "read"))?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        hasher.update(piece);
        out.write_all(piece).map_err(disk(path, "copied"))?;
        left -= read as u64;
    }
    // It was cut while it was read, or it is not what it was.
    if left > 0 {
        return Err(BackupError::Unsound(LedgerError::Older { path: path.to_owned() }));
    }
    Ok(*hasher.finalize().as_bytes())
}
