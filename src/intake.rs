//! Taking in files: one thread cuts, workers decode and encode, and one thread, in file order, marks what was seen before
//! and commits what has gathered meanwhile with one sync.
//!
//! A file counts from its completion event on. One that turns out to be unreadable is abandoned by an event and leaves
//! nothing. A file whose digest is booked already changes nothing.

use crate::failure::Failure;
use crate::history;
use crate::progress::Progress;
use crate::vault::Vault;
use crossbeam::channel::{Receiver, Sender, bounded};
use domain::symbol::SymbolCache;
use domain::{Day, Record, RecordId, SymbolTable};
use engine::close::Gather;
use engine::dedup::Seen;
use engine::ingest::{Chunk, Decoded, Decoder, DoorKeys, IngestError, Mapping, Pan, Section, Source, file_digest};
use engine::scheme::Scheme;
use ledger::{BLOCK_ROWS_MAX, Event, FileState, Group, IntakeBlock, IntakeEncoder, Ledger, LedgerError, Refusal};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A group is committed when it holds this much, even if more is ready.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// Chunks that wait for a worker, and finished ones that wait for the writer, per worker.
const QUEUE_CHUNKS: usize = 2;

/// The column that a refused package is reported under; its row is then the package's number.
const PACKAGE: &str = "package";

/// What a file brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileReport {
    pub file: u32,
    /// Records taken in, and rows that never became one.
    pub records: u64,
    pub refused: u64,
    /// Records among them whose id had been seen.
    pub repeats: u64,
    /// Packages of a capture that were refused whole. Each is one of the refused rows; its records were not looked at.
    pub packages_refused: u64,
    /// The same bytes had been booked before: nothing was taken in.
    pub known: bool,
}

/// Everything that taking in needs besides the ledger.
pub struct Door<'a> {
    pub scheme: &'a Scheme,
    pub symbols: &'a SymbolTable,
    pub mapping: &'a Mapping,
    pub workers: usize,
    pub progress: &'a Progress,
    pub vault: Vault,
    /// What the close will need of the records, gathered while they are at hand.
    pub live: Live<'a>,
}

/// The open day in memory: all that its booked files brought, or nothing.
///
/// The ledger is the truth. This saves reading it again at the close, and only ever holds the whole day: a day that had
/// files before, or a file that was abandoned half-way, leaves it empty, and the close reads the ledger.
pub struct Live<'a>(Mutex<Option<LiveDay<'a>>>);

struct LiveDay<'a> {
    scheme: &'a Scheme,
    day: Day,
    gathers: Vec<Gather<'a>>,
}

impl<'a> Live<'a> {
    /// Nothing is gathered.
    #[must_use]
    pub const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Gathers the open day, if nothing of it is in the ledger yet.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(ledger: &Ledger, scheme: &'a Scheme) -> Result<Self, Failure> {
        let Some(open) = ledger.open_day() else { return Ok(Self::none()) };
        let fresh = ledger.intake_blocks(open.day).map_err(|error| history::unread(&error))?.is_empty();
        Ok(Self(Mutex::new(fresh.then(|| LiveDay { scheme, day: open.day, gathers: Vec::new() }))))
    }

    /// The whole day, if it is here.
    pub fn into_gathers(self) -> Option<Vec<Gather<'a>>> {
        self.0.into_inner().map(|live| live.gathers)
    }

    /// A gatherer for one worker, while it works on a file.
    fn lend(&self) -> Option<Gather<'a>> {
        self.0.lock().as_mut().map(|live| live.gathers.pop().unwrap_or_else(|| Gather::new(live.scheme, live.day)))
    }

    fn give_back(&self, gather: Option<Gather<'a>>) {
        if let Some(live) = self.0.lock().as_mut() {
            live.gathers.extend(gather);
        }
    }

    /// What was gathered of a file does not count.
    fn forget(&self) {
        *self.0.lock() = None;
    }
}

/// What a worker made of a chunk.
struct Piece {
    at: usize,
    /// Each with the ids of its records.
    blocks: Vec<(IntakeBlock, Vec<RecordId>)>,
    refusals: Vec<Refusal>,
    packages_refused: u64,
    sealed: Vec<(domain::CardToken, Vec<u8>)>,
}

