//! Sealing card numbers for the ledger's vault.
//!
//! XChaCha20-Poly1305 under the scheme's vault key; the token is bound in as associated data. The nonce is derived from key
//! and token, so that the same card is sealed to the same bytes: sealing twice is storing once.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::CardToken;

pub struct Vault {
    key: [u8; 32],
}

const NONCE_CONTEXT: &str = "tapclear vault nonce v1";

impl Vault {
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// # Panics
    /// Never for a card number: only texts of more than 256 GiB cannot be sealed.
    #[must_use]
    pub fn seal(&self, token: &CardToken, number: &[u8]) -> Vec<u8> {
        let cipher = XChaCha20Poly1305::new(&self.key.into());
        cipher.encrypt(&self.nonce(token), Payload { msg: number, aad: token.as_bytes() }).expect("a card number is short")
    }

    /// The number, or `None` when the bytes were not sealed for this token under this key.
    #[must_use]
    pub fn open(&self, token: &CardToken, sealed: &[u8]) -> Option<Vec<u8>> {
        let cipher = XChaCha20Poly1305::new(&self.key.into());
        cipher.decrypt(&self.nonce(token), Payload { msg: sealed, aad: token.as_bytes() }).ok()
    }

    fn nonce(&self, token: &CardToken) -> XNonce {
        let mut hasher = blake3::Hasher::new_derive_key(NONCE_CONTEXT);
        hasher.update(&self.key);
        hasher.update(token.as_bytes());
        let mut nonce = [0; 24];
        hasher.finalize_xof().fill(&mut nonce);
        nonce.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_token_open() {
        let token = |text: &str| CardToken::new(text.as_bytes()).expect("short");
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal(&token("a"), b"6228480000000000");
        assert_eq!(sealed, vault.seal(&token("a"), b"6228480000000000"));
        assert_eq!(vault.open(&token("a"), &sealed).as_deref(), Some(&b"6228480000000000"[..]));
        assert_eq!(vault.open(&token("b"), &sealed), None);
        assert_eq!(Vault::new([8; 32]).open(&token("a"), &sealed), None);
        assert!(!sealed.windows(8).any(|window| b"6228480000000000".windows(8).any(|part| part == window)));
    }
}
