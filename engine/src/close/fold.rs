//! Folding a partition: its events, grouped by account and put in event order, become priced.
//!
//! A partition is worked on by one thread. Within an account the events decide what only they can decide together: clone
//! evidence, grey writes, then the fares. Events are decided where they stand; what is sorted is keys.

use super::event::Event;
use super::evidence::Copies;
use super::gather::Fast;
use super::memory::Remembered;
use super::order::{AccountKey, DayKey, Order, sort_accounts};
use super::partition::{Address, Partition};
use super::revise::{Past, Revision};
use super::trail::Trails;
use super::watch::Watching;
use crate::price::{Abandoned, AccountState, Claim, Extras, Fold, Part, Tap};
use crate::scheme::Scheme;
use domain::{CardToken, Day, EventTime, Flags, Outcome, Reason, RecordKind, Symbol};
use hashbrown::HashMap;

/// A partition on its way through the close.
#[derive(Default)]
pub struct Folded {
    pub partition: Partition,
    /// Its events in canonical order, but for ties that only the events can settle.
    pub days: Vec<DayKey>,
    pub remembered: Vec<Remembered>,
    /// Rides of tap-ons that an earlier close took in, given up in this one.
    pub carried_rides: Vec<Abandoned>,
    /// What rides claim of budgets.
    pub claims: Vec<(Address, Claim)>,
    /// What operators get of rides that are shared.
    pub shares: Vec<(Address, Vec<Part>)>,
    /// Rides of closed days that cost something else now.
    pub revisions: Vec<Revision>,
    /// The latest event of the partition.
    pub latest: Option<EventTime>,
    /// Refunds, reversals and collections: decided when all prices are known.
    pub refunds: Vec<Address>,
    /// Other events that did not simply clear, or that an earlier close took in.
    pub noted: Vec<Address>,
    /// Where the scheme asks for oddities.
    pub watching: Option<Watching>,
}

pub struct Folder<'s> {
    pub scheme: &'s Scheme,
    pub clearing_day: Day,
    pub order: &'s Order,
    /// The clearing days that are closed, oldest first.
    pub closed: &'s [Day],
    /// What they cleared of accounts that have a record today which belongs before some of it.
    pub past: &'s Past,
}

