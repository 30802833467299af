//! How hashes, keys and signatures are written in seals and proofs.
//!
//! One value has one text: another case, padding or spelling is refused, so that nothing in a proof can be changed and
//! still hold.

use super::tree::Hash;
use crate::sink::hex;
use base64ct::{Base64, Encoding};

/// Lower-case hexadecimal digits of exactly so many bytes.
pub(crate) fn of_digits<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    if text.len() != 2 * BYTES {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    (hex(&bytes) == text).then_some(bytes)
}

/// A path: its hashes one after another, in base64 (RFC 4648, section 4).
pub(crate) fn of_path(path: &[Hash]) -> String {
    Base64::encode_string(&path.concat())
}

pub(crate) fn path_of(text: &str) -> Option<Vec<Hash>> {
    let bytes = Base64::decode_vec(text).ok().filter(|bytes| Base64::encode_string(bytes) == text)?;
    let (hashes, rest) = bytes.as_chunks();
    rest.is_empty().then(|| hashes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_text() {
        assert_eq!(of_digits("00ff"), Some([0, 255]));
        for other in ["00FF", "00f", "00fff", "+0ff", "00fg", "0 ff", "00f\u{e9}"] {
            assert_eq!(of_digits::<2>(other), None, "{other}");
        }
        for count in 0..5u8 {
            let path: Vec<Hash> = (0..count).map(|byte| [byte.wrapping_mul(77); 32]).collect();
            let text = of_path(&path);
            assert_eq!(path_of(&text), Some(path));
            for other in [format!("{text}="), format!(" {text}"), format!("{text}AAAA"), format!("{text}\n")] {
                assert_eq!(path_of(&other), None, "{other}");
            }
        }
        // The last letters of one hash carry bits that belong to none of its bytes.
        let zero = of_path(&[[0; 32]]);
        assert_eq!(path_of(&zero.replace("A=", "B=")), None);
    }
}
