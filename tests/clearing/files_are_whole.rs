//! Promise 9 and a file's: it is booked whole or not at all, and a bad row among good ones is data.

use crate::house::{DAY, House, number, tapclear};
use crate::published::Sheet;
use crate::transit::{self, DAY_BEGINS_MS, HOUR_MS, Row, csv, day};
use domain::{EventTime, Record, RecordKind, SymbolTable};
use engine::ingest::TapWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::PathBuf;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn utf_16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn capture() -> Vec<u8> {
    let symbols = SymbolTable::new();
    let records: Vec<Record> = (1..=50)
        .map(|sequence| Record {
            sequence,
            time: EventTime(DAY_BEGINS_MS + i64::try_from(sequence).expect("small") * 1000),
            terminal: symbols.intern("51100001"),
            ..Record::blank(RecordKind::Boarding)
        })
        .collect();
    let mut writer = TapWriter::new(Vec::new()).expect("memory takes it");
    writer.package("garage-1", 1, &records, &symbols).expect("memory takes it");
    writer.finish().expect("memory takes it")
}

/// The bad file is refused alone, and nothing that would count is left of it.
#[track_caller]
fn refused_whole(house: &House, bad: &PathBuf) {
    let ran = house.clear(DAY, std::slice::from_ref(bad));
    let said = ran.refused();
    let name = bad.file_name().expect("a name").to_string_lossy();
    assert!(said.contains(&*name), "{name} is not named: {said}");
    assert_eq!(ran.stdout, "", "{name}: nothing was done");
    let booked: Vec<_> = house.files().into_iter().filter(|(_, state)| state == "booked").collect();
    assert_eq!(booked, [], "{name}");
    assert!(!house.day(DAY).exists(), "{name}: nothing is published");
    house.verify();
}

#[test]
fn a_broken_file_leaves_nothing_and_the_good_one_clears_afterwards() {
    let house = transit::house();
    // Much more than a chunk, so that a file is found broken when some of it has been taken in.
    let text = csv(&day(1, 40_000));
    let whole = gzip(&text);
    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    for byte in &mut broken[middle..middle + 64] {
        *byte ^= 0x5A;
    }
    let mut giant = text.clone();
    giant.push_str(&"9".repeat(2 << 20));
    let unclosed = format!("{text}1,\"bus,1,1,1,1,1,1,1,0,0\n");
    std::fs::create_dir(house.path("folder.csv")).expect("a new folder");
    let files = [
        house.write("cut.csv.gz", &whole[..whole.len() / 2]),
        house.write("broken.csv.gz", &broken),
        house.write("header-cut.csv.gz", &whole[..6]),
        house.path("missing.csv"),
        house.path("folder.csv"),
        house.write("empty.csv", ""),
        house.write("header.csv", text.replacen("card_id", "card", 1)),
        house.write("utf-16.csv", utf_16(&text)),
        house.write("giant.csv", giant),
        house.write("unclosed.csv", unclosed),
    ];
    for bad in &files {
        refused_whole(&house, bad);
    }
    let good = house.write("good.csv.gz", &whole);
    let result = house.clear(DAY, &[good]).done();
    assert_eq!(number(&result, "received"), text.lines().count() as i64 - 1);
    let fresh = transit::house();
    let alone = fresh.write("good.csv.gz", &whole);
    let expected = fresh.clear(DAY, &[alone]).done();
    for key in ["received", "cleared", "duplicate", "conflict", "held", "rejected", "gross_minor", "postings"] {
        assert_eq!(expected[key], result[key], "{key}");
    }
    house.verify();
}

#[test]
fn a_cut_or_changed_capture_leaves_nothing() {
    let mut house = House::bundled("sichuan");
    house.map = None;
    let whole = capture();
    for (name, at) in [("cut.tap", whole.len() / 2), ("cut-end.tap", whole.len() - 1), ("cut-head.tap", 10)] {
        refused_whole(&house, &house.write(name, &whole[..at]));
    }
    let good = house.write("good.tap", &whole);
    let result = house.clear(DAY, &[good]).done();
    assert_eq!(number(&result, "received"), 50);
    house.verify();
}

#[test]
fn files_before_a_broken_one_stay_booked_and_the_day_stays_open() {
    let house = transit::house();
    let rows = day(2, 400);
    let (one, two) = rows.split_at(rows.len() / 2);
    let (good, text) = (house.write("one.csv", csv(one)), csv(two));
    let bad = house.write("two.csv.gz", &gzip(&text)[..200]);
    house.clear(DAY, &[good.clone(), bad]).refused();
    assert_eq!(house.files().iter().filter(|(_, state)| state == "booked").count(), 1);
    let open = &house.status()["days"][0];
    assert_eq!((&open["state"], &open["received"], &open["cleared"]), (&"open".into(), &one.len().into(), &serde_json::Value::Null));
    let fetched = house.write("two.csv.gz", gzip(&text));
    let result = house.clear(DAY, &[good, fetched]).done();
    assert_eq!(number(&result, "received"), rows.len() as i64);
    house.verify();
}

