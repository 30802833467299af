//! Refunds and reversals, and fares collected later: decided once every price is known.
//!
//! A refund names its original by record id. Partial ones go in event order; the one that asks for more than is left is
//! rejected. What each party gave or got is mirrored in proportion, on the running total: a refund brings what has been given
//! back of each part to its share, so that the last one takes the remainder and refunding all of it leaves everyone at exactly
//! zero. Where an original is corrected, or a refund is withdrawn, what had been given back follows, as a correction of the last
//! refund. A fare that was collected later is earned by the one who earned the ride that it names, whoever collected it.

use super::Lookup;
use super::booked::Booked;
use super::event::{Event, Note, Resolved};
use super::fold::{Folded, gives_back, waits_for_original};
use super::gather::Fast;
use super::id_filter::IdFilter;
use super::order::{Lead, Order};
use super::partition::Address;
use super::service_fee::{FeeBases, FeeKey, FeeSums};
use super::versions::{of_version, standing};
use super::withdraw::Gone;
use crate::price::{Fare, Part};
use crate::scheme::{FeePer, Scheme};
use domain::decision::FUNDERS_MAX;
use domain::{CardToken, Day, Decision, Discount, EventTime, Flags, Outcome, Reason, Record, RecordId, RecordKind, Symbol, round_half_up};
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// By original: what has been given back of it.
pub type Refunded = HashMap<RecordId, Given, Fast>;

/// What has been given back of an original, positive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The original's.
    pub time: EventTime,
    pub service_day: Day,
    /// All of it was given back, whatever it comes to.
    pub whole: bool,
    pub charged_minor: i64,
    pub fee_minor: i64,
    pub discounts: Vec<Discount>,
    pub shares: Vec<Part>,
    /// By which refunds, in the order in which they were decided.
    pub refunds: Vec<Giving>,
}

/// A refund that was cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Giving {
    pub id: RecordId,
    pub time: EventTime,
    pub asked_minor: i64,
    pub reversal: bool,
}

impl Given {
    fn asked_minor(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.asked_minor).sum()
    }

    /// As a refund's decisions would show it.
    fn booked(&self, of: &Booked) -> Booked {
        let discounts: Vec<Discount> = self.discounts.iter().map(|given| Discount { amount_minor: -given.amount_minor, ..*given }).collect();
        let charged_minor = -self.charged_minor;
        let list_minor = charged_minor + discounts.iter().map(|discount| discount.amount_minor).sum::<i64>();
        let shares = self.shares.iter().map(|given| Part { amount_minor: -given.amount_minor, ..*given }).collect();
        Booked { list_minor, charged_minor, fee_minor: -self.fee_minor, discounts, shares, ..of.clone() }
    }

    /// Of an amount of the original, what is to have been given back.
    fn goal(&self, amount_minor: i64, charged_minor: i64) -> i64 {
        // A ride may cost less since it was corrected than what has been asked back.
        let all = self.whole || self.asked_minor() >= charged_minor;
        if all { amount_minor } else { round_half_up(amount_minor, self.asked_minor(), charged_minor) }
    }

    /// What is to have been given back of an original, with `fee_back` its fee too.
    fn of(&self, original: &Original, fee_back: bool) -> Self {
        let goal = |amount_minor: i64| self.goal(amount_minor, original.charged_minor);
        let discounts = original.discounts.iter().map(|discount| Discount { amount_minor: goal(discount.amount_minor), ..*discount });
        let shares = original.shares.iter().map(|part| Part { amount_minor: goal(part.amount_minor), ..*part });
        Self {
            charged_minor: goal(original.charged_minor),
            fee_minor: if fee_back { goal(original.fee_minor) } else { self.fee_minor },
            discounts: discounts.filter(|discount| discount.amount_minor != 0).collect(),
            shares: shares.filter(|part| part.amount_minor != 0).collect(),
            ..self.clone()
        }
    }
}

