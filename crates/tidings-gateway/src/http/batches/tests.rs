//! Tests of how rows are read.
