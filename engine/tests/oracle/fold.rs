//! The rides of one account, in event order, by the tariff as its file reads.

use super::fraction::Fraction;
use super::{Case, Price, Ruling};
use domain::{Day, Flags, Reason, RecordKind, Symbol};
use engine::scheme::Scheme;
use engine::tariff::{AdjustRule, BasePrice, Funder, Rate, StationPrice, Version};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is remembered of an account from one close to the next: everything that can still matter.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    open: Option<OpenJourney>,
    /// By transfer rule: the last boarding, and the transfers since the one that paid.
    runs: BTreeMap<String, (i64, u32)>,
    /// By cap and service day.
    spent: BTreeMap<(String, Day), i64>,
}

#[derive(Clone, Debug)]
pub struct OpenJourney {
    /// The tap-on as it was cleared.
    tap_on: Case,
    /// Its place among the cases of this close; `None` for a journey that began on an earlier clearing day.
    at: Option<usize>,
    no_tap_off_minor: i64,
    open_ms: i64,
}

impl Memory {
    /// Prices the account's cleared records and gives up journeys that are open too long. Returns the rides of tap-ons that
    /// earlier closes took in.
    pub fn fold(&mut self, scheme: &Scheme, day: Day, own: &mut [&mut Case]) -> Vec<Case> {
        let mut carried = Vec::new();
        for at in 0..own.len() {
            let case = &own[at];
            if case.finding.reason != Reason::Cleared || matches!(case.record.kind, RecordKind::Refund | RecordKind::Reversal) {
                continue;
            }
            let version = scheme.tariff.version_on(scheme.clock.calendar_day(case.record.time)).expect("a tariff");
            let base = version.base_for(case.record.kind, case.finding.mode, case.finding.earner).expect("looked up before");
            match &base.price {
                BasePrice::Matrix(stations) if case.record.kind == RecordKind::TapOn => {
                    let tap_on = Case::clone(case);
                    let open = OpenJourney { tap_on, at: Some(at), no_tap_off_minor: stations.no_tap_off_minor, open_ms: stations.open_ms };
                    self.give_up(scheme, own, &mut carried);
                    self.open = Some(open);
                }
                BasePrice::Matrix(_) => self.tap_off(scheme, own[at]),
                BasePrice::Flat { amount_minor } => self.ride(version, own[at], *amount_minor),
                BasePrice::Free => {
                    own[at].price = Some(Price { issuer: case.finding.issuer, earner: case.finding.earner, product: case.finding.product, ..Price::default() })
                }
                BasePrice::Stated { funder, audit_minor } => {
                    if audit_minor.is_some_and(|audit| audit != case.record.amount_minor) {
                        own[at].flags.set(Flags::VARIANCE);
                    }
                    self.stated(version, own[at], *funder);
                }
            }
        }
        let end = scheme.clock.day_end(day);
        // No later record can end the journey of a rider without a card.
        if self.open.as_ref().is_some_and(|open| end.0 - open.tap_on.record.time.0 >= open.open_ms || open.tap_on.finding.account.is_empty()) {
            self.give_up(scheme, own, &mut carried);
        }
        if let Some(open) = &mut self.open {
            open.at = None;
        }
        carried
    }

    /// A journey without an end costs what the tariff of its tap-on says, less what the rider is entitled to.
    fn give_up(&mut self, scheme: &Scheme, own: &mut [&mut Case], carried: &mut Vec<Case>) {
        let Some(mut open) = self.open.take() else { return };
        let version = scheme.tariff.version_on(scheme.clock.calendar_day(open.tap_on.record.time)).expect("a tariff");
        open.tap_on.flags.set(Flags::NO_TAP_OFF);
        self.ride(version, &mut open.tap_on, open.no_tap_off_minor);
        match open.at {
            Some(at) => *own[at] = open.tap_on,
            None => carried.push(open.tap_on),
        }
    }

    fn tap_off(&mut self, scheme: &Scheme, case: &mut Case) {
        let Some(open) = self.open.take() else {
            let version = scheme.tariff.version_on(scheme.clock.calendar_day(case.record.time)).expect("a tariff");
            let amount_minor = stations(version, case).no_tap_on_minor;
            case.flags.set(Flags::NO_TAP_ON);
            return self.ride(version, case, amount_minor);
        };
        case.service_day = open.tap_on.service_day;
        let version = scheme.tariff.version_on(scheme.clock.calendar_day(open.tap_on.record.time)).expect("a tariff");
        let prices = stations(version, case);
        let (from, to) = (open.tap_on.record.location, case.record.location);
        let mut fare = prices.matrix.fare_minor(from, to);
        if from == to {
            case.flags.set(Flags::SAME_STATION);
            fare = prices.same_station_minor.or(fare);
        }
        if fare.is_none() {
            case.flags.set(Flags::UNKNOWN_PAIR);
        }
        let amount_minor = fare.unwrap_or(prices.unknown_pair_minor);
        self.ride(version, case, amount_minor);
    }

    fn stated(&mut self, version: &Version, case: &mut Case, funder: Funder) {
        let amount_minor = case.record.amount_minor;
        match case.record.charged_minor {
            None => self.ride(version, case, amount_minor),
            Some(charged_minor) => {
                let who = funder_of(funder, case);
                let discounts = BTreeMap::from([(who, amount_minor - charged_minor)]).into_iter().filter(|(_, amount)| *amount != 0).collect();
                case.price = Some(booked(case, amount_minor, charged_minor, discounts));
            }
        }
    }

