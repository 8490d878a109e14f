//! Tests of the pieces of the server that know no HTTP.
