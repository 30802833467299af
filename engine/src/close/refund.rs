//! Refunds and reversals: decided once every price is known.
//!
//! A refund names its original by record id. Partial ones go in event order; the one that asks for more than is left is
//! rejected. What each party gave or got is mirrored in proportion, computed on the running total, so that the last refund
//! takes the remainder and refunding all of it leaves everyone at exactly zero.

use super::event::{Event, Note};
use super::fold::Folded;
use super::gather::Fast;
use super::order::Order;
use super::partition::Address;
use super::{IdFilter, Lookup};
use crate::price::Fare;
use domain::decision::FUNDERS_MAX;
use domain::{Decision, Discount, EventTime, Flags, Outcome, Reason, RecordId, RecordKind, Symbol, round_half_up};
use hashbrown::HashMap;

/// By original: how much of its charge has been given back.
pub type Refunded = HashMap<RecordId, i64, Fast>;

/// What is to be known of an original.
#[derive(Clone, Copy)]
struct Original {
    outcome: Outcome,
    issuer: Symbol,
    earner: Symbol,
    product: Symbol,
    charged_minor: i64,
    discounts: [Discount; FUNDERS_MAX],
}

impl Original {
    fn of_event(event: &Event, notes: &[Note]) -> Self {
        Self {
            outcome: event.reason.outcome(),
            issuer: event.issuer,
            earner: event.earner,
            product: event.product,
            charged_minor: event.charged_minor(),
            discounts: event.discounts(notes),
        }
    }

    const fn of_decision(decision: &Decision) -> Self {
        Self {
            outcome: decision.reason.outcome(),
            issuer: decision.issuer,
            earner: decision.earner,
            product: decision.product,
            charged_minor: decision.charged_minor,
            discounts: decision.discounts,
        }
    }

    /// The fare of giving back from `before` to `after` of the charge.
    fn give_back(&self, before: i64, after: i64) -> Fare {
        let part = |amount: i64| {
            // All that a free ride cost its funders goes back at once.
            if self.charged_minor == 0 {
                return -amount;
            }
            let share = |given: i64| round_half_up(amount, given, self.charged_minor);
            -(share(after) - share(before))
        };
        let mut discounts = [Discount::default(); FUNDERS_MAX];
        for (back, given) in discounts.iter_mut().zip(&self.discounts) {
            *back = Discount { funder: given.funder, amount_minor: part(given.amount_minor) };
        }
        let charged_minor = before - after;
        let list_minor = charged_minor + discounts.iter().map(|discount| discount.amount_minor).sum::<i64>();
        Fare { list_minor, charged_minor, discounts, flags: Flags::RIDE, ..Fare::default() }
    }
}

/// Decides all refunds of `parts`. Returns what has been given back of every original so far.
pub fn settle<E>(parts: &mut [Folded], named: &[RecordId], mut refunded: Refunded, order: &Order, lookup: &Lookup<'_, E>) -> Result<Refunded, E> {
    let mut refunds: Vec<(usize, Address)> = parts.iter().enumerate().flat_map(|(number, part)| part.refunds.iter().map(move |&at| (number, at))).collect();
    if refunds.is_empty() {
        return Ok(refunded);
    }
    let originals = originals(parts, named, lookup)?;
    let event = |parts: &[Folded], (number, at): (usize, Address)| *parts.get(number).expect("a refund's partition").partition.get(at);
    refunds.sort_by(|&a, &b| order.of_account(&event(parts, a), &event(parts, b)));
    for (number, at) in refunds {
        let Some(Folded { partition, .. }) = parts.get_mut(number) else { continue };
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
            }
        }
    }
    Ok(refunded)
}

/// What is known of the records that refunds name.
fn originals<E>(parts: &[Folded], named: &[RecordId], lookup: &Lookup<'_, E>) -> Result<HashMap<RecordId, Original, Fast>, E> {
    let filter: IdFilter = named.iter().copied().collect();
    let mut originals: HashMap<RecordId, Original, Fast> = HashMap::with_hasher(Fast::default());
    for part in parts {
        let notes = &part.partition.notes;
        for (_, event) in part.partition.iter().filter(|(_, event)| event.is_decided() && filter.has(&event.record_id())) {
            // Versions of a conflict share an id: the one that cleared is the original, if any.
            let original = Original::of_event(event, notes);
            let known = originals.entry(event.record_id()).or_insert(original);
            if known.outcome != Outcome::Cleared {
                *known = original;
            }
        }
    }
    // Today's version may be a held newcomer to one that a closed day has settled.
    let known = |id: &RecordId| originals.get(id).is_some_and(|original| original.outcome == Outcome::Cleared);
    let missing: Vec<(RecordId, Option<EventTime>)> = named.iter().filter(|id| !known(id)).map(|id| (*id, None)).collect();
    for ((id, _), found) in missing.iter().zip(lookup(&missing)?) {
        // What gave back is no original. A tap-on is cleared on one day and may become a ride on a later one: the ride has the money.
        let cleared = found.iter().filter(|decision| decision.reason == Reason::Cleared && !super::fold::gives_back(decision.record.kind));
        if let Some(found) = cleared.max_by_key(|decision| decision.flags.has(Flags::RIDE)) {
            originals.insert(*id, Original::of_decision(found));
        }
    }
    Ok(originals)
}
