//! Events: what happened to days and files, as one JSON object each in the journal. Field and event names are stored.

use crate::archive::Archived;
use crate::closed::{FileOutcomes, Oddity, ServiceFees};
use crate::days::DayTotals;
use crate::wire;
use domain::Day;
use serde::{Deserialize, Serialize};

/// Something that happened to a day or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first clearing day. Later ones are opened by the `Closed` before them.
    DayOpened {
        #[serde(with = "wire::day")]
        day: Day,
        #[serde(with = "wire")]
        scheme: [u8; 32],
    },
    /// A file's first sign; it gets the next file id.
    FileStarted {
        #[serde(with = "wire")]
        digest: [u8; 32],
        name: String,
        sender: String,
        bytes: u64,
    },
    /// A file is complete and counts from here. The counts are those of its blocks.
    FileBooked { file: u32, received: u64, refused: u64, repeats: u64 },
    /// A file turned out to be unreadable.
    FileAbandoned { file: u32, why: String },
    /// A booked file is taken back. Where its day is closed, the next close undoes what it brought.
    FileWithdrawn { file: u32, why: String },
    /// A held record is released by a person's decision: the next close clears it, at its event time. `record` is its id as
    /// files print it, `version` 16 hex digits made of its content.
    HeldReleased { record: String, version: String, why: String },
    /// A held record is rejected by a person's decision.
    HeldRejected { record: String, version: String, why: String },
    /// An operator supplies the end of a journey that had none: where and when the rider of the tap-on `record`, which was at
    /// `tap_on_ms`, got out.
    TapOffSupplied { record: String, tap_on_ms: i64, location: String, time_ms: i64, why: String },
    /// A close begins. Decision blocks from here to `Closed` count; those of an earlier attempt do not.
    CloseStarted {
        #[serde(with = "wire::day")]
        day: Day,
        #[serde(with = "wire")]
        scheme: [u8; 32],
    },
    /// The day is closed, its balances are posted, and the day `next` is open. `files` are all that were booked in the day, in
    /// their order.
    Closed {
        #[serde(with = "wire::day")]
        day: Day,
        totals: DayTotals,
        #[serde(with = "wire::day")]
        next: Day,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<FileOutcomes>,
        #[serde(default, skip_serializing_if = "ServiceFees::is_empty")]
        fees: ServiceFees,
        /// In canonical order of the flagged records.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        oddities: Vec<Oddity>,
    },
    /// The day's files are published.
    Settled {
        #[serde(with = "wire::day")]
        day: Day,
        #[serde(with = "wire")]
        manifests: [u8; 32],
    },
    /// The key of a card's number was destroyed; the vault takes no number of this card again.
    CardForgotten { card: String, why: String },
    /// Blocks of settled days were moved into an archive.
    DaysArchived(Archived),
}

impl Event {
    /// Whether somebody is told of it: what is told must not be lost unnoticed. A file or a close that has only been started
    /// starts anew after a crash, and so does what stands in the blocks behind it.
    pub(crate) const fn is_told(&self) -> bool {
        !matches!(self, Self::FileStarted { .. } | Self::CloseStarted { .. })
    }

    /// Whether it is a person's decision on a record.
    pub(crate) const fn is_resolution(&self) -> bool {
        matches!(self, Self::HeldReleased { .. } | Self::HeldRejected { .. } | Self::TapOffSupplied { .. })
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has only texts and numbers")
    }

    pub(crate) fn of_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}
