//! Killed from outside, again and again, while it takes in a file and tells what is durable.

use super::{Script, asked};
use crate::dice::Dice;
use crate::published::assert_same;
use std::process::Stdio;
use std::time::{Duration, Instant};

const SEED: u64 = 77;
/// Chunks enough that groups follow each other.
const RECORDS: usize = 24_000;

#[test]
fn a_day_comes_out_the_same_however_often_its_process_was_killed() {
    let (seed, kills) = (asked("FAULT_SEED", SEED), asked("FAULT_KILLS", 5));
    println!("FAULT_SEED={seed} FAULT_KILLS={kills}");
    let script = Script::new(seed, RECORDS);
    script.keep(0);
    // How long each step takes here and now: a kill falls somewhere in it, or just after.
    let mut lasted = Vec::new();
    for step in 0..script.steps.len() {
        let started = Instant::now();
        script.redo(step, "undisturbed");
        lasted.push(i64::try_from(started.elapsed().as_micros()).expect("some seconds"));
    }
    let expected = script.outcome();
    script.go_back(0);
    let mut dice = Dice::new(seed);
    let mut struck = 0;
    for kill in 0..kills {
        let step = usize::try_from(kill).expect("small") % script.steps.len();
        if step == 0 {
            script.go_back(0);
        }
        let what = format!("seed {seed}, kill {kill} in step {step}");
        let mut child = script.command(step).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_micros(dice.within(0, lasted[step]).unsigned_abs()));
        child.kill().expect("it can be killed, or has ended");
        struck += u64::from(!child.wait().expect("it ends").success());
        script.assert_acknowledged(&what);
        script.redo(step, &what);
        script.assert_acknowledged(&what);
        script.assert_sound(&what);
        if step + 1 == script.steps.len() {
            assert_same(&expected, &script.outcome(), &what);
        }
    }
    println!("killed {struck} of {kills} times before it was done");
}
