//! The adjustments of a version on one ride, each worked out from all rides before it.

use super::fraction::Fraction;
use super::rides::{Ride, stepped, table_fare};
use super::{Bought, Done, Mark, Naive, Place, asks, fraction};
use domain::time::DAY_MS;
use domain::{Day, Discount, EventTime, Flags, Symbol};
use engine::price::{Fare, Tap};
use engine::scheme::clock::LocalClock;
use engine::tariff::{
    Adjust, AdjustRule, Against, BasePrice, Effect, Funder, Incentive, Incomplete, Opening, Ordinals, Reading, Rounding, Span, Stack, StationPrice, Stations,
    ThroughBy, Tier, Transfer, Version, Way, WindowFrom,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;

#[derive(Clone)]
struct Falling {
    list_minor: i64,
    left: Fraction,
    /// Who took off how much, in the order of first appearance.
    reductions: Vec<(Symbol, Fraction)>,
    flags: Flags,
    applied: Vec<String>,
    capped: bool,
    rounding: Rounding,
}

/// What a ride wants of an incentive's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub rule: String,
    pub funder: Symbol,
    pub budget_minor: i64,
    pub amount_minor: i64,
}

/// Whole units of a discount are shared among its funders together: one may bear a unit less than its claims say.
fn within_discounts(claims: &mut Vec<Claimed>, fare: &Fare) {
    for at in 0..claims.len() {
        let funder = claims[at].funder;
        let borne: i64 = fare.discounts.iter().filter(|discount| discount.funder == funder).map(|discount| discount.amount_minor).sum();
        let earlier: i64 = claims[..at].iter().filter(|claim| claim.funder == funder).map(|claim| claim.amount_minor).sum();
        claims[at].amount_minor = claims[at].amount_minor.min(borne - earlier);
    }
    claims.retain(|claim| claim.amount_minor > 0);
}

pub fn party(funder: Funder, tap: &Tap) -> Symbol {
    match funder {
        Funder::Earner => tap.earner,
        Funder::Issuer => tap.issuer,
        Funder::Party(party) => party,
    }
}

