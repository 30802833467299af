//! Promises 3 to 5: doing it again changes nothing, taking back leaves no trace in the totals, and a closed day stays as it is.

use crate::house::{DAY, House, number};
use crate::published::{Sheet, assert_same, canonical, every_file};
use crate::transit::{self, DAY_BEGINS_MS, HOUR_MS, Row, csv, day};
use std::path::PathBuf;

const NEXT_DAY: &str = "2026-03-03";

/// A house whose first day is cleared from one file.
fn cleared() -> (House, PathBuf, serde_json::Value) {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(11, 1000)));
    let result = house.clear(DAY, std::slice::from_ref(&file)).done();
    (house, file, result)
}

#[test]
fn clearing_again_writes_nothing_new_and_tells_the_stored_result() {
    let (house, file, first) = cleared();
    assert_eq!(first["repeated"], false);
    let (head, files) = (house.head(), every_file(&house.day(DAY)));
    for _ in 0..2 {
        let again = house.clear(DAY, std::slice::from_ref(&file)).done();
        assert_eq!(again["repeated"], true);
        for (key, value) in first.as_object().expect("an object") {
            if !matches!(key.as_str(), "repeated" | "seconds" | "records_per_second" | "files") {
                assert_eq!(&again[key], value, "{key}");
            }
        }
        assert_eq!(house.head(), head, "the journal has not grown");
        assert_same(&files, &every_file(&house.day(DAY)), "cleared again");
    }
    house.verify();
}

#[test]
fn the_same_bytes_under_another_name_are_the_same_file() {
    let (house, file, _) = cleared();
    let head = house.head();
    let copy = house.write("renamed.csv", std::fs::read(file).expect("the day"));
    assert_eq!(house.clear(DAY, &[copy]).done()["repeated"], true);
    assert_eq!(house.head(), head);
}

#[test]
fn a_file_ingested_twice_is_taken_in_once() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(12, 300)));
    house.ingest(DAY, std::slice::from_ref(&file)).done();
    let head = house.head();
    assert_eq!(house.ingest(DAY, std::slice::from_ref(&file)).done()["repeated"], true);
    assert_eq!(house.head(), head);
    assert_eq!(house.files().len(), 1);
}

#[test]
fn settling_twice_gives_the_same_bytes() {
    let (house, _, _) = cleared();
    let (head, files) = (house.head(), every_file(&house.day(DAY)));
    let again = house.run("settle", ["--day", DAY]).done();
    assert_eq!(again["repeated"], true);
    assert_same(&files, &every_file(&house.day(DAY)), "settled again");
    // Published elsewhere, they are the same too.
    std::fs::rename(house.path("out"), house.path("moved")).expect("a new name");
    house.run("settle", ["--day", DAY, "--workers", "1"]).done();
    assert_same(&canonical(&house.path("moved").join(DAY)), &canonical(&house.day(DAY)), "settled from the ledger alone");
    assert_eq!(house.head(), head);
}

#[test]
fn an_interrupted_publication_is_made_anew() {
    let (house, _, _) = cleared();
    let expected = canonical(&house.day(DAY));
    std::fs::remove_dir_all(house.day(DAY)).expect("it was there");
    std::fs::create_dir_all(house.path("out").join(format!(".{DAY}.tmp/bank-01"))).expect("a folder");
    house.write(&format!("out/.{DAY}.tmp/bank-01/detail.csv"), "half a fi");
    house.run("settle", ["--day", DAY]).done();
    assert_same(&expected, &canonical(&house.day(DAY)), "made anew");
    assert!(!house.path("out").join(format!(".{DAY}.tmp")).exists());
}

#[test]
fn a_published_day_that_was_changed_is_not_written_over() {
    let (house, file, _) = cleared();
    let detail = house.day(DAY).join("operator-01/detail.csv");
    let changed = std::fs::read_to_string(&detail).expect("a detail file").replace(",operator-01,", ",operator-02,");
    std::fs::write(&detail, &changed).expect("it may be written");
    house.run("settle", ["--day", DAY]).refused();
    house.clear(DAY, &[file]).refused();
    assert_eq!(std::fs::read_to_string(&detail).expect("a detail file"), changed);
}

#[test]
fn another_day_than_the_open_one_is_refused() {
    let (house, file, _) = cleared();
    let head = house.head();
    let more = house.write("more.csv", csv(&day(13, 50)));
    for (wrong, files) in [("2026-03-05", &file), ("2026-03-01", &file), ("2026-03-05", &more), (DAY, &more)] {
        let ran = house.clear(wrong, std::slice::from_ref(files));
        assert!(ran.refused().contains(NEXT_DAY), "the hint names the open day: {}", ran.stderr);
        house.ingest(wrong, std::slice::from_ref(files)).refused();
    }
    house.run("close", ["--day", "2026-03-05"]).refused();
    house.run("close", ["--day", DAY]).refused();
    house.run("settle", ["--day", NEXT_DAY]).refused();
    assert_eq!(house.head(), head, "nothing was booked");
    assert!(!house.day("2026-03-05").exists());
    house.verify();
}

