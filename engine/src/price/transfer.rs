//! Transfers: whether a ride continues the one before it, and what it then costs.
//!
//! A rule keeps one run per account: the rides that continued each other. A ride that is asked and is no transfer opens a new
//! run. One that began before the run's last ride ended (it came in late, or overlaps it) stands alone and changes nothing.

use super::adjusted::plain;
use super::amount::Amount;
use super::count::Settled;
use super::ride::Ride;
use super::told::Passed;
use super::{AccountState, Fold, Leg, Run};
use crate::tariff::{Adjust, AdjustRule, Against, Effect, Opening, StationPrice, Stations, ThroughBy, Transfer, Version, WindowFrom};
use domain::Symbol;

impl Fold<'_> {
    /// What a transfer leaves to pay; `None` where the ride is none.
    pub(super) fn transferred(
        &self,
        state: &AccountState,
        version: &Version,
        (slot, transfer): (u16, &Transfer),
        ride: &Ride<'_>,
        start: Amount,
    ) -> Option<Amount> {
        let run = state.run(slot)?;
        let leg = state.leg(slot);
        if !self.continues(version, transfer, run, leg, ride) || !transfer.ordinals.has(run.transfers + 1) {
            return None;
        }
        if transfer.effect == Effect::Places {
            let place = usize::try_from(run.transfers).unwrap_or(usize::MAX);
            let price_minor = transfer.prices_minor.get(place).or(transfer.prices_minor.last());
            return Some(price_minor.map_or(start, |&minor| start.at_most(Amount::whole(minor))));
        }
        let Some(leg) = leg else { return Some(plain(transfer.effect, start)) };
        Some(match transfer.effect {
            Effect::Off { minor, against: Some(against) } => {
                let measure_minor = match against {
                    Against::FirstList => leg.first_list_minor,
                    Against::FirstPaid => leg.first_paid_minor,
                    Against::LastList => leg.last_list_minor,
                    Against::LastPaid => leg.last_paid_minor,
                    Against::DearestList => leg.dearest_list_minor,
                    Against::AllPaid => leg.all_paid_minor,
                };
                start.less(minor.map_or(measure_minor, |minor| minor.min(measure_minor))).at_least_zero()
            }
            Effect::Total { minor } => start.at_most(Amount::whole((minor - leg.last_paid_minor).max(0))),
            Effect::Through => start.at_most(Amount::whole((through(version, transfer.through_by, leg, ride).0 - leg.due_minor).max(0))),
            effect => plain(effect, start),
        })
    }

    /// Steps the rule's run, and says where the ride stands in it.
    pub(super) fn remember_run(
        &self,
        state: &mut AccountState,
        version: &Version,
        (slot, transfer): (u16, &Transfer),
        ride: &Ride<'_>,
        settled: Settled,
    ) -> Place {
        let settled_minor = settled.minor;
        let (entry, exit) = (ride.facts.entry, ride.facts.exit);
        let known = state.run(slot).copied();
        if known.is_some_and(|run| entry < run.last) {
            return Place::Alone;
        }
        let continued = known.filter(|run| self.continues(version, transfer, run, state.leg(slot), ride));
        let moves = transfer.opening == Opening::Any || settled_minor > 0;
        if continued.is_none() && !moves {
            return Place::Alone;
        }
        let place = if continued.is_some() { Place::Continues } else { Place::Opens };
        if let Some(rare) = state.rare.as_mut().filter(|_| place == Place::Opens) {
            rare.pools.retain(|pool| pool.slot != slot);
        }
        let last = if transfer.window_from == WindowFrom::LastEntry { entry } else { exit };
        let first = if transfer.window_from == WindowFrom::FirstExit { exit } else { entry };
        *state.run_mut(slot) = match continued {
            Some(run) => Run { transfers: run.transfers + 1, last: if moves { last } else { run.last }, ..run },
            None => Run { slot, transfers: 0, first, last },
        };
        if !transfer.asks_legs {
            return place;
        }
        let tap = ride.tap;
        let list_minor = ride.facts.list_minor;
        let leg = state.leg_mut(slot);
        if continued.is_none() {
            let rule = ride.priced_by.map(|price| price.rule).unwrap_or_default();
            *leg = Leg { slot, first_list_minor: list_minor, first_paid_minor: settled_minor, from: ride.facts.from, rule, ..Leg::default() };
        }
        match ride.priced_by {
            Some(price) if continued.is_some() || price.alone_minor.is_none() => {
                let (fare_minor, rule) = through(version, transfer.through_by, leg, ride);
                leg.due_minor = leg.due_minor.max(fare_minor);
                if transfer.through_by == ThroughBy::Dearest {
                    leg.rule = rule;
                }
            }
            _ => leg.due_minor += list_minor,
        }
        leg.length += ride.length.unwrap_or(0);
        (leg.mode, leg.operator, leg.route, leg.vehicle, leg.exit) = (tap.mode, tap.operator, tap.route, tap.vehicle, exit);
        leg.to = ride.end();
        leg.ticket = ride.facts.ticket;
        // What a transfer cost is due whatever comes after it: a total is then of the next ride alone.
        let in_total = matches!(transfer.effect, Effect::Total { .. });
        (leg.last_list_minor, leg.last_paid_minor) = (list_minor, if in_total && settled.by_transfer { 0 } else { settled_minor });
        leg.dearest_list_minor = leg.dearest_list_minor.max(list_minor);
        leg.all_paid_minor += settled_minor;
        place
    }

    /// The so-many-th of a transfer rule's rides in a row; the first where the rule was not asked.
    pub(super) fn leg_number(&self, state: &AccountState, version: &Version, rule: usize, ride: &Ride<'_>, covered: u64) -> u32 {
        let Some(Adjust { slot, bit, rule: AdjustRule::Transfer(transfer), .. }) = version.adjust.get(rule) else { return 1 };
        let run = state.run(*slot).filter(|_| covered & bit != 0);
        run.filter(|run| self.continues(version, transfer, run, state.leg(*slot), ride)).map_or(1, |run| run.transfers + 2)
    }

    /// Whether a ride continues a run.
    fn continues(&self, version: &Version, transfer: &Transfer, run: &Run, leg: Option<&Leg>, ride: &Ride<'_>) -> bool {
        let (entry, exit) = (ride.facts.entry, ride.facts.exit);
        let now = if transfer.until_exit { exit } else { entry };
        let from = match transfer.window_from {
            WindowFrom::LastExit | WindowFrom::LastEntry => run.last,
            WindowFrom::FirstEntry | WindowFrom::FirstExit => run.first,
        };
        entry >= run.last
            && run.transfers < transfer.rides_max
            && now <= transfer.window_end(from, self.clock)
            && transfer.run_ms.is_none_or(|ms| now.0 - run.first.0 <= ms)
            && (!transfer.asks_legs || leg.is_some_and(|leg| changes(version, transfer, leg, ride)))
    }
}

