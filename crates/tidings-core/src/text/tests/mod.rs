//! Tests of `text`: the shared vectors, the wire formats, replacement, properties, and a second implementation.

mod policy;
mod properties;
mod replacement;
mod second;
mod vectors;
mod wire;
