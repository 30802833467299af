//! A record: what a terminal saw.
//!
//! The same shape for every source. A field that a source does not have is absent (`Symbol::NONE`, `None`, an empty text),
//! never guessed. Card numbers are never in a record: only tokens.

use crate::{EventTime, Symbol, Text};
use std::fmt;

/// What kind of thing the terminal saw. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    TapOn = 1,
    TapOff = 2,
    /// A flat ride: one tap.
    Boarding = 3,
    /// A whole ride from `from` to `location`, priced elsewhere.
    Journey = 4,
    /// An identity admission; may cost nothing.
    Pass = 5,
    Payment = 6,
    /// Gives back all or part of the record it names.
    Refund = 7,
    /// Takes back the whole of the record it names.
    Reversal = 8,
    /// Credits a card on behalf of a payer.
    Disbursement = 9,
    /// A fare of an earlier ride, collected later on whoever's vehicle; names that ride.
    Collection = 10,
}

impl RecordKind {
    pub const ALL: [Self; 10] = [
        Self::TapOn,
        Self::TapOff,
        Self::Boarding,
        Self::Journey,
        Self::Pass,
        Self::Payment,
        Self::Refund,
        Self::Reversal,
        Self::Disbursement,
        Self::Collection,
    ];

    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name used in mappings, files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TapOn => "tap-on",
            Self::TapOff => "tap-off",
            Self::Boarding => "boarding",
            Self::Journey => "journey",
            Self::Pass => "pass",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Disbursement => "disbursement",
            Self::Collection => "collection",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A card, as everything but the vault knows it: a token of at most 24 bytes.
pub type CardToken = Text<24>;

/// The sender's own reference of a record, at most 16 bytes.
pub type SourceRef = Text<16>;

/// What makes a record itself and no other. Two records with equal ids are the same record or a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId {
    /// The terminal's own count; the epoch is dated in the registry, because replaced terminals start again.
    Sequence { terminal: Symbol, epoch: u32, sequence: u64 },
    /// 128 bits of a BLAKE3 hash over columns that the mapping names.
    Columns([u64; 2]),
    /// 96 bits of the file's digest and the row (from 1) in its last 32 bits.
    FileRow([u64; 2]),
}

/// How a record's id was made; the number is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IdKind {
    #[default]
    Sequence = 0,
    Columns = 1,
    FileRow = 2,
}

impl IdKind {
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Sequence),
            1 => Some(Self::Columns),
            2 => Some(Self::FileRow),
            _ => None,
        }
    }
}

/// One record. Amounts in minor units; times in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub kind: RecordKind,
    pub id_kind: IdKind,
    /// The local clock's offset at the event, in minutes east of UTC.
    pub offset_min: i16,
    pub epoch: u32,
    pub time: EventTime,
    pub sequence: u64,
    /// The id's 128 bits where `id_kind` is not `Sequence`; zero otherwise.
    pub id_bits: [u64; 2],
    pub terminal: Symbol,
    /// Where it happened; for a journey, where it ended.
    pub location: Symbol,
    /// Where a journey began.
    pub from: Symbol,
    pub route: Symbol,
    pub vehicle: Symbol,
    /// Bus, metro, rail…: a word of the scheme's.
    pub mode: Symbol,
    pub issuer: Symbol,
    pub operator: Symbol,
    pub class: Symbol,
    pub medium: Symbol,
    pub product: Symbol,
    /// The terminal's list price or amount; zero where it states none.
    pub amount_minor: i64,
    /// What the terminal charged, where it set the price.
    pub charged_minor: Option<i64>,
    pub balance_before_minor: Option<i64>,
    pub balance_after_minor: Option<i64>,
    pub card_counter: Option<u32>,
    /// The hotlist version that the terminal held.
    pub hotlist_version: Option<u32>,
    /// An unfinished write on the card (a grey record).
    pub grey: bool,
    /// The record that a refund, a reversal or a collection names.
    pub original: Option<RecordId>,
    /// When it arrived, in the sender's count. Not part of the record's content: two copies that differ here are the same.
    pub arrival: u64,
    /// The sender's reference. Not part of the record's content either.
    pub source_ref: SourceRef,
    pub card: CardToken,
}

