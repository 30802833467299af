//! Exact fractions of money, as they are taught at school.

use std::ops::{Add, Mul, Sub};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    top: i128,
    /// Positive.
    bottom: i128,
}

impl Fraction {
    pub const ZERO: Self = Self { top: 0, bottom: 1 };

    pub fn new(top: i128, bottom: i128) -> Self {
        assert!(bottom > 0, "a fraction has a positive denominator");
        let divisor = gcd(top.abs(), bottom);
        Self { top: top / divisor, bottom: bottom / divisor }
    }

    pub fn whole(number: i64) -> Self {
        Self { top: i128::from(number), bottom: 1 }
    }

    /// The nearest whole number, halves away from zero.
    pub fn rounded(self) -> i64 {
        let doubled = self.top.abs() * 2 + self.bottom;
        i64::try_from(doubled / (self.bottom * 2) * self.top.signum()).expect("small")
    }

    pub fn floor(self) -> i64 {
        i64::try_from(self.top.div_euclid(self.bottom)).expect("small")
    }

    /// Its part of a whole; of nothing, nothing.
    pub fn over(self, whole: Self) -> Self {
        if whole.top == 0 { Self::ZERO } else { Self::new(self.top * whole.bottom * whole.top.signum(), self.bottom * whole.top.abs()) }
    }

    pub fn is_less_than(self, other: Self) -> bool {
        self.top * other.bottom < other.top * self.bottom
    }
}

impl Add for Fraction {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.top * other.bottom + other.top * self.bottom, self.bottom * other.bottom)
    }
}

impl Sub for Fraction {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.top * other.bottom - other.top * self.bottom, self.bottom * other.bottom)
    }
}

impl Mul for Fraction {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(self.top * other.top, self.bottom * other.bottom)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}
