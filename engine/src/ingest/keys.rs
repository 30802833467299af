//! The keys of a mapping's tables, asked for one by one.
//!
//! What was never asked for is reported as unknown, so that a misspelt key cannot be passed over. Every mistake goes into
//! the document's list with its line; a wrong value reads as an absent one, and reading goes on.

use crate::mistake::{Mistakes, line_of};
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A TOML text and the mistakes found in it.
pub(super) struct Document<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub mistakes: RefCell<Mistakes>,
}

impl Document<'_> {
    pub fn mistake(&self, span: Range<usize>, message: impl Into<String>, hint: Option<&str>) {
        self.mistakes.borrow_mut().add(self.file, Some(line_of(self.text, span.start)), message, hint);
    }
}

/// One table, with the tables it inherits from behind it.
pub(super) struct Keys<'a> {
    pub document: &'a Document<'a>,
    pub path: String,
    pub span: Range<usize>,
    /// The table itself first, then what it is like.
    layers: Vec<&'a DeTable<'a>>,
    known: RefCell<Vec<&'static str>>,
}

pub(super) type Value<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Keys<'a> {
    pub fn new(document: &'a Document<'a>, path: impl Into<String>, span: Range<usize>, layers: Vec<&'a DeTable<'a>>) -> Self {
        Self { document, path: path.into(), span, layers, known: RefCell::default() }
    }

    /// The value of a key, its own or inherited.
    pub fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.known.borrow_mut().push(key);
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// A table below this one; the tables inherited under the same key stand behind it.
    pub fn table(&self, key: &'static str) -> Option<Keys<'a>> {
        let value = self.get(key)?;
        let layers: Vec<_> = self.layers.iter().filter_map(|layer| layer.get(key)).filter_map(|value| value.get_ref().as_table()).collect();
        if value.get_ref().as_table().is_none() {
            self.wrong(key, value, "a table");
            return None;
        }
        Some(Keys::new(self.document, format!("{}.{key}", self.path), value.span(), layers))
    }

    /// A table that replaces an inherited one whole.
    pub fn own_table(&self, key: &'static str) -> Option<Keys<'a>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table");
            return None;
        };
        Some(Keys::new(self.document, format!("{}.{key}", self.path), value.span(), vec![table]))
    }

    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(key, value, "a text in quotes");
        }
        text
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "true or false");
        }
        flag
    }

    /// A whole number within `range`.
    pub fn number(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.get(key)?;
        let number = whole(value).filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(key, value, &format!("a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<&'a str>> {
        let value = self.get(key)?;
        let texts = value.get_ref().as_array().map(|items| items.iter().map(|item| item.get_ref().as_str()).collect::<Option<Vec<_>>>());
        if !matches!(texts, Some(Some(_))) {
            self.wrong(key, value, "a list of texts in quotes");
        }
        texts.flatten()
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.at(key, format!("`{}.{key}` is not one of {}", self.path, names.join(", ")), guess(word, &names).as_deref());
        }
        found
    }

    /// A mistake at a key's value, or at the table where the key is missing.
    pub fn at(&self, key: &str, message: impl Into<String>, hint: Option<&str>) {
        let span = self.layers.iter().find_map(|layer| layer.get(key)).map_or_else(|| self.span.clone(), Spanned::span);
        self.document.mistake(span, message, hint);
    }

    pub fn missing(&self, key: &str, example: &str) {
        self.document.mistake(self.span.clone(), format!("`{}.{key}` is missing", self.path), Some(&format!("for example: {key} = {example}")));
    }

    fn wrong(&self, key: &str, value: Value<'_>, wanted: &str) {
        self.document.mistake(value.span(), format!("`{}.{key}` is {}, not {wanted}", self.path, an(value.get_ref().type_str())), None);
    }

    /// Reports the keys of the table itself that nobody asked for. Inherited ones are reported where they stand.
    pub fn finish(self) {
        let known = self.known.borrow();
        for key in self.layers.first().into_iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let hint = guess(name, &known).unwrap_or_else(|| format!("known here: {}", known.join(", ")));
                self.document.mistake(key.span(), format!("`{}` has no key `{name}`", self.path), Some(&hint));
            }
        }
    }
}

/// A TOML integer that fits `i64`.
pub(super) fn whole(value: Value<'_>) -> Option<i64> {
    let digits = value.get_ref().as_integer()?;
    i64::from_str_radix(digits.as_str(), digits.radix()).ok()
}

/// A hint when a word is close to one that exists.
pub(super) fn guess(word: &str, known: &[&str]) -> Option<String> {
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(word, name), *name)).min()?;
    (near.0 <= 1 + word.chars().count() / 3).then(|| format!("did you mean `{}`?", near.1))
}

fn an(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}