impl Record {
    /// A record of `kind` in which everything else is absent or zero.
    #[must_use]
    pub const fn blank(kind: RecordKind) -> Self {
        Self {
            kind,
            id_kind: IdKind::Sequence,
            offset_min: 0,
            epoch: 0,
            time: EventTime(0),
            sequence: 0,
            id_bits: [0; 2],
            terminal: Symbol::NONE,
            location: Symbol::NONE,
            from: Symbol::NONE,
            route: Symbol::NONE,
            vehicle: Symbol::NONE,
            mode: Symbol::NONE,
            issuer: Symbol::NONE,
            operator: Symbol::NONE,
            class: Symbol::NONE,
            medium: Symbol::NONE,
            product: Symbol::NONE,
            amount_minor: 0,
            charged_minor: None,
            balance_before_minor: None,
            balance_after_minor: None,
            card_counter: None,
            hotlist_version: None,
            grey: false,
            original: None,
            arrival: 0,
            source_ref: SourceRef::EMPTY,
            card: CardToken::EMPTY,
        }
    }

    #[must_use]
    pub const fn id(&self) -> RecordId {
        match self.id_kind {
            IdKind::Sequence => RecordId::Sequence { terminal: self.terminal, epoch: self.epoch, sequence: self.sequence },
            IdKind::Columns => RecordId::Columns(self.id_bits),
            IdKind::FileRow => RecordId::FileRow(self.id_bits),
        }
    }

    /// Whether two records with the same id say the same: every field but how and when they arrived.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let arrived_alike = Self { arrival: self.arrival, source_ref: self.source_ref, ..*other };
        *self == arrived_alike
    }
}

impl RecordId {
    /// An id by its kind; of a sequence, the two words are the epoch and the sequence.
    #[inline]
    #[must_use]
    pub fn of(kind: IdKind, terminal: Symbol, words: [u64; 2]) -> Self {
        match kind {
            IdKind::Sequence => Self::Sequence { terminal, epoch: u32::try_from(words[0]).unwrap_or(0), sequence: words[1] },
            IdKind::Columns => Self::Columns(words),
            IdKind::FileRow => Self::FileRow(words),
        }
    }

    /// The id as files print it: `terminal.epoch.sequence`, 32 hex digits, or `f` + 24 hex digits + `.row`.
    pub fn write(&self, terminal: &str, out: &mut impl fmt::Write) -> fmt::Result {
        match *self {
            Self::Sequence { epoch, sequence, .. } => write!(out, "{terminal}.{epoch}.{sequence}"),
            Self::Columns([high, low]) => write!(out, "{high:016x}{low:016x}"),
            Self::FileRow([high, low]) => write!(out, "f{high:016x}{:08x}.{}", low >> 32, low & 0xffff_ffff),
        }
    }

    /// The same as a text of its own.
    #[must_use]
    pub fn text(&self, terminal: &str) -> String {
        let mut text = String::new();
        self.write(terminal, &mut text).expect("a string takes it");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keep_their_numbers_and_names() {
        for (at, kind) in RecordKind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.code()), at + 1);
            assert_eq!(RecordKind::from_code(kind.code()), Some(kind));
            assert_eq!(RecordKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(RecordKind::from_code(0), None);
        assert_eq!(RecordKind::from_name("tap"), None);
    }

    #[test]
    fn how_a_copy_arrived_is_not_its_content() {
        let first = Record { arrival: 1, source_ref: SourceRef::new(b"1").expect("short"), ..Record::blank(RecordKind::TapOn) };
        let again = Record { arrival: 2, source_ref: SourceRef::new(b"2").expect("short"), ..first };
        assert!(first.same_content(&again));
        assert!(!first.same_content(&Record { amount_minor: 1, ..again }));
        assert!(!first.same_content(&Record { grey: true, ..again }));
    }

    #[test]
    fn ids_print_as_documented() {
        let print = |id: RecordId| {
            let mut out = String::new();
            id.write("T-7", &mut out).expect("a string takes it");
            out
        };
        assert_eq!(print(RecordId::Sequence { terminal: Symbol(1), epoch: 2, sequence: 30 }), "T-7.2.30");
        assert_eq!(print(RecordId::Columns([1, 2])), "00000000000000010000000000000002");
        assert_eq!(print(RecordId::FileRow([1, (2 << 32) | 17])), "f000000000000000100000002.17");
        for code in 0..3 {
            assert_eq!(IdKind::from_code(code).map(|kind| kind as u8), Some(code));
        }
        assert_eq!(IdKind::from_code(3), None);
    }
}
