//! The shim compiled, and put before a command.

use crate::house::Ran;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const MODES: [&str; 5] = ["kill", "eio", "eio-ever", "enospc", "short"];

/// The compiled shim; none where there is no C compiler, which is said once.
pub fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(compile).as_deref()
}

fn compile() -> Option<PathBuf> {
    let source = crate::house::root().join("tests/clearing/faults/shim.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the shim");
    let library = folder.join("shim.so");
    let mut compiler = Command::new("gcc");
    compiler.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
    match compiler.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: the fault harness needs gcc");
            None
        }
        ran => {
            let ran = ran.expect("gcc starts");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            Some(library)
        }
    }
}

/// Lets the `at`th call that changes the disk fail.
pub fn fault<'c>(command: &'c mut Command, library: &Path, mode: &str, at: u64) -> &'c mut Command {
    command.env("LD_PRELOAD", library).env("FAULT_MODE", mode).env("FAULT_AT", at.to_string())
}

/// Runs a command with a fault to its end; whether the fault came before that. It ends well, or as it was told to.
#[track_caller]
pub fn strike(command: &mut Command, library: &Path, mode: &str, at: u64, note: &Path, what: &str) -> bool {
    drop(std::fs::remove_file(note));
    let output = fault(command, library, mode, at).env("FAULT_STRUCK", note).output().expect("the program starts");
    if output.status.signal() == Some(9) {
        assert_eq!(mode, "kill", "{what}: killed");
    } else {
        super::assert_ended_well(&Ran::of(output), what);
    }
    note.exists()
}

/// Runs a command to its end and counts its calls.
pub fn counted(command: &mut Command, library: &Path, note: &Path) -> u64 {
    let ran = command.env("LD_PRELOAD", library).env("FAULT_COUNT", note).output().expect("the program starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::read_to_string(note).expect("the shim was loaded and counted").trim().parse().expect("a count")
}
