//! What the ledger says of a day: the only module that reads it.
//!
//! Nothing is written to the ledger here. What is taken from it depends on the day and what was closed before, but for the
//! uploads and the anchor, which tell how records arrived.

use crate::adjust::Corrected;
use crate::conserve::{Booked, move_account};
use crate::pass::Feed;
use crate::published::told;
use crate::roster::Roster;
use crate::settle::{self, Anchor, DayBook, Drafted};
use crate::tally::{DaySums, Outcomes};
use crate::trial::{AccountDay, Sides};
use crate::uploads::{RefusedRow, Upload};
use crate::{House, Published, SettleError};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, EventTime, Role};
use ledger::{Balance, DayInfo, DayState, DayTotals, Event, FileInfo, FileOutcomes, FileState, Ledger, LedgerError, Oddity, ServiceFees};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The kind of the checkpoint that keeps a settled day's manifest digests; see [`Published::checkpoint`].
pub const MANIFESTS: u8 = b'M';

/// Writes the settlement files of a closed day, checks that they add up, and publishes them as `<out>/<day>`.
///
/// A day that is published already with the same bytes is reported as repeated; nothing is written to the ledger. The
/// caller books the day as settled, with [`Published::digest`] and [`Published::checkpoint`] in the same group.
///
/// # Errors
/// [`SettleError`]: the day is not closed, does not add up, is published with other content, or a file cannot be written.
/// Nothing of the day is in place then that was not there before.
pub fn settle(ledger: &Ledger, day: Day, house: &House<'_>, out: &Path, workers: usize) -> Result<Published, SettleError> {
    find(ledger, day)?;
    let blocks = ledger.decision_blocks(day).map_err(storage)?;
    let read = |block: usize, symbols: &mut SymbolCache<'_>, each: &mut dyn FnMut(&[Decision])| {
        let height = blocks.get(block).expect("the pass asks for blocks of the day");
        ledger.each_decisions(*height, symbols, each).map_err(storage)
    };
    publish(ledger, day, draft(day, &Feed { blocks: blocks.len(), read: &read }, house, out, workers)?, house)
}

/// Writes the lines of a day while its decisions are being made: they are read once, on their way to the ledger. What the
/// ledger holds in the end is what [`publish`] compares the lines with.
///
/// # Errors
/// The feed's, the house's, or a file that cannot be written.
pub fn draft(day: Day, feed: &Feed<'_>, house: &House<'_>, out: &Path, workers: usize) -> Result<Drafted, SettleError> {
    Drafted::write(day, feed, house, Roster::new(house)?, out, workers)
}

/// Checks a draft against the closed day in the ledger and publishes it; otherwise as [`settle`].
///
/// # Errors
/// As [`settle`].
pub fn publish(ledger: &Ledger, day: Day, drafted: Drafted, house: &House<'_>) -> Result<Published, SettleError> {
    let (info, sequence, previous) = find(ledger, day)?;
    let roster = drafted.roster();
    let files: Vec<&FileInfo> = ledger.files().iter().filter(|file| file.day == day).collect();
    let accounts = accounts(ledger, day)?;
    let mut movements_minor = vec![0; roster.members().len()];
    for account in &accounts {
        let seat = house.symbols.find(&account.party).map_or(crate::roster::Seat::NOBODY, |party| roster.seat(party));
        move_account(&mut movements_minor, seat, &account.party, account.day.balance_minor())?;
    }
    let (outcomes, fees, oddities) = closed(ledger, info)?;
    let head = ledger.head();
    let book = DayBook {
        day,
        sequence,
        booked: Booked { sums: sums(&info.totals, &files), movements_minor },
        accounts,
        previous: previous.map_or_else(|| Ok(BTreeMap::new()), |previous| manifests_of(ledger, previous))?,
        fees: fees.list,
        uploads: uploads(ledger, files, &outcomes)?,
        anchor: Anchor { height: head.height, hash: head.hash },
        corrected: corrected(ledger, (drafted.corrections(), &oddities), day, house, roster)?,
        oddities,
    };
    let published = settle::publish(book, drafted, house)?;
    if published.repeated {
        // What no manifest names is looked at too.
        if let Some((path, Some(what))) = told(ledger, info, &published.folder)?.into_iter().find(|(_, what)| what.is_some()) {
            return Err(SettleError::Published { path, difference: what.to_owned() });
        }
    }
    Ok(published)
}