pub fn price(naive: &Naive<'_>, version: &Version, ride: &Ride, (before, bought): (&[Done], &[Bought])) -> (Fare, Option<Done>, Vec<Claimed>) {
    let clock = naive.clock;
    let after = |adjust: &Adjust, start: Fraction, asked: &[String]| {
        let other_leg = matches!(&adjust.rule, AdjustRule::Discount(discount) if discount.legs.as_ref().is_some_and(|legs| {
            let journey = &version.adjust[legs.rule];
            let AdjustRule::Transfer(transfer) = &journey.rule else { panic!("{} is no transfer", journey.name) };
            let run = run(&journey.name, before);
            let joined = asked.contains(&journey.name) && joins(naive, version, transfer, ride, &run, &journey.name);
            !is_meant(&legs.ordinals, if joined { run.len() + 1 } else { 1 })
        }));
        if other_leg { None } else { effect(naive, version, adjust, ride, (before, bought), start) }
    };
    let list_minor = ride.facts.list_minor;
    let mut falling = Falling {
        list_minor,
        left: Fraction::whole(list_minor),
        reductions: Vec::new(),
        flags: ride.flags,
        applied: Vec::new(),
        capped: false,
        rounding: version.rounding,
    };
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    let mut claims = Vec::new();
    let incomplete = ride.incomplete.unwrap_or_default();
    let mine: Vec<&Adjust> = version.adjust.iter().filter(|adjust| asks::covers(&adjust.scope, &ride.tap)).collect();
    let asked = |adjust: &Adjust, falling: &Falling| {
        let has = |at: &usize| falling.applied.contains(&version.adjust[*at].name);
        let kept_off = adjust.unless.iter().any(has);
        let waits = !adjust.only_after.is_empty() && !adjust.only_after.iter().any(has);
        let only_caps = incomplete == Incomplete::Capped && !super::is_cap(adjust);
        !kept_off && !waits && !only_caps && asks::holds(&adjust.scope.condition, &ride.facts, version, clock)
    };
    if incomplete != Incomplete::Fixed {
        let plain: Vec<&Adjust> = mine.iter().copied().filter(|adjust| !matches!(adjust.rule, AdjustRule::Incentive(_))).collect();
        let mut at = 0;
        while at < plain.len() {
            let adjust = plain[at];
            at += 1;
            if adjust.stack == Stack::Cheapest {
                // This one and the neighbours after it that say the same.
                let mut group = vec![adjust];
                while at < plain.len() && plain[at].stack == Stack::Cheapest {
                    group.push(plain[at]);
                    at += 1;
                }
                let start = falling.left;
                let mut best: Option<(&Adjust, Fraction)> = None;
                for adjust in group {
                    if !asked(adjust, &falling) {
                        continue;
                    }
                    marks.insert(adjust.name.clone(), Mark::default());
                    let known: Vec<String> = marks.keys().cloned().collect();
                    if let Some(after) = after(adjust, start, &known)
                        && best.is_none_or(|(_, lowest)| after.is_less_than(lowest))
                    {
                        best = Some((adjust, after));
                    }
                }
                if let Some((adjust, after)) = best {
                    falling.apply(adjust, ride, start, after);
                    marks.get_mut(&adjust.name).expect("asked").applied = true;
                }
                continue;
            }
            if !asked(adjust, &falling) {
                continue;
            }
            let known: Vec<String> = marks.keys().cloned().collect();
            let mark = marks.entry(adjust.name.clone()).or_default();
            if let AdjustRule::Surcharge { minor } = adjust.rule {
                falling.applied.push(adjust.name.clone());
                falling.list_minor += minor;
                falling.left = falling.left + Fraction::whole(minor);
                continue;
            }
            if let AdjustRule::Cap(cap) = &adjust.rule {
                let in_span = span_rides(before, &adjust.name, cap.span, ride, |mark| mark.counted_minor != 0);
                let spent: i64 = in_span.iter().map(|done| done.marks[&adjust.name].counted_minor).sum();
                let wanted = falling.settled();
                let mut let_through = wanted;
                if let Some(amount) = cap.amount_minor {
                    let_through = let_through.min((amount - spent).max(0));
                }
                if cap.rides.is_some_and(|rides| in_span.len() >= rides as usize) {
                    let_through = 0;
                }
                mark.counted_minor = let_through;
                if let_through != wanted {
                    let after = Fraction::whole(let_through);
                    let after = if after.is_less_than(falling.left) { after } else { falling.left };
                    let start = falling.left;
                    falling.apply(adjust, ride, start, after);
                    falling.capped = true;
                }
                continue;
            }
            let start = if adjust.stack == Stack::Replaces { Fraction::whole(falling.list_minor) } else { falling.left };
            if let Some(after) = after(adjust, start, &known) {
                mark.applied = true;
                if adjust.stack == Stack::Replaces {
                    falling.reductions.clear();
                }
                falling.apply(adjust, ride, start, after);
            }
        }
    }
    let settled_minor = falling.settled();
    let was_transfer = falling.flags.has(Flags::TRANSFER);
    if incomplete == Incomplete::Adjusted {
        for adjust in mine.iter().filter(|adjust| matches!(adjust.rule, AdjustRule::Incentive(_))) {
            let AdjustRule::Incentive(incentive) = &adjust.rule else { continue };
            if !asked(adjust, &falling) {
                continue;
            }
            let standing = falling.settled();
            let Some(after) = incentive_leaves(incentive, adjust, ride, before, standing, falling.left) else { continue };
            let start = falling.left;
            if !after.is_less_than(start) {
                continue;
            }
            let mut helped = falling.clone();
            helped.apply(adjust, ride, start, after);
            let given = standing - helped.settled();
            if given > 0 {
                falling = helped;
                marks.insert(adjust.name.clone(), Mark { applied: true, counted_minor: given, ..Mark::default() });
                if let Some(budget_minor) = incentive.budget_minor {
                    claims.push(Claimed { rule: adjust.name.clone(), funder: party(adjust.funders[0].0, &ride.tap), budget_minor, amount_minor: given });
                }
            }
        }
    }
    for adjust in mine {
        let Some(mark) = marks.get_mut(&adjust.name) else { continue };
        match &adjust.rule {
            AdjustRule::Tier(tier) => mark.counted_minor = if tier.counts_list { list_minor } else { settled_minor },
            AdjustRule::Transfer(_) => place(naive, version, adjust, ride, before, settled_minor, mark),
            _ => {}
        }
    }
    let charged_minor = falling.settled();
    let mut fare = Fare {
        service_day: ride.service_day,
        list_minor: falling.list_minor + ride.outside_minor,
        charged_minor: charged_minor + ride.outside_minor,
        flags: falling.flags,
        ..Fare::default()
    };
    let shares = shares(falling.list_minor - charged_minor, &falling.reductions);
    assert!(shares.len() <= fare.discounts.len(), "these tariffs need no more funders than fit");
    for (slot, (funder, amount_minor)) in fare.discounts.iter_mut().zip(shares) {
        *slot = Discount { funder, amount_minor };
    }
    let done = (incomplete != Incomplete::Fixed).then_some(Done {
        tap: ride.tap,
        facts: ride.facts,
        service_day: ride.service_day,
        length: ride.length,
        list_minor: fare.list_minor,
        charged_minor: fare.charged_minor,
        share: None,
        settled_minor,
        was_transfer,
        end: ride.end(),
        marks,
    });
    within_discounts(&mut claims, &fare);
    (fare, done, claims)
}

