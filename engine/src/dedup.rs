//! Dedup: which record ids have been taken in before.
//!
//! Exact, never probabilistic. Terminal sequences are dense, so a terminal and epoch keep bits in pages of 512; ids made
//! from columns are kept whole. Only says seen or fresh: what a second copy means, the close decides from both.

use domain::{RecordId, Symbol};
use hashbrown::HashSet;
use std::collections::BTreeMap;

type Fast = foldhash::fast::FixedState;

/// Bits of one page: a cache line.
type Page = [u64; 8];
const PAGE_BITS: u64 = 512;
/// Ids that are looked at before the first of them is marked.
const IDS_AHEAD: usize = 32;

/// The sequences of one terminal and epoch.
///
/// A terminal counts on, so the next sequence nearly always lies in the page of the last one: that page is at hand, and the
/// others are in a tree.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    number: u64,
    page: Page,
    /// All pages but the one at hand; none is empty.
    others: BTreeMap<u64, Page>,
}

impl Sequences {
    /// Marks a sequence; `true` when it was not marked before.
    #[inline]
    pub fn mark(&mut self, sequence: u64) -> bool {
        let number = sequence / PAGE_BITS;
        if number != self.number {
            self.turn_to(number);
        }
        let bit = sequence % PAGE_BITS;
        let word = self.page.get_mut((bit / 64) as usize).expect("a page has a word for each of its bits");
        let fresh = *word & (1 << (bit % 64)) == 0;
        *word |= 1 << (bit % 64);
        fresh
    }

    /// The word of the page at hand where the sequence would be.
    #[inline]
    fn word(&self, sequence: u64) -> u64 {
        self.page.get((sequence % PAGE_BITS / 64) as usize).copied().unwrap_or(0) ^ self.number
    }

    #[cold]
    fn turn_to(&mut self, number: u64) {
        if self.page != Page::default() {
            self.others.insert(self.number, self.page);
        }
        self.number = number;
        self.page = self.others.remove(&number).unwrap_or_default();
    }

    /// All pages with a mark, in order.
    fn pages(&self) -> impl Iterator<Item = (u64, &Page)> {
        let at_hand = Some((self.number, &self.page)).filter(|(_, page)| **page != Page::default());
        let before = self.others.range(..self.number).map(|(&number, page)| (number, page));
        before.chain(at_hand).chain(self.others.range(self.number..).map(|(&number, page)| (number, page)))
    }

    #[must_use]
    pub fn len(&self) -> u64 {
        self.pages().flat_map(|(_, page)| page).map(|word| u64::from(word.count_ones())).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages().next().is_none()
    }

    /// The runs of sequences that are missing between the first and the last one seen, as (first, last).
    #[must_use]
    pub fn gaps(&self) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut expected: Option<u64> = None;
        for (number, page) in self.pages() {
            let bits = (0u64..).zip(page).flat_map(|(at, word)| (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at * 64 + bit));
            for bit in bits {
                let sequence = number * PAGE_BITS + bit;
                if let Some(expected) = expected.filter(|&expected| expected < sequence) {
                    gaps.push((expected, sequence - 1));
                }
                expected = sequence.checked_add(1);
            }
        }
        gaps
    }

    /// As stored: page number and words, little-endian, in order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pages().flat_map(|(number, page)| std::iter::once(number).chain(page.iter().copied()).flat_map(u64::to_le_bytes)).collect()
    }

    /// `None` when the bytes are not whole pages.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let (pages, odd) = words.as_chunks::<9>();
        let others = || pages.iter().map(|[number, page @ ..]| (u64::from_le_bytes(*number), page.map(u64::from_le_bytes)));
        (rest.is_empty() && odd.is_empty()).then(|| {
            let mut sequences = Self { others: others().collect(), ..Self::default() };
            // A terminal goes on counting where it was.
            if let Some(last) = sequences.others.keys().next_back().copied() {
                sequences.turn_to(last);
            }
            sequences
        })
    }
}

/// All ids taken in.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// By terminal symbol; each has few epochs.
    terminals: Vec<Vec<(u32, Sequences)>>,
    columns: HashSet<[u64; 2], Fast>,
    /// What was marked since the last checkpoint: these must be stored with the next one.
    fresh_columns: Vec<[u64; 2]>,
}

impl Seen {
    /// Marks a record's id; `true` when it is fresh. An id that is a row of a file is fresh by nature: the file's digest
    /// has been looked at.
    #[inline]
    pub fn mark(&mut self, id: RecordId) -> bool {
        match id {
            RecordId::Sequence { terminal, epoch, sequence } => self.sequences(terminal, epoch).mark(sequence),
            RecordId::Columns(bits) => {
                let fresh = self.columns.insert(bits);
                if fresh {
                    self.fresh_columns.push(bits);
                }
                fresh
            }
            RecordId::FileRow(_) => true,
        }
    }

