//! What riders pay, by tariffs as files: the bundled examples, and cities of other kinds.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

mod cities;
mod examples;
mod journeys;
mod published;
mod reference;
mod rider;
mod together;