impl Falling {
    fn settled(&self) -> i64 {
        if self.reductions.is_empty() {
            return self.list_minor;
        }
        let rounding = if self.capped { Rounding::default() } else { self.rounding };
        round(self.left, rounding).min(self.list_minor)
    }

    fn apply(&mut self, adjust: &Adjust, ride: &Ride, before: Fraction, after: Fraction) {
        self.applied.push(adjust.name.clone());
        match &adjust.rule {
            AdjustRule::Discount(discount) if discount.concession => self.flags.set(Flags::CONCESSION),
            AdjustRule::Transfer(_) => self.flags.set(Flags::TRANSFER),
            AdjustRule::Cap(_) => self.flags.set(Flags::CAPPED),
            _ => {}
        }
        if !super::is_cap(adjust) {
            self.capped = false;
        }
        self.left = after;
        let weights: i64 = adjust.funders.iter().map(|(_, weight)| weight).sum();
        for &(funder, weight) in &adjust.funders {
            let part = (before - after) * Fraction::new(i128::from(weight), i128::from(weights));
            if part == Fraction::ZERO {
                continue;
            }
            let who = party(funder, &ride.tap);
            match self.reductions.iter_mut().find(|(known, _)| *known == who) {
                Some((_, sum)) => *sum = *sum + part,
                None => self.reductions.push((who, part)),
            }
        }
    }
}

fn round(amount: Fraction, rounding: Rounding) -> i64 {
    let unit = Fraction::new(1, i128::from(rounding.to_minor));
    let units = amount * unit;
    let whole = match rounding.way {
        Way::HalfUp => units.rounded(),
        Way::Down => units.floor(),
        Way::Up => -(Fraction::ZERO - units).floor(),
    };
    whole * rounding.to_minor
}

