//! Closing a day: the engine decides from the set that the ledger holds, and the ledger takes the decisions in order.
//!
//! Everything between `CloseStarted` and `Closed` counts only with the latter: a close that was interrupted starts anew.

mod making;

pub use making::{Precedent, taken_otherwise};

use crate::durable::commit;
use crate::failure::Failure;
use crate::history::{self, After, unread};
use crate::progress::Progress;
use crossbeam::channel::bounded;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Outcome, Reason, Record, RecordId, Symbol, SymbolTable};
use engine::close::{DecideError, Decided, Earlier, FeesBooked, Finding, Gather, Sighting, decide, service_fees};
use engine::dedup::Seen;
use engine::parallel;
use engine::scheme::Scheme;
use ledger::{BLOCK_ROWS_MAX, DayTotals, Event, FileOutcomes, FileState, Group, Ledger, OddRecord, Oddity, ServiceFee, ServiceFees};
use making::{Made, Making};
use settlement::{Drafted, Feed, House, SettleError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How a close cuts what it posts.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub block_rows_max: usize,
    /// Decisions of so many encoded bytes are committed together.
    pub group_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { block_rows_max: BLOCK_ROWS_MAX, group_bytes_max: 16 << 20 }
    }
}

/// What closing a day needs besides the ledger.
pub struct Closing<'a> {
    pub scheme: &'a Scheme,
    pub symbols: &'a SymbolTable,
    /// What taking in knows of ids; it becomes the next day's start.
    pub seen: &'a Seen,
    pub workers: usize,
    pub bounds: Bounds,
    pub progress: &'a Progress,
}

impl<'a> Closing<'a> {
    /// Closes the open day.
    ///
    /// # Errors
    /// When no day is open, the ledger cannot be read or written, or the books would not balance.
    pub fn close(&self, ledger: &mut Ledger) -> Result<DayTotals, Failure> {
        self.scrub(ledger)?;
        let decided = self.decide(ledger, None)?;
        self.post(ledger, &decided, &Making::new(self, &decided, None))
    }

    /// Closes the open day and writes its lines on the way: each decision is handed to the ledger and to the parties' files
    /// while it is at hand. The draft is to be checked against the ledger and published.
    ///
    /// # Errors
    /// As [`Closing::close`], and when a file cannot be written; the day is not closed then.
    pub fn close_and_draft(&self, ledger: &mut Ledger, gathers: Option<Vec<Gather<'a>>>, house: &House<'_>, out: &Path) -> Result<Drafted, Failure> {
        self.scrub(ledger)?;
        let decided = self.decide(ledger, gathers)?;
        self.post_and_draft(ledger, &decided, &Making::new(self, &decided, None), house, out)
    }

    /// Closes a day that is being rebuilt, as another journal has it: every block that is made must be as it is there, and so
    /// must what the close comes to. With a house and a folder, the day's lines are written on the way.
    ///
    /// # Errors
    /// As [`Closing::close_and_draft`], and when something comes out otherwise.
    pub fn close_again(
        &self,
        ledger: &mut Ledger,
        gathers: Option<Vec<Gather<'a>>>,
        precedent: &Precedent<'_>,
        files: Option<(&House<'_>, &Path)>,
    ) -> Result<Option<Drafted>, Failure> {
        let decided = self.decide(ledger, gathers)?;
        let making = Making::new(self, &decided, Some(precedent));
        match files {
            Some((house, out)) => self.post_and_draft(ledger, &decided, &making, house, out).map(Some),
            None => self.post(ledger, &decided, &making).map(|_| None),
        }
    }

    fn post(&self, ledger: &mut Ledger, decided: &Decided<'_>, making: &Making<'_, 'a>) -> Result<DayTotals, Failure> {
        self.progress.step("closing: posting", "日终：记账");
        let mut posting = Posting::start(ledger, self, decided)?;
        parallel::in_order(self.workers, making.count(), |at| making.made(at, &mut |_| {}), |made| posting.take(made?))?;
        posting.end(decided, making.precedent)
    }

    fn post_and_draft(&self, ledger: &mut Ledger, decided: &Decided<'_>, making: &Making<'_, 'a>, house: &House<'_>, out: &Path) -> Result<Drafted, Failure> {
        let day = decided.day();
        self.progress.step("closing: posting and writing files", "日终：记账并写文件");
        let mut posting = Posting::start(ledger, self, decided)?;
        let drafted = std::thread::scope(|scope| {
            let (made, to_post) = bounded::<(usize, Result<Made, Failure>)>(QUEUE_BATCHES);
            let poster = scope.spawn(|| {
                let mut waiting = BTreeMap::new();
                let mut wanted = 0;
                for (at, made) in to_post {
                    waiting.insert(at, made);
                    while let Some(made) = waiting.remove(&wanted) {
                        wanted += 1;
                        posting.take(made?)?;
                    }
                }
                Ok(())
            });
            let read = |at: usize, _: &mut SymbolCache<'_>, each: &mut dyn FnMut(&[Decision])| {
                let blocks = making.made(at, each);
                made.send((at, blocks)).map_err(|_| SettleError::FeedEnded)
            };
            let drafted = settlement::draft(day, &Feed { blocks: making.count(), read: &read }, house, out, self.workers);
            drop(made);
            // A ledger that failed is the cause, whatever the writers met because of it.
            poster.join().expect("the posting thread does not panic")?;
            drafted.map_err(|error| unsettled(day, &error))
        })?;
        posting.end(decided, making.precedent)?;
        Ok(drafted)
    }

