//! Requests that are taken once: the `Idempotency-Key` header, as draft-ietf-httpapi-idempotency-key-header-07
//! has it.
//!
//! Called by the handlers that take messages. What was answered is in the store, beside the message; here
//! is only what is being worked on at this moment.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tidings_store::AccountId;

use super::error::{Code, Problem, Result};
use crate::intake::once;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// On the answer to a request that was answered before.
pub(crate) const REPLAYED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("idempotent-replayed"),
    HeaderValue::from_static("true"),
);

/// The key of a request, if it has one. The draft writes it in quotation marks; without them it is taken
/// too.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<Box<str>>> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let bad = |detail: &'static str| Problem::new(Code::InvalidIdempotencyKey, detail);
    if values.next().is_some() {
        return Err(bad("the request has several keys"));
    }
    let value = value.to_str().unwrap_or_default().trim();
    let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let key = quoted.unwrap_or(value);
    match once::check_key(key) {
        Ok(key) => Ok(Some(key.into())),
        Err(_) => Err(bad("a key has 1 to 255 visible ASCII characters")),
    }
}

/// The keys that are being worked on in this process.
#[derive(Debug, Default)]
pub(crate) struct InWork(Mutex<HashSet<(AccountId, Box<str>)>>);

impl InWork {
    /// Begins to work on a key.
    pub(crate) fn begin(&self, account: &AccountId, key: &str) -> Result<Working<'_>> {
        let row = (account.clone(), Box::from(key));
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !rows.insert(row.clone()) {
            let detail = "the request with this Idempotency-Key is being worked on";
            return Err(
                Problem::new(Code::RequestInProgress, detail).retry_after(Duration::from_secs(1))
            );
        }
        Ok(Working { all: self, row })
    }
}

/// A key that is being worked on; it is not any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Working<'w> {
    all: &'w InWork,
    row: (AccountId, Box<str>),
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut rows = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.remove(&self.row);
    }
}
