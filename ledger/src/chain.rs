//! The chain looked over: blocks read as they are stored, each whole and each naming the one before it.
//!
//! What an open checks of it, and the scrub of a day before its close. It looks at form alone; what the blocks mean is
//! `verify`'s. It changes nothing.

use crate::block::Block;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::storage::Database;
use crate::store::{self, Head, JOURNAL, WITNESSES};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

/// Blocks that a scrubbing thread takes at once.
const STRETCH_BLOCKS: u64 = 16;

/// A stretch of blocks that is whole in itself.
struct Stretch {
    first: u64,
    /// The hash that its first block names as the one before it.
    prev: [u8; 32],
    /// The hash of its last block.
    hash: [u8; 32],
}

impl Ledger {
    /// Reads every block since the last closed day from the disk: each must be whole and name the one before it, up to the
    /// head. Returns how many they are.
    ///
    /// # Errors
    /// When a block is missing or damaged, the chain is broken, or the storage fails.
    ///
    /// # Panics
    /// When a thread panics.
    pub fn scrub_open_day(&self, workers: usize) -> Result<u64, LedgerError> {
        let from = self.days().iter().map(|day| day.closed_height).max().unwrap_or(0);
        self.scrub_from(from, workers)
    }

    /// Reads everything from the disk: every block, from the first, must be whole and name the one before it, up to the head,
    /// and every key must be readable. Returns how many blocks there are.
    ///
    /// # Errors
    /// As [`Ledger::scrub_open_day`].
    pub fn scrub(&self, workers: usize) -> Result<u64, LedgerError> {
        for family in WITNESSES {
            self.db.scan(family, &[]).try_for_each(|row| row.map(|_| ()))?;
        }
        self.scrub_from(0, workers)
    }

    /// Whether the chain has this head in it.
    ///
    /// # Errors
    /// When the block there is damaged, or the storage fails.
    pub fn holds(&self, head: Head) -> Result<bool, LedgerError> {
        match has(&self.db, head) {
            Err(LedgerError::NoBlock { .. } | LedgerError::HeadDiffers { .. }) => Ok(false),
            checked => checked.map(|()| true),
        }
    }

    fn scrub_from(&self, from: u64, workers: usize) -> Result<u64, LedgerError> {
        let base = if from == 0 { Head::default() } else { Head { height: from, hash: stretch(&self.db, from..=from)?.hash } };
        let (head, next) = (self.head(), AtomicU64::new(from + 1));
        let work = || {
            let mut found = Vec::new();
            loop {
                let first = next.fetch_add(STRETCH_BLOCKS, Ordering::Relaxed);
                if first > head.height {
                    return Ok(found);
                }
                found.push(stretch(&self.db, first..=head.height.min(first + STRETCH_BLOCKS - 1))?);
            }
        };
        let mut stretches = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("a scrubbing thread does not panic"));
            joined.collect::<Result<Vec<_>, LedgerError>>().map(|found| found.into_iter().flatten().collect::<Vec<_>>())
        })?;
        stretches.sort_unstable_by_key(|stretch| stretch.first);
        join(base, &stretches, head)?;
        Ok(head.height - from)
    }
}

/// The journal's last block, which must be whole.
pub(crate) fn end(db: &dyn Database) -> Result<Head, LedgerError> {
    let Some(key) = db.last_key(JOURNAL)? else { return Ok(Head::default()) };
    let height = store::height_of(&key).unwrap_or(0);
    Ok(Head { height, hash: stretch(db, height..=height)?.hash })
}

/// The blocks after `base` are whole and lead to `head`.
pub(crate) fn leads(db: &dyn Database, base: Head, head: Head) -> Result<(), LedgerError> {
    if base.height >= head.height {
        return if base == head { Ok(()) } else { Err(LedgerError::HeadDiffers { height: base.height }) };
    }
    join(base, &[stretch(db, base.height + 1..=head.height)?], head)
}

/// The block of `head` is in the chain, and what follows it is whole up to `end`.
pub(crate) fn holds(db: &dyn Database, head: Head, end: Head) -> Result<(), LedgerError> {
    if head.height > end.height {
        return Err(LedgerError::ChainEnds { height: end.height, expected: head.height });
    }
    has(db, head)?;
    leads(db, head, end)
}

/// The block of `head` is in the chain.
pub(crate) fn has(db: &dyn Database, head: Head) -> Result<(), LedgerError> {
    if head.height > 0 && stretch(db, head.height..=head.height)?.hash != head.hash {
        return Err(LedgerError::HeadDiffers { height: head.height });
    }
    Ok(())
}

/// Stretches in order, without a gap between them.
fn join(base: Head, stretches: &[Stretch], head: Head) -> Result<(), LedgerError> {
    let mut hash = base.hash;
    for stretch in stretches {
        if stretch.prev != hash {
            return Err(LedgerError::Corrupt { height: stretch.first, what: "the block before it has another hash" });
        }
        hash = stretch.hash;
    }
    if hash == head.hash { Ok(()) } else { Err(LedgerError::HeadDiffers { height: head.height }) }
}

/// Reads blocks in a row. There is at least one.
fn stretch(db: &dyn Database, heights: RangeInclusive<u64>) -> Result<Stretch, LedgerError> {
    let mut found: Option<Stretch> = None;
    for height in heights {
        let bytes = db.get(JOURNAL, &height.to_be_bytes())?.ok_or(LedgerError::NoBlock { height })?;
        let corrupt = |what: &'static str| LedgerError::Corrupt { height, what };
        let block = Block::parse((*bytes).as_ref()).map_err(|error| corrupt(error.0))?;
        if block.header.height != height {
            return Err(corrupt("it belongs elsewhere"));
        }
        if !block.payload_is_whole() {
            return Err(corrupt("its payload has another digest than its header says"));
        }
        match &mut found {
            None => found = Some(Stretch { first: height, prev: block.header.prev, hash: block.hash }),
            Some(stretch) if stretch.hash == block.header.prev => stretch.hash = block.hash,
            Some(_) => return Err(corrupt("the block before it has another hash")),
        }
    }
    Ok(found.expect("a stretch has a block"))
}
