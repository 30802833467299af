//! Budgets: claim by claim, in the order in which the rides happened, as long as there is something left.

use super::{Case, event_key};
use domain::SymbolTable;
use std::collections::BTreeMap;

/// Grants what the rides among `cases` claim. `granted` is what has been granted of each budget before.
pub fn grant<'c>(symbols: &SymbolTable, cases: impl Iterator<Item = &'c mut Case>, granted: &mut BTreeMap<String, i64>) {
    let mut claiming: Vec<&mut Case> = cases.filter(|case| !case.wants.is_empty() || !case.returned.is_empty()).collect();
    claiming.sort_by_cached_key(|case| event_key(&case.record, symbols));
    for case in &claiming {
        for (rule, minor) in &case.returned {
            *granted.get_mut(rule).expect("what comes back was granted") -= minor;
        }
    }
    for case in claiming {
        for want in &mut case.wants {
            let price = case.price.as_mut().expect("what claims is a ride");
            let before = granted.entry(want.claim.rule.clone()).or_default();
            let left = if *before < want.claim.budget_minor { want.claim.budget_minor - *before } else { 0 };
            want.given = if want.more <= left { want.more } else { left };
            *before += want.given;
            let refused = want.more - want.given;
            price.charged_minor += refused;
            *price.discounts.get_mut(&want.claim.funder).expect("a claim's funder bears it") -= refused;
        }
        if let Some(price) = &mut case.price {
            price.discounts.retain(|_, amount_minor| *amount_minor != 0);
        }
    }
}
