//! The close: from the set of records of a day, and nothing else, every outcome and every price.
//!
//! Records are gathered by account, copies of one id are judged together, each account is folded in event order, refunds
//! follow the prices of their originals, and everything comes out in the canonical order of the day: event time, terminal,
//! id. Two runs over the same set give the same decisions, however the set arrived and however many threads work.

mod booked;
mod budget;
mod decided;
pub mod event;
mod evidence;
mod fold;
mod gather;
mod id_filter;
pub mod judge;
pub mod memory;
mod oddity;
mod order;
mod outcomes;
mod partition;
mod refund;
mod resolve;
mod revise;
mod service_fee;
mod trail;
mod versions;
mod watch;
mod withdraw;

pub use budget::Budgets;
pub use decided::Decided;
pub use gather::{Gather, PARTITIONS, account_partition};
pub use memory::Remembered;
pub use oddity::{Finding, Sighting};
pub use outcomes::FileOutcomes;
pub use refund::{Given, Giving, Refunded};
pub use resolve::{Resolutions, Version, supplied_tap_off, version_of};
pub use service_fee::{FeeBases, FeeKey, FeeSums, FeesBooked, ServiceFee, service_fees};
pub use versions::standing;
pub use withdraw::Withdrawn;

use crate::parallel;
use crate::price::{Abandoned, Part};
use crate::scheme::Scheme;
use decided::cuts;
use domain::{CardToken, Day, Decision, EventTime, Flags, Outcome, Reason, Record, RecordId, Symbol, SymbolTable};
use event::{Event, id_halves};
use fold::{Folded, Folder};
use gather::{Fast, account_hash, partition_of_hash};
use hashbrown::{HashMap, HashSet};
use id_filter::IdFilter;
use order::{Lead, Order};
use partition::Partition;
use revise::{Past, Revision};
use versions::Copy;
use withdraw::Gone;

/// What earlier closes left.
#[derive(Debug, Default)]
pub struct Before {
    /// What pricing remembers, by partition, as [`memory::encode`] wrote it; absent or empty partitions remember nothing.
    pub remembered: Vec<Vec<u8>>,
    /// What is remembered of cards for oddities, the same way.
    pub trails: Vec<Vec<u8>>,
    /// What has been given back of originals so far.
    pub refunded: Refunded,
    /// What has been granted of budgets so far.
    pub budgets: Budgets,
    /// The clearing days that are closed, oldest first.
    pub closed: Vec<Day>,
    /// The last moment that they have priced: what happened until then and comes now has come late. `None` before the first
    /// close.
    pub priced_until: Option<EventTime>,
    /// What has been taken back of closed days since the last close.
    pub withdrawn: Withdrawn,
    /// What people have decided since then.
    pub resolutions: Resolutions,
}

/// A look into closed days: all decisions on these ids with their clearing days, the oldest day first. Where an event time is
/// given, the records with that id and that time are meant; where none is given, those with that id. An id can have several:
/// versions of a conflict, and every close that held the record.
pub type Lookup<'l, E> = dyn Fn(&[(RecordId, Option<EventTime>)]) -> Result<Vec<Vec<(Day, Decision)>>, E> + 'l;

/// A second look: the decisions of closed days that the given question is answered yes for, with their clearing days, the
/// oldest day first. Asked from several threads. Where cards are given, only decisions on these are meant.
pub type Journal<'l, E> = dyn Fn(Option<&[CardToken]>, &(dyn Fn(&Decision) -> bool + Sync)) -> Result<Vec<(Day, Decision)>, E> + 'l;

/// The two ways to look into closed days.
pub struct Earlier<'l, E> {
    pub lookup: &'l Lookup<'l, E>,
    pub journal: &'l Journal<'l, E>,
}

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

