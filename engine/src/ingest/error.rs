//! Why a file as a whole is refused.
//!
//! Says what is wrong with the file and what to do about it, never what stands in it: a value could be a card number.

use std::io;

/// A file that cannot be taken in. Nothing of it counts.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("there is no such file")]
    Missing,
    #[error("it is a folder")]
    Folder,
    #[error("it may not be read")]
    Permission,
    #[error("reading failed")]
    Read(#[source] io::Error),
    #[error("the gzip data are broken")]
    Gzip(#[source] io::Error),
    #[error("the gzip data end too early: the file was cut")]
    GzipCut,
    #[error("the text is not in the encoding that the mapping says ({found})")]
    Encoding { found: &'static str },
    #[error("the file is empty; a header was expected")]
    Empty,
    /// Names of mapped columns, as the mapping writes them.
    #[error("the header lacks {}", .columns.join(", "))]
    HeaderLacks { columns: Vec<String> },
    /// Places, from 1.
    #[error("columns {first} and {second} of the header have the same name")]
    HeaderTwice { first: usize, second: usize },
    #[error("row {row} has more than {} bytes", super::ROW_BYTES_MAX)]
    RowTooLong { row: u64 },
    #[error("a quote that opens in row {row} is never closed")]
    QuoteOpen { row: u64 },
    #[error("the JSON is broken after record {record}: {problem}")]
    Json { record: u64, problem: &'static str },
    #[error("the capture is broken: {problem}")]
    Capture { problem: &'static str },
    #[error("the mapping reads this file as text, but it is a capture")]
    CaptureAsText,
}

impl IngestError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing => "check the path",
            Self::Folder => "name the files in it",
            Self::Permission => "give the user who runs tapclear the right to read it",
            Self::Read(_) => return None,
            Self::Gzip(_) => "fetch the file again, and compare its size with the sender's",
            Self::GzipCut => "the transfer probably broke: fetch the file again",
            Self::Encoding { .. } => "save it as UTF-8, or say encoding = \"gbk\" in the mapping",
            Self::Empty => "ask the sender for the file again; a day without records is a header alone",
            Self::HeaderLacks { .. } => "compare the header with the mapping; header = false is for files without one",
            Self::HeaderTwice { .. } => "a column is found by its name: rename one of them, or use header = false and places",
            Self::RowTooLong { .. } => "check the delimiter, the format and the quotes",
            Self::QuoteOpen { .. } => "check the end of the file: it may have been cut",
            Self::Json { .. } => "check `array` in the mapping, and the end of the file: it may have been cut; one record a line is format = \"json-lines\"",
            Self::Capture { .. } => "the file was cut or damaged: fetch it again",
            Self::CaptureAsText => "leave captures (*.tap) out of the mapping's patterns",
        })
    }

    pub(super) fn opening(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::IsADirectory => Self::Folder,
            _ => Self::Read(error),
        }
    }
}
