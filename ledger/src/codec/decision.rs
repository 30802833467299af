//! The columns of a decision: its record's, then its own. Their order is the stored order of format version 1.

use super::column::{Column, Columns, Shape, column, set, set_symbol};
use super::record::{HoldsRecord, RecordFields};
use domain::{Day, Decision, Reason, Record, RecordKind};

impl HoldsRecord for Decision {
    fn record(&self) -> &Record {
        &self.record
    }

    fn record_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

/// The columns of a block of decisions.
pub(crate) const DECISION: Columns<Decision> = Columns {
    numbers: &[RecordFields::<Decision>::NUMBERS, OWN],
    texts: RecordFields::<Decision>::TEXTS,
    blank: Decision::unpriced(Record::blank(RecordKind::TapOn), Reason::Cleared, Day(0), Day(0)),
};

const fn whole(decision: &Decision) -> &Decision {
    decision
}

const fn whole_mut(decision: &mut Decision) -> &mut Decision {
    decision
}

macro_rules! own {
    ($shape:ident, |$from:ident| $get:expr, |$to:ident, $value:ident| $put:expr) => {
        column!($shape, whole, whole_mut, |$from| $get, |$to, $value| $put)
    };
}

macro_rules! amount {
    ($($field:tt)+) => {
        own!(Number, |row| row.$($field)+, |row, value| {
            row.$($field)+ = value;
            true
        })
    };
}

macro_rules! symbol {
    ($($field:tt)+) => {
        own!(Symbol, |row| i64::from(row.$($field)+.0), |row, value| set_symbol(&mut row.$($field)+, value))
    };
}

const OWN: &[Column<Decision>] = &[
    own!(Number, |row| i64::from(row.reason.number()), |row, value| reason_of(value).map(|reason| row.reason = reason).is_some()),
    own!(Number, |row| i64::from(row.flags.0), |row, value| set(&mut row.flags.0, value)),
    own!(Number, |row| i64::from(row.service_day.0), |row, value| set(&mut row.service_day.0, value)),
    own!(Number, |row| i64::from(row.held_since.0), |row, value| set(&mut row.held_since.0, value)),
    symbol!(issuer),
    symbol!(earner),
    symbol!(venue),
    symbol!(product),
    amount!(list_minor),
    amount!(charged_minor),
    amount!(fee_minor),
    symbol!(discounts[0].funder),
    amount!(discounts[0].amount_minor),
    symbol!(discounts[1].funder),
    amount!(discounts[1].amount_minor),
    symbol!(discounts[2].funder),
    amount!(discounts[2].amount_minor),
];

fn reason_of(value: i64) -> Option<Reason> {
    Reason::from_number(u16::try_from(value).ok()?)
}
