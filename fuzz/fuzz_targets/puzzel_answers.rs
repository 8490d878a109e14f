//! Any bytes for `fuzz::puzzel::answers`. Run by `cargo xtask fuzz puzzel_answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::answers(bytes));
