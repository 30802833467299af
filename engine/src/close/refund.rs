//! Refunds and reversals: decided once every price is known.
//!
//! A refund names its original by record id. Partial ones go in event order; the one that asks for more than is left is
//! rejected. What each party gave or got is mirrored in proportion, computed on the running total, so that the last refund
//! takes the remainder and refunding all of it leaves everyone at exactly zero.

use super::booked::Booked;
use super::event::{Event, Note};
use super::fold::Folded;
use super::gather::Fast;
use super::order::Order;
use super::partition::Address;
use super::service_fee::{FeeBases, FeeKey, FeeSums};
use super::{IdFilter, Lookup};
use crate::price::{Fare, Part};
use crate::scheme::{FeePer, Scheme};
use domain::decision::FUNDERS_MAX;
use domain::{Day, Decision, Discount, EventTime, Flags, Outcome, Reason, RecordId, RecordKind, Symbol, round_half_up};
use hashbrown::HashMap;

/// By original: how much of its charge has been given back.
pub type Refunded = HashMap<RecordId, i64, Fast>;

/// What is to be known of an original.
#[derive(Clone)]
struct Original {
    outcome: Outcome,
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
            outcome: event.reason.outcome(),
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

    /// A ride with all corrections of it, or a record that is none; `None` where nothing cleared.
    fn of_decisions(all: &[Decision]) -> Option<Self> {
        // A tap-on is cleared on one day and may become a ride on a later one: the ride has the money.
        if let Some(booked) = Booked::of(all.iter().map(|decision| (decision.held_since, decision))) {
            let discounts = booked.places().expect("a ride with its corrections is a fare");
            let Booked { issuer, earner, product, service_day, charged_minor, fee_minor, shares, .. } = booked;
            return Some(Self { outcome: Outcome::Cleared, issuer, earner, product, service_day, charged_minor, fee_minor, discounts, shares });
        }
        all.first().map(|decision| Self {
            outcome: decision.reason.outcome(),
            issuer: decision.issuer,
            earner: decision.earner,
            product: decision.product,
            service_day: decision.service_day,
            charged_minor: decision.charged_minor,
            fee_minor: decision.fee_minor,
            discounts: decision.discounts,
            shares: Vec::new(),
        })
    }

    /// Of an amount, what goes back with what goes from `before` to `after` of the charge; negative.
    fn back(&self, amount_minor: i64, before: i64, after: i64) -> i64 {
        // All that a free ride cost its funders goes back at once.
        if self.charged_minor == 0 {
            return -amount_minor;
        }
        let share = |given: i64| round_half_up(amount_minor, given, self.charged_minor);
        share(before) - share(after)
    }

    /// The fare of giving back from `before` to `after` of the charge.
    fn give_back(&self, before: i64, after: i64) -> Fare {
        let mut discounts = [Discount::default(); FUNDERS_MAX];
        for (back, given) in discounts.iter_mut().zip(&self.discounts) {
            *back = Discount { funder: given.funder, amount_minor: self.back(given.amount_minor, before, after) };
        }
        let charged_minor = before - after;
        let list_minor = charged_minor + discounts.iter().map(|discount| discount.amount_minor).sum::<i64>();
        Fare { list_minor, charged_minor, discounts, flags: Flags::RIDE, ..Fare::default() }
    }
}

