//! Oddities: what a card's records say about each other that is worth a look, though all of them clear.
//!
//! A fold of its own beside the fold of prices: `next(trail, sighting) -> (trail, findings)`, over one card's records in
//! event order. It changes no outcome and no amount, and what it remembers of a card is what a later record can still be
//! compared with, no more.

use crate::price::OpenTap;
use crate::scheme::oddities::{MS_PER_METRE_AT_1_KMH, MissingTapOffs, SameGate, Travel};
use crate::scheme::{Oddities, Way};
use domain::text::shorter_first;
use domain::{CardToken, Day, EventTime, Measure, OddityKind, RecordId, RecordKind, SourceRef, Symbol};
use std::sync::Arc;

/// A card's counter is compared with those of so many records before it.
pub const COUNTERS_KEPT: usize = 4;

/// What the rules see of a record, and what is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub id: RecordId,
    pub kind: RecordKind,
    pub time: EventTime,
    pub terminal: Symbol,
    /// As the record says it, else as its terminal is registered.
    pub place: Symbol,
    pub mode: Symbol,
    /// Of a whole write on the card.
    pub counter: Option<u32>,
    pub earner: Symbol,
    /// The clearing day that took it in; of a ride without a tap-off, the one that has its line.
    pub day: Day,
    /// What is told of the record of today: not remembered.
    pub offset_min: i16,
    pub amount_minor: i64,
    pub issuer: Symbol,
    pub source_ref: SourceRef,
}

/// A ride that has no tap-off, until it shows where the card went on.
#[derive(Clone, Copy, Debug)]
pub struct Unended {
    pub open: OpenTap,
    pub charged_minor: i64,
    /// The clearing day that has its line.
    pub day: Day,
}

/// A ride without a tap-off that cost less than it would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spared {
    pub id: RecordId,
    pub service_day: Day,
    pub charged_minor: i64,
    pub would_minor: i64,
}

/// What is remembered of a card.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    pub card: CardToken,
    /// In event order.
    pub seen: Vec<Sighting>,
    /// The last tap-on that no tap-off followed.
    pub last_on: Option<RecordId>,
    pub unended: Option<Box<Unended>>,
    /// Oldest first.
    pub spared: Vec<Spared>,
}

/// Two records of one card that are odd together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: OddityKind,
    /// The one that is flagged.
    pub record: Sighting,
    pub other: Sighting,
    /// A third one: of counters, the record that is gone on from; of missing tap-offs, the first ride of the period.
    pub witness: Option<RecordId>,
    pub measures: Vec<(Measure, i64)>,
}

/// What makes a finding the same one.
pub type FindingKey = (OddityKind, RecordId, EventTime, RecordId, EventTime);

impl Finding {
    #[must_use]
    pub fn key(&self) -> FindingKey {
        (self.kind, self.record.id, self.record.time, self.other.id, self.other.time)
    }

    /// As a day tells it: a record of the day is flagged and names the earlier one, even where it came late and happened
    /// before it.
    #[must_use]
    pub fn told_on(mut self, day: Day) -> Self {
        if self.record.day != day && self.other.day == day {
            std::mem::swap(&mut self.record, &mut self.other);
            if let [(Measure::Counter, counter), (Measure::OtherCounter, other), ..] = self.measures.as_mut_slice() {
                std::mem::swap(counter, other);
            }
        }
        self
    }
}

/// The rules, and how a ride is priced whose end is guessed.
#[derive(Clone, Copy)]
pub struct Looker<'s> {
    pub rules: &'s Oddities,
    /// What the ride of a tap-on would cost that ended at a place; `None` where there is no such ride.
    pub would_cost: &'s dyn Fn(&OpenTap, Symbol) -> Option<i64>,
}

