//! Refunds and reversals, what is given back of what; and collections, what is paid for a ride after all.
//!
//! What all refunds of a ride together have given back is, party by party, the share of the ride's present price that they
//! asked for, so that all parts together give back exactly everything, whatever the ride came to cost in between.

use super::registry::{self, Finding};
use super::{Case, Oracle, Price, Ruling, Settled, event_key, fold};
use crate::naive::fraction::Fraction;
use domain::{Day, Flags, Reason, Record, RecordId, RecordKind};
use std::collections::BTreeMap;

/// A refund that was cleared, with all that was booked on it.
#[derive(Clone, Debug)]
pub struct Back {
    pub record: Record,
    /// The clearing day of its line.
    pub day: Day,
    pub service_day: Day,
    pub asked: i64,
    /// With those before it, it gave back all of its original.
    pub whole: bool,
    pub price: Price,
}

impl Oracle<'_> {
    /// Decides the refunds among `cases`, against today's rides and what has been settled of closed days' ones. Returns what
    /// refunds of closed days come to give back otherwise.
    pub fn refund(&mut self, day: Day, cases: &mut [Case]) -> Vec<Ruling> {
        let mut rides: BTreeMap<RecordId, Price> = BTreeMap::new();
        let booked = cases
            .iter()
            .filter(|case| case.finding.reason == Reason::Cleared && !waits_for_original(case.record.kind))
            .map(|case| (case.record.id(), case.price.clone()));
        let before =
            self.standing.iter().filter(|(_, record, reason)| *reason == Reason::Cleared && !gives_back(record.kind)).map(|(_, record, _)| record.id());
        for (id, price) in booked.chain(before.map(|id| (id, self.settled.get(&id).map(|settled| settled.price.clone())))) {
            // A tap-on is cleared on one day and may become a ride on a later one.
            let known = rides.entry(id).or_default();
            if let Some(price) = price {
                *known = price;
            }
        }
        let mut rulings = Vec::new();
        for (id, backs) in self.given_back.clone() {
            let ride = &rides[&id];
            let goal = self.goal(ride, &backs);
            let last = backs.last().expect("somebody gave it back");
            let others = sum(&backs[..backs.len() - 1]);
            let price = less(&goal, &others, ride);
            let Price { issuer, earner, product, fee_day, .. } = *ride;
            let price_of_line = Price { issuer, earner, product, fee_day, ..last.price.clone() };
            let settled = Settled { day: last.day, service_day: last.service_day, price: price_of_line, wants: Vec::new() };
            rulings.extend(fold::difference(last.record, Flags::default(), &settled, &price));
            self.given_back.get_mut(&id).and_then(|backs| backs.last_mut()).expect("there").price = price;
        }
        self.collect(cases, &mut rides);
        let mut order: Vec<usize> = (0..cases.len()).filter(|&at| gives_back(cases[at].record.kind) && cases[at].finding.reason == Reason::Cleared).collect();
        order.sort_by_cached_key(|&at| event_key(&cases[at].record, self.symbols));
        for at in order {
            let case = &mut cases[at];
            let Some((id, ride)) = case.record.original.and_then(|id| Some((id, rides.get(&id)?))) else {
                case.finding.reason = Reason::OriginalMissing;
                continue;
            };
            let mut backs = self.given_back.get(&id).cloned().unwrap_or_default();
            let so_far: i64 = backs.iter().map(|back| back.asked).sum();
            let asked = if case.record.kind == RecordKind::Reversal { ride.charged_minor } else { case.record.amount_minor };
            // More may have been given back than the ride costs since it was corrected.
            let everything = !backs.is_empty() && (so_far >= ride.charged_minor || backs.iter().any(|back| back.whole));
            if everything || so_far + asked > ride.charged_minor || (case.record.kind == RecordKind::Reversal && !backs.is_empty()) {
                case.finding.reason = if everything { Reason::AlreadyReversed } else { Reason::RefundExceeds };
                continue;
            }
            let given = sum(&backs);
            let whole = so_far + asked == ride.charged_minor;
            let service_day = case.service_day;
            backs.push(Back { record: case.record, day, service_day, asked, whole, price: Price::default() });
            let price = less(&self.goal(ride, &backs), &given, ride);
            backs.last_mut().expect("just put there").price = price.clone();
            case.price = Some(price);
            self.given_back.insert(id, backs);
        }
        rulings
    }

    /// What was collected of a ride goes to the ride's earner. It can be given back like a ride, but nothing is collected of it.
    fn collect(&self, cases: &mut [Case], rides: &mut BTreeMap<RecordId, Price>) {
        let earlier = self.standing.iter().filter(|(_, record, reason)| *reason == Reason::Cleared && record.kind == RecordKind::Collection);
        let collections: Vec<RecordId> = earlier.map(|(_, record, _)| record.id()).collect();
        let of = |finding: &Finding| (finding.earner, finding.product);
        let cleared = self.standing.iter().filter(|(.., reason)| *reason == Reason::Cleared);
        let mut earners: BTreeMap<RecordId, _> = cleared.map(|(day, record, _)| (record.id(), of(&registry::find(self.scheme, *day, record, true)))).collect();
        earners.extend(cases.iter().filter(|case| case.finding.reason == Reason::Cleared).map(|case| (case.record.id(), of(&case.finding))));
        let mut prices = Vec::new();
        for case in cases.iter_mut().filter(|case| case.record.kind == RecordKind::Collection && case.finding.reason == Reason::Cleared) {
            let ride = case.record.original.filter(|id| !collections.contains(id)).and_then(|id| Some((rides.get(&id)?, earners.get(&id)?)));
            let Some((ride, of_record)) = ride else {
                case.finding.reason = Reason::OriginalMissing;
                continue;
            };
            // A tap-on that is no ride, or none yet, has an earner too.
            let (earner, product) = if ride.earner.is_none() { *of_record } else { (ride.earner, ride.product) };
            let (issuer, amount, fee_day) = (case.finding.issuer, case.record.amount_minor, case.service_day);
            let price = Price { issuer, earner, product, list_minor: amount, charged_minor: amount, fee_day, ..Price::default() };
            let price = Price { fee_minor: self.fee_minor(&price), ..price };
            case.price = Some(price.clone());
            prices.push((case.record.id(), price));
        }
        rides.extend(prices);
    }

    /// What refunds are to have given back of a ride, negative.
    fn goal(&self, ride: &Price, backs: &[Back]) -> Price {
        let whole = backs.iter().any(|back| back.whole);
        let asked: i64 = backs.iter().map(|back| back.asked).sum();
        let share = |part: i64| match ride.charged_minor {
            // The ride may cost less than what was asked back, since it was corrected.
            charged if whole || asked >= charged => -part,
            charged => -(Fraction::whole(part) * Fraction::new(i128::from(asked), i128::from(charged))).rounded(),
        };
        let discounts: BTreeMap<_, _> = ride.discounts.iter().map(|(&funder, &part)| (funder, share(part))).filter(|(_, part)| *part != 0).collect();
        let fee_back = self.scheme.fees.rule(ride.earner, ride.issuer, ride.product, ride.fee_day).is_some_and(|rule| rule.refunded);
        let charged_minor = share(ride.charged_minor);
        let list_minor = charged_minor + discounts.values().sum::<i64>();
        Price { list_minor, charged_minor, discounts, fee_minor: if fee_back { share(ride.fee_minor) } else { 0 }, ..ride.clone() }
    }
}

/// What several refunds gave back.
fn sum(backs: &[Back]) -> Price {
    let mut all = Price::default();
    for back in backs {
        all.list_minor += back.price.list_minor;
        all.charged_minor += back.price.charged_minor;
        all.fee_minor += back.price.fee_minor;
        back.price.discounts.iter().for_each(|(funder, part)| *all.discounts.entry(*funder).or_default() += part);
    }
    all
}

fn less(goal: &Price, given: &Price, ride: &Price) -> Price {
    let mut discounts = goal.discounts.clone();
    given.discounts.iter().for_each(|(funder, part)| *discounts.entry(*funder).or_default() -= part);
    discounts.retain(|_, part| *part != 0);
    let (list_minor, charged_minor) = (goal.list_minor - given.list_minor, goal.charged_minor - given.charged_minor);
    Price { list_minor, charged_minor, fee_minor: goal.fee_minor - given.fee_minor, discounts, ..ride.clone() }
}

pub fn waits_for_original(kind: RecordKind) -> bool {
    gives_back(kind) || kind == RecordKind::Collection
}

pub fn gives_back(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Refund | RecordKind::Reversal)
}
