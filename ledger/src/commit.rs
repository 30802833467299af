//! Committing a group: every rule is checked, then one atomic batch holds blocks, indexes, balances and the head, with one
//! sync. Memory changes only after the batch is durable.

use crate::archive::{Archive, Archived};
use crate::balances::{self, Balance, RUNNING};
use crate::block::{BlockKind, Draft, Place};
use crate::closed::ServiceFees;
use crate::days::{DayInfo, DayState, DayTotals};
use crate::decisions::{DecisionBlock, Posted};
use crate::error::LedgerError;
use crate::event::Event;
use crate::files::{FileInfo, FileState};
use crate::group::{Group, Item};
use crate::intake::IntakeBlock;
use crate::ledger::{Access, Closing, Ledger, State};
use crate::refusal::{self, Refusal};
use crate::storage::{Batch, Database};
use crate::store::{
    self, BALANCES, CARDS_AT, CHECKPOINTS, DECISIONS_AT, FORGOTTEN, FORMAT, FORMAT_KEY, HEAD_KEY, Head, INDEX, INTAKE_AT, JOURNAL, LINES_AT, REFUSALS_AT,
    RESOLUTIONS_AT, VAULT, WITNESSES,
};
use domain::Day;
use domain::record::CardToken;
use hashbrown::HashSet;
use std::collections::BTreeMap;

impl Ledger {
    /// Makes a group durable, as a whole or not at all, and returns the new head. A group with an event that somebody is told
    /// of is anchored too; before the blocks of an unfinished file are told of, [`Ledger::anchor`] is.
    ///
    /// # Errors
    /// A group that breaks a rule of days or files changes nothing, and the ledger goes on. After
    /// [`LedgerError::Storage`] it is unknown whether the group is durable: every later commit is refused with
    /// [`LedgerError::Stopped`].
    pub fn commit(&mut self, group: Group) -> Result<Head, LedgerError> {
        match self.access {
            Access::Write { .. } => {}
            Access::Read => return Err(LedgerError::ReadOnly),
            Access::Stopped => return Err(LedgerError::Stopped),
        }
        if group.is_empty() {
            return Ok(self.state.head);
        }
        self.enough_disk()?;
        let told = group.is_told();
        // No block leaves the database before its archive is as the event says.
        let mut archives = Vec::new();
        for item in &group.items {
            if let Item::Event(Event::DaysArchived(archived)) = item {
                archives.push(Archive::open(&self.storage.archive_folder(), archived)?);
            }
        }
        let mut stage = Stage::new(&self.db, &self.state, group.bytes_expected());
        for item in group.items {
            stage.item(item)?;
        }
        let mut sealed_now: HashSet<CardToken, foldhash::fast::FixedState> = HashSet::default();
        for (token, sealed) in group.sealed {
            // A card keeps its first seal; what is forgotten stays forgotten.
            if sealed_now.insert(token) && self.db.get(VAULT, token.as_bytes())?.is_none() {
                stage.batch.put(VAULT, token.as_bytes(), &sealed);
            }
        }
        for (key, value) in group.checkpoints {
            match value {
                Some(value) => stage.batch.put(CHECKPOINTS, &key, &value),
                None => stage.batch.delete(CHECKPOINTS, &key),
            }
        }
        let (batch, change) = stage.finish();
        if let Err(error) = batch.commit() {
            self.access = Access::Stopped;
            return Err(error);
        }
        self.state.apply(change);
        archives.into_iter().for_each(|archive| self.db.add(archive));
        if told { self.anchor() } else { Ok(self.state.head) }
    }

    /// Makes the head known outside the database, so that nothing before it is lost unnoticed, and returns it. What is
    /// durable but not anchored must not be acknowledged.
    ///
    /// # Errors
    /// As [`Ledger::commit`].
    pub fn anchor(&mut self) -> Result<Head, LedgerError> {
        let head = self.state.head;
        match &mut self.access {
            Access::Read => return Err(LedgerError::ReadOnly),
            Access::Stopped => return Err(LedgerError::Stopped),
            Access::Write { anchor, .. } => {
                if let Err(error) = anchor.keep(head) {
                    self.access = Access::Stopped;
                    return Err(error.into());
                }
            }
        }
        Ok(head)
    }
}

