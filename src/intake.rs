//! Taking in files: one thread cuts, workers decode and encode, and one thread, in file order, marks what was seen before
//! and commits what has gathered meanwhile with one sync.
//!
//! A file counts from its completion event on. One that turns out to be unreadable is abandoned by an event and leaves
//! nothing. A file whose digest is booked already changes nothing.

use crate::durable::{Acks, anchor, commit};
use crate::failure::Failure;
use crate::history;
use crate::progress::Progress;
use crate::vault::Vault;
use crate::words::{Lang, count};
use crossbeam::channel::{Receiver, Sender, bounded};
use domain::{Day, Record, RecordId, SymbolTable};
use engine::close::Gather;
use engine::dedup::Seen;
use engine::ingest::{Chunk, Decoded, Decoder, DoorKeys, IngestError, Mapping, Pan, Section, Source, WRONG_TEXT, file_digest};
use engine::scheme::Scheme;
use ledger::{BLOCK_ROWS_MAX, Event, FileState, Group, IntakeBlock, IntakeEncoder, Ledger, Refusal};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::Path;

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
    pub(crate) fn lend(&self) -> Option<Gather<'a>> {
        self.0.lock().as_mut().map(|live| live.gathers.pop().unwrap_or_else(|| Gather::new(live.scheme, live.day)))
    }

    pub(crate) fn give_back(&self, gather: Option<Gather<'a>>) {
        if let Some(live) = self.0.lock().as_mut() {
            live.gathers.extend(gather);
        }
    }

    /// What was gathered of a file does not count.
    pub(crate) fn forget(&self) {
        *self.0.lock() = None;
    }
}

/// What a worker made of a chunk.
pub struct Piece {
    /// The chunk's place in its file, from 0.
    pub at: usize,
    /// Each with the ids of its records.
    pub blocks: Vec<(IntakeBlock, Vec<RecordId>)>,
    pub refusals: Vec<Refusal>,
    pub packages_refused: u64,
    pub sealed: Vec<(domain::CardToken, Vec<u8>)>,
}

/// Records on their way into blocks of one file; the open day, where it is gathered, hears of them.
pub struct Packer<'a> {
    file: u32,
    encoder: IntakeEncoder<'a>,
    ids: Vec<RecordId>,
    blocks: Vec<(IntakeBlock, Vec<RecordId>)>,
    gather: Option<Gather<'a>>,
}

impl<'a> Packer<'a> {
    #[must_use]
    pub fn new(file: u32, symbols: &'a SymbolTable, live: &Live<'a>) -> Self {
        Self { file, encoder: IntakeEncoder::new(symbols), ids: Vec::new(), blocks: Vec::new(), gather: live.lend() }
    }

    /// Adds records with their rows.
    pub fn add(&mut self, records: &[Record], rows: &[u64]) {
        // A package comes as one piece, which may be larger than a block.
        for (records, rows) in records.chunks(BLOCK_ROWS_MAX).zip(rows.chunks(BLOCK_ROWS_MAX)) {
            if self.encoder.count() + records.len() > BLOCK_ROWS_MAX {
                self.end_block();
            }
            self.encoder.push(records, rows);
            if let Some(gather) = &mut self.gather {
                gather.add(self.file, records);
            }
            self.ids.extend(records.iter().map(Record::id));
        }
    }

    fn end_block(&mut self) {
        self.blocks.push((self.encoder.finish(), std::mem::take(&mut self.ids)));
    }

    /// The blocks of what was added since the last time.
    pub fn take(&mut self) -> Vec<(IntakeBlock, Vec<RecordId>)> {
        if self.encoder.count() > 0 {
            self.end_block();
        }
        std::mem::take(&mut self.blocks)
    }

    /// Nothing more comes.
    pub fn end(self, live: &Live<'a>) {
        live.give_back(self.gather);
    }
}

