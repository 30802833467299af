//! What scripts and people rely on: names of keys, exit codes, the words on stderr, and all mistakes at once.

use crate::house::{DAY, House, Ran, program, tapclear};
use crate::transit::{self, csv, day};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;

/// Keys that `clear` and `ingest` always have.
const KEYS: [&str; 18] = [
    "received",
    "cleared",
    "duplicate",
    "conflict",
    "held",
    "rejected",
    "rides",
    "charged_rides",
    "capped_rides",
    "entries",
    "postings",
    "debit_minor",
    "credit_minor",
    "gross_minor",
    "fee_minor",
    "seconds",
    "records_per_second",
    "repeated",
];

#[track_caller]
fn has_keys(result: &Value) {
    for key in KEYS {
        match key {
            "repeated" => assert!(result[key].is_boolean(), "{key}: {result}"),
            "seconds" => assert!(result[key].is_number(), "{key}: {result}"),
            _ => assert!(result[key].is_i64(), "{key}: {result}"),
        }
    }
}

#[test]
fn clear_and_ingest_print_one_object_with_all_keys() {
    let house = transit::house();
    let rows = day(21, 600);
    let (one, two) = rows.split_at(300);
    let files = [house.write("one.csv", csv(one)), house.write("two.csv", csv(two))];
    let ingested = house.ingest(DAY, &files[..1]);
    has_keys(&ingested.done());
    assert_eq!(ingested.stdout.lines().count(), 1);
    let cleared = house.clear(DAY, &files);
    let result = cleared.done();
    has_keys(&result);
    assert_eq!(cleared.stdout.lines().count(), 1);
    let sum: i64 = ["cleared", "duplicate", "held", "rejected"].map(|key| result[key].as_i64().expect("a count")).iter().sum();
    assert_eq!(result["received"].as_i64(), Some(sum));
    let manifests = result["manifests"].as_array().expect("the manifests that were published");
    assert_eq!(manifests.len(), crate::published::parties(&house.day(DAY)).len());
    for manifest in manifests {
        assert_eq!(manifest["sha256"].as_str().map(str::len), Some(64), "{manifest}");
    }
    let again = house.clear(DAY, &files).done();
    has_keys(&again);
    assert_eq!(again["manifests"], result["manifests"]);
    house.verify();
}

#[test]
fn the_files_that_are_acknowledged_are_durable() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(22, 400)));
    let acks = house.path("acks");
    house.run("ingest", [OsStr::new("--day"), OsStr::new(DAY), OsStr::new("--acks"), acks.as_os_str(), file.as_os_str()]).done();
    let text = std::fs::read_to_string(acks).expect("acknowledgements");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() >= 2, "{text}");
    let (last, groups) = lines.split_last().expect("some lines");
    assert_eq!(last[0], "booked");
    assert_eq!(last[3], house.head());
    for group in groups {
        assert_eq!(group[0], "durable");
        assert_eq!(group[1], file.to_string_lossy());
    }
    let rows = std::fs::read_to_string(&file).expect("the day").lines().count() - 1;
    assert_eq!(groups.last().map(|group| group[2]), Some(rows.to_string().as_str()), "rows so far");
}

#[test]
fn a_file_that_no_section_is_for_is_refused() {
    let house = transit::house();
    let file = house.write("day.xlsx", "PK");
    let ran = house.clear(DAY, &[file]);
    assert!(ran.refused().contains("day.xlsx"), "{}", ran.stderr);
    assert_eq!(house.files(), []);
}

#[test]
fn what_cannot_be_meant_is_exit_2() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&[]));
    for day in ["2026-02-30", "tomorrow", "20260302"] {
        assert_eq!(house.clear(day, std::slice::from_ref(&file)).code, Some(2), "{day}");
    }
    for arguments in [&["clear"][..], &["no-such-command"], &["status"], &["clear", "--workers", "0"], &["status", "--ledger", "/nonexistent/ledger"]] {
        let ran = tapclear(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.stderr.contains("error: "), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert!(!house.ledger().exists());
    assert_eq!(tapclear(["--help"]).code, Some(0));
    assert_eq!(tapclear(["--version"]).code, Some(0));
}

#[test]
fn a_path_that_cannot_be_a_ledger_is_named_and_no_backup_is_asked_for() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(23, 40)));
    for place in [file.clone(), file.join("ledger")] {
        for command in [&["status"][..], &["verify"], &["ingest", "--day", DAY, "--scheme", "scheme", "day.csv"]] {
            let (name, more) = command.split_first().expect("a name");
            let mut ran = program([*name, "--ledger"]);
            let ran = Ran::of(ran.arg(&place).args(more).current_dir(house.path("")).output().expect("the program starts"));
            let words = ran.refused();
            assert!(words.contains("check --ledger") && !words.contains("backup"), "{command:?}: {words}");
        }
    }
}