impl Looker<'_> {
    /// A step: the card's next record in event order.
    pub fn next(&self, trail: &mut Trail, sighting: &Sighting, found: &mut Vec<Finding>) {
        if !is_presence(sighting.kind) {
            return;
        }
        if let Some(rule) = &self.rules.same_gate {
            found.extend(same_gate(rule, &trail.seen, sighting));
        }
        if let Some(rule) = &self.rules.travel {
            found.extend(too_fast(rule, self.rules.clock_ms, &trail.seen, sighting));
        }
        found.extend(self.counted_again(&trail.seen, sighting));
        match sighting.kind {
            RecordKind::TapOn => {
                if let (Some(rule), Some(unended)) = (&self.rules.missing_tap_offs, trail.unended.take()) {
                    found.extend(self.went_on(rule, &unended, &mut trail.spared, sighting));
                }
                trail.last_on = Some(sighting.id);
            }
            RecordKind::TapOff => (trail.last_on, trail.unended) = (None, None),
            _ => {}
        }
        trail.seen.push(*sighting);
    }

    /// The ride of the card's last tap-on has ended without a tap-off.
    pub fn given_up(&self, trail: &mut Trail, unended: Unended) {
        if self.rules.missing_tap_offs.is_some() && trail.last_on == Some(unended.open.tap.record_id()) {
            trail.unended = Some(Box::new(unended));
        }
    }

    /// The counters that were there before, the latest first.
    fn counted_again(&self, seen: &[Sighting], sighting: &Sighting) -> Option<Finding> {
        let (rule, counter) = (self.rules.counters?, sighting.counter?);
        let near = |earlier: &&Sighting| earlier.counter.is_some() && sighting.time.0 - earlier.time.0 <= rule.within_ms;
        let mut before = seen.iter().rev().filter(|earlier| earlier.counter.is_some()).take(COUNTERS_KEPT).filter(near);
        if let Some(same) = before.clone().find(|earlier| earlier.counter == Some(counter)) {
            return Some(finding(OddityKind::CounterRepeated, sighting, same, vec![(Measure::Counter, i64::from(counter))]));
        }
        let last = before.next()?;
        let last_counter = last.counter.filter(|&last| last > counter)?;
        // Clocks that differ put records in another order than they happened in.
        if sighting.time.0 - last.time.0 <= self.rules.clock_ms {
            return None;
        }
        let mut measures = vec![(Measure::Counter, i64::from(counter)), (Measure::OtherCounter, i64::from(last_counter))];
        let goes_on = |earlier: &&Sighting| earlier.counter.is_some_and(|before| before < counter) && stands(earlier) == stands(sighting);
        match before.find(goes_on).filter(|_| stands(last) != stands(sighting)) {
            Some(witness) => {
                measures.extend(witness.counter.map(|counter| (Measure::WitnessCounter, i64::from(counter))));
                Some(Finding { witness: Some(witness.id), ..finding(OddityKind::CounterInterleaved, sighting, last, measures) })
            }
            None => Some(finding(OddityKind::CounterBackwards, sighting, last, measures)),
        }
    }

    /// Where a card is seen next shows where its ride went: it cost less than with a tap-off, and that again and again.
    fn went_on(&self, rule: &MissingTapOffs, unended: &Unended, spared: &mut Vec<Spared>, next: &Sighting) -> Option<Finding> {
        let tap = &unended.open.tap;
        if next.place.is_none() || next.time.0 - tap.time.0 > rule.next_within_ms {
            return None;
        }
        let would_minor = (self.would_cost)(&unended.open, next.place).filter(|would| *would > unended.charged_minor)?;
        let (id, service_day) = (unended.open.tap.record_id(), tap.service_day);
        spared.push(Spared { id, service_day, charged_minor: unended.charged_minor, would_minor });
        let counts = |ride: &&Spared| i64::from(ride.service_day.0) > i64::from(service_day.0) - i64::from(rule.days);
        let sum = |amount: fn(&Spared) -> i64| spared.iter().filter(counts).map(amount).sum::<i64>();
        let rides = spared.iter().filter(counts).count();
        let (charged_minor, would_minor) = (sum(|ride| ride.charged_minor), sum(|ride| ride.would_minor));
        if rides < rule.rides as usize || would_minor - charged_minor < rule.gain_min_minor {
            return None;
        }
        let measures =
            vec![(Measure::Rides, i64::try_from(rides).unwrap_or(i64::MAX)), (Measure::ChargedMinor, charged_minor), (Measure::WouldMinor, would_minor)];
        let first = spared.iter().find(counts).map(|ride| ride.id);
        Some(Finding { witness: first, ..finding(OddityKind::MissingTapOffs, next, &unended.sighting(), measures) })
    }

    /// Forgets what no record that happens at `from` or later can be compared with. `open` is the tap-on that still waits.
    pub fn forget(&self, trail: &mut Trail, from: EventTime, from_day: Day, open: Option<&OpenTap>) {
        let rules = self.rules;
        let since = |ms: Option<i64>| ms.map_or(i64::MAX, |ms| from.0.saturating_sub(ms));
        let gate_since = since(rules.same_gate.as_ref().map(|rule| rule.within_ms));
        let travel_since = since(rules.travel.as_ref().map(|rule| rule.longest_ms));
        let count_since = since(rules.counters.map(|rule| rule.within_ms));
        let last_known = rules.travel.as_ref().and_then(|rule| trail.seen.iter().rposition(|seen| rule.knows(seen.place)));
        let mut counted = trail.seen.iter().filter(|seen| seen.counter.is_some()).count();
        let mut at = 0;
        trail.seen.retain(|seen| {
            let last = last_known == Some(at);
            at += 1;
            let counts = seen.counter.is_some() && counted <= COUNTERS_KEPT && seen.time.0 >= count_since;
            counted -= usize::from(seen.counter.is_some());
            counts || seen.time.0 >= gate_since || (last && seen.time.0 >= travel_since)
        });
        trail.last_on = trail.last_on.filter(|last| open.is_some_and(|open| open.tap.record_id() == *last));
        let Some(rule) = &rules.missing_tap_offs else { return trail.spared.clear() };
        trail.unended.take_if(|unended| from.0 - unended.open.tap.time.0 > rule.next_within_ms);
        let waiting = trail.unended.iter().map(|unended| unended.open.tap.service_day);
        let first = waiting.chain(open.filter(|_| trail.last_on.is_some()).map(|open| open.tap.service_day)).fold(from_day, Day::min);
        trail.spared.retain(|ride| i64::from(ride.service_day.0) > i64::from(first.0) - i64::from(rule.days));
    }
}

