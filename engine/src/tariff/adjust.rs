//! Adjustments: what is taken off a list price, by which rule, and what an account must remember for it.

use super::{Funder, Rate, Rounding, Scope, TimeRange};
use crate::scheme::clock::LocalClock;
use domain::time::DAY_MS;
use domain::{EventTime, Symbol};

#[derive(Clone, Debug)]
pub struct Adjust {
    pub name: String,
    pub scope: Scope,
    /// Who bears what it takes off, with weights; one at least.
    pub funders: Vec<(Funder, i64)>,
    pub stack: Stack,
    /// Positions of rules that keep this one off when they have applied, and of those that must have.
    pub unless: Vec<usize>,
    pub only_after: Vec<usize>,
    /// Of what is left to pay after it.
    pub rounding: Option<Rounding>,
    pub rule: AdjustRule,
    /// Its first slot in an account's memory; rules that remember nothing have none.
    pub slot: u16,
    /// Its bit in the marks of a ride, for rules that others name or that remember; otherwise zero.
    pub bit: u64,
    /// The bits of `unless` and of `only_after`.
    pub keeps_off: u64,
    pub waits_for: u64,
    /// Whether it has no condition, or none but on the rider's class.
    pub for_all: bool,
    pub for_class: bool,
}

/// How a rule goes together with those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stack {
    /// It takes off from what is left.
    #[default]
    Adds,
    /// It takes off from the list price, and what rules before it took off is void.
    Replaces,
    /// Of neighbours that say so, the one that leaves least to pay applies; each counts from what was left before them all.
    Cheapest,
}

#[derive(Clone, Debug)]
pub enum AdjustRule {
    Discount(Discount),
    Transfer(Transfer),
    Cap(Cap),
    Tier(Tier),
    Incentive(Incentive),
    /// So much is added, to the list price and to what is left to pay.
    Surcharge {
        minor: i64,
    },
}

/// What a rule makes of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The rider pays this part of it.
    Rate(Rate),
    /// The rider pays this, unless less is left.
    Price { minor: i64 },
    /// The least of these and of what is left is taken off.
    Off { minor: Option<i64>, against: Option<Against> },
    /// This ride and the one before it cost this together; after a ride that was a transfer itself, this ride alone.
    Total { minor: i64 },
    /// The rider pays what [`Transfer::prices_minor`] says for its place in the run, unless less is left.
    Places,
    /// One fare for all legs (of their metres together, or from where the first began), less what the legs before were due by
    /// it.
    Through,
}

/// Whose base rule makes one fare of all legs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThroughBy {
    /// Each leg's own.
    #[default]
    Own,
    /// The first leg's.
    First,
    /// The one by which it is dearer: the leg's own, or the one that made it for the legs before.
    Dearest,
}

/// What a transfer's discount is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    FirstList,
    FirstPaid,
    LastList,
    LastPaid,
    /// The dearest list price so far: the rider pays the difference to it.
    DearestList,
    /// All that was paid since the run began.
    AllPaid,
}

/// The stretch of time over which something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A service day.
    Day,
    /// Monday to Sunday.
    Week,
    Month,
    Year,
    /// So many service days from the first ride counted.
    Days(i32),
    /// So long from the first ride counted: this instant and not one more.
    Millis(i64),
    Ever,
}

impl Span {
    /// For comparing which reaches further: days, roughly.
    #[must_use]
    pub const fn days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Year => 366,
            Self::Days(days) => days as i64,
            Self::Millis(ms) => ms / DAY_MS + 1,
            Self::Ever => i64::MAX,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Discount {
    pub effect: Effect,
    /// It leaves no less than this, unless less was left before it.
    pub minimum_minor: Option<i64>,
    /// The rides of a span that it is for.
    pub nth: Option<Nth>,
    /// The rides of a journey that it is for.
    pub legs: Option<Legs>,
    /// How often it applies.
    pub quota: Option<Limit>,
    /// The rides that it takes, bought before.
    pub purse: Option<Purse>,
    /// Whether rides are flagged as a concession's.
    pub concession: bool,
}

/// Rides bought in advance: what is left of them goes by the rule's name, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purse {
    /// Positions of base rules: a record that one of them prices puts so many rides in.
    pub filled_by: Vec<(usize, u32)>,
    /// A record that one of these prices takes all rides out.
    pub emptied_by: Vec<usize>,
}

