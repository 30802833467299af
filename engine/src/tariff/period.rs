//! A named period: peaks, nights, weekends, festivals.
//!
//! Decided by the local clock and the calendar alone. A range of times includes both its ends where it is written with
//! `to`, and not its end where it is written with `before`. A range that runs over midnight is asked on the day of the instant
//! itself: its calendar day, or its service day where the period says so.

use crate::scheme::clock::{LocalClock, weekday};
use domain::time::DAY_MS;
use domain::{Day, EventTime};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub name: String,
    /// Whether its days and dates are service days; calendar days otherwise.
    pub by_service_day: bool,
    /// Any of them; none is every day.
    pub days: Vec<DayWord>,
    /// None of them.
    pub except: Vec<DayWord>,
    /// First and last day; any of them, none is every date.
    pub dates: Vec<(Day, Day)>,
    /// None of them.
    pub not_dates: Vec<(Day, Day)>,
    /// Any of them; none is the whole day.
    pub times: Vec<TimeRange>,
}

/// What a calendar day may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayWord {
    /// 1 for Monday to 7 for Sunday.
    Weekday(u8),
    Workday,
    /// Not a workday.
    DayOff,
    /// Named a holiday in the calendar.
    Holiday,
}

impl DayWord {
    pub const WORDS: [(&'static str, Self); 10] = [
        ("mon", Self::Weekday(1)),
        ("tue", Self::Weekday(2)),
        ("wed", Self::Weekday(3)),
        ("thu", Self::Weekday(4)),
        ("fri", Self::Weekday(5)),
        ("sat", Self::Weekday(6)),
        ("sun", Self::Weekday(7)),
        ("workday", Self::Workday),
        ("day-off", Self::DayOff),
        ("holiday", Self::Holiday),
    ];

    fn is(self, day: Day, clock: &LocalClock) -> bool {
        match self {
            Self::Weekday(number) => weekday(day) == number,
            Self::Workday => clock.is_workday(day),
            Self::DayOff => !clock.is_workday(day),
            Self::Holiday => clock.is_holiday(day),
        }
    }
}

/// Times of day in milliseconds after midnight, both ends included. One that ends before it begins runs over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub from_ms: i64,
    pub last_ms: i64,
}

impl TimeRange {
    #[must_use]
    pub const fn has(self, ms: i64) -> bool {
        if self.from_ms <= self.last_ms { self.from_ms <= ms && ms <= self.last_ms } else { self.from_ms <= ms || ms <= self.last_ms }
    }

    /// Reads `07:30 to 09:00`, `06:30 before 09:30`, `before 07:00` or `from 22:00`; seconds may follow.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [from, "to", last] => Some(Self { from_ms: time_ms(from)?, last_ms: time_ms(last)? }),
            [from, "before", end] => {
                let range = Self { from_ms: time_ms(from)?, last_ms: (time_ms(end)? - 1).rem_euclid(DAY_MS) };
                Some(range)
            }
            ["before", end] => Some(Self { from_ms: 0, last_ms: time_ms(end).filter(|&end| end > 0)? - 1 }),
            ["from", from] => Some(Self { from_ms: time_ms(from)?, last_ms: DAY_MS - 1 }),
            _ => None,
        }
    }
}

fn time_ms(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &&str, max: i64| {
        let shaped = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|&number| shaped && number <= max)
    };
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (number(hours, 23)?, number(minutes, 59)?, 0),
        [hours, minutes, seconds] => (number(hours, 23)?, number(minutes, 59)?, number(seconds, 59)?),
        _ => return None,
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

impl Period {
    #[must_use]
    pub fn has(&self, time: EventTime, clock: &LocalClock) -> bool {
        let local_ms = clock.local_ms(time);
        let day = if self.by_service_day { clock.service_day(time) } else { Day::of_local_ms(local_ms) };
        let ms = local_ms.rem_euclid(DAY_MS);
        (self.times.is_empty() || self.times.iter().any(|range| range.has(ms)))
            && (self.days.is_empty() || self.days.iter().any(|word| word.is(day, clock)))
            && !self.except.iter().any(|word| word.is(day, clock))
            && (self.dates.is_empty() || self.dates.iter().any(|&(first, last)| first <= day && day <= last))
            && !self.not_dates.iter().any(|&(first, last)| first <= day && day <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_times_has_the_ends_that_it_is_written_with() {
        let at = |text: &str| time_ms(text).expect("a time");
        for (range, inside, outside) in [
            ("07:30 to 09:00", ["07:30", "09:00"], ["07:29:59", "09:00:01"]),
            ("06:30 before 09:30", ["06:30", "09:29:59"], ["06:29:59", "09:30"]),
            ("before 07:00", ["00:00", "06:59:59"], ["07:00", "23:59:59"]),
            ("from 22:00", ["22:00", "23:59:59"], ["21:59:59", "00:00"]),
            ("22:00 to 05:00", ["23:00", "05:00"], ["21:59:59", "05:00:01"]),
            ("22:00 before 00:00", ["22:00", "23:59:59"], ["21:59:59", "00:00"]),
        ] {
            let parsed = TimeRange::parse(range).expect(range);
            assert!(inside.iter().all(|time| parsed.has(at(time))), "{range}");
            assert!(!outside.iter().any(|time| parsed.has(at(time))), "{range}");
        }
        for wrong in ["7:30 to 9:00", "07:30-09:00", "24:00 to 25:00", "before 00:00", "", "07:30"] {
            assert!(TimeRange::parse(wrong).is_none(), "{wrong}");
        }
    }
}
