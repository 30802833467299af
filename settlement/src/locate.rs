//! What a published line is of: the day's lines counted again from the ledger's decisions.
//!
//! Reads no published file: whoever asks holds what is found against the line that was received.

use crate::compose::{fees, oddities};
use crate::desk::{Receivers, sides};
use crate::flagged::receivers;
use crate::roster::{Roster, Seat};
use crate::{House, SettleError};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, Flags, Outcome, Symbol};
use ledger::{Ledger, LedgerError, Oddity, ServiceFee};
use std::collections::{BTreeMap, BTreeSet};

/// A file with a line for each decision that it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineFile {
    Detail,
    Adjustments,
    Exceptions,
}

impl LineFile {
    pub const ALL: [Self; 3] = [Self::Detail, Self::Adjustments, Self::Exceptions];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detail => "detail.csv",
            Self::Adjustments => "adjustments.csv",
            Self::Exceptions => "exceptions.csv",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

/// What a line tells of.
#[derive(Clone, Debug)]
pub enum Told {
    Decision(Box<Decision>),
    /// A fee of a service day: it belongs to no ride.
    Fee(ServiceFee),
    /// Two records that are odd together: they clear, or are held, on their own.
    Oddity(Box<Oddity>),
}

/// The lines with these numbers in a party's file of a closed day; those that it does not have are left out.
///
/// # Errors
/// When the ledger cannot be read, or the party has no folder.
pub fn locate(ledger: &Ledger, day: Day, house: &House<'_>, party: Symbol, file: LineFile, lines: &BTreeSet<u64>) -> Result<BTreeMap<u64, Told>, SettleError> {
    let roster = Roster::new(house)?;
    let seat = roster.seat(party);
    if !seat.is_somebody() {
        return Err(SettleError::UnknownParty { party: house.symbols.text(party).to_string() });
    }
    let storage = |error: LedgerError| SettleError::Ledger(Box::new(error));
    let mut found = BTreeMap::new();
    let mut number = 0;
    if file == LineFile::Adjustments {
        let own = fees(ledger, day)?.into_iter().filter(|fee| house.symbols.find(&fee.earner).is_some_and(|earner| roster.seat(earner) == seat));
        for fee in own {
            number += 1;
            if lines.contains(&number) {
                found.insert(number, Told::Fee(fee));
            }
        }
    }
    let mut cache = SymbolCache::new(house.symbols);
    let known = if file == LineFile::Detail { ledger.lines_of(day).map_err(storage)? } else { BTreeMap::new() };
    let id = house.symbols.text(party);
    for height in ledger.decision_blocks(day).map_err(storage)? {
        if let Some(block) = known.get(&height) {
            let own = block.parties.iter().find(|lines| lines.party == id);
            let count = own.map_or(0, |lines| u64::from(lines.listed(house.list_zero_rides)));
            if lines.range(number + 1..number + count + 1).next().is_none() {
                number += count;
                continue;
            }
        }
        let read = ledger.each_decisions(height, &mut cache, |decisions| {
            for decision in decisions.iter().filter(|decision| stands(decision, file, seat, house, &roster)) {
                number += 1;
                if lines.contains(&number) {
                    found.insert(number, Told::Decision(Box::new(*decision)));
                }
            }
        });
        read.map_err(storage)?;
        if found.len() == lines.len() {
            break;
        }
    }
    if file == LineFile::Exceptions && found.len() < lines.len() {
        for oddity in oddities(ledger, day)?.into_iter().filter(|oddity| receivers(oddity, &roster, house.symbols).contains(&seat)) {
            number += 1;
            if lines.contains(&number) {
                found.insert(number, Told::Oddity(Box::new(oddity)));
            }
        }
    }
    Ok(found)
}

/// Whether a decision has a line in a party's file.
pub(crate) fn stands(decision: &Decision, file: LineFile, seat: Seat, house: &House<'_>, roster: &Roster) -> bool {
    let sides = sides(decision, roster);
    match (file, decision.reason.outcome()) {
        (LineFile::Exceptions, Outcome::Held | Outcome::Rejected) => {
            let concerned = [sides.issuer, sides.earner, sides.venue];
            if concerned.iter().any(|seat| seat.is_somebody()) { concerned.contains(&seat) } else { roster.hub == seat }
        }
        (LineFile::Detail | LineFile::Adjustments, Outcome::Cleared) => {
            let flags = decision.flags;
            if !(flags.has(Flags::RIDE) || flags.has(Flags::SHARE)) || flags.has(Flags::CORRECTS) != (file == LineFile::Adjustments) {
                return false;
            }
            let mut receivers = Receivers::nobody();
            receivers.add_all(decision, sides, decision.net_minor(), roster);
            let listed = file == LineFile::Adjustments || receivers.moves_money || house.list_zero_rides;
            listed && receivers.list().iter().any(|&(known, _)| known == seat)
        }
        _ => false,
    }
}
