//! Why a line says what it says: the account is folded again up to the line's day, and the records behind it are found.
//!
//! Works from the journal and the scheme alone; nothing is stored for it. A line of a closed day is explained by what that
//! day and the days before it cleared: what came later is told by the corrections of later days.

pub mod line;

use crate::failure::Failure;
use crate::history::{self, unread};
use crate::output::hex;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Discount, EventTime, Flags, Outcome, Record, RecordId, RecordKind, SymbolTable};
use engine::account::{self, Account, Known, Ride, event_order};
use engine::parallel;
use engine::scheme::Scheme;
use ledger::{DayState, Ledger};
use std::collections::{BTreeMap, BTreeSet};

/// What explaining works with.
pub struct Explaining<'a> {
    pub ledger: &'a Ledger,
    /// A day is explained under the one that it was closed under, or under the first.
    pub schemes: &'a [Scheme],
    pub symbols: &'a SymbolTable,
    pub workers: usize,
}

/// A decision and its clearing day.
pub type Decided = (Day, Decision);

/// All decisions on an account's records, the oldest day first.
pub type Histories = BTreeMap<CardToken, Vec<Decided>>;

/// One account, folded as a closed day left it.
pub struct Folded {
    pub records: Vec<Known>,
    pub account: Account,
}

/// What is booked of a record up to a day: the sum of all decisions on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    pub list_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    pub discounts: Vec<Discount>,
}

/// A copy of a record as it was taken in.
#[derive(Clone, Debug)]
pub struct Origin {
    pub day: Day,
    pub file: u32,
    /// From 1.
    pub row: u64,
    /// The journal's block that holds it.
    pub height: u64,
    pub payload_digest: String,
    /// Its id had been seen when it came in.
    pub repeat: bool,
    pub record: Record,
}

