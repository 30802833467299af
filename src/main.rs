//! The command `tapclear`.

use clap::Parser;
use std::process::ExitCode;
use tapclear::cli::Cli;
use tapclear::command;

fn main() -> ExitCode {
    match command::run(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit())
        }
    }
}
