//! Reading: blocks by height, and where the blocks of a day or file are. From several threads at once.

use crate::balances::{self, Balance, RUNNING};
use crate::block::{Block, BlockKind, Header};
use crate::cards::{self, CardHash};
use crate::codec::Corrupt;
use crate::days::DayState;
use crate::decisions;
use crate::error::LedgerError;
use crate::event::Event;
use crate::files::FileInfo;
use crate::intake::{self, IntakePiece, IntakeRows};
use crate::ledger::Ledger;
use crate::lines::BlockLines;
use crate::refusal::{self, Refusal};
use crate::storage::Database;
use crate::store::{self, BALANCES, CARDS_AT, CHECKPOINTS, DECISIONS_AT, FORGOTTEN, INDEX, INTAKE_AT, JOURNAL, LINES_AT, REFUSALS_AT, RESOLUTIONS_AT, VAULT};
use domain::record::CardToken;
use domain::symbol::SymbolCache;
use domain::{Day, Decision};
use std::collections::{BTreeMap, HashSet};

/// Where a decision block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionsAt {
    pub height: u64,
    /// Its decisions.
    pub count: u32,
}

/// Past so many cards for each block of a day, all of it is read.
const CARDS_PER_BLOCK_MAX: usize = 4;

/// Where an intake block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeAt {
    pub height: u64,
    pub file_id: u32,
    /// Its records.
    pub count: u32,
}

