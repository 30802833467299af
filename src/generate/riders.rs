//! One rider's day: where the account's cards go, one trip after the other.
//!
//! Trips of one account never overlap, so that every tap-off has its own tap-on unless a fault takes it away.

use super::amounts::{Clock, admission_minor, hospital_minor, shop_minor};
use super::city::{City, Town};
use super::dice::Dice;
use super::faults::Faults;
use super::plan::{Event, Mark, Notes};
use domain::RecordKind;

const MINUTE_MS: u32 = 60_000;
/// With more trips than this the day is cut into even pieces.
const TRIPS_MAX: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Trip {
    Metro { from: usize, to: usize, on: bool, off: bool },
    Bus { legs: u32 },
    Visit,
    Shop { back: Back },
    Hospital,
}

/// What is given back of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    Nothing,
    Part,
    All,
    /// All, and then again.
    Twice,
    TooMuch,
}

impl Trip {
    fn records(self) -> u32 {
        match self {
            Self::Metro { on, off, .. } => u32::from(on) + u32::from(off),
            Self::Bus { legs } => legs,
            Self::Shop { back } => match back {
                Back::Nothing => 1,
                Back::Twice => 3,
                Back::Part | Back::All | Back::TooMuch => 2,
            },
            Self::Visit | Self::Hospital => 1,
        }
    }
}

/// What all riders share.
pub struct Riders<'c> {
    city: &'c City<'c>,
    faults: Faults,
    morning: Clock,
    evening: Clock,
    errands: Clock,
    visits: Clock,
    trips: Vec<(u32, Trip)>,
}

impl<'c> Riders<'c> {
    pub fn new(city: &'c City<'c>, faults: Faults) -> Self {
        Self { city, faults, morning: Clock::morning(), evening: Clock::evening(), errands: Clock::errands(), visits: Clock::visits(), trips: Vec::new() }
    }

    /// Adds exactly `records` events of this account.
    pub fn day(&mut self, account: usize, records: u32, dice: &mut Dice, notes: &mut Notes) {
        // Home, work and way of travelling are the account's own, whatever else the seed makes of the day.
        let mut habit = Dice::new(u64::try_from(account).unwrap_or(0), 0x6861_6269);
        let town_at = self.city.town(&mut habit);
        let (Some(town), Some(cards)) = (self.city.towns.get(town_at), self.city.accounts.get(account)) else { return };
        self.choose(town, records, &mut habit, dice);
        self.trips.sort_by_key(|(start_ms, _)| *start_ms);
        let count = u32::try_from(self.trips.len()).unwrap_or(u32::MAX).max(1);
        let piece_ms = 18 * 60 * MINUTE_MS / count;
        let crowded = self.trips.len() > TRIPS_MAX;
        let mut free_from_ms = 0;
        for (at, &(wanted_ms, trip)) in (0u32..).zip(&self.trips) {
            let start_ms = if crowded { 5 * 60 * MINUTE_MS + at * piece_ms + dice.below(piece_ms / 2) } else { wanted_ms.max(free_from_ms) };
            let longest_ms = if crowded { piece_ms / 2 } else { 90 * MINUTE_MS };
            let card = dice.pick(cards).copied().unwrap_or(0);
            let yesterday = dice.happens(self.faults.late_day);
            let mut leg = Leg { town, card, yesterday, notes, faults: self.faults };
            free_from_ms = leg.go(trip, start_ms, longest_ms, dice) + 2 * MINUTE_MS;
        }
    }

    fn choose(&mut self, town: &Town, records: u32, habit: &mut Dice, dice: &mut Dice) {
        self.trips.clear();
        let station = |dice: &mut Dice| dice.below(u32::try_from(town.stations.len()).unwrap_or(0)) as usize;
        let (home, work) = (station(habit), station(habit));
        let by_metro = !town.stations.is_empty() && (town.lines.is_empty() || habit.below(100) < 55);
        let bus_legs = 1 + habit.below(2);
        let mut left = records;
        let mut add = |trips: &mut Vec<(u32, Trip)>, start_ms: u32, trip: Trip| {
            let takes = trip.records();
            let fits = takes <= left;
            if fits {
                left -= takes;
                trips.push((start_ms, trip));
            }
            (fits, left)
        };
        let journey = |from, to, faults: &Faults, dice: &mut Dice| {
            let (off, on) = (!dice.happens(faults.no_tap_off), !dice.happens(faults.no_tap_on));
            Trip::Metro { from, to, on: on || !off, off }
        };
        if habit.below(100) < 70 {
            let (out, back) = if by_metro {
                (journey(home, work, &self.faults, dice), journey(work, home, &self.faults, dice))
            } else {
                (Trip::Bus { legs: bus_legs }, Trip::Bus { legs: bus_legs })
            };
            if town.stations.len() + town.lines.len() > 0 && add(&mut self.trips, self.morning.time_ms(dice), out).0 {
                add(&mut self.trips, self.evening.time_ms(dice), back);
            }
        }
        // Every town has something to do alone: the single record that may be left over.
        let single = if !town.lines.is_empty() {
            Trip::Bus { legs: 1 }
        } else if !town.shops.is_empty() {
            Trip::Shop { back: Back::Nothing }
        } else if !town.venues.is_empty() {
            Trip::Visit
        } else if !town.hospitals.is_empty() {
            Trip::Hospital
        } else {
            Trip::Metro { from: home, to: work, on: false, off: true }
        };
        loop {
            let (start_ms, trip) = match dice.below(100) {
                0..=29 if !town.stations.is_empty() => (self.errands.time_ms(dice), journey(station(dice), station(dice), &self.faults, dice)),
                30..=69 if !town.lines.is_empty() => (self.errands.time_ms(dice), Trip::Bus { legs: 1 + dice.below(4) * dice.below(2) }),
                70..=77 if !town.venues.is_empty() => (self.visits.time_ms(dice), Trip::Visit),
                78..=95 if !town.shops.is_empty() => {
                    let back = if dice.happens(self.faults.refund) {
                        *dice.pick(&[Back::Part, Back::Part, Back::All, Back::Twice, Back::TooMuch]).unwrap_or(&Back::All)
                    } else {
                        Back::Nothing
                    };
                    (self.errands.time_ms(dice), Trip::Shop { back })
                }
                96..=99 if !town.hospitals.is_empty() => (self.errands.time_ms(dice), Trip::Hospital),
                _ => (self.errands.time_ms(dice), single),
            };
            let (fits, left) = add(&mut self.trips, start_ms, trip);
            if left == 0 {
                break;
            }
            if !fits {
                add(&mut self.trips, start_ms, single);
            }
        }
    }
}

