//! `.tap`: a terminal's capture, sealed packages of fixed-size records one after another.
//!
//! The file is mapped, not read; a package's bytes are checked before anything in them is believed, and a package whose
//! digest, count or total is wrong is refused whole. A capture without its end was cut and is refused as a file.
//!
//! ```text
//! file    = magic (8) version u32 zeros (4), package*, end
//! package = "PKG1" count u32 length u64, body (length bytes, padded to 16), BLAKE3 of frame and body (32)
//! body    = rkyv archive of `Package`
//! end     = "END1" packages u32 records u64, BLAKE3 of all package digests (32)
//! ```
//! Numbers are little-endian; every frame and body begins at a multiple of 16.

use super::decoder::Decoded;
use super::error::IngestError;
use super::input::open_file;
use super::source::Body;
use super::wire_record::{ArchivedPackage, Package, WireRecord};
use domain::symbol::SymbolCache;
use domain::{Record, Symbol, SymbolTable};
use memmap2::Mmap;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The line ends in it show a transfer that changed them.
pub(super) const MAGIC: &[u8; 8] = b"tapcap\r\n";
const VERSION: u32 = 1;
const FILE_HEAD_BYTES: usize = 16;
const FRAME_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
const ALIGN: usize = 16;
const PACKAGE_MARK: &[u8; 4] = b"PKG1";
const END_MARK: &[u8; 4] = b"END1";
/// At most so many records in a package: it is decoded at once.
pub const PACKAGE_RECORDS_MAX: usize = 65_536;

/// A package that was refused whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRefusal {
    /// Its place in the file, from 1.
    pub package: u64,
    /// The rows it would have had.
    pub rows: u64,
    pub problem: &'static str,
}

/// A mapped capture and where its packages are.
pub(super) struct Capture {
    map: Mmap,
    packages: Vec<Frame>,
}

#[derive(Clone, Copy)]
struct Frame {
    at: usize,
    len: usize,
    count: u32,
}

pub(super) struct CaptureReader {
    capture: Arc<Capture>,
    next: usize,
}

impl CaptureReader {
    pub fn open(path: &Path) -> Result<Self, IngestError> {
        let map = map(&open_file(path)?).map_err(IngestError::Read)?;
        let broken = |problem| IngestError::Capture { problem };
        if map.get(..8) != Some(MAGIC.as_slice()) {
            return Err(broken("it does not begin like a capture"));
        }
        if number32(&map, 8) != Some(VERSION) {
            return Err(broken("its version is unknown"));
        }
        let mut packages = Vec::new();
        let mut digests = blake3::Hasher::new();
        let mut records = 0_u64;
        let mut at = FILE_HEAD_BYTES;
        loop {
            let mark = map.get(at..at + 4).ok_or_else(|| broken("it ends too early"))?;
            let count = number32(&map, at + 4).ok_or_else(|| broken("it ends too early"))?;
            let long = number64(&map, at + 8).ok_or_else(|| broken("it ends too early"))?;
            if mark == END_MARK {
                let digest = map.get(at + FRAME_BYTES..at + FRAME_BYTES + DIGEST_BYTES).ok_or_else(|| broken("it ends too early"))?;
                if usize::try_from(count) != Ok(packages.len()) || long != records || digest != digests.finalize().as_bytes() {
                    return Err(broken("its end does not fit its packages"));
                }
                if map.len() != at + FRAME_BYTES + DIGEST_BYTES {
                    return Err(broken("something follows its end"));
                }
                return Ok(Self { capture: Arc::new(Capture { map, packages }), next: 0 });
            }
            if mark != PACKAGE_MARK {
                return Err(broken("a package does not begin where the one before it ends"));
            }
            let len = usize::try_from(long).ok().filter(|&len| len <= map.len()).ok_or_else(|| broken("a package is longer than the file"))?;
            let frame = Frame { at, len, count };
            let digest = map.get(frame.digest_at()..frame.digest_at() + DIGEST_BYTES).ok_or_else(|| broken("it ends too early"))?;
            digests.update(digest);
            records += u64::from(count);
            at = frame.digest_at() + DIGEST_BYTES;
            packages.push(frame);
        }
    }

    pub fn next(&mut self) -> Option<(Body, u64)> {
        let frame = self.capture.packages.get(self.next)?;
        let body = Body::Package { capture: Arc::clone(&self.capture), at: self.next };
        self.next += 1;
        Some((body, u64::from(frame.count)))
    }
}

impl Frame {
    const fn digest_at(self) -> usize {
        self.at + FRAME_BYTES + padded(self.len)
    }
}

impl Capture {
    pub fn package_bytes(&self, at: usize) -> usize {
        self.packages.get(at).map_or(0, |frame| frame.len)
    }

    /// The package, when everything that can be checked about it holds.
    fn checked(&self, at: usize) -> Result<&ArchivedPackage, &'static str> {
        let frame = self.packages.get(at).ok_or("is not there")?;
        let sealed = self.map.get(frame.at..frame.digest_at()).ok_or("is cut")?;
        let digest = self.map.get(frame.digest_at()..frame.digest_at() + DIGEST_BYTES).ok_or("is cut")?;
        if blake3::hash(sealed).as_bytes() != digest {
            return Err("has another digest than its trailer says");
        }
        let body = sealed.get(FRAME_BYTES..FRAME_BYTES + frame.len).ok_or("is cut")?;
        let package = rkyv::access::<ArchivedPackage, rkyv::rancor::Error>(body).map_err(|_| "is not laid out like a package")?;
        if package.records.len() > PACKAGE_RECORDS_MAX {
            return Err("has too many records");
        }
        if package.count.to_native() != u64::from(frame.count) || package.records.len() as u64 != package.count.to_native() {
            return Err("has another count of records than its header says");
        }
        let total: i128 = package.records.iter().map(|record| i128::from(record.amount_minor.to_native())).sum();
        if total != i128::from(package.total_minor.to_native()) {
            return Err("has another total than its header says");
        }
        Ok(package)
    }
}

