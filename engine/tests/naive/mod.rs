//! A naive judge of prices: from scratch, over the whole history of a card, with code that is meant to be read.
//!
//! It takes the rules as the tariff's files say them and shares nothing else with the fold: no plan, no counters, no state. To
//! price a ride it looks through all rides before it. It is slow and obvious, and the fold must agree with it to the unit.

pub mod asks;
pub mod fraction;
pub mod pools;
pub mod rides;
pub mod rules;

use domain::{Day, EventTime, Flags, RecordKind, Symbol};
use engine::price::{Fare, Tap};
use engine::scheme::clock::LocalClock;
use engine::tariff::{Adjust, Base, BasePrice, Facts, StationPrice, Tariff, Version};
use fraction::Fraction;
use std::collections::BTreeMap;

/// What happens to a card, in the order in which it is priced.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    Tap(Tap),
    /// The end of a clearing day: journeys open for too long are given up.
    DayEnd(EventTime),
    /// The same for a rider without a card, whose journey nothing can end.
    Never,
}

/// A ride, and which event decided it: the position of the tap that got the price.
#[derive(Clone, Debug)]
pub struct Priced {
    pub tap: usize,
    /// The event that led to it: another one where a later tap or a day's end gave the journey up.
    #[allow(dead_code, reason = "one of the two programs that share this judge compares it")]
    pub by: usize,
    pub fare: Fare,
    /// What it wants of budgets, in the order of its rules.
    pub claims: Vec<rules::Claimed>,
    /// Who gets how much of it, where it is not simply its earner's.
    #[allow(dead_code, reason = "one of the programs that share this judge compares it")]
    pub parts: Option<BTreeMap<Symbol, i64>>,
}

/// A ride that has been priced, with all that later rides may ask of it.
#[derive(Clone, Debug)]
pub struct Done {
    pub tap: Tap,
    pub facts: Facts,
    pub service_day: Day,
    pub length: Option<i64>,
    pub list_minor: i64,
    pub charged_minor: i64,
    /// The share that covered it.
    pub share: Option<String>,
    /// What the rider pays before incentives.
    pub settled_minor: i64,
    /// Whether a transfer rule applied to it.
    pub was_transfer: bool,
    /// Where it ended; absent where that is not known.
    pub end: Symbol,
    /// By rule name, for rules that were asked.
    pub marks: BTreeMap<String, Mark>,
}

/// What a rule that was asked made of a ride.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub applied: bool,
    /// For caps, what was let through; for incentives, what was given.
    pub counted_minor: i64,
    pub place: Place,
    /// The instants from which a run that the ride opened, or a window that it moved, counts.
    pub first_ms: i64,
    pub last_ms: Option<i64>,
    /// What all legs up to this one were due by distance.
    pub due_minor: i64,
    /// The base rule that made it, or that shall.
    pub rule: Symbol,
}

/// A record that some purse may be filled or emptied by.
pub struct Bought {
    /// After so many rides.
    pub after: usize,
    /// The base rule's name, for each version that counts by it.
    pub base: String,
    pub version: Day,
}

/// A ride's place in a transfer rule's runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Alone,
    Opens,
    Joins,
}

pub struct Naive<'t> {
    pub tariff: &'t Tariff,
    pub clock: &'t LocalClock,
}

/// A journey that waits for its tap-off: the tap-on's position.
#[derive(Clone, Copy)]
struct Waiting {
    at: usize,
    tap: Tap,
    open_ms: i64,
    no_tap_off_minor: i64,
}

/// A habit: from, to, times, last day.
type Habit = (Symbol, Symbol, u32, Day);

#[derive(Default)]
struct Story {
    done: Vec<Done>,
    bought: Vec<Bought>,
    waiting: Option<Waiting>,
    habits: Vec<Habit>,
    completed: Option<Day>,
}

