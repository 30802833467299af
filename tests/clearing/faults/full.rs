//! A disk that somebody else fills while a command runs, to one level after another, in bytes or in names: nothing is lost,
//! and once there is room again the same command goes on, without any repair.

use super::disk::Disk;
use super::script::{DEEDS, Deed, Script, few_parties, small_house};
use super::shim::{self, counted, fault};
use super::{asked, assert_ended_well};
use crate::dice::Dice;
use crate::house::{DAY, Ran};
use crate::transit::{csv, day};
use std::path::Path;
use std::time::{Duration, Instant};

const SEED: u64 = 4;
const RECORDS: usize = 3000;
/// Somewhat more than a ledger wants to be free.
const DISK_BYTES: u64 = 1300 << 20;
const INODES: &str = "600";
const DEEDS_TRIED: [Deed; 4] = [Deed::Ingest, Deed::Close, Deed::Settle, Deed::Backup];
/// From the moment that there is room to the end of the command that goes on; a machine that is busy with other things may
/// be given more.
const ACCEPTS_WITHIN_MS: u64 = 5000;
/// Beyond what a deed writes to the disk all levels are the same.
const LEVEL_BYTES_MAX: u64 = 3 << 20;
const LEVEL_NAMES_MAX: u64 = 60;

#[test]
fn a_full_disk_loses_nothing_and_needs_no_repair() {
    let Some(library) = shim::library() else { return };
    let (seed, levels) = (asked("FAULT_SEED", SEED), asked("FAULT_LEVELS", 2));
    println!("FAULT_SEED={seed} FAULT_LEVELS={levels}");
    let Some(disk) = Disk::new(DISK_BYTES, &["-m", "0", "-N", INODES], "a full disk") else { return };
    let mut script = Script::within(small_house(), disk.mount_point(), seed, RECORDS);
    let mut calls = Vec::new();
    script.rehearse(|script, deed| calls.push(counted(&mut script.command(deed), library, &script.house.path("count"))));
    let mut dice = Dice::new(seed);
    let (mut stopped, mut refused, mut longest) = (0, 0, Duration::ZERO);
    for level in 0..levels {
        for deed in DEEDS_TRIED {
            // Room in bytes, and then in names.
            for (free, most) in [("FAULT_BYTES", LEVEL_BYTES_MAX), ("FAULT_NAMES", LEVEL_NAMES_MAX)] {
                let place = DEEDS.iter().position(|other| *other == deed).expect("it is in the script");
                let (at, left) = (1 + dice.roll() % calls[place], most * level / levels);
                let what = format!("seed {seed}, level {level}: {free}={left} at call {at} of {deed:?}");
                script.go_back(&place.to_string());
                let mut command = script.command(deed);
                fault(&mut command, library, "fill", at).env("FAULT_MOUNT", disk.mount_point()).env(free, left.to_string());
                let ran = Ran::of(command.output().expect("the program starts"));
                assert_ended_well(&ran, &what);
                stopped += usize::from(ran.code != Some(0));
                script.assert_acknowledged(&what);
                // The supervisor tries again, though nothing has changed.
                let again = Ran::of(script.command(deed).output().expect("the program starts"));
                assert!(again.code == Some(0) || again.code == Some(2) && again.stderr.contains("\nhint: "), "{what}: {:?} {}", again.code, again.stderr);
                refused += usize::from(again.code != Some(0));
                script.assert_acknowledged(&what);
                empty(&disk.mount_point().join("filler"));
                let there_is_room = Instant::now();
                script.redo(deed, &what);
                let took = there_is_room.elapsed();
                assert!(took <= Duration::from_millis(asked("FAULT_ACCEPTS_WITHIN_MS", ACCEPTS_WITHIN_MS)), "{what}: it took {took:?}");
                longest = longest.max(took);
                script.assert_as_if_undisturbed(deed, &what);
            }
        }
    }
    println!("{levels} levels, in bytes and in names, of {DEEDS_TRIED:?}: {stopped} stopped, {refused} refused while there was no room");
    println!("went on within {longest:?} of there being room");
    assert!(levels == 0 || stopped > 0, "no disk was ever full");
}

#[test]
fn a_disk_that_may_only_be_read_is_named_and_can_be_read() {
    let Some(mut disk) = Disk::new(DISK_BYTES, &["-m", "0"], "a disk that may only be read") else { return };
    let mut house = small_house();
    house.place = disk.mount_point();
    let rows = few_parties(day(SEED, RECORDS));
    let files = [house.write("one.csv", csv(&rows[..400])), house.write("two.csv", csv(&rows[400..]))];
    house.ingest(DAY, &files[..1]).done();
    disk.remount("ro");
    let head = house.head();
    for ran in [house.ingest(DAY, &files[1..]), house.run("close", ["--day", DAY])] {
        let words = ran.refused();
        assert!(words.contains("reading only") && !words.contains("backup"), "{words}");
    }
    house.verify();
    assert_eq!(house.head(), head);
    disk.remount("rw");
    house.ingest(DAY, &files[1..]).done();
    house.verify();
}

fn empty(filler: &Path) {
    let removed = if filler.is_dir() { std::fs::remove_dir_all(filler) } else { std::fs::remove_file(filler) };
    assert!(removed.is_ok() || !filler.exists(), "{removed:?}");
}