/// What a durable batch changes in memory.
struct Change {
    head: Head,
    days: Vec<DayInfo>,
    files: BTreeMap<u32, FileInfo>,
    close: CloseChange,
    /// New ones.
    archives: Vec<Archived>,
}

/// What a group did to the close under way.
struct CloseChange {
    /// A close was started or ended: what was posted before is gone.
    anew: bool,
    /// A close is under way at the end of the group.
    under_way: bool,
    posted: Posted,
    movements: Vec<Vec<Balance>>,
}

impl State {
    fn apply(&mut self, change: Change) {
        self.head = change.head;
        self.days = change.days;
        self.archives.extend(change.archives);
        for (id, file) in change.files {
            self.by_digest.insert(file.digest, id);
            match self.files.get_mut(id as usize - 1) {
                Some(known) => *known = file,
                None => self.files.push(file),
            }
        }
        let close = change.close;
        if close.anew {
            self.closing = None;
        }
        if close.under_way {
            let closing = self.closing.get_or_insert_default();
            closing.posted.merge(&close.posted);
            for movements in &close.movements {
                balances::add_all(&mut closing.book, movements);
            }
        }
    }
}

/// A group on its way: the state it will leave, and the batch that writes it.
struct Stage<'l> {
    db: &'l dyn Database,
    state: &'l State,
    batch: Box<dyn Batch + 'l>,
    change: Change,
}

impl<'l> Stage<'l> {
    fn new(db: &'l dyn Database, state: &'l State, batch_bytes: usize) -> Self {
        let close = CloseChange { anew: false, under_way: state.closing.is_some(), posted: Posted::default(), movements: Vec::new() };
        Self {
            db,
            state,
            batch: db.batch(batch_bytes),
            change: Change { head: state.head, days: state.days.clone(), files: BTreeMap::new(), close, archives: Vec::new() },
        }
    }

    fn finish(mut self) -> (Box<dyn Batch + 'l>, Change) {
        if self.change.head != self.state.head {
            self.batch.put(INDEX, FORMAT_KEY, &[FORMAT]);
            for family in WITNESSES {
                self.batch.put(family, HEAD_KEY, &self.change.head.to_bytes());
            }
        }
        for archived in &self.change.archives {
            self.batch.put(INDEX, &store::archive_at(archived.first), &to_json(archived));
        }
        for (id, file) in &self.change.files {
            self.batch.put(INDEX, &store::file_at(*id), &to_json(file));
        }
        for day in &self.change.days {
            if !self.state.days.contains(day) {
                self.batch.put(INDEX, &store::day_at(day.day), &to_json(day));
            }
        }
        (self.batch, self.change)
    }

    fn item(&mut self, item: Item) -> Result<(), LedgerError> {
        match item {
            Item::Event(event) => self.event(&event),
            Item::Intake { file, block } => self.intake(file, block),
            Item::Refusals { file, refusals } => self.refusals(file, &refusals),
            Item::Decisions(block) => self.decisions(block),
        }
    }

    /// Appends a block to the chain; returns its height.
    fn append(&mut self, kind: BlockKind, day: Day, file: u32, draft: Draft, side: &[u8]) -> u64 {
        let height = self.change.head.height + 1;
        let (bytes, hash) = draft.seal(&Place { kind, day, height, file, prev: self.change.head.hash }, side);
        self.batch.put(JOURNAL, &height.to_be_bytes(), &bytes);
        self.change.head = Head { height, hash };
        height
    }

