//! Money: integer minor units (fen, pence), one rounding function, one split without loss.
//!
//! Amounts are plain `i64` with a name that ends in `_minor`. Nothing here is a float. Every function that could leave the
//! range of `i64` panics rather than wraps: an amount that large was refused at the door by the scheme's limit.

/// `amount × numerator / denominator`, rounded half up (away from zero for negative amounts, so that a refund mirrors its
/// ride) to one minor unit.
///
/// # Panics
/// When `denominator` is not positive or the result does not fit `i64`.
#[must_use]
pub fn round_half_up(amount_minor: i64, numerator: i64, denominator: i64) -> i64 {
    assert!(denominator > 0, "a rate's denominator is positive");
    let product = i128::from(amount_minor) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let rounded = (product.abs() * 2 + denominator) / (denominator * 2);
    i64::try_from(rounded * product.signum()).expect("a rounded amount fits i64")
}

/// Splits `total_minor` over `weights` without loss: each gets its floor, what is left goes one unit at a time to the
/// largest remainders. Ties go to the earlier weight, so callers pass shares in party order. A negative total mirrors the
/// positive one: refunding all of it gives each exactly what it got.
///
/// All weights zero is an equal split.
///
/// # Panics
/// When a weight is negative or there is none.
#[must_use]
pub fn split(total_minor: i64, weights: &[i64]) -> Vec<i64> {
    assert!(!weights.is_empty() && weights.iter().all(|&weight| weight >= 0), "shares need weights that are not negative");
    let weight_sum: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
    let weights = weights.iter().map(|&weight| if weight_sum == 0 { 1 } else { i128::from(weight) });
    let divisor = if weight_sum == 0 { weights.len() as i128 } else { weight_sum };
    let total = i128::from(total_minor.unsigned_abs());
    let (mut shares, remainders): (Vec<i128>, Vec<i128>) = weights.map(|weight| (total * weight / divisor, total * weight % divisor)).unzip();
    let left = usize::try_from(total - shares.iter().sum::<i128>()).expect("fewer units are left than there are shares");
    let mut order: Vec<(&mut i128, i128)> = shares.iter_mut().zip(remainders).collect();
    // The sort is stable: of equal remainders the earlier weight's stays first.
    order.sort_by_key(|&(_, remainder)| -remainder);
    for (share, _) in order.into_iter().take(left) {
        *share += 1;
    }
    let sign = i128::from(total_minor.signum());
    shares.into_iter().map(|share| i64::try_from(share * sign).expect("a share fits i64")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_round_away_from_zero() {
        for (amount, numerator, denominator, expected) in [
            (150, 95, 100, 143),
            (300, 95, 100, 285),
            (1, 1, 2, 1),
            (-1, 1, 2, -1),
            (1, 49, 100, 0),
            (0, 95, 100, 0),
            (-150, 95, 100, -143),
            (500, 3, 1000, 2),
            (499, 3, 1000, 1),
        ] {
            assert_eq!(round_half_up(amount, numerator, denominator), expected, "{amount} × {numerator}/{denominator}");
        }
    }

    #[test]
    fn shares_follow_the_largest_remainder() {
        assert_eq!(split(480, &[200, 500]), [137, 343]);
        assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(split(1000, &[1, 2, 4]), [143, 286, 571]);
        assert_eq!(split(1, &[1, 1]), [1, 0]);
        assert_eq!(split(7, &[3, 3, 1]), [3, 3, 1]);
        assert_eq!(split(-7, &[3, 3, 1]), [-3, -3, -1]);
        assert_eq!(split(5, &[0, 0]), [3, 2]);
        assert_eq!(split(0, &[3, 1]), [0, 0]);
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing_and_refunds_to_zero(total in -1_000_000_000i64..1_000_000_000, weights in prop::collection::vec(0i64..100_000, 1..8)) {
            let shares = split(total, &weights);
            prop_assert_eq!(shares.iter().sum::<i64>(), total);
            let back = split(-total, &weights);
            prop_assert!(shares.iter().zip(&back).all(|(share, refund)| share + refund == 0));
        }
    }
}
