//! Fares that cities publish and that take a key of their own: each boundary at it, one before and one after.

use crate::cities::city;
use crate::rider::Rider;
use domain::RecordKind;

/// Paris, before 2025: a ticket for 2.15 on board, ten of them for 17.35.
const CARNET: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 215

[[base]]
name = "carnet"
kinds = ["pass"]
products = ["carnet"]
price = "flat"
amount_minor = 1735

[[base]]
name = "pass-back"
kinds = ["pass"]
price = "free"

[[adjust]]
name = "carnet-rides"
rule = "discount"
kinds = ["boarding"]
purse = { filled_by = [{ base = "carnet", rides = 10 }], emptied_by = ["pass-back"] }
percent = "0"
funder = "issuer"
"#;

fn buys(rider: &mut Rider<'_>, time: &str, product: &str) -> i64 {
    rider.tap(RecordKind::Pass, time, |tap, symbols| tap.product = symbols.intern(product)).expect("it is sold").charged_minor
}

#[test]
fn a_card_of_ten_rides_is_bought_again() {
    let city = city(CARNET, &[]);
    let mut rider = city.rider();
    let rides = |rider: &mut Rider<'_>, day: u32, count: usize| -> Vec<i64> {
        (0..count).map(|ride| rider.bus(&format!("2024-03-{day:02} {:02}:{:02}", 8 + ride / 60, ride % 60), "42")).collect()
    };
    assert_eq!(rides(&mut rider, 1, 1), [215], "nothing is bought");
    assert_eq!(buys(&mut rider, "2024-03-02 07:00", "carnet"), 1735);
    assert_eq!(rides(&mut rider, 2, 9), [0; 9]);
    assert_eq!(rides(&mut rider, 3, 1), [0], "the tenth");
    assert_eq!(rider.funded(), [("bank-01".to_owned(), 215)]);
    assert_eq!(rides(&mut rider, 4, 2), [215, 215], "the eleventh");
    assert!(rider.state.counters.is_empty(), "an empty purse takes no room");
    // Unused rides add up, over the years.
    buys(&mut rider, "2024-03-05 07:00", "carnet");
    assert_eq!(rides(&mut rider, 5, 4), [0; 4]);
    buys(&mut rider, "2024-03-06 07:00", "carnet");
    assert_eq!(rides(&mut rider, 20, 17), [[0; 16].as_slice(), &[215]].concat());
    // Given back, its rides are gone; another product fills nothing.
    buys(&mut rider, "2024-03-21 07:00", "carnet");
    assert_eq!(rides(&mut rider, 21, 1), [0]);
    assert_eq!(buys(&mut rider, "2024-03-22 07:00", "back"), 0);
    assert_eq!(rides(&mut rider, 22, 1), [215]);
}

/// A purchase that becomes known late stands at its own time: rides after it are free, rides before it are not.
#[test]
fn a_purse_is_filled_in_event_order() {
    let city = city(CARNET, &[]);
    for (bought, pays) in [("07:59:59.999", [0, 0]), ("08:00:00.001", [215, 0])] {
        let mut rider = city.rider();
        let bought = format!("2024-03-01 {bought}");
        let paid = if pays[0] == 0 {
            buys(&mut rider, &bought, "carnet");
            [rider.bus("2024-03-01 08:00", "42"), rider.bus("2024-03-01 09:00", "42")]
        } else {
            let first = rider.bus("2024-03-01 08:00", "42");
            buys(&mut rider, &bought, "carnet");
            [first, rider.bus("2024-03-01 09:00", "42")]
        };
        assert_eq!(paid, pays, "bought at {bought}");
    }
}

/// From a tap-on to a tap-off, each at a time and a place; what it costs.
fn leg(rider: &mut Rider<'_>, mode: &str, entry: (&str, &str), exit: (&str, &str)) -> i64 {
    let mut tap = |kind, (time, place): (&str, &str)| {
        rider.tap(kind, time, |tap, symbols| {
            tap.mode = symbols.intern(mode);
            tap.location = symbols.intern(&format!("station:{place}"));
        })
    };
    assert!(tap(RecordKind::TapOn, entry).is_none());
    tap(RecordKind::TapOff, exit).expect("a ride").charged_minor
}

