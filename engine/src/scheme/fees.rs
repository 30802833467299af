//! `fees.toml`: what the earner of a ride pays the hub for it.
//!
//! The first rule that is for a ride decides; where none is, there is no fee. Rates are exact fractions from the moment they
//! are read. A ride with nothing to take a share of bears no fee, not even a minimum.

use super::guess::{hint, shown};
use super::moment::DATE_HINT;
use super::parties::Parties;
use super::table::{Table, read};
use crate::mistake::Mistakes;
use domain::{Day, PartyKind, Symbol, SymbolTable, round_half_up};
use hashbrown::HashMap;
use rust_decimal::Decimal;
use std::path::Path;

pub const FILE: &str = "fees.toml";

/// A fee's fixed parts are below this: 10^9 minor units.
const FIXED_MINOR_MAX: i64 = 1_000_000_000;

/// Which parties a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    Kind(PartyKind),
    Party(Symbol),
}

/// What a rate is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeBasis {
    /// What the cardholder paid.
    Charged,
    /// What the earner gets: the charge and what others fund.
    Earned,
}

/// What a fee is rounded and bounded over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeePer {
    Record,
    /// The sum of a service day, per earner, issuer and product.
    ServiceDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Halves away from zero.
    HalfUp,
    Down,
    Up,
}

/// One rule of the fee schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRule {
    pub earner: Who,
    pub issuer: Who,
    /// Absent: any product.
    pub product: Symbol,
    /// The first and last service day that it is for.
    pub from: Day,
    pub to: Day,
    pub flat_minor: i64,
    /// The rate is `numerator / denominator`.
    pub rate_numerator: i64,
    pub rate_denominator: i64,
    pub minimum_minor: i64,
    pub maximum_minor: i64,
    pub basis: FeeBasis,
    pub per: FeePer,
    pub rounding: Rounding,
    /// Whether a refund gives the fee back.
    pub refunded: bool,
}

impl FeeRule {
    /// The fee on a basis: rate, rounded once, plus the fixed part, within minimum and maximum. What a refund gives back is
    /// not reckoned here: it is a share of the fee that was booked.
    ///
    /// # Panics
    /// When the fee does not fit `i64`: rates are at most one and the limits of the scheme keep amounts far below that.
    #[must_use]
    pub fn on(&self, basis_minor: i64) -> i64 {
        if basis_minor <= 0 {
            return 0;
        }
        let share_minor = match self.rounding {
            Rounding::HalfUp => round_half_up(basis_minor, self.rate_numerator, self.rate_denominator),
            Rounding::Down => self.share_rounded(basis_minor, 0),
            Rounding::Up => self.share_rounded(basis_minor, self.rate_denominator - 1),
        };
        (share_minor + self.flat_minor).clamp(self.minimum_minor, self.maximum_minor)
    }

    fn share_rounded(&self, basis_minor: i64, added: i64) -> i64 {
        let product = i128::from(basis_minor) * i128::from(self.rate_numerator) + i128::from(added);
        i64::try_from(product / i128::from(self.rate_denominator)).expect("a rate is at most one")
    }

    fn basis_minor(&self, charged_minor: i64, earned_minor: i64) -> i64 {
        match self.basis {
            FeeBasis::Charged => charged_minor,
            FeeBasis::Earned => earned_minor,
        }
    }
}

/// The schedule, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Fees {
    rules: Vec<FeeRule>,
    kinds: HashMap<Symbol, PartyKind, foldhash::fast::FixedState>,
}

impl Fees {
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, parties: &Parties, mistakes: &mut Mistakes) -> Self {
        let rules = read(dir, FILE, None, mistakes, |table, mistakes| {
            table.tables("fee", mistakes).into_iter().map(|mut fee| rule_of(&mut fee, symbols, parties, mistakes)).collect()
        });
        let kinds = parties.list().iter().map(|party| (party.id, party.kind)).collect();
        Self { rules: rules.unwrap_or_default(), kinds }
    }

    #[must_use]
    pub fn rules(&self) -> &[FeeRule] {
        &self.rules
    }

    /// The first rule for a ride of this service day.
    #[must_use]
    pub fn rule(&self, earner: Symbol, issuer: Symbol, product: Symbol, day: Day) -> Option<&FeeRule> {
        self.rules.iter().find(|rule| {
            rule.from <= day
                && day <= rule.to
                && (rule.product.is_none() || rule.product == product)
                && self.is_for(rule.earner, earner)
                && self.is_for(rule.issuer, issuer)
        })
    }

    fn is_for(&self, who: Who, party: Symbol) -> bool {
        match who {
            Who::Anyone => true,
            Who::Party(named) => named == party,
            Who::Kind(kind) => self.kinds.get(&party) == Some(&kind),
        }
    }

    /// Whether any rule is per service day.
    #[must_use]
    pub fn has_service_day_rules(&self) -> bool {
        self.rules.iter().any(|rule| rule.per == FeePer::ServiceDay)
    }

    /// The fee of one record. Zero where its rule is per service day: that fee is the day's, not the record's.
    #[must_use]
    pub fn record_fee_minor(&self, earner: Symbol, issuer: Symbol, product: Symbol, day: Day, charged_minor: i64, earned_minor: i64) -> i64 {
        let rule = self.rule(earner, issuer, product, day).filter(|rule| rule.per == FeePer::Record);
        rule.map_or(0, |rule| rule.on(rule.basis_minor(charged_minor, earned_minor)))
    }

    /// The fee of a service day's sums for one earner, issuer and product. Zero where the rule is per record.
    #[must_use]
    pub fn day_fee_minor(&self, earner: Symbol, issuer: Symbol, product: Symbol, day: Day, charged_minor: i64, earned_minor: i64) -> i64 {
        let rule = self.rule(earner, issuer, product, day).filter(|rule| rule.per == FeePer::ServiceDay);
        rule.map_or(0, |rule| rule.on(rule.basis_minor(charged_minor, earned_minor)))
    }
}

