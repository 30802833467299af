//! The oracle: a second way to decide a day, slow and obvious, against which the engine's close is judged.
//!
//! It keeps every record and every ruling of all days in plain lists and looks through them. It shares the reference data
//! (`Scheme`) and the domain's nouns with the engine, and none of its code for judging, pricing or refunding.

pub mod budgets;
pub mod evidence;
pub mod fold;
pub mod oddities;
pub mod refunds;
pub mod registry;
pub mod shown;
pub mod universe;
pub mod withdrawals;

use crate::naive::rules::Claimed;
use domain::{Day, Flags, IdKind, Outcome, Reason, Record, RecordId, RecordKind, Symbol, SymbolTable};
use engine::scheme::{ConflictPolicy, Scheme};
use fold::Memory;
use std::collections::BTreeMap;

/// What the oracle says of one record at one close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub record: Record,
    pub reason: Reason,
    pub flags: Flags,
    pub service_day: Day,
    pub held_since: Day,
    pub price: Price,
}

/// Who owes whom for a record; all absent and zero where it booked nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    pub issuer: Symbol,
    pub earner: Symbol,
    pub product: Symbol,
    pub list_minor: i64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    /// The service day of the ride whose fee this is or gives back.
    pub fee_day: Day,
    /// By funder; nobody who pays nothing.
    pub discounts: BTreeMap<Symbol, i64>,
}

impl Price {
    /// The charge and what others than the earner fund.
    pub fn earned_minor(&self) -> i64 {
        self.charged_minor + self.discounts.iter().filter(|(funder, _)| **funder != self.earner).map(|(_, amount)| amount).sum::<i64>()
    }
}

/// A record on its way through a close.
#[derive(Clone, Debug)]
pub struct Case {
    pub record: Record,
    /// The day that first held it, for a record that an earlier close held.
    pub carried: Option<Day>,
    pub file: u32,
    pub finding: registry::Finding,
    pub price: Option<Price>,
    pub flags: Flags,
    /// The service day of its ride.
    pub service_day: Day,
    /// What its ride wants of budgets.
    pub wants: Vec<Want>,
    /// What it gives back of what it was granted, by rule.
    pub returned: Vec<(String, i64)>,
}

/// What a ride claims of a budget: what it keeps of an earlier grant, what it wants more, and what it is given of that.
#[derive(Clone, Debug)]
pub struct Want {
    pub claim: Claimed,
    pub kept: i64,
    pub more: i64,
    pub given: i64,
}

/// What has been settled for a ride so far.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The clearing day of its line.
    pub day: Day,
    pub service_day: Day,
    pub price: Price,
    pub wants: Vec<Want>,
}

/// A fee per service day that a close changes: the day, earner, issuer, product, what was booked, what is due.
pub type DayFee = (Day, Symbol, Symbol, Symbol, i64, i64);

/// A record that came, its file, and the day that first took it in where that is an earlier one.
pub type Copy = (Record, u32, Option<Day>);

/// One close.
pub struct Closed {
    pub rulings: Vec<Ruling>,
    pub day_fees: Vec<DayFee>,
    /// By file and reason: how many records.
    pub files: BTreeMap<u32, BTreeMap<Reason, u64>>,
}

pub struct Oracle<'s> {
    pub scheme: &'s Scheme,
    pub symbols: &'s SymbolTable,
    /// Everything that closed days cleared or rejected.
    final_rulings: Vec<Ruling>,
    /// Records that closed days cleared or rejected and that count: their days and reasons.
    standing: Vec<(Day, Record, Reason)>,
    held: Vec<(Record, Day)>,
    /// All that came on closed days, by file.
    intake: Vec<(Day, u32, Record)>,
    /// Files that were taken back.
    withdrawn: Vec<u32>,
    memories: BTreeMap<String, Memory>,
    given_back: BTreeMap<RecordId, Vec<refunds::Back>>,
    fees_booked: BTreeMap<(Day, Symbol, Symbol, Symbol), i64>,
    /// All clearing days so far.
    days: Vec<Day>,
    settled: BTreeMap<RecordId, Settled>,
    /// By incentive: what has been granted of its budget.
    granted: BTreeMap<String, i64>,
    /// What today's close holds as copies of cards, and what speaks against each.
    copies: Vec<(Record, Record)>,
}

