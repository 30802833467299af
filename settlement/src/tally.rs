//! Sums of a day, kept beside the lines and not from them: by whom, against whom, for what, at whose cost.
//!
//! Each worker keeps its own and they are merged by addition, so no sum depends on how the day was cut. The sums of the
//! written lines are kept elsewhere (with the lines): conservation compares the two.

use crate::SettleError;
use crate::adjustments::SeatedFee;
use crate::roster::{Roster, Seat};
use domain::decision::FUNDERS_MAX;
use domain::{Decision, Discount, Flags, Outcome, Symbol, SymbolTable};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Rides between two parties under one product. Amounts in minor units, signed: refunds are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    pub rides: u64,
    /// Those that have a line.
    pub listed: u64,
    pub list_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    /// What funders other than the earner paid.
    pub funded_minor: i64,
}

/// One funder's part in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub rides: u64,
    pub amount_minor: i64,
}

/// Whose, against whom, which product: packed, because one is looked up for every ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FlowKey(u64);

impl FlowKey {
    #[inline]
    pub fn new(party: Seat, counterparty: Seat, product: Symbol) -> Self {
        Self(u64::from(party.0) << 48 | u64::from(counterparty.0) << 32 | u64::from(product.0))
    }

    pub const fn party(self) -> Seat {
        Seat((self.0 >> 48) as u16)
    }

    pub const fn counterparty(self) -> Seat {
        Seat((self.0 >> 32) as u16)
    }

    pub const fn product(self) -> Symbol {
        Symbol(self.0 as u32)
    }
}

pub(crate) type Flows = HashMap<FlowKey, Flow, FixedState>;
pub(crate) type Grants = HashMap<(FlowKey, Seat), Grant, FixedState>;

/// How many records of each outcome a decision of the day stands for. Duplicates have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub cleared: u64,
    pub held: u64,
    pub rejected: u64,
}

impl Outcomes {
    #[inline]
    pub const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Cleared => self.cleared += 1,
            Outcome::Duplicate => {}
            Outcome::Held => self.held += 1,
            Outcome::Rejected => self.rejected += 1,
        }
    }

    const fn merge(&mut self, other: Self) {
        self.cleared += other.cleared;
        self.held += other.held;
        self.rejected += other.rejected;
    }
}

/// What a day comes to, in the words of the close's own totals, which it is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DaySums {
    pub outcomes: Outcomes,
    pub rides: u64,
    pub charged_rides: u64,
    pub capped_rides: u64,
    pub entries: u64,
    pub postings: u64,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub gross_minor: i64,
    pub fee_minor: i64,
}

impl DaySums {
    fn merge(&mut self, other: &Self) {
        self.outcomes.merge(other.outcomes);
        self.rides += other.rides;
        self.charged_rides += other.charged_rides;
        self.capped_rides += other.capped_rides;
        self.entries += other.entries;
        self.postings += other.postings;
        self.debit_minor += other.debit_minor;
        self.credit_minor += other.credit_minor;
        self.gross_minor += other.gross_minor;
        self.fee_minor += other.fee_minor;
    }

    #[inline]
    fn leg(&mut self, amount_minor: i64) -> u64 {
        if amount_minor > 0 {
            self.debit_minor += amount_minor;
        } else {
            self.credit_minor -= amount_minor;
        }
        u64::from(amount_minor != 0)
    }
}

/// The parties of a ride, resolved to seats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    pub issuer: Seat,
    pub earner: Seat,
    pub venue: Seat,
}

impl Sides {
    /// Whether the venue gets a statement beside the issuer's and the earner's.
    #[inline]
    pub fn placed(self) -> bool {
        self.venue.is_somebody() && self.venue != self.earner && self.venue != self.issuer
    }
}

