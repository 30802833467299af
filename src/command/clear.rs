//! `clear`: take in files, close the day, publish its settlement files.

use crate::cli::{ClearArgs, Shown};
use crate::closing::{Bounds, Closing};
use crate::command::settle;
use crate::failure::{EXIT_LOOK, Failure};
use crate::intake::{Door, FileReport, Live};
use crate::output::{FileLine, ManifestLine, Result as Shape};
use crate::progress::Progress;
use crate::vault::Vault;
use crate::{history, opening};
use domain::SymbolTable;
use engine::ingest::file_digest;
use ledger::{DayState, FileState, Ledger};
use std::path::PathBuf;
use std::time::Instant;

/// # Errors
/// When anything is refused; nothing is booked of what is refused.
pub fn run(args: &ClearArgs, shown: Shown) -> Result<u8, Failure> {
    let (shape, minor_digits) = clear(args, shown)?;
    shape.print(shown, minor_digits)?;
    Ok(exit_of(&shape))
}

/// A refused package is something to look at, and so is a file of which no row could be read.
#[must_use]
pub fn exit_of(shape: &Shape) -> u8 {
    let nothing_read = |file: &FileLine| file.received > 0 && file.refused == file.received;
    if shape.files.iter().any(|file| file.packages_refused > 0 || nothing_read(file)) { EXIT_LOOK } else { 0 }
}

/// Does the work; the result and the currency's digits.
///
/// # Errors
/// As [`run`].
pub fn clear(args: &ClearArgs, shown: Shown) -> Result<(Shape, u8), Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let mapping = opening::mapping(args.map.as_deref())?;
    let house = opening::house(&scheme, &symbols)?;
    opening::out(&args.out, &args.ledger.ledger)?;
    let mut ledger = opening::ledger(&args.ledger, true)?;
    let progress = Progress::new(shown.lang);
    let workers = args.workers.count();

    let closed = ledger.day(args.day).is_some_and(|info| matches!(info.state, DayState::Closed | DayState::Settled));
    let mut repeated = closed && all_booked(&ledger, &args.files);
    let mut reports = Vec::new();
    let mut drafted = None;
    if repeated {
        settle::under_its_scheme(&ledger, args.day, &scheme, &args.scheme)?;
    } else {
        opening::open_day(&mut ledger, Some(args.day), &scheme, &args.scheme)?;
        let door = Door {
            scheme: &scheme,
            symbols: &symbols,
            mapping: &mapping,
            workers,
            progress: &progress,
            vault: Vault::new(scheme.keys.vault),
            live: Live::of(&ledger, &scheme)?,
        };
        for path in &args.files {
            door.section(path)?;
        }
        let mut seen = history::seen(&ledger, &symbols, workers)?;
        for path in &args.files {
            reports.push(door.take_in(&mut ledger, &mut seen, path, None)?);
        }
        let closing = Closing { scheme: &scheme, symbols: &symbols, seen: &seen, workers, bounds: Bounds::default(), progress: &progress };
        drafted = Some(closing.close_and_draft(&mut ledger, door.live.into_gathers(), &house, &args.out)?);
    }
    progress.step("settling: checking and publishing files", "结算：核对并发布文件");
    let published = match drafted {
        Some(drafted) => settle::booked(&mut ledger, args.day, |ledger| settlement::publish(ledger, args.day, drafted, &house))?,
        None => settle::publish(&mut ledger, args.day, &house, &args.out, workers)?,
    };
    repeated &= published.repeated;
    progress.done();
    let totals = ledger.day(args.day).map(|info| info.totals).unwrap_or_default();
    let mut shape = Shape::of(args.day, &totals).timed(started, totals.received);
    shape.repeated = repeated;
    shape.files = args.files.iter().zip(&reports).map(|(path, report)| file_line(path, report)).collect();
    shape.manifests = published
        .manifests
        .iter()
        .map(|manifest| ManifestLine { party: manifest.party.clone(), lines: manifest.lines, digest: manifest.digest.clone() })
        .collect();
    shape.published = Some(published.folder.display().to_string());
    Ok((shape, scheme.minor_digits))
}

/// What was taken in of a file.
#[must_use]
pub fn file_line(path: &std::path::Path, report: &FileReport) -> FileLine {
    FileLine {
        name: path.display().to_string(),
        received: report.records + report.refused,
        refused: report.refused,
        repeats: report.repeats,
        packages_refused: report.packages_refused,
        known: report.known,
    }
}

fn all_booked(ledger: &Ledger, files: &[PathBuf]) -> bool {
    files.iter().all(|path| file_digest(path).is_ok_and(|digest| ledger.file(&digest).is_some_and(|file| file.state == FileState::Booked)))
}
