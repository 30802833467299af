//! Reads the fields of a section: `[source.id]` and `[source.record]`.
//!
//! Collects the columns in use on the way. Never looks at a file: whether a column exists is seen when a file is opened,
//! unless the mapping lists the columns itself.

use super::feed::{
    AmountFeed, AmountField, CardForm, Feeds, IdRule, KIND_CODES, KindFeed, NameColumn, NameFeed, NameField, OriginalFeed, Otherwise, PlaceKind, Slot,
    TimeFeed, Zone,
};
use super::keys::{Document, Keys, Value, guess, whole};
use super::mapping::{Column, Format, Header, Section};
use super::mapping_reader::{Tables, read_pairs};
use domain::RecordKind;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct FieldReader<'s> {
    section: &'s Section,
    tables: &'s Tables,
    used: Vec<Column>,
}

/// Decimals of a major unit: 3 is the most a currency has (dinar).
const DECIMALS_MAX: i64 = 3;
const PAD_MAX: i64 = 32;

impl<'s> FieldReader<'s> {
    pub const fn new(section: &'s Section, tables: &'s Tables) -> Self {
        Self { section, tables, used: Vec::new() }
    }

    pub fn into_used(self) -> Vec<Column> {
        self.used
    }

    pub fn feeds(&mut self, source: &Keys<'_>) -> Option<Feeds> {
        let id_keys = source.own_table("id");
        if id_keys.is_none() && source.get("id").is_none() {
            source.missing("id", "{ sequence = \"seq\" }");
        }
        let id = id_keys.and_then(|keys| self.id(keys));
        let Some(record) = source.table("record") else {
            if source.get("record").is_none() {
                source.document.mistake(source.span.clone(), "`[source.record]` is missing", Some("it says which column feeds which field"));
            }
            return None;
        };
        let kind = self.kind(&record);
        let time = self.time(&record);
        let names: Vec<_> = NameField::ALL.into_iter().filter_map(|(field, key)| Some((field, self.name(&record, key, field.is_place())?))).collect();
        if matches!(id, Some(IdRule::Sequence { .. })) && record.get("terminal").is_none() {
            record.document.mistake(record.span.clone(), "an id from sequences needs `terminal`", Some("terminal = \"terminal_id\""));
        }
        let amounts = AmountField::ALL.into_iter().filter_map(|(field, key)| Some((field, self.amount(&record, key)?))).collect();
        let [counter, hotlist_version, grey, arrival, source_ref] =
            ["counter", "hotlist_version", "grey", "arrival", "source_ref"].map(|key| self.plain(&record, key));
        let card = self.card(&record);
        let original = self.original(&record);
        record.finish();
        Some(Feeds { id: id?, kind: kind?, time: time?, names, amounts, counter, hotlist_version, grey, arrival, source_ref, card, original })
    }

    fn id(&mut self, keys: Keys<'_>) -> Option<IdRule> {
        let sequence = self.plain(&keys, "sequence");
        let epoch = self.plain(&keys, "epoch");
        let columns = self.slots(&keys, "columns");
        let file_row = keys.flag("file_row") == Some(true);
        let rule = match (sequence, columns, file_row) {
            (Some(sequence), None, false) => Some(IdRule::Sequence { sequence, epoch }),
            (None, Some(columns), false) if epoch.is_none() => Some(IdRule::Columns(columns)),
            (None, None, true) if epoch.is_none() => Some(IdRule::FileRow),
            _ => {
                let hint = "id = { sequence = \"seq\" }, id = { columns = [\"card\", \"time\"] } or id = { file_row = true }";
                keys.document.mistake(keys.span.clone(), "an id is made in exactly one way", Some(hint));
                None
            }
        };
        keys.finish();
        rule
    }

    fn kind(&mut self, record: &Keys<'_>) -> Option<KindFeed> {
        let names: Vec<_> = RecordKind::ALL.iter().map(|kind| kind.name()).collect();
        let document = record.document;
        let named = |text: &str, span: Range<usize>| {
            let kind = RecordKind::from_name(text);
            if kind.is_none() {
                let hint = guess(text, &names).unwrap_or_else(|| format!("kinds: {}", names.join(", ")));
                document.mistake(span, format!("`{text}` is no kind of record"), Some(&hint));
            }
            kind
        };
        let Some(value) = record.get("kind") else {
            record.missing("kind", "{ column = \"type\", values = { in = \"tap-on\" } }");
            return None;
        };
        let Some(table) = value.get_ref().as_table() else {
            return Some(KindFeed::Column { slot: self.column(document, value)?, values: BTreeMap::new(), otherwise: None });
        };
        let keys = Keys::new(document, "source.record.kind", value.span(), vec![table]);
        let feed = if let Some(constant) = keys.text("value") {
            named(constant, value.span()).map(KindFeed::Constant)
        } else {
            let slot = self.needed(&keys);
            let mut values = BTreeMap::new();
            for (text, to) in self.values(&keys).unwrap_or_default().iter() {
                if let Some(kind) = named(to, keys.get("values").map_or(value.span(), toml::Spanned::span)) {
                    values.insert(text.clone(), kind);
                }
            }
            let otherwise = keys.text("otherwise").and_then(|text| named(text, value.span()));
            slot.map(|slot| KindFeed::Column { slot, values, otherwise })
        };
        keys.finish();
        feed
    }