/// Seoul, 2024: buses 1,500, the subway 1,400, both to 10 km; 100 more for each 5 km (beyond 50 km of subway each 8 km). A bus
/// alone is flat. With a change within 30 minutes, the dearer base fare and the distance of all legs.
const SEOUL: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["tap-on", "tap-off"]
modes = ["bus"]
price = "distance"
distance = { file = "metres.csv", from = "from", to = "to", metres = "metres", location_kind = "station" }
steps = [{ to = 10000, minor = 1500 }, { each = 5000, add_minor = 100 }]
alone_minor = 1500
gaps = "unknown-pair"
no_tap_on_minor = 1500
no_tap_off_minor = 1500
unknown_pair_minor = 1500

[[base]]
name = "subway"
kinds = ["tap-on", "tap-off"]
price = "distance"
distance = { file = "metres.csv", from = "from", to = "to", metres = "metres", location_kind = "station" }
steps = [{ to = 10000, minor = 1400 }, { to = 50000, each = 5000, add_minor = 100 }, { each = 8000, add_minor = 100 }]
gaps = "unknown-pair"
no_tap_on_minor = 1400
no_tap_off_minor = 1400
unknown_pair_minor = 1400

[[adjust]]
name = "integrated-fare"
rule = "transfer"
window_minutes = 30
rides_max = 4
through = true
through_by = "dearest"
funder = "earner"
"#;

#[test]
fn the_dearest_base_fare_and_the_distance_of_all_legs() {
    let metres = "from,to,metres\na,b,5999\na,c,6000\na,d,6001\nx,y,4000\nx,z,25000\n";
    let city = city(SEOUL, &[("metres.csv", metres)]);
    let at = |time: &str| format!("2024-03-05 {time}");
    // The bus makes the subway's ride dearer by 100; with one metre more than 10 km, by 200.
    for (to, pays) in [("b", 100), ("c", 100), ("d", 200)] {
        let mut rider = city.rider();
        assert_eq!(leg(&mut rider, "subway", (&at("08:00"), "a"), (&at("08:15"), to)), 1400);
        assert_eq!(leg(&mut rider, "bus", (&at("08:20"), "x"), (&at("08:30"), "y")), pays, "by way of {to}");
    }
    // The other way round the bus has set the base fare already.
    for (to, pays) in [("b", 0), ("c", 0), ("d", 100)] {
        let mut rider = city.rider();
        assert_eq!(leg(&mut rider, "bus", (&at("08:20"), "x"), (&at("08:30"), "y")), 1500);
        assert_eq!(leg(&mut rider, "subway", (&at("08:40"), "a"), (&at("09:15"), to)), pays, "on to {to}");
    }
    // A bus alone is flat for 25 km. A second one makes 29 km of them; one that begins a millisecond after the half hour is alone.
    for (second, pays) in [("09:29:59.999", 400), ("09:30", 400), ("09:30:00.001", 1500)] {
        let mut rider = city.rider();
        assert_eq!(leg(&mut rider, "bus", (&at("08:00"), "x"), (&at("09:00"), "z")), 1500);
        assert_eq!(leg(&mut rider, "bus", (&at(second), "x"), (&at("09:50"), "y")), pays, "at {second}");
    }
}

/// London, 2024: the first entry of a journey decides between peak and off-peak, also where it goes on from another station.
const OSI: &str = r#"in_force_from = "2020-01-01"

[[period]]
name = "peak"
days = ["workday"]
times = ["06:30 before 09:30", "16:00 before 19:00"]

[[base]]
name = "tube-peak"
kinds = ["tap-on", "tap-off"]
when = ["peak"]
price = "matrix"
matrix = { file = "fares.csv", from = "from", to = "to", fare_minor = "peak", location_kind = "station" }
gaps = "unknown-pair"
no_tap_on_minor = 890
no_tap_off_minor = 890
unknown_pair_minor = 890

[[base]]
name = "tube"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares.csv", from = "from", to = "to", fare_minor = "off_peak", location_kind = "station" }
gaps = "unknown-pair"
no_tap_on_minor = 890
no_tap_off_minor = 890
unknown_pair_minor = 890

[[adjust]]
name = "out-of-station"
rule = "transfer"
window_minutes = 20
rides_max = 3
through = true
through_by = "first"
funder = "earner"
"#;

