//! Balances: per account the sums of its debits and credits, and how they are keyed on disk.
//!
//! Debits and credits only grow; the balance is their difference. Accounts are named by texts, because symbols mean
//! something in one process only.

use crate::codec::{Corrupt, Reader, bytes::put_text};
use domain::{Day, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sums of one account, over a block, a day, or everything so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub party: Arc<str>,
    pub product: Arc<str>,
    pub role: Role,
    /// Not negative.
    pub debit_minor: i128,
    /// Not negative.
    pub credit_minor: i128,
}

/// An account as bytes: what orders and keys sums.
pub(crate) type AccountKey = Vec<u8>;

/// Debits and credits.
pub(crate) type Sums = (i128, i128);

/// Sums by account.
pub(crate) type Book = BTreeMap<AccountKey, Sums>;

pub(crate) fn account_key(party: &str, product: &str, role: Role) -> AccountKey {
    let mut key = Vec::with_capacity(party.len() + product.len() + 3);
    put_text(party, &mut key);
    put_text(product, &mut key);
    key.push(role as u8);
    key
}

/// Adds sums to an account of a book.
pub(crate) fn add(book: &mut Book, key: AccountKey, (debit, credit): Sums) {
    let sums = book.entry(key).or_default();
    *sums = (sums.0 + debit, sums.1 + credit);
}

pub(crate) fn add_all(book: &mut Book, movements: &[Balance]) {
    for movement in movements {
        add(book, account_key(&movement.party, &movement.product, movement.role), (movement.debit_minor, movement.credit_minor));
    }
}

/// What all accounts have had so far.
pub(crate) const RUNNING: u8 = b'b';
/// What one day moved.
pub(crate) const MOVED: u8 = b'm';

/// The prefix of a day's movements. Days order as numbers, those before 1970 first.
pub(crate) fn day_prefix(day: Day) -> Vec<u8> {
    let mut prefix = vec![MOVED];
    prefix.extend_from_slice(&crate::store::ordered(day));
    prefix
}

pub(crate) fn sums_to_bytes((debit, credit): Sums) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (front, back) = bytes.split_at_mut(16);
    front.copy_from_slice(&debit.to_le_bytes());
    back.copy_from_slice(&credit.to_le_bytes());
    bytes
}

pub(crate) fn sums_of_bytes(bytes: &[u8]) -> Result<Sums, Corrupt> {
    let mut reader = Reader::new(bytes);
    let sums = (i128::from_le_bytes(reader.array()?), i128::from_le_bytes(reader.array()?));
    reader.finish()?;
    Ok(sums)
}

/// An account's key and sums as a balance.
pub(crate) fn balance_of(key: &[u8], (debit_minor, credit_minor): Sums) -> Result<Balance, Corrupt> {
    let mut reader = Reader::new(key);
    let (party, product) = (reader.text()?.into(), reader.text()?.into());
    let role = Role::from_code(reader.u8()?).ok_or(Corrupt("an account has an unknown role"))?;
    reader.finish()?;
    Ok(Balance { party, product, role, debit_minor, credit_minor })
}