    fn time(&mut self, record: &Keys<'_>) -> Option<TimeFeed> {
        let Some(keys) = record.own_table("time") else {
            if record.get("time").is_none() {
                record.missing("time", "{ column = \"ts\", format = \"epoch-ms\", zone = \"+08:00\" }");
            }
            return None;
        };
        let zone = match keys.text("zone") {
            Some(text) => zone(text).or_else(|| {
                keys.at("zone", "`zone` is neither an offset nor a place", Some("for example \"+08:00\" or \"Europe/London\""));
                None
            }),
            None => {
                if keys.get("zone").is_none() {
                    keys.missing("zone", "\"+08:00\"");
                }
                None
            }
        };
        let feed = if let Some(base) = keys.text("base") {
            let date: Option<domain::Day> = base.parse().ok();
            if date.is_none() {
                keys.at("base", "`base` is not a date", Some("for example: base = \"2009-11-01\""));
            }
            let (day, minute) = (self.plain(&keys, "day"), self.plain(&keys, "minute"));
            for (key, slot) in [("day", day), ("minute", minute)] {
                if slot.is_none() && keys.get(key).is_none() {
                    keys.missing(key, "\"a column\"");
                }
            }
            date.zip(day).zip(minute).zip(zone).map(|(((base, day), minute), zone)| TimeFeed::DayMinute { base, day, minute, zone })
        } else {
            let slot = self.needed(&keys);
            let format = keys.text("format");
            if format.is_none() && keys.get("format").is_none() {
                keys.missing("format", "\"%Y-%m-%d %H:%M:%S\"");
            }
            slot.zip(format).zip(zone).and_then(|((slot, format), zone)| match format {
                "epoch-ms" => Some(TimeFeed::Epoch { slot, unit_ms: 1, zone }),
                "epoch-s" => Some(TimeFeed::Epoch { slot, unit_ms: 1000, zone }),
                pattern if writes_a_moment(pattern) => Some(TimeFeed::Local { slot, pattern: pattern.to_owned(), zone }),
                pattern => {
                    let hint = guess(pattern, &["epoch-ms", "epoch-s"])
                        .unwrap_or_else(|| "epoch-ms, epoch-s, or a pattern with a date and a time such as %Y-%m-%d %H:%M:%S".to_owned());
                    keys.at("format", "`format` cannot be read", Some(&hint));
                    None
                }
            })
        };
        keys.finish();
        feed
    }

    fn name(&mut self, record: &Keys<'_>, key: &'static str, is_place: bool) -> Option<NameFeed> {
        let value = record.get(key)?;
        let document = record.document;
        let bare = NameColumn {
            slot: 0,
            absent: Vec::new(),
            values: None,
            otherwise: Otherwise::Refused,
            prefix: String::new(),
            pad: 0,
            place: if is_place { PlaceKind::Written } else { PlaceKind::None },
        };
        let Some(table) = value.get_ref().as_table() else {
            return Some(NameFeed::Column(Box::new(NameColumn { slot: self.column(document, value)?, ..bare })));
        };
        let keys = Keys::new(document, format!("source.record.{key}"), value.span(), vec![table]);
        let feed = if let Some(constant) = keys.text("value") {
            if is_place && !constant.contains(':') {
                keys.at("value", "a place is written `kind:code`", Some("for example: value = \"venue:12\""));
            }
            Some(NameFeed::Constant(constant.to_owned()))
        } else {
            let slot = self.needed(&keys);
            let absent = keys.texts("absent").unwrap_or_default().into_iter().map(str::to_owned).collect();
            let values = self.values(&keys);
            let otherwise = match (keys.text("otherwise"), keys.flag("keep").unwrap_or(false)) {
                (Some(_), true) => {
                    keys.at("keep", "`keep` and `otherwise` exclude each other", Some("`keep = true` leaves values outside the table as they are"));
                    Otherwise::Refused
                }
                (Some(text), false) => Otherwise::Text(text.to_owned()),
                (None, true) => Otherwise::Kept,
                (None, false) => Otherwise::Refused,
            };
            if values.is_none() && keys.get("values").is_none() && otherwise != Otherwise::Refused {
                keys.at("otherwise", "`otherwise` and `keep` need `values`", None);
            }
            let prefix = keys.text("prefix").unwrap_or_default().to_owned();
            let pad = keys.number("pad", 0..=PAD_MAX).and_then(|pad| usize::try_from(pad).ok()).unwrap_or(0);
            let place = if is_place { place_kind(&keys) } else { PlaceKind::None };
            slot.map(|slot| NameFeed::Column(Box::new(NameColumn { slot, absent, values, otherwise, prefix, pad, place })))
        };
        keys.finish();
        feed
    }

