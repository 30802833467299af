//! The plan of a day: every event in a few bytes, its place in its terminal's count, and the order in which all arrive.

use super::Params;
use super::city::City;
use super::dice::Dice;
use super::riders::Riders;
use domain::time::DAY_MS;
use domain::{Day, EventTime, Record, RecordId, RecordKind, SourceRef};
use hashbrown::HashMap;

/// What is special about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    UnknownTerminal,
    Hotlisted,
    AbsurdAmount,
    Year1970,
    Year2099,
    GreyProven,
    GreyUnproven,
    /// A copy of the card was at this terminal.
    Clone,
    /// The card's counter is lower than it was.
    CounterBack,
}

/// One thing that a terminal saw.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Milliseconds after the local midnight of the day, or of the day before for `yesterday`.
    pub time_ms: u32,
    pub terminal: u32,
    pub card: u32,
    pub amount_minor: u32,
    pub kind: RecordKind,
    pub mark: Mark,
    pub yesterday: bool,
}

/// Events while they are made.
#[derive(Debug, Default)]
pub struct Notes {
    pub events: Vec<Event>,
    /// Of refunds: the event that they give back.
    pub originals: HashMap<u32, u32, foldhash::fast::FixedState>,
}

impl Notes {
    /// Adds an event; returns its position.
    pub fn add(&mut self, event: Event) -> u32 {
        let at = u32::try_from(self.events.len()).expect("as many events as records, which are counted in 32 bits");
        self.events.push(event);
        at
    }
}

/// How an event arrives.
const FIRST: u64 = 0;
const DUPLICATE: u64 = 1;
const CONFLICT: u64 = 2;
const VARIANT_BITS: u32 = 2;
const EVENT_BITS: u32 = 32;

const MINUTE_MS: u32 = 60_000;
/// A terminal's count grows by less than this a day.
const DAY_SEQUENCES: u64 = 10_000_000;
/// A card's count grows by less than this a day.
const DAY_COUNTERS: u32 = 50_000;
/// 2020-01-01: counts begin there.
const FIRST_DAY: i32 = 18_262;
/// Rides of a day by somebody who never taps off.
const DODGED_RIDES: u32 = 4;
/// By how much a counter is lower that goes back.
const COUNTED_BACK: u32 = 40;
const NOT_COUNTED: u32 = u32::MAX;
const ABSURD_MINOR: i64 = 999_999_999;
const YEAR_2099_MS: i64 = 4_070_908_800_000;

pub struct Plan {
    events: Vec<Event>,
    originals: HashMap<u32, u32, foldhash::fast::FixedState>,
    /// By event: its place in its terminal's day.
    places: Vec<u32>,
    /// By event: its place in its card's day.
    counters: Vec<u32>,
    /// Balance before, of grey records and of the ones that prove them.
    balances: HashMap<u32, i64, foldhash::fast::FixedState>,
    /// Time of arrival, way of arrival and event, in the order of arrival.
    arrivals: Vec<u64>,
}

