//! Measures how long a record of a transit day takes to encode and decode: `cargo run --release -p ledger --example
//! codec_speed`.
//!
//! The day is made up: terminals of 5 digits, some 11,000 of them in a block, seven-digit card tokens, a reference that
//! counts. Symbols are spread over a table of 100,000 names, as they are in a province.

#![allow(clippy::indexing_slicing, reason = "it measures with data of its own")]

use domain::record::{CardToken, SourceRef};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, EventTime, Flags, Reason, Record, RecordKind, Symbol, SymbolTable};
use ledger::{DecisionBlock, IntakeBlock, IntakeRows, decode_decisions};
use std::time::Instant;

const BLOCK: u64 = 16_384;
const BLOCKS: u64 = 24;
const ROUNDS: u32 = 12;

fn main() {
    let table = SymbolTable::new();
    let mut random = 88_172_645_463_325_252u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let name = |prefix: &str, number: u64| table.intern(&format!("{prefix}{number:02}"));
    let terminals: Vec<Symbol> = (0..20_000).map(|number| table.intern(&format!("{:05}", number + 10_000))).collect();
    for number in 0..80_000 {
        table.intern(&format!("other:{number}"));
    }
    let blocks: Vec<Vec<Record>> = (0..BLOCKS)
        .map(|block| {
            (0..BLOCK)
                .map(|row| {
                    let at = block * BLOCK + row;
                    let terminal = next(20_000);
                    Record {
                        time: EventTime(1_772_380_800_000 + (at / 20).cast_signed() * 1000),
                        offset_min: 480,
                        sequence: next(5_000),
                        terminal: terminals[terminal as usize],
                        location: name("station:", terminal % 400),
                        issuer: name("bank-", next(20)),
                        operator: name("bus-", terminal % 12),
                        class: name("class-", next(6)),
                        amount_minor: [200, 300, 400, 150, 700, 250][next(6) as usize],
                        arrival: 1_772_380_800_000 + at * 3 + next(1_000),
                        source_ref: SourceRef::new(at.to_string().as_bytes()).expect("short"),
                        card: CardToken::new(format!("{:07}", next(5_000_000)).as_bytes()).expect("short"),
                        ..Record::blank(if next(2) == 0 { RecordKind::TapOn } else { RecordKind::TapOff })
                    }
                })
                .collect()
        })
        .collect();
    records(&table, &blocks);
    decisions(&table, &blocks);
}

fn records(table: &SymbolTable, blocks: &[Vec<Record>]) {
    let rows: Vec<u64> = (1..=BLOCK).collect();
    let mut symbols = SymbolCache::new(table);
    let mut back = IntakeRows::default();
    let encoded: Vec<IntakeBlock> = blocks.iter().map(|block| IntakeBlock::encode(block, &rows, table)).collect();
    let bytes: usize = encoded.iter().map(|block| block.payload().len()).sum();
    for (block, encoded) in blocks.iter().zip(&encoded) {
        back.decode(encoded.count(), encoded.payload(), &mut symbols).expect("encoded just now");
        assert!(back.records == *block && back.rows == rows);
    }
    let encode = best(|| blocks.iter().map(|block| IntakeBlock::encode(block, &rows, table).payload().len()).sum());
    let decode = best(|| encoded.iter().map(|block| back.decode(block.count(), block.payload(), &mut symbols).map_or(0, |()| back.records.len())).sum());
    print("records", bytes, encode, decode);
}

fn decisions(table: &SymbolTable, blocks: &[Vec<Record>]) {
    let [hub, product] = ["hub", "transit"].map(|name| table.find(name).unwrap_or_else(|| table.intern(name)));
    let decide = |record: &Record| Decision {
        flags: Flags::RIDE,
        issuer: record.issuer,
        earner: record.operator,
        product,
        list_minor: record.amount_minor,
        charged_minor: record.amount_minor,
        fee_minor: record.amount_minor / 100,
        ..Decision::unpriced(*record, Reason::Cleared, Day(20_514), Day(20_514))
    };
    let blocks: Vec<Vec<Decision>> = blocks.iter().map(|block| block.iter().map(decide).collect()).collect();
    let encoded: Vec<DecisionBlock> = blocks.iter().map(|block| DecisionBlock::encode(block, hub, table)).collect();
    let bytes: usize = encoded.iter().map(|block| block.payload().len()).sum();
    let mut symbols = SymbolCache::new(table);
    let mut back = Vec::new();
    for (block, encoded) in blocks.iter().zip(&encoded) {
        decode_decisions(encoded.count(), encoded.payload(), &mut symbols, &mut back).expect("encoded just now");
        assert!(back == *block);
    }
    let encode = best(|| blocks.iter().map(|block| DecisionBlock::encode(block, hub, table).payload().len()).sum());
    let decode =
        best(|| encoded.iter().map(|block| decode_decisions(block.count(), block.payload(), &mut symbols, &mut back).map_or(0, |()| back.len())).sum());
    print("decisions", bytes, encode, decode);
}

/// The shortest of some rounds over all blocks, in nanoseconds a row.
fn best(mut round: impl FnMut() -> usize) -> u128 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        assert!(round() > 0);
        start.elapsed().as_nanos() / u128::from(BLOCK * BLOCKS)
    });
    times.min().unwrap_or(0)
}

fn print(what: &str, bytes: usize, encode: u128, decode: u128) {
    let rows = (BLOCK * BLOCKS) as usize;
    println!("{what}: {}.{} bytes each, encode {encode} ns, decode {decode} ns", bytes / rows, bytes * 10 / rows % 10);
}
