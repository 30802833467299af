//! Oddities, the slow way: all records that count, card by card, each held against all before it; and what is new is what
//! the same look did not find at the close before.

#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "another way to measure the globe than the engine's")]

use super::{Oracle, event_key};
use domain::{CardToken, Day, EventTime, Flags, Measure, OddityKind, Reason, Record, RecordId, RecordKind, Symbol};
use engine::account::{self, Known};
use engine::close::Finding;
use engine::scheme::TerminalAt;
use std::collections::BTreeMap;

/// Where the universe's places are, in degrees, and its table of ways in seconds.
pub const PLACES: [(&str, f64, f64); 4] = [("station:1", 30.0, 104.0), ("station:2", 30.1, 104.0), ("station:3", 30.5, 104.5), ("venue:1", -33.9, -151.2)];
pub const WAYS: [(&str, &str, i64); 3] = [("venue:3", "station:1", 900), ("station:1", "venue:3", 600), ("venue:2", "station:2", 1_200)];

/// The rules that the universe's scheme writes.
const CLOCK_MS: i64 = 60_000;
const GATE_MS: i64 = 600_000;
const SPEED_KMH: f64 = 100.0;
const DISTANCE_MIN_M: f64 = 5_000.0;
const PERIOD_DAYS: i32 = 2;
const RIDES: usize = 2;
const GAIN_MINOR: i64 = 100;
const NEXT_MS: i64 = 20 * 3_600_000;
const COUNT_MS: i64 = 86_400_000;
const COUNTS: usize = 4;

