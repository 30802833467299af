//! The two orders of a close, as numbers: an account's events in event order, and the whole day in canonical order.
//!
//! A key holds what decides nearly always in its high bits and an event's address in its low ones, so that sorting moves
//! sixteen bytes and looks at nothing else. Keys that are equal above the address are settled by looking at the events:
//! what a key leaves out or cuts short costs time, never the order.

use super::event::Event;
use super::partition::Address;
use domain::text::shorter_first;
use domain::{EventTime, Flags, SymbolTable};
use std::cmp::Ordering;

/// Milliseconds from 17 years before the clearing day to 17 years after it; times beyond share the last one.
const TIME_BITS: u32 = 40;
const TIME_NUMBER_MAX: u64 = (1 << TIME_BITS) - 1;
/// Sixteen million terminal names; more share the last rank.
const RANK_BITS: u32 = 24;
const PARTITION_BITS: u32 = 16;
const ADDRESS_BITS: u32 = 32;

/// Bits of an account's hash. Those that chose the partition are not among them.
const HASH_BITS: u32 = 24;

/// What leads an event to its place in its account: some bits of the account's hash, then the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lead(u64);

impl Lead {
    /// No event's: it has been taken out.
    pub const APART: Self = Self(u64::MAX);

    /// `base_ms` is the time whose number is zero, [`base_ms`].
    #[must_use]
    pub fn new(account_hash: u64, time: EventTime, base_ms: i64) -> Self {
        let hash = account_hash >> (64 - PARTITION_HASH_BITS - HASH_BITS) & ((1 << HASH_BITS) - 1);
        // The last number of the last hash is APART's.
        Self((hash << TIME_BITS | time_number(time, base_ms)).min(u64::MAX - 1))
    }

    /// Whether it may be of an event that happened at `time` or before.
    #[must_use]
    pub fn may_be_until(self, time: EventTime, base_ms: i64) -> bool {
        self.0 & TIME_NUMBER_MAX <= time_number(time, base_ms)
    }
}

/// The highest bits of an account's hash choose its partition.
pub const PARTITION_HASH_BITS: u32 = 6;

/// The time whose number is zero.
#[must_use]
pub const fn base_ms(clearing_day_start: EventTime) -> i64 {
    clearing_day_start.0.saturating_sub(1 << (TIME_BITS - 1))
}

fn time_number(time: EventTime, base_ms: i64) -> u64 {
    time.0.saturating_sub(base_ms).clamp(0, TIME_NUMBER_MAX.cast_signed()).cast_unsigned()
}

/// A lead, and the event's address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountKey(u128);

/// Time, rank, partition, address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayKey(u128);

/// What keys are made with.
pub struct Order {
    /// By symbol: the place of its text in the order of terminals.
    ranks: Vec<u32>,
    /// The time whose number is zero.
    base_ms: i64,
}

impl Order {
    #[must_use]
    pub fn new(symbols: &SymbolTable, clearing_day_start: EventTime) -> Self {
        let texts = symbols.texts();
        let mut ranks = vec![0; texts.len()];
        let mut order: Vec<_> = texts.iter().zip(&mut ranks).collect();
        order.sort_unstable_by(|(a, _), (b, _)| shorter_first(a.as_bytes(), b.as_bytes()));
        for (next, (_, rank)) in (0u32..).zip(order) {
            *rank = next;
        }
        Self { ranks, base_ms: base_ms(clearing_day_start) }
    }

    #[must_use]
    pub fn day_key(&self, event: &Event, partition: u16, at: Address) -> DayKey {
        let time = time_number(event.time, self.base_ms);
        // Many times share the first and the last number: which of them comes first, no rank may say.
        let rank = if time == 0 || time == TIME_NUMBER_MAX { 0 } else { self.rank(event).min((1 << RANK_BITS) - 1) };
        let high = u128::from(time) << RANK_BITS | u128::from(rank);
        DayKey((high << PARTITION_BITS | u128::from(partition)) << ADDRESS_BITS | u128::from(at))
    }

