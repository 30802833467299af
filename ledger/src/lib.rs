//! The ledger: an append-only, hash-chained journal on RocksDB, and what is derived from it.
//!
//! The only crate that names rocksdb. Nothing in the journal is updated or deleted; days, files and balances are derived
//! from it and can be checked against it ([`Ledger::verify`]). It knows records, decisions and double entry, but decides and
//! prices nothing.

mod anchor;
mod archive;
mod backup;
mod balances;
mod block;
mod cards;
mod chain;
mod closed;
mod codec;
mod commit;
mod days;
mod decisions;
mod error;
mod event;
mod files;
mod forget;
mod group;
mod intake;
mod journal;
mod ledger;
mod lines;
mod read;
mod refusal;
mod rocks;
pub mod storage;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod wire;

pub use archive::Archived;
pub use backup::{Backup, BackupError, back_up, drop_older, restore};
pub use balances::Balance;
pub use block::{BlockKind, Header};
pub use closed::{FileOutcomes, OddRecord, Oddity, ServiceFee, ServiceFees};
pub use codec::BLOCK_ROWS_MAX;
pub use days::{DayInfo, DayState, DayTotals};
pub use decisions::{DecisionBlock, DecisionEncoder, Posted, decode_decisions};
pub use error::{LedgerError, Obstacle};
pub use event::Event;
pub use files::{FileInfo, FileState};
pub use group::Group;
pub use intake::{IntakeBlock, IntakeEncoder, IntakePiece, IntakeRows};
pub use journal::{Copied, Journal};
pub use ledger::{Ledger, LedgerOptions};
pub use lines::{BlockLines, PartyLines};
pub use read::{DecisionsAt, IntakeAt};
pub use refusal::Refusal;
pub use store::Head;
pub use verify::{Difference, VerifyReport};
