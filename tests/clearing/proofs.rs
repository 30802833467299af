//! Sealed days: each party's lines lead up to the clearing house's signature, by our own check and by an independent one,
//! each day goes on from all before it, and nothing that was changed holds.
//!
//! Seeds are in the messages; `PROOF_DAYS`, `PROOF_LINES` and `PROOF_MUTANTS` say how many (`make proofs`).

mod mutants;

use crate::dice::Dice;
use crate::house::{DAY, House, Ran, root, tapclear};
use crate::published::{every_file, parties};
use crate::transit::{self, HOUR_MS, Row, csv};
use domain::{Day, Suite};
use settlement::{Copies, GrowthProof, LineProof, PartySeal, Prover, PublicKey, prove_growth, seal_path};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Records of each day.
const RECORDS: usize = 400;
/// Lines of a terminal's sequence that a day may use.
const SEQUENCES: i64 = 100_000;

/// A number from the environment.
fn asked(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// A house with sealed days.
struct SealedHouse {
    house: House,
    days: Vec<String>,
    key: String,
}

fn seal(house: &House, out: &Path, ledger: &Path, day: &str) -> Ran {
    let mut words = vec!["seal".as_ref(), "--json".as_ref(), "--scheme".as_ref(), house.scheme.as_os_str(), "--ledger".as_ref(), ledger.as_os_str()];
    words.extend(["--out".as_ref(), out.as_os_str(), "--day".as_ref(), day.as_ref()]);
    tapclear(words)
}

/// Records of the day with a number from 0. Few of them come late, and correct what was settled before.
fn rows_of(seed: u64, number: usize) -> Vec<Row> {
    let number = i64::try_from(number).expect("a small number");
    let mut rows = transit::day(seed + number.unsigned_abs(), RECORDS);
    for row in &mut rows {
        row.time_ms += number * 24 * HOUR_MS;
        row.sequence += number * SEQUENCES;
    }
    rows
}

fn named(number: usize) -> String {
    let first: Day = DAY.parse().expect("a day");
    (0..number).fold(first, |day, _| day.next()).to_string()
}

impl SealedHouse {
    fn new(suite: Suite, days: usize, seed: u64) -> Self {
        Self::changed(suite, days, seed, |_, _| {})
    }

    /// With records that `change` has changed, given their day's number.
    fn changed(suite: Suite, days: usize, seed: u64, change: impl Fn(usize, &mut Vec<Row>)) -> Self {
        let house = transit::house();
        let keys = std::fs::read_to_string(house.scheme.join("keys.toml")).expect("keys");
        std::fs::write(house.scheme.join("keys.toml"), format!("{keys}\nsuite = \"{}\"\n", suite.name())).expect("it may be written");
        let mut sealed = Self { house, days: Vec::new(), key: String::new() };
        for number in 0..days {
            let mut rows = rows_of(seed, number);
            change(number, &mut rows);
            sealed.day(&rows);
        }
        sealed
    }

    /// Clears and seals the next day.
    fn day(&mut self, rows: &[Row]) {
        let day = named(self.days.len());
        let file = self.house.write(&format!("{day}.csv"), csv(rows));
        self.house.clear(&day, &[file]).done();
        let result = self.seal(&day).done();
        assert_eq!(result["repeated"], false);
        result["public_key"].as_str().expect("a key").clone_into(&mut self.key);
        self.days.push(day);
    }

    fn seal(&self, day: &str) -> Ran {
        seal(&self.house, &self.out(), &self.house.ledger(), day)
    }

    fn out(&self) -> PathBuf {
        self.house.path("out")
    }

    fn seal_path(&self, day: &str, party: &str) -> PathBuf {
        seal_path(&self.out(), day, party)
    }

    fn seal_of(&self, day: &str, party: &str) -> PartySeal {
        PartySeal::of_json(&std::fs::read(self.seal_path(day, party)).expect("a seal")).expect("a seal")
    }

    /// A party's seals of all days.
    fn seals(&self, party: &str) -> Vec<PathBuf> {
        self.days.iter().map(|day| self.seal_path(day, party)).collect()
    }

    fn public_key(&self) -> PublicKey {
        PublicKey::of_text(&self.key).expect("a key")
    }

    fn growth(&self, from: usize, to: usize) -> GrowthProof {
        let day = |number: usize| self.days[number].parse().expect("a day");
        prove_growth(&self.out(), day(from), day(to)).expect("both days are sealed")
    }
}

fn verify(key: &str, files: &[PathBuf]) -> Ran {
    let words = ["verify-proof".as_ref(), "--json".as_ref(), "--key".as_ref(), key.as_ref()];
    tapclear(words.into_iter().chain(files.iter().map(|file| file.as_os_str())))
}

/// What the independent check says; none where there is no Python.
fn independent(key: &str, files: &[PathBuf]) -> Option<(Option<i32>, String)> {
    let mut python = Command::new("python3");
    match python.arg(root().join("docs/verify_proof.py")).arg(key).args(files).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: the independent check needs Python");
            None
        }
        ran => {
            let ran = ran.expect("Python starts");
            assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
            Some((ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned()))
        }
    }
}

