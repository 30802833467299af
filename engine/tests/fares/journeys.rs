//! Changes between named places and lines, the so-many-th ride of a journey, and what is added to a fare.

use crate::cities::city;
use domain::RecordKind;
use engine::price::{Fold, Passed, Tap, Told};

/// Two stations that are one change by foot: B and C.
const BY_FOOT: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares.csv", from = "from", to = "to", fare_minor = "fare", location_kind = "station" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[adjust]]
name = "by-foot"
rule = "transfer"
window_minutes = 30
rides_max = 1
place_pairs = ["station:B > station:C"]
through = true
funder = "earner"
"#;
const FARES: [(&str, &str); 1] = [("fares.csv", "from,to,fare\nA,D,450\n*,*,300\n")];

#[test]
fn a_change_by_foot_holds_between_the_two_stations_named_and_not_a_second_longer() {
    let city = city(BY_FOOT, &FARES);
    for (first, second, costs) in [
        (("A", "B"), (("09:00:00", "C"), "D"), 150),
        (("A", "B"), (("08:59:59", "C"), "D"), 150),
        (("A", "B"), (("09:00:01", "C"), "D"), 300),
        (("A", "B"), (("08:31:00", "B"), "D"), 300),
        (("A", "E"), (("08:31:00", "C"), "D"), 300),
        // The other direction is a pair of its own.
        (("A", "C"), (("08:31:00", "B"), "D"), 300),
    ] {
        let mut rider = city.rider();
        assert_eq!(rider.metro(("2026-03-02 08:00", first.0), ("2026-03-02 08:30:00", first.1)), 300);
        let ((time, begin), end) = second;
        let paid = rider.metro((&format!("2026-03-02 {time}"), begin), ("2026-03-02 09:30", end));
        assert_eq!(paid, costs, "{first:?} then {second:?}");
    }
}

#[test]
fn an_end_that_is_not_known_is_in_no_pair() {
    let city = city(BY_FOOT, &FARES);
    let mut rider = city.rider();
    rider.tap(RecordKind::TapOn, "2026-03-02 08:30", |tap, symbols| {
        (tap.mode, tap.operator, tap.location) = (symbols.intern("metro"), symbols.intern("operator-02"), symbols.intern("station:B"));
    });
    assert_eq!(rider.metro(("2026-03-02 08:40", "C"), ("2026-03-02 09:00", "D")), 300, "where it ended, nobody knows");
    let mut rider = city.rider();
    assert_eq!(rider.metro(("2026-03-02 08:00", "A"), ("2026-03-02 08:30", "B")), 300);
    let off = rider.tap(RecordKind::TapOff, "2026-03-02 08:50", |tap, symbols| {
        (tap.mode, tap.operator, tap.location) = (symbols.intern("metro"), symbols.intern("operator-02"), symbols.intern("station:C"));
    });
    assert_eq!(off.expect("it has a price").charged_minor, 900, "where it began, nobody knows");
}

const LINES: &str = r#"in_force_from = "2020-01-01"

[groups]
feeders = ["7", "8"]

[[line]]
name = "tram"
routes = ["t-out", "t-back"]

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[adjust]]
name = "feeder"
rule = "transfer"
window_minutes = 60
rides_max = 1
line_pairs = ["tram > feeders", "9 > tram"]
percent = "0"
funder = "earner"
"#;

#[test]
fn a_change_holds_between_the_lines_named() {
    let city = city(LINES, &[]);
    for (first, second, costs) in [
        ("t-out", "7", 0),
        ("t-back", "8", 0),
        ("9", "t-back", 0),
        ("7", "t-out", 200),
        ("t-out", "9", 200),
        ("t-out", "t-back", 200),
        ("tram", "7", 200),
        ("", "7", 200),
    ] {
        let mut rider = city.rider();
        assert_eq!([rider.bus("2026-03-02 08:00", first), rider.bus("2026-03-02 09:00", second)], [200, costs], "{first} > {second}");
    }
}

const LEGS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[adjust]]
name = "journey"
rule = "transfer"
modes = ["bus"]
window_minutes = 60
rides_max = 9
percent = "100"
funder = "earner"

[[adjust]]
name = "third-leg"
rule = "discount"
nth = { per = "journey", transfer = "journey", NUMBERS }
percent = "25"
funder = "bank-01"
"#;

#[test]
fn the_so_many_th_ride_of_a_journey_has_its_price() {
    // A journey of four, one a second too late for it, and that one's next.
    let times = ["08:00:00", "09:00:00", "10:00:00", "11:00:00", "12:00:01", "13:00:01"];
    for (numbers, costs) in [
        ("rides = [3]", [200, 200, 50, 200, 200, 200]),
        ("from = 2", [200, 50, 50, 50, 200, 50]),
        ("to = 1", [50, 200, 200, 200, 50, 200]),
        ("from = 2, to = 3", [200, 50, 50, 200, 200, 50]),
    ] {
        let city = city(&LEGS.replace("NUMBERS", numbers), &[]);
        let mut rider = city.rider();
        assert_eq!(times.map(|time| rider.bus(&format!("2026-03-02 {time}"), "1")), costs, "{numbers}");
        // A ride that the transfer rule is not for is a journey of one.
        let tram = rider.tap(RecordKind::Boarding, "2026-03-02 13:30:00", |tap, symbols| tap.mode = symbols.intern("tram"));
        let first = if numbers == "to = 1" { 50 } else { 200 };
        assert_eq!(tram.expect("it has a price").charged_minor, first, "{numbers}");
    }
}

