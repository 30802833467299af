//! What pricing must remember of an account between taps and between days.
//!
//! Small by rule: an open journey, and an entry for each rule that has counted something in a span that is still going on. An
//! account of a simple tariff has one of each, which stand in the state itself.

use super::Tap;
use crate::tariff::{Fill, Span};
use domain::{Day, EventTime, Symbol};
use smallvec::SmallVec;

#[derive(Clone, Debug, Default)]
pub struct AccountState {
    /// The tap-on that waits for its tap-off.
    pub open: Option<Box<OpenTap>>,
    /// Room for the next tap-on, left by the last one: no memory of anything.
    spare: Option<Box<OpenTap>>,
    /// Per rule and span: what it has counted; newest last.
    pub counters: SmallVec<[Counter; 1]>,
    /// Per transfer rule: the run of rides under way.
    pub runs: SmallVec<[Run; 1]>,
    /// What few tariffs need.
    pub rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// Per transfer rule that asks for more than times.
    pub legs: Vec<Leg>,
    /// Journeys that the card makes again and again.
    pub habits: Vec<Habit>,
    /// Per transfer rule by which earnings are pooled: who has earned what in the run.
    pub pools: Vec<Pool>,
}

#[derive(Clone, Copy, Debug)]
pub struct OpenTap {
    pub tap: Tap,
    pub no_tap_off_minor: i64,
    pub open_ms: i64,
}

impl OpenTap {
    /// When it is given up at the latest.
    #[must_use]
    pub const fn due(&self) -> EventTime {
        EventTime(self.tap.time.0.saturating_add(self.open_ms))
    }
}

/// Rides and money in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub slot: u16,
    pub rides: u32,
    /// Where the span begins: a day's number; milliseconds for spans of hours.
    pub start: i64,
    pub amount_minor: i64,
}

/// A run of rides within each other's transfer window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub slot: u16,
    /// Transfers since the ride that opened it.
    pub transfers: u32,
    pub first: EventTime,
    pub last: EventTime,
}

/// What is remembered of a run's rides beside their times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    pub slot: u16,
    pub mode: Symbol,
    pub operator: Symbol,
    pub route: Symbol,
    pub vehicle: Symbol,
    /// What kind of ticket the last ride was priced by, and where the first began.
    pub ticket: Symbol,
    pub from: Symbol,
    /// Where the last one ended.
    pub to: Symbol,
    /// The base rule that makes one fare of all legs, for transfers that ask whose.
    pub rule: Symbol,
    pub exit: EventTime,
    pub first_list_minor: i64,
    pub first_paid_minor: i64,
    pub last_list_minor: i64,
    pub last_paid_minor: i64,
    pub dearest_list_minor: i64,
    pub all_paid_minor: i64,
    /// Metres of all legs, and what they were due together.
    pub length: i64,
    pub due_minor: i64,
}

/// A journey and how often the card has made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    pub from: Symbol,
    pub to: Symbol,
    pub rides: u32,
    /// The last service day on which it was made; for a completion (no places), of the last one.
    pub day: Day,
}

/// One earner's part of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    pub slot: u16,
    pub earner: Symbol,
    pub weight: i64,
    pub earned_minor: i64,
}

/// Journeys that are kept as habits; the one made longest ago gives way.
pub const HABITS_MAX: usize = 8;

impl AccountState {
    #[must_use]
    pub fn new(open: Option<OpenTap>, counters: Vec<Counter>, runs: Vec<Run>, rare: Option<Rare>) -> Self {
        Self { open: open.map(Box::new), spare: None, counters: counters.into(), runs: runs.into(), rare: rare.map(Box::new) }
    }

    /// A tap-on begins to wait.
    pub fn wait(&mut self, open: OpenTap) {
        match self.spare.take() {
            Some(mut room) => {
                *room = open;
                self.open = Some(room);
            }
            None => self.open = Some(Box::new(open)),
        }
    }

    /// The tap-on that waits, which waits no longer. Its room may be given back with [`AccountState::keep_room`].
    pub const fn end_wait(&mut self) -> Option<Box<OpenTap>> {
        self.open.take()
    }

    pub fn keep_room(&mut self, room: Box<OpenTap>) {
        self.spare = Some(room);
    }

