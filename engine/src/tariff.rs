//! A tariff: what a ride costs, which discounts it gets, who pays for them, and in which order the rules apply.
//!
//! Pure data once read. Versions have dates: a ride is priced by the version in force at its tap-on. Within a version the
//! base rule sets the list price, then the adjustments follow in the order in which the file writes them.

mod file;
mod matrix;

pub use file::TRANSFERS_MAX;
pub use matrix::Matrix;

use crate::mistake::Mistakes;
use domain::{Day, RecordKind, Symbol, SymbolTable};
use std::path::Path;

/// The tariff of a scheme, ready to price with. Versions are in date order.
#[derive(Clone, Debug, Default)]
pub struct Tariff {
    pub versions: Vec<Version>,
    /// The names of all transfer rules and of all caps. A rule of the same name in two versions is one counter, so that a
    /// rider's window or cap survives a change of tariff.
    pub transfer_names: Vec<String>,
    pub cap_names: Vec<String>,
}

/// The rules in force from a date on.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The first calendar day (of the tap-on) that it prices.
    pub from: Day,
    pub base: Vec<Base>,
    /// Applied in this order after the base price.
    pub adjust: Vec<Adjust>,
}

/// Which records a rule is for. An empty list is any.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub kinds: Vec<RecordKind>,
    pub modes: Vec<Symbol>,
    pub operators: Vec<Symbol>,
}

impl Scope {
    #[must_use]
    pub fn covers(&self, kind: RecordKind, mode: Symbol, operator: Symbol) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.modes.is_empty() || self.modes.contains(&mode))
            && (self.operators.is_empty() || self.operators.contains(&operator))
    }
}

/// Who bears a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Funder {
    /// Whoever earns the ride: a note, not a posting.
    Earner,
    Issuer,
    Party(Symbol),
}

/// Where a ride's list price comes from.
#[derive(Clone, Debug)]
pub struct Base {
    pub name: String,
    pub scope: Scope,
    pub price: BasePrice,
}

#[derive(Clone, Debug)]
pub enum BasePrice {
    /// One price for one tap.
    Flat { amount_minor: i64 },
    /// Station to station, decided at the tap-off.
    Matrix(Box<StationPrice>),
    /// The terminal's amount is the list price, and its charge (where it states one) stands. The difference is a discount
    /// of `funder`. With `audit_minor`, a list price other than that flat one is flagged as a variance.
    Stated { funder: Funder, audit_minor: Option<i64> },
    /// Counted, never priced.
    Free,
}

/// Prices between stations and the rules for journeys that lack an end.
#[derive(Clone, Debug)]
pub struct StationPrice {
    pub matrix: Matrix,
    pub no_tap_on_minor: i64,
    pub no_tap_off_minor: i64,
    pub unknown_pair_minor: i64,
    /// `None`: the matrix says.
    pub same_station_minor: Option<i64>,
    /// A tap-on is given up as one without a tap-off when the clearing day ends so long after it.
    pub open_ms: i64,
}

#[derive(Clone, Debug)]
pub struct Adjust {
    pub name: String,
    /// The position of its name in the tariff's `transfer_names` or `cap_names`; zero for other rules.
    pub slot: usize,
    pub scope: Scope,
    pub funder: Funder,
    pub rule: AdjustRule,
}

#[derive(Clone, Debug)]
pub enum AdjustRule {
    /// Riders of these classes pay `percent` of what is left to pay.
    Class { classes: Vec<Symbol>, rate: Rate },
    /// A boarding within `window_ms` after the last one is a transfer, at most `rides_max` in a row; it pays `rate`.
    /// The next ride starts a new run.
    Transfer { window_ms: i64, rides_max: u32, rate: Rate },
    /// Rides of one service day together cost at most so much.
    DayCap { amount_minor: i64 },
}

/// A share of a price as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub numerator: i64,
    pub denominator: i64,
}

impl Rate {
    pub const FREE: Self = Self { numerator: 0, denominator: 1 };
}

impl Tariff {
    /// Reads `tariff/*.toml` of a scheme's folder; each file is a version. Mistakes are added; `None` when there were any.
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        file::read(dir, symbols, mistakes)
    }

    /// Gives every transfer rule and cap its slot, by name.
    fn number_slots(&mut self) {
        for adjust in self.versions.iter_mut().flat_map(|version| &mut version.adjust) {
            let names = match adjust.rule {
                AdjustRule::Transfer { .. } => &mut self.transfer_names,
                AdjustRule::DayCap { .. } => &mut self.cap_names,
                AdjustRule::Class { .. } => continue,
            };
            adjust.slot = names.iter().position(|name| *name == adjust.name).unwrap_or_else(|| {
                names.push(adjust.name.clone());
                names.len() - 1
            });
        }
    }

    /// The version in force on a day; the oldest one for days before it.
    #[must_use]
    pub fn version_on(&self, day: Day) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.from <= day).or_else(|| self.versions.first())
    }
}

impl Version {
    /// The base rule for a record: the first whose scope covers it, with its position.
    #[must_use]
    pub fn base_for(&self, kind: RecordKind, mode: Symbol, operator: Symbol) -> Option<&Base> {
        self.base.iter().find(|base| base.scope.covers(kind, mode, operator))
    }
}
