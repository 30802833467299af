//! One world: the product's stages on a simulated disk, with dice for everything that time decides elsewhere: what comes
//! next, in which order pieces arrive, when a group is committed, when a process ends, where the disk fails.
//!
//! A process is one call of [`World::process`]. It works as the commands do, until it is done, restarted or struck; then a
//! new one finds what is left on the disk. After each start everything that was told must be there, and each closed day is
//! held against the oracle.

use super::disk::{Disk, Kept, ROTS, Strike};
use super::plan::{Plan, Upload};
use crate::dice::Dice;
use crate::oracle::Oracle;
use crate::oracle::shown::compare;
use crate::published::canonical;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Reason, SymbolTable};
use engine::dedup::Seen;
use engine::scheme::Scheme;
use ledger::{DayState, Event, FileState, Head, Ledger, LedgerError, LedgerOptions, Refusal};
use parking_lot::Mutex;
use settlement::House;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tapclear::cli::SchemeArg;
use tapclear::closing::{Bounds, Closing};
use tapclear::command::settle;
use tapclear::durable::{AckFile, Acks};
use tapclear::failure::Failure;
use tapclear::intake::{self, Live, Packer, Piece, Receiving};
use tapclear::progress::Progress;
use tapclear::{history, opening};
use tempfile::TempDir;

/// Faults of one seed; then its world comes to an end.
const STRIKES_MAX: u64 = 14;
/// More processes than faults and restarts can need.
const PROCESSES_MAX: usize = 400;

/// What somebody outside was told. It may never be untrue again.
#[derive(Default)]
struct Told {
    heads: Vec<Head>,
    booked: BTreeSet<String>,
    closed: BTreeSet<Day>,
    settled: BTreeSet<Day>,
}

/// Where acknowledgements go: what they say must be durable at that moment.
struct Listener {
    disk: Disk,
    told: Arc<Mutex<Told>>,
}

impl AckFile for Listener {
    fn append(&mut self, line: &str) -> std::io::Result<()> {
        self.disk.note(line);
        let fields: Vec<&str> = line.split('\t').collect();
        let (height, hash) = fields[3].split_once(':').expect("a head");
        let head = Head { height: height.parse().expect("a height"), hash: *blake3::Hash::from_hex(hash).expect("a hash").as_bytes() };
        assert!(self.disk.holds_durably(head.height), "told before it was durable: {line}");
        let mut told = self.told.lock();
        told.heads.push(head);
        if fields[0] == "booked" {
            told.booked.insert(fields[1].to_owned());
        }
        Ok(())
    }
}

/// What a world leads to, however it got there.
#[derive(PartialEq, Eq)]
pub struct Outcome {
    pub files: BTreeMap<String, Vec<u8>>,
    pub derived: BTreeMap<String, Vec<u8>>,
}

/// What happened on the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub processes: u64,
    pub strikes: u64,
    pub power_losses: u64,
    pub rotten_refused: u64,
    pub rotten_same: u64,
    pub records: u64,
    pub days: u64,
    pub calls: u64,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.processes += other.processes;
        self.strikes += other.strikes;
        self.power_losses += other.power_losses;
        self.rotten_refused += other.rotten_refused;
        self.rotten_same += other.rotten_same;
        self.records += other.records;
        self.days += other.days;
        self.calls += other.calls;
    }
}

/// How a world is run.
#[derive(Clone, Copy)]
pub struct Manner {
    pub seed: u64,
    pub workers: usize,
    pub faulty: bool,
}

pub struct World<'w> {
    scheme: &'w Scheme,
    symbols: &'w SymbolTable,
    plan: &'w Plan,
    house: House<'w>,
    manner: Manner,
    arg: SchemeArg,
    out: TempDir,
    disk: Disk,
    dice: Dice,
    told: Arc<Mutex<Told>>,
    oracle: Oracle<'w>,
    judged: usize,
    counts: Counts,
}

impl<'w> World<'w> {
    pub fn new(scheme: &'w Scheme, symbols: &'w SymbolTable, plan: &'w Plan, manner: Manner) -> Self {
        let house = opening::house(scheme, symbols).unwrap_or_else(|failure| panic!("{failure}"));
        let arg = SchemeArg { scheme: Path::new("simulated").to_owned(), adopt_scheme: false };
        let Manner { seed, workers, .. } = manner;
        Self {
            scheme,
            symbols,
            plan,
            house,
            manner,
            arg,
            out: crate::house::folder(),
            disk: Disk::new(seed ^ 0xd15c),
            dice: Dice::new(seed ^ 0x0077_6f72_6c64 ^ ((workers as u64) << 40)),
            told: Arc::default(),
            oracle: Oracle::new(scheme, symbols),
            judged: 0,
            counts: Counts::default(),
        }
    }

