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
use std::fmt;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barren {
    NoCards,
    NoTerminals,
}

impl fmt::Display for Barren {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCards => "the scheme registers no card that is good on this day",
            Self::NoTerminals => "the scheme registers no terminal that is in service on this day",
        })
    }
}

impl std::error::Error for Barren {}

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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{RecordId, RecordKind};
    use std::collections::BTreeMap;
    use std::path::Path;

    fn made(records: u32, seed: u64, faults: Faults) -> (Vec<Record>, Vec<u8>) {
        let symbols = SymbolTable::new();
        // Names met before must not change what is made.
        symbols.intern(&format!("name-{seed}"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay-data/sichuan");
        let scheme = Scheme::read(&folder, &symbols).expect("the bundled scheme is good");
        let day = "2026-03-02".parse().expect("a date");
        let made = Day::new(&scheme, &symbols, Params { day, records, seed, faults }).expect("it has cards and terminals");
        let mut csv = Vec::new();
        write_csv(made.records(), &symbols, &mut csv).expect("memory takes it");
        (made.records().collect(), csv)
    }

    #[test]
    fn a_seed_makes_the_same_bytes_and_another_one_others() {
        let (_, first) = made(3000, 1, Faults::default());
        assert_eq!(first, made(3000, 1, Faults::default()).1);
        assert_ne!(first, made(3000, 2, Faults::default()).1);
    }

    #[test]
    fn there_are_as_many_records_as_asked_for() {
        for records in [0, 1, 2, 7, 100, 4321] {
            let (made, csv) = made(records, 5, Faults::default().times_percent(1000));
            assert_eq!(made.len(), records as usize);
            assert_eq!(csv.iter().filter(|&&byte| byte == b'\n').count(), records as usize + 1);
        }
    }

    #[test]
    fn without_faults_sequences_are_dense_and_every_journey_ends() {
        let (records, _) = made(20_000, 3, Faults::NONE);
        let mut sequences: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for record in &records {
            sequences.entry((record.terminal, record.epoch)).or_default().push(record.sequence);
        }
        for counts in sequences.values_mut() {
            counts.sort_unstable();
            assert!(counts.is_sorted_by(|a, b| a + 1 == *b), "no gap and no repeat");
        }
        let count = |kind| records.iter().filter(|record| record.kind == kind).count();
        assert!(count(RecordKind::TapOn) > 4000 && count(RecordKind::Boarding) > 2000 && count(RecordKind::Payment) > 200);
        assert_eq!(count(RecordKind::TapOn), count(RecordKind::TapOff));
    }

    #[test]
    fn a_refund_names_the_record_that_it_gives_back() {
        let (records, _) = made(20_000, 9, Faults { refund: 400_000, ..Faults::NONE });
        let ids: BTreeMap<RecordId, &Record> = records.iter().map(|record| (record.id(), record)).collect();
        let refunds: Vec<&Record> = records.iter().filter(|record| record.original.is_some()).collect();
        assert!(refunds.len() > 100);
        for refund in refunds {
            let original = refund.original.and_then(|id| ids.get(&id)).expect("it was made");
            assert_eq!((original.kind, original.card), (RecordKind::Payment, refund.card));
            assert!(original.time <= refund.time);
        }
    }
}