    /// The fees per service day that the close changes, and what is booked of them from now on.
    fn service_fees(&self, ledger: &Ledger, decided: &Decided<'_>) -> Result<(ServiceFees, FeesBooked), Failure> {
        let before = history::fees(ledger, self.symbols, decided.fee_sums.keys().map(|key| key.service_day))?;
        let (changed, mut booked) = service_fees(&self.scheme.fees, &decided.fee_sums, &before, decided.texts());
        // A service day's fees are kept as a whole.
        for (key, fee) in before {
            booked.entry(key).or_insert(fee);
        }
        let text = |symbol: Symbol| decided.texts().get(symbol.index()).map_or_else(String::new, |text| text.to_string());
        let shown = |fee: engine::close::ServiceFee| ServiceFee {
            earner: text(fee.key.earner),
            issuer: text(fee.key.issuer),
            product: text(fee.key.product),
            service_day: fee.key.service_day,
            charged_minor: fee.bases.charged_minor,
            earned_minor: fee.bases.earned_minor,
            old_minor: fee.old_minor,
            new_minor: fee.new_minor,
        };
        let list: Vec<ServiceFee> = changed.into_iter().map(shown).collect();
        let hub = if list.is_empty() { String::new() } else { text(self.scheme.hub) };
        Ok((ServiceFees { hub, list }, booked))
    }

    fn after<'d>(&'d self, decided: &'d Decided<'_>, held: &'d [Decision], fees: &'d FeesBooked) -> After<'d> {
        let Decided { remembered, trails, refunded, budgets, priced_until, .. } = decided;
        let (hub, day) = (self.scheme.hub, decided.day());
        After { seen: self.seen, accounts: remembered, trails, refunded, budgets, priced_until: *priced_until, held, fees, hub, day }
    }

    /// What the close decides becomes money: the day is read from the disk and held against its hashes first.
    fn scrub(&self, ledger: &Ledger) -> Result<(), Failure> {
        let day = ledger.open_day().ok_or_else(Failure::no_open_day)?.day;
        self.progress.step("closing: scrubbing the day's blocks", "日终：核验当日区块");
        let scrubbed = ledger.scrub_open_day(self.workers).map_err(|error| {
            Failure::refused(format!("clearing day {day} is not closed: its blocks are not as they were written"))
                .because(&error)
                .hint("nothing was changed; keep a copy of the folder, then bring back a backup")
        });
        scrubbed.map(|_| ())
    }

    /// `gathers` hold the whole day where it was gathered while it was taken in.
    fn decide(&self, ledger: &Ledger, gathers: Option<Vec<Gather<'a>>>) -> Result<Decided<'a>, Failure> {
        let Self { scheme, symbols, workers, progress, .. } = *self;
        let day = ledger.open_day().ok_or_else(Failure::no_open_day)?.day;
        let mut gathers = gathers.unwrap_or_default();
        if gathers.is_empty() {
            progress.step("closing: reading the day", "日终：读取当日记录");
            gathers = gather(ledger, scheme, symbols, workers)?;
        }
        let first = gathers.first_mut().expect("there is a worker");
        history::held(ledger, symbols)?.iter().for_each(|held| first.add_carried(held));
        let before = history::before(ledger, symbols, workers)?;
        progress.step("closing: deciding and pricing", "日终：判定与计价");
        let look_up = |wanted: &[_]| history::look_up(ledger, symbols, wanted);
        let journal = |cards: Option<&[CardToken]>, wanted: &(dyn Fn(&Decision) -> bool + Sync)| history::journal(ledger, symbols, workers, cards, wanted);
        let decided = decide(scheme, symbols, day, workers, gathers, before, &Earlier { lookup: &look_up, journal: &journal });
        decided.map_err(|error| match error {
            DecideError::Lookup(failure) => failure,
            DecideError::Memory => history::broken("accounts"),
        })
    }
}

