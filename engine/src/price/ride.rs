//! A ride on its way to its price: the tap that decides it, and what its rules may ask.

use super::Tap;
use crate::tariff::{Facts, Incomplete, StationPrice, ZoneSet};
use domain::{Day, Flags, Symbol};

#[derive(Clone)]
pub struct Ride<'t> {
    /// The deciding tap.
    pub tap: &'t Tap,
    pub facts: Facts,
    /// The tap-on's.
    pub service_day: Day,
    pub flags: Flags,
    /// Metres or stops, where they make the price.
    pub length: Option<i64>,
    /// What priced it, where it went from place to place.
    pub priced_by: Option<&'t StationPrice>,
    /// What is charged outside all adjustments.
    pub outside_minor: i64,
    /// Which adjustments a journey that lacks an end gets.
    pub incomplete: Incomplete,
}

impl<'t> Ride<'t> {
    /// Where it began, as far as that is known.
    #[must_use]
    pub const fn begin(&self) -> Symbol {
        if self.flags.has(Flags::NO_TAP_ON) && self.priced_by.is_none() { Symbol::NONE } else { self.facts.from }
    }

    /// Where it ended, as far as that is known.
    #[must_use]
    pub const fn end(&self) -> Symbol {
        if self.flags.has(Flags::NO_TAP_OFF) && self.priced_by.is_none() { Symbol::NONE } else { self.facts.to }
    }

    /// What a tap alone says: a ride of one tap.
    #[inline]
    #[must_use]
    pub fn of(tap: &'t Tap) -> Self {
        Self {
            tap,
            facts: Facts {
                class: tap.class,
                medium: tap.medium,
                product: tap.product,
                issuer: tap.issuer,
                route: tap.route,
                from: if tap.from.is_none() { tap.location } else { tap.from },
                to: tap.location,
                birth: tap.birth,
                entry: tap.time,
                exit: tap.time,
                zones: ZoneSet::default(),
                list_minor: 0,
                ticket: Symbol::NONE,
                complete: true,
            },
            service_day: tap.service_day,
            flags: Flags::RIDE,
            length: None,
            priced_by: None,
            outside_minor: 0,
            incomplete: Incomplete::Adjusted,
        }
    }
}
