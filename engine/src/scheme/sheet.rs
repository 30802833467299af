//! A CSV file that a person wrote: header row, comment lines that begin with `#`, one row a line.
//!
//! Columns are found by their names, in any order. A row that does not fit its header is a mistake and is left out; it
//! never shifts another. Line numbers are those that an editor shows.

use super::folder::text_of;
use super::guess::{allowed, hint, shown};
use crate::mistake::Mistakes;
use csv_core::{ReadFieldResult, Reader};
use std::path::Path;

/// A column that a file has, or may have.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// Whether the header must have it. Otherwise its fields are empty where it does not.
    pub needed: bool,
}

#[must_use]
pub const fn needed(name: &'static str) -> Column {
    Column { name, needed: true }
}

#[must_use]
pub const fn optional(name: &'static str) -> Column {
    Column { name, needed: false }
}

/// One row: its fields in the order in which the columns were asked for, without blanks around them.
#[derive(Clone, Debug)]
pub struct Row<const N: usize> {
    pub line: u32,
    pub fields: [String; N],
}

/// The rows of a file that could be read.
#[derive(Clone, Debug)]
pub struct Rows<const N: usize> {
    pub rows: Vec<Row<N>>,
    /// Whether no line of the file had to be left out: otherwise what it does not name may still have been meant.
    pub whole: bool,
}

impl<const N: usize> IntoIterator for Rows<N> {
    type Item = Row<N>;
    type IntoIter = std::vec::IntoIter<Row<N>>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// Reads the rows of a file; none where it is missing (a mistake where `missing_hint` is given) or has no usable header.
#[must_use]
pub fn read<const N: usize>(dir: &Path, file: &str, columns: &[Column; N], missing_hint: Option<&str>, mistakes: &mut Mistakes) -> Rows<N> {
    let mut found = Rows { rows: Vec::new(), whole: missing_hint.is_none() && !dir.join(file).exists() };
    let Some(text) = text_of(dir, file, missing_hint, mistakes) else { return found };
    let mut lines = (1u32..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((header_line, header)) = lines.next() else {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        mistakes.add(file, None, "has no header row", Some(&format!("the first row is: {}", names.join(","))));
        return found;
    };
    // Making a reader costs more than reading a row with it.
    let mut reader = Reader::new();
    let Some(header) = fields_of(&mut reader, header) else {
        mistakes.add(file, Some(header_line), "a quote is opened and not closed on this line", None);
        return found;
    };
    let Some(places) = places(file, header_line, &header, columns, mistakes) else { return found };
    found.whole = true;
    for (line, text) in lines {
        let Some(mut fields) = fields_of(&mut reader, text) else {
            mistakes.add(file, Some(line), "a quote is opened and not closed on this line", Some("a field may not hold a line break"));
            found.whole = false;
            continue;
        };
        if fields.len() != header.len() {
            let message = format!("{} fields where the header has {}", fields.len(), header.len());
            mistakes.add(file, Some(line), message, Some("a field that holds a comma stands in double quotes"));
            found.whole = false;
            continue;
        }
        let fields = places.map(|place| place.and_then(|place| fields.get_mut(place)).map(std::mem::take).unwrap_or_default());
        found.rows.push(Row { line, fields });
    }
    found
}

/// Where each column stands in the header. `None` when a needed one is missing.
fn places<const N: usize>(file: &str, line: u32, header: &[String], columns: &[Column; N], mistakes: &mut Mistakes) -> Option<[Option<usize>; N]> {
    let names = columns.map(|column| column.name);
    for (at, name) in header.iter().enumerate() {
        if !names.contains(&name.as_str()) {
            mistakes.add(file, Some(line), format!("unknown column {}", shown(name)), Some(&hint(name, names, &allowed(&names))));
        }
        if header.iter().take(at).any(|earlier| earlier == name) {
            mistakes.add(file, Some(line), format!("column {} stands twice in the header", shown(name)), None);
        }
    }
    let places = columns.map(|column| header.iter().position(|name| name == column.name));
    let mut complete = true;
    for (column, place) in columns.iter().zip(places) {
        if column.needed && place.is_none() {
            complete = false;
            mistakes.add(file, Some(line), format!("column `{}` is missing", column.name), Some(&allowed(&names)));
        }
    }
    complete.then_some(places)
}

/// The fields of one line, RFC 4180. `None` when a quote stays open.
fn fields_of(reader: &mut Reader, line: &str) -> Option<Vec<String>> {
    reader.reset();
    let mut fields = Vec::new();
    let mut input = line.as_bytes();
    let mut buffer = vec![0; line.len() + 1];
    let mut filled = 0;
    loop {
        let (result, taken, written) = reader.read_field(input, buffer.get_mut(filled..).unwrap_or_default());
        input = input.get(taken..).unwrap_or_default();
        filled += written;
        match result {
            // An empty input ends the last field; the reader does not say whether a quote was open, so that is asked below.
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::OutputFull => buffer.resize(buffer.len() * 2, 0),
            ReadFieldResult::Field { record_end } => {
                let field = buffer.get(..filled).unwrap_or_default();
                fields.push(String::from_utf8_lossy(field).trim().to_owned());
                filled = 0;
                if record_end {
                    break;
                }
            }
            ReadFieldResult::End => break,
        }
    }
    // Quotes come in pairs: two around a field, two for each one inside it.
    let quotes = memchr::memchr_iter(b'"', line.as_bytes()).count();
    quotes.is_multiple_of(2).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_rfc_4180() {
        let mut reader = Reader::new();
        assert_eq!(fields_of(&mut reader, "a, b ,\"c,d\",\"say \"\"no\"\"\",").expect("closed"), ["a", "b", "c,d", "say \"no\"", ""]);
        assert_eq!(fields_of(&mut reader, "成都,\"a\"").expect("closed"), ["成都", "a"]);
        assert!(fields_of(&mut reader, "a,\"b").is_none());
    }
}
