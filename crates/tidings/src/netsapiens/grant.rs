//! The calls that bring tokens: what is sent to which of the server's three addresses for them, and
//! what their answers mean. Called by `sign_in.rs`, which decides when; nothing here is repeated, and
//! nothing of a request or of a token is in any error or log line.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tidings_core::{Clock, Timestamp};
use tracing::Instrument;

use super::credentials::{Brings, PasswordCredentials};
use super::jwt;
use super::map::PROVIDER;
use super::path::{self, ROOT};
use super::second_step::{MfaChallenge, MfaIdentity};
use super::token::Token;
use super::wire;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{BaseUrl, Carries, HttpClient, HttpResponse};

/// The name of signing in, in errors and spans.
pub(super) const OPERATION: &str = "sign_in";

/// Where tokens are asked for, and with what.
#[derive(Debug)]
pub(super) struct TokenDesk {
    http: HttpClient,
    base: BaseUrl,
    clock: Arc<dyn Clock>,
    credentials: PasswordCredentials,
    brings: Brings,
    /// Whether the server has shown that it knows only the older address.
    is_legacy: AtomicBool,
}

/// What a call for a token brings.
pub(super) enum Granted {
    Token(Box<Token>),
    SecondStep(MfaChallenge),
}

/// Why there is no token.
pub(super) struct Denied {
    pub(super) error: Error,
    /// Whether the server has said no to what was presented, so that presenting it again is futile.
    pub(super) is_final: bool,
}

impl TokenDesk {
    pub(super) fn new(
        http: HttpClient,
        base: BaseUrl,
        clock: Arc<dyn Clock>,
        credentials: PasswordCredentials,
        brings: Brings,
    ) -> Self {
        Self {
            http,
            base,
            clock,
            credentials,
            brings,
            is_legacy: AtomicBool::new(false),
        }
    }

    /// Signs in with the password.
    pub(super) async fn password(&self) -> Result<Granted, Denied> {
        let request = self.with_password("password");
        self.grant(&request).await
    }

    /// Uses up a refresh token.
    pub(super) async fn refresh(&self, token: &SecretString) -> Result<Granted, Denied> {
        let token = token.expose_secret().into();
        let request = match self.brings {
            Brings::Token => wire::TokenRequest {
                grant_type: "refresh_token".into(),
                client_id: self.credentials.client_id.as_str().into(),
                client_secret: self.credentials.client_secret.expose_secret().into(),
                refresh_token: token,
                ..wire::TokenRequest::default()
            },
            Brings::Jwt => wire::TokenRequest {
                refresh: token,
                ..wire::TokenRequest::default()
            },
        };
        self.grant(&request).await
    }

    /// Answers to a second step; the passcode has been checked.
    pub(super) async fn second_step(
        &self,
        challenge: &MfaChallenge,
        passcode: &str,
    ) -> Result<Granted, Denied> {
        let request = wire::TokenRequest {
            mfa_type: challenge.mfa_type.as_str().into(),
            mfa_vendor: challenge.mfa_vendor.as_str().into(),
            ns_id_type: challenge.identity.as_str().into(),
            passcode: passcode.into(),
            access_token: challenge.access_token.expose_secret().into(),
            ..self.with_password("mfa")
        };
        self.grant(&request).await
    }

    /// Whether a token that was stored was got here, and for this user.
    pub(super) fn owns(&self, token: &Token) -> bool {
        token.api_url == self.base.to_string() && token.got_for == self.got_for()
    }

    fn with_password(&self, grant_type: &'static str) -> wire::TokenRequest {
        wire::TokenRequest {
            grant_type: grant_type.into(),
            client_id: self.credentials.client_id.as_str().into(),
            client_secret: self.credentials.client_secret.expose_secret().into(),
            username: self.credentials.username.as_str().into(),
            password: self.credentials.password.expose_secret().into(),
            ..wire::TokenRequest::default()
        }
    }

    fn got_for(&self) -> String {
        let (client, user) = (&self.credentials.client_id, &self.credentials.username);
        [client, " ", user, " ", self.brings.as_str()].concat()
    }

