//! The worked examples: each city's tariff as its files in `replay-data/fares` say it, and what its riders pay.

use crate::rider::{City, Rider};
use domain::{Flags, RecordKind, split};
use engine::price::grant;

/// A Monday.
const MONDAY: &str = "2026-03-02";

fn on(date: &str, time: &str) -> String {
    format!("{date} {time}")
}

fn ride(rider: Rider<'_>, metres: i64, entry: &str, exit: &str) -> i64 {
    let mut rider = rider;
    rider.metro((entry, "0"), (exit, &metres.to_string()))
}

#[test]
fn a_metro_by_distance() {
    let city = City::bundled("chengdu-metro");
    for (metres, paper, card, student) in [
        (4_000, 200, 180, 100),
        (4_001, 300, 270, 150),
        (12_000, 400, 360, 200),
        (12_001, 500, 450, 250),
        (18_000, 500, 450, 250),
        (18_001, 600, 540, 300),
        (50_000, 900, 810, 450),
        (50_001, 1000, 900, 500),
        (70_000, 1000, 900, 500),
        (70_001, 1100, 990, 550),
        (90_000, 1100, 990, 550),
        (90_001, 1200, 1080, 600),
    ] {
        let (entry, exit) = (on(MONDAY, "10:00"), on(MONDAY, "11:00"));
        assert_eq!(ride(city.rider().medium("paper"), metres, &entry, &exit), paper, "{metres} on paper");
        assert_eq!(ride(city.rider().medium("card"), metres, &entry, &exit), card, "{metres} by card");
        assert_eq!(ride(city.rider().medium("card").class("student"), metres, &entry, &exit), student, "{metres} as a student");
    }
}

#[test]
fn a_long_stay_and_a_missing_tap_off_cost_the_network_s_maximum() {
    let city = City::bundled("chengdu-metro");
    let stay = |exit: &str| ride(city.rider().medium("card"), 10_000, &on(MONDAY, "08:00:00"), &on(MONDAY, exit));
    assert_eq!([stay("12:00:00"), stay("12:00:00.001"), stay("12:00:01")], [360, 1560, 1560]);
    let mut rider = city.rider().medium("card");
    rider.tap(RecordKind::TapOn, &on(MONDAY, "08:00"), |tap, symbols| tap.location = symbols.intern("station:0"));
    let next = rider.tap(RecordKind::TapOff, &on(MONDAY, "08:30"), |tap, symbols| tap.location = symbols.intern("station:4000"));
    assert_eq!(next.map(|fare| fare.charged_minor), Some(180));
    let alone = rider.tap(RecordKind::TapOff, &on(MONDAY, "08:40"), |tap, symbols| tap.location = symbols.intern("station:4000")).expect("a ride");
    assert_eq!((alone.charged_minor, alone.flags.has(Flags::NO_TAP_ON)), (1200, true));
}

#[test]
fn the_old_ride_free_outside_the_peaks() {
    let city = City::bundled("chengdu-metro");
    let pays = |time: &str| ride(city.rider().medium("card").born("1954-01-01"), 10_000, time, "2026-03-08 12:00");
    for (time, pays_minor) in [
        // A Tuesday.
        ("2026-03-03 07:29:59", 0),
        ("2026-03-03 07:29:59.999", 0),
        ("2026-03-03 07:30:00", 360),
        ("2026-03-03 09:00:00", 360),
        ("2026-03-03 09:00:00.001", 0),
        ("2026-03-03 09:00:01", 0),
        ("2026-03-03 17:30", 360),
        ("2026-03-03 19:00:01", 0),
        // A Saturday.
        ("2026-03-07 08:00", 0),
    ] {
        let mut rider = city.rider().medium("card").born("1954-01-01");
        let (date, clock) = time.split_once(' ').expect("a time");
        let exit = format!("{date} {:02}:59:59", clock[..2].parse::<u8>().expect("an hour") + 1);
        assert_eq!(rider.metro((time, "0"), (&exit, "10000")), pays_minor, "{time}");
        if pays_minor == 0 {
            assert_eq!(rider.funded(), [("fund-01".to_owned(), 400)]);
        }
    }
    assert_eq!(pays("2026-03-08 11:00"), 0, "a Sunday");
}

