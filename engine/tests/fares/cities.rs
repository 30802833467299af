//! Fares of other kinds of cities, written with the reference alone: zones with peaks and caps, through-fares, rolling caps,
//! monthly tiers, prices on entry. Amounts are made up; each boundary is tried at, one unit before and one unit after.

use crate::rider::City;
use domain::{Flags, RecordKind};

const FILES: [(&str, &str); 3] = [
    (
        "scheme.toml",
        r#"name_en = "City"
name_zh = "城"
time_zone = "Asia/Shanghai"
cut_off = "04:00"
hub = "hub-01"
[limits]
earliest = "2020-01-01"
[open]
terminals = true
cards = true
issuers = true
operators = true
locations = true
classes = true
"#,
    ),
    ("parties.csv", "id,kind,name_en,name_zh\nhub-01,hub,Hub,清\nbank-01,bank,Bank,行\noperator-01,operator,Bus,公\noperator-02,operator,Metro,地\n"),
    (
        "keys.toml",
        "token = \"0101010101010101010101010101010101010101010101010101010101010101\"
pseudonym = \"0202020202020202020202020202020202020202020202020202020202020202\"
vault = \"0303030303030303030303030303030303030303030303030303030303030303\"
",
    ),
];

/// A scheme with a tariff of one file, or with files for each version among the tables.
pub fn city(tariff: &str, tables: &[(&str, &str)]) -> City {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tariff")).expect("a folder");
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    if !tariff.is_empty() {
        std::fs::write(folder.path().join("tariff/tariff.toml"), tariff).expect("a file");
    }
    for (name, text) in tables {
        std::fs::write(folder.path().join("tariff").join(name), text).expect("a file");
    }
    City::read(folder.path())
}

const ZONES: &str = r#"in_force_from = "2020-01-01"

[[period]]
name = "peak"
days = ["mon", "tue", "wed", "thu", "fri"]
except = ["holiday"]
times = ["06:30 before 09:30", "16:00 before 19:00"]

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 175

