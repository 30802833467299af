//! Promises 1, 2 and 7: every record has one outcome, every party's file equals its accounts, all nets sum to zero, and the
//! list price is the cardholder's part and everybody else's.

use crate::house::{DAY, House, number};
use crate::published::{Line, Sheet, manifest, parties};
use crate::{province, transit};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A cleared day: the house and the result.
struct Cleared {
    house: House,
    result: Value,
}

fn cleared_province(seed: u64) -> Cleared {
    let house = House::bundled("sichuan");
    let file = house.write("day.csv", province::day(seed, 1500));
    let result = house.clear(DAY, &[file]).done();
    Cleared { house, result }
}

fn cleared_transit(seed: u64) -> Cleared {
    let house = transit::house();
    let file = house.write("day.csv", transit::csv(&transit::day(seed, 2000)));
    let result = house.clear(DAY, &[file]).done();
    Cleared { house, result }
}

fn days() -> [(&'static str, Cleared); 2] {
    [("province", cleared_province(4)), ("transit", cleared_transit(4))]
}

fn sheet(day: &Path, party: &str, file: &str) -> Sheet {
    Sheet::read(&day.join(party).join(file))
}

#[test]
fn every_record_ends_in_exactly_one_outcome() {
    for (which, Cleared { house, result }) in days() {
        let [received, cleared, duplicate, held, rejected] = ["received", "cleared", "duplicate", "held", "rejected"].map(|key| number(&result, key));
        for (outcome, count) in [("cleared", cleared), ("duplicate", duplicate), ("held", held), ("rejected", rejected)] {
            assert!(count > 0, "the {which} day has none {outcome}: {result}");
        }
        assert_eq!(received, cleared + duplicate + held + rejected, "{which}");
        let (day, mut refused, mut by_file) = (house.day(DAY), 0, BTreeMap::new());
        let senders = std::fs::read_dir(day.join("intake")).expect("a folder of senders").map(|entry| entry.expect("an entry").path());
        for upload in senders.map(|sender| Sheet::read(&sender.join("uploads.csv"))) {
            refused += upload.rows().filter(|line| !line.text("refused").is_empty()).map(|line| line.minor("refused")).sum::<i64>();
            for file in upload.rows().filter(|line| !line.text("received").is_empty()) {
                let [received, cleared] = ["received", "cleared"].map(|column| file.minor(column));
                let own = |line: &Line<'_>| line.text("file") == file.text("file") && !line.text("reason").is_empty();
                let mut by_reason = BTreeMap::new();
                for line in upload.rows().filter(own) {
                    let (hundred, _) = line.text("reason").split_at(1);
                    *by_reason.entry(hundred.to_owned()).or_insert(0) += line.minor("records");
                    *by_file.entry(line.text("reason").to_owned()).or_insert(0) += line.minor("records");
                }
                assert_eq!(received, cleared + by_reason.values().sum::<i64>(), "{which}: a file's records have one outcome each");
                for (outcome, hundred) in [("duplicate", "1"), ("held", "2"), ("rejected", "3")] {
                    assert_eq!(file.minor(outcome), by_reason.get(hundred).copied().unwrap_or(0), "{which}: {outcome}");
                }
            }
            assert_eq!(refused, upload.rows().filter(|line| !line.text("row").is_empty()).count() as i64, "{which}: a refused row is told of");
        }
        assert!(refused > 0, "the {which} day has an unreadable row");
        // A record stands with everybody whom it concerns, in the same words.
        let mut exceptions = BTreeSet::new();
        for party in parties(&day) {
            // What is only flagged has its outcome elsewhere.
            for line in sheet(&day, &party, "exceptions.csv").rows().filter(|line| line.text("outcome") != "flagged") {
                exceptions.insert(["record_id", "source_ref", "event_time", "amount_minor", "outcome", "reason"].map(|column| line.text(column).to_owned()));
            }
        }
        let mut told: BTreeMap<String, i64> = BTreeMap::from([("100".to_owned(), duplicate), ("300".to_owned(), refused)]);
        exceptions.iter().for_each(|exception| *told.entry(exception[5].clone()).or_default() += 1);
        assert_eq!(by_file, told, "{which}: the reasons of all files are those of the exceptions");
        let of = |outcome: &str| exceptions.iter().filter(|exception| exception[4] == outcome).count() as i64;
        assert_eq!((of("held"), of("rejected")), (held, rejected - refused), "{which}: who did not clear stands in exceptions, once");
    }
}

#[test]
fn every_party_s_files_are_its_accounts() {
    for (which, Cleared { house, result }) in days() {
        let day = house.day(DAY);
        let mut accounts: BTreeMap<String, i64> = BTreeMap::new();
        let hub = parties(&day).into_iter().find(|party| party.starts_with("hub")).expect("a hub");
        let trial = sheet(&day, &hub, "trial-balance.csv");
        for line in trial.rows() {
            assert_eq!(line.minor("opening_minor"), 0, "{which}: a first day opens with nothing");
            *accounts.entry(line.text("party").to_owned()).or_default() += line.signed("closing_minor", "closing_dc");
            assert_eq!(line.minor("credit_minor") - line.minor("debit_minor"), line.signed("closing_minor", "closing_dc"), "{which}");
        }
        assert_eq!(trial.sum("debit_minor"), number(&result, "debit_minor"), "{which}");
        assert_eq!(trial.sum("credit_minor"), number(&result, "credit_minor"), "{which}");
        let (mut all, mut moved) = (0, 0);
        for party in parties(&day) {
            let manifest = manifest(&day.join(&party));
            let totals = &manifest["totals"];
            let net = if totals["dc"] == "D" { -number(totals, "net_minor") } else { number(totals, "net_minor") };
            let summary = sheet(&day, &party, "summary.csv");
            assert_eq!(summary.net(), net, "{which}: {party}'s summary and manifest");
            assert_eq!(accounts.remove(&party).unwrap_or(0), net, "{which}: {party}'s accounts and manifest");
            if party != hub {
                assert_eq!(sheet(&day, &party, "detail.csv").net(), net, "{which}: {party}'s detail and manifest");
            }
            all += net;
            moved += net.abs();
        }
        assert_eq!(accounts, BTreeMap::new(), "{which}: nobody has accounts without files");
        assert_eq!(all, 0, "{which}: the nets of all parties");
        assert!(moved > 10_000, "{which}: hardly any money moved");
    }
}

#[test]
fn list_price_is_the_cardholder_s_part_and_all_funders_parts() {
    for (which, Cleared { house, result }) in days() {
        let day = house.day(DAY);
        let (mut discounted, mut charged, mut fees, mut rides) = (0, 0, 0, 0);
        for party in parties(&day) {
            let detail = sheet(&day, &party, "detail.csv");
            let known = ["list_minor", "charged_minor", "fee_minor", "net_minor"];
            let funders: Vec<&String> = detail.header().iter().filter(|name| name.ends_with("_minor") && !known.contains(&name.as_str())).collect();
            assert!(!funders.is_empty(), "{which}: {party} has no funder columns");
            for line in detail.rows() {
                let funded: i64 = funders.iter().map(|name| line.minor(name)).sum();
                assert_eq!(line.minor("list_minor"), line.minor("charged_minor") + funded, "{which}: {party}, line {}", line.text("line"));
                discounted += i64::from(funded != 0);
            }
            // Every ride has one issuer, and so stands in one bank's file.
            if party.starts_with("bank-") {
                charged += detail.sum("charged_minor");
                fees += detail.sum("fee_minor");
                rides += detail.rows().count() as i64;
                assert_eq!(-detail.net(), detail.sum("charged_minor"), "{which}: {party} owes what its cardholders were charged");
            }
        }
        assert!(discounted > 100, "{which}: hardly any discount");
        assert_eq!(charged, number(&result, "gross_minor"), "{which}");
        assert_eq!(fees, number(&result, "fee_minor"), "{which}");
        // The comparison scheme lists no rides that move no money.
        if which == "province" {
            assert_eq!(rides, number(&result, "rides"), "{which}");
        } else {
            assert_eq!(rides, number(&result, "charged_rides"), "{which}");
        }
    }
}

#[test]
fn debits_equal_credits_in_the_ledger() {
    for (which, Cleared { house, result }) in days() {
        let balance = house.run("inspect", [""; 0]).done();
        assert_eq!(balance["balanced"], true, "{which}: {balance}");
        for side in ["debit_minor", "credit_minor"] {
            assert_eq!(balance[side], result[side], "{which}: {side}");
            let accounts = balance["accounts"].as_array().expect("a list");
            assert_eq!(accounts.iter().map(|account| number(account, side)).sum::<i64>(), number(&result, side), "{which}: {side}");
        }
        assert!(number(&result, "debit_minor") >= number(&result, "gross_minor"), "{which}: {result}");
        house.verify();
    }
}

#[test]
fn what_a_manifest_says_of_a_file_is_so() {
    let Cleared { house, .. } = cleared_province(8);
    let day = house.day(DAY);
    for party in parties(&day) {
        let manifest = manifest(&day.join(&party));
        for file in manifest["files"].as_array().expect("a list of files") {
            let name = file["name"].as_str().expect("a name");
            let bytes = std::fs::read(day.join(&party).join(name)).expect("the file is there");
            assert_eq!(number(file, "size"), bytes.len() as i64, "{party}/{name}");
            assert_eq!(number(file, "lines"), sheet(&day, &party, name).rows().count() as i64, "{party}/{name}");
        }
    }
}