    /// The state to keep; what is left here is blank and has room for the next account.
    #[must_use]
    pub fn taken(&mut self) -> Self {
        let spare = self.spare.take();
        Self { spare: None, ..std::mem::replace(self, Self { spare, ..Self::default() }) }
    }

    pub fn clear(&mut self) {
        if self.open.is_some() {
            self.spare = self.open.take();
        }
        self.counters.clear();
        self.runs.clear();
        self.rare = None;
    }

    #[must_use]
    pub fn is_blank(&self) -> bool {
        let rare = self.rare.as_ref().is_none_or(|rare| rare.legs.is_empty() && rare.habits.is_empty() && rare.pools.is_empty());
        self.open.is_none() && self.counters.is_empty() && self.runs.is_empty() && rare
    }

    /// Forgets what no record from `day` on can need. `span` tells how long a slot counts.
    pub fn forget_before(&mut self, day: Day, time: EventTime, span: impl Fn(u16) -> Option<Span>) {
        self.counters.retain(|counter| match span(counter.slot) {
            Some(span) => span.reaches(counter.start, day, time),
            None => false,
        });
        self.runs.retain(|run| run.last >= time);
        if let Some(rare) = &mut self.rare {
            let runs = &self.runs;
            rare.legs.retain(|leg| runs.iter().any(|run| run.slot == leg.slot));
            rare.pools.retain(|pool| runs.iter().any(|run| run.slot == pool.slot));
            if rare.legs.is_empty() && rare.habits.is_empty() && rare.pools.is_empty() {
                self.rare = None;
            }
        }
    }

    #[must_use]
    pub fn run(&self, slot: u16) -> Option<&Run> {
        self.runs.iter().find(|run| run.slot == slot)
    }

    pub fn run_mut(&mut self, slot: u16) -> &mut Run {
        let at = self.runs.iter().position(|run| run.slot == slot).unwrap_or_else(|| {
            self.runs.push(Run { slot, ..Run::default() });
            self.runs.len() - 1
        });
        self.runs.get_mut(at).expect("a run that was found or made")
    }

    #[must_use]
    pub fn leg(&self, slot: u16) -> Option<&Leg> {
        self.rare.as_ref()?.legs.iter().find(|leg| leg.slot == slot)
    }

    pub fn leg_mut(&mut self, slot: u16) -> &mut Leg {
        let legs = &mut self.rare.get_or_insert_default().legs;
        let at = legs.iter().position(|leg| leg.slot == slot).unwrap_or_else(|| {
            legs.push(Leg { slot, ..Leg::default() });
            legs.len() - 1
        });
        legs.get_mut(at).expect("a leg that was found or made")
    }

    /// What a rule has counted so far in the span that holds a ride.
    #[must_use]
    pub fn counted(&self, slot: u16, span: Span, day: Day, time: EventTime) -> Counter {
        let mut newest = self.counters.iter().rev();
        match span.fixed_start(day) {
            Some(start) => newest.find(|counter| counter.slot == slot && counter.start == start),
            None => newest.find(|counter| counter.slot == slot && span.holds(counter.start, day, time)),
        }
        .copied()
        .unwrap_or_default()
    }

    /// The rides left in a purse.
    #[must_use]
    pub fn purse_rides(&self, slot: u16) -> u32 {
        self.counters.iter().find(|counter| counter.slot == slot).map_or(0, |counter| counter.rides)
    }

    /// What a record puts into a purse, or that it empties it. An empty purse is none.
    pub fn fill(&mut self, fill: Fill) {
        match fill.rides {
            Some(rides) => {
                let purse = self.counter_mut(fill.slot, Span::Ever, Day(0), EventTime(0));
                purse.rides = purse.rides.saturating_add(rides);
            }
            None => self.counters.retain(|counter| counter.slot != fill.slot),
        }
    }

    /// A ride is taken from a purse that has one.
    pub fn take_ride(&mut self, slot: u16) {
        let left = self.purse_rides(slot) - 1;
        if left == 0 {
            self.fill(Fill { slot, rides: None });
        } else {
            self.counter_mut(slot, Span::Ever, Day(0), EventTime(0)).rides = left;
        }
    }

