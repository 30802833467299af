//! Rules that meet on one ride: what each counts of what the others left.

use crate::cities::city;
use domain::RecordKind;
use engine::price::{AccountState, Fold, Passed, Tap, Told};

const HALF_AND_TIER: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 10000

[[adjust]]
name = "student"
rule = "class"
classes = ["student"]
percent = "50"
funder = "earner"

[[adjust]]
name = "spend"
rule = "tier"
per = "month"
reading = "marginal"
counts = "list"
steps = [{ from_minor = 0, percent = "100" }, { from_minor = 8000, percent = "50" }]
funder = "earner"
"#;

#[test]
fn a_spend_of_list_prices_is_laid_against_list_prices_whatever_a_concession_took_off() {
    let city = city(HALF_AND_TIER, &[]);
    let mut student = city.rider().class("student");
    // (80 + 20 × 50 %) × 50 %, then 100 × 50 % × 50 %.
    assert_eq!([student.bus("2026-03-02 08:00", "1"), student.bus("2026-03-02 09:00", "1")], [4500, 2500]);
    let mut other = city.rider();
    assert_eq!([other.bus("2026-03-02 08:00", "1"), other.bus("2026-03-02 09:00", "1")], [9000, 5000]);
}

const ZONE_CAPS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
price = "zones"
places = { file = "zones.csv", place = "station", zone = "zone", location_kind = "station" }
zone_fares = { file = "zone-fares.csv", from = "from", to = "to", fare_minor = "fare" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900
incomplete = "INCOMPLETE"

[[adjust]]
name = "day"
rule = "cap"
per = "day"
amounts = [AMOUNTS]
funder = "earner"
"#;
const ZONES: [(&str, &str); 2] =
    [("zones.csv", "station,zone\nA,1\nB,2\nC,3\n"), ("zone-fares.csv", "from,to,fare\n1,1,200\n1,2,700\n1,3,400\n2,2,200\n2,3,300\n3,3,200\n")];

#[test]
fn the_cap_of_fewer_zones_comes_first_however_they_are_listed() {
    let (narrow, wide) = ("{ zones = \"1-2\", amount_minor = 1000 }", "{ zones = \"1-3\", amount_minor = 1500 }");
    for amounts in [format!("{narrow}, {wide}"), format!("{wide}, {narrow}")] {
        let city = city(&ZONE_CAPS.replace("INCOMPLETE", "capped").replace("AMOUNTS", &amounts), &ZONES);
        let mut rider = city.rider();
        let mut hour = 7;
        let mut ride = |to: &str| {
            hour += 1;
            rider.metro((&format!("2026-03-04 {hour:02}:00"), "A"), (&format!("2026-03-04 {hour:02}:30"), to))
        };
        assert_eq!([ride("B"), ride("B"), ride("C"), ride("C"), ride("C")], [700, 300, 400, 100, 0], "{amounts}");
    }
}

#[test]
fn a_journey_with_an_unknown_end_may_have_been_in_every_zone() {
    let amounts = "{ zones = \"1\", amount_minor = 500 }, { zones = \"1-3\", amount_minor = 1000 }";
    for (incomplete, second) in [("capped", 100), ("adjusted", 100), ("fixed", 900)] {
        let city = city(&ZONE_CAPS.replace("INCOMPLETE", incomplete).replace("AMOUNTS", amounts), &ZONES);
        let mut rider = city.rider();
        let mut off = |time: &str| {
            let off = rider.tap(RecordKind::TapOff, time, |tap, symbols| {
                (tap.mode, tap.operator, tap.location) = (symbols.intern("metro"), symbols.intern("operator-02"), symbols.intern("station:A"));
            });
            off.expect("it has a price").charged_minor
        };
        assert_eq!([off("2026-03-04 08:00"), off("2026-03-04 09:00")], [900, second], "without a tap-on, {incomplete}");
        // Out at a place that no table names.
        let paid = city.rider().metro(("2026-03-04 08:00", "A"), ("2026-03-04 08:30", "elsewhere"));
        assert_eq!(paid, 900, "an unknown pair, {incomplete}");
    }
}

const QUOTA: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[adjust]]
name = "hopper"
rule = "transfer"
window_minutes = 60
window_from = "first-entry"
rides_max = 99
percent = "0"
funder = "earner"

