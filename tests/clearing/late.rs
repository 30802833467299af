//! What comes after its day was closed: the differences are settled in the open day, each names the line it corrects, closed
//! days keep their bytes, and in the end everyone has what the same records would have given in their order.

use crate::dice::Dice;
use crate::fares::{Card, Taps, card};
use crate::house::House;
use crate::published::{Sheet, assert_same, canonical, every_file, parties};
use domain::Day;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub fn sheet(house: &House, day: &str, party: &str, file: &str) -> Sheet {
    Sheet::read(&house.day(day).join(party).join(file))
}

/// What a party is owed for a day by both its files.
pub fn net(house: &House, day: &str, party: &str) -> i64 {
    let adjusted = sheet(house, day, party, "adjustments.csv").rows().map(|line| line.signed("net_minor_difference", "dc")).sum::<i64>();
    sheet(house, day, party, "detail.csv").net() + adjusted
}

#[test]
fn a_late_ride_moves_the_tier_of_a_later_one() {
    let house = House::bundled("fares/chongqing-rail");
    let mut taps = Taps::default();
    let rides: Vec<(String, Vec<String>)> = (1..=24)
        .map(|date| {
            let from = taps.rows.len();
            let ride = taps.metro(card("a"), &format!("2026-03-{date:02}"), ("10:00:00", "1"), ("10:40:00", "2"));
            (ride, taps.rows[from..].to_vec())
        })
        .collect();
    let file = |name: &str, rides: &[&(String, Vec<String>)]| {
        let rows = rides.iter().flat_map(|(_, rows)| rows.clone()).collect();
        house.write(name, Taps { rows }.csv())
    };
    let but_one: Vec<&(String, Vec<String>)> = rides.iter().enumerate().filter(|(at, _)| *at != 9).map(|(_, ride)| ride).collect();
    house.clear("2026-03-24", &[file("march.csv", &but_one)]).done();
    let before = every_file(&house.day("2026-03-24"));
    assert_eq!(net(&house, "2026-03-24", "bank-01"), -23 * 450);

    house.clear("2026-03-25", &[file("late.csv", &[&rides[9]])]).done();
    assert_same(&before, &every_file(&house.day("2026-03-24")), "a closed day keeps its bytes");
    assert_eq!(net(&house, "2026-03-25", "bank-01"), -350, "450 for the late ride, and 100 back for the one that is the 24th now");
    let detail = sheet(&house, "2026-03-25", "bank-01", "detail.csv");
    let line = detail.rows().next().expect("the late ride's line");
    assert_eq!((line.text("ride_id"), line.minor("charged_minor"), line.text("service_day"), line.text("flags")), (&*rides[9].0, 450, "2026-03-10", "late"));
    for party in ["bank-01", "operator-02"] {
        let adjustments = sheet(&house, "2026-03-25", party, "adjustments.csv");
        let lines: Vec<_> = adjustments.rows().collect();
        let [line] = lines.as_slice() else { panic!("{party} has {} adjustments", lines.len()) };
        assert_eq!((line.text("ride_id"), line.text("day_corrected"), line.text("reason")), (&*rides[23].0, "2026-03-24", "re-priced"));
        assert_eq!(["charged_minor_old", "charged_minor_new", "charged_minor_difference"].map(|column| line.minor(column)), [450, 350, -100]);
        assert_eq!(["list_minor_old", "list_minor_new", "list_minor_difference"].map(|column| line.minor(column)), [500, 500, 0]);
        let corrected = sheet(&house, "2026-03-24", party, "detail.csv");
        let corrected = corrected.rows().find(|old| old.text("line") == line.text("line_corrected")).expect("the corrected line");
        assert_eq!((corrected.text("ride_id"), corrected.minor("charged_minor")), (&*rides[23].0, 450));
    }
    house.verify();

    // Taken back later, the corrected ride gives back what it costs, to the last unit.
    let mut back = Taps::default();
    back.reversal(card("a"), ("2026-03-26", "09:00:00"), &rides[23].0);
    let rows = back.rows.iter().map(|row| row.replacen(",t-1,", ",t-2,", 1)).collect();
    house.clear("2026-03-26", &[house.write("back.csv", Taps { rows }.csv())]).done();
    assert_eq!(net(&house, "2026-03-26", "bank-01"), 350);
}

