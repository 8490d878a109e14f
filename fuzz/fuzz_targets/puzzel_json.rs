//! Any bytes for `fuzz::puzzel::json`. Run by `cargo xtask fuzz puzzel_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::json(bytes));
