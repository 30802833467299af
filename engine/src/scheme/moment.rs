//! Dates and local times as scheme files write them: `2026-03-02`, `2026-03-02 04:00`, `04:00`.

use super::clock::LocalClock;
use domain::time::DAY_MS;
use domain::{Day, EventTime};

/// The hint that goes with a wrong date or time.
pub const MOMENT_HINT: &str = "write a date like 2026-03-02, or a local time like 2026-03-02 04:00";
pub const DATE_HINT: &str = "write a date like 2026-03-02";

/// `04:00` or `23:59:59` in milliseconds after midnight; 24:00 is none.
#[must_use]
pub fn time_of_day_ms(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| if part.len() == 2 { part.parse::<u8>().ok() } else { None });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let fits = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    fits.then(|| (i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds)) * 1000)
}

/// The start of a period: a date means its first instant.
#[must_use]
pub fn start(text: &str, clock: &LocalClock) -> Option<EventTime> {
    let (day, time_ms) = local(text)?;
    Some(clock.instant(day.start_local_ms() + time_ms.unwrap_or(0)))
}

/// The first instant after a period: a date is still inside it, a time of day is not.
#[must_use]
pub fn end(text: &str, clock: &LocalClock) -> Option<EventTime> {
    let (day, time_ms) = local(text)?;
    Some(clock.instant(day.start_local_ms() + time_ms.unwrap_or(DAY_MS)))
}

fn local(text: &str) -> Option<(Day, Option<i64>)> {
    match text.split_once([' ', 'T']) {
        Some((date, time)) => Some((date.parse().ok()?, Some(time_of_day_ms(time)?))),
        None => Some((text.parse().ok()?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_whole_and_a_time_is_a_point() {
        let clock = LocalClock::new("Asia/Shanghai", 0).expect("a zone");
        assert_eq!(start("2026-03-02", &clock), Some(EventTime(1_772_380_800_000)));
        assert_eq!(end("2026-03-02", &clock), Some(EventTime(1_772_467_200_000)));
        assert_eq!(start("2026-03-02 04:00", &clock), end("2026-03-02T04:00:00", &clock));
        for wrong in ["2026-3-2", "2026-03-02 4:00", "2026-03-02 24:00", "04:00", "2026-03-02 04:00:00:00", ""] {
            assert_eq!(start(wrong, &clock), None, "{wrong}");
        }
        assert_eq!(time_of_day_ms("04:00"), Some(14_400_000));
    }
}