#[test]
fn a_tap_off_that_comes_late_replaces_the_missing_one() {
    let house = House::bundled("fares/chengdu-metro");
    let mut taps = Taps::default();
    let plastic = Card { medium: "card", ..card("a") };
    let entry = taps.tap("tap-on", plastic, ("2026-03-02", "08:00:00"), "0");
    let exit = taps.tap("tap-off", plastic, ("2026-03-02", "08:30:00"), "4000");
    let next = taps.metro(plastic, "2026-03-03", ("09:00:00", "0"), ("09:30:00", "4000"));
    let file = |name: &str, rows: &[String]| house.write(name, Taps { rows: rows.to_vec() }.csv());
    house.clear("2026-03-02", &[file("first.csv", &taps.rows[..1])]).done();
    house.clear("2026-03-03", &[file("second.csv", &taps.rows[2..])]).done();
    let paid = |day: &str| -> BTreeMap<String, i64> {
        sheet(&house, day, "bank-01", "detail.csv").rows().map(|line| (line.text("ride_id").to_owned(), line.minor("charged_minor"))).collect()
    };
    assert_eq!(paid("2026-03-03"), BTreeMap::from([(entry.clone(), 1200), (next, 180)]), "given up by the next tap-on");
    house.clear("2026-03-04", &[file("third.csv", &taps.rows[1..2])]).done();
    assert_eq!(paid("2026-03-04"), BTreeMap::from([(exit, 180)]));
    let adjustments = sheet(&house, "2026-03-04", "bank-01", "adjustments.csv");
    let line = adjustments.rows().next().expect("an adjustment");
    assert_eq!((line.text("ride_id"), line.text("day_corrected")), (&*entry, "2026-03-03"));
    assert_eq!(["charged_minor_old", "charged_minor_new", "charged_minor_difference"].map(|column| line.minor(column)), [1200, 0, -1200]);
    assert_eq!(net(&house, "2026-03-04", "bank-01"), 1200 - 180);
    house.verify();
}

/// A tariff in which a ride depends on many before it: a transfer that is shared, a cap of the day, a tier of the month.
const DEPENDENT: &str = r#"
[[adjust]]
name = "month"
rule = "tier"
per = "month"
steps = [{ from_minor = 0, percent = "100" }, { from_minor = 3000, percent = "70" }]
funder = "fund-01"

[[adjust]]
name = "day"
rule = "day-cap"
amount_minor = 700
funder = "fund-01"
"#;
const FEES: &str = "[[fee]]\nearner = \"operator\"\nrate = \"2%\"\n";

pub fn dependent_house() -> House {
    let house = House::copied("fares/shared-journey");
    let path = house.scheme.join("tariff/tariff.toml");
    let tariff = std::fs::read_to_string(&path).expect("a tariff");
    std::fs::write(&path, tariff + DEPENDENT).expect("a tariff");
    std::fs::write(house.scheme.join("fees.toml"), FEES).expect("a file of the scheme");
    house
}

/// A month of rides: each record with its service day's number, from 0.
pub fn month(dice: &mut Dice, first: Day) -> Vec<(i32, String)> {
    let tokens: Vec<String> = (0..8).map(|number| format!("c{number}")).collect();
    let mut records = Vec::new();
    for number in 0..28 {
        let date = Day(first.0 + number).to_string();
        for token in &tokens {
            let mut minutes = 300 + dice.within(0, 120);
            for _ in 0..dice.within(0, 5) {
                let mut taps = Taps::default();
                let at = |minutes: i64| format!("{:02}:{:02}:{:02}", minutes / 60, minutes % 60, minutes % 7);
                let stations = [["1", "2"], ["2", "1"]][usize::from(dice.permille(500))];
                if dice.permille(500) {
                    taps.bus(card(token), (&date, &at(minutes)), "1");
                } else {
                    if !dice.permille(60) {
                        taps.tap("tap-on", card(token), (&date, &at(minutes)), stations[0]);
                    }
                    if !dice.permille(60) {
                        taps.tap("tap-off", card(token), (&date, &at(minutes + 30)), stations[1]);
                    }
                }
                minutes += 40 + dice.within(0, 120);
                records.extend(taps.rows.into_iter().map(|row| (number, row)));
            }
        }
    }
    // One count for all, in the order in which they happened.
    for (sequence, (_, row)) in records.iter_mut().enumerate() {
        let mut cells: Vec<String> = row.split(',').map(str::to_owned).collect();
        cells[4] = (sequence + 1).to_string();
        *row = cells.join(",");
    }
    records
}

/// A ride of a card of its own: with one a day, every day is cleared.
pub fn lone(first: Day, number: i32) -> String {
    let mut taps = Taps::default();
    taps.bus(card("lone"), (&Day(first.0 + number).to_string(), "12:00:00"), "1");
    taps.rows[0].replacen(",t-1,0,1,", &format!(",t-9,0,{},", number + 1), 1)
}

