//! `close`: decide and post the open day.

use crate::cli::{CloseArgs, Shown};
use crate::closing::{Bounds, Closing};
use crate::failure::Failure;
use crate::output::Result as Shape;
use crate::progress::Progress;
use crate::{history, opening};
use domain::SymbolTable;
use std::time::Instant;

/// # Errors
/// When no day is open, another one is, or the scheme has changed under it.
pub fn run(args: &CloseArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let mut ledger = opening::ledger(&args.ledger, args.day.is_some())?;
    let day = opening::open_day(&mut ledger, args.day, &scheme, &args.scheme)?;
    let progress = Progress::new(shown.lang);
    let seen = history::seen(&ledger, &symbols, args.workers.count())?;
    let closing = Closing { scheme: &scheme, symbols: &symbols, seen: &seen, workers: args.workers.count(), bounds: Bounds::default(), progress: &progress };
    let totals = closing.close(&mut ledger)?;
    progress.done();
    Shape::of(day, &totals).timed(started, totals.received).print(shown, scheme.minor_digits)?;
    Ok(0)
}