    /// The counter of the span that holds a ride; the ride opens one where there is none.
    pub fn counter_mut(&mut self, slot: u16, span: Span, day: Day, time: EventTime) -> &mut Counter {
        let fixed = span.fixed_start(day);
        let found = self.counters.iter().rposition(|counter| {
            counter.slot == slot
                && match fixed {
                    Some(start) => counter.start == start,
                    None => span.holds(counter.start, day, time),
                }
        });
        let at = found.unwrap_or_else(|| {
            let start = fixed.unwrap_or(if let Span::Millis(_) = span { time.0 } else { i64::from(day.0) });
            self.counters.push(Counter { slot, rides: 0, start, amount_minor: 0 });
            self.counters.len() - 1
        });
        self.counters.get_mut(at).expect("a counter that was found or made")
    }
}

impl Span {
    /// Where a span of the calendar begins; `None` for one that its first ride begins.
    fn fixed_start(self, day: Day) -> Option<i64> {
        let number = i64::from(day.0);
        match self {
            Self::Day => Some(number),
            // 1970-01-01 was a Thursday, three days after a Monday.
            Self::Week => Some(number - (number + 3).rem_euclid(7)),
            Self::Month => Some(number - i64::from(day.parts().2) + 1),
            Self::Year => {
                let (year, ..) = day.parts();
                let (mut first, mut last) = (number - 366, number);
                while first < last {
                    let middle = (first + last).div_euclid(2);
                    if i32::try_from(middle).is_ok_and(|middle| Day(middle).parts().0 < year) { first = middle + 1 } else { last = middle }
                }
                Some(first)
            }
            Self::Ever => Some(0),
            Self::Days(_) | Self::Millis(_) => None,
        }
    }

    /// Whether a span that a ride began holds another one.
    fn holds(self, start: i64, day: Day, time: EventTime) -> bool {
        match self {
            Self::Days(days) => start <= i64::from(day.0) && i64::from(day.0) < start + i64::from(days),
            Self::Millis(ms) => start <= time.0 && time.0 - start <= ms,
            _ => self.fixed_start(day) == Some(start),
        }
    }

    /// Whether a span goes on on a day or at a time, or later.
    fn reaches(self, start: i64, day: Day, time: EventTime) -> bool {
        let number = i64::from(day.0);
        match self {
            Self::Day => start >= number,
            Self::Week => start + 6 >= number,
            Self::Month => start + 30 >= number,
            Self::Year => start + 365 >= number,
            Self::Ever => true,
            Self::Days(days) => start + i64::from(days) > number,
            Self::Millis(ms) => start.saturating_add(ms) >= time.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_begin_where_the_calendar_says() {
        let day = |text: &str| text.parse::<Day>().expect("a date");
        for (span, within, start) in [
            (Span::Day, "2026-03-02", "2026-03-02"),
            (Span::Week, "2026-03-02", "2026-03-02"),
            (Span::Week, "2026-03-08", "2026-03-02"),
            (Span::Week, "1969-12-31", "1969-12-29"),
            (Span::Month, "2026-03-31", "2026-03-01"),
            (Span::Month, "2024-02-29", "2024-02-01"),
            (Span::Year, "2024-12-31", "2024-01-01"),
            (Span::Year, "2024-01-01", "2024-01-01"),
        ] {
            assert_eq!(span.fixed_start(day(within)), Some(i64::from(day(start).0)), "{span:?} of {within}");
        }
    }

    #[test]
    fn a_rolling_span_ends_so_long_after_its_first_ride() {
        let mut state = AccountState::default();
        let days = Span::Days(7);
        state.counter_mut(1, days, Day(100), EventTime(0)).rides += 1;
        assert_eq!(state.counted(1, days, Day(106), EventTime(0)).rides, 1);
        assert_eq!(state.counted(1, days, Day(107), EventTime(0)).rides, 0);
        assert_eq!(state.counted(1, days, Day(99), EventTime(0)).rides, 0);
        let hours = Span::Millis(3_600_000);
        state.counter_mut(2, hours, Day(0), EventTime(1_000)).rides += 1;
        assert_eq!(state.counted(2, hours, Day(0), EventTime(3_601_000)).rides, 1);
        assert_eq!(state.counted(2, hours, Day(0), EventTime(3_601_001)).rides, 0);
        state.forget_before(Day(107), EventTime(3_601_000), |slot| Some(if slot == 1 { days } else { hours }));
        assert_eq!(state.counters.len(), 1);
    }
}
