//! A file of a closed day that is taken back: what it brought counts as never taken in, the differences are settled in the open
//! day, each names the line it corrects, and closed days keep their bytes.

use crate::dice::Dice;
use crate::fares::{Taps, card};
use crate::house::{House, number};
use crate::late::{dependent_house, lone, month, net, sheet, totals};
use crate::published::{assert_same, canonical, every_file};
use crate::rebuilding::assert_rebuilt;
use domain::Day;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file of some of the rows.
fn file(house: &House, name: &str, rows: &[String]) -> PathBuf {
    house.write(name, Taps { rows: rows.to_vec() }.csv())
}

fn withdraw(house: &House, name: &str) -> serde_json::Value {
    house.run("withdraw", [name, "--why", "another city's"]).done()
}

/// Outcome and reason of each record in a party's exceptions.
fn exceptions(house: &House, day: &str, party: &str) -> BTreeMap<String, String> {
    let exceptions = sheet(house, day, party, "exceptions.csv");
    exceptions.rows().map(|line| (line.text("record_id").to_owned(), format!("{} {}", line.text("outcome"), line.text("reason_name")))).collect()
}

/// Settling a closed day again, elsewhere, gives its bytes.
fn assert_settles_as_it_was(house: &House, day: &str) {
    let out = house.path("out");
    let moved = house.path("kept");
    std::fs::rename(&out, &moved).expect("a new name");
    house.run("settle", ["--day", day]).done();
    let again = every_file(&house.day(day));
    std::fs::remove_dir_all(&out).expect("it was there");
    std::fs::rename(&moved, &out).expect("its old name");
    let mut before = every_file(&house.day(day));
    let mut again: BTreeMap<String, Vec<u8>> = again;
    // It names the journal's head of the moment.
    before.remove("anchor.json");
    again.remove("anchor.json");
    assert_same(&before, &again, "settled again after the withdrawal");
}

#[test]
fn a_ride_that_is_taken_back_moves_the_tier_of_a_later_one() {
    let house = House::bundled("fares/chongqing-rail");
    let mut taps = Taps::default();
    let rides: Vec<String> = (1..=24).map(|date| taps.metro(card("a"), &format!("2026-03-{date:02}"), ("10:00:00", "1"), ("10:40:00", "2"))).collect();
    let (others, wrong): (Vec<_>, Vec<_>) = taps.rows.iter().cloned().enumerate().partition(|(at, _)| at / 2 != 9);
    let rows = |rows: Vec<(usize, String)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    house.clear("2026-03-24", &[file(&house, "march.csv", &rows(others)), file(&house, "wrong.csv", &rows(wrong))]).done();
    assert_eq!(net(&house, "2026-03-24", "bank-01"), -23 * 450 - 350);
    let before = every_file(&house.day("2026-03-24"));

    let withdrawn = withdraw(&house, "wrong.csv");
    assert_eq!((number(&withdrawn, "withdrawn_records"), withdrawn["settled_in"].as_str()), (2, Some("2026-03-25")));
    house.run("withdraw", ["wrong.csv", "--why", "again"]).refused();
    house.run("close", ["--day", "2026-03-25"]).done();
    house.run("settle", ["--day", "2026-03-25"]).done();
    assert_same(&before, &every_file(&house.day("2026-03-24")), "a closed day keeps its bytes");
    assert_settles_as_it_was(&house, "2026-03-24");
    assert_eq!(net(&house, "2026-03-25", "operator-02"), 100 - 450, "the ride back, and the one that is the 23rd again");
    for party in ["bank-01", "operator-02"] {
        let adjustments = sheet(&house, "2026-03-25", party, "adjustments.csv");
        let told: Vec<_> = adjustments
            .rows()
            .map(|line| {
                let line_of = |old: &crate::published::Line<'_>| old.text("line") == line.text("line_corrected");
                let corrected = sheet(&house, "2026-03-24", party, "detail.csv");
                assert_eq!(corrected.rows().find(line_of).expect("the corrected line").text("ride_id"), line.text("ride_id"));
                (line.text("ride_id").to_owned(), line.text("reason").to_owned(), line.minor("charged_minor_old"), line.minor("charged_minor_new"))
            })
            .collect();
        assert_eq!(told, [(rides[9].clone(), "withdrawn".to_owned(), 450, 0), (rides[23].clone(), "re-priced".to_owned(), 350, 450)]);
        let gone = exceptions(&house, "2026-03-25", party);
        assert_eq!(gone, BTreeMap::from(["t-1.0.19", "t-1.0.20"].map(|id| (id.to_owned(), "rejected withdrawn".to_owned()))));
    }
    house.verify();
    assert_rebuilt(&house);
}

