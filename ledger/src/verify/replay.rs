//! Days, files and sums made again from the blocks, one after the other.

use super::VerifyReport;
use super::posting::{Book, Tally};
use crate::archive::Archived;
use crate::block::Header;
use crate::closed::{FileOutcomes, Oddity, ServiceFees};
use crate::days::{DayInfo, DayState, DayTotals};
use crate::event::Event;
use crate::files::{FileInfo, FileState};
use domain::{Day, Decision, Measure, OddityKind, Reason, SymbolTable};
use std::collections::{BTreeMap, BTreeSet};

/// What the blocks so far say.
#[derive(Default)]
pub(crate) struct Replay {
    pub files: BTreeMap<u32, FileInfo>,
    pub days: BTreeMap<Day, DayInfo>,
    /// Where the index should say that blocks are.
    pub places: BTreeMap<Vec<u8>, Vec<u8>>,
    pub running: Book,
    pub moved: BTreeMap<Day, Book>,
    pub archives: BTreeMap<u64, Archived>,
    /// Tokens of cards whose keys were destroyed.
    pub forgotten: BTreeSet<Vec<u8>>,
    /// What has been booked of each fee per service day: earner, issuer, product, day.
    fees: BTreeMap<(String, String, String, Day), i128>,
    /// The close under way.
    tally: Option<(Day, Tally)>,
}

impl Replay {
    pub(crate) fn event(&mut self, event: &Event, height: u64, report: &mut VerifyReport) {
        let legal = match event {
            Event::DayOpened { day, scheme } => self.days.is_empty() && self.open(*day, *scheme),
            Event::FileStarted { digest, name, sender, bytes } => {
                let id = self.files.keys().next_back().map_or(1, |last| last + 1);
                let today = self.days.values().next_back().filter(|day| day.state == DayState::Open).map(|day| day.day);
                let (digest, name, sender, bytes) = (*digest, name.clone(), sender.clone(), *bytes);
                let file = FileInfo {
                    id,
                    digest,
                    name,
                    sender,
                    bytes,
                    day: today.unwrap_or_default(),
                    state: FileState::Receiving,
                    received: 0,
                    refused: 0,
                    repeats: 0,
                    withdrawn: None,
                };
                self.files.insert(id, file);
                today.is_some()
            }
            Event::FileBooked { file, received, refused, repeats } => {
                let counted = self.files.get(file).is_some_and(|file| [file.received, file.refused, file.repeats] == [*received, *refused, *repeats]);
                self.turn(*file, FileState::Receiving, FileState::Booked) && counted
            }
            Event::FileAbandoned { file, .. } => self.turn(*file, FileState::Receiving, FileState::Abandoned),
            Event::FileWithdrawn { file, .. } => {
                let today = self.days.values().next_back().filter(|day| day.state == DayState::Open).map(|day| day.day);
                if let Some(file) = self.files.get_mut(file) {
                    file.withdrawn = today.filter(|today| file.day < *today);
                }
                self.turn(*file, FileState::Booked, FileState::Withdrawn) && today.is_some()
            }
            Event::HeldReleased { .. } | Event::HeldRejected { .. } | Event::TapOffSupplied { .. } => {
                let today = self.days.values().next_back().filter(|day| day.state == DayState::Open).map(|day| day.day);
                if let Some(today) = today {
                    self.places.insert([&b"p"[..], &day_bytes(today), &height.to_be_bytes()].concat(), vec![0, 0, 0, 0, 1, 0, 0, 0]);
                }
                today.is_some()
            }
            Event::CloseStarted { day, scheme } => self.days.get_mut(day).is_some_and(|info| {
                let legal = info.state <= DayState::Closing;
                (info.state, info.scheme, info.close_height) = (DayState::Closing, *scheme, height);
                self.tally = Some((*day, Tally::default()));
                legal
            }),
            Event::Closed { day, totals, next, files, fees, oddities } => {
                self.oddities(*day, oddities, height, report);
                self.close(*day, (totals, files, fees), *next, height, report)
            }
            Event::Settled { day, manifests } => self.days.get_mut(day).is_some_and(|info| {
                let legal = info.state == DayState::Closed;
                (info.state, info.manifests) = (DayState::Settled, Some(*manifests));
                legal
            }),
            Event::CardForgotten { card, .. } => !self.days.is_empty() && self.forgotten.insert(card.clone().into_bytes()),
            Event::DaysArchived(archived) => {
                let next = self.archives.values().next_back().map_or(1, |before| before.last + 1);
                let settled = self.days.get(&archived.through).is_some_and(|day| day.state == DayState::Settled && day.closed_height == archived.last);
                self.archives.insert(archived.first, *archived);
                settled && archived.first == next && next <= archived.last
            }
        };
        if !legal {
            report.differs(height, "the event does not follow from those before it");
        }
    }