/// Both checks find that all of it holds.
#[track_caller]
fn assert_holds(key: &str, files: &[PathBuf]) {
    verify(key, files).done();
    if let Some((code, said)) = independent(key, files) {
        assert_eq!(code, Some(0), "{said}");
    }
}

/// Both checks find something that does not hold.
#[track_caller]
fn assert_refused(key: &str, files: &[PathBuf]) {
    verify(key, files).refused();
    if let Some((code, said)) = independent(key, files) {
        assert_eq!(code, Some(1), "{said}");
    }
}

#[test]
fn every_party_s_days_and_files_lead_up_to_the_signature() {
    for suite in Suite::ALL {
        let sealed = SealedHouse::new(suite, 4, 91);
        for day in &sealed.days {
            let mut roots = std::collections::BTreeSet::new();
            for party in parties(&sealed.house.day(day)) {
                let seal = sealed.seal_of(day, &party);
                assert_eq!(seal.check(&sealed.public_key()), Ok(()), "{party} on {day}");
                let manifest = crate::published::manifest(&sealed.house.day(day).join(&party));
                assert_eq!(manifest["totals"]["debit_minor"], seal.debit_minor);
                assert_eq!(manifest["totals"]["credit_minor"], seal.credit_minor);
                assert_eq!(seal.checkpoint.suite, suite.name());
                roots.insert(seal.checkpoint.log_root);
            }
            assert_eq!(roots.len(), 1, "all are told the same");
            assert_eq!(sealed.seal(day).done()["repeated"], true);
        }
        let mut files = sealed.seals("bank-03");
        files.extend(sealed.days.iter().map(|day| sealed.house.day(day).join("bank-03")));
        assert_holds(&sealed.key, &files);
        // A seal that is shown to others without the key of the lines holds as well; one with another key does not.
        let mut shown = sealed.seal_of(&sealed.days[0], "bank-03");
        shown.key = None;
        let json = |seal: &PartySeal| serde_json::to_string(seal).expect("JSON");
        let first = LineProof::of_json(&line_proof(&sealed, &sealed.days[0], "bank-03", 1)).expect("a proof");
        assert_eq!(first.check(&shown), Ok(()));
        let path = sealed.house.write("shown.json", json(&shown));
        assert_holds(&sealed.key, std::slice::from_ref(&path));
        assert_refused(&sealed.key, &[path, sealed.house.day(&sealed.days[0]).join("bank-03")]);
        shown.key = Some("0".repeat(64));
        assert_refused(&sealed.key, &[sealed.house.write("other.json", json(&shown))]);
    }
}

