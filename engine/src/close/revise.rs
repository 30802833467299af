//! Records that come after their time: the account is folded again, and what closed days booked is corrected.
//!
//! A record belongs before others when it happened before the last moment that closed days have priced. Its account is then
//! folded from the beginning over everything that closed days cleared of it and what is new, in event order, the ends of the
//! clearing days between them. What a ride of a closed day costs now is held against what was booked for it, and only the
//! difference is settled. What is new is priced like anything else. The time this takes is that of the account's own history.

use super::booked::Booked;
use super::event::{Event, Resolved};
use super::fold::{Folded, Folder, waits_for_original};
use super::gather::Fast;
use super::judge::Judge;
use super::oddity::Unended;
use super::order::{AccountKey, Lead};
use super::partition::{Address, Partition};
use super::versions::{of_version, standing};
use super::watch::{GivenUp, Seen};
use crate::price::{AccountState, Claim, Extras, Fare, Fold, Grant, OpenTap, Part, Tap};
use domain::{CardToken, Day, Decision, Discount, Flags, Outcome, Reason, Record, RecordId, Symbol};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// What closed days cleared of the accounts that are folded again, and what they took back of it, each with its clearing day,
/// the oldest day first.
#[derive(Default)]
pub struct Past {
    pub accounts: HashMap<CardToken, Vec<(Day, Decision)>, Fast>,
    /// By record, of riders without a card.
    pub alone: HashMap<RecordId, Vec<(Day, Decision)>, Fast>,
}

impl Past {
    /// What is known of the account that these events are of; `None` where it goes on from what is remembered.
    pub fn of(&self, account: CardToken, group: &[AccountKey], partition: &Partition) -> Option<&[(Day, Decision)]> {
        if !account.is_empty() {
            return self.accounts.get(&account).map(Vec::as_slice);
        }
        let event = group.first().map(|key| partition.get(key.address())).filter(|event| event.reason == Reason::Withdrawn)?;
        self.alone.get(&event.record_id()).map(Vec::as_slice)
    }
}

/// A ride of a closed day with another price than was booked; or a journey given up whose tap-on a closed day took in.
#[derive(Debug)]
pub struct Revision {
    /// As the record would stand today, undecided.
    pub event: Event,
    pub record: Record,
    resolved: Resolved,
    booked: Option<Booked>,
    /// What the ride costs now, as if everything that it newly claims were granted; `None` where it is no ride any more.
    pub fare: Option<Fare>,
    /// What others than its earner get of it.
    shares: Vec<Part>,
    /// What it claims beyond what it claimed before.
    pub claims: Vec<Claim>,
    /// What it gives back of what it was granted, by slot.
    pub returned: Vec<(u16, i64)>,
}

/// A record of the account, in event order.
#[derive(Clone, Copy)]
enum Place {
    /// Of a closed day.
    Then(Address),
    Now(Address),
}

type Priced = Option<(Fare, Option<Box<Extras>>)>;

/// A version that has counted until today with the day that took it in, and all that was decided on it since.
type Counted = (Day, Decision, Vec<(Day, Decision)>);

/// The clearing days of a record.
#[derive(Clone, Copy)]
struct Days {
    taken_in: Day,
    /// Of a ride: the one that has its line.
    line: Day,
}

/// A journey that was given up behind so many taps.
struct Open {
    after: usize,
    ride: OpenTap,
    charged_minor: i64,
}