/// One trip with one card.
struct Leg<'a> {
    town: &'a Town,
    card: u32,
    yesterday: bool,
    notes: &'a mut Notes,
    faults: Faults,
}

impl Leg<'_> {
    /// Adds the trip's events; returns when it is over.
    fn go(&mut self, trip: Trip, start_ms: u32, longest_ms: u32, dice: &mut Dice) -> u32 {
        let town = self.town;
        let pause = |dice: &mut Dice, from: u32, to: u32, pieces: u32| dice.between(from, to).min(longest_ms / pieces.max(1));
        match trip {
            Trip::Metro { from, to, on, off } => {
                let ride_ms = pause(dice, 4 * MINUTE_MS, 55 * MINUTE_MS, 1);
                let [gate_in, gate_out] = [from, to].map(|station| town.stations.get(station).and_then(|gates| dice.pick(gates)).copied().unwrap_or(0));
                if on {
                    self.add(RecordKind::TapOn, start_ms, gate_in, 0, dice);
                }
                if off {
                    self.add(RecordKind::TapOff, start_ms + ride_ms, gate_out, 0, dice);
                }
                start_ms + ride_ms
            }
            Trip::Bus { legs } => {
                let mut time_ms = start_ms;
                for leg in 0..legs {
                    if leg > 0 {
                        time_ms += pause(dice, 9 * MINUTE_MS, 40 * MINUTE_MS, legs);
                    }
                    let bus = pick(&town.lines, dice);
                    self.add(RecordKind::Boarding, time_ms, bus, 0, dice);
                }
                time_ms
            }
            Trip::Visit => {
                let gate = pick(&town.venues, dice);
                self.add(RecordKind::Pass, start_ms, gate, admission_minor(gate), dice);
                start_ms
            }
            Trip::Hospital => {
                let till = pick(&town.hospitals, dice);
                let amount = hospital_minor(dice);
                self.add(RecordKind::Payment, start_ms, till, amount, dice);
                start_ms
            }
            Trip::Shop { back } => {
                let till = pick(&town.shops, dice);
                let paid = shop_minor(dice).max(2);
                let purchase = self.add(RecordKind::Payment, start_ms, till, paid, dice);
                let later_ms = start_ms + pause(dice, 5 * MINUTE_MS, 60 * MINUTE_MS, 3);
                let given = match back {
                    Back::Nothing => return start_ms,
                    Back::Part => paid / 2,
                    Back::TooMuch => paid + 100,
                    Back::All | Back::Twice => paid,
                };
                let kind = if back == Back::Twice { RecordKind::Reversal } else { RecordKind::Refund };
                let times = if back == Back::Twice { 2 } else { 1 };
                for _ in 0..times {
                    let refund = self.add(kind, later_ms, till, given, dice);
                    self.notes.originals.insert(refund, purchase);
                }
                later_ms
            }
        }
    }

    /// Adds one event with what may be wrong with it; returns its position.
    fn add(&mut self, kind: RecordKind, time_ms: u32, terminal: u32, amount_minor: u32, dice: &mut Dice) -> u32 {
        let mark = self.mark(kind, amount_minor, dice);
        self.notes.add(Event { time_ms, terminal, card: self.card, amount_minor, kind, mark, yesterday: self.yesterday })
    }

    fn mark(&self, kind: RecordKind, amount_minor: u32, dice: &mut Dice) -> Mark {
        let Faults { unknown_terminal, hotlisted, absurd_amount, wrong_date, grey, .. } = self.faults;
        let mut number = dice.below(1_000_000);
        let gives_back = matches!(kind, RecordKind::Refund | RecordKind::Reversal);
        let chances = [
            (unknown_terminal, Mark::UnknownTerminal),
            (hotlisted, Mark::Hotlisted),
            (if amount_minor > 0 && !gives_back { absurd_amount } else { 0 }, Mark::AbsurdAmount),
            (wrong_date / 2, Mark::Year1970),
            (wrong_date - wrong_date / 2, Mark::Year2099),
            (if gives_back { 0 } else { grey / 2 }, Mark::GreyProven),
            (if gives_back { 0 } else { grey - grey / 2 }, Mark::GreyUnproven),
        ];
        for (rate, mark) in chances {
            if number < rate {
                return mark;
            }
            number -= rate;
        }
        Mark::Plain
    }
}

fn pick(places: &[Vec<u32>], dice: &mut Dice) -> u32 {
    let place = dice.pick(places);
    place.and_then(|terminals| dice.pick(terminals)).copied().unwrap_or(0)
}
