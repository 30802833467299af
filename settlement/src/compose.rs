//! What a summary row is made of: the day's sums made again, and the lines that are in the row.
//!
//! A decision is in a row when its own sums have that row. Reads the ledger's decisions twice and no published file.

use crate::adjustments::SeatedFee;
use crate::desk::{Receivers, sides};
use crate::locate::{LineFile, stands};
use crate::roster::Roster;
use crate::summary::{SummaryRow, summaries};
use crate::tally::Tally;
use crate::{House, SettleError};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, Flags, Outcome, Symbol};
use ledger::{Event, Ledger, LedgerError, Oddity, ServiceFee};

/// A row of `summary.csv`, and what is in it.
#[derive(Clone, Debug)]
pub struct Composed {
    pub row: SummaryRow,
    /// Numbers of the party's lines.
    pub detail: Vec<u64>,
    pub adjustments: Vec<u64>,
    /// Decisions and fees in it that have no line with this party.
    pub unlisted: u64,
}

/// The row with this number in a party's summary of a closed day; `None` where it has no such row.
///
/// # Errors
/// When the ledger cannot be read, or a party has no folder.
pub fn compose(ledger: &Ledger, day: Day, house: &House<'_>, party: Symbol, line: u64) -> Result<Option<Composed>, SettleError> {
    let roster = Roster::new(house)?;
    let seat = roster.seat(party);
    let fees = fees(ledger, day)?;
    let mut whole = Tally::default();
    let seated = |fee| SeatedFee::new(fee, &roster, house.symbols);
    fees.iter().try_for_each(|fee| seated(fee).map(|fee| whole.service_fee(&fee)))?;
    each(ledger, day, house, &mut |decision| add(&mut whole, decision, house, &roster))?;
    let rows = summaries(&whole, &roster, house.symbols);
    let Some((key, row)) = rows.get(seat.index()).and_then(|summary| summary.row(line, &roster)) else { return Ok(None) };
    let has_row = |sums: &Tally| summaries(sums, &roster, house.symbols).get(seat.index()).is_some_and(|summary| summary.has(&key));
    let mut composed = Composed { row, detail: Vec::new(), adjustments: Vec::new(), unlisted: 0 };
    let (mut details, mut adjustments) = (0, 0);
    for fee in &fees {
        let mut own = Tally::default();
        let fee = seated(fee)?;
        own.service_fee(&fee);
        adjustments += u64::from(fee.earner == seat);
        match (has_row(&own), fee.earner == seat) {
            (true, true) => composed.adjustments.push(adjustments),
            (true, false) => composed.unlisted += 1,
            (false, _) => {}
        }
    }
    each(ledger, day, house, &mut |decision| {
        let mut own = Tally::default();
        add(&mut own, decision, house, &roster)?;
        let (file, count) = if decision.flags.has(Flags::CORRECTS) { (LineFile::Adjustments, &mut adjustments) } else { (LineFile::Detail, &mut details) };
        let listed = stands(decision, file, seat, house, &roster);
        *count += u64::from(listed);
        let number = *count;
        match (has_row(&own), listed, file) {
            (false, ..) => {}
            (true, false, _) => composed.unlisted += 1,
            (true, true, LineFile::Adjustments) => composed.adjustments.push(number),
            (true, true, _) => composed.detail.push(number),
        }
        Ok(())
    })?;
    Ok(Some(composed))
}

/// A decision's sums, as the desk adds them.
fn add(sums: &mut Tally, decision: &Decision, house: &House<'_>, roster: &Roster) -> Result<(), SettleError> {
    if decision.reason.outcome() != Outcome::Cleared {
        return Ok(());
    }
    let sides = sides(decision, roster);
    let corrects = decision.flags.has(Flags::CORRECTS);
    if decision.flags.has(Flags::RIDE) {
        let net_minor = decision.net_minor();
        let mut receivers = Receivers::nobody();
        receivers.add_all(decision, sides, net_minor, roster);
        let listed = !corrects && (receivers.moves_money || house.list_zero_rides);
        return sums.ride(decision, net_minor, sides, roster, house.symbols, listed);
    }
    let moved = decision.discounts.iter().filter(|discount| decision.flags.has(Flags::SHARE) && discount.amount_minor != 0);
    moved.clone().try_for_each(|discount| sums.share(decision, discount, (roster.seat(discount.funder), sides.earner), house.symbols, !corrects))
}

/// The fees of service days that a day's close booked.
pub(crate) fn fees(ledger: &Ledger, day: Day) -> Result<Vec<ServiceFee>, SettleError> {
    let Some(info) = ledger.day(day) else { return Ok(Vec::new()) };
    let event = ledger.read_event(info.closed_height).map_err(storage)?;
    Ok(if let Event::Closed { fees, .. } = event { fees.list } else { Vec::new() })
}

/// What a day's close found odd, in the order of its lines.
pub(crate) fn oddities(ledger: &Ledger, day: Day) -> Result<Vec<Oddity>, SettleError> {
    let Some(info) = ledger.day(day) else { return Ok(Vec::new()) };
    let event = ledger.read_event(info.closed_height).map_err(storage)?;
    Ok(if let Event::Closed { oddities, .. } = event { oddities } else { Vec::new() })
}

/// All decisions of a day, in canonical order.
fn each(ledger: &Ledger, day: Day, house: &House<'_>, take: &mut dyn FnMut(&Decision) -> Result<(), SettleError>) -> Result<(), SettleError> {
    let mut cache = SymbolCache::new(house.symbols);
    for height in ledger.decision_blocks(day).map_err(storage)? {
        let mut taken = Ok(());
        let read = ledger.each_decisions(height, &mut cache, |decisions| {
            if taken.is_ok() {
                taken = decisions.iter().try_for_each(&mut *take);
            }
        });
        read.map_err(storage)?;
        taken?;
    }
    Ok(())
}

fn storage(error: LedgerError) -> SettleError {
    SettleError::Ledger(Box::new(error))
}
