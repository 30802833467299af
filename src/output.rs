//! Results on stdout: one JSON object with stable keys, or a table for a person.

use crate::cli::Shown;
use crate::failure::Failure;
use crate::words::{Lang, count, money, padded, width};
use domain::Day;
use ledger::DayTotals;
use serde::Serialize;
use settlement::NamedDigest;
use std::io::Write;
use std::time::Instant;

/// What `clear`, `ingest` and `close` tell. Before a close the outcomes are provisional.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(clippy::disallowed_types, reason = "`seconds` is a wall time for people, no money")]
pub struct Result {
    pub day: String,
    pub received: u64,
    pub cleared: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub held: u64,
    pub rejected: u64,
    pub rides: u64,
    pub charged_rides: u64,
    pub capped_rides: u64,
    pub entries: u64,
    pub postings: u64,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub gross_minor: i64,
    pub fee_minor: i64,
    pub seconds: f64,
    pub records_per_second: u64,
    pub repeated: bool,
    pub provisional: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<ManifestLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// A file that was taken in.
#[derive(Clone, Debug, Serialize)]
pub struct FileLine {
    pub name: String,
    pub received: u64,
    pub refused: u64,
    pub repeats: u64,
    pub packages_refused: u64,
    /// It had been booked before.
    pub known: bool,
}

/// A manifest that was published.
#[derive(Clone, Debug, Serialize)]
pub struct ManifestLine {
    pub party: String,
    pub lines: u64,
    #[serde(flatten)]
    pub digest: NamedDigest,
}

impl Result {
    #[must_use]
    pub fn of(day: Day, totals: &DayTotals) -> Self {
        Self {
            day: day.to_string(),
            received: totals.received,
            cleared: totals.cleared,
            duplicate: totals.duplicate,
            conflict: totals.conflict,
            held: totals.held,
            rejected: totals.rejected,
            rides: totals.rides,
            charged_rides: totals.charged_rides,
            capped_rides: totals.capped_rides,
            entries: totals.entries,
            postings: totals.postings,
            debit_minor: totals.debit_minor,
            credit_minor: totals.credit_minor,
            gross_minor: totals.gross_minor,
            fee_minor: totals.fee_minor,
            ..Self::default()
        }
    }

    /// With the time it took for `records` records.
    #[must_use]
    #[allow(clippy::float_arithmetic, reason = "a wall time for people, no money")]
    pub fn timed(mut self, started: Instant, records: u64) -> Self {
        let elapsed = started.elapsed();
        self.seconds = (elapsed.as_secs_f64() * 1000.0).round() / 1000.0;
        self.records_per_second = u64::try_from(u128::from(records) * 1_000_000 / elapsed.as_micros().max(1)).unwrap_or(u64::MAX);
        self
    }

    /// # Errors
    /// When stdout cannot be written.
    pub fn print(&self, shown: Shown, minor_digits: u8) -> std::result::Result<(), Failure> {
        if shown.json {
            return json(self);
        }
        let lang = shown.lang;
        let mut rows = vec![
            (lang.pick("clearing day", "清分日"), self.day.clone()),
            (lang.pick("received", "收到"), count(self.received)),
            (lang.pick("  cleared", "  已清分"), count(self.cleared)),
            (lang.pick("  duplicate", "  重复"), count(self.duplicate)),
            (lang.pick("  held", "  挂起"), count(self.held)),
            (lang.pick("  rejected", "  拒绝"), count(self.rejected)),
            (lang.pick("conflicts among them", "其中同号异文"), count(self.conflict)),
        ];
        if self.provisional {
            rows.push((lang.pick("(provisional until the close)", "（日终前为暂计）"), String::new()));
        } else {
            rows.extend([
                (lang.pick("rides", "行程与交易"), count(self.rides)),
                (lang.pick("  charged", "  有收费"), count(self.charged_rides)),
                (lang.pick("  capped", "  已封顶"), count(self.capped_rides)),
                (lang.pick("entries", "分录"), count(self.entries)),
                (lang.pick("postings", "借贷笔数"), count(self.postings)),
                (lang.pick("charged in all", "收费合计"), money(self.gross_minor, minor_digits)),
                (lang.pick("fees", "手续费"), money(self.fee_minor, minor_digits)),
                (lang.pick("debits", "借方"), money(self.debit_minor, minor_digits)),
                (lang.pick("credits", "贷方"), money(self.credit_minor, minor_digits)),
            ]);
        }
        rows.push((lang.pick("seconds", "用时（秒）"), format!("{:.3}", self.seconds)));
        rows.push((lang.pick("records per second", "每秒记录"), count(self.records_per_second)));
        if let Some(published) = &self.published {
            rows.push((lang.pick("files", "结算文件"), published.clone()));
        }
        if self.repeated {
            rows.push((lang.pick("nothing new: done before", "无新内容：先前已完成"), String::new()));
        }
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        table(&rows, 1)
    }
}

/// One object on stdout.
///
/// # Errors
/// When stdout cannot be written.
pub fn json(value: &impl Serialize) -> std::result::Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::refused("the result cannot be written").because(&error))?;
    line(&text)
}

/// Puts a value into an object under a key.
pub fn put(object: &mut serde_json::Value, key: &str, value: impl Into<serde_json::Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}

/// # Errors
/// When stdout cannot be written.
pub fn line(text: &str) -> std::result::Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{text}")
        .map_err(|error| Failure::refused("stdout cannot be written").because(&error).hint("run the same command again: nothing is done twice"))
}

/// Rows in columns; the first `left` columns are aligned to the left, the others to the right.
///
/// # Errors
/// When stdout cannot be written.
pub fn table(rows: &[Vec<String>], left: usize) -> std::result::Result<(), Failure> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)).collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, &columns))| {
                    if column < left { padded(cell, columns) } else { format!("{}{cell}", " ".repeat(columns.saturating_sub(width(cell)))) }
                },
            )
            .collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// The words of a heading over a table.
///
/// # Errors
/// When stdout cannot be written.
pub fn heading(lang: Lang, en: &str, zh: &str) -> std::result::Result<(), Failure> {
    line(&format!("\n{}", lang.pick(en, zh)))
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