    /// Runs the world to its end.
    pub fn run(mut self) -> (Outcome, Counts, String) {
        let mut strikes_left = if self.manner.faulty { 1 + self.dice.roll() % STRIKES_MAX } else { 0 };
        let mut old: Option<Kept> = None;
        for _ in 0..PROCESSES_MAX {
            let strike = (strikes_left > 0).then(|| {
                // A start takes some ten calls: one in two is struck in its recovery.
                let at = 1 + self.dice.roll() % if self.dice.permille(500) { 12 } else { 90 };
                (at, *self.dice.one_of(&[Strike::Cut, Strike::Cut, Strike::Cut, Strike::Fail, Strike::FailOn, Strike::Full]))
            });
            self.disk.start(strike);
            self.disk.note(&format!("a process starts, {strike:?}"));
            self.counts.processes += 1;
            let ended = self.process();
            let struck = self.disk.struck();
            strikes_left -= u64::from(struck.is_some());
            self.counts.strikes += u64::from(struck.is_some());
            match ended {
                Ok(true) => return self.end(),
                Ok(false) => {}
                Err(failure) => {
                    let said = failure.to_string();
                    self.disk.note(&said);
                    assert!(struck.is_some(), "nothing failed, and yet: {said}");
                    assert!(!said.contains("not accepted"), "{said}");
                }
            }
            let loses = match struck {
                Some(Strike::Cut) => 700,
                Some(Strike::Fail | Strike::FailOn) => 300,
                Some(Strike::Full) => 0,
                None => 200,
            };
            if self.manner.faulty && self.dice.permille(loses) {
                self.disk.lose_power();
                self.counts.power_losses += 1;
            }
            if self.manner.faulty && self.dice.permille(200) {
                match &old {
                    Some(kept) => self.rot(kept),
                    None => old = Some(self.disk.keep()),
                }
            }
        }
        panic!("it does not come to an end");
    }

    /// Bytes that were durable change: that is refused, or costs nothing.
    fn rot(&mut self, old: &Kept) {
        let (now, rot) = (self.disk.keep(), *self.dice.one_of(&ROTS));
        self.disk.rot(rot, old);
        self.disk.start(None);
        self.disk.note(&format!("{rot:?}"));
        match self.open(None) {
            Err(error) => {
                self.disk.note(&error.to_string());
                self.counts.rotten_refused += 1;
                self.disk.go_back(&now);
            }
            Ok(ledger) => {
                self.counts.rotten_same += 1;
                self.nothing_told_is_lost(&ledger);
                let report = ledger.verify().expect("reads");
                assert!(report.is_clean(), "{rot:?} passed in silence: {:?}", report.differences);
            }
        }
    }

    fn open(&self, anchor: Option<Head>) -> Result<Ledger, LedgerError> {
        Ledger::open_on(Box::new(self.disk.clone()), &LedgerOptions { create: true, free_bytes_min: 1, anchor })
    }

    fn nothing_told_is_lost(&self, ledger: &Ledger) {
        let told = self.told.lock();
        let head = ledger.head();
        for known in &told.heads {
            assert!(known.height <= head.height, "the block at {} was told of and is gone: the journal ends at {}", known.height, head.height);
        }
        let booked: BTreeSet<&str> = ledger.files().iter().filter(|file| file.state == FileState::Booked).map(|file| &*file.name).collect();
        for name in &told.booked {
            assert!(booked.contains(&**name), "{name} was told of as booked and is not");
        }
        let state = |day: &Day| ledger.day(*day).map(|info| info.state);
        assert!(told.closed.iter().all(|day| state(day) >= Some(DayState::Closed)), "a day was told of as closed and is not");
        assert!(told.settled.iter().all(|day| state(day) == Some(DayState::Settled)), "a day was told of as settled and is not");
    }

