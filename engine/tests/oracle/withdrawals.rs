//! Files of closed days that are taken back: what they brought counts as never taken in.

use super::{Case, Copy, Oracle, Price, Ruling, Settled, fold, refunds, registry};
use domain::{Day, Flags, Outcome, Reason, Record, RecordId, RecordKind};

/// What a withdrawal changes before the records of a day are looked at.
#[derive(Default)]
pub struct Undone {
    pub rulings: Vec<Ruling>,
    /// Rides of closed days that are none any more.
    pub again: Vec<fold::Again>,
    /// Refunds and collections whose original is gone.
    pub waiting: Vec<Case>,
    /// Versions that had lost against withdrawn ones alone.
    pub reopened: Vec<Copy>,
}

impl Oracle<'_> {
    /// Takes back files. `intake` is what came today.
    pub fn take_back(&mut self, day: Day, files: &[u32], intake: &[(u32, Record)]) -> Undone {
        let mut undone = Undone::default();
        let taken_back: Vec<Record> = self.intake.iter().filter(|(_, file, _)| files.contains(file)).map(|(.., record)| *record).collect();
        self.withdrawn.extend(files);
        let counts: Vec<(Day, Record)> =
            self.intake.iter().filter(|(_, file, _)| !self.withdrawn.contains(file)).map(|(day, _, record)| (*day, *record)).collect();
        let elsewhere =
            |record: &Record| counts.iter().map(|(_, other)| other).chain(intake.iter().map(|(_, other)| other)).any(|other| other.same_content(record));
        let gone: Vec<Record> = taken_back.iter().filter(|record| !elsewhere(record)).copied().collect();
        let is_gone = |record: &Record| gone.iter().any(|gone| gone.same_content(record));

        let (dropped, held) = self.held.iter().partition(|(record, _)| is_gone(record));
        self.held = held;
        let (ended, standing): (Vec<_>, Vec<_>) = self.standing.iter().partition(|(_, record, _)| is_gone(record));
        self.standing = standing;
        let told = ended.iter().map(|(day, record, _)| (*record, *day)).chain::<Vec<(Record, Day)>>(dropped);
        undone.rulings.extend(told.map(|(record, since)| {
            let service_day = self.scheme.clock.service_day(record.time);
            Ruling { record, reason: Reason::Withdrawn, flags: Flags::CARRIED, service_day, held_since: since, price: Price::default() }
        }));
        let cleared: Vec<Record> = ended.iter().filter(|(.., reason)| reason.outcome() == Outcome::Cleared).map(|(_, record, _)| *record).collect();
        for record in cleared {
            if refunds::waits_for_original(record.kind) {
                self.undo(&record, &mut undone);
            } else {
                let case = self.memories.values_mut().find_map(|memory| memory.forget(&record)).expect("what was cleared is remembered");
                if let Some(settled) = self.settled.remove(&record.id()) {
                    undone.again.push(fold::taken_back(case, settled));
                }
            }
            self.wait_again(record.id(), day, &mut undone);
        }
        let mut ids: Vec<RecordId> = gone.iter().map(Record::id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let mut left = self.standing.iter().filter(|(_, record, _)| record.id() == id);
            // What lost against a refund that is judged anew has lost against it still.
            let anew = undone.waiting.iter().any(|case| case.record.id() == id);
            if !anew && left.all(|(.., reason)| *reason == Reason::ConflictLost) {
                self.standing.retain(|(_, record, _)| record.id() != id);
            }
            let held = self.held.iter().map(|(held, _)| held);
            let decided = held.chain(self.standing.iter().map(|(_, record, _)| record)).chain(undone.waiting.iter().map(|case| &case.record));
            let known = |record: &Record| decided.clone().any(|known| known.same_content(record));
            let mut copies: Vec<Copy> =
                counts.iter().filter(|(_, record)| record.id() == id && !known(record)).map(|(day, record)| (*record, u32::MAX, Some(*day))).collect();
            copies.sort_by_key(|(record, ..)| (record.arrival, record.source_ref));
            for copy in copies {
                if !undone.reopened.iter().any(|(record, ..)| record.same_content(&copy.0)) {
                    undone.reopened.push(copy);
                }
            }
        }
        undone
    }

    /// A record that an earlier day took in, as it is judged today.
    fn case(&self, record: Record, carried: Option<Day>, day: Day) -> Case {
        let finding = registry::find(self.scheme, day, &record, carried.is_some());
        let (flags, service_day) = (finding.flags, self.scheme.clock.service_day(record.time));
        Case { record, carried, file: u32::MAX, finding, price: None, flags, service_day, wants: Vec::new(), returned: Vec::new() }
    }

    /// What names a record that is gone is undone, and waits for it; so does what names that.
    fn wait_again(&mut self, gone: RecordId, day: Day, undone: &mut Undone) {
        let naming = self.standing.iter().filter(|(_, record, reason)| *reason == Reason::Cleared && record.original == Some(gone));
        let naming: Vec<Record> = naming.map(|(_, record, _)| *record).filter(|record| refunds::waits_for_original(record.kind)).collect();
        for record in naming {
            self.undo(&record, undone);
            self.standing.retain(|(_, other, _)| !other.same_content(&record));
            undone.waiting.push(self.case(record, Some(day), day));
            self.wait_again(record.id(), day, undone);
        }
    }

    /// What a refund gave back, or a collection brought, goes the other way.
    fn undo(&mut self, record: &Record, undone: &mut Undone) {
        if record.kind != RecordKind::Collection {
            return self.undo_refund(record, undone);
        }
        let settled = self.settled.remove(&record.id()).expect("a collection that was cleared");
        let zero = Price { issuer: settled.price.issuer, earner: settled.price.earner, product: settled.price.product, ..Price::default() };
        undone.rulings.extend(fold::difference(*record, Flags::WITHDRAWN, &settled, &zero));
    }

    fn undo_refund(&mut self, record: &Record, undone: &mut Undone) {
        let original = record.original.expect("a refund that was cleared");
        let backs = self.given_back.get_mut(&original).expect("what was given back of it");
        let at = backs.iter().position(|back| back.record.same_content(record)).expect("a refund that was cleared");
        let back = backs.remove(at);
        if backs.is_empty() {
            self.given_back.remove(&original);
        } else {
            // A reversal is alone, so what is left was given back in part.
            backs.iter_mut().for_each(|back| back.whole = false);
        }
        let settled = Settled { day: back.day, service_day: back.service_day, price: back.price, wants: Vec::new() };
        let zero = Price { issuer: settled.price.issuer, earner: settled.price.earner, product: settled.price.product, ..Price::default() };
        let flags = Flags::WITHDRAWN;
        undone.rulings.extend(fold::difference(*record, flags, &settled, &zero));
    }
}
