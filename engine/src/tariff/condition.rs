//! Which rides a rule is for.
//!
//! What can be told from the record's kind, mode and operator alone is in the [`Scope`] and is worked out when the tariff is
//! read; the rest is a [`Condition`] and is asked per ride. An empty list is any.

use super::{Period, ZoneSet};
use crate::scheme::clock::LocalClock;
use domain::{Day, EventTime, RecordKind, Symbol};

#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub kinds: Vec<RecordKind>,
    pub modes: Vec<Symbol>,
    pub operators: Vec<Symbol>,
    pub condition: Condition,
}

impl Scope {
    #[must_use]
    pub fn covers(&self, kind: RecordKind, mode: Symbol, operator: Symbol) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.modes.is_empty() || self.modes.contains(&mode))
            && (self.operators.is_empty() || self.operators.contains(&operator))
    }
}

/// Which moment of a ride decides about periods and ages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deciding {
    /// The tap-on, or the only tap.
    #[default]
    Entry,
    /// The tap-off, or the only tap.
    Exit,
    /// Both of them.
    Both,
    /// Either of them.
    Either,
}

#[derive(Clone, Debug, Default)]
pub struct Condition {
    pub classes: Vec<Symbol>,
    pub not_classes: Vec<Symbol>,
    pub media: Vec<Symbol>,
    pub not_media: Vec<Symbol>,
    pub products: Vec<Symbol>,
    pub issuers: Vec<Symbol>,
    pub routes: Vec<Symbol>,
    pub not_routes: Vec<Symbol>,
    /// Where the ride began and ended.
    pub from: Vec<Symbol>,
    pub to: Vec<Symbol>,
    /// Completed years of life, both included. A rider whose date of birth is not known has no age.
    pub ages: Option<(i32, i32)>,
    /// The ride stays within these zones (one that has none does).
    pub zones: Option<ZoneSet>,
    /// The ride touches one of these zones.
    pub touches: Option<ZoneSet>,
    /// Positions of periods: in any of `when`, in none of `not_when`.
    pub when: Vec<usize>,
    pub not_when: Vec<usize>,
    /// The tap-off is in any of these, whichever tap decides about the others.
    pub exit_when: Vec<usize>,
    pub decided_by: Deciding,
    /// Whether the ride has both its ends.
    pub complete: Option<bool>,
    pub list_from_minor: Option<i64>,
    pub list_to_minor: Option<i64>,
    /// The kind of ticket that the list price is of.
    pub tickets: Vec<Symbol>,
}

/// What a condition may ask of a ride.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub class: Symbol,
    pub medium: Symbol,
    pub product: Symbol,
    pub issuer: Symbol,
    pub route: Symbol,
    pub from: Symbol,
    pub to: Symbol,
    pub birth: Option<Day>,
    pub entry: EventTime,
    pub exit: EventTime,
    pub zones: ZoneSet,
    pub list_minor: i64,
    /// Absent where neither the base rule nor its table names one.
    pub ticket: Symbol,
    pub complete: bool,
}

