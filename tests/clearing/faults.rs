//! Promise 4 under a disk that fails: whatever a command was doing when it was killed or its disk refused, running it again
//! gives what would have been, and everything acknowledged is there.
//!
//! The harness plays the supervisor: it runs commands again and repairs nothing. Seeds are printed; `FAULT_SEED`,
//! `FAULT_POINTS`, `FAULT_KILLS`, `FAULT_POWER` and `FAULT_CORRUPTIONS` say which and how many (`make faults`).

mod corruption;
mod crash_points;
mod kills;
mod power;
mod shim;

use crate::house::{DAY, House, Ran, copy_folder};
use crate::published::canonical;
use crate::transit::{self, csv, day};
use ledger::{FileState, Head, Ledger, LedgerOptions};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

const NEXT_DAY: &str = "2026-03-03";
/// What a command changes; all else in the house is outside the disk that fails, but for the acknowledgements, which are
/// looked at as far as they came.
const CHANGED: [&str; 3] = ["ledger", "out", "acks"];

/// A number from the environment.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// A day and the beginning of the next, as commands one after the other.
struct Script {
    house: House,
    steps: Vec<Vec<String>>,
}

/// What the script leads to, however often it was interrupted.
type Outcome = BTreeMap<String, Vec<u8>>;

impl Script {
    fn new(seed: u64, records: usize) -> Self {
        Self::within(transit::house(), seed, records)
    }

    fn within(house: House, seed: u64, records: usize) -> Self {
        let rows = day(seed, records);
        let (first, rest) = rows.split_at(records / 3);
        let (second, late) = rest.split_at(records / 3);
        // Some of the first file again, so that repeats are among what may be lost.
        let second = [second, &first[..records / 10]].concat();
        let path = |name: &str, bytes: String| house.write(name, bytes).to_string_lossy().into_owned();
        let (one, two, late) = (path("one.csv", csv(first)), path("two.csv", csv(&second)), path("late.csv", csv(late)));
        let acks = house.path("acks").to_string_lossy().into_owned();
        let step = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let steps = vec![
            step(&["ingest", "--day", DAY, "--acks", &acks, &one]),
            step(&["ingest", "--day", DAY, "--acks", &acks, &two]),
            step(&["close", "--day", DAY]),
            step(&["settle", "--day", DAY]),
            step(&["clear", "--day", NEXT_DAY, &late]),
        ];
        Self { house, steps }
    }

    fn command(&self, step: usize) -> Command {
        let (name, more) = self.steps[step].split_first().expect("a step has a name");
        self.house.command(name, more)
    }

    /// Runs a step as a supervisor does: it is done, or was done before.
    #[track_caller]
    fn redo(&self, step: usize, what: &str) {
        let ran = Ran::of(self.command(step).output().expect("the program starts"));
        let done_before = self.steps[step][0] == "close" && ran.code == Some(2) && ran.stderr.contains("is closed: its amounts never change");
        assert!(ran.code == Some(0) || done_before, "{what}: step {step} again: {:?} {}", ran.code, ran.stderr);
    }

    fn outcome(&self) -> Outcome {
        let mut all = Outcome::new();
        for day in [DAY, NEXT_DAY] {
            all.extend(canonical(&self.house.day(day)).into_iter().map(|(name, bytes)| (format!("{day}/{name}"), bytes)));
        }
        all
    }

    /// Keeps the state before a step.
    fn keep(&self, step: usize) {
        self.copy("", &format!("before-{step}/"));
    }

    /// Goes back to the state before a step.
    fn go_back(&self, step: usize) {
        for name in CHANGED {
            let path = self.house.path(name);
            if path.is_dir() {
                std::fs::remove_dir_all(path).expect("can be removed");
            } else if path.exists() {
                std::fs::remove_file(path).expect("can be removed");
            }
        }
        self.copy(&format!("before-{step}/"), "");
    }

    fn copy(&self, from: &str, to: &str) {
        if !to.is_empty() {
            std::fs::create_dir_all(self.house.path(to)).expect("a folder");
        }
        for name in CHANGED {
            let (from, to) = (self.house.path(&format!("{from}{name}")), self.house.path(&format!("{to}{name}")));
            if from.is_dir() {
                copy_folder(&from, &to);
            } else if from.exists() {
                std::fs::copy(from, to).expect("copies");
            }
        }
    }

    /// Heads that were acknowledged, and names of files that were acknowledged as booked. A line that was cut off is none.
    fn acknowledged(&self) -> (Vec<Head>, Vec<String>) {
        let text = std::fs::read_to_string(self.house.path("acks")).unwrap_or_default();
        let (mut heads, mut booked) = (Vec::new(), Vec::new());
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [what @ ("durable" | "booked"), path, _, head] = fields[..] else { continue };
            let Some((height, hash)) = head.split_once(':').filter(|(_, hash)| hash.len() == 64) else { continue };
            let hash = *blake3::Hash::from_hex(hash).expect("a hash").as_bytes();
            heads.push(Head { height: height.parse().expect("a height"), hash });
            if what == "booked" {
                booked.push(PathBuf::from(path).file_name().expect("a name").to_string_lossy().into_owned());
            }
        }
        (heads, booked)
    }

    /// Everything that was acknowledged is in the ledger.
    #[track_caller]
    fn assert_acknowledged(&self, what: &str) {
        let (heads, booked) = self.acknowledged();
        for head in heads {
            let opened = Ledger::open_read_only(&self.house.ledger(), &LedgerOptions { anchor: Some(head), ..LedgerOptions::default() });
            let ledger = opened.unwrap_or_else(|error| panic!("{what}: an acknowledged head at {} is not in the chain: {error}", head.height));
            for name in &booked {
                let kept = ledger.files().iter().any(|file| file.name == *name && file.state == FileState::Booked);
                assert!(kept, "{what}: {name} was acknowledged and is not booked");
            }
        }
    }

    /// The ledger is what its journal says.
    #[track_caller]
    fn assert_sound(&self, what: &str) {
        let ledger = Ledger::open_read_only(&self.house.ledger(), &LedgerOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let report = ledger.verify().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(report.is_clean(), "{what}: {:?}", report.differences);
    }
}

/// How a command that met a fault may end: done, or refused with a reason that promises nothing.
#[track_caller]
fn assert_ended_well(ran: &Ran, what: &str) {
    assert!(matches!(ran.code, Some(0 | 2)), "{what}: {:?} {}", ran.code, ran.stderr);
    assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("not accepted"), "{what}: {}", ran.stderr);
    if ran.code == Some(2) {
        assert!(ran.stderr.lines().any(|line| line.starts_with("error: ")), "{what}: {}", ran.stderr);
    }
}
