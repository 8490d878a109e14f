//! What stands behind the vendors' APIs of the gateway: [`backend`], one implementation of
//! [`tidings::backend`] for all providers, on top of [`crate::intake`] and the store.
//!
//! Called by [`crate::http`], which mounts each provider's router over it. It knows no provider by name:
//! whatever differs between them follows from the provider's capabilities and from what its server half
//! asks for. The traits of the seam are implemented one to a file: `sign_in`, `tokens`, `messages`,
//! `batches`, `contacts`, `account`, `conversations`, `numbers`, `subscriptions`. Telephone calls are
//! not offered: a gateway has no telephones.
//!
//! With which settings the APIs are served is [`served`]. The way back, from what happens to the vendor's own form of telling it, is [`told`]. The page for the
//! customers of these APIs is `docs/vendor-apis.md`.

mod account;
mod batches;
mod caller;
mod contacts;
mod conversations;
mod details;
mod drafts;
mod media;
mod messages;
mod numbers;
mod pressure;
mod progress;
mod refusals;
pub mod served;
mod shown;
mod sign_in;
mod subscriptions;
mod terms;
#[cfg(test)]
mod tests;
mod tokens;
pub mod told;
mod users;

use std::sync::Arc;

use tidings::ProviderSpec;
use tidings::backend::{Backend, CallDesk};

use self::caller::Callers;
use self::pressure::Pressure;
use crate::gateway::Gateway;

pub use account::WITHOUT_LIMIT;
pub use details::KeyDetails;
pub use terms::KeptTerms;

/// What a provider's router is mounted over.
pub fn backend(gateway: Gateway, spec: &'static ProviderSpec) -> Arc<dyn Backend> {
    Arc::new(Door {
        gateway,
        spec,
        callers: Callers::default(),
        pressure: Pressure::default(),
    })
}

/// One vendor's API of the gateway.
#[derive(Debug)]
struct Door {
    gateway: Gateway,
    spec: &'static ProviderSpec,
    callers: Callers,
    pressure: Pressure,
}

/// Refuses everything: a gateway has no telephones.
impl CallDesk for Door {}
