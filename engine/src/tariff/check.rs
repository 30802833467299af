//! What takes several rules to see: gaps, rules that never apply, caps below fares, more funders than a ride can have.
//!
//! Asked only of a version whose rules could all be read.

use super::{Adjust, AdjustRule, Base, BasePrice, Effect, Funder, Plan, Rate, Reading, Stack, Stations, Version};
use crate::mistake::Mistakes;
use domain::decision::FUNDERS_MAX;
use domain::{RecordKind, Symbol};

/// Where the rules of a version stand.
pub struct Lines<'l> {
    pub file: &'l str,
    pub base: &'l [Option<u32>],
    pub adjust: &'l [Option<u32>],
}

/// Percentages that may meet on one ride multiply; beyond this their exact product would leave the fold's integers.
const DENOMINATOR_MAX: i128 = 10_000_000_000;

pub fn version(version: &Version, lines: &Lines<'_>, mistakes: &mut Mistakes) {
    let plan = Plan::of(&version.base, &version.adjust);
    bases(version, &plan, lines, mistakes);
    unused(version, &plan, lines, mistakes);
    caps(version, &plan, lines, mistakes);
    for (at, adjust) in version.adjust.iter().enumerate() {
        one_adjust(version, at, adjust, lines, mistakes);
    }
    let funders = most_funders(&version.adjust);
    if funders > FUNDERS_MAX {
        let message = format!("{funders} funders could share one ride; at most {FUNDERS_MAX} can");
        mistakes.add(lines.file, Some(1), message, Some("let fewer parties fund the adjustments of one kind of ride"));
    }
    if plan.all().map(|(_, rules)| denominator(version, &rules.adjusts) * denominator(version, &rules.incentives)).any(|product| product > DENOMINATOR_MAX) {
        let todo = "write round percentages, or let rules be chosen between (stack = \"cheapest\") rather than multiplied";
        mistakes.add(lines.file, Some(1), "more percentages could meet on one ride than can be multiplied exactly", Some(todo));
    }
}

/// Prices for every ride of a kind, and both ends of journeys.
fn bases(version: &Version, plan: &Plan, lines: &Lines<'_>, mistakes: &mut Mistakes) {
    for (base, line) in version.base.iter().zip(lines.base) {
        let condition = &base.scope.condition;
        if condition.zones.is_some()
            || condition.touches.is_some()
            || condition.list_from_minor.is_some()
            || condition.list_to_minor.is_some()
            || !condition.tickets.is_empty()
        {
            let message = format!("base rule `{}` asks for what only its price tells", base.name);
            mistakes.add(lines.file, *line, message, Some("zones, tickets and list amounts are conditions of [[adjust]]"));
        }
        if condition.complete.is_some() {
            mistakes.add(
                lines.file,
                *line,
                format!("base rule `{}` asks whether the journey is complete", base.name),
                Some("no_tap_on_minor and no_tap_off_minor say what others cost"),
            );
        }
        let has = |kind| base.scope.kinds.contains(&kind);
        if matches!(base.price, BasePrice::Stations(_)) && has(RecordKind::TapOn) != has(RecordKind::TapOff) {
            let message = format!("base rule `{}` prices journeys from place to place and is for one of their ends only", base.name);
            mistakes.add(lines.file, *line, message, Some("kinds = [\"tap-on\", \"tap-off\"]"));
        }
    }
    let mut told: Vec<u16> = Vec::new();
    for (kind, rules) in plan.all() {
        let Some(&last) = rules.bases.last() else { continue };
        let base = version.base.get(usize::from(last));
        if let Some(base) = base.filter(|base| !base.scope.condition.is_empty() && !told.contains(&last)) {
            told.push(last);
            let message = format!("a {} that does not meet the conditions of base rule `{}` has no price", kind.name(), base.name);
            let line = lines.base.get(usize::from(last)).copied().flatten();
            mistakes.add(lines.file, line, message, Some("add a last base rule without conditions"));
        }
    }
}

fn unused(version: &Version, plan: &Plan, lines: &Lines<'_>, mistakes: &mut Mistakes) {
    let mut reached = vec![false; version.base.len()];
    let mut priced = vec![false; version.adjust.len()];
    for (_, rules) in plan.all() {
        for &at in &rules.bases {
            if let Some(reached) = reached.get_mut(usize::from(at)) {
                *reached = true;
            }
            if version.base.get(usize::from(at)).is_some_and(|base| base.scope.condition.is_empty()) {
                break;
            }
        }
        for &at in rules.adjusts.iter().chain(&rules.incentives).filter(|_| !rules.bases.is_empty()) {
            if let Some(priced) = priced.get_mut(usize::from(at)) {
                *priced = true;
            }
        }
    }
    for ((base, line), _) in version.base.iter().zip(lines.base).zip(&reached).filter(|(_, reached)| !**reached) {
        let message = format!("base rule `{}` is never reached: rules before it price all that it is for", base.name);
        mistakes.add(lines.file, *line, message, Some("write the narrower rule first"));
    }
    for ((adjust, line), _) in version.adjust.iter().zip(lines.adjust).zip(&priced).filter(|(_, priced)| !**priced) {
        let message = format!("adjustment `{}` is for no ride that has a price", adjust.name);
        mistakes.add(lines.file, *line, message, Some("compare its kinds, modes and operators with those of the base rules"));
    }
}