#[test]
fn monthly_tiers_by_the_spend_before_the_ride() {
    let city = City::bundled("chongqing-rail");
    let month = |to: &str, rides: u32| -> Vec<i64> {
        let mut rider = city.rider().medium("card");
        (0..rides)
            .map(|ride| {
                let day = 1 + ride / 4;
                let hour = 8 + 2 * (ride % 4);
                rider.metro((&format!("2026-03-{day:02} {hour:02}:00"), "1"), (&format!("2026-03-{day:02} {hour:02}:40"), to))
            })
            .collect()
    };
    let paid = month("2", 70);
    assert!(paid[..23].iter().all(|&paid| paid == 450) && paid[23..51].iter().all(|&paid| paid == 350) && paid[51..].iter().all(|&paid| paid == 250));
    assert_eq!(paid.iter().sum::<i64>(), 24_900);
    let paid = month("3", 40);
    assert!(paid[..16].iter().all(|&paid| paid == 630) && paid[16..37].iter().all(|&paid| paid == 490) && paid[37..].iter().all(|&paid| paid == 350));
}

#[test]
fn a_late_ride_moves_the_tier_of_a_later_one() {
    let city = City::bundled("chongqing-rail");
    let total = |rides: &[u32]| -> i64 {
        let mut rider = city.rider().medium("card");
        rides.iter().map(|ride| rider.metro((&format!("2026-03-{ride:02} 10:00"), "1"), (&format!("2026-03-{ride:02} 10:40"), "2"))).sum()
    };
    let all: Vec<u32> = (1..=24).collect();
    let without: Vec<u32> = all.iter().copied().filter(|&ride| ride != 10).collect();
    // The late ride pays 450, and the one that is now the 24th 350 instead of 450.
    assert_eq!(total(&all) - total(&without), 350);
}

#[test]
fn the_cheapest_of_tier_early_bird_and_regulars_wins() {
    let city = City::bundled("chongqing-rail");
    let first = |time: &str| city.rider().medium("card").metro((time, "1"), (&time.replace(" 0", " 1"), "2"));
    assert_eq!([first("2026-03-02 06:59:59"), first("2026-03-02 06:59:59.999"), first("2026-03-02 07:00:00"), first("2026-03-07 06:30")], [350, 350, 450, 450]);
    let mut rider = city.rider().medium("qr");
    let mut spend = 0;
    for ride in 1..=60 {
        let paid = rider.metro(
            (&format!("2026-03-{:02} {:02}:00", 1 + ride / 3, 9 + ride % 3), "1"),
            (&format!("2026-03-{:02} {:02}:40", 1 + ride / 3, 9 + ride % 3), "2"),
        );
        let expected = if [40, 50, 60].contains(&ride) {
            0
        } else if spend < 10_000 {
            450
        } else if spend < 20_000 {
            350
        } else {
            250
        };
        assert_eq!(paid, expected, "ride {ride}");
        spend += paid;
    }
    let mut rider = city.rider().medium("card");
    while spend < 45_000 {
        spend += rider.metro(("2026-03-20 10:00", "1"), ("2026-03-20 10:10", "2"));
    }
    assert_eq!(rider.metro(("2026-03-23 06:30", "1"), ("2026-03-23 06:50", "2")), 250, "a workday's early bird pays 70 %, a frequent one half");
}

