//! Opening what commands work on: scheme, mapping, ledger, day. Every refusal says what to do about it.

use crate::cli::{LedgerArg, SchemeArg};
use crate::durable::commit;
use crate::failure::Failure;
use domain::{Day, SymbolTable};
use engine::ingest::Mapping;
use engine::mistake::Mistake;
use engine::scheme::{CardDisplay, Scheme};
use ledger::{DayState, Event, FileState, Group, Head, Journal, Ledger, LedgerError, LedgerOptions, Obstacle};
use settlement::{Column, FunderGroup, House};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// # Errors
/// All mistakes of the scheme at once.
pub fn scheme(dir: &Path, symbols: &SymbolTable) -> Result<Scheme, Failure> {
    Scheme::read(dir, symbols).map_err(|mistakes| refused_for(&format!("the scheme {}", dir.display()), &mistakes))
}

/// How many digits of an amount stand behind the point, where a scheme says so; a ledger alone knows whole minor units.
///
/// # Errors
/// All mistakes of the scheme at once.
pub fn minor_digits(scheme: Option<&Path>) -> Result<Option<u8>, Failure> {
    scheme.map(|dir| self::scheme(dir, &SymbolTable::new()).map(|scheme| scheme.minor_digits)).transpose()
}

/// A scheme with the tariff of another folder.
///
/// # Errors
/// All mistakes of the tariff at once.
pub fn with_tariff(scheme: &Scheme, folder: &Path, symbols: &SymbolTable) -> Result<Scheme, Failure> {
    scheme.with_tariff(folder, symbols).map_err(|mistakes| refused_for(&format!("the tariff {}", folder.display()), &mistakes))
}