    /// A process from its start to its end. True when everything is done.
    fn process(&mut self) -> Result<bool, Failure> {
        let (scheme, symbols, plan, workers) = (self.scheme, self.symbols, self.plan, self.manner.workers);
        let known = self.told.lock().heads.last().copied();
        let known = known.filter(|_| self.dice.permille(300));
        let mut ledger = self.open(known).map_err(|error| opening::unopened(self.disk_folder(), &error))?;
        self.nothing_told_is_lost(&ledger);
        self.judge(&ledger);
        let first = plan.days.first().map(|(day, _)| *day).filter(|_| ledger.open_day().is_none());
        opening::open_day(&mut ledger, first, scheme, &self.arg)?;
        loop {
            if let Some(day) = ledger.days().iter().find(|info| info.state == DayState::Closed).map(|info| info.day) {
                settle::publish(&mut ledger, day, &self.house, self.out.path(), workers)?;
                self.told.lock().settled.insert(day);
            }
            let mut seen = history::seen(&ledger, symbols, workers)?;
            let open = ledger.open_day().expect("a close opens the next day").day;
            let Some((_, uploads)) = plan.days.iter().find(|(day, _)| *day == open) else { return Ok(true) };
            let live = Live::of(&ledger, scheme)?;
            loop {
                let booked = self.told.lock().booked.clone();
                let (sent, waiting): (Vec<&Upload>, Vec<&Upload>) = uploads.iter().partition(|upload| booked.contains(&upload.name));
                let again = !sent.is_empty() && self.dice.permille(100);
                let upload = if again {
                    *self.dice.one_of(&sent)
                } else if waiting.is_empty() {
                    break;
                } else {
                    *self.dice.one_of(&waiting)
                };
                self.take_in(&mut ledger, &mut seen, upload, &live)?;
                if self.manner.faulty && self.dice.permille(100) {
                    return Ok(false);
                }
            }
            self.close(&mut ledger, &seen, live)?;
            self.judge(&ledger);
        }
    }

    fn disk_folder(&self) -> &Path {
        &self.arg.scheme
    }

    /// Takes in a file as the door does, whose threads are dice here.
    fn take_in(&mut self, ledger: &mut Ledger, seen: &mut Seen, upload: &Upload, live: &Live<'w>) -> Result<(), Failure> {
        let path = Path::new(&upload.name);
        let mut acks = Acks::to(path, Box::new(Listener { disk: self.disk.clone(), told: Arc::clone(&self.told) }));
        if intake::known(ledger, &upload.digest).is_some() {
            return acks.booked(path, ledger);
        }
        let started = Event::FileStarted { digest: upload.digest, name: upload.name.clone(), sender: "simulated".to_owned(), bytes: 1 };
        let mut receiving = Receiving::start(ledger, seen, path, started, Some(&mut acks))?;
        let mut packer = Packer::new(receiving.file(), self.symbols, live);
        // A card's key in the vault is random, and a world has nothing that is: the ledger keeps what it is given.
        let stand_in = |card: CardToken| (card, blake3::hash(card.padded()).as_bytes().to_vec());
        let mut order: Vec<usize> = (0..upload.pieces.len()).collect();
        self.dice.shuffle(&mut order);
        for at in order {
            let part = &upload.pieces[at];
            packer.add(&part.records, &part.rows);
            let refusals = part.refused.iter().map(|&row| Refusal { row, column: "time".to_owned(), problem: "is no time".to_owned() }).collect();
            let sealed = part.records.iter().filter(|record| !record.card.is_empty()).map(|record| stand_in(record.card)).collect();
            receiving.arrive(Piece { at, blocks: packer.take(), refusals, packages_refused: 0, sealed })?;
            if self.dice.permille(400) {
                receiving.commit()?;
            }
            if self.manner.faulty && self.dice.permille(15) {
                return receiving.abandon("it ends in the middle of a row".to_owned(), self.symbols, self.manner.workers, live);
            }
        }
        receiving.commit()?;
        packer.end(live);
        receiving.book(live).map(|_| ())
    }

