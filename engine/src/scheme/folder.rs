//! The folder of a scheme: its files as texts, and one digest over all of them.
//!
//! Files that steer nothing here (mappings `map*.toml`, notes) are left out of the digest; every other `.toml` and `.csv`
//! file of the folder and of `tariff/` is in it, whatever it is called.

use super::guess::hint;
use crate::mistake::Mistakes;
use std::io;
use std::path::{Path, PathBuf};

/// The files that a scheme may have beside its `tariff/` folder.
pub const FILES: [&str; 10] =
    ["scheme.toml", "parties.csv", "terminals.csv", "locations.csv", "travel.csv", "cards.csv", "hotlist.csv", "calendar.csv", "fees.toml", "keys.toml"];

/// The text of a file without a byte-order mark. `None` where it is missing or cannot be read; a missing file is a mistake
/// only where `missing_hint` says what to do about it.
#[must_use]
pub fn text_of(dir: &Path, file: &str, missing_hint: Option<&str>, mistakes: &mut Mistakes) -> Option<String> {
    let bytes = match std::fs::read(dir.join(file)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(todo) = missing_hint {
                mistakes.add(file, None, "this file is missing", Some(todo));
            }
            return None;
        }
        Err(error) => {
            mistakes.add(file, None, format!("cannot be read: {error}"), None);
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = u32::try_from(memchr::memchr_iter(b'\n', before).count()).map_or(u32::MAX, |lines| lines.saturating_add(1));
            mistakes.add(file, Some(line), "is not UTF-8 text here", Some("save the file as UTF-8"));
            None
        }
    }
}

/// Reports files whose names are nearly those of a scheme: such a file would silently not be read.
pub fn check_names(dir: &Path, mistakes: &mut Mistakes) {
    for (name, _) in listed(dir) {
        let known = FILES.contains(&name.as_str());
        if !known && let Some(meant) = super::guess::nearest(&name, FILES).filter(|meant| !dir.join(meant).exists()) {
            mistakes.add(&name, None, "is not a file of a scheme", Some(&hint(&name, [meant], "")));
        }
    }
}

/// BLAKE3 over the scheme's files: for each, in name order, the name and the bytes, each with its length before it.
///
/// # Errors
/// When a file cannot be read.
pub fn digest(dir: &Path) -> io::Result<[u8; 32]> {
    let mut files: Vec<(String, PathBuf)> =
        listed(dir).into_iter().chain(listed(&dir.join("tariff")).into_iter().map(|(name, path)| (format!("tariff/{name}"), path))).collect();
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for (name, path) in files {
        let bytes = std::fs::read(path)?;
        for part in [name.as_bytes(), &bytes] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

/// The `.toml` and `.csv` files of a folder, mappings left out.
fn listed(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, path)| {
            let counted = [".toml", ".csv"].iter().any(|ending| name.ends_with(ending));
            counted && !name.starts_with('.') && !name.starts_with("map") && path.is_file()
        })
        .collect()
}
