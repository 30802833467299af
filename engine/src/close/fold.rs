//! Folding a partition: its events, grouped by account and put in event order, become priced.
//!
//! A partition is worked on by one thread. Within an account the events decide what only they can decide together: clone
//! evidence, grey writes, then the fares.

use super::event::{Note, Priced, Taken};
use super::gather::account_hash;
use super::memory::Remembered;
use crate::price::{Abandoned, AccountState, Fare, Fold, OpenTap, Tap};
use crate::scheme::Scheme;
use domain::{CardToken, Day, EventTime, Outcome, Reason, RecordKind, Symbol};
use hashbrown::HashMap;
use std::cmp::Ordering;

/// A partition on its way through the close.
#[derive(Debug, Default)]
pub struct Folded {
    /// In event order of the whole partition.
    pub events: Vec<Priced>,
    pub notes: Vec<Note>,
    pub remembered: Vec<Remembered>,
    /// Rides of tap-ons that an earlier close took in, given up in this one.
    pub carried_rides: Vec<(OpenTap, Fare)>,
    /// Refunds and reversals: decided when all prices are known.
    pub refunds: Vec<Taken>,
}

/// By symbol: the place of its text in the order of terminals.
pub type Ranks = [u32];

pub struct Folder<'s> {
    pub scheme: &'s Scheme,
    pub clearing_day: Day,
    pub ranks: &'s Ranks,
}

/// Where an event stands in its account's history.
struct Key {
    account: u64,
    time: EventTime,
    rank: u32,
    at: u32,
}

