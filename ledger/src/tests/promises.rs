//! Days, files, balances: what counts, and what an open finds again.

use super::*;
use crate::{BlockLines, DayState, FileState, Head, LedgerError, PartyLines, Refusal, store};
use domain::Entry;
use domain::symbol::SymbolCache;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn a_second_open_is_refused_as_in_use() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    assert!(matches!(Ledger::open(dir.path(), &options()), Err(LedgerError::InUse)));
    drop(ledger);
    open(dir.path());
}

#[test]
fn no_ledger_is_made_unless_asked_for_and_none_on_a_full_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = dir.path().join("none");
    assert!(matches!(Ledger::open(&at, &LedgerOptions { create: false, ..options() }), Err(LedgerError::Absent)));
    assert!(matches!(Ledger::open_read_only(&at, &options()), Err(LedgerError::Absent)));
    assert!(!at.exists());
    assert!(matches!(Ledger::open(&at, &LedgerOptions { free_bytes_min: u64::MAX, ..options() }), Err(LedgerError::TooLittleDisk { .. })));
}

#[test]
fn an_open_finds_the_same_state_again() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    let id = start(&mut ledger, 2);
    let mut group = Group::new();
    let mut block = intake_of(&records(4), &table);
    block.set_repeats(vec![1, 3]);
    group.intake(id, block);
    group.refusals(id, &[Refusal { row: 5, column: "amount".to_owned(), problem: "is no number".to_owned() }]);
    group.checkpoint(3, b"key", b"value".to_vec());
    group.vault(CardToken::new(b"0000001").expect("short"), b"sealed".to_vec());
    ledger.commit(group).expect("commits");
    let before = (ledger.head(), ledger.days().to_vec(), ledger.files().to_vec(), ledger.balances().expect("reads"));
    drop(ledger);
    for ledger in [open(dir.path()), Ledger::open_read_only(dir.path(), &options()).expect("opens")] {
        assert_eq!((ledger.head(), ledger.days().to_vec(), ledger.files().to_vec(), ledger.balances().expect("reads")), before);
        assert_eq!(ledger.file(&[2; 32]).map(|file| (file.id, file.received, file.refused, file.repeats)), Some((id, 4, 1, 2)));
        let height = ledger.intake_blocks_of_file(id).expect("reads")[0].height;
        let rows = ledger.read_intake(height, &mut SymbolCache::new(&table)).expect("reads");
        assert_eq!((rows.file_id, rows.repeats, rows.records), (id, vec![1, 3], records(4)));
        assert_eq!(ledger.read_refusals(id).expect("reads")[0].row, 5);
        assert_eq!(ledger.checkpoints(3).expect("reads"), [(b"key".to_vec(), b"value".to_vec())]);
        assert_eq!(ledger.sealed(&CardToken::new(b"0000001").expect("short")).expect("reads").as_deref(), Some(&b"sealed"[..]));
        assert!(ledger.verify().expect("reads").is_clean());
    }
}

#[test]
fn only_files_that_are_booked_count() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let kept = book(&mut ledger, 1, &records(3), &table);
    let withdrawn = book(&mut ledger, 2, &records(4), &table);
    commit(&mut ledger, Event::FileWithdrawn { file: withdrawn, why: "wrong day".to_owned() });
    let abandoned = start(&mut ledger, 3);
    let mut group = Group::new();
    group.intake(abandoned, intake_of(&records(5), &table));
    group.event(Event::FileAbandoned { file: abandoned, why: "unreadable".to_owned() });
    ledger.commit(group).expect("commits");
    let counted: Vec<_> = ledger.intake_blocks(DAY).expect("reads").iter().map(|block| (block.file_id, block.count)).collect();
    assert_eq!(counted, [(kept, 3)]);
    // A file that came to nothing may come again, one that counts may not.
    let mut group = Group::new();
    group.event(Event::FileStarted { digest: [1; 32], name: String::new(), sender: String::new(), bytes: 0 });
    assert!(matches!(ledger.commit(group), Err(LedgerError::FileKnown { file, state: FileState::Booked }) if file == kept));
    assert_eq!(start(&mut ledger, 2), 4);
    assert!(ledger.verify().expect("reads").is_clean());
}