/// The rides left in a rule's purse: all that was bought and all that was ridden, one after the other.
fn rides_left(naive: &Naive<'_>, name: &str, before: &[Done], bought: &[Bought]) -> u32 {
    let mut left = 0;
    for at in 0..=before.len() {
        for record in bought.iter().filter(|record| record.after == at) {
            let version = naive.tariff.versions.iter().find(|version| version.from == record.version).expect("it priced the record");
            let is = |at: usize| version.base[at].name == record.base;
            let rule = version.adjust.iter().find(|adjust| adjust.name == name).map(|adjust| &adjust.rule);
            let Some(AdjustRule::Discount(engine::tariff::Discount { purse: Some(purse), .. })) = rule else { continue };
            left += purse.filled_by.iter().filter(|(at, _)| is(*at)).map(|(_, rides)| rides).sum::<u32>();
            if purse.emptied_by.iter().any(|&at| is(at)) {
                left = 0;
            }
        }
        // Of a rule without a purse nothing was bought, and what it applied to does not matter.
        if before.get(at).and_then(|done| done.marks.get(name)).is_some_and(|mark| mark.applied) {
            left = u32::saturating_sub(left, 1);
        }
    }
    left
}

fn is_meant(ordinals: &Ordinals, number: usize) -> bool {
    match ordinals {
        Ordinals::These(list) => list.iter().any(|one| *one as usize == number),
        Ordinals::Between(first, last) => *first as usize <= number && number <= *last as usize,
    }
}

/// What is left after a rule that takes off; `None` where it does not apply.
fn effect(naive: &Naive<'_>, version: &Version, adjust: &Adjust, ride: &Ride, (before, bought): (&[Done], &[Bought]), start: Fraction) -> Option<Fraction> {
    let name = &adjust.name;
    let after = match &adjust.rule {
        AdjustRule::Discount(discount) => {
            if let Some(nth) = &discount.nth {
                let number = 1 + u32::try_from(span_rides(before, name, nth.span, ride, |_| true).len()).expect("few");
                if !is_meant(&nth.ordinals, number as usize) {
                    return None;
                }
            }
            if let Some(quota) = &discount.quota
                && span_rides(before, name, quota.span, ride, |mark| mark.applied).len() >= quota.rides.map_or(usize::MAX, |rides| rides as usize)
            {
                return None;
            }
            if discount.purse.is_some() && rides_left(naive, name, before, bought) == 0 {
                return None;
            }
            simple(discount.effect, start)
        }
        AdjustRule::Transfer(transfer) => {
            let run = run(name, before);
            let number = u32::try_from(run.len()).expect("few");
            let meant = matches!(transfer.ordinals, Ordinals::Between(first, last) if first <= number && number <= last);
            if !joins(naive, version, transfer, ride, &run, name) || !meant {
                return None;
            }
            let settled = |at: usize| run[at].settled_minor;
            let list = |at: usize| run[at].facts.list_minor;
            let last = run.len() - 1;
            match transfer.effect {
                Effect::Off { minor, against: Some(against) } => {
                    let measure = match against {
                        Against::FirstList => list(0),
                        Against::FirstPaid => settled(0),
                        Against::LastList => list(last),
                        Against::LastPaid => settled(last),
                        Against::DearestList => (0..=last).map(list).max().expect("a run has rides"),
                        Against::AllPaid => (0..=last).map(settled).sum(),
                    };
                    floor_zero(start - Fraction::whole(minor.map_or(measure, |minor| minor.min(measure))))
                }
                Effect::Places => {
                    let mut prices = transfer.prices_minor.clone();
                    while prices.len() < run.len() {
                        prices.push(prices[prices.len() - 1]);
                    }
                    simple(Effect::Price { minor: prices[run.len() - 1] }, start)
                }
                Effect::Total { minor } => {
                    let paid_before = if run[last].was_transfer { 0 } else { settled(last) };
                    let rest = Fraction::whole((minor - paid_before).max(0));
                    if rest.is_less_than(start) { rest } else { start }
                }
                Effect::Through => {
                    let Mark { due_minor: due, rule, .. } = run[last].marks[name];
                    let own = Fraction::whole((through(version, transfer, ride, &run, due, rule).0 - due).max(0));
                    if own.is_less_than(start) { own } else { start }
                }
                other => simple(other, start),
            }
        }
        AdjustRule::Tier(tier) => {
            let counted = span_rides(before, name, tier.span, ride, |mark| mark.counted_minor != 0);
            let spent = counted.iter().map(|done| done.marks[name].counted_minor).sum();
            if tier.reading == Reading::Marginal && tier.counts_list {
                // Fen by fen of the list price, the same part of what is left.
                // A ride whose price is all surcharge has no first fen: it is as if it had.
                let list = ride.facts.list_minor.max(1);
                let rate = |fen: i64| fraction(tier.steps.iter().rfind(|(from, _)| *from <= spent + fen).expect("the first step begins at zero").1);
                let part = Fraction::new(1, i128::from(list));
                (0..list).fold(Fraction::ZERO, |sum, fen| sum + start * part * rate(fen))
            } else {
                tiered(tier, spent, start)
            }
        }
        AdjustRule::Cap(_) | AdjustRule::Incentive(_) | AdjustRule::Surcharge { .. } => unreachable!("asked elsewhere"),
    };
    let after = match adjust.rounding {
        Some(rounding) => {
            let rounded = Fraction::whole(round(after, rounding));
            if rounded.is_less_than(start) { rounded } else { start }
        }
        None => after,
    };
    let AdjustRule::Discount(discount) = &adjust.rule else { return Some(after) };
    let after = match discount.minimum_minor.map(Fraction::whole) {
        Some(floor) if start.is_less_than(floor) => start,
        Some(floor) if after.is_less_than(floor) => floor,
        _ => after,
    };
    let in_vain = !after.is_less_than(start) && (discount.quota.is_some() || discount.purse.is_some());
    (!in_vain).then_some(after)
}