impl<'a> Door<'a> {
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
        if let Some(report) = known(ledger, &digest) {
            if let Some(file) = ledger.file(&digest) {
                self.progress.note(&known_file(path, file.day, self.progress.lang()));
            }
            // The run that booked it may have ended before it said so.
            acks.map_or(Ok(()), |acks| acks.booked(path, ledger))?;
            return Ok(report);
        }
        let mut source = Source::open(path, section).map_err(|error| unreadable(&error))?;
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let mut receiving = Receiving::start(ledger, seen, path, Event::FileStarted { digest, name, sender: section.name().to_owned(), bytes }, acks)?;
        self.progress.file(path, bytes);
        let read = self.run(&mut source, section, digest, &mut receiving)?;
        match read.and_then(|()| receiving.in_its_encoding()) {
            Ok(()) => {
                let first = receiving.first_refusal.take();
                let report = receiving.book(&self.live)?;
                if let Some(refusal) = first {
                    self.progress.note(&refused_rows(path, &report, &refusal, self.progress.lang()));
                }
                Ok(report)
            }
            Err(error) => {
                receiving.abandon(error.to_string(), self.symbols, self.workers, &self.live)?;
                Err(unreadable(&error))
            }
        }
    }

    fn run(&self, source: &mut Source, section: &Section, digest: [u8; 32], receiving: &mut Receiving<'_>) -> Result<Result<(), IngestError>, Failure> {
        let file = receiving.report.file;
        std::thread::scope(|scope| {
            let (chunks, to_decode) = bounded::<(usize, Chunk)>(self.workers * QUEUE_CHUNKS);
            let (pieces, to_write) = bounded::<Piece>(self.workers * QUEUE_CHUNKS);
            let cutter = scope.spawn(move || cut(source, &chunks));
            for _ in 0..self.workers {
                let (to_decode, pieces) = (to_decode.clone(), pieces.clone());
                scope.spawn(move || self.decode(section, file, digest, &to_decode, &pieces));
            }
            drop((to_decode, pieces));
            let written = write(receiving, &to_write, self.progress);
            drop(to_write);
            let cut = cutter.join().expect("the cutter does not panic");
            written.map(|()| cut)
        })
    }

    /// A worker: chunks in, encoded blocks out.
    fn decode(&self, section: &Section, file: u32, digest: [u8; 32], chunks: &Receiver<(usize, Chunk)>, pieces: &Sender<Piece>) {
        let mut decoder = Decoder::new(section, self.symbols, DoorKeys { token_key: self.scheme.keys.token }, digest);
        let mut decoded = Decoded::default();
        let mut packer = Packer::new(file, self.symbols, &self.live);
        for (at, chunk) in chunks {
            decoder.decode_pieces(&chunk, &mut decoded, |records, rows| packer.add(records, rows));
            let sealed = self.vault.seal_new(decoded.cards.iter().map(|(token, pan): &(_, Pan)| (token, pan.expose())));
            let packages_refused = decoded.packages.len() as u64;
            let packages =
                decoded.packages.iter().map(|refused| Refusal { row: refused.package, column: PACKAGE.to_owned(), problem: refused.problem.to_owned() });
            let rows = decoded.refusals.iter().map(|refusal| Refusal { row: refusal.row, column: refusal.column.clone(), problem: refusal.problem.to_owned() });
            let refusals = rows.chain(packages).collect();
            if pieces.send(Piece { at, blocks: packer.take(), refusals, packages_refused, sealed }).is_err() {
                break;
            }
        }
        packer.end(&self.live);
    }
}

/// A file that was booked before: giving it again changes nothing.
#[must_use]
pub fn known(ledger: &Ledger, digest: &[u8; 32]) -> Option<FileReport> {
    let file = ledger.file(digest).filter(|file| file.state == FileState::Booked)?;
    Some(FileReport { file: file.id, records: file.received, refused: file.refused, repeats: file.repeats, packages_refused: 0, known: true })
}

/// Rows that became no record are told where the file is taken in: who sent them may still be at hand.
fn refused_rows(path: &Path, report: &FileReport, first: &Refusal, lang: Lang) -> String {
    let (refused, rows) = (count(report.refused), count(report.refused + report.records));
    let Refusal { row, column, problem } = first;
    // What is wrong with a row as a whole is in no column.
    let column = if column.is_empty() { String::new() } else { format!("{column} ") };
    match lang {
        Lang::En => format!("{refused} of {rows} rows of {} became no record: row {row} {column}{problem}; `uploads.csv` will list them", path.display()),
        Lang::Zh => format!("{} 的 {rows} 行中有 {refused} 行未成为记录：第 {row} 行 {column}{problem}；全部见 `uploads.csv`", path.display()),
    }
}

fn known_file(path: &Path, day: Day, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{} was taken in before, on clearing day {day}: nothing of it counts again", path.display()),
        Lang::Zh => format!("{} 已在清分日 {day} 接收过：不再计入", path.display()),
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

/// The one thread that writes: what arrives while a group is synced makes the next one.
fn write(receiving: &mut Receiving<'_>, pieces: &Receiver<Piece>, progress: &Progress) -> Result<(), Failure> {
    while let Ok(piece) = pieces.recv() {
        let before = receiving.report.records;
        receiving.arrive(piece)?;
        progress.records(receiving.report.records - before);
        if pieces.is_empty() {
            receiving.commit()?;
        }
    }
    receiving.commit()
}

/// A file on its way into the ledger. Knows no thread and no file system: pieces arrive in any order, and whoever calls
/// says when what has gathered is committed.
pub struct Receiving<'w> {
    ledger: &'w mut Ledger,
    seen: &'w mut Seen,
    report: FileReport,
    /// Ids that had been seen, once for each record that repeated one.
    repeats: Vec<RecordId>,
    acks: Option<&'w mut Acks>,
    path: &'w Path,
    /// Pieces that came before those that stand before them, and the place of the next one.
    waiting: BTreeMap<usize, Piece>,
    wanted: usize,
    first_refusal: Option<Refusal>,
    /// Refused rows that are no text in the file's encoding.
    wrong_text: u64,
    group: Group,
    group_bytes: usize,
}

