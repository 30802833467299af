//! What the stages of taking in cost per record, each beside a yardstick in the same run: rows by the csv crate, a hash set,
//! a copy in memory, a plain file.
//!
//! `cargo bench --profile release --bench stages`; a word behind `--` takes some of them. Records are a generated day of the
//! bundled scheme.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use domain::{Day, Record, RecordId, SymbolTable};
use engine::dedup::Seen;
use engine::ingest::{Chunk, Decoded, Decoder, DoorKeys, Mapping, Source};
use engine::scheme::Scheme;
use ledger::{Event, Group, IntakeEncoder, Ledger, LedgerOptions};
use std::collections::HashSet;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use tapclear::generate::{self, Faults, Params, write_csv};

const RECORDS: u32 = 100_000;
/// Records in a block.
const BLOCK: usize = 16_384;

struct Upload {
    symbols: SymbolTable,
    day: Day,
    csv: Vec<u8>,
    records: Vec<Record>,
    rows: Vec<u64>,
}

impl Upload {
    fn new() -> Self {
        let symbols = SymbolTable::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("replay-data/sichuan");
        let scheme = Scheme::read(&folder, &symbols).expect("the bundled scheme is good");
        let day = "2026-03-02".parse().expect("a date");
        let made = generate::Day::new(&scheme, &symbols, Params { day, records: RECORDS, seed: 1, faults: Faults::default() }).expect("it has cards");
        let mut csv = Vec::new();
        write_csv(made.records(), &symbols, &mut csv).expect("memory takes it");
        let records: Vec<Record> = made.records().collect();
        let rows = (1..=records.len() as u64).collect();
        drop(made);
        Self { symbols, day, csv, records, rows }
    }
}

fn decode(criterion: &mut Criterion, upload: &Upload) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("day.csv");
    std::fs::write(&path, &upload.csv).expect("written");
    let mapping = Mapping::native();
    let section = mapping.section_for(&path).expect("it reads CSV");
    let mut source = Source::open(&path, section).expect("sound");
    let mut chunks: Vec<Chunk> = Vec::new();
    while let Some(chunk) = source.next_chunk().expect("sound") {
        chunks.push(chunk);
    }
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("yardstick: rows split by the csv crate", |bench| {
        bench.iter(|| {
            let mut reader = csv::Reader::from_reader(upload.csv.as_slice());
            let (mut row, mut cells) = (csv::ByteRecord::new(), 0);
            while reader.read_byte_record(&mut row).expect("sound") {
                cells += row.len();
            }
            cells
        });
    });
    let mut decoder = Decoder::new(section, &upload.symbols, DoorKeys { token_key: [3; 32] }, [9; 32]);
    group.bench_function("records", |bench| {
        bench.iter(|| {
            let (mut decoded, mut records) = (Decoded::default(), 0);
            for chunk in &chunks {
                decoder.decode_pieces(chunk, &mut decoded, |some, _| records += black_box(some).len());
            }
            assert_eq!(records, RECORDS as usize);
        });
    });
    group.finish();
}

fn dedup(criterion: &mut Criterion, upload: &Upload) {
    let ids: Vec<RecordId> = upload.records.iter().map(Record::id).collect();
    let mut group = criterion.benchmark_group("dedup");
    group.throughput(Throughput::Elements(ids.len() as u64));
    group.bench_function("yardstick: a hash set of ids", |bench| {
        bench.iter(|| {
            let mut seen = HashSet::new();
            ids.iter().filter(|&&id| !seen.insert(id)).count()
        });
    });
    group.bench_function("sequences in bitmaps", |bench| bench.iter(|| Seen::default().mark_all(&ids)));
    group.finish();
}

fn encode(criterion: &mut Criterion, upload: &Upload) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("yardstick: records copied", |bench| bench.iter(|| black_box(&upload.records).clone()));
    let mut encoder = IntakeEncoder::new(&upload.symbols);
    group.bench_function("intake blocks, hashed", |bench| {
        bench.iter(|| {
            for (records, rows) in upload.records.chunks(BLOCK).zip(upload.rows.chunks(BLOCK)) {
                encoder.push(records, rows);
                black_box(encoder.finish());
            }
        });
    });
    group.finish();
}

/// One block made durable.
fn commit(criterion: &mut Criterion, upload: &Upload) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that is built on");
    let mut ledger = Ledger::open(&folder.path().join("ledger"), &LedgerOptions::default()).expect("a new one");
    let mut begun = Group::new();
    begun.event(Event::DayOpened { day: upload.day, scheme: [1; 32] });
    begun.event(Event::FileStarted { digest: [2; 32], name: "day.csv".to_owned(), sender: "bench".to_owned(), bytes: upload.csv.len() as u64 });
    ledger.commit(begun).expect("durable");
    let mut encoder = IntakeEncoder::new(&upload.symbols);
    let (records, rows) = (upload.records.split_at(BLOCK).0, upload.rows.split_at(BLOCK).0);
    encoder.push(records, rows);
    let block = encoder.finish();
    let mut plain = File::create(folder.path().join("plain")).expect("a file");
    let mut group = criterion.benchmark_group("commit");
    group.throughput(Throughput::Elements(BLOCK as u64));
    group.sample_size(50);
    group.bench_function("yardstick: as many bytes appended to a file and synced", |bench| {
        bench.iter(|| {
            plain.write_all(block.payload()).expect("written");
            plain.sync_data().expect("synced");
        });
    });
    group.bench_function("a block in the journal", |bench| {
        let made = || {
            let mut one = Group::new();
            one.intake(1, block.clone());
            one
        };
        bench.iter_batched(made, |one| ledger.commit(one).expect("durable"), BatchSize::PerIteration);
    });
    group.bench_function("a block in the journal, anchored", |bench| {
        let made = || {
            let mut one = Group::new();
            one.intake(1, block.clone());
            one
        };
        bench.iter_batched(
            made,
            |one| {
                ledger.commit(one).expect("durable");
                ledger.anchor().expect("anchored")
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn stages(criterion: &mut Criterion) {
    let upload = Upload::new();
    decode(criterion, &upload);
    dedup(criterion, &upload);
    encode(criterion, &upload);
    commit(criterion, &upload);
}

criterion_group!(benches, stages);
criterion_main!(benches);
