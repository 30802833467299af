//! Refunds and reversals: what is given back of what.
//!
//! The running total that has been given back decides the amounts, so that all parts together give back exactly everything.

use super::{Case, Price, Ruling, Settled, event_key};
use crate::naive::fraction::Fraction;
use domain::{Reason, RecordId, RecordKind, SymbolTable};
use engine::scheme::Scheme;
use std::collections::BTreeMap;

/// Decides the refunds among `cases`, against today's rides and what has been settled of closed days' ones.
pub fn settle(
    scheme: &Scheme,
    symbols: &SymbolTable,
    cases: &mut [Case],
    settled: &BTreeMap<RecordId, Settled>,
    earlier: &[Ruling],
    given_back: &mut BTreeMap<RecordId, i64>,
) {
    let mut rides: BTreeMap<RecordId, Price> = BTreeMap::new();
    let booked =
        cases.iter().filter(|case| case.finding.reason == Reason::Cleared && !gives_back(case.record.kind)).map(|case| (case.record.id(), case.price.clone()));
    let before = earlier.iter().filter(|ruling| ruling.reason == Reason::Cleared && !gives_back(ruling.record.kind)).map(|ruling| ruling.record.id());
    for (id, price) in booked.chain(before.map(|id| (id, settled.get(&id).map(|settled| settled.price.clone())))) {
        // A tap-on is cleared on one day and may become a ride on a later one.
        let known = rides.entry(id).or_default();
        if let Some(price) = price {
            *known = price;
        }
    }
    let mut order: Vec<usize> = (0..cases.len()).filter(|&at| gives_back(cases[at].record.kind) && cases[at].finding.reason == Reason::Cleared).collect();
    order.sort_by_cached_key(|&at| event_key(&cases[at].record, symbols));
    for at in order {
        let case = &mut cases[at];
        let Some((id, ride)) = case.record.original.and_then(|id| Some((id, rides.get(&id)?))) else {
            case.finding.reason = Reason::OriginalMissing;
            continue;
        };
        let given = given_back.get(&id).copied();
        let so_far = given.unwrap_or(0);
        let amount = if case.record.kind == RecordKind::Reversal { ride.charged_minor } else { case.record.amount_minor };
        // More may have been given back than the ride costs since it was corrected.
        let everything = given.is_some() && so_far >= ride.charged_minor;
        if everything || so_far + amount > ride.charged_minor {
            case.finding.reason = if everything { Reason::AlreadyReversed } else { Reason::RefundExceeds };
            continue;
        }
        let mirrored = |part: i64| {
            // All that a free ride cost its funders goes back at once.
            if ride.charged_minor == 0 {
                return -part;
            }
            let share = |total: i64| (Fraction::whole(part) * Fraction::new(i128::from(total), i128::from(ride.charged_minor))).rounded();
            share(so_far) - share(so_far + amount)
        };
        let discounts: BTreeMap<_, _> = ride.discounts.iter().map(|(&funder, &part)| (funder, mirrored(part))).filter(|(_, part)| *part != 0).collect();
        let list_minor = discounts.values().sum::<i64>() - amount;
        let fee_back = scheme.fees.rule(ride.earner, ride.issuer, ride.product, ride.fee_day).is_some_and(|rule| rule.refunded);
        let fee_minor = if fee_back { mirrored(ride.fee_minor) } else { 0 };
        case.price = Some(Price { list_minor, charged_minor: -amount, discounts, fee_minor, ..ride.clone() });
        given_back.insert(id, so_far + amount);
    }
}

pub fn gives_back(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Refund | RecordKind::Reversal)
}
