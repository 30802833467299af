//! `trial-balance.csv`: every account of the house with its opening balance, the day's debits and credits, and its closing
//! balance. Only in the hub's folder.

use crate::SettleError;
use crate::row::Row;
use domain::Role;
use std::sync::Arc;

pub(crate) const TRIAL_HEADER: &str = "line,party,product,role,opening_minor,opening_dc,debit_minor,credit_minor,closing_minor,closing_dc\n";

/// Debits and credits, neither negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    pub debit_minor: i128,
    pub credit_minor: i128,
}

impl Sides {
    /// Positive where debits outweigh.
    pub const fn balance_minor(self) -> i128 {
        self.debit_minor - self.credit_minor
    }
}

/// An account over a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountDay {
    pub party: Arc<str>,
    pub product: Arc<str>,
    pub role: Role,
    pub opening: Sides,
    pub day: Sides,
}

impl AccountDay {
    const fn closing_minor(&self) -> i128 {
        self.opening.balance_minor() + self.day.balance_minor()
    }
}

/// The file without its header, by party, product and role.
///
/// # Errors
/// [`SettleError::Unequal`] when opening or closing balances do not sum to zero.
pub(crate) fn csv(accounts: &mut [AccountDay]) -> Result<Vec<u8>, SettleError> {
    accounts.sort_by(|a, b| (&a.party, &a.product, a.role).cmp(&(&b.party, &b.product, b.role)));
    for (what, sum) in [
        ("opening balances and zero", accounts.iter().map(|account| account.opening.balance_minor()).sum::<i128>()),
        ("closing balances and zero", accounts.iter().map(AccountDay::closing_minor).sum()),
    ] {
        if sum != 0 {
            return Err(SettleError::Unequal { whose: "the trial balance".to_owned(), what, left: sum, right: 0 });
        }
    }
    let mut row = Row::default();
    for (number, account) in (1..).zip(accounts.iter()) {
        row.unsigned(number);
        for text in [&*account.party, &*account.product, account.role.name()] {
            row.text(text.as_bytes());
        }
        balance(&mut row, account.opening.balance_minor())?;
        row.unsigned(fits(account.day.debit_minor)?);
        row.unsigned(fits(account.day.credit_minor)?);
        balance(&mut row, account.closing_minor())?;
        row.end();
    }
    Ok(row.as_bytes().to_vec())
}

fn balance(row: &mut Row, balance_minor: i128) -> Result<(), SettleError> {
    row.unsigned(fits(balance_minor.abs())?);
    row.text(if balance_minor > 0 { b"D" } else { b"C" });
    Ok(())
}

fn fits(amount_minor: i128) -> Result<u64, SettleError> {
    let too_much =
        || SettleError::Unequal { whose: "the trial balance".to_owned(), what: "an amount and what fits", left: amount_minor, right: u64::MAX.into() };
    u64::try_from(amount_minor).map_err(|_| too_much())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(party: &str, opening: (i128, i128), day: (i128, i128)) -> AccountDay {
        let sides = |(debit_minor, credit_minor)| Sides { debit_minor, credit_minor };
        AccountDay { party: party.into(), product: "transit".into(), role: Role::Payable, opening: sides(opening), day: sides(day) }
    }

    #[test]
    fn accounts_open_move_and_close() {
        let mut accounts = [account("bus-01", (0, 500), (10, 90)), account("bank-01", (500, 0), (80, 0))];
        let text = String::from_utf8(csv(&mut accounts).expect("it balances")).expect("UTF-8");
        assert_eq!(text, "1,bank-01,transit,payable,500,D,80,0,580,D\n2,bus-01,transit,payable,500,C,10,90,580,C\n");
        let mut off = [account("bus-01", (0, 500), (10, 90)), account("bank-01", (500, 0), (81, 0))];
        assert!(matches!(csv(&mut off), Err(SettleError::Unequal { left: 1, .. })));
    }
}
