//! Card numbers, which come in here and go no further: what everything else sees is a token.
//!
//! A number is never printed, compared or kept: [`Pan`] has no way to show it, and its bytes are wiped when it is dropped.

use domain::CardToken;
use std::fmt;
use zeroize::Zeroizing;

/// The longest card number taken in; ISO/IEC 7812 has 19 digits, transport cards carry up to 20, with separators 32 is ample.
pub const PAN_BYTES_MAX: usize = 32;

/// A card number on its way to the vault.
pub struct Pan(Zeroizing<Vec<u8>>);

impl Pan {
    pub(super) fn new(number: &[u8]) -> Self {
        Self(Zeroizing::new(number.to_vec()))
    }

    /// The number itself, for sealing. Nothing else may look.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// What the door needs to know and nobody else.
pub struct DoorKeys {
    /// Turns card numbers into tokens: the same number always becomes the same token under the same key.
    pub token_key: [u8; 32],
}

impl fmt::Debug for DoorKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DoorKeys")
    }
}

/// The token of a card number: 120 bits of a keyed BLAKE3 hash as 24 letters and digits.
///
/// # Panics
/// Never: 24 such characters are a token.
#[must_use]
pub fn card_token(keys: &DoorKeys, number: &[u8]) -> CardToken {
    // RFC 4648, small letters: nothing that a file, a path or a person could take for something else.
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = blake3::keyed_hash(&keys.token_key, number);
    let mut token = [0_u8; 24];
    // Five bytes are eight digits of five bits.
    for (five, eight) in hash.as_bytes().chunks_exact(5).zip(token.chunks_exact_mut(8)) {
        let bits = five.iter().fold(0_u64, |bits, &byte| (bits << 8) | u64::from(byte));
        for (place, digit) in eight.iter_mut().enumerate() {
            *digit = DIGITS.get((bits >> (35 - 5 * place)) as usize & 31).copied().unwrap_or(b'a');
        }
    }
    CardToken::new(&token).expect("24 letters and digits are a token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_number_and_key() {
        let key = |byte| DoorKeys { token_key: [byte; 32] };
        let token = card_token(&key(1), b"6222021234567890");
        assert_eq!(token, card_token(&key(1), b"6222021234567890"));
        assert_ne!(token, card_token(&key(2), b"6222021234567890"));
        assert_ne!(token, card_token(&key(1), b"6222021234567891"));
        assert_eq!(token.as_str().len(), 24);
        assert!(token.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte)));
    }
}
