//! Everything but the journal and the vault can be made anew from them, to the byte; and a folder that was put back to an
//! earlier time does not pass beside a checkpoint.

use crate::house::{DAY, House, number, tapclear};
use crate::published::{assert_same, every_file};
use crate::transit::{self, csv, day};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const NEXT_DAY: &str = "2026-03-03";

/// `rebuild` of a house's ledger into `name`, with its files into `name` and `-out`.
pub fn rebuilt(house: &House, name: &str, more: &[&OsStr]) -> crate::house::Ran {
    let folders = [house.path(name), house.path(&format!("{name}-out"))];
    let mut arguments: Vec<OsString> = ["rebuild", "--json", "--ledger"].map(OsString::from).to_vec();
    arguments.push(house.ledger().into());
    for (flag, folder) in [("--into", &folders[0]), ("--out", &folders[1]), ("--scheme", &house.scheme)] {
        arguments.extend([flag.into(), folder.into()]);
    }
    arguments.extend(more.iter().map(Into::into));
    tapclear(arguments)
}

fn generated(house: &House, day: &str, seed: &str) -> PathBuf {
    let file = house.path(&format!("{day}.csv"));
    let arguments: [&OsStr; 11] = [
        "generate".as_ref(),
        "--scheme".as_ref(),
        house.scheme.as_ref(),
        "--day".as_ref(),
        day.as_ref(),
        "--records".as_ref(),
        "3000".as_ref(),
        "--seed".as_ref(),
        seed.as_ref(),
        "--out".as_ref(),
        file.as_ref(),
    ];
    let ran = tapclear(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    file
}

/// The old and the new ledger are the same, and so are their files.
pub fn assert_rebuilt(house: &House) {
    let result = rebuilt(house, "new", &[]).done();
    assert_eq!(result["differ"], serde_json::json!([]), "{result}");
    assert_same(&every_file(&house.path("out")), &every_file(&house.path("new-out")), "rebuilt");
    let status = |ledger: &Path| tapclear(["status".as_ref(), "--json".as_ref(), "--ledger".as_ref(), ledger.as_os_str()]).done();
    assert_eq!(status(&house.ledger()), status(&house.path("new")));
    tapclear(["verify".as_ref(), "--json".as_ref(), "--ledger".as_ref(), house.path("new").as_os_str()]).done();
}

#[test]
fn a_province_s_days_are_made_anew_from_the_journal_alone() {
    let house = House::bundled("sichuan");
    let first = generated(&house, DAY, "5");
    house.clear(DAY, &[first]).done();
    let second = generated(&house, NEXT_DAY, "6");
    let result = house.clear(NEXT_DAY, &[second]).done();
    assert!(number(&result, "held") > 0, "{result}");
    house.ingest("2026-03-04", &[generated(&house, "2026-03-04", "7")]).done();
    assert_rebuilt(&house);
    // The new ledger goes on as the old one would have.
    let close = |ledger: PathBuf| {
        let ran = tapclear(["close".as_ref(), "--json".as_ref(), "--scheme".as_ref(), house.scheme.as_os_str(), "--ledger".as_ref(), ledger.as_os_str()]);
        let result = ran.done();
        [number(&result, "cleared"), number(&result, "held"), number(&result, "gross_minor")]
    };
    assert_eq!(close(house.ledger()), close(house.path("new")));
}

#[test]
fn abandoned_and_withdrawn_files_and_late_records_are_rebuilt_as_they_were() {
    let house = transit::house();
    let rows = day(71, 900);
    let (one, two) = rows.split_at(500);
    let wrong = house.write("wrong.csv", csv(&day(72, 100)));
    let cut = house.write("cut.csv", format!("{}\n\"", csv(&two[..200])));
    house.ingest(DAY, &[house.write("one.csv", csv(one)), wrong]).done();
    house.run("withdraw", ["wrong.csv", "--why", "another garage's"]).done();
    assert_eq!(house.ingest(DAY, &[cut]).code, Some(2));
    house.clear(DAY, &[house.path("one.csv")]).done();
    house.clear(NEXT_DAY, &[house.write("two.csv", csv(two))]).done();
    assert!(house.files().iter().any(|(_, state)| state == "abandoned") && house.files().iter().any(|(_, state)| state == "withdrawn"));
    assert_rebuilt(&house);
    // An empty scheme folder's worth of change: the days were not closed under this.
    house.edit("tariff/tariff.toml", "amount_minor = 200", "amount_minor = 300");
    assert!(rebuilt(&house, "other", &[]).refused().contains("another scheme"));
}

#[test]
fn a_ledger_without_its_head_file_is_rebuilt_beside_a_checkpoint_only() {
    let house = transit::house();
    house.clear(DAY, &[house.write("one.csv", csv(&day(73, 300)))]).done();
    let checkpoint = house.path("checkpoint.json");
    house.run("checkpoint", ["--out".as_ref(), checkpoint.as_os_str()]).done();
    let (head, name) = (house.head(), house.ledger().join("ledger.head"));
    std::fs::remove_file(&name).expect("it was there");
    for ran in [house.run("status", [""; 0]), house.ingest(NEXT_DAY, &[house.path("one.csv")]), rebuilt(&house, "refused", &[])] {
        assert!(ran.refused().contains("ledger.head"), "{}", ran.stderr);
    }
    let result = rebuilt(&house, "new", &["--checkpoint".as_ref(), checkpoint.as_ref()]).done();
    assert_eq!(result["differ"], serde_json::json!([]));
    let status = tapclear(["status".as_ref(), "--json".as_ref(), "--ledger".as_ref(), house.path("new").as_os_str()]).done();
    assert_eq!(status["head"], head.as_str());
}

#[test]
fn a_folder_put_back_to_yesterday_does_not_pass_beside_a_checkpoint() {
    let house = transit::house();
    let rows = day(74, 600);
    let (one, two) = rows.split_at(300);
    house.clear(DAY, &[house.write("one.csv", csv(one))]).done();
    crate::house::copy_folder(&house.ledger(), &house.path("yesterday"));
    let first = house.path("first.json");
    house.run("checkpoint", ["--out".as_ref(), first.as_os_str()]).done();
    let two = house.write("two.csv", csv(two));
    house.clear(NEXT_DAY, std::slice::from_ref(&two)).done();
    let second = house.path("second.json");
    house.run("checkpoint", ["--checkpoint".as_ref(), first.as_os_str(), "--out".as_ref(), second.as_os_str()]).done();
    let beside = |checkpoint: &Path, name: &str| house.run(name, ["--checkpoint".as_ref(), checkpoint.as_os_str()]);
    for checkpoint in [&first, &second, &house.day(DAY).join("anchor.json"), &house.day(NEXT_DAY).join("anchor.json")] {
        beside(checkpoint, "verify").done();
    }
    std::fs::remove_dir_all(house.ledger()).expect("it was there");
    std::fs::rename(house.path("yesterday"), house.ledger()).expect("a new name");
    house.verify();
    beside(&first, "verify").done();
    for checkpoint in [&second, &house.day(NEXT_DAY).join("anchor.json")] {
        for name in ["verify", "status", "close", "checkpoint"] {
            assert!(beside(checkpoint, name).refused().contains("checkpoint"));
        }
    }
    // Written anew otherwise, it is as long and still another journal.
    std::fs::remove_dir_all(house.day(NEXT_DAY)).expect("it was published");
    house.clear(NEXT_DAY, &[house.write("three.csv", csv(&day(75, 300))), two]).done();
    assert!(beside(&second, "verify").refused().contains("checkpoint"));
    // No ledger is made where one is to go on.
    let none = house.path("none");
    let arguments = ["close".as_ref(), "--day".as_ref(), DAY.as_ref(), "--ledger".as_ref(), none.as_os_str(), "--scheme".as_ref(), house.scheme.as_os_str()];
    let ran = tapclear(arguments.into_iter().chain(["--checkpoint".as_ref(), second.as_os_str()]));
    assert!(ran.refused().contains("no ledger"), "{}", ran.stderr);
    assert!(!none.exists());
}
