//! Text messages as pure functions.

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod text;
