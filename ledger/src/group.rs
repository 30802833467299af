//! A group: what becomes durable together, with one sync.

use crate::decisions::DecisionBlock;
use crate::event::Event;
use crate::intake::IntakeBlock;
use crate::refusal::Refusal;
use domain::record::CardToken;

/// What an item adds to its block: header, keys, index entries.
const ITEM_BYTES_EXPECTED: usize = 512;
/// What a batch adds to a key and a value.
const ENTRY_BYTES_EXPECTED: usize = 16;

pub(crate) enum Item {
    Event(Event),
    Intake { file: u32, block: IntakeBlock },
    Refusals { file: u32, refusals: Vec<Refusal> },
    Decisions(DecisionBlock),
}

/// What is to be committed as a whole or not at all, in the order in which it was put in.
#[derive(Default)]
pub struct Group {
    pub(crate) items: Vec<Item>,
    pub(crate) sealed: Vec<(CardToken, Vec<u8>)>,
    pub(crate) checkpoints: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Group {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.sealed.is_empty() && self.checkpoints.is_empty()
    }

    /// Whether somebody is told of it once it is durable.
    pub(crate) fn is_told(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Event(event) if event.is_told()))
    }

    /// About how large its batch will be, in bytes: room that is made at once is not made by copying.
    pub(crate) fn bytes_expected(&self) -> usize {
        let block = |item: &Item| match item {
            Item::Intake { block, .. } => block.payload().len(),
            Item::Decisions(block) => block.payload().len() + block.cards.len(),
            Item::Event(_) | Item::Refusals { .. } => 0,
        };
        let blocks: usize = self.items.iter().map(|item| block(item) + ITEM_BYTES_EXPECTED).sum();
        let sealed: usize = self.sealed.iter().map(|(token, sealed)| token.as_bytes().len() + sealed.len()).sum();
        let checkpoints: usize = self.checkpoints.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        let entries = self.sealed.len() + self.checkpoints.len();
        blocks + sealed + checkpoints + entries * ENTRY_BYTES_EXPECTED
    }

    pub fn event(&mut self, event: Event) {
        self.items.push(Item::Event(event));
    }

    /// Records of a file that is being received.
    pub fn intake(&mut self, file: u32, block: IntakeBlock) {
        self.items.push(Item::Intake { file, block });
    }

    /// Refused rows of a file that is being received; nothing where there are none.
    pub fn refusals(&mut self, file: u32, refusals: &[Refusal]) {
        if !refusals.is_empty() {
            self.items.push(Item::Refusals { file, refusals: refusals.to_vec() });
        }
    }

    /// The next decisions of the day that is closing.
    pub fn decisions(&mut self, block: DecisionBlock) {
        self.items.push(Item::Decisions(block));
    }

    /// A card number as the vault sealed it. Where the vault has one of the card, or the card was forgotten, it stays as it is.
    pub fn vault(&mut self, token: CardToken, sealed: Vec<u8>) {
        self.sealed.push((token, sealed));
    }

    /// Derived data that saves work at the next start or close; it replaces what stood under the key.
    pub fn checkpoint(&mut self, kind: u8, key: &[u8], value: Vec<u8>) {
        self.checkpoints.push((checkpoint_key(kind, key), Some(value)));
    }

    /// Forgets a checkpoint.
    pub fn drop_checkpoint(&mut self, kind: u8, key: &[u8]) {
        self.checkpoints.push((checkpoint_key(kind, key), None));
    }
}

fn checkpoint_key(kind: u8, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len() + 1);
    full.push(kind);
    full.extend_from_slice(key);
    full
}