/// One worker's sums, then the day's.
#[derive(Default)]
pub(crate) struct Tally {
    pub day: DaySums,
    /// By seat.
    pub records: Vec<Outcomes>,
    /// Issuer against earner. A ride's counts and amounts stand once in each receiver's sums, in its first role of issuer,
    /// earner, venue, funder; its net stands in every role.
    pub pairs: Flows,
    /// Venue against earner, where it is neither earner nor issuer.
    pub places: Flows,
    /// Funder against earner, where the two differ.
    pub funds: Flows,
    /// Fees per service day, issuer against earner: they belong to no ride.
    pub service_fees: HashMap<FlowKey, i64, FixedState>,
    pub pair_grants: Grants,
    pub place_grants: Grants,
    /// From the operator that earned the rides, to the one that gets a share of them: those that have a line, and the money.
    pub shares: HashMap<FlowKey, Grant, FixedState>,
}

impl Tally {
    pub fn new(parties: usize) -> Self {
        Self { records: vec![Outcomes::default(); parties], ..Self::default() }
    }

    /// Counts a record of the day with the parties it concerns, each once.
    #[inline]
    pub fn record(&mut self, outcome: Outcome, sides: Sides) {
        self.day.outcomes.count(outcome);
        let Sides { issuer, earner, venue } = sides;
        self.concern(issuer, outcome);
        if earner != issuer {
            self.concern(earner, outcome);
        }
        if venue != issuer && venue != earner {
            self.concern(venue, outcome);
        }
    }

    #[inline]
    fn concern(&mut self, seat: Seat, outcome: Outcome) {
        if let Some(records) = self.records.get_mut(seat.index()) {
            records.count(outcome);
        }
    }

    /// Adds a ride. `net_minor`: what the earner receives, [`Decision::net_minor`].
    ///
    /// # Errors
    /// [`SettleError::UnknownParty`] when money would stand against a party that has no folder.
    #[inline]
    pub fn ride(&mut self, decision: &Decision, net_minor: i64, sides: Sides, roster: &Roster, symbols: &SymbolTable, listed: bool) -> Result<(), SettleError> {
        let funded_minor = net_minor - decision.charged_minor + decision.fee_minor;
        let unknown = |symbol: Symbol| SettleError::UnknownParty { party: symbols.text(symbol).to_string() };
        if decision.charged_minor != 0 && !sides.issuer.is_somebody() {
            return Err(unknown(decision.issuer));
        }
        if (net_minor != 0 || decision.fee_minor != 0) && !sides.earner.is_somebody() {
            return Err(unknown(decision.earner));
        }
        assert!(decision.adds_up(), "list price = cardholder + everyone who funds a discount");
        // A correction is of a ride that another day counted.
        let rides = u64::from(!decision.flags.has(Flags::CORRECTS));
        let flow = Flow {
            rides,
            listed: u64::from(listed),
            list_minor: decision.list_minor,
            charged_minor: decision.charged_minor,
            fee_minor: decision.fee_minor,
            funded_minor,
        };
        let pair = FlowKey::new(sides.issuer, sides.earner, decision.product);
        self.pairs.entry(pair).or_default().add(&flow);
        let place = sides.placed().then(|| FlowKey::new(sides.venue, sides.earner, decision.product));
        if let Some(place) = place {
            self.places.entry(place).or_default().add(&flow);
        }
        let mut postings = self.day.leg(decision.charged_minor);
        let mut noted_funders = [Seat::NOBODY; FUNDERS_MAX];
        for (at, discount) in decision.discounts.iter().enumerate().filter(|(_, discount)| discount.amount_minor != 0) {
            let funder = roster.seat(discount.funder);
            if !funder.is_somebody() {
                return Err(unknown(discount.funder));
            }
            self.pair_grants.entry((pair, funder)).or_default().add(discount.amount_minor);
            if let Some(place) = place {
                self.place_grants.entry((place, funder)).or_default().add(discount.amount_minor);
            }
            if funder != sides.earner {
                let noted = funder == sides.issuer || (funder == sides.venue && place.is_some()) || noted_funders.contains(&funder);
                let flow = if noted { Flow::default() } else { flow };
                let flow = Flow { funded_minor: discount.amount_minor, ..flow };
                self.funds.entry(FlowKey::new(funder, sides.earner, decision.product)).or_default().add(&flow);
                postings += self.day.leg(discount.amount_minor);
                if let Some(place) = noted_funders.get_mut(at) {
                    *place = funder;
                }
            }
        }
        postings += self.day.leg(-net_minor);
        postings += self.day.leg(-decision.fee_minor);
        let day = &mut self.day;
        day.rides += rides;
        day.charged_rides += if decision.charged_minor > 0 { rides } else { 0 };
        day.capped_rides += if decision.flags.has(Flags::CAPPED) { rides } else { 0 };
        day.entries += u64::from(postings != 0);
        day.postings += postings;
        day.gross_minor += decision.charged_minor;
        day.fee_minor += decision.fee_minor;
        Ok(())
    }