    fn amount(&mut self, record: &Keys<'_>, key: &'static str) -> Option<AmountFeed> {
        let keys = record.own_table(key)?;
        let slot = self.needed(&keys);
        let major = keys.choice("unit", &[("minor", false), ("major", true)]);
        if major.is_none() && keys.get("unit").is_none() {
            keys.missing("unit", "\"minor\"");
        }
        let decimals = keys.number("decimals", 0..=DECIMALS_MAX);
        if decimals.is_some() && major == Some(false) {
            keys.at("decimals", "`decimals` is for unit = \"major\"", None);
        }
        let decimals = if major? { decimals.unwrap_or(2) } else { 0 };
        keys.finish();
        Some(AmountFeed { slot: slot?, decimals: u32::try_from(decimals).unwrap_or(0) })
    }

    fn card(&mut self, record: &Keys<'_>) -> Option<(Slot, CardForm)> {
        let keys = record.own_table("card")?;
        let slot = self.needed(&keys);
        let form = keys.choice("as", &[("number", CardForm::Number), ("token", CardForm::Token)]);
        if form.is_none() && keys.get("as").is_none() {
            keys.missing("as", "\"number\"");
        }
        keys.finish();
        slot.zip(form)
    }

    fn original(&mut self, record: &Keys<'_>) -> Option<OriginalFeed> {
        let keys = record.own_table("original")?;
        let feed = if keys.get("column").is_some() {
            keys.choice("as", &[("id", ())]);
            self.needed(&keys).map(OriginalFeed::Printed)
        } else if keys.get("columns").is_some() {
            self.slots(&keys, "columns").map(OriginalFeed::Columns)
        } else {
            let terminal = self.name(&keys, "terminal", false);
            let (sequence, epoch) = (self.plain(&keys, "sequence"), self.plain(&keys, "epoch"));
            match (terminal, sequence) {
                (Some(NameFeed::Column(terminal)), Some(sequence)) => Some(OriginalFeed::Sequence { terminal, sequence, epoch }),
                _ => {
                    let hint =
                        "original = { terminal = \"orig_terminal\", sequence = \"orig_seq\" }, { columns = […] } or { column = \"orig_id\", as = \"id\" }";
                    keys.document.mistake(keys.span.clone(), "`original` does not say how a record names another", Some(hint));
                    None
                }
            }
        };
        keys.finish();
        feed
    }

    /// A value table, written here or named.
    fn values(&self, keys: &Keys<'_>) -> Option<super::feed::ValueTable> {
        let value = keys.get("values")?;
        if let Some(name) = value.get_ref().as_str() {
            let table = self.tables.get(name).cloned();
            if table.is_none() {
                let names: Vec<_> = self.tables.keys().map(String::as_str).collect();
                keys.at("values", format!("there is no table `[values.{name}]`"), guess(name, &names).as_deref());
            }
            return table;
        }
        let Some(pairs) = value.get_ref().as_table() else {
            keys.at("values", "`values` is a table or the name of one", Some("values = { in = \"tap-on\", out = \"tap-off\" }"));
            return None;
        };
        let mut table = BTreeMap::new();
        read_pairs(keys.document, pairs, &mut table);
        Some(Arc::new(table))
    }

    /// A key whose value is a column.
    fn plain(&mut self, keys: &Keys<'_>, key: &'static str) -> Option<Slot> {
        let value = keys.get(key)?;
        self.column(keys.document, value)
    }

    /// The `column` of a field's table.
    fn needed(&mut self, keys: &Keys<'_>) -> Option<Slot> {
        if keys.get("column").is_none() {
            keys.missing("column", "\"a column\"");
        }
        self.plain(keys, "column")
    }

