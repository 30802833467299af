//! `adjustments.csv`: corrections of earlier days, each naming the line it corrects.
//!
//! A correction is a decision of differences. What stood before it is read again from the earlier days: the amounts settled so
//! far, and the number that the ride's line has in each party's detail. Never changes what an earlier day said.

use crate::House;
use crate::adjustments::Adjustments;
use crate::desk::{Receivers, sides};
use crate::roster::{Roster, Seat};
use domain::{Day, Decision, EventTime, Flags, Outcome, Record, RecordId, SymbolTable};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ledger::BlockLines;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What earlier days settled of the rides that a day corrects.
#[derive(Default)]
pub(crate) struct Corrected {
    /// By record, and the clearing day of its line: a record that was withdrawn and came again has another line.
    rides: HashMap<(RecordId, Day), Ride, FixedState>,
    /// Lines that oddities name.
    named: NamedLines,
    /// The days whose lines are corrected or named.
    days: BTreeSet<Day>,
    times: BTreeSet<EventTime>,
    /// The day that is read, whether some of its lines are corrected, and how many lines each party has had of it.
    day: Day,
    is_corrected: bool,
    lines: Vec<u64>,
}

/// Numbers of a line, by party.
type Numbers = BTreeMap<usize, u64>;

/// The numbers that lines of earlier days have in each party's detail: by day and time, then by record id.
#[derive(Default)]
pub(crate) struct NamedLines(HashMap<(Day, EventTime), BTreeMap<String, Numbers>, FixedState>);

impl NamedLines {
    /// The number of a record's line of a day in a party's detail; `None` where it has none.
    pub fn number(&self, day: Day, time: EventTime, id: &str, seat: Seat) -> Option<u64> {
        self.0.get(&(day, time))?.get(id)?.get(&seat.index()).copied()
    }

    fn of(&mut self, day: Day, record: &Record, symbols: &SymbolTable) -> Option<&mut Numbers> {
        let ids = self.0.get_mut(&(day, record.time))?;
        ids.get_mut(&record.id().text(&symbols.text(record.terminal)))
    }
}

#[derive(Default)]
struct Ride {
    amounts: Amounts,
    /// Its line's number, by party.
    numbers: Numbers,
}

#[derive(Clone, Copy, Default)]
struct Amounts {
    list_minor: i64,
    charged_minor: i64,
    fee_minor: i64,
}

impl Amounts {
    const fn of(decision: &Decision) -> Self {
        Self { list_minor: decision.list_minor, charged_minor: decision.charged_minor, fee_minor: decision.fee_minor }
    }

    const fn plus(self, more: Self) -> Self {
        Self {
            list_minor: self.list_minor + more.list_minor,
            charged_minor: self.charged_minor + more.charged_minor,
            fee_minor: self.fee_minor + more.fee_minor,
        }
    }
}

impl Corrected {
    pub fn of(corrections: &[Decision]) -> Self {
        let rides = corrections.iter().map(|decision| (key(decision, decision.held_since), Ride::default())).collect();
        let times = corrections.iter().map(|decision| decision.record.time).collect();
        Self { rides, times, days: corrections.iter().map(|decision| decision.held_since).collect(), ..Self::default() }
    }

    /// The line that a record of an earlier day has is looked for too.
    pub fn name(&mut self, day: Day, time: EventTime, id: &str) {
        self.named.0.entry((day, time)).or_default().insert(id.to_owned(), Numbers::new());
        self.days.insert(day);
        self.times.insert(time);
    }

    /// The lines that were found.
    pub fn take_named(&mut self) -> NamedLines {
        std::mem::take(&mut self.named)
    }

    /// Whether something that is corrected or named may be in a block: it happened while the block's decisions did.
    pub fn may_be_in(&self, block: &BlockLines) -> bool {
        block.may_have(&self.times)
    }

    /// The oldest day whose decisions are to be read; `None` where nothing is corrected.
    pub fn first_day(&self) -> Option<Day> {
        self.days.first().copied()
    }

    /// The decisions that are read next are this day's.
    pub fn begin(&mut self, day: Day) {
        (self.day, self.is_corrected) = (day, self.days.contains(&day));
        self.lines.clear();
    }

