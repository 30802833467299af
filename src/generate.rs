//! A realistic day of a scheme, made from a seed: commuters, changes, admissions, purchases, and every fault that a real
//! upload has.
//!
//! Never reads a clock, the machine's randomness or a float: the same scheme, day, number of records and seed give the same
//! records everywhere. Invariant: exactly as many records as asked for, in the order in which they arrive; the sequences of
//! a terminal follow one another without a gap, repeats and rows of unknown terminals apart.

mod amounts;
mod city;
mod dice;
mod faults;
mod plan;
mod riders;
mod writer;

pub use faults::Faults;
pub use writer::{CSV_COLUMNS, write_csv, write_tap};

use city::City;
use domain::{Day as DayNumber, Record, SymbolTable};
use engine::scheme::Scheme;
use plan::Plan;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// The clearing day whose uploads these are.
    pub day: DayNumber,
    pub records: u32,
    pub seed: u64,
    pub faults: Faults,
}

/// Why a scheme cannot be generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barren {
    #[error("the scheme registers no card that is good on this day")]
    NoCards,
    #[error("the scheme registers no terminal that is in service on this day")]
    NoTerminals,
}

/// A generated day: small notes on every record, from which the records are made piece by piece.
pub struct Day<'s> {
    city: City<'s>,
    plan: Plan,
}

impl<'s> Day<'s> {
    /// Plans the day. About 50 bytes a record are kept.
    ///
    /// # Errors
    /// When the scheme registers nobody to ride or nothing to ride with.
    pub fn new(scheme: &'s Scheme, symbols: &SymbolTable, params: Params) -> Result<Self, Barren> {
        let city = City::of(scheme, symbols, params.day)?;
        let plan = Plan::new(&city, params);
        Ok(Self { city, plan })
    }

    /// How many records the day has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.plan.arrivals()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records in the order in which they arrive.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        (0..self.len()).map(|at| self.plan.record(&self.city, at))
    }
}
