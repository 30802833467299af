//! How the ledger lies in RocksDB: column families, keys, options. The only file that names RocksDB's settings.
//!
//! Left off, because each has lost or wedged data somewhere: merge operators, range deletes, manual or recycled WALs,
//! transactions, unordered writes. Recovery refuses a damaged WAL rather than skip it, and tolerates only a torn tail: that
//! is a write that was never acknowledged.

use crate::codec::{Corrupt, Reader};
use crate::error::LedgerError;
use domain::Day;
use rocksdb::{BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction, IteratorMode, LogLevel, Options};
use std::path::{Path, PathBuf};

/// Blocks by height.
pub(crate) const JOURNAL: &str = "journal";
/// The head, files, days, and where blocks are: small, read as a whole at open.
pub(crate) const INDEX: &str = "default";
pub(crate) const BALANCES: &str = "balances";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const VAULT: &str = "vault";

pub(crate) const FAMILIES: [&str; 5] = [JOURNAL, INDEX, BALANCES, CHECKPOINTS, VAULT];

/// Families whose latest head stands under [`HEAD_KEY`]: all but the journal, whose head is its last block.
pub(crate) const WITNESSES: [&str; 4] = [INDEX, BALANCES, CHECKPOINTS, VAULT];

/// Keys of the index. The first byte tells what follows.
pub(crate) const FORMAT_KEY: &[u8] = b"\0format";
/// No other key of any family begins with a zero byte.
pub(crate) const HEAD_KEY: &[u8] = b"\0head";
pub(crate) const FILES: u8 = b'f';
pub(crate) const DAYS: u8 = b'D';
pub(crate) const INTAKE_AT: u8 = b'i';
pub(crate) const DECISIONS_AT: u8 = b'd';
pub(crate) const REFUSALS_AT: u8 = b'r';

/// The version of the layout described here.
pub(crate) const FORMAT: u8 = 1;

/// One journal memtable, in bytes: two of them and the small families stay below 300 MB.
const JOURNAL_MEMTABLE_BYTES: usize = 64 << 20;
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
    options.set_write_buffer_size(if name == JOURNAL { JOURNAL_MEMTABLE_BYTES } else { SMALL_MEMTABLE_BYTES });
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

pub(crate) fn open(path: &Path, create: bool) -> Result<DB, rocksdb::Error> {
    DB::open_cf_descriptors(&database_options(create), path, FAMILIES.map(family))
}

pub(crate) fn open_read_only(path: &Path) -> Result<DB, rocksdb::Error> {
    DB::open_cf_descriptors_read_only(&database_options(false), path, FAMILIES.map(family), false)
}

/// The database's manifest: its number, its file, and the file's length.
pub(crate) fn manifest(path: &Path) -> Result<(u64, PathBuf, u64), LedgerError> {
    let current = path.join("CURRENT");
    let name = std::fs::read_to_string(&current)?;
    let name = name.trim_end();
    let number = name.strip_prefix("MANIFEST-").and_then(|number| number.parse().ok()).ok_or(LedgerError::Older { path: current })?;
    let file = path.join(name);
    let bytes = std::fs::metadata(&file)?.len();
    Ok((number, file, bytes))
}

/// Whether a folder holds files of a database that had something in it.
pub(crate) fn has_data(path: &Path) -> Result<bool, std::io::Error> {
    match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
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

pub(crate) fn cf<'d>(db: &'d DB, name: &str) -> &'d ColumnFamily {
    db.cf_handle(name).expect("the database was opened with all its families")
}

/// A day as key bytes that order as days do.
pub(crate) fn ordered(day: Day) -> [u8; 4] {
    (day.0.cast_unsigned() ^ 1 << 31).to_be_bytes()
}

/// A key of the index under a day: where a block of that day is.
pub(crate) fn day_key(kind: u8, day: Day, height: u64) -> Vec<u8> {
    [&[kind][..], &ordered(day), &height.to_be_bytes()].concat()
}

/// A key of the index under a file: where a block of that file is.
pub(crate) fn file_key(kind: u8, file: u32, height: u64) -> Vec<u8> {
    [&[kind][..], &file.to_be_bytes(), &height.to_be_bytes()].concat()
}

/// The key of a file in the index.
pub(crate) fn file_at(file: u32) -> Vec<u8> {
    [&[FILES][..], &file.to_be_bytes()].concat()
}

/// The key of a day in the index.
pub(crate) fn day_at(day: Day) -> Vec<u8> {
    [&[DAYS][..], &ordered(day)].concat()
}

/// The height at the end of a key made by [`day_key`] or [`file_key`].
pub(crate) fn height_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|height| u64::from_be_bytes(*height))
}

/// A key and its value.
pub(crate) type KeyValue = (Box<[u8]>, Box<[u8]>);

/// All keys and values that begin with `prefix`, in key order.
pub(crate) fn scan<'d>(db: &'d DB, name: &str, prefix: &'d [u8]) -> impl Iterator<Item = Result<KeyValue, rocksdb::Error>> + 'd {
    db.iterator_cf(cf(db, name), IteratorMode::From(prefix, Direction::Forward))
        .take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(prefix)))
}

/// What an index entry of a block says: the file it belongs to and its rows.
pub(crate) fn block_entry(file: u32, count: u32) -> [u8; 8] {
    (u64::from(file) | u64::from(count) << 32).to_le_bytes()
}

pub(crate) fn block_entry_of(value: &[u8]) -> Option<(u32, u32)> {
    let mut reader = Reader::new(value);
    let entry = (reader.u32().ok()?, reader.u32().ok()?);
    reader.finish().ok().map(|()| entry)
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Number of blocks: the height of the last one, zero for none.
    pub height: u64,
    /// The last block's hash; zero for none.
    pub hash: [u8; 32],
}

impl Head {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&self.height.to_le_bytes()[..], &self.hash].concat()
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        let head = Self { height: reader.u64()?, hash: reader.array()? };
        reader.finish()?;
        Ok(head)
    }
}

/// Every family is as of the head: RocksDB flushes them one by one, and its own records of that can be cut.
pub(crate) fn check_witness(db: &DB, family: &'static str, head: Head) -> Result<(), LedgerError> {
    let expected = Some(head.to_bytes()).filter(|_| head != Head::default());
    let found = db.get_pinned_cf(cf(db, family), HEAD_KEY)?;
    if found.as_deref() == expected.as_deref() { Ok(()) } else { Err(LedgerError::FamilyDiffers { family: if family == INDEX { "index" } else { family } }) }
}

/// A digest over everything that each family holds: keys and values with their lengths.
pub(crate) fn digests(db: &DB) -> Result<Vec<(&'static str, [u8; 32])>, LedgerError> {
    let digest = |family: &'static str| {
        let mut hasher = blake3::Hasher::new();
        for row in scan(db, family, &[]) {
            let (key, value) = row?;
            for part in [&key, &value] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        Ok((if family == INDEX { "index" } else { family }, *hasher.finalize().as_bytes()))
    };
    FAMILIES.into_iter().map(digest).collect()
}

/// Bytes that this process may still write on the disk that holds `path`.
pub(crate) fn free_bytes(path: &Path) -> Result<u64, LedgerError> {
    let disk = rustix::fs::statvfs(path).map_err(std::io::Error::from)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