[[base]]
name = "tube-peak"
kinds = ["tap-on", "tap-off"]
when = ["peak"]
price = "zones"
places = { file = "zones.csv", place = "station", zone = "zone", location_kind = "station" }
zone_fares = { file = "zone-fares.csv", from = "from", to = "to", fare_minor = "peak" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900
incomplete = "fixed"

[[base]]
name = "tube"
kinds = ["tap-on", "tap-off"]
price = "zones"
places = { file = "zones.csv", place = "station", zone = "zone", location_kind = "station" }
zone_fares = { file = "zone-fares.csv", from = "from", to = "to", fare_minor = "off_peak" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900
incomplete = "fixed"

[[adjust]]
name = "hopper"
rule = "transfer"
kinds = ["boarding"]
window_minutes = 60
window_from = "first-entry"
rides_max = 99
percent = "0"
funder = "earner"

[[adjust]]
name = "bus-day"
rule = "cap"
kinds = ["boarding"]
per = "day"
amount_minor = 525
funder = "earner"

[[adjust]]
name = "day"
rule = "cap"
per = "day"
amounts = [{ zones = "1-2", amount_minor = 890 }, { zones = "1-3", amount_minor = 1050 }]
funder = "earner"

[[adjust]]
name = "week"
rule = "cap"
per = "week"
amounts = [{ zones = "1-2", amount_minor = 4470 }, { zones = "1-3", amount_minor = 5250 }]
funder = "earner"
"#;
const ZONE_TABLES: [(&str, &str); 2] = [
    ("zones.csv", "station,zone\nA,1\nB,2\nC,3\nD,2/3\n"),
    ("zone-fares.csv", "from,to,peak,off_peak\n1,1,290,280\n1,2,350,290\n1,3,380,320\n2,2,210,200\n2,3,210,200\n3,3,210,200\n"),
];

#[test]
fn zones_with_peaks_and_caps_by_day_and_week() {
    let city = city(ZONES, &ZONE_TABLES);
    let at = |time: &str| format!("2026-03-04 {time}");
    let single = |entry: &str, from: &str, to: &str| city.rider().metro((&at(entry), from), (&at("23:00"), to));
    for (entry, pays) in [("06:29:59.999", 290), ("06:30", 350), ("09:29:59.999", 350), ("09:30", 290), ("16:00", 350), ("19:00", 290)] {
        assert_eq!(single(entry, "A", "B"), pays, "{entry}");
    }
    // A station on the border of two zones takes the lower fare.
    assert_eq!([single("12:00", "A", "D"), single("12:00", "C", "D"), single("12:00", "A", "C")], [290, 200, 320]);
    let mut rider = city.rider();
    let paid = [("07:00", "A", "B"), ("08:00", "B", "A"), ("10:00", "A", "B"), ("11:00", "A", "B")].map(|(entry, from, to)| {
        let exit = at(&entry.replace(":00", ":30"));
        rider.metro((&at(entry), from), (&exit, to))
    });
    assert_eq!(paid, [350, 350, 190, 0], "8.90 in zones 1 and 2");
    assert_eq!(rider.metro((&at("12:00"), "A"), (&at("12:30"), "C")), 160, "10.50 in zones 1 to 3");
    assert_eq!(rider.bus(&at("13:00"), "9"), 0, "buses count in all zones");
    let mut rider = city.rider();
    let paid = ["06:00", "08:00", "10:00", "12:00"].map(|time| rider.bus(&at(time), "9"));
    assert_eq!(paid, [175, 175, 175, 0], "5.25 on buses");
    // Monday to Sunday: the weekly cap of zones 1 and 2 is five days and a bit.
    let mut rider = city.rider();
    let days: Vec<i64> = (2..=9)
        .map(|day| {
            ["10", "11", "12", "13"]
                .map(|hour| rider.metro((&format!("2026-03-{day:02} {hour}:00"), "A"), (&format!("2026-03-{day:02} {hour}:30"), "B")))
                .iter()
                .sum()
        })
        .collect();
    assert_eq!(days, [890, 890, 890, 890, 890, 20, 0, 890], "the second Monday begins a week");
}

#[test]
fn a_hopper_lasts_an_hour_from_the_first_bus() {
    let city = city(ZONES, &ZONE_TABLES);
    for (last, pays) in [("10:59:59.999", 0), ("11:00:00", 0), ("11:00:00.001", 175)] {
        let mut rider = city.rider();
        let at = |time: &str| format!("2026-03-04 {time}");
        assert_eq!([rider.bus(&at("10:00"), "1"), rider.bus(&at("10:30"), "1"), rider.bus(&at(last), "1")], [175, 0, pays], "{last}");
    }
}

const DISTANCE: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "rides"
kinds = ["tap-on", "tap-off"]
price = "distance"
network = { file = "edges.csv", from = "from", to = "to", metres = "metres", location_kind = "station" }
steps = [{ to = 3200, minor = 119 }, { to = 4200, minor = 129 }, { to = 5200, minor = 140 }, { each = 1000, add_minor = 10 }]
maximum_minor = 250
no_tap_on_minor = 250
no_tap_off_minor = 250
unknown_pair_minor = 250

[[adjust]]
name = "one-journey"
rule = "transfer"
window_minutes = 45
run_minutes = 120
rides_max = 5
through = true
funder = "earner"
"#;

#[test]
fn legs_are_priced_by_their_distance_together() {
    let city = city(DISTANCE, &[("edges.csv", "from,to,metres\nA,B,3000\nB,C,2000\nC,D,2200\n")]);
    let at = |time: &str| format!("2026-03-04 {time}");
    for (entry, pays) in [("08:54:59.999", 21), ("08:55", 21), ("08:55:00.001", 119)] {
        let mut rider = city.rider();
        assert_eq!(rider.metro((&at("08:00"), "A"), (&at("08:10"), "B")), 119);
        assert_eq!(rider.metro((&at(entry), "B"), (&at("09:30"), "C")), pays, "{entry}: 5 km cost 1.40 in all");
    }
    let mut rider = city.rider();
    let legs = [("08:00", "A", "08:10", "B"), ("08:20", "B", "08:30", "C"), ("08:40", "C", "08:50", "D")];
    let paid = legs.map(|(entry, from, exit, to)| rider.metro((&at(entry), from), (&at(exit), to)));
    assert_eq!(paid, [119, 21, 20], "7.2 km cost 1.60");
    // Two hours from the first entry.
    for (entry, pays) in [("10:00", 20), ("10:00:00.001", 119)] {
        let mut rider = city.rider();
        let legs = [("08:00", "A", "08:40", "B"), ("09:20", "B", "09:50", "C")];
        let paid = legs.map(|(entry, from, exit, to)| rider.metro((&at(entry), from), (&at(exit), to)));
        assert_eq!(paid, [119, 21]);
        assert_eq!(rider.metro((&at(entry), "C"), (&at("10:30"), "D")), pays, "{entry}");
    }
}

const ROLLING: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "subway"
kinds = ["tap-on"]
price = "flat"
amount_minor = 300

[[base]]
name = "exits"
kinds = ["tap-off"]
price = "none"

[[base]]
name = "express"
kinds = ["boarding"]
routes = ["X1"]
price = "flat"
amount_minor = 725

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 300

[[adjust]]
name = "change"
rule = "transfer"
window_minutes = 120
rides_max = 1
pairs = ["bus > bus", "bus > subway", "subway > bus"]
off = "all-paid"
opened_by = "paid"
funder = "earner"

[[adjust]]
name = "seven-days"
rule = "cap"
not_routes = ["X1"]
per = "days"
days = 7
rides = 12
funder = "earner"
"#;

#[test]
fn seven_days_from_the_first_ride_and_the_difference_to_a_dearer_one() {
    let city = city(ROLLING, &[]);
    let subway = |rider: &mut crate::rider::Rider<'_>, time: &str| {
        let fare = rider.tap(RecordKind::TapOn, time, |tap, symbols| tap.mode = symbols.intern("subway")).expect("paid on entry");
        assert!(rider.tap(RecordKind::TapOff, time, |tap, symbols| tap.mode = symbols.intern("subway")).is_none(), "the exit is no ride");
        fare
    };
    let mut rider = city.rider();
    let mut paid = Vec::new();
    for day in 2..=8 {
        for hour in ["08", "18"] {
            let fare = subway(&mut rider, &format!("2026-03-{day:02} {hour}:00"));
            paid.push(fare.charged_minor);
            assert_eq!(fare.flags.has(Flags::CAPPED), fare.charged_minor == 0);
        }
    }
    assert_eq!(paid, [[300; 12].as_slice(), &[0, 0]].concat());
    assert_eq!(subway(&mut rider, "2026-03-09 03:59:59.999").charged_minor, 0, "the seventh service day");
    assert_eq!(subway(&mut rider, "2026-03-09 04:00").charged_minor, 300, "a new week of days");
    let at = |time: &str| format!("2026-03-04 {time}");
    for (time, pays) in [("10:00:00", 425), ("10:00:00.001", 725)] {
        let mut rider = city.rider();
        assert_eq!(subway(&mut rider, &at("08:00")).charged_minor, 300);
        assert_eq!(rider.bus(&at(time), "X1"), pays, "the difference to an express bus until {time}");
    }
}

const TIERS: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 400

[[adjust]]
name = "spend"
rule = "tier"
per = "month"
reading = "READING"
steps = [{ from_minor = 0, percent = "100" }, { from_minor = 1000, percent = "80" }, { from_minor = 1500, percent = "50" }, { from_minor = 1700, percent = "100" }]
funder = "earner"
"#;

#[test]
fn a_spend_is_read_in_both_ways() {
    let rides = |reading: &str, count: usize| -> Vec<i64> {
        let city = city(&TIERS.replace("READING", reading), &[]);
        let mut rider = city.rider();
        (0..count).map(|ride| rider.bus(&format!("2026-03-{:02} 08:00", 1 + ride), "1")).collect()
    };
    // 1,200 is spent after the third ride, 1,520 after the fourth, 1,720 after the fifth.
    assert_eq!(rides("before", 6), [400, 400, 400, 320, 200, 400]);
    // Of the third ride 200 bring the spend to 1,000, the other 200 cost 160; of the fifth 25 cost 20 and the rest half.
    assert_eq!(rides("marginal", 5), [400, 400, 360, 320, 208]);
}

const AREAS: &str = r#"in_force_from = "2020-01-01"

[[period]]
name = "summer"
dates = ["2026-06-01 to 2026-08-31"]
not_dates = ["2026-07-14"]

[[base]]
name = "rail-summer"
kinds = ["tap-on", "tap-off"]
exit_when = ["summer"]
price = "matrix"
matrix = { file = "summer.csv", from = "from", to = "to", fare_minor = "fare" }
areas = { file = "areas.csv", place = "stop", area = "area", location_kind = "station" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[base]]
name = "rail"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares.csv", from = "from", to = "to", fare_minor = "fare", ticket = "ticket" }
areas = { file = "areas.csv", place = "stop", area = "area", location_kind = "station" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200
ticket = "city"

[[adjust]]
name = "through"
rule = "transfer"
kinds = ["tap-off"]
ticket_pairs = ["city > city", "city > region", "region > city", "region > region"]
window_seconds = 5401
window_from = "first-entry"
rides_max = 3
through = true
funder = "earner"

[[adjust]]
name = "city-ticket"
rule = "discount"
tickets = ["city"]
not_classes = [""]
percent = "50"
funder = "earner"
"#;

/// Areas with names, a ticket for each row, and one fare from where the first leg began.
#[test]
fn areas_tickets_and_through_fares_over_a_table() {
    let tables = [
        ("areas.csv", "stop,area\nA,centre\nB,centre\nC,suburb\nT,airport\n"),
        ("fares.csv", "from,to,fare,ticket\ncentre,centre,200,city\nsuburb,suburb,180,city\nairport,*,1000,airport\n*,airport,1000,airport\n*,*,330,region\n"),
        ("summer.csv", "from,to,fare\n*,*,100\n"),
    ];
    let city = city(AREAS, &tables);
    let single = |from: &str, to: &str| city.rider().metro(("2026-03-04 08:00", from), ("2026-03-04 08:30", to));
    assert_eq!([single("A", "B"), single("A", "C"), single("C", "C"), single("A", "T"), single("T", "T"), single("A", "X")], [200, 330, 180, 1000, 1000, 330]);
    for (exit, pays) in [("2026-05-31 23:59:59", 330), ("2026-06-01 00:00", 100), ("2026-07-14 12:00", 330), ("2026-08-31 23:59", 100)] {
        let day = exit.split(' ').next().expect("a date");
        let entry = if exit.ends_with("00:00") { "2026-05-31 23:50".to_owned() } else { format!("{day} 11:00") };
        assert_eq!(city.rider().metro((&entry, "A"), (exit, "C")), pays, "{exit}");
    }
    // Centre to centre is paid; to the suburb the rest of that fare; back to where it began nothing more.
    for (entry, pays) in [("09:30:01", 130), ("09:30:01.001", 330)] {
        let mut rider = city.rider();
        let at = |time: &str| format!("2026-03-04 {time}");
        assert_eq!(rider.metro((&at("08:00"), "A"), (&at("08:10"), "B")), 200);
        assert_eq!(rider.metro((&at(entry), "B"), (&at("09:40"), "C")), pays, "{entry}: 5,401 seconds");
        assert_eq!(rider.fare.expect("a ride").flags.has(Flags::TRANSFER), pays == 130);
    }
    let mut rider = city.rider();
    let at = |time: &str| format!("2026-03-04 {time}");
    let legs = [("08:00", "A", "08:10", "C"), ("08:20", "C", "08:30", "A"), ("08:40", "A", "08:50", "T"), ("09:00", "C", "09:05", "C")];
    let paid = legs.map(|(entry, from, exit, to)| rider.metro((&at(entry), from), (&at(exit), to)));
    assert_eq!(paid, [330, 0, 1000, 180], "the airport's ticket joins no other");
    // The ticket is of the row, or of the rule: half of it for those that have a class.
    let student = || city.rider().class("student");
    assert_eq!([student().bus(&at("08:00"), "1"), student().metro((&at("08:00"), "A"), (&at("08:30"), "B"))], [100, 100]);
    assert_eq!(student().metro((&at("08:00"), "A"), (&at("08:30"), "C")), 330);
}
