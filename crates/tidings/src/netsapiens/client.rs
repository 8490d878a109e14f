//! The client of the NetSapiens API: how every call is made. What can be called is in the files
//! beside it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{Clock, E164};
use tracing::Instrument;

use super::choices::Choices;
use super::grant::OPERATION;
use super::map::PROVIDER;
use super::path::Path;
use super::refusal;
use super::second_step::{self, MfaChallenge, SignedIn};
use super::sign_in::{Bearer, SignIn, Signed};
use super::token::Token;
use super::verdict::Call;
use crate::answer::{self, Answer};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient, HttpResponse};

/// A client of one user, or one key, of a NetSapiens PBX.
///
/// Cloning is cheap, and all clones share the sign-in and the connections.
///
/// The first call signs in. From then on the token is renewed ahead of its end, and once more when
/// the server says that it has ended earlier; however many calls need a new one at the same time, one
/// call brings it. After a failure nobody signs in for a second, and for twice as long after each
/// further one, up to a minute: until then calls fail with the same error and nothing is sent. A
/// refusal for missing rights ([`ErrorKind::Forbidden`]) is never a reason to sign in.
///
/// ```no_run
/// use tidings::netsapiens::{Client, SignedIn};
///
/// # async fn example(ask_the_user: fn() -> String) -> tidings::Result<()> {
/// let client = Client::builder()
///     .base_url("pbx.example.com")
///     .password("client id", "client secret", "200@example.com", "password")
///     .build()?;
/// // Only where the user has a second step of signing in; otherwise the first call signs in.
/// if let SignedIn::SecondStep(challenge) = client.sign_in().await? {
///     client.answer(challenge, ask_the_user()).await?;
/// }
/// let version = client.version().await?;
/// println!("{:?}, {:?}", version.apiversion, client.token());
/// # Ok(())
/// # }
/// ```
///
/// Every call can be given up by dropping its future. What the server had by then it does all the
/// same; a sign-in under way is carried through for those who come later.
#[doc(alias("NetsapiensAPI"))]
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all clones of a client share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) http: HttpClient,
    pub(super) base: BaseUrl,
    pub(super) sign_in: Arc<SignIn>,
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) from_number: Option<E164>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) choices: Arc<Choices>,
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

    /// The same client for another user: what it sends is this user's, in this domain. It shares the
    /// sign-in and the connections, and whether that may act for the user is the server's to say. It
    /// has no sender of its own: a number belongs to one user.
    #[must_use]
    pub fn act_for(&self, domain: impl Into<String>, user: impl Into<String>) -> Self {
        Self::of(Shared {
            domain: domain.into(),
            user: user.into(),
            from_number: None,
            ..self.shared().clone()
        })
    }

    /// The same client with another sender of messages that name none.
    #[must_use]
    pub fn sending_from(&self, number: E164) -> Self {
        Self::of(Shared {
            from_number: Some(number),
            ..self.shared().clone()
        })
    }

    /// Signs in now, instead of with the first call, unless there is a token that still holds.
    /// Programs whose user has a second step of signing in call this first; for others it finds wrong
    /// credentials before the first message does.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] for wrong credentials; otherwise why there is no token.
    #[doc(alias(
        "get_token",
        "refresh_token",
        "refresh_access_token",
        "check_token_expiry"
    ))]
    pub async fn sign_in(&self) -> Result<SignedIn> {
        self.signed_in(self.shared().sign_in.sign_in().await)
    }

    /// Answers to a second step of signing in. Calls that were made before it failed; those after it
    /// go.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] for a passcode that has not six digits, before anything is sent,
    /// and for one that the server does not take: then the same challenge can be answered again while
    /// the server remembers it.
    pub async fn answer(
        &self,
        challenge: MfaChallenge,
        passcode: impl Into<SecretString> + Send,
    ) -> Result<SignedIn> {
        let passcode = passcode.into();
        if !second_step::is_passcode(passcode.expose_secret()) {
            return Err(SIGN_IN.not_sent(ErrorKind::Unauthorized, "a passcode has six digits"));
        }
        self.signed_in(self.shared().sign_in.answer(challenge, passcode).await)
    }

    fn signed_in(&self, signed: Option<Result<Signed>>) -> Result<SignedIn> {
        match signed.transpose()? {
            Some(Signed::SecondStep(challenge)) => Ok(SignedIn::SecondStep(challenge)),
            Some(Signed::With(bearer)) => Ok(bearer.signed_in()),
            None => Ok(self
                .token()
                .map_or(SignedIn::NotNeeded, |token| SignedIn::Done(Box::new(token)))),
        }
    }

    /// The present token, with what the server told about the user. `None` before the first call and
    /// with an API key.
    #[doc(alias("get_token", "auth_data", "token_data"))]
    pub fn token(&self) -> Option<Token> {
        self.shared().sign_in.token()
    }

    /// Makes one call and reads its answer. When the server says that the token has ended, the call
    /// was not carried out, and is made once more with a new one.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        method: Method,
        path: Option<Path>,
        body: Option<Bytes>,
        read: impl FnOnce(Call, &HttpResponse) -> Result<Answer<T>> + Send,
    ) -> Result<Answer<T>> {
        let path = path.ok_or_else(|| no_path(call))?;
        let response = self.signed_in_exchange(call, &method, &path, body);
        read_within_a_span(call, response, read).await
    }

    /// Makes one call that needs no signing in, and reads its answer.
    pub(super) async fn call_unsigned<T>(
        &self,
        call: Call,
        method: Method,
        path: Option<Path>,
        body: Option<Bytes>,
        read: impl FnOnce(Call, &HttpResponse) -> Result<Answer<T>> + Send,
    ) -> Result<Answer<T>> {
        let path = path.ok_or_else(|| no_path(call))?;
        let response = self.exchange(call, &method, &path, body, None);
        read_within_a_span(call, response, read).await
    }

    /// The answer to a call that presents a token, after at most two tries.
    async fn signed_in_exchange(
        &self,
        call: Call,
        method: &Method,
        path: &Path,
        body: Option<Bytes>,
    ) -> Result<HttpResponse> {
        let sign_in = &self.shared.sign_in;
        let bearer = sign_in.bearer().await?;
        let response = self
            .exchange(call, method, path, body.clone(), Some(&bearer))
            .await?;
        let is_past_its_end = bearer.is_past_its_end(self.shared.clock.now());
        if !refusal::is_about_the_token(&response, is_past_its_end) {
            return Ok(response);
        }
        match sign_in.bearer_after(&bearer).await {
            Some(newer) => {
                let newer = newer?;
                self.exchange(call, method, path, body, Some(&newer)).await
            }
            None => Ok(response),
        }
    }

    async fn exchange(
        &self,
        call: Call,
        method: &Method,
        path: &Path,
        body: Option<Bytes>,
        bearer: Option<&Bearer>,
    ) -> Result<HttpResponse> {
        let uri = self.shared.base.uri(path.as_str()).ok_or_else(|| {
            call.not_sent(
                ErrorKind::Config,
                "the base_url cannot be continued by a path",
            )
        })?;
        // Room for those that the HTTP client and its engine add: the map does not grow on the way.
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(bearer) = bearer {
            headers.insert(AUTHORIZATION, bearer.header.clone());
        }
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let response = self.shared.http.send(request).await;
        response.map_err(|failure| failure.into_error(PROVIDER, call.operation, call.carries))
    }
}

/// What an answer means, with a line in the log for it.
async fn read_within_a_span<T>(
    call: Call,
    response: impl Future<Output = Result<HttpResponse>> + Send,
    read: impl FnOnce(Call, &HttpResponse) -> Result<Answer<T>> + Send,
) -> Result<Answer<T>> {
    let span = tracing::debug_span!(
        "netsapiens",
        provider = PROVIDER,
        operation = call.operation
    );
    let exchange = pin!(async {
        let answer = response.await.and_then(|response| read(call, &response));
        answer::trace(PROVIDER, &answer);
        answer
    });
    exchange.instrument(span).await
}

fn no_path(call: Call) -> Error {
    call.not_sent(
        ErrorKind::InvalidMessage,
        "a part of the path is empty or dots",
    )
}

const SIGN_IN: Call = Call::asks(OPERATION);

/// Shows whose client it is.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("domain", &self.shared.domain)
            .field("user", &self.shared.user)
            .finish_non_exhaustive()
    }
}
