//! Tests of the Puzzel provider.