/// The mapping of a file, or tapclear's own columns.
///
/// # Errors
/// All mistakes of the mapping at once.
pub fn mapping(path: Option<&Path>) -> Result<Mapping, Failure> {
    let Some(path) = path else { return Ok(Mapping::native()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let failure = Failure::refused(format!("the mapping {} cannot be read", path.display())).because(&error);
        failure.hint("check --map; a mapping is a TOML file in UTF-8")
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Mapping::parse(&name, &text).map_err(|mistakes| refused_for(&format!("the mapping {}", path.display()), &mistakes))
}

/// Mistakes as a refusal: one line each, with its hint.
#[must_use]
pub fn refused_for(what: &str, mistakes: &[Mistake]) -> Failure {
    let plural = if mistakes.len() == 1 { "mistake" } else { "mistakes" };
    let lines = mistakes.iter().map(|mistake| match &mistake.hint {
        Some(hint) => format!("{mistake}\n    hint: {hint}"),
        None => mistake.to_string(),
    });
    Failure::refused(format!("{what} has {} {plural}", mistakes.len())).listing(lines)
}

/// # Errors
/// With a hint for each reason that a ledger cannot be opened.
pub fn ledger(arg: &LedgerArg, create: bool) -> Result<Ledger, Failure> {
    let anchor = known_head(arg)?;
    // A checkpoint is of a ledger that was there.
    let create = create && anchor.is_none();
    Ledger::open(&arg.ledger, &LedgerOptions { create, anchor, ..LedgerOptions::default() }).map_err(|error| unopened(&arg.ledger, &error))
}

/// # Errors
/// As [`ledger()`].
pub fn ledger_to_read(arg: &LedgerArg) -> Result<Ledger, Failure> {
    let anchor = known_head(arg)?;
    Ledger::open_read_only(&arg.ledger, &LedgerOptions { create: false, anchor, ..LedgerOptions::default() }).map_err(|error| unopened(&arg.ledger, &error))
}

/// A journal without what is derived from it.
///
/// # Errors
/// As [`ledger()`].
pub fn journal(arg: &LedgerArg) -> Result<Journal, Failure> {
    Journal::open(&arg.ledger, known_head(arg)?).map_err(|error| unopened(&arg.ledger, &error))
}

/// The head that the ledger is held against, if one is given.
///
/// # Errors
/// When the checkpoint cannot be read.
pub fn known_head(arg: &LedgerArg) -> Result<Option<Head>, Failure> {
    arg.checkpoint.as_deref().map(checkpoint).transpose()
}

/// The head that a checkpoint, or the `anchor.json` of a published day, names.
fn checkpoint(path: &Path) -> Result<Head, Failure> {
    let unread = |what: &str| {
        let failure = Failure::refused(format!("the checkpoint {} cannot be read", path.display())).listing([what.to_owned()]);
        failure.hint("check --checkpoint: a file that `tapclear checkpoint` wrote, or the anchor.json of a published day")
    };
    let text = std::fs::read(path).map_err(|error| unread(&error.to_string()))?;
    let named: Checkpoint = serde_json::from_slice(&text).map_err(|error| unread(&error.to_string()))?;
    let hash = blake3::Hash::from_hex(named.hash).map_err(|_| unread("its hash has not 64 hexadecimal digits"))?;
    Ok(Head { height: named.height, hash: *hash.as_bytes() })
}

#[derive(serde::Deserialize)]
struct Checkpoint {
    height: u64,
    hash: String,
}

/// With a hint for each reason.
#[must_use]
pub fn unopened(path: &Path, error: &LedgerError) -> Failure {
    let failure = Failure::refused(format!("the ledger {} cannot be opened", path.display())).because(error);
    match error.obstacle() {
        Some(Obstacle::NotAFolder) => return failure.hint("a ledger is a folder, and this path names or leads through something else: check --ledger"),
        Some(Obstacle::NotWritable) => {
            return failure.hint(
                "this user may not write there, or the disk is mounted for reading only: nothing was changed; look who owns the folder and how it is mounted",
            );
        }
        Some(Obstacle::Full) => return failure.hint("make room on that disk, then run the same command again"),
        None => {}
    }
    match error {
        LedgerError::InUse => failure.hint("another tapclear has it open: wait until that ends, or give another --ledger"),
        LedgerError::TooLittleDisk { .. } => failure.hint("free some space on that disk, or put the ledger on another"),
        LedgerError::Absent => failure.hint("`tapclear ingest` or `clear` makes one; check --ledger"),
        LedgerError::Format { .. } => failure.hint("open it with the tapclear that wrote it"),
        LedgerError::FamilyDiffers { .. } | LedgerError::Anchor { .. } => {
            failure.hint("nothing was changed; `tapclear rebuild` makes all but the journal and the vault anew (with --checkpoint where the head file is lost)")
        }
        LedgerError::NotExtended(_) => failure.hint("the folder may have been put back to an earlier time: nothing was changed; look for the newer one"),
        _ => failure.hint("nothing was changed; keep a copy of the folder, then bring back a backup"),
    }
}

/// A day that is asked for and not there.
#[must_use]
pub fn unknown_day(ledger: &Ledger, day: Day) -> Failure {
    let known: Vec<String> = ledger.days().iter().map(|info| info.day.to_string()).collect();
    Failure::refused(format!("clearing day {day} is not in the ledger")).hint(format!("it has {}", known.join(", ")))
}

/// Makes sure that days can be published in `out` and a ledger can stand in `ledger`, before anything is decided.
///
/// # Errors
/// When `out` is no folder, or in the ledger's own.
pub fn out(out: &Path, ledger: &Path) -> Result<(), Failure> {
    let refused = |what: &str| Failure::refused(format!("days cannot be published in {}", out.display())).listing([what.to_owned()]);
    // Of what is not there yet, the first part that is has to be a folder.
    let first = out.ancestors().find(|part| part.as_os_str().is_empty() || part.symlink_metadata().is_ok());
    if let Some(first) = first.filter(|first| !first.as_os_str().is_empty() && !first.is_dir()) {
        return Err(refused(&format!("{} is no folder", first.display())).hint("name a folder, or one that does not exist yet: check --out"));
    }
    if is_inside(out, ledger) {
        return Err(refused("the ledger stands there").hint("give --out and --ledger folders of their own"));
    }
    Ok(())
}

/// Whether a place is a ledger's folder, or below it.
#[must_use]
pub fn is_inside(place: &Path, ledger: &Path) -> bool {
    real(place).starts_with(real(ledger))
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    found.and_then(|(part, real)| Some(real.join(path.strip_prefix(part).ok()?))).unwrap_or(path)
}

/// Makes sure that `day` is the open day and that the scheme is the one it was opened under; opens the first day.
///
/// # Errors
/// When another day is open, this one is closed, or the scheme has changed.
pub fn open_day(ledger: &mut Ledger, day: Option<Day>, scheme: &Scheme, arg: &SchemeArg) -> Result<Day, Failure> {
    abandon_cut_files(ledger)?;
    let Some(open) = ledger.open_day().copied() else {
        let day = day.ok_or_else(|| Failure::refused("the ledger has no clearing day yet").hint("name the first one with --day YYYY-MM-DD"))?;
        let mut group = Group::new();
        group.event(Event::DayOpened { day, scheme: scheme.digest });
        commit(ledger, group)?;
        return Ok(day);
    };
    if let Some(day) = day.filter(|&day| day != open.day) {
        let closed = ledger.day(day).is_some_and(|info| matches!(info.state, DayState::Closed | DayState::Settled));
        let what = if closed { format!("clearing day {day} is closed: its amounts never change") } else { format!("clearing day {day} is not the open one") };
        let late = "records that come late are taken in there, with their own service day on them";
        let again = if closed { "; the files of a closed day are published by `tapclear settle`" } else { "" };
        return Err(Failure::refused(what).hint(format!("the open day is {}: {late}{again}", open.day)));
    }
    let untouched = !ledger.files().iter().any(|file| file.day == open.day);
    if open.scheme != scheme.digest && !arg.adopt_scheme && !untouched {
        return Err(Failure::refused(format!("the scheme {} has changed since clearing day {} was opened", arg.scheme.display(), open.day))
            .hint("bring back the scheme of that day, or say --adopt-scheme: the close then decides the whole day under the new one"));
    }
    Ok(open.day)
}

/// A run that ended in the middle of a file left it without its completion event: nothing of it counts.
fn abandon_cut_files(ledger: &mut Ledger) -> Result<(), Failure> {
    let mut group = Group::new();
    for file in ledger.files().iter().filter(|file| file.state == FileState::Receiving) {
        group.event(Event::FileAbandoned { file: file.id, why: "the run that took it in did not come to its end".to_owned() });
    }
    commit(ledger, group)
}

/// What settlement needs to know of the scheme.
///
/// # Errors
/// When the scheme names a column that settlement does not have.
pub fn house<'s>(scheme: &Scheme, symbols: &'s SymbolTable) -> Result<House<'s>, Failure> {
    let columns = scheme
        .settlement
        .detail_columns
        .iter()
        .map(|name| Column::from_name(name).ok_or_else(|| Failure::refused(format!("the detail file has no column `{name}`"))));
    let cards = match scheme.settlement.card_for_others {
        CardDisplay::Token => settlement::CardDisplay::Tokens,
        CardDisplay::Pseudonym => settlement::CardDisplay::Pseudonyms,
    };
    // A column for each kind of party that can pay for a discount.
    let mut groups: BTreeMap<&'static str, Vec<domain::Symbol>> = BTreeMap::new();
    for party in scheme.parties.list() {
        groups.entry(party.kind.name()).or_default().push(party.id);
    }
    Ok(House {
        parties: scheme.parties.list().to_vec(),
        hub: scheme.hub,
        symbols,
        columns: columns.collect::<Result<_, _>>()?,
        funder_groups: groups.into_iter().map(|(name, parties)| FunderGroup { name: name.to_owned(), parties }).collect(),
        list_zero_rides: scheme.settlement.list_zero_rides,
        cards,
        minor_digits: scheme.minor_digits,
        hold_days: u16::try_from(scheme.limits.hold_days).unwrap_or(u16::MAX),
        pseudonym_key: scheme.keys.pseudonym,
        suite: scheme.keys.suite,
    })
}
