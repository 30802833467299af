//! Seals: a published day committed to, so that a bank can show that a line was in it and that no day before was rewritten.
//!
//! Lines are the leaves of their party's tree, parties those of the day's, days those of a log that only grows; the log's
//! root is signed. What a party is given is of its own lines alone: leaves are blinded by a key of its own per day, because
//! amounts are few and could be guessed from hashes. Texts that are hashed are described in `docs/proofs.md`; what is
//! hashed is what was published, never what a ledger says that it should be.

pub(crate) mod checkpoint;
pub(crate) mod copies;
mod letters;
pub(crate) mod line;
mod nodes;
mod party;
pub(crate) mod suite;
mod tree;
pub(crate) mod verify;

use crate::sink::hex;
use crate::{House, MANIFESTS, SettleError};
use checkpoint::{Checkpoint, GrowthProof};
use domain::{Day, Suite};
use ledger::Ledger;
use letters::{of_digits, of_path};
use party::{PartyKey, PartyTree};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use suite::Signer;
use tree::Hash;
use verify::{FORMAT, PartySeal, day_leaf};

/// The folder of seals, beside the published days.
const FOLDER: &str = "seals";
/// The house's own file among the parties': it names no amount, but is of no use to anybody else.
const HOUSE_FILE: &str = ".days.json";
const HOUSE_FORMAT: &str = "tapclear-log-2";

/// The log up to a day: the house's own file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    format: String,
    checkpoint: Checkpoint,
    leaves: Vec<String>,
}

/// A sealed day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub folder: PathBuf,
    pub parties: u64,
    pub lines: u64,
    pub days: u64,
    pub log_root: String,
    pub public_key: String,
    pub suite: Suite,
    /// It was there already, and is the same.
    pub repeated: bool,
}

/// Where a party's seal of a day is.
#[must_use]
pub fn seal_path(out: &Path, day: &str, party: &str) -> PathBuf {
    out.join(FOLDER).join(day).join(format!("{party}.json"))
}

/// Where the house keeps the nodes of the tree under a seal.
fn nodes_path(seal: &Path) -> PathBuf {
    let name = seal.file_stem().unwrap_or_default().to_string_lossy();
    seal.with_file_name(format!(".{name}.nodes"))
}

