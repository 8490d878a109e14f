//! Signing in, for a client and all its clones: who needs a token gets the one that there is, and
//! when there is none, one call brings it for all who wait.

use std::sync::Arc;

use http::HeaderValue;

use super::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};

/// What a call presents: a header that is never shown.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    pub(super) header: HeaderValue,
}

/// The sign-in of a client.
#[derive(Debug)]
pub(super) struct SignIn {
    _credentials: Credentials,
}

impl SignIn {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            _credentials: credentials,
        }
    }

    /// What the next call presents: the present token, or a new one.
    pub(super) async fn bearer(&self, _http: &HttpClient, _base: &BaseUrl) -> Result<Arc<Bearer>> {
        Err(Error::not_sent(ErrorKind::Unsupported, "no sign-in yet"))
    }

    /// What the call presents when it is made once more, after the server called `refused`
    /// expired.
    pub(super) async fn bearer_after(
        &self,
        _refused: &Arc<Bearer>,
        http: &HttpClient,
        base: &BaseUrl,
    ) -> Result<Arc<Bearer>> {
        self.bearer(http, base).await
    }
}
