//! What a command says when it fails: an error, its causes, a hint, and the exit code.

use std::error::Error;
use std::fmt;
use std::path::Path;

/// A command that ended without doing what was asked.
#[derive(Debug)]
pub struct Failure {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    exit: u8,
}

/// Done, with something to look at.
pub const EXIT_LOOK: u8 = 1;
/// Failed or refused; nothing was booked from what failed.
pub const EXIT_REFUSED: u8 = 2;

impl Failure {
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: None, exit: EXIT_REFUSED }
    }

    /// A file that cannot be written.
    #[must_use]
    pub fn unwritten(path: &Path, error: &(dyn Error + 'static)) -> Self {
        let failure = Self::refused(format!("{} cannot be written", path.display())).because(error);
        failure.hint("make room there, give the right to write, or name another place; then run the same command again")
    }

    /// A file that cannot be read.
    #[must_use]
    pub fn unread(path: &Path, error: &(dyn Error + 'static)) -> Self {
        Self::refused(format!("{} cannot be read", path.display())).because(error).hint("check the path, and whether this user may read it")
    }

    /// A ledger in which no day has been opened.
    #[must_use]
    pub fn no_open_day() -> Self {
        Self::refused("no clearing day is open").hint("`tapclear ingest` or `clear` opens the first one with --day YYYY-MM-DD")
    }

    /// With the whole chain of what caused it.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// With causes that are already words.
    #[must_use]
    pub fn listing(mut self, causes: impl IntoIterator<Item = String>) -> Self {
        self.causes.extend(causes);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub const fn exit(&self) -> u8 {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for Failure {}
