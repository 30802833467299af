//! `tariff try`: what a fare officer types is priced as the close would price it, with steps that lead from the list price to
//! the charge, and with the reason of every rule that did not apply.

use crate::house::{House, Ran, root, tapclear};
use serde_json::Value;

fn tried(city: &str, more: &[&str]) -> Ran {
    let scheme = root().join("replay-data/fares").join(city);
    let mut arguments = vec!["tariff".to_owned(), "try".to_owned(), "--scheme".to_owned(), scheme.display().to_string()];
    arguments.extend(more.iter().map(|&word| word.to_owned()));
    tapclear(arguments)
}

fn rides(ran: &Ran) -> Vec<Value> {
    ran.done()["rides"].as_array().expect("a list").clone()
}

/// What each ride costs, after a look at its steps.
#[track_caller]
fn prices(city: &str, more: &[&str]) -> Vec<i64> {
    let ran = tried(city, &[&["--json"], more].concat());
    rides(&ran).iter().map(check_steps).collect()
}

/// Steps begin at the list price, each goes on where the one before it ended, and the last ends at the charge.
#[track_caller]
pub fn check_steps(ride: &Value) -> i64 {
    let minor = |value: &Value| value["after_minor"].clone();
    let steps = ride["steps"].as_array().expect("a list");
    let list = steps.iter().take_while(|step| matches!(step["kind"].as_str(), Some("base" | "overstay"))).last().expect("a base");
    let number = |step: &Value, key: &str| step[key].as_i64();
    let added: i64 =
        steps.iter().filter(|step| step["kind"] == "surcharge").filter_map(|step| Some(number(step, "after_minor")? - number(step, "before_minor")?)).sum();
    assert_eq!(number(list, "after_minor").map(|list| list + added), number(ride, "list_minor"), "{ride}");
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["after_minor"], pair[1]["before_minor"], "{ride}");
    }
    assert_eq!(minor(steps.last().expect("a base")), ride["charged_minor"], "{ride}");
    let discounts: i64 = ride["discounts"].as_array().expect("a list").iter().map(|part| part["amount_minor"].as_i64().expect("a number")).sum();
    let charged = ride["charged_minor"].as_i64().expect("a number");
    assert_eq!(ride["list_minor"].as_i64(), Some(charged + discounts), "{ride}");
    charged
}

#[test]
fn worked_examples_are_tried_in_a_line_each() {
    for (city, taps, expected) in [
        ("chongqing-rail", &["2026-03-02 06:59:59 on 1", "08:00 off 2"][..], &[350][..]),
        ("chongqing-rail", &["2026-03-02 07:00:00 on 1", "08:00 off 2"], &[450]),
        ("chengdu-metro", &["--class", "student", "2026-03-02 10:00 on 0", "11:00 off 12001"], &[250]),
        ("chengdu-metro", &["--medium", "card", "2026-03-02 08:00 on 0", "12:00:01 off 10000"], &[1560]),
        ("chengdu-metro", &["--birth", "1954-01-01", "2026-03-03 07:29:59 on 0", "08:10 off 10000"], &[0]),
        ("chengdu-metro", &["--birth", "1954-01-01", "--medium=card", "2026-03-03 07:30 on 0", "08:10 off 10000"], &[360]),
        ("chongqing-transfer", &["2026-03-02 08:00 bus route=1", "08:20 on 1", "08:55 off 2"], &[180, 300]),
        ("chongqing-transfer", &["2026-03-02 08:20 on 1", "08:55 off 2", "09:55:01 bus route=1"], &[450, 180]),
        ("chongqing-transfer", &["--class", "disabled", "2026-03-02 08:00 bus route=1", "08:59 bus route=901"], &[100, 250]),
        ("panan-concessions", &["--card", "seventy", "2025-06-14 23:59:59 bus route=2", "2025-06-15 00:00 bus route=2"], &[100, 0]),
        ("panan-concessions", &["2025-06-16 12:00 bus route=1 card=ordinary"], &[143]),
        ("bank-incentive", &["2026-03-02 08:00 bus", "09:00 bus", "10:00 bus"], &[90, 90, 180]),
    ] {
        assert_eq!(prices(city, taps), expected, "{city} {taps:?}");
    }
}

