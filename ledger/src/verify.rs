//! The second path: the journal is read from its first block, everything derived from it is made again, and each thing that
//! differs from what is stored is listed.
//!
//! Written apart from the write path on purpose: it shares the block format with it, but neither the rules of days and
//! files, nor the posting rule, nor any sum. It changes nothing.

mod lines;
mod posting;
mod replay;

use crate::archive;
use crate::block::{Block, BlockKind, Header};
use crate::cards::{self, CardHash};
use crate::decisions;
use crate::error::LedgerError;
use crate::intake;
use crate::ledger::Ledger;
use crate::lines::BlockLines;
use crate::refusal;
use crate::storage::Database;
use crate::store::{
    self, BALANCES, CARDS_AT, DAYS, DECISIONS_AT, FILES, FORGOTTEN, HEAD_KEY, Head, INDEX, INTAKE_AT, JOURNAL, LINES_AT, REFUSALS_AT, RESOLUTIONS_AT, VAULT,
    WITNESSES,
};
use crate::{balances, event::Event};
use domain::symbol::SymbolCache;
use domain::{Decision, SymbolTable};
use posting::Account;
use replay::Replay;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// One thing that is not as the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The block concerned; zero where it is none in particular.
    pub height: u64,
    pub what: String,
}

/// What [`Ledger::verify`] read and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    pub blocks: u64,
    pub files: u64,
    pub days: u64,
    /// Records in all intake blocks, whatever became of their files.
    pub records: u64,
    /// Decisions of closed days.
    pub decisions: u64,
    /// Accounts with postings.
    pub accounts: u64,
    /// The end of the chain as it was read.
    pub head: Head,
    /// Empty when all is as it should be.
    pub differences: Vec<Difference>,
}

impl VerifyReport {
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    pub(crate) fn differs(&mut self, height: u64, what: impl Into<String>) {
        self.differences.push(Difference { height, what: what.into() });
    }

    /// Compares what is stored under each key with what the journal says.
    fn compare<K: Ord + Debug, V: PartialEq + Debug>(&mut self, what: &str, stored: &BTreeMap<K, V>, derived: &BTreeMap<K, V>) {
        for (key, value) in derived {
            match stored.get(key) {
                None => self.differs(0, format!("{what} {key:?} is missing")),
                Some(found) if found != value => self.differs(0, format!("{what} {key:?} is {found:?}; the journal says {value:?}")),
                Some(_) => {}
            }
        }
        for key in stored.keys().filter(|key| !derived.contains_key(*key)) {
            self.differs(0, format!("{what} {key:?} is not in the journal"));
        }
    }
}

impl Ledger {
    /// Reads the whole journal and compares everything stored with it.
    ///
    /// # Errors
    /// Only when the storage fails: what differs is in the report.
    pub fn verify(&self) -> Result<VerifyReport, LedgerError> {
        let mut report = VerifyReport::default();
        let table = SymbolTable::new();
        let mut walk = Walk { symbols: SymbolCache::new(&table), replay: Replay::default(), decisions: Vec::new() };
        for row in self.db.scan(JOURNAL, &[]) {
            let (key, value) = row?;
            let height = report.blocks + 1;
            report.blocks = height;
            if *key != height.to_be_bytes() {
                report.differs(height, "blocks are missing before the next one in the journal");
                break;
            }
            match Block::parse(&value) {
                Ok(block) => {
                    walk.block(&block, height, &mut report);
                    self.compare_cards(&block, &walk.decisions, &mut report)?;
                    self.compare_lines(&block, &walk, &mut report)?;
                }
                Err(corrupt) => report.differs(height, corrupt.0),
            }
        }
        let Walk { mut replay, .. } = walk;
        self.compare_head(&mut report)?;
        self.compare_indexes(&mut replay, &mut report)?;
        self.compare_balances(&replay, &mut report)?;
        self.compare_vault(&replay, &mut report)?;
        report.files = replay.files.len() as u64;
        report.days = replay.days.len() as u64;
        report.accounts = replay.running.len() as u64;
        Ok(report)
    }

