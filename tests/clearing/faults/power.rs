//! Power lost on a real file system: it is stopped without writing its journal, mounted again, and the day goes on. Under a
//! disk whose syncs lie the same test must fail, or it would prove nothing.

use super::asked;
use super::disk::Disk;
use super::script::{DEEDS, Script, small_house};
use super::shim::{self, counted, fault};
use crate::dice::Dice;
use std::os::unix::process::ExitStatusExt;

const SEED: u64 = 9;
const RECORDS: usize = 240;
/// More than a ledger wants to be free on its disk.
const DISK_BYTES: u64 = 3 << 30;

/// Loses power at a call of a deed again and again; what was lost that should not have been, if anything.
fn lose_power(seed: u64, losses: u64, lies: bool) -> Option<Result<(), String>> {
    let library = shim::library()?;
    let mut disk = Disk::new(DISK_BYTES, &[], "power loss")?;
    // Only what the commands change is on the disk that loses power; what is acknowledged is kept elsewhere.
    let mut script = Script::within(small_house(), disk.mount_point(), seed, RECORDS);
    let mut calls = Vec::new();
    script.rehearse(|script, deed| calls.push(counted(&mut script.command(deed), library, &script.house.path("count"))));
    let mut dice = Dice::new(seed);
    for loss in 0..losses {
        let place = usize::try_from(loss).expect("small") % DEEDS.len();
        let (deed, at) = (DEEDS[place], 1 + dice.roll() % calls[place]);
        let what = format!("seed {seed}, loss {loss}: at call {at} of {deed:?}");
        // The day so far was synced by itself, or it depends on the commands' own syncs as well.
        let from = if lies || dice.permille(500) { 0 } else { place };
        script.go_back(&from.to_string());
        disk.sync();
        for &deed in &DEEDS[from..=place] {
            let mut command = script.command(deed);
            command.env("LD_PRELOAD", library);
            if lies {
                command.env("FAULT_LIE", "1");
            }
            if deed == DEEDS[place] {
                fault(&mut command, library, "power", at).env("FAULT_MOUNT", disk.mount_point());
            }
            let output = command.output().expect("the program starts");
            assert!(output.status.success() || output.status.signal() == Some(9), "{what}: {output:?}");
        }
        disk.restart();
        let went_on = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            script.assert_acknowledged(&what);
            script.redo(deed, &what);
            script.assert_as_if_undisturbed(deed, &what);
        }));
        if went_on.is_err() {
            return Some(Err(what));
        }
    }
    Some(Ok(()))
}

#[test]
fn what_was_acknowledged_is_there_after_a_loss_of_power() {
    let (seed, losses) = (asked("FAULT_SEED", SEED), asked("FAULT_POWER", 10));
    println!("FAULT_SEED={seed} FAULT_POWER={losses}");
    if let Some(result) = lose_power(seed, losses, false) {
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn a_disk_whose_syncs_lie_is_found_out() {
    if let Some(result) = lose_power(SEED, 20, true) {
        assert!(result.is_err(), "nothing was lost although nothing was synced");
    }
}