impl Folder<'_> {
    /// Folds an account from its beginning: `past` and today's records in `group`. Returns its state.
    pub fn revise(&self, account: CardToken, group: &[AccountKey], past: &[(Day, Decision)], folded: &mut Folded) -> AccountState {
        let mut by_record: BTreeMap<RecordId, Vec<(Day, Decision)>> = BTreeMap::new();
        for decided in past.iter().filter(|(_, decision)| !waits_for_original(decision.record.kind)) {
            by_record.entry(decided.1.record.id()).or_default().push(*decided);
        }
        let taken_back = |record: &Record| {
            let mut withdrawn = group.iter().map(|key| folded.partition.get(key.address())).filter(|event| event.reason == Reason::Withdrawn);
            withdrawn.any(|event| event.taken_record(&folded.partition.notes).same_content(record))
        };
        // Of each id, the version that has counted until today.
        let counted: Vec<Counted> = by_record
            .into_values()
            .filter_map(|all| {
                let (day, decision) = standing(&all).into_iter().find(|(_, decision)| decision.reason == Reason::Cleared)?;
                Some((day, decision, of_version(&all, day, &decision.record).map(|(day, decision)| (day, *decision)).collect()))
            })
            .collect();
        let mut judge = Judge::new(self.scheme, self.clearing_day);
        let (mut then, mut resolved, mut withdrawn) = (Partition::default(), Vec::new(), BTreeSet::new());
        for (_, decision, _) in &counted {
            let found = Resolved { reason: Reason::Cleared, ..judge.resolve(&decision.record, true) };
            let event = Event::new(&decision.record, &found, u32::MAX, None, &mut then.notes);
            let at = then.push(event, Lead::new(0, event.time, 0));
            resolved.push(found);
            if taken_back(&decision.record) {
                withdrawn.insert(at);
            }
        }
        let old: Vec<Place> = then.iter().map(|(at, _)| Place::Then(at)).collect();
        let is_new = |key: &&AccountKey| {
            let event = folded.partition.get(key.address());
            event.reason.outcome() == Outcome::Cleared && !waits_for_original(event.kind)
        };
        let new: Vec<Place> = group.iter().filter(is_new).map(|key| Place::Now(key.address())).collect();
        let in_order = |places: Vec<Place>| {
            let event = |place: &Place| match *place {
                Place::Then(at) => then.get(at),
                Place::Now(at) => folded.partition.get(at),
            };
            let mut places = places;
            places.sort_by(|a, b| self.order.of_account(event(a), event(b)));
            let taps: Vec<Tap> = places
                .iter()
                .map(|place| match *place {
                    Place::Then(at) => self.tap(at, then.get(at), &then),
                    Place::Now(at) => self.tap(at, folded.partition.get(at), &folded.partition),
                })
                .collect();
            (places, taps)
        };
        // What was claimed then is known by folding what was known then.
        let mut claimed: BTreeMap<Address, (Fare, Vec<Claim>)> = BTreeMap::new();
        let days: BTreeMap<Address, Days> = then.iter().zip(&counted).map(|((at, _), (day, _, all))| (at, self.days_of(*day, all))).collect();
        let mut known = None;
        if self.scheme.tariff.has_budgets() || folded.watching.is_some() {
            let (places, taps) = in_order(old.clone());
            let (priced, _, open) = self.prices(account, &taps, self.closed);
            if folded.watching.is_some() {
                known = Some(self.sightings(&places, open, (&then, &days), &folded.partition));
            }
            for (place, priced) in places.into_iter().zip(priced) {
                if let (Place::Then(at), Some((fare, Some(extras)))) = (place, priced) {
                    claimed.insert(at, (fare, extras.claims));
                }
            }
        }
        let stays = |place: &Place| !matches!(place, Place::Then(at) if withdrawn.contains(at));
        let (mut places, taps) = in_order(old.into_iter().filter(stays).chain(new).collect());
        let ends: Vec<Day> = self.closed.iter().copied().chain([self.clearing_day]).collect();
        let (mut priced, state, open) = self.prices(account, &taps, &ends);
        if let (Some((seen, given_up)), Some(mut watching)) = (known, folded.watching.take()) {
            let (seen_now, given_up_now) = self.sightings(&places, open, (&then, &days), &folded.partition);
            self.watch_again((&seen, &given_up), (&seen_now, &given_up_now), &mut watching);
            folded.watching = Some(watching);
        }
        places.extend(withdrawn.iter().map(|at| Place::Then(*at)));
        priced.resize_with(places.len(), || None);
        let mut booked: Vec<Option<Booked>> = counted.iter().map(|(.., all)| Booked::of(all.iter().map(|(day, decision)| (*day, decision)))).collect();
        let mut records: Vec<(Record, Flags)> = counted.iter().map(|(_, decision, _)| (decision.record, decision.flags)).collect();
        let mut position: BTreeMap<Address, usize> = then.iter().map(|(at, _)| at).zip(0..).collect();
        for (place, priced) in places.into_iter().zip(priced) {
            match place {
                Place::Now(at) => {
                    if let Some((fare, extras)) = priced {
                        folded.partition.decide_priced(at, &fare);
                        folded.keep(at, extras);
                    }
                }
                Place::Then(at) => {
                    let Some(number) = position.remove(&at) else { continue };
                    let (Some(booked), Some(&mut (record, flags)), Some(&resolved)) = (booked.get_mut(number), records.get_mut(number), resolved.get(number))
                    else {
                        continue;
                    };
                    let mut flags = Flags(Flags::CARRIED.0 | (flags.0 & Flags::HOTLISTED.0));
                    if withdrawn.contains(&at) {
                        flags.set(Flags::WITHDRAWN);
                    }
                    let resolved = Resolved { flags, ..resolved };
                    let revision = Revision::of(*then.get(at), record, resolved, booked.take(), priced, claimed.remove(&at));
                    if revision.says_something(self) {
                        folded.revisions.push(revision);
                    }
                }
            }
        }
        state
    }

    /// The clearing days that took a record in and that have its line, where it has one.
    fn days_of(&self, day: Day, all: &[(Day, Decision)]) -> Days {
        let lines = all.iter().filter(|(_, decision)| decision.flags.has(Flags::RIDE) && !decision.flags.has(Flags::CORRECTS));
        Days { taken_in: day, line: lines.map(|(day, _)| *day).next_back().unwrap_or(self.clearing_day) }
    }

    /// The account's records as the rules of oddities see them, and its rides without a tap-off.
    fn sightings(&self, places: &[Place], open: Vec<Open>, (then, days): (&Partition, &BTreeMap<Address, Days>), now: &Partition) -> (Vec<Seen>, Vec<GivenUp>) {
        let today = Days { taken_in: self.clearing_day, line: self.clearing_day };
        let known = |place: &Place| match *place {
            Place::Then(at) => (then.get(at), then, days.get(&at).copied().unwrap_or(today)),
            Place::Now(at) => (now.get(at), now, today),
        };
        let seen = places.iter().map(known).map(|(event, partition, days)| (event.card, self.sighting(event, partition, days.taken_in))).collect();
        let given_up = open.into_iter().filter_map(|Open { after, ride, charged_minor }| {
            let (event, _, days) = known(places.get(ride.tap.key? as usize)?);
            Some(GivenUp { after, card: event.card, unended: Unended { open: ride, charged_minor, day: days.line } })
        });
        (seen, given_up.collect())
    }

    /// The price of each tap that decides a ride, the state that is left, and the rides without a tap-off.
    fn prices(&self, account: CardToken, taps: &[Tap], ends: &[Day]) -> (Vec<Priced>, AccountState, Vec<Open>) {
        let pricing = Fold::new(&self.scheme.tariff, &self.scheme.clock);
        let (mut state, mut priced, mut open) = (AccountState::default(), Vec::new(), Vec::new());
        priced.resize_with(taps.len(), || None);
        let mut ends = ends.iter().map(|day| self.scheme.clock.day_end(*day)).peekable();
        let mut put = |abandoned: Option<crate::price::Abandoned>, after: u32, priced: &mut Vec<Priced>| {
            let Some(abandoned) = abandoned else { return };
            open.push(Open { after: after as usize, ride: abandoned.open, charged_minor: abandoned.fare.charged_minor });
            let place = abandoned.open.tap.key.and_then(|key| priced.get_mut(key as usize));
            *place.expect("every tap-on of the account was folded here") = Some((abandoned.fare, abandoned.extras));
        };
        for (tap, number) in taps.iter().zip(0u32..) {
            while let Some(end) = ends.next_if(|end| *end <= tap.time) {
                put(pricing.close_day(&mut state, end), number, &mut priced);
            }
            let step = pricing.next(&mut state, &Tap { key: Some(number), ..*tap });
            put(step.abandoned.map(|abandoned| *abandoned), number, &mut priced);
            if let (Some(fare), Some(place)) = (step.fare, priced.get_mut(number as usize)) {
                *place = Some((fare, step.extras));
            }
        }
        for end in ends {
            put(pricing.close_day(&mut state, end), u32::MAX, &mut priced);
        }
        // No later record can end the journey of a rider without a card.
        if account.is_empty()
            && let Some(due) = state.open.as_ref().map(|open| open.due())
        {
            put(pricing.close_day(&mut state, due), u32::MAX, &mut priced);
        }
        (priced, state, open)
    }
}