fn rule_of(fee: &mut Table<'_>, symbols: &SymbolTable, parties: &Parties, mistakes: &mut Mistakes) -> FeeRule {
    let earner = who_of(fee, "earner", &[PartyKind::Operator, PartyKind::Venue, PartyKind::Merchant], symbols, parties, mistakes);
    let issuer = who_of(fee, "issuer", &[PartyKind::Bank, PartyKind::Network], symbols, parties, mistakes);
    let product = fee.text("product", mistakes).map_or(Symbol::NONE, |product| symbols.intern(&product.value));
    let mut day = |key, open| match fee.text(key, mistakes).map(|text| (text.value.parse::<Day>(), text.line)) {
        Some((Ok(day), _)) => day,
        Some((Err(_), line)) => {
            fee.mistake(Some(line), format!("`fee.{key}` is not a date"), Some(DATE_HINT), mistakes);
            Day(open)
        }
        None => Day(open),
    };
    let (from, to) = (day("from", i32::MIN), day("to", i32::MAX));
    if to < from {
        fee.mistake(fee.line(), "`fee.to` is before `fee.from`", None, mistakes);
    }
    let rate = fee.text("rate", mistakes);
    let fraction = rate.as_ref().map_or(Some((0, 1)), |rate| fraction_of(&rate.value));
    if let (Some(rate), None) = (&rate, fraction) {
        let message = format!("`fee.rate` cannot be {}", shown(&rate.value));
        fee.mistake(Some(rate.line), message, Some("a share from 0 to 1 as a text: \"0.3%\" or \"0.003\""), mistakes);
    }
    let (rate_numerator, rate_denominator) = fraction.unwrap_or((0, 1));
    let mut amount = |key, default| fee.integer(key, 0..=FIXED_MINOR_MAX, mistakes).map_or(default, |amount| amount.value);
    let (flat_minor, minimum_minor, maximum_minor) = (amount("flat_minor", 0), amount("minimum_minor", 0), amount("maximum_minor", i64::MAX));
    if maximum_minor < minimum_minor {
        fee.mistake(fee.line(), "`fee.maximum_minor` is below `fee.minimum_minor`", None, mistakes);
    }
    let basis = fee.choice("basis", &[("charged", FeeBasis::Charged), ("earned", FeeBasis::Earned)], mistakes).unwrap_or(FeeBasis::Charged);
    let per = fee.choice("per", &[("record", FeePer::Record), ("service-day", FeePer::ServiceDay)], mistakes).unwrap_or(FeePer::Record);
    let roundings = [("half-up", Rounding::HalfUp), ("down", Rounding::Down), ("up", Rounding::Up)];
    let rounding = fee.choice("rounding", &roundings, mistakes).unwrap_or(Rounding::HalfUp);
    let refunded = fee.flag("refunded", mistakes).unwrap_or(false);
    fee.finish(mistakes);
    FeeRule {
        earner,
        issuer,
        product,
        from,
        to,
        flat_minor,
        rate_numerator,
        rate_denominator,
        minimum_minor,
        maximum_minor: maximum_minor.max(minimum_minor),
        basis,
        per,
        rounding,
        refunded,
    }
}

/// A party's id, or a kind of party.
fn who_of(fee: &mut Table<'_>, key: &str, kinds: &[PartyKind], symbols: &SymbolTable, parties: &Parties, mistakes: &mut Mistakes) -> Who {
    let Some(text) = fee.text(key, mistakes) else { return Who::Anyone };
    let kind = kinds.iter().copied().find(|kind| kind.name() == text.value);
    let party = || symbols.find(&text.value).and_then(|id| parties.get(id)).filter(|party| kinds.contains(&party.kind));
    match kind.map(Who::Kind).or_else(|| party().map(|party| Who::Party(party.id))) {
        Some(who) => who,
        None if parties.may_know(&text.value) => Who::Anyone,
        None => {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            let todo = format!("a party's id, or a kind: {}", names.join(", "));
            let todo = hint(&text.value, parties.ids_of(kinds).chain(names.iter().copied()), &todo);
            fee.mistake(Some(text.line), format!("`fee.{key}` cannot be {}", shown(&text.value)), Some(&todo), mistakes);
            Who::Anyone
        }
    }
}

/// A rate as an exact fraction: `0.3%`, `0.003`. `None` where it is no number from 0 to 1 with at most 9 decimal places.
#[must_use]
pub fn fraction_of(text: &str) -> Option<(i64, i64)> {
    let (digits, places_more) = text.strip_suffix('%').map_or((text, 0), |digits| (digits.trim_end(), 2));
    let number = Decimal::from_str_exact(digits).ok()?.normalize();
    let places = number.scale() + places_more;
    if number.is_sign_negative() || places > 9 {
        return None;
    }
    let numerator = i64::try_from(number.mantissa()).ok()?;
    let denominator = 10i64.checked_pow(places)?;
    (numerator <= denominator).then_some((numerator, denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_fractions() {
        for (text, expected) in [("0.3%", (3, 1000)), ("0.003", (3, 1000)), ("0.38 %", (38, 10_000)), ("100%", (100, 100)), ("0", (0, 1)), ("1", (1, 1))] {
            assert_eq!(fraction_of(text), Some(expected), "{text}");
        }
        for wrong in ["1.1", "-0.1", "101%", "a", "", "%", "0.0000000001", "0,3%"] {
            assert_eq!(fraction_of(wrong), None, "{wrong}");
        }
    }
}