impl Door<'_> {
    /// The section of the mapping that a file is read by.
    ///
    /// # Errors
    /// When no section's pattern matches the file's name.
    pub fn section(&self, path: &Path) -> Result<&Section, Failure> {
        self.mapping.section_for(path).ok_or_else(|| {
            let patterns = self.mapping.sections().iter().map(|section| section.name().to_owned());
            Failure::refused(format!("no section of the mapping is for {}", path.display()))
                .listing(patterns)
                .hint("add the file's name to a section's `files`, or name another mapping with --map")
        })
    }

    /// Takes in one file and books it.
    ///
    /// # Errors
    /// When the file cannot be read (it is abandoned then) or the ledger fails.
    pub fn take_in(&self, ledger: &mut Ledger, seen: &mut Seen, path: &Path, acks: Option<&mut Acks>) -> Result<FileReport, Failure> {
        let section = self.section(path)?;
        let unreadable = |error: &IngestError| {
            let failure = Failure::refused(format!("{} cannot be taken in", path.display())).because(error);
            if let Some(hint) = error.hint() { failure.hint(hint) } else { failure }
        };
        let digest = file_digest(path).map_err(|error| unreadable(&error))?;
        if let Some(file) = ledger.file(&digest).filter(|file| file.state == FileState::Booked) {
            let report = FileReport { file: file.id, records: file.received, refused: file.refused, repeats: file.repeats, packages_refused: 0, known: true };
            // The run that booked it may have ended before it said so.
            acks.map_or(Ok(()), |acks| acks.booked(path, ledger))?;
            return Ok(report);
        }
        let mut source = Source::open(path, section).map_err(|error| unreadable(&error))?;
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let file = ledger.next_file_id();
        let mut group = Group::new();
        group.event(Event::FileStarted { digest, name, sender: section.name().to_owned(), bytes });
        commit(ledger, group)?;
        self.progress.file(path, bytes);
        let mut writer = Writer { ledger, seen, report: FileReport { file, ..FileReport::default() }, repeats: Vec::new(), acks, path };
        let cut = self.run(&mut source, section, digest, &mut writer)?;
        let Writer { ledger, report, acks, repeats, .. } = writer;
        if let Some(mut gather) = self.live.lend() {
            gather.repeats(repeats);
            self.live.give_back(Some(gather));
        }
        let mut group = Group::new();
        if let Err(error) = cut {
            group.event(Event::FileAbandoned { file, why: error.to_string() });
            commit(ledger, group)?;
            *seen = history::seen(ledger, self.symbols, self.workers)?;
            self.live.forget();
            return Err(unreadable(&error));
        }
        group.event(Event::FileBooked { file, received: report.records, refused: report.refused, repeats: report.repeats });
        commit(ledger, group)?;
        if let Some(acks) = acks {
            acks.booked(path, ledger)?;
        }
        Ok(report)
    }

    fn run(&self, source: &mut Source, section: &Section, digest: [u8; 32], writer: &mut Writer<'_>) -> Result<Result<(), IngestError>, Failure> {
        let file = writer.report.file;
        std::thread::scope(|scope| {
            let (chunks, to_decode) = bounded::<(usize, Chunk)>(self.workers * QUEUE_CHUNKS);
            let (pieces, to_write) = bounded::<Piece>(self.workers * QUEUE_CHUNKS);
            let cutter = scope.spawn(move || cut(source, &chunks));
            for _ in 0..self.workers {
                let (to_decode, pieces) = (to_decode.clone(), pieces.clone());
                scope.spawn(move || self.decode(section, file, digest, &to_decode, &pieces));
            }
            drop((to_decode, pieces));
            let written = writer.write(&to_write, self.progress);
            drop(to_write);
            let cut = cutter.join().expect("the cutter does not panic");
            written.map(|()| cut)
        })
    }

    /// A worker: chunks in, encoded blocks out.
    fn decode(&self, section: &Section, file: u32, digest: [u8; 32], chunks: &Receiver<(usize, Chunk)>, pieces: &Sender<Piece>) {
        let mut decoder = Decoder::new(section, self.symbols, DoorKeys { token_key: self.scheme.keys.token }, digest);
        let mut decoded = Decoded::default();
        let mut encoder = IntakeEncoder::new(self.symbols);
        let mut gather = self.live.lend();
        for (at, chunk) in chunks {
            let mut ids = Vec::new();
            let mut blocks = Vec::new();
            let mut end = |encoder: &mut IntakeEncoder, ids: &mut Vec<RecordId>| {
                blocks.push((encoder.finish(), std::mem::take(ids)));
            };
            decoder.decode_pieces(&chunk, &mut decoded, |records, rows| {
                // A package comes as one piece, which may be larger than a block.
                for (records, rows) in records.chunks(BLOCK_ROWS_MAX).zip(rows.chunks(BLOCK_ROWS_MAX)) {
                    if encoder.count() + records.len() > BLOCK_ROWS_MAX {
                        end(&mut encoder, &mut ids);
                    }
                    encoder.push(records, rows);
                    if let Some(gather) = &mut gather {
                        gather.add(file, records);
                    }
                    ids.extend(records.iter().map(Record::id));
                }
            });
            if encoder.count() > 0 {
                end(&mut encoder, &mut ids);
            }
            let sealed = decoded.cards.iter().map(|(token, pan): &(_, Pan)| (*token, self.vault.seal(token, pan.expose()))).collect();
            let packages_refused = decoded.packages.len() as u64;
            let packages =
                decoded.packages.iter().map(|refused| Refusal { row: refused.package, column: PACKAGE.to_owned(), problem: refused.problem.to_owned() });
            let rows = decoded.refusals.iter().map(|refusal| Refusal { row: refusal.row, column: refusal.column.clone(), problem: refusal.problem.to_owned() });
            let refusals = rows.chain(packages).collect();
            if pieces.send(Piece { at, blocks, refusals, packages_refused, sealed }).is_err() {
                break;
            }
        }
        self.live.give_back(gather);
    }
}

