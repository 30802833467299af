//! The record as a capture carries it: fixed size, little-endian, checked before use.
//!
//! Written once and read back exactly; `domain::Record` itself is never serialized.

use domain::{CardToken, EventTime, IdKind, Record, RecordId, RecordKind, SourceRef, Symbol};
use rkyv::{Archive, Serialize};

/// What a package's seal covers.
#[derive(Archive, Serialize)]
pub(super) struct Package {
    pub sender: String,
    pub number: u64,
    pub count: u64,
    pub total_minor: i64,
    /// The texts that records refer to by number; the first is the empty one.
    pub names: Vec<String>,
    pub records: Vec<WireRecord>,
}

#[derive(Archive, Serialize)]
pub(super) struct WireRecord {
    pub time_ms: i64,
    pub sequence: u64,
    pub id_bits: [u64; 2],
    pub amount_minor: i64,
    pub charged_minor: i64,
    pub balance_before_minor: i64,
    pub balance_after_minor: i64,
    pub original: [u64; 2],
    pub arrival: u64,
    pub source_ref: [u8; 16],
    pub card: [u8; 24],
    pub epoch: u32,
    pub card_counter: u32,
    pub hotlist_version: u32,
    pub original_terminal: u32,
    pub original_epoch: u32,
    /// Terminal, location, from, route, vehicle, mode, issuer, operator, class, medium, product.
    pub names: [u32; 11],
    pub offset_min: i16,
    /// Which of the optional fields are there; [`GREY`] among them.
    pub present: u8,
    pub kind: u8,
    pub id_kind: u8,
    /// 0: names no other record; otherwise the id's kind plus 1.
    pub original_kind: u8,
}

const CHARGED: u8 = 1;
const BALANCE_BEFORE: u8 = 1 << 1;
const BALANCE_AFTER: u8 = 1 << 2;
const COUNTER: u8 = 1 << 3;
const HOTLIST: u8 = 1 << 4;
const GREY: u8 = 1 << 5;
const PRESENT_MAX: u8 = (1 << 6) - 1;

impl WireRecord {
    pub fn of(record: &Record, local: &mut impl FnMut(Symbol) -> u32) -> Self {
        let bit = |there: bool, bit: u8| if there { bit } else { 0 };
        let (original_kind, original_terminal, original_epoch, original) = match record.original {
            None => (0, 0, 0, [0; 2]),
            Some(RecordId::Sequence { terminal, epoch, sequence }) => (1, local(terminal), epoch, [sequence, 0]),
            Some(RecordId::Columns(bits)) => (2, 0, 0, bits),
            Some(RecordId::FileRow(bits)) => (3, 0, 0, bits),
        };
        let names = [
            record.terminal,
            record.location,
            record.from,
            record.route,
            record.vehicle,
            record.mode,
            record.issuer,
            record.operator,
            record.class,
            record.medium,
            record.product,
        ];
        Self {
            time_ms: record.time.0,
            sequence: record.sequence,
            id_bits: record.id_bits,
            amount_minor: record.amount_minor,
            charged_minor: record.charged_minor.unwrap_or(0),
            balance_before_minor: record.balance_before_minor.unwrap_or(0),
            balance_after_minor: record.balance_after_minor.unwrap_or(0),
            original,
            arrival: record.arrival,
            source_ref: *record.source_ref.padded(),
            card: *record.card.padded(),
            epoch: record.epoch,
            card_counter: record.card_counter.unwrap_or(0),
            hotlist_version: record.hotlist_version.unwrap_or(0),
            original_terminal,
            original_epoch,
            names: names.map(local),
            offset_min: record.offset_min,
            present: bit(record.charged_minor.is_some(), CHARGED)
                | bit(record.balance_before_minor.is_some(), BALANCE_BEFORE)
                | bit(record.balance_after_minor.is_some(), BALANCE_AFTER)
                | bit(record.card_counter.is_some(), COUNTER)
                | bit(record.hotlist_version.is_some(), HOTLIST)
                | bit(record.grey, GREY),
            kind: record.kind.code(),
            id_kind: record.id_kind as u8,
            original_kind,
        }
    }
}

impl ArchivedWireRecord {
    /// The record; `names` are the symbols of the package's texts.
    pub fn read(&self, names: &[Symbol]) -> Result<Record, &'static str> {
        let name = |local: rkyv::rend::u32_le| {
            let at = usize::try_from(local.to_native()).map_err(|_| "has a record that uses a name it lacks")?;
            names.get(at).copied().ok_or("has a record that uses a name it lacks")
        };
        let [terminal, location, from, route, vehicle, mode, issuer, operator, class, medium, product] = self.names;
        if self.present > PRESENT_MAX {
            return Err("has a record with unknown marks");
        }
        let bits = |bits: [rkyv::rend::u64_le; 2]| bits.map(|half| half.to_native());
        let has = |bit: u8| self.present & bit != 0;
        let [original_high, _] = bits(self.original);
        Ok(Record {
            kind: RecordKind::from_code(self.kind).ok_or("has a record of an unknown kind")?,
            id_kind: IdKind::from_code(self.id_kind).ok_or("has a record with an unknown kind of id")?,
            offset_min: self.offset_min.to_native(),
            epoch: self.epoch.to_native(),
            time: EventTime(self.time_ms.to_native()),
            sequence: self.sequence.to_native(),
            id_bits: bits(self.id_bits),
            terminal: name(terminal)?,
            location: name(location)?,
            from: name(from)?,
            route: name(route)?,
            vehicle: name(vehicle)?,
            mode: name(mode)?,
            issuer: name(issuer)?,
            operator: name(operator)?,
            class: name(class)?,
            medium: name(medium)?,
            product: name(product)?,
            amount_minor: self.amount_minor.to_native(),
            charged_minor: has(CHARGED).then(|| self.charged_minor.to_native()),
            balance_before_minor: has(BALANCE_BEFORE).then(|| self.balance_before_minor.to_native()),
            balance_after_minor: has(BALANCE_AFTER).then(|| self.balance_after_minor.to_native()),
            card_counter: has(COUNTER).then(|| self.card_counter.to_native()),
            hotlist_version: has(HOTLIST).then(|| self.hotlist_version.to_native()),
            grey: has(GREY),
            original: match self.original_kind {
                0 => None,
                1 => {
                    let (terminal, epoch) = (name(self.original_terminal)?, self.original_epoch.to_native());
                    Some(RecordId::Sequence { terminal, epoch, sequence: original_high })
                }
                2 => Some(RecordId::Columns(bits(self.original))),
                3 => Some(RecordId::FileRow(bits(self.original))),
                _ => return Err("has a record that names another in an unknown way"),
            },
            arrival: self.arrival.to_native(),
            source_ref: SourceRef::from_padded(self.source_ref).ok_or("has a record with a broken reference")?,
            card: CardToken::from_padded(self.card).ok_or("has a record with a broken card token")?,
        })
    }
}
