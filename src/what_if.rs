//! Cleared days under another tariff: what riders would have paid, operators earned and funders borne.
//!
//! The baseline is what the ledger has booked; the other side is the same records folded under the other tariff. Nothing is
//! written. Accounts are worked through in slices, so that memory holds some of them at a time; budgets are granted over all of
//! them, as a close does. Refunds are left out on both sides: what was given back follows the price of its original.

use crate::explaining::{Booked, gives_back, standing};
use crate::failure::Failure;
use crate::history::unread;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Discount, EventTime, Flags, Outcome, Reason, RecordId, Symbol, SymbolTable};
use engine::account::{self, Known, Ride, event_order};
use engine::close::event::Resolved;
use engine::parallel;
use engine::price::{Claim, grant};
use engine::scheme::Scheme;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ledger::Ledger;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

/// What it works with.
pub struct Replaying<'a> {
    pub ledger: &'a Ledger,
    /// Of the ledger's days.
    pub scheme: &'a Scheme,
    /// The same with the other tariff.
    pub other: &'a Scheme,
    pub symbols: &'a SymbolTable,
    pub workers: usize,
    /// The closed days, rising: all of them are folded, so that windows and months begin where they began.
    pub days: &'a [Day],
    /// The first and last service day whose rides are compared.
    pub service_days: (Day, Day),
}

/// A sum as it is booked, and as it would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub old: i64,
    pub new: i64,
}

impl Pair {
    #[must_use]
    pub const fn difference(self) -> i64 {
        self.new - self.old
    }

    const fn add(&mut self, is_new: bool, amount: i64) {
        if is_new { self.new += amount } else { self.old += amount }
    }
}

/// An account, and what it pays.
pub type Rider = (CardToken, Sums);

/// What days cleared of accounts; a record without a card is one of its own.
type Accounts = HashMap<(CardToken, Option<RecordId>), Vec<(Day, Decision)>, FixedState>;

/// What rides of one kind come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub rides: Pair,
    pub list_minor: Pair,
    pub charged_minor: Pair,
    /// By the table: what an operator earned, a funder bore, a rule took off; of classes and riders, what they paid.
    pub amount_minor: Pair,
}

/// The tables. All sums of a table are over the same rides.
#[derive(Debug, Default)]
pub struct Compared {
    pub all: Sums,
    /// By earner and mode.
    pub operators: BTreeMap<(String, String), Sums>,
    pub classes: BTreeMap<String, Sums>,
    /// By who bears discounts; an earner's own are its own.
    pub funders: BTreeMap<String, Sums>,
    /// By adjustment of either tariff, each as folded again: what it took off.
    pub rules: BTreeMap<String, Sums>,
    /// By account.
    pub riders: BTreeMap<CardToken, Sums>,
    /// Records that are rides as booked and have no price under the other tariff.
    pub unpriced: u64,
}

/// Records of one pass at most: some gigabytes.
const PASS_RECORDS_MAX: u64 = 8_000_000;

