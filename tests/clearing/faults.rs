//! Promise 4 under a disk that fails: whatever a command was doing when it was killed or its disk refused, running it again
//! gives what would have been, and everything acknowledged is there.
//!
//! The harness plays the supervisor: it runs commands again and repairs nothing. Each test says what it does and how often;
//! `FAULT_SEED`, `FAULT_POINTS`, `FAULT_PAIRS`, `FAULT_KILLS`, `FAULT_POWER`, `FAULT_LEVELS` and `FAULT_CORRUPTIONS` say
//! more (`make faults`).

mod corruption;
mod crash_points;
mod disk;
mod full;
mod kills;
mod pairs;
mod power;
mod script;
mod shim;

use crate::house::Ran;

/// A number from the environment; `all` is more than there are.
fn asked(name: &str, otherwise: u64) -> u64 {
    let number = |text: String| if text == "all" { u64::MAX } else { text.parse().unwrap_or_else(|_| panic!("{name} is no number")) };
    std::env::var(name).map_or(otherwise, number)
}

/// How a command that met a fault may end: done, or refused with a reason that promises nothing.
#[track_caller]
fn assert_ended_well(ran: &Ran, what: &str) {
    assert!(matches!(ran.code, Some(0 | 2)), "{what}: {:?} {}", ran.code, ran.stderr);
    assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("not accepted"), "{what}: {}", ran.stderr);
    if ran.code == Some(2) {
        assert!(ran.stderr.lines().any(|line| line.starts_with("error: ")), "{what}: {}", ran.stderr);
    }
}

/// Does something with each of the numbers below `count`, on as many threads as there are processors, each with a state of
/// its own; what the threads come to. A number that panics ends its thread and then the test.
fn on_all_processors<S, T: Send>(count: usize, state: impl Fn() -> S + Sync, each: impl Fn(&mut S, usize) + Sync, end: impl Fn(S) -> T + Sync) -> Vec<T> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut state = state();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if number >= count {
                return end(state);
            }
            each(&mut state, number);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, Into::into).min(count.max(1));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
