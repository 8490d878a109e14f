//! Any bytes for `fuzz::netsapiens::answers`. Run by `cargo xtask fuzz netsapiens_answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::answers(bytes));