impl Replaying<'_> {
    /// Replays the days.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn compare(&self) -> Result<Compared, Failure> {
        let cleared: u64 = self.days.iter().filter_map(|day| self.ledger.day(*day)).map(|info| info.totals.cleared).sum();
        let slices = cleared / PASS_RECORDS_MAX + 1;
        let mut compared = Compared::default();
        let mut claims: Vec<(Claimed, RideKey)> = Vec::new();
        for slice in 0..slices {
            let accounts: Vec<Vec<(Day, Decision)>> = self.accounts(slice, slices)?.into_values().collect();
            let parts = accounts.chunks(accounts.len().div_ceil(self.workers.max(1)).max(1)).collect();
            for part in parallel::map(self.workers, parts, |_, accounts: &[Vec<(Day, Decision)>]| {
                let mut part = Part::default();
                accounts.iter().for_each(|past| self.account(past, &mut part));
                part
            }) {
                compared.merge(part.compared);
                claims.extend(part.claims);
            }
        }
        self.grant(claims, &mut compared);
        Ok(compared)
    }

    /// A slice of the accounts, with what the days cleared of them.
    fn accounts(&self, slice: u64, slices: u64) -> Result<Accounts, Failure> {
        let hasher = FixedState::default();
        let key = |decision: &Decision| {
            let card = decision.record.card;
            let account = if card.is_empty() { card } else { self.scheme.card(&card).map_or(card, |card| card.account) };
            // A record without a card is an account of its own.
            (account, account.is_empty().then(|| decision.record.id()))
        };
        let mut blocks = Vec::new();
        for day in self.days {
            let heights = self.ledger.decision_blocks(*day).map_err(|error| unread(&error))?;
            blocks.extend(heights.into_iter().map(|height| (*day, height)));
        }
        let found = parallel::map(self.workers, blocks, |_, (day, height)| {
            let (mut cache, mut found) = (SymbolCache::new(self.symbols), Vec::new());
            let read = self.ledger.each_decisions(height, &mut cache, |decisions| {
                let decided = decisions.iter().filter(|decision| matches!(decision.reason.outcome(), Outcome::Cleared | Outcome::Rejected));
                let own = decided.filter(|decision| !gives_back(decision.record.kind)).map(|decision| (key(decision), day, *decision));
                found.extend(own.filter(|(key, ..)| slices == 1 || hasher.hash_one(key) % slices == slice));
            });
            read.map(|()| found).map_err(|error| unread(&error))
        });
        let mut accounts = Accounts::default();
        for found in found {
            for (key, day, decision) in found? {
                accounts.entry(key).or_default().push((day, decision));
            }
        }
        Ok(accounts)
    }

    /// One account under both tariffs.
    fn account(&self, past: &[(Day, Decision)], part: &mut Part) {
        let day = self.days.last().copied().unwrap_or_default();
        let mut records: Vec<Known> = standing(past.iter()).iter().map(|record| Known::of(record, self.scheme, day)).collect();
        records.sort_by(|a, b| event_order(&a.record, &b.record, self.symbols));
        let known: BTreeMap<RecordId, Known> = records.iter().map(|known| (known.record.id(), *known)).collect();
        let ends: Vec<EventTime> = self.days.iter().map(|day| self.scheme.clock.day_end(*day)).collect();
        let within = |day: Day| self.service_days.0 <= day && day <= self.service_days.1;
        let account = records.first().map_or(CardToken::EMPTY, |known| known.resolved.account);
        let compared = &mut part.compared;
        // A ride with all corrections of it is one ride; one that turned out to be part of another is none.
        let mut booked: BTreeMap<RecordId, (Booked, Symbol, bool)> = BTreeMap::new();
        for (_, decision) in past.iter().filter(|(_, decision)| decision.reason == Reason::Cleared && within(decision.service_day)) {
            let id = decision.record.id();
            if decision.flags.has(Flags::SHARE) {
                let mode = known.get(&id).map_or_else(String::new, |known| self.text(known.resolved.mode));
                let mut earn =
                    |party: Symbol, minor: i64| compared.operators.entry((self.text(party), mode.clone())).or_default().amount_minor.add(false, minor);
                earn(decision.earner, decision.funded_minor());
                decision.discounts.iter().filter(|discount| discount.amount_minor != 0).for_each(|discount| earn(discount.funder, -discount.amount_minor));
            } else if decision.flags.has(Flags::RIDE) {
                let (sum, _, corrected) = booked.entry(id).or_insert_with(|| (Booked::default(), decision.earner, false));
                sum.add(decision);
                *corrected |= decision.flags.has(Flags::CORRECTS);
            }
        }
        booked.retain(|_, (sum, _, corrected)| !*corrected || (sum.list_minor, sum.charged_minor) != (0, 0));
        for (id, (sum, earner, _)) in &booked {
            let Some(known) = known.get(id) else { continue };
            let known = Known { resolved: Resolved { earner: *earner, ..known.resolved }, ..*known };
            self.add(compared, false, account, &known, (sum.list_minor, sum.charged_minor, &sum.discounts), &[]);
        }
        let mut priced = BTreeSet::new();
        for (is_new, scheme) in [(false, self.scheme), (true, self.other)] {
            let mut folded = account::fold(scheme, &records, &ends);
            if account.is_empty() {
                folded.give_up(scheme);
            }
            for ride in folded.rides.iter().filter(|ride| within(ride.fare.service_day)) {
                let Some(known) = records.get(ride.at) else { continue };
                rules(compared, is_new, ride);
                if is_new {
                    priced.extend([ride.at].into_iter().chain(ride.entry).filter_map(|at| records.get(at)).map(|known| known.record.id()));
                    self.add(compared, true, account, known, (ride.fare.list_minor, ride.fare.charged_minor, &ride.fare.discounts), &ride.parts);
                    let key = || RideKey { account, known: *known, discounts: ride.fare.discounts };
                    part.claims.extend(ride.claims.iter().map(|claim| (Claimed { claim: *claim }, key())));
                }
            }
        }
        compared.unpriced += booked.keys().filter(|id| !priced.contains(*id)).count() as u64;
    }

    /// A ride of an account, by list price, charge and discounts.
    fn add(&self, compared: &mut Compared, is_new: bool, account: CardToken, known: &Known, ride: (i64, i64, &[Discount]), parts: &[engine::price::Part]) {
        let (list_minor, charged_minor, discounts) = ride;
        let funded = discounts.iter().filter(|discount| discount.funder != known.resolved.earner);
        let earned_minor = charged_minor + funded.map(|discount| discount.amount_minor).sum::<i64>();
        let put = |sums: &mut Sums, amount_minor: i64| {
            sums.rides.add(is_new, 1);
            sums.list_minor.add(is_new, list_minor);
            sums.charged_minor.add(is_new, charged_minor);
            sums.amount_minor.add(is_new, amount_minor);
        };
        let mode = self.text(known.resolved.mode);
        put(&mut compared.all, earned_minor);
        put(compared.operators.entry((self.text(known.resolved.earner), mode.clone())).or_default(), if parts.is_empty() { earned_minor } else { 0 });
        for part in parts {
            compared.operators.entry((self.text(part.party), mode.clone())).or_default().amount_minor.add(is_new, part.amount_minor);
        }
        put(compared.classes.entry(self.text(known.resolved.class)).or_default(), charged_minor);
        for discount in discounts.iter().filter(|discount| discount.amount_minor != 0) {
            put(compared.funders.entry(self.text(discount.funder)).or_default(), discount.amount_minor);
        }
        if !account.is_empty() {
            put(compared.riders.entry(account).or_default(), charged_minor);
        }
    }

    /// Grants what the new side claims of budgets, in event order over all riders: what is not granted, the rider pays.
    fn grant(&self, mut claims: Vec<(Claimed, RideKey)>, compared: &mut Compared) {
        claims
            .sort_by(|(a, ride), (b, other)| a.claim.slot.cmp(&b.claim.slot).then_with(|| event_order(&ride.known.record, &other.known.record, self.symbols)));
        for same in claims.chunk_by(|(a, _), (b, _)| a.claim.slot == b.claim.slot) {
            let mut used_minor = 0;
            let grants = grant(&mut used_minor, same.iter().map(|(claimed, _)| &claimed.claim));
            for ((claimed, ride), grant) in same.iter().zip(grants).filter(|(_, grant)| grant.refused_minor != 0) {
                let refused = grant.refused_minor;
                let resolved = &ride.known.resolved;
                let mode = self.text(resolved.mode);
                let own = claimed.claim.funder == resolved.earner;
                let operator = compared.operators.entry((self.text(resolved.earner), mode)).or_default();
                operator.charged_minor.new += refused;
                // What a funder does not pay, the rider does: an earner's own incentive is what it earns more.
                operator.amount_minor.new += if own { refused } else { 0 };
                compared.all.charged_minor.new += refused;
                compared.all.amount_minor.new += if own { refused } else { 0 };
                let class = compared.classes.entry(self.text(resolved.class)).or_default();
                class.charged_minor.new += refused;
                class.amount_minor.new += refused;
                let funder = compared.funders.entry(self.text(claimed.claim.funder)).or_default();
                funder.charged_minor.new += refused;
                funder.amount_minor.new -= refused;
                for other in ride.discounts.iter().filter(|discount| discount.amount_minor != 0 && discount.funder != claimed.claim.funder) {
                    compared.funders.entry(self.text(other.funder)).or_default().charged_minor.new += refused;
                }
                if !ride.account.is_empty() {
                    let rider = compared.riders.entry(ride.account).or_default();
                    rider.charged_minor.new += refused;
                    rider.amount_minor.new += refused;
                }
            }
        }
    }

    fn text(&self, symbol: Symbol) -> String {
        self.symbols.text(symbol).to_string()
    }
}

