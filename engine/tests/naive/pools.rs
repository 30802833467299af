//! How operators share what rides bring: a second judge, which looks at the whole journey again for every ride.
//!
//! A ride's parts are what every operator is to have of the journey after it, less what it had before it.

use super::rides::Ride;
use super::{Done, Place, asks, fraction::Fraction};
use domain::Symbol;
use engine::price::Fare;
use engine::scheme::clock::LocalClock;
use engine::tariff::{Share, ShareBy, Tariff, Version};
use std::collections::BTreeMap;

/// The share that covers a ride.
pub fn share_of<'v>(clock: &LocalClock, version: &'v Version, ride: &Ride) -> Option<&'v Share> {
    version.share.iter().find(|share| asks::covers(&share.scope, &ride.tap) && asks::holds(&share.scope.condition, &ride.facts, version, clock))
}

/// Who gets how much of a ride; nobody who gets nothing. `None` where it is simply its earner's.
pub fn parts(
    tariff: &Tariff,
    version: &Version,
    share: &Share,
    ride: &Ride,
    fare: &Fare,
    done: Option<&Done>,
    before: &[Done],
) -> Option<BTreeMap<Symbol, i64>> {
    let earner = ride.tap.earner;
    let funded: i64 = fare.discounts.iter().filter(|discount| discount.funder != earner).map(|discount| discount.amount_minor).sum();
    let mut parts = match &share.by {
        ShareBy::Fixed(weights) => divided(fare.charged_minor + funded, weights),
        ShareBy::ListPrice { rule } | ShareBy::Distance { rule } => {
            let name = &version.adjust[*rule].name;
            let mark = |done: &Done| done.marks.get(name).map_or(Place::Alone, |mark| mark.place);
            let done = done.filter(|done| mark(done) != Place::Alone)?;
            let weight = |done: &Done| if let ShareBy::Distance { .. } = share.by { done.length.unwrap_or(0) } else { done.list_minor };
            let mut journey = Vec::new();
            if mark(done) == Place::Joins {
                for earlier in before.iter().rev().filter(|earlier| mark(earlier) != Place::Alone) {
                    if earlier.share.as_ref() == Some(&share.name) {
                        journey.insert(0, earlier);
                    }
                    if mark(earlier) == Place::Opens {
                        break;
                    }
                }
            }
            let had = of_all(tariff, &journey, &weight);
            journey.push(done);
            let mut parts = of_all(tariff, &journey, &weight);
            had.into_iter().for_each(|(party, amount)| *parts.entry(party).or_default() -= amount);
            *parts.entry(earner).or_default() += funded;
            parts
        }
    };
    parts.retain(|_, amount| *amount != 0);
    let simple = parts.keys().all(|party| *party == earner);
    (!simple).then_some(parts)
}

/// What each operator is to have of what was paid for some rides.
fn of_all(tariff: &Tariff, rides: &[&Done], weight: &dyn Fn(&Done) -> i64) -> BTreeMap<Symbol, i64> {
    let mut weights: Vec<(Symbol, i64)> = Vec::new();
    for done in rides {
        match weights.iter_mut().find(|(party, _)| *party == done.tap.earner) {
            Some((_, sum)) => *sum += weight(done),
            None => weights.push((done.tap.earner, weight(done))),
        }
    }
    // Ties go to the lower party id.
    weights.sort_by_key(|(party, _)| tariff.rank(*party));
    divided(rides.iter().map(|done| done.charged_minor).sum(), &weights)
}

/// By largest remainder; among equal ones the earlier.
fn divided(total: i64, weights: &[(Symbol, i64)]) -> BTreeMap<Symbol, i64> {
    let sum: i64 = weights.iter().map(|(_, weight)| weight).sum();
    let count = i128::try_from(weights.len()).expect("few");
    let exact =
        |weight: i64| Fraction::whole(total) * if sum == 0 { Fraction::new(1, count.max(1)) } else { Fraction::new(i128::from(weight), i128::from(sum)) };
    let mut amounts: Vec<i64> = weights.iter().map(|(_, weight)| exact(*weight).floor()).collect();
    while amounts.iter().sum::<i64>() < total {
        let left = |at: usize| exact(weights[at].1) - Fraction::whole(amounts[at]);
        let mut best = 0;
        for at in 1..weights.len() {
            if left(best).is_less_than(left(at)) {
                best = at;
            }
        }
        amounts[best] += 1;
    }
    weights.iter().map(|(party, _)| *party).zip(amounts).collect()
}
