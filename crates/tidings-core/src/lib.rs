//! Text messages as pure functions.
