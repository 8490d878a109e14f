//! Any bytes for `fuzz::netsapiens::tokens`. Run by `cargo xtask fuzz netsapiens_tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::tokens(bytes));
