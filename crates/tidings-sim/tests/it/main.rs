//! The simulated carrier: its world directly, and the whole of it over real connections.

mod control;
mod faults;
mod harness;
mod providers;
mod scenarios;
mod serving;
mod state_file;
mod world;
