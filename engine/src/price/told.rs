//! Telling what made a price: the ordered rules with what each left to pay, and the rules that were asked and left it.
//!
//! The fold tells a recorder; one that says nothing costs nothing.

use super::amount::Amount;
use crate::tariff::{Adjust, AdjustRule, Funder, Rounding, Stack};
use domain::EventTime;

/// Listens to the fold. The calls of a ride come in the order of its rules, the base first.
pub trait Recorder {
    fn base(&mut self, name: &str, list_minor: i64);
    /// What is charged on top of the base price, reduced by nothing.
    fn outside(&mut self, minor: i64);
    /// The terminal says itself what it charged: no rule is asked.
    fn stated(&mut self, funder: Funder, charged_minor: i64);
    fn adjusted(&mut self, adjust: &Adjust, before: Amount, after: Amount);
    /// A rule that was asked and left the price as it was.
    fn passed(&mut self, adjust: &Adjust, why: impl FnOnce() -> Passed);
}

/// Why a rule left a price as it was.
#[derive(Clone, Copy, Debug)]
pub enum Passed {
    /// Its condition under this key does not hold.
    Unmet(&'static str),
    /// A rule that it names under `unless` has applied.
    Unless,
    /// None of those that it names under `only_after` has.
    OnlyAfter,
    /// It prices other transfers of a run than this, the so-many-th.
    OtherTransfer {
        ordinal: u32,
    },
    /// It is for other rides of the span than this, the so-many-th.
    OtherRide {
        ordinal: u32,
    },
    /// The ride is the so-many-th of its journey.
    OtherLeg {
        ordinal: u32,
    },
    /// It has applied to so many rides, and applies to no more.
    QuotaUsed {
        rides: u32,
    },
    /// No ride is left in its purse.
    PurseEmpty,
    /// A transfer without a ride to change from.
    NoRideBefore,
    /// The ride began before the last one ended.
    BeforeRun,
    /// The last ride was already so-many-th transfer in a row.
    RunFull {
        transfers: u32,
    },
    /// What must change between two rides has not, or they are none of its pairs.
    NoChange,
    /// Too long after the reference.
    WindowOver {
        from: EventTime,
    },
    /// A neighbour leaves less to pay than this.
    Dearer(Amount),
    /// The cap is not reached: so much is counted, this ride included.
    UnderCap {
        counted_minor: i64,
        rides: u32,
    },
    /// An incentive's limits are used up.
    LimitUsed,
    /// What is left, rounded, would not be less.
    LowersNothing,
    NothingLeft,
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Recorder for Silent {
    fn base(&mut self, _: &str, _: i64) {}
    fn outside(&mut self, _: i64) {}
    fn stated(&mut self, _: Funder, _: i64) {}
    fn adjusted(&mut self, _: &Adjust, _: Amount, _: Amount) {}
    fn passed(&mut self, _: &Adjust, _: impl FnOnce() -> Passed) {}
}

/// Writes everything down.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// In the order in which they were priced: a tap can end an earlier journey and be a ride itself.
    pub rides: Vec<RideTold>,
}

/// How one ride got its price.
#[derive(Clone, Debug, Default)]
pub struct RideTold {
    /// The base first; each begins where the one before it ended.
    pub lines: Vec<Line>,
    /// Rules that left the price, each with the count of lines before it.
    pub passed: Vec<(usize, String, Passed)>,
}

/// One rule's part in a price.
#[derive(Clone, Debug)]
pub struct Line {
    pub rule: String,
    /// What kind of rule it is, in the tariff's words; `base`, `overstay` or `stated` where it is no adjustment.
    pub kind: &'static str,
    /// It took off from the list price, and what rules before it took off is void.
    pub replaces: bool,
    /// Who bears what it took off, with weights; nobody for a base price.
    pub funders: Vec<(Funder, i64)>,
    pub before: Amount,
    pub after: Amount,
}

impl Line {
    /// Rounded to whole units where the amount itself is not yet.
    #[must_use]
    pub fn before_minor(&self) -> i64 {
        self.before.rounded_minor(Rounding::default())
    }

    #[must_use]
    pub fn after_minor(&self) -> i64 {
        self.after.rounded_minor(Rounding::default())
    }
}

impl RideTold {
    /// What the rules have left to pay so far.
    #[must_use]
    pub fn left(&self) -> Amount {
        self.lines.last().map_or(Amount::whole(0), |line| line.after)
    }

    /// What is charged outside all rules, which do not see it.
    fn outside(&self) -> Amount {
        let outside = self.lines.iter().filter(|line| line.kind == "overstay");
        outside.fold(Amount::whole(0), |sum, line| sum.plus(line.after.minus(line.before)))
    }
}

impl Told {
    fn ride(&mut self) -> &mut RideTold {
        if self.rides.is_empty() {
            self.rides.push(RideTold::default());
        }
        self.rides.last_mut().expect("there is one")
    }

    fn line(&mut self, kind: &'static str, rule: &str, funders: Vec<(Funder, i64)>, after: Amount) -> &mut Line {
        let ride = self.ride();
        let before = ride.left();
        ride.lines.push(Line { rule: rule.to_owned(), kind, replaces: false, funders, before, after });
        ride.lines.last_mut().expect("it was put there")
    }
}

impl Recorder for Told {
    fn base(&mut self, name: &str, list_minor: i64) {
        self.rides.push(RideTold::default());
        let list = Amount::whole(list_minor);
        self.line("base", name, Vec::new(), list).before = list;
    }

    fn outside(&mut self, minor: i64) {
        let after = self.ride().left().plus(Amount::whole(minor));
        self.line("overstay", "", Vec::new(), after);
    }

    fn stated(&mut self, funder: Funder, charged_minor: i64) {
        self.line("stated", "", vec![(funder, 1)], Amount::whole(charged_minor));
    }

    fn adjusted(&mut self, adjust: &Adjust, _: Amount, after: Amount) {
        let after = after.plus(self.ride().outside());
        self.line(adjust.rule.word(), &adjust.name, adjust.funders.clone(), after).replaces = adjust.stack == Stack::Replaces;
    }

    fn passed(&mut self, adjust: &Adjust, why: impl FnOnce() -> Passed) {
        let ride = self.ride();
        ride.passed.push((ride.lines.len(), adjust.name.clone(), why()));
    }
}

impl AdjustRule {
    /// The tariff's word for such a rule.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Discount(_) => "discount",
            Self::Transfer(_) => "transfer",
            Self::Cap(_) => "cap",
            Self::Tier(_) => "tier",
            Self::Incentive(_) => "incentive",
            Self::Surcharge { .. } => "surcharge",
        }
    }
}
