//! `card`: what an account may still use is what the rules would give its next ride.

use crate::fares::{Card, Taps, card};
use crate::house::{House, Ran, tapclear};
use serde_json::Value;

fn shown(house: &House, more: &[&str]) -> Ran {
    let ledger = house.ledger();
    let mut arguments = vec!["card", "--scheme", house.scheme.to_str().expect("UTF-8"), "--ledger", ledger.to_str().expect("UTF-8")];
    arguments.extend(more);
    tapclear(arguments)
}

/// What a rule says of itself.
#[track_caller]
fn rule<'c>(card: &'c Value, name: &str) -> &'c Value {
    let rules = card["entitlements"].as_array().expect("a list");
    rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no {name} in {card}"))
}

#[test]
fn tiers_and_counted_rides_of_the_month() {
    let house = House::bundled("fares/chongqing-rail");
    let qr = Card { medium: "qr", ..card("a") };
    let mut taps = Taps::default();
    for ride in 0..24 {
        let (date, hour) = (format!("2026-03-{:02}", 2 + ride / 4), 8 + 2 * (ride % 4));
        taps.metro(qr, &date, (&format!("{hour:02}:00:00"), "1"), (&format!("{hour:02}:40:00"), "2"));
    }
    house.clear("2026-03-07", &[house.write("taps.csv", taps.csv())]).done();
    let card = shown(&house, &["--json", "a"]).done();
    assert_eq!((card["day"].as_str(), card["account"].as_str(), card["issuer"].as_str()), (Some("2026-03-08"), Some("a"), Some("bank-01")));
    // 23 rides at 450, and the 24th at 350.
    let tier = rule(&card, "monthly-spend");
    assert_eq!((&tier["counts"][0]["used_minor"], &tier["counts"][0]["span"]), (&Value::from(23 * 450 + 350), &Value::from("month")));
    assert!(tier["words"].as_str().is_some_and(|words| words.contains("pays 70 %") && words.contains("50 % after 93.00 more")), "{tier}");
    let nth = rule(&card, "qr-regulars");
    assert_eq!(nth["counts"][0]["used_rides"], 24);
    assert!(nth["words"].as_str().is_some_and(|words| words.contains("ride 40")), "{nth}");
    let rides = card["rides"].as_array().expect("a list");
    assert_eq!((rides.len(), &rides[0]["charged_minor"], &rides[0]["record_id"]), (10, &Value::from(350), &Value::from("t-1.0.48")));
    // The next month begins anew.
    let card = shown(&house, &["--json", "--day", "2026-04-01", "a"]).done();
    assert_eq!(rule(&card, "monthly-spend")["counts"][0]["used_minor"], 0);
    let chinese = shown(&house, &["--lang", "zh", "--rides", "3", "a"]);
    for words in ["账户 a", "本月", "现付 70 %", "最近行程", "阶梯"] {
        assert!(chinese.stdout.contains(words), "{words}: {}{}", chinese.stdout, chinese.stderr);
    }
    assert!(shown(&house, &["stranger"]).refused().contains("neither the ledger nor the scheme"));
    assert!(!shown(&house, &["6222021234567890128"]).refused().contains("6222021234567890128"));
}

#[test]
fn the_open_day_is_priced_on_top_and_provisional() {
    let house = House::bundled("fares/chongqing-transfer");
    let mut taps = Taps::default();
    taps.bus(card("b"), ("2026-03-02", "12:00:00"), "1");
    taps.bus(card("a"), ("2026-03-03", "08:00:00"), "1");
    taps.tap("tap-on", card("c"), ("2026-03-03", "09:00:00"), "1");
    let file = |name: &str, rows: &[String]| house.write(name, Taps { rows: rows.to_vec() }.csv());
    house.clear("2026-03-02", &[file("one.csv", &taps.rows[..1])]).done();
    house.ingest("2026-03-03", &[file("two.csv", &taps.rows[1..])]).done();
    let a = shown(&house, &["--json", "a"]).done();
    assert_eq!((a["provisional_rides"][0]["charged_minor"].as_i64(), a["rides"].as_array().map(Vec::len)), (Some(180), Some(0)));
    assert!(rule(&a, "change")["words"].as_str().is_some_and(|words| words.contains("until 2026-03-03 09:00:00") && words.contains("1 changes left")), "{a}");
    let c = shown(&house, &["--json", "c"]).done();
    assert_eq!(c["open_journey"]["place"], "station:1");
    let b = shown(&house, &["--json", "b"]).done();
    assert_eq!((b["provisional_rides"].as_array().map(Vec::len), b["rides"][0]["charged_minor"].as_i64()), (Some(0), Some(180)));
}

#[test]
fn limits_and_a_budget_of_all() {
    let house = House::bundled("fares/bank-incentive");
    let mut taps = Taps::default();
    for time in ["08:00:00", "09:00:00", "10:00:00"] {
        taps.bus(card("a"), ("2026-03-02", time), "1");
    }
    house.clear("2026-03-02", &[house.write("taps.csv", taps.csv())]).done();
    let card = shown(&house, &["--json", "a"]).done();
    let rules = card["entitlements"].as_array().expect("a list");
    let incentive = rules.iter().find(|rule| rule["kind"] == "incentive").expect("an incentive");
    let counts = incentive["counts"].as_array().expect("a list");
    assert_eq!((&counts[0]["left_rides"], &counts[1]["left_rides"]), (&Value::from(2), &Value::from(18)), "a new day, and the same month");
    assert!(incentive["words"].as_str().is_some_and(|words| words.contains("98.20 left in the budget")), "{incentive}");
}
