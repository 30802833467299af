//! A version's rules laid out by kind of record, mode and operator: which rules a tap meets is one look-up.
//!
//! Only modes and operators that some rule names are told apart; all others share one place.

use super::{Adjust, AdjustRule, Base, Scope};
use domain::{RecordKind, Symbol};

#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By symbol: the place of the mode, or of the operator; zero for those that no rule names.
    modes: Vec<u16>,
    operators: Vec<u16>,
    mode_count: usize,
    operator_count: usize,
    /// By kind, mode and operator: a position in `rules`.
    table: Vec<u16>,
    rules: Vec<Rules>,
    none: Rules,
}

/// The rules for one kind of record, mode and operator, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub bases: Vec<u16>,
    /// Those before the first incentive, then the incentives.
    pub adjusts: Vec<u16>,
    pub incentives: Vec<u16>,
    /// Those with something to remember once the price is known.
    pub remembering: Vec<u16>,
}

impl Plan {
    #[must_use]
    pub fn of(base: &[Base], adjust: &[Adjust]) -> Self {
        let scopes = || base.iter().map(|base| &base.scope).chain(adjust.iter().map(|adjust| &adjust.scope));
        let modes = told_apart(scopes().flat_map(|scope| &scope.modes));
        let operators = told_apart(scopes().flat_map(|scope| &scope.operators));
        let mut plan =
            Self { modes: places(&modes), operators: places(&operators), mode_count: modes.len(), operator_count: operators.len(), ..Self::default() };
        for kind in RecordKind::ALL {
            for &mode in &modes {
                for &operator in &operators {
                    let covers = |scope: &Scope| scope.covers(kind, mode, operator);
                    let adjusts = positions(adjust, |adjust| covers(&adjust.scope));
                    let rule = |at: &u16| adjust.get(usize::from(*at)).map(|adjust| &adjust.rule);
                    let (incentives, adjusts): (Vec<u16>, Vec<u16>) = adjusts.into_iter().partition(|at| matches!(rule(at), Some(AdjustRule::Incentive(_))));
                    let remembering = adjusts.iter().chain(&incentives).filter(|at| rule(at).is_some_and(AdjustRule::remembers)).copied().collect();
                    let rules = Rules { bases: positions(base, |base| covers(&base.scope)), adjusts, incentives, remembering };
                    let at = plan.rules.iter().position(|known| *known == rules).unwrap_or_else(|| {
                        plan.rules.push(rules);
                        plan.rules.len() - 1
                    });
                    plan.table.push(u16::try_from(at).expect("fewer than 65536 sets of rules"));
                }
            }
        }
        plan
    }

    #[must_use]
    pub fn rules(&self, kind: RecordKind, mode: Symbol, operator: Symbol) -> &Rules {
        let place = |places: &[u16], symbol: Symbol| places.get(symbol.index()).map_or(0, |&place| usize::from(place));
        let at = (usize::from(kind.code() - 1) * self.mode_count + place(&self.modes, mode)) * self.operator_count + place(&self.operators, operator);
        self.table.get(at).and_then(|&at| self.rules.get(usize::from(at))).unwrap_or(&self.none)
    }

    /// All sets of rules with an example of what they are for.
    pub fn all(&self) -> impl Iterator<Item = (RecordKind, &Rules)> {
        let per_kind = (self.mode_count * self.operator_count).max(1);
        let kinds = RecordKind::ALL.into_iter().zip(self.table.chunks(per_kind));
        kinds.flat_map(move |(kind, places)| places.iter().filter_map(move |&at| Some((kind, self.rules.get(usize::from(at))?))))
    }
}

/// The symbols that rules name; the absent one, first, stands for all others.
fn told_apart<'s>(named: impl Iterator<Item = &'s Symbol>) -> Vec<Symbol> {
    let mut all: Vec<Symbol> = named.copied().chain([Symbol::NONE]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn places(told_apart: &[Symbol]) -> Vec<u16> {
    let mut places = vec![0; told_apart.last().map_or(0, |last| last.index() + 1)];
    for (place, symbol) in (0u16..).zip(told_apart) {
        if let Some(slot) = places.get_mut(symbol.index()) {
            *slot = place;
        }
    }
    places
}

fn positions<T>(list: &[T], wanted: impl Fn(&T) -> bool) -> Vec<u16> {
    (0u16..).zip(list).filter(|(_, item)| wanted(item)).map(|(at, _)| at).collect()
}
