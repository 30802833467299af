//! The shelf: where days are published, each as a whole or not at all.
//!
//! A day is written under a temporary name beside its final one, checked, synced at once, renamed, and the parent synced.
//! A day that is there already is never written to: it may have been sent.

use crate::SettleError;
use crate::digest::{FileDigest, NamedDigest};
use crate::sink::FileEntry;
use domain::{Day, Suite};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A day's temporary folder and its final one.
pub(crate) struct Shelf {
    parent: PathBuf,
    draft: PathBuf,
    place: PathBuf,
}

/// A party's folder as it must be.
pub(crate) struct PartyFolder {
    pub party: String,
    pub files: Vec<FileEntry>,
    pub manifest: FileEntry,
}

impl Shelf {
    /// An empty temporary folder; what an interrupted run left there is removed.
    pub fn open(out: &Path, day: Day) -> Result<Self, SettleError> {
        let shelf = Self { parent: out.to_path_buf(), draft: out.join(format!(".{day}.tmp")), place: out.join(day.to_string()) };
        shelf.clear()?;
        std::fs::create_dir_all(&shelf.draft).map_err(SettleError::file("cannot create", &shelf.draft))?;
        Ok(shelf)
    }

    /// Where the day is written before it is published.
    pub fn draft(&self) -> &Path {
        &self.draft
    }

    /// Where it is published.
    pub fn place(&self) -> &Path {
        &self.place
    }

    pub fn is_published(&self) -> bool {
        self.place.exists()
    }

    /// Removes the temporary folder.
    pub fn clear(&self) -> Result<(), SettleError> {
        match std::fs::remove_dir_all(&self.draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(SettleError::file("cannot remove", &self.draft)(error)),
            _ => Ok(()),
        }
    }

    /// Puts the day in place: sizes checked, one sync of the file system, one rename, the parent synced.
    pub fn publish(&self, folders: &[PartyFolder]) -> Result<(), SettleError> {
        for (path, entry) in entries(&self.draft, folders) {
            let size = std::fs::metadata(&path).map_err(SettleError::file("cannot look at", &path))?.len();
            if size != entry.size {
                let whose = path.display().to_string();
                return Err(SettleError::Unequal { whose, what: "bytes on disk and written", left: size.into(), right: entry.size.into() });
            }
        }
        let draft = File::open(&self.draft).map_err(SettleError::file("cannot open", &self.draft))?;
        rustix::fs::syncfs(&draft).map_err(|error| SettleError::file("cannot sync", &self.draft)(error.into()))?;
        std::fs::rename(&self.draft, &self.place).map_err(SettleError::file("cannot publish", &self.place))?;
        let parent = File::open(&self.parent).map_err(SettleError::file("cannot open", &self.parent))?;
        parent.sync_all().map_err(SettleError::file("cannot sync", &self.parent))
    }

    /// Holds what is published against what it must be, to the last byte.
    ///
    /// # Errors
    /// [`SettleError::Published`] when any file of any party says something else.
    pub fn compare(&self, folders: &[PartyFolder]) -> Result<(), SettleError> {
        for (path, entry) in entries(&self.place, folders) {
            let differs = |difference: &str| SettleError::Published { path: path.clone(), difference: difference.to_owned() };
            let file = match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(differs("the file is missing")),
                opened => opened.map_err(SettleError::file("cannot open", &path))?,
            };
            let (size, found) = digest(file, entry.digest.suite()).map_err(SettleError::file("cannot read", &path))?;
            if size != entry.size || found != entry.digest {
                let (found, due) = (found.digits(), entry.digest.digits());
                return Err(differs(&format!("{size} bytes with digest {found} where {} bytes with digest {due} are due", entry.size)));
            }
        }
        Ok(())
    }
}

fn entries<'a>(root: &'a Path, folders: &'a [PartyFolder]) -> impl Iterator<Item = (PathBuf, &'a FileEntry)> {
    folders.iter().flat_map(move |folder| {
        let place = root.join(&folder.party);
        folder.files.iter().chain([&folder.manifest]).map(move |entry| (place.join(&entry.name), entry))
    })
}

/// Size and digest of a file.
pub(crate) fn digest(mut file: File, suite: Suite) -> std::io::Result<(u64, NamedDigest)> {
    let mut buffer = vec![0; 1 << 20];
    let (mut digest, mut size) = (FileDigest::new(suite), 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((size, digest.finish()));
        };
        digest.update(bytes);
        size += bytes.len() as u64;
    }
}