#[test]
fn rules_say_what_they_did_and_why_they_did_not() {
    let ran = tried("chongqing-rail", &["--json", "2026-03-02 06:59:59 on 1", "08:00 off 2"]);
    let ride = &rides(&ran)[0];
    let step = &ride["steps"][1];
    assert_eq!((step["rule"].as_str(), step["kind"].as_str()), (Some("early-bird"), Some("discount")));
    assert_eq!((step["before_minor"].as_i64(), step["after_minor"].as_i64()), (Some(500), Some(350)));
    assert_eq!(step["funders"][0]["party"], "earner");
    let passed: Vec<(&str, &str)> =
        ride["passed"].as_array().expect("a list").iter().map(|rule| (rule["rule"].as_str().expect("a name"), rule["why"].as_str().expect("a word"))).collect();
    assert_eq!(passed, [("monthly-spend", "dearer"), ("qr-regulars", "condition")]);

    // A fraction is shown until it is rounded.
    let ride = &rides(&tried("panan-concessions", &["--json", "2025-06-16 12:00 bus route=1 card=ordinary"]))[0];
    let steps: Vec<(&str, &Value)> =
        ride["steps"].as_array().expect("a list").iter().map(|step| (step["kind"].as_str().expect("a word"), &step["after_minor"])).collect();
    assert_eq!(steps, [("base", &Value::from(150)), ("discount", &Value::from("142.5")), ("rounding", &Value::from(143))]);

    let english = tried("chongqing-transfer", &["2026-03-02 08:20 on 1", "08:55 off 2", "09:55:01 bus route=1"]);
    assert_eq!(english.code, Some(0), "{}", english.stderr);
    for words in ["base price", "too long after 2026-03-02 08:55:00", "list price 5.00 = rider 4.50", "to pay 6.30"] {
        assert!(english.stdout.contains(words), "{words}: {}", english.stdout);
    }
    let chinese = tried("chongqing-transfer", &["--lang", "zh", "2026-03-02 08:20 on 1", "08:55 off 2", "09:55:01 bus route=1"]);
    for words in ["基础票价", "已超过时限", "票面价 5.00 = 乘客 4.50", "应付合计 6.30"] {
        assert!(chinese.stdout.contains(words), "{words}: {}", chinese.stdout);
    }
}

#[test]
fn surcharges_and_the_rides_of_a_journey_are_told_in_both_languages() {
    let folder = tempfile::tempdir().expect("a folder");
    let tariff = r#"in_force_from = "2020-01-01"

[[period]]
name = "night"
times = ["23:00 to 05:00"]

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[adjust]]
name = "changes"
rule = "transfer"
window_minutes = 60
rides_max = 9
percent = "100"
funder = "earner"

[[adjust]]
name = "third"
rule = "discount"
nth = { per = "journey", transfer = "changes", rides = [3] }
percent = "0"
funder = "fund-01"

[[adjust]]
name = "night"
rule = "surcharge"
when = ["night"]
amount_minor = 100
"#;
    std::fs::write(folder.path().join("tariff.toml"), tariff).expect("a file");
    let own = folder.path().to_str().expect("UTF-8");
    let taps = ["--tariff", own, "2026-03-02 22:30 bus", "22:59:59 bus", "23:00 bus"];
    assert_eq!(prices("chongqing-transfer", &taps), [200, 200, 100]);
    let last = &rides(&tried("chongqing-transfer", &[&["--json"], &taps[..]].concat()))[2];
    let steps = last["steps"].as_array().expect("a list").iter();
    let steps: Vec<String> = steps.map(|step| format!("{} {} {}", step["rule"], step["kind"], step["after_minor"]).replace('"', "")).collect();
    assert_eq!(steps, ["bus base 200", "changes transfer 200", "third discount 0", "night surcharge 100"]);
    assert_eq!((last["list_minor"].as_i64(), last["steps"][3]["funders"].as_array().map(Vec::len)), (Some(300), Some(0)));
    for (lang, words) in [
        ("en", ["surcharge", "this is ride 2 of its journey", "list price 3.00 = rider 1.00 + fund-01"]),
        ("zh", ["附加费", "这是本次行程的第 2 段", "票面价 3.00 = 乘客 1.00 + fund-01"]),
    ] {
        let said = tried("chongqing-transfer", &[&["--lang", lang], &taps[..]].concat());
        words.into_iter().for_each(|words| assert!(said.stdout.contains(words), "{words}: {}", said.stdout));
    }
}

