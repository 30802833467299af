//! Price is a fold: one account's taps in event order, each stepping the account's state and maybe ending a ride.
//!
//! Pure: no clock, no I/O, no memory of other accounts. The same taps in the same order from the same state always give
//! the same fares. Every fare adds up: list price = charge + discounts.

mod state;

pub use state::{AccountState, OpenTap, Run, Spent};

use crate::tariff::{Adjust, AdjustRule, Base, BasePrice, Funder, StationPrice, Version};
use domain::decision::FUNDERS_MAX;
use domain::{Day, Discount, EventTime, Flags, IdKind, RecordKind, Symbol, split};

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
    pub location: Symbol,
    pub amount_minor: i64,
    pub charged_minor: Option<i64>,
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

/// What one tap led to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// The ride that this tap ends.
    pub fare: Option<Fare>,
    /// An earlier tap-on whose journey is given up by this tap.
    pub abandoned: Option<(OpenTap, Fare)>,
}

/// One step of the fold. `version` is the tariff in force at this tap; `version_at` finds the one of an earlier tap-on.
pub fn next<'t>(state: &mut AccountState, tap: &Tap, version: &'t Version, version_at: impl Fn(EventTime) -> Option<&'t Version>) -> Step {
    let Some(base) = version.base_for(tap.kind, tap.mode, tap.operator) else {
        return Step::default();
    };
    match (&base.price, tap.kind) {
        (BasePrice::Matrix(stations), RecordKind::TapOn) => {
            let abandoned = state.open.take().map(|open| (open, give_up(state, &open, &version_at)));
            state.open = Some(OpenTap { tap: *tap, no_tap_off_minor: stations.no_tap_off_minor, open_ms: stations.open_ms });
            Step { fare: None, abandoned }
        }
        (BasePrice::Matrix(stations), _) => Step { fare: Some(tap_off(state, tap, base, stations, version, &version_at)), abandoned: None },
        (_, RecordKind::TapOn) => Step::default(),
        (BasePrice::Flat { amount_minor }, _) => {
            Step { fare: Some(adjusted(state, tap, version, *amount_minor, tap.service_day, Flags::RIDE)), abandoned: None }
        }
        (BasePrice::Stated { funder, audit_minor }, _) => Step { fare: Some(stated(state, tap, version, *funder, *audit_minor)), abandoned: None },
        (BasePrice::Free, _) => Step { fare: Some(Fare { service_day: tap.service_day, flags: Flags::RIDE, ..Fare::default() }), abandoned: None },
    }
}

/// At the end of a clearing day: a tap-on that has been open too long is a ride without a tap-off.
pub fn close_day<'t>(state: &mut AccountState, day_end: EventTime, version_at: impl Fn(EventTime) -> Option<&'t Version>) -> Option<(OpenTap, Fare)> {
    let open = state.open.filter(|open| day_end.0 - open.tap.time.0 >= open.open_ms)?;
    state.open = None;
    Some((open, give_up(state, &open, &version_at)))
}

fn give_up<'t>(state: &mut AccountState, open: &OpenTap, version_at: &impl Fn(EventTime) -> Option<&'t Version>) -> Fare {
    let flags = Flags::RIDE.with(Flags::NO_TAP_OFF);
    match version_at(open.tap.time) {
        Some(version) => adjusted(state, &open.tap, version, open.no_tap_off_minor, open.tap.service_day, flags),
        None => Fare { service_day: open.tap.service_day, flags, ..Fare::default() },
    }
}

