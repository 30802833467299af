//! A feed's fares as a scheme: every pair of stops costs what the feed says, judged by a calculator of its own.

mod calculator;
mod feeds;
mod journeys;
mod shapes;

use crate::dice::Dice;
use crate::house::tapclear;
use calculator::{Calculator, Leg, thousandths};
use domain::{Day, EventTime, Flags, RecordKind, SymbolTable};
use engine::price::{AccountState, Fare, Fold, Tap};
use engine::scheme::Scheme;
use feeds::Files;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

/// An imported feed, ready to price with.
struct Imported {
    scheme: Scheme,
    symbols: SymbolTable,
    told: Value,
    folder: TempDir,
}

fn written(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("feed")).expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join("feed").join(name), text).expect("a file");
    }
    folder
}

fn imported_from(folder: TempDir, feed: &str) -> Imported {
    let out = folder.path().join("scheme");
    let ran = tapclear(["scheme", "import-gtfs", &folder.path().join(feed).display().to_string(), "--out", &out.display().to_string(), "--json"]);
    let told = ran.done();
    let symbols = SymbolTable::new();
    let scheme = Scheme::read(&out, &symbols).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    Imported { scheme, symbols, told, folder }
}

fn imported(files: &Files) -> Imported {
    imported_from(written(files), "feed")
}

/// A card that the feed's riders use.
struct Rider<'i> {
    imported: &'i Imported,
    state: AccountState,
    class: &'i str,
    medium: &'i str,
}

impl Imported {
    fn rider(&self) -> Rider<'_> {
        Rider { imported: self, state: AccountState::default(), class: "", medium: "" }
    }

    fn time(&self, date: &str, seconds: u32) -> EventTime {
        let day: Day = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]).parse().expect("a date");
        self.scheme.clock.instant(day.start_local_ms() + i64::from(seconds) * 1000)
    }

    /// In minor units of the scheme.
    fn minor(&self, thousandths: i64) -> i64 {
        match self.scheme.minor_digits {
            0 => thousandths / 1000,
            2 => thousandths / 10,
            3 => thousandths,
            digits => panic!("{digits} digits"),
        }
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("scheme").join(name)).expect("a file")
    }

    fn notes(&self) -> Vec<String> {
        self.told["notes"]
            .as_array()
            .expect("notes")
            .iter()
            .map(|note| format!("{}:{} {}", note["file"].as_str().expect("a file"), note["row"], note["what"]))
            .collect()
    }
}

impl Rider<'_> {
    fn tap(&mut self, kind: RecordKind, route: &str, stop: &str, time: EventTime) -> Option<Fare> {
        let Imported { scheme, symbols, .. } = self.imported;
        let tap = Tap {
            route: symbols.intern(route),
            location: symbols.intern(&format!("stop:{stop}")),
            class: symbols.intern(self.class),
            medium: symbols.intern(self.medium),
            ..Tap::blank(kind, time, scheme.clock.service_day(time))
        };
        Fold::new(&scheme.tariff, &scheme.clock).next(&mut self.state, &tap).fare
    }

    /// From a tap-on to a tap-off.
    fn ride(&mut self, leg: &Leg<'_>) -> Fare {
        let [entry, exit] = [leg.entry, leg.exit].map(|time| self.imported.time(leg.date, time));
        assert!(self.tap(RecordKind::TapOn, leg.route, leg.from, entry).is_none());
        self.tap(RecordKind::TapOff, leg.route, leg.to, exit).expect("a ride")
    }

    /// What legs of a Monday cost, each `route from to`, with the minutes after eight at which it begins; ten minutes each.
    fn pays(&mut self, legs: &[(&str, u32)]) -> Vec<i64> {
        let price = |&(words, minute): &(&str, u32)| {
            let words: Vec<&str> = words.split(' ').collect();
            let entry = 8 * 3600 + minute * 60;
            self.ride(&Leg { route: words[0], from: words[1], to: words[2], date: "20260302", entry, exit: entry + 600, category: "", medium: "" })
                .charged_minor
        };
        legs.iter().map(price).collect()
    }
}