#[test]
fn a_transfer_is_measured_by_the_first_fare() {
    let city = City::bundled("chongqing-transfer");
    let at = |time: &str| on(MONDAY, time);
    let mut rider = city.rider();
    assert_eq!(rider.bus(&at("08:00"), "1"), 180);
    assert_eq!(rider.metro((&at("08:20"), "1"), (&at("08:55"), "2")), 300);
    for (next, pays) in [("09:55:00", 0), ("09:55:00.001", 180), ("09:55:01", 180)] {
        let mut rider = city.rider();
        assert_eq!(rider.metro((&at("08:20"), "1"), (&at("08:55"), "2")), 450);
        assert_eq!(rider.bus(&at(next), "1"), pays, "{next}");
    }
    let mut rider = city.rider();
    assert_eq!([rider.bus(&at("08:00"), "1"), rider.bus(&at("08:20"), "2"), rider.bus(&at("08:40"), "3")], [180, 0, 180]);
    assert_eq!(rider.bus(&at("09:00"), "4"), 0, "the third opened a window");
    let mut rider = city.rider();
    assert_eq!([rider.bus(&at("08:00"), "101"), rider.bus(&at("08:30"), "1")], [90, 100]);
    for (next, pays) in [("08:14:59", 180), ("08:14:59.999", 180), ("08:15:00", 0)] {
        let mut rider = city.rider();
        assert_eq!([rider.bus(&at("08:00"), "1"), rider.bus(&at(next), "1")], [180, pays], "{next}");
    }
    let mut rider = city.rider().class("disabled");
    assert_eq!([rider.bus(&at("08:00"), "1"), rider.bus(&at("08:59"), "901")], [100, 250]);
    // Not on the same vehicle, whatever the line.
    let mut rider = city.rider();
    let mut same = |time: &str, route: &str| {
        let fare = rider.tap(RecordKind::Boarding, &at(time), |tap, symbols| {
            (tap.mode, tap.route, tap.vehicle) = (symbols.intern("bus"), symbols.intern(route), symbols.intern("bus 7"));
        });
        fare.expect("a ride").charged_minor
    };
    assert_eq!([same("08:00", "1"), same("08:30", "2")], [180, 180]);
}

#[test]
fn concessions_by_class_and_date_of_birth() {
    let city = City::bundled("panan-concessions");
    let time = "2025-06-10 12:00";
    let rider = |class: &str, birth: &str| city.rider().class(class).born(birth);
    for (class, birth, pays) in [
        ("", "1990-01-01", 190),
        ("student", "2008-09-01", 160),
        ("", "1960-03-01", 100),
        ("", "1955-01-01", 0),
        ("disabled", "1980-01-01", 100),
        ("disabled-1-2", "1980-01-01", 0),
        ("veteran", "1985-01-01", 0),
    ] {
        assert_eq!(rider(class, birth).bus(time, "2"), pays, "{class} {birth}");
    }
    assert_eq!([rider("", "1990-01-01").bus(time, "1"), rider("", "1990-01-01").bus(time, "3")], [143, 285]);
    assert_eq!(rider("", "1955-06-15").bus("2025-06-14 23:59:59", "2"), 100);
    assert_eq!(rider("", "1955-06-15").bus("2025-06-14 23:59:59.999", "2"), 100);
    assert_eq!(rider("", "1955-06-15").bus("2025-06-15 00:00:00", "2"), 0);
}

#[test]
fn a_bank_pays_half_within_its_limits_and_its_budget() {
    let city = City::bundled("bank-incentive");
    let mut rider = city.rider();
    let at = |time: &str| on(MONDAY, time);
    assert_eq!(rider.bus(&at("08:00"), "1"), 90);
    assert_eq!(rider.funded(), [("operator-01".to_owned(), 20), ("bank-01".to_owned(), 90)]);
    let claim = rider.extras.as_ref().expect("a claim").claims[0];
    assert_eq!((claim.amount_minor, claim.budget_minor, claim.funder), (90, 10_000, rider.symbol("bank-01")));
    // With 50 left in the budget.
    let mut used_minor = 9_950;
    let granted = grant(&mut used_minor, [&claim])[0];
    let fare = rider.fare.expect("a ride").granted(&claim, granted);
    assert_eq!((fare.charged_minor, fare.discounts[1].amount_minor, used_minor), (130, 50, 10_000));
    assert_eq!([rider.bus(&at("09:00"), "1"), rider.bus(&at("10:00"), "1")], [90, 180]);
    assert_eq!(rider.funded(), [("operator-01".to_owned(), 20)]);
    // The service day ends at 04:00; twenty rides a month.
    let mut paid = Vec::new();
    for day in 3..=13 {
        paid.extend(["08:00", "09:00"].map(|time| rider.bus(&format!("2026-03-{day:02} {time}"), "1")));
    }
    assert_eq!(paid.iter().filter(|&&paid| paid == 90).count(), 18);
    assert_eq!([rider.bus("2026-04-01 03:59:59", "1"), rider.bus("2026-04-01 04:00", "1")], [180, 90]);
}

