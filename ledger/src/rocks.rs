//! A ledger in a folder: RocksDB and the anchor's file. The only file that names RocksDB, and its settings.
//!
//! Left off, because each has lost or wedged data somewhere: merge operators, range deletes, manual or recycled WALs,
//! transactions, unordered writes. Recovery refuses a damaged WAL rather than skip it, and tolerates only a torn tail: that
//! is a write that was never acknowledged.

use crate::anchor::ANCHOR_FILE;
use crate::error::LedgerError;
use crate::storage::{AnchorFile, Batch, Database, Found, KeyValue, Manifest, Storage, Value};
use crate::store::{CHECKPOINTS, FAMILIES, JOURNAL};
use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction, IteratorMode,
    LogLevel, Options,
};
use rocksdb::{CompactOptions, FlushOptions, WriteBatch, WriteOptions};
use std::any::Any;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One memtable of a family with large values, in bytes: two of each and the small families stay below 300 MB. A close
/// leaves tens of megabytes of checkpoints at once; past this they are flushed while somebody waits for the end.
const LARGE_MEMTABLE_BYTES: usize = 64 << 20;
const SMALL_MEMTABLE_BYTES: usize = 8 << 20;
/// A small family's unflushed write keeps old WAL files alive; past this, RocksDB flushes it.
const WAL_BYTES_MAX: u64 = 256 << 20;
/// Larger values are kept beside the tree, so that compaction never copies a block.
const BLOB_BYTES_MIN: u64 = 4 << 10;
const BLOB_FILE_BYTES: u64 = 256 << 20;
/// Far below the usual limit of 1,024 descriptors in a process.
const OPEN_FILES_MAX: i32 = 256;

fn database_options(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_paranoid_checks(true);
    // All families or none: what a cut manifest loses is missing in the journal too, where it shows.
    options.set_atomic_flush(true);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    options
}

fn family(name: &str) -> ColumnFamilyDescriptor {
    let mut options = Options::default();
    options.set_write_buffer_size(if matches!(name, JOURNAL | CHECKPOINTS) { LARGE_MEMTABLE_BYTES } else { SMALL_MEMTABLE_BYTES });
    options.set_max_write_buffer_number(2);
    if name == JOURNAL {
        // Columns are packed already; what a compressor would still find is not worth its time.
        options.set_compression_type(DBCompressionType::None);
        options.set_enable_blob_files(true);
        options.set_min_blob_size(BLOB_BYTES_MIN);
        options.set_blob_file_size(BLOB_FILE_BYTES);
    } else {
        options.set_compression_type(DBCompressionType::Lz4);
    }
    options.set_block_based_table_factory(&BlockBasedOptions::default());
    ColumnFamilyDescriptor::new(name, options)
}