#[test]
fn the_first_entry_decides_about_the_whole_journey() {
    let fares = "from,to,peak,off_peak\none,two,340,280\ntwo,three,210,190\none,three,370,300\n";
    let city = city(OSI, &[("fares.csv", fares)]);
    for (first, second, pays) in [
        // Into the off-peak: the peak's fare from zone 1 to 3.
        ("09:29:59.999", "09:50", [340, 30]),
        ("09:30:00", "09:50", [280, 20]),
        ("09:30:00.001", "09:50", [280, 20]),
        // Into the peak: the off-peak's.
        ("15:59:59.999", "16:20", [280, 20]),
        ("16:00", "16:20", [340, 30]),
    ] {
        let mut rider = city.rider();
        let at = |time: &str| format!("2024-03-05 {time}");
        let hour = &second[..2];
        let out = if hour == "09" { "09:40" } else { "16:10" };
        let paid = [
            leg(&mut rider, "metro", (&at(first), "one"), (&at(out), "two")),
            leg(&mut rider, "metro", (&at(second), "two"), (&at(&format!("{hour}:59")), "three")),
        ];
        assert_eq!(paid, pays, "in at {first}");
    }
}

/// Istanbul, from September 2024: 20.00, and a price for each place of up to five changes within two hours.
const PLACES: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 2000

[[adjust]]
name = "change"
rule = "transfer"
window_minutes = 120
window_from = "first-entry"
rides_max = 5
other_vehicle = true
prices_minor = [1427, 1082, 686]
funder = "earner"
"#;

#[test]
fn each_change_of_a_run_has_its_price() {
    let city = city(PLACES, &[]);
    let mut rider = city.rider();
    let paid: Vec<i64> = (0..7).map(|ride| rider.bus(&format!("2024-10-01 08:{:02}", ride * 10), &ride.to_string())).collect();
    assert_eq!(paid, [2000, 1427, 1082, 686, 686, 686, 2000], "the sixth change opens a new run");
    for (time, pays) in [("09:59:59.999", 1427), ("10:00", 1427), ("10:00:00.001", 2000)] {
        let mut rider = city.rider();
        assert_eq!(rider.bus("2024-10-01 08:00", "1"), 2000);
        assert_eq!(rider.bus(&format!("2024-10-01 {time}"), "2"), pays, "at {time}");
    }
}

const THIRDS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "stated"
funder = "earner"

[[adjust]]
name = "third"
rule = "class"
classes = ["youth"]
percent = "1/3"
funder = "earner"

[[adjust]]
name = "two-thirds"
rule = "class"
classes = ["senior"]
percent = "2/3"
funder = "earner"

[[adjust]]
name = "thirds-of-thirds"
rule = "class"
classes = ["senior"]
only_after = ["two-thirds"]
media = ["qr"]
percent = "3/4"
funder = "earner"
"#;

/// A third is exact: three of 300 cost 300, and halves of a unit are halves.
#[test]
fn a_fraction_is_exact() {
    let city = city(THIRDS, &[]);
    for (class, medium, list_minor, pays) in [
        ("youth", "", 299, 100),
        ("youth", "", 300, 100),
        ("youth", "", 301, 100),
        ("youth", "", 304, 101),
        ("youth", "", 305, 102),
        ("senior", "", 150, 100),
        // 33.33 % and 66.67 % would be a unit off.
        ("youth", "", 300_000, 100_000),
        ("senior", "", 300_000, 200_000),
        // Three quarters of two thirds are a half: of 1 it is rounded up, of 3 too.
        ("senior", "qr", 1, 1),
        ("senior", "qr", 3, 2),
        ("senior", "qr", 300_000, 150_000),
    ] {
        let mut rider = city.rider().class(class).medium(medium);
        let fare = rider.tap(RecordKind::Boarding, "2026-03-02 08:00", |tap, _| tap.amount_minor = list_minor).expect("a ride");
        assert_eq!(fare.charged_minor, pays, "{class} of {list_minor}");
    }
}

/// Switzerland: half fare, but at least 2.20; what costs less stays as it is.
const MINIMUM: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "any"
kinds = ["boarding"]
price = "stated"
funder = "earner"

[[adjust]]
name = "half-fare"
rule = "class"
classes = ["half-fare"]
percent = "50"
minimum_minor = 220
round_to_minor = 10
rounding = "down"
funder = "earner"
"#;

#[test]
fn a_discount_leaves_at_least_its_minimum() {
    let city = city(MINIMUM, &[]);
    for (list_minor, pays) in [(219, 219), (220, 220), (221, 220), (439, 220), (440, 220), (441, 220), (459, 220), (460, 230), (461, 230)] {
        let mut rider = city.rider().class("half-fare");
        let fare = rider.tap(RecordKind::Boarding, "2026-03-02 08:00", |tap, _| tap.amount_minor = list_minor).expect("a ride");
        assert_eq!((fare.charged_minor, fare.list_minor), (pays, list_minor));
    }
}

