//! The complete client of Puzzel's gateway.

use std::sync::Arc;

use crate::error::Result;
use crate::http::HttpClient;
use crate::provider::{Account, Provider, unsupported};

/// Makes a client of an account's settings.
pub(super) fn connect(account: &Account, http: HttpClient) -> Result<Arc<dyn Provider>> {
    let _ = (account, http);
    Err(unsupported(super::map::PROVIDER, "connect"))
}