/// Before anything is decided: a day that is closed and cannot be published would wait for somebody.
#[test]
fn a_place_where_days_cannot_be_published_is_refused_at_the_start() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(24, 40)));
    let link = house.path("link");
    std::os::unix::fs::symlink(house.ledger(), &link).expect("a link");
    let (places, ledger) = ([file.clone(), file.join("out"), house.ledger(), house.path("none/../ledger"), link], house.ledger());
    let run = |name: &str, out: &Path, more: &[&OsStr]| {
        let mut command = program([name, "--json", "--day", DAY, "--scheme"]);
        command.arg(&house.scheme).arg("--ledger").arg(&ledger).arg("--out").arg(out).args(more);
        Ran::of(command.output().expect("the program starts"))
    };
    let map = house.map.clone().expect("a mapping");
    let more = ["--map".as_ref(), map.as_os_str(), file.as_os_str()];
    std::fs::create_dir(house.path("none")).expect("a folder");
    for place in &places {
        assert!(run("clear", place, &more).refused().contains("--out"), "{}", place.display());
        assert!(!ledger.exists(), "{}", place.display());
    }
    house.ingest(DAY, std::slice::from_ref(&file)).done();
    let head = house.head();
    for place in &places {
        assert!(run("clear", place, &more).refused().contains("--out"), "{}", place.display());
        assert_eq!(house.head(), head, "{}", place.display());
    }
    house.run("close", ["--day", DAY]).done();
    for place in &places {
        assert!(run("settle", place, &[]).refused().contains("--out"), "{}", place.display());
    }
    run("settle", &house.path("deep/er/out"), &[]).done();
    house.verify();
}

#[test]
fn the_bundled_schemes_have_no_mistakes() {
    for name in ["sichuan", "shenzhen", "oyster"] {
        let house = House::bundled(name);
        let mut arguments = vec!["scheme".as_ref(), "check".as_ref(), "--json".as_ref(), house.scheme.as_os_str()];
        if let Some(map) = &house.map {
            arguments.extend([OsStr::new("--map"), map.as_os_str()]);
        }
        assert_eq!(tapclear(arguments).done()["mistakes"], serde_json::json!([]), "{name}");
    }
}

