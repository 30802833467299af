//! Seals: a published day committed to, so that a bank can show that a line was in it and that no day before was rewritten.
//!
//! Lines are the leaves of their party's tree, parties those of the day's, days those of a log that only grows; the log's
//! root is signed. What a party is given is of its own lines alone: leaves are blinded by a key of its own per day, because
//! amounts are few and could be guessed from hashes. Texts that are hashed are described in `docs/proofs.md`; what is
//! hashed is what was published, never what a ledger says that it should be.

pub(crate) mod party;
pub(crate) mod tree;
pub(crate) mod verify;

use crate::sink::hex;
use crate::{House, MANIFESTS, SettleError};
use domain::Day;
use ed25519_dalek::{Signer, SigningKey};
use ledger::Ledger;
use party::{PartyKey, PartyLines};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tree::Hash;

/// What the signing key is derived for (BLAKE3's key derivation mode).
const SIGNING: &str = "tapclear 2026-11-25 signature of checkpoints";
pub(crate) const FORMAT: &str = "tapclear-seal-1";
/// The folder of seals, beside the published days.
const FOLDER: &str = "seals";
/// The house's own file among the parties': it names no amount, but is of no use to anybody else.
const HOUSE_FILE: &str = ".days.json";

/// What a party is given of a sealed day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartySeal {
    pub format: String,
    /// The clearing house, whose signature it is.
    pub hub: String,
    pub day: String,
    /// The day's number, from 1.
    pub sequence: u64,
    pub party: String,
    /// Blinds the party's leaves.
    pub key: String,
    pub lines: u64,
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// Of the party's lines.
    pub root: String,
    /// SHA-256 of the party's manifest.
    pub manifest: String,
    /// The party's place among the day's, from 0.
    pub place: u64,
    pub parties: u64,
    pub day_path: Vec<String>,
    pub day_root: String,
    /// Days in the log; this is the last.
    pub days: u64,
    pub log_path: Vec<String>,
    pub log_root: String,
    /// The log a day earlier, and that this one goes on from it. Nothing on the first day.
    pub previous_root: Option<String>,
    pub previous_path: Vec<String>,
    pub public_key: String,
    /// Ed25519 over the checkpoint's text.
    pub signature: String,
}

/// The log's leaves so far.
#[derive(Debug, Serialize, Deserialize)]
struct Log {
    format: String,
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
    /// It was there already, and is the same.
    pub repeated: bool,
}

/// The text that a checkpoint's signature is over.
pub(crate) fn checkpoint_text(hub: &str, days: u64, log_root: &str) -> String {
    format!("tapclear checkpoint 1\n{hub}\n{days}\n{log_root}\n")
}

pub(crate) fn day_leaf(day: &str, sequence: u64, parties: u64, day_root: &str) -> Hash {
    tree::leaf(&[format!("tapclear day 1\n{day}\n{sequence}\n{parties}\n{day_root}\n").as_bytes()])
}

pub(crate) fn party_leaf(seal: &PartySeal, key: &PartyKey) -> Hash {
    let PartySeal { day, party, lines, debit_minor, credit_minor, root, manifest, .. } = seal;
    let blind = hex(&key.salt(u64::MAX));
    tree::leaf(&[format!("tapclear party 1\n{day}\n{party}\n{lines}\n{debit_minor}\n{credit_minor}\n{root}\n{manifest}\n{blind}\n").as_bytes()])
}

pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    // One text for one hash: no other case, so that nothing in a proof can be changed unnoticed.
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes()).filter(|hash| hex(hash) == text)
}

pub(crate) fn texts(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| hex(hash)).collect()
}