/// A cap for all rides that is below a single one's price.
fn caps(version: &Version, plan: &Plan, lines: &Lines<'_>, mistakes: &mut Mistakes) {
    let mut told: Vec<u16> = Vec::new();
    for (_, rules) in plan.all() {
        for &at in &rules.adjusts {
            let Some(Adjust { name, scope, rule: AdjustRule::Cap(cap), .. }) = version.adjust.get(usize::from(at)) else { continue };
            let bases = rules.bases.iter().filter_map(|&at| version.base.get(usize::from(at)));
            let low = bases.filter_map(|base| Some((base, lowest(base)?))).find(|&(_, lowest)| cap.amount_minor.is_some_and(|cap| cap < lowest));
            if let Some((base, lowest)) = low.filter(|_| scope.condition.is_empty() && !told.contains(&at)) {
                told.push(at);
                let message = format!("cap `{name}` is below one ride: `{}` costs {lowest} or more", base.name);
                mistakes.add(lines.file, lines.adjust.get(usize::from(at)).copied().flatten(), message, Some("amounts are in minor units: 2000 for 20.00"));
            }
        }
    }
}

/// The least that a base rule charges for a usual ride.
fn lowest(base: &Base) -> Option<i64> {
    match &base.price {
        BasePrice::Flat { amount_minor } => Some(*amount_minor),
        BasePrice::Stations(price) if price.alone_minor.is_some() => price.alone_minor,
        BasePrice::Stations(price) => match &price.stations {
            Stations::Fares(fares) => fares.smallest(),
            Stations::Zones => price.zones.fares.values().map(|&(fare, _)| fare).min(),
            Stations::Distance { steps, .. } => steps.fare_minor(0),
        },
        BasePrice::Stated { .. } | BasePrice::Free | BasePrice::Nothing => None,
    }
}

fn one_adjust(version: &Version, at: usize, adjust: &Adjust, lines: &Lines<'_>, mistakes: &mut Mistakes) {
    let line = lines.adjust.get(at).copied().flatten();
    match &adjust.rule {
        AdjustRule::Discount(discount) => {
            if discount.quota.is_some_and(|quota| quota.amount_minor.is_some()) {
                mistakes.add(
                    lines.file,
                    line,
                    format!("the quota of `{}` is of money", adjust.name),
                    Some("a discount's quota counts rides; an incentive's limits may be of money"),
                );
            }
        }
        AdjustRule::Transfer(transfer) => {
            let from_place_to_place = |base: &Base| matches!(&base.price, BasePrice::Stations(_));
            if transfer.effect == Effect::Through && !version.base.iter().any(from_place_to_place) {
                let message = format!("`{}` makes one fare of all legs, and no base rule goes from place to place", adjust.name);
                mistakes.add(lines.file, line, message, Some("price = \"distance\" with steps, or a table"));
            }
        }
        AdjustRule::Incentive(incentive) => {
            if incentive.budget_minor.is_some() && adjust.funders.len() > 1 {
                mistakes.add(lines.file, line, format!("`{}` has a budget and several funders", adjust.name), Some("write an incentive for each funder"));
            }
        }
        AdjustRule::Tier(tier) if tier.reading == Reading::Marginal && !tier.counts_list => {
            let later = || version.adjust.iter().enumerate().skip(at + 1);
            let beside = |other: usize| version.adjust.get(at..=other).is_some_and(|all| all.iter().all(|adjust| adjust.stack == Stack::Cheapest));
            let lowers = |other: &Adjust| matches!(other.rule, AdjustRule::Discount(_) | AdjustRule::Transfer(_)) && !other.unless.contains(&at);
            if let Some((_, other)) = later().find(|(place, other)| lowers(other) && !beside(*place) && may_meet(adjust, other)) {
                let message = format!("tier `{}` lays what is paid against its steps, and `{}` still lowers that", adjust.name, other.name);
                let todo = "write the tier after what lowers the price, or counts = \"list\"";
                mistakes.add(lines.file, line, message, Some(todo));
            }
        }
        AdjustRule::Cap(_) | AdjustRule::Tier(_) | AdjustRule::Surcharge { .. } => {}
    }
}

