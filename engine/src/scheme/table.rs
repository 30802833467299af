//! A TOML table that a person wrote, read key by key.
//!
//! Each key that is asked for becomes known; [`Table::finish`] reports the others. A wrong value is a mistake with its line
//! and counts as absent, so that the rest is still checked.

use super::folder::text_of;
use super::guess::{allowed, hint, shown};
use crate::mistake::{Mistakes, line_of};
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table of a file, and what was asked of it so far.
pub struct Table<'t> {
    file: &'t str,
    text: &'t str,
    /// `limits.` for the keys of `[limits]`; empty at the top.
    path: String,
    line: Option<u32>,
    values: &'t DeTable<'t>,
    known: Vec<String>,
}

/// A value and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    pub value: T,
    pub line: u32,
}

/// Reads a file and gives its top table to `read`. `None` where it is missing (a mistake where `missing_hint` is given) or
/// is not TOML.
pub fn read<T>(
    dir: &Path,
    file: &str,
    missing_hint: Option<&str>,
    mistakes: &mut Mistakes,
    read: impl FnOnce(&mut Table<'_>, &mut Mistakes) -> T,
) -> Option<T> {
    let text = text_of(dir, file, missing_hint, mistakes)?;
    let (root, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        for error in errors {
            let line = error.span().map(|span| line_of(&text, span.start));
            mistakes.add(file, line, format!("is not TOML: {}", error.message()), Some("texts stand in double quotes: key = \"text\""));
        }
        return None;
    }
    let mut table = Table { file, text: &text, path: String::new(), line: None, values: root.get_ref(), known: Vec::new() };
    let value = read(&mut table, mistakes);
    table.finish(mistakes);
    Some(value)
}

impl<'t> Table<'t> {
    /// The line of the table's header; absent for the top table.
    #[must_use]
    pub const fn line(&self) -> Option<u32> {
        self.line
    }

    /// Adds a mistake of this file.
    pub fn mistake(&self, line: Option<u32>, message: impl Into<String>, hint: Option<&str>, mistakes: &mut Mistakes) {
        mistakes.add(self.file, line, message, hint);
    }

    /// Adds the mistake that a needed key is missing.
    pub fn missing(&self, key: &str, example: &str, mistakes: &mut Mistakes) {
        mistakes.add(self.file, self.line, format!("`{}{key}` is missing", self.path), Some(&format!("for example: {key} = {example}")));
    }

    pub fn text(&mut self, key: &str, mistakes: &mut Mistakes) -> Option<At<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At { value: text.to_string(), line: self.line_at(value.span()) }),
            other => self.wrong_type(key, value.span(), other, "a text", mistakes),
        }
    }

    /// A whole number within bounds.
    pub fn integer(&mut self, key: &str, bounds: RangeInclusive<i64>, mistakes: &mut Mistakes) -> Option<At<i64>> {
        let value = self.value(key)?;
        let DeValue::Integer(digits) = value.get_ref() else {
            return self.wrong_type(key, value.span(), value.get_ref(), "a whole number", mistakes);
        };
        let line = self.line_at(value.span());
        match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if bounds.contains(&number) => Some(At { value: number, line }),
            _ => {
                let message = format!("`{}{key}` is out of range", self.path);
                mistakes.add(self.file, Some(line), message, Some(&format!("from {} to {}", bounds.start(), bounds.end())));
                None
            }
        }
    }

    pub fn flag(&mut self, key: &str, mistakes: &mut Mistakes) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => self.wrong_type(key, value.span(), other, "true or false", mistakes),
        }
    }

    /// One of the named values.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)], mistakes: &mut Mistakes) -> Option<T> {
        let text = self.text(key, mistakes)?;
        let found = choices.iter().find(|(name, _)| *name == text.value).map(|&(_, choice)| choice);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
            let message = format!("`{}{key}` cannot be {}", self.path, shown(&text.value));
            mistakes.add(self.file, Some(text.line), message, Some(&hint(&text.value, names.iter().copied(), &allowed(&names))));
        }
        found
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &str, mistakes: &mut Mistakes) -> Option<Vec<At<String>>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(key, value.span(), value.get_ref(), "a list of texts", mistakes);
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => texts.push(At { value: text.to_string(), line: self.line_at(item.span()) }),
                other => return self.wrong_type(key, item.span(), other, "a list of texts", mistakes),
            }
        }
        Some(texts)
    }

    /// A list of whole numbers within bounds.
    pub fn integers(&mut self, key: &str, bounds: RangeInclusive<i64>, mistakes: &mut Mistakes) -> Option<Vec<i64>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(key, value.span(), value.get_ref(), "a list of whole numbers", mistakes);
        };
        let mut numbers = Vec::with_capacity(items.len());
        for item in items {
            let DeValue::Integer(digits) = item.get_ref() else {
                return self.wrong_type(key, item.span(), item.get_ref(), "a list of whole numbers", mistakes);
            };
            match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) if bounds.contains(&number) => numbers.push(number),
                _ => {
                    let message = format!("`{}{key}` has a number out of range", self.path);
                    mistakes.add(self.file, Some(self.line_at(item.span())), message, Some(&format!("from {} to {}", bounds.start(), bounds.end())));
                }
            }
        }
        Some(numbers)
    }

    /// Whether the key stands in the table; asking makes it known.
    pub fn has(&mut self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// A table inside this one.
    pub fn table(&mut self, key: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(values) => Some(self.inner(format!("{}{key}.", self.path), value.span(), values)),
            other => self.wrong_type(key, value.span(), other, "a table", mistakes),
        }
    }

    /// The tables written as `[[key]]`; none where there are none.
    pub fn tables(&mut self, key: &str, mistakes: &mut Mistakes) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong_type(key, value.span(), value.get_ref(), "a list of tables", mistakes).unwrap_or_default();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(values) => tables.push(self.inner(format!("{}{key}.", self.path), item.span(), values)),
                other => drop(self.wrong_type::<()>(key, item.span(), other, "a list of tables", mistakes)),
            }
        }
        tables
    }

    /// The keys that stand in the table, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<At<String>> {
        self.values.keys().map(|key| At { value: key.get_ref().to_string(), line: self.line_at(key.span()) }).collect()
    }

    /// Reports the keys that nothing asked for.
    pub fn finish(&self, mistakes: &mut Mistakes) {
        for key in self.keys().into_iter().filter(|key| !self.known.contains(&key.value)) {
            let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
            let message = format!("unknown key `{}{}`", self.path, key.value);
            mistakes.add(self.file, Some(key.line), message, Some(&hint(&key.value, known.iter().copied(), &allowed(&known))));
        }
    }

    fn inner(&self, path: String, span: Range<usize>, values: &'t DeTable<'t>) -> Self {
        Self { file: self.file, text: self.text, path, line: Some(self.line_at(span)), values, known: Vec::new() }
    }

    fn value(&mut self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
        self.values.get(key)
    }

    fn line_at(&self, span: Range<usize>) -> u32 {
        line_of(self.text, span.start)
    }

    fn wrong_type<T>(&self, key: &str, span: Range<usize>, found: &DeValue<'_>, wanted: &str, mistakes: &mut Mistakes) -> Option<T> {
        let message = format!("`{}{key}` is {wanted}, not a TOML {}", self.path, found.type_str());
        mistakes.add(self.file, Some(self.line_at(span)), message, None);
        None
    }
}
