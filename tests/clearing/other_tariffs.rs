//! `what-if`: the tariff that priced the days changes nothing; another one changes what its rules say; the ledger stays as it is.

use crate::dice::Dice;
use crate::fares::{Taps, card};
use crate::house::{House, Ran, root, tapclear};
use crate::late::{cleared, dependent_house, late_days};
use domain::Day;
use serde_json::Value;
use std::path::Path;

fn compared(house: &House, tariff: &Path, more: &[&str]) -> Ran {
    let ledger = house.ledger();
    let mut arguments = vec![
        "what-if",
        "--scheme",
        house.scheme.to_str().expect("UTF-8"),
        "--ledger",
        ledger.to_str().expect("UTF-8"),
        "--tariff",
        tariff.to_str().expect("UTF-8"),
    ];
    arguments.extend(more);
    tapclear(arguments)
}

/// The row of a table.
#[track_caller]
fn row<'r>(result: &'r Value, table: &str, key: &str, name: &str) -> &'r Value {
    result[table].as_array().expect("a list").iter().find(|row| row[key] == name).unwrap_or_else(|| panic!("no {name} in {}", result[table]))
}

fn pair(value: &Value) -> (i64, i64) {
    (value["old"].as_i64().expect("a number"), value["new"].as_i64().expect("a number"))
}

#[test]
fn the_same_tariff_changes_nothing_however_late_records_came() {
    let first: Day = "2026-03-01".parse().expect("a date");
    let mut dice = Dice::new(41);
    let house = dependent_house();
    let days = late_days(&mut dice, first, 12, 5);
    cleared(&house, first, &days);
    let head = house.head();
    let csv = house.path("what-if.csv");
    let result = compared(&house, &house.scheme, &["--json", "--csv", csv.to_str().expect("UTF-8")]).done();
    assert_eq!(house.head(), head, "the ledger is as it was");
    let (old, new) = pair(&result["all"]["charged_minor"]);
    assert!(old > 30_000 && old == new, "{result}");
    for table in ["operators", "classes", "funders", "rules"] {
        let rows = result[table].as_array().expect("a list");
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            for sums in ["rides", "list_minor", "charged_minor", "amount_minor"] {
                let (old, new) = pair(&row[sums]);
                assert_eq!(old, new, "{table} {sums}: {row}");
            }
        }
    }
    assert_eq!((result["riders_lose"].as_array().map(Vec::len), result["riders_gain"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let text = std::fs::read_to_string(&csv).expect("a file");
    assert!(text.starts_with("table,name,mode,rides_old,") && text.lines().filter(|line| line.starts_with("rider,")).count() == 9, "{text}");
}

#[test]
fn another_tariff_changes_what_its_rules_say() {
    let house = House::bundled("fares/whole-day");
    let mut taps = Taps::default();
    taps.bus(card("a"), ("2026-03-02", "08:00:00"), "1");
    taps.metro(card("a"), "2026-03-02", ("08:20:00", "1"), ("08:55:00", "2"));
    let student = crate::fares::Card { class: "student", ..card("s") };
    taps.metro(student, "2026-03-02", ("10:00:00", "1"), ("10:30:00", "3"));
    house.clear("2026-03-02", &[house.write("taps.csv", taps.csv())]).done();
    let other = House::copied("fares/whole-day");
    other.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    other.edit("tariff/tariff.toml", "percent = \"50\"", "percent = \"25\"");
    let (csv, svg) = (house.path("what-if.csv"), house.path("what-if.svg"));
    let files = ["--csv", csv.to_str().expect("UTF-8"), "--svg", svg.to_str().expect("UTF-8")];
    let result = compared(&house, &other.scheme.join("tariff"), &[&["--json"], &files[..]].concat()).done();
    // The bus: 180, then 270. The metro after it: 300 and 200 of the fund, as before. The student: 200, then 100.
    assert_eq!(pair(&result["all"]["charged_minor"]), (680, 670));
    let bus = row(&result, "operators", "operator", "operator-01");
    assert_eq!((bus["mode"].as_str(), pair(&bus["amount_minor"]), pair(&bus["list_minor"])), (Some("bus"), (180, 270), (200, 300)));
    assert_eq!(pair(&row(&result, "operators", "operator", "operator-02")["amount_minor"]), (900, 900));
    assert_eq!(pair(&row(&result, "modes", "mode", "bus")["amount_minor"]), (180, 270));
    assert_eq!(pair(&row(&result, "funders", "funder", "fund-01")["amount_minor"]), (400, 500));
    assert_eq!(pair(&row(&result, "classes", "class", "student")["charged_minor"]), (200, 100));
    assert_eq!(pair(&row(&result, "rules", "rule", "student")["amount_minor"]), (200, 300));
    assert_eq!((result["riders_lose"][0]["account"].as_str(), result["riders_lose"][0]["charged_minor"]["difference"].as_i64()), (Some("a"), Some(90)));
    assert_eq!((result["riders_gain"][0]["account"].as_str(), result["riders_gain"][0]["charged_minor"]["difference"].as_i64()), (Some("s"), Some(-100)));
    let drawn = std::fs::read_to_string(&svg).expect("a file");
    assert!(drawn.starts_with("<svg") && drawn.contains("operator-01 City buses"), "{drawn}");
    let words = compared(&house, &other.scheme, &["--lang", "zh"]);
    for text in ["运营单位所得", "operator-01 城市公交 bus", "优惠承担方", "多付最多的乘客", "student", "1 项无变化"] {
        assert!(words.stdout.contains(text), "{text}: {}{}", words.stdout, words.stderr);
    }
    // Other days, and rides that have no price.
    let none = compared(&house, &other.scheme, &["--json", "--from", "2026-03-03"]).done();
    assert_eq!(pair(&none["all"]["rides"]), (0, 0));
    let rail = House::copied("fares/chongqing-rail");
    rail.edit("tariff/tariff.toml", "kinds = [\"tap-on\", \"tap-off\"]", "kinds = [\"tap-on\", \"tap-off\"]\nmodes = [\"metro\"]");
    let ran = compared(&house, &rail.scheme, &["--json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("\"unpriced\":1"), "the bus: {}", ran.stdout);
    let bad = compared(&house, &root().join("replay-data"), &[]);
    assert_eq!(bad.code, Some(2), "{}", bad.stdout);
}

#[test]
fn a_budget_is_granted_over_all_riders_in_event_order() {
    let house = House::bundled("fares/bank-incentive");
    let mut taps = Taps::default();
    for token in ["a", "b"] {
        for time in ["08:00:00", "09:00:00"] {
            taps.bus(card(token), ("2026-03-02", time), "1");
        }
    }
    house.clear("2026-03-02", &[house.write("taps.csv", taps.csv())]).done();
    let other = House::copied("fares/bank-incentive");
    other.edit("tariff/tariff.toml", "budget_minor = 10000", "budget_minor = 200");
    let result = compared(&house, &other.scheme, &["--json"]).done();
    assert_eq!(pair(&result["all"]["charged_minor"]), (360, 520), "of four claims of 90, 200 are granted");
    assert_eq!(pair(&row(&result, "funders", "funder", "bank-01")["amount_minor"]), (360, 200));
    assert_eq!(pair(&row(&result, "operators", "operator", "operator-01")["amount_minor"]), (720, 720));
}
