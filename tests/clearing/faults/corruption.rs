//! Bytes that a disk changed, dropped or mixed up, in every kind of file of a ledger, its archive and backups, and of what was
//! published: what goes on from them is either refused with a reason, or is the same as if nothing had happened.

use super::script::{Deed, NEXT_DAY, Script, assert_sound, few_parties, open};
use super::{asked, on_all_processors};
use crate::dice::Dice;
use crate::house::{Ran, program};
use crate::published::every_file;
use crate::transit::{csv, day};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const SEED: u64 = 5;
const RECORDS: usize = 3000;
const OPEN_DAY: &str = "2026-03-04";

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
/// Kinds of files that there must be, or nothing is tried of them.
const WANTED: [&str; 12] = [
    "CURRENT",
    "MANIFEST",
    "archive",
    "backup, content",
    "backup, list",
    "blob",
    "ledger.head",
    "log",
    "published anchor.json",
    "published detail.csv",
    "published manifest.json",
    "sst",
];

/// A disk with everything on it, what its undamaged files lead to, and its files by kind.
struct Damaged {
    script: Script,
    expected: Files,
    kinds: BTreeMap<String, Vec<PathBuf>>,
    older: Vec<PathBuf>,
    /// What was said of each damage to each kind, and how often.
    told: BTreeMap<(String, Damage, String), u64>,
}

type Files = BTreeMap<String, Vec<u8>>;

impl Damaged {
    fn new(seed: u64) -> Self {
        let mut script = Script::new(seed, RECORDS);
        script.rehearse(|script, deed| script.redo(deed, "undisturbed"));
        let kept = script.disk().join("restored");
        std::fs::remove_dir_all(kept).expect("it was restored");
        // Part of an open day, so that there is something to close; the end of the journal is in the log alone.
        let more = few_parties(day(seed + 1, RECORDS));
        script.house.ingest(OPEN_DAY, &[script.house.write("more.csv", csv(&more))]).done();
        script.keep("whole");
        let expected = went_on(&script).expect("the undamaged ledger goes on");
        script.go_back("whole");
        let older = files_of(&script.house.path(&format!("kept-{}", Deed::Archive as usize)));
        let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in files_of(script.disk()) {
            kinds.entry(kind(&path)).or_default().push(path);
        }
        for wanted in WANTED {
            assert!(kinds.contains_key(wanted), "no {wanted} in {:?}", kinds.keys());
        }
        Self { script, expected, kinds, older, told: BTreeMap::new() }
    }

    /// One damage to one file; another one where a file cannot be damaged so.
    fn try_one(&mut self, seed: u64, number: usize) {
        let Self { script, expected, kinds, older, told } = self;
        let mut dice = Dice::new(seed.wrapping_mul(1_000_003) + number as u64);
        let kind_name = kinds.keys().nth(number % kinds.len()).expect("a place among the kinds").clone();
        script.go_back("whole");
        let (path, damage, detail) = loop {
            let (path, damage) = (dice.one_of(&kinds[&kind_name]).clone(), *dice.one_of(&DAMAGES));
            if let Some(detail) = inflict(damage, &path, &kinds[&kind_name], older, &mut dice) {
                break (path, damage, detail);
            }
        };
        let what = format!("seed {seed}, corruption {number}: {damage:?} of {} ({detail})", path.display());
        let verdict = match went_on(script) {
            Err(refusal) => refusal,
            Ok(found) => {
                assert!(found == *expected, "{what} passed in silence: {}", difference(expected, &found));
                "the same".to_owned()
            }
        };
        *told.entry((kind_name, damage, verdict)).or_default() += 1;
    }
}

#[test]
fn no_damage_to_a_file_passes_in_silence() {
    let (seed, corruptions) = (asked("FAULT_SEED", SEED), asked("FAULT_CORRUPTIONS", 40));
    println!("FAULT_SEED={seed} FAULT_CORRUPTIONS={corruptions}");
    let count = usize::try_from(corruptions).expect("a number of corruptions");
    let told = on_all_processors(count, || Damaged::new(seed), |damaged, number| damaged.try_one(seed, number), |damaged| damaged.told);
    let mut all: BTreeMap<(String, Damage), BTreeMap<String, u64>> = BTreeMap::new();
    for ((kind, damage, verdict), times) in told.into_iter().flatten() {
        *all.entry((kind, damage)).or_default().entry(verdict).or_default() += times;
    }
    let same: u64 = all.values().filter_map(|verdicts| verdicts.get("the same")).sum();
    println!("{} refused, {same} without any difference", corruptions - same);
    for ((kind, damage), verdicts) in all {
        println!("{kind} {damage:?}: {verdicts:?}");
    }
}