/// What is to be known of an original.
#[derive(Clone)]
struct Original {
    kind: RecordKind,
    outcome: Outcome,
    time: EventTime,
    issuer: Symbol,
    earner: Symbol,
    product: Symbol,
    service_day: Day,
    charged_minor: i64,
    fee_minor: i64,
    discounts: [Discount; FUNDERS_MAX],
    /// What others than its earner got of it.
    shares: Vec<Part>,
}

impl Original {
    fn of_event(event: &Event, notes: &[Note], scheme: &Scheme) -> Self {
        Self {
            kind: event.kind,
            outcome: event.reason.outcome(),
            time: event.time,
            issuer: event.issuer,
            earner: event.earner,
            product: event.product,
            service_day: event.service_day,
            charged_minor: event.charged_minor(),
            fee_minor: event.fee_minor(notes, scheme),
            discounts: event.discounts(notes),
            shares: Vec::new(),
        }
    }

    /// A ride with all corrections of it, or a record that is none; `None` where nothing cleared still counts.
    fn of_decisions(all: &[(Day, Decision)], gone: &Gone) -> Option<Self> {
        let counts = |(_, decision): &(Day, Decision)| decision.reason == Reason::Cleared && !gives_back(decision.record.kind) && !gone.has(&decision.record);
        let (day, record) = standing(all).into_iter().find(counts)?;
        // A tap-on is cleared on one day and may become a ride on a later one: the ride has the money.
        let Some(booked) = Booked::of(of_version(all, day, &record.record)) else {
            return Some(Self {
                kind: record.record.kind,
                outcome: record.reason.outcome(),
                time: record.record.time,
                issuer: record.issuer,
                earner: record.earner,
                product: record.product,
                service_day: record.service_day,
                charged_minor: record.charged_minor,
                fee_minor: record.fee_minor,
                discounts: record.discounts,
                shares: Vec::new(),
            });
        };
        let discounts = booked.places().expect("a ride with its corrections is a fare");
        let Booked { issuer, earner, product, service_day, charged_minor, fee_minor, shares, .. } = booked;
        let (kind, outcome, time) = (record.record.kind, Outcome::Cleared, record.record.time);
        Some(Self { kind, outcome, time, issuer, earner, product, service_day, charged_minor, fee_minor, discounts, shares })
    }

    const fn fee_key(&self) -> FeeKey {
        FeeKey { earner: self.earner, issuer: self.issuer, product: self.product, service_day: self.service_day }
    }
}

/// A refund or a collection that counts no more, because it or its original was withdrawn: the record, and all decisions on it.
pub struct Undone {
    pub record: Record,
    all: Vec<(Day, Decision)>,
}

/// The refunds and collections that count no more.
pub fn undone<E>(gone: &Gone, refunded: &Refunded, lookup: &Lookup<'_, E>) -> Result<Vec<Undone>, E> {
    let own = gone.undone().map(|(_, decision)| decision).filter(|decision| decision.reason == Reason::Cleared && waits_for_original(decision.record.kind));
    let mut wanted: Vec<(RecordId, Option<EventTime>)> = own.map(|decision| (decision.record.id(), Some(decision.record.time))).collect();
    wanted.extend(gone.refunds(refunded));
    // What was collected of a withdrawn ride, and what has been given back of that.
    for &(id, time) in gone.collected() {
        wanted.push((id, Some(time)));
        wanted.extend(refunded.get(&id).into_iter().flat_map(|given| given.refunds.iter().map(|refund| (refund.id, Some(refund.time)))));
    }
    wanted.sort_unstable();
    wanted.dedup();
    let found = lookup(&wanted)?.into_iter().filter_map(|all| {
        let record = standing(&all).into_iter().find(|(_, decision)| decision.reason == Reason::Cleared)?.1.record;
        // Another version may count by now, which names another ride, or none.
        let of_collected = || record.original.is_some_and(|id| gone.was_collected(id));
        let is_undone = waits_for_original(record.kind) && (gone.has(&record) || gone.ended(&record) || of_collected());
        is_undone.then_some(Undone { record, all })
    });
    Ok(found.collect())
}

