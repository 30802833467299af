//! A tariff: what a ride costs, which discounts it gets, who pays for them, and in which order the rules apply.
//!
//! Pure data once read. Versions have dates: a ride is priced by the version in force at its tap-on. Within a version the
//! base rule sets the list price, then the adjustments follow in the order in which the file writes them. What is here is
//! what the files say; [`Plan`] is the same rules laid out so that finding those for a tap is one look-up.

mod adjust;
mod check;
mod condition;
mod list_price;
mod matrix;
mod network;
mod period;
mod plan;
mod read;
mod steps;
mod zones;

pub use adjust::{
    Adjust, AdjustRule, Against, Cap, Changes, Discount, Effect, Incentive, Legs, Limit, Nth, Opening, Ordinals, Purse, Reading, Span, Stack, Stretch,
    ThroughBy, Tier, Transfer, WindowFrom,
};
pub use condition::{Condition, Deciding, Facts, Scope};
pub use list_price::{Audit, Base, BasePrice, Completion, Fill, Incomplete, Overstay, StationPrice, Stations, Way as StationWay};
pub use matrix::{Matrix, Pair};
pub use period::{DayWord, Period, TimeRange};
pub use plan::{Plan, Rules};
pub use steps::{Step, StepPrice, Steps};
pub use zones::{ZoneSet, Zones};

use crate::mistake::Mistakes;
use crate::scheme::clock::LocalClock;
use domain::{Day, EventTime, RecordKind, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::path::Path;

/// The tariff of a scheme, ready to price with. Versions are in date order.
#[derive(Clone, Debug, Default)]
pub struct Tariff {
    pub versions: Vec<Version>,
    /// What accounts remember something for: transfer rules, caps, tiers, quotas, limits. A rule of the same name in two
    /// versions has one slot, so that a rider's window or cap survives a change of tariff.
    pub slots: Vec<String>,
    /// Per slot: over how long it counts, the longest where versions differ.
    pub spans: Vec<Span>,
    /// By symbol: the place of its text in the order of all names that were known when the tariff was read.
    pub ranks: Vec<u32>,
    /// Whether a rule asks what only the card registry knows: the date of birth, or a medium that the record does not say.
    pub asks_registry: bool,
}

/// Where a scheme's folder has its tariff.
const FOLDER: &str = "tariff";

/// The rules in force from a date on.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The first day (of the tap-on) that it prices.
    pub from: Day,
    /// Whether that is a service day; a calendar day otherwise.
    pub by_service_day: bool,
    pub base: Vec<Base>,
    /// Applied in this order after the base price.
    pub adjust: Vec<Adjust>,
    pub share: Vec<Share>,
    pub periods: Vec<Period>,
    /// By route: the line that it is a direction or a branch of.
    pub lines: HashMap<Symbol, u32, foldhash::fast::FixedState>,
    pub rounding: Rounding,
    pub plan: Plan,
}

/// Who bears a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Funder {
    /// Whoever earns the ride: a note, not a posting.
    Earner,
    Issuer,
    Party(Symbol),
}

/// A share of a price as an exact fraction, in its lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub numerator: i64,
    pub denominator: i64,
}

impl Rate {
    pub const FREE: Self = Self { numerator: 0, denominator: 1 };
    pub const WHOLE: Self = Self { numerator: 1, denominator: 1 };
}

/// Which way a fraction of a unit goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    HalfUp,
    Down,
    Up,
}

/// To multiples of what, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    pub to_minor: i64,
    pub way: Way,
}

impl Default for Rounding {
    fn default() -> Self {
        Self { to_minor: 1, way: Way::HalfUp }
    }
}

/// How what a ride brings is shared among operators.
#[derive(Clone, Debug)]
pub struct Share {
    pub name: String,
    pub scope: Scope,
    pub by: ShareBy,
}

#[derive(Clone, Debug)]
pub enum ShareBy {
    /// Every ride by these weights.
    Fixed(Vec<(Symbol, i64)>),
    /// Rides that the transfer rule at this position has joined: what was paid for all of them, by their list prices.
    ListPrice { rule: usize },
    /// The same by their metres.
    Distance { rule: usize },
}

impl Share {
    /// The position of the transfer rule whose runs it pools.
    #[must_use]
    pub const fn pools(&self) -> Option<usize> {
        match self.by {
            ShareBy::Fixed(_) => None,
            ShareBy::ListPrice { rule } | ShareBy::Distance { rule } => Some(rule),
        }
    }
}