/// Where a ride stands in a rule's run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Alone,
    Opens,
    Continues,
}

/// One fare of all legs: of all metres so far and this ride's, or from where the first ride began to where this one ends. And
/// the name of the base rule that makes it.
fn through(version: &Version, by: ThroughBy, leg: &Leg, ride: &Ride<'_>) -> (i64, Symbol) {
    let made = |price: &StationPrice| {
        let fare_minor = match &price.stations {
            Stations::Distance { steps, .. } => steps.fare_minor(leg.length + ride.length?),
            Stations::Fares(_) | Stations::Zones => price.way(leg.from, ride.facts.to).fare_minor,
        };
        Some((fare_minor?, price.rule))
    };
    let own = ride.priced_by.and_then(made);
    let earlier = if by == ThroughBy::Own { None } else { version.station_price(leg.rule).and_then(made) };
    let found = match (by, earlier, own) {
        (ThroughBy::Dearest, Some(earlier), Some(own)) if own.0 > earlier.0 => Some(own),
        (_, earlier, own) => earlier.or(own),
    };
    found.unwrap_or((leg.due_minor + ride.facts.list_minor, leg.rule))
}

/// Which of the conditions of [`Fold::continues`] does not hold, the first one; or that this transfer of the run is another rule's.
pub(super) fn why_not(fold: &Fold<'_>, (version, transfer): (&Version, &Transfer), run: &Run, leg: Option<&Leg>, ride: &Ride<'_>) -> Passed {
    if ride.facts.entry < run.last {
        return Passed::BeforeRun;
    }
    if run.transfers >= transfer.rides_max {
        return Passed::RunFull { transfers: run.transfers };
    }
    if transfer.asks_legs && leg.is_none_or(|leg| !changes(version, transfer, leg, ride)) {
        return Passed::NoChange;
    }
    if fold.continues(version, transfer, run, leg, ride) {
        return Passed::OtherTransfer { ordinal: run.transfers + 1 };
    }
    let from = match transfer.window_from {
        WindowFrom::LastExit | WindowFrom::LastEntry => run.last,
        WindowFrom::FirstEntry | WindowFrom::FirstExit => run.first,
    };
    let now = if transfer.until_exit { ride.facts.exit } else { ride.facts.entry };
    Passed::WindowOver { from: if now > transfer.window_end(from, fold.clock) { from } else { run.first } }
}

/// Whether what must change between two rides has.
fn changes(version: &Version, transfer: &Transfer, leg: &Leg, ride: &Ride<'_>) -> bool {
    let (tap, wanted) = (ride.tap, &transfer.changes);
    let known = |a: Symbol, b: Symbol| !a.is_none() && !b.is_none();
    let same_line = known(leg.route, tap.route) && version.same_line(leg.route, tap.route);
    let again = wanted.line_again_ms.is_some_and(|ms| ride.facts.entry.0 - leg.exit.0 >= ms);
    let pair = |pairs: &[(Symbol, Symbol)], before: Symbol, now: Symbol| pairs.is_empty() || pairs.contains(&(before, now));
    pair(&transfer.pairs, leg.mode, tap.mode)
        && pair(&transfer.operator_pairs, leg.operator, tap.operator)
        && pair(&transfer.ticket_pairs, leg.ticket, ride.facts.ticket)
        && pair(&transfer.place_pairs, leg.to, ride.begin())
        && pair(&transfer.line_pairs, leg.route, tap.route)
        && !(wanted.vehicle && known(leg.vehicle, tap.vehicle) && leg.vehicle == tap.vehicle)
        && !(wanted.line && same_line && !again)
        && !(wanted.direction && same_line && leg.route != tap.route)
        && !(wanted.operator && leg.operator == tap.operator)
        && (!wanted.same_operator || leg.operator == tap.operator)
}
