//! Struck, and struck again inside the recovery from it. A seed makes its pair again: `FAULT_SEED=n FAULT_PAIRS=1`.

use super::crash_points::rehearsed;
use super::script::{DEEDS, Script};
use super::shim::{self, MODES, strike};
use super::{asked, on_all_processors};
use crate::dice::Dice;
use std::path::Path;

const SEED: u64 = 1;
/// Of the day; each pair has a seed of its own.
const DAY_SEED: u64 = 20_260_302;
/// A recovery may be over before the call that was to be struck: another one is drawn.
const DRAWS_MAX: usize = 20;

#[test]
fn a_day_comes_out_the_same_when_a_recovery_is_struck_as_well() {
    let Some(library) = shim::library() else { return };
    let (seed, pairs) = (asked("FAULT_SEED", SEED), asked("FAULT_PAIRS", 20));
    println!("FAULT_SEED={seed} FAULT_PAIRS={pairs}");
    let count = usize::try_from(pairs).expect("a number of pairs");
    let each = |(script, calls): &mut (Script, Vec<u64>), number: usize| pair(script, calls, library, seed + number as u64);
    on_all_processors(count, || rehearsed(DAY_SEED, library), each, drop);
}

fn pair(script: &Script, calls: &[u64], library: &Path, seed: u64) {
    let mut dice = Dice::new(seed);
    let note = script.house.path("struck");
    for _ in 0..DRAWS_MAX {
        let place = usize::try_from(dice.roll() % DEEDS.len() as u64).expect("small");
        let (deed, modes) = (DEEDS[place], [*dice.one_of(&MODES), *dice.one_of(&MODES)]);
        let [at, again] = [(); 2].map(|()| 1 + dice.roll() % calls[place]);
        let what = format!("seed {seed}: {deed:?}, {} at call {at}, then {} at call {again}", modes[0], modes[1]);
        script.go_back(&place.to_string());
        let first = strike(&mut script.command(deed), library, modes[0], at, &note, &what);
        script.assert_acknowledged(&what);
        let second = strike_recovery(script, library, (place, modes[1], again), &what);
        script.redo(deed, &what);
        script.assert_as_if_undisturbed(deed, &what);
        if first && second {
            return;
        }
    }
    panic!("seed {seed}: no draw struck a recovery");
}

/// Strikes a deed that is run again; it may say that it was done before.
fn strike_recovery(script: &Script, library: &Path, (place, mode, at): (usize, &str, u64), what: &str) -> bool {
    let struck = strike(&mut script.command(DEEDS[place]), library, mode, at, &script.house.path("struck"), what);
    script.assert_acknowledged(what);
    struck
}
