//! `settle`: publish the settlement files of a closed day; twice gives the same bytes.

use crate::cli::{SchemeArg, SettleArgs, Shown};
use crate::closing::unsettled;
use crate::durable::commit;
use crate::failure::Failure;
use crate::opening;
use crate::output::{ManifestLine, Result as Shape};
use domain::{Day, SymbolTable};
use engine::scheme::Scheme;
use ledger::{DayState, Event, Group, Ledger};
use settlement::{House, Published, SettleError};
use std::path::Path;
use std::time::Instant;

/// # Errors
/// When the day is not closed, does not add up, or was published with other bytes.
pub fn run(args: &SettleArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let house = opening::house(&scheme, &symbols)?;
    opening::out(&args.out, &args.ledger.ledger)?;
    let mut ledger = opening::ledger(&args.ledger, false)?;
    under_its_scheme(&ledger, args.day, &scheme, &args.scheme)?;
    let published = publish(&mut ledger, args.day, &house, &args.out, args.workers.count())?;
    let totals = ledger.day(args.day).map(|info| info.totals).unwrap_or_default();
    let mut shape = Shape::of(args.day, &totals).timed(started, totals.received);
    shape.repeated = published.repeated;
    shape.manifests = published
        .manifests
        .iter()
        .map(|manifest| ManifestLine { party: manifest.party.clone(), lines: manifest.lines, digest: manifest.digest.clone() })
        .collect();
    shape.published = Some(published.folder.display().to_string());
    shape.print(shown, scheme.minor_digits)?;
    Ok(0)
}

/// A closed day's files are made under the scheme that it was closed under.
///
/// # Errors
/// When this is another one, and nobody says to go on.
pub fn under_its_scheme(ledger: &Ledger, day: Day, scheme: &Scheme, arg: &SchemeArg) -> Result<(), Failure> {
    if let Some(info) = ledger.day(day)
        && matches!(info.state, DayState::Closed | DayState::Settled)
        && info.scheme != scheme.digest
        && !arg.adopt_scheme
    {
        return Err(Failure::refused(format!("clearing day {day} was closed under another scheme than {}", arg.scheme.display()))
            .hint("settle with the scheme that the day was closed under, or say --adopt-scheme for a change of layout"));
    }
    Ok(())
}

/// Publishes a day and says so in the journal.
///
/// # Errors
/// As [`run`].
pub fn publish(ledger: &mut Ledger, day: Day, house: &House<'_>, out: &Path, workers: usize) -> Result<Published, Failure> {
    booked(ledger, day, |ledger| settlement::settle(ledger, day, house, out, workers))
}

/// Says in the journal what `publish` has published.
///
/// # Errors
/// As [`run`].
pub fn booked(ledger: &mut Ledger, day: Day, publish: impl FnOnce(&Ledger) -> Result<Published, SettleError>) -> Result<Published, Failure> {
    let published = publish(ledger).map_err(|error| unsettled(day, &error))?;
    if ledger.day(day).is_some_and(|info| info.state == DayState::Closed) {
        let mut group = Group::new();
        group.event(Event::Settled { day, manifests: published.digest });
        // The next day's manifests are chained to these.
        let (key, value) = published.checkpoint();
        group.checkpoint(settlement::MANIFESTS, &key, value);
        commit(ledger, group)?;
    }
    Ok(published)
}
