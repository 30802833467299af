//! Killed from outside under load: a client sends files, keeps what it sent and what was acknowledged where no kill reaches,
//! and sends again what was not, and a fifth of the rest. The close, the settling and a backup beside them are killed too.

use super::asked;
use super::script::{acknowledged, assert_sound, few_parties, open, small_house};
use crate::dice::Dice;
use crate::house::{DAY, House, Ran};
use crate::published::{assert_same, canonical};
use crate::transit::{csv, day};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SEED: u64 = 77;
const RECORDS: usize = 24_000;
const FILES: usize = 30;
/// Files of one command.
const BATCH: usize = 6;

/// The client: its files, what it sent and what it was told.
struct Client {
    house: House,
    files: Vec<PathBuf>,
    acks: PathBuf,
    sent: PathBuf,
}

impl Client {
    fn new(seed: u64) -> Self {
        let mut house = small_house();
        house.place = house.path("disk");
        let rows = few_parties(day(seed, RECORDS));
        let files = rows.chunks(rows.len().div_ceil(FILES)).enumerate().map(|(at, rows)| house.write(&format!("{at}.csv"), csv(rows))).collect();
        let (acks, sent) = (house.path("acks"), house.path("sent"));
        Self { house, files, acks, sent }
    }

    fn begin(&self) {
        drop(std::fs::remove_dir_all(&self.house.place));
        std::fs::create_dir(&self.house.place).expect("a folder");
        for log in [&self.acks, &self.sent] {
            std::fs::write(log, "").expect("writes");
        }
    }

    /// What was not acknowledged, as far as one command takes it, and a fifth of the rest.
    fn batch(&self, dice: &mut Dice) -> Vec<&Path> {
        let booked: BTreeSet<String> = acknowledged(&self.acks, &self.house.ledger(), "before a batch").into_iter().collect();
        let (done, open): (Vec<&Path>, Vec<&Path>) = self.files.iter().map(PathBuf::as_path).partition(|path| booked.contains(&*name(path)));
        if open.is_empty() {
            return Vec::new();
        }
        let mut batch: Vec<&Path> = open.into_iter().take(BATCH).chain(done.into_iter().filter(|_| dice.permille(200))).collect();
        dice.shuffle(&mut batch);
        batch
    }

    fn send(&self, batch: &[&Path]) -> Command {
        let mut sent = std::fs::File::options().append(true).open(&self.sent).expect("a log");
        batch.iter().for_each(|path| writeln!(sent, "{}", name(path)).expect("writes"));
        let first = [OsStr::new("--day"), OsStr::new(DAY), OsStr::new("--acks"), self.acks.as_os_str()];
        self.house.command("ingest", first.into_iter().chain(batch.iter().map(|path| path.as_os_str())))
    }

    fn end(&self, name: &str) -> Command {
        let backups = self.house.place.join("backups");
        match name {
            "backup" => self.house.command(name, [OsStr::new("--to"), backups.as_os_str()]),
            _ => self.house.command(name, ["--day", DAY]),
        }
    }

    /// Nothing acknowledged is lost, nothing is doubled, and nothing was acknowledged that was not sent.
    fn assert_whole(&self, what: &str) {
        let booked = acknowledged(&self.acks, &self.house.ledger(), what);
        let sent = std::fs::read_to_string(&self.sent).expect("a log");
        let sent: BTreeSet<&str> = sent.lines().collect();
        assert!(booked.iter().all(|name| sent.contains(name.as_str())), "{what}: acknowledged and never sent");
        // Killed while it was being made, it is none yet.
        let options = ledger::LedgerOptions::default();
        let absent = matches!(ledger::Ledger::open_read_only(&self.house.ledger(), &options), Err(ledger::LedgerError::Absent));
        assert!(!absent || booked.is_empty(), "{what}: what was acknowledged is gone");
        if !absent {
            assert_sound(&open(&self.house.ledger(), what), what);
            let mut twice = BTreeMap::new();
            self.house.files().into_iter().filter(|(_, state)| state == "booked").for_each(|(name, _)| *twice.entry(name).or_insert(0) += 1);
            assert!(twice.values().all(|&times| times == 1), "{what}: {twice:?}");
        }
    }
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().expect("a name").to_string_lossy()
}

/// Runs a command and kills it after a while; how it ended where it did so before.
fn killed_after(mut command: Command, micros: u64) -> Option<Ran> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_micros(micros));
    child.kill().expect("it can be killed, or has ended");
    let output = child.wait_with_output().expect("it ends");
    output.status.code().map(|_| Ran::of(output))
}

#[test]
fn a_day_comes_out_the_same_however_often_its_process_was_killed_under_load() {
    let (seed, wanted) = (asked("FAULT_SEED", SEED), asked("FAULT_KILLS", 12));
    println!("FAULT_SEED={seed} FAULT_KILLS={wanted}");
    let (client, mut dice) = (Client::new(seed), Dice::new(seed));
    client.begin();
    let all: Vec<&Path> = client.files.iter().map(PathBuf::as_path).collect();
    // How long things take here and now: a kill falls somewhere in them.
    let mut lasted = BTreeMap::new();
    let mut timed = |name: &'static str, command: &mut Command| {
        let started = Instant::now();
        Ran::of(command.output().expect("the program starts")).done();
        lasted.insert(name, u64::try_from(started.elapsed().as_micros()).expect("some seconds"));
    };
    timed("ingest", &mut client.send(&all[..BATCH]));
    Ran::of(client.send(&all[BATCH..]).output().expect("the program starts")).done();
    for name in ["backup", "close", "settle"] {
        timed(name, &mut client.end(name));
    }
    let expected = canonical(&client.house.day(DAY));

    let (mut kills, mut days) = (0, 0);
    while kills < wanted {
        client.begin();
        // A last run of each that nobody disturbs, so that a day comes to its end.
        let mut struck = |command: Command, name: &str, dice: &mut Dice| {
            let what = format!("seed {seed}, kill {kills} in {name}");
            if kills >= wanted {
                return Some(Ran::of({ command }.output().expect("the program starts")));
            }
            let ended = killed_after(command, dice.roll() % (lasted[name] * 5 / 4));
            kills += u64::from(ended.is_none());
            client.assert_whole(&what);
            ended
        };
        loop {
            let batch = client.batch(&mut dice);
            if batch.is_empty() {
                break;
            }
            // Now and then while a backup is made.
            let backup = dice.permille(200).then(|| client.end("backup").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"));
            if let Some(ran) = struck(client.send(&batch), "ingest", &mut dice) {
                assert_eq!(ran.code, Some(0), "seed {seed}: {}", ran.stderr);
            }
            if let Some(mut backup) = backup {
                backup.kill().expect("it can be killed, or has ended");
                backup.wait().expect("it ends");
            }
        }
        for name in ["backup", "close", "settle"] {
            let ran = loop {
                if let Some(ran) = struck(client.end(name), name, &mut dice) {
                    break ran;
                }
            };
            // It may have been done when it was killed.
            let done_before = name == "close" && ran.code == Some(2) && ran.stderr.contains("is closed: its amounts never change");
            assert!(ran.code == Some(0) || done_before, "seed {seed}: {name}: {}", ran.stderr);
        }
        days += 1;
        client.assert_whole("at the end of the day");
        assert_same(&expected, &canonical(&client.house.day(DAY)), &format!("seed {seed}, day {days}"));
    }
    println!("{kills} kills in {days} days of {FILES} files and {RECORDS} records");
}