/// Decides a day.
///
/// # Errors
/// Those of looking into closed days, and what is remembered in a form that cannot be read.
pub fn decide<'s, E: Send>(
    scheme: &'s Scheme,
    symbols: &SymbolTable,
    day: Day,
    workers: usize,
    gathers: Vec<Gather<'s>>,
    before: Before,
    earlier: &Earlier<'_, E>,
) -> Result<Decided<'s>, DecideError<E>> {
    let Earlier { lookup, journal } = *earlier;
    let base_ms = order::base_ms(scheme.clock.day_start(day));
    let mut files: HashMap<u32, FileOutcomes, Fast> = HashMap::with_hasher(Fast::default());
    let mut repeats = Vec::new();
    let mut originals = Vec::new();
    let mut carried = Vec::new();
    let mut parts: Vec<Vec<Partition>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
    for gather in gathers {
        assert_eq!(gather.day, day, "gathered for the day that is decided");
        for (file, received) in gather.received {
            files.entry(file).or_default().receive(received);
        }
        repeats.extend(gather.repeats);
        originals.extend(gather.originals);
        carried.extend(gather.carried);
        parts.iter_mut().zip(gather.parts).for_each(|(parts, part)| parts.push(part));
    }

    let gone = Gone::of(&before.withdrawn, journal)?;
    // Every event whose id came in more than once is taken out and judged with its other copies; so is what an earlier close
    // held, because other versions of it may have been held with it or settled before it.
    let met: IdFilter = repeats.iter().copied().chain(carried.iter().map(|&(id, _)| id)).chain(gone.ids()).collect();
    let mut joined = parallel::map(workers, parts, |_, parts| join(parts, &met));
    let mut copies: HashMap<RecordId, Vec<Copy>, Fast> = HashMap::with_hasher(Fast::default());
    for part in &mut joined {
        for copy in part.met.drain(..) {
            copies.entry(copy.record.id()).or_default().push(copy);
        }
    }
    // What lost against a withdrawn version alone comes again, but for what is held and comes anyway.
    let reopened = before.withdrawn.versions.iter().filter(|(record, _)| gone.has_id(&record.id()));
    let comes = |record: &Record| copies.get(&record.id()).into_iter().flatten().any(|copy| copy.held_since.is_some() && copy.record.same_content(record));
    let reopened: Vec<(Record, Day)> = reopened.filter(|(record, _)| !comes(record)).copied().collect();
    for &(record, since) in &reopened {
        copies.entry(record.id()).or_default().push(Copy { record, file: u32::MAX, held_since: Some(since) });
    }
    // An id has been on a closed day when every copy of today repeated it: then what was settled there counts. Of those that
    // came only to be held again, conflicts alone had other versions.
    let contested: HashSet<RecordId, Fast> = carried.into_iter().filter(|&(_, conflict)| conflict).map(|(id, _)| id).collect();
    let mut again: HashMap<RecordId, usize, Fast> = HashMap::with_hasher(Fast::default());
    for id in repeats {
        *again.entry(id).or_default() += 1;
    }
    let first_today = |id: &RecordId, copies: &[Copy]| {
        let today = copies.iter().filter(|copy| copy.held_since.is_none()).count();
        let repeated = again.get(id).copied().unwrap_or(0);
        today > repeated || (repeated == 0 && !contested.contains(id))
    };
    let wanted: Vec<(RecordId, Option<EventTime>)> = copies
        .iter()
        .filter(|(id, copies)| !gone.has_id(id) && !first_today(id, copies))
        .flat_map(|(id, copies)| copies.iter().map(|copy| (*id, Some(copy.record.time))))
        .collect();
    let mut settled: HashMap<RecordId, Vec<Decision>, Fast> = HashMap::with_hasher(Fast::default());
    let note_settled = |wanted: &[(RecordId, Option<EventTime>)], found: Vec<Vec<(Day, Decision)>>, settled: &mut HashMap<RecordId, Vec<Decision>, Fast>| {
        for ((id, _), decisions) in wanted.iter().zip(found) {
            let decisions: Vec<Decision> = versions::standing(&decisions).into_iter().map(|(_, decision)| decision).collect();
            if !decisions.is_empty() {
                settled.entry(*id).or_default().extend(decisions);
            }
        }
    };
    note_settled(&wanted, lookup(&wanted)?, &mut settled);
    let elsewhere: Vec<(RecordId, Option<EventTime>)> =
        wanted.iter().map(|(id, _)| (*id, None)).filter(|(id, _)| !settled.get(id).is_some_and(|decisions| versions::taken(decisions))).collect();
    note_settled(&elsewhere, lookup(&elsewhere)?, &mut settled);
    settled.extend(gone.ids().map(|id| (id, gone.left_of(&id))));
    let (mut judge, resolutions) = (judge::Judge::new(scheme, day), before.resolutions);
    let mut keep = |copy: Copy, how: How| {
        let mut resolved = match how {
            How::Released => judge.release(&copy.record),
            How::Judged | How::As(_) => judge.resolve(&copy.record, copy.held_since.is_some()),
        };
        if let How::As(reason) = how {
            resolved.reason = reason;
        }
        let hash = account_hash(&resolved.account, id_halves(&copy.record));
        let partition = &mut joined.get_mut(partition_of_hash(hash)).expect("a partition for every hash").partition;
        let event = Event::new(&copy.record, &resolved, copy.file, copy.held_since, &mut partition.notes);
        partition.push(event, Lead::new(hash, copy.record.time, base_ms));
    };
    for &(since, decision) in gone.undone() {
        keep(Copy { record: decision.record, file: u32::MAX, held_since: Some(since) }, How::As(Reason::Withdrawn));
    }
    for &record in &resolutions.supplied {
        keep(Copy { record, file: u32::MAX, held_since: Some(day) }, How::Judged);
    }
    // What gave back of a withdrawn original waits for it again.
    let undone = refund::undone(&gone, &before.refunded, lookup)?;
    let named = undone.iter().map(|refund| &refund.record).chain(reopened.iter().map(|(record, _)| record));
    originals.extend(named.filter(|record| fold::waits_for_original(record.kind)).filter_map(|record| record.original));
    for record in undone.iter().map(|refund| refund.record).filter(|record| !gone.has(record)) {
        keep(Copy { record, file: u32::MAX, held_since: Some(day) }, How::Judged);
    }
    for (id, copies) in copies {
        let (withdrawn, copies): (Vec<Copy>, Vec<Copy>) = copies.into_iter().partition(|copy| copy.held_since.is_some() && gone.has(&copy.record));
        withdrawn.into_iter().for_each(|copy| keep(copy, How::As(Reason::Withdrawn)));
        let is_in = |copy: &Copy, versions: &HashSet<Version, Fast>| {
            copy.held_since.is_some() && !versions.is_empty() && versions.contains(&resolve::version_of(&copy.record, symbols))
        };
        let (rejected, copies): (Vec<Copy>, Vec<Copy>) = copies.into_iter().partition(|copy| is_in(copy, &resolutions.rejected));
        rejected.into_iter().for_each(|copy| keep(copy, How::As(Reason::Decided)));
        let verdict = versions::decide(copies, settled.get(&id).map_or(&[][..], Vec::as_slice), scheme.conflict, symbols);
        for copy in verdict.duplicates {
            if copy.held_since.is_none() {
                files.entry(copy.file).or_default().turn(Reason::Duplicate);
            }
        }
        // Where a closed day has settled a version, no other one is released beside it; of several, the first is.
        let mut taken = settled.get(&id).is_some_and(|settled| versions::taken(settled));
        for (copy, reason) in verdict.kept {
            let released = !taken && is_in(&copy, &resolutions.released);
            taken |= released;
            keep(copy, if released { How::Released } else { reason.map_or(How::Judged, How::As) });
        }
    }

    let past = match before.priced_until {
        Some(until) => past_of(scheme, late_accounts(workers, &joined, until, base_ms), &gone, journal)?,
        None => Past::default(),
    };
    let order = Order::new(symbols, scheme.clock.day_start(day));
    let folder = Folder { scheme, clearing_day: day, order: &order, closed: &before.closed, past: &past };
    let mut remembered = before.remembered;
    remembered.resize_with(PARTITIONS, Vec::new);
    let mut trails = if scheme.oddities.is_some() { before.trails } else { Vec::new() };
    trails.resize_with(PARTITIONS, Vec::new);
    let work: Vec<_> = joined.into_iter().map(|part| part.partition).zip(remembered.into_iter().zip(trails)).collect();
    let (texts, known) = (symbols.texts(), symbols.len());
    // Memories are read and written where they are used: as bytes they take a tenth of the room.
    let folded = parallel::map(workers, work, |number, (partition, (remembered, trails))| {
        let remembered = if remembered.is_empty() { Vec::new() } else { memory::decode(&remembered, &scheme.tariff, symbols)? };
        let trails = trail::decode(&trails, symbols)?;
        let mut folded = folder.fold(u16::try_from(number).expect("few partitions"), partition, remembered, trails);
        // A memory may hold names that nothing of today has.
        let more = (symbols.len() > known).then(|| symbols.texts());
        let texts = more.as_ref().unwrap_or(&texts);
        let remembered = memory::encode(&std::mem::take(&mut folded.remembered), &scheme.tariff, texts);
        let (kept, found) = folded.watching.take().map(|watching| (watching.kept, watching.found)).unwrap_or_default();
        Some((folded, remembered, (trail::encode(&kept, texts), found)))
    });
    let folded = folded.into_iter().collect::<Option<Vec<_>>>().ok_or(DecideError::Memory)?;
    let (mut parts, mut remembered, mut trails, mut oddities) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (part, memory, (trail, found)) in folded {
        parts.push(part);
        remembered.push(memory);
        trails.push(trail);
        oddities.extend(found.into_iter().map(|finding| finding.told_on(day)));
    }
    oddity::sort(&mut oddities, &symbols.texts());

    let late = carried_rides(&mut parts, lookup, day)?;
    let mut revisions: Vec<Revision> = parts.iter_mut().flat_map(|part| std::mem::take(&mut part.revisions)).collect();
    parts.push(late);
    let mut budgets = before.budgets;
    budget::settle(&mut parts, &mut revisions, &mut budgets, &scheme.tariff.slots, &order);
    if let Some(late) = parts.last_mut() {
        revisions.into_iter().for_each(|revision| revision.put(&folder, late));
    }
    let day_end = EventTime(scheme.clock.day_end(day).0 - 1);
    let priced_until = parts.iter().filter_map(|part| part.latest).chain(before.priced_until).fold(day_end, EventTime::max);
    let mut fee_sums = FeeSums::default();
    let mut refunds = refund::Refunds { scheme, order: &order, gone: &gone, undone: &undone, refunded: before.refunded, fee_sums: &mut fee_sums };
    refunds.settle(&mut parts, &originals, lookup)?;
    let refunded = refunds.refunded;
    for sums in parallel::map(workers, parts.iter().collect(), |_, part: &Folded| service_fee::sums_of(&part.partition, &scheme.fees)) {
        sums.into_iter().for_each(|(key, bases)| fee_sums.entry(key).or_default().add(bases));
    }
    shares(&mut parts, &order, day);
    for part in &mut parts {
        expire_holds(part, scheme, day);
        count_files(part, &mut files);
    }
    files.remove(&u32::MAX);
    // Names that came from closed days have a place in the order too.
    let order = if symbols.len() > known { ordered_anew(&mut parts, symbols, scheme.clock.day_start(day)) } else { order };
    let (cuts, texts) = (cuts(&parts, workers), symbols.texts());
    let venues = (0..).map(Symbol).take(texts.len()).map(|location| scheme.venue_of(location)).collect();
    Ok(Decided { scheme, day, parts, order, cuts, texts, venues, files, refunded, fee_sums, budgets, priced_until, remembered, trails, oddities })
}