/// Where a party's seal of a day is.
#[must_use]
pub fn seal_path(out: &Path, day: &str, party: &str) -> PathBuf {
    out.join(FOLDER).join(day).join(format!("{party}.json"))
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
    let mut log = match at.checked_sub(1).and_then(|before| ledger.days().get(before)) {
        None => Vec::new(),
        Some(before) => log_of(out, before.day)?,
    };
    let day_text = day.to_string();
    let parties = every(&members, workers, |&(party, manifest)| {
        let key = PartyKey::of(&house.pseudonym_key, &day_text, party);
        PartyLines::read(&out.join(&day_text).join(party), &key, Some(manifest)).map(|lines| (key, lines))
    })?;
    let signing = SigningKey::from_bytes(&blake3::derive_key(SIGNING, &house.pseudonym_key));
    let hub = house.symbols.text(house.hub).to_string();
    let (sequence, count) = (at as u64 + 1, members.len() as u64);
    let mut seals: Vec<PartySeal> = members
        .iter()
        .zip(&parties)
        .zip(0..)
        .map(|(((party, manifest), (key, lines)), place)| PartySeal {
            format: FORMAT.to_owned(),
            hub: hub.clone(),
            day: day_text.clone(),
            sequence,
            party: (*party).to_owned(),
            key: key.text(),
            lines: lines.leaves.len() as u64,
            debit_minor: lines.debit_minor,
            credit_minor: lines.credit_minor,
            root: hex(&tree::root(&lines.leaves)),
            manifest: (*manifest).to_owned(),
            place,
            parties: count,
            day_path: Vec::new(),
            day_root: String::new(),
            days: sequence,
            log_path: Vec::new(),
            log_root: String::new(),
            previous_root: None,
            previous_path: Vec::new(),
            public_key: hex(signing.verifying_key().as_bytes()),
            signature: String::new(),
        })
        .collect();
    let leaves: Vec<Hash> = seals.iter().zip(&parties).map(|(seal, (key, _))| party_leaf(seal, key)).collect();
    let day_root = hex(&tree::root(&leaves));
    let before = log.len();
    log.push(day_leaf(&day_text, sequence, count, &day_root));
    let log_root = hex(&tree::root(&log));
    let log_path = texts(&tree::path(&log, before));
    let signature = hex(&signing.sign(checkpoint_text(&hub, sequence, &log_root).as_bytes()).to_bytes());
    let previous = log.get(..before).filter(|earlier| !earlier.is_empty());
    for (seal, place) in seals.iter_mut().zip(0..) {
        seal.day_path = texts(&tree::path(&leaves, place));
        seal.day_root.clone_from(&day_root);
        seal.log_path.clone_from(&log_path);
        seal.log_root.clone_from(&log_root);
        seal.previous_root = previous.map(|earlier| hex(&tree::root(earlier)));
        seal.previous_path = previous.map(|earlier| texts(&tree::since(&log, earlier.len()))).unwrap_or_default();
        seal.signature.clone_from(&signature);
    }
    let folder = out.join(FOLDER).join(&day_text);
    let repeated = keep(&folder, &seals, &Log { format: FORMAT.to_owned(), leaves: texts(&log) })?;
    let public_key = hex(signing.verifying_key().as_bytes());
    let lines = parties.iter().map(|(_, lines)| lines.leaves.len() as u64).sum();
    Ok(Sealed { folder, parties: count, lines, days: sequence, log_root, public_key, repeated })
}

/// The log's leaves up to a sealed day.
fn log_of(out: &Path, day: Day) -> Result<Vec<Hash>, SettleError> {
    let path = out.join(FOLDER).join(day.to_string()).join(HOUSE_FILE);
    let bytes = std::fs::read(&path).map_err(SettleError::file("cannot read (days are sealed in their order)", &path))?;
    let log: Option<Log> = serde_json::from_slice(&bytes).ok();
    let damaged = || SettleError::Published { path: path.clone(), difference: "it is no log of sealed days".to_owned() };
    log.ok_or_else(damaged)?.leaves.iter().map(|leaf| hash_of(leaf)).collect::<Option<_>>().ok_or_else(damaged)
}

/// Writes a day's seals as a whole or not at all. A day that is sealed already must be the same.
fn keep(folder: &Path, seals: &[PartySeal], log: &Log) -> Result<bool, SettleError> {
    let parent = folder.parent().unwrap_or(folder);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let draft = parent.join(format!(".{name}.tmp"));
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| SettleError::Scheme(error.to_string()));
    let mut files = vec![(HOUSE_FILE.to_owned(), json(serde_json::to_vec(log))?)];
    for seal in seals {
        files.push((format!("{}.json", seal.party), json(serde_json::to_vec_pretty(seal))?));
    }
    if folder.exists() {
        for (name, bytes) in files {
            let path = folder.join(name);
            if std::fs::read(&path).map_err(SettleError::file("cannot read", &path))? != bytes {
                return Err(SettleError::Published { path, difference: "the day was sealed with other content".to_owned() });
            }
        }
        return Ok(true);
    }
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(SettleError::file("cannot remove", &draft))?;
    }
    std::fs::create_dir_all(&draft).map_err(SettleError::file("cannot create", &draft))?;
    for (name, bytes) in files {
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
