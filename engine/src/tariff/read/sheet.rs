//! CSV tables beside the tariff file: pairs of places with numbers, zones of places, steps.
//!
//! The columns are found by the names that the tariff gives. A table is a file in `tariff/` itself, so that the scheme's
//! digest covers it: what decides prices must not change unseen.

use super::Context;
use crate::mistake::Mistakes;
use crate::scheme::table::Table;
use domain::Symbol;
use std::path::{Component, Path};

/// A table that a key of the tariff names.
pub struct Sheet {
    /// As messages name it.
    pub shown: String,
    text: String,
    /// Where the header ends, in lines, and where the wanted fields of a row stand.
    header_line: u32,
    positions: Vec<Option<usize>>,
    pub location_kind: Option<String>,
    /// Whether each pair is meant in both directions, where the tariff says.
    pub both_ways: Option<bool>,
}

/// What the codes in a table are codes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Places of the kind that `location_kind` names.
    Places,
    /// Areas, by names that are the tariff's own.
    Areas,
    /// None: they are numbers.
    Numbers,
}

/// What areas are called among places.
const AREA_KIND: &str = "area";

/// A column that is asked for: the key that gives its name, and whether the table must have it.
pub type Wanted<'k> = (&'k str, bool);

/// Reads `key = { file = "…", column-key = "column", … }`.
pub fn read(table: &mut Table<'_>, key: &str, columns: &[Wanted<'_>], ends: Ends, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Sheet> {
    let mut table = table.table(key, mistakes)?;
    let sheet = read_table(&mut table, key, columns, ends, context, mistakes);
    table.finish(mistakes);
    sheet
}

fn read_table(table: &mut Table<'_>, key: &str, columns: &[Wanted<'_>], ends: Ends, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Sheet> {
    let named_on = table.line();
    let mut names = Vec::new();
    for &(column, needed) in columns {
        let name = table.text(column, mistakes);
        if name.is_none() && needed && !table.has(column) {
            table.missing(column, "\"a column of the file\"", mistakes);
        }
        names.push(name.map(|name| name.value));
    }
    let location_kind = match ends {
        Ends::Places => table.text("location_kind", mistakes).map(|kind| kind.value),
        Ends::Areas => Some(AREA_KIND.to_owned()),
        Ends::Numbers => None,
    };
    if ends == Ends::Places && !table.has("location_kind") {
        table.missing("location_kind", "\"station\"", mistakes);
    }
    let both_ways = if ends != Ends::Numbers { table.flag("both_ways", mistakes) } else { None };
    let Some(file) = table.text("file", mistakes) else {
        if !table.has("file") {
            table.missing("file", "\"fares.csv\"", mistakes);
        }
        return None;
    };
    if !is_table_name(&file.value) {
        let todo = format!("put the table beside the tariff file and name it without a folder: {}.csv", if key == "matrix" { "fares" } else { key });
        table.mistake(named_on, format!("`{key}.file` is not the name of a .csv file in `tariff/`"), Some(&todo), mistakes);
        return None;
    }
    if columns.iter().zip(&names).any(|(&(_, needed), name)| needed && name.is_none()) {
        return None;
    }
    let shown = format!("tariff/{}", file.value);
    let text = match std::fs::read_to_string(context.folder.join(&file.value)) {
        Ok(text) => text,
        Err(error) => {
            table.mistake(Some(file.line), format!("{shown} cannot be read: {error}"), Some("put the table beside the tariff file"), mistakes);
            return None;
        }
    };
    let Some((header_line, header)) = lines(&text).next() else {
        mistakes.add(&shown, None, "has no header row", None);
        return None;
    };
    let header: Vec<&str> = fields(header).collect();
    let mut positions = Vec::new();
    for name in &names {
        let Some(name) = name else {
            positions.push(None);
            continue;
        };
        let Some(found) = header.iter().position(|field| *field == name.as_str()) else {
            let todo = format!("it has {}; name the columns in the tariff file's `{key}`", header.join(", "));
            mistakes.add(&shown, Some(header_line), format!("has no column `{name}`"), Some(&todo));
            return None;
        };
        positions.push(Some(found));
    }
    Some(Sheet { shown, text, header_line, positions, location_kind, both_ways })
}

/// The lines that say something, with their numbers; the first is the header.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1u32..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
}

impl Sheet {
    /// The wanted fields of each row, in the order in which the columns were asked for, with its line. Empty where the row ends
    /// before.
    pub fn rows<const N: usize>(&self) -> impl Iterator<Item = (u32, [&str; N])> {
        lines(&self.text).filter(|(line, _)| *line > self.header_line).map(|(line, text)| {
            let mut row = [""; N];
            for (at, field) in fields(text).enumerate() {
                for (wanted, _) in row.iter_mut().zip(&self.positions).filter(|(_, position)| **position == Some(at)) {
                    *wanted = field;
                }
            }
            (line, row)
        })
    }

    pub fn place(&self, code: &str, context: &Context<'_>) -> Symbol {
        context.symbols.intern(&format!("{}:{code}", self.location_kind.as_deref().unwrap_or_default()))
    }

    /// Rows of two places and a number from `least` on, with their lines; other rows are mistakes. Neighbours without a number
    /// of stops are one stop apart.
    pub fn pairs(&self, least: i64, what: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> (Vec<(Symbol, Symbol, i64)>, Vec<u32>) {
        let (mut triples, mut lines) = (Vec::new(), Vec::new());
        for (line, [from, to, number]) in self.rows() {
            if !from.is_empty()
                && !to.is_empty()
                && let Ok(number) = if number.is_empty() && what == "stops" { Ok(1) } else { number.parse::<i64>() }
                && (least..=super::words::AMOUNT_MAX).contains(&number)
            {
                triples.push((self.place(from, context), self.place(to, context), number));
                lines.push(line);
            } else {
                mistakes.add(&self.shown, Some(line), format!("is not a pair of stations with {what}"), Some("whole numbers, not negative"));
            }
        }
        (triples, lines)
    }
}

/// The fields of a line; one in double quotes may hold commas.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let quoted = line.trim_start().strip_prefix('"').and_then(|inner| {
            let (field, after) = inner.split_once('"')?;
            let after = after.trim_start();
            (after.is_empty() || after.starts_with(',')).then(|| (field, after.strip_prefix(',')))
        });
        let (field, after) = quoted.unwrap_or_else(|| line.split_once(',').map_or((line, None), |(field, after)| (field, Some(after))));
        rest = after;
        Some(field.trim())
    })
}

/// Whether a file is one that the scheme's digest covers: in `tariff/` itself, and none of those that `scheme::folder` leaves
/// out.
fn is_table_name(file: &str) -> bool {
    let plain = Path::new(file).components().eq([Component::Normal(file.as_ref())]) && !file.contains('\\');
    plain && file.ends_with(".csv") && !file.starts_with('.') && !file.starts_with("map")
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn a_quoted_field_may_hold_commas() {
        let all = |line| fields(line).collect::<Vec<_>>();
        assert_eq!(all("a, b ,,\"c, d\",\"\""), ["a", "b", "", "c, d", ""]);
        assert_eq!(all(""), [""]);
        assert_eq!(all("a,"), ["a", ""]);
        assert_eq!(all(" \"x\" , \"y"), ["x", "\"y"], "a quote that is not closed is a character");
    }
}
