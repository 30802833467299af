//! Claims on a budget, and how they are granted.
//!
//! A ride that an incentive with a budget made cheaper claims what it got. The close grants claims in event order from what
//! the close before left, over all riders; what is not granted, the rider pays after all. A grant is never reopened.

use domain::Symbol;

/// What a ride wants from a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The incentive's slot: it names the budget.
    pub slot: u16,
    /// The whole budget, as the tariff in force at the ride says.
    pub budget_minor: i64,
    pub funder: Symbol,
    pub amount_minor: i64,
}

/// What a claim gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub granted_minor: i64,
    /// What the rider pays on top of the ride's fare.
    pub refused_minor: i64,
}

/// Grants claims on one budget, given in event order. `used_minor` is what earlier closes granted, and is brought up to date.
/// The claim that the budget does not cover whole gets what is left.
pub fn grant<'c>(used_minor: &mut i64, claims: impl IntoIterator<Item = &'c Claim>) -> Vec<Grant> {
    let one = |claim: &Claim| {
        let granted_minor = claim.amount_minor.min((claim.budget_minor - *used_minor).max(0));
        *used_minor += granted_minor;
        Grant { granted_minor, refused_minor: claim.amount_minor - granted_minor }
    };
    claims.into_iter().map(one).collect()
}

impl super::Fare {
    /// The fare after a claim was granted in part: the rider pays the rest.
    ///
    /// # Panics
    /// When the fare has no such discount: the claim is another ride's.
    #[must_use]
    pub fn granted(mut self, claim: &Claim, grant: Grant) -> Self {
        if grant.refused_minor == 0 {
            return self;
        }
        let discount = self.discounts.iter_mut().find(|discount| discount.funder == claim.funder).expect("the claim's funder has a discount");
        assert!(discount.amount_minor >= grant.refused_minor, "no more is refused than was claimed");
        discount.amount_minor -= grant.refused_minor;
        self.charged_minor += grant.refused_minor;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_claim_gets_what_is_left() {
        let claim = |amount_minor| Claim { slot: 0, budget_minor: 230, funder: Symbol(1), amount_minor };
        let claims = [claim(90), claim(90), claim(90), claim(10)];
        let mut used_minor = 0;
        let granted: Vec<i64> = grant(&mut used_minor, &claims).iter().map(|grant| grant.granted_minor).collect();
        assert_eq!((granted, used_minor), (vec![90, 90, 50, 0], 230));
    }
}
