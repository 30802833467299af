//! What closed days have booked of one record: its ride, the corrections of it, and what it was shared into.

use crate::price::{Fare, Part};
use domain::decision::FUNDERS_MAX;
use domain::{Day, Decision, Discount, Flags, Reason, Symbol};

/// The sum of all that was decided on a record. Zero parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// The clearing day of the ride's own line.
    pub day: Day,
    pub issuer: Symbol,
    pub earner: Symbol,
    pub product: Symbol,
    pub service_day: Day,
    pub list_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    pub discounts: Vec<Discount>,
    /// What others than its earner got.
    pub shares: Vec<Part>,
}

impl Booked {
    /// `None` where no decision is a cleared ride's. What gave money back is not part of a ride.
    pub fn of<'d>(decisions: impl Iterator<Item = (Day, &'d Decision)>) -> Option<Self> {
        Self::of_refund(decisions.filter(|(_, decision)| !super::fold::gives_back(decision.record.kind)))
    }

    /// What a refund gave back, negative, from the decisions on it alone.
    pub fn of_refund<'d>(decisions: impl Iterator<Item = (Day, &'d Decision)>) -> Option<Self> {
        let mut booked: Option<Self> = None;
        for (day, decision) in decisions.filter(|(_, decision)| decision.reason == Reason::Cleared) {
            if decision.flags.has(Flags::RIDE) || decision.flags.has(Flags::SHARE) {
                booked.get_or_insert_default().add(day, decision);
            }
        }
        booked
    }

    fn add(&mut self, day: Day, decision: &Decision) {
        if decision.flags.has(Flags::SHARE) {
            self.share(Part { party: decision.earner, amount_minor: decision.funded_minor() });
            return;
        }
        if !decision.flags.has(Flags::CORRECTS) {
            let Decision { issuer, earner, product, service_day, .. } = *decision;
            (self.day, self.issuer, self.earner, self.product, self.service_day) = (day, issuer, earner, product, service_day);
        }
        self.list_minor += decision.list_minor;
        self.charged_minor += decision.charged_minor;
        self.fee_minor += decision.fee_minor;
        decision.discounts.iter().for_each(|discount| self.discount(*discount));
    }

    /// Its discounts in a decision's places; `None` when there are more than that.
    #[must_use]
    pub fn places(&self) -> Option<[Discount; FUNDERS_MAX]> {
        slots(&self.discounts)
    }

    pub fn discount(&mut self, more: Discount) {
        match self.discounts.iter_mut().find(|known| known.funder == more.funder) {
            Some(known) => known.amount_minor += more.amount_minor,
            None => self.discounts.push(more),
        }
        self.discounts.retain(|discount| discount.amount_minor != 0);
    }

    pub fn share(&mut self, more: Part) {
        match self.shares.iter_mut().find(|known| known.party == more.party) {
            Some(known) => known.amount_minor += more.amount_minor,
            None => self.shares.push(more),
        }
        self.shares.retain(|part| part.amount_minor != 0);
    }

    /// The differences that lead from what is booked to `fare` with `fee_minor`: none where nothing differs; more than one
    /// where that has no room for all funders.
    pub fn differences(&self, fare: Option<&Fare>, fee_minor: i64) -> Vec<(Fare, i64)> {
        // A correction belongs to the service day of the line that it corrects, even where the journey began on another.
        let fare = &Fare { service_day: self.service_day, ..fare.copied().unwrap_or_default() };
        let mut apart = self.clone();
        apart.discounts.iter_mut().for_each(|discount| discount.amount_minor = -discount.amount_minor);
        let back = apart.discounts.clone();
        fare.discounts.iter().for_each(|discount| apart.discount(*discount));
        let fee_apart_minor = fee_minor - self.fee_minor;
        if let Some(discounts) = slots(&apart.discounts) {
            let (list_minor, charged_minor) = (fare.list_minor - self.list_minor, fare.charged_minor - self.charged_minor);
            let differs = list_minor != 0 || charged_minor != 0 || fee_apart_minor != 0 || !apart.discounts.is_empty();
            let difference = Fare { list_minor, charged_minor, discounts, ..*fare };
            return if differs { vec![(difference, fee_apart_minor)] } else { Vec::new() };
        }
        // What refunds gave back may have had more funders, because their original changed between them.
        let taken = back.chunks(FUNDERS_MAX).enumerate().map(|(at, part)| {
            let (charged_minor, fee_minor) = if at == 0 { (-self.charged_minor, -self.fee_minor) } else { (0, 0) };
            let list_minor = charged_minor + part.iter().map(|discount| discount.amount_minor).sum::<i64>();
            (Fare { list_minor, charged_minor, discounts: slots(part).expect("no more than fit"), ..*fare }, fee_minor)
        });
        let given = (fare.list_minor, fare.charged_minor, fee_minor) != (0, 0, 0);
        taken.chain(given.then_some((*fare, fee_minor))).collect()
    }
}

