//! Oddities worth money: flagged in the exceptions of those whom they concern, with the evidence, explained in both
//! languages; and no amount of any file is another for it.

use crate::house::{DAY, House, tapclear};
use crate::late::sheet;
use crate::province;
use crate::published::{Sheet, assert_same, canonical, every_file, parties};
use crate::rebuilding::assert_rebuilt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const NEXT_DAY: &str = "2026-03-03";
const HEADER: &str = "kind,time,terminal,epoch,sequence,card,issuer,operator,location,mode,counter";
const RULES: &str = r#"
[oddities]
clock_seconds = 60

[oddities.same_gate]
within_seconds = 20

[oddities.travel]
speed_max_kmh = 400
distance_min_m = 2000

[oddities.missing_tap_offs]
days = 30
rides = 3
gain_min_minor = 1

[oddities.counters]
days = 7
"#;
/// Stations of the straight line, some fifty kilometres long, and one of which only the least time is known.
const LOCATIONS: &str = "kind,code,latitude,longitude\nstation,0,30,104\nstation,4000,30.036,104\nstation,50000,30.45,104\nstation,40000,,\n";

/// A metro by distance whose fare for a missing tap-off is less than most rides.
fn metro() -> House {
    let house = House::copied("fares/chengdu-metro");
    house.edit("tariff/tariff.toml", "no_tap_off_minor = 1200", "no_tap_off_minor = 300");
    std::fs::write(house.scheme.join("locations.csv"), LOCATIONS).expect("a file of the scheme");
    std::fs::write(house.scheme.join("travel.csv"), "from,to,seconds\nstation:40000,station:0,1200\n").expect("a file of the scheme");
    switch(&house, true);
    house
}

/// Puts the rules into the scheme, or takes them out with the file of ways that only they ask for.
fn switch(house: &House, on: bool) {
    let path = house.scheme.join("scheme.toml");
    let settings = std::fs::read_to_string(&path).expect("settings");
    let without = settings.replace(RULES, "");
    if on {
        std::fs::write(&path, without + RULES).expect("settings");
    } else {
        std::fs::write(&path, without).expect("settings");
        let _ = std::fs::remove_file(house.scheme.join("travel.csv"));
    }
}

/// Records on their way into a file: kind, time, gate, card, station and counter. Each gate counts its own.
#[derive(Default)]
struct Gates {
    rows: Vec<String>,
    counts: BTreeMap<String, u32>,
}

impl Gates {
    /// The record's id.
    fn tap(&mut self, kind: &str, (date, time): (&str, &str), gate: &str, card: &str, station: &str, counter: &str) -> String {
        let count = self.counts.entry(gate.to_owned()).or_default();
        *count += 1;
        let ms = crate::fares::epoch_ms(date, time);
        self.rows.push(format!("{kind},{ms},{gate},0,{count},{card},bank-01,operator-02,station:{station},metro,{counter}"));
        format!("{gate}.0.{count}")
    }

    fn file(&self, house: &House, name: &str, rows: impl IntoIterator<Item = usize>) -> PathBuf {
        let rows: Vec<&str> = rows.into_iter().map(|at| self.rows[at].as_str()).collect();
        house.write(name, format!("{HEADER}\n{}\n", rows.join("\n")))
    }

    fn whole(&self, house: &House, name: &str) -> PathBuf {
        self.file(house, name, 0..self.rows.len())
    }
}

/// The flagged rows of a party: record, name, other record, its day and line, evidence.
fn flagged(house: &House, day: &str, party: &str) -> BTreeSet<[String; 6]> {
    let exceptions = sheet(house, day, party, "exceptions.csv");
    let columns = ["record_id", "reason_name", "other_record_id", "other_day", "other_line", "evidence"];
    exceptions.rows().filter(|line| line.text("outcome") == "flagged").map(|line| columns.map(|column| line.text(column).to_owned())).collect()
}

fn row(cells: [&str; 6]) -> [String; 6] {
    cells.map(str::to_owned)
}

