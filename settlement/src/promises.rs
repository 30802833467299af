//! What settlement promises, held against a slow and obvious second way.
//!
//! The second way knows decisions and double entry, and none of the code that writes files; files are read back with a
//! CSV library. The ledger's part is played by sums over [`domain::Entry`].

use crate::adjust::Corrected;
use crate::conserve::Booked;
use crate::pass::Feed;
use crate::roster::Roster;
use crate::settle::{Anchor, DayBook, Drafted, publish};
use crate::tally::{DaySums, Outcomes};
use crate::trial::{AccountDay, Sides};
use crate::{CardDisplay, Column, FunderGroup, House, Published, SettleError};
use domain::record::{CardToken, SourceRef};
use domain::symbol::SymbolCache;
use domain::{Day, Decision, Discount, Entry, EventTime, Flags, Outcome, Party, PartyKind, Reason, Record, RecordKind, Role, Symbol, SymbolTable};
use ledger::{DecisionBlock, ServiceFee};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use sm3::Sm3;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DAY: Day = Day(20_514);
const MIDNIGHT_MS: i64 = 1_772_380_800_000;
const PARTIES: [(&str, PartyKind); 8] = [
    ("bank-01", PartyKind::Bank),
    ("bank-02", PartyKind::Bank),
    ("bus-01", PartyKind::Operator),
    ("metro-01", PartyKind::Operator),
    ("venue-07", PartyKind::Venue),
    ("fund-01", PartyKind::Fund),
    ("quiet-01", PartyKind::Merchant),
    ("hub", PartyKind::Hub),
];

fn house(symbols: &SymbolTable, cards: CardDisplay, list_zero_rides: bool) -> House<'_> {
    let none = || (String::new(), String::new(), String::new());
    let parties: Vec<Party> = PARTIES
        .iter()
        .map(|(id, kind)| {
            let (name_en, name_zh, city) = none();
            let run_by = if *kind == PartyKind::Venue { symbols.intern("bus-01") } else { Symbol::NONE };
            Party { id: symbols.intern(id), kind: *kind, name_en, name_zh, run_by, city }
        })
        .collect();
    let group = |name: &str, ids: &[&str]| FunderGroup { name: name.to_owned(), parties: ids.iter().map(|id| symbols.intern(id)).collect() };
    House {
        parties,
        hub: symbols.intern("hub"),
        symbols,
        columns: Column::ALL.to_vec(),
        funder_groups: vec![group("fund", &["fund-01"]), group("own", &["bank-01", "bank-02", "bus-01", "metro-01"])],
        list_zero_rides,
        cards,
        minor_digits: 2,
        hold_days: 30,
        pseudonym_key: [5; 32],
        suite: domain::Suite::Standard,
    }
}

/// What a decision is made from: numbers that choose.
type Shape = (u8, u8, u8, u8, i64, i64, i64, u8);

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    prop::collection::vec((0u8..10, 0u8..4, 0u8..4, 0u8..5, -300i64..2_000, 0i64..500, 0i64..20, 0u8..30), 0..70)
}

