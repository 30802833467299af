//! How each field of a record is fed, as a mapping says it: the plan that the decoder follows row by row.
//!
//! Plain data. Columns are slots: indexes into the section's list of used columns.

use domain::{Day, RecordKind};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An index into a section's used columns.
pub(super) type Slot = usize;

/// The values of a column and what they become. Shared between the sections that name the same table.
pub(super) type ValueTable = Arc<BTreeMap<String, String>>;

/// What a value outside the table becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// The row is refused.
    Refused,
    /// It stays as it is.
    Kept,
    /// This text.
    Text(String),
}

/// What kind of place a location column names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlaceKind {
    /// The column is no place.
    None,
    /// The column says `kind:code` itself.
    Written,
    Fixed(String),
    /// Depends on the kind of record; indexed by its code.
    ByRecord(Box<[Option<String>; KIND_CODES]>),
}

/// Record kinds are numbered from 1; 0 is never used.
pub(super) const KIND_CODES: usize = RecordKind::ALL.len() + 1;

/// A name: terminal, party, place, mode, class…
#[derive(Clone, Debug)]
pub(super) enum NameFeed {
    Constant(String),
    Column(Box<NameColumn>),
}

/// From the column to the name, in this order: absent values, value table, padding, prefix, kind of place.
#[derive(Clone, Debug)]
pub(super) struct NameColumn {
    pub slot: Slot,
    pub absent: Vec<String>,
    pub values: Option<ValueTable>,
    pub otherwise: Otherwise,
    pub prefix: String,
    /// Zeros are put before a text shorter than this many characters.
    pub pad: usize,
    pub place: PlaceKind,
}

#[derive(Clone, Debug)]
pub(super) enum KindFeed {
    Constant(RecordKind),
    /// Values and the kinds they stand for; without a table the column writes the kinds' own names.
    Column {
        slot: Slot,
        values: BTreeMap<String, RecordKind>,
        otherwise: Option<RecordKind>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// Minutes east of UTC.
    Fixed(i16),
    Named(TimeZone),
}

#[derive(Clone, Debug)]
pub(super) enum TimeFeed {
    /// Seconds or milliseconds since 1970, UTC; the zone only says what the local clock showed.
    Epoch { slot: Slot, unit_ms: i64, zone: Zone },
    /// A local date and time in a strptime-like pattern.
    Local { slot: Slot, pattern: String, zone: Zone },
    /// A day number (1 is the base date) and a minute of that day, which may run past 1440.
    DayMinute { base: Day, day: Slot, minute: Slot, zone: Zone },
}

/// An amount of money.
#[derive(Clone, Copy, Debug)]
pub(super) struct AmountFeed {
    pub slot: Slot,
    /// Decimals of the column's unit: 0 for minor units, 2 for yuan or pounds.
    pub decimals: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CardForm {
    /// A card number: hashed at the door, the number goes to the vault.
    Number,
    /// A token that means something to others but is no card number.
    Token,
}

#[derive(Clone, Debug)]
pub(super) enum IdRule {
    Sequence { sequence: Slot, epoch: Option<Slot> },
    Columns(Vec<Slot>),
    FileRow,
}

/// How a refund or reversal names the record it gives back.
#[derive(Clone, Debug)]
pub(super) enum OriginalFeed {
    /// The id as settlement files print it.
    Printed(Slot),
    /// The original's terminal (of the same naming as `terminal`), epoch and sequence.
    Sequence { terminal: Box<NameColumn>, sequence: Slot, epoch: Option<Slot> },
    /// The original's values of the columns that make an id.
    Columns(Vec<Slot>),
}

/// The fields of a record that are names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameField {
    Terminal,
    Location,
    From,
    Route,
    Vehicle,
    Mode,
    Issuer,
    Operator,
    Class,
    Medium,
    Product,
}

impl NameField {
    /// With their keys in `[source.record]`.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Terminal, "terminal"),
        (Self::Location, "location"),
        (Self::From, "from"),
        (Self::Route, "route"),
        (Self::Vehicle, "vehicle"),
        (Self::Mode, "mode"),
        (Self::Issuer, "issuer"),
        (Self::Operator, "operator"),
        (Self::Class, "class"),
        (Self::Medium, "medium"),
        (Self::Product, "product"),
    ];

    /// Whether the name is that of a place.
    pub const fn is_place(self) -> bool {
        matches!(self, Self::Location | Self::From)
    }
}

/// The fields of a record that are amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AmountField {
    Amount,
    Charged,
    BalanceBefore,
    BalanceAfter,
}

impl AmountField {
    /// With their keys in `[source.record]`.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Amount, "amount"), (Self::Charged, "charged"), (Self::BalanceBefore, "balance_before"), (Self::BalanceAfter, "balance_after")];
}

/// How the fields of a record are filled; one that is not listed stays absent.
#[derive(Clone, Debug)]
pub(super) struct Feeds {
    pub id: IdRule,
    pub kind: KindFeed,
    pub time: TimeFeed,
    pub names: Vec<(NameField, NameFeed)>,
    pub amounts: Vec<(AmountField, AmountFeed)>,
    pub counter: Option<Slot>,
    pub hotlist_version: Option<Slot>,
    pub grey: Option<Slot>,
    pub arrival: Option<Slot>,
    pub source_ref: Option<Slot>,
    pub card: Option<(Slot, CardForm)>,
    pub original: Option<OriginalFeed>,
}
