//! Tests of numbers and senders.
