//! Tests of `text`: the shared vectors, properties, the wire formats, replacement.

mod vectors;