fn simple(effect: Effect, start: Fraction) -> Fraction {
    match effect {
        Effect::Rate(rate) => start * fraction(rate),
        Effect::Price { minor } if Fraction::whole(minor).is_less_than(start) => Fraction::whole(minor),
        Effect::Price { .. } | Effect::Through | Effect::Total { .. } | Effect::Places => start,
        Effect::Off { minor, .. } => floor_zero(start - Fraction::whole(minor.unwrap_or(0))),
    }
}

fn floor_zero(amount: Fraction) -> Fraction {
    if amount.is_less_than(Fraction::ZERO) { Fraction::ZERO } else { amount }
}

fn tiered(tier: &Tier, spent: i64, start: Fraction) -> Fraction {
    let here = tier.steps.iter().rposition(|(from, _)| *from <= spent).expect("the first step begins at zero");
    if tier.reading == Reading::Before {
        return start * fraction(tier.steps[here].1);
    }
    // Fill the price into the steps, one after the other.
    let (mut price, mut paid, mut at, mut spend) = (start, Fraction::ZERO, here, Fraction::whole(spent));
    loop {
        let rate = fraction(tier.steps[at].1);
        let Some(next) = tier.steps.get(at + 1).map(|step| Fraction::whole(step.0)) else { return paid + price * rate };
        if !(next - spend).is_less_than(price * rate) {
            return paid + price * rate;
        }
        let part = (next - spend).over(rate);
        (paid, price, spend, at) = (paid + part * rate, price - part, next, at + 1);
    }
}

