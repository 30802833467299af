//! Threads for work that comes in pieces. Results come back in the order of the pieces, whatever finished first.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies `work` to every item on up to `workers` threads; results in the items' order.
pub fn map<T: Send, R: Send>(workers: usize, items: Vec<T>, work: impl Fn(usize, T) -> R + Sync) -> Vec<R> {
    if workers <= 1 || items.len() <= 1 {
        return items.into_iter().enumerate().map(|(at, item)| work(at, item)).collect();
    }
    let slots: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let results: Vec<Mutex<Option<R>>> = slots.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(slots.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(slot), Some(result)) = (slots.get(at), results.get(at)) else { break };
                    let item = slot.lock().take().expect("each item is taken once");
                    *result.lock() = Some(work(at, item));
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().expect("each item has a result")).collect()
}

/// Finished pieces of [`in_order`] that wait for their turn, per worker: enough that nobody stands still while a group of them
/// is synced.
const WAITING_PIECES: usize = 24;

/// Makes pieces `0..count` on up to `workers` threads and hands them to `sink` one after the other, in order. Stops early when
/// `sink` fails.
///
/// # Errors
/// The first error of `sink`.
pub fn in_order<R: Send, E>(workers: usize, count: usize, make: impl Fn(usize) -> R + Sync, mut sink: impl FnMut(R) -> Result<(), E>) -> Result<(), E> {
    if workers <= 1 || count <= 1 {
        return (0..count).try_for_each(|at| sink(make(at)));
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = crossbeam::channel::bounded(workers * WAITING_PIECES);
        for _ in 0..workers.min(count) {
            let (sender, next, make) = (sender.clone(), &next, &make);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || sender.send((at, make(at))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut wanted = 0;
        for (at, piece) in receiver {
            waiting.insert(at, piece);
            while let Some(piece) = waiting.remove(&wanted) {
                wanted += 1;
                sink(piece)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_work() {
        for workers in [1, 2, 4] {
            assert_eq!(map(workers, (0..100).collect(), |at, item: usize| (at, item * 2)), (0..100).map(|at| (at, at * 2)).collect::<Vec<_>>());
            let mut seen = Vec::new();
            let all: Result<(), ()> = in_order(
                workers,
                100,
                |at| at,
                |piece| {
                    seen.push(piece);
                    Ok(())
                },
            );
            assert_eq!((all, seen), (Ok(()), (0..100).collect()));
        }
    }

    #[test]
    fn a_failing_sink_stops_the_work() {
        for workers in [1, 2, 4] {
            let mut taken = 0;
            let result = in_order(
                workers,
                1_000,
                |at| at,
                |piece| {
                    taken += 1;
                    if piece == 3 { Err("full") } else { Ok(()) }
                },
            );
            assert_eq!((result, taken), (Err("full"), 4));
        }
    }
}
