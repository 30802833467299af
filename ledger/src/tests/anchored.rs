//! An open notices what a disk lost or changed, names it, and changes nothing; or what it finds is what was acknowledged.

use super::*;
use crate::rocks::Folder;
use crate::storage::{Database, Found, Manifest, Storage};
use crate::store::{self, BALANCES, CHECKPOINTS, HEAD_KEY, VAULT};
use crate::{Head, LedgerError};
use std::fs::File;
use std::path::PathBuf;

fn refusal(path: &Path) -> LedgerError {
    let read = Ledger::open_read_only(path, &options()).err().expect("refused to a reader");
    let write = Ledger::open(path, &options()).err().expect("refused to a writer");
    assert_eq!(read.to_string(), write.to_string());
    write
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy(&path, &target) } else { std::fs::copy(&path, &target).map(|_| ()).expect("copies") }
    }
}

fn database_files(path: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path.join("db")).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|extension| extension == kind));
    files.filter(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0)).collect()
}

/// A ledger with blocks in its tables and some in its log alone, and its head.
fn ledger_in(path: &Path) -> Head {
    let table = names();
    drop(closed_day(path, &table));
    let mut ledger = open(path);
    book(&mut ledger, 2, &records(5), &table);
    book(&mut ledger, 3, &records(6), &table);
    ledger.head()
}

#[test]
fn a_lost_or_cut_log_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let head = ledger_in(dir.path());
    for cut in [u64::MAX, 1, 100, 4000] {
        let copied = tempfile::tempdir().expect("a folder");
        copy(dir.path(), copied.path());
        for log in database_files(copied.path(), "log") {
            let len = log.metadata().expect("a file").len();
            if cut == u64::MAX {
                std::fs::remove_file(&log)
            } else {
                File::options().write(true).open(&log).and_then(|file| file.set_len(len.saturating_sub(cut)))
            }
            .expect("can be changed");
        }
        assert!(matches!(refusal(copied.path()), LedgerError::ChainEnds { expected, .. } if expected == head.height), "cut by {cut}");
    }
    assert_eq!(open(dir.path()).head(), head);
}

#[test]
fn a_database_of_yesterday_is_refused_and_one_without_current_too() {
    let (dir, old) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    ledger_in(dir.path());
    copy(&dir.path().join("db"), &old.path().join("db"));
    let mut ledger = open(dir.path());
    book(&mut ledger, 4, &records(3), &names());
    drop(ledger);
    std::fs::remove_dir_all(dir.path().join("db")).expect("removes");
    assert!(matches!(refusal(dir.path()), LedgerError::Lost { path } if path.ends_with("CURRENT")));
    copy(old.path(), dir.path());
    assert!(matches!(refusal(dir.path()), LedgerError::Older { .. }));
    // Without its anchor it would be an older ledger; but an anchor is never missing.
    std::fs::remove_file(dir.path().join("ledger.head")).expect("removes");
    assert!(matches!(refusal(dir.path()), LedgerError::Anchor { what: "it is missing", .. }));
    std::fs::remove_file(dir.path().join("db/CURRENT")).expect("removes");
    assert!(matches!(refusal(dir.path()), LedgerError::Lost { .. }));
}

#[test]
fn an_older_anchor_is_made_the_newest_once_the_chain_behind_it_is_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(closed_day(dir.path(), &names()));
    let anchor = std::fs::read(dir.path().join("ledger.head")).expect("reads");
    let mut ledger = open(dir.path());
    book(&mut ledger, 2, &records(5), &names());
    let head = ledger.head();
    drop(ledger);
    std::fs::write(dir.path().join("ledger.head"), &anchor).expect("writes");
    assert_eq!(open(dir.path()).head(), head);
    let again = std::fs::read(dir.path().join("ledger.head")).expect("reads");
    assert_ne!(again, anchor);
    assert!(open(dir.path()).verify().expect("reads").is_clean());
    // A block behind an older anchor is looked at.
    let ledger = open(dir.path());
    delete(&ledger, store::JOURNAL, &(head.height - 1).to_be_bytes());
    drop(ledger);
    std::fs::write(dir.path().join("ledger.head"), &anchor).expect("writes");
    assert!(matches!(refusal(dir.path()), LedgerError::NoBlock { height } if height == head.height - 1));
}