fn incentive_leaves(incentive: &Incentive, adjust: &Adjust, ride: &Ride, before: &[Done], standing: i64, left: Fraction) -> Option<Fraction> {
    let mut most = incentive.ride_max_minor.unwrap_or(i64::MAX);
    for limit in &incentive.limits {
        let used = span_rides(before, &adjust.name, limit.span, ride, |mark| mark.counted_minor != 0);
        if limit.rides.is_some_and(|rides| used.len() >= rides as usize) {
            return None;
        }
        if let Some(amount) = limit.amount_minor {
            most = most.min(amount - used.iter().map(|done| done.marks[&adjust.name].counted_minor).sum::<i64>());
        }
    }
    if most <= 0 {
        return None;
    }
    let after = simple(incentive.effect, left);
    let least = Fraction::whole(standing.saturating_sub(most));
    let least = if left.is_less_than(least) { left } else { least };
    Some(if after.is_less_than(least) { least } else { after })
}

/// The earlier rides that count for a rule in the span that holds this ride. A span that rides begin goes from its first.
fn span_rides<'d>(before: &'d [Done], name: &str, span: Span, ride: &Ride, counts: impl Fn(&Mark) -> bool) -> Vec<&'d Done> {
    let counted = before.iter().filter(|done| done.marks.get(name).is_some_and(&counts));
    let (day, time) = (ride.service_day, ride.facts.entry.0);
    let holds = |start: (Day, i64), day: Day, time: i64| match span {
        Span::Days(days) => day >= start.0 && day.0 - start.0.0 < days,
        Span::Millis(ms) => time >= start.1 && time - start.1 <= ms,
        _ => unreachable!("spans of the calendar have no first ride"),
    };
    if !matches!(span, Span::Days(_) | Span::Millis(_)) {
        return counted.filter(|done| same_span(span, done.service_day, day)).collect();
    }
    let mut windows: Vec<((Day, i64), Vec<&Done>)> = Vec::new();
    for done in counted {
        let (day, time) = (done.service_day, done.facts.entry.0);
        match windows.iter_mut().rev().find(|(start, _)| holds(*start, day, time)) {
            Some((_, rides)) => rides.push(done),
            None => windows.push(((day, time), vec![done])),
        }
    }
    windows.into_iter().rev().find(|(start, _)| holds(*start, day, time)).map(|(_, rides)| rides).unwrap_or_default()
}

fn same_span(span: Span, a: Day, b: Day) -> bool {
    let date = |day: Day| day.civil().expect("a date");
    let (first, second) = (date(a), date(b));
    match span {
        Span::Day => a == b,
        Span::Week => {
            let monday = |day: Day| day.0 - i32::from(date(day).weekday().to_monday_zero_offset());
            monday(a) == monday(b)
        }
        Span::Month => (first.year(), first.month()) == (second.year(), second.month()),
        Span::Year => first.year() == second.year(),
        Span::Ever => true,
        Span::Days(_) | Span::Millis(_) => unreachable!("not of the calendar"),
    }
}

/// The rides of the run under way, from the one that opened it.
fn run<'d>(name: &str, before: &'d [Done]) -> Vec<&'d Done> {
    let place = |done: &Done| done.marks.get(name).map(|mark| mark.place);
    let Some(begin) = before.iter().rposition(|done| place(done) == Some(Place::Opens)) else { return Vec::new() };
    before[begin..].iter().filter(|done| matches!(place(done), Some(Place::Opens | Place::Joins))).collect()
}

fn last_ms(run: &[&Done], name: &str) -> i64 {
    run.iter().rev().find_map(|done| done.marks[name].last_ms).expect("the first ride of a run moves its window")
}

