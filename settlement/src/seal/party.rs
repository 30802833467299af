//! A party's lines as leaves: each line of its detail and adjustments, blinded, in the order in which they stand.

use super::tree::{self, Hash};
use crate::SettleError;
use crate::sink::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What the keys that blind leaves are derived for (BLAKE3's key derivation mode).
const BLINDING: &str = "tapclear 2026-11-25 blinding of leaves per day and receiver";
/// The files whose lines are leaves, in this order.
pub(crate) const FILES: [&str; 2] = ["detail.csv", "adjustments.csv"];

/// Blinds a party's leaves of a day. The party knows it; nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyKey([u8; 32]);

impl PartyKey {
    pub fn of(house_key: &[u8; 32], day: &str, party: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(BLINDING);
        hasher.update(house_key).update(day.as_bytes()).update(b"\n").update(party.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    pub fn of_text(text: &str) -> Option<Self> {
        super::hash_of(text).map(Self)
    }

    pub fn text(&self) -> String {
        hex(&self.0)
    }

    /// SHA-256 over the key and a number of eight bytes, the most significant first: of fixed length, so nothing can be added.
    pub fn salt(&self, index: u64) -> Hash {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(index.to_be_bytes());
        digest.finalize().into()
    }

    pub fn leaf(&self, index: u64, file: &str, line: &[u8]) -> Hash {
        blinded(&self.salt(index), file, line)
    }
}

/// A leaf: 32 bytes of salt, the file's name, a line end, and the line without its own.
pub(crate) fn blinded(salt: &[u8], file: &str, line: &[u8]) -> Hash {
    tree::leaf(&[salt, file.as_bytes(), b"\n", line])
}

/// A party's published lines of a day.
pub(crate) struct PartyLines {
    pub leaves: Vec<Hash>,
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// The files' bytes.
    pub files: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Manifest {
    totals: Totals,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Totals {
    debit_minor: i64,
    credit_minor: i64,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    sha256: String,
}

impl PartyLines {
    /// Reads what is published in a party's folder and holds it against its manifest, and that against its digest where one
    /// is known.
    pub fn read(folder: &Path, key: &PartyKey, digest: Option<&str>) -> Result<Self, SettleError> {
        let path = folder.join("manifest.json");
        let differs = |path: &Path, difference: &str| SettleError::Published { path: path.to_owned(), difference: difference.to_owned() };
        let bytes = std::fs::read(&path).map_err(SettleError::file("cannot read", &path))?;
        if digest.is_some_and(|digest| digest != hex(&Sha256::digest(&bytes))) {
            return Err(differs(&path, "another digest than was published"));
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| differs(&path, "it is no manifest"))?;
        let Totals { debit_minor, credit_minor } = manifest.totals;
        let mut lines = Self { leaves: Vec::new(), debit_minor, credit_minor, files: Vec::new() };
        for name in FILES {
            let path = folder.join(name);
            let bytes = std::fs::read(&path).map_err(SettleError::file("cannot read", &path))?;
            let expected = manifest.files.iter().find(|entry| entry.name == name);
            if expected.is_none_or(|entry| entry.sha256 != hex(&Sha256::digest(&bytes))) {
                return Err(differs(&path, "another digest than its manifest says"));
            }
            for line in each_line(&bytes) {
                let index = lines.leaves.len() as u64;
                lines.leaves.push(key.leaf(index, name, line));
            }
            lines.files.push(bytes);
        }
        Ok(lines)
    }
}

/// The lines behind the header row, each without its line end.
pub(crate) fn each_line(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&byte| byte == b'\n').skip(1)
}
