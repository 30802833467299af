//! A mistake in a file that a person wrote: where it is, what is wrong, and what to do about it.
//!
//! Scheme and mapping readers gather all of them before they refuse, so that one run shows everything.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, relative to its folder.
    pub file: String,
    /// From 1; absent where the whole file is meant.
    pub line: Option<u32>,
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All mistakes found so far.
#[derive(Clone, Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub fn add(&mut self, file: &str, line: Option<u32>, message: impl Into<String>, hint: Option<&str>) {
        self.0.push(Mistake { file: file.to_owned(), line, message: message.into(), hint: hint.map(str::to_owned) });
    }

    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In file and line order.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Mistake> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// The line (from 1) that holds byte `offset` of `text`.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    u32::try_from(memchr::memchr_iter(b'\n', before).count()).map_or(u32::MAX, |lines| lines.saturating_add(1))
}