impl Folder<'_> {
    /// Decides every event of a partition but its refunds. `number` is the partition's.
    #[must_use]
    pub fn fold(&self, number: u16, partition: Partition, remembered: Vec<Remembered>, trails: Vec<Trails>) -> Folded {
        let mut remembered: HashMap<CardToken, AccountState, Fast> = remembered.into_iter().collect();
        let watching = self.scheme.oddities.as_ref().map(|_| Watching::new(trails));
        let mut folded = Folded { partition, watching, ..Folded::default() };
        let keys = self.keys(&folded.partition);
        folded.days.reserve_exact(keys.len());
        let mut state = AccountState::default();
        let mut rest = keys.as_slice();
        while !rest.is_empty() {
            let (window, later) = rest.split_at(window_of(rest));
            rest = later;
            fetch(window, &folded.partition);
            for run in window.chunk_by(|a, b| a.same_account_hash(*b)) {
                for group in by_account(run, &folded.partition) {
                    self.fold_account(&group, &mut state, &mut remembered, &mut folded);
                    self.line_up(number, &group, &mut folded);
                }
            }
        }
        // Accounts without an event today: an old tap-on may have to be given up, and old memories fade.
        for (account, mut state) in remembered {
            self.watch_from(account, &mut folded);
            self.give_up(&mut state, &mut folded);
            self.watch_to(account, &state, &mut folded);
            self.remember(account, &mut state, &mut folded.remembered);
        }
        if let Some(watching) = &mut folded.watching {
            self.watch_rest(watching);
        }
        folded.days.sort_unstable();
        folded
    }

    fn fold_account(&self, group: &[AccountKey], state: &mut AccountState, remembered: &mut HashMap<CardToken, AccountState, Fast>, folded: &mut Folded) {
        let Some(account) = group.first().map(|key| account_of(*key, &folded.partition)) else { return };
        state.clear();
        if !account.is_empty()
            && !remembered.is_empty()
            && let Some(known) = remembered.remove(&account)
        {
            *state = known;
        }
        folded.latest = folded.latest.max(group.last().map(|key| folded.partition.get(key.address()).time));
        let copies = weigh(group, &mut folded.partition);
        self.watch_from(account, folded);
        if let Some(watching) = &mut folded.watching {
            self.watch_copies(&copies, &folded.partition, watching);
        }
        match self.past.of(account, group, &folded.partition) {
            Some(past) => *state = self.revise(account, group, past, folded),
            None => self.account(group, state, folded),
        }
        // No later record can end the journey of a rider without a card.
        if account.is_empty()
            && let Some(due) = state.open.as_ref().map(|open| open.due())
        {
            self.give_up_at(due, state, folded);
        }
        self.watch_to(account, state, folded);
        self.remember(account, state, &mut folded.remembered);
    }

    fn watch_from(&self, account: CardToken, folded: &mut Folded) {
        if let Some(watching) = &mut folded.watching {
            watching.begin(account);
        }
    }

    fn watch_to(&self, account: CardToken, state: &AccountState, folded: &mut Folded) {
        if let Some(watching) = &mut folded.watching {
            self.watch_end(account, state, watching);
        }
    }

    /// Keys of all events that count here, account by account in event order.
    fn keys(&self, partition: &Partition) -> Vec<AccountKey> {
        let mut keys = Vec::with_capacity(partition.len());
        keys.extend(partition.leads().map(|(at, lead)| AccountKey::new(lead, at)));
        sort_accounts(&mut keys, self.order, |key| partition.get(key.address()));
        keys
    }

    /// Decides what has no price of its own, and puts down where each event of an account stands in the day.
    pub fn line_up(&self, number: u16, group: &[AccountKey], folded: &mut Folded) {
        let Folded { partition, days, refunds, noted, .. } = folded;
        for key in group {
            let at = key.address();
            let event = partition.get(at);
            days.push(self.order.day_key(event, number, at));
            if waits_for_original(event.kind) {
                refunds.push(at);
                continue;
            }
            if event.reason != Reason::Cleared || event.flags.has(Flags::CARRIED) {
                noted.push(at);
            }
            if !event.is_decided() {
                partition.decide_unpriced(at);
            }
        }
    }

    fn account(&self, group: &[AccountKey], state: &mut AccountState, folded: &mut Folded) {
        let pricing = self.pricing();
        let day_end = self.scheme.clock.day_end(self.clearing_day);
        let mut ended = false;
        for key in group {
            let event = folded.partition.get(key.address());
            if event.reason.outcome() != Outcome::Cleared || waits_for_original(event.kind) {
                continue;
            }
            // What a terminal's clock puts after the day's end comes after it.
            if event.time >= day_end && !ended {
                ended = true;
                self.give_up(state, folded);
            }
            let event = folded.partition.get(key.address());
            let step = pricing.next(state, &self.tap(key.address(), event, &folded.partition));
            if let Some(abandoned) = step.abandoned {
                self.put(*abandoned, folded);
            }
            if let Some(watching) = &mut folded.watching {
                self.watch(folded.partition.get(key.address()), &folded.partition, watching);
            }
            if let Some(fare) = step.fare {
                folded.partition.decide_priced(key.address(), &fare);
                folded.keep(key.address(), step.extras);
            }
        }
        if !ended {
            self.give_up(state, folded);
        }
    }

    fn pricing(&self) -> Fold<'_> {
        Fold::new(&self.scheme.tariff, &self.scheme.clock)
    }

    /// What pricing needs to know of an event.
    pub fn tap(&self, at: Address, event: &Event, partition: &Partition) -> Tap {
        let record = event.note(&partition.notes).map(|note| &note.record);
        let (mut medium, mut birth) = (record.map_or(Symbol::NONE, |record| record.medium), None);
        if self.scheme.tariff.asks_registry
            && let Some(card) = self.scheme.card(&event.card)
        {
            birth = card.birth_date;
            if medium.is_none() {
                medium = card.medium;
            }
        }
        Tap {
            key: Some(at),
            id_kind: event.id_kind,
            id: event.id,
            terminal: event.terminal,
            mode: event.mode,
            operator: event.earner,
            issuer: event.issuer,
            earner: event.earner,
            class: event.class,
            medium,
            product: event.product,
            location: event.location,
            from: record.map_or(Symbol::NONE, |record| record.from),
            route: record.map_or(Symbol::NONE, |record| record.route),
            vehicle: record.map_or(Symbol::NONE, |record| record.vehicle),
            birth,
            amount_minor: event.stated_minor(),
            charged_minor: record.and_then(|record| record.charged_minor),
            ..Tap::blank(event.kind, event.time, event.service_day)
        }
    }

    fn give_up(&self, state: &mut AccountState, folded: &mut Folded) {
        if state.open.is_some() {
            self.give_up_at(self.scheme.clock.day_end(self.clearing_day), state, folded);
        }
    }

    fn give_up_at(&self, day_end: EventTime, state: &mut AccountState, folded: &mut Folded) {
        if let Some(abandoned) = self.pricing().close_day(state, day_end) {
            self.put(abandoned, folded);
        }
    }

    fn put(&self, abandoned: Abandoned, folded: &mut Folded) {
        if let Some(watching) = &mut folded.watching {
            self.watch_given_up(&abandoned.open, abandoned.fare.charged_minor, watching);
        }
        let Some(at) = abandoned.open.tap.key else { return folded.carried_rides.push(abandoned) };
        folded.partition.decide_priced(at, &abandoned.fare);
        folded.keep(at, abandoned.extras);
    }

    /// Keeps what a later record could still need: nothing older than the acceptance window.
    fn remember(&self, account: CardToken, state: &mut AccountState, remembered: &mut Vec<Remembered>) {
        if account.is_empty() {
            return;
        }
        let oldest = Day(self.clearing_day.0.saturating_sub(self.scheme.limits.acceptance_days));
        // A transfer's window may reach further back than a record may be late.
        let window_start = self.scheme.clock.day_start(self.clearing_day).0.saturating_sub(TRANSFER_WINDOW_MAX_MS);
        let oldest_time = EventTime(self.scheme.clock.day_start(oldest).0.min(window_start));
        self.pricing().forget_before(state, oldest, oldest_time);
        if !state.is_blank() {
            if let Some(open) = &mut state.open {
                open.tap.key = None;
            }
            remembered.push((account, state.taken()));
        }
    }
}