/// Decides all refunds of `parts`. Returns what has been given back of every original so far. Where the rule of an original's
/// fee gives it back, so does the refund: its share of the fee that stood on the original's line, and its part of the basis
/// of the original's service day.
pub fn settle<E>(
    parts: &mut [Folded],
    named: &[RecordId],
    mut refunded: Refunded,
    order: &Order,
    (scheme, fee_sums): (&Scheme, &mut FeeSums),
    lookup: &Lookup<'_, E>,
) -> Result<Refunded, E> {
    let mut refunds: Vec<(usize, Address)> = parts.iter().enumerate().flat_map(|(number, part)| part.refunds.iter().map(move |&at| (number, at))).collect();
    if refunds.is_empty() {
        return Ok(refunded);
    }
    let originals = originals(parts, named, scheme, lookup)?;
    let event = |parts: &[Folded], (number, at): (usize, Address)| *parts.get(number).expect("a refund's partition").partition.get(at);
    refunds.sort_by(|&a, &b| order.of_account(&event(parts, a), &event(parts, b)));
    for (number, at) in refunds {
        let Some(Folded { partition, shares, .. }) = parts.get_mut(number) else { continue };
        let refund = partition.get(at);
        let record = refund.taken_record(&partition.notes);
        let known = record.original.and_then(|id| Some((id, originals.get(&id).filter(|original| original.outcome == Outcome::Cleared)?)));
        let decided = match known {
            _ if refund.reason != Reason::Cleared => None,
            None => {
                partition.get_mut(at).reason = Reason::OriginalMissing;
                None
            }
            Some((id, original)) => {
                let before = refunded.get(&id).copied();
                let wanted = if record.kind == RecordKind::Reversal { original.charged_minor } else { record.amount_minor };
                let after = before.unwrap_or(0) + wanted;
                let reason = match before {
                    Some(before) if before >= original.charged_minor => Reason::AlreadyReversed,
                    Some(_) if record.kind == RecordKind::Reversal => Reason::RefundExceeds,
                    _ if after > original.charged_minor => Reason::RefundExceeds,
                    _ => Reason::Cleared,
                };
                if reason == Reason::Cleared {
                    refunded.insert(id, after);
                    Some((original, before.unwrap_or(0), after))
                } else {
                    partition.get_mut(at).reason = reason;
                    None
                }
            }
        };
        match decided {
            None => partition.decide_unpriced(at),
            Some((original, before, after)) => {
                let refund = partition.get_mut(at);
                (refund.issuer, refund.earner, refund.product) = (original.issuer, original.earner, original.product);
                let fare = Fare { service_day: refund.service_day, ..original.give_back(before, after) };
                partition.decide_priced(at, &fare);
                let back = original.shares.iter().map(|part| Part { party: part.party, amount_minor: original.back(part.amount_minor, before, after) });
                if !original.shares.is_empty() {
                    shares.push((at, back.collect()));
                }
                let key = FeeKey { earner: original.earner, issuer: original.issuer, product: original.product, service_day: original.service_day };
                let Some(rule) = scheme.fees.rule(key.earner, key.issuer, key.product, key.service_day).filter(|rule| rule.refunded) else { continue };
                partition.change_fee(at, original.back(original.fee_minor, before, after));
                if rule.per == FeePer::ServiceDay {
                    let own_minor: i64 = fare.discounts.iter().filter(|discount| discount.funder == key.earner).map(|discount| discount.amount_minor).sum();
                    let bases = FeeBases { charged_minor: fare.charged_minor, earned_minor: fare.list_minor - own_minor };
                    fee_sums.entry(key).or_default().add(bases);
                }
            }
        }
    }
    Ok(refunded)
}

/// What is known of the records that refunds name.
fn originals<E>(parts: &[Folded], named: &[RecordId], scheme: &Scheme, lookup: &Lookup<'_, E>) -> Result<HashMap<RecordId, Original, Fast>, E> {
    let filter: IdFilter = named.iter().copied().collect();
    let mut originals: HashMap<RecordId, Original, Fast> = HashMap::with_hasher(Fast::default());
    for part in parts {
        let notes = &part.partition.notes;
        let rides = part.partition.iter().filter(|(_, event)| !event.flags.has(Flags::CORRECTS) && !event.flags.has(Flags::SHARE));
        for (_, event) in rides.filter(|(_, event)| event.is_decided() && filter.has(&event.record_id())) {
            // Versions of a conflict share an id: the one that cleared is the original, if any.
            let original = Original::of_event(event, notes, scheme);
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
        correcting.map(|(_, event)| event.decision(&partition.notes, Day(0), Symbol::NONE, event.fee_minor(&partition.notes, scheme))).collect()
    });
    // Today's version may be a held newcomer to one that a closed day has settled.
    let known = |id: &RecordId| originals.get(id).is_some_and(|original| original.outcome == Outcome::Cleared);
    let missing: Vec<(RecordId, Option<EventTime>)> = named.iter().filter(|id| !known(id)).map(|id| (*id, None)).collect();
    for ((id, _), found) in missing.iter().zip(lookup(&missing)?) {
        // What gave back is no original. What is corrected today belongs to what was settled before.
        let mut all = found;
        all.retain(|decision| decision.reason == Reason::Cleared && !super::fold::gives_back(decision.record.kind));
        all.extend(corrections.iter().filter(|decision| decision.record.id() == *id));
        if let Some(original) = Original::of_decisions(&all) {
            originals.insert(*id, original);
        }
    }
    Ok(originals)
}