#[test]
fn what_another_file_brought_too_stands_and_a_lost_version_comes_into_its_right() {
    let house = House::copied("fares/chongqing-transfer");
    let policy = std::fs::read_to_string(house.scheme.join("scheme.toml")).expect("a scheme");
    std::fs::write(house.scheme.join("scheme.toml"), format!("conflict = \"first-wins\"\n{}", policy.replace("conflict = ", "# conflict = ")))
        .expect("written");
    let mut taps = Taps::default();
    for (token, time) in [("a", "08:00:00"), ("b", "08:10:00"), ("c", "08:20:00")] {
        taps.bus(card(token), ("2026-03-02", time), "7");
    }
    // Another version of the third record, from another card.
    let version = taps.rows[2].replacen(",c,", ",d,", 1);
    house.clear("2026-03-02", &[file(&house, "wrong.csv", &taps.rows[1..])]).done();
    house.clear("2026-03-03", &[file(&house, "right.csv", &[taps.rows[0].clone(), taps.rows[1].clone(), version])]).done();
    let (paid, before) = (net(&house, "2026-03-02", "operator-01"), every_file(&house.day("2026-03-03")));
    assert_eq!(
        (paid, exceptions(&house, "2026-03-03", "operator-01")),
        (2 * 180, BTreeMap::from([("t-1.0.3".to_owned(), "rejected conflict-lost".to_owned())]))
    );
    withdraw(&house, "wrong.csv");
    house.run("close", ["--day", "2026-03-04"]).done();
    house.run("settle", ["--day", "2026-03-04"]).done();
    assert_same(&before, &every_file(&house.day("2026-03-03")), "a closed day keeps its bytes");
    let (detail, adjustments) = (sheet(&house, "2026-03-04", "operator-01", "detail.csv"), sheet(&house, "2026-03-04", "operator-01", "adjustments.csv"));
    let lines: Vec<_> = detail.rows().map(|line| (line.text("ride_id"), line.minor("charged_minor"), line.text("flags"))).collect();
    assert_eq!(lines, [("t-1.0.3", 180, "released")], "the version that had lost");
    let corrected: Vec<_> = adjustments.rows().map(|line| (line.text("ride_id"), line.text("reason"), line.minor("charged_minor_difference"))).collect();
    assert_eq!(corrected, [("t-1.0.3", "withdrawn", -180)], "the copy of the second record stands");
    house.verify();
    assert_rebuilt(&house);
}

#[test]
fn a_refund_waits_again_for_an_original_that_was_taken_back() {
    let house = House::copied("fares/shared-journey");
    let mut taps = Taps::default();
    // 480 for both, shared 137 to 343.
    taps.bus(card("a"), ("2026-03-02", "08:00:00"), "7");
    let ride = taps.metro(card("a"), "2026-03-02", ("08:20:00", "1"), ("08:55:00", "2"));
    let first = taps.rows.clone();
    let mut back = Taps::default();
    let refund = back.refund(card("a"), ("2026-03-03", "09:00:00"), 100, &ride).replacen("t-1", "t-2", 1);
    let back = back.rows[0].replacen(",t-1,", ",t-2,", 1);
    house.clear("2026-03-02", &[file(&house, "metro.csv", &first)]).done();
    house.clear("2026-03-03", &[file(&house, "back.csv", &[back])]).done();
    withdraw(&house, "metro.csv");
    let day = |date: &str| {
        house.run("close", ["--day", date]).done();
        house.run("settle", ["--day", date]).done();
        house.verify();
    };
    day("2026-03-04");
    let owed = |dates: &[&str]| -> Vec<i64> {
        ["bank-01", "operator-01", "operator-02"].iter().map(|party| dates.iter().map(|date| net(&house, date, party)).sum()).collect()
    };
    assert_eq!(owed(&["2026-03-02", "2026-03-03", "2026-03-04"]), [0, 0, 0], "as if nothing of it had ever come");
    assert_eq!(exceptions(&house, "2026-03-04", "operator-02").get(&refund).map(String::as_str), Some("held original-missing"));
    // The file was right after all.
    house.clear("2026-03-05", &[file(&house, "metro.csv", &first)]).done();
    assert_eq!(exceptions(&house, "2026-03-05", "operator-02"), BTreeMap::new());
    assert_eq!(owed(&["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"])[0], -380);
    house.verify();
    assert_rebuilt(&house);
}

