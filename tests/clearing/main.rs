//! The promises of the whole, one file each, in one program so that RocksDB is linked once.

mod edges;