/// The order of all names that are known by now, and the events in it.
fn ordered_anew(parts: &mut [Folded], symbols: &SymbolTable, day_start: EventTime) -> Order {
    let order = Order::new(symbols, day_start);
    for (number, Folded { partition, days, .. }) in (0u16..).zip(parts) {
        for key in days.iter_mut() {
            let at = key.address();
            *key = order.day_key(partition.get(at), number, at);
        }
        days.sort_unstable();
    }
    order
}

/// How a record that is judged apart from the others gets its reason.
#[derive(Clone, Copy)]
enum How {
    Judged,
    As(Reason),
    Released,
}

/// The accounts that have a record, or have one no more, which happened before the last moment that closed days have priced.
fn late_accounts(workers: usize, joined: &[Joined], until: EventTime, base_ms: i64) -> HashSet<CardToken, Fast> {
    let late = parallel::map(workers, joined.iter().collect(), |_, Joined { partition, .. }: &Joined| {
        let may_be = partition.leads().filter(|(_, lead)| lead.may_be_until(until, base_ms)).map(|(at, _)| partition.get(at));
        let counts = |event: &&Event| matches!(event.reason, Reason::Cleared | Reason::Withdrawn) && !fold::waits_for_original(event.kind);
        let is = may_be.filter(|event| event.time <= until).filter(counts);
        is.map(|event| event.account(&partition.notes)).filter(|account| !account.is_empty()).collect::<Vec<_>>()
    });
    late.into_iter().flatten().collect()
}