fn cut(source: &mut Source, chunks: &Sender<(usize, Chunk)>) -> Result<(), IngestError> {
    let mut at = 0;
    while let Some(chunk) = source.next_chunk()? {
        if chunks.send((at, chunk)).is_err() {
            break;
        }
        at += 1;
    }
    Ok(())
}

/// The one thread that writes.
struct Writer<'w> {
    ledger: &'w mut Ledger,
    seen: &'w mut Seen,
    report: FileReport,
    /// Ids that had been seen, once for each record that repeated one.
    repeats: Vec<RecordId>,
    acks: Option<&'w mut Acks>,
    path: &'w Path,
}

impl Writer<'_> {
    fn write(&mut self, pieces: &Receiver<Piece>, progress: &Progress) -> Result<(), Failure> {
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        let mut group = Group::new();
        let mut group_bytes = 0;
        while let Ok(piece) = pieces.recv() {
            waiting.insert(piece.at, piece);
            // Whatever has arrived meanwhile goes into the same group.
            waiting.extend(pieces.try_iter().take(waiting.len() + 64).map(|piece| (piece.at, piece)));
            while let Some(piece) = waiting.remove(&wanted) {
                wanted += 1;
                group_bytes += self.gather(piece, &mut group, progress);
                if group_bytes >= GROUP_BYTES_MAX {
                    self.commit(&mut group)?;
                    group_bytes = 0;
                }
            }
            if !group.is_empty() && pieces.is_empty() {
                self.commit(&mut group)?;
                group_bytes = 0;
            }
        }
        if group.is_empty() { Ok(()) } else { self.commit(&mut group) }
    }

    fn gather(&mut self, piece: Piece, group: &mut Group, progress: &Progress) -> usize {
        let mut bytes = 0;
        for (mut block, ids) in piece.blocks {
            let seen_before: Vec<u32> = ids.iter().zip(0u32..).filter(|(id, _)| !self.seen.mark(**id)).map(|(_, at)| at).collect();
            self.repeats.extend(seen_before.iter().filter_map(|&at| ids.get(at as usize)));
            self.report.records += ids.len() as u64;
            self.report.repeats += seen_before.len() as u64;
            progress.records(ids.len() as u64);
            block.set_repeats(seen_before);
            bytes += block.payload().len();
            group.intake(self.report.file, block);
        }
        self.report.refused += piece.refusals.len() as u64;
        self.report.packages_refused += piece.packages_refused;
        group.refusals(self.report.file, &piece.refusals);
        for (token, sealed) in piece.sealed {
            group.vault(token, sealed);
        }
        bytes
    }

    fn commit(&mut self, group: &mut Group) -> Result<(), Failure> {
        commit(self.ledger, std::mem::take(group))?;
        match &mut self.acks {
            Some(acks) => {
                anchor(self.ledger)?;
                acks.group(self.path, self.report.records + self.report.refused, self.ledger)
            }
            None => Ok(()),
        }
    }
}

/// Commits, or ends the command: after a failed write nothing more is acknowledged.
///
/// # Errors
/// When the ledger fails; whether the group is durable is unknown then.
pub fn commit(ledger: &mut Ledger, group: Group) -> Result<(), Failure> {
    ledger.commit(group).map(|_| ()).map_err(|error| unwritten(&error))
}

/// Makes the head known outside the database, before what is durable is acknowledged.
///
/// # Errors
/// As [`commit`].
fn anchor(ledger: &mut Ledger) -> Result<(), Failure> {
    ledger.anchor().map(|_| ()).map_err(|error| unwritten(&error))
}

fn unwritten(error: &LedgerError) -> Failure {
    Failure::refused("the ledger could not be written; what was not acknowledged is unknown")
        .because(error)
        .hint("run the same command again: what is durable is not taken in twice")
}

/// The acknowledgements of a run: a line for every durable group (file, rows so far, head) and one for each booked file.
pub struct Acks {
    path: PathBuf,
    file: std::fs::File,
}

impl Acks {
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| Failure::refused(format!("{} cannot be written", path.display())).because(&error))?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn group(&mut self, path: &Path, rows: u64, ledger: &Ledger) -> Result<(), Failure> {
        self.line(&format!("durable\t{}\t{rows}\t{}", path.display(), head(ledger)))
    }

    fn booked(&mut self, path: &Path, ledger: &Ledger) -> Result<(), Failure> {
        self.line(&format!("booked\t{}\t\t{}", path.display(), head(ledger)))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.file, "{line}")
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Failure::refused(format!("{} cannot be written", self.path.display())).because(&error))
    }
}

/// The head as it is printed: height and hash.
#[must_use]
pub fn head(ledger: &Ledger) -> String {
    let head = ledger.head();
    format!("{}:{}", head.height, hex(&head.hash))
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A cache for one thread over the shared symbols.
#[must_use]
pub fn cache(symbols: &SymbolTable) -> SymbolCache<'_> {
    SymbolCache::new(symbols)
}
