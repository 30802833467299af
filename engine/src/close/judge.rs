//! Authentication against the registry: what can be said of one record without looking at any other.
//!
//! The order of the checks is the order of the outcome table: the first that applies gives the reason. Times are judged
//! against the clearing day, never against a clock. What needs other records (copies, clones, grey writes, refunds) is
//! decided where they meet.

use super::event::Resolved;
use super::fold::waits_for_original;
use crate::scheme::{Card, Payee, Scheme, TerminalAt};
use crate::tariff::Version;
use domain::{Day, EventTime, Flags, PartyKind, Reason, Record, RecordKind, Symbol};

pub struct Judge<'s> {
    scheme: &'s Scheme,
    clearing_day: Day,
    future_from: EventTime,
    /// By symbol: what is known of the party or place, looked up once.
    parties: Vec<Option<Option<PartyKind>>>,
    places: Vec<Option<Place>>,
    /// The tariff version of the last calendar day and service day asked for.
    version: Option<([Day; 2], &'s Version)>,
}

#[derive(Clone, Copy)]
struct Place {
    known: bool,
    operator: Symbol,
    venue: Symbol,
    payee: Payee,
}

impl<'s> Judge<'s> {
    #[must_use]
    pub fn new(scheme: &'s Scheme, clearing_day: Day) -> Self {
        let future_from = EventTime(scheme.clock.day_end(clearing_day).0.saturating_add(scheme.limits.future_skew_ms));
        Self { scheme, clearing_day, future_from, parties: Vec::new(), places: Vec::new(), version: None }
    }

    /// Judges a record. One carried from an earlier day is not too old: it was in time when it came.
    pub fn resolve(&mut self, record: &Record, carried: bool) -> Resolved {
        let scheme = self.scheme;
        let card = if record.card.is_empty() { None } else { scheme.card(&record.card) };
        let terminal = scheme.terminal(record.terminal, record.epoch, record.time);
        let registered = if let TerminalAt::InService(terminal) = terminal { Some(terminal) } else { None };
        let or = |first: Symbol, second: Symbol| if first.is_none() { second } else { first };
        let mode = or(record.mode, registered.map_or(Symbol::NONE, |terminal| terminal.mode));
        let location = or(record.location, registered.map_or(Symbol::NONE, |terminal| terminal.location));
        let place = self.place(location);
        let operator = or(or(registered.map_or(Symbol::NONE, |terminal| terminal.operator), record.operator), place.operator);
        let earner = match place.payee {
            _ if place.venue.is_none() => operator,
            Payee::Itself => place.venue,
            Payee::Operator(operator) => operator,
            Payee::RecordOperator => operator,
        };
        let issuer = card.map_or(record.issuer, |card| card.issuer);
        let registered_class = card.map_or(Symbol::NONE, |card| self.class_of(card, record.time));
        let class = if scheme.open.classes { or(record.class, registered_class) } else { registered_class };
        let earner_kind = self.party(earner);
        let mut resolved = Resolved {
            reason: Reason::Cleared,
            flags: if carried { Flags::CARRIED } else { Flags::default() },
            issuer,
            earner,
            class,
            mode,
            product: or(record.product, scheme.products.of(record.kind, earner_kind.unwrap_or(PartyKind::Operator))),
            account: card.map_or(record.card, |card| card.account),
            service_day: scheme.clock.service_day(record.time),
        };
        if resolved.service_day < self.clearing_day && !carried {
            resolved.flags.set(Flags::LATE);
        }
        let reason = self
            .terminal_reason(record, &terminal, place, earner_kind)
            .or_else(|| self.card_reason(record, card, issuer))
            .or_else(|| self.hotlist_reason(record, &mut resolved.flags))
            .or_else(|| self.rejection(record, resolved.service_day, carried))
            .or_else(|| self.hold(record, &resolved));
        resolved.reason = reason.unwrap_or(Reason::Cleared);
        resolved
    }

    fn terminal_reason(&self, record: &Record, terminal: &TerminalAt<'_>, place: Place, earner: Option<PartyKind>) -> Option<Reason> {
        match terminal {
            TerminalAt::Unknown if !self.scheme.open.terminals => return Some(Reason::UnknownTerminal),
            TerminalAt::NotInService => return Some(Reason::TerminalNotInService),
            TerminalAt::InService(terminal) => {
                let differ = |registered: Symbol, said: Symbol| !registered.is_none() && !said.is_none() && registered != said;
                if differ(terminal.operator, record.operator) {
                    return Some(Reason::WrongParty);
                }
                if differ(terminal.mode, record.mode) {
                    return Some(Reason::WrongMode);
                }
            }
            TerminalAt::Unknown => {}
        }
        if !place.known && !self.scheme.open.locations {
            return Some(Reason::UnknownLocation);
        }
        earner.is_none().then_some(Reason::UnknownOperator)
    }

    fn card_reason(&mut self, record: &Record, card: Option<&Card>, issuer: Symbol) -> Option<Reason> {
        let issuer_known = matches!(self.party(issuer), Some(PartyKind::Bank | PartyKind::Network));
        let Some(card) = card else {
            if !issuer_known {
                return Some(Reason::UnknownIssuer);
            }
            return (!self.scheme.open.cards).then_some(Reason::UnknownCard);
        };
        if !issuer_known || (!record.issuer.is_none() && record.issuer != card.issuer) {
            return Some(Reason::UnknownIssuer);
        }
        if !card.is_valid_on(self.scheme.clock.calendar_day(record.time)) {
            return Some(Reason::CardExpired);
        }
        (!self.scheme.open.classes && !record.class.is_none() && record.class != self.class_of(card, record.time)).then_some(Reason::WrongClass)
    }

