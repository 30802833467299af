//! The fold against the naive judge: over random tariffs and random histories, the same price for every ride, to the unit.

#![allow(clippy::indexing_slicing, reason = "the judge is written to be read; a test that panics has failed")]

mod naive;
mod tariff_dice;

use domain::{CardToken, EventTime, Flags, Symbol, SymbolTable};
use engine::close::memory;
use engine::mistake::Mistakes;
use engine::price::{AccountState, Extras, Fare, Fold, Passed, RideTold, Silent, Told};
use engine::scheme::clock::{DayKind, LocalClock};
use engine::tariff::Tariff;
use naive::rules::Claimed;
use naive::{Event, Naive, Priced};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tariff_dice::{Dice, history, tariff_files};

/// The clock of all cases: days begin at 04:00, one Monday is a holiday and one Sunday a workday.
fn clock() -> LocalClock {
    let mut clock = LocalClock::new("Asia/Shanghai", 4 * 3_600_000).expect("a zone");
    clock.mark("2026-03-02".parse().expect("a date"), DayKind::Holiday);
    clock.mark("2026-03-08".parse().expect("a date"), DayKind::Workday);
    clock
}

fn read(files: &[(String, String)], symbols: &SymbolTable) -> Result<Tariff, Mistakes> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tariff")).expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join("tariff").join(name), text).expect("a file");
    }
    let mut mistakes = Mistakes::default();
    Tariff::read(folder.path(), symbols, &mut mistakes).ok_or(mistakes)
}

/// All rides by the fold. Where `stored`, the state goes through its encoding after every event.
fn folded(tariff: &Tariff, clock: &LocalClock, symbols: &SymbolTable, events: &[Event], stored: bool) -> Vec<Priced> {
    let fold = Fold::new(tariff, clock);
    let mut state = AccountState::default();
    let mut rides = Vec::new();
    let claims = |extras: &Option<Box<Extras>>| -> Vec<Claimed> {
        let named = |claim: &engine::price::Claim| {
            let engine::price::Claim { slot, budget_minor, funder, amount_minor } = *claim;
            Claimed { rule: tariff.slots[usize::from(slot)].clone(), funder, budget_minor, amount_minor }
        };
        extras.iter().flat_map(|extras| &extras.claims).map(named).collect()
    };
    let parts = |extras: &Option<Box<Extras>>| {
        let mut sums: BTreeMap<Symbol, i64> = BTreeMap::new();
        extras.iter().flat_map(|extras| &extras.parts).for_each(|part| *sums.entry(part.party).or_default() += part.amount_minor);
        sums.retain(|_, amount| *amount != 0);
        (!sums.is_empty()).then_some(sums)
    };
    for (at, event) in events.iter().enumerate() {
        let key = |open: &engine::price::OpenTap| usize::try_from(open.tap.id[1]).expect("a position");
        match event {
            Event::Tap(tap) => {
                let mut tap = *tap;
                tap.id = [0, at as u64];
                let step = fold.next(&mut state, &tap);
                if let (Some(fare), Some(extras)) = (step.fare, &step.extras) {
                    shares_lose_nothing(&fare, extras, tap.earner);
                }
                rides.extend(step.abandoned.map(|abandoned| Priced {
                    tap: key(&abandoned.open),
                    by: at,
                    fare: abandoned.fare,
                    claims: claims(&abandoned.extras),
                    parts: parts(&abandoned.extras),
                }));
                rides.extend(step.fare.map(|fare| Priced { tap: at, by: at, fare, claims: claims(&step.extras), parts: parts(&step.extras) }));
            }
            Event::DayEnd(_) | Event::Never => {
                let end = if let Event::DayEnd(end) = event { *end } else { EventTime(i64::MAX / 2) };
                let given = fold.close_day(&mut state, end);
                rides.extend(given.map(|given| Priced {
                    tap: key(&given.open),
                    by: at,
                    fare: given.fare,
                    claims: claims(&given.extras),
                    parts: parts(&given.extras),
                }));
            }
        }
        if stored {
            let bytes = memory::encode(&[(CardToken::EMPTY, state)], tariff, &symbols.texts());
            state = memory::decode(&bytes, tariff, symbols).expect("reads").remove(0).1;
        }
    }
    rides
}

/// What operators get of a ride is what it brings: the charge, and what others than its earner fund.
fn shares_lose_nothing(fare: &Fare, extras: &Extras, earner: Symbol) {
    if !extras.parts.is_empty() {
        let funded: i64 = fare.discounts.iter().filter(|part| part.funder != earner).map(|part| part.amount_minor).sum();
        assert_eq!(extras.parts.iter().map(|part| part.amount_minor).sum::<i64>(), fare.charged_minor + funded, "shares sum without loss");
    }
    for claim in &extras.claims {
        assert!(claim.amount_minor > 0, "a claim is of something");
        assert!(fare.discounts.iter().any(|part| part.funder == claim.funder && part.amount_minor >= claim.amount_minor), "a claim is part of its discount");
    }
}

fn shown(ride: &Priced, symbols: &SymbolTable) -> String {
    let Fare { service_day, list_minor, charged_minor, discounts, flags } = ride.fare;
    let discounts: Vec<String> =
        discounts.iter().filter(|part| part.amount_minor != 0).map(|part| format!("{} {}", symbols.text(part.funder), part.amount_minor)).collect();
    format!(
        "event {} by {}: list {list_minor}, pays {charged_minor}, {discounts:?}, day {service_day}, flags {:#x}, claims {:?}, parts {:?}",
        ride.tap, ride.by, flags.0, ride.claims, ride.parts
    )
}

