//! A partition: the events of some accounts, in chunks that never move, and the notes of those that have one.
//!
//! Workers fill partitions of their own; joining them moves chunks, not events. An event keeps its address until the day is
//! written out: whatever orders events orders addresses. What orders and finds them stands beside them in narrow columns,
//! so that most passes over a day touch twelve bytes an event.

use super::event::{Event, Note};
use super::order::Lead;
use crate::price::Fare;
use domain::RecordId;

/// Where an event stands in its partition: the chunk in the high bits, the place in it in the low ones.
pub type Address = u32;

/// Events are gathered in chunks, so that growing never copies.
const CHUNK_EVENTS: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 9;

#[derive(Debug)]
struct Chunk {
    events: Vec<Event>,
    /// Of each event.
    leads: Vec<Lead>,
    /// Some bits of each event's id.
    tags: Vec<u32>,
}

impl Default for Chunk {
    fn default() -> Self {
        Self { events: Vec::with_capacity(CHUNK_EVENTS), leads: Vec::with_capacity(CHUNK_EVENTS), tags: Vec::with_capacity(CHUNK_EVENTS) }
    }
}

#[derive(Debug, Default)]
pub struct Partition {
    chunks: Vec<Chunk>,
    pub notes: Vec<Note>,
}

impl Partition {
    /// Adds an event that was made with this partition's notes.
    ///
    /// # Panics
    /// When there are more chunks than an address has room for: 4 billion events.
    pub fn push(&mut self, event: Event, lead: Lead) -> Address {
        if self.chunks.last().is_none_or(|chunk| chunk.events.len() == CHUNK_EVENTS) {
            self.chunks.push(Chunk::default());
        }
        let chunk = self.chunks.len() - 1;
        let at = self.chunks.last_mut().map_or(0, |events| {
            events.tags.push(id_tag(&event.record_id()));
            events.leads.push(lead);
            events.events.push(event);
            events.events.len() - 1
        });
        address(chunk, at)
    }

    /// Takes over the events and notes of another one.
    pub fn append(&mut self, mut other: Self) {
        let shift = self.notes.len();
        if shift > 0 && !other.notes.is_empty() {
            other.chunks.iter_mut().flat_map(|chunk| &mut chunk.events).for_each(|event| event.shift_note(shift));
        }
        self.chunks.append(&mut other.chunks);
        self.notes.append(&mut other.notes);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.events.len()).sum()
    }

    #[must_use]
    pub fn get(&self, at: Address) -> &Event {
        let chunk = self.chunks.get((at >> CHUNK_BITS) as usize);
        chunk.and_then(|chunk| chunk.events.get(at as usize % CHUNK_EVENTS)).expect("an address is one that this partition gave")
    }

    #[must_use]
    pub fn get_mut(&mut self, at: Address) -> &mut Event {
        self.get_with_notes(at).0
    }

    fn get_with_notes(&mut self, at: Address) -> (&mut Event, &mut Vec<Note>) {
        let chunk = self.chunks.get_mut((at >> CHUNK_BITS) as usize);
        let event = chunk.and_then(|chunk| chunk.events.get_mut(at as usize % CHUNK_EVENTS));
        (event.expect("an address is one that this partition gave"), &mut self.notes)
    }

    /// All events with their addresses, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (Address, &Event)> {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(number, chunk)| chunk.events.iter().enumerate().map(move |(at, event)| (address(number, at), event)))
    }

    /// The leads of all events that count, with their addresses.
    pub fn leads(&self) -> impl Iterator<Item = (Address, Lead)> {
        let chunks = self.chunks.iter().enumerate();
        let leads = chunks.flat_map(|(number, chunk)| chunk.leads.iter().enumerate().map(move |(at, lead)| (address(number, at), *lead)));
        leads.filter(|(_, lead)| *lead != Lead::APART)
    }

    /// Takes out the events that `is_wanted` finds among those that `may_be` lets through by the tag of their ids.
    pub fn take_apart(&mut self, may_be: impl Fn(u32) -> bool, is_wanted: impl Fn(&Event) -> bool) -> Vec<(Event, Option<Note>)> {
        let mut taken = Vec::new();
        for chunk in &mut self.chunks {
            let columns = chunk.tags.iter().zip(&mut chunk.leads).zip(&mut chunk.events);
            for ((_, lead), event) in columns.filter(|((tag, _), _)| may_be(**tag)) {
                if is_wanted(event) {
                    taken.push((*event, event.note(&self.notes).copied()));
                    *lead = Lead::APART;
                    event.set_apart();
                }
            }
        }
        taken
    }

    pub fn decide_priced(&mut self, at: Address, fare: &Fare) {
        let (event, notes) = self.get_with_notes(at);
        event.decide_priced(fare, notes);
    }

    /// Notes what a refund gives back of its original's fee.
    pub fn change_fee(&mut self, at: Address, fee_minor: i64) {
        let (event, notes) = self.get_with_notes(at);
        event.change_fee(fee_minor, notes);
    }

    /// The fare of a decided ride.
    #[must_use]
    pub fn fare(&self, at: Address) -> Fare {
        self.get(at).fare(&self.notes)
    }

    /// Gives a decided ride another charge with other discounts.
    pub fn reprice(&mut self, at: Address, fare: &Fare) {
        let (event, notes) = self.get_with_notes(at);
        event.reprice(fare, notes);
    }

    pub fn decide_unpriced(&mut self, at: Address) {
        let (event, notes) = self.get_with_notes(at);
        event.decide_unpriced(notes);
    }
}

