//! Settling a day: from its decision blocks to published files, in one pass.
//!
//! The files depend on the house and the day's decisions only. Nothing is in place unless everything adds up.

use crate::adjust::Corrected;
use crate::adjustments::{ADJUSTMENTS_HEADER, Adjustments, SeatedFee, adjustments};
use crate::conserve::{self, Booked, PartySums};
use crate::desk::Desk;
use crate::digest::NamedDigest;
use crate::layout::Layout;
use crate::manifest::{FORMAT, Manifest, Records, Totals};
use crate::pass::{self, Feed, PartyFiles, PassResult};
use crate::roster::{Roster, Seat};
use crate::shelf::{PartyFolder, Shelf};
use crate::sink::{FileEntry, hex, write_named, write_whole};
use crate::summary::{SUMMARY_HEADER, Summary, SummarySums, summaries};
use crate::trial::{self, AccountDay, TRIAL_HEADER};
use crate::uploads::{self, Upload};
use crate::{House, SettleError, flagged};
use domain::{Day, Decision};
use ledger::{Oddity, ServiceFee};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A day that stands in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub day: Day,
    /// `O/<day>`.
    pub folder: PathBuf,
    /// It was there already, with the same bytes; nothing was written.
    pub repeated: bool,
    /// One per party, by party id.
    pub manifests: Vec<PublishedManifest>,
    /// Detail lines of all parties.
    pub lines: u64,
    /// Bytes of all files that manifests name.
    pub bytes: u64,
    /// SHA-256 over the value of [`Published::checkpoint`]: what the ledger keeps of the day.
    pub digest: [u8; 32],
}

impl Published {
    /// Key and value of the checkpoint of kind [`crate::MANIFESTS`] that the next day's manifests are chained to: one line
    /// `party digest` per manifest, by party id.
    #[must_use]
    pub fn checkpoint(&self) -> (Vec<u8>, Vec<u8>) {
        let lines: String = self.manifests.iter().flat_map(|manifest| [&manifest.party, " ", manifest.digest.digits(), "\n"]).collect();
        (checkpoint_key(self.day), lines.into_bytes())
    }
}

pub(crate) fn checkpoint_key(day: Day) -> Vec<u8> {
    day.to_string().into_bytes()
}

/// A party's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedManifest {
    pub party: String,
    /// Detail lines.
    pub lines: u64,
    /// Of `manifest.json`.
    pub digest: NamedDigest,
}

/// The journal's head, for auditors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    pub height: u64,
    pub hash: [u8; 32],
}

/// Everything about the day but its decisions.
pub(crate) struct DayBook {
    pub day: Day,
    /// The day's number in the ledger, from 1.
    pub sequence: u64,
    pub booked: Booked,
    pub accounts: Vec<AccountDay>,
    /// Digests of the manifests of the clearing day before, by party id.
    pub previous: BTreeMap<String, String>,
    /// Fees per service day, in the order of the close.
    pub fees: Vec<ServiceFee>,
    pub uploads: Vec<Upload>,
    /// In the order of the close.
    pub oddities: Vec<Oddity>,
    pub anchor: Anchor,
    /// What earlier days settled of the rides that are corrected.
    pub corrected: Corrected,
}

/// A day's lines, written under a temporary name; nothing is checked or in place yet.
pub struct Drafted {
    shelf: Shelf,
    roster: Roster,
    result: PassResult,
    workers: usize,
}

impl Drafted {
    /// Writes the lines of a day's decisions.
    ///
    /// # Errors
    /// The house's, the feed's, or a file that cannot be written.
    pub(crate) fn write(day: Day, feed: &Feed<'_>, house: &House<'_>, roster: Roster, out: &Path, workers: usize) -> Result<Self, SettleError> {
        let layout = Layout::new(house)?;
        let shelf = Shelf::open(out, day)?;
        for member in roster.members() {
            let folder = shelf.draft().join(&*member.id);
            std::fs::create_dir(&folder).map_err(SettleError::file("cannot create", &folder))?;
        }
        let desk = Desk { day, hold_days: house.hold_days, roster: &roster, layout: &layout, symbols: house.symbols };
        let result = pass::run(feed, desk, shelf.draft(), house.suite, workers)?;
        Ok(Self { shelf, roster, result, workers })
    }

    pub(crate) const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What corrects earlier days, in canonical order.
    pub(crate) fn corrections(&self) -> &[Decision] {
        &self.result.corrections
    }
}

