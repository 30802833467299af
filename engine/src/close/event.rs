//! An event: a record as the close holds it, small enough that a province's day fits in memory.
//!
//! What nearly every record has stands in the event itself; the rest stands in a note of its partition, which few events
//! have. An event is taken in, then decided where it stands: its two amounts are its arrival and the record's amount before,
//! its list price and charge from then on. Turning it back into a decision loses nothing but how the record arrived.

use crate::price::{Fare, Part};
use domain::decision::FUNDERS_MAX;
use domain::{CardToken, Day, Decision, Discount, EventTime, Flags, IdKind, Outcome, Reason, Record, RecordId, RecordKind, SourceRef, Symbol};

/// Where an event is on its way through the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Taken,
    /// Judged with the other copies of its id: what became of it stands elsewhere.
    Apart,
    /// Decided. The record's own amount is zero, or the note holds it.
    Decided,
    /// Decided, and the record's own amount is the list price.
    DecidedAsStated,
}

/// Two cache lines: events are visited in other orders than they lie in.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Event {
    pub time: EventTime,
    /// Epoch and sequence, or the 128 bits of the id.
    pub id: [u64; 2],
    pub card: CardToken,
    pub source_ref: SourceRef,
    /// Arrival and amount, then list price and charge.
    amounts: [i64; 2],
    pub terminal: Symbol,
    pub location: Symbol,
    pub issuer: Symbol,
    pub earner: Symbol,
    pub class: Symbol,
    pub mode: Symbol,
    pub product: Symbol,
    pub service_day: Day,
    pub flags: Flags,
    /// The file it came in; or, with [`NOTED`], the position of its note, which has the file.
    file_or_note: u32,
    pub reason: Reason,
    pub offset_min: i16,
    pub kind: RecordKind,
    pub id_kind: IdKind,
    stage: Stage,
}

/// Marks the position of a note. Files count from one, and are fewer.
const NOTED: u32 = 1 << 31;

/// What few events have.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// The file that the event came in.
    pub file: u32,
    /// The record as it was taken in.
    pub record: Record,
    /// The rider's account where it is not the card itself.
    pub account: CardToken,
    /// The clearing day that first held it, for a record carried from an earlier day.
    pub held_since: Option<Day>,
    /// Where they are not simply the earner's.
    pub discounts: Option<[Discount; FUNDERS_MAX]>,
    /// What a refund gives back of its original's fee, or what a correction changes of it: zero for all others.
    pub fee_minor: i64,
}

/// What authentication found out about a record.
#[derive(Clone, Copy, Debug)]
pub struct Resolved {
    pub reason: Reason,
    pub flags: Flags,
    pub issuer: Symbol,
    pub earner: Symbol,
    pub class: Symbol,
    pub mode: Symbol,
    pub product: Symbol,
    pub account: CardToken,
    pub service_day: Day,
}

impl Event {
    /// `held_since` is given for a record carried from an earlier clearing day.
    #[must_use]
    pub fn new(record: &Record, resolved: &Resolved, file: u32, held_since: Option<Day>, notes: &mut Vec<Note>) -> Self {
        let mut event = Self {
            time: record.time,
            id: id_halves(record),
            card: record.card,
            source_ref: record.source_ref,
            amounts: [record.arrival.cast_signed(), record.amount_minor],
            terminal: record.terminal,
            location: record.location,
            issuer: resolved.issuer,
            earner: resolved.earner,
            class: resolved.class,
            mode: resolved.mode,
            product: resolved.product,
            service_day: resolved.service_day,
            flags: resolved.flags,
            file_or_note: file & !NOTED,
            reason: resolved.reason,
            offset_min: record.offset_min,
            kind: record.kind,
            id_kind: record.id_kind,
            stage: Stage::Taken,
        };
        if !event.says_all_of(record) || resolved.account != record.card || held_since.is_some() {
            event.attach(Note { file, record: *record, account: resolved.account, held_since, discounts: None, fee_minor: 0 }, notes);
        }
        event
    }

    fn attach(&mut self, note: Note, notes: &mut Vec<Note>) {
        self.file_or_note = note_at(notes.len());
        notes.push(note);
    }

    /// Its note stands so many places further on: another partition's notes were put in front.
    pub(super) fn shift_note(&mut self, places: usize) {
        if let Some(at) = self.note_at() {
            self.file_or_note = note_at(at + places);
        }
    }

    fn note_at(&self) -> Option<usize> {
        (self.file_or_note & NOTED != 0).then_some((self.file_or_note & !NOTED) as usize)
    }

