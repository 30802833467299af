//! The local clock against jiff's own arithmetic, over clock changes and far from them.

use domain::time::DAY_MS;
use domain::{Day, EventTime};
use engine::scheme::LocalClock;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

fn civil(zone: &str, ms: i64) -> DateTime {
    let zone = TimeZoneDatabase::bundled().get(zone).expect("a zone");
    zone.to_datetime(Timestamp::from_millisecond(ms).expect("in range"))
}

fn local_ms_of(civil: DateTime) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    i64::try_from(civil.duration_since(epoch).as_millis()).expect("in range")
}

fn utc_ms(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("a time").as_millisecond()
}

/// Times of a century and more, and times around London's clock changes of 2009 and 2026.
fn times() -> impl Strategy<Value = i64> {
    let near = |text: &str| {
        let at = utc_ms(text);
        at - 30 * HOUR_MS..at + 30 * HOUR_MS
    };
    prop_oneof![
        -2_000_000_000_000i64..4_000_000_000_000,
        near("2009-10-25T01:00:00Z"),
        near("2026-03-29T01:00:00Z"),
        near("2026-10-25T01:00:00Z"),
        near("1986-05-04T00:00:00Z"),
    ]
}

const ZONES: [&str; 6] = ["Asia/Shanghai", "Europe/London", "Asia/Urumqi", "America/Havana", "Australia/Lord_Howe", "UTC"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn local_time_and_calendar_days_are_those_of_jiff(ms in times(), zone in prop::sample::select(&ZONES[..])) {
        let clock = LocalClock::new(zone, 4 * HOUR_MS).expect("a zone");
        let expected = civil(zone, ms);
        prop_assert_eq!(clock.local_ms(EventTime(ms)), local_ms_of(expected));
        prop_assert_eq!(clock.calendar_day(EventTime(ms)).to_string(), expected.date().to_string());
        prop_assert_eq!(engine::scheme::clock::weekday(clock.calendar_day(EventTime(ms))), u8::try_from(expected.date().weekday().to_monday_one_offset()).expect("small"));
    }

    /// Away from a change of clocks at the cut-off, the service day is the date four hours earlier on the local clock.
    #[test]
    fn service_days_are_shifted_calendar_days(ms in times(), zone in prop::sample::select(&ZONES[..2])) {
        let clock = LocalClock::new(zone, 4 * HOUR_MS).expect("a zone");
        let shifted = local_ms_of(civil(zone, ms)) - 4 * HOUR_MS;
        prop_assert_eq!(clock.service_day(EventTime(ms)), Day::of_local_ms(shifted));
    }

    /// Whatever the cut-off: days follow one another, and each ends where the next begins.
    #[test]
    fn service_days_have_no_gap_and_no_overlap(ms in times(), zone in prop::sample::select(&ZONES[..]), cutoff_min in 0i64..1440) {
        let clock = LocalClock::new(zone, cutoff_min * 60_000).expect("a zone");
        let day = clock.service_day(EventTime(ms));
        let (start, end) = (clock.day_start(day), clock.day_end(day));
        prop_assert!(start.0 <= ms && ms < end.0, "{} ≤ {} < {}", start.0, ms, end.0);
        prop_assert_eq!(clock.service_day(start), day);
        prop_assert_eq!(clock.service_day(EventTime(end.0 - 1)), day);
        prop_assert_eq!(clock.service_day(end), day.next());
        prop_assert_eq!(clock.day_start(day.next()), end);
        prop_assert!((20 * HOUR_MS..=28 * HOUR_MS).contains(&(end.0 - start.0)));
    }
}

#[test]
fn london_has_a_short_day_in_spring_and_a_long_one_in_autumn() {
    let clock = LocalClock::new("Europe/London", 4 * HOUR_MS).expect("a zone");
    let day = |text: &str| text.parse::<Day>().expect("a date");
    let length = |text: &str| clock.day_end(day(text)).0 - clock.day_start(day(text)).0;
    assert_eq!(length("2009-10-24"), DAY_MS + HOUR_MS);
    assert_eq!(length("2009-10-25"), DAY_MS);
    assert_eq!(length("2026-03-28"), DAY_MS - HOUR_MS);
    assert_eq!(clock.day_end(day("2026-03-28")), EventTime(utc_ms("2026-03-29T03:00:00Z")));
    assert_eq!(clock.offset_ms(EventTime(utc_ms("2026-03-29T01:00:00Z"))), HOUR_MS);
    assert_eq!(clock.offset_ms(EventTime(utc_ms("2026-03-29T00:59:59Z"))), 0);
}

#[test]
fn a_cut_off_inside_the_repeated_hour_happens_once() {
    // London's clocks go from 02:00 back to 01:00 on 2026-10-25: 01:30 comes twice, and the day begins at the first.
    let clock = LocalClock::new("Europe/London", 90 * 60_000).expect("a zone");
    let day = "2026-10-25".parse::<Day>().expect("a date");
    assert_eq!(clock.day_start(day), EventTime(utc_ms("2026-10-25T00:30:00Z")));
    for text in ["2026-10-25T00:30:00Z", "2026-10-25T00:59:00Z", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"] {
        assert_eq!(clock.service_day(EventTime(utc_ms(text))), day, "{text}");
    }
    // 01:30 does not exist on 2026-03-29: the day begins when the clock passes it.
    assert_eq!(clock.day_start("2026-03-29".parse().expect("a date")), EventTime(utc_ms("2026-03-29T01:00:00Z")));
}

#[test]
fn the_cut_off_belongs_to_the_new_day() {
    let clock = LocalClock::new("Asia/Shanghai", 4 * HOUR_MS).expect("a zone");
    let start = utc_ms("2026-03-01T20:00:00Z");
    let day = "2026-03-02".parse::<Day>().expect("a date");
    assert_eq!(clock.day_start(day), EventTime(start));
    assert_eq!(clock.service_day(EventTime(start - 1)).next(), day);
    assert_eq!(clock.service_day(EventTime(start)), day);
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let clock = LocalClock::new("Europe/London", 4 * HOUR_MS).expect("a zone");
    for ms in [i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1] {
        let _ = (clock.service_day(EventTime(ms)), clock.calendar_day(EventTime(ms)), clock.time_of_day_ms(EventTime(ms)));
    }
    for day in [Day(i32::MIN), Day(i32::MAX - 1)] {
        assert!(clock.day_start(day) < clock.day_end(day));
    }
    assert!(LocalClock::new("Mars/Olympus", 0).is_none());
}
