//! Proofs of lines: that a line is in a party's sealed day, at its place in its file.
//!
//! A proof needs the published files and the party's seal: a party can prove its own lines. With the house's nodes beside
//! the seal it reads a run of lines; without them, all lines.

use super::letters::{of_digits, of_path, path_of};
use super::nodes_path;
use super::party::{FILES, PartyKey, PartyTree, RUN_LINES, Salt, blinded};
use super::tree::{self, Hash, Levels};
use super::verify::{PartySeal, ProofError};
use crate::SettleError;
use crate::sink::hex;
use domain::Suite;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub(crate) const PROOF_FORMAT: &str = "tapclear-proof-2";

/// That a line is in a party's sealed day. The seal leads on from the party's root to the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineProof {
    pub format: String,
    pub day: String,
    pub party: String,
    pub file: String,
    /// The line's number in its file, from 1 behind the header row.
    pub number: u64,
    pub line: String,
    /// Blinds the leaf.
    pub salt: String,
    pub path: String,
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
        if (&self.day, &self.party) != (&seal.checkpoint.day, &seal.party) {
            return Err(ProofError::Other);
        }
        let suite = seal.suite()?;
        let index = index_of(&self.file, self.number, seal.lines()).ok_or(ProofError::Line)?;
        let salt: Salt = of_digits(&self.salt).ok_or(ProofError::Digits)?;
        let path = path_of(&self.path).ok_or(ProofError::Digits)?;
        let [detail, adjustments] = seal.lines();
        let lines = detail.checked_add(adjustments).ok_or(ProofError::Line)?;
        let root = tree::root_above(suite, blinded(suite, &salt, self.line.as_bytes()), index, lines, &path);
        if root == Some(of_digits(&seal.root).ok_or(ProofError::Digits)?) { Ok(()) } else { Err(ProofError::Line) }
    }
}

/// The leaf of a line of a file that has one of that number.
fn index_of(file: &str, number: u64, lines: [u64; 2]) -> Option<u64> {
    let mut before = 0u64;
    for (name, count) in FILES.into_iter().zip(lines) {
        if name == file {
            return number.checked_sub(1).filter(|&at| at < count)?.checked_add(before);
        }
        before = before.checked_add(count)?;
    }
    None
}

/// Proves lines of a party's sealed day.
pub struct Prover<'a> {
    seal: &'a PartySeal,
    suite: Suite,
    key: PartyKey,
    folder: PathBuf,
    tree: PartyTree,
    /// The run that was proved last: lines next to each other are mostly asked for together.
    run: Option<Run>,
}

struct Run {
    number: u64,
    lines: Vec<Vec<u8>>,
    levels: Levels,
}

impl<'a> Prover<'a> {
    /// `folder`: the party's published files; `seal`: its seal, whose place is known where the house's nodes are to be used.
    ///
    /// # Errors
    /// When the files cannot be read or the seal cannot be used.
    pub fn new(folder: &Path, seal: &'a PartySeal, seal_path: Option<&Path>) -> Result<Self, SettleError> {
        let unusable = |error: ProofError| SettleError::Published { path: folder.to_owned(), difference: error.to_string() };
        let suite = seal.suite().map_err(unusable)?;
        let key = seal.key.as_deref().and_then(|key| PartyKey::of_text(suite, key)).ok_or_else(|| unusable(ProofError::Digits))?;
        let stored = seal_path.and_then(|path| std::fs::read(nodes_path(path)).ok());
        let tree = match stored.and_then(|bytes| PartyTree::of_bytes(suite, &bytes)) {
            Some(tree) => tree,
            None => PartyTree::of_folder(suite, folder, &key)?,
        };
        let prover = Self { seal, suite, key, folder: folder.to_owned(), tree, run: None };
        if prover.tree.lines != seal.lines() || hex(&prover.tree.levels.root()) != seal.root {
            return Err(prover.otherwise());
        }
        Ok(prover)
    }

    fn otherwise(&self) -> SettleError {
        SettleError::Published { path: self.folder.clone(), difference: "its lines are not those that were sealed".to_owned() }
    }

    /// Proves a line of a file: `number` counts from 1 behind the header row.
    ///
    /// # Errors
    /// When there is no such line, or the published files are not those that were sealed.
    pub fn prove(&mut self, file: &str, number: u64) -> Result<LineProof, SettleError> {
        let index = index_of(file, number, self.tree.lines);
        let index = index.ok_or_else(|| SettleError::NoLine { path: self.folder.join(file), line: number })?;
        let wanted = index / RUN_LINES;
        let run = match self.run.take().filter(|run| run.number == wanted) {
            Some(run) => run,
            None => self.read_run(wanted)?,
        };
        let within = usize::try_from(index % RUN_LINES).expect("a place in a run");
        let line = run.lines.get(within).ok_or_else(|| self.otherwise())?;
        let mut path: Vec<Hash> = run.levels.path(within);
        path.extend(self.tree.levels.path(usize::try_from(wanted).expect("runs are in memory")));
        let proof = LineProof {
            format: PROOF_FORMAT.to_owned(),
            day: self.seal.checkpoint.day.clone(),
            party: self.seal.party.clone(),
            file: file.to_owned(),
            number,
            line: String::from_utf8_lossy(line).into_owned(),
            salt: hex(&self.key.salt(index)),
            path: of_path(&path),
        };
        self.run = Some(run);
        // Files or nodes may have changed since the seal: what does not hold is not handed out.
        proof.check(self.seal).map_err(|_| self.otherwise())?;
        Ok(proof)
    }

    fn read_run(&self, number: u64) -> Result<Run, SettleError> {
        let first = number * RUN_LINES;
        let all: u64 = self.tree.lines.iter().sum();
        let count = RUN_LINES.min(all - first);
        let start = usize::try_from(number).ok().and_then(|number| self.tree.starts.get(number));
        let start = *start.ok_or_else(|| self.otherwise())?;
        let [detail, adjustments] = FILES.map(|name| self.folder.join(name));
        let mut lines = Vec::new();
        if start < self.tree.first_bytes {
            lines = read_lines(&detail, start, count)?;
            let missing = count.saturating_sub(lines.len() as u64);
            if missing > 0 {
                // Behind the header row.
                lines.extend(read_lines(&adjustments, 0, missing + 1)?.into_iter().skip(1));
            }
        } else {
            lines.extend(read_lines(&adjustments, start - self.tree.first_bytes, count)?);
        }
        let leaves = lines.iter().zip(first..).map(|(line, index)| blinded(self.suite, &self.key.salt(index), line)).collect();
        Ok(Run { number, lines, levels: Levels::over(self.suite, leaves) })
    }
}

fn read_lines(path: &Path, start: u64, count: u64) -> Result<Vec<Vec<u8>>, SettleError> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let lines = BufReader::new(file).split(b'\n').take(usize::try_from(count).expect("a run's lines"));
        lines.collect::<std::io::Result<Vec<_>>>()
    };
    read().map_err(SettleError::file("cannot read", path))
}
