//! The close: from the set of records of a day, and nothing else, every outcome and every price.
//!
//! Records are gathered by account, copies of one id are judged together, each account is folded in event order, refunds
//! follow the prices of their originals, and everything comes out in the canonical order of the day: event time, terminal,
//! id. Two runs over the same set give the same decisions, however the set arrived and however many threads work.

pub mod event;
mod evidence;
mod fold;
mod gather;
pub mod judge;
pub mod memory;
mod refund;
mod versions;

pub use gather::{Gather, PARTITIONS};
pub use memory::Remembered;
pub use refund::Refunded;

use crate::parallel;
use crate::scheme::Scheme;
use domain::text::shorter_first;
use domain::{Day, Decision, EventTime, Flags, Outcome, Reason, RecordId, SymbolTable};
use event::{Note, Priced, Taken};
use fold::{Folded, Folder};
use gather::{Fast, Part, account_hash, partition_of_hash};
use hashbrown::{HashMap, HashSet};
use std::hash::BuildHasher;
use versions::Copy;

/// What became of a file's records. `conflict` counts those inside held or rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOutcomes {
    pub cleared: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub held: u64,
    pub rejected: u64,
}

/// What earlier closes left.
#[derive(Debug, Default)]
pub struct Before {
    /// What pricing remembers, by partition, as [`memory::encode`] wrote it; absent or empty partitions remember nothing.
    pub remembered: Vec<Vec<u8>>,
    /// What has been given back of originals so far.
    pub refunded: Refunded,
}

/// A look into closed days: all decisions on these ids, in no particular order. Where an event time is given, the records with
/// that id and that time are meant; where none is given, those with that id. An id can have several: versions of a conflict,
/// and every close that held the record.
pub type Lookup<'l, E> = dyn Fn(&[(RecordId, Option<EventTime>)]) -> Result<Vec<Vec<Decision>>, E> + 'l;

/// Why a day could not be decided.
#[derive(Debug)]
pub enum DecideError<E> {
    /// Looking into closed days failed.
    Lookup(E),
    /// What pricing remembered cannot be read.
    Memory,
}

impl<E> From<E> for DecideError<E> {
    fn from(error: E) -> Self {
        Self::Lookup(error)
    }
}

/// Everything decided, ready to be handed on in order.
pub struct Decided<'s> {
    scheme: &'s Scheme,
    day: Day,
    parts: Vec<Folded>,
    /// Cuts between batches: a batch holds the events from one cut's time up to the next one's.
    cuts: Vec<EventTime>,
    ranks: Vec<u32>,
    /// By file id.
    pub files: HashMap<u32, FileOutcomes, Fast>,
    pub refunded: Refunded,
    /// What is remembered of accounts, by partition, encoded.
    pub remembered: Vec<Vec<u8>>,
}

/// Events in a batch, on average: one block of the ledger.
const BATCH_EVENTS: usize = 4_096;
/// One in so many events is looked at to find the cuts.
const SAMPLE_EVERY: usize = 64;

