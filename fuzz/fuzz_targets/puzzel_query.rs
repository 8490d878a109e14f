//! Any bytes for `fuzz::puzzel::query`. Run by `cargo xtask fuzz puzzel_query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::query(bytes));