impl<'a> Explaining<'a> {
    /// The scheme that a day is explained under, and whether the day was closed under it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn scheme_of(&self, day: Day) -> (&'a Scheme, bool) {
        let digest = self.ledger.day(day).map(|info| info.scheme);
        let same = self.schemes.iter().find(|scheme| Some(scheme.digest) == digest);
        (same.or(self.schemes.first()).expect("a scheme was given"), same.is_some())
    }

    /// The days that are closed, the oldest first.
    #[must_use]
    pub fn closed_days(&self) -> Vec<Day> {
        closed_days(self.ledger)
    }

    /// The decisions of closed days that `wanted` says yes for, whatever was decided, the oldest day first. Where cards are
    /// given, those on these.
    fn decisions(&self, cards: Option<&[CardToken]>, wanted: &(dyn Fn(&Decision) -> bool + Sync)) -> Result<Vec<Decided>, Failure> {
        history::journal(self.ledger, self.symbols, self.workers, cards, wanted)
    }

    /// All decisions on these ids, the oldest day first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn decisions_on(&self, ids: &BTreeSet<RecordId>) -> Result<Vec<Decided>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.decisions(None, &|decision| ids.contains(&decision.record.id()))
    }

    /// The account that a record belongs to; empty for a record without a card.
    #[must_use]
    pub fn account_of(&self, record: &Record, scheme: &Scheme) -> CardToken {
        scheme.card(&record.card).map_or(record.card, |card| card.account)
    }

    /// What closed days decided on these accounts' records.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn histories(&self, accounts: &BTreeSet<CardToken>, scheme: &Scheme) -> Result<Histories, Failure> {
        let mut histories = Histories::new();
        if accounts.is_empty() {
            return Ok(histories);
        }
        let cards = scheme.cards_of(accounts, |account| accounts.contains(account));
        let found =
            self.decisions(Some(&cards), &|decision| !decision.record.card.is_empty() && accounts.contains(&self.account_of(&decision.record, scheme)))?;
        for (day, decision) in found {
            histories.entry(self.account_of(&decision.record, scheme)).or_default().push((day, decision));
        }
        Ok(histories)
    }

    /// An account as the close of a day knew it: what that day and those before it cleared, folded from the beginning.
    #[must_use]
    pub fn as_of(&self, past: &[Decided], day: Day, scheme: &Scheme) -> Folded {
        let mut records: Vec<Known> =
            standing(past.iter().filter(|(decided, _)| *decided <= day)).iter().map(|record| Known::of(record, scheme, day)).collect();
        records.sort_by(|a, b| event_order(&a.record, &b.record, self.symbols));
        let ends: Vec<EventTime> = self.closed_days().into_iter().filter(|closed| *closed <= day).map(|closed| scheme.clock.day_end(closed)).collect();
        let mut account = account::fold(scheme, &records, &ends);
        // No later record can end the journey of a rider without a card.
        if records.iter().all(|known| known.record.card.is_empty()) {
            account.give_up(scheme);
        }
        Folded { records, account }
    }

    /// The copies of records as they were taken in, by id: on the newest days up to `day` that have any.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn origins(&self, ids: &BTreeSet<RecordId>, day: Day) -> Result<BTreeMap<RecordId, Vec<Origin>>, Failure> {
        let mut found: BTreeMap<RecordId, Vec<Origin>> = BTreeMap::new();
        let days = self.ledger.days().iter().filter(|info| info.day <= day && info.state != DayState::Open);
        for info in days.rev() {
            if ids.iter().all(|id| found.contains_key(id)) {
                break;
            }
            let blocks = self.ledger.intake_blocks(info.day).map_err(|error| unread(&error))?;
            let read = parallel::map(self.workers, blocks, |_, block| {
                let (mut cache, mut origins) = (SymbolCache::new(self.symbols), Vec::new());
                let all = self.ledger.each_intake(block.height, &mut cache, |piece| {
                    for (at, (record, row)) in (0u32..).zip(piece.records.iter().zip(piece.rows)) {
                        if ids.contains(&record.id()) {
                            let repeat = piece.repeats.contains(&at);
                            let payload_digest = String::new();
                            origins.push(Origin {
                                day: info.day,
                                file: block.file_id,
                                row: *row,
                                height: block.height,
                                payload_digest,
                                repeat,
                                record: *record,
                            });
                        }
                    }
                });
                all.map(|()| origins)
            });
            for origins in read {
                for mut origin in origins.map_err(|error| unread(&error))? {
                    let header = self.ledger.header(origin.height).map_err(|error| unread(&error))?;
                    origin.payload_digest = hex(&header.payload_digest);
                    found.entry(origin.record.id()).or_default().push(origin);
                }
            }
        }
        Ok(found)
    }
}

impl Folded {
    /// The ride that a record decides.
    #[must_use]
    pub fn ride_of(&self, id: RecordId) -> Option<&Ride> {
        self.account.rides.iter().rev().find(|ride| self.record(ride.at).is_some_and(|known| known.record.id() == id))
    }

    /// The ride that a record begins.
    #[must_use]
    pub fn ride_from(&self, id: RecordId) -> Option<&Ride> {
        self.account.rides.iter().find(|ride| ride.entry.and_then(|at| self.record(at)).is_some_and(|known| known.record.id() == id))
    }

    #[must_use]
    pub fn record(&self, at: usize) -> Option<&Known> {
        self.records.get(at)
    }
}

impl Booked {
    /// The sum of the decisions on a record up to a day. What gave money back, and what was handed on, is not part of a price.
    #[must_use]
    pub fn of(past: &[Decided], id: RecordId, until: impl Fn(Day) -> bool) -> Option<Self> {
        let mut booked: Option<Self> = None;
        let rides = past.iter().filter(|(day, decision)| until(*day) && decision.record.id() == id && decision.reason.outcome() == Outcome::Cleared);
        for (_, decision) in rides.filter(|(_, decision)| decision.flags.has(Flags::RIDE) && !gives_back(decision.record.kind)) {
            booked.get_or_insert_default().add(decision);
        }
        booked
    }

