//! Journeys from place to place: a tap-on waits for its tap-off, and what a journey without one of them costs.
//!
//! The tariff at the tap-on prices the whole journey, and its service day is the tap-on's.

use super::ride::Ride;
use super::{Abandoned, AccountState, Fold, OpenTap, Recorder, Step, Tap};
use crate::tariff::{Base, BasePrice, Facts, StationPrice, Stations, Version};
use domain::{Flags, RecordKind};

impl<'t> Fold<'t> {
    pub(super) fn tap_off<R: Recorder>(
        &self,
        state: &mut AccountState,
        tap: &Tap,
        (base, price): (&'t Base, &'t StationPrice),
        version: &'t Version,
        recorder: &mut R,
    ) -> Step {
        let mut abandoned = None;
        let open = match state.end_wait() {
            Some(open) if price.journey_max_ms.is_some_and(|max| tap.time.0 - open.tap.time.0 > max) => {
                abandoned = Some(Box::new(self.give_up(state, *open, recorder)));
                None
            }
            open => open,
        };
        let Some(open) = open else {
            let (fare, extras) = self.without_tap_on(state, tap, (base, price), version, recorder);
            return Step { fare: Some(fare), extras, abandoned };
        };
        let on = &open.tap;
        let version = self.version_at(on.time).unwrap_or(version);
        let rules = version.plan.rules(tap.kind, tap.mode, tap.operator);
        let facts = Facts { from: on.location, entry: on.time, ..Ride::facts(tap) };
        let (base, price) = match self.base(version, rules, &facts) {
            Some(found @ Base { price: BasePrice::Stations(price), .. }) => (found, price.as_ref()),
            _ => (base, price),
        };
        let facts = Facts { ticket: base.ticket, ..facts };
        let (mut ride, list_minor) = between(tap, price, facts);
        ride.service_day = on.service_day;
        let mut list_minor = list_minor;
        if let Some(overstay) = price.overstay.filter(|overstay| tap.time.0 - on.time.0 > overstay.after_ms) {
            ride.flags.set(Flags::OVERSTAY);
            ride.outside_minor = overstay.amount_minor;
            if overstay.instead {
                list_minor = 0;
            }
        }
        if price.completion.is_some() {
            self.keep_habit(state, on.location, tap.location, on.service_day);
        }
        recorder.base(&base.name, list_minor);
        if ride.outside_minor != 0 {
            recorder.outside(ride.outside_minor);
        }
        ride.facts.list_minor = list_minor;
        let (fare, extras) = self.adjusted(state, version, rules, &ride, recorder);
        state.keep_room(open);
        Step { fare: Some(fare), extras, abandoned }
    }

    fn without_tap_on<R: Recorder>(
        &self,
        state: &mut AccountState,
        tap: &Tap,
        (base, price): (&'t Base, &'t StationPrice),
        version: &'t Version,
        recorder: &mut R,
    ) -> (super::Fare, Option<Box<super::Extras>>) {
        let rules = version.plan.rules(tap.kind, tap.mode, tap.operator);
        let mut facts = Facts { complete: false, ticket: base.ticket, ..Ride::facts(tap) };
        let begun = price.completion.and_then(|completion| self.complete(state, completion, (None, Some(tap.location)), tap.service_day));
        let (mut ride, list_minor) = if let Some(from) = begun {
            facts.from = from;
            between(tap, price, facts)
        } else {
            facts.zones = price.zones.all;
            (Ride { incomplete: price.incomplete, ..Ride::new(tap, facts) }, price.no_tap_on_minor)
        };
        ride.flags.set(Flags::NO_TAP_ON);
        recorder.base(&base.name, list_minor);
        ride.facts.list_minor = list_minor;
        self.adjusted(state, version, rules, &ride, recorder)
    }

    /// A journey without an end costs what the tariff of its tap-on says.
    pub(super) fn give_up<R: Recorder>(&self, state: &mut AccountState, open: OpenTap, recorder: &mut R) -> Abandoned {
        let tap = &open.tap;
        let flags = Flags::RIDE.with(Flags::NO_TAP_OFF);
        let Some(version) = self.version_at(tap.time) else {
            return Abandoned { fare: super::Fare { service_day: tap.service_day, flags, ..super::Fare::default() }, extras: None, open };
        };
        let rules = version.plan.rules(RecordKind::TapOn, tap.mode, tap.operator);
        let mut facts = Facts { complete: false, ..Ride::facts(tap) };
        let base = self.base(version, rules, &facts);
        facts.ticket = base.map_or(domain::Symbol::NONE, |base| base.ticket);
        let price = base.and_then(|base| if let BasePrice::Stations(price) = &base.price { Some(price.as_ref()) } else { None });
        let completion = price.and_then(|price| price.completion);
        let ended = completion.and_then(|completion| self.complete(state, completion, (Some(tap.location), None), tap.service_day));
        let (mut ride, list_minor) = match (ended, price) {
            (Some(to), Some(price)) => {
                facts.to = to;
                between(tap, price, facts)
            }
            (_, price) => {
                facts.zones = price.map(|price| price.zones.all).unwrap_or_default();
                (Ride { incomplete: price.map(|price| price.incomplete).unwrap_or_default(), ..Ride::new(tap, facts) }, open.no_tap_off_minor)
            }
        };
        ride.flags = ride.flags.with(flags);
        recorder.base(base.map_or("", |base| &base.name), list_minor);
        ride.facts.list_minor = list_minor;
        let (fare, extras) = self.adjusted(state, version, rules, &ride, recorder);
        Abandoned { fare, extras, open }
    }

    /// A journey that one record tells with both its ends.
    pub(super) fn journey<'r>(&self, tap: &'r Tap, price: &'t StationPrice, facts: Facts) -> (Ride<'r>, i64)
    where
        't: 'r,
    {
        between(tap, price, facts)
    }
}

/// The ride between two places and its list price.
fn between<'r>(tap: &'r Tap, price: &'r StationPrice, mut facts: Facts) -> (Ride<'r>, i64) {
    let way = price.way(facts.from, facts.to);
    facts.zones = way.zones;
    if !way.ticket.is_none() {
        facts.ticket = way.ticket;
    }
    let mut ride = Ride::new(tap, facts);
    ride.length = way.length;
    match &price.stations {
        Stations::Distance { steps, .. } => ride.steps = Some(steps),
        Stations::Fares(_) | Stations::Zones => ride.fares = Some(price),
    }
    let mut fare_minor = way.fare_minor;
    if facts.from == facts.to {
        ride.flags.set(Flags::SAME_STATION);
        if price.same_station_minor.is_some() && price.same_station_ms.is_none_or(|ms| facts.exit.0 - facts.entry.0 <= ms) {
            fare_minor = price.same_station_minor;
        }
    }
    let list_minor = fare_minor.unwrap_or_else(|| {
        ride.flags.set(Flags::UNKNOWN_PAIR);
        price.unknown_pair_minor
    });
    (ride, list_minor)
}