fn decision(symbols: &SymbolTable, at: usize, shape: Shape) -> Decision {
    let (fate, issuer, earner, place, charged_minor, discount_minor, fee_minor, card) = shape;
    let party = |id: &str| symbols.intern(id);
    let record = Record {
        time: EventTime(MIDNIGHT_MS + at as i64 / 3 * 41_000),
        offset_min: 480,
        terminal: party("T,1"),
        sequence: at as u64,
        location: party("station:12"),
        source_ref: SourceRef::new(format!("\"{at}").as_bytes()).expect("short"),
        card: CardToken::new(format!("TOKEN{card}").as_bytes()).expect("short"),
        amount_minor: charged_minor,
        ..Record::blank(RecordKind::Payment)
    };
    let reason = [Reason::Grey, Reason::OverLimit, Reason::TooOld, Reason::Duplicate].get(usize::from(fate)).copied().unwrap_or(Reason::Cleared);
    let mut decision = Decision::unpriced(record, reason, DAY, Day(DAY.0 - i32::from(card)));
    decision.issuer = [party("bank-01"), party("bank-02"), party("bank-01"), Symbol::NONE][usize::from(issuer)];
    decision.earner = [party("bus-01"), party("metro-01"), party("bank-01"), party("bus-01")][usize::from(earner)];
    decision.venue = if place == 0 { party("venue-07") } else { Symbol::NONE };
    decision.product = party(if place == 1 { "retail" } else { "transit" });
    if reason != Reason::Cleared || fate == 9 {
        return decision;
    }
    decision.flags = if fate == 8 { Flags::RIDE.with(Flags::CAPPED).with(Flags::LATE).with(Flags::CARRIED) } else { Flags::RIDE };
    let funders = [Symbol::NONE, decision.earner, party("fund-01"), party("bank-02"), Symbol::NONE];
    let funder = funders[usize::from(place)];
    if !decision.issuer.is_none() {
        decision.charged_minor = if fate == 7 { 0 } else { charged_minor };
        decision.fee_minor = if charged_minor > 0 { fee_minor } else { 0 };
    }
    if !funder.is_none() {
        decision.discounts[0] = Discount { funder, amount_minor: discount_minor };
    }
    decision.list_minor = decision.charged_minor + decision.discounts[0].amount_minor;
    if fate == 5 && card < 15 && discount_minor != 0 {
        // Money of a ride that one operator hands on to the other, today's or a correction.
        let giver = if decision.earner == party("metro-01") { "bus-01" } else { "metro-01" };
        decision.flags = Flags::SHARE.with(Flags::CARRIED).with(if card < 5 { Flags::CORRECTS } else { Flags(0) });
        decision.discounts[0] = Discount { funder: party(giver), amount_minor: discount_minor };
        (decision.list_minor, decision.charged_minor, decision.fee_minor) = (0, 0, 0);
    } else if fate == 6 && card < 15 {
        decision.flags = Flags::RIDE.with(Flags::CARRIED).with(Flags::CORRECTS).with(Flags::CAPPED);
    }
    decision
}

/// Some fees per service day, none of them of zero.
fn service_fees(shapes: &[Shape]) -> Vec<ServiceFee> {
    let fees = shapes.iter().filter(|shape| shape.0 == 4).map(|&(_, issuer, earner, place, charged_minor, due_minor, booked_minor, day)| ServiceFee {
        earner: ["bus-01", "metro-01", "bank-01", "quiet-01"][usize::from(earner)].to_owned(),
        issuer: ["bank-01", "bank-02"][usize::from(issuer % 2)].to_owned(),
        product: if place == 1 { "retail" } else { "transit" }.to_owned(),
        service_day: Day(DAY.0 - i32::from(day)),
        charged_minor,
        earned_minor: charged_minor,
        old_minor: booked_minor,
        new_minor: due_minor,
    });
    fees.filter(|fee| fee.old_minor != fee.new_minor).collect()
}

/// The ledger's part, from entries.
fn book(decisions: &[Decision], fees: &[ServiceFee], house: &House<'_>, roster: &Roster) -> DayBook {
    let mut sums = DaySums::default();
    let mut accounts: BTreeMap<_, Sides> = BTreeMap::new();
    let mut movements_minor = vec![0; roster.members().len()];
    let mut outcomes = BTreeMap::new();
    for decision in decisions {
        *outcomes.entry(decision.reason.outcome()).or_insert(0) += u64::from(!decision.flags.has(Flags::CARRIED));
        let entry = Entry::of(decision, house.hub);
        let counts = decision.flags.has(Flags::RIDE) && !decision.flags.has(Flags::CORRECTS);
        sums.rides += u64::from(counts);
        sums.charged_rides += u64::from(counts && decision.charged_minor > 0);
        sums.capped_rides += u64::from(counts && decision.flags.has(Flags::CAPPED));
        sums.entries += u64::from(!entry.postings().is_empty());
        sums.gross_minor += decision.charged_minor;
        sums.fee_minor += decision.fee_minor;
        for posting in entry.postings() {
            let amount = posting.amount_minor;
            sums.postings += 1;
            sums.debit_minor += amount.max(0);
            sums.credit_minor += (-amount).max(0);
            let name = (house.symbols.text(posting.account.party), house.symbols.text(posting.account.product), posting.account.role);
            let sides = accounts.entry(name).or_default();
            sides.debit_minor += i128::from(amount.max(0));
            sides.credit_minor += i128::from((-amount).max(0));
            movements_minor[roster.seat(posting.account.party).index()] += i128::from(amount);
        }
    }
    for fee in fees {
        let due = fee.new_minor - fee.old_minor;
        sums.entries += 1;
        sums.fee_minor += due;
        for (party, role, amount) in [(fee.earner.as_str(), Role::Payable, due), ("hub", Role::FeeIncome, -due)] {
            let sides = accounts.entry((party.into(), fee.product.as_str().into(), role)).or_default();
            sides.debit_minor += i128::from(amount.max(0));
            sides.credit_minor += i128::from((-amount).max(0));
            sums.postings += 1;
            sums.debit_minor += amount.max(0);
            sums.credit_minor += (-amount).max(0);
            movements_minor[roster.seat(house.symbols.intern(party)).index()] += i128::from(amount);
        }
    }
    let count = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
    sums.outcomes = Outcomes { cleared: count(Outcome::Cleared), held: count(Outcome::Held), rejected: count(Outcome::Rejected) };
    let account = |((party, product, role), day)| AccountDay { party, product, role, opening: Sides::default(), day };
    DayBook {
        day: DAY,
        sequence: 1,
        booked: Booked { sums, movements_minor },
        accounts: accounts.into_iter().map(account).collect(),
        previous: BTreeMap::from([("bus-01".to_owned(), "00ff".to_owned())]),
        fees: fees.to_vec(),
        uploads: Vec::new(),
        oddities: Vec::new(),
        anchor: Anchor { height: 7, hash: [7; 32] },
        corrected: Corrected::of(&[]),
    }
}

