//! Every line can be explained: folding again comes to what was booked, the steps lead from the list price to the charge, the
//! entry balances, and the records behind it are rows of the source files.

use crate::dice::Dice;
use crate::fares::{Taps, card};
use crate::house::{DAY, House, Ran, tapclear};
use crate::late::{cleared, dependent_house, late_days};
use crate::published::{Sheet, parties};
use crate::tariff_try::check_steps;
use domain::Day;
use serde_json::Value;
use std::collections::BTreeMap;

fn explained(house: &House, more: &[&str]) -> Ran {
    let ledger = house.ledger();
    let mut arguments = vec!["explain", "--scheme", house.scheme.to_str().expect("UTF-8"), "--ledger", ledger.to_str().expect("UTF-8")];
    arguments.extend(more);
    tapclear(arguments)
}

/// All lines of a party's file, each explained and held against what the file says.
#[track_caller]
fn all_lines(house: &House, day: &str, party: &str, file: &str) -> Vec<Value> {
    let sheet = Sheet::read(&house.day(day).join(party).join(file));
    let rows: Vec<_> = sheet.rows().collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let what = format!("{}:1-{}", house.day(day).join(party).join(file).display(), rows.len());
    let result = explained(house, &["--json", &what]).done();
    let lines = result["lines"].as_array().expect("a list").clone();
    assert_eq!(lines.len(), rows.len());
    for (row, line) in rows.iter().zip(&lines) {
        assert_eq!(line["agrees"], true, "{line}");
        assert_eq!(line["line"]["line"].to_string(), row.text("line"));
        let sum = |side: &str| line["entry"].as_array().expect("a list").iter().map(|leg| leg[side].as_i64().expect("a number")).sum::<i64>();
        assert_eq!(sum("debit_minor"), sum("credit_minor"), "{line}");
        match file {
            "detail.csv" => {
                assert_eq!(line["record_id"], row.text("ride_id"), "{line}");
                for column in ["list_minor", "charged_minor", "fee_minor"] {
                    assert_eq!(line["booked"][column], row.minor(column), "{line}");
                }
            }
            "adjustments.csv" if row.text("reason") == "service-day-fee" => {
                assert_eq!(line["service_day_fee"]["fee_minor_new"], row.minor("fee_minor_new"), "{line}");
            }
            "adjustments.csv" => {
                assert_eq!(line["record_id"], row.text("ride_id"), "{line}");
                for column in ["list_minor", "charged_minor", "fee_minor"] {
                    assert_eq!(line["booked"][column], row.minor(&format!("{column}_difference")), "{line}");
                    if row.text("reason") == "re-priced" {
                        assert_eq!(line["before"][column], row.minor(&format!("{column}_old")), "{line}");
                    }
                }
            }
            _ => assert_eq!((line["record_id"].as_str(), line["reason"].to_string()), (Some(row.text("record_id")), row.text("reason").to_owned())),
        }
    }
    lines
}

/// What a line's ride costs as its day knew it, by steps that lead there.
#[track_caller]
fn price(line: &Value) -> i64 {
    check_steps(&line["price"])
}

/// The records of a line are in the source file at the rows that are named.
#[track_caller]
fn leads_to(line: &Value, files: &BTreeMap<String, Vec<String>>) {
    for record in line["records"].as_array().expect("a list") {
        let copies = record["copies"].as_array().expect("a list");
        assert!(copies.iter().any(|copy| copy["same_content"] == true), "{line}");
        for copy in copies {
            let rows = &files[copy["digest"].as_str().expect("a digest")];
            let row = &rows[usize::try_from(copy["row"].as_u64().expect("a row")).expect("small")];
            let id = record["record_id"].as_str().expect("an id");
            let (terminal, epoch, sequence) =
                (id.split('.').next().expect("a terminal"), id.split('.').nth(1).expect("an epoch"), id.split('.').nth(2).expect("a sequence"));
            assert!(row.contains(&format!(",{terminal},{epoch},{sequence},")), "{id}: {row}");
        }
    }
}

