//! How a file is cut and in which format it comes changes nothing: the same rows are the same records.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

use domain::record::IdKind;
use domain::symbol::SymbolCache;
use domain::{CardToken, EventTime, Record, RecordId, RecordKind, SourceRef, Symbol, SymbolTable};
use engine::ingest::{Decoded, Decoder, DoorKeys, Mapping, PackageRefusal, Refusal, Source, TapWriter};
use proptest::prelude::*;
use std::path::Path;

const MAP: &str = r#"
[[source]]
name = "csv"
files = ["*.csv"]
format = "csv"
trim = true
absent = ["-"]
id = { columns = ["a", "b", "c"] }
[source.record]
kind = { value = "payment" }
time = { column = "t", format = "epoch-ms", zone = "+08:00" }
terminal = "a"
route = "b"
product = "c"
amount = { column = "n", unit = "major" }
[[source]]
name = "json"
like = "csv"
files = ["*.json"]
format = "json"
array = "rows"
[[source]]
name = "lines"
like = "csv"
files = ["*.jsonl"]
format = "json-lines"
"#;

fn read(mapping: &Mapping, path: &Path, symbols: &SymbolTable, chunk_bytes: usize) -> Decoded {
    let section = mapping.section_for(path).expect("a section for the file");
    let mut decoder = Decoder::new(section, symbols, DoorKeys { token_key: [3; 32] }, [9; 32]);
    let mut source = Source::open_in_chunks(path, section, chunk_bytes).expect("sound");
    let mut all = Decoded::default();
    let mut rows = 0;
    while let Some(chunk) = source.next_chunk().expect("sound") {
        assert_eq!(chunk.first_row, rows + 1);
        rows += chunk.rows;
        let decoded = decoder.decode(&chunk);
        all.records.extend(decoded.records);
        all.rows.extend(decoded.rows);
        all.refusals.extend(decoded.refusals);
        all.packages.extend(decoded.packages);
    }
    all
}

/// One cell: what it says, and whether CSV puts it in quotes that it does not need.
fn cell() -> impl Strategy<Value = (String, bool)> {
    (prop_oneof!["[a-c0-9 -]{0,6}", "[a-c,\"\n\r é]{0,5}", Just("-".to_owned()), Just(String::new())], any::<bool>())
}

fn csv_field((text, quoted): &(String, bool)) -> String {
    if *quoted || text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
}

