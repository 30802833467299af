//! A disk that exists only in memory: what was not synced is lost, torn or mixed when its power goes, a failed sync leaves
//! pages that look clean, and bytes rot. The ledger's own protocol runs on it through the traits of `ledger::storage`.
//!
//! The database on it is the plainest that could work: a log of whole batches, read from its beginning at every open. As
//! RocksDB does, it drops a torn batch at the log's end in silence and refuses one that is damaged before it.

use crate::dice::Dice;
use ledger::LedgerError;
use ledger::storage::{AnchorFile, Batch, Database, Found, KeyValue, Manifest, Storage, Value};
use parking_lot::{Mutex, RwLock};
use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a disk writes as a whole or not at all: less than a slot of the anchor.
const GRAIN: usize = 64;
/// A batch in the log begins with its length, is followed by a digest, and fills whole grains: a torn one is torn between
/// them.
const LENGTH_LEN: usize = 4;
const DIGEST_LEN: usize = 32;

/// How a call that changes the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// The power goes, or the process is killed, before it or in its middle.
    Cut,
    /// It fails once.
    Fail,
    /// It fails, and so does everything after it until the process ends.
    FailOn,
    /// From here on there is no room.
    Full,
}

/// A file as a process sees it, and as it would be after a loss of power.
#[derive(Clone, Default)]
struct File {
    there: bool,
    /// Its name is durable.
    named: bool,
    now: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: later ones say yes and do nothing.
    lost: bool,
}

impl File {
    fn write(&mut self, bytes: &[u8], at: usize) {
        self.now.resize(self.now.len().max(at + bytes.len()), 0);
        self.now[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn sync(&mut self) {
        if !self.lost {
            self.durable.clone_from(&self.now);
        }
    }

    /// What is left of it when the power goes: of every grain that was not synced, the old or the new.
    fn lose_power(&mut self, dice: &mut Dice) {
        let (short, long) = (self.now.len().min(self.durable.len()), self.now.len().max(self.durable.len()));
        let len = if short == long { long } else { short + below(dice, long - short + 1) };
        let mut left = vec![0; len];
        for (grain, place) in left.chunks_mut(GRAIN).zip((0..).step_by(GRAIN)) {
            let from = if dice.permille(500) { &self.now } else { &self.durable };
            let there = from.get(place..from.len().min(place + grain.len())).unwrap_or_default();
            grain[..there.len()].copy_from_slice(there);
        }
        if self.now == self.durable {
            left.clone_from(&self.durable);
        }
        self.there &= self.named || dice.permille(300);
        self.now.clone_from(&left);
        self.durable = left;
        self.lost = false;
    }
}

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.roll() % bound as u64).expect("small")
}

#[derive(Clone, Default)]
struct Files {
    anchor: File,
    log: File,
    /// The number of the manifest.
    manifest: File,
}

struct Platter {
    files: Files,
    dice: Dice,
    /// Calls that changed it since it was started.
    calls: u64,
    strike: Option<(u64, Strike)>,
    /// What has struck since it was started.
    struck: Option<Strike>,
    dead: bool,
    full: bool,
    trace: blake3::Hasher,
    all_calls: u64,
}

