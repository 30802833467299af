//! Clearing as functions of state and batch: ingest, authenticate, dedup, price, close.
//!
//! Files are read here, at the door, and nowhere else. Nothing here stores: what is decided is handed on, in order.

pub mod account;
pub mod close;
pub mod dedup;
pub mod ingest;
pub mod mistake;
pub mod parallel;
pub mod price;
pub mod scheme;
pub mod tariff;
