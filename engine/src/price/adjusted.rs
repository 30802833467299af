//! A list price with the version's adjustments applied in their order.
//!
//! First the rules that count in caps and tiers, then the incentives, then what the ride leaves in the account's memory. The
//! charge is rounded once, at the end, unless a rule or the tariff says otherwise.

use super::amount::Amount;
use super::count::Settled;
use super::reductions::Reductions;
use super::ride::Ride;
use super::told::Passed;
use super::transfer::Place;
use super::{AccountState, Claim, Extras, Fare, Fold, Recorder, Step, party_of};
use crate::tariff::{Adjust, AdjustRule, Cap, Discount, Effect, Incentive, Incomplete, Limit, Rate, Rounding, Rules, Stack, Version};
use domain::Flags;
use domain::decision::FUNDERS_MAX;

/// A price on its way down.
pub(super) struct Falling {
    /// With the surcharges so far.
    pub list_minor: i64,
    pub left: Amount,
    pub reductions: Reductions,
    pub flags: Flags,
    /// The bits of rules that were asked, and of those that applied.
    covered: u64,
    applied: u64,
    /// Whether a cap has said what is left to the last unit.
    capped: bool,
}

impl Fold<'_> {
    pub(super) fn adjusted<R: Recorder>(&self, state: &mut AccountState, version: &Version, rules: &Rules, ride: &Ride<'_>, recorder: &mut R) -> Step {
        let list_minor = ride.facts.list_minor;
        let mut falling = Falling {
            list_minor,
            left: Amount::whole(list_minor),
            reductions: Reductions::new(list_minor),
            flags: ride.flags,
            covered: 0,
            applied: 0,
            capped: false,
        };
        let mut extras = None;
        let share = self.share_of(version, ride);
        let mut place = Place::Alone;
        match ride.incomplete {
            Incomplete::Fixed => {}
            Incomplete::Capped => {
                for adjust in rules.adjusts.iter().filter_map(|&at| version.adjust.get(usize::from(at))) {
                    if let AdjustRule::Cap(cap) = &adjust.rule
                        && self.asked(version, adjust, ride, &falling, recorder)
                    {
                        cap_charge(state, (version, adjust, cap), ride, &mut falling, recorder);
                    }
                }
            }
            Incomplete::Adjusted => {
                self.reduce(state, version, rules, ride, &mut falling, recorder);
                let settled = Settled { minor: settled(&falling, version.rounding), by_transfer: falling.flags.has(Flags::TRANSFER) };
                if !rules.incentives.is_empty() {
                    self.incentives(state, version, rules, ride, &mut falling, &mut extras, recorder);
                }
                for (at, adjust) in rules.remembering.iter().filter_map(|&at| Some((at, version.adjust.get(usize::from(at))?))) {
                    if falling.covered & adjust.bit != 0 {
                        let stands = self.remember(state, version, adjust, ride, settled, falling.applied & adjust.bit != 0);
                        if share.is_some_and(|share| share.pools() == Some(usize::from(at))) {
                            place = stands;
                        }
                    }
                }
            }
        }
        let (list_minor, charged_minor) = (falling.list_minor, settled(&falling, version.rounding));
        // Filled in where it lies, like the ride.
        let mut step = Step {
            fare: Some(Fare {
                service_day: ride.service_day,
                list_minor: list_minor + ride.outside_minor,
                charged_minor: charged_minor + ride.outside_minor,
                discounts: [domain::Discount::default(); FUNDERS_MAX],
                flags: falling.flags,
            }),
            extras,
            abandoned: None,
        };
        let Step { fare: Some(fare), extras, .. } = &mut step else { return step };
        falling.reductions.share(list_minor - charged_minor, &mut fare.discounts);
        if let Some(extras) = extras {
            bound_claims(extras, fare);
        }
        if let Some(share) = share {
            self.share(state, version, (share, place), ride, fare, extras);
        }
        step
    }

    /// The rules before the incentives.
    fn reduce<R: Recorder>(&self, state: &mut AccountState, version: &Version, rules: &Rules, ride: &Ride<'_>, falling: &mut Falling, recorder: &mut R) {
        let mut rest = rules.adjusts.as_slice();
        while let Some((&at, after)) = rest.split_first() {
            rest = after;
            let Some(adjust) = version.adjust.get(usize::from(at)) else { continue };
            if adjust.stack == Stack::Cheapest {
                rest = self.cheapest(state, version, (adjust, rest), ride, falling, recorder);
                continue;
            }
            if !self.asked(version, adjust, ride, falling, recorder) {
                continue;
            }
            falling.covered |= adjust.bit;
            if let AdjustRule::Cap(cap) = &adjust.rule {
                cap_charge(state, (version, adjust, cap), ride, falling, recorder);
                continue;
            }
            if let AdjustRule::Surcharge { minor } = adjust.rule {
                falling.raise(adjust, minor, recorder);
                continue;
            }
            let replaces = adjust.stack == Stack::Replaces;
            let start = if replaces { Amount::whole(falling.list_minor) } else { falling.left };
            if let Some(after) = self.effect(state, version, adjust, ride, (start, falling.covered)) {
                if replaces {
                    falling.reductions.clear();
                }
                falling.apply(adjust, ride, start, after, recorder);
            } else {
                recorder.passed(adjust, || self.no_effect(state, version, adjust, ride, falling.covered));
            }
        }
    }

    /// Of neighbours of which the cheapest wins, the one that leaves least; of equal ones the first. Returns what comes after
    /// them.
    fn cheapest<'r, R: Recorder>(
        &self,
        state: &AccountState,
        version: &Version,
        (first, mut rest): (&Adjust, &'r [u16]),
        ride: &Ride<'_>,
        falling: &mut Falling,
        recorder: &mut R,
    ) -> &'r [u16] {
        let start = falling.left;
        let mut best: Option<(&Adjust, Amount)> = None;
        let mut next = Some(first);
        while let Some(adjust) = next {
            if self.asked(version, adjust, ride, falling, recorder) {
                falling.covered |= adjust.bit;
                match self.effect(state, version, adjust, ride, (start, falling.covered)) {
                    Some(after) if best.is_none_or(|(_, lowest)| after.is_less_than(lowest)) => {
                        if let Some((dearer, left)) = best.replace((adjust, after)) {
                            recorder.passed(dearer, || Passed::Dearer(left));
                        }
                    }
                    Some(after) => recorder.passed(adjust, || Passed::Dearer(after)),
                    None => recorder.passed(adjust, || self.no_effect(state, version, adjust, ride, falling.covered)),
                }
            }
            next = rest.first().and_then(|&at| version.adjust.get(usize::from(at))).filter(|adjust| adjust.stack == Stack::Cheapest);
            if next.is_some() {
                rest = rest.split_first().map_or(rest, |(_, after)| after);
            }
        }
        if let Some((adjust, after)) = best {
            falling.apply(adjust, ride, start, after, recorder);
        }
        rest
    }

    fn covers(&self, version: &Version, adjust: &Adjust, ride: &Ride<'_>, falling: &Falling) -> bool {
        let condition = &adjust.scope.condition;
        adjust.keeps_off & falling.applied == 0
            && (adjust.waits_for == 0 || adjust.waits_for & falling.applied != 0)
            && match (adjust.for_all, adjust.for_class) {
                (true, _) => true,
                (_, true) => condition.classes.contains(&ride.facts.class),
                _ => condition.holds(&ride.facts, &version.periods, self.clock),
            }
    }

    /// Whether a rule covers the ride; one that does not is told.
    fn asked<R: Recorder>(&self, version: &Version, adjust: &Adjust, ride: &Ride<'_>, falling: &Falling, recorder: &mut R) -> bool {
        let covers = self.covers(version, adjust, ride, falling);
        if !covers {
            recorder.passed(adjust, || {
                if adjust.keeps_off & falling.applied != 0 {
                    return Passed::Unless;
                }
                if adjust.waits_for != 0 && adjust.waits_for & falling.applied == 0 {
                    return Passed::OnlyAfter;
                }
                Passed::Unmet(adjust.scope.condition.unmet(&ride.facts, &version.periods, self.clock).unwrap_or_default())
            });
        }
        covers
    }

    /// Why a rule that covers a ride leaves its price.
    fn no_effect(&self, state: &AccountState, version: &Version, adjust: &Adjust, ride: &Ride<'_>, covered: u64) -> Passed {
        match &adjust.rule {
            AdjustRule::Discount(discount) => {
                if let Some(legs) = &discount.legs {
                    let ordinal = self.leg_number(state, version, legs.rule, ride, covered);
                    if !legs.ordinals.has(ordinal) {
                        return Passed::OtherLeg { ordinal };
                    }
                }
                if let Some(nth) = &discount.nth {
                    let ordinal = state.counted(adjust.slot, nth.span, ride.service_day, ride.facts.entry).rides + 1;
                    if !nth.ordinals.has(ordinal) {
                        return Passed::OtherRide { ordinal };
                    }
                }
                let slot = adjust.slot + u16::from(discount.nth.is_some());
                if discount.purse.is_some() && state.purse_rides(slot) == 0 {
                    return Passed::PurseEmpty;
                }
                let used_up = |quota: &Limit| Some(state.counted(slot, quota.span, ride.service_day, ride.facts.entry).rides) >= quota.rides;
                match discount.quota {
                    Some(Limit { rides: Some(rides), .. }) if discount.quota.as_ref().is_some_and(used_up) => Passed::QuotaUsed { rides },
                    _ => Passed::LowersNothing,
                }
            }
            AdjustRule::Transfer(transfer) => match state.run(adjust.slot) {
                None => Passed::NoRideBefore,
                Some(run) => super::transfer::why_not(self, (version, transfer), run, state.leg(adjust.slot), ride),
            },
            AdjustRule::Cap(_) | AdjustRule::Tier(_) | AdjustRule::Incentive(_) | AdjustRule::Surcharge { .. } => Passed::NothingLeft,
        }
    }

    /// What is left after a rule; `None` where it does not apply. `covered` are the bits of the rules that were asked.
    fn effect(&self, state: &AccountState, version: &Version, adjust: &Adjust, ride: &Ride<'_>, (start, covered): (Amount, u64)) -> Option<Amount> {
        let after = match &adjust.rule {
            AdjustRule::Discount(discount) => {
                if let Some(legs) = &discount.legs
                    && !legs.ordinals.has(self.leg_number(state, version, legs.rule, ride, covered))
                {
                    return None;
                }
                self.discount(state, adjust.slot, discount, ride, start)?
            }
            AdjustRule::Transfer(transfer) => self.transferred(state, version, (adjust.slot, transfer), ride, start)?,
            AdjustRule::Tier(tier) => {
                let spent_minor = state.counted(adjust.slot, tier.span, ride.service_day, ride.facts.entry).amount_minor;
                super::count::tiered(tier, spent_minor, start, ride.facts.list_minor)
            }
            AdjustRule::Cap(_) | AdjustRule::Incentive(_) | AdjustRule::Surcharge { .. } => return None,
        };
        let after = match adjust.rounding {
            Some(rounding) => Amount::whole(after.rounded_minor(rounding)).at_most(start),
            None => after,
        };
        let AdjustRule::Discount(discount) = &adjust.rule else { return Some(after) };
        let after = discount.minimum_minor.map_or(after, |minimum_minor| start.at_most(Amount::whole(minimum_minor).at_least(after)));
        // Neither a quota nor a purse is used up by what it does not lower.
        let counts = discount.quota.is_some() || discount.purse.is_some();
        (!counts || after.is_less_than(start)).then_some(after)
    }

    fn discount(&self, state: &AccountState, slot: u16, discount: &Discount, ride: &Ride<'_>, start: Amount) -> Option<Amount> {
        let mut slot = slot;
        if let Some(nth) = &discount.nth {
            if !nth.ordinals.has(state.counted(slot, nth.span, ride.service_day, ride.facts.entry).rides + 1) {
                return None;
            }
            slot += 1;
        }
        if let Some(quota) = &discount.quota {
            let used = state.counted(slot, quota.span, ride.service_day, ride.facts.entry).rides;
            if quota.rides.is_some_and(|rides| used >= rides) {
                return None;
            }
        }
        if discount.purse.is_some() && state.purse_rides(slot) == 0 {
            return None;
        }
        Some(plain(discount.effect, start))
    }

    /// Last of all, from what everything else has left; they count in no cap or tier.
    #[allow(clippy::too_many_arguments, reason = "what a ride is made of, and where it goes")]
    fn incentives<R: Recorder>(
        &self,
        state: &mut AccountState,
        version: &Version,
        rules: &Rules,
        ride: &Ride<'_>,
        falling: &mut Falling,
        extras: &mut Option<Box<Extras>>,
        recorder: &mut R,
    ) {
        for adjust in rules.incentives.iter().filter_map(|&at| version.adjust.get(usize::from(at))) {
            let AdjustRule::Incentive(incentive) = &adjust.rule else { continue };
            if !self.asked(version, adjust, ride, falling, recorder) {
                continue;
            }
            let list_minor = falling.list_minor;
            let before_minor = settled(falling, version.rounding);
            let Some(after) = allowed(state, adjust.slot, incentive, ride, before_minor, falling.left) else {
                recorder.passed(adjust, || Passed::LimitUsed);
                continue;
            };
            // Rounded up, less may be more: what does not lower the payment is not given.
            let amount_minor = before_minor - after.rounded_minor(version.rounding).min(list_minor);
            if amount_minor <= 0 || !after.is_less_than(falling.left) {
                recorder.passed(adjust, || Passed::LowersNothing);
                continue;
            }
            falling.apply(adjust, ride, falling.left, after, recorder);
            let funder = adjust.funders.first().map(|&(funder, _)| party_of(funder, ride.tap)).unwrap_or_default();
            for (limit, slot) in incentive.limits.iter().zip(adjust.slot..) {
                let counter = state.counter_mut(slot, limit.span, ride.service_day, ride.facts.entry);
                counter.rides += 1;
                counter.amount_minor += amount_minor;
            }
            if let Some(budget_minor) = incentive.budget_minor {
                extras.get_or_insert_default().claims.push(Claim { slot: adjust.slot, budget_minor, funder, amount_minor });
            }
        }
    }
}

