//! What people have decided since the last close: held records released or rejected, and ends supplied for journeys that had
//! none.
//!
//! A version of a record is named by a number made of its content, so that one of several held under one id can be meant. A
//! decision overrides doubts about a record, never what pricing needs: who pays, who earns, a price.

use super::gather::Fast;
use super::versions::content_key;
use domain::{EventTime, IdKind, Record, RecordId, RecordKind, Symbol, SymbolTable};
use hashbrown::HashSet;

/// One version of a record: its id, and a number made of its content.
pub type Version = (RecordId, u64);

#[derive(Clone, Debug, Default)]
pub struct Resolutions {
    pub released: HashSet<Version, Fast>,
    pub rejected: HashSet<Version, Fast>,
    /// Tap-offs that operators supplied.
    pub supplied: Vec<Record>,
}

/// The version that a record is.
#[must_use]
pub fn version_of(record: &Record, symbols: &SymbolTable) -> Version {
    let hash = blake3::hash(content_key(record, symbols).as_bytes());
    (record.id(), hash.as_bytes().first_chunk().map_or(0, |half| u64::from_be_bytes(*half)))
}

/// The tap-off that ends a journey by decision: at the tap-on's terminal as far as the registry is concerned, elsewhere and
/// later as the operator says. Its id is made of the tap-on's, so that a journey is ended in this way once.
#[must_use]
pub fn supplied_tap_off(tap_on: &Record, location: Symbol, time: EventTime, symbols: &SymbolTable) -> Record {
    let mut id = String::from("tap-off for ");
    tap_on.id().write(&symbols.text(tap_on.terminal), &mut id).expect("a string takes it");
    let hash = blake3::hash(id.as_bytes());
    let (halves, _) = hash.as_bytes().as_chunks::<8>();
    let half = |at: usize| halves.get(at).map_or(0, |half| u64::from_be_bytes(*half));
    Record {
        kind: RecordKind::TapOff,
        id_kind: IdKind::Columns,
        id_bits: [half(0), half(1)],
        epoch: tap_on.epoch,
        sequence: 0,
        time,
        location,
        amount_minor: 0,
        card_counter: None,
        balance_before_minor: None,
        balance_after_minor: None,
        grey: false,
        arrival: 0,
        ..*tap_on
    }
}