impl Tariff {
    /// Reads `tariff/*.toml` of a scheme's folder; each file is a version. Mistakes are added; `None` when there were any.
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        read::read(dir, FOLDER, symbols, mistakes)
    }

    /// Reads a tariff that stands by itself: a folder of such files, or another scheme's folder.
    #[must_use]
    pub fn read_apart(folder: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match folder.file_name().and_then(|name| name.to_str()) {
            Some(name) if !folder.join(FOLDER).is_dir() => read::read(parent, name, symbols, mistakes),
            _ => read::read(folder, FOLDER, symbols, mistakes),
        }
    }

    /// The version in force at an instant; the oldest one for those before it.
    #[must_use]
    pub fn version_at(&self, time: EventTime, clock: &LocalClock) -> Option<&Version> {
        match self.versions.as_slice() {
            [only] => Some(only),
            versions => versions.get(self.position_on(clock.calendar_day(time), || clock.service_day(time))),
        }
    }

    /// Whether rides may claim something that other riders claim too.
    #[must_use]
    pub fn has_budgets(&self) -> bool {
        let adjusts = self.versions.iter().flat_map(|version| &version.adjust);
        adjusts.map(|adjust| &adjust.rule).any(|rule| matches!(rule, AdjustRule::Incentive(Incentive { budget_minor: Some(_), .. })))
    }

    /// Where a party stands in the order of party ids.
    #[must_use]
    pub fn rank(&self, party: Symbol) -> u32 {
        self.ranks.get(party.index()).copied().unwrap_or(u32::MAX)
    }

    /// The place of the version in force on a calendar day and a service day: the latest that has begun by its own.
    #[must_use]
    pub fn position_on(&self, calendar_day: Day, service_day: impl Fn() -> Day) -> usize {
        let begun = |version: &Version| version.from <= if version.by_service_day { service_day() } else { calendar_day };
        self.versions.iter().rposition(begun).unwrap_or(0)
    }
}

impl Version {
    /// Whether a base rule covers such records.
    #[must_use]
    pub fn prices(&self, kind: RecordKind, mode: Symbol, operator: Symbol) -> bool {
        !self.plan.rules(kind, mode, operator).bases.is_empty()
    }

    /// The base rule of a name that prices from place to place.
    #[must_use]
    pub fn station_price(&self, rule: Symbol) -> Option<&StationPrice> {
        let prices = self.base.iter().filter_map(|base| if let BasePrice::Stations(price) = &base.price { Some(price.as_ref()) } else { None });
        prices.filter(|_| !rule.is_none()).find(|price| price.rule == rule)
    }

    /// The line that a route belongs to; a route of no line is a line of its own.
    #[must_use]
    pub fn same_line(&self, a: Symbol, b: Symbol) -> bool {
        a == b || matches!((self.lines.get(&a), self.lines.get(&b)), (Some(a), Some(b)) if a == b)
    }

    /// The scopes of all rules.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        let base = self.base.iter().map(|base| &base.scope);
        base.chain(self.adjust.iter().map(|adjust| &adjust.scope)).chain(self.share.iter().map(|share| &share.scope))
    }

    /// Every party that this version names as a funder or operator, for the scheme to check.
    #[must_use]
    pub fn named_parties(&self) -> Vec<Symbol> {
        let party = |funder: Funder| if let Funder::Party(party) = funder { Some(party) } else { None };
        let base = self.base.iter().flat_map(|base| {
            let funder = if let BasePrice::Stated { funder, .. } = base.price { party(funder) } else { None };
            base.scope.operators.iter().copied().chain(funder)
        });
        let adjust = self.adjust.iter().flat_map(|adjust| {
            let funders = adjust.funders.iter().filter_map(|&(funder, _)| party(funder));
            adjust.scope.operators.iter().copied().chain(adjust.scope.condition.issuers.iter().copied()).chain(funders)
        });
        let share = self.share.iter().flat_map(|share| {
            let parties = if let ShareBy::Fixed(weights) = &share.by { weights.as_slice() } else { &[] };
            share.scope.operators.iter().copied().chain(parties.iter().map(|&(party, _)| party))
        });
        base.chain(adjust).chain(share).collect()
    }
}
