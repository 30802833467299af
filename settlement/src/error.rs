//! Why a day was not published. Every error means that nothing of the day was put in place.

use domain::Day;
use std::path::{Path, PathBuf};

/// Prints its own layer only; the cause is its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    #[error("the ledger could not be read")]
    Ledger(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Whoever makes the decisions has stopped, and says why itself.
    #[error("the day's decisions ended early")]
    FeedEnded,
    #[error("clearing day {0} is not in the ledger")]
    UnknownDay(Day),
    #[error("clearing day {0} is not closed")]
    NotClosed(Day),
    #[error("clearing day {day} comes after {previous}, which is not settled")]
    OutOfOrder { day: Day, previous: Day },
    #[error("{what} {path}", path = path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    /// Files are there already and say something else. They may have been sent: they stay as they are.
    #[error("{path} was published with other content: {difference}", path = path.display())]
    Published { path: PathBuf, difference: String },
    #[error("the scheme cannot be settled: {0}")]
    Scheme(String),
    #[error("{path} has no line {line}", path = path.display())]
    NoLine { path: PathBuf, line: u64 },
    /// Conservation: two sums that must be equal are not.
    #[error("the day does not add up: {what} of {whose} is {left} on one side and {right} on the other")]
    Unequal { whose: String, what: &'static str, left: i128, right: i128 },
    #[error("the ledger's decisions of {day} are not in canonical order at block {block}")]
    Disorder { day: Day, block: usize },
    #[error("party {party} has money in the day and is not in the scheme")]
    UnknownParty { party: String },
    #[error("a discount is funded by {party}, which is in no funder group of the scheme")]
    UngroupedFunder { party: String },
}

impl SettleError {
    /// What the reader of the error can do, where something can be done.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File { .. } => Some("make room there, give the right to use it, or name another --out; then run the same command again"),
            Self::NotClosed(_) => Some("close the day first"),
            Self::UnknownDay(_) => Some("`tapclear status` lists the days; check --day and --ledger"),
            Self::OutOfOrder { .. } => Some("settle the earlier day first: its manifests are named in this day's"),
            Self::Published { .. } => Some("keep the published folder, settle into another one with --out, and compare the two"),
            Self::Unequal { .. } | Self::Disorder { .. } => Some("nothing was published; run verify on the ledger"),
            Self::UnknownParty { .. } | Self::UngroupedFunder { .. } => Some("settle with the scheme that the day was closed under"),
            _ => None,
        }
    }

    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { what, path, source }
    }
}
