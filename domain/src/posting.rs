//! Double entry: accounts, postings, and the one rule that turns a decision into an entry.

use crate::{Decision, Flags, Symbol};

/// What an account holds, seen from the hub. Numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// What a bank, fund or sponsor owes the hub.
    Receivable = 1,
    /// What the hub owes an operator, venue or merchant.
    Payable = 2,
    /// What the hub earned.
    FeeIncome = 3,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Receivable, Self::Payable, Self::FeeIncome];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Payable => "payable",
            Self::FeeIncome => "fee-income",
        }
    }

    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&role| role as u8 == code)
    }
}

/// An account of the chart: per party, product and role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    pub party: Symbol,
    pub product: Symbol,
    pub role: Role,
}

/// One leg of an entry: a debit is positive, a credit negative. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    pub amount_minor: i64,
}

/// The most legs an entry has: issuer, earner, hub, and every funder.
pub const POSTINGS_MAX: usize = 3 + crate::decision::FUNDERS_MAX;

/// The postings of one decision; they sum to zero.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    postings: [Posting; POSTINGS_MAX],
    len: usize,
}

impl Entry {
    /// The entry of a decision; no postings where no money moves.
    ///
    /// Debit what the issuer owes with the charge, and what every funder but the earner owes with its discount; credit what
    /// the earner is owed with both, less the fee; credit the hub's income with the fee. A share is debited to what the operator
    /// that hands it on is owed: no operator owes the hub for a ride.
    ///
    /// # Panics
    /// When the legs do not sum to zero or a leg has no party: a bug here, never bad input.
    #[must_use]
    pub fn of(decision: &Decision, hub: Symbol) -> Self {
        let product = decision.product;
        let account = |party, role| Account { party, product, role };
        let nothing = Posting { account: account(Symbol::NONE, Role::Receivable), amount_minor: 0 };
        let mut entry = Self { postings: [nothing; POSTINGS_MAX], len: 0 };
        entry.post(account(decision.issuer, Role::Receivable), decision.charged_minor);
        for discount in &decision.discounts {
            if discount.funder != decision.earner {
                let role = if decision.flags.has(Flags::SHARE) { Role::Payable } else { Role::Receivable };
                entry.post(account(discount.funder, role), discount.amount_minor);
            }
        }
        entry.post(account(decision.earner, Role::Payable), -decision.net_minor());
        entry.post(account(hub, Role::FeeIncome), -decision.fee_minor);
        let sum: i128 = entry.postings().iter().map(|posting| i128::from(posting.amount_minor)).sum();
        assert_eq!(sum, 0, "debits equal credits in every entry");
        entry
    }

    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        self.postings.split_at(self.len).0
    }

    fn post(&mut self, account: Account, amount_minor: i64) {
        if amount_minor == 0 {
            return;
        }
        assert!(!account.party.is_none(), "a posting has a party");
        if let Some(slot) = self.postings.get_mut(self.len) {
            *slot = Posting { account, amount_minor };
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Day, Discount, Reason, Record, RecordKind};

    const HUB: Symbol = Symbol(9);

    fn decision(charged_minor: i64, fee_minor: i64, discounts: [Discount; 3]) -> Decision {
        Decision {
            issuer: Symbol(1),
            earner: Symbol(2),
            product: Symbol(3),
            charged_minor,
            fee_minor,
            discounts,
            list_minor: charged_minor + discounts.iter().map(|discount| discount.amount_minor).sum::<i64>(),
            ..Decision::unpriced(Record::blank(RecordKind::Payment), Reason::Cleared, Day(0), Day(0))
        }
    }

    fn legs(decision: &Decision) -> Vec<(u32, &'static str, i64)> {
        Entry::of(decision, HUB).postings().iter().map(|posting| (posting.account.party.0, posting.account.role.name(), posting.amount_minor)).collect()
    }

    #[test]
    fn a_ride_debits_the_bank_and_credits_operator_and_hub() {
        let none = [Discount::default(); 3];
        assert_eq!(legs(&decision(200, 1, none)), [(1, "receivable", 200), (2, "payable", -199), (9, "fee-income", -1)]);
        assert_eq!(legs(&decision(200, 0, none)), [(1, "receivable", 200), (2, "payable", -200)]);
        assert_eq!(legs(&decision(-200, 0, none)), [(1, "receivable", -200), (2, "payable", 200)]);
        assert_eq!(legs(&decision(0, 0, none)), []);
    }

    #[test]
    fn a_fund_pays_its_discount_and_the_earner_bears_its_own() {
        let discounts = [Discount { funder: Symbol(2), amount_minor: 50 }, Discount { funder: Symbol(5), amount_minor: 150 }, Discount::default()];
        assert_eq!(legs(&decision(300, 1, discounts)), [(1, "receivable", 300), (5, "receivable", 150), (2, "payable", -449), (9, "fee-income", -1)]);
    }

    #[test]
    fn a_share_moves_what_one_operator_is_owed_to_another() {
        let discounts = [Discount { funder: Symbol(5), amount_minor: 43 }, Discount::default(), Discount::default()];
        let share = Decision { flags: Flags::SHARE, list_minor: 0, ..decision(0, 0, discounts) };
        assert_eq!(legs(&share), [(5, "payable", 43), (2, "payable", -43)]);
    }

    #[test]
    fn roles_keep_their_numbers() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role as u8), Some(role));
        }
        assert_eq!(Role::from_code(0), None);
    }
}
