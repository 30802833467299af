//! A ledger made anew from a journal: every block is taken over, and whatever is derived from blocks is derived again.
//!
//! Closes are decided again from the records and held against the journal's decisions; settlement files are written again
//! and held against the digest that the journal keeps. Nothing of the old indexes, balances or checkpoints is read, and the
//! old ledger is not written to. Sealed card numbers stand in no block: they are copied.

use crate::closing::{Bounds, Closing, Precedent, taken_otherwise, unsettled};
use crate::durable::commit;
use crate::failure::Failure;
use crate::history::{self, unread};
use crate::intake::Live;
use crate::opening;
use crate::output::hex;
use crate::progress::Progress;
use domain::symbol::SymbolCache;
use domain::{Day, Record, RecordId, SymbolTable};
use engine::dedup::Seen;
use engine::parallel;
use engine::scheme::Scheme;
use ledger::{Archived, BlockKind, Copied, Event, Group, Head, Journal, Ledger};
use parking_lot::Mutex;
use settlement::Drafted;
use std::ops::Range;
use std::path::Path;

/// Blocks of so many bytes are committed together.
const GROUP_BYTES: usize = 16 << 20;
/// Sealed card numbers that are committed together.
const GROUP_CARDS: usize = 10_000;

/// What a rebuild works with.
pub struct Rebuilding<'a> {
    pub journal: &'a Journal,
    pub schemes: &'a [Scheme],
    pub symbols: &'a SymbolTable,
    pub out: &'a Path,
    pub workers: usize,
    pub progress: &'a Progress,
}

/// What was made anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rebuilt {
    pub blocks: u64,
    pub records: u64,
    pub closed_days: u64,
    pub settled_days: u64,
}

/// The open day, as far as it has been taken over.
struct Today<'a> {
    day: Option<Day>,
    /// The ids that count so far.
    seen: Seen,
    /// Those that were met again.
    repeats: Vec<RecordId>,
    /// What the close will need of the records.
    live: Live<'a>,
}

/// A block that was read.
struct Block {
    copied: Copied,
    /// Of its records.
    ids: Vec<RecordId>,
    head: Head,
}

/// Why a stretch of blocks ends before the journal does.
enum Stop {
    /// What follows needs to know of this event.
    At(Box<Event>, Head),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Rebuilding<'a> {
    /// Fills an empty ledger.
    ///
    /// # Errors
    /// When the journal is damaged, a day comes out otherwise than the journal says, or something cannot be written.
    pub fn fill(&self, ledger: &mut Ledger) -> Result<Rebuilt, Failure> {
        let end = self.journal.head();
        let mut filling =
            Filling { rebuilding: self, ledger, group: Group::new(), group_bytes: 0, last: Head::default(), drafted: None, rebuilt: Rebuilt::default() };
        while filling.last.height < end.height {
            let mut today = filling.today()?;
            match filling.stretch(&mut today)? {
                Some((Event::CloseStarted { day, scheme }, head)) => filling.close(day, &scheme, head, today)?,
                Some((event, head)) => filling.take(head, |group| group.event(event))?,
                None => {}
            }
            filling.commit()?;
        }
        let mut rebuilt = filling.rebuilt;
        rebuilt.blocks = end.height;
        if !ledger.archives().is_empty() {
            ledger.reclaim().map_err(|error| unread(&error))?;
        }
        self.copy_vault(ledger)?;
        Ok(rebuilt)
    }

    fn copy_vault(&self, ledger: &mut Ledger) -> Result<(), Failure> {
        let (mut group, mut waiting) = (Group::new(), 0);
        let copied = self.journal.each_sealed(|token, sealed| {
            group.vault(token, sealed);
            waiting += 1;
            if waiting < GROUP_CARDS {
                return Ok(());
            }
            waiting = 0;
            commit(ledger, std::mem::take(&mut group))
        });
        copied.map_err(|error| unread(&error))??;
        commit(ledger, group)
    }

    fn scheme(&self, digest: &[u8; 32]) -> Option<&'a Scheme> {
        self.schemes.iter().find(|scheme| scheme.digest == *digest)
    }

    /// The scheme that a day was closed under.
    fn scheme_of(&self, day: Day, digest: &[u8; 32]) -> Result<&'a Scheme, Failure> {
        self.scheme(digest).ok_or_else(|| {
            Failure::refused(format!("clearing day {day} was closed under another scheme than any of those given"))
                .hint(format!("name the scheme with digest {} with another --scheme", hex(digest)))
        })
    }
}

/// A ledger on its way.
struct Filling<'f, 'a> {
    rebuilding: &'f Rebuilding<'a>,
    ledger: &'f mut Ledger,
    group: Group,
    group_bytes: usize,
    /// The last block that was taken over.
    last: Head,
    /// The lines of the day that was closed last, where they were written on the way.
    drafted: Option<Drafted>,
    rebuilt: Rebuilt,
}

