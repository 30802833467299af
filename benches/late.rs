//! What one late record costs: a closed day is decided, then the next day twice, without and with one late record for each of
//! some accounts. The difference, by late record.
//!
//! `cargo bench --profile release -p engine --bench late`. The closed day holds more and more records of others while the accounts' own histories
//! stay, then the histories grow while the day stays. The journal that is asked for an account's past is a map by card here, as
//! the ledger's index is by block; what reading blocks costs is not measured.

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{CardToken, Day, Decision, EventTime, Record, RecordId, RecordKind, SymbolTable};
use engine::close::{Before, Decided, Earlier, Gather, decide};
use engine::scheme::Scheme;
use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::time::{Duration, Instant};

const DAY_MS: i64 = 68_400_000;

type ByCard = HashMap<CardToken, Vec<(Day, Decision)>>;

struct City<'s> {
    scheme: &'s Scheme,
    symbols: &'s SymbolTable,
    day: Day,
}

impl<'s> City<'s> {
    /// A rider's bus rides, evenly over a day.
    fn rides(&self, rider: usize, day: Day, rides: i64) -> Vec<Record> {
        let [mode, operator, issuer] = ["bus", "operator-01", "bank-01"].map(|name| self.symbols.intern(name));
        let start = self.scheme.clock.day_start(day).0;
        let ride = |at: i64| Record {
            time: EventTime(start + at * DAY_MS / rides + rider as i64 % 60_000),
            terminal: self.symbols.intern(&format!("t-{}", rider % 1_000)),
            // No two records of a terminal have one number.
            sequence: (i64::from(day.0) * 1_000_000_000 + rider as i64 * 1_000 + at) as u64,
            card: CardToken::new(format!("card-{rider}").as_bytes()).expect("short"),
            mode,
            operator,
            issuer,
            route: self.symbols.intern(if at % 3 == 0 { "101" } else { "5" }),
            ..Record::blank(RecordKind::Boarding)
        };
        (0..rides).map(ride).collect()
    }

    fn decided(&self, day: Day, records: &[Record], before: Before, past: &ByCard) -> Decided<'s> {
        let mut gather = Gather::new(self.scheme, day);
        gather.add(1, records);
        let lookup = |wanted: &[(RecordId, Option<EventTime>)]| Ok::<_, Infallible>(vec![Vec::new(); wanted.len()]);
        let journal = |cards: Option<&[CardToken]>, wanted: &(dyn Fn(&Decision) -> bool + Sync)| {
            let all = cards.into_iter().flatten().filter_map(|card| past.get(card)).flatten();
            Ok(all.filter(|(_, decision)| wanted(decision)).copied().collect())
        };
        let earlier = Earlier { lookup: &lookup, journal: &journal };
        decide(self.scheme, self.symbols, day, 1, vec![gather], before, &earlier).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// One late record for each of `late` accounts with so many rides, behind a day of so many records.
    fn measure(&self, criterion: &mut Criterion, late: usize, own: i64, all: usize) {
        let mut records: Vec<Record> = (0..late).flat_map(|rider| self.rides(rider, self.day, own)).collect();
        // What comes late is the second ride of each.
        let is_late = |record: &Record| {
            record.sequence % 1_000 == 1
                && record.card.as_str().strip_prefix("card-").is_some_and(|rider| rider.parse::<usize>().is_ok_and(|rider| rider < late))
        };
        let (late_ones, mut records_in_time): (Vec<Record>, Vec<Record>) = records.drain(..).partition(is_late);
        let others = all.saturating_sub(records_in_time.len());
        records_in_time.extend((0..others.div_ceil(4)).flat_map(|rider| self.rides(late + rider, self.day, 4)).take(others));
        let first = self.decided(self.day, &records_in_time, Before::default(), &ByCard::new());
        let mut past = ByCard::new();
        (0..first.batches()).for_each(|batch| {
            first.batch(batch, |some| some.iter().for_each(|decision| past.entry(decision.record.card).or_default().push((self.day, *decision))))
        });
        let next = Day(self.day.0 + 1);
        let today = self.rides(usize::MAX / 1_000_000, next, 100);
        let name = format!("{late} late records, {own} rides each, behind a day of {all}");
        let mut group = criterion.benchmark_group(&name);
        group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
        let best = [Cell::new(Duration::MAX), Cell::new(Duration::MAX)];
        for (least, late_ones) in best.iter().zip([&[][..], &late_ones]) {
            let records = [&today, late_ones].concat();
            let closed = || {
                let remembered = first.remembered.clone();
                let before = Before { remembered, closed: vec![self.day], priced_until: Some(first.priced_until), ..Before::default() };
                let begin = Instant::now();
                drop(self.decided(next, &records, before, &past));
                let took = begin.elapsed();
                least.set(least.get().min(took));
                took
            };
            let which = if late_ones.is_empty() { "without" } else { "with" };
            group.bench_function(which, |bench| bench.iter_custom(|times| (0..times).map(|_| closed()).sum()));
        }
        group.finish();
        if let [Some(without), Some(with)] = best.each_ref().map(|best| Some(best.get()).filter(|best| *best < Duration::MAX)) {
            let each_ns = with.saturating_sub(without).as_nanos() / late as u128;
            println!("{name}: {}.{} us a late record (the best of the samples)", each_ns / 1_000, each_ns % 1_000 / 100);
        }
    }
}

fn late(criterion: &mut Criterion) {
    let symbols = SymbolTable::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay-data/fares/chongqing-transfer");
    let scheme = Scheme::read(&root, &symbols).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let city = City { scheme: &scheme, symbols: &symbols, day: "2026-03-02".parse().expect("a date") };
    for (late, own, all) in [(1_000, 10, 10_000), (1_000, 10, 100_000), (1_000, 10, 1_000_000), (100, 10, 100_000), (100, 100, 100_000), (100, 1_000, 100_000)]
    {
        city.measure(criterion, late, own, all);
    }
}

criterion_group!(benches, late);
criterion_main!(benches);
