//! Records that nobody here made, through the bundled mappings: every one is read, and the sums are those that are known.
//!
//! The data lie in `$SHARED/data` (by default beside the workspace); without them a test says that it looked at nothing.

use domain::{RecordKind, SymbolTable};
use engine::ingest::{Decoded, Decoder, DoorKeys, Mapping, Source, file_digest};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

fn bundled(name: &str) -> Mapping {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay-data").join(name).join("map.toml");
    Mapping::parse("map.toml", &std::fs::read_to_string(path).expect("the bundled mapping is there")).expect("and has no mistakes")
}

fn shared(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = root.join("data").join(file);
    if !path.exists() {
        eprintln!("skipped: 0 records looked at, because SHARED has no data/{file}");
        return None;
    }
    Some(path)
}

fn read(mapping: &Mapping, path: &Path, symbols: &SymbolTable) -> Decoded {
    let section = mapping.section_for(path).expect("a section for the file");
    let mut decoder = Decoder::new(section, symbols, DoorKeys { token_key: [3; 32] }, file_digest(path).expect("readable"));
    let mut source = Source::open(path, section).expect("sound");
    let mut all = Decoded::default();
    while let Some(chunk) = source.next_chunk().expect("sound") {
        let decoded = decoder.decode(&chunk);
        all.records.extend(decoded.records);
        all.rows.extend(decoded.rows);
        all.refusals.extend(decoded.refusals);
        all.cards.extend(decoded.cards);
    }
    all
}

#[test]
fn the_bundled_mappings_have_no_mistakes() {
    for name in ["shenzhen", "oyster", "transit-day"] {
        assert!(bundled(name).section_for(Path::new("x.csv")).is_some(), "{name}");
    }
}

#[test]
fn all_shenzhen_records_are_read_and_come_out_the_same_from_csv() {
    let Some(path) = shared("shenzhen/2018-09-01-page1.json") else { return };
    let mapping = bundled("shenzhen");
    let symbols = SymbolTable::new();
    let decoded = read(&mapping, &path, &symbols);
    assert_eq!((decoded.records.len(), decoded.refusals.len()), (100, 0));
    let of_kind = |kind| decoded.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!([RecordKind::TapOn, RecordKind::TapOff, RecordKind::Boarding].map(of_kind), [64, 26, 10]);
    assert_eq!(decoded.records.iter().map(|record| record.amount_minor).sum::<i64>(), 10_300);
    assert_eq!(decoded.records.iter().filter_map(|record| record.charged_minor).sum::<i64>(), 5_395);
    assert_eq!(decoded.records.iter().map(domain::Record::id).collect::<HashSet<_>>().len(), 100);
    assert_eq!(decoded.records.iter().filter(|record| record.location.is_none() && record.vehicle.is_none()).count(), 2);
    let first = decoded.records[0];
    // 2018-08-31 22:14:50 at +08:00.
    assert_eq!((first.time.0, first.offset_min), (1_535_724_890_000, 480));
    let text = |symbol| symbols.text(symbol).to_string();
    assert_eq!([text(first.location), text(first.operator), text(first.terminal), text(first.issuer)], ["station:布吉", "operator-05", "263032105", "bank-01"]);
    assert!(decoded.cards.iter().any(|(token, pan)| *token == first.card && pan.expose() == b"CBEHFCFCG"));

    let answer: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("readable")).expect("JSON");
    let columns = ["deal_date", "close_date", "card_no", "deal_value", "deal_type", "company_name", "car_no", "station", "conn_mark", "deal_money", "equ_no"];
    let rows = answer["data"].as_array().expect("records");
    let lines = rows.iter().map(|row| columns.map(|column| row[column].as_str().unwrap_or("-").to_owned()).join(","));
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("szt-data_2018-09-01.csv");
    std::fs::write(&csv, lines.clone().collect::<Vec<_>>().join("\n")).expect("written");
    assert_eq!(read(&mapping, &csv, &symbols).records, decoded.records);
    std::fs::write(&csv, format!("{}\r\n{}", columns.join(","), lines.collect::<Vec<_>>().join("\r\n"))).expect("written");
    assert_eq!(read(&mapping, &csv, &symbols).records, decoded.records);
    // Answers one after another, as the city's pages are kept.
    let pages = folder.path().join("pages.jsons");
    std::fs::write(&pages, format!("{answer}\n{answer}\n")).expect("written");
    let twice = read(&mapping, &pages, &symbols);
    assert_eq!(twice.records, [decoded.records.clone(), decoded.records].concat());
}

#[test]
fn all_oyster_journeys_are_read() {
    let Some(path) = shared("oyster/2009-11-journeys-part7.csv.gz") else { return };
    let symbols = SymbolTable::new();
    let decoded = read(&bundled("oyster"), &path, &symbols);
    assert_eq!((decoded.records.len(), decoded.refusals.len(), decoded.cards.len()), (223_488, 0, 0));
    assert!(decoded.records.iter().all(|record| record.kind == RecordKind::Journey && record.card.is_empty()));
    assert_eq!(decoded.records.iter().map(|record| record.amount_minor).sum::<i64>(), 8_925_330);
    let mut by_mode = BTreeMap::<String, i64>::new();
    for record in &decoded.records {
        *by_mode.entry(symbols.text(record.mode).to_string()).or_default() += record.charged_minor.expect("priced");
    }
    let expected = [
        ("LTB", 2_764_425, "operator-01"),
        ("LUL", 4_753_245, "operator-02"),
        ("LUL/NR", 197_020, "operator-03"),
        ("LUL/DLR", 129_765, "operator-04"),
        ("NR", 70_805, "operator-05"),
        ("DLR", 66_260, "operator-06"),
        ("LUL/NR/LRC", 46_760, "operator-07"),
        ("NR/LRC", 35_060, "operator-08"),
        ("LUL/LRC", 28_320, "operator-09"),
        ("LRC", 27_270, "operator-10"),
        ("TRAM", 23_965, "operator-11"),
        ("HEX", 10_405, "operator-12"),
        ("LUL/NR/DLR", 9_800, "operator-13"),
        ("NR/DLR", 3_480, "operator-14"),
        ("LUL/TRAM", 110, "operator-15"),
    ];
    assert_eq!(by_mode.len(), expected.len());
    for (mode, charged, operator) in expected {
        assert_eq!(by_mode.get(mode), Some(&charged), "{mode}");
        let one = decoded.records.iter().find(|record| *symbols.text(record.mode) == *mode).expect("one at least");
        assert_eq!(&*symbols.text(one.operator), operator);
    }
    // Row 1: Wednesday is day 4, 4 November 2009; 15:34 in London in winter is 15:34 UTC.
    let first = decoded.records[0];
    assert_eq!((first.time.0, first.offset_min, &*symbols.text(first.route)), (1_257_348_840_000, 0, "254"));
    assert!(first.from.is_none() && first.location.is_none());
    // Identical rows are different journeys.
    assert_eq!(decoded.records.iter().map(domain::Record::id).collect::<HashSet<_>>().len(), 223_488);
    let unfinished =
        decoded.records.iter().filter(|record| !record.from.is_none() && record.location.is_none() && *symbols.text(record.mode) != *"TRAM").count();
    assert_eq!(unfinished, 2_510);
}
