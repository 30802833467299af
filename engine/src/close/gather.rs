//! Gathering: the records of the open day, judged one by one and dealt to partitions by account.
//!
//! Each worker has a gatherer of its own; nothing is shared until they are joined. The order in which records come in
//! changes nothing: what depends on more than one record is decided later, from all of them.

use super::event::{Event, id_halves};
use super::fold::waits_for_original;
use super::judge::Judge;
use super::order::{Lead, PARTITION_HASH_BITS, base_ms};
use super::partition::Partition;
use crate::scheme::Scheme;
use domain::{CardToken, Day, Decision, Record, RecordId};
use hashbrown::HashMap;
use std::hash::BuildHasher;

/// Enough that a partition of a province's day fits in a processor's cache, few enough that each is worth a visit.
pub const PARTITIONS: usize = 1 << PARTITION_HASH_BITS;

pub type Fast = foldhash::fast::FixedState;

/// What one worker has gathered.
pub struct Gather<'s> {
    judge: Judge<'s>,
    pub(super) day: Day,
    base_ms: i64,
    pub(super) parts: Vec<Partition>,
    /// Ids that had been seen when a record came in, once for each such record.
    pub(super) repeats: Vec<RecordId>,
    /// Records per file, whatever becomes of them.
    pub(super) received: HashMap<u32, u64, Fast>,
    /// Ids of what earlier closes held, and whether it was for a conflict.
    pub(super) carried: Vec<(RecordId, bool)>,
    /// Ids that refunds, reversals and collections name.
    pub(super) originals: Vec<RecordId>,
}

impl<'s> Gather<'s> {
    #[must_use]
    pub fn new(scheme: &'s Scheme, day: Day) -> Self {
        Self {
            judge: Judge::new(scheme, day),
            day,
            base_ms: base_ms(scheme.clock.day_start(day)),
            parts: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            repeats: Vec::new(),
            received: HashMap::with_hasher(Fast::default()),
            carried: Vec::new(),
            originals: Vec::new(),
        }
    }

    /// Takes some of one file's records. Which of them repeat an id is told by [`Gather::repeats`], now or later.
    pub fn add(&mut self, file: u32, records: &[Record]) {
        *self.received.entry(file).or_default() += records.len() as u64;
        for record in records {
            self.take(record, file, None);
        }
    }

    /// Notes the id of each record that had been seen when it came in. Any gatherer of the day may be told.
    pub fn repeats(&mut self, ids: impl IntoIterator<Item = RecordId>) {
        self.repeats.extend(ids);
    }

    /// Takes a record that the last close held.
    pub fn add_carried(&mut self, held: &Decision) {
        self.carried.push((held.record.id(), held.reason.is_conflict()));
        self.take(&held.record, u32::MAX, Some(held.held_since));
    }

    fn take(&mut self, record: &Record, file: u32, held_since: Option<Day>) {
        let resolved = self.judge.resolve(record, held_since.is_some());
        if waits_for_original(record.kind) {
            self.originals.extend(record.original);
        }
        let hash = account_hash(&resolved.account, id_halves(record));
        let Some(part) = self.parts.get_mut(partition_of_hash(hash)) else { return };
        let event = Event::new(record, &resolved, file, held_since, &mut part.notes);
        part.push(event, Lead::new(hash, record.time, self.base_ms));
    }
}

/// The hash that decides an account's partition and groups its events. A record without a card is an account of its own.
#[must_use]
pub fn account_hash(account: &CardToken, id: [u64; 2]) -> u64 {
    let hasher = Fast::default();
    if account.is_empty() { hasher.hash_one(id) } else { hasher.hash_one(account.padded()) }
}

/// The partition of an account that has a card.
#[must_use]
pub fn account_partition(account: &CardToken) -> usize {
    partition_of_hash(account_hash(account, [0; 2]))
}

#[must_use]
pub const fn partition_of_hash(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTITION_HASH_BITS)) as usize
}