impl Revision {
    fn of(event: Event, record: Record, resolved: Resolved, booked: Option<Booked>, priced: Priced, claimed: Option<(Fare, Vec<Claim>)>) -> Self {
        let (fare, extras) = priced.map_or((None, None), |(fare, extras)| (Some(fare), extras));
        let Extras { claims, parts } = extras.map(|extras| *extras).unwrap_or_default();
        let shares = parts.into_iter().filter(|part| part.party != resolved.earner).collect();
        let mut revision = Self { event, record, resolved, booked, fare, shares, claims: Vec::new(), returned: Vec::new() };
        revision.claim(claims, claimed);
        revision
    }

    /// A grant is never reopened: of what the ride claimed before, it keeps what it got. What it claims beyond that is a claim
    /// of today; what it claims no more goes back to the budget.
    fn claim(&mut self, claims: Vec<Claim>, claimed: Option<(Fare, Vec<Claim>)>) {
        let (before, mut old) = claimed.unwrap_or_default();
        // What its funders did not grant, the rider has paid.
        let mut refused: Vec<(Symbol, i64)> = Vec::new();
        if let Some(booked) = &self.booked {
            for discount in before.discounts.iter().filter(|discount| discount.amount_minor != 0) {
                let borne = booked.discounts.iter().find(|known| known.funder == discount.funder).map_or(0, |known| known.amount_minor);
                refused.push((discount.funder, (discount.amount_minor - borne).max(0)));
            }
        }
        let mut granted = |claim: &Claim| {
            let refused = refused.iter_mut().find(|(funder, _)| *funder == claim.funder).map_or(0, |(_, refused)| {
                let of_this = claim.amount_minor.min(*refused);
                *refused -= of_this;
                of_this
            });
            claim.amount_minor - refused
        };
        for claim in claims {
            let before = old.iter().position(|known| known.slot == claim.slot).map(|at| old.remove(at));
            let (claimed_minor, granted_minor) = before.map_or((0, 0), |before| (before.amount_minor, granted(&before)));
            let kept_minor = granted_minor.min(claim.amount_minor);
            let more_minor = (claim.amount_minor - claimed_minor).max(0);
            let refused_minor = claim.amount_minor - kept_minor - more_minor;
            self.fare = self.fare.map(|fare| fare.granted(&claim, Grant { granted_minor: kept_minor + more_minor, refused_minor }));
            if granted_minor != kept_minor {
                self.returned.push((claim.slot, granted_minor - kept_minor));
            }
            if more_minor != 0 {
                self.claims.push(Claim { amount_minor: more_minor, ..claim });
            }
        }
        for claim in old {
            let granted_minor = granted(&claim);
            if granted_minor != 0 {
                self.returned.push((claim.slot, granted_minor));
            }
        }
    }

