//! The command as a person runs it: the real binary, against the simulated carrier.

#![expect(
    clippy::unwrap_used,
    reason = "every line of these files is a test's, which is allowed to"
)]

mod batches;
mod callbacks;
mod demo;
mod docs;
mod gateway;
mod gateway_campaigns;
mod journal;
mod lossy;
mod segments;
mod send;
mod serve;
mod sessions;
mod shell;
mod sim;
mod tls;
mod windows;