#[test]
fn every_ride_of_a_generated_day_is_explained_to_the_terminal_s_row() {
    let house = House::bundled("sichuan");
    let file = house.path("day.csv");
    let name = file.display().to_string();
    tapclear(["generate", "--json", "--day", DAY, "--records", "3000", "--seed", "77", "--out", &name, "--scheme", &house.scheme.display().to_string()]).done();
    house.clear(DAY, std::slice::from_ref(&file)).done();
    let text = std::fs::read_to_string(&file).expect("a file");
    let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    // Of each row what `leads_to` looks at, whatever the order of columns.
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap_or_else(|| panic!("no {name} in {header:?}"));
    let rows: Vec<String> = text
        .lines()
        .map(|line| line.split(',').collect::<Vec<&str>>())
        .map(|cells| format!(",{},{},{},", cells[at("terminal")], cells[at("epoch")], cells[at("sequence")]))
        .collect();
    let digest = house.status()["files"][0]["digest"].as_str().expect("a digest").to_owned();
    let files = BTreeMap::from([(digest, rows)]);
    let (mut rides, mut refunds, mut cut) = (0, 0, 0);
    let banks: Vec<String> = parties(&house.day(DAY)).into_iter().filter(|party| party.starts_with("bank-")).collect();
    for bank in banks {
        for line in all_lines(&house, DAY, &bank, "detail.csv") {
            leads_to(&line, &files);
            if line["original"].is_object() {
                refunds += 1;
                continue;
            }
            assert_eq!(line["booked"]["charged_minor"], price(&line), "{line}");
            rides += 1;
            cut += usize::from(line["price"]["steps"].as_array().expect("a list").len() > 1);
        }
    }
    assert!(rides > 800 && cut > 50 && refunds > 0, "{rides} rides, {cut} with discounts, {refunds} refunds");
    let held: Vec<Value> = (1..=4).flat_map(|number| all_lines(&house, DAY, &format!("operator-{number:02}"), "exceptions.csv")).collect();
    assert!(held.iter().any(|line| line["outcome"] == "held"));
    held.iter().for_each(|line| leads_to(line, &files));
}

#[test]
fn late_months_are_explained_line_by_line_with_what_stood_before() {
    let first: Day = "2026-03-01".parse().expect("a date");
    let mut dice = Dice::new(31);
    let house = dependent_house();
    let days = late_days(&mut dice, first, 16, 6);
    let published = cleared(&house, first, &days);
    let (mut rides, mut corrections, mut shares) = (0, 0, 0);
    let sums: usize =
        published.iter().flat_map(|(day, _)| ["bank-01", "operator-01", "fund-01", "hub-01"].map(|party| summary_adds_up(&house, day, party))).sum();
    assert!(sums > 100, "{sums}");
    for (day, _) in &published {
        for party in ["bank-01", "operator-01"] {
            for line in all_lines(&house, day, party, "detail.csv") {
                let has_share = line["flags"].as_array().expect("a list").iter().any(|flag| flag == "share");
                shares += usize::from(has_share);
                rides += usize::from(!has_share);
                let charged = price(&line);
                if !has_share {
                    assert_eq!(line["booked"]["charged_minor"], charged, "{line}");
                }
            }
            for line in all_lines(&house, day, party, "adjustments.csv") {
                if line["before"].is_object() {
                    let old = if line["before"]["price"].is_null() { 0 } else { check_steps(&line["before"]["price"]) };
                    let new = if line["price"].is_null() { 0 } else { price(&line) };
                    if !line["flags"].as_array().expect("a list").iter().any(|flag| flag == "share") {
                        assert_eq!(line["booked"]["charged_minor"], new - old, "{line}");
                        corrections += 1;
                    }
                }
            }
        }
    }
    assert!(rides > 300 && corrections > 20 && shares > 10, "{rides} rides, {corrections} corrections, {shares} shares");
}

/// Every row of a party's summary is the sum of the lines that are named for it.
#[track_caller]
fn summary_adds_up(house: &House, day: &str, party: &str) -> usize {
    let folder = house.day(day).join(party);
    let sheets = [("detail_lines", Sheet::read(&folder.join("detail.csv"))), ("adjustments_lines", Sheet::read(&folder.join("adjustments.csv")))];
    let summary = Sheet::read(&folder.join("summary.csv"));
    let rows: Vec<_> = summary.rows().collect();
    if rows.is_empty() {
        return 0;
    }
    let result = explained(house, &["--json", &format!("{}:1-{}", folder.join("summary.csv").display(), rows.len())]).done();
    for (row, sum) in rows.iter().zip(result["sums"].as_array().expect("a list")) {
        for column in ["role", "product", "counterparty", "entry", "funder"] {
            assert_eq!(sum[column], row.text(column), "{sum}");
        }
        assert_eq!(sum["net_minor"], row.signed("net_minor", "dc"), "{sum}");
        let mut sums = BTreeMap::from([("list_minor", 0), ("charged_minor", 0), ("fee_minor", 0)]);
        for (key, sheet) in &sheets {
            let ranges: Vec<(u64, u64)> = serde_json::from_value(sum[key].clone()).expect("ranges");
            for line in sheet.rows().filter(|line| ranges.iter().any(|(first, last)| (*first..=*last).contains(&line.text("line").parse().expect("a number"))))
            {
                for (column, sum) in &mut sums {
                    *sum += if *key == "detail_lines" { line.minor(column) } else { line.minor(&format!("{column}_difference")) };
                }
            }
        }
        let told: &[&str] = match row.text("entry") {
            "gross" => &["list_minor", "charged_minor"],
            "fee" => &["fee_minor"],
            _ => &[],
        };
        for column in told.iter().filter(|_| sum["unlisted"] == 0) {
            assert_eq!(sums[column], row.minor(column), "{column}: {sum}");
        }
    }
    rows.len()
}

