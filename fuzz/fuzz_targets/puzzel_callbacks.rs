//! Any bytes for `fuzz::puzzel::callbacks`. Run by `cargo xtask fuzz puzzel_callbacks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::callbacks(bytes));
