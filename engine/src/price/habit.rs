//! Habits: the journeys that a card makes again and again, from which a missing end may be taken.
//!
//! A card has a habit from a station when most of its remembered journeys from there end at one place. At most once in so many
//! days a missing end is taken from it.

use super::state::HABITS_MAX;
use super::{AccountState, Fold, Habit};
use crate::tariff::Completion;
use domain::{Day, Symbol};

impl Fold<'_> {
    /// Counts a complete journey. The one made longest ago gives way when there is no room.
    #[allow(clippy::unused_self, reason = "one of the fold's rules, called like the others")]
    pub(super) fn keep_habit(&self, state: &mut AccountState, from: Symbol, to: Symbol, day: Day) {
        let habits = &mut state.rare.get_or_insert_default().habits;
        if let Some(habit) = habits.iter_mut().find(|habit| (habit.from, habit.to) == (from, to)) {
            habit.rides = habit.rides.saturating_add(1);
            habit.day = habit.day.max(day);
            return;
        }
        if habits.iter().filter(|habit| !is_completion(habit)).count() >= HABITS_MAX {
            let oldest = habits.iter().enumerate().filter(|(_, habit)| !is_completion(habit)).min_by_key(|(at, habit)| (habit.day, habit.rides, *at));
            if let Some((at, _)) = oldest {
                habits.remove(at);
            }
        }
        habits.push(Habit { from, to, rides: 1, day });
    }

    /// The missing end of a journey, where the card has a habit and has not had one completed lately.
    #[allow(clippy::unused_self, reason = "one of the fold's rules, called like the others")]
    pub(super) fn complete(&self, state: &mut AccountState, rule: Completion, ends: (Option<Symbol>, Option<Symbol>), day: Day) -> Option<Symbol> {
        let habits = &mut state.rare.as_mut()?.habits;
        let last = habits.iter().position(is_completion);
        if last.and_then(|at| habits.get(at)).is_some_and(|last| i64::from(day.0) < i64::from(last.day.0) + i64::from(rule.days)) {
            return None;
        }
        let fits = |habit: &&Habit| !is_completion(habit) && ends.0.is_none_or(|from| from == habit.from) && ends.1.is_none_or(|to| to == habit.to);
        // Of habits made equally often, the one made last; of those, the one begun first.
        let best =
            habits.iter().filter(fits).filter(|habit| habit.rides >= rule.rides_min).min_by_key(|habit| (u32::MAX - habit.rides, -i64::from(habit.day.0)));
        let end = best.map(|habit| if ends.0.is_some() { habit.to } else { habit.from })?;
        match last.and_then(|at| habits.get_mut(at)) {
            Some(last) => last.day = day,
            None => habits.push(Habit { from: Symbol::NONE, to: Symbol::NONE, rides: 0, day }),
        }
        Some(end)
    }
}

/// The entry that says when a missing end was last taken from a habit.
const fn is_completion(habit: &Habit) -> bool {
    habit.rides == 0
}