type OutcomesByFile = BTreeMap<u32, FileOutcomes>;

/// What the close says of files and of fees, and what it found odd.
fn closed(ledger: &Ledger, info: &DayInfo) -> Result<(OutcomesByFile, ServiceFees, Vec<Oddity>), SettleError> {
    let Event::Closed { files, fees, oddities, .. } = ledger.read_event(info.closed_height).map_err(storage)? else {
        return Err(SettleError::NotClosed(info.day));
    };
    Ok((files.into_iter().map(|outcomes| (outcomes.file, outcomes)).collect(), fees, oddities))
}

/// The uploads of a closed day.
pub(crate) fn uploads_of(ledger: &Ledger, info: &DayInfo) -> Result<Vec<Upload>, SettleError> {
    uploads(ledger, ledger.files().iter().filter(|file| file.day == info.day).collect(), &closed(ledger, info)?.0)
}

fn uploads(ledger: &Ledger, files: Vec<&FileInfo>, outcomes: &BTreeMap<u32, FileOutcomes>) -> Result<Vec<Upload>, SettleError> {
    files.into_iter().map(|file| upload(ledger, file, outcomes.get(&file.id))).collect()
}

/// What earlier days settled of the rides that are corrected, and the lines that oddities name: the blocks of their times are
/// read again, and of all others the lines are known.
fn corrected(
    ledger: &Ledger,
    (corrections, oddities): (&[Decision], &[Oddity]),
    day: Day,
    house: &House<'_>,
    roster: &Roster,
) -> Result<Corrected, SettleError> {
    let mut corrected = Corrected::of(corrections);
    for oddity in oddities.iter().filter(|oddity| oddity.other_day < day) {
        corrected.name(oddity.other_day, EventTime(oddity.other.time_ms), &oddity.other.id);
    }
    let Some(first) = corrected.first_day() else { return Ok(corrected) };
    let mut cache = SymbolCache::new(house.symbols);
    for info in ledger.days().iter().filter(|info| (first..day).contains(&info.day)) {
        corrected.begin(info.day);
        let lines = ledger.lines_of(info.day).map_err(storage)?;
        for height in ledger.decision_blocks(info.day).map_err(storage)? {
            if let Some(block) = lines.get(&height).filter(|block| !corrected.may_be_in(block)) {
                corrected.skip(block, house, roster);
                continue;
            }
            let read = ledger.each_decisions(height, &mut cache, |decisions| decisions.iter().for_each(|decision| corrected.read(decision, house, roster)));
            read.map_err(storage)?;
        }
    }
    Ok(corrected)
}

pub(crate) fn storage(error: LedgerError) -> SettleError {
    SettleError::Ledger(Box::new(error))
}

/// The closed day, its number from 1, and the day before it.
fn find(ledger: &Ledger, day: Day) -> Result<(&DayInfo, u64, Option<Day>), SettleError> {
    let days = ledger.days();
    let at = days.iter().position(|info| info.day == day).ok_or(SettleError::UnknownDay(day))?;
    let info = days.get(at).filter(|info| info.state >= DayState::Closed).ok_or(SettleError::NotClosed(day))?;
    let previous = at.checked_sub(1).and_then(|before| days.get(before));
    match previous.filter(|before| before.state != DayState::Settled) {
        Some(before) => Err(SettleError::OutOfOrder { day, previous: before.day }),
        None => Ok((info, at as u64 + 1, previous.map(|before| before.day))),
    }
}

