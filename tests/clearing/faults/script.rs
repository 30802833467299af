//! A scripted day: what a house does with its ledger, command after command, small enough to be struck at every call that
//! changes the disk; and what must hold when a command that was struck has been run again.

use crate::house::{DAY, House, Ran, copy_folder, program};
use crate::published::{canonical, every_file};
use crate::transit::{self, Row, csv, day};
use domain::{CardToken, SymbolTable};
use engine::ingest::{DoorKeys, card_token};
use engine::scheme::Scheme;
use ledger::{FileState, Head, Ledger, LedgerOptions};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const NEXT_DAY: &str = "2026-03-03";

/// What is done, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Ingest,
    /// With some of the first file again.
    IngestMore,
    Close,
    Settle,
    Backup,
    /// The next day, with what came late.
    Clear,
    Forget,
    Archive,
    /// Of which only the newest is kept.
    BackupAgain,
    Restore,
}

pub const DEEDS: [Deed; 10] =
    [Deed::Ingest, Deed::IngestMore, Deed::Close, Deed::Settle, Deed::Backup, Deed::Clear, Deed::Forget, Deed::Archive, Deed::BackupAgain, Deed::Restore];

/// Files by name: what a day was published as.
type Files = BTreeMap<String, Vec<u8>>;

/// What there was after a deed that nothing disturbed.
struct Undisturbed {
    ledger: Digests,
    days: BTreeMap<&'static str, Files>,
}

