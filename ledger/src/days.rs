//! Clearing days and their states. Exactly one day is open or closing once the first was opened.

use crate::decisions::Posted;
use crate::wire;
use domain::Day;
use serde::{Deserialize, Serialize};

/// Where a clearing day stands. It only moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayState {
    /// Takes in records.
    Open,
    /// Its close has started: nothing more is taken in, decisions are appended.
    Closing,
    /// Its amounts never change.
    Closed,
    /// Its files were published.
    Settled,
}

impl DayState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Settled => "settled",
        }
    }
}

/// A clearing day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayInfo {
    #[serde(with = "wire::day")]
    pub day: Day,
    pub state: DayState,
    /// Digest of the scheme: the one it was opened under, then the one its close names.
    #[serde(with = "wire")]
    pub scheme: [u8; 32],
    /// Zero until it is closed.
    pub totals: DayTotals,
    /// Height of its last `CloseStarted`; zero before.
    pub close_height: u64,
    /// Height of its `Closed`; zero before.
    pub closed_height: u64,
    /// Digest over its manifests, once settled.
    #[serde(with = "wire::optional")]
    pub manifests: Option<[u8; 32]>,
}

impl DayInfo {
    pub(crate) const fn opened(day: Day, scheme: [u8; 32]) -> Self {
        Self { day, state: DayState::Open, scheme, totals: DayTotals::ZERO, close_height: 0, closed_height: 0, manifests: None }
    }
}

/// What a closed day came to. Counts are of records unless they say otherwise; amounts in minor units. The field names are
/// stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayTotals {
    pub received: u64,
    pub cleared: u64,
    pub duplicate: u64,
    /// Those inside `held` or `rejected` that met another version of themselves.
    pub conflict: u64,
    pub held: u64,
    pub rejected: u64,
    pub rides: u64,
    pub charged_rides: u64,
    pub capped_rides: u64,
    /// Decisions that move money.
    pub entries: u64,
    /// Legs of entries.
    pub postings: u64,
    /// Sum of all debit legs.
    pub debit_minor: i64,
    /// Sum of all credit legs, positive.
    pub credit_minor: i64,
    pub gross_minor: i64,
    pub fee_minor: i64,
}

impl DayTotals {
    const ZERO: Self = Self {
        received: 0,
        cleared: 0,
        duplicate: 0,
        conflict: 0,
        held: 0,
        rejected: 0,
        rides: 0,
        charged_rides: 0,
        capped_rides: 0,
        entries: 0,
        postings: 0,
        debit_minor: 0,
        credit_minor: 0,
        gross_minor: 0,
        fee_minor: 0,
    };

    /// The first thing in which the totals differ from what was posted.
    pub(crate) fn differs_from(&self, posted: &Posted) -> Option<&'static str> {
        [
            (self.entries == posted.entries, "number of entries"),
            (self.postings == posted.postings, "number of postings"),
            (i128::from(self.debit_minor) == posted.debit_minor, "sum of debits"),
            (i128::from(self.credit_minor) == posted.credit_minor, "sum of credits"),
            (posted.debit_minor == posted.credit_minor, "debit than credit"),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }
}
