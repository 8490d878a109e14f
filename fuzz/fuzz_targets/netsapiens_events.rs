//! Any bytes for `fuzz::netsapiens::events`. Run by `cargo xtask fuzz netsapiens_events`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::events(bytes));