#[test]
fn a_month_with_files_taken_back_ends_as_the_month_without_them() {
    const LATEST_DAYS: i32 = 9;
    let first: Day = "2026-03-01".parse().expect("a date");
    let mut dice = Dice::new(21);
    let (records, wrong) = (month(&mut dice, first), month(&mut dice, first));
    let days_count = 28 + 2 * LATEST_DAYS;
    let empty = || (0..days_count).map(|number| vec![lone(first, number)]).collect::<Vec<_>>();
    let (mut in_order, mut as_it_comes, mut wrong_files) = (empty(), empty(), BTreeMap::<i32, Vec<String>>::new());
    for (number, row) in &records {
        in_order[*number as usize].push(row.clone());
        let delay = if dice.permille(200) { dice.within(1, i64::from(LATEST_DAYS)) as i32 } else { 0 };
        as_it_comes[(number + delay) as usize].push(row.clone());
        // Some of it comes in a wrong file too.
        if dice.permille(50) {
            wrong_files.entry(number + delay).or_default().push(row.clone());
        }
    }
    for (number, row) in &wrong {
        if !dice.permille(300) {
            continue;
        }
        wrong_files.entry(number + dice.within(0, 3) as i32).or_default().push(row.replacen(",t-1,", ",t-5,", 1));
    }
    as_it_comes.iter_mut().for_each(|rows| dice.shuffle(rows));
    let (ordered, shuffled) = (dependent_house(), dependent_house());
    let mut published = Vec::new();
    let mut taken_back = BTreeMap::<i32, Vec<i32>>::new();
    for at in 0..days_count {
        let date = Day(first.0 + at).to_string();
        ordered.clear(&date, &[file(&ordered, &format!("{date}.csv"), &in_order[at as usize])]).done();
        for name in taken_back.remove(&at).unwrap_or_default() {
            withdraw(&shuffled, &format!("wrong-{name}.csv"));
        }
        let mut files = vec![file(&shuffled, &format!("{date}.csv"), &as_it_comes[at as usize])];
        if let Some(rows) = wrong_files.get(&at) {
            files.insert(dice.within(0, 2) as usize, file(&shuffled, &format!("wrong-{at}.csv"), rows));
            taken_back.entry(at + dice.within(1, i64::from(LATEST_DAYS)) as i32).or_default().push(at);
        }
        let result = shuffled.clear(&date, &files).done();
        assert_eq!((number(&result, "held"), number(&result, "rejected")), (0, 0), "{result}");
        published.push((date.clone(), canonical(&shuffled.day(&date))));
    }
    assert!(taken_back.is_empty() && wrong_files.len() > 20, "all {} wrong files were taken back", wrong_files.len());
    for (day, bytes) in &published {
        assert_same(bytes, &canonical(&shuffled.day(day)), day);
    }
    shuffled.verify();
    assert_eq!(totals(&shuffled, &published), totals(&ordered, &published), "list prices, charges and fees of banks and operators, and everyone's net");
    let corrected: usize = published
        .iter()
        .map(|(day, _)| sheet(&shuffled, day, "bank-01", "adjustments.csv").rows().filter(|line| line.text("reason") == "withdrawn").count())
        .sum();
    assert!(corrected > 50, "{corrected} rides taken back");
    assert_rebuilt(&shuffled);
}

/// What each ride has been charged so far, by the issuer's files: its own line, and what corrected it. Refunds have lines of
/// their own.
fn charges(house: &House, days: &[String]) -> BTreeMap<String, i64> {
    let mut charges: BTreeMap<String, i64> = BTreeMap::new();
    for day in days {
        for line in sheet(house, day, "bank-01", "detail.csv").rows() {
            *charges.entry(line.text("ride_id").to_owned()).or_default() += line.minor("charged_minor");
        }
        for line in sheet(house, day, "bank-01", "adjustments.csv").rows().filter(|line| !line.text("ride_id").is_empty()) {
            *charges.entry(line.text("ride_id").to_owned()).or_default() += line.minor("charged_minor_difference");
        }
    }
    charges
}