/// Why a day has no settlement files.
#[must_use]
pub fn unsettled(day: Day, error: &SettleError) -> Failure {
    let failure = Failure::refused(format!("clearing day {day} cannot be settled")).because(error);
    if let Some(hint) = error.hint() { failure.hint(hint) } else { failure }
}

/// Batches that wait for the ledger: enough that nobody waits while a group is synced.
const QUEUE_BATCHES: usize = 96;

/// The decisions on their way into the ledger, batch after batch.
struct Posting<'a> {
    ledger: &'a mut Ledger,
    closing: &'a Closing<'a>,
    day: Day,
    totals: DayTotals,
    group: Group,
    group_bytes: usize,
    held: Vec<Decision>,
}

impl<'a> Posting<'a> {
    fn start(ledger: &'a mut Ledger, closing: &'a Closing<'a>, decided: &Decided<'_>) -> Result<Self, Failure> {
        let day = decided.day();
        let mut group = Group::new();
        group.event(Event::CloseStarted { day, scheme: closing.scheme.digest });
        commit(ledger, group)?;
        let mut totals = DayTotals::default();
        for file in ledger.files().iter().filter(|file| file.day == day && file.state == FileState::Booked) {
            let outcomes = decided.files.get(&file.id).cloned().unwrap_or_default();
            assert_eq!(outcomes.received(), file.received, "every record of a file ends in exactly one outcome");
            totals.received += file.received + file.refused;
            totals.cleared += outcomes.count(Outcome::Cleared);
            totals.duplicate += outcomes.count(Outcome::Duplicate);
            totals.conflict += outcomes.conflicts();
            totals.held += outcomes.count(Outcome::Held);
            totals.rejected += outcomes.count(Outcome::Rejected) + file.refused;
        }
        Ok(Self { ledger, closing, day, totals, group: Group::new(), group_bytes: 0, held: Vec::new() })
    }

    fn take(&mut self, made: Made) -> Result<(), Failure> {
        made.counted.add_to(&mut self.totals);
        self.held.extend(made.held);
        for block in made.blocks {
            self.totals.entries += block.posted().entries;
            self.totals.postings += block.posted().postings;
            self.totals.debit_minor += sum_minor(block.posted().debit_minor)?;
            self.totals.credit_minor += sum_minor(block.posted().credit_minor)?;
            self.group_bytes += block.payload().len();
            self.group.decisions(block);
            if self.group_bytes >= self.closing.bounds.group_bytes_max {
                self.group_bytes = 0;
                commit(self.ledger, std::mem::take(&mut self.group))?;
            }
        }
        Ok(())
    }

