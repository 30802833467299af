//! Base rules: where a ride's list price comes from.

use super::{Funder, Matrix, Scope, Steps, ZoneSet, Zones};
use domain::Symbol;

#[derive(Clone, Debug)]
pub struct Base {
    pub name: String,
    pub scope: Scope,
    pub price: BasePrice,
    /// What kind of ticket its price is of, where its table does not say.
    pub ticket: Symbol,
    /// Whether it has no condition.
    pub for_all: bool,
    /// The purses that a record which it prices fills or empties.
    pub fills: Vec<Fill>,
}

/// What a record does to a purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The purse's place in an account's memory.
    pub slot: u16,
    /// So many rides more; `None`: none any more.
    pub rides: Option<u32>,
}

#[derive(Clone, Debug)]
pub enum BasePrice {
    /// One price for one tap.
    Flat { amount_minor: i64 },
    /// From place to place: decided at the tap-off, or by a journey that names both its ends.
    Stations(Box<StationPrice>),
    /// The terminal's amount is the list price, and its charge (where it states one) stands. The difference is a discount
    /// of `funder`. A list price other than the audited one is flagged as a variance.
    Stated { funder: Funder, audit: Option<Audit> },
    /// A ride that costs nothing.
    Free,
    /// No ride: the record is part of one that is priced elsewhere.
    Nothing,
}

/// What the terminal's price is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    Amount {
        minor: i64,
    },
    /// The base rule at this position.
    Rule {
        at: usize,
    },
}

/// How a price follows from two places.
#[derive(Clone, Debug)]
pub enum Stations {
    Fares(Matrix),
    Zones,
    /// Metres or stops, and the fare for them.
    Distance {
        lengths: Matrix,
        steps: Steps,
    },
}

/// Prices between places and the rules for journeys that lack an end.
#[derive(Clone, Debug)]
pub struct StationPrice {
    /// The base rule's name.
    pub rule: Symbol,
    pub stations: Stations,
    /// Zones of places, for prices or for rules that ask which zones a ride touches.
    pub zones: Zones,
    pub no_tap_on_minor: i64,
    pub no_tap_off_minor: i64,
    pub unknown_pair_minor: i64,
    /// What a ride costs alone, whatever its length: that counts in fares for several legs only.
    pub alone_minor: Option<i64>,
    /// `None`: what the table says.
    pub same_station_minor: Option<i64>,
    /// The same-station price is for those that leave within this.
    pub same_station_ms: Option<i64>,
    /// A tap-on is given up as one without a tap-off when the clearing day ends so long after it.
    pub open_ms: i64,
    /// A tap-off later than this after the tap-on is not of the same journey.
    pub journey_max_ms: Option<i64>,
    pub overstay: Option<Overstay>,
    pub incomplete: Incomplete,
    pub completion: Option<Completion>,
}

/// Which adjustments a journey without one of its ends gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Incomplete {
    /// All that cover it.
    #[default]
    Adjusted,
    /// Caps only.
    Capped,
    /// None; it counts in nothing.
    Fixed,
}

/// What a stay longer than allowed costs, outside all adjustments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overstay {
    /// So long is still allowed.
    pub after_ms: i64,
    pub amount_minor: i64,
    /// Instead of the ride's own fare, or on top of it.
    pub instead: bool,
}

/// A missing end is taken from the card's habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// At most once in so many service days.
    pub days: i32,
    /// After so many journeys from (or to) that station that went the same way.
    pub rides_min: u32,
}

/// What two places cost, and what is known of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub fare_minor: Option<i64>,
    /// Metres or stops, where prices go by them.
    pub length: Option<i64>,
    pub zones: ZoneSet,
    /// What the table says of the ticket.
    pub ticket: Symbol,
}

impl StationPrice {
    #[must_use]
    pub fn way(&self, from: Symbol, to: Symbol) -> Way {
        match &self.stations {
            Stations::Fares(fares) => Way { fare_minor: fares.get(from, to), length: None, zones: self.zones_of(from, to), ticket: fares.ticket(from, to) },
            Stations::Zones => match self.zones.fare(from, to) {
                Some((fare_minor, zones)) => Way { fare_minor: Some(fare_minor), zones, ..Way::default() },
                None => Way { zones: self.zones_of(from, to), ..Way::default() },
            },
            Stations::Distance { lengths, steps } => {
                let length = lengths.get(from, to);
                Way { fare_minor: length.and_then(|length| steps.fare_minor(length)), length, zones: self.zones_of(from, to), ..Way::default() }
            }
        }
    }

    /// The zones between two places, the fewest where a place lies in several; all where a place lies in none.
    fn zones_of(&self, from: Symbol, to: Symbol) -> ZoneSet {
        if self.zones.places.is_empty() {
            return ZoneSet::default();
        }
        let zones = |place: Symbol| self.zones.places.get(&place).copied();
        let (Some(from), Some(to)) = (zones(from), zones(to)) else { return self.zones.all };
        let ways = from.zones().flat_map(|from| to.zones().map(move |to| ZoneSet::range(from, to)));
        ways.min_by_key(|zones| (zones.0.count_ones(), *zones)).unwrap_or_default()
    }
}