/// What the command gives.
fn line_proof(sealed: &SealedHouse, day: &str, party: &str, number: u64) -> Vec<u8> {
    let (out, number) = (sealed.out(), number.to_string());
    let ran = tapclear(["prove", "--out", &out.to_string_lossy(), "--day", day, "--party", party, &number]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout.into_bytes()
}

#[test]
fn proofs_of_a_month_hold_and_no_changed_one_does() {
    let (days, lines, count) = (asked("PROOF_DAYS", 5), asked("PROOF_LINES", 500), asked("PROOF_MUTANTS", 3000));
    for suite in Suite::ALL {
        let sealed = SealedHouse::new(suite, days, 92);
        // Seals of one party each day, so that all parties' are among them and days are of one log.
        let mut of_lines = Vec::new();
        let mut seals = Vec::new();
        for day in &sealed.days {
            for party in parties(&sealed.house.day(day)) {
                let seal = sealed.seal_of(day, &party);
                seals.push(serde_json::to_string(&seal).expect("JSON"));
                of_lines.extend((1..=seal.detail_lines).map(|number| (day, party.clone(), "detail.csv", number)));
                of_lines.extend((1..=seal.adjustment_lines).map(|number| (day, party.clone(), "adjustments.csv", number)));
            }
        }
        assert!(of_lines.iter().any(|(_, _, file, _)| *file == "adjustments.csv"));
        let step = (of_lines.len() / lines).max(1);
        let (mut proofs, mut copies) = (Vec::new(), Copies::new(sealed.public_key()));
        seals.iter().for_each(|seal| assert_eq!(copies.add(seal.as_bytes()), Ok(())));
        for (day, party, file, number) in of_lines.iter().step_by(step).take(lines) {
            let (seal, path) = (sealed.seal_of(day, party), sealed.seal_path(day, party));
            let folder = sealed.house.day(day).join(party);
            let proof = Prover::new(&folder, &seal, Some(&path)).and_then(|mut prover| prover.prove(file, *number)).expect("a line of the file");
            proofs.push(serde_json::to_string(&proof).expect("JSON"));
        }
        let mut growths = Vec::new();
        for to in 1..days {
            growths.extend((0..to).map(|from| serde_json::to_string(&sealed.growth(from, to)).expect("JSON")));
        }
        proofs.iter().chain(&growths).for_each(|proof| {
            assert_eq!(copies.add(proof.as_bytes()), Ok(()), "{proof}");
            assert!(proof.len() < 1536, "{proof}");
        });
        assert!(copies.apart().is_empty());
        let file = |name: &str, lines: &[String]| sealed.house.write(name, lines.join("\n") + "\n");
        let whole = [file("seals", &seals), file("proofs", &proofs), file("growths", &growths)];
        assert_holds(&sealed.key, &whole);

        // Most of what is changed is lines, of which there are most; seals and growth proofs end in a signature.
        let mut dice = Dice::new(93);
        let mut changed = mutants::of(&mut dice, &proofs, count - count / 5);
        changed.extend(mutants::of(&mut dice, &growths, count / 10));
        changed.extend(mutants::of(&mut dice, &seals, count / 10));
        for mutant in &changed {
            assert!(copies.add(mutant.as_bytes()).is_err(), "it holds: {mutant}");
        }
        let place = file("mutants", &changed);
        if let Some((code, said)) = independent(&sealed.key, &[whole[0].clone(), place]) {
            let last = said.lines().rev().nth(1).unwrap_or_default();
            assert_eq!(code, Some(1));
            assert!(last.ends_with(&format!(": 0 of {} hold", changed.len())), "{last}; {}", missing(&said, &changed));
        }
        println!("{}: {days} days, {} lines and {} pairs of days proved, {} changed ones refused", suite.name(), proofs.len(), growths.len(), changed.len());
    }
}

/// A mutant that the independent check took.
fn missing<'m>(said: &str, mutants: &'m [String]) -> &'m str {
    let refused = |number: usize| said.contains(&format!("mutants:{number} does not hold"));
    (1..).zip(mutants).find(|(number, _)| !refused(*number)).map_or("", |(_, mutant)| mutant)
}