fn leg<'l>(route: &'l str, from: &'l str, to: &'l str) -> Leg<'l> {
    Leg { route, from, to, date: "20260302", entry: 30_000, exit: 31_000, category: "", medium: "" }
}

/// What a fresh card pays; `None` where the ride is flagged as one without a price.
fn price(imported: &Imported, leg: &Leg<'_>) -> Option<i64> {
    let mut rider = Rider { class: leg.category, medium: leg.medium, ..imported.rider() };
    let fare = rider.ride(leg);
    (!fare.flags.has(Flags::UNKNOWN_PAIR)).then_some(fare.list_minor)
}

#[test]
fn every_pair_costs_what_fare_rules_say() {
    for seed in 0..60 {
        let files = feeds::attributes(seed);
        let (calculator, imported) = (Calculator::new(&files), imported(&files));
        let stops = calculator.ids("stops.txt", "stop_id");
        for route in ["r0", "r1", "r2", "r3"] {
            for from in &stops {
                for to in stops.iter().filter(|to| *to != from) {
                    let wanted = calculator.by_attributes(route, from, to).map(|price| imported.minor(price));
                    assert_eq!(
                        price(&imported, &leg(route, from, to)),
                        wanted,
                        "seed {seed}: {route} from {from} to {to}\n{files:#?}\n{}",
                        imported.file("tariff/tariff.toml")
                    );
                }
            }
        }
    }
}

#[test]
fn every_pair_costs_what_leg_rules_say_at_any_time_for_any_rider() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let files = feeds::leg_rules(seed);
        let (calculator, imported) = (Calculator::new(&files), imported(&files));
        let stops = calculator.ids("stops.txt", "stop_id");
        for (date, entry, exit) in [
            ("20260302", 23_399, 23_400),
            ("20260302", 34_199, 34_200),
            ("20260306", 57_600, 68_430),
            ("20260306", 68_429, 72_000),
            ("20260307", 0, 86_399),
            ("20260403", 30_000, 31_000),
            ("20260411", 24_000, 31_000),
            ("20270301", 30_000, 31_000),
        ] {
            for (route, category, medium) in
                [("r0", "adult", "card"), ("r1", "child", "paper"), ("r2", "child", "card"), ("r3", "adult", "paper"), ("r0", "child", "card")]
            {
                for from in &stops {
                    for to in &stops {
                        let leg = Leg { route, from, to, date, entry, exit, category, medium };
                        let wanted = calculator.by_leg_rules(&leg).map(|price| imported.minor(price));
                        seen.insert(wanted);
                        assert_eq!(price(&imported, &leg), wanted, "seed {seed}: {leg:?}\n{files:#?}\n{}", imported.file("tariff/tariff.toml"));
                    }
                }
            }
        }
    }
    assert!(seen.len() > 5, "prices of many kinds: {seen:?}");
}

const ROUTES_OF_DICE: [&str; 5] = ["r0", "r0", "r1", "r2", "r3"];