impl Platter {
    /// Counts a call. What strikes it may do `half` of it first.
    fn call(&mut self, what: &str, bytes: &[u8], half: impl FnOnce(&mut Files, &mut Dice)) -> std::io::Result<()> {
        let failed = |why: &str| Err(std::io::Error::other(why.to_owned()));
        if self.dead {
            return failed("the simulated disk is off");
        }
        self.calls += 1;
        self.all_calls += 1;
        self.trace.update(what.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        let Some((at, strike)) = self.strike.filter(|(at, _)| *at <= self.calls) else { return Ok(()) };
        if strike == Strike::Full {
            (self.full, self.struck) = (true, Some(strike));
            return Ok(());
        }
        if at < self.calls && strike == Strike::Fail {
            return Ok(());
        }
        self.struck = Some(strike);
        self.dead = strike == Strike::Cut;
        if self.dice.permille(500) {
            half(&mut self.files, &mut self.dice);
        }
        failed("the simulated disk fails")
    }

    fn sync(&mut self, what: &str, file: impl Fn(&mut Files) -> &mut File) -> std::io::Result<()> {
        // A sync that fails may have done its work, or leaves pages that look clean.
        self.call(what, &[], |files, dice| if dice.permille(500) { file(files).sync() } else { file(files).lost = true })?;
        file(&mut self.files).sync();
        Ok(())
    }

    fn write(&mut self, what: &str, bytes: &[u8], at: usize, file: impl Fn(&mut Files) -> &mut File) -> std::io::Result<()> {
        self.call(what, bytes, |files, dice| file(files).write(&bytes[..below(dice, bytes.len() + 1)], at))?;
        file(&mut self.files).write(bytes, at);
        Ok(())
    }
}

/// The disk; all who hold it hold the same one.
#[derive(Clone)]
pub struct Disk {
    folder: PathBuf,
    platter: Arc<Mutex<Platter>>,
}

/// How a disk was at some time.
pub struct Kept(Files);

/// What happens to bytes that were durable.
#[derive(Clone, Copy, Debug)]
pub enum Rot {
    Cut,
    Flip,
    Older,
    OlderAnchor,
    NoAnchor,
    NoLog,
}

pub const ROTS: [Rot; 6] = [Rot::Cut, Rot::Flip, Rot::Older, Rot::OlderAnchor, Rot::NoAnchor, Rot::NoLog];

impl Disk {
    pub fn new(seed: u64) -> Self {
        let (files, dice, trace) = (Files::default(), Dice::new(seed), blake3::Hasher::new());
        let platter = Platter { files, dice, calls: 0, strike: None, struck: None, dead: false, full: false, trace, all_calls: 0 };
        Self { folder: PathBuf::from("simulated"), platter: Arc::new(Mutex::new(platter)) }
    }

    /// Starts it for a new process; its `at`th call is struck, if any.
    pub fn start(&self, strike: Option<(u64, Strike)>) {
        let mut platter = self.platter.lock();
        (platter.calls, platter.strike, platter.struck, platter.dead, platter.full) = (0, strike, None, false, false);
    }

    pub fn struck(&self) -> Option<Strike> {
        self.platter.lock().struck
    }

    /// The power goes; a process that was struck by it has ended.
    pub fn lose_power(&self) {
        let Platter { files, dice, .. } = &mut *self.platter.lock();
        for file in [&mut files.anchor, &mut files.log, &mut files.manifest] {
            file.lose_power(dice);
        }
    }

    pub fn keep(&self) -> Kept {
        Kept(self.platter.lock().files.clone())
    }

    pub fn go_back(&self, kept: &Kept) {
        self.platter.lock().files = kept.0.clone();
    }

    /// Damages what was durable; `old` is the disk as it was before.
    pub fn rot(&self, rot: Rot, old: &Kept) {
        let Platter { files, dice, .. } = &mut *self.platter.lock();
        let (log, anchor) = (&mut files.log, &mut files.anchor);
        match rot {
            Rot::Cut => log.now.truncate(below(dice, log.now.len() + 1)),
            Rot::Flip if !log.now.is_empty() => {
                let at = below(dice, log.now.len());
                log.now[at] ^= 1 << below(dice, 8);
            }
            Rot::Flip => {}
            Rot::Older => log.now.clone_from(&old.0.log.now),
            Rot::OlderAnchor => anchor.now.clone_from(&old.0.anchor.now),
            Rot::NoAnchor => anchor.there = false,
            Rot::NoLog => log.now.clear(),
        }
        for file in [log, anchor] {
            file.durable.clone_from(&file.now);
        }
    }

    /// A line of what happens outside the disk, for the trace.
    pub fn note(&self, what: &str) {
        self.platter.lock().trace.update(what.as_bytes());
        if std::env::var_os("SIMULATE_TRACE").is_some() {
            println!("{what}");
        }
    }

    /// Everything that was done to it so far, in a digest, and how many calls that were.
    pub fn trace(&self) -> (String, u64) {
        let platter = self.platter.lock();
        (platter.trace.finalize().to_hex().to_string(), platter.all_calls)
    }

    /// What a loss of power now would leave at least: whether the log holds this block.
    pub fn holds_durably(&self, height: u64) -> bool {
        let files = self.platter.lock().files.clone();
        files.log.named
            && tables(&files.log.durable).is_ok_and(|(tables, _)| tables.get("journal").is_some_and(|rows| rows.contains_key(&height.to_be_bytes()[..])))
    }
}

impl Storage for Disk {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn lock(&self) -> Result<Box<dyn Any + Send + Sync>, LedgerError> {
        Ok(Box::new(()))
    }