/// Small blocks, so that a few decisions make several units.
fn settled(decisions: &[Decision], house: &House<'_>, out: &Path, workers: usize, spoil: impl FnOnce(&mut DayBook)) -> Result<Published, SettleError> {
    settled_with_fees((decisions, &[]), house, out, workers, spoil)
}

fn settled_with_fees(
    (decisions, fees): (&[Decision], &[ServiceFee]),
    house: &House<'_>,
    out: &Path,
    workers: usize,
    spoil: impl FnOnce(&mut DayBook),
) -> Result<Published, SettleError> {
    let roster = Roster::new(house)?;
    let mut book = book(decisions, fees, house, &roster);
    spoil(&mut book);
    let blocks: Vec<&[Decision]> = decisions.chunks(2).collect();
    let read = |block: usize, _: &mut SymbolCache<'_>, each: &mut dyn FnMut(&[Decision])| {
        each(blocks[block]);
        Ok(())
    };
    let drafted = Drafted::write(book.day, &Feed { blocks: blocks.len(), read: &read }, house, roster, out, workers)?;
    publish(book, drafted, house)
}

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(root).expect("inside").display().to_string(), std::fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// Lines, charges, fees and net of a party: what its files must come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums(u64, i64, i64, i64);

/// The slow way: each ride or share, each role. The details, and the adjustments.
fn plain(decisions: &[Decision], house: &House<'_>) -> BTreeMap<String, [Sums; 2]> {
    let mut all: BTreeMap<String, [Sums; 2]> = PARTIES.iter().map(|(id, _)| ((*id).to_owned(), <[Sums; 2]>::default())).collect();
    for decision in decisions.iter().filter(|decision| decision.flags.has(Flags::RIDE) || decision.flags.has(Flags::SHARE)) {
        let corrects = decision.flags.has(Flags::CORRECTS);
        let mut nets: BTreeMap<Symbol, i64> = BTreeMap::new();
        let mut paid = decision.charged_minor - decision.fee_minor;
        if decision.flags.has(Flags::RIDE) {
            *nets.entry(decision.issuer).or_default() -= decision.charged_minor;
            *nets.entry(decision.venue).or_default() += 0;
        }
        let mut moves = decision.charged_minor != 0 || decision.fee_minor != 0;
        for discount in decision.discounts.iter().filter(|discount| discount.amount_minor != 0 && discount.funder != decision.earner) {
            *nets.entry(discount.funder).or_default() -= discount.amount_minor;
            paid += discount.amount_minor;
            moves = true;
        }
        *nets.entry(decision.earner).or_default() += paid;
        for (party, net_minor) in nets.into_iter().filter(|(party, _)| !party.is_none() && (moves || corrects || house.list_zero_rides)) {
            let sums = &mut all.get_mut(&*house.symbols.text(party)).expect("a party")[usize::from(corrects)];
            *sums = Sums(sums.0 + 1, sums.1 + decision.charged_minor, sums.2 + decision.fee_minor, sums.3 + net_minor);
        }
    }
    all
}

