//! The reference data of a programme.
