//! The rides of one account over all its days, by the naive judge of prices, from the beginning at every close.

use super::refunds::waits_for_original;
use super::{Case, Price, Ruling, Settled, Want, event_key};
use crate::naive::{Event, Naive, Priced};
use domain::{Day, Flags, Reason, Record, RecordId, SymbolTable};
use engine::price::Tap;
use engine::scheme::Scheme;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that has been cleared of an account, in event order, as it was before any price.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    cases: Vec<Case>,
}

/// What becomes of a record that a closed day took in: what its ride costs now, and what was settled for it.
pub struct Again {
    pub case: Case,
    pub settled: Option<Settled>,
}

impl Memory {
    /// Forgets a record, which counts no more.
    pub fn forget(&mut self, record: &Record) -> Option<Case> {
        let at = self.cases.iter().position(|case| case.record.same_content(record))?;
        Some(self.cases.remove(at))
    }

    /// Prices all of the account's cleared records, and gives up journeys that are open too long. `days` are all clearing
    /// days up to this one. Returns the records of closed days whose ride costs something else than was settled.
    pub fn fold(&mut self, scheme: &Scheme, symbols: &SymbolTable, days: &[Day], own: &mut [&mut Case], settled: &BTreeMap<RecordId, Settled>) -> Vec<Again> {
        let mut today = BTreeSet::new();
        for case in own.iter() {
            if case.finding.reason == Reason::Cleared && !waits_for_original(case.record.kind) {
                today.insert(case.record.id());
                self.cases.push(Case::clone(case));
            }
        }
        self.cases.sort_by_cached_key(|case| event_key(&case.record, symbols));
        let nobody = self.cases.iter().any(|case| case.finding.account.is_empty());
        let mut ends: Vec<_> = days.iter().map(|day| scheme.clock.day_end(*day)).collect();
        let (mut events, mut place) = (Vec::new(), BTreeMap::new());
        for (at, case) in self.cases.iter().enumerate() {
            while !nobody && ends.first().is_some_and(|end| *end <= case.record.time) {
                events.push(Event::DayEnd(ends.remove(0)));
            }
            place.insert(events.len(), at);
            events.push(Event::Tap(tap_of(scheme, case)));
        }
        if nobody {
            events.push(Event::Never);
        } else {
            events.extend(ends.into_iter().map(Event::DayEnd));
        }
        let mut rides: BTreeMap<usize, Priced> = BTreeMap::new();
        for ride in (Naive { tariff: &scheme.tariff, clock: &scheme.clock }).price(&events) {
            rides.insert(place[&ride.tap], ride);
        }
        let mut again = Vec::new();
        for (at, case) in self.cases.iter().enumerate() {
            let (id, ride) = (case.record.id(), rides.get(&at));
            if today.contains(&id) {
                let case = own.iter_mut().find(|own| own.record.id() == id && own.finding.reason == Reason::Cleared).expect("today's");
                if let Some(ride) = ride {
                    book(case, ride);
                }
                continue;
            }
            let settled = settled.get(&id).cloned();
            let mut case = case.clone();
            if let Some(ride) = ride {
                book(&mut case, ride);
                case.service_day = ride.fare.service_day;
            }
            keep_grants(&mut case, settled.as_ref());
            again.push(Again { case, settled });
        }
        again
    }
}

/// A ride of a closed day whose record counts no more: it costs nothing, and gives back what it was granted.
pub fn taken_back(case: Case, settled: Settled) -> Again {
    let mut case = Case { price: None, wants: Vec::new(), flags: Flags(case.finding.flags.0 & Flags::HOTLISTED.0).with(Flags::WITHDRAWN), ..case };
    keep_grants(&mut case, Some(&settled));
    Again { case, settled: Some(settled) }
}

/// What the ride was granted before stays granted, as far as it still claims it; it claims anew only what is more.
fn keep_grants(case: &mut Case, settled: Option<&Settled>) {
    let before: Vec<Want> = settled.map(|settled| settled.wants.clone()).unwrap_or_default();
    for old in &before {
        let now = case.wants.iter().find(|want| want.claim.rule == old.claim.rule).map_or(0, |want| want.claim.amount_minor);
        let granted = old.kept + old.given;
        if granted > now {
            case.returned.push((old.claim.rule.clone(), granted - now));
        }
    }
    for want in &mut case.wants {
        let old = before.iter().find(|old| old.claim.rule == want.claim.rule);
        let (claimed, granted) = old.map_or((0, 0), |old| (old.claim.amount_minor, old.kept + old.given));
        let now = want.claim.amount_minor;
        want.kept = granted.min(now);
        want.more = if now > claimed { now - claimed } else { 0 };
        let refused = now - want.kept - want.more;
        let price = case.price.as_mut().expect("what claims is a ride");
        price.charged_minor += refused;
        *price.discounts.get_mut(&want.claim.funder).expect("a claim's funder bears it") -= refused;
    }
}

