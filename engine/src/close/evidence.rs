//! What one account's records say about each other: clone evidence and grey writes.
//!
//! Decided over the whole set of the account's records, so that no order of arrival matters.

use super::order::AccountKey;
use super::partition::{Address, Partition};
use domain::{CardToken, Flags, Outcome, Reason, Symbol};

/// `group` is one account's events in event order.
pub fn weigh(group: &[AccountKey], partition: &mut Partition) {
    clones(group, partition);
    grey_writes(group, partition);
}

/// The same card and card counter from two terminals: one of them saw a copy, and nobody can tell which.
fn clones(group: &[AccountKey], partition: &mut Partition) {
    let counted = |at: Address| -> Option<(CardToken, u32, Symbol)> {
        let event = partition.get(at);
        let counter = event.note(&partition.notes)?.record.card_counter?;
        (event.reason.outcome() != Outcome::Rejected).then_some((event.card, counter, event.terminal))
    };
    let mut seen: Vec<((CardToken, u32, Symbol), Address)> = group.iter().filter_map(|key| Some((counted(key.address())?, key.address()))).collect();
    seen.sort_unstable();
    let same = |a: &((CardToken, u32, Symbol), Address), b: &((CardToken, u32, Symbol), Address)| (a.0.0, a.0.1) == (b.0.0, b.0.1);
    let suspects: Vec<Address> = seen
        .chunk_by(same)
        .filter(|copies| copies.first().map(|copy| copy.0.2) != copies.last().map(|copy| copy.0.2))
        .flat_map(|copies| copies.iter().map(|&(_, at)| at))
        .collect();
    for at in suspects {
        hold(partition, at, Reason::CloneEvidence);
    }
}

/// A grey record is proven when the card's next record begins with the balance that the grey one should have left.
fn grey_writes(group: &[AccountKey], partition: &mut Partition) {
    for (place, key) in group.iter().enumerate() {
        let grey = partition.get(key.address());
        let Some(note) = grey.note(&partition.notes).filter(|note| note.record.grey) else { continue };
        let left = note.record.balance_after_minor;
        let after = group.iter().skip(place + 1).map(|key| partition.get(key.address())).filter(|event| event.reason.outcome() != Outcome::Rejected);
        let next_balance = after.filter(|event| event.card == grey.card).find_map(|event| event.note(&partition.notes)?.record.balance_before_minor);
        let proven = left.is_some() && left == next_balance;
        if !proven {
            hold(partition, key.address(), Reason::Grey);
        }
    }
}

/// Reasons found later overwrite only a clear one, and not a person's decision.
fn hold(partition: &mut Partition, at: Address, reason: Reason) {
    let event = partition.get_mut(at);
    if event.reason == Reason::Cleared && !event.flags.has(Flags::RELEASED) {
        event.reason = reason;
    }
}