#[test]
fn decisions_count_from_their_closed_event_on() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let records = records(6);
    book(&mut ledger, 1, &records, &table);
    let decisions = decisions(&records);
    let mut group = Group::new();
    group.event(Event::CloseStarted { day: DAY, scheme: SCHEME });
    group.decisions(DecisionBlock::encode(&decisions[..2], HUB, &table));
    ledger.commit(group).expect("commits");
    drop(ledger);
    let mut ledger = open(dir.path());
    assert!(ledger.decision_blocks(DAY).expect("reads").is_empty() && ledger.balances().expect("reads").is_empty());
    let mut group = Group::new();
    group.decisions(DecisionBlock::encode(&decisions, HUB, &table));
    assert!(matches!(ledger.commit(group), Err(LedgerError::CloseNotStarted { .. })));
    close(&mut ledger, DAY, &decisions, &table);
    let mut symbols = SymbolCache::new(&table);
    let heights = ledger.decision_blocks(DAY).expect("reads");
    let found: Vec<Decision> = heights.iter().flat_map(|&height| ledger.read_decisions(height, &mut symbols).expect("reads")).collect();
    assert_eq!(found, decisions);
    assert_eq!(ledger.days().iter().map(|day| (day.day, day.state)).collect::<Vec<_>>(), [(DAY, DayState::Closed), (DAY.next(), DayState::Open)]);
    commit(&mut ledger, Event::Settled { day: DAY, manifests: [3; 32] });
    assert_eq!(ledger.day(DAY).map(|day| (day.state, day.manifests)), Some((DayState::Settled, Some([3; 32]))));
    let report = ledger.verify().expect("reads");
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!((report.records, report.decisions, report.head), (6, 6, ledger.head()));
}

#[test]
fn balances_are_the_sums_of_entries() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    let second = decisions(&records(7));
    close(&mut ledger, DAY.next(), &second, &table);
    let mut expected = BTreeMap::new();
    for decision in decisions(&records(10)).iter().chain(&second) {
        for posting in Entry::of(decision, HUB).postings() {
            let account = (table.text(posting.account.party), table.text(posting.account.product), posting.account.role);
            *expected.entry(account).or_insert(0i128) += i128::from(posting.amount_minor);
        }
    }
    let found: BTreeMap<_, _> = ledger.balances().expect("reads").into_iter().map(|b| ((b.party, b.product, b.role), b.debit_minor - b.credit_minor)).collect();
    assert_eq!(found, expected);
    assert_eq!(found.values().sum::<i128>(), 0);
    let day: i128 = ledger.balances_of_day(DAY.next()).expect("reads").iter().map(|b| b.debit_minor).sum();
    assert_eq!(day, second.iter().map(|decision| i128::from(decision.list_minor)).sum());
}

#[test]
fn a_group_that_breaks_a_rule_changes_nothing() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let id = start(&mut ledger, 1);
    let head = ledger.head();
    let refused = |ledger: &mut Ledger, event: Event| {
        let mut group = Group::new();
        group.intake(id, intake_of(&records(2), &table));
        group.event(event);
        ledger.commit(group).expect_err("breaks a rule")
    };
    let booked = Event::FileBooked { file: id, received: 3, refused: 0, repeats: 0 };
    assert!(matches!(refused(&mut ledger, booked), LedgerError::CountsDiffer { what: "records", .. }));
    let started = Event::CloseStarted { day: DAY, scheme: SCHEME };
    assert!(matches!(refused(&mut ledger, started), LedgerError::FileState { state: FileState::Receiving, .. }));
    let closed = closed(DAY, DayTotals::default());
    assert!(matches!(refused(&mut ledger, closed), LedgerError::DayState { state: DayState::Open, .. }));
    assert!(matches!(refused(&mut ledger, Event::FileAbandoned { file: 9, why: String::new() }), LedgerError::NoFile { file: 9 }));
    assert!(matches!(refused(&mut ledger, Event::DayOpened { day: DAY.next(), scheme: SCHEME }), LedgerError::DayState { .. }));
    assert_eq!((ledger.head(), ledger.files()[0].received), (head, 0));
    assert!(ledger.verify().expect("reads").is_clean());
}

#[test]
fn totals_that_are_not_what_was_posted_are_refused() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let block = DecisionBlock::encode(&decisions(&records(3)), HUB, &table);
    let totals = totals_of(std::slice::from_ref(&block));
    let mut group = Group::new();
    group.event(Event::CloseStarted { day: DAY, scheme: SCHEME });
    group.decisions(block);
    group.event(closed(DAY, DayTotals { debit_minor: totals.debit_minor + 1, ..totals }));
    assert!(matches!(ledger.commit(group), Err(LedgerError::TotalsDiffer { what: "sum of debits", .. })));
}

#[test]
fn a_head_known_from_outside_must_be_in_the_chain() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let ledger = closed_day(dir.path(), &table);
    let head = ledger.head();
    drop(ledger);
    let with = |anchor: Head| Ledger::open(dir.path(), &LedgerOptions { anchor: Some(anchor), ..options() }).map(|ledger| ledger.head());
    assert_eq!(with(head).expect("opens"), head);
    let not_extended = |head: Head| if let Err(LedgerError::NotExtended(why)) = with(head) { *why } else { panic!("{head:?} is not in the chain") };
    assert!(matches!(not_extended(Head { height: head.height + 1, ..head }), LedgerError::ChainEnds { .. }));
    assert!(matches!(not_extended(Head { hash: [1; 32], ..head }), LedgerError::HeadDiffers { .. }));
}

