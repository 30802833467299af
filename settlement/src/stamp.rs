//! Event times and days as text: RFC 3339 with milliseconds and the local offset, `2026-03-02T08:15:00.250+08:00`.
//!
//! Lines come in event order, so the text of the last minute is kept and only its seconds are rewritten.

use crate::row::{Row, triple_of};
use domain::{Day, EventTime, time::DAY_MS};
use std::io::Write;

const MINUTE_MS: i64 = 60_000;
/// `2026-03-02T08:15:00.250+08:00,` and two bytes to make the copy even.
const STAMP_BYTES: usize = 32;
const STAMP_LEN: usize = 30;
/// Where the seconds stand in it.
const SECONDS_AT: usize = 17;

/// The last minute and the last day that were printed.
#[derive(Debug)]
pub(crate) struct Stamp {
    minute: Option<(i64, i16)>,
    text: [u8; STAMP_BYTES],
    day: Option<Day>,
    day_text: Vec<u8>,
}

impl Default for Stamp {
    fn default() -> Self {
        Self { minute: None, text: [0; STAMP_BYTES], day: None, day_text: Vec::new() }
    }
}

impl Stamp {
    /// An instant outside the years 0000–9999, or an offset of a day and more, prints as milliseconds since 1970.
    #[inline]
    pub fn time(&mut self, row: &mut Row, time: EventTime, offset_min: i16) {
        let local_ms = time.0.saturating_add(i64::from(offset_min) * MINUTE_MS);
        let key = (local_ms.div_euclid(MINUTE_MS), offset_min);
        if self.minute != Some(key) && !self.enter(local_ms, offset_min) {
            return row.signed(time.0);
        }
        let in_minute = local_ms.rem_euclid(MINUTE_MS) as u64;
        let seconds = triple_of(in_minute / 1_000);
        let millis = triple_of(in_minute % 1_000);
        if let Some(place) = self.text.get_mut(SECONDS_AT..).and_then(<[u8]>::first_chunk_mut::<6>) {
            *place = [seconds[1], seconds[2], b'.', millis[0], millis[1], millis[2]];
        }
        row.fixed(&self.text, STAMP_LEN);
    }

    pub fn day(&mut self, row: &mut Row, day: Day) {
        if self.day != Some(day) {
            self.day = Some(day);
            self.day_text = day.to_string().into_bytes();
        }
        row.raw(&self.day_text);
        row.comma();
    }

    /// Makes the text of another minute; says whether it has one.
    #[cold]
    fn enter(&mut self, local_ms: i64, offset_min: i16) -> bool {
        self.minute = None;
        let offset = offset_min.unsigned_abs();
        let Some(date) = Day::of_local_ms(local_ms).civil().filter(|date| date.year() >= 0 && offset < 1_440) else {
            return false;
        };
        let minute = local_ms.rem_euclid(DAY_MS) / MINUTE_MS;
        let sign = if offset_min < 0 { '-' } else { '+' };
        let mut rest: &mut [u8] = &mut self.text;
        let made = write!(rest, "{date}T{:02}:{:02}:00.000{sign}{:02}:{:02},", minute / 60, minute % 60, offset / 60, offset % 60);
        let whole = made.is_ok() && rest.len() == STAMP_BYTES - STAMP_LEN;
        if whole {
            self.minute = Some((local_ms.div_euclid(MINUTE_MS), offset_min));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(stamp: &mut Stamp, ms: i64, offset_min: i16) -> String {
        let mut row = Row::default();
        stamp.time(&mut row, EventTime(ms), offset_min);
        row.end();
        String::from_utf8(row.as_bytes().to_vec()).expect("ASCII")
    }

    #[test]
    fn times_print_with_offset_and_milliseconds() {
        let mut stamp = Stamp::default();
        for (ms, offset, expected) in [
            (1_772_410_500_250, 480, "2026-03-02T08:15:00.250+08:00\n"),
            (1_772_410_559_999, 480, "2026-03-02T08:15:59.999+08:00\n"),
            (1_772_410_559_999, 0, "2026-03-02T00:15:59.999+00:00\n"),
            (1_772_410_559_999, -570, "2026-03-01T14:45:59.999-09:30\n"),
            (0, 0, "1970-01-01T00:00:00.000+00:00\n"),
            (-1, 0, "1969-12-31T23:59:59.999+00:00\n"),
            (i64::MAX, 480, "9223372036854775807\n"),
            (i64::MIN, -480, "-9223372036854775808\n"),
            (5, 2_000, "5\n"),
        ] {
            assert_eq!(printed(&mut stamp, ms, offset), expected);
            assert_eq!(printed(&mut stamp, ms, offset), expected, "again, from the kept minute");
        }
    }

    #[test]
    fn days_print_as_days() {
        let (mut stamp, mut row) = (Stamp::default(), Row::default());
        for day in [Day(20_514), Day(20_514), Day(0)] {
            stamp.day(&mut row, day);
        }
        row.end();
        assert_eq!(row.as_bytes(), b"2026-03-02,2026-03-02,1970-01-01\n");
    }
}
