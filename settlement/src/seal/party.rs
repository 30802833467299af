//! A party's lines as leaves: each line of its detail and adjustments, blinded, in the order in which they stand.
//!
//! Files are read once, in pieces: their digests and the leaves are taken on the way. Of the tree, only the nodes over runs
//! of lines are kept; what is below is hashed again where a proof asks for it.

use super::letters::of_digits;
use super::suite::digest;
use super::tree::{Hash, Levels};
use crate::SettleError;
use crate::digest::{FileDigest, NamedDigest};
use crate::published::FileView;
use crate::sink::hex;
use domain::Suite;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What the keys that blind leaves are derived for (BLAKE3's key derivation mode).
const BLINDING: &str = "tapclear 2026-11-25 blinding of leaves per day and receiver";
/// The files whose lines are leaves, in this order.
pub(crate) const FILES: [&str; 2] = ["detail.csv", "adjustments.csv"];
/// Lines under one kept node: a power of two, so that they are a tree of their own within the party's. A proof hashes them
/// again, some 0.1 ms; what is kept is a hundredth of the lines' bytes.
pub(crate) const RUN_LINES: u64 = 256;
const _: () = assert!(RUN_LINES.is_power_of_two());
/// Bytes of a file that are hashed and parted before the next are read: they stay in the processor's second cache.
const PIECE_BYTES: usize = 256 << 10;
/// Of a leaf's salt: nobody tries 2^128 of them.
pub(crate) const SALT_BYTES: usize = 16;

/// Blinds a leaf.
pub(crate) type Salt = [u8; SALT_BYTES];

/// Blinds a party's leaves of a day. The party knows it; nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyKey {
    suite: Suite,
    key: [u8; 32],
}

impl PartyKey {
    pub fn of(suite: Suite, house_key: &[u8; 32], day: &str, party: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(BLINDING);
        hasher.update(house_key).update(day.as_bytes()).update(b"\n").update(party.as_bytes());
        Self { suite, key: *hasher.finalize().as_bytes() }
    }

    pub fn of_text(suite: Suite, text: &str) -> Option<Self> {
        of_digits(text).map(|key| Self { suite, key })
    }

    pub fn text(&self) -> String {
        hex(&self.key)
    }

    /// The digest of the key and a number of eight bytes, the most significant first, blinds two leaves, each with a half.
    fn pair(&self, number: u64) -> Hash {
        digest(self.suite, &[&self.key, &number.to_be_bytes()])
    }

    pub fn salt(&self, index: u64) -> Salt {
        let pair = self.pair(index / 2);
        let (halves, _) = pair.as_chunks();
        *halves.get((index % 2) as usize).expect("two halves")
    }

    /// Blinds the party's own leaf in the day's tree.
    pub fn blind(&self) -> Hash {
        self.pair(u64::MAX)
    }
}

/// A leaf's bytes, one after another: 0x00 of every leaf, its salt and the line without its line end.
pub(crate) fn blinded(suite: Suite, salt: &Salt, line: &[u8]) -> Hash {
    let mut start = [0; 1 + SALT_BYTES];
    start.get_mut(1..).expect("room for a salt").copy_from_slice(salt);
    digest(suite, &[&start, line])
}

/// A party's tree of a day: enough to prove any line with what stands in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyTree {
    /// Lines of each of the files.
    pub lines: [u64; 2],
    /// Where each run of lines begins, as if the second file went on from the first.
    pub starts: Vec<u64>,
    /// Bytes of the first file.
    pub first_bytes: u64,
    /// The nodes over the runs and all above.
    pub levels: Levels,
}

/// Grows a party's tree line by line.
struct Growing<'a> {
    suite: Suite,
    key: &'a PartyKey,
    index: u64,
    /// The salts of this leaf and the next, or of the one before.
    pair: Hash,
    run: Vec<Hash>,
    tops: Vec<Hash>,
    starts: Vec<u64>,
}

impl Growing<'_> {
    fn line(&mut self, at: u64, line: &[u8]) {
        if self.index.is_multiple_of(RUN_LINES) {
            self.end_run();
            self.starts.push(at);
        }
        if self.index.is_multiple_of(2) {
            self.pair = self.key.pair(self.index / 2);
        }
        let (halves, _) = self.pair.as_chunks();
        let salt = halves.get((self.index % 2) as usize).expect("two halves");
        self.run.push(blinded(self.suite, salt, line));
        self.index += 1;
    }

    fn end_run(&mut self) {
        if !self.run.is_empty() {
            self.tops.push(Levels::over(self.suite, std::mem::take(&mut self.run)).root());
        }
    }
}

/// What the party's manifest says of the day.
pub(crate) struct PartyTotals {
    pub debit_minor: i64,
    pub credit_minor: i64,
    /// The suite's digest of the manifest.
    pub manifest: Hash,
}

#[derive(Deserialize)]
struct Manifest {
    totals: Totals,
    files: Vec<FileView>,
}

#[derive(Deserialize)]
struct Totals {
    debit_minor: i64,
    credit_minor: i64,
}

