//! The provider of an account's file with every layer around it, or one in memory where there is no
//! file. Shared by those examples that do not care whose account they have; `send_one.rs` shows the
//! same line by line.

#[path = "../account/mod.rs"]
mod account;

use std::sync::Arc;

use tidings::layers::{self, Jitter, LayerSettings};
use tidings::memory::MemoryProvider;
use tidings::{HttpClient, Provider, ProviderSpec, SystemClock};

/// The provider, and what the SDK knows of its kind.
pub(crate) fn open(
    path: Option<&str>,
    settings: &LayerSettings,
) -> anyhow::Result<(Arc<dyn Provider>, Option<&'static ProviderSpec>)> {
    let Some(path) = path else {
        return Ok((Arc::new(MemoryProvider::new()), None));
    };
    let (spec, account) = account::read(path)?;
    let client = (spec.connect)(&account, HttpClient::builder().build()?)?;
    let clock = Arc::new(SystemClock::new());
    let provider = layers::standard(client, settings, clock, Jitter::random());
    Ok((provider, Some(spec)))
}