#[test]
fn an_anchor_of_another_ledger_is_refused() {
    let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    ledger_in(dir.path());
    let mut ledger = open(other.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: [8; 32] });
    drop(ledger);
    std::fs::copy(other.path().join("ledger.head"), dir.path().join("ledger.head")).expect("copies");
    assert!(matches!(refusal(dir.path()), LedgerError::HeadDiffers { height: 1 }));
}

#[test]
fn a_family_that_is_older_than_the_journal_is_refused() {
    for family in [BALANCES, CHECKPOINTS, VAULT] {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = closed_day(dir.path(), &names());
        put(&ledger, family, HEAD_KEY, &Head::default().to_bytes());
        drop(ledger);
        assert!(matches!(refusal(dir.path()), LedgerError::FamilyDiffers { family: found } if found == family));
    }
}

#[test]
fn an_interrupted_making_of_a_ledger_is_made_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("ledger.head"), "").expect("writes");
    assert!(matches!(Ledger::open_read_only(dir.path(), &options()), Err(LedgerError::Absent)));
    drop(open(dir.path()));
    std::fs::remove_dir_all(dir.path().join("db")).expect("removes");
    std::fs::create_dir(dir.path().join("db")).expect("a folder");
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
}

#[test]
fn a_scrub_of_the_open_day_finds_a_changed_block() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    let from = ledger.head().height;
    for digest in 2..30 {
        book(&mut ledger, digest, &records(4), &table);
        assert_eq!(ledger.scrub_open_day(1).expect("whole, wherever it ends"), ledger.head().height - from);
    }
    for workers in [1, 3] {
        assert_eq!(ledger.scrub_open_day(workers).expect("whole"), ledger.head().height - from);
    }
    for height in [from + 1, from + 16, from + 17, ledger.head().height] {
        let (family, key) = (store::JOURNAL, height.to_be_bytes());
        let block = get(&ledger, family, &key);
        for at in [10, 40, 70, block.len() - 1] {
            let mut flipped = block.clone();
            flipped[at] ^= 1;
            put(&ledger, family, &key, &flipped);
            assert!(ledger.scrub_open_day(2).is_err(), "byte {at} of block {height}");
        }
        // A block of its place, and whole, but another one.
        let other = if height == from + 1 { height + 1 } else { height - 1 };
        let swapped = get(&ledger, family, &other.to_be_bytes());
        put(&ledger, family, &key, &swapped);
        assert!(ledger.scrub_open_day(2).is_err(), "block {other} in the place of {height}");
        put(&ledger, family, &key, &block);
    }
    assert!(ledger.scrub_open_day(2).is_ok());
}

#[test]
fn a_cut_manifest_is_refused_or_costs_nothing() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    drop(closed_day(dir.path(), &table));
    let mut ledger = open(dir.path());
    for digest in 2..6 {
        book(&mut ledger, digest, &records(5), &table);
        // As RocksDB does when a table in memory is full: the log that held it goes.
        ledger.db.flush();
    }
    book(&mut ledger, 7, &records(5), &table);
    let digests = ledger.digests().expect("reads");
    drop(ledger);
    let Ok(Found::Database(Manifest { bytes, path, .. })) = Folder::new(dir.path()).find_database() else { panic!("there is a database") };
    let name = path.file_name().expect("a name");
    let (mut refused, mut same) = (0, 0);
    for keep in (0..bytes).step_by(37) {
        let copied = tempfile::tempdir().expect("a folder");
        copy(dir.path(), copied.path());
        File::options().write(true).open(copied.path().join("db").join(name)).and_then(|file| file.set_len(keep)).expect("can be cut");
        match Ledger::open(copied.path(), &options()) {
            Err(_) => refused += 1,
            Ok(ledger) => {
                same += 1;
                assert_eq!(ledger.digests().expect("reads"), digests, "{keep} of {bytes} bytes are left");
            }
        }
    }
    assert!(refused > 5, "{refused} refused, {same} the same");
}

#[test]
fn a_block_lost_behind_the_last_open_is_missed() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    let height = ledger.head().height;
    book(&mut ledger, 2, &records(5), &table);
    book(&mut ledger, 3, &records(5), &table);
    delete(&ledger, store::JOURNAL, &(height + 1).to_be_bytes());
    drop(ledger);
    assert!(matches!(refusal(dir.path()), LedgerError::NoBlock { height: missing } if missing == height + 1));
}
