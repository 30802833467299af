//! The engine's close and the oracle's over the same files: one day after another, and what they say differently.
//!
//! The engine closes each day three times: as the files are, shuffled over several workers, and without looking for oddities.

use crate::oracle::oddities::{Evidence, Key, Looked, shape};
use crate::oracle::shown::compare;
use crate::oracle::universe::Dice;
use crate::oracle::{self, DayFee, Oracle};
use domain::{CardToken, Day, Decision, EventTime, OddityKind, Outcome, Reason, Record, RecordId, SymbolTable};
use engine::close::{Before, Earlier, FeeKey, FeesBooked, Finding, Gather, Resolutions, ServiceFee, Withdrawn, decide, service_fees};
use engine::dedup::Seen;
use engine::scheme::Scheme;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Both ways over one history.
pub struct Both<'s> {
    scheme: &'s Scheme,
    symbols: &'s SymbolTable,
    dice: Dice,
    oracle: Oracle<'s>,
    engine: Engine<'s>,
    other: Engine<'s>,
    /// Nothing that is decided depends on what is looked for.
    blind: Engine<'s>,
    looked: Looked,
    /// The next file's number.
    next_file: u32,
    withdrawn: Vec<u32>,
    /// How often each kind of oddity was told, and with what.
    pub told: BTreeMap<&'static str, u64>,
}

impl<'s> Both<'s> {
    /// `unlooked` is the scheme without rules for oddities.
    pub fn new(scheme: &'s Scheme, unlooked: &'s Scheme, symbols: &'s SymbolTable, seed: u64) -> Self {
        let engine = || Engine::new(scheme, symbols);
        Self {
            scheme,
            symbols,
            dice: Dice::new(seed),
            oracle: Oracle::new(scheme, symbols),
            engine: engine(),
            other: engine(),
            blind: Engine::new(unlooked, symbols),
            looked: Looked::default(),
            next_file: 1,
            withdrawn: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    /// Closes a day over its files, which are numbered on, after files of closed days were taken back: what was decided, or
    /// what is decided differently.
    pub fn close(&mut self, day: Day, files: &[Vec<Record>], taken_back: &[u32]) -> Result<Vec<Decision>, String> {
        let mut blocks = blocks(files, self.next_file, &mut self.dice);
        self.next_file += u32::try_from(files.len()).expect("few files");
        let intake: Vec<(u32, Record)> = blocks.iter().flat_map(|(file, records)| records.iter().map(|record| (*file, *record))).collect();
        let gone = self.engine.withdrawn(taken_back, &self.withdrawn, &blocks);
        self.withdrawn.extend(taken_back);
        let ruled = self.oracle.close(day, &intake, taken_back);
        let (decisions, mut day_fees, outcomes) = self.engine.close(day, &blocks, 1, gone.clone());
        compare(&decisions, &ruled.rulings, self.scheme, self.symbols).map_err(|difference| format!("day {day}: {difference}"))?;
        let others_read = day_fees.clone();
        // The oracle's are in the order of symbols.
        day_fees.sort_unstable();
        if day_fees != ruled.day_fees {
            return Err(format!("day {day}: the engine changes the fees {day_fees:?}, the oracle {:?}", ruled.day_fees));
        }
        if outcomes != ruled.files {
            return Err(format!("day {day}: by file, the engine counts {outcomes:?}, the oracle {:?}", ruled.files));
        }
        if self.engine.granted() != self.oracle.granted() {
            return Err(format!("day {day}: of budgets, the engine has granted {:?}, the oracle {:?}", self.engine.granted(), self.oracle.granted()));
        }
        let (odd, expected) = (shape(&self.engine.odd), self.oracle.oddities(day, &mut self.looked));
        if odd != expected {
            return Err(format!("day {day}: {}", differing(&odd, &expected)));
        }
        for finding in &self.engine.odd {
            let mut tell = |what: &'static str, times: u64| *self.told.entry(what).or_default() += times;
            tell(finding.kind.name(), 1);
            // A record that came late, flagged beside the later one of a closed day.
            tell("turned", u64::from(finding.record.time < finding.other.time));
            tell("days apart", u64::from(finding.record.day != finding.other.day));
            tell("third", u64::from(finding.kind == OddityKind::CounterInterleaved && finding.witness.is_some()));
        }
        let (blind_decisions, mut blind_fees, blind_outcomes) = self.blind.close(day, &blocks, 1, gone.clone());
        blind_fees.sort_unstable();
        if (&blind_decisions, &blind_fees, &blind_outcomes) != (&decisions, &day_fees, &outcomes)
            || !self.blind.odd.is_empty()
            || self.blind.trails.iter().any(|trail| !trail.is_empty())
        {
            return Err(format!("day {day}: without looking for oddities the engine decides otherwise"));
        }
        if !decisions.is_sorted_by_key(|decision| oracle::event_key(&decision.record, self.symbols)) {
            return Err(format!("day {day}: not in event order"));
        }
        self.dice.shuffle(&mut blocks);
        let workers = 1 + usize::try_from(self.dice.below(3)).expect("small");
        let (other_decisions, other_fees, _) = self.other.close(day, &blocks, workers, gone);
        if other_decisions != decisions || other_fees != others_read || self.other.odd != self.engine.odd {
            return Err(format!("day {day}: {workers} workers over shuffled blocks decide otherwise"));
        }
        Ok(decisions)
    }

    /// What has been granted of a budget.
    pub fn granted(&self, name: &str) -> i64 {
        self.engine.granted().get(name).copied().unwrap_or(0)
    }

    /// One or two files of closed days, of those that have not been taken back.
    pub fn some_to_take_back(&mut self) -> Vec<u32> {
        let known = u64::from(self.next_file);
        let file = u32::try_from(self.dice.below(known)).expect("few files");
        (file..=file + u32::from(self.dice.percent(20))).filter(|file| (1..self.next_file).contains(file) && !self.withdrawn.contains(file)).collect()
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.dice.percent(chance)
    }
}

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

    /// What has been granted of each budget; nothing of those that nothing was granted of.
    fn granted(&self) -> BTreeMap<&str, i64> {
        self.budgets.iter().map(|(name, minor)| (name.as_str(), *minor)).filter(|(_, minor)| *minor != 0).collect()
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

fn differing(odd: &BTreeMap<Key, Evidence>, expected: &BTreeMap<Key, Evidence>) -> String {
    let only = |these: &BTreeMap<Key, Evidence>, those: &BTreeMap<Key, Evidence>| -> String {
        these.iter().filter(|(key, evidence)| those.get(*key) != Some(*evidence)).take(4).map(|found| format!("\n  {found:?}")).collect()
    };
    format!("the engine alone finds{}\nthe oracle alone{}", only(odd, expected), only(expected, odd))
}
