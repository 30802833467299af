//! The columns that a block's payload is made of, format version 1.
//!
//! Pure functions from rows to bytes and back: nothing here knows RocksDB, files or days. What is written reads back equal
//! on every machine; bytes that were not written here give [`Corrupt`], never a panic and never an unbounded allocation.

pub(crate) mod bytes;
pub(crate) mod column;
pub(crate) mod decision;
pub(crate) mod dictionary;
pub(crate) mod number;
pub(crate) mod record;
pub(crate) mod text;

pub(crate) use bytes::{Corrupt, Reader};
pub(crate) use column::Encoder;

/// The most rows one block holds; a reader refuses more before it makes room for them.
pub const BLOCK_ROWS_MAX: usize = 65_536;