fn tap_off<'t>(
    state: &mut AccountState,
    tap: &Tap,
    base: &Base,
    stations: &StationPrice,
    version: &Version,
    version_at: &impl Fn(EventTime) -> Option<&'t Version>,
) -> Fare {
    let Some(OpenTap { tap: on, .. }) = state.open.take() else {
        return adjusted(state, tap, version, stations.no_tap_on_minor, tap.service_day, Flags::RIDE.with(Flags::NO_TAP_ON));
    };
    // The tariff at the tap-on prices the ride, its matrix included.
    let version = version_at(on.time).unwrap_or(version);
    let at_tap_on = version.base.iter().find(|other| other.name == base.name).map(|other| &other.price);
    let stations = if let Some(BasePrice::Matrix(stations)) = at_tap_on { stations } else { stations };
    let mut flags = Flags::RIDE;
    let same_minor = stations.same_station_minor.filter(|_| on.location == tap.location);
    if on.location == tap.location {
        flags.set(Flags::SAME_STATION);
    }
    let list_minor = same_minor.or_else(|| stations.matrix.fare_minor(on.location, tap.location)).unwrap_or_else(|| {
        flags.set(Flags::UNKNOWN_PAIR);
        stations.unknown_pair_minor
    });
    adjusted(state, tap, version, list_minor, on.service_day, flags)
}

