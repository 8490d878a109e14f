//! What holds for any bytes that come over a wire: nothing panics, and what could be read is written
//! and read again as the same. One module for each provider, one function for each target in
//! `fuzz_targets/`, whose files do nothing but hand the bytes on.

#![forbid(unsafe_code)]

pub mod netsapiens;
pub mod puzzel;
