//! Tests of the Puzzel provider.

mod callback;
mod codes;
mod encoding;
#[cfg(feature = "server")]
mod references;
