//! Closing a day: the engine decides from the set that the ledger holds, and the ledger takes the decisions in order.
//!
//! Everything between `CloseStarted` and `Closed` counts only with the latter: a close that was interrupted starts anew.

use crate::failure::Failure;
use crate::history::{self, After, unread};
use crate::intake::commit;
use crate::progress::Progress;
use domain::symbol::SymbolCache;
use domain::{Decision, Flags, Outcome, SymbolTable};
use engine::close::{DecideError, Gather, decide};
use engine::dedup::Seen;
use engine::parallel;
use engine::scheme::Scheme;
use ledger::{BLOCK_ROWS_MAX, DayTotals, DecisionEncoder, Event, Group, Ledger};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Decisions of so many encoded bytes are committed together.
const GROUP_BYTES_MAX: usize = 32 << 20;

/// What a batch of decisions adds to the day's totals.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    rides: u64,
    charged_rides: u64,
    capped_rides: u64,
    gross_minor: i64,
    fee_minor: i64,
}

impl Counted {
    fn add(&mut self, decisions: &[Decision]) {
        for decision in decisions.iter().filter(|decision| decision.flags.has(Flags::RIDE)) {
            self.rides += 1;
            self.charged_rides += u64::from(decision.charged_minor > 0);
            self.capped_rides += u64::from(decision.flags.has(Flags::CAPPED));
            self.gross_minor += decision.charged_minor;
            self.fee_minor += decision.fee_minor;
        }
    }

    fn add_to(self, totals: &mut DayTotals) {
        totals.rides += self.rides;
        totals.charged_rides += self.charged_rides;
        totals.capped_rides += self.capped_rides;
        totals.gross_minor += self.gross_minor;
        totals.fee_minor += self.fee_minor;
    }
}

/// Closes the open day. `seen` is what taking in knows of ids; it becomes the next day's start.
///
/// # Errors
/// When no day is open, the ledger cannot be read or written, or the books would not balance.
pub fn close(ledger: &mut Ledger, scheme: &Scheme, symbols: &SymbolTable, seen: &Seen, workers: usize, progress: &Progress) -> Result<DayTotals, Failure> {
    let day = ledger.open_day().ok_or_else(|| Failure::refused("no clearing day is open"))?.day;
    progress.step("closing: reading the day", "日终：读取当日记录");
    let held = history::held(ledger, symbols)?;
    let gathers = gather(ledger, scheme, symbols, workers, &held)?;
    let before = history::before(ledger, symbols)?;
    progress.step("closing: deciding and pricing", "日终：判定与计价");
    let looking = &*ledger;
    let decided = decide(scheme, symbols, day, workers, gathers, before, &|wanted| history::look_up(looking, symbols, wanted));
    let decided = decided.map_err(|error| match error {
        DecideError::Lookup(failure) => failure,
        DecideError::Memory => history::broken("accounts"),
    })?;

    progress.step("closing: posting", "日终：记账");
    let mut group = Group::new();
    group.event(Event::CloseStarted { day, scheme: scheme.digest });
    commit(ledger, group)?;
    let mut totals = DayTotals::default();
    for file in ledger.files().iter().filter(|file| file.day == day && file.state == ledger::FileState::Booked) {
        let outcomes = decided.files.get(&file.id).copied().unwrap_or_default();
        totals.received += file.received + file.refused;
        totals.rejected += file.refused;
        totals.cleared += outcomes.cleared;
        totals.duplicate += outcomes.duplicate;
        totals.conflict += outcomes.conflict;
        totals.held += outcomes.held;
        totals.rejected += outcomes.rejected;
        let decided = outcomes.cleared + outcomes.duplicate + outcomes.held + outcomes.rejected;
        assert_eq!(decided, file.received, "every record of a file ends in exactly one outcome");
    }
    let texts = symbols.texts();
    let mut group = Group::new();
    let mut group_bytes = 0;
    let mut still_held = Vec::new();
    let make = |batch: usize| {
        let (mut blocks, mut counted, mut held) = (Vec::new(), Counted::default(), Vec::<Decision>::new());
        let mut encoder = DecisionEncoder::new(scheme.hub);
        decided.batch(batch, |decisions| {
            if encoder.count() + decisions.len() > BLOCK_ROWS_MAX {
                blocks.push(encoder.finish(&texts));
            }
            encoder.push(decisions);
            counted.add(decisions);
            held.extend(decisions.iter().filter(|decision| decision.reason.outcome() == Outcome::Held).copied());
        });
        if encoder.count() > 0 {
            blocks.push(encoder.finish(&texts));
        }
        (blocks, counted, held)
    };
    parallel::in_order(workers, decided.batches(), make, |(blocks, counted, held)| {
        counted.add_to(&mut totals);
        still_held.extend(held);
        for block in blocks {
            totals.entries += block.posted().entries;
            totals.postings += block.posted().postings;
            totals.debit_minor += sum_minor(block.posted().debit_minor)?;
            totals.credit_minor += sum_minor(block.posted().credit_minor)?;
            group_bytes += block.payload().len();
            group.decisions(block);
        }
        if group_bytes >= GROUP_BYTES_MAX {
            group_bytes = 0;
            return commit(ledger, std::mem::take(&mut group));
        }
        Ok(())
    })?;
    assert_eq!(totals.debit_minor, totals.credit_minor, "debits equal credits");
    assert_eq!(totals.received, totals.cleared + totals.duplicate + totals.held + totals.rejected, "every record ends in exactly one outcome");
    After { seen, accounts: &decided.remembered, refunded: &decided.refunded, held: &still_held, hub: scheme.hub, day }.put(ledger, &texts, &mut group)?;
    group.event(Event::Closed { day, totals, next: scheme.next_clearing_day(day) });
    commit(ledger, group)?;
    Ok(totals)
}

fn sum_minor(sum: i128) -> Result<i64, Failure> {
    i64::try_from(sum).map_err(|_| Failure::refused("the day's money does not fit 64 bits").hint("lower the scheme's amount limits"))
}

/// Every worker takes blocks until none are left; the first also takes what earlier closes held.
fn gather<'s>(ledger: &Ledger, scheme: &'s Scheme, symbols: &SymbolTable, workers: usize, held: &[Decision]) -> Result<Vec<Gather<'s>>, Failure> {
    let day = ledger.open_day().ok_or_else(|| Failure::refused("no clearing day is open"))?.day;
    let blocks = ledger.intake_blocks(day).map_err(|error| unread(&error))?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1))
            .map(|worker| {
                let (blocks, next) = (&blocks, &next);
                scope.spawn(move || -> Result<Gather<'s>, Failure> {
                    let mut gather = Gather::new(scheme, day);
                    let mut cache = SymbolCache::new(symbols);
                    if worker == 0 {
                        for decision in held {
                            gather.add_carried(decision);
                        }
                    }
                    while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let read = ledger.each_intake(block.height, &mut cache, |piece| gather.add(piece.file_id, piece.records, piece.repeats));
                        read.map_err(|error| unread(&error))?;
                    }
                    Ok(gather)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a gathering worker does not panic")).collect()
    })
}