impl Plan {
    #[must_use]
    pub fn new(city: &City<'_>, params: Params) -> Self {
        let Params { day, records, seed, faults } = params;
        let mut dice = Dice::new(seed, 0x6461_7900 ^ u64::from(day.0.unsigned_abs()));
        let share = |rate: u32, dice: &mut Dice| {
            let millionths = u64::from(records) * u64::from(rate);
            let whole = u32::try_from(millionths / 1_000_000).unwrap_or(0);
            whole + u32::from(dice.happens(u32::try_from(millionths % 1_000_000).unwrap_or(0)))
        };
        let duplicates = share(faults.duplicate, &mut dice);
        let conflicts = share(faults.conflict, &mut dice).min(records.saturating_sub(duplicates) / 2);
        let clones = share(faults.clone, &mut dice).min(records.saturating_sub(duplicates + conflicts) / 2);
        let mut left = records.saturating_sub(duplicates + conflicts + clones);
        let mut some = |rate: u32, each: u32, dice: &mut Dice| {
            let times = share(rate, dice).min(left / (2 * each));
            left -= times * each;
            times
        };
        let [gates, towns] = [faults.same_gate, faults.far_away].map(|rate| some(rate, 1, &mut dice));
        let dodgers = some(faults.dodger, DODGED_RIDES, &mut dice);
        let back = share(faults.counter_back, &mut dice);
        let mut notes = ride(city, params, left);
        for _ in 0..clones {
            add_clone(&mut notes, city, &mut dice);
        }
        (0..gates).for_each(|_| {
            add_again(&mut notes, &[RecordKind::TapOn, RecordKind::Pass], &mut dice, |event, dice| Event {
                time_ms: event.time_ms + dice.between(3_000, 15_000),
                ..event
            })
        });
        (0..towns).for_each(|_| {
            add_again(&mut notes, &[RecordKind::Payment, RecordKind::Pass], &mut dice, |event, dice| {
                let time_ms = event.time_ms + dice.between(5 * MINUTE_MS, 15 * MINUTE_MS);
                Event { time_ms, terminal: city.elsewhere(event.terminal, dice), ..event }
            });
        });
        (0..dodgers).for_each(|_| add_dodger(&mut notes, city, &mut dice));
        for _ in 0..back {
            let plain = plain_event(&notes, &[RecordKind::Boarding, RecordKind::Payment, RecordKind::Pass], &mut dice);
            if let Some(event) = plain.and_then(|at| notes.events.get_mut(at as usize)) {
                event.mark = Mark::CounterBack;
            }
        }
        let mut plan = Self {
            places: Vec::new(),
            counters: Vec::new(),
            balances: HashMap::default(),
            arrivals: Vec::new(),
            originals: notes.originals,
            events: notes.events,
        };
        plan.count(city);
        plan.arrive(faults.late_upload, &mut dice);
        for (variant, times) in [(DUPLICATE, duplicates), (CONFLICT, conflicts)] {
            for _ in 0..times {
                plan.again(variant, &mut dice);
            }
        }
        plan.arrivals.sort_unstable();
        plan
    }

    #[must_use]
    pub fn arrivals(&self) -> usize {
        self.arrivals.len()
    }

    /// Gives every event its place in its terminal's and in its card's count, in the order of time.
    fn count(&mut self, city: &City<'_>) {
        let mut order: Vec<u64> = (0u64..).zip(&self.events).map(|(at, event)| u64::from(event.time_ms) << EVENT_BITS | at).collect();
        order.sort_unstable();
        // Two counts each: the day's and that of the day before.
        let mut by_terminal = vec![[0u32; 2]; city.terminals.len()];
        let mut by_card = vec![[0u32; 2]; city.cards.len()];
        let mut waiting: HashMap<u32, i64, foldhash::fast::FixedState> = HashMap::default();
        self.places = vec![NOT_COUNTED; self.events.len()];
        self.counters = vec![NOT_COUNTED; self.events.len()];
        let next = |counts: &mut [[u32; 2]], at: u32, day: usize| {
            let count = counts.get_mut(at as usize).and_then(|days| days.get_mut(day));
            count.map_or(0, |count| {
                *count += 1;
                *count - 1
            })
        };
        for key in order {
            let at = u32::try_from(key & u64::from(u32::MAX)).unwrap_or(0);
            let Some(event) = self.events.get(at as usize) else { continue };
            let day = usize::from(event.yesterday);
            if event.mark != Mark::UnknownTerminal
                && let Some(place) = self.places.get_mut(at as usize)
            {
                *place = next(&mut by_terminal, event.terminal, day);
            }
            let counted = !matches!(event.mark, Mark::Hotlisted | Mark::Clone);
            if counted && let Some(counter) = self.counters.get_mut(at as usize) {
                *counter = next(&mut by_card, event.card, day);
            }
            if event.yesterday || !counted || matches!(event.mark, Mark::Year1970 | Mark::Year2099 | Mark::AbsurdAmount) {
                continue;
            }
            if let Some(before) = waiting.remove(&event.card) {
                self.balances.insert(at, before);
            }
            if matches!(event.mark, Mark::GreyProven | Mark::GreyUnproven) {
                let before = self.balances.get(&at).copied().unwrap_or(1_000_000 + i64::from(at % 100) * 50);
                self.balances.insert(at, before);
                let lost = if event.mark == Mark::GreyProven { 0 } else { i64::from(event.amount_minor).max(100) };
                waiting.insert(event.card, before - i64::from(event.amount_minor) + lost);
            }
        }
    }

