//! Every deed of a scripted day, and the recovery of each from a crash in its middle, struck at each of its calls that change
//! the disk, in every mode.

use super::script::{DEEDS, Deed, Script};
use super::shim::{self, MODES, counted, strike};
use super::{asked, on_all_processors};
use crate::dice::Dice;
use std::path::Path;

const SEED: u64 = 20_260_302;
const RECORDS: usize = 240;

/// Where a run that is struck begins.
#[derive(Clone)]
struct Start {
    deed: Deed,
    /// The kept state: before the deed, or after it was killed in its middle.
    kept: String,
    calls: u64,
}

/// The script played once, and all that can be struck in it.
pub fn rehearsed(seed: u64, library: &Path) -> (Script, Vec<u64>) {
    let mut script = Script::new(seed, RECORDS);
    let mut calls = Vec::new();
    script.rehearse(|script, deed| calls.push(counted(&mut script.command(deed), library, &script.house.path("count"))));
    (script, calls)
}

fn starts(script: &Script, calls: &[u64], library: &Path) -> Vec<Start> {
    let mut starts = Vec::new();
    for (place, (deed, &calls)) in DEEDS.into_iter().zip(calls).enumerate() {
        starts.push(Start { deed, kept: place.to_string(), calls });
        script.go_back(&place.to_string());
        let (kept, what) = (format!("recovery-{place}"), format!("{deed:?} killed in its middle"));
        assert!(strike(&mut script.command(deed), library, "kill", calls / 2, &script.house.path("struck"), &what), "{what}");
        script.keep(&kept);
        let calls = counted(&mut script.command(deed), library, &script.house.path("count"));
        starts.push(Start { deed, kept, calls });
    }
    starts
}

#[test]
fn a_day_comes_out_the_same_wherever_the_disk_failed_or_the_process_died() {
    let Some(library) = shim::library() else { return };
    let (seed, wanted) = (asked("FAULT_SEED", SEED), asked("FAULT_POINTS", 60));
    // Each thread has a house of its own; what can be struck is told by the first.
    let make = || {
        let (script, calls) = rehearsed(seed, library);
        let starts = starts(&script, &calls, library);
        (script, starts, 0_usize)
    };
    let (_, told, _) = make();
    let mut points: Vec<(usize, u64, &str)> =
        told.iter().enumerate().flat_map(|(start, Start { calls, .. })| (1..=*calls).flat_map(move |at| MODES.map(|mode| (start, at, mode)))).collect();
    let all = points.len();
    // One that is ended before its end has seen some of everything.
    Dice::new(seed).shuffle(&mut points);
    points.truncate(usize::try_from(wanted).unwrap_or(all));
    let calls: Vec<String> = told.iter().map(|start| format!("{} {}", start.kept, start.calls)).collect();
    println!("FAULT_SEED={seed} FAULT_POINTS={}: of {all} ({} calls × {} modes): {calls:?}", points.len(), all / MODES.len(), MODES.len());
    let point = |(script, starts, struck): &mut (Script, Vec<Start>, usize), number: usize| {
        if number > 0 && number.is_multiple_of(1000) {
            println!("{number} runs");
        }
        let (start, at, mode) = points[number];
        let Start { deed, kept, .. } = &starts[start];
        let what = format!("seed {seed}: {mode} at call {at} of {deed:?} from {kept}");
        script.go_back(kept);
        *struck += usize::from(strike(&mut script.command(*deed), library, mode, at, &script.house.path("struck"), &what));
        script.assert_acknowledged(&what);
        script.redo(*deed, &what);
        script.assert_as_if_undisturbed(*deed, &what);
    };
    let struck: usize = on_all_processors(points.len(), make, point, |(_, _, struck)| struck).into_iter().sum();
    println!("{struck} of {} runs were struck before they were over", points.len());
    // The order of calls differs a little from run to run, and their number with it.
    assert!(struck * 10 > points.len() * 9, "{struck} of {} were struck", points.len());
}

/// The last third of what these do is compaction, which does not say whether it came to its end.
#[test]
fn tables_that_cannot_be_rewritten_leave_a_ledger_that_opens() {
    let Some(library) = shim::library() else { return };
    let (script, calls) = rehearsed(SEED, library);
    for deed in [Deed::Forget, Deed::Archive] {
        let place = DEEDS.iter().position(|other| *other == deed).expect("it is in the script");
        for at in calls[place] * 2 / 3..=calls[place] {
            let what = format!("eio at call {at} of {deed:?}");
            script.go_back(&place.to_string());
            strike(&mut script.command(deed), library, "eio", at, &script.house.path("struck"), &what);
            script.redo(deed, &what);
            script.assert_as_if_undisturbed(deed, &what);
        }
    }
}
