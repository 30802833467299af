//! Watching: each card's records pass the rules of oddities beside the fold of prices, account by account.
//!
//! What a close finds is what the records say together now and did not say before: where records of closed days stand in a
//! new order because one came late, the account's records are looked at twice, as they were known and as they are. Nothing
//! here changes what the fold decides.

use super::event::Event;
use super::evidence::Copies;
use super::fold::Folder;
use super::gather::Fast;
use super::oddity::{Finding, FindingKey, Looker, Sighting, Trail, Unended, finding};
use super::partition::Partition;
use super::trail::Trails;
use crate::price::{AccountState, Fold, OpenTap, Tap};
use crate::scheme::{Oddities, TerminalAt};
use domain::{CardToken, Day, EventTime, Flags, Measure, OddityKind, RecordId, RecordKind, Symbol};
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// Of the ride whose end is guessed: so long after its tap-on, so that no rule for long rides is asked.
const GUESSED_RIDE_MS: i64 = 60_000;

/// What is watched of a partition.
#[derive(Debug, Default)]
pub struct Watching {
    /// By account.
    remembered: HashMap<CardToken, Vec<Trail>, Fast>,
    /// The cards of the account that is folded.
    account: Vec<Trail>,
    pub kept: Vec<Trails>,
    pub found: Vec<Finding>,
}

/// A record of an account that is looked at again, with its card.
pub type Seen = (CardToken, Sighting);

/// A ride without a tap-off of an account that is looked at again: behind so many of its records, of this card.
pub struct GivenUp {
    pub after: usize,
    pub card: CardToken,
    pub unended: Unended,
}

impl Watching {
    pub fn new(remembered: Vec<Trails>) -> Self {
        Self { remembered: remembered.into_iter().collect(), ..Self::default() }
    }

    pub fn begin(&mut self, account: CardToken) {
        self.account = if self.remembered.is_empty() { Vec::new() } else { self.remembered.remove(&account).unwrap_or_default() };
    }
}

fn trail_of(account: &mut Vec<Trail>, card: CardToken) -> &mut Trail {
    let at = account.iter().position(|trail| trail.card == card).unwrap_or_else(|| {
        account.push(Trail { card, ..Trail::default() });
        account.len() - 1
    });
    account.get_mut(at).expect("a trail that was found or made")
}

