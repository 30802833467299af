//! What a ride leaves behind for the rides after it: counts, spends and runs. And what a spend makes of a price.

use super::amount::Amount;
use super::ride::Ride;
use super::transfer::Place;
use super::{AccountState, Fold};
use crate::tariff::{Adjust, AdjustRule, Reading, Tier, Version};

impl Fold<'_> {
    /// Writes down what a rule that was asked remembers of a ride, and says where the ride stands in the rule's run if it has
    /// runs. `settled_minor` is what the rider pays before incentives.
    pub(super) fn remember(&self, state: &mut AccountState, version: &Version, adjust: &Adjust, ride: &Ride<'_>, settled_minor: i64, applied: bool) -> Place {
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
            }
            AdjustRule::Transfer(transfer) => return self.remember_run(state, version, (adjust.slot, transfer), ride, settled_minor),
            AdjustRule::Tier(tier) => {
                let amount_minor = if tier.counts_list { ride.facts.list_minor } else { settled_minor };
                if amount_minor != 0 {
                    state.counter_mut(adjust.slot, tier.span, day, time).amount_minor += amount_minor;
                }
            }
            AdjustRule::Cap(_) | AdjustRule::Incentive(_) => {}
        }
        Place::Alone
    }
}

/// What a ride costs after so much was spent.
pub fn tiered(tier: &Tier, spent_minor: i64, start: Amount) -> Amount {
    let at = tier.steps.partition_point(|&(from, _)| from <= spent_minor).saturating_sub(1);
    let mut steps = tier.steps.iter().skip(at);
    let Some(&(_, mut rate)) = steps.next() else { return start };
    if tier.reading == Reading::Before {
        return start.times(rate);
    }
    let (mut price, mut paid) = (start, Amount::whole(0));
    let mut spent_minor = spent_minor;
    for &(from, next) in steps {
        // Of the price, what brings the spend up to the next step.
        let room = Amount::whole(from - spent_minor);
        let part = if tier.counts_list { room } else { room.over(rate) };
        if rate.numerator == 0 && !tier.counts_list || !part.is_less_than(price) {
            break;
        }
        paid = paid.plus(part.times(rate));
        price = price.minus(part);
        (rate, spent_minor) = (next, from);
    }
    paid.plus(price.times(rate))
}