    /// A list price and then the adjustments, one after the other.
    fn ride(&mut self, version: &Version, case: &mut Case, list_minor: i64) {
        let mut left = Fraction::whole(list_minor);
        let mut reductions: Vec<(Symbol, Fraction)> = Vec::new();
        for adjust in &version.adjust {
            if !adjust.scope.covers(case.record.kind, case.finding.mode, case.finding.earner) {
                continue;
            }
            let reduced = match &adjust.rule {
                AdjustRule::Class { classes, rate } => {
                    if !classes.contains(&case.finding.class) {
                        continue;
                    }
                    case.flags.set(Flags::CONCESSION);
                    left * fraction(*rate)
                }
                AdjustRule::Transfer { window_ms, rides_max, rate } => {
                    if !self.is_transfer(&adjust.name, case.record.time.0, *window_ms, *rides_max) {
                        continue;
                    }
                    case.flags.set(Flags::TRANSFER);
                    left * fraction(*rate)
                }
                AdjustRule::DayCap { amount_minor } => {
                    let spent = self.spent.entry((adjust.name.clone(), case.service_day)).or_insert(0);
                    let wanted = left.rounded();
                    let allowed = wanted.min((*amount_minor - *spent).max(0));
                    *spent += allowed;
                    if allowed == wanted {
                        continue;
                    }
                    case.flags.set(Flags::CAPPED);
                    Fraction::whole(allowed)
                }
            };
            let who = funder_of(adjust.funder, case);
            match reductions.iter_mut().find(|(funder, _)| *funder == who) {
                Some((_, sum)) => *sum = *sum + (left - reduced),
                None => reductions.push((who, left - reduced)),
            }
            left = reduced;
        }
        let charged_minor = left.rounded();
        let discounts = shares(list_minor - charged_minor, &reductions);
        case.price = Some(booked(case, list_minor, charged_minor, discounts));
    }

    fn is_transfer(&mut self, rule: &str, time: i64, window_ms: i64, rides_max: u32) -> bool {
        let Some(&(last, transfers)) = self.runs.get(rule) else {
            self.runs.insert(rule.to_owned(), (time, 0));
            return false;
        };
        if time < last {
            return false;
        }
        let transfer = time - last <= window_ms && transfers < rides_max;
        self.runs.insert(rule.to_owned(), (time, if transfer { transfers + 1 } else { 0 }));
        transfer
    }
}

fn stations<'v>(version: &'v Version, case: &Case) -> &'v StationPrice {
    match version.base_for(case.record.kind, case.finding.mode, case.finding.earner).map(|base| &base.price) {
        Some(BasePrice::Matrix(stations)) => stations,
        _ => panic!("every version of these tariffs prices tap-offs by stations"),
    }
}

fn fraction(rate: Rate) -> Fraction {
    Fraction::new(i128::from(rate.numerator), i128::from(rate.denominator))
}

fn funder_of(funder: Funder, case: &Case) -> Symbol {
    match funder {
        Funder::Earner => case.finding.earner,
        Funder::Issuer => case.finding.issuer,
        Funder::Party(party) => party,
    }
}

fn booked(case: &Case, list_minor: i64, charged_minor: i64, discounts: BTreeMap<Symbol, i64>) -> Price {
    let finding = &case.finding;
    Price { issuer: finding.issuer, earner: finding.earner, product: finding.product, list_minor, charged_minor, fee_minor: 0, discounts }
}

/// A whole amount over the reductions in proportion: each its floor, and what is left one by one to the largest remainders.
fn shares(total_minor: i64, reductions: &[(Symbol, Fraction)]) -> BTreeMap<Symbol, i64> {
    let sum = reductions.iter().fold(Fraction::ZERO, |sum, (_, reduction)| sum + *reduction);
    let exact: Vec<Fraction> = reductions.iter().map(|(_, reduction)| Fraction::whole(total_minor) * reduction.over(sum)).collect();
    let remainder = |at: usize| exact[at] - Fraction::whole(exact[at].floor());
    let mut shares: Vec<i64> = exact.iter().map(|share| share.floor()).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| {
        if remainder(b).is_less_than(remainder(a)) {
            Ordering::Less
        } else if remainder(a).is_less_than(remainder(b)) {
            Ordering::Greater
        } else {
            a.cmp(&b)
        }
    });
    let left = usize::try_from(total_minor - shares.iter().sum::<i64>()).expect("floors are not more than the whole");
    for &at in order.iter().take(left) {
        shares[at] += 1;
    }
    assert_eq!(shares.iter().sum::<i64>(), total_minor, "a split loses nothing");
    reductions.iter().map(|(funder, _)| *funder).zip(shares).filter(|(_, share)| *share != 0).collect()
}

/// The ride of a tap-on that an earlier close took in.
pub fn carried_ruling(tap_on: Case, day: Day) -> Ruling {
    let flags = Flags::RIDE.with(Flags::CARRIED).with(tap_on.flags);
    Ruling { record: tap_on.record, reason: Reason::Cleared, flags, service_day: tap_on.service_day, held_since: day, price: tap_on.price.expect("given up") }
}
