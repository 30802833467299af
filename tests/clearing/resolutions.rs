//! What people decide between two closes: held records released or rejected, ends supplied for journeys that had none, and fares
//! of an earlier ride that were collected later.

use crate::fares::{Card, Taps, card};
use crate::house::{House, number};
use crate::late::{net, sheet};
use crate::published::{assert_same, every_file};
use crate::rebuilding::assert_rebuilt;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn file(house: &House, name: &str, rows: &[String]) -> PathBuf {
    house.write(name, Taps { rows: rows.to_vec() }.csv())
}

fn close(house: &House, day: &str) {
    house.run("close", ["--day", day]).done();
    house.run("settle", ["--day", day]).done();
    house.verify();
}

fn exceptions(house: &House, day: &str) -> Vec<(String, String)> {
    let exceptions = sheet(house, day, "operator-01", "exceptions.csv");
    exceptions.rows().map(|line| (line.text("record_id").to_owned(), format!("{} {}", line.text("outcome"), line.text("reason_name")))).collect()
}

/// The lines of a party's detail: ride, charge, service day, flags.
fn lines(house: &House, day: &str, party: &str) -> Vec<(String, i64, String, String)> {
    let detail = sheet(house, day, party, "detail.csv");
    detail
        .rows()
        .map(|line| (line.text("ride_id").to_owned(), line.minor("charged_minor"), line.text("service_day").to_owned(), line.text("flags").to_owned()))
        .collect()
}

/// What is held: id, version, reason.
fn held(house: &House) -> Vec<(String, String, String)> {
    let held = house.run("inspect", ["--held"]).done();
    let text = |item: &serde_json::Value, key: &str| item[key].as_str().expect("a text").to_owned();
    held["held"].as_array().expect("a list").iter().map(|item| (text(item, "record_id"), text(item, "version"), text(item, "name"))).collect()
}

#[test]
fn of_two_versions_one_is_released_and_the_other_rejected() {
    let house = House::copied("fares/chongqing-transfer");
    let mut taps = Taps::default();
    let ride = taps.bus(card("a"), ("2026-03-02", "08:00:00"), "7");
    let later = taps.bus(card("a"), ("2026-03-02", "08:20:00"), "8");
    let version = taps.rows[0].replacen(",a,", ",b,", 1);
    house.clear("2026-03-02", &[file(&house, "day.csv", &[taps.rows[0].clone(), version, taps.rows[1].clone()])]).done();
    assert_eq!(exceptions(&house, "2026-03-02"), vec![(ride.clone(), "held conflict".to_owned()); 2]);
    assert_eq!(lines(&house, "2026-03-02", "operator-01"), [(later.clone(), 180, "2026-03-02".to_owned(), String::new())]);
    let before = every_file(&house.day("2026-03-02"));
    let of_ride = held(&house);
    assert_eq!(of_ride.iter().map(|(id, ..)| id).collect::<Vec<_>>(), [&ride, &ride]);

    let resolve = |record: &str, how: &str| house.run("resolve", [record, how, "--why", "the driver's list"]);
    assert!(resolve(&ride, "--release").refused().contains('@'), "both versions are listed");
    resolve("t-1.0.77", "--release").refused();
    resolve(&format!("{ride}@0000000000000000"), "--reject").refused();
    let named: Vec<String> = of_ride.iter().map(|(id, version, _)| format!("{id}@{version}")).collect();
    let token = |at: usize| -> bool {
        // The version of card `a` is the one whose release makes the later ride a transfer.
        let table = domain::SymbolTable::new();
        let ledger =
            ledger::Ledger::open_read_only(&house.ledger(), &ledger::LedgerOptions { create: false, ..ledger::LedgerOptions::default() }).expect("it opens");
        let held = tapclear::history::held(&ledger, &table).expect("reads");
        format!("{:016x}", engine::close::version_of(&held[at].record, &table).1) == of_ride[0].1 && held[at].record.card.as_str() == "a"
    };
    let right = usize::from(!(token(0) || token(1)));
    resolve(&named[right], "--release").done();
    assert!(resolve(&named[1 - right], "--release").refused().contains("another version"));
    assert_eq!(resolve(&named[1 - right], "--reject").done()["settled_in"], "2026-03-03");
    close(&house, "2026-03-03");
    assert_same(&before, &every_file(&house.day("2026-03-02")), "a closed day keeps its bytes");
    assert_eq!(exceptions(&house, "2026-03-03"), [(ride.clone(), "rejected decided".to_owned())]);
    assert_eq!(lines(&house, "2026-03-03", "operator-01"), [(ride, 180, "2026-03-02".to_owned(), "released".to_owned())]);
    assert_eq!(net(&house, "2026-03-03", "bank-01"), 180 - 180, "the later ride is a transfer now");
    assert_eq!(held(&house), []);
    close(&house, "2026-03-04");
    assert_eq!(net(&house, "2026-03-04", "operator-01"), 0);
    assert_rebuilt(&house);
}