/// Seals a day as it is published in `out`: every file that it commits to must be the one that the ledger keeps the digest
/// of. Days are sealed in their order, each once; again, the same comes out.
///
/// # Errors
/// When the day is not settled, the one before is not sealed, a published file was changed, or a file cannot be written.
///
/// # Panics
/// When a hashing thread panics.
pub fn seal(ledger: &Ledger, day: Day, house: &House<'_>, out: &Path, workers: usize) -> Result<Sealed, SettleError> {
    let at = ledger.days().iter().position(|info| info.day == day).ok_or(SettleError::UnknownDay(day))?;
    let kept = ledger.checkpoint(MANIFESTS, &crate::settle::checkpoint_key(day)).map_err(|error| SettleError::Ledger(Box::new(error)))?;
    let kept = kept.ok_or(SettleError::NotClosed(day))?;
    let text = String::from_utf8_lossy(&kept);
    let members: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let suite = house.suite;
    let (sequence, count) = (at as u64 + 1, members.len() as u64);
    let mut log = match at.checked_sub(1).and_then(|before| ledger.days().get(before)) {
        None => Vec::new(),
        Some(before) => {
            let (signed, leaves) = log_of(out, before.day)?;
            if signed.suite != suite.name() {
                let difference = format!("the days before are sealed with the suite {}, and a log has one", signed.suite);
                return Err(SettleError::Published { path: out.join(FOLDER), difference });
            }
            leaves
        }
    };
    let day_text = day.to_string();
    let trees = every(&members, workers, |&(party, manifest)| {
        let key = PartyKey::of(suite, &house.pseudonym_key, &day_text, party);
        PartyTree::published(suite, &out.join(&day_text).join(party), &key, manifest).map(|(tree, totals)| (key, tree, totals))
    })?;
    let signer = Signer::of(suite, &house.pseudonym_key);
    let unsigned = Checkpoint {
        suite: suite.name().to_owned(),
        hub: String::new(),
        day: day_text.clone(),
        days: sequence,
        log_root: String::new(),
        signature: String::new(),
    };
    let mut seals: Vec<PartySeal> = members
        .iter()
        .zip(&trees)
        .zip(0..)
        .map(|(((party, _), (key, tree, totals)), place)| PartySeal {
            format: FORMAT.to_owned(),
            party: (*party).to_owned(),
            detail_lines: tree.lines[0],
            adjustment_lines: tree.lines[1],
            debit_minor: totals.debit_minor,
            credit_minor: totals.credit_minor,
            root: hex(&tree.levels.root()),
            manifest: hex(&totals.manifest),
            blind: hex(&key.blind()),
            key: Some(key.text()),
            place,
            parties: count,
            day_path: String::new(),
            day_root: String::new(),
            log_path: String::new(),
            previous_root: None,
            previous_path: String::new(),
            checkpoint: unsigned.clone(),
        })
        .collect();
    let leaves: Vec<Hash> = seals.iter().map(|seal| seal.leaf(suite)).collect();
    let day_root = hex(&tree::root(suite, &leaves));
    let before = log.len();
    log.push(day_leaf(suite, &day_text, sequence, count, &day_root));
    let log_root = tree::root(suite, &log);
    let checkpoint = Checkpoint::sign(suite, &signer, &house.symbols.text(house.hub), &day_text, sequence, &log_root);
    let previous = log.get(..before).filter(|earlier| !earlier.is_empty());
    for (seal, place) in seals.iter_mut().zip(0..) {
        seal.day_path = of_path(&tree::path(suite, &leaves, place));
        seal.day_root.clone_from(&day_root);
        seal.log_path = of_path(&tree::path(suite, &log, before));
        seal.previous_root = previous.map(|earlier| hex(&tree::root(suite, earlier)));
        seal.previous_path = previous.map(|earlier| of_path(&tree::since(suite, &log, earlier.len()))).unwrap_or_default();
        seal.checkpoint.clone_from(&checkpoint);
    }
    let lines = seals.iter().map(|seal| seal.detail_lines + seal.adjustment_lines).sum();
    let kept = Log { format: HOUSE_FORMAT.to_owned(), checkpoint, leaves: log.iter().map(|leaf| hex(leaf)).collect() };
    let nodes: Vec<Vec<u8>> = trees.iter().map(|(_, tree, _)| tree.to_bytes()).collect();
    let folder = out.join(FOLDER).join(&day_text);
    let repeated = keep(&folder, &seals, &nodes, &kept)?;
    Ok(Sealed { folder, parties: count, lines, days: sequence, log_root: hex(&log_root), public_key: signer.public_key(), suite, repeated })
}

/// Proves that the log of a sealed day goes on from that of an earlier one.
///
/// # Errors
/// When one of the days is not sealed, or they are not one after the other in one log.
pub fn prove_growth(out: &Path, from: Day, to: Day) -> Result<GrowthProof, SettleError> {
    let (earlier, before) = log_of(out, from)?;
    let (later, leaves) = log_of(out, to)?;
    let same = earlier.suite == later.suite && leaves.starts_with(&before);
    let suite = Suite::ALL.into_iter().find(|suite| same && suite.name() == later.suite);
    suite.and_then(|suite| GrowthProof::new(suite, earlier, later, &leaves)).ok_or_else(|| SettleError::Published {
        path: out.join(FOLDER).join(to.to_string()),
        difference: format!("its log does not go on from that of {from}"),
    })
}