impl Trail {
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.seen.is_empty() && self.last_on.is_none() && self.unended.is_none() && self.spared.is_empty()
    }
}

impl Unended {
    /// The tap-on, as evidence names it.
    fn sighting(&self) -> Sighting {
        let tap = &self.open.tap;
        Sighting {
            id: tap.record_id(),
            kind: tap.kind,
            time: tap.time,
            terminal: tap.terminal,
            place: tap.location,
            mode: tap.mode,
            counter: None,
            earner: tap.earner,
            day: self.day,
            offset_min: 0,
            amount_minor: tap.amount_minor,
            issuer: tap.issuer,
            source_ref: SourceRef::EMPTY,
        }
    }
}

/// The order in which a day tells them: the canonical order of the flagged records, then what is odd, then the other record.
pub fn sort(found: &mut [Finding], texts: &[Arc<str>]) {
    let name = |symbol: Symbol| texts.get(symbol.index()).map_or(&b""[..], |text| text.as_bytes());
    let numbers = |id: &RecordId| match *id {
        RecordId::Sequence { epoch, sequence, .. } => (sequence, u64::from(epoch)),
        RecordId::Columns([high, low]) | RecordId::FileRow([high, low]) => (low, high),
    };
    let in_order = |a: &Sighting, b: &Sighting| {
        let terminals = || shorter_first(name(a.terminal), name(b.terminal));
        a.time.cmp(&b.time).then_with(terminals).then_with(|| numbers(&a.id).cmp(&numbers(&b.id)))
    };
    found.sort_by(|a, b| in_order(&a.record, &b.record).then_with(|| a.kind.cmp(&b.kind)).then_with(|| in_order(&a.other, &b.other)));
}