    fn rank(&self, event: &Event) -> u32 {
        self.ranks.get(event.terminal.index()).copied().unwrap_or(0)
    }

    /// The event order of one account's records.
    #[must_use]
    pub fn of_account(&self, a: &Event, b: &Event) -> Ordering {
        let key = |event: &Event| (event.time, self.rank(event));
        key(a).cmp(&key(b)).then_with(|| by_id(a.id, b.id)).then_with(|| (a.id_kind, a.card).cmp(&(b.id_kind, b.card)))
    }

    /// The canonical order of a day: event time, terminal, id; versions of one id (all held, or all but one rejected) need an
    /// order too, and so do a ride and its shares: these follow it, by the operator that gets them.
    #[must_use]
    pub fn of_day(&self, a: &Event, b: &Event) -> Ordering {
        let key = |event: &Event| (event.time, self.rank(event));
        let version = |event: &Event| (event.id_kind, event.reason, event.card, event.kind, event.source_ref, event.list_minor(), event.charged_minor());
        let share = |event: &Event| event.flags.has(Flags::SHARE).then(|| self.ranks.get(event.earner.index()));
        key(a).cmp(&key(b)).then_with(|| by_id(a.id, b.id)).then_with(|| share(a).cmp(&share(b))).then_with(|| version(a).cmp(&version(b)))
    }
}

/// By sequence, then epoch; ids that are hashes have no order of their own but a fixed one.
fn by_id(a: [u64; 2], b: [u64; 2]) -> Ordering {
    let [[a_high, a_low], [b_high, b_low]] = [a, b];
    (a_low, a_high).cmp(&(b_low, b_high))
}

impl AccountKey {
    #[must_use]
    pub fn new(lead: Lead, at: Address) -> Self {
        Self(u128::from(lead.0) << ADDRESS_BITS | u128::from(at))
    }

    #[must_use]
    pub const fn address(self) -> Address {
        self.0 as u32
    }

    #[must_use]
    pub const fn same_account_hash(self, other: Self) -> bool {
        self.0 >> (TIME_BITS + ADDRESS_BITS) == other.0 >> (TIME_BITS + ADDRESS_BITS)
    }

    const fn same_place(self, other: Self) -> bool {
        self.0 >> ADDRESS_BITS == other.0 >> ADDRESS_BITS
    }
}

impl DayKey {
    #[must_use]
    pub const fn address(self) -> Address {
        self.0 as u32
    }

    #[must_use]
    pub const fn partition(self) -> usize {
        (self.0 >> ADDRESS_BITS) as usize & ((1 << PARTITION_BITS) - 1)
    }

    /// The smallest key of its millisecond.
    #[must_use]
    pub const fn floor(self) -> Self {
        let below = RANK_BITS + PARTITION_BITS + ADDRESS_BITS;
        Self(self.0 >> below << below)
    }

    const fn same_place(self, other: Self) -> bool {
        self.0 >> (PARTITION_BITS + ADDRESS_BITS) == other.0 >> (PARTITION_BITS + ADDRESS_BITS)
    }
}

/// Sorts keys of one partition; what they leave open, its events decide.
pub fn sort_accounts<'e>(keys: &mut [AccountKey], order: &Order, event: impl Fn(AccountKey) -> &'e Event) {
    keys.sort_unstable();
    settle(keys, |a, b| a.same_place(*b), |a, b| order.of_account(event(*a), event(*b)));
}

/// Sorts keys of the day; what they leave open, the events decide.
pub fn sort_day<'e>(keys: &mut [DayKey], order: &Order, event: impl Fn(DayKey) -> &'e Event) {
    keys.sort_unstable();
    settle(keys, |a, b| a.same_place(*b), |a, b| order.of_day(event(*a), event(*b)));
}