impl<'w> Receiving<'w> {
    /// # Errors
    /// When the ledger fails, or `started` is not allowed.
    pub fn start(ledger: &'w mut Ledger, seen: &'w mut Seen, path: &'w Path, started: Event, acks: Option<&'w mut Acks>) -> Result<Self, Failure> {
        let report = FileReport { file: ledger.next_file_id(), ..FileReport::default() };
        let mut group = Group::new();
        group.event(started);
        commit(ledger, group)?;
        let (waiting, repeats) = (BTreeMap::new(), Vec::new());
        Ok(Self { ledger, seen, report, repeats, acks, path, waiting, wanted: 0, first_refusal: None, wrong_text: 0, group: Group::new(), group_bytes: 0 })
    }

    /// The file's number.
    #[must_use]
    pub const fn file(&self) -> u32 {
        self.report.file
    }

    /// Takes a piece; a group that is full is committed.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn arrive(&mut self, piece: Piece) -> Result<(), Failure> {
        self.waiting.insert(piece.at, piece);
        while let Some(piece) = self.waiting.remove(&self.wanted) {
            self.wanted += 1;
            self.gather(piece);
            if self.group_bytes >= GROUP_BYTES_MAX {
                self.commit()?;
            }
        }
        Ok(())
    }

    fn gather(&mut self, piece: Piece) {
        for (mut block, ids) in piece.blocks {
            let seen_before = self.seen.mark_all(&ids);
            self.repeats.extend(seen_before.iter().filter_map(|&at| ids.get(at as usize)));
            self.report.records += ids.len() as u64;
            self.report.repeats += seen_before.len() as u64;
            block.set_repeats(seen_before);
            self.group_bytes += block.payload().len();
            self.group.intake(self.report.file, block);
        }
        self.report.refused += piece.refusals.len() as u64;
        self.report.packages_refused += piece.packages_refused;
        self.wrong_text += piece.refusals.iter().filter(|refusal| refusal.problem == WRONG_TEXT).count() as u64;
        self.group.refusals(self.report.file, &piece.refusals);
        if self.first_refusal.is_none() {
            self.first_refusal = piece.refusals.into_iter().next();
        }
        for (token, sealed) in piece.sealed {
            self.group.vault(token, sealed);
        }
    }

    /// Commits what has gathered, if anything has.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn commit(&mut self) -> Result<(), Failure> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_bytes = 0;
        commit(self.ledger, std::mem::take(&mut self.group))?;
        match &mut self.acks {
            Some(acks) => {
                anchor(self.ledger)?;
                acks.group(self.path, self.report.records + self.report.refused, self.ledger)
            }
            None => Ok(()),
        }
    }

    /// Some rows that are no text are bad rows. A file of nothing else is in another encoding.
    fn in_its_encoding(&self) -> Result<(), IngestError> {
        let none_is = self.report.records == 0 && self.wrong_text > 0 && self.wrong_text == self.report.refused;
        if none_is { Err(IngestError::Encoding { found: "no row of it is" }) } else { Ok(()) }
    }

    /// All pieces have arrived: the file counts from here on.
    ///
    /// # Errors
    /// When the ledger fails, or the acknowledgement cannot be written.
    pub fn book(self, live: &Live<'_>) -> Result<FileReport, Failure> {
        assert!(self.waiting.is_empty() && self.group.is_empty(), "a file is booked when all of it is durable");
        let Self { ledger, report, repeats, acks, path, .. } = self;
        if let Some(mut gather) = live.lend() {
            gather.repeats(repeats);
            live.give_back(Some(gather));
        }
        let mut group = Group::new();
        group.event(Event::FileBooked { file: report.file, received: report.records, refused: report.refused, repeats: report.repeats });
        commit(ledger, group)?;
        acks.map_or(Ok(()), |acks| acks.booked(path, ledger))?;
        Ok(report)
    }

    /// The file cannot be read to its end: nothing of it counts.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn abandon(self, why: String, symbols: &SymbolTable, workers: usize, live: &Live<'_>) -> Result<(), Failure> {
        let Self { ledger, seen, report, .. } = self;
        let mut group = Group::new();
        group.event(Event::FileAbandoned { file: report.file, why });
        commit(ledger, group)?;
        *seen = history::seen(ledger, symbols, workers)?;
        live.forget();
        Ok(())
    }
}
