//! The lines that decisions have in the parties' details, counted by a rule of its own.

use crate::lines::{BlockLines, PartyLines};
use domain::{Decision, Flags, Outcome, Symbol, SymbolTable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn recounted(decisions: &[Decision], table: &SymbolTable) -> BlockLines {
    let mut lines: BTreeMap<Arc<str>, [u32; 2]> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.reason.outcome() == Outcome::Cleared && !decision.flags.has(Flags::CORRECTS)) {
        let Decision { record, issuer, earner, venue, discounts, charged_minor, fee_minor, .. } = decision;
        let mut parties = BTreeSet::from([if earner.is_none() { record.operator } else { *earner }]);
        let funders: Vec<Symbol> = discounts.iter().filter(|discount| discount.amount_minor != 0).map(|discount| discount.funder).collect();
        let moves = if decision.flags.has(Flags::RIDE) {
            parties.extend([if issuer.is_none() { record.issuer } else { *issuer }, *venue]);
            *charged_minor != 0 || *fee_minor != 0 || funders.iter().any(|funder| funder != earner)
        } else if decision.flags.has(Flags::SHARE) {
            !funders.is_empty()
        } else {
            continue;
        };
        parties.extend(funders);
        for party in parties.into_iter().filter(|party| !party.is_none()) {
            let [all, moving] = lines.entry(table.text(party)).or_default();
            (*all, *moving) = (*all + 1, *moving + u32::from(moves));
        }
    }
    let time = |decision: Option<&Decision>| decision.map(|decision| decision.record.time).unwrap_or_default();
    let parties = lines.into_iter().map(|(party, [all, moving])| PartyLines { party, all, moving });
    BlockLines { first: time(decisions.first()), last: time(decisions.last()), parties: parties.collect() }
}
