//! `keys.toml`: the scheme's secret keys. Everything else that needs a key derives it from one of these.
//!
//! Never printed, and never in a message.

use super::table::read;
use crate::mistake::Mistakes;
use domain::Suite;
use std::fmt;
use std::path::Path;

pub const FILE: &str = "keys.toml";

/// 32-byte keys, one per purpose, and what is signed with what is derived from them.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Makes card tokens from card numbers.
    pub token: [u8; 32],
    /// Makes each receiver's names for cards.
    pub pseudonym: [u8; 32],
    /// Seals card numbers in the vault.
    pub vault: [u8; 32],
    /// What digests and signatures that leave the house are made with.
    pub suite: Suite,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys { .. }")
    }
}

impl Keys {
    #[must_use]
    pub fn read(dir: &Path, mistakes: &mut Mistakes) -> Option<Self> {
        let missing = "make one with three keys: token, pseudonym and vault, each = \"<64 hex digits>\" from `openssl rand -hex 32`";
        read(dir, FILE, Some(missing), mistakes, |table, mistakes| {
            let mut lines = Vec::new();
            let [token, pseudonym, vault] = ["token", "pseudonym", "vault"].map(|name| {
                let Some(text) = table.text(name, mistakes) else {
                    table.missing(name, "\"<64 hex digits>\"", mistakes);
                    return None;
                };
                let key = key_of(&text.value);
                if key.is_none() {
                    let todo = "64 hex digits, as `openssl rand -hex 32` prints them";
                    table.mistake(Some(text.line), format!("`{name}` is not a 32-byte key"), Some(todo), mistakes);
                }
                lines.push((key, name, text.line));
                key
            });
            for (at, (key, name, line)) in lines.iter().enumerate() {
                if let Some((_, other, _)) = lines.iter().take(at).find(|(earlier, _, _)| key.is_some() && earlier == key) {
                    table.mistake(Some(*line), format!("`{name}` is the same key as `{other}`"), Some("each purpose has a key of its own"), mistakes);
                }
            }
            let suites = Suite::ALL.map(|suite| (suite.name(), suite));
            let suite = if table.has("suite") { table.choice("suite", &suites, mistakes)? } else { Suite::default() };
            Some(Self { token: token?, pseudonym: pseudonym?, vault: vault?, suite })
        })?
    }
}

fn key_of(hex: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        // A sign would be taken for part of the number.
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    }
    Some(key)
}
