//! The list of one backup: where its journal ends, and which content each of its files has. One JSON object on a line, and
//! the line's BLAKE3 on the next.

use super::{Backup, BackupError, FOLDERS, disk};
use crate::anchor::ANCHOR_FILE;
use crate::store::Head;
use crate::wire;
use domain::Day;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;

/// A content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub bytes: u64,
    #[serde(with = "wire")]
    pub digest: [u8; 32],
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct List {
    format: u32,
    pub number: u64,
    height: u64,
    #[serde(with = "wire")]
    hash: [u8; 32],
    open_day: Option<i32>,
    /// By their paths in the ledger's folder.
    pub files: BTreeMap<String, Kept>,
}

impl List {
    pub(crate) const fn new(number: u64, head: Head, open_day: Option<Day>, files: BTreeMap<String, Kept>) -> Self {
        let open_day = match open_day {
            Some(day) => Some(day.0),
            None => None,
        };
        Self { format: FORMAT, number, height: head.height, hash: head.hash, open_day, files }
    }

    pub(crate) const fn head(&self) -> Head {
        Head { height: self.height, hash: self.hash }
    }

    pub(crate) fn backup(&self, number: u64) -> Backup {
        let bytes = self.files.values().map(|kept| kept.bytes).sum();
        Backup { number, head: self.head(), open_day: self.open_day.map(Day), files: self.files.len() as u64, bytes, new_files: 0, new_bytes: 0 }
    }

    /// Writes it as a whole or not at all.
    pub(crate) fn write(&self, backups: &Path) -> Result<(), BackupError> {
        let path = path(backups, self.number);
        let line = serde_json::to_string(self).expect("a list has only texts and numbers");
        let draft = backups.join(".list.tmp");
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(with_digest(&line).as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| std::fs::rename(&draft, &path)).map_err(disk(&path, "written"))
    }

    /// Reads the list of a backup, which must be as it was written.
    pub(crate) fn read(backups: &Path, number: u64) -> Result<Self, BackupError> {
        let path = path(backups, number);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(BackupError::None { folder: backups.to_owned(), number: Some(number) }),
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged(&path, "it is not as it was written")),
            read => read.map_err(disk(&path, "read"))?,
        };
        let line = text.lines().next().unwrap_or_default();
        if text != with_digest(line) {
            return Err(damaged(&path, "it is not as it was written"));
        }
        let list: Self = serde_json::from_str(line).map_err(|error| damaged(&path, &error.to_string()))?;
        if list.format != FORMAT {
            return Err(damaged(&path, "another version of tapclear wrote it"));
        }
        if list.number != number {
            return Err(damaged(&path, "it is another backup's"));
        }
        match list.files.keys().find(|name| !is_a_ledger_s(name)) {
            Some(_) => Err(damaged(&path, "it names a file that no ledger has")),
            None => Ok(list),
        }
    }
}

fn with_digest(line: &str) -> String {
    format!("{line}\n{}\n", blake3::hash(line.as_bytes()).to_hex())
}

fn damaged(path: &Path, what: &str) -> BackupError {
    BackupError::File { path: path.to_owned(), what: what.to_owned() }
}

fn is_a_ledger_s(name: &str) -> bool {
    let plain = |file: &str| !file.is_empty() && !file.starts_with('.') && !file.contains('/');
    name == ANCHOR_FILE || name.split_once('/').is_some_and(|(folder, file)| FOLDERS.contains(&folder) && plain(file))
}

pub(crate) fn path(backups: &Path, number: u64) -> PathBuf {
    backups.join(format!("backup-{number:06}.json"))
}

/// The numbers of the backups in a folder, rising.
pub(crate) fn numbers(backups: &Path) -> Result<Vec<u64>, BackupError> {
    let entries = match std::fs::read_dir(backups) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(disk(backups, "listed"))?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(disk(backups, "listed"))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("backup-")).and_then(|name| name.strip_suffix(".json"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