/// Decides a day.
///
/// # Errors
/// Those of `lookup`, and what is remembered in a form that cannot be read.
pub fn decide<'s, E: Send>(
    scheme: &'s Scheme,
    symbols: &SymbolTable,
    day: Day,
    workers: usize,
    gathers: Vec<Gather<'s>>,
    before: Before,
    lookup: &Lookup<'_, E>,
) -> Result<Decided<'s>, DecideError<E>> {
    let ranks = ranks(symbols);
    let mut files: HashMap<u32, FileOutcomes, Fast> = HashMap::with_hasher(Fast::default());
    let mut repeats = Vec::new();
    let mut originals = Vec::new();
    let mut carried = Vec::new();
    let mut parts: Vec<Vec<Part>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
    for gather in gathers {
        assert_eq!(gather.day, day, "gathered for the day that is decided");
        for (file, received) in gather.received {
            files.entry(file).or_default().cleared += received;
        }
        repeats.extend(gather.repeats);
        originals.extend(gather.originals);
        carried.extend(gather.carried);
        parts.iter_mut().zip(gather.parts).for_each(|(parts, part)| parts.push(part));
    }
    originals.extend(repeats.iter().filter_map(|repeat| repeat.record.original));

    // Every event whose id came in more than once is taken out and judged with its other copies; so is what an earlier close
    // held, because other versions of it may have been held with it or settled before it.
    let met: IdFilter = repeats.iter().map(|repeat| repeat.record.id()).chain(carried.iter().map(|&(id, _)| id)).collect();
    let mut joined = parallel::map(workers, parts, |_, parts| join(parts, &met));
    let mut copies: HashMap<RecordId, Vec<Copy>, Fast> = HashMap::with_hasher(Fast::default());
    for part in &mut joined {
        for copy in part.met.drain(..) {
            copies.entry(copy.record.id()).or_default().push(copy);
        }
    }
    // An id has been on a closed day when no copy of today was its first: then what was settled there counts. Of those that
    // came only to be held again, conflicts alone had other versions.
    let contested: HashSet<RecordId, Fast> = carried.into_iter().filter(|&(_, conflict)| conflict).map(|(id, _)| id).collect();
    let again: HashSet<RecordId, Fast> = repeats.iter().map(|repeat| repeat.record.id()).collect();
    let first_today = |id: &RecordId, copies: &[Copy]| copies.iter().any(|copy| copy.held_since.is_none()) || !(contested.contains(id) || again.contains(id));
    let taken_out: HashSet<RecordId, Fast> = copies.iter().filter(|(id, copies)| first_today(id, copies)).map(|(id, _)| *id).collect();
    for repeat in repeats {
        copies.entry(repeat.record.id()).or_default().push(Copy::from(repeat));
    }
    let wanted: Vec<(RecordId, Option<EventTime>)> =
        copies.iter().filter(|(id, _)| !taken_out.contains(*id)).flat_map(|(id, copies)| copies.iter().map(|copy| (*id, Some(copy.record.time)))).collect();
    let mut settled: HashMap<RecordId, Vec<Decision>, Fast> = HashMap::with_hasher(Fast::default());
    let note_settled = |wanted: &[(RecordId, Option<EventTime>)], found: Vec<Vec<Decision>>, settled: &mut HashMap<RecordId, Vec<Decision>, Fast>| {
        for ((id, _), decisions) in wanted.iter().zip(found) {
            let decisions: Vec<Decision> = decisions.iter().filter(|decision| decision.reason.outcome() != Outcome::Held).copied().collect();
            if !decisions.is_empty() {
                settled.entry(*id).or_default().extend(decisions);
            }
        }
    };
    note_settled(&wanted, lookup(&wanted)?, &mut settled);
    let elsewhere: Vec<(RecordId, Option<EventTime>)> =
        wanted.iter().map(|(id, _)| (*id, None)).filter(|(id, _)| !settled.get(id).is_some_and(|decisions| versions::taken(decisions))).collect();
    note_settled(&elsewhere, lookup(&elsewhere)?, &mut settled);
    let mut judge = judge::Judge::new(scheme, day);
    for (id, copies) in copies {
        let verdict = versions::decide(copies, settled.get(&id).map_or(&[][..], Vec::as_slice), scheme.conflict, symbols);
        for copy in verdict.duplicates {
            if copy.held_since.is_none() {
                let outcomes = files.entry(copy.file).or_default();
                outcomes.cleared -= 1;
                outcomes.duplicate += 1;
            }
        }
        for (copy, reason) in verdict.kept {
            let mut resolved = judge.resolve(&copy.record, copy.held_since.is_some());
            resolved.reason = reason.unwrap_or(resolved.reason);
            let event_id =
                if copy.record.id_kind == domain::IdKind::Sequence { [u64::from(copy.record.epoch), copy.record.sequence] } else { copy.record.id_bits };
            let partition = partition_of_hash(account_hash(&resolved.account, event_id));
            let part = joined.get_mut(partition).expect("a partition for every hash");
            part.events.push(Taken::new(&copy.record, &resolved, copy.file, copy.held_since, &mut part.notes));
        }
    }

    let folder = Folder { scheme, clearing_day: day, ranks: &ranks };
    let mut remembered = before.remembered;
    remembered.resize_with(PARTITIONS, Vec::new);
    let work: Vec<_> = joined.into_iter().zip(remembered).collect();
    let texts = symbols.texts();
    // Memories are read and written where they are used: as bytes they take a tenth of the room.
    let folded = parallel::map(workers, work, |_, (part, remembered)| {
        let remembered = if remembered.is_empty() { Vec::new() } else { memory::decode(&remembered, &scheme.tariff, symbols)? };
        let mut folded = folder.fold(part.events, part.notes, remembered);
        let remembered = memory::encode(&std::mem::take(&mut folded.remembered), &scheme.tariff, &texts);
        Some((folded, remembered))
    });
    let (mut parts, remembered): (Vec<Folded>, Vec<Vec<u8>>) = folded.into_iter().collect::<Option<Vec<_>>>().ok_or(DecideError::Memory)?.into_iter().unzip();

    let mut late_part = Folded::default();
    carried_rides(&mut parts, lookup, day, &mut late_part)?;
    let refunded = refund::settle(&mut parts, &mut late_part, &originals, before.refunded, &ranks, lookup)?;
    late_part.events.sort_unstable_by(|a, b| folder.event_order(a, b));
    parts.push(late_part);
    expire_holds(&mut parts, scheme, day);
    for part in &parts {
        count_files(part, &mut files);
    }
    files.remove(&u32::MAX);
    let cuts = cuts(&parts);
    Ok(Decided { scheme, day, parts, cuts, ranks, files, refunded, remembered })
}