#[test]
fn a_journey_without_an_end_is_shown_as_it_would_be_given_up() {
    let ran = tried("chengdu-metro", &["--json", "2026-03-02 10:00 on 0"]);
    let ride = &rides(&ran)[0];
    assert_eq!((check_steps(ride), ride["given_up_at"].as_str(), ran.done()["charged_minor"].as_i64()), (1200, Some("2026-03-03 10:00:00"), Some(0)));
    assert_eq!(ride["flags"][0], "no-tap-off");
}

#[test]
fn rows_of_a_csv_are_taps_of_several_riders() {
    let house = House::bundled("fares/whole-day");
    let csv = "time,kind,place,mode,card,class\n# morning\n2026-03-02 08:00,boarding,,bus,a,\n2026-03-02 08:20,on,1,,a,\n08:55,off,2,,a,\n10:00,on,1,,b,student\n10:30,off,station:2,,b,student\n";
    let file = house.write("taps.csv", csv);
    let file = file.to_string_lossy();
    assert_eq!(prices("whole-day", &["--csv", &file]), [180, 300, 250]);
}

#[test]
fn the_registry_fills_in_what_is_not_typed() {
    let scheme = root().join("replay-data/sichuan");
    let ran = tapclear([
        "tariff",
        "try",
        "--json",
        "--scheme",
        &scheme.to_string_lossy(),
        "--card",
        "p18890be99dc6e96",
        "2026-03-02 08:00 on 1105",
        "08:40 off 1101",
    ]);
    let ride = &rides(&ran)[0];
    check_steps(ride);
    let tap = &ride["taps"][1];
    assert_eq!((tap["class"].as_str(), tap["mode"].as_str(), tap["issuer"].as_str()), (Some("adult"), Some("metro"), Some("bank-12")), "{tap}");
}

#[test]
fn another_tariff_is_tried_with_the_scheme_s_own_registry() {
    let other = House::copied("fares/whole-day");
    other.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    let tariff = other.scheme.join("tariff");
    let taps = ["2026-03-02 08:00 bus"];
    assert_eq!(prices("whole-day", &taps), [180]);
    assert_eq!(prices("whole-day", &[&["--tariff", tariff.to_str().expect("UTF-8")], &taps[..]].concat()), [270]);
    other.edit("tariff/tariff.toml", "amount_minor = 300", "amount_minor = -300");
    let ran = tried("whole-day", &["--tariff", tariff.to_str().expect("UTF-8"), taps[0]]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("tariff/tariff.toml") && ran.stderr.contains("amount_minor"), "{}", ran.stderr);
}

#[test]
fn what_is_not_understood_is_refused_with_what_it_could_have_been() {
    for (taps, problem, hint) in [
        (&["08:00 on 1"][..], "no date", "begin the first tap with its date"),
        (&["2026-03-02 08:00 onn 1"], "`onn` is no kind of record", "did you mean `on`?"),
        (&["2026-03-02 on 1"], "`` is not a time of day", "08:20"),
        (&["2026-03-02 08:00 on 99999"], "or place of the scheme", "kind:code"),
        (&["2026-03-02 08:00 on place=99999"], "`99999` is no place", "kind:code"),
        (&["2026-03-02 08:00 on 1 clas=student"], "there is no key `clas`", "did you mean `class`?"),
        (&["2026-03-02 08:00 on 1 2"], "`1` and `2` are both its place", "key=value"),
        (&["2026-03-02 08:00 on 6222021234567890128"], "a value of 19 characters", "kind:code"),
        (&[], "no tap to price", "tapclear tariff try"),
    ] {
        let ran = tried("whole-day", taps);
        let said = ran.refused();
        assert!(said.contains(problem) && said.contains(hint), "{taps:?}: {said}");
    }
    // A record that no base rule is for is something to look at.
    let ran = tried("whole-day", &["2026-03-02 08:00 ferry operator-01"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.contains("218 no-tariff"), "{}", ran.stdout);
}
