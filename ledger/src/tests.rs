//! What the ledger promises, one test each. Rows and days are made up here; nothing is read from outside but the golden
//! block.

mod anchored;
mod blocks;
mod promises;
mod recount;
mod tampering;

use crate::storage::Database;
use crate::{DayTotals, DecisionBlock, Event, FileOutcomes, FileState, Group, IntakeBlock, Ledger, LedgerOptions, ServiceFees};
use domain::record::{CardToken, IdKind, SourceRef};
use domain::{Day, Decision, Discount, EventTime, Flags, Reason, Record, RecordId, RecordKind, Symbol, SymbolTable};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const DAY: Day = Day(20_514);
const SCHEME: [u8; 32] = [7; 32];

fn options() -> LedgerOptions {
    LedgerOptions { free_bytes_min: 0, ..LedgerOptions::default() }
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, &options()).expect("opens")
}

/// Changes what is stored behind the ledger's back.
fn put(ledger: &Ledger, family: &str, key: &[u8], value: &[u8]) {
    let mut batch = ledger.db.batch(0);
    batch.put(family, key, value);
    batch.commit().expect("writes");
}

fn delete(ledger: &Ledger, family: &str, key: &[u8]) {
    let mut batch = ledger.db.batch(0);
    batch.delete(family, key);
    batch.commit().expect("writes");
}

fn get(ledger: &Ledger, family: &str, key: &[u8]) -> Vec<u8> {
    (*ledger.db.get(family, key).expect("reads").expect("it is there")).as_ref().to_vec()
}

/// Symbols 1 to 12 are parties, places and products of several lengths; 13 on are numbers.
fn names() -> SymbolTable {
    let table = SymbolTable::new();
    for name in
        ["bank-01", "bank-02", "bus-01", "metro-01", "fund-01", "hub", "transit", "retail", "station:197", "线路:5", "x", "a name of more than sixteen bytes"]
    {
        table.intern(name);
    }
    for number in 10_000..10_040 {
        table.intern(&number.to_string());
    }
    table
}

const HUB: Symbol = Symbol(6);

fn records(count: u64) -> Vec<Record> {
    let record = |row: u64| Record {
        time: EventTime(1_772_380_800_000 + row.cast_signed() * 1000),
        sequence: row * 7 % 101,
        terminal: Symbol(13 + (row % 40) as u32),
        issuer: Symbol(1 + (row % 2) as u32),
        operator: Symbol(3 + (row % 2) as u32),
        amount_minor: 200 + (row % 3).cast_signed() * 50,
        source_ref: SourceRef::new(row.to_string().as_bytes()).expect("short"),
        card: CardToken::new(format!("{:07}", row * 131 % 9973).as_bytes()).expect("short"),
        ..Record::blank(RecordKind::Boarding)
    };
    (1..=count).map(record).collect()
}

/// A charge, a fund's discount and a fee on every record.
fn decisions(records: &[Record]) -> Vec<Decision> {
    let decide = |record: &Record| {
        let mut discounts = [Discount::default(); 3];
        discounts[0] = Discount { funder: Symbol(5), amount_minor: 50 };
        Decision {
            flags: Flags::RIDE,
            issuer: record.issuer,
            earner: record.operator,
            product: Symbol(7),
            list_minor: record.amount_minor,
            charged_minor: record.amount_minor - 50,
            fee_minor: 1,
            discounts,
            ..Decision::unpriced(*record, Reason::Cleared, DAY, DAY)
        }
    };
    records.iter().map(decide).collect()
}

fn intake_of(records: &[Record], table: &SymbolTable) -> IntakeBlock {
    let rows: Vec<u64> = (1..=records.len() as u64).collect();
    IntakeBlock::encode(records, &rows, table)
}

/// Takes in a file of these records; returns its id.
fn book(ledger: &mut Ledger, digest: u8, records: &[Record], table: &SymbolTable) -> u32 {
    let id = start(ledger, digest);
    let mut group = Group::new();
    group.intake(id, intake_of(records, table));
    group.event(Event::FileBooked { file: id, received: records.len() as u64, refused: 0, repeats: 0 });
    ledger.commit(group).expect("commits");
    id
}

fn start(ledger: &mut Ledger, digest: u8) -> u32 {
    let id = ledger.next_file_id();
    commit(ledger, Event::FileStarted { digest: [digest; 32], name: format!("{digest}.csv"), sender: "bus-01".to_owned(), bytes: 10 });
    id
}

