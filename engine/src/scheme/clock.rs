//! The scheme's local clock and calendar: which service day, calendar day and hour an event's time falls on.
//!
//! Time always comes in; nothing here asks what time it is. The zone's offsets stand in a table made once, so that a look
//! costs a few nanoseconds. Invariant: service days follow one another without gap or overlap, also over clock changes: one
//! begins the first time that the local clock reaches the cut-off or passes it.

use domain::time::DAY_MS;
use domain::{Day, EventTime};
use hashbrown::HashMap;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The seconds from 1900-01-01 to 2200-01-01, for which clock changes are tabled; the first and last offset hold before
/// and after.
const TABLED_SECONDS: (i64, i64) = (-2_208_988_800, 7_258_118_400);

/// What the calendar says of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    Holiday,
    Workday,
}

/// From an instant on, the local clock is so far ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shift {
    from_ms: i64,
    offset_ms: i64,
}

/// Local time, service days and workdays of a scheme.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: String,
    cutoff_ms: i64,
    /// What the local clock shows.
    shifts: Vec<Shift>,
    /// The same with a backward change put off until it no longer takes the clock back over a cut-off.
    service_shifts: Vec<Shift>,
    calendar: HashMap<Day, DayKind, foldhash::fast::FixedState>,
}

impl LocalClock {
    /// The clock of an IANA zone (`Asia/Shanghai`) with service days that begin at `cutoff_ms` after midnight. `None` where
    /// the bundled tz database does not know the zone.
    #[must_use]
    pub fn new(zone: &str, cutoff_ms: i64) -> Option<Self> {
        let time_zone = TimeZoneDatabase::bundled().get(zone).ok()?;
        let shifts = shifts_of(&time_zone)?;
        let service_shifts = put_off(&shifts, cutoff_ms);
        Some(Self { zone: zone.to_owned(), cutoff_ms, shifts, service_shifts, calendar: HashMap::default() })
    }

    /// The zone names that the bundled tz database knows.
    #[must_use]
    pub fn zones() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|zone| zone.to_string()).collect()
    }

    /// Says what kind of day a date is, whatever its weekday. Returns what was said of it before.
    pub fn mark(&mut self, day: Day, kind: DayKind) -> Option<DayKind> {
        self.calendar.insert(day, kind)
    }

    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The cut-off in milliseconds after midnight.
    #[must_use]
    pub const fn cutoff_ms(&self) -> i64 {
        self.cutoff_ms
    }

    /// How far the local clock is ahead of UTC.
    #[must_use]
    pub fn offset_ms(&self, time: EventTime) -> i64 {
        offset_at(&self.shifts, time.0)
    }

    /// What the local clock shows, in milliseconds since 1970-01-01T00:00 local.
    #[must_use]
    pub fn local_ms(&self, time: EventTime) -> i64 {
        time.0.saturating_add(self.offset_ms(time))
    }

    /// The local date: ages, holidays, peaks and tariff versions go by it.
    #[must_use]
    pub fn calendar_day(&self, time: EventTime) -> Day {
        Day::of_local_ms(self.local_ms(time))
    }

    /// Milliseconds after local midnight.
    #[must_use]
    pub fn time_of_day_ms(&self, time: EventTime) -> i64 {
        self.local_ms(time).rem_euclid(DAY_MS)
    }

    /// The service day: caps, quotas and months go by it.
    #[must_use]
    pub fn service_day(&self, time: EventTime) -> Day {
        let local_ms = time.0.saturating_add(offset_at(&self.service_shifts, time.0));
        Day::of_local_ms(local_ms.saturating_sub(self.cutoff_ms))
    }

    /// The first instant of a service or clearing day.
    #[must_use]
    pub fn day_start(&self, day: Day) -> EventTime {
        first_showing(&self.service_shifts, day.start_local_ms() + self.cutoff_ms)
    }

    /// The first instant after a service or clearing day: the start of the next one.
    #[must_use]
    pub fn day_end(&self, day: Day) -> EventTime {
        self.day_start(day.next())
    }

    /// The first instant at which the local clock shows this time or a later one.
    #[must_use]
    pub fn instant(&self, local_ms: i64) -> EventTime {
        first_showing(&self.shifts, local_ms)
    }

    /// A workday: Monday to Friday, unless the calendar says otherwise.
    #[must_use]
    pub fn is_workday(&self, day: Day) -> bool {
        match self.calendar.get(&day) {
            Some(kind) => *kind == DayKind::Workday,
            None => weekday(day) <= 5,
        }
    }

    /// Whether the calendar names the day a holiday.
    #[must_use]
    pub fn is_holiday(&self, day: Day) -> bool {
        self.calendar.get(&day) == Some(&DayKind::Holiday)
    }
}