impl Condition {
    /// Whether it holds for every ride.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let words = [
            &self.tickets,
            &self.classes,
            &self.not_classes,
            &self.media,
            &self.not_media,
            &self.products,
            &self.issuers,
            &self.routes,
            &self.not_routes,
            &self.from,
            &self.to,
        ];
        words.iter().all(|list| list.is_empty())
            && self.ages.is_none()
            && self.zones.is_none()
            && self.touches.is_none()
            && self.when.is_empty()
            && self.not_when.is_empty()
            && self.exit_when.is_empty()
            && self.complete.is_none()
            && self.list_from_minor.is_none()
            && self.list_to_minor.is_none()
    }

    /// Whether it asks for the rider's class and nothing else, as most do.
    #[must_use]
    pub fn asks_class_only(&self) -> bool {
        !self.classes.is_empty() && Self { classes: Vec::new(), ..self.clone() }.is_empty()
    }

    #[must_use]
    pub fn holds(&self, facts: &Facts, periods: &[Period], clock: &LocalClock) -> bool {
        any_of(&self.classes, facts.class)
            && !self.not_classes.contains(&facts.class)
            && any_of(&self.media, facts.medium)
            && !self.not_media.contains(&facts.medium)
            && any_of(&self.products, facts.product)
            && any_of(&self.issuers, facts.issuer)
            && any_of(&self.routes, facts.route)
            && !self.not_routes.contains(&facts.route)
            && any_of(&self.from, facts.from)
            && any_of(&self.to, facts.to)
            && any_of(&self.tickets, facts.ticket)
            && self.zones.is_none_or(|zones| facts.zones.is_within(zones))
            && self.touches.is_none_or(|zones| facts.zones.meets(zones))
            && self.complete.is_none_or(|complete| complete == facts.complete)
            && self.list_from_minor.is_none_or(|from| from <= facts.list_minor)
            && self.list_to_minor.is_none_or(|to| facts.list_minor <= to)
            && (self.ages.is_none() || self.in_moments(facts, |time| self.is_of_age(facts.birth, clock.calendar_day(time))))
            && (self.when.is_empty() || self.in_moments(facts, |time| in_any(&self.when, periods, time, clock)))
            && (self.not_when.is_empty() || self.in_moments(facts, |time| !in_any(&self.not_when, periods, time, clock)))
            && (self.exit_when.is_empty() || in_any(&self.exit_when, periods, facts.exit, clock))
    }

    /// The key of the first part that does not hold; none where all do. Says what [`Condition::holds`] answers in one go.
    #[must_use]
    pub fn unmet(&self, facts: &Facts, periods: &[Period], clock: &LocalClock) -> Option<&'static str> {
        let parts: [(&str, Self); 20] = [
            ("classes", Self { classes: self.classes.clone(), ..Self::default() }),
            ("not_classes", Self { not_classes: self.not_classes.clone(), ..Self::default() }),
            ("media", Self { media: self.media.clone(), ..Self::default() }),
            ("not_media", Self { not_media: self.not_media.clone(), ..Self::default() }),
            ("products", Self { products: self.products.clone(), ..Self::default() }),
            ("issuers", Self { issuers: self.issuers.clone(), ..Self::default() }),
            ("routes", Self { routes: self.routes.clone(), ..Self::default() }),
            ("not_routes", Self { not_routes: self.not_routes.clone(), ..Self::default() }),
            ("from_places", Self { from: self.from.clone(), ..Self::default() }),
            ("to_places", Self { to: self.to.clone(), ..Self::default() }),
            ("tickets", Self { tickets: self.tickets.clone(), ..Self::default() }),
            ("zones", Self { zones: self.zones, ..Self::default() }),
            ("touches_zones", Self { touches: self.touches, ..Self::default() }),
            ("complete", Self { complete: self.complete, ..Self::default() }),
            ("list_from_minor", Self { list_from_minor: self.list_from_minor, ..Self::default() }),
            ("list_to_minor", Self { list_to_minor: self.list_to_minor, ..Self::default() }),
            ("ages", Self { ages: self.ages, decided_by: self.decided_by, ..Self::default() }),
            ("when", Self { when: self.when.clone(), decided_by: self.decided_by, ..Self::default() }),
            ("not_when", Self { not_when: self.not_when.clone(), decided_by: self.decided_by, ..Self::default() }),
            ("exit_when", Self { exit_when: self.exit_when.clone(), ..Self::default() }),
        ];
        parts.into_iter().find(|(_, part)| !part.holds(facts, periods, clock)).map(|(key, _)| key)
    }

    fn in_moments(&self, facts: &Facts, holds: impl Fn(EventTime) -> bool) -> bool {
        match self.decided_by {
            Deciding::Entry => holds(facts.entry),
            Deciding::Exit => holds(facts.exit),
            Deciding::Both => holds(facts.entry) && holds(facts.exit),
            Deciding::Either => holds(facts.entry) || holds(facts.exit),
        }
    }

    fn is_of_age(&self, birth: Option<Day>, day: Day) -> bool {
        match (self.ages, birth) {
            (Some((youngest, oldest)), Some(birth)) => (youngest..=oldest).contains(&birth.years_until(day)),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }
}

fn any_of(list: &[Symbol], word: Symbol) -> bool {
    list.is_empty() || list.contains(&word)
}

fn in_any(wanted: &[usize], periods: &[Period], time: EventTime, clock: &LocalClock) -> bool {
    wanted.iter().filter_map(|&at| periods.get(at)).any(|period| period.has(time, clock))
}