/// Whether the card itself was there.
const fn is_presence(kind: RecordKind) -> bool {
    passes(kind) || matches!(kind, RecordKind::Payment)
}

/// Whether somebody goes through.
const fn passes(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::TapOn | RecordKind::TapOff | RecordKind::Boarding | RecordKind::Journey | RecordKind::Pass)
}

/// Where a card was, for comparing: its place, or the terminal where no place is known.
const fn stands(sighting: &Sighting) -> (Symbol, Symbol) {
    if sighting.place.is_none() { (sighting.terminal, Symbol::NONE) } else { (Symbol::NONE, sighting.place) }
}

pub(super) fn finding(kind: OddityKind, record: &Sighting, other: &Sighting, measures: Vec<(Measure, i64)>) -> Finding {
    Finding { kind, record: *record, other: *other, witness: None, measures }
}

fn same_gate(rule: &SameGate, seen: &[Sighting], sighting: &Sighting) -> Option<Finding> {
    let looked_at = |mode: Symbol| rule.modes.is_empty() || rule.modes.contains(&mode);
    if !passes(sighting.kind) || sighting.terminal.is_none() || !looked_at(sighting.mode) {
        return None;
    }
    let mut near = seen.iter().rev().take_while(|earlier| sighting.time.0 - earlier.time.0 <= rule.within_ms);
    let before = near.find(|earlier| earlier.terminal == sighting.terminal && passes(earlier.kind))?;
    Some(finding(OddityKind::SameGate, sighting, before, Vec::new()))
}

