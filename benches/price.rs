//! How long a step of the price fold takes, beside a yardstick in the same run: the same events, each updating a state of 32
//! bytes in a hash map.
//!
//! `cargo bench --profile release -p engine --bench price`; a word behind `--` takes some of the tariffs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{EventTime, RecordKind, SymbolTable};
use engine::price::{AccountState, Fold, Tap};
use engine::scheme::Scheme;
use hashbrown::HashMap;
use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const ACCOUNTS: u64 = 200_000;
const EVENTS: u64 = 1_000_000;

type Fast = foldhash::fast::FixedState;

fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A day in time order: half of the records are boardings, the others tap-ons and tap-offs.
fn day(scheme: &Scheme, symbols: &SymbolTable, classes: &[&str]) -> Vec<(u64, Tap)> {
    let start = scheme.clock.day_start("2026-03-02".parse().expect("a date")).0;
    let classes: Vec<_> = classes.iter().map(|name| symbols.intern(name)).collect();
    let stations: Vec<_> = (1..=300).map(|code| symbols.intern(&format!("station:{code}"))).collect();
    let operators: Vec<_> = (1..=20).map(|number| symbols.intern(&format!("operator-{number:02}"))).collect();
    let names = ["bus", "metro", "bank-01", "card"].map(|name| symbols.intern(name));
    let [bus, metro, bank, card] = names;
    let pick = |list: &[domain::Symbol], roll: u64| list.get((roll % list.len() as u64) as usize).copied().expect("a name");
    let mut open = vec![false; ACCOUNTS as usize];
    (0..EVENTS)
        .map(|at| {
            let roll = mixed(at);
            let account = roll % ACCOUNTS;
            let time = EventTime(start + (at * 68_400_000 / EVENTS) as i64);
            let waiting = open.get_mut(account as usize).expect("an account");
            let kind = match roll >> 40 & 1 {
                0 if !*waiting => RecordKind::Boarding,
                _ if *waiting => RecordKind::TapOff,
                _ => RecordKind::TapOn,
            };
            *waiting = kind == RecordKind::TapOn;
            let operator = pick(&operators, roll >> 20);
            let tap = Tap {
                mode: if kind == RecordKind::Boarding { bus } else { metro },
                operator,
                earner: operator,
                issuer: bank,
                class: pick(&classes, account),
                medium: card,
                location: pick(&stations, roll >> 24),
                route: pick(&stations, roll >> 33),
                ..Tap::blank(kind, time, scheme.clock.service_day(time))
            };
            (account, tap)
        })
        .collect()
}

/// Runs so many times; returns the processor time of this thread as the kernel counts it, so that what else the machine does
/// counts little, or wall time where the kernel does not tell. `least` is lowered to the mean of this call.
fn timed(times: u64, least: &Cell<Duration>, mut run: impl FnMut() -> u64) -> Duration {
    let counted = || std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok();
    let (begin, before): (_, Option<u64>) = (Instant::now(), counted());
    for _ in 0..times {
        black_box(run());
    }
    let ran = before.zip(counted()).map_or_else(|| begin.elapsed(), |(before, after)| Duration::from_nanos(after - before));
    least.set(least.get().min(ran / u32::try_from(times).expect("few runs")));
    ran
}

fn measure(criterion: &mut Criterion, name: &str, scheme: &Scheme, events: &[(u64, Tap)], wanted: u32) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).throughput(Throughput::Elements(EVENTS));
    let (yardstick, folded) = (Cell::new(Duration::MAX), Cell::new(Duration::MAX));
    let update = || {
        let mut states: HashMap<u64, [u64; 4], Fast> = HashMap::with_capacity_and_hasher(ACCOUNTS as usize, Fast::default());
        for (account, tap) in events {
            let state = states.entry(*account).or_insert([0; 4]);
            state[0] += 1;
            state[1] = tap.time.0.cast_unsigned();
            state[2] ^= u64::from(tap.location.0);
            state[3] = state[3].wrapping_add(u64::from(tap.mode.0));
        }
        states.values().map(|state| state[0]).sum()
    };
    group.bench_function("yardstick: 32 bytes in a hash map", |bench| bench.iter_custom(|times| timed(times, &yardstick, update)));
    let fold = Fold::new(&scheme.tariff, &scheme.clock);
    // As the close folds: one account after the other, its state at hand.
    let mut grouped: Vec<(u64, Tap)> = events.to_vec();
    grouped.sort_by_key(|(account, _)| *account);
    let close = || {
        let (mut state, mut last, mut charged) = (AccountState::default(), u64::MAX, 0);
        for (account, tap) in &grouped {
            if *account != last {
                state.clear();
                last = *account;
            }
            charged += fold.next(&mut state, tap).fare.map_or(0, |fare| fare.charged_minor);
        }
        charged.cast_unsigned()
    };
    group.bench_function("fold, account by account", |bench| bench.iter_custom(|times| timed(times, &folded, close)));
    // As a live view would: all states in a map, in time order.
    let live = || {
        let mut states: HashMap<u64, AccountState, Fast> = HashMap::with_capacity_and_hasher(ACCOUNTS as usize, Fast::default());
        let mut charged = 0;
        for (account, tap) in events {
            let step = fold.next(states.entry(*account).or_default(), tap);
            charged += step.fare.map_or(0, |fare| fare.charged_minor);
        }
        charged.cast_unsigned()
    };
    group.bench_function("fold, all states in a map", |bench| bench.iter_custom(|times| timed(times, &Cell::new(Duration::MAX), live)));
    group.finish();
    if folded.get() < Duration::MAX {
        let percent = folded.get().as_nanos() * 100 / yardstick.get().as_nanos();
        println!("{name}: the fold takes {}.{:02} times the yardstick, wanted at most {wanted} (the best of the samples)", percent / 100, percent % 100);
    }
}

fn price(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay-data");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
            }
        }
    };
    let own = folder.path().join("transit-day");
    copy(&root.join("transit-day"), &own);
    copy(&root.join("transit-day/tariff"), &own.join("tariff"));
    let mut fares = "from_station,to_station,fare\n".to_owned();
    for from in 1..=300i64 {
        for to in 1..=300i64 {
            fares += &format!("{from},{to},{}\n", 200 + 100 * ((from - to).abs() / 30).min(7));
        }
    }
    std::fs::write(own.join("tariff/fares.csv"), fares).expect("written");
    let cities = [
        ("transit-day", own, vec!["full", "full", "full", "half", "free"], 3),
        ("chongqing-transfer", root.join("fares/chongqing-transfer"), vec!["", "", "disabled"], 6),
        ("chongqing-rail", root.join("fares/chongqing-rail"), vec![""], 6),
        ("chengdu-metro", root.join("fares/chengdu-metro"), vec!["", "student"], 6),
        ("panan-concessions", root.join("fares/panan-concessions"), vec!["", "student", "veteran"], 6),
        ("bank-incentive", root.join("fares/bank-incentive"), vec![""], 6),
    ];
    for (name, dir, classes, wanted) in cities {
        let symbols = SymbolTable::new();
        let scheme = Scheme::read(&dir, &symbols).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let events = day(&scheme, &symbols, &classes);
        measure(criterion, name, &scheme, &events, wanted);
    }
}

criterion_group!(benches, price);
criterion_main!(benches);