/// What deciding refunds works with.
pub struct Refunds<'c> {
    pub scheme: &'c Scheme,
    pub order: &'c Order,
    pub gone: &'c Gone,
    pub undone: &'c [Undone],
    pub refunded: Refunded,
    pub fee_sums: &'c mut FeeSums,
}

impl Refunds<'_> {
    /// Decides all refunds of `parts`, the last of which holds what is corrected. Where the rule of an original's fee gives it
    /// back, so does the refund: its share of the fee that stood on the original's line, and its part of the basis of the
    /// original's service day.
    ///
    /// # Errors
    /// Those of looking into closed days.
    pub fn settle<E>(&mut self, parts: &mut [Folded], named: &[RecordId], lookup: &Lookup<'_, E>) -> Result<(), E> {
        let mut refunds: Vec<(usize, Address)> = parts.iter().enumerate().flat_map(|(number, part)| part.refunds.iter().map(move |&at| (number, at))).collect();
        let mut changed = BTreeSet::new();
        if let Some(late) = parts.last_mut() {
            changed = self.take_back(late);
            // A journey may have been taken back before it was given up, and became a ride.
            let rides = late.partition.iter().filter(|(_, event)| event.flags.has(Flags::RIDE) && !gives_back(event.kind));
            changed.extend(rides.map(|(_, event)| event.record_id()).filter(|id| self.refunded.contains_key(id)));
        }
        if refunds.is_empty() && changed.is_empty() {
            return Ok(());
        }
        let times = changed.iter().filter_map(|id| Some((*id, Some(self.refunded.get(id)?.time))));
        let wanted: Vec<(RecordId, Option<EventTime>)> = named.iter().map(|id| (*id, None)).chain(times).collect();
        let mut originals = self.originals(parts, &wanted, lookup)?;
        if let Some(late) = parts.last_mut() {
            for id in changed {
                let Some(original) = originals.get(&id).filter(|original| original.outcome == Outcome::Cleared) else { continue };
                self.follow(id, original, late, lookup)?;
            }
        }
        let event = |parts: &[Folded], (number, at): (usize, Address)| *parts.get(number).expect("a refund's partition").partition.get(at);
        refunds.sort_by(|&a, &b| self.order.of_account(&event(parts, a), &event(parts, b)));
        let (collected, refunds): (Vec<_>, Vec<_>) = refunds.into_iter().partition(|&refund| event(parts, refund).kind == RecordKind::Collection);
        let mut now = Vec::new();
        for (number, at) in collected {
            let Some(part) = parts.get_mut(number) else { continue };
            self.collect(part, at, &originals);
            // It may be given back like a ride.
            let (event, notes) = (part.partition.get(at), &part.partition.notes);
            if event.reason == Reason::Cleared {
                now.push((event.record_id(), Original::of_event(event, notes, self.scheme)));
            } else if event.note(notes).is_some_and(|note| self.undone.iter().any(|undone| undone.record.same_content(&note.record)))
                && originals.get(&event.record_id()).is_some_and(|known| known.kind == RecordKind::Collection)
            {
                // It counts no more, though a closed day cleared it.
                originals.remove(&event.record_id());
            }
        }
        originals.extend(now);
        for (number, at) in refunds {
            if let Some(part) = parts.get_mut(number) {
                self.refund(part, at, &originals);
            }
        }
        Ok(())
    }

    /// What was collected of a ride is its earner's. It is no ride of which more could be collected.
    fn collect(&self, part: &mut Folded, at: Address, originals: &HashMap<RecordId, Original, Fast>) {
        let partition = &mut part.partition;
        let record = partition.get(at).taken_record(&partition.notes);
        if partition.get(at).reason != Reason::Cleared {
            return partition.decide_unpriced(at);
        }
        let of_ride = |original: &&Original| original.outcome == Outcome::Cleared && !waits_for_original(original.kind);
        let Some(original) = record.original.and_then(|id| originals.get(&id)).filter(of_ride) else {
            partition.get_mut(at).reason = Reason::OriginalMissing;
            return partition.decide_unpriced(at);
        };
        let collected = partition.get_mut(at);
        (collected.earner, collected.product) = (original.earner, original.product);
        let (service_day, amount_minor) = (collected.service_day, record.amount_minor);
        let fare = Fare { service_day, list_minor: amount_minor, charged_minor: amount_minor, flags: Flags::RIDE, ..Fare::default() };
        partition.decide_priced(at, &fare);
    }

    fn refund(&mut self, part: &mut Folded, at: Address, originals: &HashMap<RecordId, Original, Fast>) {
        let Folded { partition, shares, .. } = part;
        let refund = partition.get(at);
        let record = refund.taken_record(&partition.notes);
        let known = record.original.and_then(|id| Some((id, originals.get(&id).filter(|original| original.outcome == Outcome::Cleared)?)));
        if refund.reason != Reason::Cleared {
            return partition.decide_unpriced(at);
        }
        let Some((id, original)) = known else {
            partition.get_mut(at).reason = Reason::OriginalMissing;
            return partition.decide_unpriced(at);
        };
        let reversal = record.kind == RecordKind::Reversal;
        let before = self.refunded.get(&id);
        let asked_minor = if reversal { original.charged_minor } else { record.amount_minor };
        let after_minor = before.map_or(0, Given::asked_minor) + asked_minor;
        let reason = match before {
            Some(before) if before.whole || before.asked_minor() >= original.charged_minor => Reason::AlreadyReversed,
            Some(_) if reversal => Reason::RefundExceeds,
            _ if after_minor > original.charged_minor => Reason::RefundExceeds,
            _ => Reason::Cleared,
        };
        if reason != Reason::Cleared {
            partition.get_mut(at).reason = reason;
            return partition.decide_unpriced(at);
        }
        let mut given = before.cloned().unwrap_or_else(|| Given { time: original.time, service_day: original.service_day, ..Given::default() });
        let old = given.clone();
        given.refunds.push(Giving { id: record.id(), time: record.time, asked_minor, reversal });
        given.whole = after_minor == original.charged_minor;
        let (differences, moved) = self.bring(id, original, &old, given);
        assert!(differences.len() <= 1, "what was given back has followed its original, and has its funders");
        let (fare, fee_minor) = differences.first().copied().unwrap_or_default();
        let refund = partition.get_mut(at);
        (refund.issuer, refund.earner, refund.product) = (original.issuer, original.earner, original.product);
        let fare = Fare { service_day: refund.service_day, flags: Flags::RIDE, ..fare };
        partition.decide_priced(at, &fare);
        partition.change_fee(at, fee_minor);
        if !moved.is_empty() {
            shares.push((at, moved));
        }
    }

    /// Brings what has been given back from `old` to what `given` asks for; what is booked for that: fares with their fees, of
    /// which there are two where an original has other funders than it had, and shares.
    fn bring(&mut self, id: RecordId, original: &Original, old: &Given, given: Given) -> (Vec<(Fare, i64)>, Vec<Part>) {
        let key = original.fee_key();
        let rule = self.scheme.fees.rule(key.earner, key.issuer, key.product, key.service_day).filter(|rule| rule.refunded);
        let given = given.of(original, rule.is_some());
        let earner = Booked { earner: original.earner, service_day: original.service_day, ..Booked::default() };
        let (before, after) = (old.booked(&earner), given.booked(&earner));
        let discounts = after.places().expect("what is given back has its original's funders");
        let fare = Fare { list_minor: after.list_minor, charged_minor: after.charged_minor, discounts, ..Fare::default() };
        let differences = before.differences(Some(&fare), after.fee_minor);
        let mut moved = Booked { shares: after.shares, ..Booked::default() };
        before.shares.iter().for_each(|part| moved.share(Part { amount_minor: -part.amount_minor, ..*part }));
        if rule.is_some_and(|rule| rule.per == FeePer::ServiceDay) {
            differences.iter().for_each(|(fare, _)| self.change_bases(key, fare, 1));
        }
        self.refunded.insert(id, given);
        (differences, moved.shares)
    }

    fn change_bases(&mut self, key: FeeKey, fare: &Fare, sign: i64) {
        let own_minor: i64 = fare.discounts.iter().filter(|discount| discount.funder == key.earner).map(|discount| discount.amount_minor).sum();
        let bases = FeeBases { charged_minor: sign * fare.charged_minor, earned_minor: sign * (fare.list_minor - own_minor) };
        self.fee_sums.entry(key).or_default().add(bases);
    }

    /// What has been given back of an original that is corrected today, or of which a refund counts no more, follows.
    fn follow<E>(&mut self, id: RecordId, original: &Original, late: &mut Folded, lookup: &Lookup<'_, E>) -> Result<(), E> {
        let Some(given) = self.refunded.get(&id).cloned() else { return Ok(()) };
        let Some(last) = given.refunds.last() else { return Ok(()) };
        let (differences, moved) = self.bring(id, original, &given, given.clone());
        if differences.is_empty() && moved.is_empty() {
            return Ok(());
        }
        let all = lookup(&[(last.id, Some(last.time))])?.pop().unwrap_or_default();
        let record = standing(&all).into_iter().find(|(_, decision)| decision.reason == Reason::Cleared);
        let booked = Booked::of_refund(all.iter().map(|(day, decision)| (*day, decision)));
        let (Some((_, Decision { record, .. })), Some(booked)) = (record, booked) else { return Ok(()) };
        for (fare, fee_minor) in &differences {
            correct(late, &record, &booked, fare, *fee_minor, Flags::RIDE);
        }
        move_shares(late, &record, &booked, &moved, Flags::SHARE);
        Ok(())
    }

    /// Takes back what refunds gave back that count no more, and what was collected. Returns the originals of refunds.
    fn take_back(&mut self, late: &mut Folded) -> BTreeSet<RecordId> {
        let mut changed = BTreeSet::new();
        for Undone { record, all } in self.undone {
            let (Some(original), Some(booked)) = (record.original, Booked::of_refund(all.iter().map(|(day, decision)| (*day, decision)))) else { continue };
            let differences = booked.differences(None, 0);
            for (fare, fee_minor) in &differences {
                correct(late, record, &booked, fare, *fee_minor, Flags::RIDE.with(Flags::WITHDRAWN));
            }
            let back: Vec<Part> = booked.shares.iter().map(|part| Part { amount_minor: -part.amount_minor, ..*part }).collect();
            move_shares(late, record, &booked, &back, Flags::SHARE.with(Flags::WITHDRAWN));
            let Some(given) = self.refunded.get_mut(&original).filter(|_| gives_back(record.kind)) else { continue };
            let key = FeeKey { earner: booked.earner, issuer: booked.issuer, product: booked.product, service_day: given.service_day };
            given.refunds.retain(|refund| refund.id != record.id());
            given.whole = given.refunds.iter().any(|refund| refund.reversal);
            let mut left = given.booked(&booked);
            left.charged_minor -= booked.charged_minor;
            left.fee_minor -= booked.fee_minor;
            booked.discounts.iter().for_each(|back| left.discount(Discount { amount_minor: -back.amount_minor, ..*back }));
            back.iter().for_each(|part| left.share(*part));
            given.charged_minor = -left.charged_minor;
            given.fee_minor = -left.fee_minor;
            given.discounts = left.discounts.iter().map(|part| Discount { amount_minor: -part.amount_minor, ..*part }).collect();
            given.shares = left.shares.iter().map(|part| Part { amount_minor: -part.amount_minor, ..*part }).collect();
            let ended = given.refunds.is_empty();
            let rule = self.scheme.fees.rule(key.earner, key.issuer, key.product, key.service_day);
            if rule.is_some_and(|rule| rule.refunded && rule.per == FeePer::ServiceDay) {
                differences.iter().for_each(|(fare, _)| self.change_bases(key, fare, 1));
            }
            if ended {
                self.refunded.remove(&original);
            } else {
                changed.insert(original);
            }
        }
        // What is left of a withdrawn original's refunds was withdrawn with it.
        let ended = self.gone.undone().filter(|(_, decision)| decision.reason == Reason::Cleared);
        ended.for_each(|(_, decision)| drop(self.refunded.remove(&decision.record.id())));
        changed.retain(|id| self.refunded.contains_key(id));
        changed
    }

    /// What is known of the records that refunds name.
    fn originals<E>(&self, parts: &[Folded], wanted: &[(RecordId, Option<EventTime>)], lookup: &Lookup<'_, E>) -> Result<HashMap<RecordId, Original, Fast>, E> {
        let filter: IdFilter = wanted.iter().map(|(id, _)| *id).collect();
        let mut originals: HashMap<RecordId, Original, Fast> = HashMap::with_hasher(Fast::default());
        for part in parts {
            let notes = &part.partition.notes;
            let rides = part.partition.iter().filter(|(_, event)| !event.flags.has(Flags::CORRECTS) && !event.flags.has(Flags::SHARE));
            for (_, event) in rides.filter(|(_, event)| event.is_decided() && filter.has(&event.record_id())) {
                // Versions of a conflict share an id: the one that cleared is the original, if any.
                let original = Original::of_event(event, notes, self.scheme);
                let known = originals.entry(event.record_id()).or_insert_with(|| original.clone());
                if known.outcome != Outcome::Cleared {
                    *known = original;
                }
            }
            for (at, parts) in &part.shares {
                let ride = part.partition.get(*at);
                if let Some(original) = originals.get_mut(&ride.record_id()) {
                    original.shares = parts.iter().filter(|part| part.party != ride.earner).copied().collect();
                }
            }
        }
        let corrections: Vec<Decision> = parts.last().map_or_else(Vec::new, |Folded { partition, .. }| {
            let correcting = partition.iter().filter(|(_, event)| event.flags.has(Flags::CORRECTS) && filter.has(&event.record_id()));
            correcting.map(|(_, event)| event.decision(&partition.notes, Day(0), Symbol::NONE, event.fee_minor(&partition.notes, self.scheme))).collect()
        });
        // Today's version may be a held newcomer to one that a closed day has settled.
        let known = |id: &RecordId| originals.get(id).is_some_and(|original| original.outcome == Outcome::Cleared);
        let missing: Vec<(RecordId, Option<EventTime>)> = wanted.iter().filter(|(id, _)| !known(id)).copied().collect();
        for ((id, _), mut all) in missing.iter().zip(lookup(&missing)?) {
            // What is corrected today belongs to what was settled before.
            let today = all.last().map_or(Day(0), |(day, _)| *day);
            all.extend(corrections.iter().filter(|decision| decision.record.id() == *id).map(|decision| (today, *decision)));
            if let Some(original) = Original::of_decisions(&all, self.gone) {
                originals.insert(*id, original);
            }
        }
        Ok(originals)
    }
}