impl Decided<'_> {
    #[must_use]
    pub fn batches(&self) -> usize {
        self.cuts.len() + 1
    }

    /// One batch of decisions in canonical order; batches follow each other in canonical order.
    #[must_use]
    pub fn batch(&self, batch: usize) -> Vec<Decision> {
        let from = batch.checked_sub(1).and_then(|before| self.cuts.get(before));
        let to = self.cuts.get(batch);
        let mut picked: Vec<(EventTime, u32, &Folded, &Priced)> = Vec::with_capacity(BATCH_EVENTS * 2);
        for part in &self.parts {
            let start = from.map_or(0, |from| part.events.partition_point(|event| event.core.time < *from));
            let end = to.map_or(part.events.len(), |to| part.events.partition_point(|event| event.core.time < *to));
            let events = part.events.get(start..end).unwrap_or_default();
            picked.extend(events.iter().map(|event| (event.core.time, self.ranks.get(event.core.terminal.index()).copied().unwrap_or(0), part, event)));
        }
        let order = Folder { scheme: self.scheme, clearing_day: self.day, ranks: &self.ranks };
        picked.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| order.event_order(a.3, b.3)));
        picked.into_iter().map(|(_, _, part, event)| self.decision(event, &part.notes)).collect()
    }

    fn decision(&self, event: &Priced, notes: &[Note]) -> Decision {
        let core = &event.core;
        let venue = self.scheme.venue_of(core.location);
        let takes_fee = core.flags.has(Flags::RIDE) && event.charged_minor > 0;
        let fee_minor = if takes_fee {
            let funded = event.discounts(notes).into_iter().filter(|discount| discount.funder != core.earner);
            let earned_minor = event.charged_minor + funded.map(|discount| discount.amount_minor).sum::<i64>();
            self.scheme.fee_minor(core.earner, core.issuer, core.product, self.day, event.charged_minor, earned_minor)
        } else {
            0
        };
        let decision = event.decision(notes, self.day, venue, fee_minor);
        assert!(decision.adds_up(), "list price = cardholder + funders");
        decision
    }
}

/// By symbol: its place in the order of terminal ids.
fn ranks(symbols: &SymbolTable) -> Vec<u32> {
    let texts = symbols.texts();
    let mut ranks = vec![0; texts.len()];
    let mut order: Vec<_> = texts.iter().zip(&mut ranks).collect();
    order.sort_unstable_by(|(a, _), (b, _)| shorter_first(a.as_bytes(), b.as_bytes()));
    for (next, (_, rank)) in (0u32..).zip(order) {
        *rank = next;
    }
    ranks
}

/// A partition's events from all workers, those of repeated ids apart.
struct Joined {
    events: Vec<Taken>,
    notes: Vec<Note>,
    met: Vec<Copy>,
}

fn join(parts: Vec<Part>, met: &IdFilter) -> Joined {
    let count = parts.iter().flat_map(|part| &part.chunks).map(Vec::len).sum();
    let mut joined = Joined { events: Vec::with_capacity(count), notes: Vec::new(), met: Vec::new() };
    for part in parts {
        for chunk in part.chunks {
            for event in chunk {
                if met.has(&event.core.record_id()) {
                    let held_since = event.core.note(&part.notes).and_then(|note| note.held_since);
                    joined.met.push(Copy { record: event.record(&part.notes), file: event.core.file, held_since });
                } else {
                    joined.events.push(event.moved(&part.notes, &mut joined.notes));
                }
            }
        }
    }
    joined
}

/// A set of ids with a quick no.
#[derive(Default)]
pub struct IdFilter {
    ids: HashSet<RecordId, Fast>,
    bits: Vec<u64>,
}

const FILTER_BITS: u64 = 1 << 23;

impl IdFilter {
    fn bit(id: &RecordId) -> u64 {
        Fast::default().hash_one(id) % FILTER_BITS
    }

