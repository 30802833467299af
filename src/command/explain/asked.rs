//! What `explain` is asked for: lines of published files, rows of summaries, records; and where the ledger has them.

use crate::cli::{ExplainArgs, LineRange};
use crate::explaining::line::{Item, Place};
use crate::explaining::{Explaining, id_text};
use crate::failure::Failure;
use crate::{closing, opening};
use domain::symbol::SymbolCache;
use domain::{Day, RecordId};
use settlement::{Composed, LineFile, Told, compose, locate};
use std::collections::BTreeSet;
use std::path::Path;

/// What was asked for, found in the ledger.
pub(super) struct Asked {
    pub items: Vec<Item>,
    pub sums: Vec<Sum>,
}

/// A row of a party's summary.
pub(super) struct Sum {
    pub day: Day,
    pub party: String,
    pub line: u64,
    pub composed: Composed,
}

/// The file whose lines are sums of lines of the others.
pub(super) const SUMMARY: &str = "summary.csv";

/// # Errors
/// When something is not in the ledger, or is no line.
pub(super) fn asked(args: &ExplainArgs, explaining: &Explaining<'_>) -> Result<Asked, Failure> {
    let mut wanted: Vec<(Day, String, String, LineRange)> = Vec::new();
    let mut ids: Vec<RecordId> = Vec::new();
    let mut cache = SymbolCache::new(explaining.symbols);
    for what in &args.what {
        if let Some((path, lines)) = what.rsplit_once(':').filter(|(path, _)| is_csv(path)) {
            let (day, party, file) = published(path)?;
            wanted.push((day, party, file, lines_of(lines)?));
        } else if let Some(party) = &args.party {
            let day = args.day.ok_or_else(|| Failure::refused("the clearing day is not said").hint("add --day YYYY-MM-DD"))?;
            wanted.push((day, party.clone(), args.file.clone(), lines_of(what)?));
        } else {
            let id = engine::ingest::record_id_of(what, &mut cache);
            ids.push(id.ok_or_else(|| {
                Failure::refused(format!("{} is neither a line nor a record id", engine::scheme::guess::shown(what)))
                    .hint("name a line as DAY/PARTY/FILE.csv:LINE or with --day and --party, or a record as files print its id")
            })?);
        }
    }
    let (mut items, mut sums) = (Vec::new(), Vec::new());
    for (day, party, file, LineRange { first, last }) in wanted {
        let house = opening::house(explaining.scheme_of(day).0, explaining.symbols)?;
        let seat = explaining.symbols.find(&party).filter(|id| explaining.scheme_of(day).0.party(*id).is_some());
        let seat = seat.ok_or_else(|| {
            Failure::refused(format!("the scheme has no party {}", engine::scheme::guess::shown(&party))).hint("name it as its folder is named")
        })?;
        if explaining.closed_days().binary_search(&day).is_err() {
            return Err(Failure::refused(format!("clearing day {day} is not closed")).hint("only closed days have lines; `tapclear status` lists them"));
        }
        let missing = |line: u64| {
            Failure::refused(format!("{file} of {party} has no line {line} on clearing day {day}")).hint("lines are numbered from 1 behind the header row")
        };
        if file == SUMMARY {
            for line in first..=last {
                let composed = compose(explaining.ledger, day, &house, seat, line).map_err(|error| closing::unsettled(day, &error))?;
                sums.push(Sum { day, party: party.clone(), line, composed: composed.ok_or_else(|| missing(line))? });
            }
            continue;
        }
        let file = file_of(&file)?;
        let lines: BTreeSet<u64> = (first..=last).collect();
        let found = locate(explaining.ledger, day, &house, seat, file, &lines).map_err(|error| closing::unsettled(day, &error))?;
        if let Some(line) = lines.iter().find(|line| !found.contains_key(line)) {
            return Err(missing(*line));
        }
        items.extend(found.into_iter().map(|(line, told)| Item { place: Some(Place { day, party: party.clone(), file, line }), day, told }));
    }
    let decided = explaining.decisions_on(&ids.iter().copied().collect())?;
    for id in ids {
        let before = items.len();
        let own = decided.iter().filter(|(_, decision)| decision.record.id() == id);
        items.extend(own.map(|(day, decision)| Item { place: None, day: *day, told: Told::Decision(Box::new(*decision)) }));
        if items.len() == before {
            return Err(Failure::refused(format!("no closed day has decided on a record {}", id_text(id, explaining.symbols)))
                .hint("a record of the open day has no price before its close; a duplicate has the outcome of its original"));
        }
    }
    Ok(Asked { items, sums })
}

fn is_csv(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "csv")
}

/// Day, party and file of a published file's path.
fn published(path: &str) -> Result<(Day, String, String), Failure> {
    let parts: Vec<&str> = path.rsplit('/').take(3).collect();
    if let [file, party, day] = parts.as_slice()
        && let Ok(day) = day.parse::<Day>()
    {
        return Ok((day, (*party).to_owned(), (*file).to_owned()));
    }
    Err(Failure::refused(format!("{path} is not a party's published file"))
        .hint("write the path as DAY/PARTY/FILE.csv:LINE, or name the line with --day and --party"))
}

fn file_of(name: &str) -> Result<LineFile, Failure> {
    LineFile::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = LineFile::ALL.iter().map(|file| file.name()).chain([SUMMARY]).collect();
        Failure::refused(format!("{} has no lines of decisions", engine::scheme::guess::shown(name)))
            .hint(format!("lines of {} are explained", names.join(", ")))
    })
}

fn lines_of(text: &str) -> Result<LineRange, Failure> {
    let range = text.parse().ok().filter(|LineRange { first, last }| last - first < LINES_MAX);
    range.ok_or_else(|| Failure::refused(format!("{} is not a line", engine::scheme::guess::shown(text))).hint("lines are numbered from 1: 7, or 7-12"))
}

/// Lines of one range at most.
const LINES_MAX: u64 = 100_000;
