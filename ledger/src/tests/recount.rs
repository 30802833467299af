//! `verify` counts a day's records, rides and money again and holds them against what its close said.

use super::*;
use crate::Refusal;
use domain::Outcome;

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
    close_saying(&mut ledger, DAY.next(), decisions, counts, &table);
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
