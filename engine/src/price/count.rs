//! What a ride leaves behind for the rides after it: counts, spends and runs. And what a spend makes of a price.

use super::amount::Amount;
use super::ride::Ride;
use super::transfer::Place;
use super::{AccountState, Fold};
use crate::tariff::{Adjust, AdjustRule, Rate, Reading, Tier, Version};

/// What the rules before the incentives have made of a ride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// What the rider pays before incentives.
    pub minor: i64,
    /// Whether a transfer rule has applied.
    pub by_transfer: bool,
}

impl Fold<'_> {
    /// Writes down what a rule that was asked remembers of a ride, and says where the ride stands in the rule's run if it has
    /// runs.
    pub(super) fn remember(&self, state: &mut AccountState, version: &Version, adjust: &Adjust, ride: &Ride<'_>, settled: Settled, applied: bool) -> Place {
        let (day, time) = (ride.service_day, ride.facts.entry);
        match &adjust.rule {
            AdjustRule::Discount(discount) => {
                let mut slot = adjust.slot;
                if let Some(nth) = &discount.nth {
                    state.counter_mut(slot, nth.span, day, time).rides += 1;
                    slot += 1;
                }
                if let Some(quota) = discount.quota.filter(|_| applied) {
                    state.counter_mut(slot, quota.span, day, time).rides += 1;
                }
                if discount.purse.is_some() && applied {
                    state.take_ride(slot);
                }
            }
            AdjustRule::Transfer(transfer) => return self.remember_run(state, version, (adjust.slot, transfer), ride, settled),
            AdjustRule::Tier(tier) => {
                let amount_minor = if tier.counts_list { ride.facts.list_minor } else { settled.minor };
                if amount_minor != 0 {
                    state.counter_mut(adjust.slot, tier.span, day, time).amount_minor += amount_minor;
                }
            }
            AdjustRule::Cap(_) | AdjustRule::Incentive(_) | AdjustRule::Surcharge { .. } => {}
        }
        Place::Alone
    }
}

/// What a ride costs after so much was spent. `list_minor` is its list price without surcharges, which `start` may hold.
pub fn tiered(tier: &Tier, spent_minor: i64, start: Amount, list_minor: i64) -> Amount {
    let at = tier.steps.partition_point(|&(from, _)| from <= spent_minor).saturating_sub(1);
    let steps = tier.steps.get(at..).unwrap_or_default();
    let Some((&(_, rate), next)) = steps.split_first() else { return start };
    if tier.reading == Reading::Before {
        return start.times(rate);
    }
    if tier.counts_list {
        if list_minor == 0 {
            return start.times(rate);
        }
        let left = by_list(rate, next, spent_minor, list_minor);
        let full = Amount::whole(list_minor);
        // What rules before this one took off or added, they did to every part alike.
        return if start.is_less_than(full) || full.is_less_than(start) { start.in_proportion(left, list_minor) } else { left };
    }
    by_paid(rate, next, spent_minor, start)
}

/// A list price laid against a spend of list prices.
fn by_list(mut rate: Rate, next: &[(i64, Rate)], mut spent_minor: i64, list_minor: i64) -> Amount {
    let (mut left_minor, mut paid) = (list_minor, Amount::whole(0));
    for &(from, after) in next {
        let part_minor = from - spent_minor;
        if part_minor >= left_minor {
            break;
        }
        paid = paid.plus(Amount::whole(part_minor).times(rate));
        left_minor -= part_minor;
        (rate, spent_minor) = (after, from);
    }
    paid.plus(Amount::whole(left_minor).times(rate))
}

/// A price laid against a spend of what was paid: each step takes as much of it as pays what is missing to the next.
fn by_paid(mut rate: Rate, next: &[(i64, Rate)], mut spent_minor: i64, mut price: Amount) -> Amount {
    let mut paid = Amount::whole(0);
    for &(from, after) in next {
        let missing = Amount::whole(from - spent_minor);
        if rate.numerator == 0 || !missing.over(rate).is_less_than(price) {
            break;
        }
        let part = missing.over(rate);
        paid = paid.plus(part.times(rate));
        price = price.minus(part);
        (rate, spent_minor) = (after, from);
    }
    paid.plus(price.times(rate))
}