#[test]
fn commands_give_what_the_library_proves_and_check_it() {
    let sealed = SealedHouse::new(Suite::Standard, 3, 94);
    let (out, day) = (sealed.out().to_string_lossy().into_owned(), sealed.days[1].clone());
    let prove = |words: &[&str]| tapclear(["prove", "--out", &out].iter().chain(words));
    let folder = sealed.house.day(&day).join("bank-02");
    let seal = sealed.seal_of(&day, "bank-02");
    let text = std::fs::read_to_string(folder.join("detail.csv")).expect("a file");
    let mut prover = Prover::new(&folder, &seal, None).expect("the files are those that were sealed");
    let mut expected = String::new();
    for (number, line) in (1..).zip(text.lines().skip(1)) {
        let proof = prover.prove("detail.csv", number).expect("a line");
        assert_eq!((proof.line.as_str(), proof.check(&seal)), (line, Ok(())));
        expected += &(serde_json::to_string(&proof).expect("JSON") + "\n");
    }
    let all = format!("1-{}", seal.detail_lines);
    let ran = prove(&["--day", &day, "--party", "bank-02", &all]);
    assert_eq!((ran.code, &ran.stdout), (Some(0), &expected));
    let grown = prove(&["--from", &sealed.days[0], "--to", &sealed.days[2]]);
    assert_eq!(grown.stdout.trim_end(), serde_json::to_string(&sealed.growth(0, 2)).expect("JSON"));
    let files = [sealed.seal_path(&day, "bank-02"), sealed.house.write("lines", &ran.stdout), sealed.house.write("growth", &grown.stdout)];
    assert_holds(&sealed.key, &files);
    // Without its seal, or under another key or party's seal, a line's proof says nothing.
    assert_refused(&sealed.key, &files[1..]);
    assert_refused(&sealed.key, &[sealed.seal_path(&day, "bank-01"), files[1].clone()]);
    assert!(verify(&"0".repeat(63), &files).refused().contains("cannot be one"));
    let other = SealedHouse::new(Suite::Shangmi, 1, 95);
    assert_refused(&other.key, &files);
    for words in [&["--day", &day, "--party", "bank-02", "100000"][..], &["--day", &day, "--party", "bank-99", "1"]] {
        prove(words).refused();
    }
    for (from, to) in [(2, 0), (1, 1)] {
        assert!(prove(&["--from", &sealed.days[from], "--to", &sealed.days[to]]).refused().contains("does not go on"));
    }
    prove(&["--from", &day, "--to", "2026-04-02"]).refused();
    let clap = prove(&["--from", &day, "--to", &day, "--party", "bank-02"]);
    assert!(clap.stderr.contains("cannot be used with"), "{}", clap.stderr);
}

#[test]
fn a_line_that_is_rewritten_after_the_seal_is_found_out_by_its_receiver_alone() {
    let sealed = SealedHouse::new(Suite::Standard, 2, 96);
    let (day, folder) = (sealed.days[0].clone(), sealed.house.day(&sealed.days[0]).join("bank-02"));
    let (seal, detail) = (sealed.seal_path(&day, "bank-02"), folder.join("detail.csv"));
    let whole = std::fs::read_to_string(&detail).expect("a file");
    let last = whole.trim_end().len() - 1;
    for changed in [whole.replacen(",operator-", ",operator+", 1), whole[..last].to_owned(), whole.lines().take(5).collect::<Vec<_>>().join("\n")] {
        assert_ne!(changed, whole);
        std::fs::write(&detail, &changed).expect("it may be written");
        assert_refused(&sealed.key, &[seal.clone(), folder.clone()]);
        sealed.seal(&day).refused();
    }
    // The nodes are as they were; a line that is not is never proved.
    std::fs::write(&detail, whole.replacen(",operator-", ",operator+", 1)).expect("it may be written");
    let out = sealed.out();
    tapclear(["prove", "--out", &out.to_string_lossy(), "--day", &day, "--party", "bank-02", "1"]).refused();
}