/// One finding: what is odd, of which record, with which other; then the evidence.
pub type Key = (OddityKind, RecordId, EventTime, RecordId, EventTime);
pub type Evidence = (Option<RecordId>, BTreeMap<&'static str, i64>);

/// What was found, account by account: two records that come anew with another card are another's.
#[derive(Clone, Debug, Default)]
pub struct Looked(BTreeMap<(CardToken, Key), Evidence>);

/// A record that counts, and the clearing day that took it in.
type Counted = (Day, Record);

impl Oracle<'_> {
    /// What is to be told after a close, given what was found at the one before.
    pub fn oddities(&self, day: Day, before: &mut Looked) -> BTreeMap<Key, Evidence> {
        let counted: Vec<Counted> = self
            .standing
            .iter()
            .filter(|(_, record, reason)| *reason == Reason::Cleared && !record.card.is_empty())
            .map(|(day, record, _)| (*day, *record))
            .collect();
        let mut now = Looked::default();
        for card in counted.iter().map(|(_, record)| record.card).collect::<std::collections::BTreeSet<_>>() {
            let mut own: Vec<Counted> = counted.iter().filter(|(_, record)| record.card == card).copied().collect();
            own.sort_by_key(|(_, record)| event_key(record, self.symbols));
            self.look(&own, &mut now);
            self.count_missing(&own, &self.account_of_card(&own, &counted), &mut now);
        }
        let mut told = BTreeMap::new();
        for ((account, key), evidence) in &now.0 {
            if !before.0.contains_key(&(*account, *key)) {
                let taken_in = |id: RecordId, time| counted.iter().find(|(_, record)| record.id() == id && record.time == time).map(|(day, _)| *day);
                let line_day = if key.0 == OddityKind::MissingTapOffs { self.line_day(key.3, day) } else { None };
                let (later, earlier) = (taken_in(key.1, key.2), line_day.or_else(|| taken_in(key.3, key.4)));
                let turned = later != Some(day) && earlier == Some(day);
                let (key, evidence) = if turned { turn(*key, evidence) } else { (*key, evidence.clone()) };
                told.insert(key, evidence);
            }
        }
        for (copy, other) in &self.copies {
            let counter = copy.card_counter.map(|counter| ("counter", i64::from(counter)));
            told.insert((OddityKind::CounterRepeated, copy.id(), copy.time, other.id(), other.time), (None, counter.into_iter().collect()));
        }
        *before = now;
        told
    }

    /// The clearing day that has the line of a ride without a tap-off.
    fn line_day(&self, id: RecordId, today: Day) -> Option<Day> {
        Some(self.settled.get(&id).map_or(today, |settled| settled.day))
    }

    fn place(&self, record: &Record) -> Symbol {
        match self.scheme.terminal(record.terminal, record.epoch, record.time) {
            TerminalAt::InService(terminal) if record.location.is_none() => terminal.location,
            _ => record.location,
        }
    }

    fn account(&self, record: &Record) -> CardToken {
        self.scheme.card(&record.card).map_or(record.card, |card| card.account)
    }

    fn look(&self, own: &[Counted], found: &mut Looked) {
        use RecordKind::{Boarding, Journey, Pass, Payment, TapOff, TapOn};
        let seen: Vec<&Record> =
            own.iter().map(|(_, record)| record).filter(|record| matches!(record.kind, TapOn | TapOff | Boarding | Journey | Pass | Payment)).collect();
        for (at, record) in seen.iter().enumerate() {
            let before = &seen[..at];
            let mut put = |kind, other: &Record, witness, evidence: &[(&'static str, i64)]| {
                found.0.insert((self.account(record), (kind, record.id(), record.time, other.id(), other.time)), (witness, evidence.iter().copied().collect()));
            };
            // The same gate.
            let gates: Vec<&&Record> = before.iter().filter(|other| other.terminal == record.terminal && other.kind != Payment).collect();
            if let Some(other) = gates.last().filter(|other| record.kind != Payment && !record.terminal.is_none() && record.time.0 <= other.time.0 + GATE_MS) {
                put(OddityKind::SameGate, other, None, &[]);
            }
            // Too far.
            let name = |record: &Record| self.symbols.text(self.place(record)).to_string();
            let known = |name: &str| PLACES.iter().any(|place| place.0 == name) || WAYS.iter().any(|way| way.0 == name || way.1 == name);
            let last = before.iter().rev().find(|other| known(&name(other))).filter(|_| known(&name(record)));
            if let Some(other) = last {
                let (from, to, ms) = (name(other), name(record), record.time.0 - other.time.0 + CLOCK_MS);
                let row = |from: &str, to: &str| WAYS.iter().find(|way| (way.0, way.1) == (from, to)).map(|way| way.2);
                let at = |name: &str| PLACES.iter().find(|place| place.0 == name).map(|place| (place.1, place.2));
                if from == to {
                } else if let Some(seconds) = row(&from, &to).or_else(|| row(&to, &from)) {
                    if ms < seconds * 1_000 {
                        put(OddityKind::ImpossibleTravel, other, None, &[("least_seconds", seconds)]);
                    }
                } else if let (Some(from), Some(to)) = (at(&from), at(&to)) {
                    let metres = straight_m(from, to);
                    let speed = metres * 3_600.0 / ms as f64;
                    if metres >= DISTANCE_MIN_M && speed > SPEED_KMH {
                        put(OddityKind::ImpossibleTravel, other, None, &[("metres", metres as i64), ("km_per_hour", speed.ceil() as i64)]);
                    }
                }
            }
            // The card's counter.
            let Some(counter) = record.card_counter.filter(|_| !record.grey) else { continue };
            let counted: Vec<(u32, &Record)> =
                before.iter().rev().filter(|other| !other.grey).filter_map(|other| Some((other.card_counter?, *other))).collect();
            let near: Vec<&(u32, &Record)> = counted.iter().take(COUNTS).filter(|(_, other)| record.time.0 - other.time.0 <= COUNT_MS).collect();
            let where_at = |record: &Record| if self.place(record).is_none() { (record.terminal, Symbol::NONE) } else { (Symbol::NONE, self.place(record)) };
            if let Some((_, other)) = near.iter().find(|(known, _)| *known == counter) {
                put(OddityKind::CounterRepeated, other, None, &[("counter", i64::from(counter))]);
            } else if let Some((last, other)) = near.first().filter(|(last, other)| *last > counter && record.time.0 > other.time.0 + CLOCK_MS) {
                let mut evidence = vec![("counter", i64::from(counter)), ("other_counter", i64::from(*last))];
                let mine = near[1..].iter().find(|(known, earlier)| *known < counter && where_at(earlier) == where_at(record));
                match mine.filter(|_| where_at(other) != where_at(record)) {
                    Some((known, witness)) => {
                        evidence.push(("witness_counter", i64::from(*known)));
                        put(OddityKind::CounterInterleaved, other, Some(witness.id()), &evidence);
                    }
                    None => put(OddityKind::CounterBackwards, other, None, &evidence),
                }
            }
        }
    }

    /// All records of the account that the card belongs to, in event order.
    fn account_of_card(&self, own: &[Counted], counted: &[Counted]) -> Vec<Record> {
        let mut all: Vec<Record> = counted.iter().map(|(_, record)| *record).filter(|record| self.account(record) == self.account(&own[0].1)).collect();
        all.retain(|record| !matches!(record.kind, RecordKind::Refund | RecordKind::Reversal | RecordKind::Collection));
        all.sort_by_key(|record| event_key(record, self.symbols));
        all
    }

    fn count_missing(&self, own: &[Counted], account: &[Record], found: &mut Looked) {
        let today = *self.days.last().expect("a day was closed");
        let known: Vec<Known> = account.iter().map(|record| Known::of(record, self.scheme, today)).collect();
        let ends: Vec<EventTime> = self.days.iter().map(|day| self.scheme.clock.day_end(*day)).collect();
        let rides = account::fold(self.scheme, &known, &ends).rides;
        let gates: Vec<&Record> = own.iter().map(|(_, record)| record).filter(|record| matches!(record.kind, RecordKind::TapOn | RecordKind::TapOff)).collect();
        // Ride, its service day, what it cost and what it would have.
        let mut cheap: Vec<(RecordId, Day, i64, i64)> = Vec::new();
        for pair in gates.windows(2) {
            let [on, next] = pair else { continue };
            let ride = rides.iter().find(|ride| known[ride.at].record.id() == on.id() && ride.fare.flags.has(Flags::NO_TAP_OFF));
            let Some(ride) = ride.filter(|_| on.kind == RecordKind::TapOn && next.kind == RecordKind::TapOn) else { continue };
            let place = self.place(next);
            if place.is_none() || next.time.0 - on.time.0 > NEXT_MS {
                continue;
            }
            let off = Record { kind: RecordKind::TapOff, time: EventTime(on.time.0 + 60_000), location: place, sequence: u64::MAX, ..**on };
            let on_known = Known::of(on, self.scheme, today);
            // The gate is not known: whoever earns the ride earns it still.
            let off_known = Known { record: off, ..on_known };
            let guess = account::fold(self.scheme, &[on_known, off_known], &[]).rides.pop().expect("a tap-off ends a ride").fare;
            if [Flags::UNKNOWN_PAIR, Flags::SAME_STATION].iter().any(|flag| guess.flags.has(*flag)) || guess.charged_minor <= ride.fare.charged_minor {
                continue;
            }
            let day = self.scheme.clock.service_day(on.time);
            cheap.push((on.id(), day, ride.fare.charged_minor, guess.charged_minor));
            let period: Vec<_> = cheap.iter().filter(|(_, other, ..)| day.0 - other.0 < PERIOD_DAYS).collect();
            let (charged, would): (i64, i64) = (period.iter().map(|ride| ride.2).sum(), period.iter().map(|ride| ride.3).sum());
            if period.len() >= RIDES && would - charged >= GAIN_MINOR {
                let evidence = [("rides", period.len() as i64), ("charged_minor", charged), ("would_minor", would)];
                let key = (OddityKind::MissingTapOffs, next.id(), next.time, on.id(), on.time);
                found.0.insert((self.account(on), key), (Some(period[0].0), evidence.into_iter().collect()));
            }
        }
    }
}

fn turn(key: Key, (witness, evidence): &Evidence) -> (Key, Evidence) {
    let (kind, id, time, other, other_time) = key;
    let turned = |name: &'static str| match name {
        "counter" => "other_counter",
        "other_counter" => "counter",
        name => name,
    };
    let alone = kind == OddityKind::CounterRepeated;
    let evidence = evidence.iter().map(|(name, value)| (if alone { *name } else { turned(name) }, *value)).collect();
    ((kind, other, other_time, id, time), (*witness, evidence))
}

/// The chord between two points, by the haversine of their angle.
fn straight_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    let [(from_lat, from_lon), (to_lat, to_lon)] = [from, to].map(|(lat, lon)| (lat.to_radians(), lon.to_radians()));
    let half = ((to_lat - from_lat) / 2.0).sin().powi(2) + from_lat.cos() * to_lat.cos() * ((to_lon - from_lon) / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * half.sqrt()
}

/// What the engine says, in the same shape.
pub fn shape(findings: &[Finding]) -> BTreeMap<Key, Evidence> {
    let measures = |finding: &Finding| finding.measures.iter().map(|&(measure, value): &(Measure, i64)| (measure.name(), value)).collect();
    findings
        .iter()
        .map(|finding| ((finding.kind, finding.record.id, finding.record.time, finding.other.id, finding.other.time), (finding.witness, measures(finding))))
        .collect()
}