/// Reads a package's records, or refuses it whole.
pub(super) fn decode(capture: &Capture, at: usize, first_row: u64, symbols: &mut SymbolCache<'_>, decoded: &mut Decoded) {
    let refuse = |problem| PackageRefusal { package: at as u64 + 1, rows: capture.packages.get(at).map_or(0, |frame| u64::from(frame.count)), problem };
    let package = match capture.checked(at) {
        Ok(package) => package,
        Err(problem) => return decoded.packages.push(refuse(problem)),
    };
    if package.names.iter().any(|name| name.len() > super::NAME_BYTES_MAX || name.chars().any(char::is_control)) {
        return decoded.packages.push(refuse("has a name that no record may have"));
    }
    let names: Vec<Symbol> = package.names.iter().map(|name| symbols.intern(name)).collect();
    let records: Result<Vec<Record>, &'static str> = package.records.iter().map(|record| record.read(&names)).collect();
    match records {
        Ok(records) => {
            decoded.rows.extend((first_row..).take(records.len()));
            decoded.records = records;
        }
        // The sender's seal holds, so it is the sender who wrote what no record can be.
        Err(problem) => decoded.packages.push(refuse(problem)),
    }
}

/// Maps a file for reading.
#[allow(unsafe_code, reason = "mapping a file has no safe form")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a map is sound while nobody changes or cuts the file under it. Captures are sealed before they are handed in,
    // and intake folders are written by moving whole files in. The bytes are only ever read as plain bytes or through
    // rkyv's check, after a digest over them held; there is no pointer or bool in them that is believed unchecked.
    unsafe { Mmap::map(file) }
}

const fn padded(len: usize) -> usize {
    len.div_ceil(ALIGN) * ALIGN
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn number64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Writes a capture. Without [`TapWriter::finish`] it has no end and will be refused.
pub struct TapWriter<W: Write> {
    out: W,
    packages: u32,
    records: u64,
    digests: blake3::Hasher,
}

impl<W: Write> TapWriter<W> {
    /// # Errors
    /// When writing fails.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&[0; 4])?;
        Ok(Self { out, packages: 0, records: 0, digests: blake3::Hasher::new() })
    }

    /// Seals a package. Symbols become texts by `symbols`.
    ///
    /// # Errors
    /// When writing fails, or the package has more than [`PACKAGE_RECORDS_MAX`] records or a total beyond `i64`.
    pub fn package(&mut self, sender: &str, number: u64, records: &[Record], symbols: &SymbolTable) -> io::Result<()> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
        let count = u32::try_from(records.len()).ok().filter(|_| records.len() <= PACKAGE_RECORDS_MAX).ok_or_else(|| wrong("too many records"))?;
        let total: i128 = records.iter().map(|record| i128::from(record.amount_minor)).sum();
        let mut names = PackageNames { symbols, known: HashMap::new(), texts: vec![String::new()] };
        let package = Package {
            sender: sender.to_owned(),
            number,
            count: u64::from(count),
            total_minor: i64::try_from(total).map_err(|_| wrong("the total does not fit"))?,
            records: records.iter().map(|record| WireRecord::of(record, &mut |symbol| names.local(symbol))).collect(),
            names: names.texts,
        };
        let body = rkyv::to_bytes::<rkyv::rancor::Error>(&package).map_err(io::Error::other)?;
        let mut sealed = Vec::with_capacity(FRAME_BYTES + padded(body.len()));
        sealed.extend_from_slice(PACKAGE_MARK);
        sealed.extend_from_slice(&count.to_le_bytes());
        sealed.extend_from_slice(&(body.len() as u64).to_le_bytes());
        sealed.extend_from_slice(&body);
        sealed.resize(FRAME_BYTES + padded(body.len()), 0);
        let digest = blake3::hash(&sealed);
        self.out.write_all(&sealed)?;
        self.out.write_all(digest.as_bytes())?;
        self.digests.update(digest.as_bytes());
        self.packages += 1;
        self.records += u64::from(count);
        Ok(())
    }

    /// Writes the end and gives the output back, flushed.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(END_MARK)?;
        self.out.write_all(&self.packages.to_le_bytes())?;
        self.out.write_all(&self.records.to_le_bytes())?;
        self.out.write_all(self.digests.finalize().as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The names that a package's records use, numbered from 1 in order of first use; 0 is none.
struct PackageNames<'t> {
    symbols: &'t SymbolTable,
    known: HashMap<Symbol, u32>,
    texts: Vec<String>,
}

impl PackageNames<'_> {
    fn local(&mut self, symbol: Symbol) -> u32 {
        if symbol.is_none() {
            return 0;
        }
        let texts = &mut self.texts;
        *self.known.entry(symbol).or_insert_with(|| {
            texts.push(self.symbols.text(symbol).to_string());
            u32::try_from(texts.len() - 1).expect("a package has fewer names than its records have fields")
        })
    }
}