    /// The class that a card has on the calendar day of a record.
    fn class_of(&self, card: &Card, time: EventTime) -> Symbol {
        if (card.class_from, card.class_to) == (Day(i32::MIN), Day(i32::MAX)) { card.class } else { card.class_on(self.scheme.clock.calendar_day(time)) }
    }

    /// A card on the list is rejected where the terminal had it, and flagged where it did not have it yet.
    fn hotlist_reason(&self, record: &Record, flags: &mut Flags) -> Option<Reason> {
        let entry = self.scheme.hotlist(&record.card)?;
        let terminal_had_it = match record.hotlist_version {
            Some(version) => version >= entry.version,
            None => record.time.0 >= entry.effective.0.saturating_add(self.scheme.hotlist_grace_ms),
        };
        if terminal_had_it {
            return Some(Reason::Hotlisted);
        }
        if record.time >= entry.effective {
            flags.set(Flags::HOTLISTED);
        }
        None
    }

    fn rejection(&self, record: &Record, service_day: Day, carried: bool) -> Option<Reason> {
        let limits = &self.scheme.limits;
        if self.scheme.clock.calendar_day(record.time) < limits.earliest {
            return Some(Reason::ImpossibleDate);
        }
        if record.amount_minor < 0 || record.charged_minor.is_some_and(|charged| charged < 0) {
            return Some(Reason::NegativeAmount);
        }
        let needs_amount = matches!(record.kind, RecordKind::Payment | RecordKind::Refund | RecordKind::Disbursement | RecordKind::Collection);
        if needs_amount && record.amount_minor == 0 {
            return Some(Reason::ZeroAmount);
        }
        (!carried && i64::from(service_day.0) < i64::from(self.clearing_day.0) - i64::from(limits.acceptance_days)).then_some(Reason::TooOld)
    }

    fn hold(&mut self, record: &Record, resolved: &Resolved) -> Option<Reason> {
        if record.time > self.future_from {
            return Some(Reason::InTheFuture);
        }
        let amount_minor = record.charged_minor.unwrap_or(record.amount_minor);
        let limit_minor = self.scheme.limits.amount_max_minor(record.kind, resolved.product);
        if record.amount_minor.max(amount_minor) > limit_minor {
            return Some(Reason::OverLimit);
        }
        if let (Some(before), Some(after)) = (record.balance_before_minor, record.balance_after_minor) {
            let credits = matches!(record.kind, RecordKind::Refund | RecordKind::Reversal | RecordKind::Disbursement);
            let moved = if credits { -i128::from(amount_minor) } else { i128::from(amount_minor) };
            if i128::from(before) - moved != i128::from(after) {
                return Some(Reason::BalanceMismatch);
            }
        }
        (!self.is_priced(record, resolved)).then_some(Reason::NoTariff)
    }

    /// Whether something can be booked for it: by the tariff, or by its original.
    fn is_priced(&mut self, record: &Record, resolved: &Resolved) -> bool {
        let version = self.version_on([self.scheme.clock.calendar_day(record.time), resolved.service_day]);
        waits_for_original(record.kind) || version.is_some_and(|version| version.prices(record.kind, resolved.mode, resolved.earner))
    }

    /// Judges a held record that a person has released: every doubt is overridden, but not that somebody pays, somebody earns,
    /// and there is a price.
    pub fn release(&mut self, record: &Record) -> Resolved {
        let mut resolved = self.resolve(record, true);
        let pays = matches!(self.party(resolved.issuer), Some(PartyKind::Bank | PartyKind::Network));
        if pays && self.party(resolved.earner).is_some() && self.is_priced(record, &resolved) {
            resolved.reason = Reason::Cleared;
            resolved.flags.set(Flags::RELEASED);
        }
        resolved
    }

    fn version_on(&mut self, days: [Day; 2]) -> Option<&'s Version> {
        if self.version.is_none_or(|(known, _)| known != days) {
            let [calendar_day, service_day] = days;
            let tariff = &self.scheme.tariff;
            self.version = tariff.versions.get(tariff.position_on(calendar_day, || service_day)).map(|version| (days, version));
        }
        self.version.map(|(_, version)| version)
    }

    fn party(&mut self, id: Symbol) -> Option<PartyKind> {
        let scheme = self.scheme;
        *slot(&mut self.parties, id).get_or_insert_with(|| scheme.party(id).map(|party| party.kind))
    }

    fn place(&mut self, location: Symbol) -> Place {
        let scheme = self.scheme;
        *slot(&mut self.places, location).get_or_insert_with(|| {
            let found = scheme.location(location);
            let venue = scheme.venue_of(location);
            Place {
                known: location.is_none() || found.is_some(),
                operator: found.map_or(Symbol::NONE, |found| found.operator),
                venue,
                payee: if venue.is_none() { Payee::Itself } else { scheme.payee(venue) },
            }
        })
    }
}

fn slot<T: Clone>(by_symbol: &mut Vec<Option<T>>, symbol: Symbol) -> &mut Option<T> {
    if by_symbol.len() <= symbol.index() {
        by_symbol.resize(symbol.index() + 1, None);
    }
    by_symbol.get_mut(symbol.index()).expect("the table was made long enough")
}
