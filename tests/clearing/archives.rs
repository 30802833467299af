//! Days that the scheme does not keep in the journal are moved, not lost: everything reads them where they are, the journal
//! says that they moved, and an archive that is missing or was changed is noticed.

use crate::house::{DAY, House, number};
use crate::published::{assert_same, canonical, every_file};
use crate::transit::{self, Row, csv, day};
use serde_json::{Value, json};
use std::path::PathBuf;

const DAYS: [&str; 5] = [DAY, "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"];

/// Four settled days and an open one; the last two settled ones are to stay.
fn house_of_days(seed: u64) -> (House, Vec<Row>) {
    let house = transit::house();
    let scheme = std::fs::read_to_string(house.scheme.join("scheme.toml")).expect("a scheme");
    house.write("scheme/scheme.toml", format!("{scheme}\n[retention]\njournal_days = 2\n"));
    let rows = day(seed, 1500);
    let mut parts = rows.chunks(300);
    for clearing_day in &DAYS[..4] {
        house.clear(clearing_day, &[house.write(&format!("{clearing_day}.csv"), csv(parts.next().expect("rows")))]).done();
    }
    let rest: Vec<Row> = parts.flatten().cloned().collect();
    (house, rest)
}

fn archive(house: &House) -> Value {
    let scheme = house.scheme.clone();
    house.run("archive", ["--scheme".as_ref(), scheme.as_os_str()]).done()
}

fn archives(house: &House) -> Vec<PathBuf> {
    let folder = house.ledger().join("archive");
    every_file(&folder).into_keys().map(|name| folder.join(name)).collect()
}

fn block(house: &House, height: u64) -> Value {
    house.run("inspect", ["--block", &height.to_string()]).done()
}

/// What moving days does not touch: the counts that `verify` comes to, and all accounts.
fn kept(house: &House) -> Value {
    let report = house.run("verify", [""; 0]).done();
    assert_eq!(report["differences"], json!([]));
    let accounts = house.run("inspect", [""; 0]).done()["accounts"].take();
    assert!(accounts.as_array().is_some_and(|accounts| accounts.len() > 20));
    json!([report["records"], report["decisions"], accounts])
}

#[test]
fn moved_days_are_read_verified_settled_and_rebuilt_as_before() {
    let (house, rest) = house_of_days(61);
    let (before, head) = (kept(&house), house.head());
    let blocks: Vec<Value> = (1..=number(&house.run("verify", [""; 0]).done(), "blocks").unsigned_abs()).map(|height| block(&house, height)).collect();
    let result = archive(&house);
    let moved = &result["moved"];
    // The open day is the fifth: the third and fourth stay.
    assert_eq!((moved["through"].as_str(), number(moved, "first")), (Some(DAYS[1]), 1), "{result}");
    let last = number(moved, "last").unsigned_abs();
    assert_eq!(kept(&house), before);
    for (height, before) in (1u64..).zip(&blocks) {
        let mut now = block(&house, height);
        assert_eq!(now["archived"], json!(height <= last), "{height}");
        now["archived"] = json!(false);
        assert_eq!(now, *before);
    }
    // The journal says so, and goes on from where it was.
    let event = block(&house, blocks.len() as u64 + 1);
    let (digest, said) = (moved["digest"].as_str().expect("a digest"), event["event"]["event"].as_str().expect("an event"));
    assert!(
        said == "days_archived" && event["event"]["digest"] == *digest && event["prev"].as_str().is_some_and(|prev| head.ends_with(prev)),
        "{said} {digest}"
    );
    assert_eq!(archive(&house)["moved"], Value::Null);
    // The blocks are in the archive alone.
    let name = archives(&house).pop().expect("an archive");
    let archived = std::fs::read(&name).expect("it is there");
    let piece = &archived[archived.len() / 2..][..24];
    let holders: Vec<String> =
        every_file(&house.ledger()).into_iter().filter(|(_, bytes)| bytes.windows(piece.len()).any(|window| window == piece)).map(|(name, _)| name).collect();
    assert_eq!(holders.len(), 1, "{holders:?}");
    assert!(holders[0].starts_with("archive/"));
    // Old days are settled to the same bytes; late records still find what closed days settled of their cards.
    for day in &DAYS[..4] {
        let published = canonical(&house.day(day));
        std::fs::remove_dir_all(house.day(day)).expect("it was published");
        house.run("settle", ["--day", day]).done();
        assert_same(&published, &canonical(&house.day(day)), day);
    }
    let again = transit::house();
    again.write("scheme/scheme.toml", std::fs::read(house.scheme.join("scheme.toml")).expect("a scheme"));
    let rows = day(61, 1500);
    for (clearing_day, rows) in DAYS[..4].iter().zip(rows.chunks(300)) {
        again.clear(clearing_day, &[again.write(&format!("{clearing_day}.csv"), csv(rows))]).done();
    }
    for house in [&house, &again] {
        house.clear(DAYS[4], &[house.write("late.csv", csv(&rest))]).done();
    }
    assert_same(&canonical(&again.day(DAYS[4])), &canonical(&house.day(DAYS[4])), "a day after days were moved");
    // The next days move into a file of their own.
    let next = archive(&house);
    assert_eq!((next["moved"]["through"].as_str(), number(&next["moved"], "first")), (Some(DAYS[2]), number(moved, "last") + 1));
    assert_eq!(number(&next, "archives"), 2);
    house.verify();
    // What was settled in the last rounds is settled again at another end of the journal: only the canonical files are the same.
    std::fs::remove_dir_all(house.path("out")).expect("it was published");
    for day in DAYS {
        house.run("settle", ["--day", day]).done();
    }
    let archived = every_file(&house.ledger().join("archive"));
    let published: Vec<_> = DAYS.iter().map(|day| canonical(&house.day(day))).collect();
    let result = crate::rebuilding::rebuilt(&house, "new", &[]).done();
    assert_eq!(result["differ"], json!([]), "{result}");
    assert_same(&archived, &every_file(&house.path("new/archive")), "rebuilt archives");
    for (day, published) in DAYS.iter().zip(published) {
        assert_same(&published, &canonical(&house.path("new-out").join(day)), day);
    }
}