/// A digest over each family of a ledger's database: equal ones, equal ledgers. But for the vault, whose seals are random.
type Digests = Vec<(&'static str, [u8; 32])>;

/// A house and its day. All that commands change is in one folder, the disk that fails, but for the acknowledgements, which
/// are looked at as far as they came.
pub struct Script {
    pub house: House,
    forgotten: CardToken,
    /// Its key and number as they are sealed before they are forgotten.
    sealed: Vec<u8>,
    /// By the place of the deed in [`DEEDS`].
    undisturbed: Vec<Undisturbed>,
}

impl Script {
    /// With its disk in the house's folder.
    pub fn new(seed: u64, records: usize) -> Self {
        let house = small_house();
        let disk = house.path("disk");
        std::fs::create_dir(&disk).expect("a folder");
        Self::within(house, disk, seed, records)
    }

    /// With a disk that is elsewhere.
    pub fn within(mut house: House, disk: PathBuf, seed: u64, records: usize) -> Self {
        house.place = disk;
        let rows = few_parties(day(seed, records));
        let (first, rest) = rows.split_at(rows.len() / 3);
        let (second, late) = rest.split_at(rows.len() / 3);
        // Some of the first file again, so that repeats are among what may be lost.
        let second = [second, &first[..first.len() / 3]].concat();
        for (name, rows) in [("one.csv", first), ("two.csv", &second), ("late.csv", late)] {
            house.write(name, csv(rows));
        }
        let card = first.iter().find(|row| row.amount.parse::<i64>().is_ok()).expect("a row that can be read").card;
        let scheme = Scheme::read(&house.scheme, &SymbolTable::new()).expect("a good scheme");
        let forgotten = card_token(&DoorKeys { token_key: scheme.keys.token }, card.to_string().as_bytes());
        Self { house, forgotten, sealed: Vec::new(), undisturbed: Vec::new() }
    }

    pub fn disk(&self) -> &Path {
        &self.house.place
    }

    fn backups(&self) -> PathBuf {
        self.disk().join("backups")
    }

    fn restored(&self) -> PathBuf {
        self.disk().join("restored")
    }

    /// The command of a deed, with one worker: its calls come in nearly the same order each time.
    pub fn command(&self, deed: Deed) -> Command {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let (file, acks, backups) = (|name: &str| text(self.house.path(name)), text(self.house.path("acks")), text(self.backups()));
        let forgotten = std::str::from_utf8(self.forgotten.as_bytes()).expect("a token is a text");
        let one = ["--workers", "1"];
        let run = |name: &str, more: &[&str], with: &[&str]| self.house.command(name, [more, with].concat());
        match deed {
            Deed::Ingest => run("ingest", &["--day", DAY, "--acks", &acks, &file("one.csv")], &one),
            Deed::IngestMore => run("ingest", &["--day", DAY, "--acks", &acks, &file("two.csv")], &one),
            Deed::Close => run("close", &["--day", DAY], &one),
            Deed::Settle => run("settle", &["--day", DAY], &one),
            Deed::Backup => run("backup", &["--to", &backups], &one),
            Deed::Clear => run("clear", &["--day", NEXT_DAY, &file("late.csv")], &one),
            Deed::Forget => run("forget", &["--why", "asked on 2026-03-04", forgotten], &[]),
            Deed::Archive => run("archive", &["--scheme", &file("scheme")], &[]),
            Deed::BackupAgain => run("backup", &["--to", &backups, "--keep", "1"], &one),
            Deed::Restore => self.restore(&self.restored()),
        }
    }

    fn restore(&self, into: &Path) -> Command {
        let mut command = program(["restore", "--json", "--workers", "1", "--from"]);
        command.arg(self.backups()).arg("--ledger").arg(into);
        command
    }

    /// Runs a deed as a supervisor does: it is done, or was done before.
    #[track_caller]
    pub fn redo(&self, deed: Deed, what: &str) {
        let ran = Ran::of(self.command(deed).output().expect("the program starts"));
        let said = |words: &str| ran.code == Some(2) && ran.stderr.contains(words);
        let done_before = match deed {
            Deed::Close => said("is closed: its amounts never change"),
            Deed::Restore => said("it exists already"),
            _ => false,
        };
        assert!(ran.code == Some(0) || done_before, "{what}: {deed:?} again: {:?} {}", ran.code, ran.stderr);
    }

    /// Does the whole day and keeps what there was before each deed and is after it; `with` runs each.
    pub fn rehearse(&mut self, mut with: impl FnMut(&Self, Deed)) {
        for (place, deed) in DEEDS.into_iter().enumerate() {
            self.keep(&place.to_string());
            if deed == Deed::Forget {
                let sealed = open(&self.house.ledger(), "undisturbed").sealed(&self.forgotten).expect("the vault is read");
                self.sealed = sealed.expect("the card's number is in the vault");
            }
            with(self, deed);
            let days = [DAY, NEXT_DAY].into_iter().filter(|day| self.house.day(day).is_dir()).map(|day| (day, canonical(&self.house.day(day))));
            let undisturbed = Undisturbed { ledger: digests(&open(&self.house.ledger(), "undisturbed")), days: days.collect() };
            self.undisturbed.push(undisturbed);
        }
        let kept = &self.undisturbed[9];
        assert_eq!(kept.days.len(), 2, "the script publishes two days");
        assert_eq!(open(&self.house.ledger(), "undisturbed").archives().len(), 1, "the script has something to archive");
    }

    /// Keeps the state of the disk under a name.
    pub fn keep(&self, name: &str) {
        let kept = self.house.path(&format!("kept-{name}"));
        copy_folder(self.disk(), &kept);
        std::fs::write(kept.with_extension("acks"), std::fs::read(self.house.path("acks")).unwrap_or_default()).expect("writes");
    }

    /// Goes back to a state that was kept.
    pub fn go_back(&self, name: &str) {
        self.clear();
        let kept = self.house.path(&format!("kept-{name}"));
        copy_folder(&kept, self.disk());
        std::fs::copy(kept.with_extension("acks"), self.house.path("acks")).expect("copies");
    }

    /// Leaves nothing on the disk.
    pub fn clear(&self) {
        for entry in std::fs::read_dir(self.disk()).expect("the disk is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // A file system's own.
                if path.file_name().is_none_or(|name| name != "lost+found") {
                    std::fs::remove_dir_all(path).expect("can be removed");
                }
            } else {
                std::fs::remove_file(path).expect("can be removed");
            }
        }
        drop(std::fs::remove_file(self.house.path("acks")));
    }

    /// Everything that was acknowledged is in the ledger.
    #[track_caller]
    pub fn assert_acknowledged(&self, what: &str) {
        acknowledged(&self.house.path("acks"), &self.house.ledger(), what);
    }

    /// What a deed promises, after it was struck and run again.
    #[track_caller]
    pub fn assert_as_if_undisturbed(&self, deed: Deed, what: &str) {
        let place = DEEDS.iter().position(|other| *other == deed).expect("it is in the script");
        let expected = self.undisturbed.get(place).expect("the script was rehearsed");
        let ledger = open(&self.house.ledger(), what);
        assert_told(&ledger, &told(&self.house.path("acks")), what);
        let found = assert_sound(&ledger, what);
        if matches!(deed, Deed::Forget | Deed::Archive) {
            assert_eq!(ledger.sealed(&self.forgotten).expect("the vault is read"), None, "{what}: the number is there");
        }
        drop(ledger);
        if deed == Deed::Forget {
            // The first is the version, and what a nonce begins with says nothing.
            for piece in self.sealed[25..].chunks_exact(16) {
                let holders = every_file(&self.house.ledger()).into_iter().filter(|(_, bytes)| bytes.windows(piece.len()).any(|window| window == piece));
                assert_eq!(holders.map(|(name, _)| name).collect::<Vec<_>>(), [""; 0], "{what}: a piece of the card's key or number is left");
            }
        }
        match deed {
            Deed::Backup | Deed::BackupAgain => {
                let copy = self.disk().join("copy");
                let restored = Ran::of(self.restore(&copy).output().expect("the program starts"));
                assert_eq!(restored.code, Some(0), "{what}: the backup is restored: {}", restored.stderr);
                assert!(digests(&open(&copy, what)) == found, "{what}: the backup is of another ledger");
                let lists = every_file(&self.backups()).into_keys().filter(|name| name.ends_with(".json") && !name.contains('/')).count();
                assert!(deed == Deed::Backup || lists == 1, "{what}: {lists} backups are kept");
            }
            Deed::Restore => assert!(assert_sound(&open(&self.restored(), what), what) == found, "{what}: what was restored is another ledger"),
            _ => {}
        }
        // A run that was cut off may have written events that count for nothing: the chain is another one then. What comes of
        // it is not. An equal ledger leads where it leads.
        let mut place = place;
        if found != expected.ledger {
            assert!(matches!(deed, Deed::Ingest | Deed::IngestMore | Deed::Close | Deed::Clear), "{what}: the ledger is another one");
            while place < 3 {
                place += 1;
                self.redo(DEEDS[place], what);
            }
        }
        for (day, expected) in &self.undisturbed.get(place).expect("the script was rehearsed").days {
            crate::published::assert_same(expected, &canonical(&self.house.day(day)), &format!("{what}: {day}"));
        }
    }
}