/// Adds up a CSV file; the count is of the column `listed` where there is one, of lines otherwise.
fn read_back(csv: &[u8]) -> Sums {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().expect("a header").clone();
    let mut sums = Sums::default();
    for (at, line) in reader.records().enumerate() {
        let line = line.expect("a line");
        let named = |name: &str| header.iter().position(|column| column == name || column == format!("{name}_difference"));
        let field = |name: &str| named(name).map(|at| line[at].to_owned());
        let number = |name: &str| field(name).expect("a column").parse::<i64>().expect("a number");
        assert_eq!(number("line"), at as i64 + 1, "lines are numbered 1..n");
        let net_minor = if field("dc").as_deref() == Some("D") { -number("net_minor") } else { number("net_minor") };
        let count = field("listed").map_or(1, |listed| listed.parse().expect("a count"));
        sums = Sums(sums.0 + count, sums.1 + number("charged_minor"), sums.2 + number("fee_minor"), sums.3 + net_minor);
    }
    sums
}

/// The differences of fees in a file of adjustments; each is owed by whose file it is.
fn corrected(csv: &[u8]) -> Vec<i64> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().expect("a header").clone();
    let difference = |(at, line): (usize, Result<csv::StringRecord, csv::Error>)| {
        let line = line.expect("a line");
        let field = |name: &str| line[header.iter().position(|column| column == name).expect("a column")].to_owned();
        let number = |name: &str| field(name).parse::<i64>().expect("a number");
        let due = number("fee_minor_new") - number("fee_minor_old");
        if field("reason") != "service-day-fee" {
            return None;
        }
        assert_eq!((number("line"), number("fee_minor_difference"), number("net_minor_difference")), (at as i64 + 1, due, due.abs()));
        assert_eq!(field("dc").as_str(), if due > 0 { "D" } else { "C" });
        Some(due)
    };
    reader.records().enumerate().filter_map(difference).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn files_add_up_to_the_decisions_and_do_not_depend_on_workers(shapes in shapes(), zero in any::<bool>(), tokens in any::<bool>(), shangmi in any::<bool>()) {
        let symbols = SymbolTable::new();
        let mut house = house(&symbols, if tokens { CardDisplay::Tokens } else { CardDisplay::Pseudonyms }, zero);
        house.suite = if shangmi { domain::Suite::Shangmi } else { domain::Suite::Standard };
        let decisions: Vec<Decision> = shapes.iter().enumerate().map(|(at, &shape)| decision(&symbols, at, shape)).collect();
        let service_fees = service_fees(&shapes);
        let day = (decisions.as_slice(), service_fees.as_slice());
        let places: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a folder")).collect();
        for (place, workers) in places.iter().zip([1, 2, 4]) {
            let first = settled_with_fees(day, &house, place.path(), workers, |_| {}).expect("it settles");
            prop_assert!(!first.repeated);
            let again = settled_with_fees(day, &house, place.path(), 5 - workers, |_| {}).expect("it settles again");
            prop_assert_eq!(again, Published { repeated: true, ..first });
        }
        let files = tree(places[0].path());
        prop_assert_eq!(&files, &tree(places[1].path()));
        prop_assert_eq!(&files, &tree(places[2].path()));
        let due = |fee: &ServiceFee| fee.new_minor - fee.old_minor;
        let fees: i64 = decisions.iter().map(|decision| decision.fee_minor).sum::<i64>() + service_fees.iter().map(due).sum::<i64>();
        let known: Vec<_> = decisions.chunks(7).map(|some| DecisionBlock::encode(some, house.hub, &symbols).lines().clone()).collect();
        let mut nets = 0;
        for (party, [mut sums, adjusted]) in plain(&decisions, &house) {
            let file = |name: &str| files[&format!("{DAY}/{party}/{name}")].as_slice();
            prop_assert_eq!(read_back(file("detail.csv")), sums, "detail of {}", &party);
            let lines = known.iter().flat_map(|block| &block.parties).filter(|lines| *lines.party == party);
            prop_assert_eq!(lines.map(|lines| u64::from(lines.listed(zero))).sum::<u64>(), sums.0, "known lines of {}", &party);
            let own: Vec<i64> = service_fees.iter().filter(|fee| fee.earner == party).map(due).collect();
            prop_assert_eq!(corrected(file("adjustments.csv")), own.clone(), "fees in the adjustments of {}", &party);
            let own: i64 = own.into_iter().sum();
            let all = Sums(adjusted.0, adjusted.1, adjusted.2 + own, adjusted.3 - own);
            let mut told = read_back(file("adjustments.csv"));
            told.0 -= corrected(file("adjustments.csv")).len() as u64;
            prop_assert_eq!(told, all, "adjustments of {}", &party);
            sums = Sums(sums.0, sums.1 + all.1, sums.2 + all.2, sums.3 + all.3);
            if party == "hub" {
                sums = Sums(sums.0, sums.1, sums.2 + fees, sums.3 + fees);
            }
            prop_assert_eq!(read_back(file("summary.csv")), sums, "summary of {}", &party);
            let manifest: serde_json::Value = serde_json::from_slice(file("manifest.json")).expect("JSON");
            prop_assert_eq!(manifest["suite"].as_str(), Some(house.suite.name()));
            let totals = &manifest["totals"];
            prop_assert_eq!(totals["lines"].as_u64(), Some(sums.0));
            prop_assert_eq!(totals["gross_minor"].as_i64(), Some(sums.1));
            prop_assert_eq!(totals["fee_minor"].as_i64(), Some(sums.2));
            prop_assert_eq!(totals["credit_minor"].as_i64().zip(totals["debit_minor"].as_i64()).map(|(credit, debit)| credit - debit), Some(sums.3));
            for entry in manifest["files"].as_array().expect("files") {
                let bytes = file(entry["name"].as_str().expect("a name"));
                prop_assert_eq!(entry["size"].as_u64(), Some(bytes.len() as u64));
                let (name, digest) = if shangmi { ("sm3", Sm3::digest(bytes).to_vec()) } else { ("sha256", Sha256::digest(bytes).to_vec()) };
                let digest = crate::sink::hex(&digest);
                prop_assert_eq!(entry[name].as_str(), Some(digest.as_str()));
                prop_assert_eq!(entry.as_object().map(serde_json::Map::len), Some(4));
                prop_assert_eq!(entry["lines"].as_u64(), Some(csv::Reader::from_reader(bytes).records().count() as u64));
            }
            nets += sums.3;
        }
        prop_assert_eq!(nets, 0);
    }
}

