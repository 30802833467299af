//! Everything but the journal and the vault can be made anew from them, to the byte; and a folder that was put back to an
//! earlier time does not pass beside a checkpoint.

use crate::house::{DAY, House, number, tapclear};
use crate::published::{assert_same, every_file};
use crate::transit::{self, csv, day};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, Flags, Record, RecordKind, SymbolTable};
use engine::scheme::Scheme;
use ledger::{DecisionBlock, Event, Group, IntakeBlock, Ledger, LedgerOptions};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use tapclear::closing::{Bounds, Closing};
use tapclear::history;
use tapclear::progress::Progress;

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
    assert!(!house.path("other").exists(), "the same command may be run again");
    house.edit("tariff/tariff.toml", "amount_minor = 300", "amount_minor = 200");
    rebuilt(&house, "other", &[]).done();
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

/// What a close of the house's open day would write: its decisions, and its last event.
fn closed_elsewhere(house: &House, symbols: &SymbolTable) -> (Vec<Decision>, Event) {
    let copy = house.path("elsewhere");
    crate::house::copy_folder(&house.ledger(), &copy);
    tapclear(["close".as_ref(), "--json".as_ref(), "--scheme".as_ref(), house.scheme.as_os_str(), "--ledger".as_ref(), copy.as_os_str()]).done();
    let ledger = Ledger::open_read_only(&copy, &LedgerOptions::default()).expect("it opens");
    let mut cache = SymbolCache::new(symbols);
    let day = *ledger.days().first().expect("it is closed");
    let blocks = ledger.decision_blocks(day.day).expect("reads").into_iter().map(|height| ledger.read_decisions(height, &mut cache).expect("reads"));
    let decisions = blocks.collect::<Vec<_>>().concat();
    (decisions, ledger.read_event(day.closed_height).expect("reads"))
}

fn this_day() -> Day {
    DAY.parse().expect("a date")
}

fn opened(house: &House) -> Ledger {
    Ledger::open(&house.ledger(), &LedgerOptions::default()).expect("nobody has it open")
}

fn commit(ledger: &mut Ledger, fill: impl FnOnce(&mut Group)) {
    let mut group = Group::new();
    fill(&mut group);
    ledger.commit(group).expect("commits");
}

#[test]
fn a_journal_that_was_cut_otherwise_or_whose_close_was_interrupted_is_rebuilt_to_the_byte() {
    let house = transit::house();
    house.ingest(DAY, &[house.write("one.csv", csv(&day(76, 900)))]).done();
    let symbols = SymbolTable::new();
    let scheme = Scheme::read(&house.scheme, &symbols).expect("no mistakes");
    let (decisions, _) = closed_elsewhere(&house, &symbols);
    let mut ledger = opened(&house);
    for some in [&decisions[..], &decisions[..70]] {
        commit(&mut ledger, |group| group.event(Event::CloseStarted { day: this_day(), scheme: scheme.digest }));
        commit(&mut ledger, |group| group.decisions(DecisionBlock::encode(some, scheme.hub, &symbols)));
    }
    let seen = history::seen(&ledger, &symbols, 1).expect("reads");
    let bounds = Bounds { block_rows_max: 100, group_bytes_max: 3_000 };
    let closing = Closing { scheme: &scheme, symbols: &symbols, seen: &seen, workers: 2, bounds, progress: &Progress::silent() };
    closing.close(&mut ledger).expect("closes");
    assert!(ledger.decision_blocks(this_day()).expect("reads").len() > 8);
    drop(ledger);
    house.run("settle", ["--day", DAY]).done();
    assert_rebuilt(&house);
}