/// The first days of a month, of whose rides a quarter comes some days late, fewer than `delay_below`.
pub fn late_days(dice: &mut Dice, first: Day, count: i32, delay_below: i64) -> Vec<Vec<String>> {
    let mut days: Vec<Vec<String>> = (0..count).map(|number| vec![lone(first, number)]).collect();
    for (number, row) in month(dice, first) {
        let delay = if dice.permille(250) { dice.within(1, delay_below) } else { 0 };
        if let Some(day) = days.get_mut(number as usize + usize::try_from(delay).expect("small")) {
            day.push(row);
        }
    }
    days
}

/// Clears the days one after another; the bytes of each as it was published.
pub fn cleared(house: &House, first: Day, days: &[Vec<String>]) -> Vec<(String, BTreeMap<String, Vec<u8>>)> {
    let mut published = Vec::new();
    for (number, rows) in (0..).zip(days) {
        let day = Day(first.0 + number).to_string();
        let file: PathBuf = house.write(&format!("{day}.csv"), Taps { rows: rows.clone() }.csv());
        let result = house.clear(&day, &[file]).done();
        assert_eq!((result["held"].as_i64(), result["rejected"].as_i64()), (Some(0), Some(0)), "{result}");
        published.push((day.clone(), canonical(&house.day(&day))));
    }
    for (day, bytes) in &published {
        assert_same(bytes, &canonical(&house.day(day)), day);
    }
    house.verify();
    published
}

/// What each party is owed by all days together, and what the rides come to.
pub fn totals(house: &House, published: &[(String, BTreeMap<String, Vec<u8>>)]) -> BTreeMap<String, [i64; 4]> {
    let mut totals: BTreeMap<String, [i64; 4]> = BTreeMap::new();
    for (day, _) in published {
        let mut of_all = 0;
        for party in parties(&house.day(day)) {
            let (detail, adjusted) = (sheet(house, day, &party, "detail.csv"), sheet(house, day, &party, "adjustments.csv"));
            let sums = totals.entry(party.clone()).or_default();
            // A fund has lines only of rides that it pays for, and of a ride that it pays for no more only the difference: what
            // the others pay is told there, and is no total of its own.
            let columns: &[&str] = if party.starts_with("fund") { &[] } else { &["list_minor", "charged_minor", "fee_minor"] };
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum += detail.sum(column) + adjusted.sum(&format!("{column}_difference"));
            }
            let net = net(house, day, &party);
            sums[3] += net;
            of_all += net;
        }
        let fees: i64 = sheet(house, day, "hub-01", "summary.csv").net();
        assert_eq!(of_all + fees, 0, "{day}: all nets and the hub's fees");
    }
    totals
}

#[test]
fn a_month_in_any_order_of_arrival_ends_as_the_month_in_its_order() {
    const LATEST_DAYS: i32 = 9;
    let first: Day = "2026-03-01".parse().expect("a date");
    for seed in [11, 12] {
        let mut dice = Dice::new(seed);
        let records = month(&mut dice, first);
        let empty = || (0..28 + LATEST_DAYS).map(|number| vec![lone(first, number)]).collect::<Vec<_>>();
        let (mut in_order, mut as_it_comes) = (empty(), empty());
        let mut late = 0;
        for (number, row) in &records {
            in_order[*number as usize].push(row.clone());
            let delay = if dice.permille(250) { dice.within(1, i64::from(LATEST_DAYS)) as i32 } else { 0 };
            late += usize::from(delay > 0);
            as_it_comes[(number + delay) as usize].push(row.clone());
        }
        as_it_comes.iter_mut().for_each(|rows| dice.shuffle(rows));
        assert!(late > 100, "{late} records are late");
        let (ordered, shuffled) = (dependent_house(), dependent_house());
        let (first_way, second_way) = (cleared(&ordered, first, &in_order), cleared(&shuffled, first, &as_it_comes));
        let (expected, found) = (totals(&ordered, &first_way), totals(&shuffled, &second_way));
        assert_eq!(found, expected, "seed {seed}: list prices, charges and fees of banks and operators, and everyone's net");
        let corrected: usize = second_way.iter().map(|(day, _)| sheet(&shuffled, day, "bank-01", "adjustments.csv").rows().count()).sum();
        let shares: usize = second_way
            .iter()
            .map(|(day, _)| sheet(&shuffled, day, "operator-01", "adjustments.csv").rows().filter(|line| line.text("reason") == "share").count())
            .sum();
        assert!(corrected > 50 && shares > 5, "{corrected} adjustments, {shares} of shares");
    }
}
