//! The engine's close against the oracle: the same outcome, reason, price and flags for every record of many small days, and
//! the same decisions however the records arrive and however many workers decide.

#![allow(clippy::indexing_slicing, reason = "the oracle is written to be read; a test that panics has failed")]

mod naive;
mod oracle;

use domain::{CardToken, Day, Decision, EventTime, OddityKind, Outcome, Reason, Record, RecordId, SymbolTable};
use engine::close::{Before, Earlier, FeeKey, FeesBooked, Finding, Gather, Resolutions, ServiceFee, Withdrawn, decide, service_fees};
use engine::dedup::Seen;
use engine::scheme::Scheme;
use oracle::oddities::{Evidence, Key, Looked, shape};
use oracle::shown::compare;
use oracle::universe::{self, Dice};
use oracle::{DayFee, Oracle};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

/// Histories per scheme; a history has one to four clearing days.
const HISTORIES: u64 = if cfg!(debug_assertions) { 60 } else { 400 };

/// Decisions, fees per service day that change, and by file and reason how many records.
type EngineClosed = (Vec<Decision>, Vec<DayFee>, BTreeMap<u32, BTreeMap<Reason, u64>>);

/// The engine with what the ledger would keep for it between days.
struct Engine<'s> {
    scheme: &'s Scheme,
    symbols: &'s SymbolTable,
    seen: Seen,
    /// All that closed days brought, by file.
    intake: Vec<(Day, u32, Record)>,
    /// Per closed day, all its decisions.
    closed: Vec<Vec<Decision>>,
    days: Vec<Day>,
    priced_until: Option<EventTime>,
    remembered: Vec<Vec<u8>>,
    trails: Vec<Vec<u8>>,
    refunded: engine::close::Refunded,
    fees_booked: FeesBooked,
    budgets: engine::close::Budgets,
    /// Of the last close.
    odd: Vec<Finding>,
}

impl<'s> Engine<'s> {
    fn new(scheme: &'s Scheme, symbols: &'s SymbolTable) -> Self {
        Self {
            scheme,
            symbols,
            seen: Seen::default(),
            intake: Vec::new(),
            closed: Vec::new(),
            days: Vec::new(),
            priced_until: None,
            remembered: Vec::new(),
            trails: Vec::new(),
            refunded: Default::default(),
            budgets: Default::default(),
            fees_booked: FeesBooked::default(),
            odd: Vec::new(),
        }
    }

    /// What was taken back, as the ledger tells it.
    fn withdrawn(&self, files: &[u32], before: &[u32], blocks: &[(u32, Vec<Record>)]) -> Withdrawn {
        let of = |wanted: bool| self.intake.iter().filter(move |(_, file, _)| files.contains(file) == wanted && !before.contains(file));
        let mut withdrawn = Withdrawn::of(of(true).map(|(.., record)| *record));
        of(false).for_each(|(day, _, record)| withdrawn.meet(*record, Some(*day)));
        blocks.iter().flat_map(|(_, records)| records).for_each(|record| withdrawn.meet(*record, None));
        withdrawn
    }

