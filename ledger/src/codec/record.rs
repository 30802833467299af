//! The columns of a record. Their order is the stored order of format version 1: new ones go to a new version.

use super::column::{Column, Columns, Shape, TextColumn, column, set, set_symbol};
use super::text;
use domain::record::IdKind;
use domain::{EventTime, Record, RecordId, RecordKind, Symbol};

/// A row that holds a record.
pub(crate) trait HoldsRecord: 'static {
    fn record(&self) -> &Record;
    fn record_mut(&mut self) -> &mut Record;
}

impl HoldsRecord for Record {
    fn record(&self) -> &Record {
        self
    }

    fn record_mut(&mut self) -> &mut Record {
        self
    }
}

/// The columns of a block of plain records.
pub(crate) const RECORD: Columns<Record> =
    Columns { numbers: &[RecordFields::<Record>::NUMBERS], texts: RecordFields::<Record>::TEXTS, blank: Record::blank(RecordKind::TapOn) };

pub(crate) struct RecordFields<R>(std::marker::PhantomData<R>);

macro_rules! of_record {
    ($shape:ident, |$from:ident| $get:expr, |$to:ident, $value:ident| $put:expr) => {
        column!($shape, HoldsRecord::record, HoldsRecord::record_mut, |$from| $get, |$to, $value| $put)
    };
}

macro_rules! symbol {
    ($field:ident) => {
        of_record!(Symbol, |record| i64::from(record.$field.0), |record, value| set_symbol(&mut record.$field, value))
    };
}

/// The value of an optional field, zero where it is absent; [`presence`] follows it.
macro_rules! value {
    ($field:ident) => {
        of_record!(Number, |record| record.$field.map_or(0, i64::from), |record, value| set(record.$field.insert(0), value))
    };
}

/// Whether an optional field is there, stored as absent (0) or present (1).
macro_rules! presence {
    ($field:ident) => {
        of_record!(Number, |record| i64::from(record.$field.is_some()), |record, value| match value {
            0 => {
                record.$field = None;
                true
            }
            1 => {
                record.$field.get_or_insert(0);
                true
            }
            _ => false,
        })
    };
}

impl<R: HoldsRecord> RecordFields<R> {
    pub(crate) const NUMBERS: &'static [Column<R>] = &[
        of_record!(Number, |record| i64::from(record.kind.code()), |record, value| kind_of(value).map(|kind| record.kind = kind).is_some()),
        of_record!(Number, |record| i64::from(record.id_kind as u8), |record, value| id_kind_of(value).map(|kind| record.id_kind = kind).is_some()),
        of_record!(Number, |record| i64::from(record.offset_min), |record, value| set(&mut record.offset_min, value)),
        of_record!(Number, |record| i64::from(record.epoch), |record, value| set(&mut record.epoch, value)),
        of_record!(Time, |record| record.time.0, |record, value| {
            record.time = EventTime(value);
            true
        }),
        of_record!(Number, |record| record.sequence.cast_signed(), |record, value| {
            record.sequence = value.cast_unsigned();
            true
        }),
        of_record!(Number, |record| record.id_bits[0].cast_signed(), |record, value| {
            record.id_bits[0] = value.cast_unsigned();
            true
        }),
        of_record!(Number, |record| record.id_bits[1].cast_signed(), |record, value| {
            record.id_bits[1] = value.cast_unsigned();
            true
        }),
        symbol!(terminal),
        symbol!(location),
        symbol!(from),
        symbol!(route),
        symbol!(vehicle),
        symbol!(mode),
        symbol!(issuer),
        symbol!(operator),
        symbol!(class),
        symbol!(medium),
        symbol!(product),
        of_record!(Number, |record| record.amount_minor, |record, value| {
            record.amount_minor = value;
            true
        }),
        value!(charged_minor),
        presence!(charged_minor),
        value!(balance_before_minor),
        presence!(balance_before_minor),
        value!(balance_after_minor),
        presence!(balance_after_minor),
        value!(card_counter),
        presence!(card_counter),
        value!(hotlist_version),
        presence!(hotlist_version),
        of_record!(Number, |record| i64::from(record.grey), |record, value| {
            record.grey = value == 1;
            value == 0 || value == 1
        }),
        of_record!(JointNumber, |record| original_kind(record), |record, value| make_original(record, value)),
        of_record!(JointSymbol, |record| original_terminal(record), |record, value| set_original_terminal(record, value)),
        of_record!(JointNumber, |record| original_numbers(record)[0], |record, value| set_original_number::<0>(record, value)),
        of_record!(JointNumber, |record| original_numbers(record)[1], |record, value| set_original_number::<1>(record, value)),
        of_record!(Number, |record| record.arrival.cast_signed(), |record, value| {
            record.arrival = value.cast_unsigned();
            true
        }),
    ];

    pub(crate) const TEXTS: &'static [TextColumn<R>] = &[
        TextColumn {
            gather: |rows, out| rows.iter().for_each(|row| out.extend_from_slice(row.record().source_ref.padded())),
            write: |texts, spare, out| text::put(texts.as_chunks::<16>().0, spare, out),
            fill: |texts, at, rows, values| texts.fill(at, rows, values, |row| &mut row.record_mut().source_ref),
        },
        TextColumn {
            gather: |rows, out| rows.iter().for_each(|row| out.extend_from_slice(row.record().card.padded())),
            write: |texts, spare, out| text::put(texts.as_chunks::<24>().0, spare, out),
            fill: |texts, at, rows, values| texts.fill(at, rows, values, |row| &mut row.record_mut().card),
        },
    ];
}

