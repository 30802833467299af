//! Digests and signatures by suite. The algorithms are RustCrypto's and dalek's; what is decided here is their use: which
//! bytes stand for a key, and that the same text is always signed the same.

use super::letters::of_digits;
use super::tree::Hash;
use crate::sink::hex;
use domain::Suite;
use ed25519_dalek::Signer as _;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use sm2::dsa::signature::Verifier as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm3::Sm3;

/// What the signing keys are derived for (BLAKE3's key derivation mode).
const SIGNING: &str = "tapclear 2026-11-25 signature of checkpoints";
const SIGNING_SM2: &str = "tapclear 2026-11-25 signature of checkpoints with SM2";
/// The signer's name in SM2's digest, where nothing else is agreed (GB/T 35276, section 10).
const SM2_SIGNER: &str = "1234567812345678";
/// Tries to find a key among the derived ones: one in 2^32 is none.
const KEY_TRIES: u8 = 8;

/// The suite's digest over parts, one after another.
#[inline]
pub(crate) fn digest(suite: Suite, parts: &[&[u8]]) -> Hash {
    match suite {
        Suite::Standard => short_sha256(parts).unwrap_or_else(|| over::<Sha256>(parts)),
        Suite::Shangmi => over::<Sm3>(parts),
    }
}

#[inline]
fn over<D: Digest>(parts: &[&[u8]]) -> Hash
where
    sha2::digest::Output<D>: Into<Hash>,
{
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

/// SHA-256 of what has room in four blocks, as nearly all leaves and all nodes have: padded in place, which spares the
/// buffering of a digest that does not know what comes. None for what is longer.
#[inline]
fn short_sha256(parts: &[&[u8]]) -> Option<Hash> {
    const BLOCK: usize = 64;
    /// FIPS 180-4, section 5.3.3.
    const BEGIN: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    let mut padded = [0u8; 4 * BLOCK];
    let mut bytes = 0;
    for part in parts {
        padded.get_mut(bytes..bytes + part.len())?.copy_from_slice(part);
        bytes += part.len();
    }
    // Behind the bytes stand a one bit, zeros, and their number of bits in the last eight bytes of a block.
    let end = (bytes + 9).next_multiple_of(BLOCK);
    padded.get_mut(end - 8..end)?.copy_from_slice(&(8 * bytes as u64).to_be_bytes());
    *padded.get_mut(bytes)? = 0x80;
    let (blocks, _) = padded.get(..end)?.as_chunks();
    let mut state = BEGIN;
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    hash.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word): (&mut [u8; 4], u32)| *bytes = word.to_be_bytes());
    Some(hash)
}

/// The house's signing key.
pub(crate) enum Signer {
    Standard(Box<ed25519_dalek::SigningKey>),
    Shangmi(Box<sm2::dsa::SigningKey>),
}

impl Signer {
    /// # Panics
    /// When eight derived numbers in a row are no SM2 keys.
    pub fn of(suite: Suite, house_key: &[u8; 32]) -> Self {
        match suite {
            Suite::Standard => Self::Standard(Box::new(ed25519_dalek::SigningKey::from_bytes(&blake3::derive_key(SIGNING, house_key)))),
            Suite::Shangmi => {
                let mut derived = (0..KEY_TRIES).map(|at| blake3::derive_key(SIGNING_SM2, &[&house_key[..], &[at]].concat()));
                let key = derived.find_map(|secret| sm2::dsa::SigningKey::from_slice(SM2_SIGNER, &secret).ok());
                Self::Shangmi(Box::new(key.expect("a key among eight numbers, of which one in 2^32 is none")))
            }
        }
    }

    pub fn public_key(&self) -> String {
        match self {
            Self::Standard(key) => hex(key.verifying_key().as_bytes()),
            Self::Shangmi(key) => hex(key.verifying_key().as_affine().to_sec1_point(false).as_bytes()),
        }
    }

    /// The same text is signed the same: RFC 8032 says so, and SM2's number is drawn as in RFC 6979, with SM3.
    pub fn sign(&self, text: &[u8]) -> String {
        match self {
            Self::Standard(key) => hex(&key.sign(text).to_bytes()),
            Self::Shangmi(key) => hex(&key.sign(text).to_bytes()),
        }
    }
}

/// A house's public key: 32 bytes for Ed25519; for SM2 the uncompressed point, 65 bytes that begin with 04.
#[derive(Clone, Debug)]
pub struct PublicKey(Key);

#[derive(Clone, Debug)]
enum Key {
    Standard(Box<ed25519_dalek::VerifyingKey>),
    Shangmi(Box<sm2::dsa::VerifyingKey>),
}

