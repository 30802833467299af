//! Gathering: the records of the open day, judged one by one and dealt to partitions by account.
//!
//! Each worker has a gatherer of its own; nothing is shared until they are joined. The order in which records come in
//! changes nothing: what depends on more than one record is decided later, from all of them.

use super::event::{Note, Taken};
use super::judge::Judge;
use crate::scheme::Scheme;
use domain::{CardToken, Day, Decision, Record, RecordId, RecordKind};
use hashbrown::HashMap;
use std::hash::BuildHasher;

/// Enough that a partition of a province's day fits in a processor's cache, few enough that each is worth a visit.
pub const PARTITIONS: usize = 256;

/// Events are gathered in chunks, so that growing never copies.
const CHUNK_EVENTS: usize = 1024;

pub type Fast = foldhash::fast::FixedState;

/// The events of some accounts.
#[derive(Debug, Default)]
pub struct Part {
    pub chunks: Vec<Vec<Taken>>,
    pub notes: Vec<Note>,
}

impl Part {
    pub fn push(&mut self, event: Taken) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_EVENTS => chunk.push(event),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK_EVENTS);
                chunk.push(event);
                self.chunks.push(chunk);
            }
        }
    }
}

/// A record whose id had been seen when it came in.
#[derive(Clone, Copy, Debug)]
pub struct Repeat {
    pub record: Record,
    pub file: u32,
}

/// What one worker has gathered.
pub struct Gather<'s> {
    judge: Judge<'s>,
    pub(super) day: Day,
    pub(super) parts: Vec<Part>,
    pub(super) repeats: Vec<Repeat>,
    /// Records per file, whatever becomes of them.
    pub(super) received: HashMap<u32, u64, Fast>,
    /// Ids of what earlier closes held, and whether it was for a conflict.
    pub(super) carried: Vec<(RecordId, bool)>,
    /// Ids that refunds and reversals name.
    pub(super) originals: Vec<RecordId>,
}

impl<'s> Gather<'s> {
    #[must_use]
    pub fn new(scheme: &'s Scheme, day: Day) -> Self {
        Self {
            judge: Judge::new(scheme, day),
            day,
            parts: (0..PARTITIONS).map(|_| Part::default()).collect(),
            repeats: Vec::new(),
            received: HashMap::with_hasher(Fast::default()),
            carried: Vec::new(),
            originals: Vec::new(),
        }
    }

    /// Takes a block of one file's records. `repeats` are the ascending positions of those whose id had been seen.
    pub fn add_block(&mut self, file: u32, records: &[Record], repeats: &[u32]) {
        *self.received.entry(file).or_default() += records.len() as u64;
        let mut repeats = repeats.iter().copied().peekable();
        for (record, at) in records.iter().zip(0u32..) {
            if repeats.next_if_eq(&at).is_some() {
                self.repeats.push(Repeat { record: *record, file });
            } else {
                self.add(record, file, None);
            }
        }
    }

    /// Takes a record that the last close held.
    pub fn add_carried(&mut self, held: &Decision) {
        self.carried.push((held.record.id(), held.reason.is_conflict()));
        self.add(&held.record, u32::MAX, Some(held.held_since));
    }

    fn add(&mut self, record: &Record, file: u32, held_since: Option<Day>) {
        let resolved = self.judge.resolve(record, held_since.is_some());
        if matches!(record.kind, RecordKind::Refund | RecordKind::Reversal) {
            self.originals.extend(record.original);
        }
        let Some(part) = self.parts.get_mut(partition_of(record, &resolved.account)) else { return };
        let event = Taken::new(record, &resolved, file, held_since, &mut part.notes);
        part.push(event);
    }
}

/// The hash that decides an account's partition and groups its events. A record without a card is an account of its own.
#[must_use]
pub fn account_hash(account: &CardToken, id: [u64; 2]) -> u64 {
    let hasher = Fast::default();
    if account.is_empty() { hasher.hash_one(id) } else { hasher.hash_one(account.padded()) }
}

pub(super) fn partition_of(record: &Record, account: &CardToken) -> usize {
    let id = if record.id_kind == domain::IdKind::Sequence { [u64::from(record.epoch), record.sequence] } else { record.id_bits };
    partition_of_hash(account_hash(account, id))
}

#[must_use]
pub const fn partition_of_hash(hash: u64) -> usize {
    (hash >> 56) as usize
}
