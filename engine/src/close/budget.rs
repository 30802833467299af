//! Budgets: what rides claim of them is granted once all rides of the day have their price.
//!
//! Claims are granted in event order over all accounts from what earlier closes left, each budget by itself. What a budget
//! cannot give any more, the rider pays after all. A grant is never reopened: of a ride that is corrected, only what it claims
//! beyond its first claim is a claim of today, and what it claims no more goes back first.

use super::fold::Folded;
use super::order::Order;
use super::partition::Address;
use super::revise::Revision;
use crate::price::{Claim, grant};
use std::collections::BTreeMap;

/// By the name of the incentive: how much of its budget has been granted.
pub type Budgets = BTreeMap<String, i64>;

/// A ride's claim: whose it is, and what it wants.
struct Claimed {
    place: Place,
    claim: Claim,
}

#[derive(Clone, Copy)]
enum Place {
    /// A ride of today: its partition, and its event.
    Ride(usize, Address),
    /// A ride of a closed day, by its position among the revisions.
    Revised(usize),
}

/// Grants the claims of all rides in `parts` and of the revised ones. `names` are the tariff's slots, which name the budgets.
pub fn settle(parts: &mut [Folded], revisions: &mut [Revision], used: &mut Budgets, names: &[String], order: &Order) {
    let mut claims: Vec<Claimed> = Vec::new();
    for (part, folded) in parts.iter_mut().enumerate() {
        for (at, claim) in folded.claims.drain(..) {
            claims.push(Claimed { place: Place::Ride(part, at), claim });
        }
    }
    for (at, revision) in revisions.iter_mut().enumerate() {
        claims.extend(revision.claims.drain(..).map(|claim| Claimed { place: Place::Revised(at), claim }));
        for (slot, minor) in revision.returned.drain(..) {
            if let Some(used_minor) = names.get(usize::from(slot)).and_then(|name| used.get_mut(name)) {
                *used_minor -= minor;
            }
        }
    }
    if claims.is_empty() {
        return;
    }
    let event = |claimed: &Claimed| match claimed.place {
        Place::Ride(part, at) => parts.get(part).expect("a claim's partition").partition.get(at),
        Place::Revised(at) => &revisions.get(at).expect("a claim's revision").event,
    };
    // Stable: the claims of one ride keep the order of its rules.
    claims.sort_by(|a, b| a.claim.slot.cmp(&b.claim.slot).then_with(|| order.of_account(event(a), event(b))));
    for same in claims.chunk_by(|a, b| a.claim.slot == b.claim.slot) {
        let Some(name) = same.first().and_then(|claimed| names.get(usize::from(claimed.claim.slot))) else { continue };
        let used_minor = used.entry(name.clone()).or_default();
        let grants = grant(used_minor, same.iter().map(|claimed| &claimed.claim));
        for (claimed, grant) in same.iter().zip(grants).filter(|(_, grant)| grant.refused_minor != 0) {
            match claimed.place {
                Place::Ride(part, at) => {
                    let partition = &mut parts.get_mut(part).expect("a claim's partition").partition;
                    let fare = partition.fare(at).granted(&claimed.claim, grant);
                    partition.reprice(at, &fare);
                }
                Place::Revised(at) => {
                    let fare = &mut revisions.get_mut(at).expect("a claim's revision").fare;
                    *fare = fare.map(|fare| fare.granted(&claimed.claim, grant));
                }
            }
        }
    }
}