impl<'s> Oracle<'s> {
    pub fn new(scheme: &'s Scheme, symbols: &'s SymbolTable) -> Self {
        Self {
            scheme,
            symbols,
            final_rulings: Vec::new(),
            standing: Vec::new(),
            held: Vec::new(),
            intake: Vec::new(),
            withdrawn: Vec::new(),
            memories: BTreeMap::new(),
            given_back: BTreeMap::new(),
            fees_booked: BTreeMap::new(),
            granted: BTreeMap::new(),
            days: Vec::new(),
            settled: BTreeMap::new(),
            copies: Vec::new(),
        }
    }

    /// What has been granted of each budget; nothing of those that nothing was granted of.
    pub fn granted(&self) -> BTreeMap<&str, i64> {
        self.granted.iter().map(|(name, minor)| (name.as_str(), *minor)).filter(|(_, minor)| *minor != 0).collect()
    }

    /// Closes a day over the records that its files brought, after some files of closed days were taken back.
    pub fn close(&mut self, day: Day, intake: &[(u32, Record)], withdrawn: &[u32]) -> Closed {
        let mut files: BTreeMap<u32, BTreeMap<Reason, u64>> = BTreeMap::new();
        let withdrawals::Undone { mut rulings, mut again, waiting: mut cases, reopened } = self.take_back(day, withdrawn, intake);
        let carried = self.held.iter().map(|(record, _)| record).chain(reopened.iter().map(|(record, ..)| record));
        let mut ids: Vec<RecordId> = intake.iter().map(|(_, record)| record).chain(carried).map(Record::id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            self.settle_id(id, day, (intake, &reopened), &mut cases, &mut files);
        }
        self.intake.extend(intake.iter().map(|(file, record)| (day, *file, *record)));
        self.days.push(day);
        self.copies.clear();
        for account in accounts(&cases) {
            let mut own: Vec<&mut Case> = cases.iter_mut().filter(|case| account_of(case) == account).collect();
            own.sort_by_cached_key(|case| event_key(&case.record, self.symbols));
            self.copies.extend(evidence::hold_clones(&mut own));
            evidence::hold_unproven(&mut own);
        }
        let mut everyone: Vec<String> = self.memories.keys().cloned().chain(accounts(&cases)).collect();
        everyone.sort();
        everyone.dedup();
        for account in everyone {
            let mut own: Vec<&mut Case> = cases.iter_mut().filter(|case| account_of(case) == account).collect();
            own.sort_by_cached_key(|case| event_key(&case.record, self.symbols));
            let memory = self.memories.entry(account).or_default();
            again.extend(memory.fold(self.scheme, self.symbols, &self.days, &mut own, &self.settled));
        }
        budgets::grant(self.symbols, cases.iter_mut().chain(again.iter_mut().map(|again| &mut again.case)), &mut self.granted);
        for again in again {
            let line_day = again.settled.as_ref().map_or(day, |settled| settled.day);
            let fee_minor = again.case.price.as_ref().map_or(0, |price| self.fee_minor(price));
            rulings.extend(fold::again_rulings(&again, day, fee_minor));
            if !again.case.flags.has(Flags::WITHDRAWN) {
                self.settle(&again.case, line_day, fee_minor);
            }
        }
        for price in cases.iter_mut().filter_map(|case| case.price.as_mut()) {
            price.fee_minor = self.fee_minor(price);
        }
        rulings.extend(self.refund(day, &mut cases));
        for case in cases {
            if case.finding.reason == Reason::Cleared && !refunds::gives_back(case.record.kind) {
                self.settle(&case, day, case.price.as_ref().map_or(0, |price| price.fee_minor));
            }
            let ruling = self.rule(case, day, &mut files);
            if ruling.reason.outcome() != Outcome::Held {
                self.standing.push((day, ruling.record, ruling.reason));
            }
            rulings.push(ruling);
        }
        self.held = rulings.iter().filter(|ruling| ruling.reason.outcome() == Outcome::Held).map(|ruling| (ruling.record, ruling.held_since)).collect();
        self.final_rulings.extend(rulings.iter().filter(|ruling| ruling.reason.outcome() != Outcome::Held).cloned());
        let day_fees = self.day_fees();
        Closed { rulings, day_fees, files }
    }

