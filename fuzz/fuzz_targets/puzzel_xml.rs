//! Any bytes for `fuzz::puzzel::xml`. Run by `cargo xtask fuzz puzzel_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::puzzel::xml(bytes));
