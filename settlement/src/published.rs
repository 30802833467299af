//! A published day held against the ledger, file by file. It needs no scheme: the journal keeps the digest over the day's
//! manifests, each manifest the digests of its party's files, and the reports on uploads follow from the ledger alone.
//!
//! Nothing is written, and no file is looked at that is not below the day's folder.

use crate::SettleError;
use crate::book::{manifests_of, storage, uploads_of};
use crate::digest::NamedDigest;
use crate::settle::{Anchor, anchor_json};
use crate::shelf::digest;
use crate::uploads::reports;
use domain::{Day, Suite};
use ledger::{DayInfo, DayState, Head, Ledger};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file of a published day that is not what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub path: PathBuf,
    pub what: String,
}

#[derive(Deserialize)]
struct ManifestView {
    files: Vec<FileView>,
}

/// What a manifest says of a file.
#[derive(Deserialize)]
pub(crate) struct FileView {
    pub name: String,
    size: u64,
    sha256: Option<String>,
    sm3: Option<String>,
}

impl FileView {
    /// None where it names no digest that is known.
    pub fn digest(&self) -> Option<NamedDigest> {
        let sha256 = self.sha256.clone().map(NamedDigest::Sha256);
        sha256.or_else(|| self.sm3.clone().map(NamedDigest::Sm3))
    }

    /// Whether this is the file there, its digest one of the suite.
    pub fn is_at(&self, path: &Path, suite: Suite) -> bool {
        let named = self.digest().filter(|digest| digest.suite() == suite);
        named.is_some_and(|named| matches!(digest_of(path, suite), Ok(Some(found)) if found == (self.size, named)))
    }
}

#[derive(Deserialize)]
struct AnchorView {
    height: u64,
    hash: String,
}

/// The parties that have files of a day, in their order; none where it is not settled.
///
/// # Errors
/// When the ledger cannot be read.
pub fn receivers(ledger: &Ledger, day: Day) -> Result<Vec<String>, SettleError> {
    Ok(manifests_of(ledger, day)?.into_keys().collect())
}

/// Everything in which `<out>/<day>` differs from what was published; nothing where it is whole.
///
/// # Errors
/// When the day is not settled, the ledger cannot be read, or a file that is there cannot.
pub fn check_published(ledger: &Ledger, day: Day, out: &Path) -> Result<Vec<Changed>, SettleError> {
    let info = ledger.day(day).ok_or(SettleError::UnknownDay(day))?;
    if info.state != DayState::Settled {
        return Err(SettleError::NotClosed(day));
    }
    let place = out.join(day.to_string());
    let mut changed = Vec::new();
    let mut due = BTreeSet::new();
    let manifests = manifests_of(ledger, day)?;
    let list: String = manifests.iter().flat_map(|(party, digest)| [party, " ", digest, "\n"]).collect();
    if info.manifests != Some(Sha256::digest(list).into()) {
        changed.push(Changed { path: place.clone(), what: "the ledger's list of its manifests is not the one of the journal".to_owned() });
    }
    for (party, kept) in manifests {
        let folder = place.join(&party);
        let path = folder.join("manifest.json");
        let bytes = read(&path)?;
        if let Some(bytes) = bytes.filter(|bytes| NamedDigest::kept(bytes, &kept).is_some()) {
            let manifest: ManifestView = serde_json::from_slice(&bytes).map_err(|error| SettleError::Scheme(error.to_string()))?;
            for file in manifest.files {
                let path = folder.join(&file.name);
                let same = match file.digest() {
                    Some(digest) => digest_of(&path, digest.suite())? == Some((file.size, digest)),
                    None => false,
                };
                if !same {
                    changed.push(Changed { path: path.clone(), what: "it is not the file that its manifest names".to_owned() });
                }
                due.insert(path);
            }
        } else {
            changed.push(Changed { path: path.clone(), what: "it is not the manifest that the ledger names".to_owned() });
        }
        due.insert(path);
    }
    for (path, what) in told(ledger, info, &place)? {
        if let Some(what) = what {
            changed.push(Changed { path: path.clone(), what: what.to_owned() });
        }
        due.insert(path);
    }
    for path in files_below(&place)?.into_iter().filter(|path| !due.contains(path)) {
        changed.push(Changed { path, what: "it was not published with the day".to_owned() });
    }
    changed.sort_by(|one, next| one.path.cmp(&next.path));
    Ok(changed)
}

/// The files that tell how records arrived and where the journal stood, which no manifest names: each with what is wrong
/// with it.
pub(crate) fn told(ledger: &Ledger, info: &DayInfo, place: &Path) -> Result<Vec<(PathBuf, Option<&'static str>)>, SettleError> {
    let mut found = Vec::new();
    for (sender, (csv, _)) in reports(&uploads_of(ledger, info)?) {
        let path = place.join("intake").join(sender).join("uploads.csv");
        let same = read(&path)?.is_some_and(|bytes| bytes == csv);
        found.push((path, (!same).then_some("it does not say what the ledger says of the uploads")));
    }
    let path = place.join("anchor.json");
    let named = read(&path)?.and_then(|bytes| {
        let view: AnchorView = serde_json::from_slice(&bytes).ok()?;
        let hash = *bytes_of_hex(&view.hash)?.first_chunk::<32>()?;
        let as_written = anchor_json(info.day, Anchor { height: view.height, hash }).ok()? == bytes;
        as_written.then_some(Head { height: view.height, hash })
    });
    let holds = match named {
        // It was written once the day was closed.
        Some(head) => head.height >= info.closed_height && ledger.holds(head).map_err(storage)?,
        None => false,
    };
    found.push((path, (!holds).then_some("it does not name a block of this journal behind the day's close")));
    Ok(found)
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    digits.map(|digits| digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The bytes of a file, where there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>, SettleError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(SettleError::file("cannot read", path)),
    }
}

fn digest_of(path: &Path, suite: Suite) -> Result<Option<(u64, NamedDigest)>, SettleError> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.and_then(|file| digest(file, suite)).map(Some).map_err(SettleError::file("cannot read", path)),
    }
}

/// All files in a folder and in those below it.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, SettleError> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(SettleError::file("cannot list", &next))?,
        };
        for entry in entries {
            let path = entry.map_err(SettleError::file("cannot list", &next))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}
