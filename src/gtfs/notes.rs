//! What an import tells: each thing that was read in a way that the feed does not settle, or could not be carried over.

use crate::words::Lang;

/// How a note weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Not in the tariff.
    Left,
    /// In the tariff, in a reading that the feed does not settle.
    Read,
}

#[derive(Clone, Debug)]
pub struct Note {
    pub file: String,
    /// The first row's line; zero for the file as a whole.
    pub row: u64,
    /// How many rows it is about.
    pub count: u64,
    pub weight: Weight,
    en: String,
    zh: String,
}

impl Note {
    #[must_use]
    pub fn text(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }

    #[must_use]
    pub const fn weight_word(&self) -> &'static str {
        match self.weight {
            Weight::Left => "not-carried",
            Weight::Read => "read-as",
        }
    }

    /// `fare_rules.txt:12 (and 3 more rows): …`
    #[must_use]
    pub fn line(&self, lang: Lang) -> String {
        let row = if self.row == 0 { String::new() } else { format!(":{}", self.row) };
        let more = match self.count {
            0 | 1 => String::new(),
            count => lang.pick(&format!(" (and {} more rows)", count - 1), &format!("（另有 {} 行）", count - 1)).to_owned(),
        };
        format!("{}{row}{more}: {}", self.file, self.text(lang))
    }
}

/// All notes; those that say the same of one file are one, with the first row.
#[derive(Clone, Debug, Default)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Something that is not in the tariff.
    pub fn left(&mut self, file: &str, row: u64, en: impl Into<String>, zh: impl Into<String>) {
        self.add(file, row, Weight::Left, en.into(), zh.into());
    }

    /// Something that the feed leaves open, and how it was read.
    pub fn read(&mut self, file: &str, row: u64, en: impl Into<String>, zh: impl Into<String>) {
        self.add(file, row, Weight::Read, en.into(), zh.into());
    }

    /// Columns that are not of the published reference are not read, and said.
    pub fn unknown_columns(&mut self, file: &str, header: Option<Vec<String>>, known: &[&str]) {
        for column in header.unwrap_or_default().iter().filter(|column| !column.is_empty() && !known.contains(&column.as_str())) {
            let en = format!("column `{column}` is not in the GTFS reference: it is not read");
            self.left(file, 1, en, format!("`{column}` 列不属于 GTFS 规范：未读取"));
        }
    }

    fn add(&mut self, file: &str, row: u64, weight: Weight, en: String, zh: String) {
        match self.0.iter_mut().find(|note| note.file == file && note.en == en) {
            Some(known) => known.count += 1,
            None => self.0.push(Note { file: file.to_owned(), row, count: 1, weight, en, zh }),
        }
    }

    /// What was not carried over comes first.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Note> {
        self.0.sort_by(|a, b| (a.weight, &a.file, a.row).cmp(&(b.weight, &b.file, b.row)));
        self.0
    }
}