fn commit(ledger: &mut Ledger, event: Event) {
    let mut group = Group::new();
    group.event(event);
    ledger.commit(group).expect("commits");
}

fn totals_of(blocks: &[DecisionBlock]) -> DayTotals {
    let mut totals = DayTotals::default();
    for block in blocks {
        let posted = block.posted();
        totals.entries += posted.entries;
        totals.postings += posted.postings;
        totals.debit_minor += i64::try_from(posted.debit_minor).expect("small");
        totals.credit_minor += i64::try_from(posted.credit_minor).expect("small");
    }
    totals
}

/// The totals of cleared rides on as many records, each from one intake row.
fn of_rides(decisions: &[Decision]) -> DayTotals {
    let count = decisions.len() as u64;
    DayTotals {
        received: count,
        cleared: count,
        rides: count,
        charged_rides: count,
        gross_minor: decisions.iter().map(|decision| decision.charged_minor).sum(),
        fee_minor: decisions.iter().map(|decision| decision.fee_minor).sum(),
        ..DayTotals::default()
    }
}

/// Closes the day with decisions in blocks of three, all of them rides on its own records.
fn close(ledger: &mut Ledger, day: Day, decisions: &[Decision], table: &SymbolTable) {
    close_saying(ledger, day, decisions, of_rides(decisions), table);
}

/// Closes the day with these counts; what is posted is added to them.
fn close_saying(ledger: &mut Ledger, day: Day, decisions: &[Decision], counts: DayTotals, table: &SymbolTable) {
    let files = outcomes_of_files(ledger, day, decisions);
    close_with(ledger, day, (decisions, counts), files, ServiceFees::default(), table);
}

/// The same with what is said of files, and fees per service day.
fn close_with(ledger: &mut Ledger, day: Day, (decisions, counts): (&[Decision], DayTotals), files: Vec<FileOutcomes>, fees: ServiceFees, table: &SymbolTable) {
    let blocks: Vec<_> = decisions.chunks(3).map(|chunk| DecisionBlock::encode(chunk, HUB, table)).collect();
    let DayTotals { entries, postings, debit_minor, credit_minor, .. } = totals_of(&blocks);
    let due: Vec<i64> = fees.list.iter().map(|fee| fee.new_minor - fee.old_minor).collect();
    let moved_minor = due.iter().map(|due| due.abs()).sum::<i64>();
    let totals = DayTotals {
        entries: entries + due.len() as u64,
        postings: postings + 2 * due.len() as u64,
        debit_minor: debit_minor + moved_minor,
        credit_minor: credit_minor + moved_minor,
        fee_minor: counts.fee_minor + due.iter().sum::<i64>(),
        ..counts
    };
    commit(ledger, Event::CloseStarted { day, scheme: SCHEME });
    for block in blocks {
        let mut group = Group::new();
        group.decisions(block);
        ledger.commit(group).expect("commits");
    }
    commit(ledger, Event::Closed { day, totals, next: day.next(), files, fees, oddities: Vec::new() });
}

fn closed(day: Day, totals: DayTotals) -> Event {
    Event::Closed { day, totals, next: day.next(), files: Vec::new(), fees: ServiceFees::default(), oddities: Vec::new() }
}

/// What became of the one file of a day, if it has one: what the decisions say, and repeats.
fn outcomes_of_files(ledger: &Ledger, day: Day, decisions: &[Decision]) -> Vec<FileOutcomes> {
    let booked: Vec<_> = ledger.files().iter().filter(|file| file.day == day && file.state == FileState::Booked).collect();
    let [file] = booked.as_slice() else { return Vec::new() };
    let mut by_reason: BTreeMap<u16, u64> = BTreeMap::from([(Reason::Malformed.number(), file.refused)]);
    for decision in decisions.iter().filter(|decision| !decision.flags.has(Flags::CARRIED)) {
        *by_reason.entry(decision.reason.number()).or_default() += 1;
    }
    by_reason.insert(Reason::Duplicate.number(), (file.received + file.refused).saturating_sub(by_reason.values().sum()));
    by_reason.retain(|_, count| *count > 0);
    vec![FileOutcomes { file: file.id, by_reason: by_reason.into_iter().collect() }]
}

