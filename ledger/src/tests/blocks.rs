//! Blocks: what is encoded comes back, in another process too, and bytes that were not encoded here do no harm.

use super::*;
use crate::{IntakeEncoder, IntakeRows, decode_decisions};
use domain::symbol::SymbolCache;

/// Columns are kept narrow while their values allow it: a value that does not fit may come at any row, after any run of equal
/// or near ones. One encoder makes block after block.
#[test]
fn what_varies_late_and_far_comes_back() {
    let table = names();
    let mut encoder = IntakeEncoder::new(&table);
    let far = [i64::MIN, i64::MIN + 1, -(1 << 31) - 1, -(1 << 31), (1 << 31) - 1, 1 << 31, i64::MAX];
    for (first, far) in [0, -5, 1 << 40, i64::MIN, i64::MAX].into_iter().flat_map(|first| far.map(|far| (first, far))) {
        for at in [0, 1, 63, 64, 65, 128, 199] {
            let mut records = records(200);
            for (row, record) in records.iter_mut().enumerate() {
                record.amount_minor = if row == at { far } else { first };
                record.charged_minor = Some(first.wrapping_add(row as i64));
                record.location = if row < at { Symbol(9) } else { Symbol(10 + (row % 3) as u32) };
            }
            let rows: Vec<u64> = (1..=200).collect();
            encoder.push(&records, &rows);
            let block = encoder.finish();
            let mut back = IntakeRows::default();
            back.decode(block.count(), block.payload(), &mut SymbolCache::new(&table)).expect("encoded just now");
            assert!(back.records == records && back.rows == rows, "first {first}, then {far} at row {at}");
            assert_eq!(block.payload(), intake_of(&records, &table).payload(), "an encoder that was used before writes the same");
        }
    }
}

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
