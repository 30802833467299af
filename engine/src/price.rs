//! Price is a fold: one account's taps in event order, each stepping the account's state and maybe ending a ride.
//!
//! Pure: no clock, no I/O, no memory of other accounts. The same taps in the same order from the same state always give
//! the same fares. Every fare adds up: list price = charge + discounts.

mod adjusted;
mod amount;
mod claim;
mod count;
mod habit;
mod journey;
mod pool;
mod reductions;
mod ride;
mod state;
mod told;
mod transfer;

pub use amount::Amount;
pub use claim::{Claim, Grant, grant};
pub use pool::Part;
pub use state::{AccountState, Counter, Habit, Leg, OpenTap, Pool, Rare, Run};
pub use told::{Line, Passed, Recorder, RideTold, Silent, Told};

use crate::scheme::clock::LocalClock;
use crate::tariff::{Audit, Base, BasePrice, Facts, Funder, Rules, Span, Tariff, Version};
use domain::decision::FUNDERS_MAX;
use domain::{Day, Discount, EventTime, Flags, IdKind, RecordId, RecordKind, Symbol};
use journey::between;
use ride::Ride;

/// What the fold needs to know of a record.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// The caller's place for the record in this close: given back when a later tap decides its journey. `None` for a
    /// tap-on that an earlier close took in.
    pub key: Option<u32>,
    pub id_kind: IdKind,
    /// Epoch and sequence, or the 128 bits of the id.
    pub id: [u64; 2],
    pub terminal: Symbol,
    pub kind: RecordKind,
    pub time: EventTime,
    pub service_day: Day,
    pub mode: Symbol,
    /// As the record says it: rules are scoped by it.
    pub operator: Symbol,
    pub issuer: Symbol,
    pub earner: Symbol,
    pub class: Symbol,
    pub medium: Symbol,
    /// What it is booked under.
    pub product: Symbol,
    pub location: Symbol,
    /// Where a journey began that is one record.
    pub from: Symbol,
    pub route: Symbol,
    pub vehicle: Symbol,
    /// The rider's date of birth, where the card registry has it.
    pub birth: Option<Day>,
    pub amount_minor: i64,
    pub charged_minor: Option<i64>,
}

impl Tap {
    /// The record that it is of.
    #[must_use]
    pub fn record_id(&self) -> RecordId {
        RecordId::of(self.id_kind, self.terminal, self.id)
    }

    /// A tap of which nothing but its kind and time is known.
    #[must_use]
    pub const fn blank(kind: RecordKind, time: EventTime, service_day: Day) -> Self {
        Self {
            key: None,
            id_kind: IdKind::Sequence,
            id: [0; 2],
            terminal: Symbol::NONE,
            kind,
            time,
            service_day,
            mode: Symbol::NONE,
            operator: Symbol::NONE,
            issuer: Symbol::NONE,
            earner: Symbol::NONE,
            class: Symbol::NONE,
            medium: Symbol::NONE,
            product: Symbol::NONE,
            location: Symbol::NONE,
            from: Symbol::NONE,
            route: Symbol::NONE,
            vehicle: Symbol::NONE,
            birth: None,
            amount_minor: 0,
            charged_minor: None,
        }
    }
}

/// What a ride costs and who pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fare {
    pub service_day: Day,
    pub list_minor: i64,
    pub charged_minor: i64,
    pub discounts: [Discount; FUNDERS_MAX],
    pub flags: Flags,
}

/// What few rides have: claims on budgets, and a sharing among operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    pub claims: Vec<Claim>,
    /// Where not all that the ride brings is its earner's: who gets how much of it. They sum to what it brings; an earlier
    /// ride's earner may give something back.
    pub parts: Vec<Part>,
}

/// What one tap led to.
#[derive(Debug, Default)]
pub struct Step {
    /// The ride that this tap ends.
    pub fare: Option<Fare>,
    pub extras: Option<Box<Extras>>,
    /// An earlier tap-on whose journey is given up by this tap.
    pub abandoned: Option<Box<Abandoned>>,
}

/// A tap-on that has become a ride without a tap-off.
#[derive(Debug)]
pub struct Abandoned {
    pub open: OpenTap,
    pub fare: Fare,
    pub extras: Option<Box<Extras>>,
}

/// The fold of one tariff. Copies are free.
#[derive(Clone, Copy)]
pub struct Fold<'t> {
    pub tariff: &'t Tariff,
    pub clock: &'t LocalClock,
}

impl<'t> Fold<'t> {
    #[must_use]
    pub const fn new(tariff: &'t Tariff, clock: &'t LocalClock) -> Self {
        Self { tariff, clock }
    }

    /// One step.
    pub fn next(&self, state: &mut AccountState, tap: &Tap) -> Step {
        self.next_told(state, tap, &mut Silent)
    }

    /// At the end of a clearing day: a tap-on that has been open too long is a ride without a tap-off.
    pub fn close_day(&self, state: &mut AccountState, day_end: EventTime) -> Option<Abandoned> {
        self.close_day_told(state, day_end, &mut Silent)
    }