#[test]
fn every_leg_of_a_journey_costs_what_transfer_rules_say() {
    let (mut free, mut joined, mut whole) = (0, 0, 0);
    for seed in 0..60 {
        let files = feeds::transfers(seed);
        let (calculator, imported) = (Calculator::new(&files), imported(&files));
        let dice = &mut Dice::new(seed + 1000);
        for _ in 0..60 {
            let (category, medium) = (*dice.one_of(&["", "child"]), *dice.one_of(&["card", "cash"]));
            let mut time = 25_000;
            let mut leg = || {
                let gap = if dice.permille(300) { 0 } else { dice.within(0, 3000) };
                let entry = time + u32::try_from(gap).expect("small");
                // Limits are of so many quarters of an hour: some legs end and begin just then.
                let entry = if dice.permille(400) { entry.next_multiple_of(900) } else { entry };
                let exit = entry + *dice.one_of(&[300, 900, 1800, 2000]);
                time = exit;
                Leg {
                    route: ROUTES_OF_DICE[usize::try_from(dice.within(0, 5)).expect("small")],
                    from: "s0",
                    to: "s1",
                    date: "20260302",
                    entry,
                    exit,
                    category,
                    medium,
                }
            };
            let legs: Vec<Leg<'_>> = (0..6).map(|_| leg()).collect();
            let wanted: Vec<i64> = calculator.journey(&legs).into_iter().map(|price| imported.minor(price)).collect();
            let mut rider = Rider { class: category, medium, ..imported.rider() };
            let fares: Vec<Fare> = legs.iter().map(|leg| rider.ride(leg)).collect();
            let paid: Vec<i64> = fares.iter().map(|fare| fare.charged_minor).collect();
            assert_eq!(paid, wanted, "seed {seed}: {legs:#?}\n{files:#?}\n{}", imported.file("tariff/tariff.toml"));
            for fare in fares {
                free += u32::from(fare.charged_minor == 0);
                joined += u32::from(fare.charged_minor < fare.list_minor);
                whole += u32::from(fare.charged_minor == fare.list_minor);
            }
        }
    }
    assert!(free > 500 && joined - free > 500 && whole > 500, "legs of every kind: {free} free, {joined} joined, {whole} by themselves");
}

const STOPS: &str = "stop_id,stop_name,zone_id\nA,Alpha,1\nB,Beta,1\nC,Gamma,2\nD,Delta,3\n";
const ROUTES: &str = "route_id,route_short_name,route_type\n10,10,3\n20,20,3\nX,Express,3\n";
const AGENCY: &str = "agency_id,agency_name,agency_timezone\nT,Transit,America/Los_Angeles\n";