fn some_decisions(symbols: &SymbolTable) -> Vec<Decision> {
    (0..60).map(|at| decision(symbols, at, (at as u8 % 10, at as u8 % 3, at as u8 % 2, at as u8 % 3, 200 + at as i64, 50, 2, at as u8 % 30))).collect()
}

#[test]
fn only_the_issuer_sees_its_tokens_and_no_two_receivers_share_pseudonyms() {
    let symbols = SymbolTable::new();
    let house = house(&symbols, CardDisplay::Pseudonyms, true);
    let out = tempfile::tempdir().expect("a folder");
    settled(&some_decisions(&symbols), &house, out.path(), 2, |_| {}).expect("it settles");
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut receivers = BTreeSet::new();
    for (name, bytes) in tree(out.path()).into_iter().filter(|(name, _)| name.ends_with(".csv")) {
        let party = name.split('/').nth(1).expect("a party").to_owned();
        if !party.starts_with("bank") {
            assert!(!String::from_utf8_lossy(&bytes).contains("TOKEN"), "{name} holds a token");
        }
        if !name.ends_with("detail.csv") {
            continue;
        }
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let lines: Vec<_> = reader.records().map(|line| line.expect("a line")).collect();
        for card in lines.iter().map(|line| line[6].to_owned()).filter(|card| !card.starts_with("TOKEN")) {
            assert_eq!(card.len(), 16);
            assert_eq!(*seen.entry(card).or_insert_with(|| party.clone()), party, "a pseudonym of two receivers");
            receivers.insert(party.clone());
        }
    }
    assert!(receivers.len() >= 3 && seen.len() > receivers.len(), "{receivers:?}");
}

