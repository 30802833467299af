//! Every step of a day, struck at one of its calls that change the disk, in every mode; and struck again while it recovers.

use super::shim::{self, MODES, fault};
use super::{Script, asked, assert_ended_well};
use crate::dice::Dice;
use crate::house::Ran;
use crate::published::assert_same;
use std::os::unix::process::ExitStatusExt;

const SEED: u64 = 20_260_302;
const RECORDS: usize = 240;

#[test]
fn a_day_comes_out_the_same_wherever_the_disk_failed_or_the_process_died() {
    let Some(library) = shim::library() else { return };
    let (seed, points) = (asked("FAULT_SEED", SEED), asked("FAULT_POINTS", 25));
    println!("FAULT_SEED={seed} FAULT_POINTS={points}");
    let script = Script::new(seed, RECORDS);
    let mut calls = Vec::new();
    for step in 0..script.steps.len() {
        script.keep(step);
        calls.push(shim::counted(&mut script.command(step), library, &script.house.path("count")));
    }
    println!("calls of each step: {calls:?}");
    let expected = script.outcome();
    let mut dice = Dice::new(seed);
    for point in 0..points {
        let step = usize::try_from(point).expect("small") % script.steps.len();
        let mode = MODES[usize::try_from(point).expect("small") / script.steps.len() % MODES.len()];
        let at = 1 + dice.roll() % calls[step];
        let what = format!("seed {seed}, point {point}: {mode} at call {at} of step {step}");
        script.go_back(step);
        let output = fault(&mut script.command(step), library, mode, at).output().expect("the program starts");
        let killed = output.status.signal() == Some(9);
        assert!(!killed || mode == "kill", "{what}: killed");
        if !killed {
            assert_ended_well(&Ran::of(output), &what);
        }
        script.assert_acknowledged(&what);
        // One in three recoveries is struck as well.
        if dice.permille(333) {
            let again = 1 + dice.roll() % calls[step];
            let output = fault(&mut script.command(step), library, "kill", again).output().expect("the program starts");
            if output.status.signal() != Some(9) {
                assert_ended_well(&Ran::of(output), &what);
            }
            script.assert_acknowledged(&format!("{what}, killed again at {again}"));
        }
        for step in step..script.steps.len() {
            script.redo(step, &what);
        }
        script.assert_acknowledged(&what);
        script.assert_sound(&what);
        assert_same(&expected, &script.outcome(), &what);
    }
}
