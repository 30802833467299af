//! Fees: what a record's own fee is, and the fees that are reckoned over a whole service day.
//!
//! A fee per service day is one for each earner, issuer and product. What comes late, and what is given back where the rule
//! says so, changes its sums: the close books the difference to what was booked before. Nothing here looks at the order of
//! records.

use super::event::{Event, Note};
use super::fold::gives_back;
use super::gather::Fast;
use super::partition::Partition;
use crate::scheme::{FeePer, Fees, Scheme};
use domain::{Day, Flags, Symbol};
use hashbrown::HashMap;
use std::sync::Arc;

/// Whose fee for which service day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeeKey {
    pub earner: Symbol,
    pub issuer: Symbol,
    pub product: Symbol,
    pub service_day: Day,
}

/// What the bases of a fee come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeBases {
    pub charged_minor: i64,
    /// The charge and what others fund.
    pub earned_minor: i64,
}

impl FeeBases {
    pub const fn add(&mut self, other: Self) {
        self.charged_minor += other.charged_minor;
        self.earned_minor += other.earned_minor;
    }
}

/// Sums over which fees are reckoned.
pub type FeeSums = HashMap<FeeKey, FeeBases, Fast>;

/// All closes so far: the sums, and the fee that was booked on them.
pub type FeesBooked = HashMap<FeeKey, (FeeBases, i64), Fast>;

/// A service day's fee that a close changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceFee {
    pub key: FeeKey,
    /// The sums of all closes, this one included.
    pub bases: FeeBases,
    /// What earlier closes booked.
    pub old_minor: i64,
    pub new_minor: i64,
}

/// Adds the day's sums to those of earlier closes. Returns the fees that change, by service day and names, and what is
/// booked of the touched keys from now on.
#[must_use]
pub fn service_fees(fees: &Fees, today: &FeeSums, before: &FeesBooked, texts: &[Arc<str>]) -> (Vec<ServiceFee>, FeesBooked) {
    let mut after = FeesBooked::with_hasher(Fast::default());
    let mut changed = Vec::new();
    for (&key, &more) in today {
        let (mut bases, old_minor) = before.get(&key).copied().unwrap_or_default();
        bases.add(more);
        let FeeKey { earner, issuer, product, service_day } = key;
        // More is given back than was ever summed up here only where the schedule has been changed for days gone by.
        let new_minor = fees.day_fee_minor(earner, issuer, product, service_day, bases.charged_minor.max(0), bases.earned_minor.max(0));
        after.insert(key, (bases, new_minor));
        if new_minor != old_minor {
            changed.push(ServiceFee { key, bases, old_minor, new_minor });
        }
    }
    let text = |symbol: Symbol| texts.get(symbol.index());
    changed.sort_by(|a, b| {
        let names = |key: FeeKey| (key.service_day, text(key.earner), text(key.issuer), text(key.product));
        names(a.key).cmp(&names(b.key))
    });
    (changed, after)
}

impl Event {
    /// What a fee on this ride is taken of.
    fn fee_bases(&self, notes: &[Note]) -> FeeBases {
        let funded = self.discounts(notes).into_iter().filter(|discount| discount.funder != self.earner);
        let earned_minor = self.charged_minor() + funded.map(|discount| discount.amount_minor).sum::<i64>();
        FeeBases { charged_minor: self.charged_minor(), earned_minor }
    }

    const fn fee_key(&self) -> FeeKey {
        FeeKey { earner: self.earner, issuer: self.issuer, product: self.product, service_day: self.service_day }
    }

    /// A correction changes what its ride bears, and says itself by how much.
    fn bears_fee(&self) -> bool {
        !self.flags.has(Flags::CORRECTS) && self.is_charged()
    }

    fn is_charged(&self) -> bool {
        // A correction may move nothing but a discount from one funder to another, and so what is earned.
        let any = (self.list_minor(), self.charged_minor()) != (0, 0) || self.flags.has(Flags::CORRECTS);
        self.flags.has(Flags::RIDE) && any && !gives_back(self.kind)
    }

    /// The fee that stands on the record's own line: its rule's, or what a refund gives back of its original's.
    #[must_use]
    pub fn fee_minor(&self, notes: &[Note], scheme: &Scheme) -> i64 {
        if !self.bears_fee() {
            return self.note(notes).map_or(0, |note| note.fee_minor);
        }
        let FeeBases { charged_minor, earned_minor } = self.fee_bases(notes);
        scheme.fee_minor(self.earner, self.issuer, self.product, self.service_day, charged_minor, earned_minor)
    }
}

/// The sums of a partition's rides for which a rule per service day is in force; nothing where the schedule has none.
#[must_use]
pub fn sums_of(partition: &Partition, fees: &Fees) -> FeeSums {
    let mut sums = FeeSums::with_hasher(Fast::default());
    if fees.has_service_day_rules() {
        for (_, event) in partition.iter().filter(|(_, event)| event.is_decided() && event.is_charged()) {
            let key = event.fee_key();
            if fees.rule(key.earner, key.issuer, key.product, key.service_day).is_some_and(|rule| rule.per == FeePer::ServiceDay) {
                sums.entry(key).or_default().add(event.fee_bases(&partition.notes));
            }
        }
    }
    sums
}
