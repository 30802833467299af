//! Who reduced the price by how much, in unrounded amounts: the weights by which the rounded discount is shared.
//!
//! Most rides have one funder, and then nothing needs to be summed: all that is missing from the list price is theirs.

use super::amount::Amount;
use domain::decision::FUNDERS_MAX;
use domain::{Discount, Symbol};

#[derive(Clone, Copy, Debug)]
pub struct Reductions {
    list_minor: i64,
    by: [(Symbol, Amount); FUNDERS_MAX],
    len: usize,
}

impl Reductions {
    #[must_use]
    pub const fn new(list_minor: i64) -> Self {
        Self { list_minor, by: [(Symbol::NONE, Amount::whole(0)); FUNDERS_MAX], len: 0 }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets them all: a rule replaces those before it.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// The list price rises by a surcharge.
    pub const fn raise(&mut self, minor: i64) {
        self.list_minor += minor;
    }

    /// A funder takes over the difference from `before` to `after`.
    pub fn note(&mut self, funder: Symbol, before: Amount, after: Amount) {
        if let ([(known, _), ..], 1) = (&self.by, self.len)
            && *known == funder
        {
            return;
        }
        if !after.is_less_than(before) {
            return;
        }
        // While there is one funder, its reduction is whatever is missing: it is worked out when a second one comes.
        let reduction = if self.len == 0 { Amount::whole(0) } else { before.minus(after) };
        if let (1, [(_, first), ..]) = (self.len, &mut self.by) {
            *first = Amount::whole(self.list_minor).minus(before);
        }
        if let Some((_, sum)) = self.by.iter_mut().take(self.len).find(|(known, _)| *known == funder) {
            *sum = sum.plus(reduction);
        } else if let Some(slot) = self.by.get_mut(self.len) {
            *slot = (funder, reduction);
            self.len += 1;
        } else {
            panic!("a ride has more than {FUNDERS_MAX} funders: the scheme check lets no such tariff through");
        }
    }

    /// Puts `total_minor` over the funders into `discounts`, which are all absent: by largest remainder, in the order of first
    /// appearance.
    #[inline]
    pub fn share(&self, total_minor: i64, discounts: &mut [Discount; FUNDERS_MAX]) {
        if total_minor == 0 {
            return;
        }
        let by = self.by.split_at(self.len).0;
        if let ([(funder, _)], [first, ..]) = (by, &mut *discounts) {
            (first.funder, first.amount_minor) = (*funder, total_minor);
            return;
        }
        assert!(!by.is_empty(), "a discount has a funder");
        let weights = self.by.map(|(_, amount)| amount);
        let shares = Amount::split(total_minor, weights.split_at(self.len).0);
        let shares = shares.into_iter().zip(by).map(|(amount_minor, &(funder, _))| Discount { funder, amount_minor });
        for (slot, share) in discounts.iter_mut().zip(shares.filter(|share| share.amount_minor != 0)) {
            *slot = share;
        }
    }
}