    fn event(&mut self, event: &Event) -> Result<(), LedgerError> {
        match event {
            Event::DayOpened { day, scheme } => self.open_day(*day, *scheme)?,
            Event::FileStarted { digest, name, sender, bytes } => self.start_file(digest, name, sender, *bytes)?,
            Event::FileBooked { file, received, refused, repeats } => self.book_file(*file, [*received, *refused, *repeats])?,
            Event::FileAbandoned { file, .. } => self.file_in(*file, FileState::Receiving)?.state = FileState::Abandoned,
            Event::FileWithdrawn { file, .. } => self.withdraw_file(*file)?,
            Event::HeldReleased { .. } | Event::HeldRejected { .. } | Event::TapOffSupplied { .. } => drop(self.day_taking_in()?),
            Event::CloseStarted { day, scheme } => self.start_close(*day, *scheme)?,
            Event::Closed { day, totals, next, fees, .. } => self.close(*day, totals, *next, fees)?,
            Event::Settled { day, manifests } => {
                let info = self.day_in(*day, &[DayState::Closed])?;
                info.state = DayState::Settled;
                info.manifests = Some(*manifests);
            }
            Event::DaysArchived(archived) => self.archive(*archived)?,
            Event::CardForgotten { card, .. } => {
                let token = CardToken::new(card.as_bytes()).ok_or(LedgerError::NoCard)?;
                self.batch.put(VAULT, token.as_bytes(), FORGOTTEN);
            }
        }
        let (day, file) = match event {
            Event::DayOpened { day, .. } | Event::CloseStarted { day, .. } | Event::Closed { day, .. } | Event::Settled { day, .. } => (*day, 0),
            Event::DaysArchived(_) | Event::CardForgotten { .. } => (self.today()?.day, 0),
            Event::FileStarted { .. } => (self.today()?.day, self.last_file_id()),
            Event::FileBooked { file, .. } | Event::FileAbandoned { file, .. } | Event::FileWithdrawn { file, .. } => (self.today()?.day, *file),
            Event::HeldReleased { .. } | Event::HeldRejected { .. } | Event::TapOffSupplied { .. } => (self.today()?.day, 0),
        };
        let json = event.to_json();
        let height = self.append(BlockKind::Event, day, file, Draft::new(1, json.len(), |out| out.extend_from_slice(&json)), &[]);
        if event.is_resolution() {
            self.batch.put(INDEX, &store::day_key(RESOLUTIONS_AT, day, height), &store::block_entry(0, 1));
        }
        Ok(())
    }

    fn intake(&mut self, file: u32, block: IntakeBlock) -> Result<(), LedgerError> {
        let info = self.file_in(file, FileState::Receiving)?;
        let day = info.day;
        info.received += u64::from(block.count());
        info.repeats += block.repeats.len() as u64;
        let (count, side) = (block.count(), block.side());
        let height = self.append(BlockKind::Intake, day, file, block.draft, &side);
        self.batch.put(INDEX, &store::day_key(INTAKE_AT, day, height), &store::block_entry(file, count));
        Ok(())
    }

    fn refusals(&mut self, file: u32, refusals: &[Refusal]) -> Result<(), LedgerError> {
        let info = self.file_in(file, FileState::Receiving)?;
        let day = info.day;
        info.refused += refusals.len() as u64;
        for draft in refusal::drafts(refusals) {
            let count = draft.count;
            let height = self.append(BlockKind::Refusals, day, file, draft, &[]);
            self.batch.put(INDEX, &store::file_key(REFUSALS_AT, file, height), &store::block_entry(file, count));
        }
        Ok(())
    }

