//! Oddities: what cleared or was held like anything else, and is worth a look all the same.
//!
//! An oddity changes no outcome and no amount. Its number stands where a record's reason stands in files, and is never
//! reused: the four hundreds are no outcome's.

/// What is odd about two records of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum OddityKind {
    /// Twice at one gate within seconds: a second person may have passed.
    SameGate = 401,
    /// Farther apart than anybody travels in the time between.
    ImpossibleTravel = 402,
    /// A ride without a tap-off that cost less than it would have with one, and not the card's first.
    MissingTapOffs = 403,
    /// The card's counter stands where it stood in another record.
    CounterRepeated = 404,
    /// The card's counter is lower than it was before.
    CounterBackwards = 405,
    /// The same, and it goes on from what it was at this place: two cards may count beside each other.
    CounterInterleaved = 406,
}

impl OddityKind {
    pub const ALL: [Self; 6] =
        [Self::SameGate, Self::ImpossibleTravel, Self::MissingTapOffs, Self::CounterRepeated, Self::CounterBackwards, Self::CounterInterleaved];

    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name used in files and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameGate => "same-gate",
            Self::ImpossibleTravel => "impossible-travel",
            Self::MissingTapOffs => "missing-tap-offs",
            Self::CounterRepeated => "counter-repeated",
            Self::CounterBackwards => "counter-backwards",
            Self::CounterInterleaved => "counter-interleaved",
        }
    }

    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::SameGate => "同一闸机短时重复",
            Self::ImpossibleTravel => "行程时间不可能",
            Self::MissingTapOffs => "多次缺出站",
            Self::CounterRepeated => "卡计数重复",
            Self::CounterBackwards => "卡计数倒退",
            Self::CounterInterleaved => "卡计数交错",
        }
    }
}

/// A number that is evidence. Their order is the order in which files list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Between the two places, in a straight line.
    Metres,
    /// The speed that it takes, rounded up; a tolerance for clocks is granted.
    KmPerHour,
    /// What the scheme says that the way takes at least.
    LeastSeconds,
    /// Rides without a tap-off in the period that cost less than they would have.
    Rides,
    /// What they were charged.
    ChargedMinor,
    /// What they would have cost.
    WouldMinor,
    /// The card's counter in the record.
    Counter,
    /// And in the other one.
    OtherCounter,
    /// And in the record that it goes on from.
    WitnessCounter,
}

impl Measure {
    pub const ALL: [Self; 9] = [
        Self::Metres,
        Self::KmPerHour,
        Self::LeastSeconds,
        Self::Rides,
        Self::ChargedMinor,
        Self::WouldMinor,
        Self::Counter,
        Self::OtherCounter,
        Self::WitnessCounter,
    ];

    /// The name used in files and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metres => "metres",
            Self::KmPerHour => "km_per_hour",
            Self::LeastSeconds => "least_seconds",
            Self::Rides => "rides",
            Self::ChargedMinor => "charged_minor",
            Self::WouldMinor => "would_minor",
            Self::Counter => "counter",
            Self::OtherCounter => "other_counter",
            Self::WitnessCounter => "witness_counter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn an_oddity_has_a_number_of_its_own_that_is_no_outcome() {
        for (at, kind) in (0u16..).zip(OddityKind::ALL) {
            assert_eq!((kind.number(), OddityKind::from_number(kind.number())), (401 + at, Some(kind)));
            assert!(Reason::from_number(kind.number()).is_none() && Reason::ALL.iter().all(|reason| reason.name() != kind.name()));
            assert!(!kind.name().is_empty() && !kind.name_zh().is_empty());
        }
        assert_eq!((OddityKind::from_number(400), OddityKind::from_number(407)), (None, None));
    }

    #[test]
    fn measures_have_names_of_their_own() {
        let mut names = Measure::ALL.map(Measure::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(Measure::ALL.is_sorted());
    }
}
