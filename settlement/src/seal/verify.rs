//! A party's seal and its check, which needs nothing of the house but its public key.

use super::checkpoint::Checkpoint;
use super::letters::{of_digits, path_of};
use super::party::PartyKey;
use super::suite::PublicKey;
use super::tree::{self, Hash};
use domain::Suite;
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: &str = "tapclear-seal-2";

/// What a party is given of a sealed day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySeal {
    pub format: String,
    pub party: String,
    pub detail_lines: u64,
    pub adjustment_lines: u64,
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// Of the party's lines.
    pub root: String,
    /// Digest of the party's manifest.
    pub manifest: String,
    /// Blinds the party's sums.
    pub blind: String,
    /// Blinds the party's leaves. Whoever shows the seal to others leaves it out: null.
    pub key: Option<String>,
    /// The party's place among the day's, from 0.
    pub place: u64,
    pub parties: u64,
    pub day_path: String,
    pub day_root: String,
    /// From the day, the log's last, to the log's root.
    pub log_path: String,
    /// The log a day earlier, and that this one goes on from it. Nothing on the first day.
    pub previous_root: Option<String>,
    pub previous_path: String,
    pub checkpoint: Checkpoint,
}

/// Why a seal or a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("it is not of a format that is known")]
    Format,
    #[error("a hash, key or path in it is not written as it should be")]
    Digits,
    #[error("it is signed with another key, or with another suite, or changed")]
    Signature,
    #[error("its day is not in the signed log")]
    Day,
    #[error("its party's sums are not in the day")]
    Party,
    #[error("its key is not the one that its day was sealed with")]
    Key,
    #[error("the log does not go on from the day before")]
    Previous,
    #[error("the later log does not go on from the earlier one")]
    Growth,
    #[error("two logs were signed for the same days, or one that another does not go on from")]
    Fork,
    #[error("the proof is of a day or party of which there is no seal before it")]
    Other,
    #[error("the line is not among the party's")]
    Line,
    #[error("the files are not those that were sealed")]
    Files,
    #[error("the files are not those that the sealed manifest names")]
    Named,
}

pub(crate) fn day_leaf(suite: Suite, day: &str, days: u64, parties: u64, day_root: &str) -> Hash {
    tree::leaf(suite, format!("tapclear day 2\n{day}\n{day_root}\n{days}\n{parties}\n").as_bytes())
}

impl PartySeal {
    /// # Errors
    /// When it is no seal.
    pub fn of_json(json: &[u8]) -> Result<Self, ProofError> {
        serde_json::from_slice(json).map_err(|_| ProofError::Format)
    }

    pub(crate) fn suite(&self) -> Result<Suite, ProofError> {
        Suite::ALL.into_iter().find(|suite| suite.name() == self.checkpoint.suite).ok_or(ProofError::Format)
    }

    /// Lines of the detail and of the adjustments.
    pub(crate) const fn lines(&self) -> [u64; 2] {
        [self.detail_lines, self.adjustment_lines]
    }

    /// The party's leaf in the day's tree.
    pub(crate) fn leaf(&self, suite: Suite) -> Hash {
        let Self { party, detail_lines, adjustment_lines, debit_minor, credit_minor, root, manifest, blind, .. } = self;
        let day = &self.checkpoint.day;
        let sums = format!("{detail_lines}\n{adjustment_lines}\n{debit_minor}\n{credit_minor}");
        tree::leaf(suite, format!("tapclear party 2\n{day}\n{party}\n{root}\n{manifest}\n{blind}\n{sums}\n").as_bytes())
    }

    /// Follows a seal from the party's root up to the signature.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, key: &PublicKey) -> Result<(), ProofError> {
        if self.format != FORMAT {
            return Err(ProofError::Format);
        }
        let (suite, signed) = (key.suite(), &self.checkpoint);
        let (days, log_root) = (signed.days, signed.root()?);
        let path = |text: &str| path_of(text).ok_or(ProofError::Digits);
        let last = days.checked_sub(1).ok_or(ProofError::Day)?;
        let day = day_leaf(suite, &signed.day, days, self.parties, &self.day_root);
        if tree::root_above(suite, day, last, days, &path(&self.log_path)?) != Some(log_root) {
            return Err(ProofError::Day);
        }
        // A text in another spelling would be hashed as it stands and still mean nothing.
        let hashes = [&self.root, &self.manifest, &self.blind].into_iter().all(|text| of_digits::<32>(text).is_some());
        let day_root = of_digits(&self.day_root).filter(|_| hashes).ok_or(ProofError::Digits)?;
        if self.party.contains('\n') || tree::root_above(suite, self.leaf(suite), self.place, self.parties, &path(&self.day_path)?) != Some(day_root) {
            return Err(ProofError::Party);
        }
        if let Some(text) = &self.key {
            let own = PartyKey::of_text(suite, text).ok_or(ProofError::Digits)?;
            if of_digits(&self.blind) != Some(own.blind()) {
                return Err(ProofError::Key);
            }
        }
        match &self.previous_root {
            None if last == 0 && self.previous_path.is_empty() => {}
            Some(root) => {
                let before = (last, of_digits(root).ok_or(ProofError::Digits)?);
                if !tree::goes_on(suite, before, (days, log_root), &path(&self.previous_path)?) {
                    return Err(ProofError::Previous);
                }
            }
            None => return Err(ProofError::Previous),
        }
        signed.check(key)
    }
}