    fn arrive(&mut self, late_upload: u32, dice: &mut Dice) {
        self.arrivals.reserve(self.events.len() + self.events.len() / 100);
        for (at, event) in (0u64..).zip(&self.events) {
            let delay_ms = if dice.happens(late_upload) { dice.between(60 * MINUTE_MS, 16 * 60 * MINUTE_MS) } else { dice.below(8 * MINUTE_MS) };
            self.arrivals.push(u64::from(event.time_ms + delay_ms) << (EVENT_BITS + VARIANT_BITS) | FIRST << EVENT_BITS | at);
        }
    }

    /// Sends an event again.
    fn again(&mut self, variant: u64, dice: &mut Dice) {
        let Some(&first) = self.arrivals.get(dice.below(u32::try_from(self.events.len()).unwrap_or(u32::MAX)) as usize) else { return };
        let time_ms = first >> (EVENT_BITS + VARIANT_BITS);
        let at = first & u64::from(u32::MAX);
        let later_ms = time_ms + u64::from(dice.between(1, 180 * MINUTE_MS));
        self.arrivals.push(later_ms << (EVENT_BITS + VARIANT_BITS) | variant << EVENT_BITS | at);
    }

    /// The record that arrives at a place in the order; blank beyond the last.
    #[must_use]
    pub fn record(&self, city: &City<'_>, place: usize) -> Record {
        let key = self.arrivals.get(place).copied().unwrap_or(0);
        let at = u32::try_from(key & u64::from(u32::MAX)).unwrap_or(0);
        let mut record = self.first_copy(city, at).unwrap_or(Record::blank(RecordKind::TapOn));
        if key >> EVENT_BITS & 3 == CONFLICT {
            record.amount_minor += 100;
        }
        record.arrival = place as u64 + 1;
        record
    }

