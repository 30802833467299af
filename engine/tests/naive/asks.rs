//! Which rides a rule is for, asked word by word.

use domain::{Day, EventTime, Symbol};
use engine::price::Tap;
use engine::scheme::clock::LocalClock;
use engine::tariff::{Condition, Deciding, Facts, Period, Scope, Version};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub fn covers(scope: &Scope, tap: &Tap) -> bool {
    let kind = scope.kinds.is_empty() || scope.kinds.contains(&tap.kind);
    let mode = scope.modes.is_empty() || scope.modes.contains(&tap.mode);
    let operator = scope.operators.is_empty() || scope.operators.contains(&tap.operator);
    kind && mode && operator
}

pub fn holds(condition: &Condition, facts: &Facts, version: &Version, clock: &LocalClock) -> bool {
    let lists: [(&[Symbol], Symbol); 8] = [
        (&condition.tickets, facts.ticket),
        (&condition.products, facts.product),
        (&condition.classes, facts.class),
        (&condition.media, facts.medium),
        (&condition.issuers, facts.issuer),
        (&condition.routes, facts.route),
        (&condition.from, facts.from),
        (&condition.to, facts.to),
    ];
    if lists.iter().any(|(list, word)| !list.is_empty() && !list.contains(word)) {
        return false;
    }
    let not = [(&condition.not_classes, facts.class), (&condition.not_media, facts.medium), (&condition.not_routes, facts.route)];
    if not.iter().any(|(list, word)| list.contains(word)) {
        return false;
    }
    if let Some(zones) = condition.zones
        && (1..=63).any(|zone| facts.zones.0 >> zone & 1 == 1 && zones.0 >> zone & 1 == 0)
    {
        return false;
    }
    if let Some(zones) = condition.touches
        && !(1..=63).any(|zone| facts.zones.0 >> zone & 1 == 1 && zones.0 >> zone & 1 == 1)
    {
        return false;
    }
    if condition.complete.is_some_and(|complete| complete != facts.complete) {
        return false;
    }
    if condition.list_from_minor.is_some_and(|from| facts.list_minor < from) || condition.list_to_minor.is_some_and(|to| facts.list_minor > to) {
        return false;
    }
    let moments = |good: &dyn Fn(EventTime) -> bool| match condition.decided_by {
        Deciding::Entry => good(facts.entry),
        Deciding::Exit => good(facts.exit),
        Deciding::Both => good(facts.entry) && good(facts.exit),
        Deciding::Either => good(facts.entry) || good(facts.exit),
    };
    let of_age = |time: EventTime| match (condition.ages, facts.birth) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((youngest, oldest)), Some(birth)) => {
            let age = age(birth, clock.calendar_day(time));
            youngest <= age && age <= oldest
        }
    };
    let during = |list: &[usize], time: EventTime| list.iter().any(|&at| is_in(&version.periods[at], time, clock));
    if !condition.exit_when.is_empty() && !during(&condition.exit_when, facts.exit) {
        return false;
    }
    moments(&of_age)
        && (condition.when.is_empty() || moments(&|time| during(&condition.when, time)))
        && (condition.not_when.is_empty() || moments(&|time| !during(&condition.not_when, time)))
}

/// Birthdays counted one after the other.
fn age(birth: Day, day: Day) -> i32 {
    let (birth, day) = (birth.civil().expect("a date"), day.civil().expect("a date"));
    let mut years = i32::from(day.year()) - i32::from(birth.year());
    if (day.month(), day.day()) < (birth.month(), birth.day()) {
        years -= 1;
    }
    years
}

fn is_in(period: &Period, time: EventTime, clock: &LocalClock) -> bool {
    use engine::tariff::DayWord;
    // A service day is the calendar day of so much earlier.
    let day = if period.by_service_day { clock.calendar_day(EventTime(time.0 - clock.cutoff_ms())) } else { clock.calendar_day(time) };
    let ms = clock.local_ms(time).rem_euclid(DAY_MS);
    let is = |word: &DayWord| match word {
        DayWord::Weekday(number) => day.civil().expect("a date").weekday().to_monday_one_offset() == i8::try_from(*number).expect("small"),
        DayWord::Workday => clock.is_workday(day),
        DayWord::DayOff => !clock.is_workday(day),
        DayWord::Holiday => clock.is_holiday(day),
    };
    let times = period
        .times
        .iter()
        .any(|range| if range.last_ms < range.from_ms { ms >= range.from_ms || ms <= range.last_ms } else { ms >= range.from_ms && ms <= range.last_ms });
    (period.times.is_empty() || times)
        && (period.days.is_empty() || period.days.iter().any(is))
        && !period.except.iter().any(is)
        && !period.not_dates.iter().any(|(first, last)| *first <= day && day <= *last)
        && (period.dates.is_empty() || period.dates.iter().any(|(first, last)| *first <= day && day <= *last))
}