    /// Adds a fee per service day.
    pub fn service_fee(&mut self, fee: &SeatedFee<'_>) {
        let difference_minor = fee.fee.difference_minor();
        *self.service_fees.entry(FlowKey::new(fee.issuer, fee.earner, fee.product)).or_default() += difference_minor;
        self.day.entries += 1;
        self.day.postings += self.day.leg(difference_minor) + self.day.leg(-difference_minor);
        self.day.fee_minor += difference_minor;
    }

    /// Adds a share that `giver` hands on to `taker`; `listed` when it has lines in the details.
    ///
    /// # Errors
    /// [`SettleError::UnknownParty`] when one of them has no folder.
    pub fn share(
        &mut self,
        decision: &Decision,
        discount: &Discount,
        (giver, taker): (Seat, Seat),
        symbols: &SymbolTable,
        listed: bool,
    ) -> Result<(), SettleError> {
        assert!(decision.adds_up(), "a share has no price");
        for (seat, party) in [(giver, discount.funder), (taker, decision.earner)] {
            if !seat.is_somebody() {
                return Err(SettleError::UnknownParty { party: symbols.text(party).to_string() });
            }
        }
        let sum = self.shares.entry(FlowKey::new(giver, taker, decision.product)).or_default();
        sum.rides += u64::from(listed);
        sum.amount_minor += discount.amount_minor;
        self.day.entries += 1;
        self.day.postings += self.day.leg(discount.amount_minor) + self.day.leg(-discount.amount_minor);
        Ok(())
    }

    pub fn merge(&mut self, other: &Self) {
        self.day.merge(&other.day);
        for (key, fee_minor) in &other.service_fees {
            *self.service_fees.entry(*key).or_default() += fee_minor;
        }
        for (key, share) in &other.shares {
            let sum = self.shares.entry(*key).or_default();
            sum.rides += share.rides;
            sum.amount_minor += share.amount_minor;
        }
        for (records, more) in self.records.iter_mut().zip(&other.records) {
            records.merge(*more);
        }
        for (flows, more) in [(&mut self.pairs, &other.pairs), (&mut self.places, &other.places), (&mut self.funds, &other.funds)] {
            for (key, flow) in more {
                flows.entry(*key).or_default().add(flow);
            }
        }
        for (grants, more) in [(&mut self.pair_grants, &other.pair_grants), (&mut self.place_grants, &other.place_grants)] {
            for (key, grant) in more {
                let sum = grants.entry(*key).or_default();
                sum.rides += grant.rides;
                sum.amount_minor += grant.amount_minor;
            }
        }
    }
}

impl Flow {
    #[inline]
    pub const fn add(&mut self, other: &Self) {
        self.rides += other.rides;
        self.listed += other.listed;
        self.list_minor += other.list_minor;
        self.charged_minor += other.charged_minor;
        self.fee_minor += other.fee_minor;
        self.funded_minor += other.funded_minor;
    }
}

impl Grant {
    const fn add(&mut self, amount_minor: i64) {
        self.rides += 1;
        self.amount_minor += amount_minor;
    }
}