/// What was signed of a sealed day, and the log's leaves up to it.
fn log_of(out: &Path, day: Day) -> Result<(Checkpoint, Vec<Hash>), SettleError> {
    let path = out.join(FOLDER).join(day.to_string()).join(HOUSE_FILE);
    let bytes = std::fs::read(&path).map_err(SettleError::file("cannot read (days are sealed in their order)", &path))?;
    let log: Option<Log> = serde_json::from_slice(&bytes).ok();
    let damaged = || SettleError::Published { path: path.clone(), difference: "it is no log of sealed days".to_owned() };
    let log = log.filter(|log| log.format == HOUSE_FORMAT).ok_or_else(damaged)?;
    let leaves: Vec<Hash> = log.leaves.iter().map(|leaf| of_digits(leaf)).collect::<Option<_>>().ok_or_else(damaged)?;
    let suite = Suite::ALL.into_iter().find(|suite| suite.name() == log.checkpoint.suite).ok_or_else(damaged)?;
    if hex(&tree::root(suite, &leaves)) != log.checkpoint.log_root {
        return Err(damaged());
    }
    Ok((log.checkpoint, leaves))
}

/// Writes a day's seals as a whole or not at all. A day that is sealed already must be the same; its nodes are derived, and
/// made anew where they are not.
fn keep(folder: &Path, seals: &[PartySeal], nodes: &[Vec<u8>], log: &Log) -> Result<bool, SettleError> {
    let parent = folder.parent().unwrap_or(folder);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent.join(format!(".{name}.tmp"));
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| SettleError::Scheme(error.to_string()));
    let mut files = vec![(HOUSE_FILE.to_owned(), json(serde_json::to_vec(log))?)];
    for seal in seals {
        let mut line = json(serde_json::to_vec(seal))?;
        line.push(b'\n');
        files.push((format!("{}.json", seal.party), line));
    }
    let nodes = seals.iter().zip(nodes).map(|(seal, bytes)| (nodes_path(&folder.join(format!("{}.json", seal.party))), bytes));
    if folder.exists() {
        for (name, bytes) in files {
            let path = folder.join(name);
            if std::fs::read(&path).map_err(SettleError::file("cannot read", &path))? != bytes {
                return Err(SettleError::Published { path, difference: "the day was sealed with other content".to_owned() });
            }
        }
        for (path, bytes) in nodes {
            if std::fs::read(&path).ok().as_ref() != Some(bytes) {
                let beside = path.with_extension("tmp");
                std::fs::write(&beside, bytes).map_err(SettleError::file("cannot write", &beside))?;
                std::fs::rename(&beside, &path).map_err(SettleError::file("cannot write", &path))?;
            }
        }
        return Ok(true);
    }
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(SettleError::file("cannot remove", &draft))?;
    }
    std::fs::create_dir_all(&draft).map_err(SettleError::file("cannot create", &draft))?;
    let named = nodes.map(|(path, bytes)| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes.clone()));
    for (name, bytes) in files.into_iter().chain(named) {
        let path = draft.join(name);
        std::fs::write(&path, bytes).map_err(SettleError::file("cannot write", &path))?;
    }
    let opened = File::open(&draft).map_err(SettleError::file("cannot open", &draft))?;
    rustix::fs::syncfs(&opened).map_err(|error| SettleError::file("cannot sync", &draft)(error.into()))?;
    std::fs::rename(&draft, folder).map_err(SettleError::file("cannot publish", folder))?;
    let opened = File::open(parent).map_err(SettleError::file("cannot open", parent))?;
    opened.sync_all().map_err(SettleError::file("cannot sync", parent))?;
    Ok(false)
}

/// Applies `work` to every item on some threads; results in the items' order.
fn every<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> Result<R, SettleError> + Sync) -> Result<Vec<R>, SettleError> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return Ok(done) };
            done.push((at, work(item)?));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(run)).collect();
        let joined = threads.into_iter().map(|thread| thread.join().expect("a hashing thread does not panic"));
        joined.collect::<Result<Vec<_>, SettleError>>().map(|parts| parts.into_iter().flatten().collect::<Vec<_>>())
    })?;
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