/// A ledger in a folder.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    fn anchor(&self) -> PathBuf {
        self.path.join(ANCHOR_FILE)
    }

    fn manifest(&self) -> Result<Manifest, LedgerError> {
        let database = self.database();
        let current = database.join("CURRENT");
        let name = std::fs::read_to_string(&current)?;
        let name = name.trim_end();
        let number = name.strip_prefix("MANIFEST-").and_then(|number| number.parse().ok()).ok_or(LedgerError::Older { path: current })?;
        let path = database.join(name);
        let bytes = std::fs::metadata(&path)?.len();
        Ok(Manifest { number, bytes, path })
    }

    /// Whether there are files of a database that had something in it.
    fn has_data(&self) -> Result<bool, LedgerError> {
        match std::fs::read_dir(self.database()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            entries => {
                for entry in entries? {
                    let name = entry?.path();
                    if name.extension().is_some_and(|kind| kind == "log" || kind == "sst" || kind == "blob") {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Storage for Folder {
    fn folder(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, LedgerError> {
        std::fs::create_dir_all(&self.path)?;
        let lock = File::create(self.path.join("ledger.lock"))?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(lock)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LedgerError::InUse),
            Err(error) => Err(LedgerError::Folder(error.into())),
        }
    }

    fn free_bytes(&self) -> Result<u64, LedgerError> {
        let disk = rustix::fs::statvfs(&self.path).map_err(std::io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn read_anchor(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut bytes = Vec::new();
        match File::open(self.anchor()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?.take(crate::anchor::FILE_LEN).read_to_end(&mut bytes)?,
        };
        Ok(Some(bytes))
    }

    fn create_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError> {
        Ok(Box::new(File::create(self.anchor())?))
    }

    fn open_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError> {
        Ok(Box::new(File::options().write(true).open(self.anchor())?))
    }

    fn find_database(&self) -> Result<Found, LedgerError> {
        let current = self.database().join("CURRENT");
        if current.try_exists()? {
            return Ok(Found::Database(self.manifest()?));
        }
        Ok(if self.has_data()? { Found::Remains } else { Found::Nothing })
    }

    fn open_database(&self, create: bool) -> Result<Box<dyn Database>, LedgerError> {
        Ok(Box::new(DB::open_cf_descriptors(&database_options(create), self.database(), FAMILIES.map(family))?))
    }

    fn read_database(&self) -> Result<Box<dyn Database>, LedgerError> {
        Ok(Box::new(DB::open_cf_descriptors_read_only(&database_options(false), self.database(), FAMILIES.map(family), false)?))
    }

    fn sync_names(&self) -> Result<(), LedgerError> {
        Ok(File::open(&self.path)?.sync_all()?)
    }

    fn sync_manifest(&self) -> Result<Manifest, LedgerError> {
        let manifest = self.manifest()?;
        File::open(&manifest.path)?.sync_all()?;
        Ok(manifest)
    }
}

impl AnchorFile for File {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }
}

impl Database for DB {
    fn get(&self, family: &str, key: &[u8]) -> Result<Option<Value<'_>>, LedgerError> {
        let found = self.get_pinned_cf(cf(self, family), key)?;
        Ok(found.map(|value| Box::new(value) as Value<'_>))
    }

    fn scan<'d>(&'d self, family: &str, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, LedgerError>> + 'd> {
        let wanted = prefix.to_vec();
        let rows = self.iterator_cf(cf(self, family), IteratorMode::From(prefix, Direction::Forward));
        let rows = rows.take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(&wanted)));
        Box::new(rows.map(|row| row.map_err(LedgerError::from)))
    }

    fn last_key(&self, family: &str) -> Result<Option<Box<[u8]>>, LedgerError> {
        let last = self.iterator_cf(cf(self, family), IteratorMode::End).next().transpose()?;
        Ok(last.map(|(key, _)| key))
    }

    fn batch(&self, bytes: usize) -> Box<dyn Batch + '_> {
        Box::new(Gathered { db: self, batch: WriteBatch::with_capacity_bytes(bytes) })
    }

    fn purge(&self, family: &str) -> Result<(), LedgerError> {
        // What is in memory and in the log first: a flush drops the log.
        let families = FAMILIES.map(|family| cf(self, family));
        self.flush_cfs_opt(&families, &FlushOptions::default())?;
        let handle = cf(self, family);
        if family == JOURNAL {
            // Blobs are copied only here, where most of the oldest are nobody's any more. It is never set back: after a manifest
            // that could not be synced RocksDB keeps the files that it may name, and setting an option makes it drop them.
            self.set_options_cf(handle, &[("enable_blob_garbage_collection", "true"), ("blob_garbage_collection_age_cutoff", "1.0")])?;
        }
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.compact_range_cf_opt(handle, None::<&[u8]>, None::<&[u8]>, &options);
        // Compacting does not say whether it came to its end.
        match self.property_int_value("rocksdb.background-errors")? {
            None | Some(0) => Ok(()),
            Some(_) => Err(LedgerError::Storage("the database could not rewrite its tables".into())),
        }
    }

    #[cfg(test)]
    fn flush(&self) {
        let families = FAMILIES.map(|family| cf(self, family));
        self.flush_cfs_opt(&families, &FlushOptions::default()).expect("flushes");
    }
}

/// A batch and the database that it is for.
struct Gathered<'d> {
    db: &'d DB,
    batch: WriteBatch,
}

impl Batch for Gathered<'_> {
    fn put(&mut self, family: &str, key: &[u8], value: &[u8]) {
        self.batch.put_cf(cf(self.db, family), key, value);
    }

    fn delete(&mut self, family: &str, key: &[u8]) {
        self.batch.delete_cf(cf(self.db, family), key);
    }

    fn commit(self: Box<Self>) -> Result<(), LedgerError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.db.write_opt(self.batch, &options)?)
    }
}

/// Whether a database was not opened because one of its families was not made yet.
pub(crate) fn lacks_a_family(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Storage(error) if error.to_string().contains("Column family not found"))
}

fn cf<'d>(db: &'d DB, name: &str) -> &'d ColumnFamily {
    db.cf_handle(name).expect("the database was opened with all its families")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::Anchor;
    use crate::ledger::{Ledger, LedgerOptions};

    #[test]
    fn a_ledger_that_was_being_made_is_none_yet_and_is_made_by_the_next_open() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(dir.path());
        Anchor::create(&folder).expect("makes it");
        drop(DB::open_cf_descriptors(&database_options(true), folder.database(), FAMILIES.into_iter().take(2).map(family)).expect("a part of it"));
        let options = LedgerOptions { create: false, free_bytes_min: 0, ..LedgerOptions::default() };
        assert!(matches!(Ledger::open_read_only(dir.path(), &options), Err(LedgerError::Absent)));
        drop(Ledger::open(dir.path(), &options).expect("it is made to its end"));
        assert!(Ledger::open_read_only(dir.path(), &options).is_ok());
    }
}