/// Bits of an id that tell it from most others.
#[inline]
#[must_use]
pub fn id_tag(id: &RecordId) -> u32 {
    let [high, low] = match *id {
        RecordId::Sequence { terminal, epoch, sequence } => [u64::from(terminal.0) << 32 | u64::from(epoch), sequence],
        RecordId::Columns(bits) | RecordId::FileRow(bits) => bits,
    };
    // The high bits of a product by an odd constant depend on every bit below.
    let mixed = (high.rotate_left(17) ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ high).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) as u32
}

fn address(chunk: usize, at: usize) -> Address {
    u32::try_from(chunk << CHUNK_BITS | at).expect("fewer than 4 billion events in a partition")
}

#[cfg(test)]
mod tests {
    use super::super::event::Resolved;
    use super::*;
    use domain::{CardToken, Day, Flags, Reason, Record, RecordKind, Symbol};

    fn event(sequence: u64, route: Symbol, partition: &mut Partition) -> Event {
        let record = Record { sequence, route, ..Record::blank(RecordKind::Payment) };
        let none = Symbol::NONE;
        let (reason, flags, account, service_day) = (Reason::Cleared, Flags(0), CardToken::EMPTY, Day(1));
        let resolved = Resolved { reason, flags, issuer: none, earner: none, class: none, mode: none, product: none, account, service_day };
        Event::new(&record, &resolved, 1, None, &mut partition.notes)
    }

    #[test]
    fn addresses_and_notes_survive_joining() {
        let (mut whole, mut other) = (Partition::default(), Partition::default());
        for number in 0..700 {
            // Every third has a note.
            let route = Symbol(u32::from(number % 3 == 0) * (number + 1));
            let partition = if number < 600 { &mut whole } else { &mut other };
            let event = event(u64::from(number), route, partition);
            let at = partition.push(event, Lead::new(7, event.time, 0));
            assert_eq!(partition.get(at).id, [0, u64::from(number)]);
        }
        whole.append(other);
        assert_eq!(whole.len(), 700);
        for (at, event) in whole.iter() {
            assert_eq!(whole.get(at).id, event.id);
            let number = u32::try_from(event.id[1]).expect("small");
            let route = event.taken_record(&whole.notes).route;
            assert_eq!(route, Symbol(u32::from(number % 3 == 0) * (number + 1)));
        }
        assert!(whole.iter().map(|(_, event)| event.id[1]).eq(0..700));
    }
}