    /// A ride, or a correction of it.
    pub fn add(&mut self, decision: &Decision) {
        self.list_minor += decision.list_minor;
        self.charged_minor += decision.charged_minor;
        self.fee_minor += decision.fee_minor;
        for discount in decision.discounts.iter().filter(|discount| discount.amount_minor != 0) {
            match self.discounts.iter_mut().find(|known| known.funder == discount.funder) {
                Some(known) => known.amount_minor += discount.amount_minor,
                None => self.discounts.push(*discount),
            }
        }
        self.discounts.retain(|discount| discount.amount_minor != 0);
    }
}

/// The records that count for prices after these decisions, which are in the order of their days: those that were cleared and
/// that no later day has rejected again. Refunds and reversals have no price of their own.
#[must_use]
pub fn standing<'d>(past: impl Iterator<Item = &'d Decided>) -> Vec<Record> {
    let mut by_id: BTreeMap<RecordId, Vec<(Record, bool)>> = BTreeMap::new();
    let on_records = past.map(|(_, decision)| decision).filter(|decision| !decision.flags.has(Flags::CORRECTS) && !decision.flags.has(Flags::SHARE));
    for decision in on_records.filter(|decision| !gives_back(decision.record.kind)) {
        let counts = match decision.reason.outcome() {
            Outcome::Cleared => true,
            Outcome::Rejected => false,
            Outcome::Duplicate | Outcome::Held => continue,
        };
        let versions = by_id.entry(decision.record.id()).or_default();
        match versions.iter_mut().find(|(known, _)| known.same_content(&decision.record)) {
            Some((_, stands)) => *stands = counts,
            None => versions.push((decision.record, counts)),
        }
    }
    by_id.into_values().filter_map(|versions| versions.into_iter().find(|(_, stands)| *stands)).map(|(record, _)| record).collect()
}

/// The days that are closed, the oldest first.
#[must_use]
pub fn closed_days(ledger: &Ledger) -> Vec<Day> {
    let closed = ledger.days().iter().filter(|info| matches!(info.state, DayState::Closed | DayState::Settled));
    closed.map(|info| info.day).collect()
}

/// A refund or a reversal: it has no price of its own.
#[must_use]
pub const fn gives_back(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Refund | RecordKind::Reversal)
}

/// An id as files print it.
#[must_use]
pub fn id_text(id: RecordId, symbols: &SymbolTable) -> String {
    let terminal = if let RecordId::Sequence { terminal, .. } = id { symbols.text(terminal) } else { "".into() };
    id.text(&terminal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Reason;

    #[test]
    fn what_a_later_day_rejects_counts_no_more() {
        let record = |amount_minor: i64| Record { amount_minor, ..Record::blank(RecordKind::Boarding) };
        let decided = |day: i32, amount_minor: i64, reason: Reason| (Day(day), Decision::unpriced(record(amount_minor), reason, Day(day), Day(day)));
        let corrects = |day: i32| {
            let (day, decision) = decided(day, 1, Reason::Cleared);
            (day, Decision { flags: Flags::RIDE.with(Flags::CORRECTS), ..decision })
        };
        for (past, stands) in [
            (vec![decided(1, 1, Reason::Cleared)], Some(1)),
            (vec![decided(1, 1, Reason::Conflict), decided(2, 1, Reason::Cleared)], Some(1)),
            (vec![decided(1, 1, Reason::Cleared), decided(2, 2, Reason::ConflictLost)], Some(1)),
            (vec![decided(1, 1, Reason::Cleared), corrects(2), decided(2, 1, Reason::Decided)], None),
            (vec![decided(1, 1, Reason::Cleared), decided(2, 1, Reason::Decided), corrects(2)], None),
            (vec![decided(1, 1, Reason::Cleared), decided(2, 1, Reason::Decided), decided(3, 2, Reason::Cleared)], Some(2)),
            (vec![decided(1, 1, Reason::Hotlisted)], None),
        ] {
            let found: Vec<i64> = standing(past.iter()).iter().map(|record| record.amount_minor).collect();
            assert_eq!(found, Vec::from_iter(stands), "{past:?}");
        }
    }
}