/// What each rule took off, in whole units of a ride.
fn rules(compared: &mut Compared, is_new: bool, ride: &Ride) {
    for line in ride.told.lines.iter().filter(|line| !line.funders.is_empty() && line.kind != "stated") {
        let sums = compared.rules.entry(line.rule.clone()).or_default();
        sums.rides.add(is_new, 1);
        sums.list_minor.add(is_new, ride.fare.list_minor);
        sums.charged_minor.add(is_new, ride.fare.charged_minor);
        sums.amount_minor.add(is_new, line.before_minor() - line.after_minor());
    }
}

/// What one thread has found.
#[derive(Default)]
struct Part {
    compared: Compared,
    claims: Vec<(Claimed, RideKey)>,
}

struct Claimed {
    claim: Claim,
}

/// A ride that claims something.
struct RideKey {
    account: CardToken,
    known: Known,
    discounts: [Discount; domain::decision::FUNDERS_MAX],
}

impl Sums {
    /// Whether anything is another under the other tariff.
    #[must_use]
    pub fn changes(&self) -> bool {
        [self.rides, self.list_minor, self.charged_minor, self.amount_minor].iter().any(|pair| pair.difference() != 0)
    }

    fn merge(&mut self, other: Self) {
        let add = |to: &mut Pair, from: Pair| *to = Pair { old: to.old + from.old, new: to.new + from.new };
        add(&mut self.rides, other.rides);
        add(&mut self.list_minor, other.list_minor);
        add(&mut self.charged_minor, other.charged_minor);
        add(&mut self.amount_minor, other.amount_minor);
    }
}

