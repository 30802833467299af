//! Where a ledger lies, as the ledger sees it: a database, an anchor beside it, and what has to be synced of both.
//!
//! Everything that the ledger asks of a disk is asked here, so that the same protocol runs on RocksDB in a folder and on a
//! disk that a test simulates, which loses and tears what was not synced. It decides nothing: when to sync, what to check
//! and what to refuse is the ledger's.

use crate::error::LedgerError;
use std::any::Any;
use std::path::{Path, PathBuf};

/// A key and its value.
pub type KeyValue = (Box<[u8]>, Box<[u8]>);

/// A value where it lies.
pub type Value<'d> = Box<dyn AsRef<[u8]> + 'd>;

/// The place of one ledger.
pub trait Storage: Send + Sync {
    /// The ledger's folder, as it is named in messages.
    fn folder(&self) -> &Path;

    /// Where archives lie.
    fn archive_folder(&self) -> PathBuf {
        self.folder().join("archive")
    }

    /// Makes the place where it is not there, and keeps all others from writing as long as what is returned lives.
    ///
    /// # Errors
    /// [`LedgerError::InUse`], or a place that cannot be used.
    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, LedgerError>;

    /// Bytes that this process may still write.
    ///
    /// # Errors
    /// When it cannot be told.
    fn free_bytes(&self) -> Result<u64, LedgerError>;

    /// What the anchor holds; none where there is no anchor.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_anchor(&self) -> Result<Option<Vec<u8>>, LedgerError>;

    /// An anchor that holds nothing.
    ///
    /// # Errors
    /// When it cannot be made.
    fn create_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError>;

    /// The anchor, to be written.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError>;

    /// What there is of a database.
    ///
    /// # Errors
    /// When it cannot be told.
    fn find_database(&self) -> Result<Found, LedgerError>;

    /// Opens the database for writing; `create` where there is nothing in it yet.
    ///
    /// # Errors
    /// When it is damaged or cannot be read or written.
    fn open_database(&self, create: bool) -> Result<Box<dyn Database>, LedgerError>;

    /// Opens the database as it is now.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    fn read_database(&self) -> Result<Box<dyn Database>, LedgerError>;

    /// Makes the names of what lies here durable.
    ///
    /// # Errors
    /// When it fails.
    fn sync_names(&self) -> Result<(), LedgerError>;

    /// Makes the database's own list of its files durable, and says where it ends.
    ///
    /// # Errors
    /// When it fails.
    fn sync_manifest(&self) -> Result<Manifest, LedgerError>;
}

/// What there is of a database.
pub enum Found {
    Nothing,
    /// Files of one, without the one that it begins with.
    Remains,
    Database(Manifest),
}

/// The database's own list of its files.
pub struct Manifest {
    /// Rises with every open.
    pub number: u64,
    pub bytes: u64,
    pub path: PathBuf,
}

/// Families of keys in the order of their bytes.
pub trait Database: Send + Sync {
    /// # Errors
    /// When the storage fails.
    fn get(&self, family: &str, key: &[u8]) -> Result<Option<Value<'_>>, LedgerError>;

    /// All keys and values that begin with `prefix`, in key order.
    fn scan<'d>(&'d self, family: &str, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, LedgerError>> + 'd>;

    /// The last key of a family.
    ///
    /// # Errors
    /// When the storage fails.
    fn last_key(&self, family: &str) -> Result<Option<Box<[u8]>>, LedgerError>;

    /// An empty batch with room for so many bytes.
    fn batch(&self, bytes: usize) -> Box<dyn Batch + '_>;

    /// Gives back the room of what was deleted from a family, and leaves no copy of it in any file. Where deleting does that
    /// by itself there is nothing to do.
    ///
    /// # Errors
    /// When the storage fails.
    fn purge(&self, _family: &str) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Moves what is in memory into files, as a full table in memory does.
    #[cfg(test)]
    fn flush(&self);
}

/// What becomes durable together or not at all.
pub trait Batch {
    fn put(&mut self, family: &str, key: &[u8], value: &[u8]);
    fn delete(&mut self, family: &str, key: &[u8]);

    /// Writes the batch and makes it durable.
    ///
    /// # Errors
    /// When the storage fails; whether the batch is durable is unknown then.
    fn commit(self: Box<Self>) -> Result<(), LedgerError>;
}

/// The anchor, open for writing.
pub trait AnchorFile: Send + Sync {
    /// Writes all of `bytes` at a place.
    ///
    /// # Errors
    /// When the storage fails; what is there then is unknown.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the storage fails; what is durable then is unknown.
    fn sync(&mut self) -> std::io::Result<()>;
}