    fn first_copy(&self, city: &City<'_>, at: u32) -> Option<Record> {
        let event = self.events.get(at as usize)?;
        let terminal = city.terminals.get(event.terminal as usize)?;
        let card = city.cards.get(event.card as usize)?;
        let day = Day(city.day.0 - i32::from(event.yesterday));
        let midnight_ms = city.midnight_ms - if event.yesterday { DAY_MS } else { 0 };
        let mut record = Record {
            time: EventTime(midnight_ms + i64::from(event.time_ms)),
            offset_min: city.offset_min,
            terminal: terminal.id,
            epoch: terminal.epoch,
            sequence: self.sequence(event, day, at),
            location: terminal.location,
            operator: terminal.operator,
            mode: terminal.mode,
            issuer: card.issuer,
            class: card.class,
            medium: card.medium,
            card: card.token,
            amount_minor: i64::from(event.amount_minor),
            source_ref: SourceRef::EMPTY,
            ..Record::blank(event.kind)
        };
        record.card_counter =
            self.counters.get(at as usize).copied().filter(|&counter| counter != NOT_COUNTED).map(|counter| counter_of(day, counter, event.yesterday));
        if city.hospital(event.terminal) {
            record.product = city.medical;
        }
        match event.mark {
            Mark::Plain => {}
            Mark::CounterBack => record.card_counter = record.card_counter.map(|counter| counter.saturating_sub(COUNTED_BACK)),
            Mark::UnknownTerminal => record.terminal = city.unknown,
            Mark::Hotlisted => {
                if let Some(&(token, issuer, version)) = city.hotlist.get(at as usize % city.hotlist.len().max(1)) {
                    // Every fourth terminal has an older list, every fourth states none.
                    record.hotlist_version = [Some(version), Some(version + 1), Some(version.saturating_sub(1)), None].get(at as usize % 4).copied().flatten();
                    (record.card, record.issuer) = (token, issuer);
                    record.class = domain::Symbol::NONE;
                }
            }
            Mark::AbsurdAmount => record.amount_minor = ABSURD_MINOR,
            Mark::Year1970 => record.time = EventTime(i64::from(event.time_ms % 1000)),
            Mark::Year2099 => record.time = EventTime(YEAR_2099_MS + i64::from(event.time_ms)),
            Mark::GreyProven | Mark::GreyUnproven => record.grey = true,
            Mark::Clone => {
                let copied = *self.originals.get(&at)?;
                record.card_counter = self.counters.get(copied as usize).copied().map(|counter| counter_of(day, counter, event.yesterday));
            }
        }
        if let Some(&before) = self.balances.get(&at) {
            let credit = matches!(event.kind, RecordKind::Refund | RecordKind::Reversal);
            record.balance_before_minor = Some(before);
            record.balance_after_minor = Some(if credit { before + record.amount_minor } else { before - record.amount_minor });
        }
        if matches!(event.kind, RecordKind::Refund | RecordKind::Reversal) {
            record.original = self.originals.get(&at).and_then(|&original| self.id(city, original));
        }
        Some(record)
    }

    fn id(&self, city: &City<'_>, at: u32) -> Option<RecordId> {
        let event = self.events.get(at as usize)?;
        let terminal = city.terminals.get(event.terminal as usize)?;
        let day = Day(city.day.0 - i32::from(event.yesterday));
        let symbol = if event.mark == Mark::UnknownTerminal { city.unknown } else { terminal.id };
        Some(RecordId::Sequence { terminal: symbol, epoch: terminal.epoch, sequence: self.sequence(event, day, at) })
    }

    fn sequence(&self, event: &Event, day: Day, at: u32) -> u64 {
        let place = match self.places.get(at as usize) {
            Some(&place) if place != NOT_COUNTED => place,
            // An unknown terminal counts all that it ever saw.
            _ => at,
        };
        let days = u64::try_from(day.0 - FIRST_DAY).unwrap_or(0);
        // What is late stands behind all that the day before generates of its own.
        days * DAY_SEQUENCES + u64::from(place) + if event.yesterday { DAY_SEQUENCES / 2 } else { 0 }
    }
}

fn counter_of(day: Day, counter: u32, yesterday: bool) -> u32 {
    let days = u32::try_from(day.0 - FIRST_DAY).unwrap_or(0);
    days.wrapping_mul(DAY_COUNTERS).wrapping_add(counter).wrapping_add(if yesterday { DAY_COUNTERS / 2 } else { 0 })
}

/// The events of all riders: every active account gets as many as the others, give or take one.
fn ride(city: &City<'_>, params: Params, ridden: u32) -> Notes {
    let mut notes = Notes { events: Vec::with_capacity(ridden as usize), ..Notes::default() };
    let accounts = u32::try_from(city.accounts.len()).unwrap_or(u32::MAX);
    // Few records are a few riders' whole days rather than a single tap of each.
    let active = (ridden / 5).clamp(1, accounts);
    let mut riders = Riders::new(city, params.faults);
    let mut choose = Dice::new(params.seed, 0x7269_6465);
    let first = choose.below(accounts);
    for rider in 0..active {
        let edge = |rider: u32| u64::from(ridden) * u64::from(rider) / u64::from(active);
        let records = u32::try_from(edge(rider + 1) - edge(rider)).unwrap_or(0);
        if records == 0 {
            continue;
        }
        let account = ((u64::from(first) + u64::from(rider)) % u64::from(accounts)) as usize;
        let mut dice = Dice::new(params.seed ^ u64::from(params.day.0.unsigned_abs()) << 32, account as u64);
        riders.day(account, records, &mut dice, &mut notes);
    }
    notes
}