    fn decisions(&mut self, block: DecisionBlock) -> Result<(), LedgerError> {
        let today = self.today()?;
        let day = today.day;
        if today.state != DayState::Closing {
            return Err(LedgerError::DayState { day, state: today.state });
        }
        if !self.change.close.under_way {
            return Err(LedgerError::CloseNotStarted { day });
        }
        self.change.close.posted.merge(block.posted());
        let (count, hub) = (block.count(), std::sync::Arc::clone(&block.hub));
        self.change.close.movements.push(block.movements);
        let height = self.append(BlockKind::Decisions, day, 0, block.draft, hub.as_bytes());
        self.batch.put(INDEX, &store::day_key(DECISIONS_AT, day, height), &store::block_entry(0, count));
        self.batch.put(INDEX, &store::day_key(CARDS_AT, day, height), &block.cards);
        self.batch.put(INDEX, &store::day_key(LINES_AT, day, height), &block.lines.to_bytes());
        Ok(())
    }

    fn open_day(&mut self, day: Day, scheme: [u8; 32]) -> Result<(), LedgerError> {
        if let Some(last) = self.change.days.last() {
            return Err(LedgerError::DayState { day: last.day, state: last.state });
        }
        self.change.days.push(DayInfo::opened(day, scheme));
        Ok(())
    }

    fn start_file(&mut self, digest: &[u8; 32], name: &str, sender: &str, bytes: u64) -> Result<(), LedgerError> {
        let today = *self.day_taking_in()?;
        let known = self.change.files.values().rev().find(|file| file.digest == *digest);
        let known = known.or_else(|| self.state.by_digest.get(digest).filter(|id| !self.change.files.contains_key(*id)).and_then(|&id| self.state.file(id)));
        if let Some(file) = known.filter(|file| matches!(file.state, FileState::Receiving | FileState::Booked)) {
            return Err(LedgerError::FileKnown { file: file.id, state: file.state });
        }
        let id = self.last_file_id().checked_add(1).expect("fewer than 4 billion files");
        let file = FileInfo {
            id,
            digest: *digest,
            name: name.to_owned(),
            sender: sender.to_owned(),
            day: today.day,
            state: FileState::Receiving,
            received: 0,
            refused: 0,
            repeats: 0,
            bytes,
            withdrawn: None,
        };
        self.change.files.insert(id, file);
        Ok(())
    }

    fn book_file(&mut self, file: u32, stated: [u64; 3]) -> Result<(), LedgerError> {
        let info = self.file_in(file, FileState::Receiving)?;
        let counted = [(info.received, "records"), (info.refused, "refused rows"), (info.repeats, "repeats")];
        if let Some((_, (_, what))) = stated.iter().zip(counted).find(|(stated, (counted, _))| *stated != counted) {
            return Err(LedgerError::CountsDiffer { file, what });
        }
        info.state = FileState::Booked;
        Ok(())
    }

    fn withdraw_file(&mut self, file: u32) -> Result<(), LedgerError> {
        let today = *self.day_taking_in()?;
        let info = self.file_in(file, FileState::Booked)?;
        (info.state, info.withdrawn) = (FileState::Withdrawn, Some(today.day).filter(|day| *day != info.day));
        Ok(())
    }

    fn start_close(&mut self, day: Day, scheme: [u8; 32]) -> Result<(), LedgerError> {
        let height = self.change.head.height + 1;
        let all = self.change.files.values().chain(self.state.files.iter().filter(|file| !self.change.files.contains_key(&file.id)));
        if let Some(file) = all.into_iter().find(|file| file.state == FileState::Receiving) {
            return Err(LedgerError::FileState { file: file.id, state: file.state });
        }
        let info = self.day_in(day, &[DayState::Open, DayState::Closing])?;
        info.state = DayState::Closing;
        info.scheme = scheme;
        info.close_height = height;
        self.change.close = CloseChange { anew: true, under_way: true, posted: Posted::default(), movements: Vec::new() };
        Ok(())
    }

