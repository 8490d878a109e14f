//! What the HTTP client promises, against servers that count what they really got.

mod account;
mod behaviour;
mod http2;
mod metadata;
mod reach;
mod server;
mod stages;
