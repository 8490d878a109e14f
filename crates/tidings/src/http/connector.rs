//! Makes connections: name, TCP, proxy, TLS, within one time limit.
//!
//! Called by the pool when it has no idle connection to give. It sends nothing of a call and knows
//! no provider.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use super::reach::Counted;
use crate::cryptography;
use crate::error::{Error, ErrorKind, Result};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Socket = TokioIo<Counted<TcpStream>>;
type Connecting<T, E = BoxError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// What a connector needs to know.
#[derive(Clone, Default)]
pub(super) struct ConnectorSettings {
    pub(super) timeout: Duration,
    pub(super) keep_alive: Duration,
    pub(super) system_roots: bool,
    /// Certificates in PEM, each entry one or several.
    pub(super) added_roots: Vec<Vec<u8>>,
    pub(super) proxy: Option<Uri>,
}

/// The pool's source of connections. The pool clones it for every call, also where it has a
/// connection to give: a clone is one count.
#[derive(Clone)]
pub(super) struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    https: HttpsConnector<Dial>,
    has_roots: bool,
    timeout: Duration,
}

/// Where plain `http` calls go when there is a proxy, and how they sign in there. Calls over `https`
/// sign in when their tunnel is made.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    pub(super) authorization: Option<HeaderValue>,
}

impl Connector {
    /// A connector for `http` and `https`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for certificates that cannot be read, a proxy that cannot be used, and
    /// when no cryptography was chosen.
    pub(super) fn new(settings: &ConnectorSettings) -> Result<(Self, Option<Proxy>)> {
        let proxy = settings.proxy.as_ref().map(Proxy::new).transpose()?;
        let roots = trusted_roots(settings)?;
        let has_roots = !roots.is_empty();
        let tls = ClientConfig::builder_with_provider(cryptography::provider()?)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                config_error("the chosen cryptography cannot do TLS 1.2 or 1.3").with_source(error)
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Dial::new(settings, proxy.as_ref()));
        let shared = Shared {
            https,
            has_roots,
            timeout: settings.timeout,
        };
        let connector = Self {
            shared: Arc::new(shared),
        };
        Ok((connector, proxy))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Socket>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    /// At once: what waits is the copy that makes the connection.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if is_https(&uri) && !self.shared.has_roots {
            return Box::pin(std::future::ready(Err(ConnectFault::NoRoots.into())));
        }
        let mut https = self.shared.https.clone();
        let connecting = tokio::time::timeout(self.shared.timeout, async move {
            poll_fn(|context| https.poll_ready(context)).await?;
            https.call(uri).await
        });
        Box::pin(connecting.map(|result| result.unwrap_or(Err(ConnectFault::Timeout.into()))))
    }
}

/// Why there is no connection, where the reason is ours and not the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectFault {
    Timeout,
    NoRoots,
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no connection within the time limit",
            Self::NoRoots => "this machine has no root certificates (Debian: ca-certificates)",
        })
    }
}

impl std::error::Error for ConnectFault {}

impl Proxy {
    fn new(uri: &Uri) -> Result<Self> {
        let refused = || config_error("a proxy is written http://[user:password@]host[:port]");
        let matcher = Matcher::builder().all(uri.to_string()).build();
        // Any destination will do: the matcher has no exceptions.
        let found = matcher
            .intercept(&Uri::from_static("http://destination.invalid"))
            .ok_or_else(refused)?;
        if found.uri().scheme() != Some(&http::uri::Scheme::HTTP) {
            return Err(refused());
        }
        let authorization = found.basic_auth().cloned().map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Ok(Self {
            uri: found.uri().clone(),
            authorization,
        })
    }
}

/// Reaches the destination or, on its behalf, the proxy.
#[derive(Clone)]
struct Dial {
    tcp: CountedConnector,
    tunnel: Option<Tunnel<CountedConnector>>,
    proxy: Option<Uri>,
}

impl Dial {
    fn new(settings: &ConnectorSettings, proxy: Option<&Proxy>) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(settings.keep_alive));
        // Shared among a name's addresses, so that one that swallows everything leaves time for
        // the next; the limit of the whole is kept by [`Connector`].
        http.set_connect_timeout(Some(settings.timeout));
        let tcp = CountedConnector {
            http,
            is_plain: false,
            is_proxied: false,
        };
        let tunnel = proxy.map(|proxy| {
            let tunnel = Tunnel::new(proxy.uri.clone(), tcp.clone());
            match &proxy.authorization {
                Some(authorization) => tunnel.with_auth(authorization.clone()),
                None => tunnel,
            }
        });
        Self {
            tcp,
            tunnel,
            proxy: proxy.map(|proxy| proxy.uri.clone()),
        }
    }
}

impl Service<Uri> for Dial {
    type Response = Socket;
    type Error = BoxError;
    type Future = Connecting<Socket>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match (&mut self.tunnel, &self.proxy) {
            (Some(tunnel), _) if is_https(&uri) => {
                Box::pin(tunnel.call(uri).map(|result| result.map_err(Into::into)))
            }
            (_, Some(proxy)) => {
                self.tcp.is_plain = true;
                self.tcp.is_proxied = true;
                self.tcp.call(proxy.clone())
            }
            (_, None) => {
                self.tcp.is_plain = !is_https(&uri);
                self.tcp.call(uri)
            }
        }
    }
}

/// TCP connections that count their bytes.
#[derive(Clone)]
struct CountedConnector {
    http: HttpConnector,
    is_plain: bool,
    is_proxied: bool,
}

impl Service<Uri> for CountedConnector {
    type Response = Socket;
    type Error = BoxError;
    type Future = Connecting<Socket>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (is_plain, is_proxied) = (self.is_plain, self.is_proxied);
        let connecting = self.http.call(uri);
        Box::pin(connecting.map(move |result| {
            let socket = result?.into_inner();
            Ok(TokioIo::new(Counted::new(socket, is_plain, is_proxied)))
        }))
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&http::uri::Scheme::HTTPS)
}

/// What the machine and the program trust. A machine without certificates is no error here: it can
/// still speak plain `http`.
fn trusted_roots(settings: &ConnectorSettings) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if settings.system_roots {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "skipped a root certificate source of this machine: {error}");
        }
        roots.add_parsable_certificates(found.certs);
    }
    for pem in &settings.added_roots {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|_| config_error("a root certificate is not PEM"))?;
            roots.add(certificate).map_err(|error| {
                config_error("a root certificate cannot be used").with_source(error)
            })?;
            count += 1;
        }
        if count == 0 {
            return Err(config_error("there is no certificate in the PEM text"));
        }
    }
    Ok(roots)
}

fn config_error(what: &'static str) -> Error {
    Error::not_sent(ErrorKind::Config, what)
}
