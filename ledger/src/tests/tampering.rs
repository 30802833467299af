//! `verify` finds what was changed behind the ledger's back, and an open refuses a head that is not the chain's end.

use super::*;
use crate::LedgerError;
use crate::storage::Database;
use crate::store::{BALANCES, DAYS, FILES, HEAD_KEY, INDEX, INTAKE_AT, JOURNAL};

/// Changes the last byte of the first value under a prefix, and gives what `verify` then says.
fn after_flipping(family: &'static str, prefix: &[u8], flip: impl Fn(&mut Vec<u8>)) -> Vec<String> {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let ledger = closed_day(dir.path(), &table);
    let report = ledger.verify().expect("reads");
    assert!(report.is_clean(), "{:?}", report.differences);
    let (key, value) = ledger.db.scan(family, prefix).next().expect("a row").expect("reads");
    let mut value = value.into_vec();
    flip(&mut value);
    put(&ledger, family, &key, &value);
    ledger.verify().expect("reads").differences.into_iter().map(|difference| difference.what).collect()
}

#[allow(clippy::ptr_arg, reason = "it is one of the changes that `after_flipping` takes")]
fn flip_first(value: &mut Vec<u8>) {
    value[0] ^= 1;
}

fn replace(value: &mut Vec<u8>, from: &str, to: &str) {
    let text = std::str::from_utf8(value).expect("JSON");
    assert!(text.contains(from), "{text}");
    *value = text.replace(from, to).into_bytes();
}

#[test]
fn a_changed_balance_is_found() {
    let found = after_flipping(BALANCES, b"b", flip_first);
    assert!(found.len() == 1 && found[0].starts_with("balance of"), "{found:?}");
    let found = after_flipping(BALANCES, b"m", flip_first);
    assert!(found.len() == 1 && found[0].starts_with("movements of day"), "{found:?}");
}

#[test]
fn a_changed_index_is_found() {
    let found = after_flipping(INDEX, &[FILES], |value| replace(value, "\"received\":10", "\"received\":11"));
    assert!(found.len() == 1 && found[0].starts_with("file "), "{found:?}");
    let found = after_flipping(INDEX, &[DAYS], |value| replace(value, "\"cleared\":10", "\"cleared\":9"));
    assert!(found.len() == 1 && found[0].starts_with("day "), "{found:?}");
    let found = after_flipping(INDEX, &[INTAKE_AT], flip_first);
    assert!(found.len() == 1 && found[0].starts_with("block entry"), "{found:?}");
    let found = after_flipping(INDEX, HEAD_KEY, flip_first);
    assert!(found.len() == 1 && found[0].contains("head"), "{found:?}");
}

#[test]
fn a_changed_or_missing_block_is_found() {
    let second = 2u64.to_be_bytes();
    let found = after_flipping(JOURNAL, &second, |value| {
        let last = value.len() - 1;
        value[last] ^= 1;
    });
    assert!(found.iter().any(|what| what.contains("digest")), "{found:?}");
    let found = after_flipping(JOURNAL, &second, |value| value[4] ^= 1);
    assert!(found.iter().any(|what| what.contains("chain is broken")), "{found:?}");
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let ledger = closed_day(dir.path(), &table);
    delete(&ledger, JOURNAL, &second);
    let report = ledger.verify().expect("reads");
    assert!(report.differences.iter().any(|difference| difference.what.contains("missing")), "{report:?}");
}

#[test]
fn a_journal_without_its_last_block_does_not_open() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let ledger = closed_day(dir.path(), &table);
    let height = ledger.head().height;
    delete(&ledger, JOURNAL, &height.to_be_bytes());
    drop(ledger);
    assert!(matches!(Ledger::open(dir.path(), &options()), Err(LedgerError::ChainEnds { height: ends, expected }) if ends == height - 1 && expected == height));
}
