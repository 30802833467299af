//! Source files: a file is booked whole or not at all, and its digest is remembered.

use crate::wire;
use domain::Day;
use serde::{Deserialize, Serialize};

/// Where a source file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Its blocks come in and do not count yet.
    Receiving,
    /// Its blocks count.
    Booked,
    /// It could not be read to its end; nothing of it counts.
    Abandoned,
    /// It was booked and taken back. Where its day was open, nothing of it counts; where its day had closed, that day stays as
    /// it is, and the close of the day that took it back undoes it.
    Withdrawn,
}

impl FileState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Booked => "booked",
            Self::Abandoned => "abandoned",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// From 1, in the order in which files were started.
    pub id: u32,
    /// BLAKE3 of its bytes.
    #[serde(with = "wire")]
    pub digest: [u8; 32],
    pub name: String,
    pub sender: String,
    /// The clearing day that took it in.
    #[serde(with = "wire::day")]
    pub day: Day,
    pub state: FileState,
    /// Records taken in, repeats too; refused rows are not among them.
    pub received: u64,
    /// Rows that never became records.
    pub refused: u64,
    /// Records among `received` whose id was taken in before.
    pub repeats: u64,
    /// Its length.
    pub bytes: u64,
    /// The clearing day that was open when it was taken back, where that is a later one than its own.
    #[serde(default, with = "wire::optional_day", skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Day>,
}

impl FileInfo {
    /// Whether it counts, or counted, in the close of its own day.
    #[must_use]
    pub fn counts_in_its_day(&self) -> bool {
        match self.state {
            FileState::Booked => true,
            FileState::Withdrawn => self.withdrawn.is_some(),
            FileState::Receiving | FileState::Abandoned => false,
        }
    }

    /// Whether the close of `day` has to undo it.
    #[must_use]
    pub fn is_undone_in(&self, day: Day) -> bool {
        self.withdrawn == Some(day)
    }
}
