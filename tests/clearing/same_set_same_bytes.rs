//! Promise 3: the settlement files of a day depend only on the scheme and on the set of records taken in before its close.

use crate::dice::Dice;
use crate::house::{DAY, House, number};
use crate::published::{assert_same, canonical};
use crate::transit::{self, Row, csv, day};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

const RECORDS: usize = 2500;

/// The day cleared from these files with these further arguments; its result and its files.
fn cleared(files: &[String], more: &[&str]) -> (Value, BTreeMap<String, Vec<u8>>) {
    let house = transit::house();
    let paths = write(&house, files);
    let arguments = ["--day", DAY].into_iter().chain(more.iter().copied()).map(PathBuf::from);
    let result = house.run("clear", arguments.chain(paths)).done();
    (result, canonical(&house.day(DAY)))
}

fn write(house: &House, files: &[String]) -> Vec<PathBuf> {
    files.iter().enumerate().map(|(at, text)| house.write(&format!("part-{at}.csv"), text)).collect()
}

fn split(rows: &[Row], parts: usize) -> Vec<String> {
    rows.chunks(rows.len().div_ceil(parts)).map(csv).collect()
}

#[test]
fn order_chunking_repetition_and_threads_change_no_byte() {
    for seed in [1, 20_260_302, 77_777] {
        let rows = day(seed, RECORDS);
        let (result, expected) = cleared(&[csv(&rows)], &[]);
        for what in ["cleared", "duplicate", "conflict", "held", "rejected", "capped_rides"] {
            assert!(number(&result, what) > 0, "the day of seed {seed} has no {what}: {result}");
        }
        let mut dice = Dice::new(seed);
        let mut shuffled = rows.clone();
        dice.shuffle(&mut shuffled);
        let mut repeated = rows.clone();
        repeated.extend(rows.iter().filter(|_| dice.permille(300)).cloned());
        dice.shuffle(&mut repeated);
        let backwards: Vec<Row> = rows.iter().rev().cloned().collect();
        let variants: [(&str, Vec<String>, &[&str]); 7] = [
            ("shuffled", vec![csv(&shuffled)], &[]),
            ("backwards, by one worker", vec![csv(&backwards)], &["--workers", "1"]),
            ("rows repeated", vec![csv(&repeated)], &["--workers", "2"]),
            ("by four workers", vec![csv(&rows)], &["--workers", "4"]),
            ("in 20 files", split(&rows, 20), &[]),
            ("shuffled, in 20 files, by three workers", split(&shuffled, 20), &["--workers", "3"]),
            ("the whole and a part of it", vec![csv(&backwards[..500]), csv(&rows)], &[]),
        ];
        for (what, files, more) in variants {
            let (varied, found) = cleared(&files, more);
            assert_same(&expected, &found, &format!("seed {seed}, {what}"));
            for key in ["cleared", "rides", "charged_rides", "capped_rides", "entries", "postings", "debit_minor", "credit_minor", "gross_minor", "fee_minor"] {
                assert_eq!(result[key], varied[key], "seed {seed}, {what}: {key}");
            }
        }
    }
}

#[test]
fn file_by_file_in_processes_of_their_own_changes_no_byte() {
    let mut rows = day(5, RECORDS);
    let (_, expected) = cleared(&[csv(&rows)], &[]);
    Dice::new(6).shuffle(&mut rows);
    let house = transit::house();
    for (at, path) in write(&house, &split(&rows, 5)).into_iter().enumerate() {
        let workers = (at % 3 + 1).to_string();
        house.run("ingest", ["--day", DAY, "--workers", &workers].into_iter().map(PathBuf::from).chain([path])).done();
    }
    house.run("close", ["--day", DAY, "--workers", "1"]).done();
    house.run("settle", ["--day", DAY, "--workers", "3"]).done();
    assert_same(&expected, &canonical(&house.day(DAY)), "file by file");
    house.verify();
}

/// What is killed says nothing of what it did; the same command again goes on from what is durable.
#[test]
fn killed_again_and_again_it_ends_with_the_same_bytes() {
    let rows = day(9, RECORDS);
    let files = split(&rows, 4);
    let (result, expected) = cleared(&files, &[]);
    let house = transit::house();
    let paths = write(&house, &files);
    for round in 1..=8u64 {
        let arguments = ["--day", DAY].into_iter().map(PathBuf::from).chain(paths.clone());
        let mut child = house.command("clear", arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(round * 25));
        // It may have come to its end already.
        let _ = child.kill();
        child.wait().expect("it ends");
    }
    let again = house.clear(DAY, &paths).done();
    for key in ["received", "cleared", "duplicate", "conflict", "held", "rejected", "postings", "gross_minor", "fee_minor"] {
        assert_eq!(result[key], again[key], "{key}");
    }
    assert_same(&expected, &canonical(&house.day(DAY)), "killed and begun again");
    house.verify();
}

#[test]
fn one_record_more_is_another_set() {
    let mut rows = day(3, 200);
    let (_, before) = cleared(&[csv(&rows)], &[]);
    rows.push(Row::bus(rows.len() + 1, 1, 999, transit::DAY_BEGINS_MS + transit::HOUR_MS));
    let (_, after) = cleared(&[csv(&rows)], &[]);
    assert_ne!(before["operator-01/detail.csv"], after["operator-01/detail.csv"]);
    assert_ne!(before["operator-01/manifest.json"], after["operator-01/manifest.json"]);
    assert_eq!(before["operator-02/detail.csv"], after["operator-02/detail.csv"]);
}