fn small(fares: &[(&'static str, &str)]) -> Files {
    let base = [("stops.txt", STOPS), ("routes.txt", ROUTES), ("agency.txt", AGENCY)].map(|(name, text)| (name, text.to_owned()));
    base.into_iter().chain(fares.iter().map(|&(name, text)| (name, text.to_owned()))).collect()
}

/// A flat ticket that is good for two hours and any number of buses, and an express fare without transfers.
#[test]
fn a_ticket_of_fare_attributes_is_good_for_its_transfers() {
    let attributes =
        "fare_id,price,currency_type,payment_method,transfers,transfer_duration\nlocal,2.50,USD,0,,7200\nexpress,6.00,USD,0,0,\nonce,1.75,USD,0,1,3600\n";
    let rules = "fare_id,route_id\nlocal,10\nonce,20\nexpress,X\n";
    let imported = imported(&small(&[("fare_attributes.txt", attributes), ("fare_rules.txt", rules)]));
    let pays = |legs: &[(&str, u32)]| imported.rider().pays(legs);
    assert_eq!(pays(&[("10 A B", 0), ("10 B C", 60), ("10 C D", 120), ("10 D A", 121)]), [250, 0, 0, 250], "two hours from the first boarding");
    assert_eq!(pays(&[("20 A B", 0), ("20 B C", 30), ("20 C D", 50)]), [175, 0, 175], "one transfer");
    assert_eq!(pays(&[("20 A B", 0), ("20 B C", 61)]), [175, 175]);
    assert_eq!(pays(&[("X A B", 0), ("X B C", 20)]), [600, 600]);
    assert_eq!(pays(&[("10 A B", 0), ("X B C", 20), ("10 C A", 60)]), [250, 600, 0], "the local ticket is still good");
    // A bus that is boarded with one tap.
    let mut rider = imported.rider();
    let board = |rider: &mut Rider<'_>, route: &str, second: u32| {
        let fare = rider.tap(RecordKind::Boarding, route, "A", imported.time("20260302", 30_000 + second)).expect("a ride");
        fare.charged_minor
    };
    assert_eq!([board(&mut rider, "10", 0), board(&mut rider, "X", 60), board(&mut rider, "10", 7200), board(&mut rider, "10", 7201)], [250, 600, 0, 250]);
}

/// Zones: two rides within the limit cost what the whole way does.
#[test]
fn fares_by_zones_make_one_fare_for_the_whole_way() {
    let attributes =
        "fare_id,price,currency_type,payment_method,transfers,transfer_duration\none,2.00,USD,0,,5400\ntwo,3.00,USD,0,,5400\nthree,4.50,USD,0,,5400\n";
    let rules = "fare_id,origin_id,destination_id\none,1,1\none,2,2\none,3,3\ntwo,1,2\ntwo,2,1\ntwo,2,3\ntwo,3,2\nthree,1,3\nthree,3,1\n";
    let imported = imported(&small(&[("fare_attributes.txt", attributes), ("fare_rules.txt", rules)]));
    let pays = |legs: &[(&str, u32)]| imported.rider().pays(legs);
    assert_eq!(pays(&[("10 A B", 0), ("20 B C", 30), ("X C D", 90)]), [200, 100, 150]);
    assert_eq!(pays(&[("10 A C", 0), ("20 C D", 91)]), [300, 300], "after an hour and a half it is another journey");
    assert_eq!(pays(&[("10 A C", 0), ("20 C A", 30)]), [300, 0], "never less than was paid");
}

/// Free and discounted transfers between groups of legs, in each kind of duration.
#[test]
fn transfer_rules_join_groups_of_legs() {
    let products = "fare_product_id,amount,currency\nbus,2.00,CAD\nrail,3.50,CAD\nfree,0.00,CAD\nstep-up,1.50,CAD\noff,-0.50,CAD\nday,5.00,CAD\n";
    let legs = "leg_group_id,network_id,fare_product_id\nbus,bus,bus\nrail,rail,rail\nferry,ferry,day\n";
    let networks = "network_id,route_id\nbus,10\nrail,20\nferry,X\n";
    let with = |transfers: &str| {
        let files = [("fare_products.txt", products), ("fare_leg_rules.txt", legs), ("route_networks.txt", networks), ("fare_transfer_rules.txt", transfers)];
        imported(&small(&files))
    };
    let head = "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id\n";
    let imported = with(&format!("{head}bus,bus,2,5400,1,0,free\nbus,rail,,3600,2,0,step-up\nrail,bus,,3600,0,1,off\n"));
    let pays = |legs: &[(&str, u32)]| imported.rider().pays(legs);
    assert_eq!(pays(&[("10 A B", 0), ("10 B C", 45), ("10 C D", 90), ("10 D A", 95)]), [200, 0, 0, 200], "two transfers");
    assert_eq!(pays(&[("10 A B", 0), ("10 B C", 91)]), [200, 200]);
    assert_eq!(pays(&[("10 A B", 0), ("20 B C", 70)]), [200, 150], "an hour from the arrival of the first");
    assert_eq!(pays(&[("10 A B", 0), ("20 B C", 71)]), [200, 350]);
    assert_eq!(pays(&[("20 A B", 0), ("10 B C", 50)]), [350, 150], "an hour to the arrival of the last");
    assert_eq!(pays(&[("20 A B", 0), ("10 B C", 51)]), [350, 200]);
    assert_eq!(pays(&[("10 A B", 0), ("X B C", 15), ("10 C D", 30)]), [200, 500, 200], "transfers are between legs that follow each other");
    // An empty group is all that no rule names; one product for both legs together.
    let imported = with(&format!("{head}bus,,,7200,1,0,free\nbus,rail,,7200,1,2,day\n"));
    let pays = |legs: &[(&str, u32)]| imported.rider().pays(legs);
    assert_eq!(pays(&[("10 A B", 0), ("X B C", 15)]), [200, 0]);
    assert_eq!(pays(&[("10 A B", 0), ("20 B C", 15)]), [200, 300], "5.00 in all");
    assert_eq!(pays(&[("10 A B", 0), ("10 B C", 15)]), [200, 0], "no rule's column names buses as where one changes to");
    let imported = with(&format!("{head}bus,bus,-1,,,0,\nrail,rail,1,60,1,1,step-up\nrail,ferry,,60,1,7,\n"));
    assert_eq!(imported.rider().pays(&[("10 A B", 0), ("10 B C", 60), ("10 C D", 130), ("10 D A", 261)]), [200, 0, 0, 200]);
    let notes = imported.notes().join("\n");
    for wanted in [
        "fare_transfer_rules.txt:2 \"transfers without a time limit",
        "fare_transfer_rules.txt:3 \"a transfer that costs something on top",
        "fare_transfer_rules.txt:4 \"`fare_transfer_type`",
    ] {
        assert!(notes.contains(wanted), "{wanted} in {notes}");
    }
}

/// Byte-order marks, either line end, quotes, columns in any order, short rows, and a zip with a folder inside.
#[test]
fn a_feed_is_read_as_it_comes() {
    let attributes = "\u{feff}payment_method,\"fare_id\",currency_type, price ,transfers\r\n0,\"a \"\"b\"\"\",EUR,\"1.5\",0\r\n0,zoned,EUR,2.75,0\r\n";
    let rules = "destination_id,fare_id,origin_id\r\n\"x, y\",zoned,#1\r\n,\"a \"\"b\"\"\"\r\n";
    let stops = "\u{feff}stop_name,stop_id,zone_id\r\n\"Main St, north\r\nside\",\"A,1\",#1\r\n\"say \"\"hi\"\"\",B,\"x, y\"\r\n终点,C,\r\n";
    let files: Files = vec![
        ("agency.txt", AGENCY.to_owned()),
        ("routes.txt", ROUTES.to_owned()),
        ("stops.txt", stops.to_owned()),
        ("fare_attributes.txt", attributes.to_owned()),
        ("fare_rules.txt", rules.to_owned()),
    ];
    let zip = |folder: &Path| {
        let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.join("feed.zip")).expect("a file"));
        for (name, text) in &files {
            archive.start_file(format!("google_transit/{name}"), zip::write::SimpleFileOptions::default()).expect("an entry");
            archive.write_all(text.as_bytes()).expect("its text");
        }
        archive.finish().expect("a zip");
    };
    let folder = written(&files);
    zip(folder.path());
    for imported in [imported(&files), imported_from(folder, "feed.zip")] {
        let price = |from: &str, to: &str| price(&imported, &leg("10", from, to));
        assert_eq!([price("A,1", "B"), price("B", "A,1"), price("A,1", "C")], [Some(150); 3], "the fare for everything is cheaper");
        let names: Vec<&str> = imported.scheme.locations.list().iter().map(|stop| stop.name_en.as_str()).collect();
        assert_eq!(names, ["Main St, north side", "say \"hi\"", "终点"]);
    }
    // Without it, only the zones count.
    let files: Files = files.into_iter().map(|(name, text)| (name, text.replace("1.5", "9.5"))).collect();
    let imported = imported(&files);
    assert_eq!([price(&imported, &leg("10", "A,1", "B")), price(&imported, &leg("10", "B", "A,1"))], [Some(275), Some(950)]);
}