/// The close's totals. Rows that never became records are counted as rejected by the close and have no decision: they
/// stand in the uploads.
fn sums(totals: &DayTotals, files: &[&FileInfo]) -> DaySums {
    let malformed: u64 = files.iter().filter(|file| file.counts_in_its_day()).map(|file| file.refused).sum();
    let outcomes = Outcomes { cleared: totals.cleared, held: totals.held, rejected: totals.rejected.saturating_sub(malformed) };
    DaySums {
        outcomes,
        rides: totals.rides,
        charged_rides: totals.charged_rides,
        capped_rides: totals.capped_rides,
        entries: totals.entries,
        postings: totals.postings,
        debit_minor: totals.debit_minor,
        credit_minor: totals.credit_minor,
        gross_minor: totals.gross_minor,
        fee_minor: totals.fee_minor,
    }
}

type AccountName = (Arc<str>, Arc<str>, Role);

/// Every account with its opening balance and the day's debits and credits. The opening is what the account has had so
/// far, less this day and any day closed since.
fn accounts(ledger: &Ledger, day: Day) -> Result<Vec<AccountDay>, SettleError> {
    let name = |balance: &Balance| -> AccountName { (Arc::clone(&balance.party), Arc::clone(&balance.product), balance.role) };
    let sides = |balance: &Balance| Sides { debit_minor: balance.debit_minor, credit_minor: balance.credit_minor };
    let mut opening: BTreeMap<AccountName, Sides> = ledger.balances().map_err(storage)?.iter().map(|balance| (name(balance), sides(balance))).collect();
    let mut moved: BTreeMap<AccountName, Sides> = BTreeMap::new();
    for info in ledger.days().iter().filter(|info| info.day >= day) {
        for balance in ledger.balances_of_day(info.day).map_err(storage)? {
            let had = opening.entry(name(&balance)).or_default();
            had.debit_minor -= balance.debit_minor;
            had.credit_minor -= balance.credit_minor;
            if info.day == day {
                moved.insert(name(&balance), sides(&balance));
            }
        }
    }
    let mut accounts = Vec::with_capacity(opening.len());
    for (name, opening) in opening {
        if opening.debit_minor < 0 || opening.credit_minor < 0 {
            let left = opening.debit_minor.min(opening.credit_minor);
            return Err(SettleError::Unequal { whose: name.0.to_string(), what: "an account's days and balance", left, right: 0 });
        }
        let day = moved.get(&name).copied().unwrap_or_default();
        // An account that only later days touched is not of this day.
        if opening != Sides::default() || day != Sides::default() {
            let (party, product, role) = name;
            accounts.push(AccountDay { party, product, role, opening, day });
        }
    }
    Ok(accounts)
}

fn upload(ledger: &Ledger, file: &FileInfo, outcomes: Option<&FileOutcomes>) -> Result<Upload, SettleError> {
    let refusals = ledger.read_refusals(file.id).map_err(storage)?;
    let received = file.received + file.refused;
    if let Some(decided) = outcomes.map(FileOutcomes::received).filter(|&decided| decided != received) {
        let (left, right) = (i128::from(decided), i128::from(received));
        return Err(SettleError::Unequal { whose: file.name.clone(), what: "outcomes and what was received", left, right });
    }
    Ok(Upload {
        sender: file.sender.clone(),
        name: file.name.clone(),
        digest: file.digest,
        state: if file.counts_in_its_day() { FileState::Booked.name() } else { file.state.name() },
        bytes: file.bytes,
        received,
        refused: file.refused,
        outcomes: outcomes.map(|outcomes| outcomes.by_reason.clone()),
        refusals: refusals.into_iter().map(|refusal| RefusedRow { row: refusal.row, column: refusal.column, problem: refusal.problem }).collect(),
    })
}

/// Manifest digests of a settled day by party id, as [`Published::checkpoint`] keeps them; none where none are kept.
pub(crate) fn manifests_of(ledger: &Ledger, day: Day) -> Result<BTreeMap<String, String>, SettleError> {
    let kept = ledger.checkpoint(MANIFESTS, &settle::checkpoint_key(day)).map_err(storage)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&kept);
    Ok(text.lines().filter_map(|line| line.split_once(' ')).map(|(party, digest)| (party.to_owned(), digest.to_owned())).collect())
}