    async fn grant(&self, request: &wire::TokenRequest) -> Result<Granted, Denied> {
        let span = tracing::debug_span!("netsapiens", provider = PROVIDER, operation = OPERATION);
        let granting = pin!(async {
            let granted = self.grant_somewhere(request).await;
            match &granted {
                Ok(Granted::Token(_)) => tracing::debug!("netsapiens gave a token"),
                Ok(Granted::SecondStep(_)) => tracing::debug!("netsapiens wants a second step"),
                Err(Denied { error, .. }) => tracing::debug!(
                    error.kind = error.kind().as_str(),
                    http.status = error.http().map(|http| http.status),
                    "netsapiens gave no token: {error}"
                ),
            }
            granted
        });
        granting.instrument(span).await
    }

    async fn grant_somewhere(&self, request: &wire::TokenRequest) -> Result<Granted, Denied> {
        if self.brings == Brings::Jwt {
            return self.ask(Address::Jwt, request).await;
        }
        if !self.is_legacy.load(Ordering::Acquire) {
            let granted = self.ask(Address::Tokens, request).await;
            match &granted {
                Err(denied) if status_of(&denied.error) == Some(404) => {}
                _ => return granted,
            }
        }
        // The server is older than this address, or does not show it.
        let granted = self.ask(Address::Legacy, request).await;
        let is_there = match &granted {
            Ok(_) => true,
            Err(denied) => status_of(&denied.error).is_some_and(|status| status != 404),
        };
        if is_there && !self.is_legacy.swap(true, Ordering::AcqRel) {
            tracing::info!(
                provider = PROVIDER,
                "this netsapiens server gives tokens at its older address"
            );
        }
        granted
    }

    async fn ask(&self, address: Address, request: &wire::TokenRequest) -> Result<Granted, Denied> {
        let asked_at = self.clock.now();
        let written = self.http_request(address, request).map_err(not_asked)?;
        let response = match self.http.send(written).await {
            Ok(response) => response,
            Err(failure) => {
                let error = failure.into_error(PROVIDER, OPERATION, Carries::Question);
                return Err(not_asked(error));
            }
        };
        self.read(address, request, &response, asked_at)
    }

    fn http_request(
        &self,
        address: Address,
        request: &wire::TokenRequest,
    ) -> Result<Request<Bytes>> {
        let (body, content_type) = match address {
            Address::Tokens | Address::Jwt => {
                let json = serde_json::to_vec(request).map_err(|_| {
                    error(
                        ErrorKind::Config,
                        "the credentials cannot be written as json",
                    )
                })?;
                (json, "application/json")
            }
            Address::Legacy => (form(request), "application/x-www-form-urlencoded"),
        };
        let uri = self.base.uri(&address.path()).ok_or_else(|| {
            error(
                ErrorKind::Config,
                "the base_url cannot be continued by a path",
            )
        })?;
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(request)
    }

    /// What an answer means. A success is one only with a token in it.
    fn read(
        &self,
        address: Address,
        request: &wire::TokenRequest,
        response: &HttpResponse,
        asked_at: Timestamp,
    ) -> Result<Granted, Denied> {
        if !response.status.is_success() {
            return Err(refusal(request, response));
        }
        let token = match address {
            Address::Tokens | Address::Legacy => {
                wire::read(&response.body).map(|answer: wire::TokenAnswer| {
                    let step = (answer.mfa_type.0.clone(), answer.mfa_vendor.0.clone());
                    Token::of_answer(answer, asked_at).map(|token| (token, step))
                })
            }
            Address::Jwt => wire::read(&response.body).map(|answer: wire::JwtAnswer| {
                let claims = jwt::claims(&answer.token.0).unwrap_or_default();
                let step = (claims.mfa_type.0, claims.mfa_vendor.0);
                Token::of_jwt(answer, asked_at).map(|token| (token, step))
            }),
        };
        let (mut token, (mfa_type, mfa_vendor)) = match token {
            Ok(Some(token)) => token,
            Ok(None) => return Err(refusal(request, response)),
            Err(unreadable) => {
                let mut denied = refusal(request, response);
                denied.error = denied.error.with_source(unreadable);
                return Err(denied);
            }
        };
        if token.scope == SECOND_STEP_IS_DUE {
            return Ok(Granted::SecondStep(MfaChallenge {
                mfa_type: or_else(mfa_type, "authenticator"),
                mfa_vendor: or_else(mfa_vendor, "google"),
                identity: MfaIdentity::default(),
                access_token: token.access_token,
            }));
        }
        if token.client_id.is_empty() {
            token.client_id.clone_from(&self.credentials.client_id);
        }
        token.api_url = self.base.to_string();
        token.got_for = self.got_for();
        Ok(Granted::Token(Box::new(token)))
    }
}