    fn end(self, decided: &Decided<'_>, precedent: Option<&Precedent<'_>>) -> Result<DayTotals, Failure> {
        let Self { ledger, closing, day, mut totals, mut group, held, .. } = self;
        let (fees, booked) = closing.service_fees(ledger, decided)?;
        let posted = fees.posted();
        totals.entries += posted.entries;
        totals.postings += posted.postings;
        totals.debit_minor += sum_minor(posted.debit_minor)?;
        totals.credit_minor += sum_minor(posted.credit_minor)?;
        totals.fee_minor += fees.list.iter().map(ServiceFee::difference_minor).sum::<i64>();
        assert_eq!(totals.debit_minor, totals.credit_minor, "debits equal credits");
        assert_eq!(totals.received, totals.cleared + totals.duplicate + totals.held + totals.rejected, "every record ends in exactly one outcome");
        closing.after(decided, &held, &booked).put(ledger, closing.symbols, &mut group)?;
        let files = outcomes_of_files(ledger, decided);
        let next = closing.scheme.next_clearing_day(day);
        let closed = Event::Closed { day, totals, next, files, fees, oddities: oddities(decided) };
        if precedent.is_some_and(|precedent| *precedent.closed != closed) {
            return Err(Failure::refused(format!(
                "the close of clearing day {day} comes to other sums, fees, oddities or outcomes of files than the journal says"
            ))
            .hint("rebuild with the scheme, and the version of tapclear, that closed the day"));
        }
        group.event(closed);
        commit(ledger, group)?;
        Ok(totals)
    }
}

/// What the close found odd, as the journal tells it.
fn oddities(decided: &Decided<'_>) -> Vec<Oddity> {
    let text = |symbol: Symbol| decided.texts().get(symbol.index()).map_or_else(String::new, |text| text.to_string());
    let id_text = |id: RecordId| {
        let terminal = if let RecordId::Sequence { terminal, .. } = id { text(terminal) } else { String::new() };
        id.text(&terminal)
    };
    let record = |seen: &Sighting| OddRecord {
        id: id_text(seen.id),
        time_ms: seen.time.0,
        terminal: text(seen.terminal),
        place: text(seen.place),
        earner: text(seen.earner),
        venue: text(decided.venue_of(seen.place)),
    };
    let told = |finding: &Finding| Oddity {
        number: finding.kind.number(),
        record: record(&finding.record),
        kind: finding.record.kind.name().to_owned(),
        source_ref: finding.record.source_ref.as_str().to_owned(),
        offset_min: finding.record.offset_min,
        amount_minor: finding.record.amount_minor,
        issuer: text(finding.record.issuer),
        other: record(&finding.other),
        other_day: finding.other.day,
        witness: finding.witness.map_or_else(String::new, id_text),
        measures: finding.measures.iter().map(|(measure, value)| (measure.name().to_owned(), *value)).collect(),
    };
    decided.oddities.iter().map(told).collect()
}

/// What became of every booked file, its refused rows among the records.
fn outcomes_of_files(ledger: &Ledger, decided: &Decided<'_>) -> Vec<FileOutcomes> {
    let booked = ledger.files().iter().filter(|file| file.day == decided.day() && file.state == FileState::Booked);
    let outcomes = booked.map(|file| {
        let mut by_reason: Vec<(u16, u64)> =
            decided.files.get(&file.id).into_iter().flat_map(|outcomes| outcomes.by_reason()).map(|(reason, count)| (reason.number(), count)).collect();
        by_reason.extend((file.refused > 0).then_some((Reason::Malformed.number(), file.refused)));
        by_reason.sort_unstable();
        FileOutcomes { file: file.id, by_reason }
    });
    outcomes.collect()
}

fn sum_minor(sum: i128) -> Result<i64, Failure> {
    i64::try_from(sum).map_err(|_| Failure::refused("the day's money does not fit 64 bits").hint("lower the scheme's amount limits"))
}

/// Every worker takes blocks until none are left.
fn gather<'s>(ledger: &Ledger, scheme: &'s Scheme, symbols: &SymbolTable, workers: usize) -> Result<Vec<Gather<'s>>, Failure> {
    let day = ledger.open_day().ok_or_else(Failure::no_open_day)?.day;
    let blocks = ledger.intake_blocks(day).map_err(|error| unread(&error))?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1))
            .map(|_| {
                let (blocks, next) = (&blocks, &next);
                scope.spawn(move || -> Result<Gather<'s>, Failure> {
                    let mut gather = Gather::new(scheme, day);
                    let mut cache = SymbolCache::new(symbols);
                    while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let read = ledger.each_intake(block.height, &mut cache, |piece| {
                            gather.add(piece.file_id, piece.records);
                            gather.repeats(piece.repeats.iter().filter_map(|&at| piece.records.get(at as usize)).map(Record::id));
                        });
                        read.map_err(|error| unread(&error))?;
                    }
                    Ok(gather)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a gathering worker does not panic")).collect()
    })
}
