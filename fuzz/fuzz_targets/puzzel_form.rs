//! Any bytes for `fuzz::puzzel::form`. Run by `cargo xtask fuzz puzzel_form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::form(bytes));