/// No transfer rule has a longer window: 10,080 minutes.
const TRANSFER_WINDOW_MAX_MS: i64 = 10_080 * 60_000;

/// Decides what only an account's records together can tell: clone evidence and grey writes.
fn weigh(group: &[AccountKey], partition: &mut Partition) -> Copies {
    let noted = group.iter().any(|key| partition.get(key.address()).note(&partition.notes).is_some());
    if noted { super::evidence::weigh(group, partition) } else { Copies::new() }
}

/// Keys that are worked on together: some dozens, and whole accounts.
fn window_of(keys: &[AccountKey]) -> usize {
    let Some(last) = keys.get(WINDOW_EVENTS - 1) else { return keys.len() };
    let more = keys.iter().skip(WINDOW_EVENTS).take_while(|key| key.same_account_hash(*last)).count();
    WINDOW_EVENTS + more
}

const WINDOW_EVENTS: usize = 64;

/// Looks at the events of a window once. They lie far apart in memory: fetched with nothing between, they are waited for
/// together, and are near when the accounts are folded.
fn fetch(window: &[AccountKey], partition: &Partition) {
    let seen = window.iter().map(|key| partition.get(key.address())).fold(0, |seen, event| seen ^ event.time.0 ^ i64::from(event.offset_min));
    std::hint::black_box(seen);
}

fn account_of(key: AccountKey, partition: &Partition) -> CardToken {
    partition.get(key.address()).account(&partition.notes)
}

/// The accounts of a run of keys, which nearly always is one: a run is split where two accounts share a hash. A record
/// without a card is an account of its own.
fn by_account<'k>(run: &'k [AccountKey], partition: &Partition) -> Vec<std::borrow::Cow<'k, [AccountKey]>> {
    use std::borrow::Cow;
    let account = |key: &AccountKey| account_of(*key, partition);
    let Some(first) = run.first().map(account) else { return Vec::new() };
    if run.iter().skip(1).all(|key| account(key) == first) {
        return if first.is_empty() { run.chunks(1).map(Cow::Borrowed).collect() } else { vec![Cow::Borrowed(run)] };
    }
    let mut accounts: Vec<_> = run.iter().map(account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let of = |wanted: CardToken| run.iter().copied().filter(move |key| account(key) == wanted).collect::<Vec<_>>();
    let (empty, named): (Vec<_>, Vec<_>) = accounts.into_iter().partition(CardToken::is_empty);
    let alone = empty.into_iter().flat_map(|none| of(none).into_iter().map(|key| Cow::Owned(vec![key])).collect::<Vec<_>>());
    alone.chain(named.into_iter().map(|account| Cow::Owned(of(account)))).collect()
}

/// Decided after the prices, but an account's witnesses like its other records.
pub(super) const fn waits_for_original(kind: RecordKind) -> bool {
    gives_back(kind) || matches!(kind, RecordKind::Collection)
}

/// Whether it takes money back to the cardholder.
pub(super) const fn gives_back(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Refund | RecordKind::Reversal)
}

impl Folded {
    /// Keeps what few rides have besides their fare, until all rides have theirs.
    pub fn keep(&mut self, at: Address, extras: Option<Box<Extras>>) {
        if let Some(extras) = extras {
            self.claims.extend(extras.claims.into_iter().map(|claim| (at, claim)));
            if !extras.parts.is_empty() {
                self.shares.push((at, extras.parts));
            }
        }
    }
}
