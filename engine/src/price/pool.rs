//! Sharing what rides bring among operators.
//!
//! A fixed share divides every ride by itself. A pooled one divides what was paid for all rides of a run by their list prices
//! or metres: each ride of the run brings its own amount and moves what earlier ones got, so that after every ride the whole
//! is divided by largest remainder, and nothing is decided before it is known.

use super::ride::Ride;
use super::transfer::Place;
use super::{AccountState, Extras, Fare, Fold, Pool};
use crate::tariff::{Share, ShareBy, Version};
use domain::{Symbol, split};

/// What one party gets of a ride; negative where it gives back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub party: Symbol,
    pub amount_minor: i64,
}

impl Fold<'_> {
    /// How a ride is shared: by the first share that covers it.
    pub(super) fn share_of<'v>(&self, version: &'v Version, ride: &Ride<'_>) -> Option<&'v Share> {
        let tap = ride.tap;
        version
            .share
            .iter()
            .find(|share| share.scope.covers(tap.kind, tap.mode, tap.operator) && share.scope.condition.holds(&ride.facts, &version.periods, self.clock))
    }

    /// `place` is where the ride stands in the run of the transfer rule by which the share pools.
    pub(super) fn share(
        &self,
        state: &mut AccountState,
        version: &Version,
        (share, place): (&Share, Place),
        ride: &Ride<'_>,
        fare: &Fare,
        extras: &mut Option<Box<Extras>>,
    ) {
        let earner = ride.tap.earner;
        let funded_minor: i64 = fare.discounts.iter().filter(|discount| discount.funder != earner).map(|discount| discount.amount_minor).sum();
        let slot = share.pools().and_then(|rule| version.adjust.get(rule)).map_or(0, |adjust| adjust.slot);
        let mut parts = match &share.by {
            ShareBy::Fixed(weights) => {
                let amounts = split(fare.charged_minor + funded_minor, &weights.iter().map(|&(_, weight)| weight).collect::<Vec<i64>>());
                weights.iter().zip(amounts).map(|(&(party, _), amount_minor)| Part { party, amount_minor }).collect()
            }
            _ if place == Place::Alone => return,
            ShareBy::ListPrice { .. } => self.pooled(state, slot, earner, fare.list_minor, fare.charged_minor),
            ShareBy::Distance { .. } => self.pooled(state, slot, earner, ride.length.unwrap_or(0), fare.charged_minor),
        };
        if share.pools().is_some() && funded_minor != 0 {
            match parts.iter_mut().find(|part| part.party == earner) {
                Some(own) => own.amount_minor += funded_minor,
                None => parts.push(Part { party: earner, amount_minor: funded_minor }),
            }
        }
        parts.retain(|part| part.amount_minor != 0);
        if parts.iter().any(|part| part.party != earner) {
            extras.get_or_insert_default().parts = parts;
        }
    }

    /// Adds what the rider paid to the pool of the run and divides the whole anew.
    fn pooled(&self, state: &mut AccountState, slot: u16, earner: Symbol, weight: i64, charged_minor: i64) -> Vec<Part> {
        let pools = &mut state.rare.get_or_insert_default().pools;
        match pools.iter_mut().find(|pool| pool.slot == slot && pool.earner == earner) {
            Some(pool) => pool.weight += weight,
            None => pools.push(Pool { slot, earner, weight, earned_minor: 0 }),
        }
        // Ties of a split go to the lower party id.
        pools.sort_by_key(|pool| (pool.slot, self.tariff.rank(pool.earner)));
        let mut joined: Vec<&mut Pool> = pools.iter_mut().filter(|pool| pool.slot == slot).collect();
        let total_minor = charged_minor + joined.iter().map(|pool| pool.earned_minor).sum::<i64>();
        let shares = split(total_minor, &joined.iter().map(|pool| pool.weight).collect::<Vec<i64>>());
        let moved = joined.iter_mut().zip(shares).map(|(pool, share_minor)| {
            let part = Part { party: pool.earner, amount_minor: share_minor - pool.earned_minor };
            pool.earned_minor = share_minor;
            part
        });
        moved.collect()
    }
}
