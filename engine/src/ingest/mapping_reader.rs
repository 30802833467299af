//! Reads a mapping's TOML into sections.
//!
//! Gathers every mistake before it gives up. Never reads a data file.

use super::feed::ValueTable;
use super::field_reader::FieldReader;
use super::keys::{Document, Keys, guess};
use super::mapping::{Encoding, Format, Header, Section};
use crate::mistake::{Mistake, Mistakes};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeTable;

/// Named value tables.
pub(super) type Tables = BTreeMap<String, ValueTable>;

/// All sections of a mapping, or all of its mistakes.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Section>, Vec<Mistake>> {
    let document = Document { file, text, mistakes: RefCell::new(Mistakes::default()) };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        document.mistake(span, format!("not TOML: {}", error.message()), None);
    }
    let mut sections = Vec::new();
    if errors.is_empty() {
        let top = Keys::new(&document, "mapping", root.span(), vec![root.get_ref()]);
        let tables = value_tables(&top);
        read_sections(&top, &tables, &mut sections);
        top.finish();
    }
    let mistakes = document.mistakes.into_inner();
    if mistakes.is_empty() { Ok(sections) } else { Err(mistakes.into_sorted()) }
}

fn value_tables(top: &Keys<'_>) -> Tables {
    let mut tables = Tables::new();
    let Some(values) = top.get("values") else { return tables };
    let Some(named) = values.get_ref().as_table() else {
        top.at("values", "`values` holds tables: [values.some-name]", None);
        return tables;
    };
    for (name, value) in named {
        let mut table = BTreeMap::new();
        match value.get_ref().as_table() {
            Some(pairs) => read_pairs(top.document, pairs, &mut table),
            None => top.document.mistake(value.span(), format!("`values.{}` is not a table", name.get_ref()), None),
        }
        tables.insert(name.get_ref().to_string(), Arc::new(table));
    }
    tables
}

/// The pairs of a value table: texts to texts.
pub(super) fn read_pairs(document: &Document<'_>, pairs: &DeTable<'_>, table: &mut BTreeMap<String, String>) {
    for (from, to) in pairs {
        match to.get_ref().as_str() {
            Some(text) => drop(table.insert(from.get_ref().to_string(), text.to_owned())),
            None => document.mistake(to.span(), format!("`{}` stands for a text in quotes", from.get_ref()), None),
        }
    }
}