fn kind_of(value: i64) -> Option<RecordKind> {
    let code = u8::try_from(value).ok()?;
    // The codes count from one in the order of `ALL`; the comparison keeps that true.
    RecordKind::ALL.get(usize::from(code.checked_sub(1)?)).copied().filter(|kind| kind.code() == code)
}

fn id_kind_of(value: i64) -> Option<IdKind> {
    IdKind::from_code(u8::try_from(value).ok()?)
}

/// 0 for none, else one more than the code of the id's kind.
fn original_kind(record: &Record) -> i64 {
    match record.original {
        None => 0,
        Some(RecordId::Sequence { .. }) => 1,
        Some(RecordId::Columns(_)) => 2,
        Some(RecordId::FileRow(_)) => 3,
    }
}

fn original_terminal(record: &Record) -> i64 {
    match record.original {
        Some(RecordId::Sequence { terminal, .. }) => i64::from(terminal.0),
        _ => 0,
    }
}

/// Epoch and sequence, or the two halves of the id's bits.
fn original_numbers(record: &Record) -> [i64; 2] {
    match record.original {
        None => [0; 2],
        Some(RecordId::Sequence { epoch, sequence, .. }) => [i64::from(epoch), sequence.cast_signed()],
        Some(RecordId::Columns([high, low]) | RecordId::FileRow([high, low])) => [high.cast_signed(), low.cast_signed()],
    }
}

fn make_original(record: &mut Record, kind: i64) -> bool {
    record.original = match kind {
        1 => Some(RecordId::Sequence { terminal: Symbol::NONE, epoch: 0, sequence: 0 }),
        2 => Some(RecordId::Columns([0; 2])),
        3 => Some(RecordId::FileRow([0; 2])),
        _ => None,
    };
    (0..=3).contains(&kind)
}

fn set_original_terminal(record: &mut Record, value: i64) -> bool {
    match &mut record.original {
        Some(RecordId::Sequence { terminal, .. }) => set_symbol(terminal, value),
        _ => value == 0,
    }
}

fn set_original_number<const AT: usize>(record: &mut Record, value: i64) -> bool {
    match &mut record.original {
        Some(RecordId::Sequence { epoch, .. }) if AT == 0 => set(epoch, value),
        Some(RecordId::Sequence { sequence, .. }) => {
            *sequence = value.cast_unsigned();
            true
        }
        Some(RecordId::Columns(bits) | RecordId::FileRow(bits)) => {
            let half = bits.get_mut(AT);
            half.map(|half| *half = value.cast_unsigned()).is_some()
        }
        None => value == 0,
    }
}