impl Naive<'_> {
    /// Prices everything that happened.
    pub fn price(&self, events: &[Event]) -> Vec<Priced> {
        let mut story = Story::default();
        let mut rides = Vec::new();
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Tap(tap) => self.tap(at, tap, &mut story, &mut rides),
                Event::DayEnd(end) => {
                    if let Some(waiting) = story.waiting.filter(|waiting| end.0 - waiting.tap.time.0 >= waiting.open_ms) {
                        story.waiting = None;
                        self.give_up(at, waiting, &mut story, &mut rides);
                    }
                }
                Event::Never => {
                    if let Some(waiting) = story.waiting.take() {
                        self.give_up(at, waiting, &mut story, &mut rides);
                    }
                }
            }
        }
        rides
    }

    pub fn version_at(&self, time: EventTime) -> &Version {
        let calendar_day = self.clock.calendar_day(time);
        let service_day = self.clock.calendar_day(EventTime(time.0 - self.clock.cutoff_ms()));
        let mut found = &self.tariff.versions[0];
        for version in &self.tariff.versions {
            let day = if version.by_service_day { service_day } else { calendar_day };
            if version.from <= day {
                found = version;
            }
        }
        found
    }

    fn tap(&self, at: usize, tap: &Tap, story: &mut Story, rides: &mut Vec<Priced>) {
        let version = self.version_at(tap.time);
        let facts = facts_of(tap);
        let Some(base) = self.base(version, tap, &facts) else { return };
        let facts = Facts { ticket: base.ticket, ..facts };
        story.bought.push(Bought { after: story.done.len(), base: base.name.clone(), version: version.from });
        let mut flags = Flags::RIDE;
        match (&base.price, tap.kind) {
            (BasePrice::Stations(price), RecordKind::TapOn) => {
                if let Some(waiting) = story.waiting.take() {
                    self.give_up(at, waiting, story, rides);
                }
                story.waiting = Some(Waiting { at, tap: *tap, open_ms: price.open_ms, no_tap_off_minor: price.no_tap_off_minor });
            }
            (BasePrice::Stations(price), RecordKind::TapOff) => self.tap_off(at, tap, (base.ticket, price), story, rides),
            (BasePrice::Nothing, _) | (BasePrice::Free, RecordKind::TapOn) => {}
            (BasePrice::Free, _) => {
                rides.push(Priced { tap: at, by: at, fare: Fare { service_day: tap.service_day, flags, ..Fare::default() }, claims: Vec::new(), parts: None });
            }
            (BasePrice::Flat { amount_minor }, _) => {
                let ride = rides::Ride { facts: Facts { list_minor: *amount_minor, ..facts }, ..rides::Ride::new(tap, flags) };
                self.finish(at, at, version, ride, story, rides);
            }
            (BasePrice::Stations(price), _) => {
                let ride = rides::between(tap, price, facts, flags);
                self.finish(at, at, version, ride, story, rides);
            }
            (BasePrice::Stated { funder, audit }, _) => {
                let own_minor = audit.map(|audit| match audit {
                    engine::tariff::Audit::Amount { minor } => minor,
                    engine::tariff::Audit::Rule { at } => match &version.base[at].price {
                        BasePrice::Flat { amount_minor } => *amount_minor,
                        BasePrice::Stations(price) => rides::between(tap, price, facts, flags).facts.list_minor,
                        other => panic!("{other:?} has no price to audit by"),
                    },
                });
                if own_minor.is_some_and(|own| own != tap.amount_minor) || tap.charged_minor > Some(tap.amount_minor) {
                    flags.set(Flags::VARIANCE);
                }
                if let Some(charged_minor) = tap.charged_minor {
                    let mut fare = Fare { service_day: tap.service_day, list_minor: tap.amount_minor, charged_minor, flags, ..Fare::default() };
                    if charged_minor != tap.amount_minor {
                        fare.discounts[0] = domain::Discount { funder: rules::party(*funder, tap), amount_minor: tap.amount_minor - charged_minor };
                    }
                    rides.push(Priced { tap: at, by: at, fare, claims: Vec::new(), parts: None });
                    return;
                }
                let ride = rides::Ride { facts: Facts { list_minor: tap.amount_minor, ..facts }, ..rides::Ride::new(tap, flags) };
                self.finish(at, at, version, ride, story, rides);
            }
        }
    }

    /// The first base rule that is for such a record and whose conditions hold.
    fn base<'v>(&self, version: &'v Version, tap: &Tap, facts: &Facts) -> Option<&'v Base> {
        version.base.iter().find(|base| asks::covers(&base.scope, tap) && asks::holds(&base.scope.condition, facts, version, self.clock))
    }

    fn tap_off(&self, at: usize, tap: &Tap, (ticket_now, price_now): (Symbol, &StationPrice), story: &mut Story, rides: &mut Vec<Priced>) {
        if let Some(waiting) = story.waiting
            && price_now.journey_max_ms.is_some_and(|max| tap.time.0 - waiting.tap.time.0 > max)
        {
            story.waiting = None;
            self.give_up(at, waiting, story, rides);
        }
        let Some(waiting) = story.waiting.take() else {
            let version = self.version_at(tap.time);
            let flags = Flags::RIDE.with(Flags::NO_TAP_ON);
            let facts = Facts { complete: false, ticket: ticket_now, ..facts_of(tap) };
            let habit = story.missing(price_now, None, Some(tap.location), tap.service_day);
            let ride = match habit {
                Some(from) => rides::between(tap, price_now, Facts { from, ..facts }, flags),
                None => rides::Ride {
                    incomplete: Some(price_now.incomplete),
                    facts: Facts { list_minor: price_now.no_tap_on_minor, zones: rides::anywhere(price_now), ..facts },
                    ..rides::Ride::new(tap, flags)
                },
            };
            return self.finish(at, at, version, ride, story, rides);
        };
        let version = self.version_at(waiting.tap.time);
        let facts = Facts { from: waiting.tap.location, entry: waiting.tap.time, ..facts_of(tap) };
        let (ticket, price) = match self.base(version, tap, &facts).map(|base| (base.ticket, &base.price)) {
            Some((ticket, BasePrice::Stations(price))) => (ticket, &**price),
            _ => (ticket_now, price_now),
        };
        let facts = Facts { ticket, ..facts };
        let mut ride = rides::between(tap, price, facts, Flags::RIDE);
        ride.service_day = waiting.tap.service_day;
        if let Some(overstay) = price.overstay
            && tap.time.0 - waiting.tap.time.0 > overstay.after_ms
        {
            ride.flags.set(Flags::OVERSTAY);
            ride.outside_minor = overstay.amount_minor;
            if overstay.instead {
                ride.facts.list_minor = 0;
            }
        }
        if price.completion.is_some() {
            story.keep(waiting.tap.location, tap.location, waiting.tap.service_day);
        }
        self.finish(at, at, version, ride, story, rides);
    }

    fn give_up(&self, by: usize, waiting: Waiting, story: &mut Story, rides: &mut Vec<Priced>) {
        let tap = waiting.tap;
        let version = self.version_at(tap.time);
        let facts = Facts { complete: false, ..facts_of(&tap) };
        let flags = Flags::RIDE.with(Flags::NO_TAP_OFF);
        let base = self.base(version, &tap, &facts);
        let facts = Facts { ticket: base.map_or(Symbol::NONE, |base| base.ticket), ..facts };
        let price = match base.map(|base| &base.price) {
            Some(BasePrice::Stations(price)) => Some(price),
            _ => None,
        };
        let habit = price.and_then(|price| story.missing(price, Some(tap.location), None, tap.service_day));
        let ride = match (habit, price) {
            (Some(to), Some(price)) => rides::between(&tap, price, Facts { to, ..facts }, flags),
            _ => rides::Ride {
                incomplete: price.map(|price| price.incomplete),
                facts: Facts { list_minor: waiting.no_tap_off_minor, zones: price.map(|price| rides::anywhere(price)).unwrap_or_default(), ..facts },
                ..rides::Ride::new(&tap, flags)
            },
        };
        self.finish(waiting.at, by, version, ride, story, rides);
    }

    fn finish(&self, tap: usize, by: usize, version: &Version, ride: rides::Ride, story: &mut Story, rides: &mut Vec<Priced>) {
        let (fare, mut done, claims) = rules::price(self, version, &ride, (&story.done, &story.bought));
        let share = pools::share_of(self.clock, version, &ride);
        if let Some(done) = &mut done {
            done.share = share.map(|share| share.name.clone());
        }
        let parts = share.and_then(|share| pools::parts(self.tariff, version, share, &ride, &fare, done.as_ref(), &story.done));
        story.done.extend(done);
        rides.push(Priced { tap, by, fare, claims, parts });
    }
}