[[adjust]]
name = "two-free"
rule = "discount"
quota = { per = "day", rides = 2 }
percent = "0"
funder = "earner"
"#;

#[test]
fn a_quota_is_used_up_by_what_it_lowers_only() {
    let city = city(QUOTA, &[]);
    let mut rider = city.rider();
    let paid = ["08:00", "08:10", "08:20", "12:00", "15:00"].map(|time| rider.bus(&format!("2026-03-04 {time}"), "1"));
    assert_eq!(paid, [0, 0, 0, 0, 200], "transfers that are free anyway leave it");
}

const POOL: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 101

[[adjust]]
name = "change"
rule = "transfer"
window_minutes = 60
rides_max = 1
percent = "0"
funder = "earner"

[[share]]
name = "pooled"
by = "list-price"
transfer = "change"
"#;

#[test]
fn the_odd_fen_of_a_pool_is_the_lower_party_id_s() {
    let city = city(POOL, &[]);
    for (first, second, moved) in [("operator-01", "operator-02", 50), ("operator-02", "operator-01", 51)] {
        let mut rider = city.rider();
        for (time, operator) in [("08:00", first), ("08:30", second)] {
            let ride = rider.tap(RecordKind::Boarding, &format!("2026-03-04 {time}"), |tap, symbols| tap.operator = symbols.intern(operator));
            ride.expect("it has a price");
        }
        let mut parts = rider.parts();
        parts.sort_by_key(|part| part.1);
        assert_eq!(parts, [(first.to_owned(), -moved), (second.to_owned(), moved)], "101 of two equal rides");
    }
}

const HABITS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares.csv", from = "from", to = "to", fare_minor = "fare", location_kind = "station" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900
completion = { days = 7, rides_min = 2 }
"#;

#[test]
fn eight_journeys_of_a_card_are_remembered_the_one_made_longest_ago_gives_way() {
    let city = city(HABITS, &[("fares.csv", "from,to,fare\nA,B,250\n*,*,300\n")]);
    for (others, costs) in [(7, 250), (8, 900)] {
        let mut rider = city.rider();
        for day in 2..4 {
            rider.metro((&format!("2026-03-{day:02} 08:00"), "A"), (&format!("2026-03-{day:02} 08:30"), "B"));
        }
        for other in 0..others {
            let day = format!("2026-03-{:02}", 5 + other);
            rider.metro((&format!("{day} 08:00"), "X"), (&format!("{day} 08:30"), &format!("Y{other}")));
        }
        let mut tap_on = |time: &str| {
            rider.tap(RecordKind::TapOn, time, |tap, symbols| {
                (tap.mode, tap.operator, tap.location) = (symbols.intern("metro"), symbols.intern("operator-02"), symbols.intern("station:A"));
            })
        };
        tap_on("2026-03-20 08:00");
        let end = city.time("2026-03-22 04:00");
        let given_up = engine::price::Fold::new(&city.scheme.tariff, &city.scheme.clock).close_day(&mut rider.state, end);
        assert_eq!(given_up.expect("no tap-off came").fare.charged_minor, costs, "after {others} other journeys");
    }
}

const TWO_A_DAY: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[adjust]]
name = "day"
rule = "cap"
per = "day"
rides = 2
funder = "earner"
"#;

#[test]
fn a_cap_that_is_not_reached_tells_what_it_counts_with_this_ride() {
    let city = city(TWO_A_DAY, &[]);
    let fold = Fold::new(&city.scheme.tariff, &city.scheme.clock);
    let mut state = AccountState::default();
    for (hour, counted) in [(8, Some((200, 1))), (9, Some((400, 2))), (10, None)] {
        let time = city.time(&format!("2026-03-04 {hour:02}:00"));
        let mut told = Told::default();
        fold.next_told(&mut state, &Tap::blank(RecordKind::Boarding, time, city.scheme.clock.service_day(time)), &mut told);
        let said = told
            .rides
            .iter()
            .flat_map(|ride| &ride.passed)
            .find_map(|(.., why)| if let Passed::UnderCap { counted_minor, rides } = why { Some((*counted_minor, *rides)) } else { None });
        assert_eq!(said, counted, "{hour}");
    }
}
