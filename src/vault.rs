//! Sealing card numbers for the ledger's vault.
//!
//! Each card has a key of its own, which is random and stands, sealed under the scheme's vault key, before the number that it
//! seals. Nobody can make the key again: where it is destroyed, the number is gone, whoever has the scheme's keys. Both
//! seals are XChaCha20-Poly1305 with the card's token bound in.
//!
//! `1` ‖ nonce (24) ‖ the card's key, sealed (48) ‖ the number, sealed (its length and 16)

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::CardToken;
use hashbrown::HashSet;
use parking_lot::Mutex;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;
const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
/// Cards that a run remembers to have sealed: some 40 bytes each. The ledger keeps a card's first seal in any case; this
/// spares making seals that it would drop.
const REMEMBERED_MAX: usize = 8 << 20;

pub struct Vault {
    key: [u8; KEY_LEN],
    sealed: Mutex<HashSet<CardToken, foldhash::fast::FixedState>>,
}

impl Vault {
    #[must_use]
    pub fn new(key: [u8; KEY_LEN]) -> Self {
        Self { key, sealed: Mutex::default() }
    }

    /// Seals the numbers of those cards that this run has not sealed yet.
    ///
    /// # Panics
    /// As [`Vault::seal`].
    pub fn seal_new<'c>(&self, cards: impl Iterator<Item = (&'c CardToken, &'c [u8])>) -> Vec<(CardToken, Vec<u8>)> {
        let new: Vec<(&CardToken, &[u8])> = {
            let mut sealed = self.sealed.lock();
            cards.filter(|(token, _)| if sealed.len() < REMEMBERED_MAX { sealed.insert(**token) } else { !sealed.contains(*token) }).collect()
        };
        new.into_iter().map(|(token, number)| (*token, self.seal(token, number))).collect()
    }

    /// Seals a number under a new key.
    ///
    /// # Panics
    /// When the system gives no random numbers.
    #[must_use]
    pub fn seal(&self, token: &CardToken, number: &[u8]) -> Vec<u8> {
        let mut random = [0; NONCE_LEN + KEY_LEN];
        getrandom::fill(&mut random).expect("the system gives random numbers");
        let (nonce, card_key) = random.split_at(NONCE_LEN);
        let key_sealed = seal(&self.key, nonce, token, card_key).expect("a key is short");
        let number_sealed = seal(card_key, nonce, token, number).expect("a card number is short");
        [&[VERSION][..], nonce, &key_sealed, &number_sealed].concat()
    }

    /// The number, or `None` when the bytes were not sealed for this token under this key.
    #[must_use]
    pub fn open(&self, token: &CardToken, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&VERSION, rest) = sealed.split_first()? else { return None };
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let (key_sealed, number_sealed) = rest.split_at_checked(KEY_LEN + TAG_LEN)?;
        open(&open(&self.key, nonce, token, key_sealed)?, nonce, token, number_sealed)
    }
}

fn seal(key: &[u8], nonce: &[u8], token: &CardToken, text: &[u8]) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new_from_slice(key).ok()?;
    cipher.encrypt(&XNonce::try_from(nonce).ok()?, Payload { msg: text, aad: token.as_bytes() }).ok()
}

fn open(key: &[u8], nonce: &[u8], token: &CardToken, sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new_from_slice(key).ok()?;
    cipher.decrypt(&XNonce::try_from(nonce).ok()?, Payload { msg: sealed, aad: token.as_bytes() }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> CardToken {
        CardToken::new(text.as_bytes()).expect("short")
    }

    #[test]
    fn only_the_same_key_and_token_open() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(&token("a"), b"6228480000000000");
        assert_eq!(vault.open(&token("a"), &sealed).as_deref(), Some(&b"6228480000000000"[..]));
        assert_eq!(vault.open(&token("b"), &sealed), None);
        assert_eq!(Vault::new([8; 32]).open(&token("a"), &sealed), None);
        assert!(!sealed.windows(8).any(|window| b"6228480000000000".windows(8).any(|part| part == window)));
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert_eq!(vault.open(&token("a"), &other), None, "byte {at}");
            assert_eq!(vault.open(&token("a"), &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn every_seal_has_a_key_of_its_own() {
        let vault = Vault::new([7; 32]);
        let [one, two] = [0, 1].map(|_| vault.seal(&token("a"), b"6228480000000000"));
        // The number of one under the key of the other is not opened.
        let mixed = [&one[..1 + NONCE_LEN + KEY_LEN + TAG_LEN], &two[1 + NONCE_LEN + KEY_LEN + TAG_LEN..]].concat();
        assert_eq!(vault.open(&token("a"), &mixed), None);
    }

    #[test]
    fn a_run_seals_a_card_once() {
        let vault = Vault::new([7; 32]);
        let (a, b) = (token("a"), token("b"));
        let sealed = |cards: &[&CardToken]| -> Vec<CardToken> {
            vault.seal_new(cards.iter().map(|card| (*card, &b"6228480000000000"[..]))).into_iter().map(|(token, _)| token).collect()
        };
        assert_eq!(sealed(&[&a, &a]), [a]);
        assert_eq!(sealed(&[&b, &a]), [b]);
    }
}