    /// Every fee per service day, reckoned anew from all rides of all days, and which of them changed.
    fn day_fees(&mut self) -> Vec<DayFee> {
        let fees = &self.scheme.fees;
        let mut sums: BTreeMap<(Day, Symbol, Symbol, Symbol), (i64, i64)> = BTreeMap::new();
        for ruling in self.final_rulings.iter().filter(|ruling| ruling.flags.has(Flags::RIDE)) {
            let Price { issuer, earner, product, fee_day, charged_minor, .. } = ruling.price;
            let refund = matches!(ruling.record.kind, RecordKind::Refund | RecordKind::Reversal);
            if refund && !fees.rule(earner, issuer, product, fee_day).is_some_and(|rule| rule.refunded) {
                continue;
            }
            let sum = sums.entry((fee_day, earner, issuer, product)).or_default();
            *sum = (sum.0 + charged_minor, sum.1 + ruling.price.earned_minor());
        }
        let mut changed = Vec::new();
        for (key, (charged_minor, earned_minor)) in sums {
            let (day, earner, issuer, product) = key;
            let due = fees.day_fee_minor(earner, issuer, product, day, charged_minor, earned_minor);
            let booked = self.fees_booked.entry(key).or_default();
            if *booked != due {
                changed.push((day, earner, issuer, product, *booked, due));
                *booked = due;
            }
        }
        changed
    }

    fn fee_minor(&self, price: &Price) -> i64 {
        let Price { issuer, earner, product, list_minor, charged_minor, fee_day, .. } = *price;
        if (list_minor, charged_minor) == (0, 0) { 0 } else { self.scheme.fee_minor(earner, issuer, product, fee_day, charged_minor, price.earned_minor()) }
    }

    /// Notes what has been settled for a ride, or that one that was settled is no more.
    fn settle(&mut self, case: &Case, day: Day, fee_minor: i64) {
        let id = case.record.id();
        let known = self.settled.get(&id).cloned();
        let price = match (&case.price, &known) {
            (Some(price), _) => Price { fee_minor, ..price.clone() },
            (None, Some(known)) => Price { issuer: known.price.issuer, earner: known.price.earner, product: known.price.product, ..Price::default() },
            (None, None) => return,
        };
        let service_day = known.map_or(case.service_day, |known| known.service_day);
        let price = Price { fee_day: service_day, ..price };
        self.settled.insert(id, Settled { day, service_day, price, wants: case.wants.clone() });
    }

