//! Reading what was published, as its receivers would.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Every file of a day that must not depend on how records arrived: all but `intake/` and `anchor.json`.
pub fn canonical(day: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = every_file(day);
    files.retain(|name, _| !name.starts_with("intake/") && name != "anchor.json");
    assert!(files.len() > 5, "{} has only {:?}", day.display(), files.keys());
    files
}

/// Every file below a folder, by its path from there.
pub fn every_file(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below the folder").to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
    found
}

/// Fails with the names of the files that differ, not with their bytes.
#[track_caller]
pub fn assert_same(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>, what: &str) {
    let names: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differ: Vec<&String> = names.into_iter().filter(|&name| expected.get(name) != found.get(name)).collect();
    assert!(differ.is_empty(), "{what}: {} of {} files differ: {differ:?}", differ.len(), expected.len());
}

/// The names of a day's parties: folders with a manifest.
pub fn parties(day: &Path) -> Vec<String> {
    let mut parties: Vec<String> = every_file(day).keys().filter_map(|name| name.strip_suffix("/manifest.json").map(str::to_owned)).collect();
    parties.sort();
    parties
}

pub fn manifest(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("manifest.json")).expect("a manifest");
    serde_json::from_slice(&bytes).expect("a manifest is JSON")
}

/// A CSV with a header row.
pub struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    pub fn read(path: &Path) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rows = reader.records().map(|row| row.expect("a row as long as the header").iter().map(str::to_owned).collect());
        Self { header: rows.next().expect("a header"), rows: rows.collect() }
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    pub fn rows(&self) -> impl Iterator<Item = Line<'_>> {
        self.rows.iter().map(|cells| Line { header: &self.header, cells })
    }

    pub fn sum(&self, column: &str) -> i64 {
        self.rows().map(|line| line.minor(column)).sum()
    }

    /// What the party is owed by all rows together.
    pub fn net(&self) -> i64 {
        self.rows().map(|line| line.signed("net_minor", "dc")).sum()
    }
}

/// A row of a sheet.
#[derive(Clone, Copy)]
pub struct Line<'s> {
    header: &'s [String],
    cells: &'s [String],
}

impl<'s> Line<'s> {
    #[track_caller]
    pub fn text(self, column: &str) -> &'s str {
        let at = self.header.iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column} in {:?}", self.header));
        &self.cells[at]
    }

    #[track_caller]
    pub fn minor(self, column: &str) -> i64 {
        self.text(column).parse().unwrap_or_else(|error| panic!("{column}: {error} in {:?}", self.cells))
    }

    /// An amount with its D/C column: what is owed to the party is positive.
    #[track_caller]
    pub fn signed(self, amount: &str, side: &str) -> i64 {
        match self.text(side) {
            "C" => self.minor(amount),
            "D" => -self.minor(amount),
            other => panic!("{side} is {other}"),
        }
    }
}