fn joins(naive: &Naive<'_>, version: &Version, transfer: &Transfer, ride: &Ride, run: &[&Done], name: &str) -> bool {
    let Some(last) = run.last() else { return false };
    let (entry, exit) = (ride.facts.entry.0, ride.facts.exit.0);
    let now = if transfer.until_exit { exit } else { entry };
    let (first_ms, last_ms) = (run[0].marks[name].first_ms, last_ms(run, name));
    let reference = match transfer.window_from {
        WindowFrom::LastExit | WindowFrom::LastEntry => last_ms,
        WindowFrom::FirstEntry | WindowFrom::FirstExit => first_ms,
    };
    let in_time = entry >= last_ms && now <= window_end(naive.clock, transfer, reference) && transfer.run_ms.is_none_or(|ms| now - first_ms <= ms);
    let room = run.len() - 1 < transfer.rides_max as usize;
    let (was, is) = (&last.tap, &ride.tap);
    let pair = transfer.pairs.is_empty() || transfer.pairs.contains(&(was.mode, is.mode));
    let operators = transfer.operator_pairs.is_empty() || transfer.operator_pairs.contains(&(was.operator, is.operator));
    let tickets = transfer.ticket_pairs.is_empty() || transfer.ticket_pairs.contains(&(last.facts.ticket, ride.facts.ticket));
    let places = transfer.place_pairs.is_empty() || transfer.place_pairs.contains(&(last.end, ride.begin()));
    let lines = transfer.line_pairs.is_empty() || transfer.line_pairs.contains(&(was.route, is.route));
    let changes = &transfer.changes;
    let same = |a: Symbol, b: Symbol| a == b && a != Symbol::NONE;
    let both_known = was.route != Symbol::NONE && is.route != Symbol::NONE;
    let one_line =
        both_known && (was.route == is.route || (version.lines.contains_key(&was.route) && version.lines.get(&was.route) == version.lines.get(&is.route)));
    let line_good = !changes.line || !one_line || changes.line_again_ms.is_some_and(|ms| entry - last.facts.exit.0 >= ms);
    let back = changes.direction && one_line && was.route != is.route;
    let vehicle_good = !(changes.vehicle && same(was.vehicle, is.vehicle));
    let wrong_operator = if was.operator == is.operator { changes.operator } else { changes.same_operator };
    in_time && room && pair && operators && tickets && places && lines && line_good && !back && vehicle_good && !wrong_operator
}

/// The last instant of a window: the end of its minutes, of the full hour or whatever they lie in, or of the night.
fn window_end(clock: &LocalClock, transfer: &Transfer, reference: i64) -> i64 {
    const MINUTE_MS: i64 = 60_000;
    let mut end = reference + transfer.window_ms;
    let Some(stretch) = transfer.stretch else { return end };
    if let Some(ms) = stretch.rounded_to_ms {
        let local = |end: i64| clock.local_ms(EventTime(end));
        end += (MINUTE_MS - local(end) % MINUTE_MS) % MINUTE_MS;
        while local(end) % ms != 0 {
            end += MINUTE_MS;
        }
    }
    if let Some(range) = stretch.until {
        let today = clock.calendar_day(EventTime(reference));
        let after_midnight = if range.last_ms < range.from_ms { DAY_MS } else { 0 };
        // The night may have begun yesterday.
        for day in [Day(today.0 - 1), today] {
            let at = |ms: i64| clock.instant(day.start_local_ms() + ms).0;
            if (at(range.from_ms)..=at(range.last_ms + after_midnight)).contains(&reference) {
                end = end.max(at(range.last_ms + after_midnight));
            }
        }
    }
    end
}

/// The fare of all metres of a run and of this ride, or from its beginning to this ride's end; and whose it is.
fn through(version: &Version, transfer: &Transfer, ride: &Ride, run: &[&Done], due: i64, before: Symbol) -> (i64, Symbol) {
    let so_far: i64 = run.iter().map(|done| done.length.unwrap_or(0)).sum();
    let began = run.first().map_or(ride.facts.from, |first| first.facts.from);
    let fare_by = |price: &StationPrice| match &price.stations {
        Stations::Distance { steps, .. } => ride.length.and_then(|length| stepped(steps, so_far + length)),
        _ => table_fare(price, began, ride.facts.to),
    };
    let named = version.base.iter().filter_map(|base| if let BasePrice::Stations(price) = &base.price { Some(&**price) } else { None });
    let earlier = if before == Symbol::NONE { None } else { named.into_iter().find(|price| price.rule == before) };
    let asked = match transfer.through_by {
        ThroughBy::Own => [ride.priced_by, None],
        ThroughBy::First => [earlier, ride.priced_by],
        ThroughBy::Dearest => [ride.priced_by, earlier],
    };
    let mut fares: Vec<(i64, Symbol)> = asked.into_iter().flatten().filter_map(|price| Some((fare_by(price)?, price.rule))).collect();
    if transfer.through_by == ThroughBy::Dearest {
        // The last of equal ones.
        return fares.into_iter().max_by_key(|(fare, _)| *fare).unwrap_or((due + ride.facts.list_minor, before));
    }
    if fares.is_empty() { (due + ride.facts.list_minor, before) } else { fares.remove(0) }
}

