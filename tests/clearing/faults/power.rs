//! Power lost on a real file system: ext4 in a loop device is stopped without writing its journal, mounted again, and the
//! day goes on. Under a disk whose syncs lie the same test must fail, or it would prove nothing.
//!
//! Needs root, a loop device and `mkfs.ext4`; says so where they are missing.

use super::{Script, asked, shim};
use crate::dice::Dice;
use crate::published::assert_same;
use crate::transit;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const SEED: u64 = 9;
const RECORDS: usize = 240;
/// A file with holes: more than a ledger wants to be free on its disk.
const DISK_BYTES: u64 = 3 << 30;

/// A file system in a file; unmounted when it is dropped.
struct Disk {
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// None where none can be made here.
    fn new() -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let disk = Self { folder, mounted: false };
        std::fs::create_dir(disk.mount_point()).expect("a folder");
        std::fs::File::create(disk.image()).and_then(|image| image.set_len(DISK_BYTES)).expect("a file");
        let made = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), disk.image().as_ref()]);
        let mut disk = disk;
        if made && disk.mount() {
            return Some(disk);
        }
        println!("skipped: power loss needs root, a loop device and mkfs.ext4");
        None
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount_point(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&mut self) -> bool {
        self.mounted = run("mount", &["-o".as_ref(), "loop".as_ref(), self.image().as_ref(), self.mount_point().as_ref()]);
        self.mounted
    }

    /// What a restart of the machine does.
    fn restart(&mut self) {
        assert!(run("umount", &[self.mount_point().as_ref()]), "it can be unmounted");
        assert!(self.mount(), "it can be mounted again");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            run("umount", &[self.mount_point().as_ref()]);
        }
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Loses power at a call of a step again and again; what was lost that should not have been, if anything.
fn lose_power(seed: u64, losses: u64, lies: bool) -> Option<Result<(), String>> {
    let library = shim::library()?;
    let mut disk = Disk::new()?;
    // Only what the commands change is on the disk that loses power; what is acknowledged is kept elsewhere.
    let house = transit::house();
    for name in ["ledger", "out"] {
        std::os::unix::fs::symlink(disk.mount_point().join(name), house.path(name)).expect("a link");
    }
    let script = Script::within(house, seed, RECORDS);
    let fresh = |mount: &Path| {
        for name in ["ledger", "out"] {
            drop(std::fs::remove_dir_all(mount.join(name)));
            std::fs::create_dir_all(mount.join(name)).expect("a folder");
        }
        drop(std::fs::remove_file(script.house.path("acks")));
        run("sync", &["-f".as_ref(), mount.as_ref()]);
    };
    fresh(&disk.mount_point());
    let note = script.house.path("count");
    let calls: Vec<u64> = (0..script.steps.len()).map(|step| shim::counted(&mut script.command(step), library, &note)).collect();
    let expected = script.outcome();
    let mut dice = Dice::new(seed);
    for loss in 0..losses {
        let struck = usize::try_from(loss).expect("small") % script.steps.len();
        let at = 1 + dice.roll() % calls[struck];
        let what = format!("seed {seed}, loss {loss}: at call {at} of step {struck}");
        fresh(&disk.mount_point());
        for step in 0..=struck {
            let mut command = script.command(step);
            command.env("LD_PRELOAD", library);
            if lies {
                command.env("FAULT_LIE", "1");
            }
            if step == struck {
                command.env("FAULT_MODE", "power").env("FAULT_AT", at.to_string()).env("FAULT_MOUNT", disk.mount_point());
            }
            let output = command.output().expect("the program starts");
            assert!(output.status.success() || output.status.signal() == Some(9), "{what}: {output:?}");
        }
        disk.restart();
        let went_on = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            script.assert_acknowledged(&what);
            (struck..script.steps.len()).for_each(|step| script.redo(step, &what));
            script.assert_acknowledged(&what);
            script.assert_sound(&what);
            assert_same(&expected, &script.outcome(), &what);
        }));
        if went_on.is_err() {
            return Some(Err(what));
        }
    }
    Some(Ok(()))
}

#[test]
fn what_was_acknowledged_is_there_after_a_loss_of_power() {
    let (seed, losses) = (asked("FAULT_SEED", SEED), asked("FAULT_POWER", 5));
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