/// Currencies of no, two and three digits, prices with more of them, and amounts that no scheme can have.
#[test]
fn prices_are_exact_in_their_currency() {
    for (currency, text, digits, minor) in
        [("JPY", "210", 0, 210), ("JPY", "210.00", 0, 210), ("KWD", "0.250", 3, 250), ("EUR", "1.125", 3, 1125), ("EUR", "2", 2, 200)]
    {
        let attributes = format!("fare_id,price,currency_type,payment_method,transfers\nf,{text},{currency},0,0\n");
        let imported = imported(&small(&[("fare_attributes.txt", &attributes)]));
        assert_eq!((imported.scheme.minor_digits, imported.scheme.currency.as_str()), (digits, currency));
        assert_eq!(price(&imported, &leg("10", "A", "B")), Some(minor), "{text} {currency}");
        assert_eq!(imported.minor(thousandths(text)), minor);
    }
    let attributes =
        "fare_id,price,currency_type,payment_method,transfers\na,2,EUR,0,0\nb,3,EUR,0,0\nc,1,USD,0,0\nd,0.00001,EUR,0,0\ne,free,EUR,0,0\nf,-1,EUR,0,0\n";
    let imported = imported(&small(&[("fare_attributes.txt", attributes)]));
    assert_eq!(price(&imported, &leg("10", "A", "B")), Some(20_000), "in ten-thousandths");
    let notes = imported.notes().join("\n");
    for wanted in [":4 \"a fare in a currency other than EUR\"", ":5 \"a price with more digits", ":6 \"a fare whose price is not a number"] {
        assert!(notes.contains(wanted), "{wanted} in {notes}");
    }
}