#[test]
fn refunding_all_of_a_month_in_parts_leaves_everyone_at_zero() {
    const LATEST_DAYS: i32 = 9;
    let first: Day = "2026-03-01".parse().expect("a date");
    for seed in [31, 32] {
        let mut dice = Dice::new(seed);
        let house = dependent_house();
        let fees = "[[fee]]\nearner = \"operator\"\nrate = \"2%\"\nrefunded = true\n";
        std::fs::write(house.scheme.join("fees.toml"), fees).expect("a file of the scheme");
        let days_count = 28 + LATEST_DAYS;
        let mut as_it_comes: Vec<Vec<String>> = vec![Vec::new(); days_count as usize];
        for (number, row) in month(&mut dice, first) {
            let delay = if dice.permille(250) { dice.within(1, i64::from(LATEST_DAYS)) as i32 } else { 0 };
            as_it_comes[(number + delay) as usize].push(row);
        }
        let mut days: Vec<String> = Vec::new();
        let (mut asked, mut refunds, mut rides) = (BTreeMap::<String, i64>::new(), 0, BTreeMap::<String, String>::new());
        let close = |rows: Vec<String>, days: &mut Vec<String>| {
            let day = Day(first.0 + i32::try_from(days.len()).expect("few days")).to_string();
            house.clear(&day, &[file(&house, &format!("{day}.csv"), &rows)]).done();
            days.push(day);
        };
        let mut back = |kind: &str, ride: &str, amount: i64, day: usize| {
            refunds += 1;
            let mut taps = Taps::default();
            let (date, time) =
                (Day(first.0 + i32::try_from(day).expect("few days")).to_string(), format!("{:02}:{:02}:00", 10 + refunds / 60 % 10, refunds % 60));
            let amount = if kind == "reversal" { String::new() } else { amount.to_string() };
            taps.record(kind, card("any"), (&date, &time), "operator-02", "", "metro", "", &amount, ride);
            taps.rows[0].replacen(",t-1,0,1,", &format!(",t-2,0,{refunds},"), 1)
        };
        for (number, mut rows) in as_it_comes.into_iter().enumerate() {
            // A part of some rides is given back, or all of them, before what is late corrects them.
            for (ride, charged) in charges(&house, &days) {
                if charged > 1 && ride.starts_with("t-1.") && !asked.contains_key(&ride) && dice.permille(200) {
                    let all = dice.permille(300);
                    let amount = if all { charged } else { dice.within(1, charged) };
                    let reverses = all && dice.permille(500);
                    let row = if reverses { back("reversal", &ride, 0, number) } else { back("refund", &ride, amount, number) };
                    rides.insert(format!("t-2.0.{}", row.split(',').nth(4).expect("a sequence")), ride.clone());
                    rows.push(row);
                    asked.insert(ride, if reverses { i64::MAX } else { amount });
                }
            }
            close(rows, &mut days);
            // What asks for more than the ride costs since today is rejected.
            let rejected = exceptions(&house, &days[number], "bank-01");
            let refused = rides.iter().filter(|(refund, _)| rejected.contains_key(*refund));
            for (_, ride) in refused {
                asked.remove(ride);
            }
            rides.clear();
        }
        let rest: Vec<String> = charges(&house, &days)
            .into_iter()
            .filter(|(ride, _)| ride.starts_with("t-1."))
            .filter_map(|(ride, charged)| match asked.get(&ride) {
                None => Some(back("reversal", &ride, 0, days.len())),
                // As much has been asked back as it costs since it was corrected: the refund followed.
                Some(&asked) if asked >= charged => None,
                Some(asked) => Some(back("refund", &ride, charged - asked, days.len())),
            })
            .collect();
        close(rest, &mut days);
        let (mut nets, mut followed) = (BTreeMap::<String, i64>::new(), 0);
        for day in &days {
            for party in crate::published::parties(&house.day(day)) {
                *nets.entry(party.clone()).or_default() +=
                    if party == "hub-01" { sheet(&house, day, &party, "summary.csv").net() } else { net(&house, day, &party) };
            }
            let adjustments = sheet(&house, day, "bank-01", "adjustments.csv");
            followed += adjustments.rows().filter(|line| line.text("ride_id").starts_with("t-2.")).count();
        }
        house.verify();
        assert!(nets.values().all(|net| *net == 0), "seed {seed}: {nets:?}");
        assert!(followed > 10 && asked.len() > 100, "seed {seed}: {followed} refunds followed, {} rides were given back in between", asked.len());
        assert_rebuilt(&house);
    }
}