    fn says_something(&self, folder: &Folder<'_>) -> bool {
        let changed = match &self.booked {
            None => self.fare.is_some(),
            Some(booked) => !booked.differences(self.fare.as_ref(), self.fee_minor(folder)).is_empty() || !self.share_differences(booked).is_empty(),
        };
        changed || !self.claims.is_empty() || !self.returned.is_empty()
    }

    /// The fee on the ride's own line.
    fn fee_minor(&self, folder: &Folder<'_>) -> i64 {
        let (Some(booked), Some(fare)) = (&self.booked, &self.fare) else { return 0 };
        if (fare.list_minor, fare.charged_minor) == (0, 0) {
            return 0;
        }
        let funded = fare.discounts.iter().filter(|discount| discount.funder != booked.earner);
        let earned_minor = fare.charged_minor + funded.map(|discount| discount.amount_minor).sum::<i64>();
        folder.scheme.fee_minor(booked.earner, booked.issuer, booked.product, fare.service_day, fare.charged_minor, earned_minor)
    }

    fn share_differences(&self, booked: &Booked) -> Vec<Part> {
        let mut apart = Booked { shares: self.shares.clone(), ..Booked::default() };
        booked.shares.iter().for_each(|part| apart.share(Part { amount_minor: -part.amount_minor, ..*part }));
        apart.shares
    }

    /// Puts it among the events of today, decided.
    pub fn put(self, folder: &Folder<'_>, late: &mut Folded) {
        let Some(booked) = &self.booked else {
            let Some(fare) = &self.fare else { return };
            let event = Event::new(&self.record, &self.resolved, u32::MAX, Some(folder.clearing_day), &mut late.partition.notes);
            let at = late.partition.push(event, Lead::new(0, event.time, 0));
            late.partition.decide_priced(at, fare);
            if !self.shares.is_empty() {
                late.shares.push((at, self.shares));
            }
            return;
        };
        let Booked { issuer, earner, product, day, .. } = *booked;
        let resolved = Resolved { issuer, earner, product, flags: self.resolved.flags.with(Flags::CORRECTS).with(Flags::RIDE), ..self.resolved };
        let mut push = |resolved: &Resolved, fare: &Fare, fee_minor: i64| {
            let mut event = Event::new(&self.record, resolved, u32::MAX, Some(day), &mut late.partition.notes);
            event.decide_priced(fare, &mut late.partition.notes);
            event.change_fee(fee_minor, &mut late.partition.notes);
            late.partition.push(event, Lead::new(0, event.time, 0));
        };
        for (difference, fee_minor) in booked.differences(self.fare.as_ref(), self.fee_minor(folder)) {
            push(&resolved, &difference, fee_minor);
        }
        for part in self.share_differences(booked) {
            let flags = Flags::CARRIED.with(Flags::CORRECTS).with(Flags::SHARE);
            let moved = Discount { funder: earner, amount_minor: part.amount_minor };
            let fare = Fare { service_day: booked.service_day, discounts: [moved, Discount::default(), Discount::default()], ..Fare::default() };
            push(&Resolved { earner: part.party, flags, ..resolved }, &fare, 0);
        }
    }
}
