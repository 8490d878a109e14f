//! Delivery reports and incoming messages as Puzzel's gateway tells them: parse and emit.

use crate::callback::{Callback, CallbackError, CallbackRequest};
use crate::provider::Account;

/// Reads what the gateway tells in one call.
pub fn parse(request: &CallbackRequest) -> Result<Vec<Callback>, CallbackError> {
    let _ = request;
    Err(CallbackError::new("cannot be read"))
}

/// Puts what there is to tell into calls.
pub fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let _ = (account, callbacks);
    Vec::new()
}
