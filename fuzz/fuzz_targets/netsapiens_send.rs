//! Any bytes for `fuzz::netsapiens::send`. Run by `cargo xtask fuzz netsapiens_send`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::send(bytes));
