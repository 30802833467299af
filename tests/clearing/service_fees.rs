//! Fees per service day: rounded over all rides of the day, however many closes they came in by, and booked as they change.

use crate::house::{DAY, House, number};
use crate::published::{Line, Sheet, assert_same, canonical, manifest, parties};
use crate::{province, rebuilding};
use std::collections::BTreeMap;
use std::path::PathBuf;

const NEXT_DAY: &str = "2026-03-03";
const FEES: &str = r#"
[[fee]]
earner = "operator"
product = "transit"
rate = "0.3%"
per = "service-day"
basis = "earned"

[[fee]]
earner = "merchant"
rate = "0.38%"
per = "service-day"
minimum_minor = 5
refunded = true

[[fee]]
earner = "venue"
rate = "0.5%"
refunded = true
"#;

/// The province with these fees, and a day of its records in two files.
fn province() -> (House, [PathBuf; 2]) {
    let house = House::copied("sichuan");
    house.write("scheme/fees.toml", FEES);
    let day = province::day(23, 900);
    let (header, rows) = day.split_once('\n').expect("a header");
    let rows: Vec<&str> = rows.lines().collect();
    let (one, two) = rows.split_at(rows.len() / 2);
    let files = [("one.csv", one), ("two.csv", two)].map(|(name, rows)| house.write(name, format!("{header}\n{}\n", rows.join("\n"))));
    (house, files)
}

/// Issuer and service day.
type Key = (String, String);

fn key(line: Line<'_>, day: &str) -> Key {
    (line.text("issuer").to_owned(), line.text(day).to_owned())
}

#[test]
fn a_service_day_s_fee_is_that_of_all_its_rides_whenever_they_were_cleared() {
    let (house, [one, two]) = province();
    let results = [house.clear(DAY, &[one]).done(), house.clear(NEXT_DAY, &[two]).done()];
    let days = [DAY, NEXT_DAY].map(|day| house.day(day));
    let (mut late, mut rides, mut corrected) = (0, 0, 0);
    for operator in parties(&days[0]).into_iter().filter(|party| party.starts_with("operator-")) {
        let (mut earned, mut fees): (BTreeMap<Key, i64>, BTreeMap<Key, i64>) = (BTreeMap::new(), BTreeMap::new());
        // By clearing day and line: the service day of the ride that stands there.
        let mut lines: BTreeMap<Key, String> = BTreeMap::new();
        for (day, name) in days.iter().zip([DAY, NEXT_DAY]) {
            let sheet = |name: &str| Sheet::read(&day.join(&operator).join(name));
            for ride in sheet("detail.csv").rows().filter(|line| ["boarding", "tap-on", "tap-off"].contains(&line.text("kind"))) {
                *earned.entry(key(ride, "service_day")).or_default() += ride.signed("net_minor", "dc");
                lines.insert((name.to_owned(), ride.text("line").to_owned()), ride.text("service_day").to_owned());
                rides += 1;
            }
            for line in sheet("adjustments.csv").rows().filter(|line| line.text("product") == "transit") {
                if line.text("reason") == "service-day-fee" {
                    let booked = fees.insert(key(line, "day_corrected"), line.minor("fee_minor_new")).unwrap_or(0);
                    assert_eq!(line.minor("fee_minor_old"), booked, "{operator}: the line goes on from the last");
                    assert_eq!(line.signed("net_minor_difference", "dc"), booked - line.minor("fee_minor_new"), "{operator}");
                    late += i64::from(booked != 0);
                } else {
                    // A ride of the first day costs something else now that more of its account is known.
                    let of_line = lines.get(&(line.text("day_corrected").to_owned(), line.text("line_corrected").to_owned()));
                    let service_day = of_line.map_or_else(|| line.text("day_corrected").to_owned(), Clone::clone);
                    *earned.entry((line.text("issuer").to_owned(), service_day)).or_default() += line.signed("net_minor_difference", "dc");
                    corrected += 1;
                }
            }
        }
        fees.retain(|_, fee| *fee != 0);
        // Three in a thousand of what was earned, halves up, once per issuer and service day.
        let expected: BTreeMap<Key, i64> = earned.into_iter().map(|(key, minor)| (key, (minor * 3 + 500) / 1000)).filter(|(_, fee)| *fee != 0).collect();
        assert_eq!(fees, expected, "{operator}");
    }
    assert!(late > 10 && rides > 300 && corrected > 0, "{late} fees were changed, {rides} rides, {corrected} corrected");
    for (day, result) in days.iter().zip(&results) {
        let (mut net, mut fees) = (0, 0);
        for party in parties(day) {
            let totals = &manifest(&day.join(&party))["totals"];
            let own = if totals["dc"] == "D" { -number(totals, "net_minor") } else { number(totals, "net_minor") };
            let summary = Sheet::read(&day.join(&party).join("summary.csv"));
            assert_eq!(summary.net(), own, "{party}");
            net += own;
            if party.starts_with("hub") {
                fees = summary.rows().filter(|line| line.text("entry") == "fee").map(|line| line.minor("fee_minor")).sum();
            }
        }
        assert_eq!((net, fees), (0, number(result, "fee_minor")), "the nets of all parties, and the house's income");
        assert_eq!(number(result, "debit_minor"), number(result, "credit_minor"));
    }
    house.verify();
    rebuilding::assert_rebuilt(&house);
}

#[test]
fn a_refund_gives_its_fee_back_to_the_last_fen() {
    let (house, files) = province();
    house.clear(DAY, &files).done();
    let (mut given, mut kept) = (0, 0);
    for party in parties(&house.day(DAY)) {
        for line in Sheet::read(&house.day(DAY).join(&party).join("detail.csv")).rows().filter(|line| line.text("kind") == "refund") {
            let refunded = party.starts_with("venue-");
            assert!(line.minor("fee_minor") <= 0 && (refunded || !party.starts_with("merchant-") || line.minor("fee_minor") == 0), "{party}");
            *(if line.minor("fee_minor") < 0 { &mut given } else { &mut kept }) += 1;
        }
    }
    assert!(kept > 0, "{given} refunds gave a fee back on their line, {kept} did not");
    house.verify();
}

#[test]
fn the_way_that_files_came_in_changes_no_fee() {
    let (house, files) = province();
    house.clear(DAY, &files).done();
    let (other, [one, two]) = province();
    other.ingest(DAY, &[two]).done();
    other.ingest(DAY, &[one]).done();
    other.run("close", [""; 0]).done();
    other.run("settle", ["--day", DAY]).done();
    assert_same(&canonical(&house.day(DAY)), &canonical(&other.day(DAY)), "in other order, in parts");
}
