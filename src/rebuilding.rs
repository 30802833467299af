//! A ledger made anew from a journal: every block is taken over, and whatever is derived from blocks is derived again.
//!
//! Closes are decided again from the records and held against the journal's decisions; settlement files are written again
//! and held against the digest that the journal keeps. Nothing of the old indexes, balances or checkpoints is read, and the
//! old ledger is not written to. Sealed card numbers stand in no block: they are copied.

use crate::closing::{Bounds, Closing, unsettled};
use crate::failure::Failure;
use crate::history::{self, unread};
use crate::intake::{commit, hex};
use crate::opening;
use crate::progress::Progress;
use domain::symbol::SymbolCache;
use domain::{Day, Decision, SymbolTable};
use engine::scheme::Scheme;
use ledger::{Archived, Copied, Event, FileOutcomes, Group, Head, Journal, Ledger, ServiceFees};
use std::path::Path;

/// Blocks that are committed together.
const GROUP_BLOCKS: usize = 32;
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

impl Rebuilding<'_> {
    /// Fills an empty ledger.
    ///
    /// # Errors
    /// When the journal is damaged, a day comes out otherwise than the journal says, or something cannot be written.
    pub fn fill(&self, ledger: &mut Ledger) -> Result<Rebuilt, Failure> {
        let mut cache = SymbolCache::new(self.symbols);
        let mut rebuilt = Rebuilt::default();
        let mut group = Group::new();
        let mut waiting = 0;
        // Heights of the decision blocks since a close was last started.
        let mut decided = Vec::new();
        self.progress.step("rebuilding: the journal", "重建：日志");
        for height in 1..=self.journal.head().height {
            let (copied, head) = self.journal.block(height, &mut cache).map_err(|error| unread(&error))?;
            waiting += 1;
            let mut due = waiting >= GROUP_BLOCKS;
            match copied {
                Copied::Intake { file, block } => {
                    rebuilt.records += u64::from(block.count());
                    group.intake(file, block);
                }
                Copied::Refusals { file, refusals } => group.refusals(file, &refusals),
                Copied::Decisions(block) => {
                    decided.push(height);
                    group.decisions(block);
                }
                Copied::Event(event) => {
                    if let Event::CloseStarted { .. } = event {
                        decided.clear();
                    }
                    if let Event::Closed { .. } | Event::Settled { .. } = event {
                        commit(ledger, std::mem::take(&mut group))?;
                        due = true;
                    }
                    if let Event::Closed { day, files, fees, .. } = &event {
                        rebuilt.closed_days += 1;
                        self.close(ledger, *day, &decided, (files, fees), &mut group)?;
                    }
                    if let Event::DaysArchived(archived) = event {
                        commit(ledger, std::mem::take(&mut group))?;
                        due = true;
                        self.archive(ledger, &archived)?;
                    }
                    if let Event::Settled { day, manifests } = event {
                        rebuilt.settled_days += 1;
                        self.settle(ledger, day, manifests, &mut group)?;
                    }
                    group.event(event);
                }
            }
            if due || height == self.journal.head().height {
                waiting = 0;
                commit(ledger, std::mem::take(&mut group))?;
                same(ledger, head)?;
            }
        }
        rebuilt.blocks = self.journal.head().height;
        if !ledger.archives().is_empty() {
            ledger.reclaim().map_err(|error| unread(&error))?;
        }
        self.copy_vault(ledger)?;
        Ok(rebuilt)
    }

    /// An archive like the one that the journal speaks of.
    fn archive(&self, ledger: &Ledger, archived: &Archived) -> Result<(), Failure> {
        let made = ledger.write_archive(archived.through).map_err(|error| unread(&error))?;
        if made.as_ref() == Some(archived) {
            return Ok(());
        }
        Err(Failure::refused(format!("the archive through clearing day {} comes out otherwise than the journal says", archived.through))
            .hint("rebuild with the version of tapclear that wrote it"))
    }

    /// What a close left besides its decisions.
    fn close(&self, ledger: &Ledger, day: Day, heights: &[u64], said: (&[FileOutcomes], &ServiceFees), group: &mut Group) -> Result<(), Failure> {
        let scheme = self.scheme_of(ledger, day)?;
        let seen = history::seen(ledger, self.symbols, self.workers)?;
        let closing = Closing { scheme, symbols: self.symbols, seen: &seen, workers: self.workers, bounds: Bounds::default(), progress: self.progress };
        let mut cache = SymbolCache::new(self.symbols);
        let (mut heights, mut block) = (heights.iter(), Vec::new().into_iter());
        let mut stored = || -> Result<Option<Decision>, Failure> {
            loop {
                if let Some(decision) = block.next() {
                    return Ok(Some(decision));
                }
                let Some(&height) = heights.next() else { return Ok(None) };
                block = self.journal.decisions(height, &mut cache).map_err(|error| unread(&error))?.into_iter();
            }
        };
        closing.decide_again(ledger, group, &mut stored, said)
    }

    /// A day's files, and what the next day's are chained to.
    fn settle(&self, ledger: &Ledger, day: Day, manifests: [u8; 32], group: &mut Group) -> Result<(), Failure> {
        let house = opening::house(self.scheme_of(ledger, day)?, self.symbols)?;
        self.progress.step("rebuilding: settlement files", "重建：结算文件");
        let published = settlement::settle(ledger, day, &house, self.out, self.workers).map_err(|error| unsettled(day, &error))?;
        if published.digest != manifests {
            return Err(Failure::refused(format!("the settlement files of clearing day {day} come out otherwise than the journal says"))
                .hint("rebuild with the scheme, and the version of tapclear, that settled the day"));
        }
        let (key, value) = published.checkpoint();
        group.checkpoint(settlement::MANIFESTS, &key, value);
        Ok(())
    }

    /// The scheme that a day was closed under.
    fn scheme_of(&self, ledger: &Ledger, day: Day) -> Result<&Scheme, Failure> {
        let digest = ledger.day(day).map(|info| info.scheme).unwrap_or_default();
        self.schemes.iter().find(|scheme| scheme.digest == digest).ok_or_else(|| {
            Failure::refused(format!("clearing day {day} was closed under another scheme than any of those given"))
                .hint(format!("name the scheme with digest {} with another --scheme", hex(&digest)))
        })
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
}

/// The block that was taken over has become the same.
fn same(ledger: &Ledger, head: Head) -> Result<(), Failure> {
    if ledger.head() == head {
        return Ok(());
    }
    Err(Failure::refused(format!("block {} of the journal cannot be taken over as it is", head.height))
        .hint("rebuild with the version of tapclear that wrote it"))
}
