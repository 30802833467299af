//! What a party was given over time, held against the house's public key and against each other: a house that writes a
//! past day anew must sign a log that does not go on from the one that it signed before, and both are here.

use super::checkpoint::{GROWTH_FORMAT, GrowthProof};
use super::letters::of_digits;
use super::line::{LineProof, PROOF_FORMAT};
use super::party::{PartyKey, PartyTree};
use super::suite::{PublicKey, digest};
use super::tree::Hash;
use super::verify::{FORMAT, PartySeal, ProofError};
use crate::published::{FileView, files_below};
use crate::sink::hex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Copies that hold so far, in the order in which they were added.
pub struct Copies {
    key: PublicKey,
    seals: BTreeMap<(String, String), PartySeal>,
    /// The hub and the root of the log of so many days.
    roots: BTreeMap<u64, (String, Hash)>,
    /// Pairs of days of which the later log goes on from the earlier.
    links: Vec<(u64, u64)>,
}

#[derive(Deserialize)]
struct Named {
    format: String,
}

#[derive(Deserialize)]
struct ManifestOf {
    day: String,
    party: String,
    files: Vec<FileView>,
}

impl Copies {
    #[must_use]
    pub const fn new(key: PublicKey) -> Self {
        Self { key, seals: BTreeMap::new(), roots: BTreeMap::new(), links: Vec::new() }
    }

    #[must_use]
    pub const fn seals(&self) -> &BTreeMap<(String, String), PartySeal> {
        &self.seals
    }

    /// A seal, a proof of a line or a proof of growth, as one JSON object. A line's seal must be among what was added.
    ///
    /// # Errors
    /// What does not hold.
    pub fn add(&mut self, json: &[u8]) -> Result<(), ProofError> {
        let named: Named = serde_json::from_slice(json).map_err(|_| ProofError::Format)?;
        match named.format.as_str() {
            FORMAT => self.seal(serde_json::from_slice(json).map_err(|_| ProofError::Format)?),
            GROWTH_FORMAT => self.growth(&serde_json::from_slice(json).map_err(|_| ProofError::Format)?),
            PROOF_FORMAT => {
                let proof: LineProof = serde_json::from_slice(json).map_err(|_| ProofError::Format)?;
                let seal = self.seals.get(&(proof.day.clone(), proof.party.clone())).ok_or(ProofError::Other)?;
                proof.check(seal)
            }
            _ => Err(ProofError::Format),
        }
    }

    fn seal(&mut self, seal: PartySeal) -> Result<(), ProofError> {
        seal.check(&self.key)?;
        let signed = &seal.checkpoint;
        if let Some(root) = &seal.previous_root {
            self.know(signed.days - 1, &signed.hub, of_digits(root).ok_or(ProofError::Digits)?)?;
            self.links.push((signed.days - 1, signed.days));
        }
        self.know(signed.days, &signed.hub, signed.root()?)?;
        self.seals.insert((signed.day.clone(), seal.party.clone()), seal);
        Ok(())
    }

    fn growth(&mut self, proof: &GrowthProof) -> Result<(), ProofError> {
        proof.check(&self.key)?;
        for signed in [&proof.from, &proof.to] {
            self.know(signed.days, &signed.hub, signed.root()?)?;
        }
        self.links.push((proof.from.days, proof.to.days));
        Ok(())
    }

    /// Of so many days there is one log.
    fn know(&mut self, days: u64, hub: &str, root: Hash) -> Result<(), ProofError> {
        let known = self.roots.entry(days).or_insert_with(|| (hub.to_owned(), root));
        if *known == (hub.to_owned(), root) { Ok(()) } else { Err(ProofError::Fork) }
    }

    /// A party's published files of a day, of which the seal is among what was added.
    ///
    /// # Errors
    /// When the files cannot be read or are not those that were sealed.
    pub fn folder(&self, folder: &Path) -> Result<(), ProofError> {
        let bytes = std::fs::read(folder.join("manifest.json")).map_err(|_| ProofError::Files)?;
        let manifest: ManifestOf = serde_json::from_slice(&bytes).map_err(|_| ProofError::Files)?;
        let seal = self.seals.get(&(manifest.day.clone(), manifest.party.clone())).ok_or(ProofError::Other)?;
        let suite = self.key.suite();
        let key = seal.key.as_deref().and_then(|key| PartyKey::of_text(suite, key)).ok_or(ProofError::Key)?;
        let tree = PartyTree::of_folder(suite, folder, &key).map_err(|_| ProofError::Files)?;
        let same = tree.lines == seal.lines() && hex(&tree.levels.root()) == seal.root && hex(&digest(suite, &[&bytes])) == seal.manifest;
        if !same {
            return Err(ProofError::Files);
        }
        // What no line stands in, header rows among them, is sealed by the manifest that names it.
        let mut due: BTreeSet<PathBuf> = [folder.join("manifest.json")].into();
        for file in &manifest.files {
            let path = folder.join(&file.name);
            if !file.is_at(&path, suite) {
                return Err(ProofError::Named);
            }
            due.insert(path);
        }
        let found = files_below(folder).map_err(|_| ProofError::Files)?;
        if found.into_iter().collect::<BTreeSet<_>>() == due { Ok(()) } else { Err(ProofError::Named) }
    }

    /// The day numbers of seals that nothing shows to be of the same log as the first: a proof of growth is missing.
    #[must_use]
    pub fn apart(&self) -> Vec<u64> {
        let days: BTreeSet<u64> = self.seals.values().map(|seal| seal.checkpoint.days).collect();
        let mut reached: BTreeSet<u64> = days.first().copied().into_iter().collect();
        loop {
            let before = reached.len();
            for &(earlier, later) in &self.links {
                if reached.contains(&earlier) || reached.contains(&later) {
                    reached.extend([earlier, later]);
                }
            }
            if reached.len() == before {
                return days.difference(&reached).copied().collect();
            }
        }
    }
}
