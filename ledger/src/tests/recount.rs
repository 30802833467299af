//! `verify` counts a day's records, rides and money again and holds them against what its close said.

use super::*;
use crate::{Refusal, ServiceFee};
use domain::{Outcome, Role};

/// A second day of five journaled records (one a repeat), two refused rows and, beside its own records, two that an earlier
/// day took in: one is cleared now, one held on.
struct SecondDay {
    decisions: Vec<Decision>,
    counts: DayTotals,
}

fn second_day() -> SecondDay {
    let mut decisions = decisions(&records(6));
    let unpriced = |decision: &Decision, reason: Reason, flags: Flags| Decision { flags, ..Decision::unpriced(decision.record, reason, DAY, DAY) };
    decisions[1].flags.set(Flags::CAPPED);
    decisions[2] = unpriced(&decisions[2], Reason::Conflict, Flags(0));
    decisions[3] = unpriced(&decisions[3], Reason::ConflictLost, Flags(0));
    decisions[4].flags.set(Flags::CARRIED);
    decisions[5] = unpriced(&decisions[5], Reason::OverLimit, Flags::CARRIED);
    let rides = || decisions.iter().filter(|decision| decision.flags.has(Flags::RIDE));
    let counts = DayTotals {
        received: 5 + 2,
        cleared: 2,
        duplicate: 1,
        conflict: 2,
        held: 1,
        rejected: 1 + 2,
        rides: 3,
        charged_rides: 3,
        capped_rides: 1,
        gross_minor: rides().map(|decision| decision.charged_minor).sum(),
        fee_minor: rides().map(|decision| decision.fee_minor).sum(),
        ..DayTotals::default()
    };
    SecondDay { decisions, counts }
}

/// A mistake that a close could make in its totals.
type Wrong = fn(&mut DayTotals);

/// What `verify` finds after a first day, and a second one whose close says `counts`.
fn found(decisions: &[Decision], counts: DayTotals) -> Vec<String> {
    found_with(decisions, counts, ServiceFees::default(), |_| {})
}

/// The same with fees per service day, and a mistake in what is said of files.
fn found_with(decisions: &[Decision], counts: DayTotals, fees: ServiceFees, spoil: impl FnOnce(&mut Vec<FileOutcomes>)) -> Vec<String> {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    // Withdrawn: it counts for nothing.
    let withdrawn = book(&mut ledger, 2, &records(3), &table);
    commit(&mut ledger, Event::FileWithdrawn { file: withdrawn, why: "another day's".to_owned() });
    let id = start(&mut ledger, 3);
    let mut group = Group::new();
    let mut block = intake_of(&records(5), &table);
    block.set_repeats(vec![4]);
    group.intake(id, block);
    let refused = |row: u64| Refusal { row, column: "amount".to_owned(), problem: "is no number".to_owned() };
    group.refusals(id, &[refused(6), refused(7)]);
    group.event(Event::FileBooked { file: id, received: 5, refused: 2, repeats: 1 });
    ledger.commit(group).expect("commits");
    let mut files = outcomes_of_files(&ledger, DAY.next(), decisions);
    spoil(&mut files);
    close_with(&mut ledger, DAY.next(), (decisions, counts), files, fees, &table);
    ledger.verify().expect("reads").differences.into_iter().map(|difference| difference.what).collect()
}

#[test]
fn a_carried_record_is_no_record_of_the_day_but_its_ride_is_one() {
    let SecondDay { decisions, counts } = second_day();
    assert_eq!(decisions.iter().filter(|decision| decision.reason.outcome() == Outcome::Cleared).count(), 3, "one more than the day counts");
    assert_eq!(found(&decisions, counts), Vec::<String>::new());
}