    fn free_bytes(&self) -> Result<u64, LedgerError> {
        Ok(if self.platter.lock().full { 0 } else { u64::MAX })
    }

    fn read_anchor(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        let platter = self.platter.lock();
        Ok(platter.files.anchor.there.then(|| platter.files.anchor.now.clone()))
    }

    fn create_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError> {
        let mut platter = self.platter.lock();
        platter.call("make the anchor", &[], |files, _| files.anchor.there = true)?;
        platter.files.anchor = File { there: true, named: platter.files.anchor.named, ..File::default() };
        Ok(Box::new(self.clone()))
    }

    fn open_anchor(&self) -> Result<Box<dyn AnchorFile>, LedgerError> {
        self.platter.lock().files.anchor.lost = false;
        Ok(Box::new(self.clone()))
    }

    fn find_database(&self) -> Result<Found, LedgerError> {
        let platter = self.platter.lock();
        Ok(if platter.files.manifest.there { Found::Database(manifest(&platter.files)) } else { Found::Nothing })
    }

    fn open_database(&self, create: bool) -> Result<Box<dyn Database>, LedgerError> {
        let mut platter = self.platter.lock();
        if !platter.files.manifest.there && !create {
            return Err(LedgerError::Absent);
        }
        if !platter.files.log.there {
            platter.call("make the log", &[], |files, _| files.log.there = true)?;
            platter.files.log = File { there: true, ..File::default() };
        }
        let (tables, whole) = tables(&platter.files.log.now).map_err(failed)?;
        // What was found in the log is written anew: nothing hangs on pages that look clean.
        platter.files.log.lost = false;
        platter.call("cut the log", &[], |files, _| files.log.now.truncate(whole))?;
        platter.files.log.now.truncate(whole);
        platter.sync("sync the log", |files| &mut files.log)?;
        let number = manifest(&platter.files).number + 1;
        platter.files.manifest.there = true;
        platter.write("write the manifest", &number.to_le_bytes(), 0, |files| &mut files.manifest)?;
        Ok(Box::new(Opened { disk: self.clone(), tables: RwLock::new(tables) }))
    }

    fn read_database(&self) -> Result<Box<dyn Database>, LedgerError> {
        let (tables, _) = tables(&self.platter.lock().files.log.now).map_err(failed)?;
        Ok(Box::new(Opened { disk: self.clone(), tables: RwLock::new(tables) }))
    }

    fn sync_names(&self) -> Result<(), LedgerError> {
        let mut platter = self.platter.lock();
        platter.call("sync the names", &[], |_, _| {})?;
        let Files { anchor, log, manifest } = &mut platter.files;
        for file in [anchor, log, manifest] {
            file.named = file.there;
        }
        Ok(())
    }

    fn sync_manifest(&self) -> Result<Manifest, LedgerError> {
        let mut platter = self.platter.lock();
        platter.files.manifest.lost = false;
        platter.sync("sync the manifest", |files| &mut files.manifest)?;
        Ok(manifest(&platter.files))
    }
}

/// The manifest holds its number alone; a torn one is no older than the one before it.
fn manifest(files: &Files) -> Manifest {
    let number = files.manifest.now.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Manifest { number, bytes: 0, path: PathBuf::from("simulated/manifest") }
}

fn failed(what: &str) -> LedgerError {
    LedgerError::Folder(std::io::Error::other(what.to_owned()))
}

impl AnchorFile for Disk {
    fn write_at(&mut self, bytes: &[u8], at: u64) -> std::io::Result<()> {
        let at = usize::try_from(at).expect("small");
        self.platter.lock().write("write the anchor", bytes, at, |files| &mut files.anchor)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.platter.lock().sync("sync the anchor", |files| &mut files.anchor)
    }
}

type Rows = BTreeMap<Box<[u8]>, Box<[u8]>>;
type Tables = BTreeMap<String, Rows>;
/// A family, a key, and the value that it gets; none where it is deleted.
type Change = (String, Box<[u8]>, Option<Box<[u8]>>);

struct Opened {
    disk: Disk,
    tables: RwLock<Tables>,
}

impl Database for Opened {
    fn get(&self, family: &str, key: &[u8]) -> Result<Option<Value<'_>>, LedgerError> {
        let found = self.tables.read().get(family).and_then(|rows| rows.get(key)).cloned();
        Ok(found.map(|value| Box::new(value) as Value<'_>))
    }

    fn scan<'d>(&'d self, family: &str, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<KeyValue, LedgerError>> + 'd> {
        let tables = self.tables.read();
        let rows = tables.get(family).into_iter().flat_map(|rows| rows.range::<[u8], _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded)));
        let rows: Vec<_> = rows.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, value)| Ok((key.clone(), value.clone()))).collect();
        Box::new(rows.into_iter())
    }

    fn last_key(&self, family: &str) -> Result<Option<Box<[u8]>>, LedgerError> {
        Ok(self.tables.read().get(family).and_then(|rows| rows.keys().next_back()).cloned())
    }

    fn batch(&self, _: usize) -> Box<dyn Batch + '_> {
        Box::new(Gathered { opened: self, changes: Vec::new() })
    }
}

