//! A decision: what the close made of one record, with its price where it is the deciding record of a ride.

use crate::{Day, Outcome, Reason, Record, Symbol};

/// What else is to be said of a record or ride; bits are stored and never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// The deciding record of a ride, payment or pass: it stands in detail files. Others are part of a ride.
    pub const RIDE: Self = Self(1);
    /// A cap reduced the charge.
    pub const CAPPED: Self = Self(1 << 1);
    pub const TRANSFER: Self = Self(1 << 2);
    pub const NO_TAP_ON: Self = Self(1 << 3);
    pub const NO_TAP_OFF: Self = Self(1 << 4);
    pub const SAME_STATION: Self = Self(1 << 5);
    pub const UNKNOWN_PAIR: Self = Self(1 << 6);
    /// The terminal's own price differs from the tariff's.
    pub const VARIANCE: Self = Self(1 << 7);
    /// The card is on a hotlist that the terminal did not have yet.
    pub const HOTLISTED: Self = Self(1 << 8);
    /// The service day was closed before.
    pub const LATE: Self = Self(1 << 9);
    /// Held at an earlier close, released in this one.
    pub const RELEASED: Self = Self(1 << 10);
    pub const OVERSTAY: Self = Self(1 << 11);
    pub const CONCESSION: Self = Self(1 << 12);
    /// Taken in on an earlier clearing day and counted there as a record: here only its ride and its money count.
    pub const CARRIED: Self = Self(1 << 13);
    /// Moves money of a ride from the one who earned it to another operator: a decision of its own beside the ride's.
    pub const SHARE: Self = Self(1 << 14);
    /// Corrects what an earlier clearing day settled: its amounts are differences, and it is no ride more.
    pub const CORRECTS: Self = Self(1 << 15);
    /// A correction that takes back all that was settled, because the record counts no more.
    pub const WITHDRAWN: Self = Self(1 << 16);

    /// In the order in which files list them, joined with `+`.
    pub const NAMES: [(Self, &'static str); 15] = [
        (Self::CAPPED, "capped"),
        (Self::TRANSFER, "transfer"),
        (Self::NO_TAP_ON, "no-tap-on"),
        (Self::NO_TAP_OFF, "no-tap-off"),
        (Self::SAME_STATION, "same-station"),
        (Self::UNKNOWN_PAIR, "unknown-pair"),
        (Self::VARIANCE, "variance"),
        (Self::HOTLISTED, "hotlisted"),
        (Self::LATE, "late"),
        (Self::RELEASED, "released"),
        (Self::OVERSTAY, "overstay"),
        (Self::CONCESSION, "concession"),
        (Self::SHARE, "share"),
        (Self::CORRECTS, "corrects"),
        (Self::WITHDRAWN, "withdrawn"),
    ];

    #[must_use]
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub const fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    #[must_use]
    pub const fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }
}

/// A part of the list price that the cardholder did not pay, and who did. A discount borne by the earner is a note, not a
/// posting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Discount {
    /// A party; never absent where the amount is not zero.
    pub funder: Symbol,
    pub amount_minor: i64,
}

/// At most so many funders share one ride's discounts; a tariff that could need more is refused by the scheme check.
pub const FUNDERS_MAX: usize = 3;

/// A decision has a line with at most so many parties: issuer, earner, venue and every funder.
pub const DETAIL_PARTIES_MAX: usize = 3 + FUNDERS_MAX;

/// What a close decided on one record. Refunds and reversals have negative amounts.
///
/// A [`Flags::SHARE`] has no price: its one discount is what its funder, who earned the ride, hands on to its earner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub record: Record,
    pub reason: Reason,
    pub flags: Flags,
    pub service_day: Day,
    /// The first clearing day that held it; of a correction, the one whose line it corrects; otherwise the clearing day itself.
    pub held_since: Day,
    /// The resolved parties: who owes, who earns, whose place it was. Absent where the record could not be resolved.
    pub issuer: Symbol,
    pub earner: Symbol,
    pub venue: Symbol,
    /// The product it is booked under (`transit`, `retail`…).
    pub product: Symbol,
    /// `list_minor = charged_minor + Σ discounts`, always.
    pub list_minor: i64,
    pub charged_minor: i64,
    /// The earner's fee to the hub.
    pub fee_minor: i64,
    /// Funders in the order of the tariff's rules, absent ones last.
    pub discounts: [Discount; FUNDERS_MAX],
}