    #[must_use]
    pub fn note<'n>(&self, notes: &'n [Note]) -> Option<&'n Note> {
        self.note_at().and_then(|at| notes.get(at))
    }

    /// The file it came in.
    #[must_use]
    pub fn file(&self, notes: &[Note]) -> u32 {
        self.note(notes).map_or_else(|| self.plain_file(), |note| note.file)
    }

    /// The file of an event without a note.
    #[must_use]
    pub fn plain_file(&self) -> u32 {
        debug_assert!(self.note_at().is_none(), "its note has the file");
        self.file_or_note
    }

    #[must_use]
    pub fn account(&self, notes: &[Note]) -> CardToken {
        self.note(notes).map_or(self.card, |note| note.account)
    }

    #[must_use]
    pub fn record_id(&self) -> RecordId {
        RecordId::of(self.id_kind, self.terminal, self.id)
    }

    /// Whether the event alone gives the record back. Names every field that it leaves out, and compares those that
    /// authentication may have filled in.
    fn says_all_of(&self, record: &Record) -> bool {
        let absent = [record.from, record.route, record.vehicle, record.medium, record.product].iter().all(|symbol| symbol.is_none());
        let numbers = record.charged_minor.is_none() && record.balance_before_minor.is_none() && record.balance_after_minor.is_none();
        let card = record.card_counter.is_none() && record.hotlist_version.is_none() && !record.grey && record.original.is_none();
        let resolved = self.issuer == record.issuer && self.earner == record.operator && self.class == record.class && self.mode == record.mode;
        let id = if record.id_kind == IdKind::Sequence { record.id_bits == [0; 2] } else { record.epoch == 0 && record.sequence == 0 };
        absent && numbers && card && resolved && id
    }

    /// The record of an undecided event without a note.
    #[must_use]
    pub fn plain_record(&self) -> Record {
        Record { arrival: self.amounts[0].cast_unsigned(), ..self.record_stating(self.amounts[1]) }
    }

    /// The record as far as the event alone knows it.
    fn record_stating(&self, amount_minor: i64) -> Record {
        let [high, low] = self.id;
        let by_sequence = self.id_kind == IdKind::Sequence;
        Record {
            id_kind: self.id_kind,
            offset_min: self.offset_min,
            time: self.time,
            epoch: if by_sequence { u32::try_from(high).unwrap_or(0) } else { 0 },
            sequence: if by_sequence { low } else { 0 },
            id_bits: if by_sequence { [0; 2] } else { self.id },
            terminal: self.terminal,
            location: self.location,
            mode: self.mode,
            issuer: self.issuer,
            operator: self.earner,
            class: self.class,
            amount_minor,
            source_ref: self.source_ref,
            card: self.card,
            ..Record::blank(self.kind)
        }
    }

    /// The amount that the record states.
    #[must_use]
    pub fn stated_minor(&self) -> i64 {
        debug_assert!(self.stage == Stage::Taken, "the amount's place is used once more when the event is decided");
        self.amounts[1]
    }

    /// The record of an event that is not decided yet.
    #[must_use]
    pub fn taken_record(&self, notes: &[Note]) -> Record {
        debug_assert!(self.stage == Stage::Taken, "a decided event has forgotten how its record arrived");
        match self.note(notes) {
            Some(note) => note.record,
            None => self.plain_record(),
        }
    }

    /// It is judged with the other copies of its id, and counts here no more.
    pub fn set_apart(&mut self) {
        self.stage = Stage::Apart;
    }

    #[must_use]
    pub fn is_decided(&self) -> bool {
        matches!(self.stage, Stage::Decided | Stage::DecidedAsStated)
    }

    /// Decides it without a ride of its own: a tap-on that is part of one, or a record that books nothing.
    pub fn decide_unpriced(&mut self, notes: &mut Vec<Note>) {
        let keeps_arrival = self.reason.outcome() == Outcome::Held && self.amounts[0] != 0;
        if (keeps_arrival || self.stated_minor() != 0) && self.note_at().is_none() {
            self.note_record(notes);
        }
        self.amounts = [0, 0];
        self.stage = Stage::Decided;
    }

    pub fn decide_priced(&mut self, fare: &Fare, notes: &mut Vec<Note>) {
        let stated_minor = self.stated_minor();
        let earners_alone = Discount { funder: self.earner, amount_minor: fare.list_minor - fare.charged_minor };
        let simple = fare.discounts.iter().all(|discount| discount.amount_minor == 0 || *discount == earners_alone);
        let amount_told = stated_minor == 0 || stated_minor == fare.list_minor;
        if !(simple && amount_told) && self.note_at().is_none() {
            self.note_record(notes);
        }
        if let Some(note) = self.note_at().and_then(|at| notes.get_mut(at)) {
            note.discounts = (!simple).then_some(fare.discounts);
        }
        self.flags.set(fare.flags);
        self.service_day = fare.service_day;
        self.amounts = [fare.list_minor, fare.charged_minor];
        self.stage = if stated_minor == 0 { Stage::Decided } else { Stage::DecidedAsStated };
    }

    /// What a refund gives back of its original's fee, or a correction changes of it.
    ///
    /// # Panics
    /// When it has no note: what goes back to another ride has one.
    pub(super) fn change_fee(&self, fee_minor: i64, notes: &mut [Note]) {
        self.note_at().and_then(|at| notes.get_mut(at)).expect("what goes back to another ride has a note").fee_minor = fee_minor;
    }

    /// What a decided ride hands on to another operator: an event of its own on the ride's record.
    #[must_use]
    pub fn share(&self, part: &Part, clearing_day: Day, ride_notes: &[Note], notes: &mut Vec<Note>) -> Self {
        let resolved = Resolved {
            reason: Reason::Cleared,
            flags: Flags::CARRIED.with(Flags::SHARE),
            issuer: self.issuer,
            earner: part.party,
            class: self.class,
            mode: self.mode,
            product: self.product,
            account: self.account(ride_notes),
            service_day: self.service_day,
        };
        let mut share = Self::new(&self.decided_record(ride_notes), &resolved, u32::MAX, Some(clearing_day), notes);
        let moved = Discount { funder: self.earner, amount_minor: part.amount_minor };
        share.decide_priced(&Fare { service_day: self.service_day, discounts: [moved, Discount::default(), Discount::default()], ..Fare::default() }, notes);
        share
    }

    /// The fare of a decided ride.
    #[must_use]
    pub fn fare(&self, notes: &[Note]) -> Fare {
        let [list_minor, charged_minor] = self.amounts;
        debug_assert!(self.is_decided(), "nothing has a price before it is decided");
        Fare { service_day: self.service_day, list_minor, charged_minor, discounts: self.discounts(notes), flags: self.flags }
    }

    /// Gives a decided ride another charge with other discounts. Its list price stays.
    pub fn reprice(&mut self, fare: &Fare, notes: &mut Vec<Note>) {
        assert_eq!(self.list_minor(), fare.list_minor, "what a ride costs before discounts does not change");
        if self.note_at().is_none() {
            let record = self.decided_record(notes);
            self.attach(Note { file: self.file_or_note, record, account: self.card, held_since: None, discounts: None, fee_minor: 0 }, notes);
        }
        if let Some(note) = self.note_at().and_then(|at| notes.get_mut(at)) {
            note.discounts = Some(fare.discounts);
        }
        self.amounts = [fare.list_minor, fare.charged_minor];
    }

    fn note_record(&mut self, notes: &mut Vec<Note>) {
        let note = Note { file: self.file_or_note, record: self.taken_record(notes), account: self.card, held_since: None, discounts: None, fee_minor: 0 };
        self.attach(note, notes);
    }

    /// Zero where it is no ride.
    #[must_use]
    pub fn list_minor(&self) -> i64 {
        debug_assert!(self.is_decided(), "nothing has a price before it is decided");
        self.amounts[0]
    }

    #[must_use]
    pub fn charged_minor(&self) -> i64 {
        debug_assert!(self.is_decided(), "nothing has a price before it is decided");
        self.amounts[1]
    }

    /// The record as it was taken in. Its arrival is not part of what is decided; what is held keeps it, because versions that
    /// come later are held against it.
    #[must_use]
    pub fn decided_record(&self, notes: &[Note]) -> Record {
        match self.note(notes) {
            Some(note) => {
                let arrival = if self.reason.outcome() == Outcome::Held { note.record.arrival } else { 0 };
                Record { source_ref: self.source_ref, arrival, ..note.record }
            }
            None => self.record_stating(if self.stage == Stage::DecidedAsStated { self.list_minor() } else { 0 }),
        }
    }

    #[must_use]
    pub fn discounts(&self, notes: &[Note]) -> [Discount; FUNDERS_MAX] {
        let mut discounts = [Discount::default(); FUNDERS_MAX];
        if let Some(written) = self.note(notes).and_then(|note| note.discounts) {
            return written;
        }
        let [list_minor, charged_minor] = self.amounts;
        if list_minor != charged_minor
            && let Some(first) = discounts.first_mut()
        {
            *first = Discount { funder: self.earner, amount_minor: list_minor - charged_minor };
        }
        discounts
    }

    #[must_use]
    pub fn decision(&self, notes: &[Note], clearing_day: Day, venue: Symbol, fee_minor: i64) -> Decision {
        let held_since = self.note(notes).and_then(|note| note.held_since).unwrap_or(clearing_day);
        Decision {
            flags: self.flags,
            issuer: self.issuer,
            earner: self.earner,
            venue,
            product: self.product,
            list_minor: self.list_minor(),
            charged_minor: self.charged_minor(),
            fee_minor,
            discounts: self.discounts(notes),
            ..Decision::unpriced(self.decided_record(notes), self.reason, self.service_day, held_since)
        }
    }
}

