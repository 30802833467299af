//! `ingest`: take in files of terminal records into the open day.

use crate::cli::{IngestArgs, Shown};
use crate::durable::Acks;
use crate::failure::Failure;
use crate::intake::{Door, Live};
use crate::output::Result as Shape;
use crate::progress::Progress;
use crate::vault::Vault;
use crate::{history, opening};
use domain::SymbolTable;
use std::time::Instant;

/// # Errors
/// When a file is refused: those before it are booked, it and those after it are not.
pub fn run(args: &IngestArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let mapping = opening::mapping(args.map.as_deref())?;
    let mut ledger = opening::ledger(&args.ledger, true)?;
    let day = opening::open_day(&mut ledger, args.day, &scheme, &args.scheme)?;
    let progress = Progress::new(shown.lang);
    let door = Door {
        scheme: &scheme,
        symbols: &symbols,
        mapping: &mapping,
        workers: args.workers.count(),
        progress: &progress,
        vault: Vault::new(scheme.keys.vault),
        live: Live::none(),
    };
    for path in &args.files {
        door.section(path)?;
    }
    let mut acks = args.acks.as_deref().map(Acks::create).transpose()?;
    let mut seen = history::seen(&ledger, &symbols, door.workers)?;
    let mut shape = Shape { day: day.to_string(), provisional: true, repeated: true, ..Shape::default() };
    for path in &args.files {
        let report = door.take_in(&mut ledger, &mut seen, path, acks.as_mut())?;
        shape.received += report.records + report.refused;
        shape.duplicate += report.repeats;
        shape.rejected += report.refused;
        shape.cleared += report.records - report.repeats;
        shape.repeated &= report.known;
        shape.files.push(super::clear::file_line(path, &report));
    }
    progress.done();
    let received = shape.received;
    let looked_at = super::clear::exit_of(&shape);
    shape.timed(started, received).print(shown, scheme.minor_digits)?;
    Ok(looked_at)
}
