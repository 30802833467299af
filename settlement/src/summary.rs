//! `summary.csv`: a party's day by role, product, counterparty and funder.
//!
//! Gross, discounts and fees are rows of their own, so that every column adds up by itself and the nets of all rows are the
//! party's net. A row is a sum of rides, never a ride.

use crate::roster::{Roster, Seat};
use crate::row::Row;
use crate::tally::{Flow, FlowKey, Tally};
use domain::SymbolTable;
use std::sync::Arc;

pub(crate) const SUMMARY_HEADER: &str =
    "line,role,product,counterparty,entry,funder,rides,listed,list_minor,discount_minor,charged_minor,fee_minor,net_minor,dc\n";

/// Why a party has the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Issuer,
    Earner,
    /// The place was the party's; somebody else is paid for it.
    Venue,
    Funder,
    /// The house's own income.
    Hub,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Earner => "earner",
            Self::Venue => "venue",
            Self::Funder => "funder",
            Self::Hub => "hub",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Gross,
    Discount,
    Fee,
    /// Handed on to another operator, or got from one.
    Share,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Gross => "gross",
            Self::Discount => "discount",
            Self::Fee => "fee",
            Self::Share => "share",
        }
    }
}

/// What makes a row that row, in the order of the file.
pub(crate) type RowKey = (Role, Arc<str>, Seat, Kind, Seat);

/// A row as its file says it. Amounts in minor units; `net_minor` is positive where the party is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    pub role: &'static str,
    pub product: String,
    pub counterparty: String,
    pub entry: &'static str,
    pub funder: String,
    pub rides: u64,
    pub list_minor: i64,
    pub discount_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    pub net_minor: i64,
}

/// Amounts of a row. `net_minor` is positive where the party is owed.
#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    rides: u64,
    listed: u64,
    list_minor: i64,
    discount_minor: i64,
    charged_minor: i64,
    fee_minor: i64,
    net_minor: i64,
}

/// The sums of a summary's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SummarySums {
    pub rows: u64,
    pub rides: u64,
    pub listed: u64,
    pub list_minor: i64,
    pub discount_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    pub net_minor: i64,
}

/// One party's summary.
#[derive(Default)]
pub(crate) struct Summary {
    rows: std::collections::BTreeMap<RowKey, Amounts>,
}

/// The summaries of all parties, by seat.
pub(crate) fn summaries(tally: &Tally, roster: &Roster, symbols: &SymbolTable) -> Vec<Summary> {
    let mut all: Vec<Summary> = roster.members().iter().map(|_| Summary::default()).collect();
    let mut put = |party: Seat, role: Role, key: FlowKey, counterparty: Seat, kind: Kind, funder: Seat, amounts: Amounts| {
        if let Some(summary) = all.get_mut(party.index()) {
            summary.rows.entry((role, symbols.text(key.product()), counterparty, kind, funder)).or_default().add(&amounts);
        }
    };
    let nobody = Seat::NOBODY;
    for (&key, flow) in &tally.pairs {
        let (issuer, earner) = (key.party(), key.counterparty());
        put(issuer, Role::Issuer, key, earner, Kind::Gross, nobody, Amounts::gross(flow, -flow.charged_minor));
        put(issuer, Role::Issuer, key, earner, Kind::Fee, nobody, Amounts::fee(flow.fee_minor, 0));
        let noted = if issuer == earner { Flow::default() } else { *flow };
        put(earner, Role::Earner, key, issuer, Kind::Gross, nobody, Amounts::gross(&noted, flow.charged_minor));
        put(earner, Role::Earner, key, issuer, Kind::Fee, nobody, Amounts::fee(noted.fee_minor, -flow.fee_minor));
        let income = Amounts { rides: flow.rides, ..Amounts::fee(flow.fee_minor, flow.fee_minor) };
        put(roster.hub, Role::Hub, key, earner, Kind::Fee, nobody, income);
    }
    for (&key, &fee_minor) in &tally.service_fees {
        let (issuer, earner) = (key.party(), key.counterparty());
        put(earner, Role::Earner, key, issuer, Kind::Fee, nobody, Amounts::fee(fee_minor, -fee_minor));
        put(roster.hub, Role::Hub, key, earner, Kind::Fee, nobody, Amounts::fee(fee_minor, fee_minor));
    }
    for (&(key, funder), grant) in &tally.pair_grants {
        let (issuer, earner) = (key.party(), key.counterparty());
        let discount = |amount_minor, net_minor| Amounts { discount_minor: amount_minor, net_minor, ..Amounts::default() };
        put(issuer, Role::Issuer, key, earner, Kind::Discount, funder, discount(grant.amount_minor, 0));
        let noted_minor = if issuer == earner { 0 } else { grant.amount_minor };
        let earned_minor = if funder == earner { 0 } else { grant.amount_minor };
        put(earner, Role::Earner, key, issuer, Kind::Discount, funder, discount(noted_minor, earned_minor));
    }
    for (&key, flow) in &tally.places {
        put(key.party(), Role::Venue, key, key.counterparty(), Kind::Gross, nobody, Amounts::gross(flow, 0));
        put(key.party(), Role::Venue, key, key.counterparty(), Kind::Fee, nobody, Amounts::fee(flow.fee_minor, 0));
    }
    for (&(key, funder), grant) in &tally.place_grants {
        let note = Amounts { discount_minor: grant.amount_minor, ..Amounts::default() };
        put(key.party(), Role::Venue, key, key.counterparty(), Kind::Discount, funder, note);
    }
    for (&key, flow) in &tally.funds {
        let funder = key.party();
        put(funder, Role::Funder, key, key.counterparty(), Kind::Gross, nobody, Amounts::gross(flow, 0));
        put(funder, Role::Funder, key, key.counterparty(), Kind::Fee, nobody, Amounts::fee(flow.fee_minor, 0));
        let paid = Amounts { discount_minor: flow.funded_minor, net_minor: -flow.funded_minor, ..Amounts::default() };
        put(funder, Role::Funder, key, key.counterparty(), Kind::Discount, funder, paid);
    }
    for (&key, share) in &tally.shares {
        let (giver, taker) = (key.party(), key.counterparty());
        let moved = |net_minor| Amounts { listed: share.rides, net_minor, ..Amounts::default() };
        put(giver, Role::Earner, key, taker, Kind::Share, nobody, moved(-share.amount_minor));
        put(taker, Role::Earner, key, giver, Kind::Share, nobody, moved(share.amount_minor));
    }
    for summary in &mut all {
        summary.rows.retain(|_, amounts| !amounts.is_nothing());
    }
    all
}