/// Whether two rules may be for one ride, as far as their kinds, classes and media tell.
fn may_meet(one: &Adjust, other: &Adjust) -> bool {
    let (a, b) = (&one.scope.condition, &other.scope.condition);
    let meet = |a: &[Symbol], b: &[Symbol], not_a: &[Symbol], not_b: &[Symbol]| {
        let common = |word: &Symbol| (b.is_empty() || b.contains(word)) && !not_a.contains(word) && !not_b.contains(word);
        a.is_empty() && b.is_empty() || (if a.is_empty() { b } else { a }).iter().any(common)
    };
    let (kinds, other_kinds) = (&one.scope.kinds, &other.scope.kinds);
    (kinds.is_empty() || other_kinds.is_empty() || kinds.iter().any(|kind| other_kinds.contains(kind)))
        && meet(&a.classes, &b.classes, &a.not_classes, &b.not_classes)
        && meet(&a.media, &b.media, &a.not_media, &b.not_media)
}

/// The product of all percentages' denominators that could meet; of neighbours of which the cheapest wins, the largest.
fn denominator(version: &Version, adjusts: &[u16]) -> i128 {
    let (mut product, mut group) = (1i128, 1i128);
    for adjust in adjusts.iter().filter_map(|&at| version.adjust.get(usize::from(at))) {
        let of = |rate: Rate| i128::from(rate.denominator);
        let own = match &adjust.rule {
            AdjustRule::Discount(discount) => rate_of(discount.effect).map_or(1, of),
            AdjustRule::Transfer(transfer) => rate_of(transfer.effect).map_or(1, of),
            AdjustRule::Incentive(incentive) => rate_of(incentive.effect).map_or(1, of),
            AdjustRule::Tier(tier) => tier.steps.iter().map(|&(_, rate)| of(rate)).max().unwrap_or(1),
            AdjustRule::Cap(_) | AdjustRule::Surcharge { .. } => 1,
        };
        if adjust.stack == Stack::Cheapest {
            group = group.max(own);
        } else {
            product = product.saturating_mul(group).saturating_mul(own);
            group = 1;
        }
    }
    product.saturating_mul(group)
}

const fn rate_of(effect: Effect) -> Option<Rate> {
    if let Effect::Rate(rate) = effect { Some(rate) } else { None }
}

/// The most parties that could fund one ride: over every kind, mode, operator, class and medium that a rule tells apart.
fn most_funders(adjust: &[Adjust]) -> usize {
    let told_apart = |names: &dyn Fn(&Adjust) -> Vec<Symbol>| -> Vec<Symbol> {
        let mut all: Vec<Symbol> = adjust.iter().flat_map(names).chain([Symbol::NONE]).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let classes = told_apart(&|adjust| [adjust.scope.condition.classes.as_slice(), &adjust.scope.condition.not_classes].concat());
    let media = told_apart(&|adjust| [adjust.scope.condition.media.as_slice(), &adjust.scope.condition.not_media].concat());
    let plan = Plan::of(&[], adjust);
    let mut most = 0;
    for (_, rules) in plan.all() {
        for &class in &classes {
            for &medium in &media {
                let applies = |adjust: &&Adjust| {
                    let condition = &adjust.scope.condition;
                    let has = |list: &[Symbol], word| list.is_empty() || list.contains(&word);
                    has(&condition.classes, class)
                        && !condition.not_classes.contains(&class)
                        && has(&condition.media, medium)
                        && !condition.not_media.contains(&medium)
                };
                let all = rules.adjusts.iter().chain(&rules.incentives).filter_map(|&at| adjust.get(usize::from(at)));
                most = most.max(funders_of(all.filter(applies)));
            }
        }
    }
    most
}

/// The funders of rules that apply together; of neighbours of which the cheapest wins, those of the one with most new ones.
fn funders_of<'a>(adjusts: impl Iterator<Item = &'a Adjust>) -> usize {
    let mut funders: Vec<Funder> = Vec::new();
    let mut group: Vec<Funder> = Vec::new();
    for adjust in adjusts {
        let new: Vec<Funder> = adjust.funders.iter().map(|&(funder, _)| funder).filter(|funder| !funders.contains(funder)).collect();
        if adjust.stack == Stack::Cheapest {
            if new.len() > group.len() {
                group = new;
            }
        } else {
            funders.append(&mut group);
            funders.extend(adjust.funders.iter().map(|&(funder, _)| funder));
            funders.sort_unstable();
            funders.dedup();
        }
    }
    funders.append(&mut group);
    funders.sort_unstable();
    funders.dedup();
    funders.len()
}