impl Folder<'_> {
    fn looking<T>(&self, rules: &Oddities, work: impl FnOnce(Looker<'_>) -> T) -> T {
        work(Looker { rules, would_cost: &|open, place| self.would_cost(open, place) })
    }

    /// Records are held because they are copies: the evidence is told as long as they are.
    pub fn watch_copies(&self, copies: &Copies, partition: &Partition, watching: &mut Watching) {
        if self.scheme.oddities.as_ref().is_none_or(|rules| rules.counters.is_none()) {
            return;
        }
        for &(at, other) in copies {
            let [record, other] = [at, other].map(|at| self.sighting(partition.get(at), partition, self.clearing_day));
            let counter = partition.get(at).note(&partition.notes).and_then(|note| note.record.card_counter);
            let measures = counter.map(|counter| (Measure::Counter, i64::from(counter))).into_iter().collect();
            watching.found.push(finding(OddityKind::CounterRepeated, &record, &other, measures));
        }
    }

    /// A record of the account has been folded.
    pub fn watch(&self, event: &Event, partition: &Partition, watching: &mut Watching) {
        let Some(rules) = &self.scheme.oddities else { return };
        let sighting = self.sighting(event, partition, self.clearing_day);
        let Watching { account, found, .. } = watching;
        self.looking(rules, |looker| looker.next(trail_of(account, event.card), &sighting, found));
    }

    /// A journey of the account ended without a tap-off. A tap-on that an earlier close took in is known by its id.
    pub fn watch_given_up(&self, open: &OpenTap, charged_minor: i64, watching: &mut Watching) {
        let Some(rules) = &self.scheme.oddities else { return };
        let unended = Unended { open: *open, charged_minor, day: self.clearing_day };
        self.looking(rules, |looker| watching.account.iter_mut().for_each(|trail| looker.given_up(trail, unended)));
    }

    /// The account has been folded; `state` is what pricing remembers of it.
    pub fn watch_end(&self, account: CardToken, state: &AccountState, watching: &mut Watching) {
        let Some(rules) = &self.scheme.oddities else { return };
        let (from, day) = (self.scheme.clock.day_end(self.clearing_day), self.clearing_day.next());
        let mut trails = std::mem::take(&mut watching.account);
        self.looking(rules, |looker| trails.iter_mut().for_each(|trail| looker.forget(trail, from, day, state.open.as_deref())));
        trails.retain(|trail| !trail.is_blank());
        if !trails.is_empty() && !account.is_empty() {
            trails.sort_unstable_by_key(|trail| trail.card);
            watching.kept.push((account, trails));
        }
    }

    /// Accounts of which there was nothing today.
    pub fn watch_rest(&self, watching: &mut Watching) {
        for (account, trails) in std::mem::take(&mut watching.remembered) {
            watching.account = trails;
            self.watch_end(account, &AccountState::default(), watching);
        }
        watching.kept.sort_unstable_by_key(|(account, _)| *account);
    }

    /// An account that is looked at again: what was known of it, and what is.
    pub fn watch_again(&self, before: (&[Seen], &[GivenUp]), now: (&[Seen], &[GivenUp]), watching: &mut Watching) {
        let Some(rules) = &self.scheme.oddities else { return };
        let walk = |(seen, given_up): (&[Seen], &[GivenUp])| {
            let (mut account, mut found) = (Vec::new(), Vec::new());
            let mut given_up = given_up.iter().peekable();
            self.looking(rules, |looker| {
                for (at, (card, sighting)) in seen.iter().enumerate() {
                    while let Some(ride) = given_up.next_if(|ride| ride.after <= at) {
                        looker.given_up(trail_of(&mut account, ride.card), ride.unended);
                    }
                    looker.next(trail_of(&mut account, *card), sighting, &mut found);
                }
                given_up.for_each(|ride| looker.given_up(trail_of(&mut account, ride.card), ride.unended));
            });
            (account, found)
        };
        let known: BTreeSet<FindingKey> = walk(before).1.iter().map(Finding::key).collect();
        let (account, found) = walk(now);
        watching.account = account;
        watching.found.extend(found.into_iter().filter(|finding| !known.contains(&finding.key())));
    }

    /// `event` is not decided yet.
    pub fn sighting(&self, event: &Event, partition: &Partition, day: Day) -> Sighting {
        let note = event.note(&partition.notes);
        let epoch = match event.record_id() {
            RecordId::Sequence { epoch, .. } => epoch,
            RecordId::Columns(_) | RecordId::FileRow(_) => note.map_or(0, |note| note.record.epoch),
        };
        let registered = || match self.scheme.terminal(event.terminal, epoch, event.time) {
            TerminalAt::InService(terminal) => terminal.location,
            TerminalAt::NotInService | TerminalAt::Unknown => Symbol::NONE,
        };
        Sighting {
            id: event.record_id(),
            kind: event.kind,
            time: event.time,
            terminal: event.terminal,
            place: if event.location.is_none() { registered() } else { event.location },
            mode: event.mode,
            counter: note.filter(|note| !note.record.grey).and_then(|note| note.record.card_counter),
            earner: event.earner,
            day,
            offset_min: event.offset_min,
            amount_minor: event.stated_minor(),
            issuer: event.issuer,
            source_ref: event.source_ref,
        }
    }

    /// What a tap-on's ride would cost that ended at a place, alone: what other rides change of it is not known.
    fn would_cost(&self, open: &OpenTap, place: Symbol) -> Option<i64> {
        let mut state = AccountState::default();
        state.wait(*open);
        let time = EventTime(open.tap.time.0 + GUESSED_RIDE_MS);
        let tap_off = Tap { key: None, kind: RecordKind::TapOff, time, location: place, ..open.tap };
        let fare = Fold::new(&self.scheme.tariff, &self.scheme.clock).next(&mut state, &tap_off).fare?;
        let guessed = [Flags::NO_TAP_ON, Flags::UNKNOWN_PAIR, Flags::SAME_STATION];
        (!guessed.into_iter().any(|flag| fare.flags.has(flag))).then_some(fare.charged_minor)
    }
}
