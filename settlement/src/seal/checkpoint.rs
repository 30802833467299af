//! A checkpoint: what the house signs of a day, the root of the log of all days up to it; and the proof that the log of one
//! checkpoint goes on from that of another.

use super::letters::{of_digits, of_path, path_of};
use super::suite::{PublicKey, Signer};
use super::tree::{self, Hash};
use super::verify::ProofError;
use crate::sink::hex;
use domain::Suite;
use serde::{Deserialize, Serialize};

pub(crate) const GROWTH_FORMAT: &str = "tapclear-growth-1";

/// What is signed of a day. The signature is over its text, as docs/proofs.md gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub suite: String,
    /// The clearing house.
    pub hub: String,
    /// The log's last day.
    pub day: String,
    /// Days in the log.
    pub days: u64,
    pub log_root: String,
    pub signature: String,
}

impl Checkpoint {
    pub(crate) fn sign(suite: Suite, signer: &Signer, hub: &str, day: &str, days: u64, log_root: &Hash) -> Self {
        let mut signed =
            Self { suite: suite.name().to_owned(), hub: hub.to_owned(), day: day.to_owned(), days, log_root: hex(log_root), signature: String::new() };
        signed.signature = signer.sign(signed.text().as_bytes());
        signed
    }

    fn text(&self) -> String {
        let Self { suite, hub, day, days, log_root, signature: _ } = self;
        format!("tapclear checkpoint 2\n{suite}\n{hub}\n{day}\n{log_root}\n{days}\n")
    }

    pub(crate) fn root(&self) -> Result<Hash, ProofError> {
        of_digits(&self.log_root).ok_or(ProofError::Digits)
    }

    pub(crate) fn check(&self, key: &PublicKey) -> Result<(), ProofError> {
        // A text with a line end in it could be read as another checkpoint's.
        let plain = [&self.hub, &self.day].iter().all(|text| !text.contains('\n'));
        let signed = plain && self.suite == key.suite().name() && key.signed(self.text().as_bytes(), &self.signature);
        signed.then_some(()).ok_or(ProofError::Signature)
    }
}

/// That the log of one day's checkpoint goes on from that of an earlier day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthProof {
    pub format: String,
    pub from: Checkpoint,
    pub to: Checkpoint,
    pub path: String,
}

impl GrowthProof {
    /// `leaves`: the log up to the later day.
    pub(crate) fn new(suite: Suite, from: Checkpoint, to: Checkpoint, leaves: &[Hash]) -> Option<Self> {
        let earlier = usize::try_from(from.days).ok().filter(|&earlier| 0 < earlier && earlier < leaves.len())?;
        let path = of_path(&tree::since(suite, leaves, earlier));
        Some(Self { format: GROWTH_FORMAT.to_owned(), from, to, path })
    }

    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, key: &PublicKey) -> Result<(), ProofError> {
        if self.format != GROWTH_FORMAT {
            return Err(ProofError::Format);
        }
        let (old, new) = (&self.from, &self.to);
        let path = path_of(&self.path).ok_or(ProofError::Digits)?;
        let grown = old.days < new.days && old.hub == new.hub && old.day < new.day;
        if !grown || !tree::goes_on(key.suite(), (old.days, old.root()?), (new.days, new.root()?), &path) {
            return Err(ProofError::Growth);
        }
        old.check(key)?;
        new.check(key)
    }
}
