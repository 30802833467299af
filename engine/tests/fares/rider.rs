//! A rider for table tests: taps are written as text times and places, and priced by the schemes of `replay-data/fares`.

use domain::{Day, Discount, EventTime, RecordKind, Symbol, SymbolTable};
use engine::price::{AccountState, Extras, Fare, Fold, Tap};
use engine::scheme::Scheme;
use std::path::Path;

pub struct City {
    pub scheme: Scheme,
    pub symbols: SymbolTable,
}

impl City {
    /// A scheme of `replay-data/fares`.
    pub fn bundled(name: &str) -> Self {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay-data/fares").join(name))
    }

    pub fn read(dir: &Path) -> Self {
        let symbols = SymbolTable::new();
        let scheme = Scheme::read(dir, &symbols).unwrap_or_else(|mistakes| panic!("{}: {mistakes:#?}", dir.display()));
        Self { scheme, symbols }
    }

    pub fn rider(&self) -> Rider<'_> {
        let tap = Tap { issuer: self.symbols.intern("bank-01"), ..Tap::blank(RecordKind::Boarding, EventTime(0), Day(0)) };
        Rider { city: self, state: AccountState::default(), tap, extras: None, fare: None }
    }

    /// `2026-03-02 07:30:00` on the scheme's clock.
    pub fn time(&self, text: &str) -> EventTime {
        let (date, time) = text.split_once(' ').expect("a date and a time");
        let day: Day = date.parse().expect("a date");
        let parts: Vec<i64> = time.split([':', '.']).map(|part| part.parse().expect("a number")).collect();
        let ms = match parts.as_slice() {
            [hours, minutes] => (hours * 60 + minutes) * 60_000,
            [hours, minutes, seconds] => ((hours * 60 + minutes) * 60 + seconds) * 1000,
            [hours, minutes, seconds, ms] => ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms,
            _ => panic!("{time} is not a time"),
        };
        self.scheme.clock.instant(day.start_local_ms() + ms)
    }
}

/// One account with its state, and what all its taps have in common.
pub struct Rider<'c> {
    pub city: &'c City,
    pub state: AccountState,
    tap: Tap,
    /// The last ride's.
    pub extras: Option<Box<Extras>>,
    pub fare: Option<Fare>,
}

impl<'c> Rider<'c> {
    pub fn class(mut self, name: &str) -> Self {
        self.tap.class = self.city.symbols.intern(name);
        self
    }

    pub fn medium(mut self, name: &str) -> Self {
        self.tap.medium = self.city.symbols.intern(name);
        self
    }

    pub fn issuer(mut self, name: &str) -> Self {
        self.tap.issuer = self.city.symbols.intern(name);
        self
    }

    pub fn born(mut self, date: &str) -> Self {
        self.tap.birth = Some(date.parse().expect("a date"));
        self
    }

    pub fn tap(&mut self, kind: RecordKind, time: &str, change: impl FnOnce(&mut Tap, &SymbolTable)) -> Option<Fare> {
        let time = self.city.time(time);
        let mut tap = Tap { kind, time, service_day: self.city.scheme.clock.service_day(time), ..self.tap };
        change(&mut tap, &self.city.symbols);
        tap.earner = tap.operator;
        let step = Fold::new(&self.city.scheme.tariff, &self.city.scheme.clock).next(&mut self.state, &tap);
        self.extras = step.extras;
        if step.fare.is_some() {
            self.fare = step.fare;
        }
        step.fare
    }

    /// A bus ride on a route (and a vehicle of the same name); what it costs.
    pub fn bus(&mut self, time: &str, route: &str) -> i64 {
        let fare = self.tap(RecordKind::Boarding, time, |tap, symbols| {
            tap.mode = symbols.intern("bus");
            tap.operator = symbols.intern("operator-01");
            tap.route = symbols.intern(route);
        });
        fare.expect("a bus ride has a price").charged_minor
    }

    /// A metro ride; what it costs.
    pub fn metro(&mut self, entry: (&str, &str), exit: (&str, &str)) -> i64 {
        let place = |place: &str| {
            let place = format!("station:{place}");
            move |tap: &mut Tap, symbols: &SymbolTable| {
                tap.mode = symbols.intern("metro");
                tap.operator = symbols.intern("operator-02");
                tap.location = symbols.intern(&place);
            }
        };
        self.tap(RecordKind::TapOn, entry.0, place(entry.1));
        self.tap(RecordKind::TapOff, exit.0, place(exit.1)).expect("a metro ride has a price").charged_minor
    }

    /// Who funds how much of the last ride.
    pub fn funded(&self) -> Vec<(String, i64)> {
        let discounts = self.fare.expect("a ride").discounts;
        let named = |part: &Discount| (self.city.symbols.text(part.funder).to_string(), part.amount_minor);
        discounts.iter().filter(|part| part.amount_minor != 0).map(named).collect()
    }

    /// Who gets how much of the last ride.
    pub fn parts(&self) -> Vec<(String, i64)> {
        let parts = self.extras.iter().flat_map(|extras| &extras.parts);
        parts.map(|part| (self.city.symbols.text(part.party).to_string(), part.amount_minor)).collect()
    }

    pub fn symbol(&self, name: &str) -> Symbol {
        self.city.symbols.intern(name)
    }
}
