//! One module per command.

pub mod archive;
pub mod backup;
pub mod card;
pub mod checkpoint;
pub mod clear;
pub mod close;
pub mod demo;
pub mod explain;
pub mod forget;
pub mod generate;
pub mod ingest;
pub mod inspect;
pub mod prove;
pub mod rebuild;
pub mod resolve;
pub mod scheme;
pub mod seal;
pub mod settle;
pub mod status;
pub mod tariff;
pub mod verify;
pub mod verify_proof;
pub mod what_if;
pub mod withdraw;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Runs a command; the value is the exit code of one that did what was asked.
///
/// # Errors
/// When it failed or was refused.
pub fn run(cli: &Cli) -> Result<u8, Failure> {
    let shown = cli.shown;
    match &cli.command {
        Command::Clear(args) => clear::run(args, shown),
        Command::Demo(args) => demo::run(args, shown),
        Command::Generate(args) => generate::run(args, shown),
        Command::Ingest(args) => ingest::run(args, shown),
        Command::Close(args) => close::run(args, shown),
        Command::Settle(args) => settle::run(args, shown),
        Command::Resolve(args) => resolve::run(args, shown),
        Command::Withdraw(args) => withdraw::run(args, shown),
        Command::Verify(args) => verify::run(args, shown),
        Command::Rebuild(args) => rebuild::run(args, shown),
        Command::Seal(args) => seal::run(args, shown),
        Command::Prove(args) => prove::run(args),
        Command::VerifyProof(args) => verify_proof::run(args, shown),
        Command::Archive(args) => archive::run(args, shown),
        Command::Forget(args) => forget::run(args, shown),
        Command::Backup(args) => backup::run(args, shown),
        Command::Restore(args) => backup::restore(args, shown),
        Command::Checkpoint(args) => checkpoint::run(args, shown),
        Command::Inspect(args) => inspect::run(args, shown),
        Command::Status(args) => status::run(args, shown),
        Command::Explain(args) => explain::run(args, shown),
        Command::Card(args) => card::run(args, shown),
        Command::WhatIf(args) => what_if::run(args, shown),
        Command::Scheme(args) => scheme::run(args, shown),
        Command::Tariff(args) => tariff::run(args, shown),
    }
}
