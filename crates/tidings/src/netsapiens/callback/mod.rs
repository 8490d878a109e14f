//! Events: what a NetSapiens server posts to its subscribers, read by whoever receives it and made
//! by whoever stands in for the server.

use crate::callback::{Callback, CallbackError, CallbackRequest};
use crate::provider::Account;

/// Reads the events of one post.
pub fn parse(_request: &CallbackRequest) -> Result<Vec<Callback>, CallbackError> {
    Err(CallbackError::new("is not read yet"))
}

/// Makes posts of what happened.
pub fn emit(_account: &Account, _callbacks: &[Callback]) -> Vec<CallbackRequest> {
    Vec::new()
}