/// What closed days cleared of some accounts, and of withdrawn records that have none.
fn past_of<E>(scheme: &Scheme, accounts: HashSet<CardToken, Fast>, gone: &Gone, journal: &Journal<'_, E>) -> Result<Past, E> {
    let alone: HashSet<RecordId, Fast> =
        gone.undone().map(|(_, decision)| decision.record).filter(|record| record.card.is_empty()).map(|record| record.id()).collect();
    // Also of an account that none of them knows: its journeys end with the days that they belong to.
    let mut past = Past { accounts: accounts.iter().map(|account| (*account, Vec::new())).collect(), ..Past::default() };
    if past.accounts.is_empty() && alone.is_empty() {
        return Ok(past);
    }
    let account = |decision: &Decision| scheme.card(&decision.record.card).map_or(decision.record.card, |card| card.account);
    let is_wanted = |decision: &Decision| {
        let counts = matches!(decision.reason, Reason::Cleared | Reason::Withdrawn);
        counts && (accounts.contains(&account(decision)) || (decision.record.card.is_empty() && alone.contains(&decision.record.id())))
    };
    let cards = alone.is_empty().then(|| scheme.cards_of(&accounts, |account| accounts.contains(account)));
    for (day, decision) in journal(cards.as_deref(), &is_wanted)? {
        if decision.record.card.is_empty() {
            past.alone.entry(decision.record.id()).or_default().push((day, decision));
        } else {
            past.accounts.entry(account(&decision)).or_default().push((day, decision));
        }
    }
    Ok(past)
}