#[test]
fn each_oddity_stands_in_the_operator_s_exceptions_with_its_evidence() {
    let (house, mut gates) = (metro(), Gates::default());
    let mut at = |kind: &str, time: &str, gate: &str, card: &str, station: &str, counter: &str| gates.tap(kind, (DAY, time), gate, card, station, counter);
    let mut expected = BTreeSet::new();
    // One gate: 20 seconds and not one millisecond more.
    for (card, time, seconds) in [("near", "08:00:19.999", "19.999"), ("edge", "08:00:20", "20"), ("far", "08:00:20.001", "")] {
        let first = at("tap-on", "08:00:00", &format!("g-{card}"), card, "0", "");
        let second = at("tap-on", time, &format!("g-{card}"), card, "0", "");
        if !seconds.is_empty() {
            expected.insert(row([&second, "same-gate", &first, "", "", &format!("seconds={seconds}")]));
        }
    }
    // 50,037 m take 451 s at 400 km/h, of which the clocks may take 60.
    for (card, time, speed) in [("fast", "08:06:30", "401"), ("train", "08:06:31", "")] {
        let first = at("tap-on", "08:00:00", "a", card, "0", "");
        let second = at("tap-off", time, "b", card, "50000", "");
        if !speed.is_empty() {
            expected.insert(row([&second, "impossible-travel", &first, "", "", &format!("seconds=390;metres=50037;km_per_hour={speed}")]));
        }
    }
    for (card, time, odd) in [("soon", "08:18:59.999", true), ("later", "08:19:00", false)] {
        let first = at("tap-on", "08:00:00", "a", card, "0", "");
        let second = at("tap-off", time, "d", card, "40000", "");
        if odd {
            expected.insert(row([&second, "impossible-travel", &first, "", "", "seconds=1139.999;least_seconds=1200"]));
        }
    }
    // Three rides of 50 km without a tap-off, and what was charged for them.
    let stations = ["0", "50000", "0", "50000"];
    let dodger: Vec<String> =
        stations.iter().zip(["06:00:00", "10:00:00", "14:00:00", "18:00:00"]).map(|(station, time)| at("tap-on", time, "m", "dodger", station, "")).collect();
    let evidence = format!("seconds=14400;rides=3;charged_minor=900;would_minor=2700;witness={}", dodger[0]);
    expected.insert(row([&dodger[3], "missing-tap-offs", &dodger[2], "", "", &evidence]));
    // Counters: back, and interleaved from two places.
    let high = at("tap-on", "09:00:00", "c-1", "count", "0", "40");
    let low = at("tap-off", "09:30:00", "c-2", "count", "4000", "39");
    expected.insert(row([&low, "counter-backwards", &high, "", "", "seconds=1800;counter=39;other_counter=40"]));
    let first = at("tap-on", "09:00:00", "c-1", "two", "0", "40");
    let second = at("tap-off", "10:00:00", "c-2", "two", "4000", "90");
    let third = at("tap-on", "11:00:00", "c-1", "two", "0", "41");
    let fourth = at("tap-off", "12:00:00", "c-2", "two", "4000", "91");
    let evidence = format!("seconds=3600;counter=41;other_counter=90;witness_counter=40;witness={first}");
    expected.insert(row([&third, "counter-interleaved", &second, "", "", &evidence]));
    // A copy of a card: both records are held, and each has its evidence.
    let copied = at("tap-on", "09:00:00", "c-3", "copied", "0", "7");
    let copy = at("tap-on", "09:45:00", "c-4", "copied", "50000", "7");
    expected.insert(row([&copied, "counter-repeated", &copy, "", "", "seconds=-2700;counter=7"]));
    expected.insert(row([&copy, "counter-repeated", &copied, "", "", "seconds=2700;counter=7"]));
    house.clear(DAY, &[gates.whole(&house, "day.csv")]).done();
    assert_eq!(flagged(&house, DAY, "operator-02"), expected);
    assert_eq!(flagged(&house, DAY, "bank-01"), expected, "the issuer is told as well");
    assert!(flagged(&house, DAY, "operator-01").is_empty() && flagged(&house, DAY, "hub-01").is_empty(), "nobody else is");
    let exceptions = sheet(&house, DAY, "operator-02", "exceptions.csv");
    let (held, odd): (Vec<_>, Vec<_>) = exceptions.rows().partition(|line| line.text("outcome") == "held");
    assert_eq!(held.iter().map(|line| (line.text("record_id"), line.text("reason"))).collect::<Vec<_>>(), [(copied.as_str(), "206"), (&copy, "206")]);
    let numbers: BTreeSet<&str> = odd.iter().map(|line| line.text("reason")).collect();
    assert_eq!(numbers, BTreeSet::from(["401", "402", "403", "404", "405", "406"]));
    assert!(exceptions.rows().enumerate().all(|(number, line)| line.text("line") == (number + 1).to_string()), "numbers run on");
    assert!(!odd.iter().any(|line| line.text("record_id") == fourth));
    house.verify();

    // Every row is explained, in both languages, with the records behind it.
    let line = |name: &str| odd.iter().find(|line| line.text("reason_name") == name).expect("a row").text("line").to_owned();
    let explain = |name: &str, lang: &str| {
        let which = format!("{DAY}/operator-02/exceptions.csv:{}", line(name));
        let ran = tapclear([
            "explain",
            "--lang",
            lang,
            "--scheme",
            house.scheme.to_str().expect("UTF-8"),
            "--ledger",
            house.ledger().to_str().expect("UTF-8"),
            &which,
        ]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout
    };
    for (name, english, chinese) in [
        ("same-gate", "the same card at the same gate 19.999 s apart", "同一张卡在同一闸机相隔 19.999 秒"),
        ("impossible-travel", "50037 m in 390 s: 401 km/h even with the clocks' tolerance", "390 秒内相距 50037 米"),
        ("missing-tap-offs", "3 rides without a tap-off in the period: 9.00 charged, 27.00 by where the card went on", "期间内 3 次缺出站：实收 9.00"),
        ("counter-repeated", "the card's counter is 7 in both records, 2700 s apart", "两条记录的卡计数同为 7"),
        ("counter-backwards", "the card's counter is 39 here and 40 in the other record, 1800 s apart", "本条卡计数 39，另一条 40"),
        ("counter-interleaved", "and goes on from 40 of c-1.0.2", "并接续 c-1.0.2 的 40"),
    ] {
        let (told, told_zh) = (explain(name, "en"), explain(name, "zh"));
        assert!(told.contains(english) && told.contains("flagged 40") && told.contains("day.csv row"), "{told}");
        assert!(told_zh.contains(chinese) && told_zh.contains("标记 40") && !told_zh.contains('{'), "{told_zh}");
    }
    let told = house.run("explain", [format!("{DAY}/operator-02/exceptions.csv:{}", line("counter-interleaved"))]).done();
    let told = &told["lines"][0];
    assert_eq!(
        (&told["oddity"]["name"], &told["oddity"]["witness"], &told["oddity"]["between_ms"]),
        (&"counter-interleaved".into(), &first.as_str().into(), &3_600_000.into())
    );
    assert_eq!(told["records"].as_array().map(Vec::len), Some(3), "{told}");
    assert_eq!(told["entry"], serde_json::json!([]), "it books nothing");
}

#[test]
fn what_comes_late_names_the_line_of_the_closed_day() {
    let (house, mut gates) = (metro(), Gates::default());
    let mut at =
        |kind: &str, date: &str, time: &str, station: &str, counter: &str| gates.tap(kind, (date, time), &format!("g-{station}"), "card", station, counter);
    at("tap-on", DAY, "08:00:00", "0", "");
    let out = at("tap-off", DAY, "08:20:00", "4000", "50");
    // Half an hour later the card is fifty kilometres away, says a record that comes on the next day; and it has counted on.
    let late = at("tap-on", DAY, "08:22:00", "50000", "51");
    // What the next day brings is held against what the last one left.
    let after = at("tap-on", NEXT_DAY, "03:59:00", "0", "20");
    house.clear(DAY, &[gates.file(&house, "first.csv", [0, 1])]).done();
    let before = every_file(&house.day(DAY));
    assert_eq!(flagged(&house, DAY, "operator-02"), BTreeSet::new());
    house.clear(NEXT_DAY, &[gates.file(&house, "second.csv", [2, 3])]).done();
    assert_same(&before, &every_file(&house.day(DAY)), "a closed day keeps its bytes");
    let detail = sheet(&house, DAY, "operator-02", "detail.csv");
    let number = detail.rows().find(|line| line.text("ride_id") == out).expect("the ride's line").text("line").to_owned();
    let travel = "seconds=120;metres=46034;km_per_hour=921";
    let found = flagged(&house, NEXT_DAY, "operator-02");
    assert!(found.contains(&row([&late, "impossible-travel", &out, DAY, &number, travel])), "{found:?}");
    assert!(found.iter().any(|row| row[0] == after && row[1] == "counter-backwards" && row[2] == late && row[3].is_empty()), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
    house.verify();
    assert_rebuilt(&house);
}

#[test]
fn memory_reaches_over_the_end_of_a_day() {
    let (house, mut gates) = (metro(), Gates::default());
    let mut at = |kind: &str, time: (&str, &str), gate: &str, card: &str, station: &str, counter: &str| gates.tap(kind, time, gate, card, station, counter);
    let edge = [(NEXT_DAY, "03:59:55"), (NEXT_DAY, "04:00:05")];
    let gate = edge.map(|time| at("tap-on", time, "g", "twice", "0", ""));
    let far = [at("tap-on", edge[0], "p", "far", "0", ""), at("tap-on", edge[1], "q", "far", "50000", "")];
    let count = [at("tap-on", (DAY, "12:00:00"), "p", "count", "0", "9"), at("tap-on", (NEXT_DAY, "12:00:00"), "q", "count", "0", "9")];
    let missing: Vec<String> = [(DAY, "06:00:00", "0"), (DAY, "12:00:00", "50000"), (DAY, "18:00:00", "0"), (NEXT_DAY, "06:00:00", "50000")]
        .map(|(date, time, station)| at("tap-on", (date, time), "m", "dodger", station, ""))
        .to_vec();
    house.clear(DAY, &[gates.file(&house, "first.csv", [0, 2, 4, 6, 7, 8])]).done();
    house.clear(NEXT_DAY, &[gates.file(&house, "second.csv", [1, 3, 5, 9])]).done();
    let found: BTreeSet<[String; 4]> =
        flagged(&house, NEXT_DAY, "operator-02").into_iter().map(|[record, name, other, day, ..]| [record, name, other, day]).collect();
    let expected = [
        (&gate[1], "same-gate", &gate[0], DAY),
        (&far[1], "impossible-travel", &far[0], DAY),
        (&count[1], "counter-repeated", &count[0], DAY),
        // Given up by the tap-on of the next day, whose files have its line.
        (&missing[3], "missing-tap-offs", &missing[2], ""),
    ];
    assert_eq!(found, expected.into_iter().map(|(record, name, other, day)| [record, name, other, day].map(str::to_owned)).collect());
    assert_eq!(flagged(&house, DAY, "operator-02"), BTreeSet::new());
}

/// Everything but manifests, and exceptions without what is flagged.
fn but_flagged(house: &House, day: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = canonical(&house.day(day));
    files.retain(|name, _| !name.ends_with("manifest.json"));
    for (name, bytes) in &mut files {
        if name.ends_with("exceptions.csv") {
            let text = String::from_utf8(std::mem::take(bytes)).expect("UTF-8");
            *bytes = text.lines().filter(|line| !line.contains(",flagged,")).flat_map(|line| [line, "\n"]).collect::<String>().into_bytes();
        }
    }
    files
}

#[test]
fn no_amount_depends_on_what_is_looked_for() {
    let day = province::day(7, 3_000);
    let houses = [true, false].map(|on| {
        let house = House::copied("sichuan");
        let path = house.scheme.join("scheme.toml");
        let settings = std::fs::read_to_string(&path).expect("settings");
        let (before, _) = settings.split_once("# Oddities").expect("the bundled scheme looks for oddities");
        if !on {
            std::fs::write(&path, before).expect("settings");
        }
        let result = house.clear(DAY, &[house.write("day.csv", &day)]).done();
        (house, result)
    });
    let flagged = |house: &House| -> usize {
        let rows =
            |party: &String| Sheet::read(&house.day(DAY).join(party).join("exceptions.csv")).rows().filter(|line| line.text("outcome") == "flagged").count();
        parties(&house.day(DAY)).iter().map(rows).sum()
    };
    let [(on, on_result), (off, off_result)] = &houses;
    assert!(flagged(on) > 10 && flagged(off) == 0, "{} rows", flagged(on));
    assert_same(&but_flagged(off, DAY), &but_flagged(on, DAY), "with and without");
    for key in ["cleared", "held", "rejected", "rides", "entries", "postings", "debit_minor", "credit_minor", "gross_minor", "fee_minor"] {
        assert_eq!(on_result[key], off_result[key], "{key}");
    }
}

#[test]
fn the_same_set_gives_the_same_rows_however_it_comes() {
    let day = province::day(11, 2_000);
    let (header, rows) = day.split_once('\n').expect("a header");
    let mut rows: Vec<&str> = rows.lines().collect();
    let one = House::bundled("sichuan");
    one.clear(DAY, &[one.write("day.csv", &day)]).done();
    rows.reverse();
    let many = House::bundled("sichuan");
    let files: Vec<PathBuf> =
        rows.chunks(300).enumerate().map(|(at, rows)| many.write(&format!("{at}.csv"), format!("{header}\n{}\n", rows.join("\n")))).collect();
    let mut command = many.command("clear", ["--workers", "3", "--day", DAY]);
    crate::house::Ran::of(command.args(&files).output().expect("it runs")).done();
    assert_same(&canonical(&one.day(DAY)), &canonical(&many.day(DAY)), "however they come");
}

#[test]
fn scheme_check_says_what_is_not_looked_at() {
    let house = metro();
    let check = |json: bool| {
        let flags: &[&str] = if json { &["--json"] } else { &[] };
        tapclear(["scheme", "check"].iter().chain(flags).copied().chain([house.scheme.to_str().expect("UTF-8")]))
    };
    assert_eq!(check(true).done()["notes"], serde_json::json!([]));
    std::fs::write(house.scheme.join("locations.csv"), LOCATIONS.to_owned() + "station,9,,\n").expect("written");
    let notes = check(true).done()["notes"].clone();
    assert_eq!(notes[0]["message"], "1 of 5 places have neither coordinates nor a row in travel.csv", "{notes}");
    assert!(check(false).stdout.contains("note: locations.csv: 1 of 5 places"), "{}", check(false).stdout);
    house.edit("scheme.toml", "within_seconds = 20", "within_seconds = 0");
    let ran = check(false);
    let said = ran.refused();
    assert!(said.contains("scheme.toml:") && said.contains("`oddities.same_gate.within_seconds` is out of range") && said.contains("from 1 to 3600"), "{said}");
}
