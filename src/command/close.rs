//! `close`: decide and post the open day.

use crate::cli::{CloseArgs, Shown};
use crate::closing::{Bounds, Closing};
use crate::failure::Failure;
use crate::output::Result as Shape;
use crate::progress::Progress;
use crate::{history, opening};
use domain::{Day, SymbolTable};
use ledger::Ledger;
use std::time::Instant;

/// # Errors
/// When no day is open, another one is, or the scheme has changed under it.
pub fn run(args: &CloseArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let mut ledger = opening::ledger(&args.ledger, args.day.is_some())?;
    let day = opening::open_day(&mut ledger, args.day, &scheme, &args.scheme)?;
    if args.day.is_none() {
        took_in_something(&ledger, day)?;
    }
    let progress = Progress::new(shown.lang);
    let seen = history::seen(&ledger, &symbols, args.workers.count())?;
    let closing = Closing { scheme: &scheme, symbols: &symbols, seen: &seen, workers: args.workers.count(), bounds: Bounds::default(), progress: &progress };
    let totals = closing.close(&mut ledger)?;
    progress.done();
    Shape::of(day, &totals).timed(started, totals.received).print(shown, scheme.minor_digits)?;
    Ok(0)
}

/// Whoever runs the same command again after a crash, not knowing that the day was closed, must not close the next one.
fn took_in_something(ledger: &Ledger, day: Day) -> Result<(), Failure> {
    let begun = ledger.files().iter().any(|file| file.day == day);
    match ledger.days().iter().rev().find(|other| other.day < day) {
        Some(before) if !begun => Err(Failure::refused(format!("clearing day {day} has taken in nothing, and {} is closed", before.day))
            .hint(format!("to close a day without records, name it: --day {day}"))),
        _ => Ok(()),
    }
}