#[test]
fn a_decision_overrides_a_doubt_but_not_a_missing_price() {
    let house = House::copied("fares/chongqing-transfer");
    let mut taps = Taps::default();
    let ahead = taps.bus(card("a"), ("2026-03-05", "08:00:00"), "7");
    let unpriced = taps.record("payment", card("a"), ("2026-03-02", "09:00:00"), "operator-01", "", "bus", "", "500", "");
    house.clear("2026-03-02", &[file(&house, "day.csv", &taps.rows)]).done();
    let reasons: BTreeMap<String, String> = held(&house).into_iter().map(|(id, _, reason)| (id, reason)).collect();
    assert_eq!(reasons, BTreeMap::from([(ahead.clone(), "in-the-future".to_owned()), (unpriced.clone(), "no-tariff".to_owned())]));
    let resolve = |record: &str, how: &str| house.run("resolve", [record, how, "--why", "a terminal's clock"]);
    assert!(resolve(&unpriced, "--release").refused().contains("no-tariff"));
    resolve(&ahead, "--release").done();
    resolve(&unpriced, "--reject").done();
    close(&house, "2026-03-03");
    assert_eq!(lines(&house, "2026-03-03", "operator-01"), [(ahead, 180, "2026-03-05".to_owned(), "released".to_owned())]);
    assert_eq!(exceptions(&house, "2026-03-03"), [(unpriced, "rejected decided".to_owned())]);
    assert_rebuilt(&house);
}

#[test]
fn a_tap_off_that_the_operator_supplies_replaces_the_missing_one() {
    let house = House::bundled("fares/chengdu-metro");
    let plastic = Card { medium: "card", ..card("a") };
    let mut taps = Taps::default();
    let entry = taps.tap("tap-on", plastic, ("2026-03-02", "08:00:00"), "0");
    let next = taps.metro(plastic, "2026-03-03", ("09:00:00", "0"), ("09:30:00", "4000"));
    house.clear("2026-03-02", &[file(&house, "first.csv", &taps.rows[..1])]).done();
    house.clear("2026-03-03", &[file(&house, "second.csv", &taps.rows[1..])]).done();
    let charged = |day: &str| -> BTreeMap<String, i64> { lines(&house, day, "bank-01").into_iter().map(|(ride, charged, ..)| (ride, charged)).collect() };
    assert_eq!(charged("2026-03-03"), BTreeMap::from([(entry.clone(), 1200), (next.clone(), 180)]));
    let before = every_file(&house.day("2026-03-03"));
    let scheme = house.scheme.to_str().expect("UTF-8").to_owned();
    let supply = |record: &str, place: &str, at: &str| {
        house.run("resolve", [record, "--tap-off", place, "--at", at, "--scheme", &scheme, "--why", "seen by the gate's camera"])
    };
    supply(&next, "station:4000", "2026-03-03T10:00:00").refused();
    supply(&entry, "station:4000", "2026-03-02T08:00:00").refused();
    supply(&entry, "station:4000", "half past eight").refused();
    assert!(supply(&entry, "station:4000", "2026-03-05T08:30:00").refused().contains("after the open clearing day"));
    let blank = house.run("resolve", [&*entry, "--tap-off", "station:4000", "--at", "2026-03-02T08:30:00", "--scheme", &scheme, "--why", " "]);
    assert!(blank.code == Some(2) && blank.stderr.contains("say why"), "{}", blank.stderr);
    assert_eq!(supply(&entry, "station:4000", "2026-03-02T08:30:00").done()["decision"], "supplied");
    assert!(supply(&entry, "station:4000", "2026-03-02T08:31:00").refused().contains("before"));
    close(&house, "2026-03-04");
    assert_same(&before, &every_file(&house.day("2026-03-03")), "a closed day keeps its bytes");
    let told = lines(&house, "2026-03-04", "bank-01");
    assert_eq!(told.iter().map(|(_, charged, day, _)| (*charged, &**day)).collect::<Vec<_>>(), [(180, "2026-03-02")]);
    let adjustments = sheet(&house, "2026-03-04", "bank-01", "adjustments.csv");
    let line = adjustments.rows().next().expect("an adjustment");
    assert_eq!((line.text("ride_id"), line.text("day_corrected"), line.text("reason")), (&*entry, "2026-03-03", "re-priced"));
    assert_eq!(["charged_minor_old", "charged_minor_new", "charged_minor_difference"].map(|column| line.minor(column)), [1200, 0, -1200]);
    assert_eq!(net(&house, "2026-03-04", "bank-01"), 1200 - 180);
    assert!(supply(&entry, "station:4000", "2026-03-02T08:31:00").refused().contains("before"));
    assert_rebuilt(&house);
}