impl Summary {
    /// The file without its header.
    pub fn csv(&self, roster: &Roster) -> Vec<u8> {
        let mut row = Row::default();
        for (number, ((role, product, counterparty, kind, funder), amounts)) in (1..).zip(&self.rows) {
            row.unsigned(number);
            for text in [role.name(), product, roster.id(*counterparty), kind.name(), roster.id(*funder)] {
                row.text(text.as_bytes());
            }
            row.unsigned(amounts.rides);
            row.unsigned(amounts.listed);
            for amount_minor in [amounts.list_minor, amounts.discount_minor, amounts.charged_minor, amounts.fee_minor] {
                row.signed(amount_minor);
            }
            row.unsigned(amounts.net_minor.unsigned_abs());
            row.text(if amounts.net_minor < 0 { b"D" } else { b"C" });
            row.end();
        }
        row.as_bytes().to_vec()
    }

    /// The row with a number, from 1.
    pub fn row(&self, line: u64, roster: &Roster) -> Option<(RowKey, SummaryRow)> {
        let (key, amounts) = (1..).zip(&self.rows).find(|(number, _)| *number == line).map(|(_, row)| row)?;
        let (role, product, counterparty, kind, funder) = key;
        let Amounts { rides, list_minor, discount_minor, charged_minor, fee_minor, net_minor, .. } = *amounts;
        let (role, entry, product) = (role.name(), kind.name(), product.to_string());
        let (counterparty, funder) = (roster.id(*counterparty).to_owned(), roster.id(*funder).to_owned());
        let row = SummaryRow { role, product, counterparty, entry, funder, rides, list_minor, discount_minor, charged_minor, fee_minor, net_minor };
        Some((key.clone(), row))
    }

    pub fn has(&self, key: &RowKey) -> bool {
        self.rows.contains_key(key)
    }

    pub fn sums(&self) -> SummarySums {
        let mut sums = SummarySums::default();
        for amounts in self.rows.values() {
            sums.rows += 1;
            sums.rides += amounts.rides;
            sums.listed += amounts.listed;
            sums.list_minor += amounts.list_minor;
            sums.discount_minor += amounts.discount_minor;
            sums.charged_minor += amounts.charged_minor;
            sums.fee_minor += amounts.fee_minor;
            sums.net_minor += amounts.net_minor;
        }
        sums
    }
}

impl Amounts {
    fn gross(flow: &Flow, net_minor: i64) -> Self {
        Self { rides: flow.rides, listed: flow.listed, list_minor: flow.list_minor, charged_minor: flow.charged_minor, net_minor, ..Self::default() }
    }

    fn fee(fee_minor: i64, net_minor: i64) -> Self {
        Self { fee_minor, net_minor, ..Self::default() }
    }

    const fn is_nothing(&self) -> bool {
        let Self { rides, listed, list_minor, discount_minor, charged_minor, fee_minor, net_minor } = *self;
        rides == 0 && listed == 0 && list_minor == 0 && discount_minor == 0 && charged_minor == 0 && fee_minor == 0 && net_minor == 0
    }

    const fn add(&mut self, other: &Self) {
        self.rides += other.rides;
        self.listed += other.listed;
        self.list_minor += other.list_minor;
        self.discount_minor += other.discount_minor;
        self.charged_minor += other.charged_minor;
        self.fee_minor += other.fee_minor;
        self.net_minor += other.net_minor;
    }
}