    /// Marks ids in their order, and gives the places of those that were marked before.
    pub fn mark_all(&mut self, ids: &[RecordId]) -> Vec<u32> {
        let mut repeats = Vec::new();
        let mut at = 0;
        for some in ids.chunks(IDS_AHEAD) {
            std::hint::black_box(some.iter().fold(0, |seen, &id| seen ^ self.glance(id)));
            for &id in some {
                if !self.mark(id) {
                    repeats.push(at);
                }
                at += 1;
            }
        }
        repeats
    }

    /// Fetches what marking the id will look at. Done for some ids on end, the fetching of one waits for no other. Says nothing
    /// of use.
    #[inline]
    fn glance(&self, id: RecordId) -> u64 {
        let RecordId::Sequence { terminal, sequence, .. } = id else { return 0 };
        let epochs = self.terminals.get(terminal.index());
        epochs.and_then(|epochs| epochs.first()).map_or(0, |(_, sequences)| sequences.word(sequence))
    }

    #[inline]
    fn sequences(&mut self, terminal: Symbol, epoch: u32) -> &mut Sequences {
        if self.terminals.len() <= terminal.index() {
            self.terminals.resize_with(terminal.index() + 1, Vec::new);
        }
        let epochs = self.terminals.get_mut(terminal.index()).expect("the table was made long enough");
        let at = epochs.iter().position(|(known, _)| *known == epoch).unwrap_or_else(|| {
            epochs.push((epoch, Sequences::default()));
            epochs.len() - 1
        });
        epochs.get_mut(at).map(|(_, sequences)| sequences).expect("found or added just now")
    }

    /// Puts back what a checkpoint stored of one terminal and epoch.
    pub fn restore_sequences(&mut self, terminal: Symbol, epoch: u32, sequences: Sequences) {
        *self.sequences(terminal, epoch) = sequences;
    }

    /// Puts back ids made from columns.
    pub fn restore_columns(&mut self, ids: impl IntoIterator<Item = [u64; 2]>) {
        self.columns.extend(ids);
    }

    /// Every terminal and epoch with its sequences, in no particular order.
    pub fn all_sequences(&self) -> impl Iterator<Item = (Symbol, u32, &Sequences)> {
        self.terminals.iter().zip(0u32..).flat_map(|(epochs, symbol)| epochs.iter().map(move |(epoch, sequences)| (Symbol(symbol), *epoch, sequences)))
    }

    /// Column ids marked since they were last restored, sorted.
    #[must_use]
    pub fn fresh_columns(&self) -> Vec<[u64; 2]> {
        let mut ids = self.fresh_columns.clone();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_id_is_fresh_once_and_epochs_do_not_mix() {
        let id = |terminal, epoch, sequence| RecordId::Sequence { terminal: Symbol(terminal), epoch, sequence };
        let mut seen = Seen::default();
        assert!(seen.mark(id(3, 1, 7)));
        assert!(!seen.mark(id(3, 1, 7)));
        assert!(seen.mark(id(3, 2, 7)));
        assert!(seen.mark(id(4, 1, 7)));
        assert!(seen.mark(RecordId::Columns([1, 2])));
        assert!(!seen.mark(RecordId::Columns([1, 2])));
        let by_row = RecordId::FileRow([1, 2]);
        assert!(seen.mark(by_row) && seen.mark(by_row));
        assert_eq!(seen.fresh_columns(), [[1, 2]]);
        let many: Vec<_> = (0..100).flat_map(|sequence| [id(5, 1, sequence), id(6, 1, sequence / 2)]).collect();
        let repeats: Vec<u32> = (0..100).filter(|sequence| sequence % 2 == 1).map(|sequence| 2 * sequence + 1).collect();
        assert_eq!(seen.mark_all(&many), repeats);
    }

    proptest! {
        #[test]
        fn bits_are_a_set_of_numbers(sequences in prop::collection::vec(prop_oneof![0u64..2000, any::<u64>()], 0..300)) {
            let mut bits = Sequences::default();
            let mut set = BTreeSet::new();
            for &sequence in &sequences {
                prop_assert_eq!(bits.mark(sequence), set.insert(sequence));
            }
            prop_assert_eq!(bits.len(), set.len() as u64);
            let missing: Vec<(u64, u64)> = set.iter().zip(set.iter().skip(1)).filter(|(a, b)| *b - *a > 1).map(|(a, b)| (a + 1, b - 1)).collect();
            prop_assert_eq!(bits.gaps(), missing);
            let mut again = Sequences::from_bytes(&bits.to_bytes()).expect("written just now");
            prop_assert_eq!(again.to_bytes(), bits.to_bytes());
            prop_assert!(sequences.iter().all(|&sequence| !again.mark(sequence)));
        }
    }

    #[test]
    fn half_a_page_is_no_checkpoint() {
        assert!(Sequences::from_bytes(&[0; 71]).is_none());
        assert!(Sequences::from_bytes(&[0; 64]).is_none());
        assert!(Sequences::from_bytes(&[]).is_some_and(|sequences| sequences.is_empty()));
    }
}
