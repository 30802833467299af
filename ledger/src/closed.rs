//! What a close says besides its decisions: what became of each file's records, the fees per service day that it books, and
//! what it found odd.
//!
//! Stored as JSON in the `closed` event; the field names are stored.

use crate::balances::Balance;
use crate::decisions::Posted;
use crate::wire;
use domain::{Day, Role};
use serde::{Deserialize, Serialize};

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcomes {
    pub file: u32,
    /// Number of a reason, and how many records have it: rising, none zero. Refused rows are among them, as malformed.
    pub by_reason: Vec<(u16, u64)>,
}

impl FileOutcomes {
    /// Records and refused rows.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.by_reason.iter().map(|(_, count)| count).sum()
    }
}

/// An earner's fee for a service day, issuer and product, where this close changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFee {
    pub earner: String,
    pub issuer: String,
    pub product: String,
    #[serde(with = "wire::day")]
    pub service_day: Day,
    /// What the fee is taken of: the sums of this and earlier closes.
    pub charged_minor: i64,
    pub earned_minor: i64,
    /// What earlier closes booked.
    pub old_minor: i64,
    pub new_minor: i64,
}

impl ServiceFee {
    /// What this close books: more is due where it is positive, given back where it is negative. Never zero.
    #[must_use]
    pub const fn difference_minor(&self) -> i64 {
        self.new_minor - self.old_minor
    }
}

/// A record that an oddity names. Parties are absent (empty) where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddRecord {
    /// As files print it.
    pub id: String,
    pub time_ms: i64,
    pub terminal: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub earner: String,
    /// The venue or merchant whose place it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub venue: String,
}

/// Two records of one card that are odd together. Books nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oddity {
    /// Number of a [`domain::OddityKind`].
    pub number: u16,
    /// The one that is flagged.
    pub record: OddRecord,
    pub kind: String,
    pub source_ref: String,
    pub offset_min: i16,
    pub amount_minor: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    pub other: OddRecord,
    /// The clearing day that took in the other one, or has its line.
    #[serde(with = "wire::day")]
    pub other_day: Day,
    /// The id of a third record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub witness: String,
    /// Names of [`domain::Measure`]s, and their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<(String, i64)>,
}

/// The fees per service day that a close books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFees {
    /// The clearing house, whose income they are.
    pub hub: String,
    pub list: Vec<ServiceFee>,
}

impl ServiceFees {
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What they post: each debits what the earner is owed and credits the house's income, or the other way round.
    #[must_use]
    pub fn posted(&self) -> Posted {
        let sum_minor = self.list.iter().map(|fee| i128::from(fee.difference_minor().unsigned_abs())).sum();
        let entries = self.list.len() as u64;
        Posted { entries, postings: entries * 2, debit_minor: sum_minor, credit_minor: sum_minor }
    }

    pub(crate) fn movements(&self) -> Vec<Balance> {
        let leg = |party: &str, product: &str, role, amount_minor: i128| Balance {
            party: party.into(),
            product: product.into(),
            role,
            debit_minor: amount_minor.max(0),
            credit_minor: (-amount_minor).max(0),
        };
        let legs = |fee: &ServiceFee| {
            let amount_minor = i128::from(fee.difference_minor());
            [leg(&fee.earner, &fee.product, Role::Payable, amount_minor), leg(&self.hub, &fee.product, Role::FeeIncome, -amount_minor)]
        };
        self.list.iter().flat_map(legs).collect()
    }
}