/// Puts a correction of a refund among what is corrected.
fn correct(late: &mut Folded, record: &Record, booked: &Booked, fare: &Fare, fee_minor: i64, flags: Flags) {
    let Booked { issuer, earner, product, service_day, day, .. } = *booked;
    let none = Symbol::NONE;
    let flags = flags.with(Flags::CARRIED).with(Flags::CORRECTS);
    let resolved = Resolved { reason: Reason::Cleared, flags, issuer, earner, class: none, mode: none, product, account: CardToken::EMPTY, service_day };
    let mut event = Event::new(record, &resolved, u32::MAX, Some(day), &mut late.partition.notes);
    event.decide_priced(&Fare { service_day, flags: Flags::default(), ..*fare }, &mut late.partition.notes);
    event.change_fee(fee_minor, &mut late.partition.notes);
    late.partition.push(event, Lead::new(0, event.time, 0));
}

/// Moves money between the earner of a refund's original and others, as corrections.
fn move_shares(late: &mut Folded, record: &Record, booked: &Booked, moved: &[Part], flags: Flags) {
    for part in moved {
        let discounts = [Discount { funder: booked.earner, amount_minor: part.amount_minor }, Discount::default(), Discount::default()];
        correct(late, record, &Booked { earner: part.party, ..booked.clone() }, &Fare { discounts, ..Fare::default() }, 0, flags);
    }
}
