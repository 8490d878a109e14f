//! Tests of the Puzzel provider.

mod encoding;
