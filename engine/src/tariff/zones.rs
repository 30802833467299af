//! Fare zones: which places lie in which, and sets of them.
//!
//! A place may lie in several zones; its fare is then the lowest of those that its zones have. Zones are numbers from 1
//! to 63, so that a set of them is one word.

use domain::Symbol;
use hashbrown::HashMap;

/// Zones 1 to 63 as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZoneSet(pub u64);

pub const ZONE_MAX: u8 = 63;

impl ZoneSet {
    /// From one zone to another, and all between them.
    #[must_use]
    pub fn range(a: u8, b: u8) -> Self {
        Self((a.min(b)..=a.max(b)).fold(0, |bits, zone| bits | 1 << zone))
    }

    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Reads `1-3`, `2` or `1,4-5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let zone = |text: &str| text.trim().parse::<u8>().ok().filter(|zone| (1..=ZONE_MAX).contains(zone));
        let mut set = Self::default();
        for part in text.split([',', '/']) {
            let range = match part.split_once('-') {
                Some((first, last)) => Self::range(zone(first)?, zone(last)?),
                None => zone(part).map(|zone| Self::range(zone, zone))?,
            };
            set.0 |= range.0;
        }
        Some(set)
    }

    /// Its zones in ascending order.
    pub fn zones(self) -> impl Iterator<Item = u8> {
        (1..=ZONE_MAX).filter(move |zone| self.0 & (1 << zone) != 0)
    }
}

/// The zones of places, and what a ride between two zones costs.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    pub places: HashMap<Symbol, ZoneSet, foldhash::fast::FixedState>,
    /// Every zone that a place lies in: where a journey may have been of which an end is not known.
    pub all: ZoneSet,
    /// From zone, to zone: the fare, and the zones that such a ride goes through.
    pub fares: HashMap<(u8, u8), (i64, ZoneSet), foldhash::fast::FixedState>,
}

impl Zones {
    /// The lowest fare among the zones of both places, and the zones that it is for.
    #[must_use]
    pub fn fare(&self, from: Symbol, to: Symbol) -> Option<(i64, ZoneSet)> {
        let (from, to) = (*self.places.get(&from)?, *self.places.get(&to)?);
        from.zones().flat_map(|from| to.zones().map(move |to| (from, to))).filter_map(|pair| self.fares.get(&pair).copied()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_a_border_takes_the_lower_fare() {
        let mut zones = Zones::default();
        let (inner, border, outer) = (Symbol(1), Symbol(2), Symbol(3));
        for (place, text) in [(inner, "1"), (border, "2/3"), (outer, "4")] {
            zones.places.insert(place, ZoneSet::parse(text).expect("zones"));
        }
        for (from, to, fare) in [(1, 2, 280), (1, 3, 340), (3, 4, 190)] {
            zones.fares.insert((from, to), (fare, ZoneSet::range(from, to)));
        }
        assert_eq!(zones.fare(inner, border), Some((280, ZoneSet::range(1, 2))));
        assert_eq!(zones.fare(border, outer), Some((190, ZoneSet::range(3, 4))));
        assert_eq!(zones.fare(outer, border), None);
        assert_eq!(ZoneSet::parse("1-3"), ZoneSet::parse("1,2,3"));
        for wrong in ["", "0", "64", "a", "1-", "1-0"] {
            assert_eq!(ZoneSet::parse(wrong), None, "{wrong}");
        }
    }
}