#[test]
fn the_index_knows_the_rows_of_every_block() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let sizes = [1, 255, 256, 300, crate::BLOCK_ROWS_MAX];
    let files: Vec<u32> = (1..).zip(sizes).map(|(digest, rows)| book(&mut ledger, digest, &records(rows as u64), &table)).collect();
    let indexed = ledger.intake_blocks(DAY).expect("reads");
    assert!(indexed.iter().map(|at| (at.file_id, at.count as usize)).eq(files.into_iter().zip(sizes)), "{indexed:?}");
}

#[test]
fn a_card_s_decisions_are_found_by_the_index_and_without_it() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let records = records(300);
    book(&mut ledger, 1, &records, &table);
    close(&mut ledger, DAY, &decisions(&records), &table);
    let all = ledger.decision_blocks(DAY).expect("reads");
    let mut cache = SymbolCache::new(&table);
    let mut holds = |height: u64, cards: &[CardToken]| {
        let mut found = false;
        ledger.each_decisions(height, &mut cache, |some| found |= some.iter().any(|decision| cards.contains(&decision.record.card))).expect("reads");
        found
    };
    let mut read = 0;
    for wanted in [&records[..1], &records[100..104], &records[298..]] {
        let cards: Vec<CardToken> = wanted.iter().map(|record| record.card).collect();
        let found = ledger.decision_blocks_of(DAY, &cards).expect("reads");
        assert!(all.iter().filter(|height| holds(**height, &cards)).all(|height| found.contains(height)), "none is left out");
        assert!(found.iter().is_sorted() && found.iter().all(|height| all.contains(height)));
        read += found.len();
    }
    assert!(read < all.len() / 2, "{read} blocks are read of three times {}", all.len());
    assert_eq!(ledger.verify().expect("reads").differences, []);
    // As an older version left it.
    let mut batch = ledger.db.batch(0);
    all.iter().for_each(|height| batch.delete(store::INDEX, &store::day_key(store::CARDS_AT, DAY, *height)));
    batch.commit().expect("deletes");
    assert_eq!(ledger.decision_blocks_of(DAY, &[records[0].card]).expect("reads"), all);
    assert_eq!(ledger.verify().expect("reads").differences.len(), all.len());
}

#[test]
fn how_many_lines_a_block_has_is_known_without_reading_it() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = open(dir.path());
    commit(&mut ledger, Event::DayOpened { day: DAY, scheme: SCHEME });
    let records = records(300);
    book(&mut ledger, 1, &records, &table);
    let mut decided = decisions(&records);
    decided[0].flags = Flags::default();
    decided[1].flags.set(Flags::CORRECTS);
    decided[2].discounts[0].funder = decided[2].earner;
    (decided[2].charged_minor, decided[2].list_minor, decided[2].fee_minor) = (0, 50, 0);
    close(&mut ledger, DAY, &decided, &table);
    let known = ledger.lines_of(DAY).expect("reads");
    assert!(known.keys().copied().eq(ledger.decision_blocks(DAY).expect("reads")) && known.len() > 1);
    let lines: Vec<&PartyLines> = known.values().flat_map(|block| &block.parties).collect();
    let sum =
        |party: &Symbol, count: fn(&PartyLines) -> u32| lines.iter().filter(|lines| lines.party == table.text(*party)).map(|lines| count(lines)).sum::<u32>();
    let of =
        |party: &Symbol, decided: &[Decision]| decided.iter().filter(|decision| [decision.issuer, decision.earner, Symbol(5)].contains(party)).count() as u32;
    let parties: BTreeSet<Symbol> = decided.iter().flat_map(|decision| [decision.issuer, decision.earner]).collect();
    for party in &parties {
        assert_eq!(sum(party, |lines| lines.all), of(party, &decided[2..]), "no line of what is no ride, or corrects another day");
        assert_eq!(sum(party, |lines| lines.moving), of(party, &decided[3..]), "the third ride moves nothing");
    }
    assert_eq!(sum(&Symbol(5), |lines| lines.all), 297, "a line of each ride that it funds");
    let ends = |block: &BlockLines| (block.first, block.last);
    let (first, last) = (known.values().next().map(ends), known.values().next_back().map(ends));
    assert_eq!((first.map(|ends| ends.0), last.map(|ends| ends.1)), (decided.first().map(|one| one.record.time), decided.last().map(|one| one.record.time)));
    let differ = |ledger: &Ledger| ledger.verify().expect("reads").differences.iter().filter(|one| one.what.contains("lines")).count();
    assert_eq!(differ(&ledger), 0);
    // One that is wrong, and one that an older version left out, are noticed.
    let mut heights = known.keys().map(|height| store::day_key(store::LINES_AT, DAY, *height));
    let mut batch = ledger.db.batch(0);
    batch.put(store::INDEX, &heights.next().expect("a block"), &known.values().nth(1).expect("a block").to_bytes());
    batch.delete(store::INDEX, &heights.next().expect("two blocks"));
    batch.commit().expect("writes");
    assert_eq!((ledger.lines_of(DAY).expect("reads").len(), differ(&ledger)), (known.len() - 1, 2));
}
