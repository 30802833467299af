//! The engine's close against the oracle: the same outcome, reason, price and flags for every record of many small days, and
//! the same decisions however the records arrive and however many workers decide.

#![allow(clippy::indexing_slicing, reason = "the oracle is written to be read; a test that panics has failed")]

mod both;
mod by_hand;
mod naive;
mod oracle;

use both::Both;
use domain::{OddityKind, SymbolTable};
use engine::scheme::Scheme;
use oracle::universe;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

/// Histories per scheme; a history has one to four clearing days.
const HISTORIES: u64 = if cfg!(debug_assertions) { 60 } else { 1500 };

/// Both ways over one history, until they differ.
fn follow([scheme, unlooked]: [&Scheme; 2], symbols: &SymbolTable, seed: u64, told: &mut BTreeMap<&'static str, u64>) -> Result<(), String> {
    let mut both = Both::new(scheme, unlooked, symbols, seed ^ 0xfeed);
    for (day, files) in universe::history(scheme, symbols, seed) {
        // Now and then, files of closed days are taken back.
        let taken_back = if both.percent(35) { both.some_to_take_back() } else { Vec::new() };
        both.close(day, &files, &taken_back)?;
    }
    both.told.into_iter().for_each(|(what, times)| *told.entry(what).or_default() += times);
    Ok(())
}

fn agree(first_wins: bool, open: bool) {
    let symbols = SymbolTable::new();
    let dir = tempfile::tempdir().expect("a folder");
    let scheme = universe::scheme(dir.path(), first_wins, open, &symbols);
    let unlooked = Scheme { oddities: None, ..scheme.clone() };
    let (mut differences, mut told) = (Vec::new(), BTreeMap::new());
    for seed in 0..HISTORIES {
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| follow([&scheme, &unlooked], &symbols, seed, &mut told)))
            .unwrap_or_else(|_| Err("a panic".to_owned()));
        if let Err(difference) = outcome {
            differences.push(format!("seed {seed}, {difference}"));
        }
    }
    let first: Vec<String> = differences.iter().take(5).cloned().collect();
    // Every rule found something, again and again.
    println!("{told:?}");
    let kinds = OddityKind::ALL.map(OddityKind::name).into_iter().chain(["turned", "days apart", "third"]);
    kinds.for_each(|kind| assert!(told.get(kind).copied().unwrap_or(0) > HISTORIES / 40, "{kind}: {told:?}"));
    assert!(differences.is_empty(), "first-wins {first_wins}, open {open}: {} of {HISTORIES} histories differ\n{}", differences.len(), first.join("\n"));
}

#[test]
fn with_a_closed_registry_every_version_held() {
    agree(false, false);
}

#[test]
fn with_a_closed_registry_the_first_version_wins() {
    agree(true, false);
}

#[test]
fn with_an_open_registry_every_version_held() {
    agree(false, true);
}

#[test]
fn with_an_open_registry_the_first_version_wins() {
    agree(true, true);
}