/// Sydney: Friday to Sunday is off-peak, from the first service of Friday to the last one of Sunday, which ends at 03:59.
const WEEKEND: &str = r#"in_force_from = "2020-01-01"

[[period]]
name = "weekend"
day = "service"
days = ["fri", "sat", "sun"]

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 320

[[adjust]]
name = "off-peak"
rule = "discount"
when = ["weekend"]
percent = "70"
funder = "earner"
"#;

#[test]
fn a_weekend_of_service_days_ends_with_its_last_bus() {
    let city = city(WEEKEND, &[]);
    for (time, pays) in [
        // Friday 2026-03-06, and Monday 2026-03-09.
        ("2026-03-06 00:30", 320),
        ("2026-03-06 03:59:59.999", 320),
        ("2026-03-06 04:00", 224),
        ("2026-03-06 04:00:00.001", 224),
        ("2026-03-09 00:30", 224),
        ("2026-03-09 03:59:59.999", 224),
        ("2026-03-09 04:00", 320),
        ("2026-03-09 04:00:00.001", 320),
    ] {
        assert_eq!(city.rider().bus(time, "333"), pays, "{time}");
    }
}

/// London's fares change with the traffic day (here at 04:00): the night bus after midnight still costs the old fare.
#[test]
fn new_fares_begin_with_the_service_day_where_they_say_so() {
    let version = |from: &str, by: &str, amount_minor: u32| {
        let base = "[[base]]\nname = \"bus\"\nkinds = [\"boarding\"]\nprice = \"flat\"\n";
        format!("in_force_from = \"{from}\"\n{by}\n{base}amount_minor = {amount_minor}\n")
    };
    let old = version("2020-01-01", "", 165);
    for (by, [midnight, before, at, after]) in
        [("", [175; 4]), ("in_force_by = \"calendar-day\"", [175; 4]), ("in_force_by = \"service-day\"", [165, 165, 175, 175])]
    {
        let city = city("", &[("old.toml", &old), ("new.toml", &version("2023-03-05", by, 175))]);
        for (time, pays) in [
            ("2023-03-04 23:59:59.999", 165),
            ("2023-03-05 00:00", midnight),
            ("2023-03-05 03:59:59.999", before),
            ("2023-03-05 04:00", at),
            ("2023-03-05 04:00:00.001", after),
        ] {
            assert_eq!(city.rider().bus(time, "N73"), pays, "{time} {by}");
        }
    }
}

/// Melbourne, 2024: 5.30 for two hours, rounded up to the full hour; from 18:00 on, until 03:00.
const TWO_HOURS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "tram"
kinds = ["boarding"]
price = "flat"
amount_minor = 530

[[adjust]]
name = "two-hours"
rule = "transfer"
window_minutes = 120
window_from = "first-entry"
window_rounded_to_minutes = 60
window_until = "18:00 to 03:00"
rides_max = 99
percent = "0"
funder = "earner"
"#;

#[test]
fn two_hours_last_to_the_full_hour_and_evenings_to_the_end() {
    let city = city(TWO_HOURS, &[]);
    for (first, last, after) in [
        ("2024-03-05 10:00", "2024-03-05 12:00", "2024-03-05 12:00:00.001"),
        ("2024-03-05 10:00:00.001", "2024-03-05 13:00", "2024-03-05 13:00:00.001"),
        ("2024-03-05 10:59", "2024-03-05 13:00", "2024-03-05 13:00:00.001"),
        ("2024-03-05 17:59:59.999", "2024-03-05 20:00", "2024-03-05 20:00:00.001"),
        ("2024-03-05 18:00", "2024-03-06 03:00", "2024-03-06 03:00:00.001"),
        ("2024-03-05 18:00:00.001", "2024-03-06 03:00", "2024-03-06 03:00:00.001"),
        ("2024-03-06 00:30", "2024-03-06 03:00", "2024-03-06 03:00:00.001"),
        // Two hours from the night's end go beyond it.
        ("2024-03-06 03:00", "2024-03-06 05:00", "2024-03-06 05:00:00.001"),
        ("2024-03-06 03:00:00.001", "2024-03-06 06:00", "2024-03-06 06:00:00.001"),
    ] {
        for (second, pays) in [(last, 0), (after, 530)] {
            let mut rider = city.rider();
            assert_eq!(rider.bus(first, "86"), 530);
            assert_eq!(rider.bus(second, "96"), pays, "from {first} to {second}");
        }
    }
}