    /// Sorts all copies of one id into versions, counts the duplicates, and makes a case of every version that is new or held.
    fn settle_id(
        &self,
        id: RecordId,
        day: Day,
        (intake, reopened): (&[(u32, Record)], &[Copy]),
        cases: &mut Vec<Case>,
        files: &mut BTreeMap<u32, BTreeMap<Reason, u64>>,
    ) {
        let mut copies: Vec<Copy> = self.held.iter().filter(|(record, _)| record.id() == id).map(|&(record, since)| (record, u32::MAX, Some(since))).collect();
        copies.extend(reopened.iter().filter(|(record, ..)| record.id() == id));
        copies.extend(intake.iter().filter(|(_, record)| record.id() == id).map(|&(file, record)| (record, file, None)));
        // The earliest copy of a version stands for it; one that an earlier close has listed already goes on standing.
        copies.sort_by_key(|(record, file, carried)| (carried.is_none(), record.arrival, record.source_ref, *file));
        let decided: Vec<&(Day, Record, Reason)> = self.standing.iter().filter(|(_, record, _)| record.id() == id).collect();
        // A version that lost against another one contests nothing later; a refund that is judged anew today goes on doing so.
        let judged_anew = cases.iter().any(|case| case.carried == Some(day) && case.record.id() == id);
        let taken = judged_anew || decided.iter().any(|(.., reason)| *reason != Reason::ConflictLost);
        let mut versions: Vec<(Record, u32, Option<Day>)> = Vec::new();
        for (record, file, carried) in copies {
            let waits = cases.iter().any(|case| case.carried == Some(day) && case.record.same_content(&record));
            let known = waits || decided.iter().any(|(_, earlier, _)| earlier.same_content(&record));
            let version = versions.iter_mut().find(|version| version.0.same_content(&record));
            if known || version.is_some() {
                assert!(carried.is_none(), "a held record is held once");
                *files.entry(file).or_default().entry(Reason::Duplicate).or_default() += 1;
            }
            match version {
                Some(version) => version.0.arrival = version.0.arrival.min(record.arrival),
                None if !known => versions.push((record, file, carried)),
                None => {}
            }
        }
        let first = versions.iter().map(|(record, ..)| record.arrival).min();
        let several = versions.len() > 1 || taken;
        for (record, file, carried) in versions {
            let mut finding = registry::find(self.scheme, day, &record, carried.is_some());
            let lost = match self.scheme.conflict {
                ConflictPolicy::HoldAll => several.then_some(Reason::Conflict),
                ConflictPolicy::FirstWins => (taken || Some(record.arrival) != first).then_some(Reason::ConflictLost),
            };
            finding.reason = lost.unwrap_or(finding.reason);
            let service_day = self.scheme.clock.service_day(record.time);
            let flags = finding.flags;
            cases.push(Case { record, carried, file, finding, price: None, flags, service_day, wants: Vec::new(), returned: Vec::new() });
        }
    }

    fn rule(&self, case: Case, day: Day, files: &mut BTreeMap<u32, BTreeMap<Reason, u64>>) -> Ruling {
        let Case { record, carried, file, finding, price, mut flags, service_day, .. } = case;
        let since = carried.unwrap_or(day);
        let mut reason = finding.reason;
        if carried.is_some() {
            flags.set(Flags::CARRIED);
            if reason.outcome() == Outcome::Held && i64::from(day.0) - i64::from(since.0) > i64::from(self.scheme.limits.hold_days) {
                reason = Reason::HoldExpired;
            }
            if reason == Reason::Cleared && since < day {
                flags.set(Flags::RELEASED);
            }
        } else {
            *files.entry(file).or_default().entry(reason).or_default() += 1;
        }
        // What came in after its own service day was closed.
        if carried.is_none() && self.scheme.clock.service_day(record.time) < day {
            flags.set(Flags::LATE);
        }
        if price.is_some() {
            flags.set(Flags::RIDE);
        }
        Ruling { record, reason, flags, service_day, held_since: since, price: price.unwrap_or_default() }
    }
}

/// What prices belong to: the account's name; a record without a card is alone.
fn account_of(case: &Case) -> String {
    if case.finding.account.is_empty() { format!("alone {:?}", case.record.id()) } else { format!("account {}", case.finding.account.as_str()) }
}

fn accounts(cases: &[Case]) -> Vec<String> {
    let mut accounts: Vec<String> = cases.iter().map(account_of).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

/// Event order: time, terminal (shorter first, then bytes), sequence, epoch; where there is no sequence, the id.
pub fn event_key(record: &Record, symbols: &SymbolTable) -> (i64, usize, String, u64, u64, IdKind) {
    let terminal = symbols.text(record.terminal).to_string();
    let [high, low] = if record.id_kind == IdKind::Sequence { [u64::from(record.epoch), record.sequence] } else { record.id_bits };
    (record.time.0, terminal.len(), terminal, low, high, record.id_kind)
}