    /// Every card of a decision block is found in the index, which has no more room than it takes.
    fn compare_cards(&self, block: &Block<'_>, decisions: &[Decision], report: &mut VerifyReport) -> Result<(), LedgerError> {
        let Header { kind: BlockKind::Decisions, day, height, count, .. } = block.header else { return Ok(()) };
        let stored = self.db.get(INDEX, &store::day_key(CARDS_AT, day, height))?;
        let filter = store::bytes_of(stored.as_ref()).unwrap_or_default();
        let named = decisions.iter().map(|decision| decision.record.card).filter(|card| !card.is_empty()).collect::<BTreeSet<_>>();
        let set: u32 = filter.iter().map(|byte| byte.count_ones()).sum();
        let found = named.iter().all(|card| cards::may_have(filter, CardHash::of(card)));
        if filter.len() != cards::filter_len(count as usize) || !found || set as usize > named.len() * cards::PROBES as usize {
            report.differs(height, "the index does not have the cards of its decisions");
        }
        Ok(())
    }

    /// The lines of a decision block are counted again, party by party.
    fn compare_lines(&self, block: &Block<'_>, walk: &Walk<'_>, report: &mut VerifyReport) -> Result<(), LedgerError> {
        let Header { kind: BlockKind::Decisions, day, height, .. } = block.header else { return Ok(()) };
        let stored = self.db.get(INDEX, &store::day_key(LINES_AT, day, height))?;
        if BlockLines::of_bytes(store::bytes_of(stored.as_ref()).unwrap_or_default()) != Ok(lines::recounted(&walk.decisions, walk.symbols.table())) {
            report.differs(height, "the index does not have the lines of its decisions");
        }
        Ok(())
    }

    fn compare_head(&self, report: &mut VerifyReport) -> Result<(), LedgerError> {
        for family in WITNESSES {
            let stored = self.db.get(family, HEAD_KEY)?.map_or(Ok(Head::default()), |bytes| Head::of_bytes((*bytes).as_ref()));
            if stored != Ok(report.head) {
                report.differs(report.head.height, format!("the head stored in `{family}` is not the end of the chain"));
            }
        }
        if self.head() != report.head {
            report.differs(report.head.height, "the head in memory is not the end of the chain");
        }
        Ok(())
    }

    fn compare_indexes(&self, replay: &mut Replay, report: &mut VerifyReport) -> Result<(), LedgerError> {
        let mut files = BTreeMap::new();
        let mut days = BTreeMap::new();
        for row in self.db.scan(INDEX, &[FILES]) {
            let (key, value) = row?;
            match serde_json::from_slice(&value) {
                Ok(file) => drop(files.insert(key.into_vec(), file)),
                Err(_) => report.differs(0, "an entry of the file index cannot be read"),
            }
        }
        for row in self.db.scan(INDEX, &[DAYS]) {
            let (key, value) = row?;
            match serde_json::from_slice(&value) {
                Ok(day) => drop(days.insert(key.into_vec(), day)),
                Err(_) => report.differs(0, "an entry of the day index cannot be read"),
            }
        }
        let keyed_files = replay.files.values().map(|file| (store::file_at(file.id), file.clone())).collect();
        let keyed_days = replay.days.values().map(|day| (store::day_at(day.day), *day)).collect();
        report.compare("file", &files, &keyed_files);
        report.compare("day", &days, &keyed_days);
        let in_memory = self.files().iter().map(|file| (file.id, file.clone())).collect();
        report.compare("file in memory", &in_memory, &replay.files);
        let in_memory = self.days().iter().map(|day| (day.day, *day)).collect();
        report.compare("day in memory", &in_memory, &replay.days);
        let archives = archive::infos(&self.db)?.into_iter().map(|archived| (archived.first, archived)).collect();
        report.compare("archive", &archives, &replay.archives);
        let mut places = BTreeMap::new();
        for kind in [INTAKE_AT, DECISIONS_AT, REFUSALS_AT, RESOLUTIONS_AT] {
            for row in self.db.scan(INDEX, &[kind]) {
                let (key, value) = row?;
                places.insert(key.into_vec(), value.into_vec());
            }
        }
        report.compare("block entry", &places, &std::mem::take(&mut replay.places));
        Ok(())
    }