/// Checks what was written against the books, adds what is told from sums, and publishes the day.
pub(crate) fn publish(mut book: DayBook, drafted: Drafted, house: &House<'_>) -> Result<Published, SettleError> {
    let Drafted { shelf, roster, mut result, workers } = drafted;
    let roster = &roster;
    let fees: Vec<SeatedFee<'_>> = book.fees.iter().map(|fee| SeatedFee::new(fee, roster, house.symbols)).collect::<Result<_, _>>()?;
    fees.iter().for_each(|fee| result.tally.service_fee(fee));
    let mut adjustments = adjustments(&fees, roster);
    let mut corrected = std::mem::take(&mut book.corrected);
    let named = corrected.take_named();
    corrected.adjust(&result.corrections, roster, house.symbols, &mut adjustments);
    let summaries = summaries(&result.tally, roster, house.symbols);
    let sums: Vec<SummarySums> = summaries.iter().map(|summary| summary.sums()).collect();
    let parties: Vec<PartySums<'_>> = result
        .files
        .iter()
        .zip(&adjustments)
        .zip(&sums)
        .map(|((files, adjusted), summary)| PartySums { lines: &files.sums, adjustments: &adjusted.sums, summary })
        .collect();
    conserve::check(roster, &parties, &result.tally, &book.booked)?;
    flagged::append(book.day, &book.oddities, &named, &mut result.files, roster, house.symbols)?;
    let trial = trial::csv(&mut book.accounts)?;
    let tally = &result.tally;
    let write = |(seat, files, adjusted, summary, sums): (Seat, PartyFiles, &Adjustments, &Summary, &SummarySums)| -> Result<PartyFolder, SettleError> {
        let member = roster.member(seat).expect("every seat of the roster is taken");
        let place = shelf.draft().join(&*member.id);
        let whole = |name: &str, header: &str, rows: &[u8], lines: u64| write_named(&place.join(name), &[header.as_bytes(), rows].concat(), lines, house.suite);
        let mut entries = vec![
            files.detail,
            whole("adjustments.csv", ADJUSTMENTS_HEADER, adjusted.csv(), adjusted.sums.lines)?,
            files.exceptions.finish()?,
            whole("summary.csv", SUMMARY_HEADER, &summary.csv(roster), sums.rows)?,
        ];
        if seat == roster.hub {
            entries.push(whole("trial-balance.csv", TRIAL_HEADER, &trial, book.accounts.len() as u64)?);
        }
        let income_minor = if seat == roster.hub { tally.day.fee_minor } else { 0 };
        let totals = Totals::new(&files.sums, &adjusted.sums, sums, income_minor);
        let records = Records::from(tally.records.get(seat.index()).copied().unwrap_or_default());
        let manifest = manifest(&book, house, roster, seat, totals, records, entries);
        let entry = write_named(&place.join("manifest.json"), &manifest.json()?, 1, house.suite)?;
        Ok(PartyFolder { party: member.id.to_string(), files: manifest.files, manifest: entry })
    };
    let told = adjustments.iter().zip(summaries.iter().zip(&sums));
    let told = roster.seats().zip(result.files).zip(told).map(|(((seat, _), files), (adjusted, (summary, sums)))| (seat, files, adjusted, summary, sums));
    let folders = side_by_side(told.collect(), workers, &write)?;
    let intake = shelf.draft().join("intake");
    std::fs::create_dir(&intake).map_err(SettleError::file("cannot create", &intake))?;
    uploads::write(&book.uploads, &intake)?;
    write_anchor(&book, shelf.draft())?;
    let repeated = shelf.is_published();
    if repeated {
        shelf.compare(&folders)?;
        shelf.clear()?;
    } else {
        shelf.publish(&folders)?;
    }
    Ok(published(book.day, &shelf, &folders, repeated))
}

/// The results of `work`, in the order of the items. Each worker takes a run of them.
fn side_by_side<T: Send, R: Send>(mut items: Vec<T>, workers: usize, work: &(impl Fn(T) -> Result<R, SettleError> + Sync)) -> Result<Vec<R>, SettleError> {
    let share = items.len().div_ceil(workers.max(1)).max(1);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        while !items.is_empty() {
            let later = items.split_off(share.min(items.len()));
            let run = std::mem::replace(&mut items, later);
            threads.push(scope.spawn(move || run.into_iter().map(work).collect::<Result<Vec<R>, _>>()));
        }
        let runs = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        runs.collect::<Result<Vec<_>, _>>().map(|runs| runs.into_iter().flatten().collect())
    })
}

fn manifest<'a>(book: &DayBook, house: &House<'_>, roster: &'a Roster, seat: Seat, totals: Totals, records: Records, files: Vec<FileEntry>) -> Manifest<'a> {
    let id = roster.id(seat);
    let member = roster.member(seat).expect("every seat of the roster is taken");
    let runner = roster.seat(member.party.run_by);
    Manifest {
        format: FORMAT,
        party: id,
        kind: member.party.kind.name(),
        day: book.day.to_string(),
        sequence: book.sequence,
        version: 1,
        supersedes: None,
        previous: book.previous.get(id).cloned(),
        suite: house.suite.name(),
        minor_digits: house.minor_digits,
        settled_by: runner.is_somebody().then(|| roster.id(runner)),
        records,
        totals,
        files,
    }
}

#[derive(Serialize)]
struct AnchorView {
    day: String,
    height: u64,
    hash: String,
}

fn write_anchor(book: &DayBook, folder: &Path) -> Result<(), SettleError> {
    write_whole(&folder.join("anchor.json"), &anchor_json(book.day, book.anchor)?)
}

pub(crate) fn anchor_json(day: Day, anchor: Anchor) -> Result<Vec<u8>, SettleError> {
    let view = AnchorView { day: day.to_string(), height: anchor.height, hash: hex(&anchor.hash) };
    let mut json = serde_json::to_vec_pretty(&view).map_err(|error| SettleError::Scheme(error.to_string()))?;
    json.push(b'\n');
    Ok(json)
}

fn published(day: Day, shelf: &Shelf, folders: &[PartyFolder], repeated: bool) -> Published {
    let detail_lines = |folder: &PartyFolder| folder.files.first().map_or(0, |detail| detail.lines);
    let manifests: Vec<PublishedManifest> = folders
        .iter()
        .map(|folder| PublishedManifest { party: folder.party.clone(), lines: detail_lines(folder), digest: folder.manifest.digest.clone() })
        .collect();
    let mut published = Published {
        day,
        folder: shelf.place().to_path_buf(),
        repeated,
        manifests,
        lines: folders.iter().map(detail_lines).sum(),
        bytes: folders.iter().flat_map(|folder| &folder.files).map(|file| file.size).sum(),
        digest: [0; 32],
    };
    published.digest = Sha256::digest(published.checkpoint().1).into();
    published
}