#[test]
fn a_withdrawn_file_is_as_if_it_had_never_come() {
    let rows = day(14, 1200);
    let (right, wrong) = rows.split_at(900);
    let never = transit::house();
    let file = never.write("right.csv", csv(right));
    let expected = never.clear(DAY, &[file]).done();

    let house = transit::house();
    let mut wrong = wrong.to_vec();
    // Some of it is the same as in the right file: the copies there must count again.
    wrong.extend(right.iter().step_by(7).cloned());
    let files = [house.write("wrong.csv", csv(&wrong)), house.write("right.csv", csv(right))];
    house.ingest(DAY, &files).done();
    let withdrawn = house.run("withdraw", ["wrong.csv", "--why", "test data of a garage"]).done();
    assert!(number(&withdrawn, "withdrawn_records") > 0, "{withdrawn}");
    assert!(house.files().contains(&("wrong.csv".to_owned(), "withdrawn".to_owned())));
    let result = house.clear(DAY, &[house.path("right.csv")]).done();
    for key in ["received", "cleared", "duplicate", "conflict", "held", "rejected", "rides", "entries", "debit_minor", "gross_minor", "fee_minor"] {
        assert_eq!(expected[key], result[key], "{key}");
    }
    assert_same(&canonical(&never.day(DAY)), &canonical(&house.day(DAY)), "withdrawn");
    house.verify();
}

#[test]
fn a_withdrawn_file_can_come_again() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(15, 300)));
    house.ingest(DAY, std::slice::from_ref(&file)).done();
    house.run("withdraw", ["day.csv", "--why", "too early"]).done();
    let result = house.clear(DAY, std::slice::from_ref(&file)).done();
    let fresh = transit::house();
    let alone = fresh.write("day.csv", csv(&day(15, 300)));
    assert_eq!(result["cleared"], fresh.clear(DAY, &[alone]).done()["cleared"]);
    assert_same(&canonical(&fresh.day(DAY)), &canonical(&house.day(DAY)), "withdrawn and sent again");
    house.verify();
}

#[test]
fn only_a_booked_file_is_taken_back() {
    let (house, _, _) = cleared();
    let head = house.head();
    house.run("withdraw", ["nobody.csv", "--why", "a slip"]).refused();
    assert_eq!(house.head(), head);
}

#[test]
fn what_comes_late_is_settled_in_the_open_day() {
    let (house, _, _) = cleared();
    let before = every_file(&house.day(DAY));
    let head = house.head();
    let mut rows: Vec<Row> = (1..=5).map(|at| Row::bus(at, 5000 + at as i64, 7001, DAY_BEGINS_MS + at as i64 * 3 * HOUR_MS)).collect();
    rows.push(Row::bus(6, 5006, 7001, DAY_BEGINS_MS + 25 * HOUR_MS));
    // And a part of what was cleared already.
    let again = day(11, 1000);
    let copies = again.iter().filter(|row| row.amount == "0").take(40).cloned();
    rows.extend(copies);
    let late = house.write("late.csv", csv(&rows));
    let result = house.clear(NEXT_DAY, &[late]).done();
    assert_ne!(house.head(), head);
    assert_eq!(["received", "duplicate", "cleared"].map(|key| number(&result, key)), [46, 40, 6], "{result}");
    assert_same(&before, &every_file(&house.day(DAY)), "the closed day");
    let detail = Sheet::read(&house.day(NEXT_DAY).join("operator-01/detail.csv"));
    let told: Vec<_> = detail.rows().filter(|line| line.text("terminal_id") == "1").map(|line| (line.text("service_day"), line.text("flags"))).collect();
    assert_eq!(told.iter().filter(|(day, flags)| *day == DAY && flags.contains("late")).count(), 5, "{told:?}");
    assert_eq!(told.iter().filter(|(day, flags)| *day == NEXT_DAY && !flags.contains("late")).count(), 1, "{told:?}");
    house.verify();
}

#[test]
fn days_follow_one_another_and_their_manifests_are_chained() {
    let (house, _, _) = cleared();
    let first = std::fs::read(house.day(DAY).join("bank-01/manifest.json")).expect("a manifest");
    let file = house.write("next.csv", csv(&[Row::bus(1, 9000, 12, DAY_BEGINS_MS + 30 * HOUR_MS)]));
    house.clear(NEXT_DAY, &[file]).done();
    let next = crate::published::manifest(&house.day(NEXT_DAY).join("bank-01"));
    assert_eq!(number(&next, "sequence"), 2);
    let result = house.run("settle", ["--day", DAY]).done();
    let digest = result["manifests"].as_array().expect("a list").iter().find(|manifest| manifest["party"] == "bank-01").expect("bank 1")["sha256"].clone();
    assert_eq!(next["previous"], digest);
    assert_eq!(std::fs::read(house.day(DAY).join("bank-01/manifest.json")).expect("a manifest"), first);
}

