//! The one pass over a day: workers turn units of blocks into sections, and append them in the day's order.
//!
//! A worker carries its unit from the ledger to the files itself. Every file is appended in unit order: whoever comes
//! early waits for the file's turn. All go through the files in the same order, so the oldest unit never waits and the
//! others follow it file by file; there is no thread that only sequences, and no queue. At most one unit per worker is in
//! memory.

use crate::SettleError;
use crate::desk::{Desk, EXCEPTIONS_HEADER, Papers};
use crate::flusher::Flusher;
use crate::row::Row;
use crate::section::{LineSums, Section};
use crate::sink::{FileEntry, Sink, SinkLimits};
use crate::tally::Tally;
use domain::record::IdKind;
use domain::symbol::SymbolCache;
use domain::{Day, Decision, EventTime, Suite, Symbol, SymbolTable};
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Blocks of a unit: enough that most sections are worth a write of their own (with 16,384 decisions a block, 65,536),
/// few enough that a unit stays near the processor's caches.
const UNIT_BLOCKS: usize = 4;

/// Bytes gathered over all files at most.
const GATHER_BYTES_MAX: usize = 64 << 20;
const GATHER_FILE_BYTES_MAX: usize = 64 << 10;
const GATHER_FILE_BYTES_MIN: usize = 4 << 10;

/// The day's decision blocks: how many, and how one is read, a few decisions at a time. Called from several threads.
pub struct Feed<'f> {
    pub blocks: usize,
    #[allow(clippy::type_complexity, reason = "one signature, used here only")]
    pub read: &'f (dyn Fn(usize, &mut SymbolCache<'_>, &mut dyn FnMut(&[Decision])) -> Result<(), SettleError> + Sync),
}

/// What the pass wrote for one party.
pub(crate) struct PartyFiles {
    pub detail: FileEntry,
    /// The day's oddities are to be added.
    pub exceptions: Sink,
    pub sums: LineSums,
}

/// What the pass leaves: the files by seat, and the day's sums.
pub(crate) struct PassResult {
    pub files: Vec<PartyFiles>,
    pub tally: Tally,
    /// In canonical order.
    pub corrections: Vec<Decision>,
}

/// The two streamed files of a party, and whose turn it is.
struct Turnstile {
    state: Mutex<Streams>,
    moved: Condvar,
}

struct Streams {
    next_unit: usize,
    detail: Sink,
    exceptions: Sink,
    sums: LineSums,
}

struct Pass<'a> {
    desk: Desk<'a>,
    feed: &'a Feed<'a>,
    files: Vec<Turnstile>,
    flusher: Flusher,
    next_unit: AtomicUsize,
    stopped: AtomicBool,
}

/// The first and last event of a unit: how units join is checked when all are done. And what it corrects.
type Edge = (usize, Option<(EventTime, EventTime)>, Vec<Decision>);

/// Writes `detail.csv` and `exceptions.csv` of every party into `folder`, where the parties' folders are.
///
/// # Errors
/// The first error of any worker; what was written is then worthless.
pub(crate) fn run(feed: &Feed<'_>, desk: Desk<'_>, folder: &Path, suite: Suite, workers: usize) -> Result<PassResult, SettleError> {
    let Desk { day, roster, layout, .. } = desk;
    let parties = roster.members().len();
    let gather = (GATHER_BYTES_MAX / (2 * parties.max(1))).clamp(GATHER_FILE_BYTES_MIN, GATHER_FILE_BYTES_MAX);
    let limits = SinkLimits { gather_bytes_max: gather, stay_open: parties * 2 <= open_files_max() };
    let files = roster
        .members()
        .iter()
        .map(|member| {
            let sink = |name, header| Sink::new(folder.join(&*member.id).join(name), header, limits, suite);
            let streams = Streams {
                next_unit: 0,
                detail: sink("detail.csv", &layout.header),
                exceptions: sink("exceptions.csv", EXCEPTIONS_HEADER),
                sums: LineSums::default(),
            };
            Turnstile { state: Mutex::new(streams), moved: Condvar::new() }
        })
        .collect();
    let place = File::open(folder).map_err(SettleError::file("cannot open", folder))?;
    let pass = Pass { desk, feed, files, flusher: Flusher::default(), next_unit: AtomicUsize::new(0), stopped: AtomicBool::new(false) };
    let results = std::thread::scope(|scope| {
        let flusher = scope.spawn(|| pass.flusher.run(&place));
        let threads: Vec<_> = (0..=workers.max(1)).map(|_| scope.spawn(|| pass.work())).collect();
        let results: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        pass.flusher.end();
        let flushed = flusher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let mut results: Vec<_> = results.into_iter().map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect();
        if let Err(error) = flushed {
            results.push(Err(SettleError::file("cannot sync", folder)(error)));
        }
        results
    });
    let mut tally = Tally::new(parties);
    let mut edges = Vec::new();
    let mut failure = None;
    for result in results {
        match result {
            Ok((sums, ends)) => {
                tally.merge(&sums);
                edges.extend(ends);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let corrections = check_edges(edges, day)?;
    let files = pass.files.into_iter().map(|file| {
        let Streams { detail, exceptions, sums, .. } = file.state.into_inner();
        Ok(PartyFiles { detail: detail.finish()?, exceptions, sums })
    });
    Ok(PassResult { files: files.collect::<Result<_, SettleError>>()?, tally, corrections })
}

/// A quarter of what the process may open, so that the ledger keeps its own.
fn open_files_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX)
}

/// What all units correct, in their order.
fn check_edges(mut edges: Vec<Edge>, day: Day) -> Result<Vec<Decision>, SettleError> {
    edges.sort_unstable_by_key(|(unit, ..)| *unit);
    let mut before = EventTime(i64::MIN);
    let mut all = Vec::new();
    for (unit, edge, mut corrections) in edges {
        all.append(&mut corrections);
        if let Some((first, last)) = edge {
            if first < before {
                return Err(SettleError::Disorder { day, block: unit * UNIT_BLOCKS });
            }
            before = last;
        }
    }
    Ok(all)
}

/// Wakes everyone when a worker leaves early, by error or panic.
struct Alarm<'p, 'a>(&'p Pass<'a>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        for file in &self.0.files {
            let _turn = file.state.lock();
            file.moved.notify_all();
        }
    }
}