fn read_sections<'a>(top: &Keys<'a>, tables: &Tables, sections: &mut Vec<Section>) {
    let Some(list) = top.get("source").and_then(|value| value.get_ref().as_array()) else {
        let hint = "a mapping has at least one table that begins with [[source]]";
        top.at("source", "there is no `[[source]]`", Some(hint));
        return;
    };
    let mut earlier: Vec<(&'a str, &'a DeTable<'a>)> = Vec::new();
    for (at, item) in list.iter().enumerate() {
        let Some(table) = item.get_ref().as_table() else {
            top.document.mistake(item.span(), "a source is a table", Some("write [[source]]"));
            continue;
        };
        let mut layers = vec![table];
        if let Some(like) = table.get("like") {
            let name = like.get_ref().as_str().unwrap_or_default();
            match earlier.iter().find(|(known, _)| *known == name) {
                Some((_, model)) => layers.push(model),
                None => {
                    let names: Vec<_> = earlier.iter().map(|(known, _)| *known).collect();
                    top.document.mistake(like.span(), "`like` names no source above this one", guess(name, &names).as_deref());
                }
            }
        }
        let keys = Keys::new(top.document, "source", item.span(), layers);
        keys.get("like");
        if let Some(section) = read_section(keys, at, tables) {
            sections.push(section);
        }
        if let Some(name) = table.get("name").and_then(|name| name.get_ref().as_str()) {
            earlier.push((name, table));
        }
    }
}

fn read_section(keys: Keys<'_>, at: usize, tables: &Tables) -> Option<Section> {
    let name = keys.text("name").map_or_else(|| format!("source {}", at + 1), str::to_owned);
    let files = read_patterns(&keys);
    let format = read_format(&keys);
    let columns: Vec<String> = keys.texts("columns").unwrap_or_default().into_iter().map(str::to_owned).collect();
    if let Some(twice) = columns.iter().enumerate().find(|(at, name)| columns.iter().take(*at).any(|other| other == *name)) {
        keys.at("columns", format!("`columns` lists `{}` twice", twice.1), None);
    }
    let encoding = keys.choice("encoding", &[("utf-8", Encoding::Utf8), ("gbk", Encoding::Gbk)]).unwrap_or(Encoding::Utf8);
    let trim = keys.flag("trim").unwrap_or(false);
    let absent = keys.texts("absent").unwrap_or_default().into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect();
    let columns_optional = keys.flag("columns_optional").unwrap_or(false);
    // Without a format the rest is still read, for its mistakes.
    let assumed = format.clone().unwrap_or(Format::Csv { delimiter: b',', header: Header::Present });
    let mut section = Section { name, files, format: assumed, encoding, columns, columns_optional, trim, absent, used: Vec::new(), feeds: None };
    if section.format == Format::Capture {
        keys.finish();
        return Some(section);
    }
    if matches!(section.format, Format::Csv { header: Header::Optional, .. }) && section.columns.is_empty() {
        keys.at("header", "`header = \"optional\"` needs `columns`", Some("list the columns' names in order: columns = [\"card\", \"time\"]"));
    }
    let mut reader = FieldReader::new(&section, tables);
    let feeds = reader.feeds(&keys);
    let used = reader.into_used();
    keys.finish();
    section.used = used;
    section.feeds = Some(Box::new(feeds?));
    format?;
    Some(section)
}

fn read_patterns(keys: &Keys<'_>) -> Vec<glob::Pattern> {
    let Some(texts) = keys.texts("files") else {
        if keys.get("files").is_none() {
            keys.missing("files", "[\"*.csv\", \"*.csv.gz\"]");
        }
        return Vec::new();
    };
    if texts.is_empty() {
        keys.at("files", "`source.files` lists no pattern", Some("files = [\"*.csv\"]"));
    }
    let mut patterns = Vec::new();
    for text in texts {
        match glob::Pattern::new(text) {
            Ok(_) if text.contains('/') => keys.at("files", "a pattern fits file names, not folders", Some("leave out everything up to the last `/`")),
            Ok(pattern) => patterns.push(pattern),
            Err(error) => keys.at("files", format!("a pattern in `source.files` is wrong: {}", error.msg), None),
        }
    }
    patterns
}

fn read_format(keys: &Keys<'_>) -> Option<Format> {
    #[derive(Clone, Copy, PartialEq)]
    enum Word {
        Csv,
        Json,
        JsonLines,
        Tap,
    }
    if keys.get("format").is_none() {
        keys.missing("format", "\"csv\"");
    }
    let word = keys.choice("format", &[("csv", Word::Csv), ("json", Word::Json), ("json-lines", Word::JsonLines), ("tap", Word::Tap)]);
    let delimiter = keys.text("delimiter");
    let header = read_header(keys);
    let array = keys.text("array");
    let of_csv = "this key belongs to format = \"csv\"";
    // An inherited key of another format is no mistake: a section may be like one of another format.
    if word.is_some_and(|word| word != Word::Json) && array.is_some() && keys.get("like").is_none() {
        keys.at("array", "`array` is for JSON", Some("this key belongs to format = \"json\""));
    }
    if word.is_some_and(|word| word != Word::Csv) && keys.get("like").is_none() {
        for (key, given) in [("delimiter", delimiter.is_some()), ("header", header.is_some())] {
            if given {
                keys.at(key, format!("`{key}` is for CSV"), Some(of_csv));
            }
        }
    }
    Some(match word? {
        Word::Csv => {
            let delimiter = match delimiter.unwrap_or(",").as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => *byte,
                _ => {
                    keys.at("delimiter", "`source.delimiter` is one ASCII character, not a quote", Some("for example: delimiter = \";\""));
                    b','
                }
            };
            Format::Csv { delimiter, header: header.unwrap_or(Header::Present) }
        }
        Word::Json => Format::Json { path: array.unwrap_or_default().split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect() },
        Word::JsonLines => Format::JsonLines,
        Word::Tap => Format::Capture,
    })
}

fn read_header(keys: &Keys<'_>) -> Option<Header> {
    let value = keys.get("header")?;
    match (value.get_ref().as_bool(), value.get_ref().as_str()) {
        (Some(true), _) => Some(Header::Present),
        (Some(false), _) => Some(Header::Absent),
        (_, Some("optional")) => Some(Header::Optional),
        _ => {
            keys.at("header", "`source.header` is true, false or \"optional\"", None);
            None
        }
    }
}
