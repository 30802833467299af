//! Bytes that a disk changed, dropped or mixed up, in every kind of file of a ledger: what goes on from them is either
//! refused with a reason, or is the same as if nothing had happened.

use super::{NEXT_DAY, Script, asked};
use crate::dice::Dice;
use crate::house::Ran;
use crate::published::every_file;
use crate::transit::{Row, csv, day};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const SEED: u64 = 5;
const RECORDS: usize = 3000;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Flip,
    Truncate,
    Delete,
    /// Changed places with another file of its kind.
    Swap,
    /// As it was some commands ago, or as another of its kind was.
    Older,
}

const DAMAGES: [Damage; 5] = [Damage::Flip, Damage::Truncate, Damage::Delete, Damage::Swap, Damage::Older];

#[test]
fn no_damage_to_a_ledger_s_files_passes_in_silence() {
    let (seed, corruptions) = (asked("FAULT_SEED", SEED), asked("FAULT_CORRUPTIONS", 60));
    println!("FAULT_SEED={seed} FAULT_CORRUPTIONS={corruptions}");
    let script = Script::new(seed, RECORDS);
    for step in 0..script.steps.len() {
        if step == 3 {
            script.keep(step);
        }
        script.redo(step, "undisturbed");
    }
    // Part of an open day, so that there is something to close; the end of the journal is in the log alone.
    let more: Vec<Row> = day(seed + 1, RECORDS);
    script.house.ingest("2026-03-04", &[script.house.write("more.csv", csv(&more))]).done();
    script.keep(9);
    let Some(expected) = went_on(&script).ok() else { panic!("the undamaged ledger goes on") };
    script.go_back(9);
    let older = files_of(&script.house.path("before-3/ledger"));
    let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in files_of(&script.house.ledger()) {
        kinds.entry(kind(&path)).or_default().push(path);
    }
    println!("kinds of files: {:?}", kinds.keys());
    for wanted in ["CURRENT", "MANIFEST", "blob", "ledger.head", "log", "sst"] {
        assert!(kinds.contains_key(wanted), "no {wanted} in {:?}", kinds.keys());
    }
    let mut dice = Dice::new(seed);
    let mut told: BTreeMap<(String, Damage), BTreeSet<String>> = BTreeMap::new();
    let names: Vec<String> = kinds.keys().cloned().collect();
    for number in 0..corruptions {
        let number = usize::try_from(number).expect("small");
        let (kind_name, damage) = (&names[number % names.len()], DAMAGES[number / names.len() % DAMAGES.len()]);
        let path = dice.one_of(&kinds[kind_name]).clone();
        script.go_back(9);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let what = format!("seed {seed}, corruption {number}: {damage:?} of {name}");
        let Some(detail) = inflict(damage, &path, &kinds[kind_name], &older, &mut dice) else { continue };
        let verdict = match went_on(&script) {
            Err(refusal) => refusal,
            Ok(found) => {
                assert!(found == expected, "{what} ({detail}) passed in silence: {}", difference(&expected, &found));
                "same".to_owned()
            }
        };
        told.entry((kind_name.clone(), damage)).or_default().insert(verdict);
    }
    for ((kind, damage), verdicts) in told {
        println!("{kind} {damage:?}: {verdicts:?}");
    }
}

/// Goes on with a ledger: closes its day, settles it, verifies it and looks at an old day. What comes of it, or what was
/// refused.
fn went_on(script: &Script) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let house = &script.house;
    let mut found = BTreeMap::new();
    let days: [(&str, &[&str]); 4] =
        [("close", &["--day", "2026-03-04"]), ("settle", &["--day", "2026-03-04"]), ("settle", &["--day", NEXT_DAY]), ("verify", &[])];
    for (name, more) in days {
        let ran: Ran = house.run(name, more);
        if ran.code != Some(0) {
            let words = ran.refused();
            let reasons = words.lines().skip_while(|line| !line.starts_with("error: ")).filter(|line| line.starts_with("  "));
            return Err(format!("{name}: {}", reasons.collect::<Vec<_>>().join(";")));
        }
        if name == "verify" {
            let result = ran.done();
            found.insert("digests".to_owned(), result["digests"].to_string().into_bytes());
            found.insert("head".to_owned(), result["head"].to_string().into_bytes());
        }
    }
    found.extend(every_file(&house.path("out")));
    Ok(found)
}

fn difference(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>) -> String {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differ: Vec<&String> = names.into_iter().filter(|&name| expected.get(name) != found.get(name)).collect();
    format!("{differ:?}")
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let names = every_file(folder);
    names.into_keys().map(|name| folder.join(name)).collect()
}

/// `sst`, `log`, `blob`; or the name without its number.
fn kind(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy();
    let (front, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    if front.chars().all(|c| c.is_ascii_digit()) { extension.to_owned() } else { name.split(['-', '0', '1']).next().unwrap_or_default().to_owned() }
}

/// Damages a file; says how, or nothing where it cannot be damaged so.
fn inflict(damage: Damage, path: &Path, of_kind: &[PathBuf], older: &[PathBuf], dice: &mut Dice) -> Option<String> {
    let bytes = std::fs::read(path).expect("a file");
    let place = |dice: &mut Dice| usize::try_from(dice.roll() % bytes.len() as u64).expect("a place in the file");
    match damage {
        Damage::Flip if !bytes.is_empty() => {
            let (at, bit) = (place(dice), dice.roll() % 8);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            std::fs::write(path, flipped).expect("writes");
            Some(format!("bit {bit} of byte {at} of {}", bytes.len()))
        }
        Damage::Truncate if !bytes.is_empty() => {
            let keep = if dice.permille(300) { bytes.len() - 1 } else { place(dice) };
            std::fs::write(path, &bytes[..keep]).expect("writes");
            Some(format!("{keep} of {} bytes are left", bytes.len()))
        }
        Damage::Delete => {
            std::fs::remove_file(path).expect("removes");
            Some("gone".to_owned())
        }
        Damage::Swap => {
            let others: Vec<&PathBuf> = of_kind.iter().filter(|other| *other != path).collect();
            let other = if others.is_empty() { return None } else { *dice.one_of(&others) };
            std::fs::copy(other, path).expect("copies");
            std::fs::write(other, &bytes).expect("writes");
            Some(format!("with {}", other.display()))
        }
        Damage::Older => {
            let candidates: Vec<&PathBuf> = older.iter().filter(|older| kind(older) == kind(path)).collect();
            let same_name = candidates.iter().find(|older| older.file_name() == path.file_name());
            let from = same_name.copied().or_else(|| candidates.first().copied())?;
            std::fs::copy(from, path).expect("copies");
            Some(format!("from {}", from.display()))
        }
        Damage::Flip | Damage::Truncate => None,
    }
}