impl Falling {
    /// Lets a surcharge raise the list price and what is left of it.
    fn raise<R: Recorder>(&mut self, adjust: &Adjust, minor: i64, recorder: &mut R) {
        let before = self.left;
        self.applied |= adjust.bit;
        self.list_minor += minor;
        self.reductions.raise(minor);
        self.left = before.plus(Amount::whole(minor));
        recorder.adjusted(adjust, before, self.left);
    }

    /// Lets a rule take the price from `before` to `after`.
    fn apply<R: Recorder>(&mut self, adjust: &Adjust, ride: &Ride<'_>, before: Amount, after: Amount, recorder: &mut R) {
        self.applied |= adjust.bit;
        self.left = after;
        match &adjust.rule {
            AdjustRule::Discount(Discount { concession: true, .. }) => self.flags.set(Flags::CONCESSION),
            AdjustRule::Transfer(_) => self.flags.set(Flags::TRANSFER),
            AdjustRule::Cap(_) => self.flags.set(Flags::CAPPED),
            AdjustRule::Discount(_) | AdjustRule::Tier(_) | AdjustRule::Incentive(_) | AdjustRule::Surcharge { .. } => {}
        }
        if !matches!(adjust.rule, AdjustRule::Cap(_)) {
            self.capped = false;
        }
        recorder.adjusted(adjust, before, after);
        if let [(funder, _)] = adjust.funders.as_slice() {
            self.reductions.note(party_of(*funder, ride.tap), before, after);
            return;
        }
        let weights: i64 = adjust.funders.iter().map(|&(_, weight)| weight).sum();
        let (mut from, mut taken) = (before, 0);
        for &(funder, weight) in &adjust.funders {
            taken += weight;
            let part = Rate { numerator: taken, denominator: weights.max(1) };
            let to = before.minus(before.minus(after).times(part));
            self.reductions.note(party_of(funder, ride.tap), from, to);
            from = to;
        }
    }
}

