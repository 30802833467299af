//! What a start knows after a crash is what the journal says: ids from the checkpoint of the last close and from the blocks
//! behind it are those that a replay of every block comes to.

use crate::house::{DAY, House};
use crate::transit::{self, csv, day};
use domain::{Record, RecordId, SymbolTable};
use engine::dedup::Seen;
use ledger::{BlockKind, Event, FileState, Group, IntakeBlock, Ledger, LedgerOptions};
use std::collections::{BTreeMap, BTreeSet};
use tapclear::history;

const NEXT_DAY: &str = "2026-03-03";

/// The ids of all booked files, block by block from the first: by terminal and epoch, each sequence once.
fn replayed(ledger: &Ledger, symbols: &SymbolTable) -> BTreeMap<(String, u32), BTreeSet<u64>> {
    let mut ids: BTreeMap<(String, u32), BTreeSet<u64>> = BTreeMap::new();
    let mut cache = domain::symbol::SymbolCache::new(symbols);
    for height in 1..=ledger.head().height {
        let header = ledger.header(height).expect("a block");
        let booked = ledger.file_by_id(header.file).is_some_and(|file| file.state == FileState::Booked);
        if header.kind == BlockKind::Intake && booked {
            for record in ledger.read_intake(height, &mut cache).expect("an intake block").records {
                let RecordId::Sequence { terminal, epoch, sequence } = record.id() else { panic!("this source numbers its records") };
                ids.entry((symbols.text(terminal).to_string(), epoch)).or_default().insert(sequence);
            }
        }
    }
    ids
}

fn known(seen: &Seen, symbols: &SymbolTable) -> BTreeMap<(String, u32), BTreeSet<u64>> {
    let numbers = |bytes: &[u8]| -> BTreeSet<u64> {
        let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let pages = words.chunks(9).flat_map(|page| page[1..].iter().zip(0u64..).map(|(bits, at)| (page[0] * 512 + at * 64, *bits)));
        pages.flat_map(|(first, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| first + bit)).collect()
    };
    let all = seen.all_sequences().map(|(terminal, epoch, sequences)| ((symbols.text(terminal).to_string(), epoch), numbers(&sequences.to_bytes())));
    all.collect()
}

/// Blocks of a file whose process died before it was booked.
fn die_in_a_file(house: &House) {
    let symbols = SymbolTable::new();
    let mut ledger = Ledger::open(&house.ledger(), &LedgerOptions::default()).expect("a ledger");
    let file = ledger.next_file_id();
    let record = Record { terminal: symbols.intern("1"), sequence: 77_777, ..Record::blank(domain::RecordKind::Boarding) };
    let mut group = Group::new();
    group.event(Event::FileStarted { digest: [9; 32], name: "cut.csv".to_owned(), sender: "csv".to_owned(), bytes: 1 });
    group.intake(file, IntakeBlock::encode(&[record], &[1], &symbols));
    ledger.commit(group).expect("commits");
}

#[test]
fn what_a_start_knows_of_ids_is_what_a_full_replay_comes_to() {
    let house = transit::house();
    let rows = day(91, 2400);
    house.clear(DAY, &[house.write("one.csv", csv(&rows[..800]))]).done();
    // Many files, so that there are more blocks than one thread takes in a row.
    let more: Vec<_> = rows[700..].chunks(60).enumerate().map(|(at, rows)| house.write(&format!("more-{at}.csv"), csv(rows))).collect();
    let (last, more) = more.split_last().expect("some files");
    house.ingest(NEXT_DAY, more).done();
    house.run("withdraw", ["more-3.csv", "--why", "another garage's"]).done();
    die_in_a_file(&house);
    for round in 0..2 {
        let symbols = SymbolTable::new();
        let ledger = Ledger::open_read_only(&house.ledger(), &LedgerOptions::default()).expect("a ledger");
        let expected = replayed(&ledger, &symbols);
        assert!(expected.values().map(BTreeSet::len).sum::<usize>() > 1500);
        assert!(!expected[&("1".to_owned(), 0)].contains(&77_777), "a file that was not booked counts for nothing");
        for workers in [1, 2, 4] {
            let seen = history::seen(&ledger, &symbols, workers).expect("the ledger is read");
            assert_eq!(known(&seen, &symbols), expected, "round {round}, {workers} workers");
        }
        drop(ledger);
        // The run after the crash goes on from there.
        house.ingest(NEXT_DAY, std::slice::from_ref(last)).done();
    }
    house.verify();
}