impl Compared {
    fn merge(&mut self, other: Self) {
        fn join<K: Ord>(to: &mut BTreeMap<K, Sums>, from: BTreeMap<K, Sums>) {
            from.into_iter().for_each(|(key, sums)| to.entry(key).or_default().merge(sums));
        }
        self.all.merge(other.all);
        join(&mut self.operators, other.operators);
        join(&mut self.classes, other.classes);
        join(&mut self.funders, other.funders);
        join(&mut self.rules, other.rules);
        join(&mut self.riders, other.riders);
        self.unpriced += other.unpriced;
    }

    /// What all operators earn together, by mode.
    #[must_use]
    pub fn modes(&self) -> BTreeMap<String, Sums> {
        let mut modes: BTreeMap<String, Sums> = BTreeMap::new();
        self.operators.iter().for_each(|((_, mode), sums)| modes.entry(mode.clone()).or_default().merge(*sums));
        modes
    }

    /// Those who would pay most more, and those who would pay most less, the largest first.
    #[must_use]
    pub fn most_changed(&self, count: usize) -> (Vec<Rider>, Vec<Rider>) {
        let mut riders: Vec<Rider> = self.riders.iter().map(|(account, sums)| (*account, *sums)).collect();
        riders.sort_by_key(|(account, sums)| (sums.amount_minor.difference(), *account));
        let gain = riders.iter().take(count).filter(|(_, sums)| sums.amount_minor.difference() < 0).copied().collect();
        let lose = riders.iter().rev().take(count).filter(|(_, sums)| sums.amount_minor.difference() > 0).copied().collect();
        (lose, gain)
    }
}
