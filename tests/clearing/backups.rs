//! A backup is a ledger that was whole when it was taken, whatever was written meanwhile; what is restored from it goes on as
//! the ledger would have; and one that a disk has changed is refused.

use crate::house::{DAY, House, Ran, number, tapclear};
use crate::published::{assert_same, canonical, every_file};
use crate::transit::{self, csv, day};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const NEXT_DAY: &str = "2026-03-03";

fn back_up(house: &House, more: &[&str]) -> Ran {
    house.run("backup", [OsStr::new("--to"), house.path("backups").as_os_str()].into_iter().chain(more.iter().map(OsStr::new)))
}

fn restore(house: &House, into: &Path, more: &[&OsStr]) -> Ran {
    let backups = house.path("backups");
    let arguments = [OsStr::new("restore"), OsStr::new("--json"), OsStr::new("--from"), backups.as_os_str(), OsStr::new("--ledger"), into.as_os_str()];
    tapclear(arguments.iter().chain(more))
}

fn of(command: &str, ledger: &Path) -> Value {
    tapclear([OsStr::new(command), OsStr::new("--json"), OsStr::new("--ledger"), ledger.as_os_str()]).done()
}

fn use_ledger(house: &House, name: &str) {
    std::fs::remove_dir_all(house.ledger()).expect("it was there");
    std::fs::rename(house.path(name), house.ledger()).expect("a new name");
}

#[test]
fn a_restored_ledger_goes_on_as_the_one_that_was_lost() {
    let house = transit::house();
    let rows = day(81, 1200);
    house.clear(DAY, &[house.write("one.csv", csv(&rows[..500]))]).done();
    house.ingest(NEXT_DAY, &[house.write("two.csv", csv(&rows[500..900]))]).done();
    let first = back_up(&house, &[]).done();
    assert_eq!((number(&first, "backup"), first["open_day"].as_str()), (1, Some(NEXT_DAY)));
    assert_eq!(first["head"], house.head().as_str());
    let verified = of("verify", &house.ledger());
    // What is there stays as it is; only what is new is stored.
    let stored = every_file(&house.path("backups"));
    house.clear(NEXT_DAY, &[house.write("three.csv", csv(&rows[800..]))]).done();
    let expected = canonical(&house.day(NEXT_DAY));
    let second = back_up(&house, &[]).done();
    assert_eq!(number(&second, "backup"), 2);
    assert!(number(&second, "new_files") < number(&second, "files"), "{second}");
    let now = every_file(&house.path("backups"));
    assert!(stored.iter().all(|(name, bytes)| now.get(name) == Some(bytes)));
    assert_eq!(number(&back_up(&house, &[]).done(), "new_files"), 0);

    let restored = restore(&house, &house.path("restored"), &[OsStr::new("--backup"), OsStr::new("1")]).done();
    assert_eq!(restored["head"], first["head"]);
    assert_eq!(of("verify", &house.path("restored"))["digests"], verified["digests"]);
    use_ledger(&house, "restored");
    // A day that was settled is settled to the same bytes, and the open day goes on.
    house.run("settle", ["--day", DAY]).done();
    let published = house.day(NEXT_DAY);
    std::fs::remove_dir_all(&published).expect("it was published");
    house.clear(NEXT_DAY, &[house.path("three.csv")]).done();
    assert_same(&expected, &canonical(&published), "cleared by what was restored");
    house.verify();
    // The newest unless one is named; a checkpoint tells one that is too old.
    let checkpoint = house.path("checkpoint.json");
    let newest = restore(&house, &house.path("newest"), &[]).done();
    assert_eq!((number(&newest, "backup"), &newest["head"]), (3, &second["head"]));
    use_ledger(&house, "newest");
    house.run("checkpoint", ["--out".as_ref(), checkpoint.as_os_str()]).done();
    let beside = [OsStr::new("--checkpoint"), checkpoint.as_os_str()];
    restore(&house, &house.path("same"), &beside).done();
    let older = restore(&house, &house.path("older"), &[&beside[..], &[OsStr::new("--backup"), OsStr::new("1")]].concat());
    assert!(older.refused().contains("checkpoint"), "{}", older.stderr);
    assert!(!house.path("older").exists());
}