    /// One step, telling a recorder what made the price.
    pub fn next_told<R: Recorder>(&self, state: &mut AccountState, tap: &Tap, recorder: &mut R) -> Step {
        let Some(version) = self.version_at(tap.time) else { return Step::default() };
        let rules = version.plan.rules(tap.kind, tap.mode, tap.operator);
        // It is filled in where it lies: what is written in small pieces and then moved is waited for.
        let mut ride = Ride::of(tap);
        let Some(base) = self.base(version, rules, &ride.facts) else { return Step::default() };
        base.fills.iter().for_each(|fill| state.fill(*fill));
        let list_minor = match (&base.price, tap.kind) {
            (BasePrice::Stations(price), RecordKind::TapOn) => {
                let abandoned = state.end_wait().map(|open| Box::new(self.give_up(state, *open, recorder)));
                state.wait(OpenTap { tap: *tap, no_tap_off_minor: price.no_tap_off_minor, open_ms: price.open_ms });
                return Step { abandoned, ..Step::default() };
            }
            (BasePrice::Stations(price), RecordKind::TapOff) => return self.tap_off(state, &mut ride, (base, price), (version, rules), recorder),
            (BasePrice::Stations(price), _) => {
                ride.facts.ticket = base.ticket;
                between(&mut ride, price)
            }
            (BasePrice::Nothing, _) | (BasePrice::Free, RecordKind::TapOn) => return Step::default(),
            (BasePrice::Free, _) => {
                recorder.base(&base.name, 0);
                let fare = Fare { service_day: tap.service_day, flags: Flags::RIDE, ..Fare::default() };
                return Step { fare: Some(fare), ..Step::default() };
            }
            (BasePrice::Flat { amount_minor }, _) => {
                ride.facts.ticket = base.ticket;
                *amount_minor
            }
            (BasePrice::Stated { funder, audit }, _) => {
                ride.facts.ticket = base.ticket;
                let more = tap.charged_minor.is_some_and(|charged_minor| charged_minor > tap.amount_minor);
                if more || audit.is_some_and(|audit| audited_minor(version, audit, &ride) != Some(tap.amount_minor)) {
                    ride.flags.set(Flags::VARIANCE);
                }
                if let Some(charged_minor) = tap.charged_minor {
                    recorder.base(&base.name, tap.amount_minor);
                    recorder.stated(*funder, charged_minor);
                    return Step { fare: Some(stated(tap, charged_minor, party_of(*funder, tap), ride.flags)), ..Step::default() };
                }
                tap.amount_minor
            }
        };
        recorder.base(&base.name, list_minor);
        ride.facts.list_minor = list_minor;
        self.adjusted(state, version, rules, &ride, recorder)
    }

    /// The end of a clearing day, telling a recorder what made the price.
    pub fn close_day_told<R: Recorder>(&self, state: &mut AccountState, day_end: EventTime, recorder: &mut R) -> Option<Abandoned> {
        let due = state.open.as_ref().is_some_and(|open| day_end.0 - open.tap.time.0 >= open.open_ms);
        let open = if due { state.end_wait() } else { None }?;
        Some(self.give_up(state, *open, recorder))
    }

    /// Forgets what no record from a service day on can need.
    pub fn forget_before(&self, state: &mut AccountState, day: Day, time: EventTime) {
        state.forget_before(day, time, |slot| self.span_of(slot));
    }

    /// Over how long the rule with a slot counts; the longest, where versions differ.
    fn span_of(&self, slot: u16) -> Option<Span> {
        self.tariff.spans.get(usize::from(slot)).copied()
    }

    /// The tariff in force at a tap: it changes at midnight, or with the service day where it says so.
    fn version_at(&self, time: EventTime) -> Option<&'t Version> {
        self.tariff.version_at(time, self.clock)
    }

    /// The first base rule whose conditions hold.
    fn base(&self, version: &'t Version, rules: &Rules, facts: &Facts) -> Option<&'t Base> {
        let mut bases = rules.bases.iter().filter_map(|&at| version.base.get(usize::from(at)));
        bases.find(|base| base.for_all || base.scope.condition.holds(facts, &version.periods, self.clock))
    }
}

/// What the tariff itself makes of a record whose price the terminal states.
fn audited_minor(version: &Version, audit: Audit, ride: &Ride<'_>) -> Option<i64> {
    match audit {
        Audit::Amount { minor } => Some(minor),
        Audit::Rule { at } => match &version.base.get(at)?.price {
            BasePrice::Flat { amount_minor } => Some(*amount_minor),
            BasePrice::Stations(price) => Some(between(&mut ride.clone(), price)),
            BasePrice::Stated { .. } | BasePrice::Free | BasePrice::Nothing => None,
        },
    }
}

/// The terminal's own price: what it did not charge is a discount.
fn stated(tap: &Tap, charged_minor: i64, funder: Symbol, flags: Flags) -> Fare {
    let mut discounts = [Discount::default(); FUNDERS_MAX];
    if charged_minor != tap.amount_minor
        && let Some(first) = discounts.first_mut()
    {
        *first = Discount { funder, amount_minor: tap.amount_minor - charged_minor };
    }
    Fare { service_day: tap.service_day, list_minor: tap.amount_minor, charged_minor, discounts, flags }
}

fn party_of(funder: Funder, tap: &Tap) -> Symbol {
    match funder {
        Funder::Earner => tap.earner,
        Funder::Issuer => tap.issuer,
        Funder::Party(party) => party,
    }
}