fn stated(state: &mut AccountState, tap: &Tap, version: &Version, funder: Funder, audit_minor: Option<i64>) -> Fare {
    let mut flags = Flags::RIDE;
    if audit_minor.is_some_and(|audit_minor| audit_minor != tap.amount_minor) {
        flags.set(Flags::VARIANCE);
    }
    let Some(charged_minor) = tap.charged_minor else {
        return adjusted(state, tap, version, tap.amount_minor, tap.service_day, flags);
    };
    let mut discounts = [Discount::default(); FUNDERS_MAX];
    if charged_minor != tap.amount_minor
        && let Some(first) = discounts.first_mut()
    {
        *first = Discount { funder: party_of(funder, tap), amount_minor: tap.amount_minor - charged_minor };
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

/// An amount still to pay, exact until it is rounded: `numerator / denominator` minor units.
#[derive(Clone, Copy)]
struct Payable {
    numerator: i128,
    denominator: i128,
}

impl Payable {
    /// Half up, once, after the last percentage.
    fn rounded_minor(self) -> i64 {
        if self.denominator == 1 {
            return i64::try_from(self.numerator).expect("a fare fits i64");
        }
        i64::try_from((self.numerator * 2 + self.denominator) / (self.denominator * 2)).expect("a fare fits i64")
    }
}

/// The list price with the version's adjustments applied in their order.
fn adjusted(state: &mut AccountState, tap: &Tap, version: &Version, list_minor: i64, service_day: Day, mut flags: Flags) -> Fare {
    let mut payable = Payable { numerator: i128::from(list_minor), denominator: 1 };
    let mut reductions = Reductions::default();
    for adjust in &version.adjust {
        if !adjust.scope.covers(tap.kind, tap.mode, tap.operator) {
            continue;
        }
        let before = payable;
        match &adjust.rule {
            AdjustRule::Class { classes, rate } => {
                if !classes.contains(&tap.class) {
                    continue;
                }
                payable =
                    Payable { numerator: payable.numerator * i128::from(rate.numerator), denominator: payable.denominator * i128::from(rate.denominator) };
                flags.set(Flags::CONCESSION);
            }
            AdjustRule::Transfer { window_ms, rides_max, rate } => {
                if !state.transfer(adjust.slot, tap.time, *window_ms, *rides_max) {
                    continue;
                }
                payable =
                    Payable { numerator: payable.numerator * i128::from(rate.numerator), denominator: payable.denominator * i128::from(rate.denominator) };
                flags.set(Flags::TRANSFER);
            }
            AdjustRule::DayCap { amount_minor } => {
                let wanted = payable.rounded_minor();
                let allowed = state.spend(adjust.slot, service_day, wanted, *amount_minor);
                // A cap that does not bind leaves the exact amount: rounding it here would be a reduction (or the opposite of
                // one) that nobody funds.
                if allowed == wanted {
                    continue;
                }
                payable = Payable { numerator: i128::from(allowed), denominator: 1 };
                flags.set(Flags::CAPPED);
            }
        }
        reductions.note(adjust, tap, before, payable);
    }
    let charged_minor = payable.rounded_minor();
    Fare { service_day, list_minor, charged_minor, discounts: reductions.shared(list_minor - charged_minor), flags }
}

/// Who reduced the price by how much, in unrounded amounts: the weights by which the rounded discount is shared.
#[derive(Default)]
struct Reductions {
    by: [(Symbol, i128, i128); FUNDERS_MAX],
    len: usize,
}

impl Reductions {
    fn note(&mut self, adjust: &Adjust, tap: &Tap, before: Payable, after: Payable) {
        let funder = party_of(adjust.funder, tap);
        let numerator = before.numerator * after.denominator - after.numerator * before.denominator;
        let denominator = before.denominator * after.denominator;
        if numerator == 0 {
            return;
        }
        let (numerator, denominator) = lowest(numerator, denominator);
        if let Some((_, n, d)) = self.by.iter_mut().take(self.len).find(|(known, _, _)| *known == funder) {
            (*n, *d) = lowest(*n * denominator + numerator * *d, *d * denominator);
        } else if let Some(slot) = self.by.get_mut(self.len) {
            *slot = (funder, numerator, denominator);
            self.len += 1;
        } else {
            panic!("a ride has more than {FUNDERS_MAX} funders: the scheme check lets no such tariff through");
        }
    }

    /// `total_minor` over the funders by largest remainder, in the order of first appearance.
    fn shared(&self, total_minor: i64) -> [Discount; FUNDERS_MAX] {
        let mut discounts = [Discount::default(); FUNDERS_MAX];
        let by = self.by.split_at(self.len).0;
        if let ([(funder, ..)], Some(first)) = (by, discounts.first_mut()) {
            if total_minor != 0 {
                *first = Discount { funder: *funder, amount_minor: total_minor };
            }
            return discounts;
        }
        if by.is_empty() {
            assert_eq!(total_minor, 0, "a discount has a funder");
            return discounts;
        }
        let common: i128 = by.iter().fold(1, |common, &(_, _, denominator)| common / gcd(common, denominator) * denominator);
        let weights: Vec<i128> = by.iter().map(|&(_, numerator, denominator)| numerator * (common / denominator)).collect();
        let shares = split_exact(total_minor, &weights).into_iter().zip(by).map(|(amount_minor, &(funder, ..))| Discount { funder, amount_minor });
        let shares: Vec<Discount> = shares.filter(|share| share.amount_minor != 0).collect();
        for (slot, share) in discounts.iter_mut().zip(shares) {
            *slot = share;
        }
        discounts
    }
}

/// A fraction in its lowest terms: several percentages in a row would leave `i128` otherwise.
fn lowest(numerator: i128, denominator: i128) -> (i128, i128) {
    let divisor = gcd(numerator, denominator);
    (numerator / divisor, denominator / divisor)
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs().max(1) } else { gcd(b, a % b) }
}

/// [`domain::split`] for weights beyond `i64`: unrounded reductions over a common denominator.
fn split_exact(total_minor: i64, weights: &[i128]) -> Vec<i64> {
    if let Ok(weights) = weights.iter().map(|&weight| i64::try_from(weight)).collect::<Result<Vec<i64>, _>>() {
        return split(total_minor, &weights);
    }
    let sum: i128 = weights.iter().sum();
    let total = i128::from(total_minor);
    let mut shares: Vec<i128> = weights.iter().map(|weight| total * weight / sum).collect();
    let left = usize::try_from(total - shares.iter().sum::<i128>()).expect("a discount is not negative");
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&at| weights.get(at).map_or((0, at), |weight| (-(total * weight % sum), at)));
    for at in order.into_iter().take(left) {
        if let Some(share) = shares.get_mut(at) {
            *share += 1;
        }
    }
    shares.into_iter().map(|share| i64::try_from(share).expect("a share of a fare fits i64")).collect()
}
