//! A ride before its discounts, and what lies between two places.

use domain::{Day, Flags, Symbol};
use engine::price::Tap;
use engine::tariff::{Facts, Incomplete, StationPrice, Stations, StepPrice, Steps, ZoneSet};

#[derive(Clone, Copy)]
pub struct Ride<'t> {
    pub tap: Tap,
    pub facts: Facts,
    pub service_day: Day,
    pub flags: Flags,
    pub length: Option<i64>,
    pub priced_by: Option<&'t StationPrice>,
    pub outside_minor: i64,
    pub incomplete: Option<Incomplete>,
}

impl Ride<'_> {
    /// Where it began; absent where that is not known.
    pub fn begin(&self) -> Symbol {
        if self.incomplete.is_some() && self.flags.has(Flags::NO_TAP_ON) { Symbol::NONE } else { self.facts.from }
    }

    pub fn end(&self) -> Symbol {
        if self.flags.has(Flags::NO_TAP_OFF) && self.priced_by.is_none() { Symbol::NONE } else { self.facts.to }
    }

    pub fn new(tap: &Tap, flags: Flags) -> Self {
        Self { tap: *tap, facts: super::facts_of(tap), service_day: tap.service_day, flags, length: None, priced_by: None, outside_minor: 0, incomplete: None }
    }
}

pub fn between<'t>(tap: &Tap, price: &'t StationPrice, mut facts: Facts, mut flags: Flags) -> Ride<'t> {
    let (from, to) = (facts.from, facts.to);
    let mut length = None;
    if let Stations::Fares(fares) = &price.stations
        && fares.ticket(from, to) != Symbol::NONE
    {
        facts.ticket = fares.ticket(from, to);
    }
    let mut fare = match &price.stations {
        Stations::Distance { lengths, steps } => {
            length = lengths.get(from, to);
            length.and_then(|length| stepped(steps, length))
        }
        _ => table_fare(price, from, to),
    };
    if fare.is_some() && price.alone_minor.is_some() {
        fare = price.alone_minor;
    }
    facts.zones = match (&price.stations, zone_fare(price, from, to)) {
        (Stations::Zones, Some((_, zones))) => zones,
        _ => zones_between(price, from, to),
    };
    if from == to {
        flags.set(Flags::SAME_STATION);
        let in_time = price.same_station_ms.is_none_or(|ms| facts.exit.0 - facts.entry.0 <= ms);
        if price.same_station_minor.is_some() && in_time {
            fare = price.same_station_minor;
        }
    }
    if fare.is_none() {
        flags.set(Flags::UNKNOWN_PAIR);
    }
    facts.list_minor = fare.unwrap_or(price.unknown_pair_minor);
    Ride { facts, length, priced_by: Some(price), ..Ride::new(tap, flags) }
}

/// What a table of places or of zones says of two places.
pub fn table_fare(price: &StationPrice, from: Symbol, to: Symbol) -> Option<i64> {
    match &price.stations {
        Stations::Fares(fares) => fares.get(from, to),
        Stations::Zones => zone_fare(price, from, to).map(|(fare, _)| fare),
        Stations::Distance { .. } => None,
    }
}

/// Walks up the steps.
pub fn stepped(steps: &Steps, length: i64) -> Option<i64> {
    let (mut begin, mut fare) = (0, 0);
    for step in &steps.list {
        let here = step.to.is_none_or(|to| length <= to);
        match step.price {
            StepPrice::Fare { minor } => fare = minor,
            StepPrice::Each { length: each, add_minor } => {
                let end = if here { length } else { step.to.expect("goes on") };
                let mut at = begin;
                while at < end {
                    at += each;
                    fare += add_minor;
                }
            }
        }
        if here {
            return Some(steps.maximum_minor.map_or(fare, |maximum| fare.min(maximum)));
        }
        begin = step.to.expect("goes on");
    }
    None
}

fn zone_fare(price: &StationPrice, from: Symbol, to: Symbol) -> Option<(i64, ZoneSet)> {
    let mut best = None;
    for a in bits(*price.zones.places.get(&from)?) {
        for b in bits(*price.zones.places.get(&to)?) {
            if let Some(&(fare, zones)) = price.zones.fares.get(&(a, b))
                && best.is_none_or(|best| (fare, zones) < best)
            {
                best = Some((fare, zones));
            }
        }
    }
    best
}

/// Every zone of the table.
pub fn anywhere(price: &StationPrice) -> ZoneSet {
    ZoneSet(price.zones.places.values().fold(0, |all, zones| all | zones.0))
}

/// The fewest zones from one place to the other; of equally few, the lower ones.
fn zones_between(price: &StationPrice, from: Symbol, to: Symbol) -> ZoneSet {
    let places = &price.zones.places;
    let ends = match (places.get(&from), places.get(&to)) {
        (Some(&from), Some(&to)) => (from, to),
        _ => return anywhere(price),
    };
    let mut best: Option<(u32, u64)> = None;
    for a in bits(ends.0) {
        for b in bits(ends.1) {
            let set = (a.min(b)..=a.max(b)).fold(0u64, |set, zone| set | 1 << zone);
            if best.is_none_or(|best| (set.count_ones(), set) < best) {
                best = Some((set.count_ones(), set));
            }
        }
    }
    ZoneSet(best.map_or(0, |best| best.1))
}

fn bits(zones: ZoneSet) -> Vec<u8> {
    (1..=63).filter(|zone| zones.0 >> zone & 1 == 1).collect()
}