impl PartyTree {
    /// Reads what is published in a party's folder, and holds it against its manifest, which must have the digest that the
    /// house keeps.
    pub fn published(suite: Suite, folder: &Path, key: &PartyKey, kept: &str) -> Result<(Self, PartyTotals), SettleError> {
        let path = folder.join("manifest.json");
        let differs = |path: &Path, difference: &str| SettleError::Published { path: path.to_owned(), difference: difference.to_owned() };
        let bytes = std::fs::read(&path).map_err(SettleError::file("cannot read", &path))?;
        let published = NamedDigest::kept(&bytes, kept).ok_or_else(|| differs(&path, "another digest than was published"))?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| differs(&path, "it is no manifest"))?;
        let Totals { debit_minor, credit_minor } = manifest.totals;
        let (tree, digests) = Self::read(suite, folder, key, FileDigest::new(published.suite()))?;
        for (name, digest) in FILES.into_iter().zip(digests) {
            let expected = manifest.files.iter().find(|entry| entry.name == name);
            if expected.and_then(FileView::digest) != Some(digest.finish()) {
                return Err(differs(&folder.join(name), "another digest than its manifest says"));
            }
        }
        Ok((tree, PartyTotals { debit_minor, credit_minor, manifest: digest(suite, &[&bytes]) }))
    }

    /// The tree over the files as they are, whoever wrote them.
    pub fn of_folder(suite: Suite, folder: &Path, key: &PartyKey) -> Result<Self, SettleError> {
        Self::read(suite, folder, key, Unasked).map(|(tree, _)| tree)
    }

    fn read<D: OnTheWay>(suite: Suite, folder: &Path, key: &PartyKey, digest: D) -> Result<(Self, [D; 2]), SettleError> {
        let mut growing = Growing { suite, key, index: 0, pair: [0; 32], run: Vec::new(), tops: Vec::new(), starts: Vec::new() };
        let (mut lines, mut bytes) = ([0; 2], [0; 2]);
        let mut digests = [digest.clone(), digest];
        let mut before = 0;
        for (((name, lines), bytes), digest) in FILES.into_iter().zip(&mut lines).zip(&mut bytes).zip(&mut digests) {
            let path = folder.join(name);
            let first = growing.index;
            let file = File::open(&path).map_err(SettleError::file("cannot read", &path))?;
            *bytes =
                each_line(file, |piece| digest.take_in(piece), |at, line| growing.line(before + at, line)).map_err(SettleError::file("cannot read", &path))?;
            *lines = growing.index - first;
            before += *bytes;
        }
        growing.end_run();
        let Growing { tops, starts, .. } = growing;
        let [first_bytes, _] = bytes;
        Ok((Self { lines, starts, first_bytes, levels: Levels::over(suite, tops) }, digests))
    }
}

/// What is done with a file's bytes besides parting them into lines.
trait OnTheWay: Clone {
    fn take_in(&mut self, bytes: &[u8]);
}

impl OnTheWay for FileDigest {
    fn take_in(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Nothing.
#[derive(Clone)]
struct Unasked;

impl OnTheWay for Unasked {
    fn take_in(&mut self, _bytes: &[u8]) {}
}

/// Hands on a file's bytes, and the lines behind its header row, each with its place and without its line end. Gives the
/// file's size.
pub(crate) fn each_line(mut file: impl Read, mut piece: impl FnMut(&[u8]), mut line: impl FnMut(u64, &[u8])) -> std::io::Result<u64> {
    let mut held = vec![0; PIECE_BYTES];
    // Of `held`: bytes of a line that has not ended yet, then what is read behind them.
    let mut open = 0;
    let mut size = 0;
    let mut header = true;
    loop {
        if open == held.len() {
            held.resize(2 * open, 0);
        }
        let got = match file.read(held.get_mut(open..).expect("room is left")) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            got => got?,
        };
        let filled = held.get(..open + got).expect("what was read is there");
        piece(filled.get(open..).expect("what was read is there"));
        size += got as u64;
        let first = size - filled.len() as u64;
        let mut from = 0;
        let mut hand_on = |from: usize, to: usize| {
            if !std::mem::take(&mut header) {
                line(first + from as u64, filled.get(from..to).expect("a line is in what was read"));
            }
        };
        for end in memchr::memchr_iter(b'\n', filled) {
            hand_on(from, end);
            from = end + 1;
        }
        if got == 0 {
            if from < filled.len() {
                hand_on(from, filled.len());
            }
            return Ok(size);
        }
        open = filled.len() - from;
        held.copy_within(from..from + open, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(buf.len()).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            buf[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn lines_are_those_between_line_ends_whatever_the_pieces() {
        let long = format!("header\n{}\nend", "x".repeat(3 * PIECE_BYTES));
        for text in ["", "\n", "header", "header\n", "header\none", "header\none\n", "header\none\n\n", "h\n\n\ntwo\nthree", &long] {
            let expected: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').skip(1).collect();
            for step in [1, 2, 7, PIECE_BYTES - 1, usize::MAX] {
                if step < 7 && text.len() > PIECE_BYTES {
                    continue;
                }
                let (mut seen, mut lines) = (Vec::new(), Vec::new());
                let size = each_line(Slow(text.as_bytes(), step), |piece| seen.extend_from_slice(piece), |at, line| lines.push((at, line.to_vec())));
                assert_eq!((size.expect("it reads"), &seen[..]), (text.len() as u64, text.as_bytes()));
                assert_eq!(lines.iter().map(|(_, line)| line.as_slice()).collect::<Vec<_>>(), expected.iter().map(|line| line.as_bytes()).collect::<Vec<_>>());
                for (at, line) in lines {
                    let at = usize::try_from(at).expect("small");
                    assert_eq!(&text.as_bytes()[at..at + line.len()], line);
                }
            }
        }
    }
}