#[test]
fn what_is_no_feed_is_refused_and_nothing_is_written_over() {
    let empty = tempfile::tempdir().expect("a folder");
    let run = |feed: &Path, out: &Path| tapclear(["scheme", "import-gtfs", &feed.display().to_string(), "--out", &out.display().to_string()]);
    run(empty.path(), &empty.path().join("out")).refused();
    run(&empty.path().join("none.zip"), &empty.path().join("out")).refused();
    let folder = written(&small(&[]));
    assert!(run(&folder.path().join("feed"), &folder.path().join("out")).refused().contains("prices nothing"));
    let folder = written(&small(&[("fare_attributes.txt", "fare_id,price,currency_type,payment_method,transfers\nf,2,EUR,0,0\n")]));
    let (feed, out) = (folder.path().join("feed"), folder.path().join("out"));
    assert_eq!(run(&feed, &out).code, Some(0));
    assert!(run(&feed, &out).refused().contains("is not empty"));
    // The words are there in both languages, and the scheme is one that `scheme check` takes.
    let chinese = tapclear(["scheme", "import-gtfs", &feed.display().to_string(), "--out", &folder.path().join("zh").display().to_string(), "--lang", "zh"]);
    assert!(chinese.stdout.contains("票价表") && chinese.code == Some(0), "{chinese:?}");
    assert_eq!(tapclear(["scheme", "check", &out.display().to_string()]).code, Some(0));
}

/// Some thousand zones with a fare for many pairs: seconds, not minutes, and small files.
#[test]
fn a_feed_of_many_zones_is_imported_as_it_is() {
    const ZONES: u32 = 400;
    let fare = |from: u32, to: u32| 100 + 10 * (from.abs_diff(to) % 37);
    let mut files = small(&[]);
    let lines = |header: &str, rows: &mut dyn Iterator<Item = String>| rows.fold(format!("{header}\n"), |text, row| text + &row + "\n");
    files.retain(|(name, _)| *name != "stops.txt");
    files.push(("stops.txt", lines("stop_id,stop_name,zone_id", &mut (0..ZONES).map(|at| format!("s{at},S,z{at}")))));
    let fares = (0..37).map(|at| format!("f{at},{}.{:02},EUR,0,0", (100 + 10 * at) / 100, (100 + 10 * at) % 100));
    files.push(("fare_attributes.txt", lines("fare_id,price,currency_type,payment_method,transfers", &mut fares.into_iter())));
    let pairs = (0..ZONES).flat_map(|from| (0..ZONES).map(move |to| format!("f{},z{from},z{to}", from.abs_diff(to) % 37)));
    files.push(("fare_rules.txt", lines("fare_id,origin_id,destination_id", &mut pairs.into_iter())));
    let imported = imported(&files);
    for (from, to) in [(0, 0), (0, 399), (17, 3), (250, 251), (399, 1)] {
        assert_eq!(price(&imported, &leg("10", &format!("s{from}"), &format!("s{to}"))), Some(i64::from(fare(from, to))));
    }
}