/// Counts all rides that the rule covers.
#[derive(Clone, Debug)]
pub struct Nth {
    pub span: Span,
    pub ordinals: Ordinals,
}

/// The first, second… of the rides that a transfer rule joins.
#[derive(Clone, Debug)]
pub struct Legs {
    /// The position of the transfer rule, which stands before.
    pub rule: usize,
    pub ordinals: Ordinals,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordinals {
    These(Vec<u32>),
    /// Both included.
    Between(u32, u32),
}

impl Ordinals {
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        match self {
            Self::These(list) => list.contains(&number),
            Self::Between(first, last) => (*first..=*last).contains(&number),
        }
    }
}

/// So many rides, or so much money, in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub span: Span,
    pub rides: Option<u32>,
    pub amount_minor: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Transfer {
    /// Up to this after the reference, the instant included.
    pub window_ms: i64,
    /// What makes it last longer.
    pub stretch: Option<Stretch>,
    pub window_from: WindowFrom,
    /// Up to this after the first ride's beginning.
    pub run_ms: Option<i64>,
    /// Transfers in a row; the next ride starts a new run.
    pub rides_max: u32,
    /// Which transfers of a run the effect is for; others go on with the run.
    pub ordinals: Ordinals,
    pub effect: Effect,
    /// For [`Effect::Places`]: of the first, second… transfer of a run; the last one for all after it. Not empty there.
    pub prices_minor: Vec<i64>,
    /// Which leg's base rule makes the fare of all legs.
    pub through_by: ThroughBy,
    /// Whether the tap-off must lie in the window, not only the tap-on.
    pub until_exit: bool,
    /// Modes before and now; none is any.
    pub pairs: Vec<(Symbol, Symbol)>,
    pub operator_pairs: Vec<(Symbol, Symbol)>,
    pub ticket_pairs: Vec<(Symbol, Symbol)>,
    /// Where the ride before ended, and where this one begins.
    pub place_pairs: Vec<(Symbol, Symbol)>,
    /// Routes before and now.
    pub line_pairs: Vec<(Symbol, Symbol)>,
    pub changes: Changes,
    pub opening: Opening,
    /// Whether more than the times of a run must be remembered.
    pub asks_legs: bool,
}

/// A window that lasts to a full hour, or into the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its end is rounded up to a multiple of this since midnight; it divides a day.
    pub rounded_to_ms: Option<i64>,
    /// One whose reference lies within these times of day lasts to their end at least.
    pub until: Option<TimeRange>,
}

impl Stretch {
    /// No window lasts longer by more than this.
    pub const MAX_MS: i64 = DAY_MS;

