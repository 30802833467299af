//! Event times out of a row's bytes, with the local clock's offset.
//!
//! Times are instants; what a local clock showed is turned into one by the zone that the mapping names. A local time that a
//! clock change skipped counts from before the change, one that it repeated is the first of the two.

use super::cells::Row;
use super::decoder::Bad;
use super::feed::{Slot, TimeFeed, Zone};
use super::numbers::{signed, unsigned};
use domain::EventTime;
use domain::time::DAY_MS;
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

const MINUTE_MS: i64 = 60_000;
/// Clocks change at whole quarters of an hour: within one, an offset holds.
const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// A sample longer than a year is no day count.
const DAY_NUMBER_MAX: u64 = 400;
/// A service day may run into the next calendar day, not beyond it.
const DAY_MINUTE_MAX: u64 = 2 * 1440;

pub(super) struct Moments {
    feed: TimeFeed,
    /// The quarter last looked at, what to take from a local time in it, and the clock's offset.
    memo: Option<(i64, Offset)>,
}

#[derive(Clone, Copy)]
struct Offset {
    ms: i64,
    minutes: i16,
}

impl Moments {
    pub const fn new(feed: TimeFeed) -> Self {
        Self { feed, memo: None }
    }

    /// The instant and the offset in minutes.
    #[inline]
    pub fn read(&mut self, row: &Row<'_>) -> Result<(EventTime, i16), Bad> {
        let memo = &mut self.memo;
        match &self.feed {
            TimeFeed::Epoch { slot, unit_ms, zone } => {
                let span = needed(row, *slot)?;
                let time_ms = signed(row.text, span).and_then(|number| number.checked_mul(*unit_ms)).ok_or_else(|| Bad::of(*slot, "is not a time"))?;
                let offset = match zone {
                    Zone::Fixed(minutes) => *minutes,
                    Zone::Named(zone) => remembered(memo, time_ms, || offset_at(zone, time_ms)).ok_or_else(|| Bad::of(*slot, "is not a time"))?.minutes,
                };
                Ok((EventTime(time_ms), offset))
            }
            TimeFeed::Local { slot, pattern, zone } => {
                let span = needed(row, *slot)?;
                let wrong = || Bad::of(*slot, "is not a time in the mapping's format");
                let parsed = BrokenDownTime::parse(pattern, span.of(row.text)).and_then(|parsed| parsed.to_datetime()).map_err(|_| wrong())?;
                let local_ms = TimeZone::UTC.to_timestamp(parsed).map_err(|_| wrong())?.as_millisecond();
                instant(local_ms, zone, memo).ok_or_else(wrong)
            }
            TimeFeed::DayMinute { base, day, minute, zone } => {
                let (day_span, minute_span) = (needed(row, *day)?, needed(row, *minute)?);
                let number = unsigned(row.text, day_span).filter(|number| (1..=DAY_NUMBER_MAX).contains(number));
                let number = number.and_then(|number| i64::try_from(number).ok()).ok_or_else(|| Bad::of(*day, "is not a day number"))?;
                let of_day = unsigned(row.text, minute_span).filter(|&of_day| of_day < DAY_MINUTE_MAX);
                let of_day = of_day.and_then(|of_day| i64::try_from(of_day).ok()).ok_or_else(|| Bad::of(*minute, "is not a minute of the day"))?;
                let local_ms = base.start_local_ms() + (number - 1) * DAY_MS + of_day * MINUTE_MS;
                instant(local_ms, zone, memo).ok_or_else(|| Bad::of(*day, "is not a day number"))
            }
        }
    }
}

fn needed(row: &Row<'_>, slot: Slot) -> Result<super::numbers::Span, Bad> {
    let span = row.cell(slot);
    if span.is_empty() { Err(Bad::of(slot, "is empty")) } else { Ok(span) }
}

fn instant(local_ms: i64, zone: &Zone, memo: &mut Option<(i64, Offset)>) -> Option<(EventTime, i16)> {
    let offset = match zone {
        Zone::Fixed(minutes) => Offset { ms: i64::from(*minutes) * MINUTE_MS, minutes: *minutes },
        Zone::Named(zone) => remembered(memo, local_ms, || {
            let local = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local_ms).ok()?);
            let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?.as_millisecond();
            Some(Offset { ms: local_ms - instant, minutes: offset_at(zone, instant)?.minutes })
        })?,
    };
    Some((EventTime(local_ms - offset.ms), offset.minutes))
}

fn offset_at(zone: &TimeZone, time_ms: i64) -> Option<Offset> {
    let seconds = zone.to_offset(Timestamp::from_millisecond(time_ms).ok()?).seconds();
    Some(Offset { ms: i64::from(seconds) * 1000, minutes: i16::try_from(seconds / 60).ok()? })
}

fn remembered(memo: &mut Option<(i64, Offset)>, time_ms: i64, work_out: impl FnOnce() -> Option<Offset>) -> Option<Offset> {
    let quarter = time_ms.div_euclid(QUARTER_MS);
    if let Some((known, offset)) = *memo
        && known == quarter
    {
        return Some(offset);
    }
    let offset = work_out()?;
    *memo = Some((quarter, offset));
    Some(offset)
}
