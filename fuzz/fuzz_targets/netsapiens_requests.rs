//! Any bytes for `fuzz::netsapiens::requests`. Run by `cargo xtask fuzz netsapiens_requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::requests(bytes));
