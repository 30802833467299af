//! Decision blocks: what a close decided, record by record in canonical order, and the sums it posts.
//!
//! The sums are made where the block is encoded, by [`domain::Entry::of`], so that closing a day adds up some accounts per
//! block and not some postings per record. `verify` makes them again from the stored decisions by its own rule.

use crate::LedgerError;
use crate::balances::Balance;
use crate::block::{Block, Draft};
use crate::cards::{self, CardHash};
use crate::codec::{BLOCK_ROWS_MAX, Corrupt, Encoder, Reader, column, decision};
use crate::lines::{BlockLines, Lines};
use domain::symbol::SymbolCache;
use domain::{Account, Decision, Entry, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::sync::Arc;

/// What to expect of a decision's columns, in bytes, when room is made.
const DECISION_BYTES_EXPECTED: usize = 56;

/// What decisions post: sums that are compared with a day's totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Decisions that move money.
    pub entries: u64,
    pub postings: u64,
    /// Sum of the debit legs.
    pub debit_minor: i128,
    /// Sum of the credit legs, positive.
    pub credit_minor: i128,
}

impl Posted {
    pub fn merge(&mut self, other: &Self) {
        self.entries += other.entries;
        self.postings += other.postings;
        self.debit_minor += other.debit_minor;
        self.credit_minor += other.credit_minor;
    }
}

/// An encoded decision block that has no place in the chain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionBlock {
    pub(crate) draft: Draft,
    pub(crate) hub: Arc<str>,
    pub(crate) movements: Vec<Balance>,
    /// Which cards it may be of.
    pub(crate) cards: Vec<u8>,
    pub(crate) lines: BlockLines,
    posted: Posted,
}

/// What decisions move, account by account, while it is added up; whose cards they are on, and whose detail they are in.
struct Sums {
    hub: Symbol,
    accounts: HashMap<Account, (i128, i128), foldhash::fast::FixedState>,
    posted: Posted,
    decisions: usize,
    cards: Vec<CardHash>,
    lines: Lines,
}

/// What a block's decisions come to.
struct Summed {
    movements: Vec<Balance>,
    posted: Posted,
    cards: Vec<u8>,
    lines: BlockLines,
}

impl Sums {
    fn new(hub: Symbol) -> Self {
        Self { hub, accounts: HashMap::default(), posted: Posted::default(), decisions: 0, cards: Vec::new(), lines: Lines::default() }
    }

    /// # Panics
    /// When an entry does not add up.
    fn add(&mut self, decisions: &[Decision]) {
        let Self { hub, accounts, posted, cards, lines, .. } = self;
        self.decisions += decisions.len();
        let named = decisions.iter().map(|decision| &decision.record.card).filter(|card| !card.is_empty());
        cards.extend(named.map(CardHash::of));
        for decision in decisions {
            lines.add(decision);
            let entry = Entry::of(decision, *hub);
            posted.entries += u64::from(!entry.postings().is_empty());
            for posting in entry.postings() {
                let amount = i128::from(posting.amount_minor);
                let (debit, credit) = (amount.max(0), (-amount).max(0));
                let sum = accounts.entry(posting.account).or_default();
                *sum = (sum.0 + debit, sum.1 + credit);
                posted.postings += 1;
                posted.debit_minor += debit;
                posted.credit_minor += credit;
            }
        }
    }

    /// The sums so far, to be begun anew.
    fn take<'a>(&mut self, text: impl Fn(Symbol) -> Arc<str> + 'a) -> Summed {
        let lines = self.lines.take(&text);
        let movements = self.accounts.drain().map(|(account, (debit_minor, credit_minor))| Balance {
            party: text(account.party),
            product: text(account.product),
            role: account.role,
            debit_minor,
            credit_minor,
        });
        let cards = cards::filter(std::mem::take(&mut self.decisions), &self.cards);
        self.cards.clear();
        Summed { movements: movements.collect(), posted: std::mem::take(&mut self.posted), cards, lines }
    }
}

/// Makes decision blocks, one after another, of decisions that are handed over a few at a time in canonical order, and adds
/// up what they post.
pub struct DecisionEncoder<'t> {
    encoder: Encoder<'t, Decision>,
    sums: Sums,
}