impl Pass<'_> {
    fn work(&self) -> Result<(Tally, Vec<Edge>), SettleError> {
        let alarm = Alarm(self);
        let mut papers = Papers::new(self.desk);
        let mut cache = SymbolCache::new(self.desk.symbols);
        let mut numbered = Row::default();
        let mut names = Names { symbols: self.desk.symbols, texts: Vec::new() };
        let mut edges = Vec::new();
        let units = self.feed.blocks.div_ceil(UNIT_BLOCKS);
        while !self.stopped.load(Ordering::SeqCst) {
            let unit = self.next_unit.fetch_add(1, Ordering::SeqCst);
            if unit >= units {
                break;
            }
            let mut order = Order { day: self.desk.day, names: &mut names, last: None };
            let mut first = None;
            for block in unit * UNIT_BLOCKS..((unit + 1) * UNIT_BLOCKS).min(self.feed.blocks) {
                let mut taken = Ok(());
                (self.feed.read)(block, &mut cache, &mut |decisions| {
                    first = first.or_else(|| decisions.first().map(|decision| decision.record.time));
                    if taken.is_ok() {
                        papers.glance(decisions);
                        taken = decisions.iter().try_for_each(|decision| {
                            order.follow(decision, block)?;
                            papers.take(decision)
                        });
                    }
                })?;
                taken?;
            }
            edges.push((unit, first.zip(order.last.map(|last| last.time)), std::mem::take(&mut papers.corrections)));
            if !self.append(unit, &mut papers, &mut numbered)? {
                break;
            }
        }
        if !self.stopped.load(Ordering::SeqCst) {
            std::mem::forget(alarm);
        }
        Ok((papers.tally, edges))
    }

    /// Appends a unit's sections, each when it is its turn. False when another worker failed.
    fn append(&self, unit: usize, papers: &mut Papers<'_>, numbered: &mut Row) -> Result<bool, SettleError> {
        let mut bytes = 0;
        let sections = papers.details.iter_mut().zip(papers.exceptions.iter_mut());
        for (file, (detail, exception)) in self.files.iter().zip(sections) {
            let mut streams = file.state.lock();
            while streams.next_unit != unit {
                if self.stopped.load(Ordering::SeqCst) {
                    return Ok(false);
                }
                file.moved.wait(&mut streams);
            }
            streams.sums.merge(&detail.sums);
            bytes += (detail.as_bytes().len() + exception.as_bytes().len()) as u64;
            append(&mut streams.detail, detail, numbered)?;
            append(&mut streams.exceptions, exception, numbered)?;
            streams.next_unit += 1;
            drop(streams);
            file.moved.notify_all();
        }
        self.flusher.written(bytes);
        Ok(true)
    }
}

fn append(sink: &mut Sink, section: &mut Section, numbered: &mut Row) -> Result<(), SettleError> {
    if section.is_numbered() {
        section.number(sink.lines + 1, numbered);
        sink.append(numbered.as_bytes(), section.sums.lines)?;
    } else {
        sink.append(section.as_bytes(), section.sums.lines)?;
    }
    section.clear();
    Ok(())
}

/// Canonical order: event time, then terminal (shorter first), then sequence.
struct Order<'a, 't> {
    day: Day,
    names: &'a mut Names<'t>,
    last: Option<Place>,
}

/// One thread's texts of the symbols it has met.
struct Names<'t> {
    symbols: &'t SymbolTable,
    texts: Vec<Arc<str>>,
}

impl Names<'_> {
    fn text(&mut self, symbol: Symbol) -> &[u8] {
        if self.texts.len() <= symbol.index() {
            self.symbols.extend_texts(&mut self.texts);
        }
        self.texts.get(symbol.index()).map_or(b"", |text| text.as_bytes())
    }

    fn follows(&mut self, last: Symbol, next: Symbol) -> bool {
        let last = self.text(last).to_vec();
        domain::text::shorter_first(&last, self.text(next)).is_le()
    }
}

/// An event's place in the order.
#[derive(Clone, Copy)]
struct Place {
    time: EventTime,
    terminal: Symbol,
    /// Where the terminal counts its records: the epoch, and the count in it.
    count: Option<(u32, u64)>,
}

impl Order<'_, '_> {
    #[inline]
    fn follow(&mut self, decision: &Decision, block: usize) -> Result<(), SettleError> {
        let record = &decision.record;
        let count = (record.id_kind == IdKind::Sequence).then_some((record.epoch, record.sequence));
        let next = Place { time: record.time, terminal: record.terminal, count };
        if let Some(last) = self.last
            && next.time <= last.time
            && (next.time < last.time || !tie_follows(self.names, last, next))
        {
            return Err(SettleError::Disorder { day: self.day, block });
        }
        self.last = Some(next);
        Ok(())
    }
}

fn tie_follows(names: &mut Names<'_>, last: Place, next: Place) -> bool {
    if last.terminal != next.terminal {
        return names.follows(last.terminal, next.terminal);
    }
    match (last.count, next.count) {
        (Some((epoch, count)), Some((next_epoch, next_count))) if epoch == next_epoch => count <= next_count,
        _ => true,
    }
}
