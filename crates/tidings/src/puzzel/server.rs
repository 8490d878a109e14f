//! Puzzel's API as a server over a [`Backend`].

use std::sync::Arc;

use axum::Router;

use crate::backend::Backend;
use crate::error::Result;
use crate::provider::Account;

/// The API over a backend.
pub fn router(backend: Arc<dyn Backend>, settings: &Account) -> Result<Router> {
    let _ = (backend, settings);
    Ok(Router::new())
}