#[test]
fn every_count_that_a_close_states_wrongly_is_found() {
    let SecondDay { decisions, counts } = second_day();
    let wrong: [(&str, Wrong); 11] = [
        ("received 8; its files and decisions come to 7", |totals| totals.received += 1),
        ("cleared 3; its files and decisions come to 2", |totals| totals.cleared += 1),
        ("duplicate 0; its files and decisions come to 1", |totals| totals.duplicate -= 1),
        ("conflict 1; its files and decisions come to 2", |totals| totals.conflict -= 1),
        ("held 2; its files and decisions come to 1", |totals| totals.held += 1),
        ("rejected 1; its files and decisions come to 3", |totals| totals.rejected -= 2),
        ("rides 2; its files and decisions come to 3", |totals| totals.rides -= 1),
        ("charged_rides 2; its files and decisions come to 3", |totals| totals.charged_rides -= 1),
        ("capped_rides 0; its files and decisions come to 1", |totals| totals.capped_rides -= 1),
        ("gross_minor 0; ", |totals| totals.gross_minor = 0),
        ("fee_minor 0; ", |totals| totals.fee_minor = 0),
    ];
    for (says, make_wrong) in wrong {
        let mut counts = counts;
        make_wrong(&mut counts);
        let found = found(&decisions, counts);
        assert!(found.len() == 1 && found[0].starts_with(&format!("the day's totals say {says}")), "{says}: {found:?}");
    }
}

/// A mistake that a close could make in what it says of files.
type Spoil = fn(&mut Vec<FileOutcomes>);

#[test]
fn every_outcome_that_a_close_states_wrongly_of_a_file_is_found() {
    let SecondDay { decisions, counts } = second_day();
    let spoils: [(&str, Spoil); 6] = [
        ("speaks of other files", |files| files.clear()),
        ("speaks of other files", |files| files[0].file -= 1),
        ("speaks of other files", |files| files.push(files[0].clone())),
        ("file 3 has other outcomes", |files| files[0].by_reason[0].1 += 1),
        ("file 3 has other outcomes", |files| files[0].by_reason.iter_mut().for_each(|(reason, _)| *reason = if *reason == 300 { 301 } else { *reason })),
        ("the day's files have the outcomes {0: 2, 201: 1, 310: 1}", |files| {
            files[0].by_reason.iter_mut().for_each(|(reason, _)| *reason = if *reason == 309 { 310 } else { *reason })
        }),
    ];
    for (says, spoil) in spoils {
        let found = found_with(&decisions, counts, ServiceFees::default(), spoil);
        assert!(found.iter().any(|what| what.contains(says)), "{says}: {found:?}");
    }
}

fn service_fee(service_day: Day, old_minor: i64, new_minor: i64) -> ServiceFee {
    let text = str::to_owned;
    let (earner, issuer, product) = (text("bus-01"), text("bank-01"), text("transit"));
    ServiceFee { earner, issuer, product, service_day, charged_minor: 900, earned_minor: 900, old_minor, new_minor }
}

#[test]
fn a_fee_per_service_day_moves_its_difference_and_goes_on_from_what_was_booked() {
    let (dir, table) = (tempfile::tempdir().expect("a folder"), names());
    let mut ledger = closed_day(dir.path(), &table);
    let fees = |list: Vec<ServiceFee>| ServiceFees { hub: "hub".to_owned(), list };
    let mut close = |day: Day, list: Vec<ServiceFee>| {
        close_with(&mut ledger, day, (&[], DayTotals::default()), Vec::new(), fees(list), &table);
        let sum = |role: Role| -> i128 {
            let moved = ledger.balances_of_day(day).expect("reads");
            moved.iter().filter(|balance| balance.role == role).map(|balance| balance.debit_minor - balance.credit_minor).sum()
        };
        let found: Vec<String> = ledger.verify().expect("reads").differences.into_iter().map(|difference| difference.what).collect();
        ([sum(Role::Payable), sum(Role::FeeIncome)], found)
    };
    let [one, two, three] = [Day(DAY.0 + 1), Day(DAY.0 + 2), Day(DAY.0 + 3)];
    assert_eq!(close(one, vec![service_fee(DAY, 0, 7), service_fee(one, 0, 5)]), ([12, -12], vec![]));
    assert_eq!(close(two, vec![service_fee(DAY, 7, 4), service_fee(two, 0, 1)]), ([-2, 2], vec![]));
    let (moved, found) = close(three, vec![service_fee(DAY, 3, 4)]);
    assert_eq!((moved, found.len()), ([1, -1], 1), "{found:?}");
    assert!(found[0].contains("goes on from 3; 4 was booked"), "{found:?}");
}
