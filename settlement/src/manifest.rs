//! `manifest.json`: a party's files of a day with sizes, lines and digests, and the totals to check them by.
//!
//! Keys stand in a fixed order and nothing in it depends on when or where it was made. What is signed is in the seals.

use crate::SettleError;
use crate::section::LineSums;
use crate::sink::FileEntry;
use crate::summary::SummarySums;
use crate::tally::Outcomes;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Manifest<'a> {
    pub format: &'static str,
    pub party: &'a str,
    pub kind: &'static str,
    pub day: String,
    /// The day's number in this ledger, from 1.
    pub sequence: u64,
    pub version: u32,
    pub supersedes: Option<String>,
    /// Digest of the party's manifest of the clearing day before; null on the first.
    pub previous: Option<String>,
    pub suite: &'static str,
    pub minor_digits: u8,
    /// The operator that is paid for this venue.
    pub settled_by: Option<&'a str>,
    pub records: Records,
    pub totals: Totals,
    pub files: Vec<FileEntry>,
}

/// Records of the day that concern the party, by outcome. Duplicates have no decision: they stand in the uploads.
#[derive(Debug, Serialize)]
pub(crate) struct Records {
    pub cleared: u64,
    pub held: u64,
    pub rejected: u64,
}

/// Amounts in minor units.
#[derive(Debug, Serialize)]
pub(crate) struct Totals {
    pub rides: u64,
    /// Rides with a line in `detail.csv`.
    pub lines: u64,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub gross_minor: i64,
    pub discount_minor: i64,
    pub fee_minor: i64,
    pub net_minor: u64,
    pub dc: &'static str,
}

pub(crate) const FORMAT: &str = "tapclear-manifest-1";

impl From<Outcomes> for Records {
    fn from(outcomes: Outcomes) -> Self {
        let Outcomes { cleared, held, rejected } = outcomes;
        Self { cleared, held, rejected }
    }
}

impl Totals {
    /// `income_minor`: the hub's fees, which stand in no line.
    pub fn new(lines: &LineSums, adjustments: &LineSums, summary: &SummarySums, income_minor: i64) -> Self {
        let debit_minor = lines.debit_minor + adjustments.debit_minor + (-income_minor).max(0);
        let credit_minor = lines.credit_minor + adjustments.credit_minor + income_minor.max(0);
        let net_minor = credit_minor - debit_minor;
        Self {
            rides: summary.rides,
            lines: lines.lines,
            debit_minor,
            credit_minor,
            gross_minor: summary.charged_minor,
            discount_minor: summary.discount_minor,
            fee_minor: summary.fee_minor,
            net_minor: net_minor.unsigned_abs(),
            dc: if net_minor < 0 { "D" } else { "C" },
        }
    }
}

impl Manifest<'_> {
    /// # Errors
    /// Never for what is in it; the encoder could fail.
    pub fn json(&self) -> Result<Vec<u8>, SettleError> {
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| SettleError::Scheme(error.to_string()))?;
        json.push(b'\n');
        Ok(json)
    }
}
