//! The promises of the whole, one file each, in one program so that RocksDB is linked once.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

mod edges;