/// Header rows, sums and exceptions are no lines: the manifest names their files, and the seal the manifest.
#[test]
fn every_file_of_a_folder_is_held_against_the_sealed_manifest() {
    for suite in Suite::ALL {
        let sealed = SealedHouse::new(suite, 1, 97);
        let (day, folder) = (sealed.days[0].clone(), sealed.house.day(&sealed.days[0]).join("bank-02"));
        let files = [sealed.seal_path(&day, "bank-02"), folder.clone()];
        assert_holds(&sealed.key, &files);
        for (name, from, to) in [("detail.csv", "list_minor", "lost_minor"), ("summary.csv", "gross", "grass"), ("exceptions.csv", "line", "lime")] {
            let path = folder.join(name);
            let whole = std::fs::read_to_string(&path).expect("a file");
            let changed = whole.replacen(from, to, 1);
            assert_ne!(changed, whole, "{name}");
            std::fs::write(&path, changed).expect("it may be written");
            assert_refused(&sealed.key, &files);
            std::fs::remove_file(&path).expect("it may be removed");
            assert_refused(&sealed.key, &files);
            std::fs::write(&path, whole).expect("it may be written");
        }
        std::fs::write(folder.join("payout.csv"), "line\n").expect("it may be written");
        assert_refused(&sealed.key, &files);
        std::fs::remove_file(folder.join("payout.csv")).expect("it may be removed");
        assert_holds(&sealed.key, &files);
        // What is not there is told in words as well.
        assert_refused(&sealed.key, &[files[0].clone(), folder.join("nothing.json")]);
    }
}

/// Readers differ in which of the two they take.
#[test]
fn what_says_two_things_under_one_name_is_refused() {
    let sealed = SealedHouse::new(Suite::Standard, 1, 98);
    let text = std::fs::read_to_string(sealed.seal_path(&sealed.days[0], "bank-02")).expect("a seal");
    let twice = text.replacen("\"debit_minor\":", "\"debit_minor\":1,\"debit_minor\":", 1);
    assert_ne!(twice, text);
    assert_refused(&sealed.key, &[sealed.house.write("twice.json", twice)]);
    assert_holds(&sealed.key, &[sealed.house.write("once.json", text)]);
}

/// A house that writes a past day anew makes all its digests, roots and signatures anew as well. What a bank has kept, and
/// what it is given afterwards, are not of one log, whichever line of whichever day it was.
#[test]
fn rewriting_any_past_line_is_found_out_from_a_bank_s_copies_alone() {
    const DAYS: usize = 4;
    for suite in Suite::ALL {
        let mut honest = SealedHouse::new(suite, DAYS, 97);
        let kept = honest.seals("bank-01");
        honest.day(&rows_of(97, DAYS));
        let next = |sealed: &SealedHouse| [&kept[..], &[sealed.seal_path(&named(DAYS), "bank-01")]].concat();
        assert_holds(&honest.key, &next(&honest));
        let mut dice = Dice::new(98);
        for (rewritten, then) in kept.iter().enumerate() {
            // Another amount in some line of a shop's or venue's: any bank's, not this one's above all.
            let (which, forged) = (dice.roll(), std::cell::Cell::new(false));
            let mut sealed = SealedHouse::changed(suite, DAYS, 97, |day, rows| {
                let mut plain: Vec<&mut Row> = rows.iter_mut().filter(|row| day == rewritten && row.kind == "venue" && row.amount.len() == 4).collect();
                if !plain.is_empty() {
                    let at = usize::try_from(which % plain.len() as u64).expect("a place");
                    plain[at].amount = "9999".to_owned();
                    forged.set(true);
                }
            });
            assert!(forged.get(), "day {rewritten} has such a row");
            sealed.day(&rows_of(97, DAYS));
            assert_eq!(sealed.key, honest.key, "the same house, with the same key");
            // By itself, and among all that it says today, the forged log is whole.
            assert_holds(&sealed.key, &sealed.seals("bank-01"));
            assert_refused(&sealed.key, &next(&sealed));
            // A bank that kept one seal of then, and asks how today's log goes on from it, is given no answer that holds.
            let growth = serde_json::to_string(&sealed.growth(rewritten, DAYS)).expect("JSON");
            let answer = sealed.house.write("growth", growth + "\n");
            assert_refused(&sealed.key, &[then.clone(), sealed.seal_path(&named(DAYS), "bank-01"), answer.clone()]);
            assert_refused(&sealed.key, &[then.clone(), answer]);
        }
        // Days far apart are not shown to be of one log until the house shows it.
        let apart = [kept[0].clone(), honest.seal_path(&named(DAYS), "bank-01")];
        assert_refused(&honest.key, &apart);
        let growth = honest.house.write("growth", serde_json::to_string(&honest.growth(0, DAYS)).expect("JSON") + "\n");
        assert_holds(&honest.key, &[&apart[..], &[growth]].concat());
    }
}

