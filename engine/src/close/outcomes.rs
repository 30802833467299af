//! What became of a file's records. Every record has one reason at any time: it is received as cleared, and turned.

use domain::{Outcome, Reason};
use std::collections::BTreeMap;

/// How many of a file's records have each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOutcomes(BTreeMap<Reason, u64>);

impl FileOutcomes {
    /// Records that nothing is said against yet.
    pub(super) fn receive(&mut self, records: u64) {
        *self.0.entry(Reason::Cleared).or_default() += records;
    }

    /// One of the records that were received did not clear.
    ///
    /// # Panics
    /// When there are none left.
    pub(super) fn turn(&mut self, reason: Reason) {
        let cleared = self.0.get_mut(&Reason::Cleared).expect("a record is received before it is turned");
        *cleared -= 1;
        if *cleared == 0 {
            self.0.remove(&Reason::Cleared);
        }
        *self.0.entry(reason).or_default() += 1;
    }

    /// The reasons that occur, by number, and how often.
    pub fn by_reason(&self) -> impl Iterator<Item = (Reason, u64)> {
        self.0.iter().map(|(&reason, &count)| (reason, count))
    }

    #[must_use]
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.by_reason().filter(|(reason, _)| reason.outcome() == outcome).map(|(_, count)| count).sum()
    }

    /// Those inside held or rejected that met another version of themselves.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.by_reason().filter(|(reason, _)| reason.is_conflict()).map(|(_, count)| count).sum()
    }

    /// All of them.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_counted_once_whatever_becomes_of_it() {
        let mut outcomes = FileOutcomes::default();
        assert_eq!((outcomes.received(), outcomes.conflicts(), outcomes.by_reason().count()), (0, 0, 0));
        outcomes.receive(4);
        outcomes.receive(3);
        let reasons = [Reason::Duplicate, Reason::Conflict, Reason::ConflictLost, Reason::ConflictLost, Reason::Grey];
        reasons.into_iter().for_each(|reason| outcomes.turn(reason));
        assert_eq!((outcomes.received(), outcomes.conflicts()), (7, 3));
        let counts = [Outcome::Cleared, Outcome::Duplicate, Outcome::Held, Outcome::Rejected].map(|outcome| outcomes.count(outcome));
        assert_eq!(counts, [2, 1, 2, 2]);
        outcomes.turn(Reason::TooOld);
        outcomes.turn(Reason::TooOld);
        assert!(outcomes.by_reason().map(|(reason, count)| (reason.number(), count)).eq([(100, 1), (201, 1), (214, 1), (304, 2), (309, 2)]));
    }
}
