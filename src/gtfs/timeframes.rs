//! `timeframes.txt` with the calendars it names, as periods of a tariff.
//!
//! Timeframes may overlap. Days are put together by the timeframes that hold on them, and each day is cut where one begins or
//! ends; what comes out are periods that do not overlap, each with the groups of timeframes that hold in it.

use super::fares::Period;
use super::feed::Feed;
use super::notes::Notes;
use super::places::date;
use super::text::quoted;
use crate::failure::Failure;
use domain::Day;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "timeframes.txt";
const DAY_S: u32 = 24 * 60 * 60;
/// A calendar of more days is cut here.
const SPAN_DAYS_MAX: i32 = 10 * 366;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

#[derive(Debug, Default)]
pub struct Timeframes {
    rows: Vec<Timeframe>,
    services: BTreeMap<String, BTreeSet<Day>>,
}

#[derive(Clone, Debug)]
struct Timeframe {
    group: String,
    service: String,
    /// Seconds after midnight: from the first on, before the other.
    from: u32,
    end: u32,
}

/// A set of timeframe groups that hold together, and when they do. Periods of different states do not overlap.
#[derive(Clone, Debug)]
pub struct State {
    pub groups: BTreeSet<String>,
    pub periods: Vec<Period>,
}

impl Timeframes {
    /// # Errors
    /// When a file cannot be read.
    pub fn read(feed: &mut Feed, notes: &mut Notes) -> Result<Self, Failure> {
        let mut frames = Self::default();
        feed.rows(FILE, ["timeframe_group_id", "start_time", "end_time", "service_id"], |row, [group, from, end, service]| {
            let bounds = (seconds(from, 0), seconds(end, DAY_S));
            match bounds {
                (Some(from), Some(end)) if from < end => {
                    frames.rows.push(Timeframe { group: group.to_owned(), service: service.to_owned(), from, end });
                }
                _ => notes.left(FILE, row, "a timeframe that is not from a time of day to a later one", "时段不是从一个时刻到更晚的时刻"),
            }
        })?;
        if frames.rows.is_empty() {
            return Ok(frames);
        }
        let used: BTreeSet<String> = frames.rows.iter().map(|frame| frame.service.clone()).collect();
        let services = &mut frames.services;
        let columns = ["service_id", "start_date", "end_date", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        feed.rows("calendar.txt", columns, |row, [service, first, last, days @ ..]| {
            if !used.contains(service) {
                return;
            }
            let bounds = (day(first), day(last));
            let (Some(first), Some(last)) = bounds else {
                notes.left("calendar.txt", row, "a service without a first and a last day", "服务缺少起止日期");
                return;
            };
            if last.0 - first.0 > SPAN_DAYS_MAX {
                notes.left("calendar.txt", row, "days of a service beyond ten years", "超过十年的服务日期");
            }
            let span = (first.0..=last.0.min(first.0.saturating_add(SPAN_DAYS_MAX))).map(Day);
            let runs = span.filter(|&day| days.get(weekday(day)).is_some_and(|&flag| flag == "1"));
            services.entry(service.to_owned()).or_default().extend(runs);
        })?;
        feed.rows("calendar_dates.txt", ["service_id", "date", "exception_type"], |row, [service, date, kind]| {
            if !used.contains(service) {
                return;
            }
            let days = services.entry(service.to_owned()).or_default();
            match (day(date), kind) {
                (Some(day), "1") => {
                    days.insert(day);
                }
                (Some(day), "2") => {
                    days.remove(&day);
                }
                _ => notes.left("calendar_dates.txt", row, "an exception that is neither of a date nor of kind 1 or 2", "例外缺少日期，或类型不是 1、2"),
            }
        })?;
        for service in used.iter().filter(|service| !frames.services.contains_key(*service)) {
            let en = format!("service {service} of timeframes is on no day that a calendar names: fares in it hold never");
            notes.left(FILE, 0, en, format!("日历中没有服务 {service} 的任何日期：其时段的票价从不适用"));
        }
        Ok(frames)
    }

    #[must_use]
    pub fn has(&self, group: &str) -> bool {
        self.rows.iter().any(|frame| frame.group == group)
    }

    /// The first day on which a timeframe holds.
    #[must_use]
    pub fn first_day(&self) -> Option<Day> {
        self.services.values().filter_map(|days| days.first()).min().copied()
    }

    /// The states of some groups; where none holds there is no state. Periods are named with a prefix.
    #[must_use]
    pub fn states(&self, groups: &BTreeSet<String>, prefix: &str) -> Vec<State> {
        let rows: Vec<&Timeframe> = self.rows.iter().filter(|frame| groups.contains(&frame.group)).collect();
        let days: BTreeSet<Day> = rows.iter().filter_map(|frame| self.services.get(&frame.service)).flatten().copied().collect();
        // What a day is like: which groups hold from when until when.
        type Course = Vec<(u32, u32, BTreeSet<String>)>;
        let mut alike: BTreeMap<Course, Vec<Day>> = BTreeMap::new();
        let mut by_services: BTreeMap<Vec<bool>, Vec<Day>> = BTreeMap::new();
        for &day in &days {
            let runs = rows.iter().map(|frame| self.services.get(&frame.service).is_some_and(|days| days.contains(&day))).collect();
            by_services.entry(runs).or_default().push(day);
        }
        for (runs, days) in by_services {
            let holding: Vec<&&Timeframe> = rows.iter().zip(&runs).filter(|(_, runs)| **runs).map(|(frame, _)| frame).collect();
            let cuts: BTreeSet<u32> = holding.iter().flat_map(|frame| [frame.from, frame.end]).collect();
            let mut course: Course = Vec::new();
            for (&from, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
                let now: BTreeSet<String> = holding.iter().filter(|frame| frame.from <= from && end <= frame.end).map(|frame| frame.group.clone()).collect();
                match course.last_mut() {
                    _ if now.is_empty() => {}
                    Some((_, last, groups)) if *last == from && *groups == now => *last = end,
                    _ => course.push((from, end, now)),
                }
            }
            alike.entry(course).or_default().extend(days);
        }
        let mut states: BTreeMap<BTreeSet<String>, Vec<Period>> = BTreeMap::new();
        for (course, mut days) in alike {
            days.sort_unstable();
            let own: BTreeSet<&BTreeSet<String>> = course.iter().map(|(_, _, groups)| groups).collect();
            for groups in own {
                let times: Vec<String> = course.iter().filter(|(.., now)| now == groups).map(|&(from, end, _)| range(from, end)).collect();
                let times = if times == ["always"] { None } else { Some(format!("times = [{}]", times.join(", "))) };
                let periods = states.entry(groups.clone()).or_default();
                for mut lines in dates(&days) {
                    lines.extend(times.clone());
                    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                    periods.push(Period { name: format!("{prefix} {} {}", groups.join("+"), periods.len() + 1), lines });
                }
            }
        }
        states.into_iter().map(|(groups, periods)| State { groups, periods }).collect()
    }
}

fn weekday(day: Day) -> usize {
    // 1970-01-01 was a Thursday.
    usize::try_from((day.0 + 3).rem_euclid(7)).unwrap_or(0)
}

fn day(text: &str) -> Option<Day> {
    date(text)?.parse().ok()
}

/// `H:MM:SS` and `HH:MM:SS`, to 24:00:00.
fn seconds(text: &str, empty: u32) -> Option<u32> {
    if text.is_empty() {
        return Some(empty);
    }
    let parts: Vec<u32> = text.split(':').map(|part| part.parse().ok().filter(|_| !part.is_empty() && part.len() <= 2)).collect::<Option<_>>()?;
    match parts.as_slice() {
        &[hours, minutes, seconds] if minutes < 60 && seconds < 60 => Some((hours * 60 + minutes) * 60 + seconds).filter(|&all| all <= DAY_S),
        _ => None,
    }
}

fn range(from: u32, end: u32) -> String {
    let time = |seconds: u32| {
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if seconds == 0 { format!("{hours:02}:{minutes:02}") } else { format!("{hours:02}:{minutes:02}:{seconds:02}") }
    };
    match (from, end) {
        (0, DAY_S) => "always".to_owned(),
        (0, end) => format!("\"before {}\"", time(end)),
        (from, DAY_S) => format!("\"from {}\"", time(from)),
        (from, end) => format!("\"{} before {}\"", time(from), time(end)),
    }
}

/// Days, in order, as the keys of one period, or of two: those of a weekly pattern, and single ones beside it.
fn dates(days: &[Day]) -> Vec<Vec<String>> {
    let (Some(&first), Some(&last)) = (days.first(), days.last()) else { return Vec::new() };
    let all: BTreeSet<Day> = days.iter().copied().collect();
    let mut pattern = [false; 7];
    for (number, wanted) in pattern.iter_mut().enumerate() {
        let of_week = (first.0..=last.0).map(Day).filter(|&day| weekday(day) == number);
        let (mut there, mut away) = (0, 0);
        of_week.for_each(|day| if all.contains(&day) { there += 1 } else { away += 1 });
        *wanted = there > away;
    }
    let in_pattern = |day: Day| pattern.get(weekday(day)).copied().unwrap_or(false);
    let missing: Vec<Day> = (first.0..=last.0).map(Day).filter(|&day| in_pattern(day) && !all.contains(&day)).collect();
    let extra: Vec<Day> = days.iter().copied().filter(|&day| !in_pattern(day)).collect();
    let mut periods = Vec::new();
    if pattern.contains(&true) {
        let mut lines = Vec::new();
        if pattern.contains(&false) {
            let words: Vec<String> = WEEKDAYS.iter().zip(pattern).filter(|(_, wanted)| *wanted).map(|(word, _)| quoted(word)).collect();
            lines.push(format!("days = [{}]", words.join(", ")));
        }
        lines.push(format!("dates = [\"{first} to {last}\"]"));
        if !missing.is_empty() {
            lines.push(format!("not_dates = [{}]", ranges(&missing)));
        }
        periods.push(lines);
    }
    if !extra.is_empty() {
        periods.push(vec![format!("dates = [{}]", ranges(&extra))]);
    }
    periods
}

/// Neighbouring days as ranges.
fn ranges(days: &[Day]) -> String {
    let mut ranges: Vec<(Day, Day)> = Vec::new();
    for &day in days {
        match ranges.last_mut() {
            Some((_, last)) if last.0 + 1 == day.0 => *last = day,
            _ => ranges.push((day, day)),
        }
    }
    let texts: Vec<String> = ranges.iter().map(|(first, last)| if first == last { format!("\"{first}\"") } else { format!("\"{first} to {last}\"") }).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_one_day() {
        for (text, wanted) in [
            ("", Some(7)),
            ("6:30:00", Some(23_400)),
            ("06:30:05", Some(23_405)),
            ("24:00:00", Some(86_400)),
            ("24:00:01", None),
            ("6:30", None),
            ("a:b:c", None),
        ] {
            assert_eq!(seconds(text, 7), wanted, "{text}");
        }
        assert_eq!(
            [range(0, DAY_S), range(0, 60), range(3600, DAY_S), range(61, 3600)],
            ["always", "\"before 00:01\"", "\"from 01:00\"", "\"00:01:01 before 01:00\""]
        );
    }

    #[test]
    fn days_are_a_pattern_and_what_differs() {
        let day = |text: &str| text.parse::<Day>().expect("a date");
        // Workdays of four weeks from Monday 2 March on, without the 11th, with Saturday the 14th.
        let days: Vec<Day> = (day("2026-03-02").0..=day("2026-03-27").0)
            .map(Day)
            .filter(|&one| (weekday(one) < 5 && one != day("2026-03-11")) || one == day("2026-03-14"))
            .collect();
        let wanted = [
            vec!["days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]", "dates = [\"2026-03-02 to 2026-03-27\"]", "not_dates = [\"2026-03-11\"]"],
            vec!["dates = [\"2026-03-14\"]"],
        ];
        assert_eq!(dates(&days), wanted);
    }
}