impl Decision {
    /// A decision that books nothing.
    #[must_use]
    pub const fn unpriced(record: Record, reason: Reason, service_day: Day, held_since: Day) -> Self {
        let none = Discount { funder: Symbol::NONE, amount_minor: 0 };
        Self {
            record,
            reason,
            flags: Flags(0),
            service_day,
            held_since,
            issuer: Symbol::NONE,
            earner: Symbol::NONE,
            venue: Symbol::NONE,
            product: Symbol::NONE,
            list_minor: 0,
            charged_minor: 0,
            fee_minor: 0,
            discounts: [none; FUNDERS_MAX],
        }
    }

    /// What funders other than the earner pay to the earner.
    #[must_use]
    pub fn funded_minor(&self) -> i64 {
        self.discounts.iter().filter(|discount| discount.funder != self.earner).map(|discount| discount.amount_minor).sum()
    }

    /// What the earner receives.
    #[must_use]
    pub fn net_minor(&self) -> i64 {
        self.charged_minor + self.funded_minor() - self.fee_minor
    }

    /// Whose detail of its day has a line of it, absent parties and repeats among them: of a ride that cleared its issuer, earner,
    /// venue and funders, of a share of one who hands on and who receives. `None` of all else, and of corrections.
    #[must_use]
    pub fn detail_parties(&self) -> Option<[Symbol; DETAIL_PARTIES_MAX]> {
        let (is_ride, is_share) = (self.flags.has(Flags::RIDE), self.flags.has(Flags::SHARE));
        if self.reason.outcome() != Outcome::Cleared || !(is_ride || is_share) || self.flags.has(Flags::CORRECTS) {
            return None;
        }
        let funders = self.discounts.map(|discount| if discount.amount_minor == 0 { Symbol::NONE } else { discount.funder });
        let named = |resolved: Symbol, stated: Symbol| if resolved.is_none() { stated } else { resolved };
        let earner = named(self.earner, self.record.operator);
        let (issuer, venue) = if is_share { (Symbol::NONE, Symbol::NONE) } else { (named(self.issuer, self.record.issuer), self.venue) };
        let [first, second, third] = funders;
        Some([issuer, earner, venue, first, second, third])
    }

    /// Whether anybody pays anybody because of it. The detail may leave out a ride that moves nothing.
    #[must_use]
    pub fn moves_money(&self) -> bool {
        let funded = |discount: &Discount| discount.amount_minor != 0 && (self.flags.has(Flags::SHARE) || discount.funder != self.earner);
        self.charged_minor != 0 || self.fee_minor != 0 || self.discounts.iter().any(funded)
    }

    /// Promise 7: list price = cardholder + everyone who funds a discount. A share has no price.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        if self.flags.has(Flags::SHARE) {
            return (self.list_minor, self.charged_minor, self.fee_minor) == (0, 0, 0);
        }
        let discounts: i128 = self.discounts.iter().map(|discount| i128::from(discount.amount_minor)).sum();
        i128::from(self.list_minor) == i128::from(self.charged_minor) + discounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordKind;

    #[test]
    fn only_others_discounts_reach_the_earner() {
        let (fund, earner) = (Symbol(2), Symbol(3));
        let decision = Decision {
            earner,
            list_minor: 500,
            charged_minor: 270,
            fee_minor: 2,
            discounts: [Discount { funder: fund, amount_minor: 200 }, Discount { funder: earner, amount_minor: 30 }, Discount::default()],
            ..Decision::unpriced(Record::blank(RecordKind::TapOff), Reason::Cleared, Day(0), Day(0))
        };
        assert!(decision.adds_up());
        assert_eq!((decision.funded_minor(), decision.net_minor()), (200, 468));
        assert!(!Decision { list_minor: 501, ..decision }.adds_up());
        let share = Decision { list_minor: 0, charged_minor: 0, fee_minor: 0, flags: Flags::SHARE, ..decision };
        assert!(share.adds_up());
        assert!(!Decision { charged_minor: 1, ..share }.adds_up() && !Decision { flags: Flags::RIDE, ..share }.adds_up());
    }

    #[test]
    fn flags_are_distinct_bits_with_names_and_keep_their_numbers() {
        let mut all = Flags::RIDE;
        for (at, (flag, name)) in Flags::NAMES.into_iter().enumerate() {
            // The bit of CARRIED, which files do not name, is between the twelfth and the thirteenth.
            assert_eq!((flag.0, name.is_empty()), (if at < 12 { 2 << at } else { 4 << at }, false), "{name}");
            assert!(!all.has(flag) && !Flags::default().has(flag));
            all.set(flag);
            all.set(flag);
            assert!(all.has(flag) && all.has(Flags::RIDE) && flag.has(flag));
            assert_eq!((Flags::default().with(flag), flag.with(flag)), (flag, flag));
        }
        assert_eq!((Flags::RIDE.0, Flags::CARRIED.0, all.with(Flags::CARRIED).0), (1, 1 << 13, (1 << 17) - 1));
    }
}
