//! Decisions and rulings side by side, in words.

use super::Ruling;
use domain::{Decision, Record, RecordId, SymbolTable};
use engine::scheme::Scheme;

/// Everything that an engine's decision and the oracle's ruling must agree on, in words.
fn shown(decision: &Decision, symbols: &SymbolTable) -> String {
    let text = |symbol| symbols.text(symbol);
    let Decision { record, reason, mut flags, service_day, held_since, .. } = *decision;
    if reason != domain::Reason::Cleared {
        flags = domain::Flags(flags.0 & domain::Flags::CARRIED.0);
    }
    let mut line = format!("{} flags {:#x} service {service_day} since {held_since}", reason.name(), flags.0);
    if reason == domain::Reason::Cleared {
        let mut discounts: Vec<_> =
            decision.discounts.iter().filter(|discount| discount.amount_minor != 0).map(|discount| (text(discount.funder), discount.amount_minor)).collect();
        discounts.sort();
        let Decision { list_minor, charged_minor, fee_minor, .. } = *decision;
        line += &format!(" list {list_minor} charged {charged_minor} fee {fee_minor} discounts {discounts:?}");
        if decision.list_minor != 0 || decision.charged_minor != 0 {
            line += &format!(" {} to {} for {}", text(decision.issuer), text(decision.earner), text(decision.product));
        }
    }
    line + &format!(" ref {:?}", record.source_ref)
}

fn shown_ruling(ruling: &Ruling, scheme: &Scheme, symbols: &SymbolTable) -> String {
    let mut decision = Decision::unpriced(ruling.record, ruling.reason, ruling.service_day, ruling.held_since);
    decision.flags = ruling.flags;
    let price = &ruling.price;
    (decision.issuer, decision.earner, decision.product) = (price.issuer, price.earner, price.product);
    decision.venue = scheme.venue_of(ruling.record.location);
    (decision.list_minor, decision.charged_minor, decision.fee_minor) = (price.list_minor, price.charged_minor, price.fee_minor);
    assert!(price.discounts.len() <= decision.discounts.len(), "these tariffs need no more funders than fit");
    for (slot, (&funder, &amount_minor)) in decision.discounts.iter_mut().zip(&price.discounts) {
        *slot = domain::Discount { funder, amount_minor };
    }
    shown(&decision, symbols)
}

type Line = (RecordId, bool, String, String);

/// What the engine and the oracle say otherwise of the same day, in words.
pub fn compare(decisions: &[Decision], rulings: &[Ruling], scheme: &Scheme, symbols: &SymbolTable) -> Result<(), String> {
    let content = |record: &Record| {
        let text = format!("{:?}", Record { arrival: 0, source_ref: domain::SourceRef::EMPTY, ..*record });
        let absent = ["Symbol(0)", ": 0", "None", "false", "[0, 0]", "\"\""];
        text.split(", ").filter(|field| !absent.iter().any(|ending| field.ends_with(ending))).collect::<Vec<_>>().join(", ")
    };
    let mut left: Vec<Line> = decisions.iter().map(|d| (d.record.id(), d.flags.has(domain::Flags::CARRIED), content(&d.record), shown(d, symbols))).collect();
    let mut right: Vec<Line> =
        rulings.iter().map(|r| (r.record.id(), r.flags.has(domain::Flags::CARRIED), content(&r.record), shown_ruling(r, scheme, symbols))).collect();
    left.sort();
    right.sort();
    if left == right {
        return Ok(());
    }
    let only = |these: &[Line], those: &[Line]| -> String {
        these.iter().filter(|line| !those.contains(line)).take(6).map(|(_, _, record, line)| format!("  {line}\n    of {record}\n")).collect()
    };
    Err(format!("only the engine says:\n{}only the oracle says:\n{}", only(&left, &right), only(&right, &left)))
}