/// Where a ride stands in the rule's runs.
fn place(naive: &Naive<'_>, version: &Version, adjust: &Adjust, ride: &Ride, before: &[Done], settled_minor: i64, mark: &mut Mark) {
    let AdjustRule::Transfer(transfer) = &adjust.rule else { return };
    let name = &adjust.name;
    let run = run(name, before);
    let (entry, exit) = (ride.facts.entry.0, ride.facts.exit.0);
    if !run.is_empty() && entry < last_ms(&run, name) {
        return;
    }
    let joined = joins(naive, version, transfer, ride, &run, name);
    let moves = transfer.opening == Opening::Any || settled_minor > 0;
    if !joined && !moves {
        return;
    }
    mark.place = if joined { Place::Joins } else { Place::Opens };
    mark.first_ms = if transfer.window_from == WindowFrom::FirstExit { exit } else { entry };
    mark.last_ms = moves.then_some(if transfer.window_from == WindowFrom::LastEntry { entry } else { exit });
    let Some(price) = ride.priced_by else {
        (mark.due_minor, mark.rule) = if joined { (run[run.len() - 1].marks[name].due_minor, run[run.len() - 1].marks[name].rule) } else { (0, Symbol::NONE) };
        mark.due_minor += ride.facts.list_minor;
        return;
    };
    if joined {
        let last = run[run.len() - 1].marks[name];
        let (fare, rule) = through(version, transfer, ride, &run, last.due_minor, last.rule);
        mark.due_minor = last.due_minor.max(fare);
        mark.rule = if transfer.through_by == ThroughBy::Dearest { rule } else { last.rule };
    } else {
        mark.rule = price.rule;
        mark.due_minor = if price.alone_minor.is_some() { ride.facts.list_minor } else { through(version, transfer, ride, &[], 0, Symbol::NONE).0.max(0) };
    }
}

/// A whole amount over the reductions in proportion: each its floor, and what is left one by one to the largest remainders.
pub fn shares(total_minor: i64, reductions: &[(Symbol, Fraction)]) -> Vec<(Symbol, i64)> {
    let sum = reductions.iter().fold(Fraction::ZERO, |sum, (_, reduction)| sum + *reduction);
    let exact: Vec<Fraction> = reductions.iter().map(|(_, reduction)| Fraction::whole(total_minor) * reduction.over(sum)).collect();
    let remainder = |at: usize| exact[at] - Fraction::whole(exact[at].floor());
    let mut shares: Vec<i64> = exact.iter().map(|share| share.floor()).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| {
        if remainder(b).is_less_than(remainder(a)) {
            Ordering::Less
        } else if remainder(a).is_less_than(remainder(b)) {
            Ordering::Greater
        } else {
            a.cmp(&b)
        }
    });
    let left = usize::try_from(total_minor - shares.iter().sum::<i64>()).expect("floors are not more than the whole");
    for &at in order.iter().take(left) {
        shares[at] += 1;
    }
    assert_eq!(shares.iter().sum::<i64>(), total_minor, "a split loses nothing");
    reductions.iter().map(|(funder, _)| *funder).zip(shares).filter(|(_, share)| *share != 0).collect()
}