/// Sorts each run of keys that say the same.
fn settle<K>(keys: &mut [K], same: impl Fn(&K, &K) -> bool, order: impl Fn(&K, &K) -> Ordering) {
    for run in keys.chunk_by_mut(same) {
        if run.len() > 1 {
            run.sort_unstable_by(&order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Resolved};
    use super::*;
    use domain::{CardToken, Day, Flags, Reason, Record, RecordKind, Symbol};
    use proptest::prelude::*;

    fn event(record: &Record) -> Event {
        let none = Symbol::NONE;
        let (reason, flags, account, service_day) = (Reason::Cleared, Flags(0), record.card, Day(1));
        let resolved = Resolved { reason, flags, issuer: none, earner: none, class: none, mode: none, product: none, account, service_day };
        let mut event = Event::new(record, &resolved, 1, None, &mut Vec::new());
        event.decide_unpriced(&mut Vec::new());
        event
    }

    /// A day is cut into batches between milliseconds, never inside one.
    #[test]
    fn the_floor_of_a_key_is_that_of_its_millisecond_alone() {
        let symbols = SymbolTable::new();
        let terminals: Vec<Symbol> = (0..40).map(|number| symbols.intern(&format!("t{number}"))).collect();
        let order = Order::new(&symbols, EventTime(1_700_000_000_000));
        let key = |time: i64, terminal: Symbol, partition: u16, at: u32| {
            order.day_key(&event(&Record { time: EventTime(1_700_000_000_000 + time), terminal, ..Record::blank(RecordKind::TapOn) }), partition, at)
        };
        let mut before = None;
        for time in 0..50 {
            let keys: Vec<DayKey> =
                terminals.iter().zip(0u32..).flat_map(|(&terminal, at)| [key(time, terminal, 0, at), key(time, terminal, 63, u32::MAX - at)]).collect();
            let floor = keys[0].floor();
            assert!(keys.iter().all(|key| key.floor() == floor && floor <= *key), "{time}");
            assert!(before.is_none_or(|last| last < floor), "{time}");
            before = keys.into_iter().max();
        }
    }

    fn records() -> impl Strategy<Value = Vec<(i64, usize, u64)>> {
        let time = prop_oneof![0i64..4, Just(i64::MIN), Just(i64::MAX), Just(1i64 << 60), Just(-(1i64 << 60)), 1_700_000_000_000i64..1_700_000_000_003];
        prop::collection::vec((time, 0usize..4, 0u64..4), 0..40)
    }

    proptest! {
        /// Times far outside the key, equal times and names that share their length: the keys give the written order.
        #[test]
        fn keys_sort_as_time_terminal_and_sequence_do(rows in records()) {
            let symbols = SymbolTable::new();
            let terminals: Vec<Symbol> = ["9", "10", "b", "a"].iter().map(|text| symbols.intern(text)).collect();
            let order = Order::new(&symbols, EventTime(1_700_000_000_000));
            let rank = |at: usize| ["9", "a", "b", "10"].iter().position(|text| *text == ["9", "10", "b", "a"][at]);
            let events: Vec<Event> = rows.iter().map(|&(time, terminal, sequence)| {
                event(&Record { time: EventTime(time), terminal: terminals[terminal], sequence, card: CardToken::new(b"c").expect("short"), ..Record::blank(RecordKind::TapOn) })
            }).collect();
            let mut expected = rows.clone();
            expected.sort_by_key(|&(time, terminal, sequence)| (time, rank(terminal), sequence));
            let mut days: Vec<DayKey> = events.iter().zip(0..).map(|(event, at)| order.day_key(event, (at % 3) as u16, at)).collect();
            sort_day(&mut days, &order, |key| &events[key.address() as usize]);
            prop_assert_eq!(days.iter().map(|key| rows[key.address() as usize]).collect::<Vec<_>>(), expected.clone());
            let mut account: Vec<AccountKey> = events.iter().zip(0..).map(|(event, at)| AccountKey::new(Lead::new(7, event.time, order.base_ms), at)).collect();
            sort_accounts(&mut account, &order, |key| &events[key.address() as usize]);
            prop_assert_eq!(account.iter().map(|key| rows[key.address() as usize]).collect::<Vec<_>>(), expected);
        }
    }
}
