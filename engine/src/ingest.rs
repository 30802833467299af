//! Files at the door: what terminals uploaded, as records.
//!
//! [`Mapping`] says how a file is read, [`Source`] cuts it into chunks of whole rows, and a [`Decoder`] on each worker
//! thread turns chunks into [`domain::Record`]s. Nothing here stores, prices or decides. A bad row is refused alone; a file
//! that is unreadable is refused whole. No error and no refusal holds a value of the file.

mod capture;
mod card;
mod cells;
mod csv_rows;
mod decoder;
mod error;
mod feed;
mod field_reader;
mod identity;
mod input;
mod json_rows;
mod keys;
mod layout;
mod mapping;
mod mapping_reader;
mod moment;
mod names;
mod numbers;
mod record_reader;
mod source;
mod wire_record;

pub use capture::{PACKAGE_RECORDS_MAX, PackageRefusal, TapWriter};
pub use card::{DoorKeys, PAN_BYTES_MAX, Pan, card_token};
pub use decoder::{Decoded, Decoder, Refusal, WRONG_TEXT};
pub use error::IngestError;
pub use identity::printed as record_id_of;
pub use input::file_digest;
pub use mapping::{Mapping, Section};
pub use names::NAME_BYTES_MAX;
pub use source::{Chunk, Source};

/// Text in a chunk: enough rows to keep a worker busy for a millisecond, few enough to stay in its cache.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// A longer row is no row: a quote that never closes, or not the format that the mapping says.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;
