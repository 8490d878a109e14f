//! Tests of the small files of this crate; the folders have their own. And what the tests of the
//! providers share: `connection`, `log`, `scripted`, `settings`.

mod account;
mod answer;
#[cfg(all(feature = "client", feature = "any-provider"))]
pub(crate) mod connection;
#[cfg(all(feature = "client", not(feature = "aws-lc-rs")))]
mod cryptography;
mod error;
#[cfg(feature = "client")]
pub(crate) mod log;
mod memory;
#[cfg(feature = "client")]
pub(crate) mod scripted;
#[cfg(all(feature = "client", feature = "any-provider"))]
pub(crate) mod settings;
#[cfg(all(feature = "client", feature = "aws-lc-rs"))]
mod spec;