fn told(refusals: &[Refusal]) -> Vec<(u64, String, &'static str)> {
    refusals.iter().map(|refusal| (refusal.row, refusal.column.clone(), refusal.problem)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cutting_and_format_change_nothing(
        mut rows in prop::collection::vec((cell(), cell(), cell(), 0_i64..9_999_999_999_999, "[0-9]{1,3}(\\.[0-9]{1,3})?"), 0..100),
        // Rows without a quote are split ahead: there are files of them, with one that has quotes here and there.
        needless_quotes in any::<bool>(),
        chunk_bytes in 1_usize..200,
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")],
        last in any::<bool>(),
    ) {
        let mapping = Mapping::parse("map.toml", MAP).expect("sound");
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let symbols = SymbolTable::new();
        if !needless_quotes {
            rows.iter_mut().for_each(|(a, b, c, ..)| [a, b, c].into_iter().for_each(|cell| cell.1 = false));
        }
        let mut lines = vec!["a,\"b\",c,t,n".to_owned()];
        lines.extend(rows.iter().map(|(a, b, c, t, n)| format!("{},{},{},{t},{}", csv_field(a), csv_field(b), csv_field(c), csv_field(&(n.clone(), needless_quotes)))));
        let csv = lines.join(line_end) + if last { line_end } else { "" };
        std::fs::write(path("x.csv"), &csv).expect("written");
        let whole = read(&mapping, &path("x.csv"), &symbols, 1 << 20);
        let cut = read(&mapping, &path("x.csv"), &symbols, chunk_bytes);
        prop_assert_eq!(whole.rows.len() + whole.refusals.len(), rows.len());
        prop_assert_eq!((&whole.records, &whole.rows, told(&whole.refusals)), (&cut.records, &cut.rows, told(&cut.refusals)));

        let objects: Vec<_> = rows.iter().map(|(a, b, c, t, n)| serde_json::json!({"a": a.0, "b": b.0, "c": c.0, "t": t, "n": n})).collect();
        let answer = serde_json::json!({"total": 1, "rows": objects});
        std::fs::write(path("x.json"), if last { serde_json::to_string_pretty(&answer) } else { serde_json::to_string(&answer) }.expect("JSON")).expect("written");
        let json = read(&mapping, &path("x.json"), &symbols, chunk_bytes);
        prop_assert_eq!((&whole.records, &whole.rows, told(&whole.refusals)), (&json.records, &json.rows, told(&json.refusals)));
        let text: String = objects.iter().map(|object| format!("{object}{line_end}")).collect();
        std::fs::write(path("x.jsonl"), text).expect("written");
        let jsonl = read(&mapping, &path("x.jsonl"), &symbols, chunk_bytes);
        prop_assert_eq!((&whole.records, &whole.rows, told(&whole.refusals)), (&jsonl.records, &jsonl.rows, told(&jsonl.refusals)));
    }

    /// Any bytes at all: the splitter and the decoder see the rows that csv-core sees.
    #[test]
    fn rows_are_those_of_csv_core(body in "[ab,\"\n\r]{0,60}", chunk_bytes in 1_usize..40) {
        let text = format!("a,b,c,t,n\n{body}");
        let (widths, open) = by_csv_core(&body);
        prop_assume!(!open);
        let mapping = Mapping::parse("map.toml", MAP).expect("sound");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.csv");
        std::fs::write(&path, &text).expect("written");
        let symbols = SymbolTable::new();
        let decoded = read(&mapping, &path, &symbols, chunk_bytes);
        let wrong: Vec<u64> = decoded.refusals.iter().filter(|refusal| refusal.column.is_empty()).map(|refusal| refusal.row).collect();
        let expected: Vec<u64> = (1..).zip(&widths).filter(|(_, width)| **width != 5).map(|(row, _)| row).collect();
        prop_assert_eq!(wrong, expected);
        prop_assert_eq!(decoded.rows.len() + decoded.refusals.len(), widths.len());
    }

    #[test]
    fn a_capture_gives_back_what_was_put_in(seeds in prop::collection::vec(any::<[u64; 4]>(), 0..40), size in 1_usize..20) {
        let symbols = SymbolTable::new();
        let records: Vec<Record> = seeds.iter().map(|seed| record(*seed, &symbols)).collect();
        let bytes = capture(&records, size, &symbols);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.tap");
        std::fs::write(&path, &bytes).expect("written");
        let decoded = read(&Mapping::native(), &path, &symbols, 1 << 20);
        prop_assert_eq!(&decoded.records, &records);
        prop_assert_eq!(decoded.rows, (1..=records.len() as u64).collect::<Vec<_>>());
        prop_assert!(decoded.packages.is_empty());
    }

    /// One flipped bit is found: the file, or the package that it is in, is refused.
    #[test]
    fn a_damaged_capture_is_refused(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let symbols = SymbolTable::new();
        let records: Vec<Record> = (0..6).map(|seed| record([seed, seed * 7, 3, 4], &symbols)).collect();
        let mut bytes = capture(&records, 3, &symbols);
        let at = at.index(bytes.len());
        // The four bytes after the version are free.
        prop_assume!(!(12..16).contains(&at));
        bytes[at] ^= 1_u8 << bit;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.tap");
        std::fs::write(&path, &bytes).expect("written");
        let mapping = Mapping::native();
        if Source::open(&path, mapping.section_for(&path).expect("a section")).is_ok() {
            let decoded = read(&mapping, &path, &symbols, 1 << 20);
            prop_assert_eq!(decoded.packages.len(), 1);
            prop_assert_eq!(decoded.records.len(), 3);
        }
    }
}

/// Field counts of the rows, and whether the last quote is never closed.
fn by_csv_core(text: &str) -> (Vec<usize>, bool) {
    let mut reader = csv_core::Reader::new();
    let (mut output, mut ends) = ([0; 256], [0; 256]);
    let (mut rest, mut widths) = (text.as_bytes(), Vec::new());
    loop {
        let (mut width, mut input_end) = (0, false);
        loop {
            let (result, read, _, fields) = reader.read_record(rest, &mut output, &mut ends);
            input_end |= rest.is_empty();
            rest = &rest[read..];
            width += fields;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::Record => break,
                csv_core::ReadRecordResult::End => return (widths, is_open(text)),
                _ => panic!("256 is enough"),
            }
        }
        widths.push(width);
        if input_end {
            return (widths, is_open(text));
        }
    }
}

/// The plain state machine of RFC 4180, byte by byte.
fn is_open(text: &str) -> bool {
    let (mut inside, mut field_start, mut bytes) = (false, true, text.bytes().peekable());
    while let Some(byte) = bytes.next() {
        if inside {
            if byte == b'"' {
                if bytes.peek() == Some(&b'"') {
                    bytes.next();
                } else {
                    inside = false;
                }
            }
        } else if byte == b'"' && field_start {
            (inside, field_start) = (true, false);
        } else {
            field_start = matches!(byte, b',' | b'\n' | b'\r');
        }
    }
    inside
}