/// What a file of acknowledgements says: heads that are in the chain, names of files that are booked.
struct Told {
    heads: Vec<Head>,
    booked: Vec<String>,
}

fn told(acks: &Path) -> Told {
    let text = std::fs::read_to_string(acks).unwrap_or_default();
    let mut told = Told { heads: Vec::new(), booked: Vec::new() };
    // A line that was cut off is none.
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind @ ("durable" | "booked"), path, _, head] = fields[..] else { continue };
        let Some((height, hash)) = head.split_once(':').filter(|(_, hash)| hash.len() == 64) else { continue };
        let hash = *blake3::Hash::from_hex(hash).expect("a hash").as_bytes();
        told.heads.push(Head { height: height.parse().expect("a height"), hash });
        if kind == "booked" {
            told.booked.push(PathBuf::from(path).file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    told
}

#[track_caller]
fn assert_told(ledger: &Ledger, told: &Told, what: &str) {
    for head in &told.heads {
        assert!(ledger.holds(*head).expect("the chain is read"), "{what}: an acknowledged head at {} is not in the chain", head.height);
    }
    for name in &told.booked {
        let kept = ledger.files().iter().any(|file| file.name == *name && file.state == FileState::Booked);
        assert!(kept, "{what}: {name} was acknowledged and is not booked");
    }
}

/// Everything that was acknowledged in a file of acknowledgements is in a ledger. The names of the files that are booked.
#[track_caller]
pub fn acknowledged(acks: &Path, ledger: &Path, what: &str) -> Vec<String> {
    let told = told(acks);
    // Before the first of them there may be no ledger yet.
    if !told.heads.is_empty() {
        assert_told(&open(ledger, what), &told, what);
    }
    told.booked
}

#[track_caller]
pub fn open(path: &Path, what: &str) -> Ledger {
    Ledger::open_read_only(path, &LedgerOptions::default()).unwrap_or_else(|error| panic!("{what}: {} cannot be opened: {error:?}", path.display()))
}

/// The ledger is what its journal says; its digests.
#[track_caller]
pub fn assert_sound(ledger: &Ledger, what: &str) -> Digests {
    let report = ledger.verify().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.is_clean(), "{what}: {:?}", report.differences);
    digests(ledger)
}

fn digests(ledger: &Ledger) -> Digests {
    let mut digests = ledger.digests().expect("it is read");
    digests.retain(|(family, _)| *family != "vault");
    digests
}

/// The transit house with a handful of parties, so that a day has hundreds of calls and not thousands; card numbers go to the
/// vault, and closed days are soon old.
pub fn small_house() -> House {
    let house = transit::house();
    let file = |name: &str| std::fs::read_to_string(house.scheme.join(name)).expect("a file of the scheme");
    let stays = |line: &&str| {
        let numbered = ["bank-", "operator-", "venue-"].iter().any(|kind| line.starts_with(kind));
        !numbered || ["bank-01", "bank-02", "operator-01", "operator-21", "operator-25", "venue-001"].iter().any(|id| line.starts_with(id))
    };
    let parties = file("parties.csv").lines().filter(stays).fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    });
    house.write("scheme/parties.csv", parties);
    house.edit("map.toml", r#"as = "token""#, r#"as = "number""#);
    let scheme = file("scheme.toml");
    house.write("scheme/scheme.toml", format!("{scheme}\n[retention]\njournal_days = 1\n"));
    house
}

/// The same records at terminals of few parties, by cards of few banks.
pub fn few_parties(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        // Terminals that become one keep apart in their sequences.
        row.sequence += row.terminal * 10_000;
        row.card = row.card - row.card % 12 + row.card % 2;
        let pick = |of: i64| row.terminal % of;
        row.terminal = match row.kind {
            "bus" => [1, 21, 31, 51][usize::try_from(pick(4)).expect("below four")],
            "entry" | "exit" => 101 + 8 * pick(5) + pick(2),
            "venue" => 201,
            _ => 301,
        };
    }
    rows
}
