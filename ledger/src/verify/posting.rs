//! The posting rule a second time, written out by hand from what a decision says.

use crate::closed::ServiceFee;
use domain::{Decision, Flags, Outcome, Symbol, SymbolTable};
use std::collections::{BTreeMap, HashMap};

/// Party, product and the name of the role.
pub(crate) type Account = (String, String, &'static str);

/// Debits and credits by account.
pub(crate) type Book = BTreeMap<Account, (i128, i128)>;

/// What the decisions of one close come to. A carried decision is no record of the day: another day counted it. Its ride and
/// its money are of this day all the same.
#[derive(Default)]
pub(crate) struct Tally {
    pub book: Book,
    pub decisions: u64,
    /// Records of the day, by outcome.
    pub cleared: u64,
    pub held: u64,
    pub rejected: u64,
    /// Those inside `held` and `rejected` that met another version of themselves.
    pub conflict: u64,
    /// Records of the day, by the number of their reason.
    pub by_reason: BTreeMap<u16, u64>,
    pub rides: u64,
    pub charged_rides: u64,
    pub capped_rides: u64,
    pub gross: i128,
    pub fees: i128,
    pub entries: u64,
    pub postings: u64,
    pub debit: i128,
    pub credit: i128,
}

impl Tally {
    /// Adds decisions up; returns the positions of those whose list price is not what was charged and funded.
    pub(crate) fn add(&mut self, decisions: &[Decision], hub: &str, table: &SymbolTable) -> Vec<usize> {
        let mut odd = Vec::new();
        let mut sums: HashMap<(Option<Symbol>, Symbol, &'static str), (i128, i128)> = HashMap::new();
        for (at, decision) in decisions.iter().enumerate() {
            self.decisions += 1;
            self.count(decision);
            let (mut given, mut foreign) = (0i128, 0i128);
            // A share has no price; what it moves is taken from what its giver is owed.
            let share = decision.flags.has(Flags::SHARE);
            let mut legs = vec![(Some(decision.issuer), "receivable", i128::from(decision.charged_minor))];
            for discount in decision.discounts {
                let amount = i128::from(discount.amount_minor);
                given += if share { 0 } else { amount };
                if discount.funder != decision.earner {
                    foreign += amount;
                    legs.push((Some(discount.funder), if share { "payable" } else { "receivable" }, amount));
                }
            }
            let fee = i128::from(decision.fee_minor);
            legs.push((Some(decision.earner), "payable", fee - foreign - i128::from(decision.charged_minor)));
            legs.push((None, "fee-income", -fee));
            if i128::from(decision.list_minor) != i128::from(decision.charged_minor) + given {
                odd.push(at);
            }
            legs.retain(|leg| leg.2 != 0);
            self.entries += u64::from(!legs.is_empty());
            for (party, role, amount) in legs {
                let sum = sums.entry((party, decision.product, role)).or_default();
                self.count_leg(amount);
                put(sum, amount);
            }
        }
        for ((party, product, role), (debit, credit)) in sums {
            let party = party.map_or_else(|| hub.to_owned(), |party| table.text(party).to_string());
            let sum = self.book.entry((party, table.text(product).to_string(), role)).or_default();
            *sum = (sum.0 + debit, sum.1 + credit);
        }
        odd
    }

    /// Adds a fee per service day: the earner is owed less by what is due more, and the house earned that.
    pub(crate) fn add_fee(&mut self, fee: &ServiceFee, hub: &str) {
        let due = i128::from(fee.new_minor) - i128::from(fee.old_minor);
        self.fees += due;
        self.entries += 1;
        for (party, role, amount) in [(fee.earner.as_str(), "payable", due), (hub, "fee-income", -due)] {
            let sum = self.book.entry((party.to_owned(), fee.product.clone(), role)).or_default();
            put(sum, amount);
            self.count_leg(amount);
        }
    }

    fn count_leg(&mut self, amount: i128) {
        self.postings += 1;
        let mut sums = (self.debit, self.credit);
        put(&mut sums, amount);
        (self.debit, self.credit) = sums;
    }

    fn count(&mut self, decision: &Decision) {
        if !decision.flags.has(Flags::CARRIED) {
            *self.by_reason.entry(decision.reason.number()).or_default() += 1;
            match decision.reason.outcome() {
                Outcome::Cleared => self.cleared += 1,
                Outcome::Held => self.held += 1,
                Outcome::Rejected => self.rejected += 1,
                // A repeat has no decision; one that has is a record too many, which shows in the count of duplicates.
                Outcome::Duplicate => {}
            }
            self.conflict += u64::from(decision.reason.is_conflict());
        }
        if decision.flags.has(Flags::RIDE) {
            // A correction is of a ride that another day counted.
            if !decision.flags.has(Flags::CORRECTS) {
                self.rides += 1;
                self.charged_rides += u64::from(decision.charged_minor > 0);
                self.capped_rides += u64::from(decision.flags.has(Flags::CAPPED));
            }
            self.gross += i128::from(decision.charged_minor);
            self.fees += i128::from(decision.fee_minor);
        }
    }
}

/// Debits rise with positive amounts, credits with negative ones.
fn put(sums: &mut (i128, i128), amount: i128) {
    if amount > 0 {
        sums.0 += amount;
    } else {
        sums.1 -= amount;
    }
}
