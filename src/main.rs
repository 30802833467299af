//! The command `tapclear`.

use clap::Parser;
use std::process::ExitCode;
use tapclear::cli::Cli;
use tapclear::command;

/// Threads hand blocks and batches to each other: this allocator keeps and reuses them where the system's gives them back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match command::run(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit())
        }
    }
}