/// Goes on with a ledger and what was made of it: closes its day, settles it, settles an old day again, verifies all, backs
/// up and restores. What comes of it, or the command that refused it and why.
fn went_on(script: &Script) -> Result<Files, String> {
    let house = &script.house;
    let text = |name: &str| script.disk().join(name).to_string_lossy().into_owned();
    let (out, backups, copy) = (text("out"), text("backups"), text("copy"));
    let commands: [(&str, &[&str]); 6] = [
        ("close", &["--day", OPEN_DAY]),
        ("settle", &["--day", OPEN_DAY]),
        ("settle", &["--day", NEXT_DAY]),
        ("verify", &["--out", &out]),
        ("restore", &["--from", &backups, "--backup", "2"]),
        ("backup", &["--to", &backups]),
    ];
    let mut found = Files::new();
    for (name, more) in commands {
        let ran = match name {
            "restore" => Ran::of(program([&["restore", "--json", "--ledger", &copy], more].concat()).output().expect("the program starts")),
            _ => house.run(name, more),
        };
        if ran.code != Some(0) {
            let words = ran.refused();
            let reasons = words.lines().skip_while(|line| !line.starts_with("error: ")).filter(|line| line.starts_with("  "));
            return Err(format!("{name}: {}", without_places(reasons.last().unwrap_or_default())));
        }
        if name == "verify" {
            let result = ran.done();
            found.insert("digests".to_owned(), result["digests"].to_string().into_bytes());
            found.insert("head".to_owned(), result["head"].to_string().into_bytes());
        }
    }
    found.extend(every_file(&script.disk().join("out")));
    found.insert("restored".to_owned(), format!("{:?}", assert_sound(&open(&PathBuf::from(copy), "restored"), "restored")).into_bytes());
    Ok(found)
}

/// A reason without paths and numbers, so that equal ones can be counted.
fn without_places(reason: &str) -> String {
    let word = |word: &str| if word.contains('/') { "…".to_owned() } else { word.replace(|c: char| c.is_ascii_digit(), "") };
    reason.split_whitespace().map(word).collect::<Vec<_>>().join(" ").chars().take(90).collect()
}

fn difference(expected: &Files, found: &Files) -> String {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differ: Vec<&String> = names.into_iter().filter(|&name| expected.get(name) != found.get(name)).collect();
    format!("{differ:?}")
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let names = every_file(folder);
    names.into_keys().map(|name| folder.join(name)).collect()
}

/// `sst`, `log`, `blob`, or the name without its number; where it stands, for what does not stand in the database.
fn kind(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy();
    let stands = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
    let (front, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    match () {
        () if stands("archive") => "archive".to_owned(),
        () if stands("files") => "backup, content".to_owned(),
        () if stands("backups") && extension == "json" => "backup, list".to_owned(),
        () if stands("intake") => "published, uploads".to_owned(),
        () if stands("out") => format!("published {name}"),
        () if front.chars().all(|c| c.is_ascii_digit()) => extension.to_owned(),
        () => name.split(['-', '0', '1']).next().unwrap_or_default().to_owned(),
    }
}

fn differs(path: &Path, bytes: &[u8]) -> bool {
    std::fs::read(path).expect("a file") != bytes
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
            let others: Vec<&PathBuf> = of_kind.iter().filter(|other| differs(other, &bytes)).collect();
            let other = if others.is_empty() { return None } else { *dice.one_of(&others) };
            std::fs::copy(other, path).expect("copies");
            std::fs::write(other, &bytes).expect("writes");
            Some(format!("with {}", other.display()))
        }
        Damage::Older => {
            let candidates: Vec<&PathBuf> = older.iter().filter(|older| kind(older) == kind(path) && differs(older, &bytes)).collect();
            let same_name = candidates.iter().find(|older| older.file_name() == path.file_name());
            let from = same_name.copied().or_else(|| candidates.first().copied())?;
            std::fs::copy(from, path).expect("copies");
            Some(format!("from {}", from.display()))
        }
        Damage::Flip | Damage::Truncate => None,
    }
}