    /// Whatever was forgotten is gone, and nothing else is.
    fn compare_vault(&self, replay: &Replay, report: &mut VerifyReport) -> Result<(), LedgerError> {
        let mut gone = BTreeSet::new();
        for row in self.db.scan(VAULT, &[]) {
            let (key, value) = row?;
            if *value == *FORGOTTEN {
                gone.insert(key.into_vec());
            }
        }
        if gone != replay.forgotten {
            report.differs(0, "the vault has forgotten other cards than the journal says");
        }
        Ok(())
    }

    fn compare_balances(&self, replay: &Replay, report: &mut VerifyReport) -> Result<(), LedgerError> {
        let mut stored: BTreeMap<Option<domain::Day>, BTreeMap<Account, (i128, i128)>> = BTreeMap::new();
        stored.entry(None).or_default();
        for row in self.db.scan(BALANCES, &[]) {
            let (key, value) = row?;
            if *key == *HEAD_KEY {
                continue;
            }
            let parsed = match key.split_first() {
                Some((&balances::RUNNING, account)) => Some((None, account)),
                Some((&balances::MOVED, rest)) => rest.split_first_chunk::<4>().map(|(day, account)| (Some(day_of(*day)), account)),
                _ => None,
            };
            let parsed = parsed.and_then(|(day, account)| {
                let sums = balances::sums_of_bytes(&value).ok()?;
                balances::balance_of(account, sums).ok().map(|balance| (day, balance))
            });
            let Some((day, balance)) = parsed else {
                report.differs(0, "an entry of the balances cannot be read");
                continue;
            };
            let account = (balance.party.to_string(), balance.product.to_string(), balance.role.name());
            stored.entry(day).or_default().insert(account, (balance.debit_minor, balance.credit_minor));
        }
        let running = stored.remove(&None).unwrap_or_default();
        report.compare("balance of", &running, &replay.running);
        let moved = stored.into_iter().filter_map(|(day, book)| day.map(|day| (day, book))).collect();
        report.compare("movements of day", &moved, &replay.moved);
        Ok(())
    }
}

fn day_of(ordered: [u8; 4]) -> domain::Day {
    domain::Day((u32::from_be_bytes(ordered) ^ 0x8000_0000).cast_signed())
}

/// A walk along the chain.
struct Walk<'t> {
    symbols: SymbolCache<'t>,
    replay: Replay,
    decisions: Vec<Decision>,
}

impl Walk<'_> {
    fn block(&mut self, block: &Block<'_>, height: u64, report: &mut VerifyReport) {
        let header = &block.header;
        if header.height != height {
            report.differs(height, "the block says that it belongs elsewhere");
        }
        if header.prev != report.head.hash {
            report.differs(height, "the chain is broken: the block before has another hash");
        }
        if !block.payload_is_whole() {
            report.differs(height, "the payload has another digest than the header says");
        }
        report.head = Head { height, hash: block.hash };
        let read = match header.kind {
            BlockKind::Event => {
                match Event::of_json(block.payload) {
                    Some(event) => self.replay.event(&event, height, report),
                    None => report.differs(height, "the event cannot be read"),
                }
                Ok(())
            }
            BlockKind::Intake => {
                let [mut records, mut repeats] = [0; 2];
                let read = intake::read(block, &mut self.symbols, |piece| {
                    records += piece.records.len() as u64;
                    repeats += piece.repeats.len() as u64;
                });
                read.map(|()| {
                    report.records += records;
                    self.replay.intake(header, [records, repeats], report);
                })
            }
            BlockKind::Refusals => {
                let mut refusals = Vec::new();
                let read = refusal::read(block.payload, header.count as usize, &mut refusals);
                read.map(|()| self.replay.refusals(header, refusals.len() as u64, report))
            }
            BlockKind::Decisions => {
                self.decisions.clear();
                decisions::read(block, &mut self.symbols, |some| self.decisions.extend_from_slice(some))
                    .and_then(|()| decisions::hub_of(block))
                    .map(|hub| self.replay.decisions(header, &self.decisions, hub, self.symbols.table(), report))
            }
        };
        if let Err(corrupt) = read {
            report.differs(height, corrupt.0);
        }
    }
}