#[test]
fn what_was_paid_is_shared_without_loss() {
    let city = City::bundled("shared-journey");
    let parts = |rider: &Rider<'_>| rider.parts();
    let named = |parts: &[(&str, i64)]| -> Vec<(String, i64)> { parts.iter().map(|&(party, amount)| (party.to_owned(), amount)).collect() };
    let mut rider = city.rider();
    rider.bus(&on(MONDAY, "08:00"), "1");
    assert!(rider.extras.is_none(), "a ride by itself is its earner's");
    assert_eq!(rider.metro((&on(MONDAY, "08:20"), "1"), (&on(MONDAY, "08:55"), "2")), 300);
    // 480 over list prices of 200 and 500: the bus, which had 180, gives 43.
    assert_eq!(parts(&rider), named(&[("operator-01", 137 - 180), ("operator-02", 343)]));
    assert_eq!(parts(&rider).iter().map(|part| part.1).sum::<i64>(), 300);
    // A joint line by 1 : 2 : 4.
    for (amount, expected) in [(1000, [143, 286, 571]), (7, [1, 2, 4]), (1, [0, 0, 1])] {
        let fare = rider.tap(RecordKind::Boarding, &on(MONDAY, "10:00"), |tap, symbols| {
            (tap.mode, tap.operator, tap.amount_minor) = (symbols.intern("tram"), symbols.intern("operator-02"), amount);
        });
        assert_eq!(fare.expect("a ride").charged_minor, amount);
        let got: Vec<i64> =
            ["operator-01", "operator-02", "operator-03"].map(|party| parts(&rider).iter().filter(|part| part.0 == party).map(|part| part.1).sum()).to_vec();
        assert_eq!(got, expected, "{amount}");
        // Giving all of it back leaves everyone at exactly zero.
        let back = split(-amount, &[1, 2, 4]);
        assert!(got.iter().zip(&back).all(|(got, back)| got + back == 0));
    }
}

#[test]
fn a_whole_day_s_money_comes_out_as_it_goes_in() {
    let city = City::bundled("whole-day");
    let at = |time: &str| on(MONDAY, time);
    let (mut owed, mut earned) = (std::collections::BTreeMap::<String, i64>::new(), std::collections::BTreeMap::<String, i64>::new());
    let mut book = |rider: &Rider<'_>, bank: &str, operator: &str| {
        let fare = rider.fare.expect("a ride");
        *owed.entry(bank.to_owned()).or_default() += fare.charged_minor;
        *earned.entry(operator.to_owned()).or_default() += fare.charged_minor;
        for (funder, amount) in rider.funded().into_iter().filter(|(funder, _)| funder != operator) {
            *owed.entry(funder).or_default() += amount;
            *earned.entry(operator.to_owned()).or_default() += amount;
        }
    };
    let mut first = city.rider();
    assert_eq!(first.bus(&at("08:00"), "1"), 180);
    book(&first, "bank-01", "operator-01");
    assert_eq!(first.metro((&at("08:20"), "1"), (&at("08:55"), "2")), 300);
    assert_eq!(first.funded(), [("fund-01".to_owned(), 200)]);
    book(&first, "bank-01", "operator-02");
    let mut second = city.rider().medium("qr");
    assert_eq!(second.bus(&at("10:00"), "1"), 90);
    book(&second, "bank-01", "operator-01");
    let mut third = city.rider().issuer("bank-02").class("senior70");
    assert_eq!(third.metro((&at("10:00"), "1"), (&at("10:30"), "3")), 0);
    book(&third, "bank-02", "operator-02");
    let mut fourth = city.rider().issuer("bank-02").class("student");
    assert_eq!(fourth.metro((&at("10:00"), "1"), (&at("10:30"), "2")), 250);
    book(&fourth, "bank-02", "operator-02");
    let amounts = |map: &std::collections::BTreeMap<String, i64>| map.iter().map(|(party, amount)| format!("{party} {amount}")).collect::<Vec<_>>();
    assert_eq!(amounts(&owed), ["bank-01 660", "bank-02 250", "fund-01 850"]);
    assert_eq!(amounts(&earned), ["operator-01 360", "operator-02 1400"]);
    assert_eq!(owed.values().sum::<i64>(), 1760);
}