#[test]
fn a_close_that_the_records_do_not_lead_to_is_not_rebuilt() {
    let (house, symbols) = (transit::house(), SymbolTable::new());
    house.ingest(DAY, &[house.write("one.csv", csv(&day(77, 400)))]).done();
    let scheme = Scheme::read(&house.scheme, &symbols).expect("no mistakes");
    let (decisions, closed) = closed_elsewhere(&house, &symbols);
    let before = house.path("before");
    crate::house::copy_folder(&house.ledger(), &before);
    // What moves no money: no sum shows it.
    let at = decisions.iter().position(|decision| !decision.flags.has(Flags::RIDE)).expect("a tap-on");
    let elsewhere = decisions.iter().map(|decision| decision.record.location).find(|location| *location != decisions[at].record.location);
    let (mut changed, mut fewer, mut more) = (decisions.clone(), decisions.clone(), decisions.clone());
    changed[at].record.location = elsewhere.expect("another place");
    fewer.remove(at);
    more.push(Decision { record: decisions[decisions.len() - 1].record, ..decisions[at] });
    let forged = [("same", decisions.clone(), None), ("changed", changed, Some(at)), ("fewer", fewer, Some(at)), ("more", more, Some(decisions.len()))];
    for (name, forged, line) in forged {
        std::fs::remove_dir_all(house.ledger()).expect("it was there");
        crate::house::copy_folder(&before, &house.ledger());
        let mut ledger = opened(&house);
        commit(&mut ledger, |group| group.event(Event::CloseStarted { day: this_day(), scheme: scheme.digest }));
        forged.chunks(150).for_each(|some| commit(&mut ledger, |group| group.decisions(DecisionBlock::encode(some, scheme.hub, &symbols))));
        commit(&mut ledger, |group| group.event(closed.clone()));
        drop(ledger);
        let ran = rebuilt(&house, name, &[]);
        match line {
            // The forger left no checkpoints.
            None => assert_eq!((ran.code, ran.stdout.contains("\"differ\":[\"checkpoints\"]")), (Some(1), true), "{}", ran.stderr),
            Some(line) => assert!(ran.refused().contains(&format!("decides line {} otherwise", line + 1)), "{name}: {}", ran.stderr),
        }
    }
}

#[test]
fn a_close_that_came_to_other_sums_is_not_rebuilt() {
    let (house, symbols) = (transit::house(), SymbolTable::new());
    house.ingest(DAY, &[house.write("one.csv", csv(&day(78, 200)))]).done();
    let scheme = Scheme::read(&house.scheme, &symbols).expect("no mistakes");
    let (decisions, mut closed) = closed_elsewhere(&house, &symbols);
    let Event::Closed { totals, .. } = &mut closed else { panic!("a close ends with its event") };
    totals.capped_rides += 1;
    let mut ledger = opened(&house);
    commit(&mut ledger, |group| group.event(Event::CloseStarted { day: this_day(), scheme: scheme.digest }));
    commit(&mut ledger, |group| group.decisions(DecisionBlock::encode(&decisions, scheme.hub, &symbols)));
    commit(&mut ledger, |group| group.event(closed));
    drop(ledger);
    assert!(rebuilt(&house, "new", &[]).refused().contains("other sums"));
}

#[test]
fn a_block_that_names_other_repeats_than_there_were_is_not_rebuilt() {
    for (repeats, is_true) in [([1], true), ([0], false)] {
        let (house, symbols) = (transit::house(), SymbolTable::new());
        let scheme = Scheme::read(&house.scheme, &symbols).expect("no mistakes");
        let record = Record { terminal: symbols.intern("terminal:1"), sequence: 7, ..Record::blank(RecordKind::Boarding) };
        let mut block = IntakeBlock::encode(&[record, record], &[1, 2], &symbols);
        block.set_repeats(repeats.to_vec());
        let mut ledger = opened(&house);
        commit(&mut ledger, |group| group.event(Event::DayOpened { day: this_day(), scheme: scheme.digest }));
        commit(&mut ledger, |group| group.event(Event::FileStarted { digest: [7; 32], name: "own.csv".to_owned(), sender: "own".to_owned(), bytes: 9 }));
        commit(&mut ledger, |group| group.intake(1, block));
        commit(&mut ledger, |group| group.event(Event::FileBooked { file: 1, received: 2, refused: 0, repeats: 1 }));
        drop(ledger);
        let ran = rebuilt(&house, "new", &[]);
        if is_true {
            assert_eq!(number(&ran.done(), "records"), 2);
        } else {
            assert!(ran.refused().contains("names other records"), "{}", ran.stderr);
        }
    }
}
