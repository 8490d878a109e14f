//! Any bytes for `fuzz::netsapiens::lists`. Run by `cargo xtask fuzz netsapiens_lists`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::netsapiens::lists(bytes));
