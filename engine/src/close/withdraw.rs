//! Withdrawals: records of closed days that count as never taken in, because the files that brought them were taken back.
//!
//! A closed day stays as it is. Each such record that it cleared or rejected, and each that is still held, is decided once
//! more, as withdrawn; what was booked for it goes back as a correction, and what depended on it is priced again. A record
//! that another file brought too stands. Versions of it that had lost against it alone are judged anew.

use super::gather::Fast;
use super::versions::standing;
use super::{Journal, Refunded};
use domain::{Day, Decision, EventTime, Outcome, Reason, Record, RecordId, RecordKind};
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;

/// What was taken back of closed days since the last close: what the files brought, less what other files brought too.
#[derive(Clone, Debug, Default)]
pub struct Withdrawn {
    records: HashMap<RecordId, Vec<Record>, Fast>,
    /// All records with their ids that other files of closed days brought, with those days.
    pub(super) versions: Vec<(Record, Day)>,
}

impl Withdrawn {
    /// All records of the files that were taken back.
    #[must_use]
    pub fn of(taken_back: impl IntoIterator<Item = Record>) -> Self {
        let mut withdrawn = Self::default();
        for record in taken_back {
            let versions = withdrawn.records.entry(record.id()).or_default();
            if !versions.iter().any(|known| known.same_content(&record)) {
                versions.push(record);
            }
        }
        withdrawn
    }

    /// Whether a record has the id of one that was taken back.
    #[must_use]
    pub fn has_id(&self, id: &RecordId) -> bool {
        self.records.contains_key(id)
    }

    /// A record with such an id that another file brought, which counts; with its clearing day where that is closed.
    pub fn meet(&mut self, record: Record, closed: Option<Day>) {
        if let Some(versions) = self.records.get_mut(&record.id()) {
            versions.retain(|known| !known.same_content(&record));
            self.versions.extend(closed.map(|day| (record, day)));
        }
    }
}

/// Records that count no more, with what closed days decided on their ids.
#[derive(Default)]
pub struct Gone {
    records: HashMap<RecordId, Vec<Record>, Fast>,
    /// What stood of each id before today.
    stood: HashMap<RecordId, Vec<(Day, Decision)>, Fast>,
    /// The ids of cleared records that stand no more.
    ended: HashSet<RecordId, Fast>,
    /// What was collected of withdrawn rides.
    collected: BTreeSet<(RecordId, EventTime)>,
}

impl Gone {
    /// Reads what closed days decided on the ids; nothing is read where nothing was withdrawn.
    pub fn of<E>(withdrawn: &Withdrawn, journal: &Journal<'_, E>) -> Result<Self, E> {
        let mut records = withdrawn.records.clone();
        records.retain(|_, gone| !gone.is_empty());
        if records.is_empty() {
            return Ok(Self::default());
        }
        let mut decided: HashMap<RecordId, Vec<(Day, Decision)>, Fast> = HashMap::with_hasher(Fast::default());
        let names =
            |decision: &Decision| decision.record.kind == RecordKind::Collection && decision.record.original.is_some_and(|id| records.contains_key(&id));
        let mut naming = Vec::new();
        for (day, decision) in journal(None, &|decision| records.contains_key(&decision.record.id()) || names(decision))? {
            if names(&decision) {
                naming.push(decision.record);
            }
            if records.contains_key(&decision.record.id()) {
                decided.entry(decision.record.id()).or_default().push((day, decision));
            }
        }
        let stood = decided.into_iter().map(|(id, all)| (id, standing(&all))).collect();
        let mut gone = Self { records, stood, ..Self::default() };
        gone.ended = gone.undone().filter(|(_, decision)| decision.reason == Reason::Cleared).map(|(_, decision)| decision.record.id()).collect();
        naming.retain(|record| gone.ended(record));
        gone.collected = naming.iter().map(|record| (record.id(), record.time)).collect();
        Ok(gone)
    }

    /// The ids that records of were withdrawn.
    pub fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.records.keys().copied()
    }

    #[must_use]
    pub fn has_id(&self, id: &RecordId) -> bool {
        self.records.contains_key(id)
    }

    /// Whether this very record was withdrawn.
    #[must_use]
    pub fn has(&self, record: &Record) -> bool {
        self.records.get(&record.id()).is_some_and(|gone| gone.iter().any(|gone| gone.same_content(record)))
    }

    /// What closed days decided on an id and still stands. Versions that lost against a withdrawn one alone do not.
    #[must_use]
    pub fn left_of(&self, id: &RecordId) -> Vec<Decision> {
        let stood = self.stood.get(id).into_iter().flatten();
        let left: Vec<Decision> = stood.map(|(_, decision)| *decision).filter(|decision| !self.has(&decision.record)).collect();
        if left.iter().all(|decision| decision.reason == Reason::ConflictLost) { Vec::new() } else { left }
    }

    /// What closed days decided and stands no more, with their days.
    pub fn undone(&self) -> impl Iterator<Item = &(Day, Decision)> {
        self.stood.values().flatten().filter(|(_, decision)| self.has(&decision.record))
    }

    /// Whether what this record names stands no more.
    #[must_use]
    pub fn ended(&self, naming: &Record) -> bool {
        naming.original.is_some_and(|id| self.ended.contains(&id))
    }

    /// What was collected of withdrawn rides, with its times, whatever has become of it.
    pub const fn collected(&self) -> &BTreeSet<(RecordId, EventTime)> {
        &self.collected
    }

    /// Whether some of that had this id.
    #[must_use]
    pub fn was_collected(&self, id: RecordId) -> bool {
        self.collected.range((id, EventTime(i64::MIN))..).next().is_some_and(|(found, _)| *found == id)
    }

    /// The refunds of withdrawn originals, with their times.
    pub fn refunds<'g>(&'g self, refunded: &'g Refunded) -> impl Iterator<Item = (RecordId, Option<EventTime>)> + 'g {
        let cleared = self.undone().filter(|(_, decision)| decision.reason.outcome() == Outcome::Cleared);
        cleared
            .filter_map(|(_, decision)| refunded.get(&decision.record.id()))
            .flat_map(|given| given.refunds.iter().map(|refund| (refund.id, Some(refund.time))))
    }
}