/// No claim is larger than what its funder bears of the ride: shares are rounded together, claims one by one.
fn bound_claims(extras: &mut Extras, fare: &Fare) {
    let mut rest = fare.discounts;
    for claim in &mut extras.claims {
        let part = rest.iter_mut().find(|part| part.funder == claim.funder && part.amount_minor > 0);
        claim.amount_minor = part.map_or(0, |part| {
            let amount_minor = claim.amount_minor.min(part.amount_minor);
            part.amount_minor -= amount_minor;
            amount_minor
        });
    }
    extras.claims.retain(|claim| claim.amount_minor != 0);
}

/// What is to be paid now, in whole units. A ride that nothing reduced is not rounded: nobody would fund the difference.
fn settled(falling: &Falling, rounding: Rounding) -> i64 {
    if falling.reductions.is_empty() {
        return falling.list_minor;
    }
    let rounding = if falling.capped { Rounding::default() } else { rounding };
    falling.left.rounded_minor(rounding).min(falling.list_minor)
}

/// A cap lets through what is not used up in its span, and counts it at its place among the rules.
fn cap_charge<R: Recorder>(
    state: &mut AccountState,
    (version, adjust, cap): (&Version, &Adjust, &Cap),
    ride: &Ride<'_>,
    falling: &mut Falling,
    recorder: &mut R,
) {
    let wanted_minor = settled(falling, version.rounding);
    let used = state.counted(adjust.slot, cap.span, ride.service_day, ride.facts.entry);
    let mut allowed_minor = cap.amount_minor.map_or(wanted_minor, |cap_minor| wanted_minor.min((cap_minor - used.amount_minor).max(0)));
    if cap.rides.is_some_and(|rides| used.rides >= rides) {
        allowed_minor = 0;
    }
    if allowed_minor != 0 {
        let counter = state.counter_mut(adjust.slot, cap.span, ride.service_day, ride.facts.entry);
        counter.amount_minor += allowed_minor;
        counter.rides += 1;
    }
    // A cap that does not bind leaves the exact amount: rounding it here would be a reduction (or the opposite of one) that
    // nobody funds.
    if allowed_minor != wanted_minor {
        let before = falling.left;
        falling.apply(adjust, ride, before, Amount::whole(allowed_minor).at_most(before), recorder);
        falling.capped = true;
    } else {
        recorder.passed(adjust, || Passed::UnderCap { counted_minor: used.amount_minor + allowed_minor, rides: used.rides + u32::from(allowed_minor != 0) });
    }
}

