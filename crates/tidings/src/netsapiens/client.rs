//! The client of the NetSapiens API: how every call is made. What can be called is in the files
//! beside it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use tidings_core::{Clock, E164};
use tracing::Instrument;

use super::choices::Choices;
use super::map::PROVIDER;
use super::path::Path;
use super::sign_in::{Bearer, SignIn};
use super::verdict::Call;
use crate::answer::{self, Answer};
use crate::error::{ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient, HttpResponse};

/// A client of one user, or one key, of a NetSapiens PBX. Cloning is cheap, and all clones share the
/// sign-in and the connections.
#[doc(alias("NetsapiensAPI"))]
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all clones of a client share.
pub(super) struct Shared {
    pub(super) http: HttpClient,
    pub(super) base: BaseUrl,
    pub(super) sign_in: SignIn,
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) from_number: Option<E164>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) choices: Choices,
}

impl Client {
    pub(super) fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Makes one call and reads its answer. When the server says that the token has expired, the call
    /// was not carried out, and is made once more with a new one.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        method: Method,
        path: Option<Path>,
        body: Option<Bytes>,
        read: impl Fn(Call, &HttpResponse) -> Result<Answer<T>>,
    ) -> Result<Answer<T>> {
        let path = path.ok_or_else(|| {
            call.not_sent(
                ErrorKind::InvalidMessage,
                "a part of the path is empty or dots",
            )
        })?;
        let shared = &*self.shared;
        let bearer = shared.sign_in.bearer(&shared.http, &shared.base).await?;
        self.exchange(call, &method, &path, body, &bearer, read)
            .await
    }

    async fn exchange<T>(
        &self,
        call: Call,
        method: &Method,
        path: &Path,
        body: Option<Bytes>,
        bearer: &Bearer,
        read: impl Fn(Call, &HttpResponse) -> Result<Answer<T>>,
    ) -> Result<Answer<T>> {
        let uri = self.shared.base.uri(path.as_str()).ok_or_else(|| {
            call.not_sent(
                ErrorKind::Config,
                "the base_url cannot be continued by a path",
            )
        })?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, bearer.header.clone());
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let span = tracing::debug_span!(
            "netsapiens",
            provider = PROVIDER,
            operation = call.operation
        );
        let exchange = pin!(async {
            let answer = match self.shared.http.send(request).await {
                Ok(response) => read(call, &response),
                Err(failure) => Err(failure.into_error(PROVIDER, call.operation, call.carries)),
            };
            answer::trace(PROVIDER, &answer);
            answer
        });
        exchange.instrument(span).await
    }
}

/// Shows whose client it is.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("domain", &self.shared.domain)
            .field("user", &self.shared.user)
            .finish_non_exhaustive()
    }
}