impl<'a> Filling<'_, 'a> {
    /// The open day as the ledger has it.
    fn today(&self) -> Result<Today<'a>, Failure> {
        let open = self.ledger.open_day();
        let scheme = open.and_then(|open| self.rebuilding.scheme(&open.scheme));
        let live = scheme.map_or_else(|| Ok(Live::none()), |scheme| Live::of(self.ledger, scheme))?;
        Ok(Today { day: open.map(|open| open.day), seen: self.seen()?, repeats: Vec::new(), live })
    }

    fn seen(&self) -> Result<Seen, Failure> {
        history::seen(self.ledger, self.rebuilding.symbols, self.rebuilding.workers)
    }

    /// Takes over blocks until a day begins or is to be closed, which is returned and not taken over.
    fn stretch(&mut self, today: &mut Today<'a>) -> Result<Option<(Event, Head)>, Failure> {
        let Rebuilding { journal, symbols, workers, progress, .. } = *self.rebuilding;
        progress.step("rebuilding: the journal", "重建：日志");
        let first = self.last.height + 1;
        let count = usize::try_from(journal.head().height - self.last.height).expect("the journal's blocks fit memory's addresses");
        let Today { day, seen, repeats, live } = today;
        let (day, live) = (*day, &*live);
        let caches = Mutex::new(Vec::new());
        let read = |at: usize| {
            let mut cache = caches.lock().pop().unwrap_or_else(|| SymbolCache::new(symbols));
            let (mut gather, mut ids) = (live.lend(), Vec::new());
            let block = journal.block(first + at as u64, &mut cache, |of, piece| {
                ids.extend(piece.records.iter().map(Record::id));
                // Blocks are read ahead, of the next day too.
                if let Some(gather) = gather.as_mut().filter(|_| Some(of) == day) {
                    gather.add(piece.file_id, piece.records);
                }
            });
            live.give_back(gather);
            caches.lock().push(cache);
            block.map(|(copied, head)| Block { copied, ids, head }).map_err(|error| unread(&error))
        };
        let stopped = parallel::in_order(workers, count, read, |block| {
            let Block { copied, ids, head } = block?;
            match copied {
                Copied::Intake { file, block } => {
                    let again = seen.mark_all(&ids);
                    if again != block.repeats() {
                        return Err(other_repeats(head.height).into());
                    }
                    repeats.extend(again.iter().filter_map(|&at| ids.get(at as usize)));
                    self.rebuilt.records += u64::from(block.count());
                    self.group_bytes += block.payload().len();
                    self.take(head, |group| group.intake(file, block))?;
                }
                Copied::Refusals { file, refusals } => self.take(head, |group| group.refusals(file, &refusals))?,
                Copied::Decisions => return Err(outside(head.height).into()),
                Copied::Event(event @ (Event::DayOpened { .. } | Event::CloseStarted { .. })) => {
                    self.commit()?;
                    return Err(Stop::At(Box::new(event), head));
                }
                Copied::Event(event) => {
                    let is_undone = matches!(event, Event::FileAbandoned { .. } | Event::FileWithdrawn { .. });
                    self.event(event, head)?;
                    if is_undone {
                        self.commit()?;
                        live.forget();
                        *seen = self.seen()?;
                    }
                }
            }
            Ok(())
        });
        match stopped {
            Ok(()) => Ok(None),
            Err(Stop::At(event, head)) => Ok(Some((*event, head))),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// Puts the next block into the group.
    fn take(&mut self, head: Head, put: impl FnOnce(&mut Group)) -> Result<(), Failure> {
        put(&mut self.group);
        self.last = head;
        if self.group_bytes >= GROUP_BYTES { self.commit() } else { Ok(()) }
    }

    /// Commits what was taken over: it must have become the same.
    fn commit(&mut self) -> Result<(), Failure> {
        self.group_bytes = 0;
        commit(self.ledger, std::mem::take(&mut self.group))?;
        if self.ledger.head() == self.last { Ok(()) } else { Err(taken_otherwise(self.last.height)) }
    }

    /// An event that has something beside the journal.
    fn event(&mut self, event: Event, head: Head) -> Result<(), Failure> {
        match &event {
            Event::Settled { day, manifests } => {
                self.commit()?;
                self.rebuilt.settled_days += 1;
                self.settle(*day, manifests)?;
            }
            Event::DaysArchived(archived) => {
                self.commit()?;
                self.archive(archived)?;
            }
            _ => {}
        }
        self.take(head, |group| group.event(event))
    }

    /// Closes a day again, from the event at `head` on; a close that did not come to its end is taken over as it is.
    fn close(&mut self, day: Day, digest: &[u8; 32], head: Head, today: Today<'a>) -> Result<(), Failure> {
        let Rebuilding { journal, symbols, out, workers, progress, .. } = *self.rebuilding;
        let (first_height, mut counts) = (head.height + 1, Vec::new());
        let closed = loop {
            let height = first_height + counts.len() as u64;
            if height > journal.head().height {
                break None;
            }
            let header = journal.header(height).map_err(|error| unread(&error))?;
            match header.kind {
                BlockKind::Decisions => counts.push(header.count),
                BlockKind::Event => break journal.event(height).map(Some).map_err(|error| unread(&error))?,
                BlockKind::Intake | BlockKind::Refusals => break None,
            }
        };
        let Some((closed @ Event::Closed { .. }, end)) = closed else {
            return self.interrupted(day, *digest, head, first_height..first_height + counts.len() as u64);
        };
        let scheme = self.rebuilding.scheme_of(day, digest)?;
        let house = opening::house(scheme, symbols)?;
        let settled = end.height < journal.head().height
            && journal.header(end.height + 1).map_err(|error| unread(&error))?.kind == BlockKind::Event
            && matches!(journal.event(end.height + 1).map_err(|error| unread(&error))?.0, Event::Settled { day: settled, .. } if settled == day);
        let Today { seen, repeats, live, .. } = today;
        let is_its_scheme = self.ledger.open_day().is_some_and(|open| open.scheme == *digest);
        let mut gathers = live.into_gathers().filter(|_| is_its_scheme);
        if let Some(gather) = gathers.as_mut().and_then(|gathers| gathers.first_mut()) {
            gather.repeats(repeats);
        }
        let closing = Closing { scheme, symbols, seen: &seen, workers, bounds: Bounds::default(), progress };
        let precedent = Precedent { journal, first_height, counts, closed: &closed };
        self.drafted = closing.close_again(self.ledger, gathers, &precedent, settled.then_some((&house, out)))?;
        self.rebuilt.closed_days += 1;
        self.last = end;
        Ok(())
    }

    fn interrupted(&mut self, day: Day, scheme: [u8; 32], head: Head, decided: Range<u64>) -> Result<(), Failure> {
        let mut cache = SymbolCache::new(self.rebuilding.symbols);
        self.take(head, |group| group.event(Event::CloseStarted { day, scheme }))?;
        for height in decided {
            let (block, head) = self.rebuilding.journal.decision_block(height, &mut cache).map_err(|error| unread(&error))?;
            self.group_bytes += block.payload().len();
            self.take(head, |group| group.decisions(block))?;
        }
        Ok(())
    }

    /// A day's files, and what the next day's are chained to.
    fn settle(&mut self, day: Day, manifests: &[u8; 32]) -> Result<(), Failure> {
        let Rebuilding { symbols, out, workers, progress, .. } = *self.rebuilding;
        let digest = self.ledger.day(day).map(|info| info.scheme).unwrap_or_default();
        let house = opening::house(self.rebuilding.scheme_of(day, &digest)?, symbols)?;
        progress.step("rebuilding: settlement files", "重建：结算文件");
        let published = match self.drafted.take() {
            Some(drafted) => settlement::publish(self.ledger, day, drafted, &house),
            None => settlement::settle(self.ledger, day, &house, out, workers),
        };
        let published = published.map_err(|error| unsettled(day, &error))?;
        if published.digest != *manifests {
            return Err(Failure::refused(format!("the settlement files of clearing day {day} come out otherwise than the journal says"))
                .hint("rebuild with the scheme, and the version of tapclear, that settled the day"));
        }
        let (key, value) = published.checkpoint();
        self.group.checkpoint(settlement::MANIFESTS, &key, value);
        Ok(())
    }

    /// An archive like the one that the journal speaks of.
    fn archive(&self, archived: &Archived) -> Result<(), Failure> {
        let made = self.ledger.write_archive(archived.through).map_err(|error| unread(&error))?;
        if made.as_ref() == Some(archived) {
            return Ok(());
        }
        Err(Failure::refused(format!("the archive through clearing day {} comes out otherwise than the journal says", archived.through))
            .hint("rebuild with the version of tapclear that wrote it"))
    }
}

fn other_repeats(height: u64) -> Failure {
    Failure::refused(format!("block {height} of the journal names other records as taken in before than were"))
        .hint("`tapclear verify` tells what else is wrong with the ledger")
}

fn outside(height: u64) -> Failure {
    Failure::refused(format!("block {height} of the journal has decisions outside a close")).hint("`tapclear verify` tells what else is wrong with the ledger")
}
