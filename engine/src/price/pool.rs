//! Sharing what rides bring among operators.
//!
//! A fixed share divides every ride by itself. A pooled one divides what was paid for all rides of a run by their list prices
//! or metres: each ride of the run brings its own amount and moves what earlier ones got, so that after every ride the whole
//! is divided by largest remainder, and nothing is decided before it is known.

use super::ride::Ride;
use super::{AccountState, Extras, Fare, Fold, Pool};
use crate::tariff::{AdjustRule, ShareBy, Version};
use domain::{Flags, Symbol, split};

/// What one party gets of a ride; negative where it gives back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub party: Symbol,
    pub amount_minor: i64,
}

impl Fold<'_> {
    pub(super) fn share(&self, state: &mut AccountState, version: &Version, ride: &Ride<'_>, fare: &Fare, extras: &mut Option<Box<Extras>>) {
        let tap = ride.tap;
        let share = version
            .share
            .iter()
            .find(|share| share.scope.covers(tap.kind, tap.mode, tap.operator) && share.scope.condition.holds(&ride.facts, &version.periods, self.clock));
        let Some(share) = share else { return };
        let funded = fare.discounts.iter().filter(|discount| discount.funder != tap.earner);
        let funded_minor: i64 = funded.map(|discount| discount.amount_minor).sum();
        let parts = match &share.by {
            ShareBy::Fixed(weights) => {
                let amounts = split(fare.charged_minor + funded_minor, &weights.iter().map(|&(_, weight)| weight).collect::<Vec<i64>>());
                weights.iter().zip(amounts).map(|(&(party, _), amount_minor)| Part { party, amount_minor }).collect()
            }
            ShareBy::ListPrice { rule } => self.pooled(state, version, *rule, ride, fare, fare.list_minor, funded_minor),
            ShareBy::Distance { rule } => self.pooled(state, version, *rule, ride, fare, ride.length.unwrap_or(0), funded_minor),
        };
        let simple = matches!(parts.as_slice(), [only] if only.party == tap.earner);
        if !simple {
            extras.get_or_insert_default().parts = parts;
        }
    }

    /// Adds what the rider paid to the pool of the run and divides the whole anew; what funders pay is the ride's earner's.
    #[allow(clippy::too_many_arguments, reason = "a ride's own share of its run")]
    fn pooled(&self, state: &mut AccountState, version: &Version, rule: usize, ride: &Ride<'_>, fare: &Fare, weight: i64, funded_minor: i64) -> Vec<Part> {
        let earner = ride.tap.earner;
        let own = Part { party: earner, amount_minor: fare.charged_minor + funded_minor };
        let Some(adjust) = version.adjust.get(rule).filter(|adjust| matches!(adjust.rule, AdjustRule::Transfer(_))) else { return vec![own] };
        let run = state.run(adjust.slot).copied();
        let opens = run.is_some_and(|run| run.transfers == 0 && run.last >= ride.facts.entry);
        if !opens && !fare.flags.has(Flags::TRANSFER) {
            return vec![own];
        }
        let pools = &mut state.rare.get_or_insert_default().pools;
        if opens {
            pools.retain(|pool| pool.slot != adjust.slot);
        }
        match pools.iter_mut().find(|pool| pool.slot == adjust.slot && pool.earner == earner) {
            Some(pool) => pool.weight += weight,
            None => pools.push(Pool { slot: adjust.slot, earner, weight, earned_minor: 0 }),
        }
        // Ties of a split go to the lower party id.
        pools.sort_by_key(|pool| (pool.slot, self.tariff.rank(pool.earner)));
        let mut joined: Vec<&mut Pool> = pools.iter_mut().filter(|pool| pool.slot == adjust.slot).collect();
        let total_minor = fare.charged_minor + joined.iter().map(|pool| pool.earned_minor).sum::<i64>();
        let shares = split(total_minor, &joined.iter().map(|pool| pool.weight).collect::<Vec<i64>>());
        let moved = joined.iter_mut().zip(shares).map(|(pool, share_minor)| {
            let funded_minor = if pool.earner == earner { funded_minor } else { 0 };
            let part = Part { party: pool.earner, amount_minor: share_minor - pool.earned_minor + funded_minor };
            pool.earned_minor = share_minor;
            part
        });
        moved.filter(|part| part.amount_minor != 0).collect()
    }
}
