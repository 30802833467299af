//! The nouns of card clearing, and nothing else.
//!
//! A type stands here when two crates must mean the same thing by it. Nothing here reads a file, starts a thread, looks at
//! a clock or knows how it is stored: the edges have wire and view types of their own.

pub mod decision;
pub mod money;
pub mod oddity;
pub mod outcome;
pub mod party;
pub mod posting;
pub mod record;
pub mod suite;
pub mod symbol;
pub mod text;
pub mod time;

pub use decision::{Decision, Discount, Flags};
pub use money::{round_half_up, split};
pub use oddity::{Measure, OddityKind};
pub use outcome::{Outcome, Reason};
pub use party::{Party, PartyKind};
pub use posting::{Account, Entry, Posting, Role};
pub use record::{CardToken, IdKind, Record, RecordId, RecordKind, SourceRef};
pub use suite::Suite;
pub use symbol::{Symbol, SymbolTable};
pub use text::Text;
pub use time::{Day, EventTime};
