//! How a gateway is watched: numbers for Prometheus and traces for OpenTelemetry.
//!
//! [`metrics`] has every number's name; whoever counts something says so where it
//! happens, some of it by way of [`stages`]. [`traces`] makes
//! the layer of `tracing` that exports spans. Where log lines go is the command's affair.

pub mod metrics;
pub mod stages;
#[cfg(test)]
mod tests;
pub mod traces;