fn check(seed: u64) -> Result<(), TestCaseError> {
    let symbols = SymbolTable::new();
    let clock = clock();
    let mut dice = Dice::new(seed);
    let files = tariff_files(&mut dice);
    let tariff = read(&files, &symbols).map_err(|mistakes| TestCaseError::fail(format!("seed {seed}: {:#?}\n{}", mistakes.into_sorted(), files[0].1)))?;
    for round in 0..4 {
        let events = history(&mut dice, &clock, &symbols);
        let fast = folded(&tariff, &clock, &symbols, &events, round == 3);
        let slow = Naive { tariff: &tariff, clock: &clock }.price(&events);
        for ride in &fast {
            let Fare { list_minor, charged_minor, discounts, .. } = ride.fare;
            prop_assert_eq!(list_minor, charged_minor + discounts.iter().map(|part| part.amount_minor).sum::<i64>(), "list price = cardholder + funders");
            // Only a terminal charges more than the list price.
            let in_bounds = charged_minor >= 0 && discounts.iter().all(|part| part.amount_minor >= 0);
            prop_assert!(in_bounds || ride.fare.flags.has(Flags::VARIANCE), "seed {}: {}", seed, shown(ride, &symbols));
            prop_assert!(ride.fare.flags.has(Flags::RIDE));
        }
        let lines = |rides: &[Priced]| rides.iter().map(|ride| shown(ride, &symbols)).collect::<Vec<_>>();
        let (fast, slow) = (lines(&fast), lines(&slow));
        if let Some(at) = (0..fast.len().max(slow.len())).find(|&at| fast.get(at) != slow.get(at)) {
            let told: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
            let text: String = files.iter().map(|(name, text)| format!("--- {name}\n{text}")).collect();
            return Err(TestCaseError::fail(format!(
                "seed {seed}, round {round}, ride {at}:\nfold  {:?}\nnaive {:?}\n{text}\n{}",
                fast.get(at),
                slow.get(at),
                told.join("\n")
            )));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 2_500 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_prices_as_the_naive_judge_does(seed in any::<u64>()) {
        check(seed)?;
    }
}

/// A recorder changes nothing, and what it hears leads from the list price to the charge.
#[test]
fn what_is_told_leads_from_the_list_price_to_the_charge() {
    let (symbols, clock) = (SymbolTable::new(), clock());
    let (mut lines_seen, mut passed_seen) = (BTreeMap::new(), BTreeSet::new());
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let tariff = read(&tariff_files(&mut dice), &symbols).unwrap_or_else(|mistakes| panic!("{:?}", mistakes.into_sorted()));
        let fold = Fold::new(&tariff, &clock);
        let (mut state, mut other) = (AccountState::default(), AccountState::default());
        for event in history(&mut dice, &clock, &symbols) {
            let Event::Tap(tap) = event else { continue };
            let mut told = Told::default();
            let (step, silent) = (fold.next_told(&mut state, &tap, &mut told), fold.next_told(&mut other, &tap, &mut Silent));
            assert_eq!(step.fare, silent.fare);
            if let (Some(fare), None) = (step.fare, &step.abandoned) {
                let [RideTold { lines, passed }] = told.rides.as_slice() else { panic!("one ride: {told:?}") };
                let list = lines.iter().take_while(|line| matches!(line.kind, "base" | "overstay")).last().expect("a base");
                let added: i64 = lines.iter().filter(|line| line.kind == "surcharge").map(|line| line.after_minor() - line.before_minor()).sum();
                assert_eq!(list.after_minor() + added, fare.list_minor, "the list price is told first, but for surcharges");
                assert!(lines.windows(2).all(|pair| pair[0].after_minor() == pair[1].before_minor()), "{told:?}");
                if fare.discounts.iter().all(|part| part.amount_minor == 0) {
                    assert!(lines.iter().skip(1).all(|line| line.before_minor() - line.after_minor() <= 1), "{told:?}");
                }
                assert!((told.rides[0].left().thousandths() - fare.charged_minor * 1000).abs() <= 10_000, "{told:?} {fare:?}");
                *lines_seen.entry(lines.len()).or_insert(0) += 1;
                for (_, _, why) in passed {
                    assert!(!matches!(why, Passed::Unmet("") | Passed::NothingLeft), "{told:?}");
                    let why = format!("{why:?}");
                    passed_seen.insert(why.split([' ', '(']).next().unwrap_or_default().to_owned());
                }
            }
        }
    }
    assert!(lines_seen.keys().any(|&lines| lines >= 4), "{lines_seen:?}");
    assert!(passed_seen.len() >= 10, "rules are passed over for all kinds of reasons: {passed_seen:?}");
}

/// Rides that stand alone beside a run, that another rule joined, or that an older version without the share priced are no part
/// of what is pooled.
#[test]
fn what_is_pooled_is_of_one_run() {
    for seed in [7_274_014_594_498_189_932, 16_104_735_078_098_054_016, 137_250_901_299_422_936, 9_420_522_499_674_434_052, 17_533_549_619_227_088_217] {
        check(seed).unwrap_or_else(|failed| panic!("{failed}"));
    }
}

/// What an incentive leaves is rounded, what a cap leaves and a full fare are not: it could raise a payment that it was to lower,
/// or lower one that it left as it was.
#[test]
fn an_incentive_gives_nothing_rather_than_less() {
    for seed in [3_663_375_057_017_347_016, 15_659_484_910_002_766_352] {
        check(seed).unwrap_or_else(|failed| panic!("{failed}"));
    }
}
