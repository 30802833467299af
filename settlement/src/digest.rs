//! Digests of published files, by the suite of the house: a manifest names them under the key of the algorithm.
//!
//! Both suites' digests have 64 hexadecimal digits. Which of the two a kept digest is stands in the manifest that it is of, and
//! is believed only where the bytes have it.

use crate::sink::hex;
use domain::Suite;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sm3::Sm3;

/// A digest with the name of its algorithm, lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedDigest {
    Sha256(String),
    Sm3(String),
}

impl NamedDigest {
    pub(crate) fn of(suite: Suite, bytes: &[u8]) -> Self {
        let mut digest = FileDigest::new(suite);
        digest.update(bytes);
        digest.finish()
    }

    /// Of bytes that the ledger keeps the digits of, whichever suite they were published under; none where they are others.
    pub(crate) fn kept(bytes: &[u8], digits: &str) -> Option<Self> {
        Suite::ALL.into_iter().map(|suite| Self::of(suite, bytes)).find(|digest| digest.digits() == digits)
    }

    #[must_use]
    pub fn digits(&self) -> &str {
        let (Self::Sha256(digits) | Self::Sm3(digits)) = self;
        digits
    }

    pub(crate) const fn suite(&self) -> Suite {
        match self {
            Self::Sha256(_) => Suite::Standard,
            Self::Sm3(_) => Suite::Shangmi,
        }
    }
}

/// The digest of a file that is being written or read.
#[derive(Clone)]
pub(crate) enum FileDigest {
    Sha256(Sha256),
    Sm3(Sm3),
}

impl FileDigest {
    pub fn new(suite: Suite) -> Self {
        match suite {
            Suite::Standard => Self::Sha256(Sha256::new()),
            Suite::Shangmi => Self::Sm3(Sm3::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sm3(digest) => digest.update(bytes),
        }
    }

    pub fn finish(self) -> NamedDigest {
        match self {
            Self::Sha256(digest) => NamedDigest::Sha256(hex(&digest.finalize())),
            Self::Sm3(digest) => NamedDigest::Sm3(hex(&digest.finalize())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards_under_their_names() {
        // FIPS 180-4 and GB/T 32905, annex A, both over "abc".
        let known = [
            (Suite::Standard, r#"{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#),
            (Suite::Shangmi, r#"{"sm3":"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}"#),
        ];
        for (suite, json) in known {
            let digest = NamedDigest::of(suite, b"abc");
            assert_eq!(serde_json::to_string(&digest).expect("JSON"), json);
            assert_eq!(NamedDigest::kept(b"abc", digest.digits()), Some(digest.clone()));
            assert_eq!(NamedDigest::kept(b"abd", digest.digits()), None);
        }
    }
}
