//! The command as a person runs it: the real binary, against the simulated carrier.

mod demo;
mod docs;
mod journal;
mod segments;
mod send;
mod shell;
mod sim;