    /// Takes in blocks in this order, and closes.
    fn close(&mut self, day: Day, blocks: &[(u32, Vec<Record>)], workers: usize, withdrawn: Withdrawn) -> EngineClosed {
        let mut gathers: Vec<Gather<'s>> = (0..workers).map(|_| Gather::new(self.scheme, day)).collect();
        for held in self.closed.last().into_iter().flatten().filter(|decision| decision.reason.outcome() == Outcome::Held) {
            gathers[0].add_carried(held);
        }
        for (at, (file, records)) in blocks.iter().enumerate() {
            let repeats: Vec<_> = records.iter().map(Record::id).filter(|id| !self.seen.mark(*id)).collect();
            gathers[at % workers].add(*file, records);
            gathers[(at + 1) % workers].repeats(repeats);
        }
        let (refunded, budgets) = (self.refunded.clone(), self.budgets.clone());
        let remembered = std::mem::take(&mut self.remembered);
        let before = Before {
            remembered,
            trails: std::mem::take(&mut self.trails),
            refunded,
            budgets,
            closed: self.days.clone(),
            priced_until: self.priced_until,
            withdrawn,
            resolutions: Resolutions::default(),
        };
        let closed = &self.closed;
        let days = &self.days;
        let lookup = |wanted: &[(RecordId, Option<EventTime>)]| -> Result<_, Infallible> {
            Ok(wanted.iter().map(|&(id, time)| look_up(days, closed, id, time)).collect())
        };
        let journal = |cards: Option<&[CardToken]>, wanted: &(dyn Fn(&Decision) -> bool + Sync)| -> Result<_, Infallible> {
            // Nothing but what was asked for: a card that was left out would be missed.
            let wanted = |decision: &Decision| cards.is_none_or(|cards| cards.contains(&decision.record.card)) && wanted(decision);
            let all = days.iter().zip(closed).flat_map(|(day, decisions)| decisions.iter().map(|decision| (*day, *decision)));
            Ok(all.filter(|(_, decision)| wanted(decision)).collect())
        };
        let decided = decide(self.scheme, self.symbols, day, workers, gathers, before, &Earlier { lookup: &lookup, journal: &journal })
            .unwrap_or_else(|error| panic!("{error:?}"));
        let mut decisions = Vec::new();
        (0..decided.batches()).for_each(|batch| decided.batch(batch, |piece| decisions.extend_from_slice(piece)));
        self.remembered = decided.remembered.clone();
        self.trails = decided.trails.clone();
        self.odd = decided.oddities.clone();
        self.refunded = decided.refunded.clone();
        self.budgets = decided.budgets.clone();
        self.priced_until = Some(decided.priced_until);
        let files = decided.files.iter().map(|(file, outcomes)| (*file, outcomes.by_reason().collect())).collect();
        self.closed.push(decisions.clone());
        self.intake.extend(blocks.iter().flat_map(|(file, records)| records.iter().map(|record| (day, *file, *record))));
        self.days.push(day);
        let (changed, booked) = service_fees(&self.scheme.fees, &decided.fee_sums, &self.fees_booked, decided.texts());
        self.fees_booked.extend(booked);
        let day_fee = |ServiceFee { key: FeeKey { earner, issuer, product, service_day }, old_minor, new_minor, .. }: ServiceFee| {
            (service_day, earner, issuer, product, old_minor, new_minor)
        };
        (decisions, changed.into_iter().map(day_fee).collect(), files)
    }
}

/// As the ledger looks: every decision that fits, the oldest day first.
fn look_up(days: &[Day], closed: &[Vec<Decision>], id: RecordId, time: Option<EventTime>) -> Vec<(Day, Decision)> {
    let all = days.iter().zip(closed).flat_map(|(day, decisions)| decisions.iter().map(|decision| (*day, *decision)));
    all.filter(|(_, decision)| decision.record.id() == id && time.is_none_or(|time| time == decision.record.time)).collect()
}

/// Cuts files into blocks of a few rows. A block is of one file.
fn blocks(files: &[Vec<Record>], first_file: u32, dice: &mut Dice) -> Vec<(u32, Vec<Record>)> {
    let mut blocks = Vec::new();
    for (file, records) in (first_file..).zip(files) {
        let rows = 1 + usize::try_from(dice.below(40)).expect("small");
        blocks.extend(records.chunks(rows).map(|rows| (file, rows.to_vec())));
    }
    blocks
}

