//! The world directly, with a clock of the test's own.
