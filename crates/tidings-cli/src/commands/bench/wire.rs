//! One connection to a gateway, with as little of its own as a load generator should have.
//!
//! Called by `load.rs`. HTTP/1.1 without TLS: what TLS costs is no property of a gateway's queue.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::output::bad_input;

/// Where the gateway is, and the key.
#[derive(Clone, Debug)]
pub(super) struct Target {
    authority: String,
    host: HeaderValue,
    key: HeaderValue,
}

/// One connection. A request is sent when the one before is answered.
#[derive(Debug)]
pub(super) struct Connection {
    target: Target,
    sender: SendRequest<Full<Bytes>>,
    /// Drives the connection, until this is dropped.
    _driver: JoinSet<()>,
}

/// What was answered to a message or a batch.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was taken; of a batch, the rows that are accepted.
    Accepted(Taken),
    /// It was not.
    Refused {
        said: String,
        retry_after: Option<Duration>,
    },
}

/// What a gateway says of what it took.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Taken {
    /// Rows of a batch that are accepted. Of a single message nothing is said.
    pub(super) accepted: Option<u64>,
    /// Rows that are not.
    pub(super) rejected_count: u64,
    pub(super) rejected: Vec<Rejected>,
}

/// A row that was not accepted.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Rejected {
    pub(super) detail: String,
}

impl Target {
    pub(super) fn parse(url: &str, key: &SecretString) -> anyhow::Result<Self> {
        let uri: Uri = url
            .parse()
            .map_err(|_| bad_input("the URL of the gateway cannot be read"))?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(|| {
            bad_input(
                "the load generator speaks plain HTTP: give a URL such as http://127.0.0.1:8080",
            )
        })?;
        let port = authority.port_u16().unwrap_or(80);
        let mut key = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_| bad_input("the key holds characters that no key has"))?;
        key.set_sensitive(true);
        Ok(Self {
            authority: format!("{}:{port}", authority.host()),
            host: HeaderValue::from_str(authority.as_str()).context("the host of the URL")?,
            key,
        })
    }
}

impl Connection {
    pub(super) async fn open(target: &Target) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(&target.authority)
            .await
            .with_context(|| format!("cannot reach the gateway at {}", target.authority))?;
        stream.set_nodelay(true).ok();
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its end shows where the next request fails.
            connection.await.ok();
        });
        Ok(Self {
            target: target.clone(),
            sender,
            _driver: driver,
        })
    }

    /// What the gateway says of something.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        let (parts, body) = self
            .call(Method::GET, path, Bytes::new())
            .await?
            .into_parts();
        let body = body.collect().await?.to_bytes();
        anyhow::ensure!(
            parts.status == StatusCode::OK,
            "the gateway answered {} to {path}: {}",
            parts.status,
            said(&body)
        );
        serde_json::from_slice(&body).context("the gateway's answer is no JSON")
    }

    /// Hands over a message or a batch.
    pub(super) async fn post(&mut self, path: &str, body: Bytes) -> anyhow::Result<Answer> {
        let answer = self.call(Method::POST, path, body).await?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.status == StatusCode::ACCEPTED {
            let taken = serde_json::from_slice(&body);
            return Ok(Answer::Accepted(
                taken.context("the gateway's answer is no JSON")?,
            ));
        }
        let retry_after = parts.headers.get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer::Refused {
            said: format!("{}: {}", parts.status, said(&body)),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.target.host.clone())
            .header(AUTHORIZATION, self.target.key.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// The sentence of a problem document, or the beginning of whatever it is.
fn said(body: &[u8]) -> String {
    let problem: Option<Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|it| it["detail"].as_str());
    match detail {
        Some(detail) => detail.to_owned(),
        None => String::from_utf8_lossy(body).chars().take(200).collect(),
    }
}