#[test]
fn a_ride_that_is_not_the_one_is_told_which_it_is() {
    let city = city(&LEGS.replace("NUMBERS", "rides = [3]"), &[]);
    let fold = Fold::new(&city.scheme.tariff, &city.scheme.clock);
    let mut state = engine::price::AccountState::default();
    for (hour, ordinal) in [(8, Some(1)), (9, Some(2)), (10, None), (11, Some(4)), (13, Some(1))] {
        let time = city.time(&format!("2026-03-04 {hour:02}:00"));
        let mut told = Told::default();
        let tap = Tap { mode: city.symbols.intern("bus"), ..Tap::blank(RecordKind::Boarding, time, city.scheme.clock.service_day(time)) };
        fold.next_told(&mut state, &tap, &mut told);
        let said = told.rides[0].passed.iter().find_map(|(_, _, why)| if let Passed::OtherLeg { ordinal } = why { Some(*ordinal) } else { None });
        assert_eq!(said, ordinal, "{hour}");
    }
}

const SURCHARGES: &str = r#"in_force_from = "2020-01-01"

[[period]]
name = "night"
times = ["23:00 to 05:00"]

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 201

[[adjust]]
name = "student"
rule = "class"
classes = ["student"]
percent = "50"
funder = "bank-01"

[[adjust]]
name = "night"
rule = "surcharge"
when = ["night"]
amount_minor = 100

[[adjust]]
name = "quarter-off"
rule = "discount"
media = ["qr"]
percent = "75"
funder = "earner"

[[adjust]]
name = "day"
rule = "cap"
per = "day"
amount_minor = 700
funder = "earner"

[[adjust]]
name = "express"
rule = "surcharge"
routes = ["x"]
amount_minor = 300
"#;

#[test]
fn a_surcharge_is_added_at_its_place() {
    let city = city(SURCHARGES, &[]);
    let list = |rider: &crate::rider::Rider<'_>| rider.fare.expect("a ride").list_minor;
    let mut rider = city.rider().class("student");
    // Half, rounded once; the night comes on top of it.
    for (time, costs, listed) in [("22:59:59", 101, 201), ("23:00:00", 201, 301), ("23:00:01", 201, 301)] {
        assert_eq!((rider.bus(&format!("2026-03-02 {time}"), "1"), list(&rider)), (costs, listed), "{time}");
        assert_eq!(rider.funded(), [("bank-01".to_owned(), 100)]);
    }
    // What stands after it lowers it too: (201 × 50 % + 100) × 75 % = 150.375.
    let mut rider = city.rider().class("student").medium("qr");
    assert_eq!((rider.bus("2026-03-02 23:30", "1"), list(&rider)), (150, 301));
    assert_eq!(rider.funded(), [("bank-01".to_owned(), 101), ("operator-01".to_owned(), 50)], "100.5 and 50.125 of 151");
    // A cap counts what is added before it and leaves what is added after it.
    let mut rider = city.rider();
    let rides = [("10:00", "1", 201, 201), ("11:00", "x", 501, 501), ("23:00", "1", 298, 301), ("23:10", "x", 300, 601), ("23:20", "1", 0, 301)];
    for (time, route, costs, listed) in rides {
        assert_eq!((rider.bus(&format!("2026-03-03 {time}"), route), list(&rider)), (costs, listed), "{time}");
    }
}

const BY_LIST: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = BUS

[[adjust]]
name = "station"
rule = "surcharge"
routes = ["air"]
amount_minor = 100

[[adjust]]
name = "half"
rule = "discount"
stack = "replaces"
only_after = ["station"]
media = ["qr"]
percent = "50"
funder = "earner"

[[adjust]]
name = "spend"
rule = "tier"
per = "month"
counts = "list"
reading = "marginal"
steps = [{ from_minor = 0, percent = "100" }, { from_minor = 300, percent = "50" }]
funder = "earner"
"#;

#[test]
fn list_prices_are_measured_without_surcharges() {
    let bus = |fare: &str| city(&BY_LIST.replace("BUS", fare), &[]);
    let city = bus("200");
    let mut rider = city.rider();
    // The third hundred is at half: 150 of 200, and so is the surcharge, 75 of 100.
    assert_eq!([rider.bus("2026-03-02 08:00", "air"), rider.bus("2026-03-02 09:00", "air"), rider.bus("2026-03-02 10:00", "1")], [300, 225, 100]);
    // A rule that replaces begins with it, and `only_after` hears of it.
    assert_eq!([city.rider().medium("qr").bus("2026-03-02 08:00", "air"), city.rider().medium("qr").bus("2026-03-02 08:00", "1")], [150, 200]);
    assert_eq!(bus("0").rider().bus("2026-03-02 08:00", "air"), 100, "a ride that costs nothing else");
}
