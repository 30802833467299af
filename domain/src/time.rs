//! Time: an event's instant in milliseconds, and days as numbers.
//!
//! A [`Day`] is a calendar day, a service day or a clearing day; which one, the name of the field says. Time always comes
//! in as an argument: nothing here asks a clock.

use std::fmt;
use std::str::FromStr;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

pub const DAY_MS: i64 = 86_400_000;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day that holds `local_ms` (milliseconds since 1970-01-01T00:00 on a local clock). Saturates at the ends of `i32`.
    #[must_use]
    pub fn of_local_ms(local_ms: i64) -> Self {
        let day = local_ms.div_euclid(DAY_MS);
        Self(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX }))
    }

    /// Midnight at its start, in milliseconds on the local clock.
    #[must_use]
    pub const fn start_local_ms(self) -> i64 {
        self.0 as i64 * DAY_MS
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    #[must_use]
    pub fn civil(self) -> Option<jiff::civil::Date> {
        jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(i64::from(self.0)).ok()?).ok()
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`; a day outside the years −9999 to 9999 prints its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shaped = text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
        let date: jiff::civil::Date = text.parse().ok().filter(|_| shaped).ok_or_else(|| format!("`{text}` is not a date like 2026-03-02"))?;
        let days = jiff::civil::date(1970, 1, 1).until(date).map_err(|error| error.to_string())?.get_days();
        Ok(Self(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_as_it_prints() {
        for text in ["1970-01-01", "2026-03-02", "2000-02-29", "1955-06-15"] {
            let day: Day = text.parse().expect("a date");
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::of_local_ms(day.start_local_ms()), day);
            assert_eq!(Day::of_local_ms(day.start_local_ms() - 1).next(), day);
        }
        assert_eq!("1970-01-02".parse(), Ok(Day(1)));
        for text in ["2026-3-2", "2026-02-30", "20260302", "", "2026-03-02T00:00"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