#[test]
fn backups_taken_while_a_ledger_is_written_are_whole_and_a_prefix_of_it() {
    let house = transit::house();
    let rows = day(82, 30_000);
    let files: Vec<PathBuf> = rows.chunks(400).enumerate().map(|(at, rows)| house.write(&format!("{at}.csv"), csv(rows))).collect();
    house.ingest(DAY, &files[..1]).done();
    let mut writer = house.command("ingest", [OsStr::new("--day"), OsStr::new(DAY)].into_iter().chain(files.iter().map(AsRef::as_ref)));
    let mut writer = writer.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut heads = Vec::new();
    while writer.try_wait().expect("it can be asked").is_none() {
        heads.push(back_up(&house, &[]).done()["head"].as_str().expect("a head").to_owned());
    }
    assert!(writer.wait().expect("it ends").success());
    heads.push(back_up(&house, &[]).done()["head"].as_str().expect("a head").to_owned());
    println!("{} backups, of {} different heads", heads.len(), heads.iter().collect::<BTreeSet<_>>().len());
    for (number, head) in (1..).zip(&heads) {
        let name = format!("restored-{number}");
        let restored = restore(&house, &house.path(&name), &[OsStr::new("--backup"), OsStr::new(&number.to_string())]).done();
        assert_eq!(restored["head"], head.as_str());
        assert_eq!(of("verify", &house.path(&name))["differences"], serde_json::json!([]));
        // It is in the ledger's chain.
        let (height, hash) = head.split_once(':').expect("height and hash");
        let checkpoint = house.write("checkpoint.json", format!(r#"{{"height":{height},"hash":"{hash}"}}"#));
        house.run("status", ["--checkpoint".as_ref(), checkpoint.as_os_str()]).done();
    }
    // The file that was being taken in is taken in anew.
    use_ledger(&house, "restored-1");
    house.ingest(DAY, &files).done();
    house.verify();
    assert_eq!(house.files().iter().filter(|(_, state)| state == "booked").count(), files.len());
}

#[test]
fn a_damaged_backup_is_refused_with_the_file_and_leaves_nothing() {
    let house = transit::house();
    house.clear(DAY, &[house.write("one.csv", csv(&day(83, 300)))]).done();
    back_up(&house, &[]).done();
    let whole = every_file(&house.path("backups"));
    let damage = |name: &str, bytes: Option<Vec<u8>>| {
        let path = house.path("backups").join(name);
        let before = std::fs::read(&path).expect("it was there");
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).expect("writes"),
            None => std::fs::remove_file(&path).expect("removes"),
        }
        let words = restore(&house, &house.path("restored"), &[]).refused().to_owned();
        std::fs::write(&path, before).expect("writes");
        assert!(words.contains(name) || name.ends_with(".json"), "{name}: {words}");
        assert!(!house.path("restored").exists() && !house.path(".restored.restoring").exists(), "{name}");
    };
    for (name, bytes) in whole.iter().filter(|(name, _)| *name != "backup.lock") {
        damage(name, None);
        for at in [0, bytes.len() / 2, bytes.len().saturating_sub(1)].into_iter().filter(|&at| at < bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            damage(name, Some(flipped));
            damage(name, Some(bytes[..at].to_vec()));
        }
    }
    // What is damaged is not handed on to the next backup either.
    let (name, bytes) = whole.iter().filter(|(name, _)| name.starts_with("files/")).max_by_key(|(_, bytes)| bytes.len()).expect("a file");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    std::fs::write(house.path("backups").join(name), flipped).expect("writes");
    assert!(back_up(&house, &[]).refused().contains(name.as_str()));
    assert_eq!(every_file(&house.path("backups")).keys().filter(|name| name.ends_with(".json")).count(), 1);
}

#[test]
fn a_damaged_ledger_is_not_backed_up_and_the_backup_before_stays() {
    let house = transit::house();
    // Opened again, so that blocks stand in tables too.
    let rows = day(84, 2000);
    house.clear(DAY, &[house.write("one.csv", csv(&rows[..1500]))]).done();
    house.ingest(NEXT_DAY, &[house.write("two.csv", csv(&rows[1500..]))]).done();
    back_up(&house, &[]).done();
    for kind in ["sst", "blob", "log", "head"] {
        crate::house::copy_folder(&house.ledger(), &house.path("whole"));
        let files = every_file(&house.ledger());
        let (name, bytes) = files.iter().filter(|(name, _)| name.ends_with(kind)).max_by_key(|(_, bytes)| bytes.len()).expect("a file of the kind");
        let mut cut = bytes.clone();
        // Less than one of the head's slots, of which one may be lost.
        cut.truncate(100);
        std::fs::write(house.ledger().join(name), cut).expect("writes");
        assert!(back_up(&house, &[]).refused().contains("hint: "), "{name}");
        use_ledger(&house, "whole");
    }
    assert!(!house.path("backups/backup-000002.json").exists());
    restore(&house, &house.path("restored"), &[]).done();
    // No ledger is no backup.
    let none = tapclear(["backup".as_ref(), "--ledger".as_ref(), house.path("none").as_os_str(), "--to".as_ref(), house.path("nowhere").as_os_str()]);
    assert!(none.refused().contains("no ledger"), "{}", none.stderr);
}

#[test]
fn only_as_many_backups_are_kept_as_are_wanted() {
    let house = transit::house();
    let rows = day(85, 900);
    for (at, rows) in rows.chunks(200).enumerate() {
        house.ingest(DAY, &[house.write(&format!("{at}.csv"), csv(rows))]).done();
        back_up(&house, &[]).done();
    }
    let last = back_up(&house, &["--keep", "2"]).done();
    assert_eq!(last["dropped"], serde_json::json!([1, 2, 3, 4]), "{last}");
    let lists: Vec<String> = every_file(&house.path("backups")).into_keys().filter(|name| name.ends_with(".json")).collect();
    assert_eq!(lists, ["backup-000005.json", "backup-000006.json"]);
    let named: BTreeSet<String> = lists.iter().flat_map(|list| digests(&house.path("backups").join(list))).collect();
    let stored: BTreeSet<String> = every_file(&house.path("backups/files")).into_keys().collect();
    assert_eq!(stored, named);
    for number in ["5", "6"] {
        restore(&house, &house.path(&format!("restored-{number}")), &["--backup".as_ref(), number.as_ref()]).done();
    }
    assert!(restore(&house, &house.path("gone"), &["--backup".as_ref(), "4".as_ref()]).refused().contains("no backup 4"));
}

fn digests(list: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(list).expect("a list");
    let list: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    list["files"].as_object().expect("files").values().map(|kept| kept["digest"].as_str().expect("a digest").to_owned()).collect()
}
