//! The NetSapiens API v2 as a server.

use std::sync::Arc;

use axum::Router;

use crate::backend::Backend;
use crate::error::Result;
use crate::provider::Account;

/// The API over a backend.
pub fn router(_backend: Arc<dyn Backend>, _settings: &Account) -> Result<Router> {
    Ok(Router::new())
}