impl<'t> DecisionEncoder<'t> {
    /// `hub` is the clearing house's party; it and the decisions' symbols are `table`'s.
    #[must_use]
    pub fn new(hub: Symbol, table: &'t SymbolTable) -> Self {
        Self { encoder: Encoder::new(&decision::DECISION, table), sums: Sums::new(hub) }
    }

    /// Takes the next decisions.
    ///
    /// # Panics
    /// When an entry does not add up, or there are more than [`BLOCK_ROWS_MAX`] for one block.
    pub fn push(&mut self, decisions: &[Decision]) {
        self.encoder.push(decisions);
        self.sums.add(decisions);
    }

    /// Decisions taken since the last block.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.encoder.rows()
    }

    /// The block of what was taken. Pure but for the table: for worker threads.
    ///
    /// # Panics
    /// When a symbol is not the table's.
    #[must_use]
    pub fn finish(&mut self) -> DecisionBlock {
        let Self { encoder, sums } = self;
        let count = encoder.rows();
        let draft = Draft::new(count, count * DECISION_BYTES_EXPECTED, |out| encoder.finish(out));
        let text = |symbol: Symbol| Arc::clone(encoder.lexicon().text(symbol));
        let Summed { movements, posted, cards, lines } = sums.take(text);
        DecisionBlock { draft, hub: text(sums.hub), movements, cards, lines, posted }
    }
}

impl DecisionBlock {
    /// Encodes decisions in canonical order, as [`DecisionEncoder`] does.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn encode(decisions: &[Decision], hub: Symbol, table: &SymbolTable) -> Self {
        let mut encoder = DecisionEncoder::new(hub, table);
        encoder.push(decisions);
        encoder.finish()
    }

    /// A block as it stands in another journal: its bytes are taken over, what it posts is added up again.
    pub(crate) fn copied(block: &Block<'_>, symbols: &mut SymbolCache<'_>) -> Result<Self, Corrupt> {
        let table = symbols.table();
        let hub = table.intern(hub_of(block)?);
        let mut sums = Sums::new(hub);
        read(block, symbols, |decisions| sums.add(decisions))?;
        let Summed { movements, posted, cards, lines } = sums.take(|symbol| table.text(symbol));
        Ok(Self { draft: Draft::copied(block), hub: table.text(hub), movements, cards, lines, posted })
    }

    /// Whether a block holds these decisions, in the same bytes.
    pub(crate) fn is(&self, block: &Block<'_>) -> bool {
        self.draft.payload() == block.payload && self.hub.as_bytes() == block.side
    }

    /// How many decisions it holds.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.draft.count
    }

    /// Its decisions, encoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.draft.payload()
    }

    /// Its lines in the parties' details.
    #[must_use]
    pub const fn lines(&self) -> &BlockLines {
        &self.lines
    }

    /// What its decisions post.
    #[must_use]
    pub const fn posted(&self) -> &Posted {
        &self.posted
    }
}

/// Reads an encoded payload of `count` decisions into `decisions`, keeping its room. Bytes from anywhere are safe to give.
///
/// # Errors
/// When the payload is none that [`DecisionEncoder`] could have made of so many decisions.
pub fn decode_decisions(count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>, decisions: &mut Vec<Decision>) -> Result<(), LedgerError> {
    decisions.clear();
    let read = read_payload(count, payload, symbols, |some| decisions.extend_from_slice(some));
    read.map_err(|corrupt| LedgerError::Corrupt { height: 0, what: corrupt.0 })
}

/// Hands on a block's decisions piece by piece.
pub(crate) fn read(block: &Block<'_>, symbols: &mut SymbolCache<'_>, each: impl FnMut(&[Decision])) -> Result<(), Corrupt> {
    read_payload(block.header.count, block.payload, symbols, each)
}

fn read_payload(count: u32, payload: &[u8], symbols: &mut SymbolCache<'_>, mut each: impl FnMut(&[Decision])) -> Result<(), Corrupt> {
    let count = count as usize;
    if count > BLOCK_ROWS_MAX {
        return Err(Corrupt("it claims more rows than a block holds"));
    }
    let mut reader = Reader::new(payload);
    column::decode(&decision::DECISION, count, &mut reader, symbols, |_, decisions| each(decisions))?;
    reader.finish()
}

/// The clearing house's party id that the block was posted with.
pub(crate) fn hub_of<'a>(block: &Block<'a>) -> Result<&'a str, Corrupt> {
    std::str::from_utf8(block.side).map_err(|_| Corrupt("its hub is not UTF-8"))
}