impl Story {
    /// The missing end of a journey by habit.
    fn missing(&mut self, price: &StationPrice, from: Option<Symbol>, to: Option<Symbol>, day: Day) -> Option<Symbol> {
        let rule = price.completion?;
        if self.completed.is_some_and(|last| day.0 < last.0 + rule.days) {
            return None;
        }
        let mut best: Option<Habit> = None;
        for &habit in &self.habits {
            let fits = from.is_none_or(|from| from == habit.0) && to.is_none_or(|to| to == habit.1) && habit.2 >= rule.rides_min;
            if fits && best.is_none_or(|best| (habit.2, habit.3) > (best.2, best.3)) {
                best = Some(habit);
            }
        }
        let best = best?;
        self.completed = Some(day);
        Some(if from.is_some() { best.1 } else { best.0 })
    }

    fn keep(&mut self, from: Symbol, to: Symbol, day: Day) {
        if let Some(habit) = self.habits.iter_mut().find(|habit| (habit.0, habit.1) == (from, to)) {
            habit.2 += 1;
            habit.3 = habit.3.max(day);
            return;
        }
        if self.habits.len() == 8 {
            let oldest = (0..8).min_by_key(|&at| (self.habits[at].3, self.habits[at].2, at)).expect("eight");
            self.habits.remove(oldest);
        }
        self.habits.push((from, to, 1, day));
    }
}

/// What a tap alone says.
pub fn facts_of(tap: &Tap) -> Facts {
    Facts {
        class: tap.class,
        medium: tap.medium,
        product: tap.product,
        issuer: tap.issuer,
        route: tap.route,
        from: if tap.from.is_none() { tap.location } else { tap.from },
        to: tap.location,
        birth: tap.birth,
        entry: tap.time,
        exit: tap.time,
        zones: engine::tariff::ZoneSet::default(),
        list_minor: 0,
        ticket: Symbol::NONE,
        complete: true,
    }
}

/// Whether an adjustment is a cap.
pub fn is_cap(adjust: &Adjust) -> bool {
    matches!(adjust.rule, engine::tariff::AdjustRule::Cap(_))
}

/// A rate as a fraction.
pub fn fraction(rate: engine::tariff::Rate) -> Fraction {
    Fraction::new(i128::from(rate.numerator), i128::from(rate.denominator))
}