impl PublicKey {
    /// From lower-case hexadecimal digits; none where they are no key of either suite.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        if let Some(bytes) = of_digits::<32>(text) {
            return ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(|key| Self(Key::Standard(Box::new(key))));
        }
        let bytes = of_digits::<65>(text)?;
        sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_SIGNER, &bytes).ok().map(|key| Self(Key::Shangmi(Box::new(key))))
    }

    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.0 {
            Key::Standard(_) => Suite::Standard,
            Key::Shangmi(_) => Suite::Shangmi,
        }
    }

    /// Whether a signature of 64 bytes, as digits, is the house's under a text.
    pub(crate) fn signed(&self, text: &[u8], signature: &str) -> bool {
        let Some(signature) = of_digits::<64>(signature) else { return false };
        match &self.0 {
            Key::Standard(key) => key.verify_strict(text, &ed25519_dalek::Signature::from_bytes(&signature)).is_ok(),
            Key::Shangmi(key) => sm2::dsa::Signature::from_slice(&signature).is_ok_and(|signature| key.verify(text, &signature).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn what_a_key_signs_holds_under_its_public_key_alone_and_is_always_the_same() {
        for suite in Suite::ALL {
            let (signer, other) = (Signer::of(suite, &[5; 32]), Signer::of(suite, &[6; 32]));
            let public = |signer: &Signer| PublicKey::of_text(&signer.public_key()).expect("a key");
            let signature = signer.sign(b"text");
            assert_eq!(signature, Signer::of(suite, &[5; 32]).sign(b"text"));
            assert_eq!(public(&signer).suite(), suite);
            assert!(public(&signer).signed(b"text", &signature));
            assert!(!public(&signer).signed(b"texts", &signature) && !public(&other).signed(b"text", &signature));
            for at in 0..signature.len() {
                let mut changed = signature.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                assert!(!public(&signer).signed(b"text", &String::from_utf8(changed).expect("digits")), "digit {at}");
            }
        }
    }

    #[test]
    fn short_digests_are_those_of_the_library_for_every_length_and_parting() {
        let bytes: Vec<u8> = (0..300u32).map(|at| (at * 7 % 251) as u8).collect();
        for length in 0..=bytes.len() {
            let expected = (length < 4 * 64 - 8).then(|| over::<Sha256>(&[&bytes[..length]]));
            for cut in [0, 1, 16, 33, 64, length] {
                let (front, back) = bytes[..length].split_at(cut.min(length));
                assert_eq!(short_sha256(&[front, back]), expected, "{length} bytes, parted at {cut}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_point_is_no_key() {
        let sm2 = Signer::of(Suite::Shangmi, &[5; 32]).public_key();
        for text in [String::new(), "0".repeat(130), sm2.to_uppercase(), sm2[2..].to_owned(), format!("03{}", &sm2[2..66]), sm2.replacen("04", "05", 1)] {
            assert!(PublicKey::of_text(&text).is_none(), "{text}");
        }
    }

    /// GB/T 32905 and GB/T 32918.5, with signatures that were changed.
    #[test]
    fn digests_and_signatures_are_those_of_the_standards() {
        let Some(folder) = std::env::var_os("SHARED") else { return println!("skipped: vectors of SM2 and SM3 need the folder SHARED") };
        let path = std::path::Path::new(&folder).join("crypto/china_crypto_vectors.json");
        let Ok(text) = std::fs::read(&path) else { return println!("skipped: there are no vectors of SM2 and SM3 at {}", path.display()) };
        let vectors: Value = serde_json::from_slice(&text).expect("JSON");
        let text = |vector: &Value, name: &str| vector[name].as_str().unwrap_or_else(|| panic!("{name} in {vector}")).to_owned();
        let list = |name: &str| vectors[name]["vectors"].as_array().expect("a list").clone();
        let bytes = |digits: &str| -> Vec<u8> { (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits")).collect() };
        for vector in list("sm3") {
            assert_eq!(hex(&digest(Suite::Shangmi, &[&bytes(&text(&vector, "msg_hex"))])), text(&vector, "digest"));
        }
        let mut verdicts = [0, 0];
        for vector in list("sm2_sign") {
            // Another signer's name is not ours to check under.
            if text(&vector, "uid") != SM2_SIGNER {
                continue;
            }
            let key = format!("04{}{}", text(&vector, "Qx"), text(&vector, "Qy"));
            let signature = format!("{:0>64}{:0>64}", text(&vector, "r"), text(&vector, "s"));
            let holds = PublicKey::of_text(&key).is_some_and(|key| key.signed(text(&vector, "msg").as_bytes(), &signature));
            assert_eq!(Value::from(holds), vector["valid"], "{vector}");
            verdicts[usize::from(holds)] += 1;
        }
        assert!(verdicts.iter().all(|&count| count > 0), "{verdicts:?}");
    }
}