/// Both ways over one history, until they differ.
fn follow(scheme: &Scheme, symbols: &SymbolTable, seed: u64, told: &mut BTreeMap<&'static str, u64>) -> Result<(), String> {
    let mut dice = Dice::new(seed ^ 0xfeed);
    let (mut oracle, mut engine, mut other) = (Oracle::new(scheme, symbols), Engine::new(scheme, symbols), Engine::new(scheme, symbols));
    // Nothing that is decided depends on what is looked for.
    let unlooked = Scheme { oddities: None, ..scheme.clone() };
    let mut blind = Engine::new(&unlooked, symbols);
    let mut looked = Looked::default();
    let mut first_file = 1;
    let mut withdrawn = Vec::new();
    for (day, files) in universe::history(scheme, symbols, seed) {
        let mut blocks = blocks(&files, first_file, &mut dice);
        first_file += u32::try_from(files.len()).expect("few files");
        let intake: Vec<(u32, Record)> = blocks.iter().flat_map(|(file, records)| records.iter().map(|record| (*file, *record))).collect();
        // Now and then, files of closed days are taken back.
        let mut taken_back = Vec::new();
        if dice.percent(35) {
            let known = u64::from(first_file) - files.len() as u64;
            let file = u32::try_from(dice.below(known)).expect("few files");
            taken_back.extend((file..=file + u32::from(dice.percent(20))).filter(|file| (1..known as u32).contains(file) && !withdrawn.contains(file)));
        }
        let gone = engine.withdrawn(&taken_back, &withdrawn, &blocks);
        withdrawn.extend(&taken_back);
        let ruled = oracle.close(day, &intake, &taken_back);
        let (decisions, mut day_fees, outcomes) = engine.close(day, &blocks, 1, gone.clone());
        compare(&decisions, &ruled.rulings, scheme, symbols).map_err(|difference| format!("day {day}: {difference}"))?;
        let others_read = day_fees.clone();
        // The oracle's are in the order of symbols.
        day_fees.sort_unstable();
        if day_fees != ruled.day_fees {
            return Err(format!("day {day}: the engine changes the fees {day_fees:?}, the oracle {:?}", ruled.day_fees));
        }
        if outcomes != ruled.files {
            return Err(format!("day {day}: by file, the engine counts {outcomes:?}, the oracle {:?}", ruled.files));
        }
        let (odd, expected) = (shape(&engine.odd), oracle.oddities(day, &mut looked));
        if odd != expected {
            return Err(format!("day {day}: {}", differing(&odd, &expected)));
        }
        for finding in &engine.odd {
            *told.entry(finding.kind.name()).or_default() += 1;
            // A record that came late, flagged beside the later one of a closed day.
            *told.entry("turned").or_default() += u64::from(finding.record.time < finding.other.time);
            *told.entry("days apart").or_default() += u64::from(finding.record.day != finding.other.day);
            *told.entry("third").or_default() += u64::from(finding.kind == OddityKind::CounterInterleaved && finding.witness.is_some());
        }
        let (blind_decisions, mut blind_fees, blind_outcomes) = blind.close(day, &blocks, 1, gone.clone());
        blind_fees.sort_unstable();
        if (&blind_decisions, &blind_fees, &blind_outcomes) != (&decisions, &day_fees, &outcomes)
            || !blind.odd.is_empty()
            || blind.trails.iter().any(|trail| !trail.is_empty())
        {
            return Err(format!("day {day}: without looking for oddities the engine decides otherwise"));
        }
        if !decisions.is_sorted_by_key(|decision| oracle::event_key(&decision.record, symbols)) {
            return Err(format!("day {day}: not in event order"));
        }
        dice.shuffle(&mut blocks);
        let workers = 1 + usize::try_from(dice.below(3)).expect("small");
        let (other_decisions, other_fees, _) = other.close(day, &blocks, workers, gone);
        if other_decisions != decisions || other_fees != others_read || other.odd != engine.odd {
            return Err(format!("day {day}: {workers} workers over shuffled blocks decide otherwise"));
        }
    }
    Ok(())
}

fn differing(odd: &BTreeMap<Key, Evidence>, expected: &BTreeMap<Key, Evidence>) -> String {
    let only = |these: &BTreeMap<Key, Evidence>, those: &BTreeMap<Key, Evidence>| -> String {
        these.iter().filter(|(key, evidence)| those.get(*key) != Some(*evidence)).take(4).map(|found| format!("\n  {found:?}")).collect()
    };
    format!("the engine alone finds{}\nthe oracle alone{}", only(odd, expected), only(expected, odd))
}

fn agree(first_wins: bool, open: bool) {
    let symbols = SymbolTable::new();
    let dir = tempfile::tempdir().expect("a folder");
    let scheme = universe::scheme(dir.path(), first_wins, open, &symbols);
    let (mut differences, mut told) = (Vec::new(), BTreeMap::new());
    for seed in 0..HISTORIES {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| follow(&scheme, &symbols, seed, &mut told))).unwrap_or_else(|_| Err("a panic".to_owned()));
        if let Err(difference) = outcome {
            differences.push(format!("seed {seed}, {difference}"));
        }
    }
    let first: Vec<String> = differences.iter().take(5).cloned().collect();
    // Every rule found something, again and again.
    println!("{told:?}");
    let kinds = OddityKind::ALL.map(OddityKind::name).into_iter().chain(["turned", "days apart", "third"]);
    kinds.for_each(|kind| assert!(told.get(kind).copied().unwrap_or(0) > HISTORIES / 40, "{kind}: {told:?}"));
    assert!(differences.is_empty(), "first-wins {first_wins}, open {open}: {} of {HISTORIES} histories differ\n{}", differences.len(), first.join("\n"));
}

#[test]
fn with_a_closed_registry_every_version_held() {
    agree(false, false);
}

#[test]
fn with_a_closed_registry_the_first_version_wins() {
    agree(true, false);
}

#[test]
fn with_an_open_registry_every_version_held() {
    agree(false, true);
}

#[test]
fn with_an_open_registry_the_first_version_wins() {
    agree(true, true);
}
