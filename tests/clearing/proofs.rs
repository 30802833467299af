//! A sealed day: each party's lines lead up to the clearing house's signature, by our own check and by an independent one,
//! and nothing that was changed does.

use crate::dice::Dice;
use crate::house::{DAY, House, Ran, root, tapclear};
use crate::published::parties;
use crate::transit::{self, csv, day};
use settlement::{LineProof, PartySeal, prove, seal_path};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

const DAYS: [&str; 4] = [DAY, "2026-03-03", "2026-03-04", "2026-03-05"];

fn seal(house: &House, day: &str) -> Ran {
    let (out, ledger) = (house.path("out"), house.ledger());
    let arguments: [&OsStr; 10] = [
        "seal".as_ref(),
        "--json".as_ref(),
        "--scheme".as_ref(),
        house.scheme.as_ref(),
        "--ledger".as_ref(),
        ledger.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
        "--day".as_ref(),
        day.as_ref(),
    ];
    tapclear(arguments)
}

/// A house with cleared and sealed days, and its public key.
fn sealed(days: usize) -> (House, String) {
    let house = transit::house();
    let mut key = String::new();
    let rows = day(91, 1600);
    for (name, rows) in DAYS[..days].iter().zip(rows.chunks(400)) {
        let file = house.write(&format!("{name}.csv"), csv(rows));
        house.clear(name, &[file]).done();
        let result = seal(&house, name).done();
        result["public_key"].as_str().expect("a key").clone_into(&mut key);
        assert_eq!(result["repeated"], false);
    }
    (house, key)
}

fn read_seal(house: &House, day: &str, party: &str) -> PartySeal {
    let path = seal_path(&house.path("out"), day, party);
    PartySeal::of_json(&std::fs::read(path).expect("a seal")).expect("a seal")
}

