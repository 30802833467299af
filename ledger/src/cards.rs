//! Which cards a decision block may be of: a filter beside each block, so that the decisions on a card are found without
//! reading those on others.
//!
//! It says no only where it is true; perhaps is wrong for one card in a hundred or so. The bytes follow from the block alone.
//!
//! A Bloom filter of [`BITS_PER_DECISION`] bits for each decision of the block, in little-endian words of 64; [`PROBES`] bits
//! for each card.

use domain::record::CardToken;

const BITS_PER_DECISION: usize = 12;
pub(crate) const PROBES: u64 = 4;

/// A card as its filters know it. Stored filters depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CardHash(u64);

impl CardHash {
    pub fn of(card: &CardToken) -> Self {
        let (words, _) = card.padded().as_chunks::<8>();
        let mixed = words.iter().fold(0x9e37_79b9_7f4a_7c15, |hash: u64, word| {
            let hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash ^ hash >> 29
        });
        Self(mixed.wrapping_mul(0x94d0_49bb_1331_11eb))
    }

    /// The bits of a card among so many.
    fn bits(self, count: u64) -> impl Iterator<Item = usize> {
        let step = self.0.rotate_left(32) | 1;
        (0..PROBES).map(move |probe| {
            let hash = self.0.wrapping_add(step.wrapping_mul(probe));
            // The high word of the product: evenly over all bits.
            ((u128::from(hash) * u128::from(count)) >> 64) as usize
        })
    }
}

/// Bytes of the filter of a block of so many decisions.
pub(crate) const fn filter_len(decisions: usize) -> usize {
    (decisions * BITS_PER_DECISION).div_ceil(64) * 8
}

/// The filter of a block of so many decisions.
pub(crate) fn filter(decisions: usize, cards: &[CardHash]) -> Vec<u8> {
    let mut words = vec![0u64; filter_len(decisions) / 8];
    let count = words.len() as u64 * 64;
    for bit in cards.iter().flat_map(|card| card.bits(count)) {
        if let Some(word) = words.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Whether a block with this filter may have a decision on the card.
pub(crate) fn may_have(filter: &[u8], card: CardHash) -> bool {
    let count = filter.len() as u64 * 8;
    card.bits(count).all(|bit| filter.get(bit / 8).is_some_and(|byte| byte & 1 << (bit % 8) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u32) -> CardHash {
        CardHash::of(&CardToken::new(number.to_string().as_bytes()).expect("short"))
    }

    #[test]
    fn every_card_of_a_block_is_in_its_filter_and_few_others_seem_to_be() {
        for decisions in [1usize, 3, 64, 16_384] {
            let all: Vec<CardHash> = (0..decisions as u32).map(hash).collect();
            let filter = filter(decisions, &all);
            assert!(all.iter().all(|&card| may_have(&filter, card)), "{decisions}");
            let others = (1_000_000..1_010_000).filter(|&number| may_have(&filter, hash(number))).count();
            assert!(decisions < 64 || others < 200, "{others} of 10,000 cards seem to be among {decisions}");
        }
        assert!(!may_have(&filter(100, &[]), hash(1)) && !may_have(&[], hash(1)));
    }

    #[test]
    fn a_stored_filter_is_read_by_the_same_rule() {
        assert_eq!(filter(5, &[hash(7), hash(8)]), [8, 0, 12, 0, 1, 20, 0, 2]);
    }
}