    #[must_use]
    pub fn has(&self, id: &RecordId) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let bit = Self::bit(id);
        self.bits.get((bit / 64) as usize).is_some_and(|word| word & (1 << (bit % 64)) != 0) && self.ids.contains(id)
    }
}

impl FromIterator<RecordId> for IdFilter {
    fn from_iter<I: IntoIterator<Item = RecordId>>(ids: I) -> Self {
        let mut filter = Self::default();
        for id in ids {
            if filter.bits.is_empty() {
                filter.bits = vec![0; (FILTER_BITS / 64) as usize];
            }
            let bit = Self::bit(&id);
            *filter.bits.get_mut((bit / 64) as usize).expect("a word for every bit") |= 1 << (bit % 64);
            filter.ids.insert(id);
        }
        filter
    }
}

/// Journeys given up today whose tap-on an earlier close took in: the ride is booked today, the record was counted then.
fn carried_rides<E>(parts: &mut [Folded], lookup: &Lookup<'_, E>, day: Day, late: &mut Folded) -> Result<(), E> {
    let rides: Vec<_> = parts.iter_mut().flat_map(|part| part.carried_rides.drain(..)).collect();
    let id = |open: &crate::price::OpenTap| match open.tap.id_kind {
        domain::IdKind::Sequence => {
            RecordId::Sequence { terminal: open.tap.terminal, epoch: u32::try_from(open.tap.id[0]).unwrap_or(0), sequence: open.tap.id[1] }
        }
        domain::IdKind::Columns => RecordId::Columns(open.tap.id),
        domain::IdKind::FileRow => RecordId::FileRow(open.tap.id),
    };
    let wanted: Vec<_> = rides.iter().map(|(open, _)| (id(open), Some(open.tap.time))).collect();
    for ((open, fare), found) in rides.iter().zip(lookup(&wanted)?) {
        let Some(found) = found.iter().find(|decision| decision.reason == Reason::Cleared) else { continue };
        let resolved = event::Resolved {
            reason: Reason::Cleared,
            flags: Flags(Flags::CARRIED.0 | (found.flags.0 & Flags::HOTLISTED.0)),
            issuer: open.tap.issuer,
            earner: open.tap.earner,
            class: open.tap.class,
            mode: open.tap.mode,
            product: found.product,
            account: found.record.card,
            service_day: open.tap.service_day,
        };
        let taken = Taken::new(&found.record, &resolved, u32::MAX, Some(day), &mut late.notes);
        late.events.push(taken.priced(fare, &mut late.notes));
    }
    Ok(())
}

/// A record held longer than the scheme allows is rejected; one that is clear again is released.
fn expire_holds(parts: &mut [Folded], scheme: &Scheme, day: Day) {
    for part in parts {
        for event in &mut part.events {
            // Carried, but never held: a journey of an earlier day that was given up today.
            let since = event.core.note(&part.notes).and_then(|note| note.held_since).unwrap_or(day);
            if !event.core.flags.has(Flags::CARRIED) || since >= day {
                continue;
            }
            match event.core.reason.outcome() {
                Outcome::Held if i64::from(day.0) - i64::from(since.0) > i64::from(scheme.limits.hold_days) => event.core.reason = Reason::HoldExpired,
                Outcome::Cleared => event.core.flags.set(Flags::RELEASED),
                _ => {}
            }
        }
    }
}

/// `files` starts with every record cleared; the others are moved to where they belong.
fn count_files(part: &Folded, files: &mut HashMap<u32, FileOutcomes, Fast>) {
    for event in part.events.iter().filter(|event| event.core.reason != Reason::Cleared && !event.core.flags.has(Flags::CARRIED)) {
        let outcomes = files.entry(event.core.file).or_default();
        outcomes.cleared -= 1;
        match event.core.reason.outcome() {
            Outcome::Held => outcomes.held += 1,
            _ => outcomes.rejected += 1,
        }
        outcomes.conflict += u64::from(event.core.reason.is_conflict());
    }
}

/// Times that cut the day into batches of about a block each.
fn cuts(parts: &[Folded]) -> Vec<EventTime> {
    let mut sample: Vec<EventTime> = parts.iter().flat_map(|part| part.events.iter().step_by(SAMPLE_EVERY)).map(|event| event.core.time).collect();
    sample.sort_unstable();
    let mut cuts: Vec<EventTime> = sample.into_iter().step_by(BATCH_EVENTS / SAMPLE_EVERY).skip(1).collect();
    cuts.dedup();
    cuts
}
