//! A client of the gateway's own API, for the commands that work with one.
//!
//! Called by `commands/`. It knows addresses, keys and problem documents; what a call means is its
//! command's affair. Lists come page by page, and nothing is repeated here but questions.

mod problem;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::Value;
use tidings::http::{Carries, HttpClient};
use tidings::{Error, ErrorKind};

use crate::args::GatewayArgs;
use crate::config::{self, Environment};

/// The variable that says where the gateway is.
const URL_VARIABLE: &str = "TIDINGS_GATEWAY";
/// The variable that holds the key.
const KEY_VARIABLE: &str = "TIDINGS_API_KEY";
/// In errors: who answered, or did not.
pub(crate) const NAME: &str = "the gateway";

/// A gateway and a key for it.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    http: HttpClient,
    base_url: String,
    authorization: HeaderValue,
}

/// What a call does, for what is known of it when its answer is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// What is done, for errors, such as `send`.
    pub(crate) operation: &'static str,
    pub(crate) carries: Carries,
    /// The name under which the gateway takes it once.
    pub(crate) once: Option<&'a str>,
    pub(crate) content_type: &'a str,
}

impl Gateway {
    /// Whether a command that can also go straight to a provider is meant for a gateway.
    pub(crate) fn is_meant(args: &GatewayArgs, environment: &Environment) -> bool {
        args.gateway.is_some() || environment.value(URL_VARIABLE).is_some()
    }

    /// Takes the address and the key from the command line or from the environment.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what is missing.
    pub(crate) fn find(args: &GatewayArgs, environment: &Environment) -> anyhow::Result<Self> {
        let url = args.gateway.as_deref();
        let url = url.or_else(|| environment.value(URL_VARIABLE));
        let url = url.ok_or_else(|| missing("where the gateway is", "--gateway", URL_VARIABLE))?;
        let key = args.api_key.as_deref();
        let key = key.or_else(|| environment.value(KEY_VARIABLE));
        let key = key.ok_or_else(|| missing("a key of its API", "--api-key", KEY_VARIABLE))?;
        let key = config::value(key, environment)?;
        let mut http = HttpClient::builder();
        if let Some(file) = &args.ca_file {
            let pem = std::fs::read(file)
                .with_context(|| format!("cannot read the certificates in {}", file.display()))?;
            http = http.add_root_certificates(pem);
        }
        Self::new(http.build()?, url, &key)
    }

    pub(crate) fn new(http: HttpClient, url: &str, key: &str) -> anyhow::Result<Self> {
        let uri: http::Uri = url
            .parse()
            .map_err(|_| config_error("the URL of the gateway cannot be read"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(config_error(
                "the URL of the gateway begins with http:// or https://, such as http://127.0.0.1:8080",
            ));
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            config_error("the key of the gateway's API holds characters that no key has")
        })?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            base_url: url.trim_end_matches('/').to_owned(),
            authorization,
        })
    }

    /// Its address, as it was given.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let call = Call {
            method: &Method::GET,
            path,
            operation: "ask",
            carries: Carries::Question,
            once: None,
            content_type: "application/json",
        };
        self.call(call, Bytes::new()).await
    }

    /// Lets something be done that carries no message.
    pub(crate) async fn act(
        &self,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let call = Call {
            method,
            path,
            operation: "act",
            carries: Carries::Question,
            once: None,
            content_type: "application/json",
        };
        let body = if body.is_null() {
            Bytes::new()
        } else {
            serde_json::to_vec(body)?.into()
        };
        self.call(call, body).await
    }

    /// Every item of a list that comes in pages, or the first `limit`. `path` may have a query.
    pub(crate) async fn list(
        &self,
        path: &str,
        limit: Option<usize>,
    ) -> anyhow::Result<Vec<Value>> {
        let wanted = limit.unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        while items.len() < wanted {
            let mut address = path.to_owned();
            if let Some(after) = &after {
                let query = with_query("", [("cursor", Some(after.as_str()))]);
                let further = if path.contains('?') {
                    query.replacen('?', "&", 1)
                } else {
                    query
                };
                address.push_str(&further);
            }
            let mut page = self.get(&address).await?;
            let Value::Array(more) = page["items"].take() else {
                return Err(protocol_error(format!("{NAME} answered without a list")));
            };
            items.extend(more);
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break,
            }
        }
        items.truncate(wanted);
        Ok(items)
    }

    /// Makes a call and reads its answer; an empty answer is null.
    pub(crate) async fn call(&self, call: Call<'_>, body: Bytes) -> anyhow::Result<Value> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.base_url, call.path))
            .header(AUTHORIZATION, self.authorization.clone());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, call.content_type);
        }
        if let Some(once) = call.once {
            request = request.header("idempotency-key", once);
        }
        let request = request
            .body(body)
            .map_err(|_| config_error("the address of the call cannot be written"))?;
        let answer = self.http.send(request).await;
        let answer = answer.map_err(|lost| lost.into_error(NAME, call.operation, call.carries))?;
        if !answer.status.is_success() {
            return Err(problem::error_of(&answer, NAME, call.operation).into());
        }
        if answer.status == StatusCode::NO_CONTENT || answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| protocol_error(format!("{NAME} answered with something other than JSON")))
    }
}

/// A path with the conditions that have a value.
pub(crate) fn with_query<'a>(
    path: &str,
    conditions: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in conditions {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        empty if empty.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn missing(what: &str, option: &str, variable: &str) -> anyhow::Error {
    config_error(format!(
        "say {what}: with {option} or in the variable {variable}"
    ))
}

fn config_error(what: impl Into<String>) -> anyhow::Error {
    Error::not_sent(ErrorKind::Config, what.into()).into()
}

fn protocol_error(what: String) -> anyhow::Error {
    Error::not_sent(ErrorKind::Protocol, what).into()
}