#[test]
fn a_close_that_is_run_again_does_not_close_the_day_after() {
    let house = transit::house();
    house.ingest(DAY, &[house.write("day.csv", csv(&day(12, 60)))]).done();
    house.run("close", [""; 0]).done();
    let head = house.head();
    let said = house.run("close", [""; 0]);
    assert!(said.refused().contains(&format!("--day {NEXT_DAY}")), "{}", said.stderr);
    assert_eq!(house.head(), head);
    house.run("close", ["--day", NEXT_DAY]).done();
}

#[test]
fn a_file_of_which_no_row_can_be_read_is_something_to_look_at() {
    let house = transit::house();
    let good = csv(&day(12, 60));
    let header = good.lines().next().expect("a header");
    let bad = house.write("bad.csv", format!("{header}\n{}", "no,row\n".repeat(3)));
    let said = house.ingest(DAY, &[bad]);
    assert_eq!(number(&said.to_look_at(), "received"), 3);
    assert!(said.stderr.contains("3 of 3 rows"), "{}", said.stderr);
    let some = house.write("some.csv", format!("{good}no,row\n"));
    house.ingest(DAY, &[some]).done();
}

#[test]
fn a_ledger_in_use_is_left_alone() {
    let (house, file, _) = cleared();
    let held = ledger::Ledger::open(&house.ledger(), &ledger::LedgerOptions::default()).expect("nobody has it open");
    let height = held.head().height;
    house.clear(NEXT_DAY, std::slice::from_ref(&file)).refused();
    house.ingest(NEXT_DAY, std::slice::from_ref(&file)).refused();
    let said = house.run("close", ["--day", NEXT_DAY]);
    assert!(said.refused().contains("another tapclear"), "{}", said.stderr);
    // Looking does not write, and need not wait.
    house.verify();
    assert_eq!(held.head().height, height);
    drop(held);
    assert_eq!(house.clear(DAY, &[file]).done()["repeated"], true);
}

#[test]
fn a_scheme_that_changed_under_an_open_day_is_refused_until_it_is_adopted() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(16, 600)));
    house.ingest(DAY, std::slice::from_ref(&file)).done();
    house.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    let head = house.head();
    for ran in [house.run("close", ["--day", DAY]), house.clear(DAY, std::slice::from_ref(&file))] {
        assert!(ran.refused().contains("--adopt-scheme"), "{}", ran.stderr);
    }
    assert_eq!(house.head(), head, "nothing was decided");
    let adopted = house.run("close", ["--day", DAY, "--adopt-scheme"]).done();
    house.run("settle", ["--day", DAY]).done();
    // The whole day is decided under the new scheme, as if it had always been so.
    let fresh = transit::house();
    fresh.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    let alone = fresh.write("day.csv", csv(&day(16, 600)));
    let expected = fresh.clear(DAY, &[alone]).done();
    assert_eq!(adopted["gross_minor"], expected["gross_minor"]);
    assert_same(&canonical(&fresh.day(DAY)), &canonical(&house.day(DAY)), "adopted");
    house.verify();
}

#[test]
fn a_closed_day_is_settled_under_its_own_scheme_only() {
    let (house, _, _) = cleared();
    house.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    assert!(house.run("settle", ["--day", DAY]).refused().contains("scheme"));
}

#[test]
fn clearing_a_closed_day_again_is_for_its_own_scheme_only() {
    let (house, file, _) = cleared();
    let files = canonical(&house.day(DAY));
    house.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    assert!(house.clear(DAY, std::slice::from_ref(&file)).refused().contains("another scheme"));
    std::fs::remove_dir_all(house.day(DAY)).expect("it was published");
    assert!(house.clear(DAY, std::slice::from_ref(&file)).refused().contains("another scheme"));
    assert!(!house.day(DAY).exists(), "nothing is published under another scheme");
    house.edit("tariff/tariff.toml", "amount_minor = 300", "amount_minor = 200");
    house.clear(DAY, &[file]).done();
    assert_same(&files, &canonical(&house.day(DAY)), "published again");
}

#[test]
fn a_file_of_another_day_is_told_of() {
    let (house, file, _) = cleared();
    let ran = house.clear(NEXT_DAY, &[file]);
    ran.done();
    assert!(ran.stderr.contains("was taken in before") && ran.stderr.contains(DAY), "{}", ran.stderr);
}
