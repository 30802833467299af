//! Clearing as functions of state and batch: ingest, authenticate, dedup, price, close.
//!
//! Files are read here, at the door, and nowhere else. Nothing here stores: what is decided is handed on, in order.

pub mod ingest;
pub mod mistake;
pub mod scheme;
pub mod tariff;