#[test]
fn all_mistakes_of_a_scheme_are_told_at_once_with_file_and_line() {
    let house = transit::house();
    house.edit("scheme.toml", "time_zone = \"Asia/Shanghai\"", "time_zone = \"Asia/Shangri-La\"");
    house.edit("scheme.toml", "conflict = \"first-wins\"", "conflict = \"last-wins\"");
    house.edit("fees.toml", "rate = \"0.3%\"", "rate = \"a little\"");
    house.edit("parties.csv", "bank-02,bank,", "bank-02,banque,");
    house.edit("tariff/tariff.toml", "name = \"day-cap\"\nrule = \"day-cap\"", "name = \"day-cap\"\nrule = \"day-cup\"");
    let ran = tapclear(["scheme".as_ref(), "check".as_ref(), house.scheme.as_os_str()]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    let line_of = |file: &str, text: &str| {
        let all = std::fs::read_to_string(house.scheme.join(file)).expect("a file of the scheme");
        all.lines().position(|line| line.contains(text)).expect("the mistake") + 1
    };
    let mistakes =
        [("scheme.toml", "Shangri-La"), ("scheme.toml", "last-wins"), ("fees.toml", "a little"), ("parties.csv", "banque"), ("tariff.toml", "day-cup")];
    for (file, text) in mistakes {
        let path = if file == "tariff.toml" { "tariff/tariff.toml" } else { file };
        let place = format!("{file}:{}", line_of(path, text));
        assert!(ran.stderr.contains(&place), "{place} is not told in {}", ran.stderr);
    }
    // A scheme with mistakes clears nothing, and says the same.
    let file = house.write("day.csv", csv(&day(1, 10)));
    let cleared = house.clear(DAY, &[file]);
    assert_eq!(cleared.code, Some(2));
    assert!(cleared.stderr.contains("parties.csv:"), "{}", cleared.stderr);
    assert!(!house.ledger().exists());
}

#[test]
fn a_mapping_s_mistakes_are_told_with_their_lines() {
    let mut house = transit::house();
    house.map = Some(house.write("map.toml", "[[source]]\nfiles = [\"*.csv\"]\nformat = \"cvs\"\ncolour = \"red\"\n"));
    let file = house.write("day.csv", csv(&day(1, 10)));
    let ran = house.clear(DAY, &[file]);
    assert_eq!(ran.code, Some(2));
    for place in ["map.toml:3", "map.toml:4"] {
        assert!(ran.stderr.contains(place), "{place} is not told in {}", ran.stderr);
    }
    assert!(!house.ledger().exists());
}

#[test]
fn words_can_be_chinese_and_data_stay_as_they_are() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(23, 300)));
    let ran = house.run("clear", [OsStr::new("--lang"), OsStr::new("zh"), OsStr::new("--day"), OsStr::new(DAY), file.as_os_str()]);
    has_keys(&ran.done());
    let ledger = house.ledger();
    for (lang, word) in [("en", "received"), ("zh", "收到")] {
        let ran = tapclear(["status".as_ref(), "--lang".as_ref(), lang.as_ref(), "--ledger".as_ref(), ledger.as_os_str()]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains(word), "{lang}: {}", ran.stdout);
        assert!(ran.stdout.contains(DAY));
    }
    let ran = tapclear(["status".as_ref(), "--lang".as_ref(), "zh".as_ref(), "--ledger".as_ref(), ledger.as_os_str()]);
    assert!(ran.stdout.contains("已结算") && !ran.stdout.contains("settled"), "{}", ran.stdout);
    let ran = tapclear(["verify".as_ref(), "--lang".as_ref(), "zh".as_ref(), "--ledger".as_ref(), ledger.as_os_str()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("账本"), "{}", ran.stdout);
}

#[test]
fn status_tells_which_parties_have_their_files() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(24, 300)));
    house.clear(DAY, &[file]).done();
    let out = house.path("out");
    let board = || {
        let ran = house.run("status", [OsStr::new("--day"), OsStr::new(DAY), OsStr::new("--out"), out.as_os_str()]);
        let status: serde_json::Value = serde_json::from_str(&ran.stdout).expect("an object");
        let parties = status["parties"].as_array().expect("a list").clone();
        let of = move |party: &str| parties.iter().find(|line| line["party"] == party).expect("the party")["state"].clone();
        (ran.code, of("bank-01"), of("bank-02"), of("operator-01"))
    };
    assert_eq!(board(), (Some(0), "published".into(), "published".into(), "published".into()));
    std::fs::remove_file(house.day(DAY).join("bank-02/summary.csv")).expect("it was published");
    std::fs::remove_dir_all(house.day(DAY).join("operator-01")).expect("it was published");
    assert_eq!(board(), (Some(1), "published".into(), "not generated".into(), "not generated".into()));
    std::fs::remove_dir_all(house.day(DAY)).expect("it was published");
    assert_eq!(board(), (Some(1), "not generated".into(), "not generated".into(), "not generated".into()));
}

