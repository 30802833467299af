//! What pricing must remember of an account between taps and between days.
//!
//! Small by rule: an open journey, a window per transfer rule, what was spent per cap and service day.

use super::Tap;
use crate::tariff::TRANSFERS_MAX;
use domain::{Day, EventTime};

#[derive(Clone, Debug, Default)]
pub struct AccountState {
    /// The tap-on that waits for its tap-off.
    pub open: Option<OpenTap>,
    /// Per transfer rule (its slot): the run of boardings under way.
    pub runs: [Run; TRANSFERS_MAX],
    /// Per cap and service day; few entries, newest last.
    pub spent: Vec<Spent>,
}

#[derive(Clone, Copy, Debug)]
pub struct OpenTap {
    pub tap: Tap,
    pub no_tap_off_minor: i64,
    pub open_ms: i64,
}

/// A run of boardings within each other's transfer window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The last boarding; `None` before the first.
    pub last: Option<EventTime>,
    /// Transfers since the boarding that paid.
    pub transfers: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub slot: u8,
    pub service_day: Day,
    pub amount_minor: i64,
}

impl AccountState {
    pub fn clear(&mut self) {
        self.open = None;
        self.runs = [Run::default(); TRANSFERS_MAX];
        self.spent.clear();
    }

    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.open.is_none() && self.spent.is_empty() && self.runs.iter().all(|run| run.last.is_none())
    }

    /// Whether a boarding now is a transfer; steps the run. A boarding older than the run's last one (it came in after a
    /// later one was settled) stands alone and leaves the run as it is.
    pub fn transfer(&mut self, slot: usize, time: EventTime, window_ms: i64, rides_max: u32) -> bool {
        let Some(run) = self.runs.get_mut(slot) else {
            return false;
        };
        let since_ms = run.last.map(|last| time.0 - last.0);
        if since_ms.is_some_and(|ms| ms < 0) {
            return false;
        }
        let transfer = since_ms.is_some_and(|ms| ms <= window_ms) && run.transfers < rides_max;
        *run = Run { last: Some(time), transfers: if transfer { run.transfers + 1 } else { 0 } };
        transfer
    }

    /// How much of `wanted_minor` the cap still lets through on that service day; counts it.
    pub fn spend(&mut self, slot: usize, service_day: Day, wanted_minor: i64, cap_minor: i64) -> i64 {
        let slot = u8::try_from(slot).expect("fewer than 256 caps");
        if let Some(spent) = self.spent.iter_mut().rev().find(|spent| spent.slot == slot && spent.service_day == service_day) {
            let allowed = wanted_minor.min((cap_minor - spent.amount_minor).max(0));
            spent.amount_minor += allowed;
            return allowed;
        }
        let allowed = wanted_minor.min(cap_minor);
        if allowed != 0 {
            self.spent.push(Spent { slot, service_day, amount_minor: allowed });
        }
        allowed
    }
}
