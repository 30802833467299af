//! Blocks: what is encoded comes back, in another process too, and bytes that were not encoded here do no harm.

use super::*;
use crate::{IntakeRows, decode_decisions};
use domain::symbol::SymbolCache;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_come_back(records in any_records(), first_row in any::<u64>()) {
        let table = names();
        let rows: Vec<u64> = (0..records.len() as u64).map(|row| first_row.wrapping_add(row)).collect();
        let block = IntakeBlock::encode(&records, &rows, &table);
        let mut back = IntakeRows::default();
        back.decode(block.count(), block.payload(), &mut SymbolCache::new(&table)).expect("encoded just now");
        prop_assert_eq!(&back.records, &records);
        prop_assert_eq!(&back.rows, &rows);
        // Another process gives the same texts other symbols.
        let other = SymbolTable::new();
        for text in table.texts().iter().rev() {
            other.intern(text);
        }
        back.decode(block.count(), block.payload(), &mut SymbolCache::new(&other)).expect("encoded just now");
        for (found, record) in back.records.iter().zip(&records) {
            prop_assert_eq!(other.text(found.terminal), table.text(record.terminal));
            prop_assert_eq!(other.text(found.product), table.text(record.product));
        }
    }

    #[test]
    fn decisions_come_back(records in any_records(), reasons in prop::collection::vec((0usize..100, any::<u32>(), any::<[i32; 2]>(), prop::array::uniform4(any_symbol())), 150)) {
        let table = names();
        let decisions: Vec<Decision> = records.iter().zip(reasons).map(|(record, (reason, flags, days, symbols))| Decision {
            flags: Flags(flags),
            issuer: symbols[0], earner: symbols[1], venue: symbols[2], product: symbols[3],
            ..Decision::unpriced(*record, Reason::ALL[reason % Reason::ALL.len()], Day(days[0]), Day(days[1]))
        }).collect();
        let block = DecisionBlock::encode(&decisions, HUB, &table);
        let mut back = Vec::new();
        decode_decisions(block.count(), block.payload(), &mut SymbolCache::new(&table), &mut back).expect("encoded just now");
        prop_assert_eq!(back, decisions);
    }

    #[test]
    fn damaged_bytes_never_panic(records in any_records(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>(), count in 0u32..70_000) {
        let table = names();
        let block = intake_of(&records, &table);
        let mut bytes = block.payload().to_vec();
        let mut back = IntakeRows::default();
        let mut symbols = SymbolCache::new(&table);
        prop_assert!(back.decode(block.count(), &bytes[..cut.index(bytes.len())], &mut symbols).is_err());
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(back.decode(block.count(), &bytes, &mut symbols));
        drop(back.decode(count, &bytes, &mut symbols));
    }
}

/// A block as version 1 wrote it. Were it to change, ledgers that exist could not be read.
#[test]
fn blocks_of_version_1_are_read() {
    let table = names();
    let mut records = records(5);
    records[2].original = Some(RecordId::Sequence { terminal: Symbol(14), epoch: 1, sequence: 9 });
    records[3].charged_minor = Some(150);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/intake-v1.bin");
    let block = intake_of(&records, &table);
    if std::env::var_os("LEDGER_GOLDEN").is_some() {
        std::fs::write(&path, block.payload()).expect("writes");
    }
    let golden = std::fs::read(&path).expect("the golden block is there");
    let mut back = IntakeRows::default();
    back.decode(5, &golden, &mut SymbolCache::new(&table)).expect("version 1 is read");
    assert_eq!(back.records, records);
    assert_eq!(block.payload(), golden, "version 1 is written as before");
}
