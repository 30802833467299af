//! Journeys from place to place: a tap-on waits for its tap-off, and what a journey without one of them costs.
//!
//! The tariff at the tap-on prices the whole journey, and its service day is the tap-on's.

use super::ride::Ride;
use super::{Abandoned, AccountState, Fold, OpenTap, Recorder, Step};
use crate::tariff::{Base, BasePrice, Rules, StationPrice, Version};
use domain::{Flags, RecordKind};

impl Fold<'_> {
    /// `ride` is what the tap-off alone says; `base` is for it, and so are the version and its rules.
    pub(super) fn tap_off<'r, R: Recorder>(
        &self,
        state: &mut AccountState,
        ride: &mut Ride<'r>,
        (base, price): (&'r Base, &'r StationPrice),
        (version, rules): (&'r Version, &'r Rules),
        recorder: &mut R,
    ) -> Step
    where
        Self: 'r,
    {
        let tap = ride.tap;
        let mut abandoned = None;
        let open = match state.end_wait() {
            Some(open) if price.journey_max_ms.is_some_and(|max| tap.time.0 - open.tap.time.0 > max) => {
                abandoned = Some(Box::new(self.give_up(state, *open, recorder)));
                None
            }
            open => open,
        };
        let Some(open) = open else {
            let mut step = self.without_tap_on(state, ride, (base, price), (version, rules), recorder);
            step.abandoned = abandoned;
            return step;
        };
        let on = &open.tap;
        let (version, rules) = match self.version_at(on.time) {
            Some(then) if !std::ptr::eq(then, version) => (then, then.plan.rules(tap.kind, tap.mode, tap.operator)),
            _ => (version, rules),
        };
        (ride.facts.from, ride.facts.entry, ride.service_day) = (on.location, on.time, on.service_day);
        let (base, price) = match self.base(version, rules, &ride.facts) {
            Some(found @ Base { price: BasePrice::Stations(price), .. }) => (found, price.as_ref()),
            _ => (base, price),
        };
        ride.facts.ticket = base.ticket;
        let mut list_minor = between(ride, price);
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
        state.keep_room(open);
        self.adjusted(state, version, rules, ride, recorder)
    }

    fn without_tap_on<'r, R: Recorder>(
        &self,
        state: &mut AccountState,
        ride: &mut Ride<'r>,
        (base, price): (&'r Base, &'r StationPrice),
        (version, rules): (&Version, &Rules),
        recorder: &mut R,
    ) -> Step {
        let tap = ride.tap;
        (ride.facts.complete, ride.facts.ticket) = (false, base.ticket);
        let begun = price.completion.and_then(|completion| self.complete(state, completion, (None, Some(tap.location)), tap.service_day));
        let list_minor = if let Some(from) = begun {
            ride.facts.from = from;
            between(ride, price)
        } else {
            ride.facts.zones = price.zones.all;
            ride.incomplete = price.incomplete;
            price.no_tap_on_minor
        };
        ride.flags.set(Flags::NO_TAP_ON);
        recorder.base(&base.name, list_minor);
        ride.facts.list_minor = list_minor;
        self.adjusted(state, version, rules, ride, recorder)
    }

    /// A journey without an end costs what the tariff of its tap-on says.
    pub(super) fn give_up<R: Recorder>(&self, state: &mut AccountState, open: OpenTap, recorder: &mut R) -> Abandoned {
        let tap = &open.tap;
        let flags = Flags::RIDE.with(Flags::NO_TAP_OFF);
        let Some(version) = self.version_at(tap.time) else {
            return Abandoned { fare: super::Fare { service_day: tap.service_day, flags, ..super::Fare::default() }, extras: None, open };
        };
        let rules = version.plan.rules(RecordKind::TapOn, tap.mode, tap.operator);
        let mut ride = Ride::of(tap);
        ride.facts.complete = false;
        let base = self.base(version, rules, &ride.facts);
        ride.facts.ticket = base.map_or(domain::Symbol::NONE, |base| base.ticket);
        let price = base.and_then(|base| if let BasePrice::Stations(price) = &base.price { Some(price.as_ref()) } else { None });
        let completion = price.and_then(|price| price.completion);
        let ended = completion.and_then(|completion| self.complete(state, completion, (Some(tap.location), None), tap.service_day));
        let list_minor = match (ended, price) {
            (Some(to), Some(price)) => {
                ride.facts.to = to;
                between(&mut ride, price)
            }
            (_, price) => {
                ride.facts.zones = price.map(|price| price.zones.all).unwrap_or_default();
                ride.incomplete = price.map(|price| price.incomplete).unwrap_or_default();
                open.no_tap_off_minor
            }
        };
        ride.flags = ride.flags.with(flags);
        recorder.base(base.map_or("", |base| &base.name), list_minor);
        ride.facts.list_minor = list_minor;
        let Step { fare, extras, .. } = self.adjusted(state, version, rules, &ride, recorder);
        Abandoned { fare: fare.expect("an adjusted ride has its fare"), extras, open }
    }
}

/// The list price of a ride between its two places, and what the way says of it.
pub(super) fn between<'r>(ride: &mut Ride<'r>, price: &'r StationPrice) -> i64 {
    let (from, to) = (ride.facts.from, ride.facts.to);
    let way = price.way(from, to);
    ride.facts.zones = way.zones;
    if !way.ticket.is_none() {
        ride.facts.ticket = way.ticket;
    }
    ride.length = way.length;
    ride.priced_by = Some(price);
    let mut fare_minor = way.fare_minor;
    if let Some(alone_minor) = price.alone_minor {
        fare_minor = fare_minor.map(|_| alone_minor);
    }
    if from == to {
        ride.flags.set(Flags::SAME_STATION);
        if price.same_station_minor.is_some() && price.same_station_ms.is_none_or(|ms| ride.facts.exit.0 - ride.facts.entry.0 <= ms) {
            fare_minor = price.same_station_minor;
        }
    }
    fare_minor.unwrap_or_else(|| {
        ride.flags.set(Flags::UNKNOWN_PAIR);
        price.unknown_pair_minor
    })
}
