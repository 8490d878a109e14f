//! How a gateway is watched: numbers for Prometheus and traces for OpenTelemetry.
//!
//! [`metrics`] has every number's name; whoever counts something says so where it happens. [`traces`] makes
//! the layer of `tracing` that exports spans. Where log lines go is the command's affair.

pub mod metrics;
pub mod traces;
