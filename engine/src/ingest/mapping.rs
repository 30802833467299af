//! The import mapping: which files hold what, and which column feeds which field.
//!
//! A mapping is data that an operator's engineer writes; `docs/mapping.md` lists every key. It is read whole, and every
//! mistake in it is reported at once. Two mappings never mix: a file is read by the first section whose pattern its name fits.

use super::feed::Feeds;
use super::mapping_reader;
use crate::mistake::Mistake;
use std::path::Path;

/// A mapping file, checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    sections: Vec<Section>,
}

/// How one kind of file is read.
#[derive(Clone, Debug)]
pub struct Section {
    pub(super) name: String,
    pub(super) files: Vec<glob::Pattern>,
    pub(super) format: Format,
    pub(super) encoding: Encoding,
    /// The names of the columns in order, where the mapping gives them; empty otherwise.
    pub(super) columns: Vec<String>,
    /// A mapped column that a file lacks is absent in all of its rows, rather than a reason to refuse the file.
    pub(super) columns_optional: bool,
    pub(super) trim: bool,
    /// Values that mean "nothing here". The empty text always does.
    pub(super) absent: Vec<String>,
    /// The columns that are used; what a [`super::feed::Slot`] indexes.
    pub(super) used: Vec<Column>,
    /// Absent for captures, whose records have all their fields already.
    pub(super) feeds: Option<Box<Feeds>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv {
        delimiter: u8,
        header: Header,
    },
    /// One or more documents one after another, each with an array of records at this path.
    Json {
        path: Vec<String>,
    },
    JsonLines,
    Capture,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Present,
    Absent,
    /// The first row is a header when it says the names in `columns`.
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Gbk,
}

/// A column, by its name or by its place from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name(String),
    Place(usize),
}

impl Column {
    /// How a refusal names the column.
    pub fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Place(place) => format!("column {place}"),
        }
    }
}

/// Reads tapclear's own CSV and captures when no mapping is given.
const NATIVE: &str = include_str!("native.toml");

impl Mapping {
    /// Reads a mapping. `file_name` only serves to say where a mistake is.
    ///
    /// # Errors
    /// Every mistake in the text, with line and hint.
    pub fn parse(file_name: &str, toml_text: &str) -> Result<Self, Vec<Mistake>> {
        let mut sections = mapping_reader::read(file_name, toml_text)?;
        sections.push(Section::capture());
        Ok(Self { sections })
    }

    /// The mapping of tapclear's own CSV, whose header names are the names of the fields.
    ///
    /// # Panics
    /// Never: a test reads the bundled text.
    #[must_use]
    pub fn native() -> Self {
        Self::parse("native.toml", NATIVE).expect("the bundled mapping has no mistakes")
    }

    /// The section that reads a file, by the file's name.
    #[must_use]
    pub fn section_for(&self, path: &Path) -> Option<&Section> {
        let name = path.file_name()?.to_string_lossy();
        self.sections.iter().find(|section| section.files.iter().any(|pattern| pattern.matches(&name)))
    }

    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }
}

impl Section {
    /// The name given in the mapping, or `source N`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Captures need no mapping; they are read wherever no section claims them.
    fn capture() -> Self {
        Self {
            name: "capture".to_owned(),
            files: vec![glob::Pattern::new("*.tap").expect("a valid pattern")],
            format: Format::Capture,
            encoding: Encoding::Utf8,
            columns: Vec::new(),
            columns_optional: false,
            trim: false,
            absent: Vec::new(),
            used: Vec::new(),
            feeds: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_mapping_reads_csv_and_captures() {
        let native = Mapping::native();
        let name = |file: &str| native.section_for(Path::new(file)).map(Section::name);
        assert_eq!(name("/in/day.csv"), Some("tapclear"));
        assert_eq!(name("day.csv.gz"), Some("tapclear"));
        assert_eq!(name("gate-7.tap"), Some("capture"));
        assert_eq!(name("day.xlsx"), None);
    }
}
