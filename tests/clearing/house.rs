//! A clearing house in a folder of its own, run as a person runs it: the real program, its exit code and what it says.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const DAY: &str = "2026-03-02";

/// The folder that the sources stand in.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program with its arguments, not started yet.
pub fn program<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapclear"));
    command.args(arguments);
    command
}

/// Runs the program to its end.
pub fn tapclear<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(program(arguments).output().expect("the program starts"))
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what the program says is UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The object on stdout of a run that did what was asked.
    #[track_caller]
    pub fn done(&self) -> Value {
        self.ended(0)
    }

    /// The same of a run that left something to look at.
    #[track_caller]
    pub fn to_look_at(&self) -> Value {
        self.ended(1)
    }

    #[track_caller]
    fn ended(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }

    /// What was said by a run that was refused: an error, and what to do about it.
    #[track_caller]
    pub fn refused(&self) -> &str {
        assert_eq!(self.code, Some(2), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.lines().any(|line| line.starts_with("error: ")), "{}", self.stderr);
        assert!(self.stderr.lines().any(|line| line.trim_start().starts_with("hint: ")), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        &self.stderr
    }
}

/// A scheme, a ledger and a folder to publish in.
pub struct House {
    folder: TempDir,
    /// Where the ledger stands and days are published: the folder, unless a test says otherwise.
    pub place: PathBuf,
    pub scheme: PathBuf,
    pub map: Option<PathBuf>,
}

impl House {
    /// The house of a bundled scheme, with the scheme's own mapping where it has one.
    pub fn bundled(name: &str) -> Self {
        let scheme = root().join("replay-data").join(name);
        let map = Some(scheme.join("map.toml")).filter(|map| map.is_file());
        let folder = folder();
        Self { place: folder.path().to_owned(), folder, scheme, map }
    }

    /// The house of a copy of a bundled scheme, free to be changed.
    pub fn copied(name: &str) -> Self {
        let mut house = Self::bundled(name);
        let copy = house.path("scheme");
        copy_folder(&house.scheme, &copy);
        house.map = house.map.map(|_| copy.join("map.toml"));
        house.scheme = copy;
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn ledger(&self) -> PathBuf {
        self.place.join("ledger")
    }

    /// A day's published folder.
    pub fn day(&self, day: &str) -> PathBuf {
        self.place.join("out").join(day)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// Replaces a text in a file of the scheme; it must be there.
    pub fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.scheme.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(old), "{} has no {old}", path.display());
        std::fs::write(&path, text.replace(old, new)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// A command with this house's folders and `--json`, not started yet.
    pub fn command<A: AsRef<OsStr>>(&self, name: &str, more: impl IntoIterator<Item = A>) -> Command {
        let mut command = program([name, "--json", "--ledger"]);
        command.arg(self.ledger());
        if matches!(name, "clear" | "ingest" | "close" | "settle" | "explain" | "card" | "what-if") {
            command.arg("--scheme").arg(&self.scheme);
        }
        if let (Some(map), "clear" | "ingest") = (&self.map, name) {
            command.arg("--map").arg(map);
        }
        if matches!(name, "clear" | "settle") {
            command.arg("--out").arg(self.place.join("out"));
        }
        command.args(more);
        command
    }

    pub fn run<A: AsRef<OsStr>>(&self, name: &str, more: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command(name, more).output().expect("the program starts"))
    }

    /// `clear` of files on a day.
    pub fn clear(&self, day: &str, files: &[PathBuf]) -> Ran {
        self.run("clear", [OsStr::new("--day"), OsStr::new(day)].into_iter().chain(files.iter().map(AsRef::as_ref)))
    }

    /// `ingest` of files into a day.
    pub fn ingest(&self, day: &str, files: &[PathBuf]) -> Ran {
        self.run("ingest", [OsStr::new("--day"), OsStr::new(day)].into_iter().chain(files.iter().map(AsRef::as_ref)))
    }

    pub fn status(&self) -> Value {
        self.run("status", [""; 0]).done()
    }

    /// Height and hash of the journal's last block.
    pub fn head(&self) -> String {
        self.status()["head"].as_str().expect("a head").to_owned()
    }

    /// The second path over the whole ledger finds no difference.
    #[track_caller]
    pub fn verify(&self) {
        let report = self.run("verify", [""; 0]).done();
        assert_eq!(report["differences"].as_array().map(Vec::len), Some(0), "{report}");
    }

    /// The states of all files that the ledger knows, by name and state.
    pub fn files(&self) -> Vec<(String, String)> {
        let status = self.status();
        let text = |file: &Value, key: &str| file[key].as_str().expect("a text").to_owned();
        status["files"].as_array().expect("a list").iter().map(|file| (text(file, "name"), text(file, "state"))).collect()
    }
}

/// In memory where there is enough of it: what a day promises is the same there, and a thousand small files are synced at
/// once.
pub fn folder() -> TempDir {
    const MEMORY: &str = "/dev/shm";
    const FREE_BYTES_MIN: u64 = 4 << 30;
    let roomy = rustix::fs::statvfs(MEMORY).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= FREE_BYTES_MIN);
    let made = if roomy { TempDir::new_in(MEMORY) } else { TempDir::new() };
    made.expect("a temporary folder")
}

/// A count or an amount of a result.
#[track_caller]
pub fn number(result: &Value, key: &str) -> i64 {
    result[key].as_i64().unwrap_or_else(|| panic!("{key} is no number in {result}"))
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // Written anew rather than copied: a copy keeps the permissions of a tree that may not be written to.
            let bytes = std::fs::read(entry.path()).expect("a readable file");
            std::fs::write(&target, bytes).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
        }
    }
}
