//! Proofs of lines, and checks of proofs and seals. A check needs nothing of the house but its public key.

use super::party::{FILES, PartyKey, PartyLines, blinded, each_line};
use super::tree::{self, Hash};
use super::{FORMAT, PartySeal, checkpoint_text, day_leaf, hash_of, party_leaf, texts};
use crate::SettleError;
use crate::sink::hex;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(crate) const PROOF_FORMAT: &str = "tapclear-proof-1";

/// That a line is in a party's sealed day. The seal leads on from the party's root to the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineProof {
    pub format: String,
    pub day: String,
    pub party: String,
    pub file: String,
    pub line: String,
    /// The leaf's place in the party's tree, from 0, and its blinding.
    pub index: u64,
    pub lines: u64,
    pub salt: String,
    pub path: Vec<String>,
}

/// Why a seal or a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("it is not of a format that is known")]
    Format,
    #[error("a hash or key in it is not 64 hexadecimal digits")]
    Digits,
    #[error("it is signed by another key than the one that was given")]
    Key,
    #[error("its signature does not hold")]
    Signature,
    #[error("its day is not in the signed log")]
    Day,
    #[error("its party's sums are not in the day")]
    Party,
    #[error("the log does not go on from the day before")]
    Previous,
    #[error("the proof is of another day or party than the seal")]
    Other,
    #[error("the line is not among the party's")]
    Line,
}

impl PartySeal {
    /// # Errors
    /// When it is no seal.
    pub fn of_json(json: &[u8]) -> Result<Self, ProofError> {
        serde_json::from_slice(json).map_err(|_| ProofError::Format)
    }

    /// Follows a seal from the party's root up to the signature.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, public_key: &str) -> Result<(), ProofError> {
        if self.format != FORMAT {
            return Err(ProofError::Format);
        }
        if self.public_key != public_key {
            return Err(ProofError::Key);
        }
        let text = checkpoint_text(&self.hub, self.days, &self.log_root);
        let key = VerifyingKey::from_bytes(&digits(public_key)?).map_err(|_| ProofError::Key)?;
        let signature = Signature::from_bytes(&signature_of(&self.signature).ok_or(ProofError::Signature)?);
        key.verify_strict(text.as_bytes(), &signature).map_err(|_| ProofError::Signature)?;
        let log_root = digits(&self.log_root)?;
        let day = day_leaf(&self.day, self.sequence, self.parties, &self.day_root);
        let last = self.days.checked_sub(1).filter(|_| self.days == self.sequence).ok_or(ProofError::Day)?;
        if tree::root_above(day, last, self.days, &path(&self.log_path)?) != Some(log_root) {
            return Err(ProofError::Day);
        }
        let party = party_leaf(self, &PartyKey::of_text(&self.key).ok_or(ProofError::Digits)?);
        if tree::root_above(party, self.place, self.parties, &path(&self.day_path)?) != Some(digits(&self.day_root)?) {
            return Err(ProofError::Party);
        }
        match &self.previous_root {
            None if last == 0 && self.previous_path.is_empty() => Ok(()),
            Some(root) if tree::goes_on((last, digits(root)?), (self.days, log_root), &path(&self.previous_path)?) => Ok(()),
            _ => Err(ProofError::Previous),
        }
    }
}

impl LineProof {
    /// # Errors
    /// When it is no proof.
    pub fn of_json(json: &[u8]) -> Result<Self, ProofError> {
        serde_json::from_slice(json).map_err(|_| ProofError::Format)
    }

    /// Follows a line up to the party's root. The seal has to be checked as well.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, seal: &PartySeal) -> Result<(), ProofError> {
        if self.format != PROOF_FORMAT {
            return Err(ProofError::Format);
        }
        if (&self.day, &self.party, self.lines) != (&seal.day, &seal.party, seal.lines) {
            return Err(ProofError::Other);
        }
        let leaf = blinded(&digits(&self.salt)?, &self.file, self.line.as_bytes());
        let root = tree::root_above(leaf, self.index, self.lines, &path(&self.path)?);
        if root == Some(digits(&seal.root)?) { Ok(()) } else { Err(ProofError::Line) }
    }
}

/// Proves one line of a party's published file: `number` counts from 1 behind the header row.
///
/// # Errors
/// When there is no such line, or the published files are not those that were sealed.
pub fn prove(folder: &Path, seal: &PartySeal, file: &str, number: u64) -> Result<LineProof, SettleError> {
    let sealed_otherwise = || SettleError::Published { path: folder.to_owned(), difference: "its lines are not those that were sealed".to_owned() };
    let key = PartyKey::of_text(&seal.key).ok_or_else(sealed_otherwise)?;
    let lines = PartyLines::read(folder, &key, Some(&seal.manifest))?;
    if hex(&tree::root(&lines.leaves)) != seal.root {
        return Err(sealed_otherwise());
    }
    let mut index = 0;
    for (name, bytes) in FILES.into_iter().zip(&lines.files) {
        let mut each = each_line(bytes);
        if name != file {
            index += each.count() as u64;
            continue;
        }
        let line = number.checked_sub(1).and_then(|skipped| each.nth(usize::try_from(skipped).ok()?));
        let line = line.ok_or_else(|| SettleError::NoLine { path: folder.join(file), line: number })?;
        let index = index + number - 1;
        return Ok(LineProof {
            format: PROOF_FORMAT.to_owned(),
            day: seal.day.clone(),
            party: seal.party.clone(),
            file: name.to_owned(),
            line: String::from_utf8_lossy(line).into_owned(),
            index,
            lines: lines.leaves.len() as u64,
            salt: hex(&key.salt(index)),
            path: texts(&tree::path(&lines.leaves, usize::try_from(index).unwrap_or(usize::MAX))),
        });
    }
    Err(SettleError::NoLine { path: folder.join(file), line: number })
}

fn digits(text: &str) -> Result<Hash, ProofError> {
    hash_of(text).ok_or(ProofError::Digits)
}

fn path(texts: &[String]) -> Result<Vec<Hash>, ProofError> {
    texts.iter().map(|text| digits(text)).collect()
}

/// Two hashes' worth of digits.
fn signature_of(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let mut bytes = [0; 64];
    let (front, back) = bytes.split_at_mut(32);
    front.copy_from_slice(&hash_of(first)?);
    back.copy_from_slice(&hash_of(second)?);
    Some(bytes)
}