impl Ledger {
    /// The intake blocks that count for a day, in the order of the journal: those of booked files that were not withdrawn while
    /// it was open.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn intake_blocks(&self, day: Day) -> Result<Vec<IntakeAt>, LedgerError> {
        let mut blocks = Vec::new();
        for (height, file_id, count) in self.places(&day_prefix(INTAKE_AT, day))? {
            if self.file_by_id(file_id).is_some_and(FileInfo::counts_in_its_day) {
                blocks.push(IntakeAt { height, file_id, count });
            }
        }
        Ok(blocks)
    }

    /// All intake blocks of one file, whatever became of it.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn intake_blocks_of_file(&self, file_id: u32) -> Result<Vec<IntakeAt>, LedgerError> {
        let Some(file) = self.file_by_id(file_id) else { return Ok(Vec::new()) };
        let places = self.places(&day_prefix(INTAKE_AT, file.day))?.into_iter();
        Ok(places.filter(|place| place.1 == file_id).map(|(height, file_id, count)| IntakeAt { height, file_id, count }).collect())
    }

    /// # Errors
    /// When there is no intake block at `height`, it is damaged, or the storage fails.
    pub fn read_intake(&self, height: u64, symbols: &mut SymbolCache<'_>) -> Result<IntakeRows, LedgerError> {
        let mut rows = IntakeRows::default();
        self.each_intake(height, symbols, |piece| rows.add(&piece))?;
        Ok(rows)
    }

    /// Hands on the records of a block in order, a few at a time.
    ///
    /// # Errors
    /// As for [`Ledger::read_intake`]; what was handed on before is then worthless.
    pub fn each_intake(&self, height: u64, symbols: &mut SymbolCache<'_>, each: impl FnMut(IntakePiece<'_>)) -> Result<(), LedgerError> {
        self.with_block(height, Some((BlockKind::Intake, "records")), |block| intake::read(block, symbols, each))
    }

    /// Heights of the decision blocks of a closed day, in canonical order; none while it is not closed.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn decision_blocks(&self, day: Day) -> Result<Vec<u64>, LedgerError> {
        Ok(self.decisions_at(day)?.into_iter().map(|block| block.height).collect())
    }

    /// The same with the decisions in each.
    ///
    /// # Errors
    /// As for [`Ledger::decision_blocks`].
    pub fn decisions_at(&self, day: Day) -> Result<Vec<DecisionsAt>, LedgerError> {
        let Some(info) = self.day(day).filter(|info| matches!(info.state, DayState::Closed | DayState::Settled)) else { return Ok(Vec::new()) };
        let counts = info.close_height..info.closed_height;
        let places = self.places(&day_prefix(DECISIONS_AT, day))?.into_iter();
        Ok(places.map(|(height, _, count)| DecisionsAt { height, count }).filter(|block| counts.contains(&block.height)).collect())
    }

    /// Those of a closed day's decision blocks that may have a decision on one of the cards: all that have one, and few others.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn decision_blocks_of(&self, day: Day, cards: &[CardToken]) -> Result<Vec<u64>, LedgerError> {
        let mut blocks = self.decision_blocks(day)?;
        // Of so many cards nearly every block has one.
        if cards.len() >= blocks.len().saturating_mul(CARDS_PER_BLOCK_MAX) {
            return Ok(blocks);
        }
        let cards: Vec<CardHash> = cards.iter().map(CardHash::of).collect();
        let mut others = HashSet::new();
        for row in self.db.scan(INDEX, &day_prefix(CARDS_AT, day)) {
            let (key, filter) = row?;
            if !cards.iter().any(|card| cards::may_have(&filter, *card)) {
                others.extend(store::height_of(&key));
            }
        }
        // A block without a filter may be anybody's.
        blocks.retain(|height| !others.contains(height));
        Ok(blocks)
    }

    /// What is known of the lines of a day's decision blocks without reading them, by height; blocks that an older version wrote
    /// have none.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn lines_of(&self, day: Day) -> Result<BTreeMap<u64, BlockLines>, LedgerError> {
        let mut all = BTreeMap::new();
        for row in self.db.scan(INDEX, &day_prefix(LINES_AT, day)) {
            let (key, value) = row?;
            let height = store::height_of(&key).unwrap_or_default();
            all.insert(height, BlockLines::of_bytes(&value).map_err(|corrupt| LedgerError::Corrupt { height, what: corrupt.0 })?);
        }
        Ok(all)
    }

    /// # Errors
    /// When there is no decision block at `height`, it is damaged, or the storage fails.
    pub fn read_decisions(&self, height: u64, symbols: &mut SymbolCache<'_>) -> Result<Vec<Decision>, LedgerError> {
        let mut decisions = Vec::new();
        self.each_decisions(height, symbols, |some| decisions.extend_from_slice(some))?;
        Ok(decisions)
    }

    /// Hands on the decisions of a block in order, a few at a time.
    ///
    /// # Errors
    /// As for [`Ledger::read_decisions`]; what was handed on before is then worthless.
    pub fn each_decisions(&self, height: u64, symbols: &mut SymbolCache<'_>, each: impl FnMut(&[Decision])) -> Result<(), LedgerError> {
        self.with_block(height, Some((BlockKind::Decisions, "decisions")), |block| decisions::read(block, symbols, each))
    }

    /// The refused rows of a file, in the order in which they were taken in.
    ///
    /// # Errors
    /// When a block is damaged or the storage fails.
    pub fn read_refusals(&self, file_id: u32) -> Result<Vec<Refusal>, LedgerError> {
        let mut refusals = Vec::new();
        for (height, _, _) in self.places(&[&[REFUSALS_AT][..], &file_id.to_be_bytes()].concat())? {
            let wanted = Some((BlockKind::Refusals, "refusals"));
            self.with_block(height, wanted, |block| refusal::read(block.payload, block.header.count as usize, &mut refusals))?;
        }
        Ok(refusals)
    }

    /// # Errors
    /// When there is no event at `height`, it is damaged, or the storage fails.
    pub fn read_event(&self, height: u64) -> Result<Event, LedgerError> {
        self.with_block(height, Some((BlockKind::Event, "an event")), |block| Event::of_json(block.payload).ok_or(Corrupt("its event cannot be read")))
    }

    /// What people have decided on records while a day was open, in the order in which they did.
    ///
    /// # Errors
    /// When a block is damaged or the storage fails.
    pub fn resolutions(&self, day: Day) -> Result<Vec<Event>, LedgerError> {
        self.places(&day_prefix(RESOLUTIONS_AT, day))?.into_iter().map(|(height, ..)| self.read_event(height)).collect()
    }

    /// A block's header.
    ///
    /// # Errors
    /// When there is no block at `height`, it is damaged, or the storage fails.
    pub fn header(&self, height: u64) -> Result<Header, LedgerError> {
        self.with_block(height, None, |block| Ok(block.header))
    }

    /// What every account has had so far, ordered by party, product and role.
    ///
    /// # Errors
    /// When the storage fails or the index is damaged.
    pub fn balances(&self) -> Result<Vec<Balance>, LedgerError> {
        self.sums(&[RUNNING])
    }

    /// What a closed day moved on each account.
    ///
    /// # Errors
    /// As for [`Ledger::balances`].
    pub fn balances_of_day(&self, day: Day) -> Result<Vec<Balance>, LedgerError> {
        self.sums(&balances::day_prefix(day))
    }

    /// All checkpoints of a kind: keys and values.
    ///
    /// # Errors
    /// When the storage fails.
    #[allow(clippy::type_complexity, reason = "keys and values are both bytes, and that is all there is to say")]
    pub fn checkpoints(&self, kind: u8) -> Result<Vec<(Vec<u8>, Vec<u8>)>, LedgerError> {
        let mut found = Vec::new();
        for row in self.db.scan(CHECKPOINTS, &[kind]) {
            let (key, value) = row?;
            found.push((key.get(1..).unwrap_or_default().to_vec(), value.into_vec()));
        }
        Ok(found)
    }

    /// One checkpoint.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn checkpoint(&self, kind: u8, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.db.get(CHECKPOINTS, &[&[kind][..], key].concat())?.map(|value| (*value).as_ref().to_vec()))
    }

    /// A card number as the vault sealed it; none of a card whose key was destroyed.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn sealed(&self, token: &CardToken) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.vault_entry(token)?.filter(|sealed| sealed != FORGOTTEN))
    }

    /// Whether the key of a card's number was destroyed.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn is_forgotten(&self, token: &CardToken) -> Result<bool, LedgerError> {
        Ok(self.vault_entry(token)?.is_some_and(|sealed| sealed == FORGOTTEN))
    }

    fn vault_entry(&self, token: &CardToken) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.db.get(VAULT, token.as_bytes())?.map(|value| (*value).as_ref().to_vec()))
    }

    fn with_block<T>(
        &self,
        height: u64,
        wanted: Option<(BlockKind, &'static str)>,
        read: impl FnOnce(&Block<'_>) -> Result<T, Corrupt>,
    ) -> Result<T, LedgerError> {
        with_block(&self.db, height, wanted, read)
    }

    /// Height, file and rows of the blocks under a prefix of the index.
    pub(crate) fn places(&self, prefix: &[u8]) -> Result<Vec<(u64, u32, u32)>, LedgerError> {
        let mut places = Vec::new();
        for row in self.db.scan(INDEX, prefix) {
            let (key, value) = row?;
            let place = store::height_of(&key).zip(store::block_entry_of(&value));
            let (height, (file, count)) = place.ok_or_else(|| LedgerError::Index { index: "block", what: "an entry has another length".to_owned() })?;
            places.push((height, file, count));
        }
        Ok(places)
    }

    fn sums(&self, prefix: &[u8]) -> Result<Vec<Balance>, LedgerError> {
        let mut found: Vec<Balance> = Vec::new();
        for row in self.db.scan(BALANCES, prefix) {
            let (key, value) = row?;
            let account = key.get(prefix.len()..).unwrap_or_default();
            let balance = balances::sums_of_bytes(&value).and_then(|sums| balances::balance_of(account, sums));
            found.push(balance.map_err(|corrupt| LedgerError::Index { index: "balances", what: corrupt.0.to_owned() })?);
        }
        found.sort_by(|one, next| (&one.party, &one.product, one.role).cmp(&(&next.party, &next.product, next.role)));
        Ok(found)
    }
}

fn day_prefix(kind: u8, day: Day) -> Vec<u8> {
    [&[kind][..], &store::ordered(day)].concat()
}

/// Looks at a block, which must be whole, in its place and of the kind that is wanted.
pub(crate) fn with_block<T>(
    db: &dyn Database,
    height: u64,
    wanted: Option<(BlockKind, &'static str)>,
    read: impl FnOnce(&Block<'_>) -> Result<T, Corrupt>,
) -> Result<T, LedgerError> {
    let bytes = db.get(JOURNAL, &height.to_be_bytes())?.ok_or(LedgerError::NoBlock { height })?;
    let corrupt = |corrupt: Corrupt| LedgerError::Corrupt { height, what: corrupt.0 };
    let block = Block::parse((*bytes).as_ref()).map_err(corrupt)?;
    if block.header.height != height {
        return Err(corrupt(Corrupt("it belongs elsewhere")));
    }
    if !block.payload_is_whole() {
        return Err(corrupt(Corrupt("its payload has another digest than its header says")));
    }
    match wanted.filter(|(kind, _)| *kind != block.header.kind) {
        Some((_, wanted)) => Err(LedgerError::OtherKind { height, wanted }),
        None => read(&block).map_err(corrupt),
    }
}