    fn end(self, from: EventTime, end: EventTime, clock: &LocalClock) -> EventTime {
        let mut end = end;
        if let Some(ms) = self.rounded_to_ms {
            let over_ms = clock.local_ms(end).rem_euclid(ms);
            end.0 += if over_ms == 0 { 0 } else { ms - over_ms };
        }
        let local_ms = clock.local_ms(from);
        let of_day_ms = local_ms.rem_euclid(DAY_MS);
        match self.until {
            Some(range) if range.has(of_day_ms) => {
                let next_ms = if of_day_ms <= range.last_ms { 0 } else { DAY_MS };
                end.max(clock.instant(local_ms - of_day_ms + range.last_ms + next_ms))
            }
            _ => end,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowFrom {
    /// The last ride's tap-off, or its only tap.
    #[default]
    LastExit,
    LastEntry,
    FirstEntry,
    FirstExit,
}

/// Which rides open a window or move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    #[default]
    Any,
    /// Those that cost the rider something.
    Paid,
}

/// What must change between two rides. What a record does not say is taken as changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub vehicle: bool,
    pub line: bool,
    /// The same line counts as changed from this after the last ride's end on.
    pub line_again_ms: Option<i64>,
    /// Another route of the same line (its other direction) does not count.
    pub direction: bool,
    pub operator: bool,
    pub same_operator: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    pub span: Span,
    pub amount_minor: Option<i64>,
    /// Paid rides, after which rides are free.
    pub rides: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Tier {
    pub span: Span,
    /// From this spend on, the rider pays this part. Ascending, the first from zero.
    pub steps: Vec<(i64, Rate)>,
    pub reading: Reading,
    /// Whether the spend is of list prices, not of what was paid.
    pub counts_list: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// The spend before the ride decides about all of it.
    #[default]
    Before,
    /// The part of a ride that goes beyond a step is charged at the next rate.
    Marginal,
}

#[derive(Clone, Debug)]
pub struct Incentive {
    pub effect: Effect,
    pub ride_max_minor: Option<i64>,
    /// Each has a slot of its own, from the rule's on.
    pub limits: Vec<Limit>,
    /// Over all riders: the ride makes a claim, which the close grants.
    pub budget_minor: Option<i64>,
}

impl AdjustRule {
    /// The names under which an account remembers something for the rule, after the rule's own name.
    #[must_use]
    pub fn slots(&self) -> Vec<&'static str> {
        const LIMITS: [&str; 8] = ["/limit-1", "/limit-2", "/limit-3", "/limit-4", "/limit-5", "/limit-6", "/limit-7", "/limit-8"];
        match self {
            Self::Discount(Discount { nth, quota, purse, .. }) => {
                [nth.is_some().then_some(""), quota.is_some().then_some("/quota"), purse.is_some().then_some("/purse")].into_iter().flatten().collect()
            }
            Self::Transfer(_) | Self::Cap(_) | Self::Tier(_) => vec![""],
            Self::Surcharge { .. } => Vec::new(),
            // A budget goes by the first one's name, also where there is no limit.
            Self::Incentive(incentive) => LIMITS.into_iter().take(incentive.limits.len().max(usize::from(incentive.budget_minor.is_some()))).collect(),
        }
    }

    /// The spans of its slots, in their order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        match self {
            Self::Discount(Discount { nth, quota, purse, .. }) => {
                nth.iter().map(|nth| nth.span).chain(quota.iter().map(|quota| quota.span)).chain(purse.iter().map(|_| Span::Ever)).collect()
            }
            // A run is forgotten by its time.
            Self::Transfer(_) => vec![Span::Day],
            Self::Cap(cap) => vec![cap.span],
            Self::Tier(tier) => vec![tier.span],
            Self::Surcharge { .. } => Vec::new(),
            Self::Incentive(incentive) if incentive.limits.is_empty() => incentive.budget_minor.iter().map(|_| Span::Ever).collect(),
            Self::Incentive(incentive) => incentive.limits.iter().map(|limit| limit.span).collect(),
        }
    }

    /// Whether what it remembers is written down when all rules have been asked. Caps and incentives count at their place.
    #[must_use]
    pub fn remembers(&self) -> bool {
        !matches!(self, Self::Cap(_) | Self::Incentive(_)) && !self.slots().is_empty()
    }
}

impl Transfer {
    /// The last instant of a window with a reference.
    #[must_use]
    pub fn window_end(&self, from: EventTime, clock: &LocalClock) -> EventTime {
        let end = EventTime(from.0.saturating_add(self.window_ms));
        self.stretch.map_or(end, |stretch| stretch.end(from, end, clock))
    }

    /// What [`Transfer::asks_legs`] follows from.
    #[must_use]
    pub fn names_legs(&self) -> bool {
        let effect = match self.effect {
            Effect::Off { against, .. } => against.is_some(),
            Effect::Through | Effect::Total { .. } => true,
            Effect::Rate(_) | Effect::Price { .. } | Effect::Places => false,
        };
        let pairs = [&self.pairs, &self.operator_pairs, &self.ticket_pairs, &self.place_pairs, &self.line_pairs];
        effect || pairs.iter().any(|pairs| !pairs.is_empty()) || self.changes != Changes::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_compare_by_how_far_they_reach() {
        let spans = [Span::Day, Span::Days(3), Span::Week, Span::Days(30), Span::Month, Span::Year, Span::Days(400), Span::Ever];
        assert!(spans.map(Span::days).is_sorted_by(|near, far| near < far));
        assert_eq!([Span::Millis(60_000), Span::Millis(2 * DAY_MS), Span::Day].map(Span::days), [1, 3, 1]);
    }
}
