//! One account folded from its beginning, telling how each of its prices came about.
//!
//! The same fold as the close's, over records that closed days cleared, or that somebody typed. Pure: stores nothing, and
//! says what a price is made of, not whether it was booked. Its cost is that of the account's own history.

use crate::close::event::{Resolved, id_halves};
use crate::close::judge::Judge;
use crate::price::{Abandoned, AccountState, Claim, Extras, Fare, Fold, Part, RideTold, Tap, Told};
use crate::scheme::Scheme;
use domain::text::shorter_first;
use domain::{Day, EventTime, Record, Symbol, SymbolTable};
use std::cmp::Ordering;

/// A record with what authentication and the registry say of it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub record: Record,
    pub resolved: Resolved,
    pub medium: Symbol,
    pub birth: Option<Day>,
}

impl Known {
    /// What the scheme knows of a record that the clearing day takes in.
    #[must_use]
    pub fn of(record: &Record, scheme: &Scheme, clearing_day: Day) -> Self {
        let resolved = Judge::new(scheme, clearing_day).resolve(record, true);
        let card = if record.card.is_empty() { None } else { scheme.card(&record.card) };
        let registered = card.filter(|_| scheme.tariff.asks_registry);
        let medium = if record.medium.is_none() { registered.map_or(Symbol::NONE, |card| card.medium) } else { record.medium };
        Self { record: *record, resolved, medium, birth: registered.and_then(|card| card.birth_date) }
    }

    fn tap(&self, key: u32) -> Tap {
        let Self { record, resolved, medium, birth } = self;
        Tap {
            key: Some(key),
            id_kind: record.id_kind,
            id: id_halves(record),
            terminal: record.terminal,
            mode: resolved.mode,
            operator: resolved.earner,
            issuer: resolved.issuer,
            earner: resolved.earner,
            class: resolved.class,
            medium: *medium,
            product: resolved.product,
            location: record.location,
            from: record.from,
            route: record.route,
            vehicle: record.vehicle,
            birth: *birth,
            amount_minor: record.amount_minor,
            charged_minor: record.charged_minor,
            ..Tap::blank(record.kind, record.time, resolved.service_day)
        }
    }
}

/// A ride, and how it got its price.
#[derive(Clone, Debug)]
pub struct Ride {
    /// The position of the record that decides it.
    pub at: usize,
    /// The position of the tap-on that it ends.
    pub entry: Option<usize>,
    /// As if all that it claims of budgets were granted.
    pub fare: Fare,
    pub claims: Vec<Claim>,
    /// Who gets how much of it, where it is not its earner's alone.
    pub parts: Vec<Part>,
    pub told: RideTold,
}

/// What folding an account comes to.
#[derive(Debug, Default)]
pub struct Account {
    /// In the order in which they were decided.
    pub rides: Vec<Ride>,
    pub state: AccountState,
}

/// Folds one account's records, which are in event order. `ends` are the ends of the clearing days that closed, rising: what
/// stays open too long is given up there.
#[must_use]
pub fn fold(scheme: &Scheme, records: &[Known], ends: &[EventTime]) -> Account {
    fold_from(AccountState::default(), scheme, records, ends)
}

/// The same from what earlier records have left. A journey that one of those began is priced, and is no ride of these records
/// where it is given up.
#[must_use]
pub fn fold_from(state: AccountState, scheme: &Scheme, records: &[Known], ends: &[EventTime]) -> Account {
    let pricing = Fold::new(&scheme.tariff, &scheme.clock);
    let mut account = Account { rides: Vec::new(), state };
    let mut ends = ends.iter().peekable();
    for (at, (known, key)) in records.iter().zip(0u32..).enumerate() {
        while let Some(end) = ends.next_if(|end| **end <= known.record.time) {
            account.close_day(pricing, *end);
        }
        let mut told = Told::default();
        let open = account.state.open.as_ref().and_then(|open| open.tap.key);
        let step = pricing.next_told(&mut account.state, &known.tap(key), &mut told);
        let mut told = told.rides.into_iter();
        // The journey that it gives up is not the one that it ends.
        let entry = if step.abandoned.is_some() { None } else { open };
        if let Some(abandoned) = step.abandoned {
            account.put(*abandoned, told.next());
        }
        if let Some(fare) = step.fare {
            let entry = entry.filter(|_| known.record.kind == domain::RecordKind::TapOff).map(|key| key as usize);
            let Extras { claims, parts } = step.extras.map(|extras| *extras).unwrap_or_default();
            account.rides.push(Ride { at, entry, fare, claims, parts, told: told.next().unwrap_or_default() });
        }
    }
    for end in ends {
        account.close_day(pricing, *end);
    }
    account
}

impl Account {
    /// The end of a clearing day.
    fn close_day(&mut self, pricing: Fold<'_>, end: EventTime) {
        let mut told = Told::default();
        if let Some(abandoned) = pricing.close_day_told(&mut self.state, end, &mut told) {
            self.put(abandoned, told.rides.pop());
        }
    }

    /// Gives up a journey that still waits for its end; the instant at which that is due.
    pub fn give_up(&mut self, scheme: &Scheme) -> Option<EventTime> {
        let open = self.state.open.as_ref()?;
        let due = open.due();
        self.close_day(Fold::new(&scheme.tariff, &scheme.clock), due);
        Some(due)
    }

    fn put(&mut self, abandoned: Abandoned, told: Option<RideTold>) {
        let Some(at) = abandoned.open.tap.key.map(|key| key as usize) else { return };
        let Extras { claims, parts } = abandoned.extras.map(|extras| *extras).unwrap_or_default();
        self.rides.push(Ride { at, entry: None, fare: abandoned.fare, claims, parts, told: told.unwrap_or_default() });
    }
}

/// The event order of an account's records.
#[must_use]
pub fn event_order(a: &Record, b: &Record, symbols: &SymbolTable) -> Ordering {
    let terminals = || shorter_first(symbols.text(a.terminal).as_bytes(), symbols.text(b.terminal).as_bytes());
    let id = |record: &Record| {
        let [high, low] = id_halves(record);
        (low, high, record.id_kind, record.card)
    };
    a.time.cmp(&b.time).then_with(terminals).then_with(|| id(a).cmp(&id(b)))
}
