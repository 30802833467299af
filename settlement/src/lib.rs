//! Settlement: what every party of the programme is told for one clearing day.
//!
//! Reads the day's decisions from the ledger, writes each party's files in one pass, checks that everything adds up, and
//! publishes the day as a whole. Never decides or prices anything, and never sees the engine. Invariant: the same scheme
//! and the same decisions give the same bytes, whoever wrote them with how many threads.
//!
//! The formats are in `docs/settlement-files.md`.

mod adjust;
mod adjustments;
mod book;
mod cells;
mod compose;
mod conserve;
mod desk;
mod digest;
mod error;
mod flagged;
mod flusher;
mod house;
mod layout;
mod locate;
mod manifest;
mod pass;
#[cfg(test)]
mod promises;
mod pseudonym;
mod published;
mod roster;
mod row;
mod seal;
mod section;
mod settle;
mod shelf;
mod sink;
mod stamp;
mod summary;
mod tally;
mod trial;
mod uploads;

pub use book::{MANIFESTS, draft, publish, settle};
pub use compose::{Composed, compose};
pub use digest::NamedDigest;
pub use error::SettleError;
pub use flagged::seconds;
pub use house::{CardDisplay, Column, FunderGroup, House};
pub use locate::{LineFile, Told, locate};
pub use pass::Feed;
pub use published::{Changed, check_published, receivers};
pub use seal::checkpoint::{Checkpoint, GrowthProof};
pub use seal::copies::Copies;
pub use seal::line::{LineProof, Prover};
pub use seal::suite::PublicKey;
pub use seal::verify::{PartySeal, ProofError};
pub use seal::{Sealed, prove_growth, seal, seal_path};
pub use settle::{Drafted, Published, PublishedManifest};
pub use sink::FileEntry;
pub use summary::SummaryRow;
