//! The rides of one account over all its days, by the naive judge of prices.

use super::{Case, Price, Ruling};
use crate::naive::{Event, Naive};
use domain::{Day, Flags, Reason, RecordKind};
use engine::price::{Fare, Tap};
use engine::scheme::Scheme;
use std::collections::BTreeMap;

/// Everything that has been priced of an account, close after close.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    events: Vec<Event>,
    /// By event: the tap as it was cleared.
    taps: Vec<Option<Case>>,
}

impl Memory {
    /// Prices the account's cleared records and gives up journeys that are open too long. Returns the rides of tap-ons that
    /// earlier closes took in.
    pub fn fold(&mut self, scheme: &Scheme, day: Day, own: &mut [&mut Case]) -> Vec<Case> {
        let first = self.events.len();
        let mut places = BTreeMap::new();
        for (at, case) in own.iter().enumerate() {
            if case.finding.reason != Reason::Cleared || matches!(case.record.kind, RecordKind::Refund | RecordKind::Reversal) {
                continue;
            }
            places.insert(self.events.len(), at);
            self.events.push(Event::Tap(tap_of(scheme, case)));
            self.taps.push(Some(Case::clone(case)));
        }
        let nobody = own.iter().any(|case| case.finding.account.is_empty());
        self.events.push(if nobody { Event::Never } else { Event::DayEnd(scheme.clock.day_end(day)) });
        self.taps.push(None);
        let mut carried = Vec::new();
        let naive = Naive { tariff: &scheme.tariff, clock: &scheme.clock };
        for ride in naive.price(&self.events).into_iter().filter(|ride| ride.by >= first) {
            match places.get(&ride.tap) {
                Some(&at) => book(scheme, own[at], &ride.fare),
                None => {
                    let mut tap_on = self.taps[ride.tap].clone().expect("a tap has a case");
                    book(scheme, &mut tap_on, &ride.fare);
                    carried.push(tap_on);
                }
            }
        }
        carried
    }
}

fn tap_of(scheme: &Scheme, case: &Case) -> Tap {
    let (record, finding) = (&case.record, &case.finding);
    let card = scheme.card(&record.card);
    let medium = if record.medium.is_none() { card.map_or(domain::Symbol::NONE, |card| card.medium) } else { record.medium };
    Tap {
        terminal: record.terminal,
        mode: finding.mode,
        operator: finding.earner,
        issuer: finding.issuer,
        earner: finding.earner,
        class: finding.class,
        medium,
        location: record.location,
        from: record.from,
        route: record.route,
        vehicle: record.vehicle,
        birth: card.and_then(|card| card.birth_date),
        amount_minor: record.amount_minor,
        charged_minor: record.charged_minor,
        ..Tap::blank(record.kind, record.time, case.service_day)
    }
}

fn book(scheme: &Scheme, case: &mut Case, fare: &Fare) {
    case.flags = case.flags.with(Flags(fare.flags.0 & !Flags::RIDE.0));
    case.service_day = fare.service_day;
    let finding = &case.finding;
    let discounts = fare.discounts.iter().filter(|discount| discount.amount_minor != 0).map(|discount| (discount.funder, discount.amount_minor)).collect();
    let Fare { list_minor, charged_minor, .. } = *fare;
    let (issuer, earner, product, fee_day) = (finding.issuer, finding.earner, finding.product, fare.service_day);
    let mut price = Price { issuer, earner, product, list_minor, charged_minor, fee_minor: 0, fee_day, discounts };
    price.fee_minor = scheme.fee_minor(earner, issuer, product, fee_day, charged_minor, price.earned_minor());
    case.price = Some(price);
}

/// The ride of a tap-on that an earlier close took in.
pub fn carried_ruling(tap_on: Case, day: Day) -> Ruling {
    let flags = Flags::RIDE.with(Flags::CARRIED).with(tap_on.flags);
    Ruling { record: tap_on.record, reason: Reason::Cleared, flags, service_day: tap_on.service_day, held_since: day, price: tap_on.price.expect("given up") }
}
