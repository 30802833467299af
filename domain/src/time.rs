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

    /// Year, month and day of the month in the Gregorian calendar.
    #[must_use]
    pub const fn parts(self) -> (i32, u8, u8) {
        // Days since 0000-03-01, so that a leap day is the last of its year: eras of 400 years, then years from March on.
        let days = self.0 as i64 + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year as i32, month as u8, day as u8)
    }

    /// Completed years from this day (of birth) to another one. Who was born on a 29 February completes a year on 1 March
    /// where there is none.
    #[must_use]
    pub const fn years_until(self, later: Self) -> i32 {
        let ((year, month, day), (later_year, later_month, later_day)) = (self.parts(), later.parts());
        let before = later_month < month || (later_month == month && later_day < day);
        later_year - year - before as i32
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
    fn a_day_has_the_parts_that_the_calendar_says() {
        for number in (-800_000..800_000).step_by(13).chain(-800..800) {
            let date = Day(number).civil().expect("within the calendar");
            let (year, month, day) = Day(number).parts();
            assert_eq!((i32::from(date.year()), date.month(), date.day()), (year, i8::try_from(month).unwrap(), i8::try_from(day).unwrap()));
        }
    }

    #[test]
    fn a_year_is_completed_on_its_day() {
        let day = |text: &str| text.parse::<Day>().expect("a date");
        for (birth, later, years) in [
            ("1955-06-15", "2025-06-14", 69),
            ("1955-06-15", "2025-06-15", 70),
            ("2000-02-29", "2018-02-28", 17),
            ("2000-02-29", "2018-03-01", 18),
            ("2000-02-29", "2020-02-29", 20),
            ("2020-01-01", "2019-12-31", -1),
        ] {
            assert_eq!(day(birth).years_until(day(later)), years, "{birth} {later}");
        }
    }

    #[test]
    fn a_day_reads_as_it_prints() {
        for text in ["1970-01-01", "2026-03-02", "2000-02-29", "1955-06-15"] {
            let day: Day = text.parse().expect("a date");
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::of_local_ms(day.start_local_ms()), day);
            assert_eq!(Day::of_local_ms(day.start_local_ms() - 1).next(), day);
        }
        assert_eq!("1970-01-02".parse(), Ok(Day(1)));
        assert_eq!([i64::MIN, i64::MAX].map(Day::of_local_ms), [Day(i32::MIN), Day(i32::MAX)]);
        for text in ["2026-3-2", "2026-02-30", "20260302", "", "2026-03-02T00:00"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