    fn close(&mut self, ledger: &mut Ledger, seen: &Seen, live: Live<'w>) -> Result<(), Failure> {
        let day = ledger.open_day().expect("it is open").day;
        let bounds = Bounds { block_rows_max: 1, group_bytes_max: if self.dice.permille(500) { 1 } else { 5000 } };
        let progress = Progress::silent();
        let closing = Closing { scheme: self.scheme, symbols: self.symbols, seen, workers: self.manner.workers, bounds, progress: &progress };
        if self.dice.permille(500) {
            closing.close(ledger)?;
            self.told.lock().closed.insert(day);
            return Ok(());
        }
        let drafted = closing.close_and_draft(ledger, live.into_gathers(), &self.house, self.out.path())?;
        self.told.lock().closed.insert(day);
        settle::booked(ledger, day, |ledger| settlement::publish(ledger, day, drafted, &self.house))?;
        self.told.lock().settled.insert(day);
        Ok(())
    }

    /// Holds every closed day that has not been judged yet against the oracle.
    fn judge(&mut self, ledger: &Ledger) {
        let closed: Vec<_> = ledger.days().iter().filter(|info| info.state >= DayState::Closed).skip(self.judged).copied().collect();
        for info in closed {
            let day = info.day;
            let booked = ledger.files().iter().filter(|file| file.day == day && file.state == FileState::Booked);
            let uploads: BTreeMap<u32, &Upload> = booked.map(|file| (file.id, self.upload(&file.digest))).collect();
            let wanted: Vec<&str> =
                self.plan.days.iter().find(|planned| planned.0 == day).expect("a day of the plan").1.iter().map(|upload| &*upload.name).collect();
            let mut found: Vec<&str> = uploads.values().map(|upload| &*upload.name).collect();
            found.sort_unstable();
            assert_eq!(found, wanted.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), "day {day} has other files");
            let intake: Vec<_> = uploads.iter().flat_map(|(id, upload)| upload.records().map(|record| (*id, *record))).collect();
            let ruled = self.oracle.close(day, &intake, &[]);
            let mut decisions: Vec<Decision> = Vec::new();
            let mut cache = SymbolCache::new(self.symbols);
            for height in ledger.decision_blocks(day).expect("reads") {
                decisions.extend(ledger.read_decisions(height, &mut cache).expect("reads"));
            }
            compare(&decisions, &ruled.rulings, self.scheme, self.symbols).unwrap_or_else(|difference| panic!("day {day}: {difference}"));
            let Ok(Event::Closed { files, .. }) = ledger.read_event(info.closed_height) else { panic!("a closed day has its event") };
            for file in files {
                let mut expected: BTreeMap<u16, u64> =
                    ruled.files.get(&file.file).into_iter().flatten().map(|(reason, count)| (reason.number(), *count)).collect();
                let refused = uploads.get(&file.file).map_or(0, |upload| upload.refused());
                if refused > 0 {
                    expected.insert(Reason::Malformed.number(), refused);
                }
                assert_eq!(file.by_reason, expected.into_iter().collect::<Vec<_>>(), "day {day}, file {}: outcomes by reason", file.file);
            }
            self.judged += 1;
            self.counts.days += 1;
            self.counts.records += intake.len() as u64;
        }
    }

    fn upload(&self, digest: &[u8; 32]) -> &'w Upload {
        self.plan.days.iter().flat_map(|(_, uploads)| uploads).find(|upload| upload.digest == *digest).expect("only what was sent is booked")
    }

    fn end(mut self) -> (Outcome, Counts, String) {
        self.disk.start(None);
        let ledger = self.open(None).expect("opens");
        self.nothing_told_is_lost(&ledger);
        let report = ledger.verify().expect("reads");
        assert!(report.is_clean(), "{:?}", report.differences);
        let mut files = BTreeMap::new();
        for (day, _) in &self.plan.days {
            files.extend(canonical(&self.out.path().join(day.to_string())).into_iter().map(|(name, bytes)| (format!("{day}/{name}"), bytes)));
        }
        let mut derived = BTreeMap::new();
        for kind in 1..=u8::MAX {
            for (key, value) in ledger.checkpoints(kind).expect("reads") {
                derived.insert(format!("checkpoint {kind} {key:?}"), value);
            }
        }
        derived.insert("balances".to_owned(), format!("{:?}", ledger.balances().expect("reads")).into_bytes());
        for record in self.plan.days.iter().flat_map(|(_, uploads)| uploads).flat_map(Upload::records) {
            derived.insert(format!("card {:?}", record.card), ledger.sealed(&record.card).expect("reads").unwrap_or_default());
        }
        let (trace, calls) = self.disk.trace();
        self.counts.calls = calls;
        (Outcome { files, derived }, self.counts, trace)
    }
}
