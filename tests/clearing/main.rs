//! The promises of the whole, one file each, in one program so that RocksDB is linked once.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

mod archives;
mod backups;
mod books_balance;
mod canary;
mod command_line;
mod dice;
mod edges;
mod entitlements;
mod explain;
mod fares;
mod faults;
mod files_are_whole;
mod gtfs;
mod house;
mod late;
#[allow(dead_code, reason = "its tests use the rest of it")]
#[path = "../../engine/tests/naive/mod.rs"]
mod naive;
mod oddities;
#[allow(dead_code, reason = "its tests use the rest of it")]
#[path = "../../engine/tests/oracle/mod.rs"]
mod oracle;
mod other_tariffs;
mod proofs;
mod province;
mod published;
mod published_days;
mod real_data;
mod rebuilding;
mod recovery;
mod repeating;
mod resolutions;
mod same_set_same_bytes;
mod service_fees;
mod simulation;
mod tariff_try;
mod transit;
mod withdrawals;