fn note_at(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|at| at & NOTED == 0).expect("fewer than 2 billion notes in a partition") | NOTED
}

/// Epoch and sequence, or the 128 bits of the id.
#[must_use]
pub fn id_halves(record: &Record) -> [u64; 2] {
    if record.id_kind == IdKind::Sequence { [u64::from(record.epoch), record.sequence] } else { record.id_bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 128;

    fn resolved(record: &Record) -> Resolved {
        Resolved {
            reason: Reason::Cleared,
            flags: Flags(0),
            issuer: record.issuer,
            earner: record.operator,
            class: record.class,
            mode: record.mode,
            product: record.product,
            account: record.card,
            service_day: Day(5),
        }
    }

    fn plain() -> Record {
        Record {
            time: EventTime(77),
            epoch: 2,
            sequence: 9,
            terminal: Symbol(1),
            location: Symbol(2),
            issuer: Symbol(3),
            operator: Symbol(4),
            arrival: 12,
            card: CardToken::new(b"card").expect("short"),
            source_ref: SourceRef::new(b"12").expect("short"),
            ..Record::blank(RecordKind::TapOff)
        }
    }

    #[test]
    fn a_day_of_events_stays_small() {
        assert!(size_of::<Event>() <= BYTES_MAX, "{}", size_of::<Event>());
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        let cases = [
            plain(),
            Record { amount_minor: 500, ..plain() },
            Record { charged_minor: Some(3), ..plain() },
            Record { id_kind: IdKind::Columns, id_bits: [7, 8], ..plain() },
            Record { route: Symbol(9), grey: true, ..plain() },
        ];
        let fares = [
            Fare { list_minor: 500, charged_minor: 500, ..Fare::default() },
            Fare {
                list_minor: 500,
                charged_minor: 300,
                discounts: [Discount { funder: Symbol(4), amount_minor: 200 }, Discount::default(), Discount::default()],
                ..Fare::default()
            },
            Fare {
                list_minor: 400,
                charged_minor: 100,
                discounts: [Discount { funder: Symbol(4), amount_minor: 100 }, Discount { funder: Symbol(8), amount_minor: 200 }, Discount::default()],
                ..Fare::default()
            },
        ];
        for record in cases {
            let mut notes = vec![];
            let taken = Event::new(&record, &resolved(&record), 1, None, &mut notes);
            assert_eq!(taken.taken_record(&notes), record);
            let mut moved = taken;
            let mut elsewhere = vec![Note { file: 3, record: plain(), account: CardToken::EMPTY, held_since: None, discounts: None, fee_minor: 0 }];
            moved.shift_note(1);
            elsewhere.extend(&notes);
            assert_eq!(moved.taken_record(&elsewhere), record);
            assert_eq!((taken.file(&notes), moved.file(&elsewhere)), (1, 1));
            assert_eq!(taken.record_id(), record.id());
            let decided = Record { arrival: 0, ..record };
            let (mut unpriced, mut more) = (taken, notes.clone());
            unpriced.decide_unpriced(&mut more);
            assert_eq!((unpriced.decided_record(&more), unpriced.list_minor(), unpriced.charged_minor()), (decided, 0, 0));
            // What is held can still lose against an earlier version.
            let held = Resolved { reason: Reason::UnknownTerminal, ..resolved(&record) };
            let mut more = vec![];
            let mut held = Event::new(&record, &held, 1, None, &mut more);
            held.decide_unpriced(&mut more);
            assert_eq!(held.decided_record(&more), record);
            for fare in &fares {
                let (mut priced, mut notes) = (taken, notes.clone());
                priced.decide_priced(fare, &mut notes);
                let decision = priced.decision(&notes, Day(9), Symbol(6), 1);
                assert_eq!(decision.record, decided);
                assert_eq!(
                    (decision.list_minor, decision.charged_minor, decision.fee_minor, decision.venue),
                    (fare.list_minor, fare.charged_minor, 1, Symbol(6))
                );
                assert_eq!(decision.discounts, fare.discounts);
                assert!(decision.adds_up());
                assert_eq!(decision.held_since, Day(9));
            }
        }
    }
}