/// The first plain event of one of these kinds from a place on that the dice choose.
fn plain_event(notes: &Notes, kinds: &[RecordKind], dice: &mut Dice) -> Option<u32> {
    let count = u32::try_from(notes.events.len()).unwrap_or(u32::MAX);
    let start = dice.below(count);
    let is_one = |event: &Event| event.mark == Mark::Plain && kinds.contains(&event.kind);
    (0..count).map(|step| (start + step) % count.max(1)).find(|&at| notes.events.get(at as usize).is_some_and(is_one))
}

/// An event of a card once more, changed a little. Where there is none to change, a purchase.
fn add_again(notes: &mut Notes, kinds: &[RecordKind], dice: &mut Dice, change: impl Fn(Event, &mut Dice) -> Event) {
    let plain = plain_event(notes, kinds, dice).and_then(|at| notes.events.get(at as usize).copied());
    let purchase =
        Event { time_ms: 12 * 60 * MINUTE_MS, terminal: 0, card: 0, amount_minor: 100, kind: RecordKind::Payment, mark: Mark::Plain, yesterday: false };
    let event = plain.map_or(purchase, |event| change(event, dice));
    notes.add(event);
}

/// Rides of somebody who never taps off, from one end of the town to the other.
fn add_dodger(notes: &mut Notes, city: &City<'_>, dice: &mut Dice) {
    let rides: Vec<&Vec<Vec<u32>>> = city.towns.iter().map(|town| &town.stations).filter(|stations| !stations.is_empty()).collect();
    let stations = dice.pick(&rides).copied();
    let card = dice.below(u32::try_from(city.cards.len()).unwrap_or(u32::MAX));
    let ends = stations.map(|stations| [stations.first(), stations.last()].map(|gates| gates.and_then(|gates| dice.pick(gates)).copied().unwrap_or(0)));
    for ride in 0..DODGED_RIDES {
        let time_ms = 7 * 60 * MINUTE_MS + ride * 200 * MINUTE_MS + dice.below(60 * MINUTE_MS);
        let terminal = ends.map_or(0, |[first, last]| if ride % 2 == 0 { first } else { last });
        let kind = if ends.is_some() { RecordKind::TapOn } else { RecordKind::Payment };
        notes.add(Event { time_ms, terminal, card, amount_minor: 0, kind, mark: Mark::Plain, yesterday: false });
    }
}

/// The same card and count at another terminal, a little later.
fn add_clone(notes: &mut Notes, city: &City<'_>, dice: &mut Dice) {
    // A copy of a copy, or of what is wrong in another way, would prove nothing: the next plain one is taken.
    let plain = plain_event(notes, &[RecordKind::Boarding, RecordKind::Payment, RecordKind::Pass], dice);
    let terminals = u32::try_from(city.terminals.len()).unwrap_or(1);
    let copied = plain.and_then(|at| Some((at, *notes.events.get(at as usize)?)));
    let event = match copied {
        Some((_, event)) => Event { time_ms: event.time_ms + MINUTE_MS, terminal: city.like(event.terminal, dice), mark: Mark::Clone, ..event },
        None => Event {
            time_ms: 12 * 60 * MINUTE_MS,
            terminal: dice.below(terminals),
            card: 0,
            amount_minor: 100,
            kind: RecordKind::Payment,
            mark: Mark::Plain,
            yesterday: false,
        },
    };
    let at = notes.add(event);
    if let Some((copied, _)) = copied {
        notes.originals.insert(at, copied);
    }
}