/// A partition's events from all workers, and those of repeated ids, which are judged apart.
struct Joined {
    partition: Partition,
    met: Vec<Copy>,
}

fn join(parts: Vec<Partition>, met: &IdFilter) -> Joined {
    let mut partition = Partition::default();
    for part in parts {
        partition.append(part);
    }
    let copy = |(event, note): (Event, Option<event::Note>)| {
        let record = note.map_or_else(|| event.plain_record(), |note| note.record);
        Copy { record, file: note.map_or_else(|| event.plain_file(), |note| note.file), held_since: note.and_then(|note| note.held_since) }
    };
    let met = if met.is_empty() { Vec::new() } else { partition.take_apart(|tag| met.may_have(tag), |event| met.has(&event.record_id())) };
    Joined { partition, met: met.into_iter().map(copy).collect() }
}

/// Journeys given up today whose tap-on an earlier close took in: the ride is booked today, the record was counted then.
fn carried_rides<E>(parts: &mut [Folded], lookup: &Lookup<'_, E>, day: Day) -> Result<Folded, E> {
    let mut late = Folded::default();
    let rides: Vec<_> = parts.iter_mut().flat_map(|part| part.carried_rides.drain(..)).collect();
    let wanted: Vec<_> = rides.iter().map(|ride| (ride.open.tap.record_id(), Some(ride.open.tap.time))).collect();
    for (Abandoned { open, fare, extras }, found) in rides.into_iter().zip(lookup(&wanted)?) {
        // The version that counts: another one may have been withdrawn.
        let Some((_, found)) = versions::standing(&found).into_iter().find(|(_, decision)| decision.reason == Reason::Cleared) else { continue };
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
        let event = Event::new(&found.record, &resolved, u32::MAX, Some(day), &mut late.partition.notes);
        let at = late.partition.push(event, Lead::new(0, event.time, 0));
        late.partition.decide_priced(at, &fare);
        late.keep(at, extras);
    }
    Ok(late)
}