/// What an answer without a token means.
fn refusal(request: &wire::TokenRequest, response: &HttpResponse) -> Denied {
    use ErrorKind::{NotFound, Protocol, RateLimited, Unauthorized, Unavailable};
    let said: TokenRefusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let status = response.status;
    let says_no = said.error.get().is_some();
    // The server answers with an object, if an empty one; the network in front of it does not.
    let is_servers = response.body.trim_ascii_start().first() == Some(&b'{');
    let (kind, what) = match status {
        StatusCode::FORBIDDEN if !is_servers => (
            RateLimited,
            "the network in front of netsapiens turned the sign-in away, as it does after too many calls",
        ),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            (Unauthorized, "netsapiens refused the credentials")
        }
        StatusCode::NOT_FOUND => (NotFound, "netsapiens has no such address for signing in"),
        StatusCode::REQUEST_TIMEOUT => (Unavailable, "netsapiens gave up waiting for the call"),
        StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            (RateLimited, "netsapiens wants fewer calls for tokens")
        }
        status if status.is_server_error() => {
            (Unavailable, "netsapiens cannot give tokens at present")
        }
        status if status.is_success() && says_no => {
            (Unauthorized, "netsapiens refused the credentials")
        }
        status if status.is_success() => (
            Protocol,
            "netsapiens answered to the sign-in without a token",
        ),
        _ => (
            Protocol,
            "netsapiens gave an answer to the sign-in that it should not give",
        ),
    };
    let mut error = error(kind, what).with_http(response.metadata());
    let code = said.error.get().or(said.code.get());
    if let Some(code) = code.filter(|code| is_harmless(code, request)) {
        error = error.with_provider_code(code);
    }
    let text = said.error_description.get().or(said.message.get());
    if let Some(text) = text.filter(|text| is_harmless(text, request)) {
        error = error.with_provider_text(text);
    }
    Denied {
        error,
        is_final: !matches!(kind, RateLimited | Unavailable),
    }
}

/// Whether nothing of what was presented is repeated in what the server says.
fn is_harmless(said: &str, request: &wire::TokenRequest) -> bool {
    let presented = [
        &request.client_secret,
        &request.username,
        &request.password,
        &request.refresh_token,
        &request.refresh,
        &request.access_token,
        &request.passcode,
    ];
    let mut presented = presented.into_iter().filter_map(wire::Text::get);
    !presented.any(|part| said.contains(part))
}

/// The scope of a token that can do nothing but be answered by a passcode.
const SECOND_STEP_IS_DUE: &str = "mfa_required";

#[derive(Clone, Copy)]
enum Address {
    Tokens,
    Legacy,
    Jwt,
}

impl Address {
    fn path(self) -> String {
        match self {
            Self::Tokens => [ROOT, "/tokens"].concat(),
            Self::Legacy => path::LEGACY_TOKEN.to_owned(),
            Self::Jwt => [ROOT, "/jwt"].concat(),
        }
    }
}

/// A form for the older address.
fn form(request: &wire::TokenRequest) -> Vec<u8> {
    let fields = [
        ("grant_type", &request.grant_type),
        ("client_id", &request.client_id),
        ("client_secret", &request.client_secret),
        ("username", &request.username),
        ("password", &request.password),
        ("refresh_token", &request.refresh_token),
        ("mfa_type", &request.mfa_type),
        ("mfa_vendor", &request.mfa_vendor),
        ("ns_id_type", &request.ns_id_type),
        ("passcode", &request.passcode),
        ("access_token", &request.access_token),
    ];
    let fields = fields.into_iter();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields.filter_map(|(name, value)| Some((name, value.get()?))));
    form.append_pair("format", "json");
    form.finish().into_bytes()
}

/// A refusal in the vendor's form, `code` and `message`, or in OAuth's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRefusal {
    code: wire::Text,
    message: wire::Text,
    error: wire::Text,
    error_description: wire::Text,
}

fn status_of(error: &Error) -> Option<u16> {
    error.http().map(|http| http.status)
}

fn or_else(text: String, default: &'static str) -> String {
    if text.is_empty() {
        default.to_owned()
    } else {
        text
    }
}

fn not_asked(error: Error) -> Denied {
    Denied {
        error,
        is_final: false,
    }
}

/// An error of signing in: no call that needed the token was made.
fn error(kind: ErrorKind, what: &'static str) -> Error {
    Error::new(kind, Acceptance::NotSent, what).during(PROVIDER, OPERATION)
}
