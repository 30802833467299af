//! A line of a published file with all that makes it: the ride folded again, what stood before a correction, the original of
//! a refund, and the records behind it.

use super::{Booked, Decided, Explaining, Folded, Histories, Origin, gives_back, id_text};
use crate::failure::Failure;
use crate::steps::Steps;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Flags, Outcome, Reason, Record, RecordId};
use engine::account::{Known, Ride};
use engine::ingest::record_id_of;
use engine::scheme::Scheme;
use ledger::{Oddity, ServiceFee};
use settlement::{LineFile, Told};
use std::collections::{BTreeMap, BTreeSet};

/// A line of a party's file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub day: Day,
    pub party: String,
    pub file: LineFile,
    pub line: u64,
}

/// What is to be explained.
pub struct Item {
    pub place: Option<Place>,
    pub day: Day,
    pub told: Told,
}

/// A line with all that is known of it.
pub struct Explained {
    pub place: Option<Place>,
    pub day: Day,
    /// Closed under a scheme that was given.
    pub same_scheme: bool,
    /// Whether folding again comes to what is booked.
    pub agrees: bool,
    pub why: Why,
    /// The record, and those that its price is made with.
    pub records: Vec<(&'static str, Record, Vec<Origin>)>,
}

pub enum Why {
    Fee(ServiceFee),
    /// Two records that are odd together.
    Oddity(Box<Oddity>),
    /// Held or rejected.
    Not(Box<Decision>),
    /// A cleared record without a price of its own: the record that decides its ride.
    Part(Box<Decision>, Option<RecordId>),
    Refund {
        decision: Box<Decision>,
        original: Option<(RecordId, Booked)>,
    },
    Ride(Box<RideLine>),
}

/// A ride, a share of one, or a correction of one.
pub struct RideLine {
    pub decision: Decision,
    pub booked: Booked,
    /// What it costs as of the day; nothing where it is no ride.
    pub now: Option<Priced>,
    /// Of a correction: what was booked before, and how.
    pub before: Option<(Booked, Option<Priced>)>,
}

/// A ride taken out of its account.
pub struct Priced {
    pub ride: Ride,
    pub known: Known,
    pub entry: Known,
    /// Whether its steps end at what is booked.
    pub agrees: bool,
}

impl Priced {
    fn of(folded: &Folded, id: RecordId, booked: &Booked) -> Option<Self> {
        let ride = folded.ride_of(id)?.clone();
        let known = *folded.record(ride.at)?;
        let entry = ride.entry.and_then(|at| folded.record(at)).copied().unwrap_or(known);
        let agrees = ride.fare.list_minor == booked.list_minor && Steps::of(&ride, booked.charged_minor, &booked.discounts).is_some();
        Some(Self { ride, known, entry, agrees })
    }

    /// Its steps: to what is booked, or to its own fare where those do not lead there.
    #[must_use]
    pub fn steps(&self, booked: &Booked) -> Steps<'_> {
        let decided = if self.agrees { Steps::of(&self.ride, booked.charged_minor, &booked.discounts) } else { None };
        decided.unwrap_or_else(|| Steps::of_ride(&self.ride))
    }
}

/// Accounts folded as days left them; each is folded once.
type Folds = BTreeMap<(CardToken, Option<RecordId>, Day), Folded>;

/// Explains all of them together: accounts and records are looked for once.
///
/// # Errors
/// When the ledger cannot be read.
pub fn explain_all(explaining: &Explaining<'_>, items: Vec<Item>) -> Result<Vec<Explained>, Failure> {
    let Some(last) = items.iter().map(|item| item.day).max() else { return Ok(Vec::new()) };
    let (registry, _) = explaining.scheme_of(last);
    let decisions = || items.iter().filter_map(|item| if let Told::Decision(decision) = &item.told { Some(decision) } else { None });
    let priced = decisions().filter(|decision| decision.reason == Reason::Cleared && !gives_back(decision.record.kind));
    let accounts: BTreeSet<CardToken> =
        priced.map(|decision| explaining.account_of(&decision.record, registry)).filter(|account| !account.is_empty()).collect();
    let histories = explaining.histories(&accounts, registry)?;
    let originals: BTreeSet<RecordId> = decisions().filter_map(|decision| decision.record.original).collect();
    let originals = explaining.decisions_on(&originals)?;
    let named = odd_records(explaining, &items)?;
    let mut folds = Folds::new();
    let mut explained = Vec::new();
    for item in items {
        explained.push(explain(explaining, item, registry, &histories, (&originals, &named), &mut folds));
    }
    // The records behind all of them are looked for together.
    let ids: BTreeSet<RecordId> = explained.iter().flat_map(|one| one.records.iter().map(|(_, record, _)| record.id())).collect();
    let origins = explaining.origins(&ids, last)?;
    for (_, record, own) in explained.iter_mut().flat_map(|one| &mut one.records) {
        *own = origins.get(&record.id()).cloned().unwrap_or_default();
    }
    Ok(explained)
}