fn too_fast(rule: &Travel, clock_ms: i64, seen: &[Sighting], sighting: &Sighting) -> Option<Finding> {
    let last = seen.iter().rev().find(|earlier| rule.knows(earlier.place)).filter(|_| rule.knows(sighting.place))?;
    // What two clocks may differ by is granted.
    let ms = sighting.time.0 - last.time.0 + clock_ms;
    let measures = match rule.way(last.place, sighting.place)? {
        Way::Least { ms: least_ms } if ms < least_ms => vec![(Measure::LeastSeconds, least_ms / 1_000)],
        Way::Straight { metres } if metres >= rule.distance_min_m && metres * MS_PER_METRE_AT_1_KMH > rule.speed_max_kmh * ms => {
            let speed = (metres * MS_PER_METRE_AT_1_KMH + ms - 1).checked_div(ms);
            [(Measure::Metres, metres)].into_iter().chain(speed.map(|speed| (Measure::KmPerHour, speed))).collect()
        }
        _ => return None,
    };
    Some(finding(OddityKind::ImpossibleTravel, sighting, last, measures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::Tap;
    use crate::scheme::oddities::Counters;
    use crate::scheme::position::Position;
    use domain::IdKind;

    const GATE: Symbol = Symbol(1);
    const OTHER_GATE: Symbol = Symbol(2);

    fn seen(time: i64, terminal: Symbol, kind: RecordKind) -> Sighting {
        Sighting {
            id: RecordId::Sequence { terminal, epoch: 0, sequence: time.unsigned_abs() },
            kind,
            time: EventTime(time),
            terminal,
            place: Symbol::NONE,
            mode: Symbol(9),
            counter: None,
            earner: Symbol(5),
            day: Day(0),
            offset_min: 480,
            amount_minor: 0,
            issuer: Symbol(6),
            source_ref: SourceRef::EMPTY,
        }
    }

    fn counted(time: i64, terminal: Symbol, counter: u32) -> Sighting {
        Sighting { counter: Some(counter), ..seen(time, terminal, RecordKind::Payment) }
    }

    /// The kinds of what is found in these records of one card.
    fn kinds(rules: &Oddities, records: &[Sighting]) -> Vec<OddityKind> {
        found(rules, records).into_iter().map(|finding| finding.kind).collect()
    }

    fn found(rules: &Oddities, records: &[Sighting]) -> Vec<Finding> {
        let (mut trail, mut found) = (Trail::default(), Vec::new());
        let looker = Looker { rules, would_cost: &|_, _| None };
        records.iter().for_each(|record| looker.next(&mut trail, record, &mut found));
        found
    }

    #[test]
    fn the_same_gate_within_its_seconds_and_not_one_more() {
        use RecordKind::{Boarding, Pass, Payment, TapOff, TapOn};
        let rules = |modes: Vec<Symbol>| Oddities { same_gate: Some(SameGate { within_ms: 20_000, modes }), ..Oddities::default() };
        let all = rules(Vec::new());
        for (ms, odd) in [(0, true), (19_999, true), (20_000, true), (20_001, false)] {
            assert_eq!(!kinds(&all, &[seen(5, GATE, TapOn), seen(5 + ms, GATE, TapOn)]).is_empty(), odd, "{ms}");
        }
        for (first, second, odd) in [(TapOn, TapOff, true), (Boarding, Boarding, true), (Pass, Pass, true), (Payment, Pass, false), (Pass, Payment, false)] {
            assert_eq!(!kinds(&all, &[seen(0, GATE, first), seen(1_000, GATE, second)]).is_empty(), odd, "{first:?} {second:?}");
        }
        assert!(kinds(&all, &[seen(0, GATE, TapOn), seen(1_000, OTHER_GATE, TapOn)]).is_empty());
        assert!(kinds(&all, &[seen(0, Symbol::NONE, TapOn), seen(1_000, Symbol::NONE, TapOn)]).is_empty(), "no terminal is no gate");
        // What is between does not hide it; the nearest is named.
        let three = found(&all, &[seen(0, GATE, TapOn), seen(5_000, GATE, TapOn), seen(6_000, OTHER_GATE, TapOn), seen(7_000, GATE, TapOn)]);
        assert_eq!(three.iter().map(|finding| (finding.record.time.0, finding.other.time.0)).collect::<Vec<_>>(), [(5_000, 0), (7_000, 5_000)]);
        for (mode, odd) in [(Symbol(9), true), (Symbol(8), false)] {
            assert_eq!(!kinds(&rules(vec![mode]), &[seen(0, GATE, TapOn), seen(1_000, GATE, TapOn)]).is_empty(), odd);
        }
    }

    #[test]
    fn counters_that_repeat_go_back_or_alternate() {
        use OddityKind::{CounterBackwards, CounterInterleaved, CounterRepeated};
        let rules = Oddities { clock_ms: 60_000, counters: Some(Counters { within_ms: 86_400_000 }), ..Oddities::default() };
        let minute = |minutes: i64| minutes * 60_000;
        let at = |minutes: i64, gate: Symbol, counter: u32| counted(minute(minutes), gate, counter);
        let cases: [(&[Sighting], &[OddityKind]); 9] = [
            (&[at(0, GATE, 7), at(5, OTHER_GATE, 8), at(10, GATE, 20)], &[]),
            (&[at(0, GATE, 7), at(5, GATE, 7)], &[CounterRepeated]),
            // Also behind others, and rather than a step back.
            (&[at(0, GATE, 7), at(5, GATE, 8), at(10, OTHER_GATE, 9), at(15, GATE, 7)], &[CounterRepeated]),
            (&[at(0, GATE, 7), at(5, OTHER_GATE, 6)], &[CounterBackwards]),
            (&[at(0, GATE, 7), at(5, OTHER_GATE, 90), at(10, GATE, 8)], &[CounterInterleaved]),
            // The same place, or no count to go on from there: a step back.
            (&[at(0, GATE, 7), at(5, GATE, 90), at(10, GATE, 8)], &[CounterBackwards]),
            (&[at(0, GATE, 8), at(5, OTHER_GATE, 90), at(10, GATE, 9), at(15, OTHER_GATE, 91)], &[CounterInterleaved]),
            (&[at(0, GATE, 50), at(5, OTHER_GATE, 90), at(10, GATE, 8)], &[CounterBackwards]),
            // Five records back is too far.
            (&[at(0, GATE, 1), at(5, GATE, 2), at(10, GATE, 3), at(15, GATE, 4), at(20, GATE, 5), at(25, OTHER_GATE, 1)], &[CounterBackwards]),
        ];
        for (records, expected) in cases {
            assert_eq!(kinds(&rules, records), expected, "{records:?}");
        }
        // Clocks may differ; a repeated count needs no clock.
        for (ms, back) in [(59_999, false), (60_000, false), (60_001, true)] {
            assert_eq!(!kinds(&rules, &[counted(0, GATE, 7), counted(ms, OTHER_GATE, 6)]).is_empty(), back, "{ms}");
            assert_eq!(kinds(&rules, &[counted(0, GATE, 7), counted(ms, OTHER_GATE, 7)]), [CounterRepeated]);
        }
        for (ms, odd) in [(86_399_999, true), (86_400_000, true), (86_400_001, false)] {
            assert_eq!(!kinds(&rules, &[counted(0, GATE, 7), counted(ms, OTHER_GATE, 7)]).is_empty(), odd, "{ms}");
            assert_eq!(!kinds(&rules, &[counted(0, GATE, 7), counted(ms, OTHER_GATE, 6)]).is_empty(), odd, "{ms}");
        }
    }

    #[test]
    fn travel_is_impossible_above_the_speed_and_below_the_least_time() {
        let [here, there, near, island, nowhere] = [11, 12, 13, 14, 15].map(Symbol);
        let at = |latitude: &str| Position::parse(latitude, "104").expect("degrees");
        let places = [(here, at("30")), (there, at("31")), (near, at("30.01"))];
        let metres = at("30").metres_to(at("31"));
        assert_eq!(metres, 111_193);
        let travel = |speed_max_kmh| Oddities {
            clock_ms: 60_000,
            travel: Some(Travel::of((speed_max_kmh, 2_000), &places, &[(here, island, 900_000)])),
            ..Oddities::default()
        };
        let pair = |from, to, ms| [Sighting { place: from, ..seen(0, GATE, RecordKind::TapOn) }, Sighting { place: to, ..seen(ms, GATE, RecordKind::Payment) }];
        // 400 km/h: 1,000,737 ms, of which the clocks may take 60,000.
        let limit = metres * 3_600 / 400 - 60_000;
        for (ms, speed) in [(limit - 1_000, Some(401)), (limit - 1, Some(401)), (limit, None), (limit + 1, None)] {
            let told: Vec<Finding> = found(&travel(400), &pair(here, there, ms));
            let measures = speed.map(|speed| vec![(Measure::Metres, metres), (Measure::KmPerHour, speed)]);
            assert_eq!(told.first().map(|finding| finding.measures.clone()), measures, "{ms}");
        }
        // At the very speed it is possible.
        let sixty = Oddities { clock_ms: 0, travel: Some(Travel::of((3_600, 0), &places, &[])), ..Oddities::default() };
        for (ms, odd) in [(metres - 1, true), (metres, false), (metres + 1, false)] {
            assert_eq!(!kinds(&sixty, &pair(here, there, ms)).is_empty(), odd, "{ms}");
        }
        // A kilometre is too near to say, a way of the table is not.
        assert!(kinds(&travel(1), &pair(here, near, 0)).is_empty());
        let nearer = at("30").metres_to(at("30.01"));
        for (least, odd) in [(nearer - 1, true), (nearer, true), (nearer + 1, false)] {
            let rules = Oddities { travel: Some(Travel::of((1, least), &places, &[])), ..Oddities::default() };
            assert_eq!(!kinds(&rules, &pair(here, near, 1)).is_empty(), odd, "{least}");
        }
        for (ms, odd) in [(839_999, true), (840_000, false), (840_001, false)] {
            let told = found(&travel(400), &pair(here, island, ms));
            assert_eq!(told.first().map(|finding| finding.measures.clone()), odd.then(|| vec![(Measure::LeastSeconds, 900)]), "{ms}");
        }
        // Without time and tolerance there is no speed to tell.
        let strict = Oddities { travel: Some(Travel::of((400, 0), &places, &[])), ..Oddities::default() };
        assert_eq!(found(&strict, &pair(here, there, 0)).remove(0).measures, [(Measure::Metres, metres)]);
        // What is known of no place is passed over.
        let three = [pair(here, nowhere, 1_000).to_vec(), pair(nowhere, there, 2_000)[1..].to_vec()].concat();
        assert_eq!(found(&travel(400), &three).iter().map(|finding| finding.other.place).collect::<Vec<_>>(), [here]);
        assert!(kinds(&travel(400), &pair(here, nowhere, 0)).is_empty() && kinds(&travel(400), &pair(here, here, 0)).is_empty());
    }

    fn tap_on(time: i64, day: i32) -> OpenTap {
        let tap = Tap {
            id_kind: IdKind::Sequence,
            id: [0, time.unsigned_abs()],
            terminal: GATE,
            location: Symbol(20),
            ..Tap::blank(RecordKind::TapOn, EventTime(time), Day(day))
        };
        OpenTap { tap, no_tap_off_minor: 300, open_ms: 1 }
    }

    /// A card that taps on at each of these times, on these service days, and never off. The numbers of rides told.
    fn missing(rule: MissingTapOffs, taps: &[(i64, i32)], would_minor: i64) -> Vec<i64> {
        let rules = Oddities { missing_tap_offs: Some(rule), ..Oddities::default() };
        let looker = Looker { rules: &rules, would_cost: &|_, place| (place == Symbol(20)).then_some(would_minor) };
        let (mut trail, mut found) = (Trail::default(), Vec::new());
        for &(time, day) in taps {
            let on = Sighting { place: Symbol(20), ..seen(time, GATE, RecordKind::TapOn) };
            looker.next(&mut trail, &on, &mut found);
            looker.given_up(&mut trail, Unended { open: tap_on(time, day), charged_minor: 300, day: Day(day) });
        }
        found.iter().map(|finding| finding.measures.first().map_or(0, |(_, rides)| *rides)).collect()
    }

    #[test]
    fn missing_tap_offs_count_from_their_number_gain_and_period() {
        const HOUR: i64 = 3_600_000;
        let rule = MissingTapOffs { days: 3, rides: 2, gain_min_minor: 400, next_within_ms: 24 * HOUR };
        let day = |day: i32| (i64::from(day) * 24 * HOUR, day);
        assert_eq!(missing(rule, &[day(1), day(2)], 500), [0i64; 0]);
        assert_eq!(missing(rule, &[day(1), day(2), day(3)], 500), [2]);
        assert_eq!(missing(rule, &[day(1), day(2), day(3), day(4)], 500), [2, 3]);
        // Three days, and not one more.
        assert_eq!(missing(rule, &[day(1), day(2), day(3), day(4), day(5), day(6)], 500), [2, 3, 3, 3]);
        // The gain of two rides is 398, 400, 402.
        for (would, odd) in [(499, false), (500, true), (501, true)] {
            assert_eq!(!missing(rule, &[day(1), day(2), day(3)], would).is_empty(), odd, "{would}");
        }
        // What costs as much, or more, without a tap-off is nobody's gain.
        for (would, odd) in [(299, false), (300, false), (301, true)] {
            let any = MissingTapOffs { rides: 1, gain_min_minor: 1, ..rule };
            assert_eq!(!missing(any, &[day(1), day(2)], would).is_empty(), odd, "{would}");
        }
        for (ms, odd) in [(24 * HOUR - 1, true), (24 * HOUR, true), (24 * HOUR + 1, false)] {
            let first = MissingTapOffs { rides: 1, ..rule };
            assert_eq!(!missing(first, &[(0, 0), (ms, 1)], 900).is_empty(), odd, "{ms}");
        }
    }

    #[test]
    fn what_a_late_tap_off_ends_is_not_missing() {
        let rules =
            Oddities { missing_tap_offs: Some(MissingTapOffs { days: 3, rides: 1, gain_min_minor: 1, next_within_ms: 1_000_000 }), ..Oddities::default() };
        let looker = Looker { rules: &rules, would_cost: &|_, _| Some(900) };
        let on = |time| Sighting { place: Symbol(20), ..seen(time, GATE, RecordKind::TapOn) };
        let unended = Unended { open: tap_on(10, 0), charged_minor: 300, day: Day(0) };
        for (off_first, off_second, told) in [(false, false, 1), (true, false, 0), (false, true, 0)] {
            let (mut trail, mut found) = (Trail::default(), Vec::new());
            let off = Sighting { place: Symbol(20), ..seen(15, GATE, RecordKind::TapOff) };
            looker.next(&mut trail, &on(10), &mut found);
            if off_first {
                looker.next(&mut trail, &off, &mut found);
            }
            looker.given_up(&mut trail, unended);
            if off_second {
                looker.next(&mut trail, &off, &mut found);
            }
            looker.next(&mut trail, &on(20), &mut found);
            assert_eq!(found.len(), told);
            assert!(found.iter().all(|finding| (finding.record.time.0, finding.other.time.0, finding.witness) == (20, 10, Some(finding.other.id))));
        }
    }

    #[test]
    fn a_record_of_the_day_is_flagged_and_names_the_earlier_one() {
        let rules = Oddities { counters: Some(Counters { within_ms: 1_000_000 }), ..Oddities::default() };
        let (first, second) = (counted(0, GATE, 9), counted(500, OTHER_GATE, 4));
        for (first_day, second_day, turned) in [(1, 1, false), (0, 1, false), (1, 0, true), (0, 0, false)] {
            let [first, second] = [Sighting { day: Day(first_day), ..first }, Sighting { day: Day(second_day), ..second }];
            let told = found(&rules, &[first, second]).remove(0).told_on(Day(1));
            let expected = if turned { (first, second, 9, 4) } else { (second, first, 4, 9) };
            let counters = vec![(Measure::Counter, expected.2), (Measure::OtherCounter, expected.3)];
            assert_eq!((told.record, told.other, told.measures), (expected.0, expected.1, counters));
        }
    }

    #[test]
    fn a_trail_forgets_what_nothing_later_can_be_compared_with() {
        let rules = Oddities {
            same_gate: Some(SameGate { within_ms: 20_000, modes: Vec::new() }),
            counters: Some(Counters { within_ms: 1_000_000 }),
            ..Oddities::default()
        };
        let looker = Looker { rules: &rules, would_cost: &|_, _| None };
        let mut trail =
            Trail { seen: (0..8).map(|at| counted(at * 1_000, GATE, 1)).chain([seen(8_000, GATE, RecordKind::TapOn)]).collect(), ..Trail::default() };
        let times = |trail: &Trail| trail.seen.iter().map(|seen| seen.time.0).collect::<Vec<_>>();
        looker.forget(&mut trail, EventTime(27_999), Day(1), None);
        assert_eq!(times(&trail), [4_000, 5_000, 6_000, 7_000, 8_000], "the last counters, and the gate of the last seconds");
        looker.forget(&mut trail, EventTime(28_001), Day(1), None);
        assert_eq!(times(&trail), [4_000, 5_000, 6_000, 7_000]);
        looker.forget(&mut trail, EventTime(1_006_000), Day(1), None);
        assert_eq!(times(&trail), [6_000, 7_000]);
        looker.forget(&mut trail, EventTime(1_007_001), Day(1), None);
        assert!(trail.is_blank());
    }
}
