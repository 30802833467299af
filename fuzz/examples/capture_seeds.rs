//! Writes `corpus/capture` anew, after the capture's format has changed: good captures, and good ones broken in one place.

use domain::{EventTime, Record, RecordKind, SymbolTable};
use engine::ingest::TapWriter;
use std::path::Path;

fn records(symbols: &SymbolTable, count: u64) -> Vec<Record> {
    let kinds = RecordKind::ALL.into_iter().cycle();
    (0..count)
        .zip(kinds)
        .map(|(at, kind)| Record {
            terminal: symbols.intern("51100001"),
            sequence: at + 1,
            time: EventTime(1_772_395_200_000 + i64::try_from(at).expect("few") * 1000),
            issuer: symbols.intern("bank-01"),
            operator: symbols.intern("operator-01"),
            location: symbols.intern("station:五"),
            amount_minor: 200,
            ..Record::blank(kind)
        })
        .collect()
}

/// A capture of packages with so many records each.
fn capture(counts: &[u64]) -> Vec<u8> {
    let symbols = SymbolTable::new();
    let mut writer = TapWriter::new(Vec::new()).expect("memory takes it");
    for (number, &count) in (1..).zip(counts) {
        writer.package("operator-01", number, &records(&symbols, count), &symbols).expect("memory takes it");
    }
    writer.finish().expect("memory takes it")
}

fn main() {
    let put = |name: &str, bytes: Vec<u8>| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/capture").join(name);
        std::fs::write(path, bytes).expect("the corpus can be written");
    };
    let changed = |at: usize, byte: u8| {
        let mut bytes = capture(&[2]);
        if let Some(old) = bytes.get_mut(at) {
            *old ^= byte;
        }
        bytes
    };
    let one = capture(&[1]);
    let len = capture(&[2]).len();
    put("one-package", one.clone());
    put("every-kind", capture(&[9]));
    put("three-packages", capture(&[1, 2, 3]));
    put("no-package", capture(&[]));
    put("empty-package", capture(&[0]));
    put("cut", one.get(..one.len() - 7).unwrap_or_default().to_vec());
    put("cut-in-head", one.get(..9).unwrap_or_default().to_vec());
    put("trailing", [one.clone(), b"trailing".to_vec()].concat());
    put("twice", [one.clone(), one].concat());
    put("wrong-version", changed(7, 1));
    put("wrong-length", changed(16, 0x80));
    put("wrong-middle", changed(len / 2, 0xff));
    put("wrong-end", changed(len - 1, 1));
    put("empty", Vec::new());
}
