//! Writes records as files that `ingest` reads: tapclear's own CSV, or a capture of sealed packages.

use domain::{Record, SymbolTable};
use engine::ingest::TapWriter;
use std::io::{self, Write};
use std::sync::Arc;

/// The columns that a generated CSV has: those of tapclear's own layout that it fills.
pub const CSV_COLUMNS: &str = "kind,time,terminal,epoch,sequence,card,issuer,operator,location,mode,class,medium,product,amount,charged,balance_before,balance_after,counter,hotlist_version,grey,original,arrival";

/// Rows are handed on in pieces of about so many bytes.
const PIECE_BYTES: usize = 1 << 20;
const PACKAGE_RECORDS: usize = 4096;

/// Writes a header and a row for each record.
///
/// # Errors
/// When writing fails.
pub fn write_csv(records: impl Iterator<Item = Record>, symbols: &SymbolTable, out: &mut impl Write) -> io::Result<()> {
    let texts: Vec<String> = symbols.texts().iter().map(quoted).collect();
    let mut piece = Vec::with_capacity(PIECE_BYTES + 1024);
    piece.extend_from_slice(CSV_COLUMNS.as_bytes());
    piece.push(b'\n');
    for record in records {
        row(&record, &texts, symbols, &mut piece);
        if piece.len() >= PIECE_BYTES {
            out.write_all(&piece)?;
            piece.clear();
        }
    }
    out.write_all(&piece)?;
    out.flush()
}

/// Writes sealed packages of one sender, numbered from 1. Gives the output back, complete and flushed.
///
/// # Errors
/// When writing fails.
pub fn write_tap<W: Write>(records: impl Iterator<Item = Record>, symbols: &SymbolTable, sender: &str, out: W) -> io::Result<W> {
    let mut tap = TapWriter::new(out)?;
    let mut package = Vec::with_capacity(PACKAGE_RECORDS);
    let mut number = 0;
    let mut records = records.peekable();
    while records.peek().is_some() {
        package.clear();
        package.extend(records.by_ref().take(PACKAGE_RECORDS));
        number += 1;
        tap.package(sender, number, &package, symbols)?;
    }
    tap.finish()
}

/// A name as a CSV field, RFC 4180.
fn quoted(text: &Arc<str>) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

fn row(record: &Record, texts: &[String], symbols: &SymbolTable, out: &mut Vec<u8>) {
    let text = |symbol: domain::Symbol| texts.get(symbol.index()).map_or("", String::as_str);
    put(out, record.kind.name());
    put_number(out, record.time.0);
    put(out, text(record.terminal));
    put_number(out, i64::from(record.epoch));
    put_number(out, i64::try_from(record.sequence).unwrap_or(i64::MAX));
    put(out, record.card.as_str());
    for symbol in [record.issuer, record.operator, record.location, record.mode, record.class, record.medium, record.product] {
        put(out, text(symbol));
    }
    put_number(out, record.amount_minor);
    for amount in [record.charged_minor, record.balance_before_minor, record.balance_after_minor] {
        put_optional(out, amount);
    }
    put_optional(out, record.card_counter.map(i64::from));
    put_optional(out, record.hotlist_version.map(i64::from));
    put(out, if record.grey { "1" } else { "" });
    if let Some(id) = record.original {
        let terminal = if let domain::RecordId::Sequence { terminal, .. } = id { symbols.text(terminal) } else { Arc::from("") };
        put(out, &quoted(&Arc::from(id.text(&terminal))));
    } else {
        out.push(b',');
    }
    put_number(out, i64::try_from(record.arrival).unwrap_or(i64::MAX));
    out.pop();
    out.push(b'\n');
}

fn put(out: &mut Vec<u8>, field: &str) {
    out.extend_from_slice(field.as_bytes());
    out.push(b',');
}

fn put_optional(out: &mut Vec<u8>, number: Option<i64>) {
    match number {
        Some(number) => put_number(out, number),
        None => out.push(b','),
    }
}

/// Digits from the end of a small buffer: formatting is most of what writing costs.
fn put_number(out: &mut Vec<u8>, number: i64) {
    let mut digits = [b','; 21];
    let mut left = number.unsigned_abs();
    let mut start = digits.len() - 1;
    loop {
        start -= 1;
        if let (Some(slot), Ok(digit)) = (digits.get_mut(start), u8::try_from(left % 10)) {
            *slot = b'0' + digit;
        }
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}