fn tap_of(scheme: &Scheme, case: &Case) -> Tap {
    let (record, finding) = (&case.record, &case.finding);
    let card = scheme.card(&record.card);
    let medium = if record.medium.is_none() { card.map_or(domain::Symbol::NONE, |card| card.medium) } else { record.medium };
    Tap {
        terminal: record.terminal,
        mode: finding.mode,
        operator: finding.earner,
        issuer: finding.issuer,
        earner: finding.earner,
        class: finding.class,
        medium,
        product: finding.product,
        location: record.location,
        from: record.from,
        route: record.route,
        vehicle: record.vehicle,
        birth: card.and_then(|card| card.birth_date),
        amount_minor: record.amount_minor,
        charged_minor: record.charged_minor,
        ..Tap::blank(record.kind, record.time, case.service_day)
    }
}

fn book(case: &mut Case, ride: &Priced) {
    let fare = &ride.fare;
    let fresh = |claim: &crate::naive::rules::Claimed| Want { claim: claim.clone(), kept: 0, more: claim.amount_minor, given: 0 };
    case.wants = ride.claims.iter().map(fresh).collect();
    case.flags = case.flags.with(Flags(fare.flags.0 & !Flags::RIDE.0));
    case.service_day = fare.service_day;
    let finding = &case.finding;
    let discounts = fare.discounts.iter().filter(|discount| discount.amount_minor != 0).map(|discount| (discount.funder, discount.amount_minor)).collect();
    let (list_minor, charged_minor) = (fare.list_minor, fare.charged_minor);
    let (issuer, earner, product, fee_day) = (finding.issuer, finding.earner, finding.product, fare.service_day);
    case.price = Some(Price { issuer, earner, product, list_minor, charged_minor, fee_minor: 0, fee_day, discounts });
}

/// The rulings of today on a record of a closed day: a journey that ended today without a tap-off, the difference to what was
/// settled, or nothing. The fee is the one that the ride bears now.
pub fn again_rulings(again: &Again, day: Day, fee_minor: i64) -> Vec<Ruling> {
    let Again { case, settled } = again;
    let Some(settled) = settled else {
        let price = case.price.iter().map(|price| Price { fee_minor, fee_day: case.service_day, ..price.clone() });
        let flags = Flags::RIDE.with(Flags::CARRIED).with(case.flags);
        let (record, reason, service_day) = (case.record, Reason::Cleared, case.service_day);
        return price.map(|price| Ruling { record, reason, flags, service_day, held_since: day, price }).collect();
    };
    let old = &settled.price;
    let nothing = Price { issuer: old.issuer, earner: old.earner, product: old.product, ..Price::default() };
    // A journey that turns out to have begun on another day stays with the day of its line.
    let fee_day = settled.service_day;
    let new = case.price.as_ref().map_or_else(|| Price { fee_day, ..nothing.clone() }, |price| Price { fee_minor, fee_day, ..price.clone() });
    difference(case.record, case.flags, settled, &new)
}

/// What leads from what was settled to a new price, as rulings.
pub fn difference(record: Record, flags: Flags, settled: &Settled, new: &Price) -> Vec<Ruling> {
    let old = &settled.price;
    let nothing = Price { issuer: old.issuer, earner: old.earner, product: old.product, fee_day: old.fee_day, ..Price::default() };
    let (service_day, held_since) = (settled.service_day, settled.day);
    let flags = flags.with(Flags::RIDE).with(Flags::CARRIED).with(Flags::CORRECTS);
    let ruling = |price: Price| Ruling { record, reason: Reason::Cleared, flags, service_day, held_since, price };
    let less = |left: &Price, right: &Price| {
        let mut discounts = left.discounts.clone();
        right.discounts.iter().for_each(|(funder, amount)| *discounts.entry(*funder).or_default() -= amount);
        discounts.retain(|_, amount| *amount != 0);
        Price {
            list_minor: left.list_minor - right.list_minor,
            charged_minor: left.charged_minor - right.charged_minor,
            fee_minor: left.fee_minor - right.fee_minor,
            discounts,
            ..nothing.clone()
        }
    };
    let difference = less(new, old);
    if difference == nothing {
        return Vec::new();
    }
    if difference.discounts.len() <= domain::decision::FUNDERS_MAX {
        return vec![ruling(difference)];
    }
    vec![ruling(less(&nothing, old)), ruling(less(new, &nothing))]
}
