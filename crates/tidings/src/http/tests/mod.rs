//! What the HTTP client promises, against servers that count what they really got.

mod behaviour;
mod metadata;
mod reach;
mod server;
mod stages;