#[test]
fn a_journey_that_a_late_tap_off_has_ended_is_not_ended_again() {
    let house = House::bundled("fares/chengdu-metro");
    let plastic = Card { medium: "card", ..card("a") };
    let mut taps = Taps::default();
    let ride = taps.metro(plastic, "2026-03-02", ("08:00:00", "0"), ("08:30:00", "4000"));
    taps.metro(plastic, "2026-03-03", ("09:00:00", "0"), ("09:30:00", "4000"));
    house.clear("2026-03-02", &[file(&house, "first.csv", &taps.rows[..1])]).done();
    house.clear("2026-03-03", &[file(&house, "second.csv", &taps.rows[2..])]).done();
    let given_up = lines(&house, "2026-03-03", "bank-01").into_iter().find(|(.., flags)| flags.contains("no-tap-off"));
    let entry = given_up.expect("the journey is given up").0;
    house.clear("2026-03-04", &[file(&house, "late.csv", &taps.rows[1..2])]).done();
    assert!(lines(&house, "2026-03-04", "bank-01").iter().any(|(id, ..)| *id == ride), "the late tap-off has ended it");
    let scheme = house.scheme.to_str().expect("UTF-8").to_owned();
    let again = ["--tap-off", "station:4000", "--at", "2026-03-02T08:20:00", "--scheme", &scheme, "--why", "seen by the gate's camera"];
    assert!(house.run("resolve", [&*entry].into_iter().chain(again)).refused().contains("came late"));
    close(&house, "2026-03-05");
    assert_eq!(lines(&house, "2026-03-05", "bank-01"), [], "nothing is charged for it");
}

#[test]
fn a_fare_that_is_collected_later_is_the_original_ride_s() {
    let house = House::copied("fares/shared-journey");
    let mut taps = Taps::default();
    let ride = taps.metro(card("a"), "2026-03-02", ("08:20:00", "1"), ("08:55:00", "2"));
    let from = taps.rows.len();
    taps.record("collection", card("a"), ("2026-03-03", "10:00:00"), "operator-01", "", "bus", "7", "120", &ride);
    let missing = taps.record("collection", card("a"), ("2026-03-03", "11:00:00"), "operator-01", "", "bus", "7", "30", "t-8.0.1");
    house.clear("2026-03-02", &[file(&house, "ride.csv", &taps.rows[..from])]).done();
    let result = house.clear("2026-03-03", &[file(&house, "later.csv", &taps.rows[from..])]).done();
    assert_eq!((number(&result, "cleared"), number(&result, "held")), (1, 1));
    let owed = |day: &str| ["bank-01", "operator-01", "operator-02"].map(|party| net(&house, day, party));
    assert_eq!(owed("2026-03-03"), [-120, 0, 120], "the metro's fare, whoever's bus it was paid on");
    assert_eq!(held(&house).into_iter().map(|(id, _, reason)| (id, reason)).collect::<Vec<_>>(), [(missing, "original-missing".to_owned())]);
    let mut other = Taps::default();
    other.bus(card("a"), ("2026-03-02", "12:00:00"), "7");
    let row = other.rows[0].replacen(",t-1,", ",t-8,", 1);
    house.clear("2026-03-04", &[file(&house, "other.csv", &[row])]).done();
    assert_eq!(owed("2026-03-04"), [-180 - 30, 180 + 30, 0]);
    assert_eq!(held(&house), []);
    house.verify();
    assert_rebuilt(&house);
}
