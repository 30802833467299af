//! What an account's records say about each other: copies of a card, and writes that were never finished.
//!
//! The records come in event order. Rejected ones bear no witness.

use super::Case;
use domain::{Outcome, Reason, Record};

fn bears_witness(case: &Case) -> bool {
    case.finding.reason.outcome() != Outcome::Rejected
}

/// One card cannot have been at two terminals with the same count. What is held now, and the nearest record before it, or
/// else behind it, that says so.
pub fn hold_clones(own: &mut [&mut Case]) -> Vec<(Record, Record)> {
    let mut cloned = Vec::new();
    for (at, case) in own.iter().enumerate() {
        let met_elsewhere = own.iter().any(|other| {
            bears_witness(other)
                && other.record.card == case.record.card
                && other.record.card_counter == case.record.card_counter
                && other.record.terminal != case.record.terminal
        });
        if case.finding.reason == Reason::Cleared && !case.record.card.is_empty() && case.record.card_counter.is_some() && met_elsewhere {
            cloned.push(at);
        }
    }
    let mut copies = Vec::new();
    for &at in &cloned {
        let copy = own[at].record;
        let against = |other: &&&mut Case| {
            bears_witness(other) && other.record.card == copy.card && other.record.card_counter == copy.card_counter && other.record.terminal != copy.terminal
        };
        let other = own[..at].iter().rev().find(against).or_else(|| own[at..].iter().find(against)).expect("it was met elsewhere");
        copies.push((copy, other.record));
    }
    for at in cloned {
        own[at].finding.reason = Reason::CloneEvidence;
    }
    copies
}

/// A grey record stands when the card's next balance is the one that it would have left.
pub fn hold_unproven(own: &mut [&mut Case]) {
    for at in 0..own.len() {
        if !own[at].record.grey || own[at].finding.reason != Reason::Cleared {
            continue;
        }
        let next =
            own[at + 1..].iter().find(|later| bears_witness(later) && later.record.card == own[at].record.card && later.record.balance_before_minor.is_some());
        let proof = next.and_then(|next| next.record.balance_before_minor);
        if proof.is_none() || proof != own[at].record.balance_after_minor {
            own[at].finding.reason = Reason::Grey;
        }
    }
}
