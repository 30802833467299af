//! Versions: what several records with one id amount to.
//!
//! Copies with the same content are one record and its duplicates. Different contents are a conflict, decided by the
//! scheme's policy. The answer depends on the set of versions alone, never on which was read first.

use super::fold::waits_for_original;
use crate::scheme::ConflictPolicy;
use domain::{Day, Decision, Flags, Outcome, Reason, Record, RecordId, SymbolTable};
use std::fmt::Write as _;

/// One copy of a record whose id occurs more than once.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    pub record: Record,
    pub file: u32,
    /// An earlier close held it.
    pub held_since: Option<Day>,
}

/// What becomes of the copies of one id.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Records that stand for themselves, each with the reason that a conflict gives it (`None`: judge it as any other).
    pub kept: Vec<(Copy, Option<Reason>)>,
    pub duplicates: Vec<Copy>,
}

/// Whether a closed day has decided for one of these versions: one that lost against another contests nothing later.
pub fn taken(settled: &[Decision]) -> bool {
    settled.iter().any(|decision| decision.reason != Reason::ConflictLost)
}

/// The versions that closed days took in and have not given up, each with the day and the decision that took it in. `all` are
/// decisions on one id, the oldest day first. A refund or a collection whose original is gone is given up, and taken in anew by
/// what becomes of it then.
#[must_use]
pub fn standing(all: &[(Day, Decision)]) -> Vec<(Day, Decision)> {
    let mut standing: Vec<(Day, Decision)> = Vec::new();
    for (day, decision) in all {
        let follows = decision.flags.has(Flags::CORRECTS) || decision.flags.has(Flags::SHARE);
        let known = standing.iter().position(|(_, known)| known.record.same_content(&decision.record));
        match (decision.reason, known) {
            (reason, Some(at)) if reason == Reason::Withdrawn || reason.outcome() == Outcome::Held => drop(standing.remove(at)),
            // One that had lost has been judged anew, or one whose original was withdrawn. A tap-on becomes a ride later.
            (_, Some(at)) if !follows => {
                let anew = |known: &Decision| known.reason == Reason::ConflictLost || waits_for_original(known.record.kind);
                if let Some(known) = standing.get_mut(at).filter(|(_, known)| anew(known)) {
                    *known = (*day, *decision);
                }
            }
            (reason, None) if reason != Reason::Withdrawn && reason.outcome() != Outcome::Held && !follows => standing.push((*day, *decision)),
            _ => {}
        }
    }
    standing
}

/// What was decided on a version since the day that took it in. Another version of its id has lines of its own, and so has
/// this one where it was taken in before and given up.
pub fn of_version<'d>(all: &'d [(Day, Decision)], taken_in: Day, record: &'d Record) -> impl Iterator<Item = (Day, &'d Decision)> {
    all.iter().filter(move |(day, decision)| *day >= taken_in && decision.record.same_content(record)).map(|(day, decision)| (*day, decision))
}

/// `settled` are the versions that closed days have cleared or rejected: they stay.
#[must_use]
pub fn decide(mut copies: Vec<Copy>, settled: &[Decision], policy: ConflictPolicy, symbols: &SymbolTable) -> Verdict {
    let mut verdict = Verdict::default();
    // What an earlier close held comes first among equals: its exceptions have been sent under that reference.
    // Copies that nothing tells apart are told by their files, so that the files' counts do not depend on who read them.
    copies.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| content_key(&a.record, symbols).cmp(&content_key(&b.record, symbols))));
    let mut versions: Vec<Copy> = Vec::new();
    for copy in copies {
        if let Some(version) = versions.iter_mut().find(|version| version.record.same_content(&copy.record)) {
            // A version arrived when its first copy did, also where an earlier close held a later one.
            version.record.arrival = version.record.arrival.min(copy.record.arrival);
            verdict.duplicates.push(copy);
        } else if settled.iter().any(|settled| settled.record.same_content(&copy.record)) {
            verdict.duplicates.push(copy);
        } else {
            versions.push(copy);
        }
    }
    let taken = taken(settled);
    let contested = taken || versions.len() > 1;
    // Arrival decides who was first, a carried copy's too; the sort above put carried ones ahead only among equal contents.
    versions.sort_by(|a, b| {
        let arrival = |copy: &Copy| (copy.record.arrival, copy.record.source_ref);
        arrival(a).cmp(&arrival(b)).then_with(|| content_key(&a.record, symbols).cmp(&content_key(&b.record, symbols)))
    });
    for (at, version) in versions.into_iter().enumerate() {
        let reason = match policy {
            _ if !contested => None,
            ConflictPolicy::HoldAll => Some(Reason::Conflict),
            ConflictPolicy::FirstWins if at == 0 && !taken => None,
            ConflictPolicy::FirstWins => Some(Reason::ConflictLost),
        };
        verdict.kept.push((version, reason));
    }
    verdict
}

