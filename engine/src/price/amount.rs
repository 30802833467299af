//! An amount still to pay, exact until it is rounded: a fraction of minor units.
//!
//! Fractions are small on nearly every ride, so each step is tried in 64 bits first. The tariff's check bounds what can be
//! multiplied, so that 128 bits are always enough.

use crate::tariff::{Rate, Rounding, Way};
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug)]
pub struct Amount {
    numerator: i128,
    /// Positive.
    denominator: i128,
}

impl Amount {
    #[must_use]
    pub const fn whole(minor: i64) -> Self {
        Self { numerator: minor as i128, denominator: 1 }
    }

    #[must_use]
    pub fn times(self, rate: Rate) -> Self {
        if let (Ok(numerator), Ok(denominator)) = (i64::try_from(self.numerator), i64::try_from(self.denominator))
            && let (Some(numerator), Some(denominator)) = (numerator.checked_mul(rate.numerator), denominator.checked_mul(rate.denominator))
        {
            return Self { numerator: i128::from(numerator), denominator: i128::from(denominator) };
        }
        Self::lowest(self.numerator * i128::from(rate.numerator), self.denominator * i128::from(rate.denominator))
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        if self.denominator == other.denominator {
            return Self { numerator: self.numerator - other.numerator, ..self };
        }
        if other.denominator == 1 {
            return Self { numerator: self.numerator - other.numerator * self.denominator, ..self };
        }
        if self.denominator == 1 {
            return Self { numerator: self.numerator * other.denominator - other.numerator, ..other };
        }
        Self::lowest(self.numerator * other.denominator - other.numerator * self.denominator, self.denominator * other.denominator)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.minus(Self { numerator: -other.numerator, ..other })
    }

    #[must_use]
    pub fn less(self, minor: i64) -> Self {
        self.minus(Self::whole(minor))
    }

    /// The amount of which a rate would make this; the rate is not zero.
    #[must_use]
    pub fn over(self, rate: Rate) -> Self {
        self.times(Rate { numerator: rate.denominator, denominator: rate.numerator.max(1) })
    }

    /// The lower of the two; of equal ones, this.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        if other.is_less_than(self) { other } else { self }
    }

    #[must_use]
    pub fn at_least_zero(self) -> Self {
        if self.numerator < 0 { Self::whole(0) } else { self }
    }

    #[must_use]
    pub fn is_less_than(self, other: Self) -> bool {
        self.order(other) == Ordering::Less
    }

    fn order(self, other: Self) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        let small = |number: i128| i32::try_from(number).map(i64::from);
        if let (Ok(a), Ok(b), Ok(c), Ok(d)) = (small(self.numerator), small(other.denominator), small(other.numerator), small(self.denominator)) {
            return (a * b).cmp(&(c * d));
        }
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The whole amount if it is one.
    #[must_use]
    pub fn exact_minor(self) -> Option<i64> {
        if self.denominator == 1 { i64::try_from(self.numerator).ok() } else { None }
    }

    /// To a whole number of `rounding.to_minor`; halves go up, away from zero.
    #[must_use]
    pub fn rounded_minor(self, rounding: Rounding) -> i64 {
        if rounding == (Rounding { to_minor: 1, way: Way::HalfUp }) {
            if let Some(minor) = self.exact_minor() {
                return minor;
            }
            if let (Ok(numerator), Ok(denominator)) = (i64::try_from(self.numerator * 2 + self.denominator), i64::try_from(self.denominator * 2))
                && numerator >= 0
            {
                return numerator / denominator;
            }
        }
        let unit = self.denominator * i128::from(rounding.to_minor);
        let units = match rounding.way {
            Way::HalfUp => (self.numerator.abs() * 2 + unit) / (unit * 2) * self.numerator.signum(),
            Way::Down => self.numerator.div_euclid(unit),
            Way::Up => -(-self.numerator).div_euclid(unit),
        };
        i64::try_from(units * i128::from(rounding.to_minor)).expect("a fare fits i64")
    }

    /// The parts of `total_minor` in proportion to these amounts, none of them negative: each its floor, and what is left one
    /// by one to the largest remainders, ties to the earlier one.
    #[must_use]
    pub fn split(total_minor: i64, by: &[Self]) -> Vec<i64> {
        let common: i128 = by.iter().fold(1, |common, amount| common / gcd(common, amount.denominator) * amount.denominator);
        let weights: Vec<i128> = by.iter().map(|amount| amount.numerator * (common / amount.denominator)).collect();
        let divisor = weights.iter().fold(0, |divisor, &weight| gcd(divisor, weight)).max(1);
        let weights: Vec<i128> = weights.into_iter().map(|weight| weight / divisor).collect();
        if let Ok(weights) = weights.iter().map(|&weight| i64::try_from(weight)).collect::<Result<Vec<i64>, _>>() {
            return domain::split(total_minor, &weights);
        }
        let sum: i128 = weights.iter().sum();
        let total = i128::from(total_minor);
        let mut shares: Vec<i128> = weights.iter().map(|weight| total * weight / sum).collect();
        let left = usize::try_from(total - shares.iter().sum::<i128>()).expect("a discount is not negative");
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|&at| weights.get(at).map_or((0, at), |weight| (-(total * weight % sum), at)));
        for at in order.into_iter().take(left) {
            if let Some(share) = shares.get_mut(at) {
                *share += 1;
            }
        }
        shares.into_iter().map(|share| i64::try_from(share).expect("a share of a fare fits i64")).collect()
    }

    fn lowest(numerator: i128, denominator: i128) -> Self {
        if let (Ok(small), Ok(below)) = (i64::try_from(numerator), i64::try_from(denominator)) {
            let (mut a, mut b) = (small.unsigned_abs(), below.unsigned_abs());
            while b != 0 {
                (a, b) = (b, a % b);
            }
            let divisor = i64::try_from(a.max(1)).unwrap_or(1);
            return Self { numerator: i128::from(small / divisor), denominator: i128::from(below / divisor) };
        }
        let divisor = gcd(numerator, denominator);
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up_and_other_ways_are_asked_for() {
        let half = Rate { numerator: 1, denominator: 2 };
        let round = |minor: i64, to_minor: i64, way: Way| Amount::whole(minor).times(half).rounded_minor(Rounding { to_minor, way });
        assert_eq!([round(5, 1, Way::HalfUp), round(5, 1, Way::Down), round(5, 1, Way::Up)], [3, 2, 3]);
        assert_eq!([round(50, 10, Way::HalfUp), round(48, 10, Way::HalfUp), round(50, 10, Way::Down), round(42, 10, Way::Up)], [30, 20, 20, 30]);
    }

    #[test]
    fn many_percentages_stay_exact() {
        let third = Rate { numerator: 3_333, denominator: 10_000 };
        let mut amount = Amount::whole(1_000_000_000_000);
        for _ in 0..3 {
            amount = amount.times(third);
        }
        assert_eq!(amount.rounded_minor(Rounding::default()), 37_025_927_037);
        assert_eq!(Amount::split(10, &[amount, amount, amount.times(third)]), [4, 4, 2]);
    }
}