impl Folder<'_> {
    #[must_use]
    pub fn fold(&self, mut events: Vec<Taken>, mut notes: Vec<Note>, remembered: Vec<Remembered>) -> Folded {
        let mut remembered: HashMap<CardToken, AccountState, super::gather::Fast> = remembered.into_iter().collect();
        let mut folded = Folded::default();
        let mut keys = self.keys(&events, &notes);
        keys.sort_unstable_by(|a, b| (a.account, a.time, a.rank).cmp(&(b.account, b.time, b.rank)).then_with(|| self.tie(&events, a.at, b.at)));
        let mut fares: Vec<Option<Fare>> = vec![None; events.len()];
        let mut state = AccountState::default();
        for group in keys.chunk_by(|a, b| a.account == b.account) {
            for group in self.by_account(group, &events, &notes) {
                let Some(first) = group.first().and_then(|&at| events.get(at as usize)) else { continue };
                let account = first.core.account(&notes);
                state.clear();
                let known = if account.is_empty() { None } else { remembered.remove(&account) };
                if let Some(known) = known {
                    state = known;
                }
                if group.iter().any(|&at| events.get(at as usize).is_some_and(|event| event.core.note(&notes).is_some())) {
                    super::evidence::weigh(&group, &mut events, &notes);
                }
                self.account(&group, &events, &notes, &mut state, &mut fares, &mut folded.carried_rides);
                // No later record can end the journey of a rider without a card.
                let due = state.open.as_ref().filter(|_| account.is_empty()).map(|open| EventTime(open.tap.time.0.saturating_add(open.open_ms)));
                if let Some(due) = due {
                    self.give_up_at(due, &mut state, &mut fares, &mut folded.carried_rides);
                }
                self.remember(account, &mut state, &mut folded.remembered);
            }
        }
        // Accounts without an event today: an old tap-on may have to be given up, and old memories fade.
        for (account, mut state) in remembered {
            self.give_up(&mut state, &mut fares, &mut folded.carried_rides);
            self.remember(account, &mut state, &mut folded.remembered);
        }
        folded.remembered.sort_unstable_by_key(|(account, _)| *account);
        folded.events.reserve(events.len());
        for (event, fare) in events.into_iter().zip(fares) {
            match fare {
                Some(fare) => folded.events.push(event.priced(&fare, &mut notes)),
                None if gives_back(event.core.kind) => folded.refunds.push(event),
                None => folded.events.push(event.unpriced(&mut notes)),
            }
        }
        folded.events.sort_unstable_by(|a, b| self.event_order(a, b));
        folded.notes = notes;
        folded
    }

    fn keys(&self, events: &[Taken], notes: &[Note]) -> Vec<Key> {
        let rank = |event: &Taken| self.ranks.get(event.core.terminal.index()).copied().unwrap_or(0);
        events
            .iter()
            .zip(0u32..)
            .map(|(event, at)| Key { account: account_hash(&event.core.account(notes), event.core.id), time: event.core.time, rank: rank(event), at })
            .collect()
    }

    fn tie(&self, events: &[Taken], a: u32, b: u32) -> Ordering {
        match (events.get(a as usize), events.get(b as usize)) {
            (Some(a), Some(b)) => id_order(a.core.id, b.core.id).then_with(|| (a.core.id_kind, a.core.card).cmp(&(b.core.id_kind, b.core.card))),
            _ => Ordering::Equal,
        }
    }

    /// Positions in event order, split where two accounts share a hash.
    fn by_account(&self, group: &[Key], events: &[Taken], notes: &[Note]) -> Vec<Vec<u32>> {
        let account = |key: &Key| events.get(key.at as usize).map(|event| event.core.account(notes));
        let positions = |keys: &mut dyn Iterator<Item = &Key>| keys.map(|key| key.at).collect::<Vec<u32>>();
        let Some(first) = group.first().map(account) else { return Vec::new() };
        if first.is_some_and(|account| account.is_empty()) {
            return group.iter().map(|key| vec![key.at]).collect();
        }
        if group.iter().all(|key| account(key) == first) {
            return vec![positions(&mut group.iter())];
        }
        let mut accounts: Vec<_> = group.iter().map(account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.into_iter().map(|wanted| positions(&mut group.iter().filter(|key| account(key) == wanted))).collect()
    }

    fn account(
        &self,
        group: &[u32],
        events: &[Taken],
        notes: &[Note],
        state: &mut AccountState,
        fares: &mut [Option<Fare>],
        carried: &mut Vec<(OpenTap, Fare)>,
    ) {
        let pricing = self.pricing();
        for &at in group {
            let Some(event) = events.get(at as usize).filter(|event| event.core.reason.outcome() == Outcome::Cleared) else { continue };
            let core = &event.core;
            if gives_back(core.kind) {
                continue;
            }
            let step = pricing.next(state, &self.tap(event, at, notes));
            if let Some(abandoned) = step.abandoned {
                put(*abandoned, fares, carried);
            }
            if let Some(slot) = fares.get_mut(at as usize) {
                *slot = step.fare;
            }
        }
        self.give_up(state, fares, carried);
    }

    fn pricing(&self) -> Fold<'_> {
        Fold::new(&self.scheme.tariff, &self.scheme.clock)
    }

    /// What pricing needs to know of an event.
    fn tap(&self, event: &Taken, at: u32, notes: &[Note]) -> Tap {
        let core = &event.core;
        let record = core.note(notes).map(|note| &note.record);
        let (mut medium, mut birth) = (record.map_or(Symbol::NONE, |record| record.medium), None);
        if self.scheme.tariff.asks_registry
            && let Some(card) = self.scheme.card(&core.card)
        {
            birth = card.birth_date;
            if medium.is_none() {
                medium = card.medium;
            }
        }
        Tap {
            key: Some(at),
            id_kind: core.id_kind,
            id: core.id,
            terminal: core.terminal,
            mode: core.mode,
            operator: core.earner,
            issuer: core.issuer,
            earner: core.earner,
            class: core.class,
            medium,
            location: core.location,
            from: record.map_or(Symbol::NONE, |record| record.from),
            route: record.map_or(Symbol::NONE, |record| record.route),
            vehicle: record.map_or(Symbol::NONE, |record| record.vehicle),
            birth,
            amount_minor: event.amount_minor,
            charged_minor: record.and_then(|record| record.charged_minor),
            ..Tap::blank(core.kind, core.time, core.service_day)
        }
    }

    fn give_up(&self, state: &mut AccountState, fares: &mut [Option<Fare>], carried: &mut Vec<(OpenTap, Fare)>) {
        self.give_up_at(self.scheme.clock.day_end(self.clearing_day), state, fares, carried);
    }

    fn give_up_at(&self, day_end: EventTime, state: &mut AccountState, fares: &mut [Option<Fare>], carried: &mut Vec<(OpenTap, Fare)>) {
        if let Some(abandoned) = self.pricing().close_day(state, day_end) {
            put(abandoned, fares, carried);
        }
    }

    /// Keeps what a later record could still need: nothing older than the acceptance window.
    fn remember(&self, account: CardToken, state: &mut AccountState, remembered: &mut Vec<Remembered>) {
        if account.is_empty() {
            return;
        }
        let oldest = Day(self.clearing_day.0.saturating_sub(self.scheme.limits.acceptance_days));
        let oldest_time = self.scheme.clock.day_start(oldest);
        self.pricing().forget_before(state, oldest, oldest_time);
        if !state.is_blank() {
            if let Some(open) = &mut state.open {
                open.tap.key = None;
            }
            remembered.push((account, state.taken()));
        }
    }

    /// The canonical order of a day: event time, terminal, id.
    #[must_use]
    pub fn event_order(&self, a: &Priced, b: &Priced) -> Ordering {
        let rank = |event: &Priced| self.ranks.get(event.core.terminal.index()).copied().unwrap_or(0);
        (a.core.time, rank(a)).cmp(&(b.core.time, rank(b))).then_with(|| id_order(a.core.id, b.core.id)).then_with(|| version_order(a, b))
    }
}

/// Decided after the prices, but an account's witnesses like its other records.
pub(super) const fn gives_back(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Refund | RecordKind::Reversal)
}

/// By sequence, then epoch; ids that are hashes have no order of their own but a fixed one.
fn id_order(a: [u64; 2], b: [u64; 2]) -> Ordering {
    let [[a_high, a_low], [b_high, b_low]] = [a, b];
    (a_low, a_high).cmp(&(b_low, b_high))
}

/// Versions of one id (all held, or all but one rejected) need an order too.
fn version_order(a: &Priced, b: &Priced) -> Ordering {
    let key = |event: &Priced| {
        (event.core.id_kind, event.core.reason, event.core.card, event.core.kind, event.core.source_ref, event.list_minor, event.charged_minor)
    };
    key(a).cmp(&key(b))
}

fn put(Abandoned { open, fare, .. }: Abandoned, fares: &mut [Option<Fare>], carried: &mut Vec<(OpenTap, Fare)>) {
    match open.tap.key {
        Some(at) => {
            if let Some(slot) = fares.get_mut(at as usize) {
                *slot = Some(fare);
            }
        }
        None => carried.push((open, fare)),
    }
}

/// Reasons found later overwrite only a clear one.
pub(super) fn hold(event: &mut Taken, reason: Reason) {
    if event.core.reason == Reason::Cleared {
        event.core.reason = reason;
    }
}
