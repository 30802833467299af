//! An amount still to pay, exact until it is rounded: a fraction of minor units in 64 bits.
//!
//! The tariff's check bounds the denominators that can meet, so that amounts up to 900 million minor units stay exact. What
//! would leave 64 bits beyond that is rounded to a whole unit at once: the same for everyone, and never a wrong sum.

use crate::tariff::{Rate, Rounding, Way};
use domain::decision::FUNDERS_MAX;
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug)]
pub struct Amount {
    numerator: i64,
    /// Positive.
    denominator: i64,
}

/// A product that cannot leave 128 bits.
const fn product(a: i64, b: i64) -> i128 {
    (a as i128).wrapping_mul(b as i128)
}

impl Amount {
    #[must_use]
    pub const fn whole(minor: i64) -> Self {
        Self { numerator: minor, denominator: 1 }
    }

    #[must_use]
    pub fn times(self, rate: Rate) -> Self {
        match (self.numerator.checked_mul(rate.numerator), self.denominator.checked_mul(rate.denominator)) {
            (Some(numerator), Some(denominator)) => Self { numerator, denominator },
            _ => Self::narrow(product(self.numerator, rate.numerator), product(self.denominator, rate.denominator)),
        }
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        if self.denominator == other.denominator {
            return Self { numerator: self.numerator - other.numerator, ..self };
        }
        let numerator = product(self.numerator, other.denominator) - product(other.numerator, self.denominator);
        let denominator = product(self.denominator, other.denominator);
        if (self.denominator == 1 || other.denominator == 1)
            && let (Ok(numerator), Ok(denominator)) = (i64::try_from(numerator), i64::try_from(denominator))
        {
            return Self { numerator, denominator };
        }
        Self::narrow(numerator, denominator)
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

    /// As much of this as `part` is of `of_minor`, which is not zero.
    #[must_use]
    pub fn in_proportion(self, part: Self, of_minor: i64) -> Self {
        self.times(Rate { numerator: part.numerator, denominator: part.denominator }).times(Rate { numerator: 1, denominator: of_minor })
    }

    /// The lower of the two; of equal ones, this.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        if other.is_less_than(self) { other } else { self }
    }

    /// The higher of the two; of equal ones, the other.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        if other.is_less_than(self) { self } else { other }
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
        product(self.numerator, other.denominator).cmp(&product(other.numerator, self.denominator))
    }

    /// To a whole number of `rounding.to_minor`; halves go up, away from zero.
    #[must_use]
    pub fn rounded_minor(self, rounding: Rounding) -> i64 {
        if self.denominator == 1 && rounding.to_minor == 1 {
            return self.numerator;
        }
        if rounding.to_minor == 1 && rounding.way == Way::HalfUp && self.numerator >= 0 {
            let (whole, rest) = (self.numerator / self.denominator, self.numerator % self.denominator);
            return whole + i64::from(rest >= self.denominator - rest);
        }
        let (numerator, unit) = (i128::from(self.numerator), product(self.denominator, rounding.to_minor));
        let units = match rounding.way {
            Way::HalfUp => (numerator.abs() * 2 + unit) / (unit * 2) * numerator.signum(),
            Way::Down => numerator.div_euclid(unit),
            Way::Up => -(-numerator).div_euclid(unit),
        };
        i64::try_from(units * i128::from(rounding.to_minor)).expect("a fare fits i64")
    }

    /// In thousandths of a minor unit, the nearest: for people who look at what is not rounded yet.
    #[must_use]
    pub fn thousandths(self) -> i64 {
        self.times(Rate { numerator: 1000, denominator: 1 }).rounded_minor(Rounding::default())
    }

    /// The parts of `total_minor`, which is not negative, in proportion to these amounts, none of them negative and not all
    /// zero: each its floor, and what is left one by one to the largest remainders, ties to the earlier one.
    #[must_use]
    pub fn split(total_minor: i64, by: &[Self]) -> [i64; FUNDERS_MAX] {
        let common = by.iter().fold(1, |common, amount| {
            let own = i128::from(amount.denominator);
            if divided(common, own).1 == 0 { common } else { common / gcd(common, own) * own }
        });
        let mut weights = [0; FUNDERS_MAX];
        for (weight, amount) in weights.iter_mut().zip(by) {
            *weight = i128::from(amount.numerator) * divided(common, i128::from(amount.denominator)).0;
        }
        if weights.iter().any(|&weight| i64::try_from(weight).is_err()) {
            let divisor = weights.iter().fold(0, |divisor, &weight| gcd(divisor, weight)).max(1);
            weights = weights.map(|weight| weight / divisor);
        }
        let sum: i128 = weights.iter().sum();
        let total = i128::from(total_minor);
        let mut parts = weights.map(|weight| divided(total * weight, sum));
        let mut left = total - parts.iter().map(|&(share, _)| share).sum::<i128>();
        while left > 0 {
            let (mut best, mut most) = (0, -1);
            for (at, &(_, rest)) in parts.iter().enumerate() {
                if rest > most {
                    (best, most) = (at, rest);
                }
            }
            if let Some((share, rest)) = parts.get_mut(best) {
                (*share, *rest) = (*share + 1, -1);
            }
            left -= 1;
        }
        parts.map(|(share, _)| i64::try_from(share).expect("a share of a fare fits i64"))
    }

    /// In its lowest terms; a whole amount where those do not fit.
    fn narrow(numerator: i128, denominator: i128) -> Self {
        let divisor = gcd(numerator, denominator);
        match (i64::try_from(numerator / divisor), i64::try_from(denominator / divisor)) {
            (Ok(numerator), Ok(denominator)) => Self { numerator, denominator },
            _ => {
                let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
                Self::whole(i64::try_from(whole + i128::from(rest >= denominator - rest)).expect("a fare fits i64"))
            }
        }
    }
}

/// Quotient and rest; most numbers are small, and small ones divide in a fraction of the time.
fn divided(a: i128, b: i128) -> (i128, i128) {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => (i128::from(a / b), i128::from(a % b)),
        _ => (a / b, a % b),
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, divided(a, b).1);
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
        let half = Amount::whole(1).times(Rate { numerator: 1, denominator: 2 });
        let mut amount = Amount::whole(300_060_015);
        for _ in 0..2 {
            amount = amount.times(third);
        }
        assert_eq!(amount.rounded_minor(Rounding::default()), 33_333_334);
        assert_eq!(Amount::split(10, &[amount, amount, amount.times(third)]), [4, 4, 2]);
        assert_eq!(Amount::split(100, &[half, half, half]), [34, 33, 33]);
        assert_eq!(Amount::split(1, &[half, half]), [1, 0, 0]);
        // Beyond 64 bits it is rounded at once.
        assert_eq!(Amount::whole(i64::MAX).times(third).rounded_minor(Rounding::default()), 3_074_149_899_883_696_776);
    }
}
