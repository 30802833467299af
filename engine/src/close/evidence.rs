//! What one account's records say about each other: clone evidence and grey writes.
//!
//! Decided over the whole set of the account's records, so that no order of arrival matters.

use super::event::{Note, Taken};
use super::fold::hold;
use domain::{Outcome, Reason, Symbol};

/// `group` holds positions of one account's events in event order.
pub fn weigh(group: &[u32], events: &mut [Taken], notes: &[Note]) {
    clones(group, events, notes);
    grey_writes(group, events, notes);
}

/// The same card and card counter from two terminals: one of them saw a copy, and nobody can tell which.
fn clones(group: &[u32], events: &mut [Taken], notes: &[Note]) {
    let counted = |at: u32| -> Option<(domain::CardToken, u32, Symbol)> {
        let event = events.get(at as usize)?;
        let counter = event.core.note(notes)?.record.card_counter?;
        (event.core.reason.outcome() != Outcome::Rejected).then_some((event.core.card, counter, event.core.terminal))
    };
    let mut seen: Vec<((domain::CardToken, u32, Symbol), u32)> = group.iter().filter_map(|&at| Some((counted(at)?, at))).collect();
    seen.sort_unstable();
    let same = |a: &((domain::CardToken, u32, Symbol), u32), b: &((domain::CardToken, u32, Symbol), u32)| (a.0.0, a.0.1) == (b.0.0, b.0.1);
    let suspects: Vec<u32> = seen
        .chunk_by(same)
        .filter(|copies| copies.first().map(|copy| copy.0.2) != copies.last().map(|copy| copy.0.2))
        .flat_map(|copies| copies.iter().map(|&(_, at)| at))
        .collect();
    for at in suspects {
        if let Some(event) = events.get_mut(at as usize) {
            hold(event, Reason::CloneEvidence);
        }
    }
}

/// A grey record is proven when the card's next record begins with the balance that the grey one should have left.
fn grey_writes(group: &[u32], events: &mut [Taken], notes: &[Note]) {
    for (place, &at) in group.iter().enumerate() {
        let Some(grey) = events.get(at as usize).filter(|event| event.core.note(notes).is_some_and(|note| note.record.grey)) else { continue };
        let card = grey.core.card;
        let left = grey.core.note(notes).and_then(|note| note.record.balance_after_minor);
        let after = group
            .get(place + 1..)
            .unwrap_or_default()
            .iter()
            .filter_map(|&at| events.get(at as usize))
            .filter(|event| event.core.reason.outcome() != Outcome::Rejected);
        let next_balance = after.filter(|event| event.core.card == card).find_map(|event| event.core.note(notes)?.record.balance_before_minor);
        let proven = left.is_some() && left == next_balance;
        if !proven && let Some(event) = events.get_mut(at as usize) {
            hold(event, Reason::Grey);
        }
    }
}
