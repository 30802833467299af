//! Oddities: what a close found worth a look though nothing is held for it, as rows of `exceptions.csv`.
//!
//! They stand behind the held and rejected records, with the parties of both records. They move no money.

use crate::SettleError;
use crate::adjust::NamedLines;
use crate::pass::PartyFiles;
use crate::roster::{Roster, Seat};
use crate::row::Row;
use crate::stamp::Stamp;
use domain::{Day, EventTime, OddityKind, SymbolTable};
use ledger::Oddity;
use std::fmt::Write as _;

/// What stands in the place of an outcome.
const FLAGGED: &[u8] = b"flagged";

/// Who has a row of it: the issuer, and the earners and venues of both records; the hub where none of them is known.
pub(crate) fn receivers(oddity: &Oddity, roster: &Roster, symbols: &SymbolTable) -> Vec<Seat> {
    let (record, other) = (&oddity.record, &oddity.other);
    let parties = [&oddity.issuer, &record.earner, &record.venue, &other.earner, &other.venue];
    let mut seats: Vec<Seat> = Vec::new();
    for seat in parties.into_iter().filter_map(|party| symbols.find(party)).map(|party| roster.seat(party)) {
        if seat.is_somebody() && !seats.contains(&seat) {
            seats.push(seat);
        }
    }
    if seats.is_empty() {
        seats.push(roster.hub);
    }
    seats
}

/// Adds the day's oddities to the files of their parties, in the order of the close. `lines` knows the earlier lines.
pub(crate) fn append(
    day: Day,
    oddities: &[Oddity],
    lines: &NamedLines,
    files: &mut [PartyFiles],
    roster: &Roster,
    symbols: &SymbolTable,
) -> Result<(), SettleError> {
    let (mut stamp, mut row) = (Stamp::default(), Row::default());
    for oddity in oddities {
        for seat in receivers(oddity, roster, symbols) {
            let Some(own) = files.get_mut(seat.index()) else { continue };
            row.clear();
            row.unsigned(own.exceptions.lines + 1);
            write(&mut row, &mut stamp, day, oddity, lines.number(oddity.other_day, EventTime(oddity.other.time_ms), &oddity.other.id, seat));
            own.exceptions.append(row.as_bytes(), 1)?;
        }
    }
    Ok(())
}

fn write(row: &mut Row, stamp: &mut Stamp, day: Day, oddity: &Oddity, other_line: Option<u64>) {
    let record = &oddity.record;
    for text in [&record.id, &oddity.source_ref, &oddity.kind, &record.terminal] {
        row.text(text.as_bytes());
    }
    stamp.time(row, EventTime(record.time_ms), oddity.offset_min);
    row.signed(oddity.amount_minor);
    row.text(FLAGGED);
    row.unsigned(u64::from(oddity.number));
    row.text(OddityKind::from_number(oddity.number).map_or("", OddityKind::name).as_bytes());
    // Days of being held, and until when: it is not.
    row.unsigned(0);
    row.comma();
    row.text(oddity.other.id.as_bytes());
    if oddity.other_day == day {
        row.comma()
    } else {
        stamp.day(row, oddity.other_day)
    }
    match other_line {
        Some(line) => row.unsigned(line),
        None => row.comma(),
    }
    row.text(evidence(oddity).as_bytes());
    row.end();
}

/// `seconds=12.5;metres=35100;...`: from the other record to the flagged one; negative where the other one is later.
fn evidence(oddity: &Oddity) -> String {
    let mut text = format!("seconds={}", seconds(oddity.record.time_ms.saturating_sub(oddity.other.time_ms)));
    for (name, value) in &oddity.measures {
        write!(text, ";{name}={value}").expect("a string takes it");
    }
    if !oddity.witness.is_empty() {
        write!(text, ";witness={}", oddity.witness).expect("a string takes it");
    }
    text
}

/// Milliseconds as decimal seconds, without zeros that say nothing.
#[must_use]
pub fn seconds(ms: i64) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let text = format!("{sign}{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_decimal() {
        for (ms, text) in [(0, "0"), (1, "0.001"), (1_000, "1"), (10_000, "10"), (12_500, "12.5"), (-12_500, "-12.5"), (-5, "-0.005"), (60_010, "60.01")] {
            assert_eq!(seconds(ms), text);
        }
    }

    #[test]
    fn evidence_names_its_numbers() {
        let mut oddity = Oddity { measures: vec![("metres".to_owned(), 35_100), ("km_per_hour".to_owned(), 631)], ..Oddity::default() };
        (oddity.record.time_ms, oddity.other.time_ms) = (300_000, 100_000);
        assert_eq!(evidence(&oddity), "seconds=200;metres=35100;km_per_hour=631");
        "7.0.3".clone_into(&mut oddity.witness);
        oddity.measures.clear();
        assert_eq!(evidence(&oddity), "seconds=200;witness=7.0.3");
    }
}
