//! Conservation: what must be equal before a day is published, and is refused otherwise.
//!
//! Sums come from four places that do not know each other: the written lines, the tallies behind the summaries, the totals
//! that the close put into the ledger, and the ledger's balances. Nothing here is corrected; a difference is a bug or a
//! damaged ledger.

use crate::SettleError;
use crate::roster::{Roster, Seat};
use crate::section::LineSums;
use crate::summary::SummarySums;
use crate::tally::{DaySums, Tally};

/// What the ledger says of the day.
pub(crate) struct Booked {
    pub sums: DaySums,
    /// Debits less credits of each party's accounts in the day, by seat.
    pub movements_minor: Vec<i128>,
}

/// One party's sums.
pub(crate) struct PartySums<'a> {
    pub lines: &'a LineSums,
    pub adjustments: &'a LineSums,
    pub summary: &'a SummarySums,
}

/// # Errors
/// [`SettleError::Unequal`] names the first two sums that differ.
pub(crate) fn check(roster: &Roster, parties: &[PartySums<'_>], tally: &Tally, booked: &Booked) -> Result<(), SettleError> {
    check_day(&tally.day, &booked.sums)?;
    let mut net_of_all = 0;
    for ((seat, member), party) in roster.seats().zip(parties) {
        let equal = |what, left: i128, right: i128| equal(&member.id, what, left, right);
        let PartySums { lines, adjustments, summary } = party;
        let income_minor = if seat == roster.hub { tally.day.fee_minor } else { 0 };
        equal("lines and counted rides", lines.lines.into(), summary.listed.into())?;
        equal("charges in lines and summary", i128::from(lines.charged_minor) + i128::from(adjustments.charged_minor), summary.charged_minor.into())?;
        let fee_minor = i128::from(lines.fee_minor) + i128::from(adjustments.fee_minor) + i128::from(income_minor);
        equal("fees in lines and summary", fee_minor, summary.fee_minor.into())?;
        let net_minor = i128::from(lines.net_minor()) + i128::from(adjustments.net_minor()) + i128::from(income_minor);
        equal("net in lines and summary", net_minor, summary.net_minor.into())?;
        let moved_minor = booked.movements_minor.get(seat.index()).copied().unwrap_or(0);
        equal("net in files and accounts", net_minor, -moved_minor)?;
        net_of_all += net_minor;
    }
    equal("all parties", "sum of nets and zero", net_of_all, 0)?;
    check_sides(tally)
}

fn check_day(ours: &DaySums, booked: &DaySums) -> Result<(), SettleError> {
    let DaySums { outcomes, rides, charged_rides, capped_rides, entries, postings, debit_minor, credit_minor, gross_minor, fee_minor } = *ours;
    for (what, left, right) in [
        ("cleared records", outcomes.cleared, booked.outcomes.cleared),
        ("held records", outcomes.held, booked.outcomes.held),
        ("rejected records", outcomes.rejected, booked.outcomes.rejected),
        ("rides", rides, booked.rides),
        ("charged rides", charged_rides, booked.charged_rides),
        ("capped rides", capped_rides, booked.capped_rides),
        ("entries", entries, booked.entries),
        ("postings", postings, booked.postings),
    ] {
        equal("the day", what, left.into(), right.into())?;
    }
    for (what, left, right) in [
        ("debits", debit_minor, booked.debit_minor),
        ("credits", credit_minor, booked.credit_minor),
        ("gross", gross_minor, booked.gross_minor),
        ("fees", fee_minor, booked.fee_minor),
        ("debits and credits", debit_minor, credit_minor),
    ] {
        equal("the day", what, left.into(), right.into())?;
    }
    Ok(())
}

/// What issuers and funds owe is what earners and the house are owed, product by product in their own tables.
fn check_sides(tally: &Tally) -> Result<(), SettleError> {
    let wide = |amount_minor: i64| i128::from(amount_minor);
    let charged: i128 = tally.pairs.values().map(|flow| wide(flow.charged_minor)).sum();
    let fees: i128 = tally.pairs.values().map(|flow| wide(flow.fee_minor)).chain(tally.service_fees.values().copied().map(wide)).sum();
    let funded: i128 = tally.pairs.values().map(|flow| wide(flow.funded_minor)).sum();
    let paid_by_funds: i128 = tally.funds.values().map(|flow| wide(flow.funded_minor)).sum();
    let list: i128 = tally.pairs.values().map(|flow| wide(flow.list_minor)).sum();
    let granted: i128 = tally.pair_grants.values().map(|grant| wide(grant.amount_minor)).sum();
    equal("all funds", "discounts owed and received", paid_by_funds, funded)?;
    equal("all rides", "list price and who pays it", list, charged + granted)?;
    equal("all issuers", "gross", charged, wide(tally.day.gross_minor))?;
    equal("all earners", "fees", fees, wide(tally.day.fee_minor))
}

fn equal(whose: &str, what: &'static str, left: i128, right: i128) -> Result<(), SettleError> {
    if left == right { Ok(()) } else { Err(SettleError::Unequal { whose: whose.to_owned(), what, left, right }) }
}

/// Adds an account's movement to its party's.
///
/// # Errors
/// [`SettleError::UnknownParty`] when money moved for a party that has no folder.
pub(crate) fn move_account(movements_minor: &mut [i128], seat: Seat, party: &str, moved_minor: i128) -> Result<(), SettleError> {
    match movements_minor.get_mut(seat.index()) {
        Some(sum) => *sum += moved_minor,
        None if moved_minor == 0 => {}
        None => return Err(SettleError::UnknownParty { party: party.to_owned() }),
    }
    Ok(())
}