/// What a plain effect leaves.
pub(super) fn plain(effect: Effect, start: Amount) -> Amount {
    match effect {
        Effect::Rate(rate) => start.times(rate),
        Effect::Price { minor } => start.at_most(Amount::whole(minor)),
        Effect::Off { minor, .. } => start.less(minor.unwrap_or(0)).at_least_zero(),
        Effect::Through | Effect::Total { .. } | Effect::Places => start,
    }
}

/// What an incentive leaves within its limits; `None` where it has nothing to give.
fn allowed(state: &AccountState, slot: u16, incentive: &Incentive, ride: &Ride<'_>, before_minor: i64, left: Amount) -> Option<Amount> {
    let mut most_minor = incentive.ride_max_minor;
    for (limit, slot) in incentive.limits.iter().zip(slot..) {
        let used = state.counted(slot, limit.span, ride.service_day, ride.facts.entry);
        if limit.rides.is_some_and(|rides| used.rides >= rides) {
            return None;
        }
        if let Some(amount_minor) = limit.amount_minor {
            let rest_minor = amount_minor - used.amount_minor;
            most_minor = Some(most_minor.map_or(rest_minor, |most| most.min(rest_minor)));
        }
    }
    let after = plain(incentive.effect, left);
    match most_minor {
        Some(..=0) => None,
        // The rider never pays less than what stood before it, less the most that it gives.
        // Where the standing amount was rounded up, that may be more than what is exactly left.
        Some(most_minor) if after.is_less_than(Amount::whole(before_minor - most_minor)) => Some(left.at_most(Amount::whole(before_minor - most_minor))),
        _ => Some(after),
    }
}