fn record([a, b, c, d]: [u64; 4], symbols: &SymbolTable) -> Record {
    let name = |prefix: &str, number: u64| if number.is_multiple_of(5) { Symbol::NONE } else { symbols.intern(&format!("{prefix}{}", number % 9)) };
    let maybe = |number: u64| (!number.is_multiple_of(3)).then_some(number as i64);
    let text = a.to_string();
    Record {
        kind: RecordKind::ALL[(a % 9) as usize],
        id_kind: IdKind::from_code((b % 3) as u8).expect("three kinds"),
        offset_min: (c % 1600) as i16 - 800,
        epoch: d as u32,
        time: EventTime(a as i64),
        sequence: b,
        id_bits: [c, d],
        terminal: name("T", a),
        location: name("station:", b),
        from: name("line:", c),
        route: name("", d),
        vehicle: name("粤B", a),
        mode: name("m", b),
        issuer: name("bank-", c),
        operator: name("operator-", d),
        class: name("c", a),
        medium: name("d", b),
        product: name("p", c),
        amount_minor: (a % 100_000) as i64 - 500,
        charged_minor: maybe(a),
        balance_before_minor: maybe(b),
        balance_after_minor: maybe(c),
        card_counter: maybe(d).map(|number| number as u32),
        hotlist_version: maybe(a ^ b).map(|number| number as u32),
        grey: a.is_multiple_of(2),
        original: match d % 4 {
            0 => None,
            1 => Some(RecordId::Columns([a, b])),
            2 => Some(RecordId::FileRow([c, d])),
            _ => Some(RecordId::Sequence { terminal: symbols.intern("T0"), epoch: a as u32, sequence: c }),
        },
        arrival: c,
        source_ref: SourceRef::new(&text.as_bytes()[..text.len().min(16)]).expect("short"),
        card: CardToken::new(b.to_string().as_bytes()).expect("short"),
    }
}

fn capture(records: &[Record], size: usize, symbols: &SymbolTable) -> Vec<u8> {
    let mut writer = TapWriter::new(Vec::new()).expect("memory takes it");
    for (number, package) in records.chunks(size).enumerate() {
        writer.package("depot-7", number as u64 + 1, package, symbols).expect("memory takes it");
    }
    writer.finish().expect("memory takes it")
}

#[test]
fn a_package_that_does_not_add_up_is_refused_alone() {
    let symbols = SymbolTable::new();
    let mut cache = SymbolCache::new(&symbols);
    cache.intern("T1");
    let records: Vec<Record> = (0..6).map(|seed| record([seed, seed + 1, 3, 4], &symbols)).collect();
    let mut bytes = capture(&records, 3, &symbols);
    // A byte in the middle of the first package's body.
    bytes[100] ^= 1;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tap");
    std::fs::write(&path, &bytes).expect("written");
    let decoded = read(&Mapping::native(), &path, &symbols, 1 << 20);
    assert_eq!(decoded.packages, [PackageRefusal { package: 1, rows: 3, problem: "has another digest than its trailer says" }]);
    assert_eq!((decoded.records, decoded.rows), (records[3..].to_vec(), vec![4, 5, 6]));
    // Cut anywhere, it is refused as a file.
    let whole = capture(&records, 3, &symbols);
    for len in [0, 7, 15, 16, 30, 100, whole.len() - 33, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).expect("written");
        let mapping = Mapping::native();
        assert!(Source::open(&path, mapping.section_for(&path).expect("a section")).is_err(), "{len}");
    }
}

#[test]
fn the_native_columns_may_come_in_any_order_and_in_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("day.csv");
    let text = "time,kind,terminal,sequence,location,amount,original,grey\n\
        1772396280196,tap-on,T1,5,station:197,0,,\n\
        1772396280197,refund,T1,6,shop:4,-150,T1.0.5,true\n\
        1772396280198,tap,T1,7,shop:4,0,,\n\
        1772396280199,payment,T1,8,shop,0,,\n";
    std::fs::write(&path, text).expect("written");
    let symbols = SymbolTable::new();
    let decoded = read(&Mapping::native(), &path, &symbols, 1 << 20);
    assert_eq!(
        told(&decoded.refusals),
        [(3, "kind".to_owned(), "is no kind of record that the mapping knows"), (4, "location".to_owned(), "is not a place written kind:code")]
    );
    let [on, refund] = decoded.records[..] else { panic!("two records") };
    assert_eq!((on.kind, &*symbols.text(on.location), on.grey, on.sequence), (RecordKind::TapOn, "station:197", false, 5));
    assert_eq!((refund.original, refund.amount_minor, refund.grey), (Some(on.id()), -150, true));
}

#[test]
fn another_encoding_is_the_same_text() {
    const GBK: &str = r#"
[[source]]
files = ["*.csv"]
format = "csv"
encoding = "gbk"
id = { file_row = true }
[source.record]
kind = { value = "boarding" }
time = { column = "t", format = "epoch-s", zone = "UTC" }
route = "线路"
"#;
    let text = "t,线路\n1,布吉\n2,\"福永,皇岗\"\n3,€\n";
    let (bytes, _, lossy) = encoding_rs::GBK.encode(text);
    assert!(!lossy);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("day.csv");
    let mapping = Mapping::parse("map.toml", GBK).expect("sound");
    let symbols = SymbolTable::new();
    // A mark says UTF-8, whatever the mapping says.
    for bytes in [bytes.to_vec(), format!("\u{feff}{text}").into_bytes()] {
        std::fs::write(&path, bytes).expect("written");
        for chunk_bytes in [1, 2, 3, 7, 1 << 20] {
            let routes: Vec<String> =
                read(&mapping, &path, &symbols, chunk_bytes).records.iter().map(|record| symbols.text(record.route).to_string()).collect();
            assert_eq!(routes, ["布吉", "福永,皇岗", "€"]);
        }
    }
}