#[test]
fn a_quiet_party_and_a_quiet_day_get_an_empty_set_with_zeros() {
    let symbols = SymbolTable::new();
    let house = house(&symbols, CardDisplay::Tokens, true);
    let out = tempfile::tempdir().expect("a folder");
    settled(&[], &house, out.path(), 2, |_| {}).expect("it settles");
    let files = tree(out.path());
    for (party, _) in PARTIES {
        for name in ["detail.csv", "adjustments.csv", "exceptions.csv", "summary.csv"] {
            let text = String::from_utf8(files[&format!("{DAY}/{party}/{name}")].clone()).expect("UTF-8");
            assert!(text.starts_with("line,") && text.ends_with('\n') && text.lines().count() == 1, "{party}/{name}");
        }
        let manifest: serde_json::Value = serde_json::from_slice(&files[&format!("{DAY}/{party}/manifest.json")]).expect("JSON");
        assert_eq!((manifest["totals"]["net_minor"].as_i64(), manifest["sequence"].as_i64()), (Some(0), Some(1)));
        assert_eq!(manifest["previous"].as_str(), (party == "bus-01").then_some("00ff"));
    }
    assert!(files.contains_key(&format!("{DAY}/hub/trial-balance.csv")) && files.contains_key(&format!("{DAY}/anchor.json")));
}

#[test]
fn a_day_that_does_not_add_up_is_not_published() {
    let symbols = SymbolTable::new();
    let house = house(&symbols, CardDisplay::Tokens, true);
    let decisions = some_decisions(&symbols);
    let spoils: [fn(&mut DayBook); 5] = [
        |book| book.booked.sums.gross_minor += 1,
        |book| book.booked.sums.outcomes.held += 1,
        |book| book.booked.sums.postings -= 1,
        |book| book.booked.movements_minor[0] += 1,
        |book| book.accounts[0].opening.debit_minor += 1,
    ];
    for spoil in spoils {
        let out = tempfile::tempdir().expect("a folder");
        let refused = settled(&decisions, &house, out.path(), 2, spoil);
        assert!(matches!(refused, Err(SettleError::Unequal { .. })), "{refused:?}");
        assert!(!out.path().join(DAY.to_string()).exists());
    }
}

#[test]
fn a_published_day_is_never_overwritten() {
    let symbols = SymbolTable::new();
    let house = house(&symbols, CardDisplay::Tokens, true);
    let decisions = some_decisions(&symbols);
    let out = tempfile::tempdir().expect("a folder");
    settled(&decisions, &house, out.path(), 2, |_| {}).expect("it settles");
    let before = tree(out.path());
    let other = settled(&decisions[..50], &house, out.path(), 2, |_| {});
    assert!(matches!(&other, Err(error @ SettleError::Published { .. }) if error.hint().is_some()), "{other:?}");
    let edited = out.path().join(format!("{DAY}/bus-01/detail.csv"));
    std::fs::write(&edited, b"edited").expect("a file");
    let again = settled(&decisions, &house, out.path(), 2, |_| {});
    assert!(matches!(again, Err(SettleError::Published { path, .. }) if path == edited));
    std::fs::write(&edited, &before[&format!("{DAY}/bus-01/detail.csv")]).expect("a file");
    settled(&decisions, &house, out.path(), 2, |_| {}).expect("what was put back is the same again");
    assert_eq!(tree(out.path()), before);
}

#[test]
fn decisions_out_of_order_or_for_unknown_parties_are_refused_by_any_number_of_workers() {
    let symbols = SymbolTable::new();
    let mut house = house(&symbols, CardDisplay::Tokens, true);
    let mut decisions = some_decisions(&symbols);
    let out = tempfile::tempdir().expect("a folder");
    for (one, other) in [(0, 59), (8, 40), (20, 22)] {
        decisions.swap(one, other);
        for workers in [1, 3] {
            let refused = settled(&decisions, &house, out.path(), workers, |_| {});
            assert!(matches!(refused, Err(SettleError::Disorder { .. })), "{one} and {other}: {refused:?}");
        }
        decisions.swap(one, other);
    }
    house.funder_groups.pop();
    let refused = settled(&decisions, &house, out.path(), 4, |_| {});
    assert!(matches!(refused, Err(SettleError::UngroupedFunder { .. })), "{refused:?}");
}