    fn close(&mut self, day: Day, totals: &DayTotals, next: Day, fees: &ServiceFees) -> Result<(), LedgerError> {
        let height = self.change.head.height + 1;
        let info = self.day_in(day, &[DayState::Closing])?;
        info.state = DayState::Closed;
        info.totals = *totals;
        info.closed_height = height;
        let scheme = info.scheme;
        if next <= day {
            return Err(LedgerError::DayNotLater { day: next });
        }
        let close = &self.change.close;
        if !close.under_way {
            return Err(LedgerError::CloseNotStarted { day });
        }
        let earlier = self.state.closing.as_ref().filter(|_| !close.anew);
        let mut posted = close.posted;
        let mut book = earlier.map(|closing: &Closing| closing.book.clone()).unwrap_or_default();
        posted.merge(&earlier.map(|closing| closing.posted).unwrap_or_default());
        for movements in &close.movements {
            balances::add_all(&mut book, movements);
        }
        posted.merge(&fees.posted());
        balances::add_all(&mut book, &fees.movements());
        if let Some(what) = totals.differs_from(&posted) {
            return Err(LedgerError::TotalsDiffer { day, what });
        }
        let moved = balances::day_prefix(day);
        for (key, (debit, credit)) in book {
            let running = [&[RUNNING][..], &key].concat();
            let before = match self.db.get(BALANCES, &running)? {
                Some(bytes) => {
                    balances::sums_of_bytes((*bytes).as_ref()).map_err(|corrupt| LedgerError::Index { index: "balances", what: corrupt.0.to_owned() })?
                }
                None => (0, 0),
            };
            self.batch.put(BALANCES, &running, &balances::sums_to_bytes((before.0 + debit, before.1 + credit)));
            self.batch.put(BALANCES, &[&moved[..], &key].concat(), &balances::sums_to_bytes((debit, credit)));
        }
        self.change.days.push(DayInfo::opened(next, scheme));
        self.change.close = CloseChange { anew: true, under_way: false, posted: Posted::default(), movements: Vec::new() };
        Ok(())
    }

    /// Blocks go from the database into an archive, without a gap and up to a settled day's close.
    fn archive(&mut self, archived: Archived) -> Result<(), LedgerError> {
        let Archived { through, first, last, .. } = archived;
        let closed_height = self.day_in(through, &[DayState::Settled])?.closed_height;
        let next = self.change.archives.last().or(self.state.archives.last()).map_or(1, |before| before.last + 1);
        if first != next || last != closed_height || first > last {
            return Err(LedgerError::NotNextArchive { first, last });
        }
        for height in first..=last {
            self.batch.delete(JOURNAL, &height.to_be_bytes());
        }
        self.change.archives.push(archived);
        Ok(())
    }

    fn today(&self) -> Result<&DayInfo, LedgerError> {
        self.change.days.last().ok_or(LedgerError::NoDayOpen)
    }

    /// The open day, unless its close has started.
    fn day_taking_in(&self) -> Result<&DayInfo, LedgerError> {
        let today = self.today()?;
        if today.state == DayState::Open { Ok(today) } else { Err(LedgerError::DayState { day: today.day, state: today.state }) }
    }

    fn day_in(&mut self, day: Day, states: &[DayState]) -> Result<&mut DayInfo, LedgerError> {
        let info = self.change.days.iter_mut().rev().find(|info| info.day == day).ok_or(LedgerError::OtherDay { day })?;
        if states.contains(&info.state) { Ok(info) } else { Err(LedgerError::DayState { day, state: info.state }) }
    }

    fn last_file_id(&self) -> u32 {
        let known = u32::try_from(self.state.files.len()).expect("fewer than 4 billion files");
        self.change.files.keys().next_back().map_or(known, |&id| id.max(known))
    }

    /// A file in the state that it has to be in.
    fn file_in(&mut self, file: u32, state: FileState) -> Result<&mut FileInfo, LedgerError> {
        let info = match self.change.files.entry(file) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(self.state.file(file).ok_or(LedgerError::NoFile { file })?.clone()),
        };
        if info.state == state { Ok(info) } else { Err(LedgerError::FileState { file, state: info.state }) }
    }
}

fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("an index entry has only texts and numbers")
}
