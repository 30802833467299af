//! Refunds and reversals: decided once every price is known.
//!
//! A refund names its original by record id. Partial ones go in event order; the one that asks for more than is left is
//! rejected. What each party gave or got is mirrored in proportion, computed on the running total, so that the last refund
//! takes the remainder and refunding all of it leaves everyone at exactly zero.

use super::event::{Note, Priced, Taken};
use super::fold::{Folded, Ranks};
use super::{IdFilter, Lookup};
use crate::price::Fare;
use domain::decision::FUNDERS_MAX;
use domain::{Decision, Discount, Flags, Outcome, Reason, RecordId, RecordKind, Symbol, round_half_up};
use hashbrown::HashMap;

/// By original: how much of its charge has been given back.
pub type Refunded = HashMap<RecordId, i64, super::gather::Fast>;

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
    fn of_event(event: &Priced, notes: &[Note]) -> Self {
        let core = &event.core;
        Self {
            outcome: core.reason.outcome(),
            issuer: core.issuer,
            earner: core.earner,
            product: core.product,
            charged_minor: event.charged_minor,
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

/// Decides all refunds of `parts`; they are added to `late`. Returns what has been given back of every original so far.
pub fn settle<E>(
    parts: &mut [Folded],
    late: &mut Folded,
    named: &[RecordId],
    mut refunded: Refunded,
    ranks: &Ranks,
    lookup: &Lookup<'_, E>,
) -> Result<Refunded, E> {
    let mut refunds: Vec<Taken> = Vec::new();
    for part in parts.iter_mut() {
        refunds.extend(part.refunds.drain(..).map(|refund| refund.moved(&part.notes, &mut late.notes)));
    }
    if refunds.is_empty() {
        return Ok(refunded);
    }
    let filter: IdFilter = named.iter().copied().collect();
    let mut originals: HashMap<RecordId, Original, super::gather::Fast> = HashMap::with_hasher(super::gather::Fast::default());
    for part in parts.iter().chain([&*late]) {
        for event in part.events.iter().filter(|event| filter.has(&event.core.record_id())) {
            // Versions of a conflict share an id: the one that cleared is the original, if any.
            let original = Original::of_event(event, &part.notes);
            let known = originals.entry(event.core.record_id()).or_insert(original);
            if known.outcome != Outcome::Cleared {
                *known = original;
            }
        }
    }
    // Today's version may be a held newcomer to one that a closed day has settled.
    let known = |id: &RecordId| originals.get(id).is_some_and(|original| original.outcome == Outcome::Cleared);
    let missing: Vec<(RecordId, Option<domain::EventTime>)> = named.iter().filter(|id| !known(id)).map(|id| (*id, None)).collect();
    for ((id, _), found) in missing.iter().zip(lookup(&missing)?) {
        // What gave back is no original. A tap-on is cleared on one day and may become a ride on a later one: the ride has the money.
        let cleared = found.iter().filter(|decision| decision.reason == Reason::Cleared && !super::fold::gives_back(decision.record.kind));
        if let Some(found) = cleared.max_by_key(|decision| decision.flags.has(Flags::RIDE)) {
            originals.insert(*id, Original::of_decision(found));
        }
    }
    let rank = |refund: &Taken| ranks.get(refund.core.terminal.index()).copied().unwrap_or(0);
    refunds.sort_by_key(|refund| (refund.core.time, rank(refund), refund.core.id[1], refund.core.id[0], refund.core.id_kind, refund.core.card));
    for mut refund in refunds {
        let record = refund.record(&late.notes);
        if refund.core.reason != Reason::Cleared {
            let unpriced = refund.unpriced(&mut late.notes);
            late.events.push(unpriced);
            continue;
        }
        let original = record.original.and_then(|id| Some((id, originals.get(&id).filter(|original| original.outcome == Outcome::Cleared)?)));
        let Some((id, original)) = original else {
            refund.core.reason = Reason::OriginalMissing;
            let unpriced = refund.unpriced(&mut late.notes);
            late.events.push(unpriced);
            continue;
        };
        let before = refunded.get(&id).copied();
        let wanted = if record.kind == RecordKind::Reversal { original.charged_minor } else { record.amount_minor };
        let after = before.unwrap_or(0) + wanted;
        refund.core.reason = match before {
            Some(before) if before >= original.charged_minor => Reason::AlreadyReversed,
            Some(_) if record.kind == RecordKind::Reversal => Reason::RefundExceeds,
            _ if after > original.charged_minor => Reason::RefundExceeds,
            _ => Reason::Cleared,
        };
        if refund.core.reason != Reason::Cleared {
            let unpriced = refund.unpriced(&mut late.notes);
            late.events.push(unpriced);
            continue;
        }
        refunded.insert(id, after);
        (refund.core.issuer, refund.core.earner, refund.core.product) = (original.issuer, original.earner, original.product);
        let fare = Fare { service_day: refund.core.service_day, ..original.give_back(before.unwrap_or(0), after) };
        let priced = refund.priced(&fare, &mut late.notes);
        late.events.push(priced);
    }
    Ok(refunded)
}