#[test]
fn what_a_budget_did_not_grant_is_a_step() {
    let house = House::copied("fares/bank-incentive");
    house.edit("tariff/tariff.toml", "budget_minor = 10000", "budget_minor = 130");
    let mut taps = Taps::default();
    for time in ["08:00:00", "09:00:00"] {
        taps.bus(card("a"), ("2026-03-02", time), "1");
    }
    house.clear("2026-03-02", &[house.write("taps.csv", taps.csv())]).done();
    let lines = all_lines(&house, "2026-03-02", "bank-01", "detail.csv");
    assert_eq!(lines.iter().map(price).collect::<Vec<_>>(), [90, 140]);
    let last = lines[1]["price"]["steps"].as_array().expect("a list").last().expect("a step").clone();
    assert_eq!((last["kind"].as_str(), last["before_minor"].as_i64()), (Some("budget"), Some(90)));
}

#[test]
fn people_are_told_in_their_language_and_what_is_not_there_is_refused() {
    let house = House::bundled("fares/whole-day");
    let mut taps = Taps::default();
    taps.bus(card("a"), ("2026-03-02", "08:00:00"), "1");
    let ride = taps.metro(card("a"), "2026-03-02", ("08:20:00", "1"), ("08:55:00", "2"));
    house.clear("2026-03-02", &[house.write("taps.csv", taps.csv())]).done();
    let english = explained(&house, &["--day", "2026-03-02", "--party", "operator-02", "1"]);
    assert_eq!(english.code, Some(0), "{}", english.stderr);
    for words in [
        "2026-03-02 operator-02 detail.csv line 1",
        "fund-01 City fund",
        "list price 5.00 = rider 3.00",
        "receivable  debit   3.00",
        "taps.csv row 3",
        "taps.csv row 2",
        "BLAKE3",
    ] {
        assert!(english.stdout.contains(words), "{words}: {}", english.stdout);
    }
    let chinese = explained(&house, &["--lang", "zh", &ride]);
    for words in ["已清分", "换乘", "fund-01 市财政", "票面价 5.00 = 乘客 3.00", "分录", "应收", "原始记录", "taps.csv 行 3"] {
        assert!(chinese.stdout.contains(words), "{words}: {}", chinese.stdout);
    }
    let summary = explained(&house, &["2026-03-02/fund-01/summary.csv:2"]);
    for words in ["fund-01 summary.csv line 2", "funder  transit  operator-02  discount  fund-01  net -2.00", "1 lines of detail.csv: 1"] {
        assert!(summary.stdout.contains(words), "{words}: {}{}", summary.stdout, summary.stderr);
    }
    // A tap-on is part of the ride that its tap-off decides.
    let entry = explained(&house, &["--json", "t-1.0.2"]).done();
    assert_eq!(entry["lines"][0]["part_of"], ride);
    for (what, said) in [
        (&["2026-03-02/operator-02/detail.csv:2"][..], "has no line 2"),
        (&["2026-03-03/operator-02/detail.csv:1"], "is not closed"),
        (&["2026-03-02/operator-09/detail.csv:1"], "no party `operator-09`"),
        (&["2026-03-02/operator-02/summary.csv:99"], "has no line 99"),
        (&["2026-03-02/hub-01/trial-balance.csv:1"], "has no lines of decisions"),
        (&["t-1.0.99"], "no closed day has decided"),
        (&["something"], "neither a line nor a record id"),
        (&["--day", "2026-03-02", "--party", "operator-02", "0"], "is not a line"),
    ] {
        let ran = explained(&house, what);
        assert!(ran.refused().contains(said), "{what:?}: {}", ran.stderr);
    }
    // Under another tariff the ledger's amounts do not come out, and that is said.
    let other = House::copied("fares/whole-day");
    other.edit("tariff/tariff.toml", "off_minor = 200", "off_minor = 100");
    let ledger = house.ledger();
    let ran = tapclear(["explain", "--scheme", &other.scheme.display().to_string(), "--ledger", &ledger.display().to_string(), &ride]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("closed under another one"), "{}", ran.stdout);
}