fn rank(copy: &Copy) -> (bool, u64, domain::SourceRef, u32) {
    (copy.held_since.is_none(), copy.record.arrival, copy.record.source_ref, copy.file)
}

/// A total order over contents that does not depend on this process's symbols.
pub fn content_key(record: &Record, symbols: &SymbolTable) -> String {
    let mut key = format!(
        "{:?}|{}|{}|{:?}|{:?}|{:?}|{:?}|{:?}|{:?}|{}|{:?}",
        record.kind,
        record.time.0,
        record.amount_minor,
        record.charged_minor,
        record.balance_before_minor,
        record.balance_after_minor,
        record.card_counter,
        record.hotlist_version,
        record.card,
        record.grey,
        record.offset_min,
    );
    let names =
        [record.location, record.from, record.route, record.vehicle, record.mode, record.issuer, record.operator, record.class, record.medium, record.product];
    for name in names {
        let _ = write!(key, "|{}", symbols.text(name));
    }
    match record.original {
        Some(RecordId::Sequence { terminal, epoch, sequence }) => {
            let _ = write!(key, "|{}.{epoch}.{sequence}", symbols.text(terminal));
        }
        other => {
            let _ = write!(key, "|{other:?}");
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{EventTime, RecordKind};

    fn copy(arrival: u64, amount_minor: i64) -> Copy {
        let record = Record { arrival, amount_minor, time: EventTime(1), ..Record::blank(RecordKind::Payment) };
        Copy { record, file: u32::try_from(arrival).expect("small"), held_since: None }
    }

    fn outcome(copies: &[Copy], settled: Option<&Record>, policy: ConflictPolicy) -> (Vec<(i64, u64, Option<Reason>)>, usize) {
        let mut reversed = copies.to_vec();
        reversed.reverse();
        let read = |copies: Vec<Copy>| {
            let verdict = decide(
                copies,
                &settled.map(|record| Decision::unpriced(*record, Reason::Cleared, Day(1), Day(1))).into_iter().collect::<Vec<_>>(),
                policy,
                &SymbolTable::new(),
            );
            let kept: Vec<_> = verdict.kept.iter().map(|(copy, reason)| (copy.record.amount_minor, copy.record.arrival, *reason)).collect();
            (kept, verdict.duplicates.len())
        };
        let (forth, back) = (read(copies.to_vec()), read(reversed));
        assert_eq!(forth, back, "the order of reading decides nothing");
        forth
    }

    #[test]
    fn equal_copies_are_one_record_with_the_lowest_arrival() {
        let copies = [copy(5, 100), copy(2, 100), copy(9, 100)];
        assert_eq!(outcome(&copies, None, ConflictPolicy::HoldAll), (vec![(100, 2, None)], 2));
        assert_eq!(outcome(&copies, None, ConflictPolicy::FirstWins), (vec![(100, 2, None)], 2));
    }

    #[test]
    fn a_held_version_has_come_when_its_first_copy_did() {
        let held = |arrival| Copy { held_since: Some(Day(1)), ..copy(arrival, 100) };
        let lost = Some(Reason::ConflictLost);
        assert_eq!(outcome(&[held(5), copy(2, 200)], None, ConflictPolicy::FirstWins), (vec![(200, 2, None), (100, 5, lost)], 0));
        assert_eq!(outcome(&[held(5), copy(7, 200)], None, ConflictPolicy::FirstWins), (vec![(100, 5, None), (200, 7, lost)], 0));
        assert_eq!(outcome(&[held(5), copy(2, 200), copy(1, 100)], None, ConflictPolicy::FirstWins), (vec![(100, 1, None), (200, 2, lost)], 1));
    }

    #[test]
    fn different_contents_are_all_held_or_the_first_wins() {
        let copies = [copy(5, 100), copy(2, 200), copy(9, 100)];
        assert_eq!(outcome(&copies, None, ConflictPolicy::HoldAll), (vec![(200, 2, Some(Reason::Conflict)), (100, 5, Some(Reason::Conflict))], 1));
        assert_eq!(outcome(&copies, None, ConflictPolicy::FirstWins), (vec![(200, 2, None), (100, 5, Some(Reason::ConflictLost))], 1));
    }

    #[test]
    fn what_a_closed_day_settled_stays() {
        let settled = copy(50, 100).record;
        let copies = [copy(1, 100), copy(2, 200)];
        assert_eq!(outcome(&copies, Some(&settled), ConflictPolicy::HoldAll), (vec![(200, 2, Some(Reason::Conflict))], 1));
        assert_eq!(outcome(&copies, Some(&settled), ConflictPolicy::FirstWins), (vec![(200, 2, Some(Reason::ConflictLost))], 1));
    }

    #[test]
    fn what_is_withdrawn_stands_no_more_until_it_comes_again() {
        let decision =
            |amount_minor: i64, reason: Reason, flags: Flags| Decision { flags, ..Decision::unpriced(copy(1, amount_minor).record, reason, Day(1), Day(1)) };
        let (cleared, none) = (decision(100, Reason::Cleared, Flags::RIDE), Flags::default());
        let stands = |all: &[(i32, Decision)]| -> Vec<(i32, i64)> {
            let all: Vec<_> = all.iter().map(|(day, decision)| (Day(*day), *decision)).collect();
            standing(&all).iter().map(|(day, decision)| (day.0, decision.record.amount_minor)).collect()
        };
        let correction = decision(100, Reason::Cleared, Flags::RIDE.with(Flags::CORRECTS));
        let gone = decision(100, Reason::Withdrawn, Flags::CARRIED);
        assert_eq!(stands(&[(1, cleared), (2, cleared), (3, correction)]), [(1, 100)], "a tap-on, its ride of a later day, and what corrected it");
        assert_eq!(stands(&[(1, cleared), (3, correction), (3, gone)]), []);
        assert_eq!(stands(&[(1, cleared), (3, gone), (3, correction), (5, cleared)]), [(5, 100)]);
        assert_eq!(stands(&[(1, cleared), (1, decision(200, Reason::ConflictLost, none)), (2, gone)]), [(1, 200)]);
        assert_eq!(stands(&[(1, decision(100, Reason::Conflict, none)), (2, gone)]), []);
        assert_eq!(stands(&[(1, cleared), (2, decision(100, Reason::OriginalMissing, Flags::CARRIED))]), []);
        // A refund is judged anew on the day that its original is withdrawn.
        let refund = |decision: Decision| Decision { record: Record { kind: RecordKind::Refund, ..decision.record }, ..decision };
        let (given, back, again) = (refund(cleared), refund(correction), refund(decision(100, Reason::Cleared, Flags::CARRIED)));
        assert_eq!(stands(&[(1, given), (3, back), (3, again)]), [(3, 100)]);
        assert_eq!(stands(&[(1, given), (3, again), (3, back)]), [(3, 100)]);
        let refused = refund(decision(100, Reason::RefundExceeds, Flags::CARRIED));
        assert_eq!(
            standing(&[(Day(1), given), (Day(3), back), (Day(3), refused)]).iter().map(|(_, stands)| stands.reason).collect::<Vec<_>>(),
            [Reason::RefundExceeds]
        );
    }

    #[test]
    fn a_version_is_booked_from_the_day_that_took_it_in() {
        let day = |day: i32, amount_minor: i64| (Day(day), Decision::unpriced(copy(1, amount_minor).record, Reason::Cleared, Day(day), Day(day)));
        let all = [day(1, 100), day(2, 100), day(3, 100), day(3, 200), day(4, 200)];
        let of = |taken_in: i32, amount_minor: i64| of_version(&all, Day(taken_in), &copy(1, amount_minor).record).map(|(day, _)| day.0).collect::<Vec<_>>();
        assert_eq!((of(1, 100), of(3, 100), of(3, 200)), (vec![1, 2, 3], vec![3], vec![3, 4]));
    }

    #[test]
    fn a_copy_of_a_held_record_is_its_duplicate() {
        let held = Copy { held_since: Some(Day(3)), ..copy(7, 100) };
        assert_eq!(outcome(&[copy(1, 100), held], None, ConflictPolicy::HoldAll), (vec![(100, 1, None)], 1));
        let verdict = decide(vec![copy(1, 100), held], &[], ConflictPolicy::HoldAll, &SymbolTable::new());
        assert_eq!(verdict.kept.iter().map(|(copy, _)| (copy.held_since, copy.file)).collect::<Vec<_>>(), [(Some(Day(3)), 7)]);
        assert_eq!(verdict.duplicates.iter().map(|copy| (copy.held_since, copy.file)).collect::<Vec<_>>(), [(None, 1)]);
    }
}
