//! A decided day, handed on in canonical order, batch by batch.
//!
//! It decides nothing. Events stand where they were decided; keys are merged, and each event becomes a decision when its
//! batch is asked for: from any thread, and in any order of batches.

use super::fold::Folded;
use super::gather::Fast;
use super::order::{DayKey, Order, sort_day};
use super::partition::Partition;
use super::{Budgets, Event, FeeSums, FileOutcomes, Finding, Refunded};
use crate::parallel;
use crate::scheme::Scheme;
use domain::{Day, Decision, EventTime, Symbol};
use hashbrown::HashMap;
use std::sync::Arc;

/// Events in a batch, on average: one block of the ledger.
const BATCH_EVENTS: usize = 16_384;
/// One in so many events is looked at to find the cuts.
const SAMPLE_EVERY: usize = 64;
/// Decisions are handed on in pieces that stay in a processor's first cache.
const PIECE_DECISIONS: usize = 64;

/// Everything decided, ready to be handed on in order.
pub struct Decided<'s> {
    pub(super) scheme: &'s Scheme,
    pub(super) day: Day,
    pub(super) parts: Vec<Folded>,
    pub(super) order: Order,
    /// For each partition, where each batch begins in its `days`, and where the last one ends.
    pub(super) cuts: Vec<Vec<u32>>,
    /// By symbol: its text.
    pub(super) texts: Vec<Arc<str>>,
    /// By symbol of a location: whose place it is.
    pub(super) venues: Vec<Symbol>,
    /// By file id.
    pub files: HashMap<u32, FileOutcomes, Fast>,
    pub refunded: Refunded,
    /// What the day adds to the sums of fees per service day.
    pub fee_sums: FeeSums,
    pub budgets: Budgets,
    /// The last moment that has been priced.
    pub priced_until: EventTime,
    /// What is remembered of accounts, by partition, encoded.
    pub remembered: Vec<Vec<u8>>,
    /// What is remembered of cards for oddities, the same way.
    pub trails: Vec<Vec<u8>>,
    /// What is odd though nothing is held for it, in canonical order of the flagged records.
    pub oddities: Vec<Finding>,
}

impl Decided<'_> {
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The texts of all symbols in the decisions, indexed by symbol.
    #[must_use]
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// The venue or merchant whose place a location is; absent where it is nobody's.
    #[must_use]
    pub fn venue_of(&self, location: Symbol) -> Symbol {
        self.venues.get(location.index()).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn batches(&self) -> usize {
        self.cuts.first().map_or(0, |cuts| cuts.len() - 1)
    }

    /// How many decisions a batch has.
    #[must_use]
    pub fn batch_len(&self, batch: usize) -> u64 {
        self.cuts.iter().map(|cuts| if let Some([from, to]) = cuts.get(batch..batch + 2) { u64::from(to - from) } else { 0 }).sum()
    }

    /// One batch of decisions in canonical order, handed on piece by piece; batches follow each other in canonical order.
    pub fn batch(&self, batch: usize, mut each: impl FnMut(&[Decision])) {
        let mut keys: Vec<DayKey> = Vec::with_capacity(BATCH_EVENTS * 2);
        for (part, cuts) in self.parts.iter().zip(&self.cuts) {
            if let Some([from, to]) = cuts.get(batch..batch + 2) {
                keys.extend_from_slice(part.days.get(*from as usize..*to as usize).unwrap_or_default());
            }
        }
        let part_of = |key: DayKey| &self.parts.get(key.partition()).expect("a key is of one of the partitions").partition;
        sort_day(&mut keys, &self.order, |key| part_of(key).get(key.address()));
        let (mut events, mut piece) = (Vec::with_capacity(PIECE_DECISIONS), Vec::with_capacity(PIECE_DECISIONS));
        for keys in keys.chunks(PIECE_DECISIONS) {
            // Events of one moment lie far apart. Fetched one after another with nothing between, they are waited for together.
            events.clear();
            events.extend(keys.iter().map(|&key| *part_of(key).get(key.address())));
            piece.clear();
            piece.extend(events.iter().zip(keys).map(|(event, &key)| self.decision(part_of(key), event)));
            each(&piece);
        }
    }

    fn decision(&self, partition: &Partition, event: &Event) -> Decision {
        let notes = &partition.notes;
        let venue = self.venue_of(event.location);
        let decision = event.decision(notes, self.day, venue, event.fee_minor(notes, self.scheme));
        assert!(decision.adds_up(), "list price = cardholder + funders");
        decision
    }
}

/// Cuts the day into batches of about a block each: for each partition, where they begin. Events of one millisecond are of
/// one batch.
pub(super) fn cuts(parts: &[Folded], workers: usize) -> Vec<Vec<u32>> {
    let mut sample: Vec<DayKey> = parts.iter().flat_map(|part| part.days.iter().step_by(SAMPLE_EVERY)).map(|key| key.floor()).collect();
    sample.sort_unstable();
    let mut cuts: Vec<DayKey> = sample.into_iter().step_by(BATCH_EVENTS / SAMPLE_EVERY).skip(1).collect();
    cuts.dedup();
    parallel::map(workers, parts.iter().collect(), |_, part: &Folded| {
        let place = |cut: &DayKey| part.days.partition_point(|key| key < cut);
        let places = std::iter::once(0).chain(cuts.iter().map(place)).chain([part.days.len()]);
        places.map(|place| u32::try_from(place).expect("fewer than 4 billion events in a partition")).collect()
    })
}
