//! Promises 3 and 4 in worlds that dice make: the stages and the commit protocol on a disk in memory that loses and tears
//! what was not synced, fails, fills up and rots, while days are taken in, closed and settled by processes that die and
//! start again.
//!
//! Every closed day is judged by the oracle, record by record; at the end every byte of the settlement files and of what is
//! derived must be what an undisturbed world with another number of workers leads to. A seed makes its world again, call by
//! call: `make simulate SEED=… SEEDS=1`; with `SIMULATE_TRACE=1` it tells what happens.

mod disk;
mod plan;
mod world;

use crate::oracle::universe;
use crate::published::assert_same;
use domain::SymbolTable;
use plan::Plan;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use world::{Counts, Manner, Outcome, World};

/// In the gate; `make simulate` runs more.
const SEEDS: u64 = 40;
const FIRST_SEED: u64 = 1;

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Runs a seed's world in some manner.
fn run(seed: u64, workers: usize, faulty: bool) -> (Outcome, Counts, String) {
    let (symbols, dir) = (SymbolTable::new(), crate::house::folder());
    let scheme = universe::scheme(dir.path(), seed % 2 == 1, seed / 2 % 2 == 1, &symbols);
    let plan = Plan::new(&scheme, &symbols, seed);
    World::new(&scheme, &symbols, &plan, Manner { seed, workers, faulty }).run()
}

/// A disturbed and an undisturbed world of one seed. One in five is never disturbed, so that its state grows.
fn compare(seed: u64) -> Counts {
    let workers = [1, 2, 4];
    let of = |turn: u64| workers[usize::try_from((seed + turn) % 3).expect("small")];
    let (found, counts, _) = run(seed, of(0), !seed.is_multiple_of(5));
    let (expected, _, _) = run(seed, of(1), false);
    assert_same(&expected.files, &found.files, "settlement files");
    assert_same(&expected.derived, &found.derived, "what is derived");
    counts
}

#[test]
fn whatever_dice_do_to_disks_and_processes_every_byte_comes_out_the_same() {
    let (first, seeds) = (asked("SIMULATE_SEED", FIRST_SEED), asked("SIMULATE_SEEDS", SEEDS));
    println!("SIMULATE_SEED={first} SIMULATE_SEEDS={seeds}");
    let (started, next) = (Instant::now(), AtomicU64::new(first));
    let work = || {
        let (mut counts, mut failed) = (Counts::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return (counts, failed);
            }
            match std::panic::catch_unwind(AssertUnwindSafe(|| compare(seed))) {
                Ok(of_seed) => counts.add(of_seed),
                Err(_) => failed.push(seed),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let done: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("seeds are caught")).collect()
    });
    let mut counts = Counts::default();
    let mut failed: Vec<u64> = Vec::new();
    for (of_thread, seeds) in done {
        counts.add(of_thread);
        failed.extend(seeds);
    }
    println!("{seeds} seeds in {:.1?}: {counts:?}", started.elapsed());
    failed.sort_unstable();
    assert!(failed.is_empty(), "seeds {failed:?}: `make simulate SEEDS=1 SEED={}`, SIMULATE_TRACE=1 tells more", failed[0]);
}

#[test]
fn a_seed_makes_the_same_world_call_by_call() {
    for seed in 1..=6 {
        let workers = if seed % 2 == 0 { 1 } else { 4 };
        let (one, again) = (run(seed, workers, true), run(seed, workers, true));
        assert_eq!(one.2, again.2, "the traces of seed {seed}");
        assert!(one.0 == again.0 && one.1.calls > 50, "seed {seed}: {:?}", one.1);
    }
}