    pub(crate) fn intake(&mut self, header: &Header, [records, repeats]: [u64; 2], report: &mut VerifyReport) {
        if let Some(file) = self.receiving(header, report) {
            file.received += records;
            file.repeats += repeats;
        }
        self.place(b'i', &day_bytes(header.day), header);
    }

    pub(crate) fn refusals(&mut self, header: &Header, rows: u64, report: &mut VerifyReport) {
        if let Some(file) = self.receiving(header, report) {
            file.refused += rows;
        }
        self.place(b'r', &header.file.to_be_bytes(), header);
    }

    pub(crate) fn decisions(&mut self, header: &Header, decisions: &[Decision], hub: &str, table: &SymbolTable, report: &mut VerifyReport) {
        match &mut self.tally {
            Some((day, tally)) if *day == header.day => {
                for at in tally.add(decisions, hub, table) {
                    report.differs(header.height, format!("the list price of decision {at} is not what was charged and funded"));
                }
            }
            _ => report.differs(header.height, "decisions stand outside a close"),
        }
        self.place(b'd', &day_bytes(header.day), header);
    }

    fn open(&mut self, day: Day, scheme: [u8; 32]) -> bool {
        let later = self.days.keys().next_back().is_none_or(|last| *last < day);
        let totals = DayTotals::default();
        self.days.insert(day, DayInfo { day, state: DayState::Open, scheme, totals, close_height: 0, closed_height: 0, manifests: None });
        later
    }

    fn close(
        &mut self,
        day: Day,
        (totals, files, fees): (&DayTotals, &[FileOutcomes], &ServiceFees),
        next: Day,
        height: u64,
        report: &mut VerifyReport,
    ) -> bool {
        let Some((_, mut tally)) = self.tally.take().filter(|(closing, _)| *closing == day) else { return false };
        let Some(info) = self.days.get_mut(&day) else { return false };
        let legal = info.state == DayState::Closing;
        (info.state, info.totals, info.closed_height) = (DayState::Closed, *totals, height);
        let scheme = info.scheme;
        report.decisions += tally.decisions;
        self.service_fees(fees, &mut tally, height, report);
        self.outcomes_of_files(day, files, &tally, height, report);
        let booked = || self.files.values().filter(|file| file.day == day && file.state == FileState::Booked);
        let journaled: u64 = booked().map(|file| file.received).sum();
        let refused: u64 = booked().map(|file| file.refused).sum();
        let decided = tally.cleared + tally.held + tally.rejected;
        let wide = |count: u64| i128::from(count);
        for (what, stated, found) in [
            ("received", wide(totals.received), wide(journaled + refused)),
            ("cleared", wide(totals.cleared), wide(tally.cleared)),
            // What was taken in and has no decision was a repeat.
            ("duplicate", wide(totals.duplicate), wide(journaled) - wide(decided)),
            ("conflict", wide(totals.conflict), wide(tally.conflict)),
            ("held", wide(totals.held), wide(tally.held)),
            ("rejected", wide(totals.rejected), wide(tally.rejected + refused)),
            ("rides", wide(totals.rides), wide(tally.rides)),
            ("charged_rides", wide(totals.charged_rides), wide(tally.charged_rides)),
            ("capped_rides", wide(totals.capped_rides), wide(tally.capped_rides)),
            ("entries", wide(totals.entries), wide(tally.entries)),
            ("postings", wide(totals.postings), wide(tally.postings)),
            ("debit_minor", i128::from(totals.debit_minor), tally.debit),
            ("credit_minor", i128::from(totals.credit_minor), tally.credit),
            ("gross_minor", i128::from(totals.gross_minor), tally.gross),
            ("fee_minor", i128::from(totals.fee_minor), tally.fees),
        ] {
            if stated != found {
                report.differs(height, format!("the day's totals say {what} {stated}; its files and decisions come to {found}"));
            }
        }
        if tally.debit != tally.credit {
            report.differs(height, "the day's debits are not its credits");
        }
        for (account, (debit, credit)) in &tally.book {
            let sum = self.running.entry(account.clone()).or_default();
            *sum = (sum.0 + debit, sum.1 + credit);
        }
        if !tally.book.is_empty() {
            self.moved.insert(day, tally.book);
        }
        self.open(next, scheme) && legal
    }