#[test]
fn days_are_sealed_in_their_order_once_they_are_settled_and_with_one_suite() {
    let house = transit::house();
    for number in 0..2 {
        let day = named(number);
        house.clear(&day, &[house.write(&format!("{day}.csv"), csv(&rows_of(99, number)))]).done();
    }
    let (out, ledger) = (house.path("out"), house.ledger());
    let seal = |day: usize| seal(&house, &out, &ledger, &named(day));
    assert!(seal(1).refused().contains("in their order"));
    seal(2).refused();
    assert_eq!(seal(0).done()["suite"], "standard");
    let keys = std::fs::read_to_string(house.scheme.join("keys.toml")).expect("keys");
    std::fs::write(house.scheme.join("keys.toml"), format!("{keys}\nsuite = \"shangmi\"\n")).expect("it may be written");
    assert!(seal(1).refused().contains("a log has one"));
    std::fs::write(house.scheme.join("keys.toml"), keys).expect("it may be written");
    seal(1).done();
}

/// What a house keeps to prove quickly is derived: without it the same is proved, and sealing again brings it back.
#[test]
fn nodes_are_made_anew_and_so_are_seals_of_a_rebuilt_day() {
    let sealed = SealedHouse::new(Suite::Shangmi, 2, 100);
    let day = &sealed.days[1];
    let nodes = sealed.seal_path(day, "x").with_file_name(".bank-02.nodes");
    let (bytes, proof) = (std::fs::read(&nodes).expect("nodes"), line_proof(&sealed, day, "bank-02", 7));
    for damaged in [None, Some(&bytes[..bytes.len() - 1]), Some(&[][..])] {
        std::fs::remove_file(&nodes).expect("it was there");
        damaged.into_iter().for_each(|bytes| std::fs::write(&nodes, bytes).expect("it may be written"));
        assert_eq!(line_proof(&sealed, day, "bank-02", 7), proof);
        assert_eq!(sealed.seal(day).done()["repeated"], true);
        assert_eq!(std::fs::read(&nodes).expect("nodes"), bytes);
    }
    // Nodes that are not those of the sealed lines lead nowhere.
    let mut other = bytes;
    *other.last_mut().expect("a byte") ^= 1;
    std::fs::write(&nodes, other).expect("it may be written");
    let out = sealed.out();
    tapclear(["prove", "--out", &out.to_string_lossy(), "--day", day, "--party", "bank-02", "7"]).refused();
    sealed.seal(day).done();

    let (new, new_out) = (sealed.house.path("new"), sealed.house.path("new-out"));
    let words = ["--into".as_ref(), new.as_os_str(), "--out".as_ref(), new_out.as_os_str(), "--scheme".as_ref(), sealed.house.scheme.as_os_str()];
    sealed.house.run("rebuild", words).done();
    for day in &sealed.days {
        assert_eq!(seal(&sealed.house, &new_out, &new, day).done()["repeated"], false);
    }
    assert!(every_file(&out.join("seals")) == every_file(&new_out.join("seals")));
}