/// The records that oddities name, by id.
fn odd_records(explaining: &Explaining<'_>, items: &[Item]) -> Result<Vec<(String, Decided)>, Failure> {
    let mut cache = SymbolCache::new(explaining.symbols);
    let oddities = items.iter().filter_map(|item| if let Told::Oddity(oddity) = &item.told { Some(oddity) } else { None });
    let ids: BTreeSet<RecordId> =
        oddities.flat_map(|oddity| [&oddity.record.id, &oddity.other.id, &oddity.witness]).filter_map(|id| record_id_of(id, &mut cache)).collect();
    let found = explaining.decisions_on(&ids)?;
    Ok(found.into_iter().map(|decided| (id_text(decided.1.record.id(), explaining.symbols), decided)).collect())
}

/// The records of an oddity, as the days up to its own decided on them.
fn records_of(oddity: &Oddity, day: Day, named: &[(String, Decided)]) -> Vec<(&'static str, Record)> {
    let known = |id: &str, time_ms: Option<i64>| {
        let fits = |decided: &&(String, Decided)| decided.0 == id && decided.1.0 <= day && time_ms.is_none_or(|ms| decided.1.1.record.time.0 == ms);
        named.iter().rfind(fits).map(|(_, (_, decision))| decision.record)
    };
    let parts = [
        ("record", known(&oddity.record.id, Some(oddity.record.time_ms))),
        ("other", known(&oddity.other.id, Some(oddity.other.time_ms))),
        ("witness", known(&oddity.witness, None)),
    ];
    parts.into_iter().filter_map(|(part, record)| record.map(|record| (part, record))).collect()
}

fn explain(
    explaining: &Explaining<'_>,
    Item { place, day, told }: Item,
    registry: &Scheme,
    histories: &Histories,
    (originals, named): (&[Decided], &[(String, Decided)]),
    folds: &mut Folds,
) -> Explained {
    let (scheme, same_scheme) = explaining.scheme_of(day);
    let make = |agrees, why, records: Vec<(&'static str, Record)>| Explained {
        place: place.clone(),
        day,
        same_scheme,
        agrees,
        why,
        records: records.into_iter().map(|(part, record)| (part, record, Vec::new())).collect(),
    };
    let decision = match told {
        Told::Fee(fee) => return make(true, Why::Fee(fee), Vec::new()),
        Told::Oddity(oddity) => {
            let records = records_of(&oddity, day, named);
            return make(true, Why::Oddity(oddity), records);
        }
        Told::Decision(decision) => decision,
    };
    let record = decision.record;
    if decision.reason.outcome() != Outcome::Cleared {
        return make(true, Why::Not(decision), vec![("record", record)]);
    }
    if gives_back(record.kind) {
        let named = record.original.and_then(|id| Some((id, Booked::of(originals, id, |decided| decided <= day)?)));
        let first = record.original.and_then(|id| originals.iter().find(|(_, decision)| decision.record.id() == id));
        let records = [("record", record)].into_iter().chain(first.map(|(_, decision)| ("original", decision.record)));
        return make(named.is_some(), Why::Refund { decision, original: named }, records.collect());
    }
    let account = explaining.account_of(&record, registry);
    let alone = [(day, *decision)];
    let past: &[Decided] = if account.is_empty() { &alone } else { histories.get(&account).map_or(&alone[..], Vec::as_slice) };
    // A record without a card is an account of its own.
    let alone_of = account.is_empty().then(|| record.id());
    let fold = |day: Day| explaining.as_of(past, day, scheme);
    let folded = &*folds.entry((account, alone_of, day)).or_insert_with(|| fold(day));
    let is_priced = decision.flags.has(Flags::RIDE) || decision.flags.has(Flags::SHARE);
    if !is_priced {
        let decides = folded.ride_from(record.id()).and_then(|ride| folded.record(ride.at)).map(|known| known.record.id());
        return make(true, Why::Part(decision, decides), vec![("record", record)]);
    }
    let booked = Booked::of(past, record.id(), |decided| decided <= day).unwrap_or_default();
    let now = Priced::of(folded, record.id(), &booked);
    let before = decision.flags.has(Flags::CORRECTS).then(|| {
        let booked = Booked::of(past, record.id(), |decided| decided < day).unwrap_or_default();
        let earlier = explaining.closed_days().into_iter().rev().find(|closed| *closed < day);
        let told = earlier.and_then(|earlier| Priced::of(folds.entry((account, alone_of, earlier)).or_insert_with(|| fold(earlier)), record.id(), &booked));
        (booked, told)
    });
    let agrees = now.as_ref().map_or(booked.list_minor == 0 && booked.charged_minor == 0, |told| told.agrees);
    let mut records = vec![("decides", record)];
    if let Some(told) = now.as_ref().filter(|told| told.ride.entry.is_some()) {
        records.insert(0, ("begins", told.entry.record));
    }
    make(agrees, Why::Ride(Box::new(RideLine { decision: *decision, booked, now, before })), records)
}