struct Gathered<'d> {
    opened: &'d Opened,
    changes: Vec<Change>,
}

impl Batch for Gathered<'_> {
    fn put(&mut self, family: &str, key: &[u8], value: &[u8]) {
        self.changes.push((family.to_owned(), key.into(), Some(value.into())));
    }

    fn delete(&mut self, family: &str, key: &[u8]) {
        self.changes.push((family.to_owned(), key.into(), None));
    }

    fn commit(self: Box<Self>) -> Result<(), LedgerError> {
        let payload = encoded(&self.changes);
        let mut platter = self.opened.disk.platter.lock();
        let at = platter.files.log.now.len();
        let length = u32::try_from(payload.len()).expect("small").to_le_bytes();
        let mut record = [&length[..], &payload, blake3::hash(&payload).as_bytes()].concat();
        record.resize(record.len().next_multiple_of(GRAIN), 0);
        platter.write("write a batch", &record, at, |files| &mut files.log)?;
        platter.sync("sync the log", |files| &mut files.log)?;
        drop(platter);
        apply(&mut self.opened.tables.write(), self.changes);
        Ok(())
    }
}

fn apply(tables: &mut Tables, changes: Vec<Change>) {
    for (family, key, value) in changes {
        let rows = tables.entry(family).or_default();
        match value {
            Some(value) => drop(rows.insert(key, value)),
            None => drop(rows.remove(&key)),
        }
    }
}

/// Texts with their lengths: family, key, and the value where there is one.
fn encoded(changes: &[Change]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (family, key, value) in changes {
        for text in [Some(family.as_bytes()), Some(key), value.as_deref()] {
            let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).expect("small"));
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text.unwrap_or_default());
        }
    }
    bytes
}

fn decoded(mut bytes: &[u8]) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let mut text = || {
            let (length, rest) = bytes.split_first_chunk::<4>()?;
            let length = Some(u32::from_le_bytes(*length)).filter(|length| *length != u32::MAX);
            let (text, rest) = rest.split_at_checked(length.unwrap_or(0) as usize)?;
            bytes = rest;
            Some(length.map(|_| text))
        };
        let (family, key, value) = (text()??, text()??, text()?);
        changes.push((String::from_utf8(family.to_vec()).ok()?, key.into(), value.map(Into::into)));
    }
    Some(changes)
}

/// What a log says, and how many of its bytes are whole batches.
fn tables(log: &[u8]) -> Result<(Tables, usize), &'static str> {
    let (mut tables, mut at) = (Tables::new(), 0);
    while at < log.len() {
        let rest = &log[at..];
        let Some(length) = rest.first_chunk::<LENGTH_LEN>().map(|bytes| u32::from_le_bytes(*bytes) as usize) else { break };
        let end = (LENGTH_LEN + length + DIGEST_LEN).next_multiple_of(GRAIN);
        let Some(record) = rest.get(..end).filter(|_| length > 0) else { break };
        let (payload, digest) = record[LENGTH_LEN..].split_at(length);
        if blake3::hash(payload).as_bytes() != &digest[..DIGEST_LEN] {
            if rest.len() == end {
                break;
            }
            return Err("a batch of the log is damaged");
        }
        apply(&mut tables, decoded(payload).ok_or("a batch of the log cannot be read")?);
        at += end;
    }
    Ok((tables, at))
}