#[test]
fn a_missing_or_changed_archive_is_noticed_and_named() {
    let (house, _) = house_of_days(62);
    archive(&house);
    let path = archives(&house).pop().expect("an archive");
    let (whole, name) = (std::fs::read(&path).expect("it is there"), path.file_name().expect("a name").to_string_lossy().into_owned());
    let refused = |what: &str, everywhere: bool| {
        for command in if everywhere { &["status", "verify", "inspect"][..] } else { &["verify"] } {
            let words = house.run(command, [""; 0]).refused().to_owned();
            assert!(words.contains(&name), "{what}, {command}: {words}");
        }
    };
    std::fs::remove_file(&path).expect("it was there");
    refused("missing", true);
    for keep in [0, 7, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..keep]).expect("writes");
        refused("cut", true);
    }
    let table = whole.len() - 40;
    for at in [0, 8, 60, whole.len() / 3, whole.len() / 2, table + 3, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 2;
        std::fs::write(&path, flipped).expect("writes");
        refused(&format!("byte {at} changed"), at < 8 || at >= table);
    }
    std::fs::write(&path, &whole).expect("writes");
    house.verify();
    // With the blocks of another ledger.
    let (other, _) = house_of_days(63);
    archive(&other);
    std::fs::copy(archives(&other).pop().expect("an archive"), &path).expect("copies");
    refused("another's", true);
}

#[test]
fn a_ledger_with_archives_is_backed_up_with_them() {
    let (house, rest) = house_of_days(64);
    archive(&house);
    let backups = house.path("backups");
    house.run("backup", ["--to".as_ref(), backups.as_os_str()]).done();
    house.ingest(DAYS[4], &[house.write("late.csv", csv(&rest))]).done();
    let (into, more) = (house.path("restored"), ["--from".as_ref(), backups.as_os_str()]);
    let arguments = ["restore".as_ref(), "--json".as_ref(), "--ledger".as_ref(), into.as_os_str()];
    crate::house::tapclear(arguments.into_iter().chain(more)).done();
    assert_same(&every_file(&house.ledger().join("archive")), &every_file(&into.join("archive")), "restored archives");
    std::fs::remove_dir_all(house.ledger()).expect("it was there");
    std::fs::rename(&into, house.ledger()).expect("a new name");
    house.verify();
    house.ingest(DAYS[4], &[house.path("late.csv")]).done();
    house.verify();
}

#[test]
fn nothing_is_moved_that_is_young_unsettled_or_unspoken_of() {
    let house = transit::house();
    house.clear(DAY, &[house.write("one.csv", csv(&day(65, 100)))]).done();
    let scheme = house.scheme.clone();
    let run = || house.run("archive", ["--scheme".as_ref(), scheme.as_os_str()]);
    assert!(run().refused().contains("retention"));
    let text = std::fs::read_to_string(scheme.join("scheme.toml")).expect("a scheme");
    house.write("scheme/scheme.toml", format!("{text}\n[retention]\njournal_days = 2\n"));
    assert_eq!(run().done(), json!({ "moved": null, "archives": 0 }));
    assert!(!house.ledger().join("archive").exists());
}