    /// An oddity has a number that stands for one, names two records, and the other's day is one that is closed by now.
    fn oddities(&self, day: Day, oddities: &[Oddity], height: u64, report: &mut VerifyReport) {
        for (at, oddity) in oddities.iter().enumerate() {
            let known = OddityKind::from_number(oddity.number).is_some() && self.days.contains_key(&oddity.other_day) && oddity.other_day <= day;
            let measured = oddity.measures.iter().all(|(name, _)| Measure::ALL.iter().any(|measure| measure.name() == name));
            if !known || !measured || oddity.record.id == oddity.other.id || oddity.record.id.is_empty() || oddity.other.id.is_empty() {
                report.differs(height, format!("oddity {at} is none that a close tells"));
            }
        }
    }

    /// A fee goes on from what was booked of it before.
    fn service_fees(&mut self, fees: &ServiceFees, tally: &mut Tally, height: u64, report: &mut VerifyReport) {
        for (at, fee) in fees.list.iter().enumerate() {
            let key = (fee.earner.clone(), fee.issuer.clone(), fee.product.clone(), fee.service_day);
            let booked = self.fees.entry(key).or_default();
            if *booked != i128::from(fee.old_minor) || fee.old_minor == fee.new_minor {
                report.differs(height, format!("fee {at} of a service day goes on from {}; {booked} was booked", fee.old_minor));
            }
            *booked += i128::from(fee.new_minor) - i128::from(fee.old_minor);
            tally.add_fee(fee, &fees.hub);
        }
    }

    /// Every record of every file has one outcome, and all files together have those of the decisions.
    fn outcomes_of_files(&self, day: Day, files: &[FileOutcomes], tally: &Tally, height: u64, report: &mut VerifyReport) {
        let booked: BTreeMap<u32, &FileInfo> =
            self.files.values().filter(|file| file.day == day && file.state == FileState::Booked).map(|file| (file.id, file)).collect();
        if !files.iter().map(|outcomes| outcomes.file).eq(booked.keys().copied()) {
            report.differs(height, "the close speaks of other files than were booked in the day");
        }
        let mut stated: BTreeMap<u16, u64> = BTreeMap::new();
        for outcomes in files {
            let mut own: BTreeMap<u16, u64> = BTreeMap::new();
            for (reason, count) in &outcomes.by_reason {
                *own.entry(*reason).or_default() += count;
                *stated.entry(*reason).or_default() += count;
            }
            let Some(file) = booked.get(&outcomes.file) else { continue };
            let refused = own.get(&Reason::Malformed.number()).copied().unwrap_or(0);
            if own.values().sum::<u64>() != file.received + file.refused || refused != file.refused {
                report.differs(height, format!("file {} has other outcomes than records and refused rows", file.id));
            }
        }
        // A repeat has no decision, and neither has a row that never became a record: each file's sum has seen to them.
        stated.retain(|reason, _| ![Reason::Duplicate.number(), Reason::Malformed.number()].contains(reason));
        if stated != tally.by_reason {
            report.differs(height, format!("the day's files have the outcomes {stated:?}; its decisions come to {:?}", tally.by_reason));
        }
    }

    /// Turns a file from one state to the next.
    fn turn(&mut self, file: u32, from: FileState, to: FileState) -> bool {
        self.files.get_mut(&file).is_some_and(|file| std::mem::replace(&mut file.state, to) == from)
    }

    fn receiving(&mut self, header: &Header, report: &mut VerifyReport) -> Option<&mut FileInfo> {
        let file = self.files.get_mut(&header.file).filter(|file| file.state == FileState::Receiving && file.day == header.day);
        if file.is_none() {
            report.differs(header.height, "the block's file is not being received");
        }
        file
    }

    fn place(&mut self, kind: u8, under: &[u8], header: &Header) {
        let key = [&[kind][..], under, &header.height.to_be_bytes()].concat();
        self.places.insert(key, [header.file.to_le_bytes(), header.count.to_le_bytes()].concat());
    }
}

/// A day as key bytes: its number moved so that all days are positive, most significant byte first.
fn day_bytes(day: Day) -> [u8; 4] {
    let moved = i64::from(day.0) + (1 << 31);
    u32::try_from(moved).expect("32 bits, moved to be positive").to_be_bytes()
}
