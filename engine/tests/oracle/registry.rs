//! What can be said of one record alone: who its parties are, and the first thing that is wrong with it.

use domain::{CardToken, Day, Flags, PartyKind, Reason, Record, RecordKind, Symbol};
use engine::scheme::{Payee, Scheme, TerminalAt};

#[derive(Clone, Debug)]
pub struct Finding {
    pub reason: Reason,
    pub flags: Flags,
    pub issuer: Symbol,
    pub earner: Symbol,
    pub class: Symbol,
    pub mode: Symbol,
    pub product: Symbol,
    pub account: CardToken,
}

fn first_present(choices: &[Symbol]) -> Symbol {
    choices.iter().copied().find(|symbol| !symbol.is_none()).unwrap_or(Symbol::NONE)
}

pub fn find(scheme: &Scheme, day: Day, record: &Record, carried: bool) -> Finding {
    let card = scheme.card(&record.card);
    let terminal = match scheme.terminal(record.terminal, record.epoch, record.time) {
        TerminalAt::InService(terminal) => Some(terminal),
        _ => None,
    };
    let terminal_operator = terminal.map_or(Symbol::NONE, |terminal| terminal.operator);
    let terminal_mode = terminal.map_or(Symbol::NONE, |terminal| terminal.mode);
    let location = scheme.location(record.location);
    let venue = scheme.venue_of(record.location);
    let earner = if venue.is_none() {
        first_present(&[terminal_operator, record.operator, location.map_or(Symbol::NONE, |location| location.operator)])
    } else {
        match scheme.payee(venue) {
            Payee::Itself => venue,
            Payee::Operator(operator) => operator,
            Payee::RecordOperator => first_present(&[record.operator, terminal_operator]),
        }
    };
    let issuer = card.map_or(record.issuer, |card| card.issuer);
    let card_class = card.map_or(Symbol::NONE, |card| card.class_on(scheme.clock.calendar_day(record.time)));
    let class = if scheme.open.classes { first_present(&[record.class, card_class]) } else { card_class };
    let product = match scheme.party(earner) {
        _ if !record.product.is_none() => record.product,
        Some(party) => scheme.products.of(record.kind, party.kind),
        None => Symbol::NONE,
    };
    let mut finding = Finding {
        reason: Reason::Cleared,
        flags: Flags::default(),
        issuer,
        earner,
        class,
        mode: first_present(&[record.mode, terminal_mode]),
        product,
        account: card.map_or(record.card, |card| card.account),
    };
    if let Some(entry) = scheme.hotlist(&record.card)
        && record.time >= entry.effective
    {
        finding.flags.set(Flags::HOTLISTED);
    }
    let trouble = [place_trouble(scheme, record, earner), card_trouble(scheme, record, issuer), content_trouble(scheme, day, record, &finding, carried)];
    finding.reason = trouble.into_iter().flatten().next().unwrap_or(Reason::Cleared);
    if finding.reason != Reason::Cleared {
        finding.flags = Flags::default();
    }
    finding
}

fn differ(registered: Symbol, stated: Symbol) -> bool {
    !registered.is_none() && !stated.is_none() && registered != stated
}

fn place_trouble(scheme: &Scheme, record: &Record, earner: Symbol) -> Option<Reason> {
    match scheme.terminal(record.terminal, record.epoch, record.time) {
        TerminalAt::Unknown if !scheme.open.terminals => return Some(Reason::UnknownTerminal),
        TerminalAt::Unknown => {}
        TerminalAt::NotInService => return Some(Reason::TerminalNotInService),
        TerminalAt::InService(terminal) if differ(terminal.operator, record.operator) => return Some(Reason::WrongParty),
        TerminalAt::InService(terminal) if differ(terminal.mode, record.mode) => return Some(Reason::WrongMode),
        TerminalAt::InService(_) => {}
    }
    if !record.location.is_none() && !scheme.open.locations && scheme.location(record.location).is_none() {
        return Some(Reason::UnknownLocation);
    }
    scheme.party(earner).is_none().then_some(Reason::UnknownOperator)
}

fn card_trouble(scheme: &Scheme, record: &Record, issuer: Symbol) -> Option<Reason> {
    let card = scheme.card(&record.card);
    let issues = scheme.party(issuer).is_some_and(|party| matches!(party.kind, PartyKind::Bank | PartyKind::Network));
    if !issues || card.is_some_and(|card| differ(card.issuer, record.issuer)) {
        return Some(Reason::UnknownIssuer);
    }
    match card {
        None if !scheme.open.cards => return Some(Reason::UnknownCard),
        Some(card) => {
            let date = scheme.clock.calendar_day(record.time);
            if date < card.valid_from || date > card.valid_to {
                return Some(Reason::CardExpired);
            }
            if !scheme.open.classes && !record.class.is_none() && record.class != card.class_on(date) {
                return Some(Reason::WrongClass);
            }
        }
        None => {}
    }
    let entry = scheme.hotlist(&record.card)?;
    let terminal_had_it = match record.hotlist_version {
        Some(version) => version >= entry.version,
        None => record.time.0 >= entry.effective.0 + scheme.hotlist_grace_ms,
    };
    terminal_had_it.then_some(Reason::Hotlisted)
}

fn content_trouble(scheme: &Scheme, day: Day, record: &Record, finding: &Finding, carried: bool) -> Option<Reason> {
    let clock = &scheme.clock;
    let gives_back = matches!(record.kind, RecordKind::Refund | RecordKind::Reversal);
    if clock.calendar_day(record.time) < scheme.limits.earliest {
        return Some(Reason::ImpossibleDate);
    }
    if record.amount_minor < 0 || record.charged_minor.is_some_and(|charged| charged < 0) {
        return Some(Reason::NegativeAmount);
    }
    if record.amount_minor == 0 && matches!(record.kind, RecordKind::Payment | RecordKind::Refund | RecordKind::Disbursement | RecordKind::Collection) {
        return Some(Reason::ZeroAmount);
    }
    let service_day = clock.service_day(record.time);
    if !carried && service_day.0 < day.0 - scheme.limits.acceptance_days {
        return Some(Reason::TooOld);
    }
    if record.time.0 > clock.day_end(day).0 + scheme.limits.future_skew_ms {
        return Some(Reason::InTheFuture);
    }
    let limit = scheme.limits.amount_max_minor(record.kind, finding.product);
    if record.amount_minor > limit || record.charged_minor.is_some_and(|charged| charged > limit) {
        return Some(Reason::OverLimit);
    }
    if let (Some(before), Some(after)) = (record.balance_before_minor, record.balance_after_minor) {
        let amount = record.charged_minor.unwrap_or(record.amount_minor);
        let credit = gives_back || record.kind == RecordKind::Disbursement;
        if after != if credit { before + amount } else { before - amount } {
            return Some(Reason::BalanceMismatch);
        }
    }
    let covered = scheme
        .tariff
        .version_at(record.time, clock)
        .is_some_and(|version| version.base.iter().any(|base| base.scope.covers(record.kind, finding.mode, finding.earner)));
    // What is collected of a ride needs no price: it states its amount.
    (!gives_back && record.kind != RecordKind::Collection && !covered).then_some(Reason::NoTariff)
}
