#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tapclear_fuzz::csv(data);
});

/// Built without `cargo fuzz` there is nothing to run; `tests/corpus.rs` runs the body.
#[cfg(not(fuzzing))]
fn main() {}
