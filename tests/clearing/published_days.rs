//! A published day is what the ledger says, to the last file: what was changed, removed or added is noticed and named, also
//! the reports on uploads and the anchor, which no manifest names.

use crate::house::{DAY, House};
use crate::published::every_file;
use crate::transit::{self, csv, day};
use std::path::Path;

const NEXT_DAY: &str = "2026-03-03";

fn verify(house: &House) -> crate::house::Ran {
    let out = house.path("out");
    house.run("verify", ["--out".as_ref(), out.as_os_str()])
}

fn two_days() -> House {
    cleared(transit::house())
}

fn cleared(house: House) -> House {
    let rows = day(41, 900);
    let wrong = house.write("wrong.csv", csv(&day(42, 50)));
    house.ingest(DAY, &[house.write("one.csv", csv(&rows[..500])), wrong]).done();
    house.run("withdraw", ["wrong.csv", "--why", "another garage's"]).done();
    house.clear(DAY, &[house.path("one.csv")]).done();
    house.clear(NEXT_DAY, &[house.write("two.csv", csv(&rows[500..]))]).done();
    house
}

#[test]
fn whatever_is_changed_in_a_published_day_is_named() {
    let house = two_days();
    let result = verify(&house).done();
    assert_eq!(result["published_days"], 2, "{result}");
    let named = |path: &Path, what: &str| {
        let words = verify(&house).refused().to_owned();
        assert!(words.contains(&path.display().to_string()), "{what} {}: {words}", path.display());
    };
    let files = every_file(&house.day(DAY));
    // One of each kind of file, and all that no manifest names.
    let kinds = ["anchor.json", "intake/", "operator-01/detail.csv", "bank-01/manifest.json", "hub-01/trial-balance.csv", "bank-01/exceptions.csv"];
    let chosen: Vec<_> = files.iter().filter(|(name, _)| kinds.iter().any(|kind| name.starts_with(kind))).collect();
    assert!(chosen.len() >= kinds.len(), "{:?}", files.keys());
    for (name, bytes) in chosen {
        let path = house.day(DAY).join(name);
        std::fs::remove_file(&path).expect("it was there");
        named(&path, "removed");
        for at in [0, bytes.len() / 2, bytes.len() - 2] {
            let mut changed = bytes.clone();
            changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
            std::fs::write(&path, changed).expect("writes");
            named(&path, "changed");
            if name == "anchor.json" || name.starts_with("intake/") {
                // Settling again notices it too, and leaves the file as it is.
                let words = house.run("settle", ["--day", DAY]).refused().to_owned();
                assert!(words.contains(name.as_str()), "{name}: {words}");
            }
        }
        std::fs::write(&path, bytes).expect("writes");
    }
    let more = house.day(DAY).join("bank-01/detail-2.csv");
    std::fs::write(&more, "line").expect("writes");
    named(&more, "added");
    std::fs::remove_file(&more).expect("it was there");
    verify(&house).done();
    house.run("settle", ["--day", DAY]).done();
}

#[test]
fn another_day_s_files_are_not_this_day_s() {
    let house = two_days();
    for name in ["anchor.json", "bank-01/manifest.json", "bank-01/detail.csv"] {
        let (path, bytes) = (house.day(DAY).join(name), std::fs::read(house.day(DAY).join(name)).expect("it is there"));
        std::fs::copy(house.day(NEXT_DAY).join(name), &path).expect("copies");
        assert!(verify(&house).refused().contains(name));
        std::fs::write(&path, bytes).expect("writes");
    }
    // An anchor that names another block of the chain than the day's end, or one of another journal.
    let path = house.day(NEXT_DAY).join("anchor.json");
    let bytes = std::fs::read_to_string(&path).expect("it is there");
    let first = std::fs::read_to_string(house.day(DAY).join("anchor.json")).expect("it is there");
    std::fs::write(&path, first.replace(DAY, NEXT_DAY)).expect("writes");
    assert!(verify(&house).refused().contains("anchor.json"), "a block before the day's close");
    std::fs::write(&path, bytes).expect("writes");
    verify(&house).done();
    std::fs::remove_dir_all(house.day(DAY)).expect("it was published");
    assert!(verify(&house).refused().contains(&house.day(DAY).display().to_string()));
}

#[test]
fn manifests_name_files_by_the_scheme_s_suite() {
    let house = transit::house();
    let keys = std::fs::read_to_string(house.scheme.join("keys.toml")).expect("keys");
    house.write("scheme/keys.toml", format!("{keys}\nsuite = \"shangmi\"\n"));
    let house = cleared(house);
    let first = house.run("settle", ["--day", DAY]).done();
    assert_eq!(first["repeated"], true);
    let digits = |value: &serde_json::Value| value.as_str().filter(|digits| digits.len() == 64).map(str::to_owned);
    for named in first["manifests"].as_array().expect("a list") {
        let party = named["party"].as_str().expect("a party");
        let [manifest, next] = [DAY, NEXT_DAY].map(|day| crate::published::manifest(&house.day(day).join(party)));
        assert_eq!((manifest["suite"].as_str(), manifest["previous"].as_str()), (Some("shangmi"), None));
        assert!(manifest["files"].as_array().is_some_and(|files| files.iter().all(|file| digits(&file["sm3"]).is_some() && file.get("sha256").is_none())));
        assert_eq!(digits(&next["previous"]), Some(digits(&named["sm3"]).expect("a digest")), "{party}");
    }
    assert_eq!(verify(&house).done()["published_days"], 2);
    let path = house.day(DAY).join("bank-01/detail.csv");
    let mut bytes = std::fs::read(&path).expect("it was published");
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    assert!(verify(&house).refused().contains(&path.display().to_string()));
    assert!(house.run("settle", ["--day", DAY]).refused().contains("bank-01/detail.csv"));
}