    /// The day's next decisions are not read: they are so many lines.
    pub fn skip(&mut self, block: &BlockLines, house: &House<'_>, roster: &Roster) {
        self.lines.resize(roster.members().len(), 0);
        for lines in &block.parties {
            let seat = house.symbols.find(&lines.party).map_or(Seat::NOBODY, |party| roster.seat(party));
            if let Some(number) = self.lines.get_mut(seat.index()) {
                *number += u64::from(lines.listed(house.list_zero_rides));
            }
        }
    }

    pub fn read(&mut self, decision: &Decision, house: &House<'_>, roster: &Roster) {
        let (is_ride, is_share) = (decision.flags.has(Flags::RIDE), decision.flags.has(Flags::SHARE));
        if decision.reason.outcome() != Outcome::Cleared || !(is_ride || is_share) {
            return;
        }
        let corrects = decision.flags.has(Flags::CORRECTS);
        let mut ride = self.rides.get_mut(&key(decision, if corrects { decision.held_since } else { self.day }));
        if let Some(ride) = &mut ride
            && is_ride
        {
            ride.amounts = ride.amounts.plus(Amounts::of(decision));
        }
        if corrects || !self.is_corrected {
            return;
        }
        let mut receivers = Receivers::nobody();
        receivers.add_all(decision, sides(decision, roster), decision.net_minor(), roster);
        if !(receivers.moves_money || house.list_zero_rides) {
            return;
        }
        self.lines.resize(roster.members().len(), 0);
        let mut named = if is_ride { self.named.of(self.day, &decision.record, house.symbols) } else { None };
        for (seat, _) in receivers.list() {
            let Some(number) = self.lines.get_mut(seat.index()) else { continue };
            *number += 1;
            if let Some(ride) = &mut ride {
                ride.numbers.entry(seat.index()).or_insert(*number);
            }
            if let Some(named) = &mut named {
                named.entry(seat.index()).or_insert(*number);
            }
        }
    }

    /// Adds the corrections to the adjustments of every party, by seat. `corrections` are in canonical order.
    pub fn adjust(mut self, corrections: &[Decision], roster: &Roster, symbols: &SymbolTable, all: &mut [Adjustments]) {
        for decision in corrections {
            let ride = self.rides.entry(key(decision, decision.held_since)).or_default();
            let old = ride.amounts;
            let new = if decision.flags.has(Flags::RIDE) { old.plus(Amounts::of(decision)) } else { old };
            ride.amounts = new;
            let id = decision.record.id().text(&symbols.text(decision.record.terminal));
            let names = [symbols.text(decision.issuer), symbols.text(decision.product)];
            let mut receivers = Receivers::nobody();
            receivers.add_all(decision, sides(decision, roster), decision.net_minor(), roster);
            for &(seat, net_minor) in receivers.list() {
                let number = ride.numbers.get(&seat.index()).copied();
                if let Some(own) = all.get_mut(seat.index()) {
                    own.correct(
                        decision,
                        (number, &id),
                        &names,
                        &[old, new].map(|Amounts { list_minor, charged_minor, fee_minor }| [list_minor, charged_minor, fee_minor]),
                        net_minor,
                    );
                }
            }
        }
    }
}

const fn key(decision: &Decision, day: Day) -> (RecordId, Day) {
    (decision.record.id(), day)
}

impl Adjustments {
    /// A line of a correction: list price, charge and fee as they were and as they are.
    fn correct(&mut self, decision: &Decision, (number, id): (Option<u64>, &str), names: &[Arc<str>; 2], [old, new]: &[[i64; 3]; 2], net_minor: i64) {
        let Self { row, sums } = self;
        sums.lines += 1;
        row.unsigned(sums.lines);
        row.text(decision.held_since.to_string().as_bytes());
        // A ride that moved no money may have had no line.
        match number {
            Some(number) => row.unsigned(number),
            None => row.comma(),
        }
        row.text(id.as_bytes());
        row.text(match decision.flags {
            flags if flags.has(Flags::WITHDRAWN) => b"withdrawn",
            flags if flags.has(Flags::SHARE) => b"share",
            _ => b"re-priced",
        });
        names.iter().for_each(|name| row.text(name.as_bytes()));
        for (old, new) in old.iter().zip(new) {
            [*old, *new, new - old].into_iter().for_each(|amount| row.signed(amount));
        }
        row.unsigned(net_minor.unsigned_abs());
        row.text(if net_minor < 0 { b"D" } else { b"C" });
        row.end();
        sums.add(decision.charged_minor, decision.fee_minor, net_minor);
    }
}