/// A ledger with one closed day of one file.
fn closed_day(path: &Path, table: &SymbolTable) -> Ledger {
    let mut ledger = open(path);
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let records = records(10);
    book(&mut ledger, 1, &records, table);
    close(&mut ledger, DAY, &decisions(&records), table);
    ledger
}

/// Any symbol of [`names`], absent more often than not.
fn any_symbol() -> impl Strategy<Value = Symbol> {
    prop_oneof![2 => Just(Symbol::NONE), 1 => (1u32..53).prop_map(Symbol)]
}

fn any_original() -> impl Strategy<Value = Option<RecordId>> {
    prop_oneof![
        3 => Just(None),
        1 => (any_symbol(), 0u32..3, any::<u64>()).prop_map(|(terminal, epoch, sequence)| Some(RecordId::Sequence { terminal, epoch, sequence })),
        1 => any::<[u64; 2]>().prop_map(|bits| Some(RecordId::Columns(bits))),
        1 => (0u64..2, 0u64..2).prop_map(|(high, low)| Some(RecordId::FileRow([high, low]))),
    ]
}

prop_compose! {
    fn any_record()(
        (kind, id_kind, grey) in (1u8..10, 0u8..3, any::<bool>()),
        (offset_min, epoch, time, sequence) in (any::<i16>(), 0u32..3, prop_oneof![any::<i64>(), (0i64..99).prop_map(|s| s * 1000)], any::<u64>()),
        id_bits in prop_oneof![Just([0; 2]), any::<[u64; 2]>()],
        symbols in prop::array::uniform11(any_symbol()),
        amounts in (any::<i64>(), any::<Option<i64>>(), any::<Option<i64>>(), prop::option::of(-5i64..5)),
        (card_counter, hotlist_version) in (any::<Option<u32>>(), prop::option::of(1u32..2)),
        original in any_original(),
        (arrival, source_ref, card) in (any::<u64>(), "[0-9a-z]{0,16}", "[0-9]{1,24}"),
    ) -> Record {
        let [terminal, location, from, route, vehicle, mode, issuer, operator, class, medium, product] = symbols;
        Record {
            kind: RecordKind::from_code(kind).expect("a kind"),
            id_kind: IdKind::from_code(id_kind).expect("a kind"),
            offset_min, epoch, time: EventTime(time), sequence, id_bits,
            terminal, location, from, route, vehicle, mode, issuer, operator, class, medium, product,
            amount_minor: amounts.0, charged_minor: amounts.1, balance_before_minor: amounts.2, balance_after_minor: amounts.3,
            card_counter, hotlist_version, grey, original, arrival,
            source_ref: SourceRef::new(source_ref.as_bytes()).expect("short"),
            card: CardToken::new(card.as_bytes()).expect("short"),
        }
    }
}

/// Records of which some fields are alike in all: bit `n` of the mask makes field group `n` that of the first record.
fn any_records() -> impl Strategy<Value = Vec<Record>> {
    (prop::collection::vec(any_record(), 1..150), any::<u16>()).prop_map(|(mut records, alike)| {
        let first = records[0];
        for record in &mut records {
            let keep = |bit: u16| alike >> bit & 1 == 1;
            if keep(0) {
                (record.kind, record.id_kind, record.grey) = (first.kind, first.id_kind, first.grey)
            }
            if keep(1) {
                (record.offset_min, record.epoch, record.time) = (first.offset_min, first.epoch, first.time)
            }
            if keep(2) {
                (record.sequence, record.id_bits) = (first.sequence, first.id_bits)
            }
            if keep(3) {
                (record.terminal, record.location, record.from) = (first.terminal, first.location, first.from)
            }
            if keep(4) {
                (record.route, record.vehicle, record.mode, record.issuer) = (first.route, first.vehicle, first.mode, first.issuer)
            }
            if keep(5) {
                (record.operator, record.class, record.medium, record.product) = (first.operator, first.class, first.medium, first.product)
            }
            if keep(6) {
                (record.amount_minor, record.charged_minor) = (first.amount_minor, first.charged_minor)
            }
            if keep(7) {
                (record.balance_before_minor, record.balance_after_minor) = (first.balance_before_minor, first.balance_after_minor)
            }
            if keep(8) {
                (record.card_counter, record.hotlist_version) = (first.card_counter, first.hotlist_version)
            }
            if keep(9) {
                record.original = first.original
            }
            if keep(10) {
                (record.arrival, record.source_ref, record.card) = (first.arrival, first.source_ref, first.card)
            }
        }
        records
    })
}