#[test]
fn what_a_terminal_has_not_sent_is_told_until_it_comes() {
    let house = transit::house();
    let rows: Vec<Row> = (1..=8).map(|at| Row::bus(at, at as i64, at as i64, DAY_BEGINS_MS + at as i64 * HOUR_MS)).collect();
    let without = |missing: &[usize]| csv(&rows.iter().enumerate().filter(|(at, _)| !missing.contains(at)).map(|(_, row)| row.clone()).collect::<Vec<_>>());
    let gaps = || {
        let told = house.run("inspect", ["--gaps"]).done();
        let runs: Vec<_> = told["gaps"].as_array().expect("a list").iter().map(|gap| (number(gap, "first"), number(gap, "last"))).collect();
        (runs, number(&told, "missing"))
    };
    house.clear(DAY, &[house.write("one.csv", without(&[2, 3, 6]))]).done();
    assert_eq!(gaps(), (vec![(3, 4), (7, 7)], 3));
    house.ingest("2026-03-03", &[house.write("two.csv", without(&[0, 3, 5, 7]))]).done();
    assert_eq!(gaps(), (vec![(4, 4)], 1));
}

#[test]
fn a_bad_row_is_reported_with_its_place_and_the_good_ones_go_on() {
    let house = transit::house();
    let rows: Vec<Row> = (1..=8).map(|at| Row::bus(at, at as i64, at as i64, DAY_BEGINS_MS + at as i64 * HOUR_MS)).collect();
    let text = csv(&rows);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[2] = lines[2].replace(",bus,", ",ferry,");
    lines[4] = lines[4].replace(&(DAY_BEGINS_MS + 4 * HOUR_MS).to_string(), "half past nine");
    lines[6] = "6,bus,1".to_owned();
    let file = house.write("day.csv", lines.join("\n"));
    let result = house.clear(DAY, &[file]).done();
    assert_eq!(["received", "cleared", "rejected"].map(|key| number(&result, key)), [8, 5, 3]);
    let uploads = Sheet::read(&house.day(DAY).join("intake/transit-day/uploads.csv"));
    let lines: Vec<_> = uploads.rows().collect();
    assert_eq!(["file", "state", "received", "refused"].map(|column| lines[0].text(column)), ["day.csv", "booked", "8", "3"]);
    assert_eq!(["cleared", "duplicate", "held", "rejected"].map(|column| lines[0].text(column)), ["5", "0", "0", "3"]);
    assert_eq!(["reason", "reason_name", "records"].map(|column| lines[1].text(column)), ["300", "malformed", "3"]);
    let told: Vec<_> = lines[2..].iter().map(|line| (line.text("row"), line.text("column"))).collect();
    assert_eq!(told[..2], [("2", "record_type"), ("4", "ts_ms")]);
    assert_eq!(told[2].0, "6");
    for line in &lines[2..] {
        assert!(line.text("problem").len() > 5, "row {} has no reason", line.text("row"));
        for value in ["ferry", "half past"] {
            assert!(!line.text("problem").contains(value), "a reason tells a value");
        }
    }
    house.verify();
}

#[test]
fn a_file_in_another_encoding_is_refused_whole() {
    let mut house = transit::house();
    house.map = Some(house.write(
        "map.toml",
        "[[source]]\nfiles = [\"*.csv\"]\nformat = \"csv\"\nid = { file_row = true }\n[source.record]\nkind = { column = \"kind\", values = { \"巴士\" = \"boarding\" } }\n\
         time = { column = \"time\", format = \"epoch-ms\", zone = \"+08:00\" }\n",
    ));
    // 巴士 in GBK, which is no UTF-8.
    let row = |kind: &[u8]| [kind, format!(",{DAY_BEGINS_MS}\n").as_bytes()].concat();
    let gbk = b"\xb0\xcd\xca\xbf";
    refused_whole(&house, &house.write("gbk.csv", [b"kind,time\n".to_vec(), row(gbk), row(gbk)].concat()));
    // Among rows that can be read, such a row is a bad row.
    let mixed = house.write("mixed.csv", [b"kind,time\n".to_vec(), row(gbk), row("巴士".as_bytes())].concat());
    let ran = house.clear(DAY, &[mixed]);
    assert_eq!(["received", "rejected"].map(|key| number(&ran.done(), key)), [2, 1]);
    assert!(ran.stderr.contains("1 of 2 rows") && ran.stderr.contains("row 1"), "{}", ran.stderr);
}

#[test]
fn a_file_of_nothing_but_a_header_is_a_quiet_day() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&[]));
    let result = house.clear(DAY, &[file]).done();
    assert_eq!(["received", "postings", "gross_minor"].map(|key| number(&result, key)), [0, 0, 0]);
    assert_eq!(Sheet::read(&house.day(DAY).join("bank-01/detail.csv")).rows().count(), 0);
    house.verify();
}

#[test]
fn a_ledger_that_is_not_there_is_not_made_by_looking() {
    let house = transit::house();
    for command in ["verify", "status", "inspect"] {
        let ledger = house.ledger();
        let ran = tapclear([command.as_ref(), "--ledger".as_ref(), ledger.as_os_str()]);
        ran.refused();
        assert!(!ledger.exists(), "{command} made a ledger");
    }
}
