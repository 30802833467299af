//! `close`: decide and post the open day.

use crate::cli::{CloseArgs, Shown};
use crate::failure::Failure;
use crate::output::Result as Shape;
use crate::progress::Progress;
use crate::{closing, history, opening};
use domain::SymbolTable;
use std::time::Instant;

/// # Errors
/// When no day is open, another one is, or the scheme has changed under it.
pub fn run(args: &CloseArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let mut ledger = opening::ledger(&args.ledger.ledger, args.day.is_some())?;
    let day = opening::open_day(&mut ledger, args.day, &scheme, &args.scheme)?;
    let progress = Progress::new(shown.lang);
    let seen = history::seen(&ledger, &symbols)?;
    let totals = closing::close(&mut ledger, &scheme, &symbols, &seen, args.workers.count(), &progress)?;
    progress.done();
    Shape::of(day, &totals).timed(started, totals.received).print(shown, scheme.minor_digits)?;
    Ok(0)
}