/// The independent check; none where there is no Python.
fn independent(seal: &Path, key: &str, others: &[PathBuf]) -> Option<(Option<i32>, String)> {
    let mut python = Command::new("python3");
    python.arg(root().join("docs/verify_proof.py")).arg(seal).arg(key).args(others);
    match python.output() {
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

#[test]
fn every_party_s_days_lead_up_to_the_signature_and_go_on_from_each_other() {
    let (house, key) = sealed(4);
    for day in DAYS {
        let mut roots = std::collections::BTreeSet::new();
        for party in parties(&house.day(day)) {
            let seal = read_seal(&house, day, &party);
            assert_eq!(seal.check(&key), Ok(()), "{party} on {day}");
            let manifest = crate::published::manifest(&house.day(day).join(&party));
            assert_eq!(manifest["totals"]["debit_minor"], seal.debit_minor);
            assert_eq!(manifest["totals"]["credit_minor"], seal.credit_minor);
            roots.insert(seal.log_root);
        }
        assert_eq!(roots.len(), 1, "all are told the same");
    }
    // What was signed one day is what the next day goes on from.
    for pair in DAYS.windows(2) {
        let (before, after) = (read_seal(&house, pair[0], "bank-01"), read_seal(&house, pair[1], "bank-01"));
        assert_eq!(after.previous_root.as_ref(), Some(&before.log_root));
    }
    for day in DAYS {
        let own = [house.day(day).join("bank-03")];
        let Some((code, said)) = independent(&seal_path(&house.path("out"), day, "bank-03"), &key, &own) else { return };
        assert_eq!(code, Some(0), "{said}");
    }
    assert_eq!(seal(&house, DAY).done()["repeated"], true);
}

#[test]
fn every_line_is_proved_and_no_changed_proof_holds() {
    let (house, key) = sealed(2);
    let folder = house.day(DAYS[1]).join("bank-02");
    let path = seal_path(&house.path("out"), DAYS[1], "bank-02");
    let seal = read_seal(&house, DAYS[1], "bank-02");
    let lines = std::fs::read_to_string(folder.join("detail.csv")).expect("a file");
    let mut proofs = Vec::new();
    for (number, line) in (1..).zip(lines.lines().skip(1)) {
        let proof = prove(&folder, &seal, "detail.csv", number).expect("a line of the file");
        assert_eq!((proof.line.as_str(), proof.check(&seal)), (line, Ok(())));
        proofs.push(serde_json::to_string(&proof).expect("JSON"));
    }
    assert!(proofs.len() > 10 && proofs.iter().all(|proof| proof.len() < 1536), "{}", proofs.len());
    // The command gives the same, and the checks by command hold.
    let out = house.path("out");
    let ran = tapclear(["prove", "--out", &out.to_string_lossy(), "--day", DAYS[1], "--party", "bank-02", "3"]);
    assert_eq!(ran.stdout.trim_end(), proofs[2]);
    let check = |key: &str, proof: &Path| {
        tapclear(["verify-proof".as_ref(), "--json".as_ref(), "--seal".as_ref(), path.as_os_str(), "--key".as_ref(), key.as_ref(), proof.as_os_str()])
    };
    let third = house.write("third.json", &proofs[2]);
    check(&key, &third).done();
    check(&"0".repeat(64), &third).refused();
    let other_seal = seal_path(&out, DAYS[1], "bank-01");
    tapclear(["verify-proof".as_ref(), "--seal".as_ref(), other_seal.as_os_str(), "--key".as_ref(), key.as_ref(), third.as_os_str()]).refused();
    let refused = tapclear(["prove", "--out", &out.to_string_lossy(), "--day", DAYS[1], "--party", "bank-02", "100000"]);
    assert!(refused.refused().contains("no line 100000"), "{}", refused.stderr);

    let mut dice = Dice::new(92);
    let seal_text = std::fs::read_to_string(&path).expect("a seal");
    let change = |dice: &mut Dice, text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        let at = usize::try_from(dice.roll()).expect("64 bits") % bytes.len();
        bytes[at] = b"0123456789abcdefABCDEF \"-x"[usize::try_from(dice.roll()).expect("64 bits") % 26];
        bytes
    };
    let mut changed = 0;
    for _ in 0..20_000 {
        let text = dice.one_of(&proofs).clone();
        let bytes = change(&mut dice, &text);
        let Ok(proof) = LineProof::of_json(&bytes) else { continue };
        if proof != LineProof::of_json(text.as_bytes()).expect("a proof") {
            changed += 1;
            assert!(proof.check(&seal).is_err(), "{}", String::from_utf8_lossy(&bytes));
        }
    }
    for _ in 0..4000 {
        let bytes = change(&mut dice, &seal_text);
        let Ok(other) = PartySeal::of_json(&bytes) else { continue };
        if other != seal {
            changed += 1;
            assert!(other.check(&key).is_err(), "{}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(changed > 10_000, "{changed}");

    // The independent check agrees, about what holds and about what does not.
    let mut files = Vec::new();
    for (at, proof) in proofs.iter().enumerate().take(40) {
        files.push((house.write(&format!("whole-{at}.json"), proof), true));
        let bytes = change(&mut dice, proof);
        let same = LineProof::of_json(&bytes).is_ok_and(|changed| serde_json::to_string(&changed).expect("JSON") == *proof);
        files.push((house.write(&format!("changed-{at}.json"), bytes), same));
    }
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let Some((_, said)) = independent(&path, &key, &paths) else { return };
    let verdicts: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(verdicts.len(), files.len(), "{said}");
    for ((file, holds), verdict) in files.iter().zip(verdicts) {
        assert_eq!(verdict.ends_with(" holds"), *holds, "{}: {verdict}", file.display());
    }
}

#[test]
fn a_line_that_is_rewritten_after_the_seal_is_found_out_by_its_receiver_alone() {
    let (house, key) = sealed(2);
    let (seal, folder) = (seal_path(&house.path("out"), DAY, "bank-02"), house.day(DAY).join("bank-02"));
    let detail = folder.join("detail.csv");
    let whole = std::fs::read_to_string(&detail).expect("a file");
    let last = whole.trim_end().len() - 1;
    for changed in [whole.replacen(",operator-", ",operator+", 1), whole[..last].to_owned(), whole.lines().take(5).collect::<Vec<_>>().join("\n")] {
        assert_ne!(changed, whole);
        std::fs::write(&detail, &changed).expect("it may be written");
        if let Some((code, said)) = independent(&seal, &key, std::slice::from_ref(&folder)) {
            assert_eq!((code, said.contains("does not hold")), (Some(1), true), "{said}");
        }
        let out = house.path("out");
        tapclear(["prove", "--out", &out.to_string_lossy(), "--day", DAY, "--party", "bank-02", "1"]).refused();
        self::seal(&house, DAY).refused();
    }
    // A house that writes a day anew with all its digests has another log, which does not go on from what it signed.
    let other = transit::house();
    other.clear(DAY, &[other.write("other.csv", csv(&day(95, 300)))]).done();
    self::seal(&other, DAY).done();
    let forged = read_seal(&other, DAY, "bank-02");
    assert_eq!(forged.check(&key), Ok(()), "the same key, and a day of its own");
    assert_ne!(read_seal(&house, DAYS[1], "bank-02").previous_root, Some(forged.log_root));
}

#[test]
fn days_are_sealed_in_their_order_once_they_are_settled() {
    let house = transit::house();
    let rows = day(96, 200);
    for (name, rows) in DAYS[..2].iter().zip(rows.chunks(100)) {
        house.clear(name, &[house.write(&format!("{name}.csv"), csv(rows))]).done();
    }
    assert!(seal(&house, DAYS[1]).refused().contains("in their order"));
    seal(&house, DAYS[2]).refused();
    seal(&house, DAYS[0]).done();
    seal(&house, DAYS[1]).done();
}