/// A ledger holds minor units; what they are of stands in the scheme.
#[test]
fn amounts_of_a_ledger_are_shown_in_its_scheme_s_currency_or_in_minor_units() {
    let house = transit::house();
    let gross = house.clear(DAY, &[house.write("day.csv", csv(&day(28, 200)))]).done()["gross_minor"].as_i64().expect("an amount");
    let (ledger, scheme) = (house.ledger().display().to_string(), house.scheme.display().to_string());
    let shown = |command: &str, more: &[&str]| tapclear([command, "--ledger", &ledger].iter().chain(more).copied()).stdout.replace('\u{202f}', "");
    assert!(shown("status", &[]).contains(&format!(" {gross}\n")) && shown("status", &[]).contains("minor units"));
    assert!(shown("status", &["--scheme", &scheme]).contains(&format!(" {}.{:02}\n", gross / 100, gross % 100)));
    assert!(shown("inspect", &[]).contains("minor units") && !shown("inspect", &["--scheme", &scheme]).contains("minor units"));
    let scheme_toml = std::fs::read_to_string(house.scheme.join("scheme.toml")).expect("a scheme");
    std::fs::write(house.scheme.join("scheme.toml"), format!("minor_digits = 0\n{}", scheme_toml.replace("minor_digits = 2", ""))).expect("it may be written");
    assert!(shown("status", &["--scheme", &scheme]).contains(&format!(" {gross}\n")));
}

#[test]
fn what_is_asked_of_a_ledger_and_not_there_is_refused_with_what_is() {
    let house = transit::house();
    house.clear(DAY, &[house.write("day.csv", csv(&day(25, 300)))]).done();
    let last = house.head().split(':').next().expect("a height").to_owned();
    for (command, more) in [("inspect", &["--day", "2027-01-01"][..]), ("status", &["--day", "2027-01-01"])] {
        assert!(house.run(command, more).refused().contains(DAY), "{command}");
    }
    house.run("settle", ["--day", "2027-01-01"]).refused();
    for height in ["0", "99999"] {
        assert!(house.run("inspect", ["--block", height]).refused().contains(&format!("1 to {last}")), "{height}");
    }
    // Two questions at once would have one answer.
    assert_eq!(house.run("inspect", ["--held", "--gaps"]).code, Some(2));
    let event = house.run("inspect", ["--block", "1"]).done();
    assert_eq!(event["event"]["event"], "day_opened", "{event}");
    let closed = house.run("close", ["--day", DAY]);
    assert!(closed.refused().contains("tapclear settle"), "{}", closed.stderr);
}

#[test]
fn files_that_cannot_be_written_or_read_are_told_with_a_hint() {
    let house = transit::house();
    house.clear(DAY, &[house.write("day.csv", csv(&day(26, 100)))]).done();
    let nowhere = house.path("nothing").join("file.csv").display().to_string();
    house.run("checkpoint", ["--out", &nowhere]).refused();
    house.run("status", ["--checkpoint", &nowhere]).refused();
    let broken = house.write("broken.json", "{").display().to_string();
    house.run("status", ["--checkpoint", &broken]).refused();
    house.run("ingest", ["--acks", &nowhere, &house.path("day.csv").display().to_string()]).refused();
    let scheme = house.scheme.display().to_string();
    house.run("what-if", ["--tariff", &scheme, "--csv", &nowhere]).refused();
    tapclear(["generate", "--day", DAY, "--records", "10", "--out", &nowhere]).refused();
}

#[test]
fn nothing_else_is_written_into_a_ledger_s_folder() {
    let house = transit::house();
    let file = house.write("day.csv", csv(&day(27, 100)));
    let inside = house.ledger().join("out").display().to_string();
    let words = ["clear", "--ledger", &house.ledger().display().to_string(), "--scheme", &house.scheme.display().to_string()].map(str::to_owned);
    let map = house.map.as_ref().expect("a mapping").display().to_string();
    let ran = tapclear(words.iter().map(String::as_str).chain(["--map", &map, "--out", &inside, "--day", DAY, &file.display().to_string()]));
    ran.refused();
    assert!(!house.ledger().exists());
    house.clear(DAY, &[file]).done();
    for place in [house.ledger(), house.ledger().join("db"), house.ledger().join("backups/deeper")] {
        house.run("backup", ["--to", &place.display().to_string()]).refused();
    }
    house.verify();
    assert!(!house.ledger().join("files").exists() && !house.ledger().join("backups").exists());
    // Nothing is made for a ledger that is not there either.
    let backups = house.path("backups");
    tapclear(["backup", "--ledger", &house.path("none").display().to_string(), "--to", &backups.display().to_string()]).refused();
    assert!(!backups.exists());
}