/// What operators hand on of rides that are shared, now that all rides and refunds are known. It stands in the last part.
fn shares(parts: &mut [Folded], order: &Order, day: Day) {
    let Some((late, others)) = parts.split_last_mut() else { return };
    let own = std::mem::take(&mut late.shares);
    let mut moved = Partition::default();
    let mut hand_on = |partition: &Partition, shares: &[(partition::Address, Vec<Part>)]| {
        for (at, parts) in shares {
            let ride = partition.get(*at);
            for part in parts.iter().filter(|part| part.party != ride.earner && part.amount_minor != 0) {
                let share = ride.share(part, day, &partition.notes, &mut moved.notes);
                moved.push(share, Lead::new(0, share.time, 0));
            }
        }
    };
    others.iter().for_each(|part| hand_on(&part.partition, &part.shares));
    hand_on(&late.partition, &own);
    let number = u16::try_from(others.len()).expect("few partitions");
    late.partition.append(moved);
    late.days = late.partition.iter().map(|(at, event)| order.day_key(event, number, at)).collect();
    late.days.sort_unstable();
}

/// A record held longer than the scheme allows is rejected; one that is clear again is released.
fn expire_holds(part: &mut Folded, scheme: &Scheme, day: Day) {
    let Folded { partition, noted, refunds, .. } = part;
    for &at in noted.iter().chain(&*refunds) {
        let event = partition.get(at);
        // Carried, but never held: a journey of an earlier day that was given up today.
        let since = event.note(&partition.notes).and_then(|note| note.held_since).unwrap_or(day);
        if !event.flags.has(Flags::CARRIED) || since >= day {
            continue;
        }
        let event = partition.get_mut(at);
        match event.reason.outcome() {
            Outcome::Held if i64::from(day.0) - i64::from(since.0) > i64::from(scheme.limits.hold_days) => event.reason = Reason::HoldExpired,
            Outcome::Cleared => event.flags.set(Flags::RELEASED),
            _ => {}
        }
    }
}

/// `files` starts with every record cleared; the others are moved to where they belong.
fn count_files(part: &Folded, files: &mut HashMap<u32, FileOutcomes, Fast>) {
    let noted = part.noted.iter().chain(&part.refunds).map(|&at| part.partition.get(at));
    for event in noted.filter(|event| event.reason != Reason::Cleared && !event.flags.has(Flags::CARRIED)) {
        files.entry(event.file(&part.partition.notes)).or_default().turn(event.reason);
    }
}