    fn slots(&mut self, keys: &Keys<'_>, key: &'static str) -> Option<Vec<Slot>> {
        let value = keys.get(key)?;
        let Some(items) = value.get_ref().as_array().filter(|items| !items.is_empty()) else {
            keys.at(key, format!("`{key}` is a list of columns"), None);
            return None;
        };
        let document = keys.document;
        items.iter().map(|item| self.column(document, item)).collect()
    }

    /// The slot of a column, given by name or by place.
    fn column(&mut self, document: &Document<'_>, value: Value<'_>) -> Option<Slot> {
        let column = match (value.get_ref().as_str(), whole(value)) {
            (Some(name), _) => Column::Name(name.to_owned()),
            (None, Some(place @ 1..=10_000)) => Column::Place(usize::try_from(place).ok()?),
            _ => {
                document.mistake(value.span(), "a column is a name in quotes or a place from 1", None);
                return None;
            }
        };
        let listed: Vec<_> = self.section.columns.iter().map(String::as_str).collect();
        match &column {
            Column::Name(name) if !listed.is_empty() && !listed.contains(&name.as_str()) => {
                document.mistake(value.span(), format!("`{name}` is not among `columns`"), guess(name, &listed).as_deref());
            }
            Column::Name(_) if listed.is_empty() && matches!(self.section.format, Format::Csv { header: Header::Absent, .. }) => {
                document.mistake(value.span(), "without a header, columns have places, not names", Some("use a number from 1, or list the names in `columns`"));
            }
            Column::Place(_) if !matches!(self.section.format, Format::Csv { .. }) => {
                document.mistake(value.span(), "JSON has keys, not places", Some("write the key in quotes"));
            }
            _ => {}
        }
        let known = self.used.iter().position(|other| *other == column);
        Some(known.unwrap_or_else(|| {
            self.used.push(column);
            self.used.len() - 1
        }))
    }
}

/// The `kind` of a location: a word, or one for each kind of record.
fn place_kind(keys: &Keys<'_>) -> PlaceKind {
    let Some(value) = keys.get("kind") else { return PlaceKind::Written };
    let word = |text: &str, span: Range<usize>| {
        if text.is_empty() || text.contains(':') {
            keys.document.mistake(span, "a kind of place is a word without `:`", Some("for example: station, line, venue, shop"));
        }
        Some(text.to_owned())
    };
    if let Some(text) = value.get_ref().as_str() {
        return PlaceKind::Fixed(word(text, value.span()).unwrap_or_default());
    }
    let Some(table) = value.get_ref().as_table() else {
        keys.at("kind", "`kind` is a word, or a word for each kind of record", Some("kind = { boarding = \"line\", otherwise = \"station\" }"));
        return PlaceKind::Written;
    };
    let by_record = Keys::new(keys.document, "kind", value.span(), vec![table]);
    let otherwise = by_record.text("otherwise").and_then(|text| word(text, value.span()));
    let mut kinds: [Option<String>; KIND_CODES] = std::array::from_fn(|_| otherwise.clone());
    for kind in RecordKind::ALL {
        if let (Some(text), Some(slot)) = (by_record.text(kind.name()), kinds.get_mut(usize::from(kind.code()))) {
            *slot = word(text, value.span());
        }
    }
    by_record.finish();
    PlaceKind::ByRecord(Box::new(kinds))
}

/// An offset such as `+08:00`, or a place of the time zone database.
fn zone(text: &str) -> Option<Zone> {
    if let [sign @ (b'+' | b'-'), rest @ ..] = text.as_bytes() {
        let [a, b, b':', c, d] = rest else { return None };
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| i16::from(byte - b'0'));
        let (hours, minutes) = (digit(a)? * 10 + digit(b)?, digit(c)? * 10 + digit(d)?);
        // UTC+14 is the farthest east that any clock is.
        let offset = (hours <= 14 && minutes < 60).then_some(hours * 60 + minutes)?;
        return Some(Zone::Fixed(if *sign == b'-' { -offset } else { offset }));
    }
    if text == "UTC" || text == "Z" {
        return Some(Zone::Fixed(0));
    }
    TimeZone::get(text).ok().map(Zone::Named)
}

/// Whether a pattern writes a date and a time of day that read back.
fn writes_a_moment(pattern: &str) -> bool {
    let moment = jiff::civil::date(2018, 8, 31).at(22, 14, 0, 0);
    let Ok(text) = jiff::fmt::strtime::format(pattern, moment) else { return false };
    jiff::fmt::strtime::parse(pattern, &text).is_ok_and(|parsed| parsed.to_datetime().is_ok_and(|back| back == moment))
}
