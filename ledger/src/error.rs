//! What can go wrong with a ledger. An error prints its own layer; causes are its sources. None holds a field's value.

use crate::days::DayState;
use crate::files::FileState;
use domain::Day;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why a ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger is in use by another process")]
    InUse,
    #[error("there is no ledger at this place")]
    Absent,
    #[error("too little room on the ledger's disk: {free_bytes} bytes free, {needed_bytes} needed")]
    TooLittleDisk { free_bytes: u64, needed_bytes: u64 },
    #[error("the ledger was written by another version of tapclear (format {found})")]
    Format { found: u8 },
    /// The anchor cannot be read, or is not there.
    #[error("{}: {what}", path.display())]
    Anchor { path: PathBuf, what: &'static str },
    /// An archive that the journal names is not there, or not as it was written.
    #[error("{}: {what}", path.display())]
    Archive { path: PathBuf, what: &'static str },
    /// What a ledger had is not there, although its anchor or other files are.
    #[error("{}: it is missing, and so is what the ledger had", path.display())]
    Lost { path: PathBuf },
    #[error("the journal ends at height {height}; height {expected} was durable: the database's newest files are lost, cut or older than they were")]
    ChainEnds { height: u64, expected: u64 },
    /// RocksDB would open it with what is left.
    #[error("{}: it is shorter or older than it was", path.display())]
    Older { path: PathBuf },
    #[error("the database's {family} are not as of the journal's head: some of its files are lost, cut or older than they were")]
    FamilyDiffers { family: &'static str },
    /// The folder may have been put back as a whole to an earlier time, or its journal written anew.
    #[error("the ledger does not go on from the checkpoint that it was held against")]
    NotExtended(#[source] Box<LedgerError>),
    /// The journal's last block is not the one that the head names, or a head known from outside is not in the chain.
    #[error("the journal does not hold the block of its head at height {height}")]
    HeadDiffers { height: u64 },
    #[error("block {height} of the journal is damaged: {what}")]
    Corrupt { height: u64, what: &'static str },
    #[error("the ledger's {index} index is damaged: {what}")]
    Index { index: &'static str, what: String },
    #[error("block {height} is not in the journal")]
    NoBlock { height: u64 },
    #[error("block {height} does not hold {wanted}")]
    OtherKind { height: u64, wanted: &'static str },

    #[error("the vault holds no number of this card")]
    NoCard,
    #[error("blocks {first} to {last} are not those that come next into an archive")]
    NotNextArchive { first: u64, last: u64 },
    #[error("no clearing day is open")]
    NoDayOpen,
    #[error("clearing day {day} is {}", state.name())]
    DayState { day: Day, state: DayState },
    #[error("clearing day {day} is not the one that is open")]
    OtherDay { day: Day },
    #[error("clearing day {day} does not come after the last one")]
    DayNotLater { day: Day },
    #[error("file {file} is not known")]
    NoFile { file: u32 },
    #[error("file {file} is {}", state.name())]
    FileState { file: u32, state: FileState },
    #[error("file {file} has the same digest and is {}", state.name())]
    FileKnown { file: u32, state: FileState },
    #[error("file {file} is booked with another number of {what} than were taken in")]
    CountsDiffer { file: u32, what: &'static str },
    #[error("the totals of clearing day {day} state another {what} than its decisions post")]
    TotalsDiffer { day: Day, what: &'static str },
    /// The close was started before the ledger was opened: it has to start anew.
    #[error("the close of clearing day {day} was not started since the ledger was opened")]
    CloseNotStarted { day: Day },

    #[error("the ledger is open for reading only")]
    ReadOnly,
    /// Whether the failed group is durable is unknown: the process ends, and the ledger is opened and checked again.
    #[error("an earlier write failed; the ledger must be opened again")]
    Stopped,
    #[error("the ledger's storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the ledger's folder cannot be used")]
    Folder(#[from] std::io::Error),
}

/// What keeps a ledger's place from being used, whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A file stands where a folder should.
    NotAFolder,
    /// This user may not write there, or nobody.
    NotWritable,
    Full,
}

const SYSTEM_WORDS: [(&str, Obstacle); 5] = [
    ("Not a directory", Obstacle::NotAFolder),
    ("Permission denied", Obstacle::NotWritable),
    ("Read-only file system", Obstacle::NotWritable),
    ("No space left on device", Obstacle::Full),
    ("Disk quota exceeded", Obstacle::Full),
];

impl LedgerError {
    /// Whether the place is at fault, not what is in it.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::NotExtended(error) => error.obstacle(),
            Self::Folder(error) => match error.kind() {
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Some(Obstacle::NotAFolder),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(Obstacle::NotWritable),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Obstacle::Full),
                _ => None,
            },
            // RocksDB hands on the system's words alone.
            Self::Storage(error) => {
                let words = error.to_string();
                SYSTEM_WORDS.iter().find(|(said, _)| words.contains(said)).map(|&(_, obstacle)| obstacle)
            }
            _ => None,
        }
    }
}

impl From<rocksdb::Error> for LedgerError {
    fn from(error: rocksdb::Error) -> Self {
        Self::Storage(Box::new(error))
    }
}