/// `None` when there are more than a decision has places for.
fn slots(discounts: &[Discount]) -> Option<[Discount; FUNDERS_MAX]> {
    let mut places = [Discount::default(); FUNDERS_MAX];
    if discounts.len() > FUNDERS_MAX {
        return None;
    }
    places.iter_mut().zip(discounts).for_each(|(place, discount)| *place = *discount);
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Record, RecordKind};

    fn discounts(amounts: &[(u32, i64)]) -> [Discount; FUNDERS_MAX] {
        slots(&amounts.iter().map(|&(funder, amount_minor)| Discount { funder: Symbol(funder), amount_minor }).collect::<Vec<_>>()).expect("few")
    }

    fn ride(charged_minor: i64, amounts: &[(u32, i64)]) -> Decision {
        let list_minor = charged_minor + amounts.iter().map(|(_, amount)| amount).sum::<i64>();
        let flags = Flags::RIDE;
        let blank = Decision::unpriced(Record::blank(RecordKind::Boarding), Reason::Cleared, Day(1), Day(1));
        Decision { flags, earner: Symbol(1), list_minor, charged_minor, fee_minor: 2, discounts: discounts(amounts), ..blank }
    }

    #[test]
    fn corrections_add_up_to_the_fare() {
        let first = ride(100, &[(2, 50), (3, 20), (4, 30)]);
        let booked = Booked::of([(Day(1), &first)].into_iter()).expect("a ride");
        let fares = [
            Fare { list_minor: 200, charged_minor: 200, ..Fare::default() },
            Fare { list_minor: 200, charged_minor: 90, discounts: discounts(&[(2, 110)]), ..Fare::default() },
            Fare { list_minor: 300, charged_minor: 90, discounts: discounts(&[(5, 70), (6, 70), (7, 70)]), ..Fare::default() },
            Fare::default(),
        ];
        for (fare, lines) in fares.into_iter().zip([1, 1, 2, 1]) {
            let differences = booked.differences(Some(&fare), 5);
            assert_eq!(differences.len(), lines, "{fare:?}");
            let corrections: Vec<Decision> = differences
                .iter()
                .map(|(difference, fee_minor)| {
                    let Fare { list_minor, charged_minor, discounts, .. } = *difference;
                    Decision { flags: Flags::RIDE.with(Flags::CORRECTS), list_minor, charged_minor, fee_minor: *fee_minor, discounts, ..first }
                })
                .collect();
            assert!(corrections.iter().all(Decision::adds_up));
            let after = Booked::of([&first].into_iter().chain(&corrections).map(|decision| (Day(1), decision))).expect("a ride");
            assert_eq!((after.list_minor, after.charged_minor, after.fee_minor), (fare.list_minor, fare.charged_minor, 5));
            let wanted: Vec<Discount> = fare.discounts.into_iter().filter(|discount| discount.amount_minor != 0).collect();
            assert_eq!(after.discounts, wanted);
            assert_eq!(after.differences(Some(&fare), 5), []);
        }
        assert_eq!(booked.differences(None, 0).len(), 1);
    }

    #[test]
    fn what_has_more_funders_than_fit_goes_back_in_parts() {
        let (first, second) = (ride(100, &[(2, 50), (3, 20), (4, 30)]), ride(7, &[(5, 1), (6, 2)]));
        let booked = Booked::of([(Day(1), &first), (Day(1), &second)].into_iter()).expect("a ride");
        let back = booked.differences(None, 0);
        let lines: Vec<_> = back.iter().map(|(fare, fee_minor)| (fare.list_minor, fare.charged_minor, *fee_minor, fare.discounts)).collect();
        assert_eq!(lines, [(-207, -107, -4, discounts(&[(2, -50), (3, -20), (4, -30)])), (-3, 0, 0, discounts(&[(5, -1), (6, -2)]))]);
    }
}