/// 1 for Monday to 7 for Sunday.
#[must_use]
pub fn weekday(day: Day) -> u8 {
    // 1970-01-01 was a Thursday.
    u8::try_from((i64::from(day.0) + 3).rem_euclid(7) + 1).expect("one of seven")
}

fn shifts_of(zone: &TimeZone) -> Option<Vec<Shift>> {
    let start = Timestamp::from_second(TABLED_SECONDS.0).ok()?;
    let end = Timestamp::from_second(TABLED_SECONDS.1).ok()?;
    let offset_ms = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1000;
    let mut shifts = vec![Shift { from_ms: i64::MIN, offset_ms: offset_ms(start) }];
    for change in zone.following(start).take_while(|change| change.timestamp() < end) {
        let at = change.timestamp();
        let shift = Shift { from_ms: at.as_millisecond(), offset_ms: offset_ms(at) };
        // Some changes are of the zone's name only.
        if shifts.last().is_some_and(|last| last.offset_ms != shift.offset_ms) {
            shifts.push(shift);
        }
    }
    Some(shifts)
}

/// Puts off each backward change that would take the clock back over a cut-off until the new offset shows the cut-off again.
fn put_off(shifts: &[Shift], cutoff_ms: i64) -> Vec<Shift> {
    let mut later = Vec::with_capacity(shifts.len());
    let mut before_ms: Option<i64> = None;
    for &shift in shifts {
        let mut from_ms = shift.from_ms;
        if let Some(before_ms) = before_ms {
            // The last cut-off that the old offset reached before the change.
            let old_local_ms = from_ms + before_ms - 1;
            let cutoff_local_ms = (old_local_ms - cutoff_ms).div_euclid(DAY_MS) * DAY_MS + cutoff_ms;
            from_ms = from_ms.max(cutoff_local_ms - shift.offset_ms);
        }
        before_ms = Some(shift.offset_ms);
        later.push(Shift { from_ms, ..shift });
    }
    later
}

fn offset_at(shifts: &[Shift], ms: i64) -> i64 {
    // Most events are later than the zone's last change (Asia/Shanghai has had none since 1991).
    if let Some(last) = shifts.last()
        && ms >= last.from_ms
    {
        return last.offset_ms;
    }
    let after = shifts.partition_point(|shift| shift.from_ms <= ms);
    shifts.get(after.saturating_sub(1)).map_or(0, |shift| shift.offset_ms)
}

fn first_showing(shifts: &[Shift], local_ms: i64) -> EventTime {
    // No offset is a day or more, so the shift in force a day earlier is one from which to look forward.
    let from = shifts.partition_point(|shift| shift.from_ms <= local_ms.saturating_sub(2 * DAY_MS)).saturating_sub(1);
    for (at, shift) in shifts.iter().enumerate().skip(from) {
        let candidate_ms = local_ms.saturating_sub(shift.offset_ms).max(shift.from_ms);
        if shifts.get(at + 1).is_none_or(|next| candidate_ms < next.from_ms) {
            return EventTime(candidate_ms);
        }
    }
    EventTime(local_ms)
}
