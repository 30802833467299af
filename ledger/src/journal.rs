//! A journal without anything that is derived from it: the source of a rebuild.
//!
//! It opens where a ledger does not, as long as the journal itself and the vault are whole: indexes, balances and
//! checkpoints are not looked at. Blocks are handed on one by one to be taken into another ledger, where everything is
//! derived anew. That the journal has become the same is seen by its head, which hashes all of it.

use crate::archive::Shelved;
use crate::block::{Block, BlockKind, Header};
use crate::chain;
use crate::codec::Corrupt;
use crate::decisions::{self, DecisionBlock};
use crate::error::LedgerError;
use crate::event::Event;
use crate::intake::{self, IntakeBlock, IntakePiece};
use crate::ledger;
use crate::read;
use crate::refusal::{self, Refusal};
use crate::rocks::Folder;
use crate::storage::{Database, Storage};
use crate::store::{self, Head, JOURNAL, VAULT, WITNESSES};
use domain::record::CardToken;
use domain::symbol::SymbolCache;
use domain::{Day, Decision};
use std::path::Path;

/// A journal that is only read.
pub struct Journal {
    db: Shelved,
    head: Head,
}

/// A block of a journal, to be put into a group.
pub enum Copied {
    Event(Event),
    Intake {
        file: u32,
        block: IntakeBlock,
    },
    Refusals {
        file: u32,
        refusals: Vec<Refusal>,
    },
    /// Decisions are made again, or read by [`Journal::decision_block`].
    Decisions,
}

impl Journal {
    /// Opens a ledger's journal as it is now. `known` is a head known from outside; it also stands in for an anchor that is
    /// lost or damaged.
    ///
    /// # Errors
    /// [`LedgerError::Absent`], a journal that does not reach what was durable, or a vault that is older than it.
    pub fn open(path: &Path, known: Option<Head>) -> Result<Self, LedgerError> {
        Self::open_on(&Folder::new(path), known)
    }

    /// The same of a journal that lies elsewhere.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(storage: &dyn Storage, known: Option<Head>) -> Result<Self, LedgerError> {
        let found = match ledger::find(storage) {
            Ok(found) => Some(found.ok_or(LedgerError::Absent)?),
            Err(LedgerError::Anchor { .. }) if known.is_some() => None,
            Err(error) => return Err(error),
        };
        let db = Shelved::with_all(storage.read_database()?, storage)?;
        let head = chain::end(&db)?;
        if found.is_some() {
            ledger::check_anchor(&db, found, head)?;
        }
        if let Some(known) = known {
            chain::holds(&db, known, head).map_err(|error| LedgerError::NotExtended(Box::new(error)))?;
        }
        store::check_witness(&db, VAULT, head)?;
        Ok(Self { db, head })
    }

    /// The end of the chain.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Reads a block as a whole, and hands on the records of an intake block, with the day that was open, a few at a time. The
    /// head is the chain's end there.
    ///
    /// # Errors
    /// When there is no block at `height`, it is damaged, or the storage fails.
    pub fn block(&self, height: u64, symbols: &mut SymbolCache<'_>, mut each: impl FnMut(Day, IntakePiece<'_>)) -> Result<(Copied, Head), LedgerError> {
        read::with_block(&self.db, height, None, |block| {
            let file = block.header.file;
            let copied = match block.header.kind {
                BlockKind::Event => Copied::Event(Event::of_json(block.payload).ok_or(Corrupt("its event cannot be read"))?),
                BlockKind::Intake => {
                    intake::read(block, symbols, |piece| each(block.header.day, piece))?;
                    Copied::Intake { file, block: IntakeBlock::copied(block) }
                }
                BlockKind::Refusals => {
                    let mut refusals = Vec::new();
                    refusal::read(block.payload, block.header.count as usize, &mut refusals)?;
                    Copied::Refusals { file, refusals }
                }
                BlockKind::Decisions => Copied::Decisions,
            };
            Ok((copied, Head { height, hash: block.hash }))
        })
    }

    /// A block's header. What it says of the payload is not looked into.
    ///
    /// # Errors
    /// When there is no block at `height`, it is damaged, or the storage fails.
    pub fn header(&self, height: u64) -> Result<Header, LedgerError> {
        let bytes = self.db.get(JOURNAL, &height.to_be_bytes())?.ok_or(LedgerError::NoBlock { height })?;
        let header = Block::parse((*bytes).as_ref()).map(|block| block.header);
        header.ok().filter(|header| header.height == height).ok_or(LedgerError::Corrupt { height, what: "its header is not as it was written" })
    }

    /// An event; the head is the chain's end there.
    ///
    /// # Errors
    /// When there is no event at `height`, it is damaged, or the storage fails.
    pub fn event(&self, height: u64) -> Result<(Event, Head), LedgerError> {
        read::with_block(&self.db, height, Some((BlockKind::Event, "an event")), |block| {
            let event = Event::of_json(block.payload).ok_or(Corrupt("its event cannot be read"))?;
            Ok((event, Head { height, hash: block.hash }))
        })
    }

    /// A decision block as it stands, to be put into a group; the head is the chain's end there.
    ///
    /// # Errors
    /// As for [`Journal::decisions`].
    pub fn decision_block(&self, height: u64, symbols: &mut SymbolCache<'_>) -> Result<(DecisionBlock, Head), LedgerError> {
        read::with_block(&self.db, height, DECISIONS, |block| Ok((DecisionBlock::copied(block, symbols)?, Head { height, hash: block.hash })))
    }

    /// Whether the decision block at a height is this one, to the byte.
    ///
    /// # Errors
    /// As for [`Journal::decisions`].
    pub fn has_decisions(&self, height: u64, made: &DecisionBlock) -> Result<bool, LedgerError> {
        read::with_block(&self.db, height, DECISIONS, |block| Ok(made.is(block)))
    }

    /// The decisions of a block.
    ///
    /// # Errors
    /// When there is no decision block at `height`, it is damaged, or the storage fails.
    pub fn decisions(&self, height: u64, symbols: &mut SymbolCache<'_>) -> Result<Vec<Decision>, LedgerError> {
        let mut found = Vec::new();
        read::with_block(&self.db, height, DECISIONS, |block| decisions::read(block, symbols, |some| found.extend_from_slice(some)))?;
        Ok(found)
    }

    /// Every card number of the vault, as it is sealed, until `each` fails: they stand in no block.
    ///
    /// # Errors
    /// When the storage fails; what `each` says is inside.
    pub fn each_sealed<E>(&self, mut each: impl FnMut(CardToken, Vec<u8>) -> Result<(), E>) -> Result<Result<(), E>, LedgerError> {
        for row in self.db.scan(VAULT, &[]) {
            let (key, value) = row?;
            if *key == *store::HEAD_KEY {
                continue;
            }
            let damaged = || LedgerError::Index { index: "vault", what: "a card's token has another length".to_owned() };
            if let Err(error) = each(CardToken::new(&key).ok_or_else(damaged)?, value.into_vec()) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// As [`crate::Ledger::derived_digests`].
    ///
    /// # Errors
    /// When the storage fails.
    pub fn derived_digests(&self) -> Result<Vec<(&'static str, [u8; 32])>, LedgerError> {
        store::digests(&self.db, &WITNESSES)
    }
}

const DECISIONS: Option<(BlockKind, &str)> = Some((BlockKind::Decisions, "decisions"));
