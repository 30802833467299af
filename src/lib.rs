//! tapclear: clearing for one-card programmes. The library behind the command line.
//!
//! The only place that knows flags, JSON and colours; it puts the engine, the ledger and settlement together.

pub mod cli;
pub mod closing;
pub mod command;
pub mod durable;
pub mod explaining;
pub mod failure;
pub mod generate;
pub mod gtfs;
pub mod history;
pub mod intake;
pub mod opening;
pub mod output;
pub mod plot;
pub mod progress;
pub mod rebuilding;
pub mod steps;
pub mod terms;
pub mod typed;
pub mod vault;
pub mod what_if;
pub mod words;
