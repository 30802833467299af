//! Pseudonyms of cards: the same for one receiver day after day, unrelated between receivers.
//!
//! A receiver's key is derived from the house's key and the receiver's id, not from the day: an operator must recognize
//! the card of a transfer, a cap, a dispute or a correction that names a line of another day. Two receivers' pseudonyms
//! cannot be joined without the house's key. 80 bits: among 90 million cards no two meet (chance 10^-9).

use crate::row::Row;
use domain::record::CardToken;

/// What the receivers' keys are derived for (BLAKE3's key derivation mode).
const CONTEXT: &str = "tapclear 2026-03-02 card pseudonym per receiver";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const PSEUDONYM_BYTES: usize = 16;

/// One receiver's key.
#[derive(Clone)]
pub(crate) struct PseudonymKey([u8; 32]);

impl PseudonymKey {
    pub fn of(house_key: &[u8; 32], receiver: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(house_key).update(receiver.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// 80 bits of the keyed hash of the token in lower-case base32 (RFC 4648). A record without a card has none.
    pub fn pseudonym(&self, card: &CardToken) -> Option<[u8; PSEUDONYM_BYTES]> {
        if card.is_empty() {
            return None;
        }
        let hash = blake3::keyed_hash(&self.0, card.as_bytes());
        let mut bits = hash.as_bytes().iter().take(10).fold(0u128, |bits, &byte| (bits << 8) | u128::from(byte));
        let mut out = [0; PSEUDONYM_BYTES];
        for letter in out.iter_mut().rev() {
            *letter = *ALPHABET.get((bits & 31) as usize).expect("five bits");
            bits >>= 5;
        }
        Some(out)
    }

    /// The card's field of this receiver.
    pub fn write(&self, row: &mut Row, card: &CardToken) {
        if let Some(pseudonym) = self.pseudonym(card) {
            row.fixed(&pseudonym, PSEUDONYM_BYTES);
        }
        row.comma();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_stable_per_receiver_and_unrelated_between_receivers() {
        let card = CardToken::new(b"token-1").expect("short");
        let key = [7; 32];
        let of = |receiver: &str, card: &CardToken| PseudonymKey::of(&key, receiver).pseudonym(card);
        assert_eq!(of("bus-01", &card), of("bus-01", &card));
        assert_ne!(of("bus-01", &card), of("bus-02", &card));
        assert_ne!(of("bus-01", &card), of("bus-01", &CardToken::new(b"token-2").expect("short")));
        assert_ne!(of("bus-01", &card), PseudonymKey::of(&[8; 32], "bus-01").pseudonym(&card));
        assert_eq!(of("bus-01", &CardToken::EMPTY), None);
        let text = of("bus-01", &card).expect("a card");
        assert!(text.iter().all(|letter| ALPHABET.contains(letter)));
    }
}
