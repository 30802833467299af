//! What one account's records say about each other: clone evidence and grey writes.
//!
//! Decided over the whole set of the account's records, so that no order of arrival matters.

use super::order::AccountKey;
use super::partition::{Address, Partition};
use domain::{CardToken, Flags, Outcome, Reason, Symbol};

/// Events that are copies of each other, by what the card counted: the one that is held, and the one that speaks against it.
pub type Copies = Vec<(Address, Address)>;

/// `group` is one account's events in event order.
pub fn weigh(group: &[AccountKey], partition: &mut Partition) -> Copies {
    let copies = clones(group, partition);
    grey_writes(group, partition);
    copies
}

/// A card's count at a terminal, and where the event stands.
struct Counted {
    card: CardToken,
    counter: u32,
    terminal: Symbol,
    at: Address,
}

/// The same card and card counter from two terminals: one of them saw a copy, and nobody can tell which.
fn clones(group: &[AccountKey], partition: &mut Partition) -> Copies {
    let counted = |at: Address| -> Option<Counted> {
        let event = partition.get(at);
        let counter = event.note(&partition.notes)?.record.card_counter?;
        (event.reason.outcome() != Outcome::Rejected).then_some(Counted { card: event.card, counter, terminal: event.terminal, at })
    };
    let mut seen: Vec<Counted> = group.iter().filter_map(|key| counted(key.address())).collect();
    // Stable: copies stay in event order.
    seen.sort_by_key(|seen| (seen.card, seen.counter));
    let mut found = Copies::new();
    for copies in seen.chunk_by(|a, b| (a.card, a.counter) == (b.card, b.counter)) {
        for (at, copy) in copies.iter().enumerate() {
            let elsewhere = |other: &&Counted| other.terminal != copy.terminal;
            let other = copies.iter().take(at).rev().find(elsewhere).or_else(|| copies.iter().skip(at).find(elsewhere));
            found.extend(other.map(|other| (copy.at, other.at)));
        }
    }
    found.retain(|&(at, _)| hold(partition, at, Reason::CloneEvidence));
    found
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
fn hold(partition: &mut Partition, at: Address, reason: Reason) -> bool {
    let event = partition.get_mut(at);
    let holds = event.reason == Reason::Cleared && !event.flags.has(Flags::RELEASED);
    if holds {
        event.reason = reason;
    }
    holds
}
