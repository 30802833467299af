//! What is durable, and who is told of it: groups are committed and anchored here, then acknowledged.
//!
//! After a failed write nothing more is acknowledged: the command ends, and whoever runs it again finds out what was durable.

use crate::failure::Failure;
use crate::output::hex;
use ledger::{Group, Ledger, LedgerError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Commits, or ends the command: after a failed write nothing more is acknowledged.
///
/// # Errors
/// When the ledger fails; whether the group is durable is unknown then.
pub fn commit(ledger: &mut Ledger, group: Group) -> Result<(), Failure> {
    ledger.commit(group).map(|_| ()).map_err(|error| unwritten(&error))
}

/// Makes the head known outside the database, before what is durable is acknowledged.
///
/// # Errors
/// As [`commit`].
pub fn anchor(ledger: &mut Ledger) -> Result<(), Failure> {
    ledger.anchor().map(|_| ()).map_err(|error| unwritten(&error))
}

fn unwritten(error: &LedgerError) -> Failure {
    Failure::refused("the ledger could not be written; what was not acknowledged is unknown")
        .because(error)
        .hint("run the same command again: what is durable is not taken in twice")
}

/// Where acknowledgements go: a line is told when it is on the disk.
pub trait AckFile {
    /// # Errors
    /// When it cannot be written or synced.
    fn append(&mut self, line: &str) -> std::io::Result<()>;
}

impl AckFile for std::fs::File {
    fn append(&mut self, line: &str) -> std::io::Result<()> {
        writeln!(self, "{line}")?;
        self.sync_data()
    }
}

/// The acknowledgements of a run: a line for every durable group (file, rows so far, head) and one for each booked file.
pub struct Acks {
    path: PathBuf,
    file: Box<dyn AckFile>,
}

impl Acks {
    #[must_use]
    pub fn to(path: &Path, file: Box<dyn AckFile>) -> Self {
        Self { path: path.to_owned(), file }
    }

    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| Failure::unwritten(path, &error))?;
        Ok(Self::to(path, Box::new(file)))
    }

    /// # Errors
    /// When it cannot be written.
    pub fn group(&mut self, path: &Path, rows: u64, ledger: &Ledger) -> Result<(), Failure> {
        self.line(&format!("durable\t{}\t{rows}\t{}", path.display(), head(ledger)))
    }

    /// # Errors
    /// When it cannot be written.
    pub fn booked(&mut self, path: &Path, ledger: &Ledger) -> Result<(), Failure> {
        self.line(&format!("booked\t{}\t\t{}", path.display(), head(ledger)))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.file.append(line).map_err(|error| Failure::unwritten(&self.path, &error))
    }
}

/// The head as it is printed: height and hash.
#[must_use]
pub fn head(ledger: &Ledger) -> String {
    let head = ledger.head();
    format!("{}:{}", head.height, hex(&head.hash))
}
