//! How the ledger lies in its database: column families and keys.

use crate::codec::{Corrupt, Reader};
use crate::error::LedgerError;
use crate::storage::{Database, Value};
use domain::Day;

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

/// What stands in the vault for a card whose key was destroyed.
pub(crate) const FORGOTTEN: &[u8] = b"";

/// Keys of the index. The first byte tells what follows.
pub(crate) const FORMAT_KEY: &[u8] = b"\0format";
/// No other key of any family begins with a zero byte.
pub(crate) const HEAD_KEY: &[u8] = b"\0head";
pub(crate) const FILES: u8 = b'f';
pub(crate) const DAYS: u8 = b'D';
pub(crate) const ARCHIVES: u8 = b'A';
pub(crate) const INTAKE_AT: u8 = b'i';
pub(crate) const DECISIONS_AT: u8 = b'd';
pub(crate) const REFUSALS_AT: u8 = b'r';
pub(crate) const RESOLUTIONS_AT: u8 = b'p';
/// Which cards a decision block may be of.
pub(crate) const CARDS_AT: u8 = b'c';
/// The lines that a decision block has in each party's detail.
pub(crate) const LINES_AT: u8 = b'l';

/// The version of the layout described here.
pub(crate) const FORMAT: u8 = 1;

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

/// The key of an archive in the index.
pub(crate) fn archive_at(first: u64) -> Vec<u8> {
    [&[ARCHIVES][..], &first.to_be_bytes()].concat()
}

/// The height at the end of a key made by [`day_key`] or [`file_key`].
pub(crate) fn height_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|height| u64::from_be_bytes(*height))
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

/// Every family is as of the head: a database flushes them one by one, and its own records of that can be cut.
pub(crate) fn check_witness(db: &dyn Database, family: &'static str, head: Head) -> Result<(), LedgerError> {
    let expected = Some(head.to_bytes()).filter(|_| head != Head::default());
    let found = db.get(family, HEAD_KEY)?;
    let same = bytes_of(found.as_ref()) == expected.as_deref();
    if same { Ok(()) } else { Err(LedgerError::FamilyDiffers { family: if family == INDEX { "index" } else { family } }) }
}

/// The bytes of a value that may be there.
pub(crate) fn bytes_of<'v>(value: Option<&'v Value<'_>>) -> Option<&'v [u8]> {
    value.map(|value| (**value).as_ref())
}

/// A digest over everything that each of these families holds: keys and values with their lengths.
pub(crate) fn digests(db: &dyn Database, families: &[&'static str]) -> Result<Vec<(&'static str, [u8; 32])>, LedgerError> {
    let digest = |&family: &&'static str| {
        let mut hasher = blake3::Hasher::new();
        for row in db.scan(family, &[]) {
            let (key, value) = row?;
            for part in [&key, &value] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        Ok((if family == INDEX { "index" } else { family }, *hasher.finalize().as_bytes()))
    };
    families.iter().map(digest).collect()
}
