//! Connections to webhooks' receivers: each address is checked at the moment it is connected to.
//!
//! Used by the HTTP client in `caller.rs`. A name is resolved here, every address that may not be
//! called is left out, and the connection goes to one of those that were checked: what a name points
//! to a moment later makes no difference.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use super::target::{TargetError, Targets, bare_host, port_of};

/// How long one address of a name is tried before the next.
const PER_ADDRESS: Duration = Duration::from_secs(5);

/// Connects to what may be called.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    targets: Arc<Targets>,
}

/// A connector for `https`, and for `http` where that may be called.
pub(super) fn connector(targets: Targets) -> HttpsConnector<Guard> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "skipped a root certificate source of this machine: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs does TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(Guard {
            targets: Arc::new(targets),
        })
}

impl Service<Uri> for Guard {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let targets = Arc::clone(&self.targets);
        Box::pin(async move {
            let stream = connect(&targets, &uri).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

async fn connect(targets: &Targets, uri: &Uri) -> io::Result<TcpStream> {
    let host = bare_host(uri).ok_or_else(|| refused(TargetError::NoUrl))?;
    let is_encrypted = uri.scheme_str() == Some("https");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port_of(uri)))
        .await?
        .collect();
    let mut fault = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        if let Err(error) = targets.check_address(address.ip(), is_encrypted) {
            fault = refused(error);
            continue;
        }
        match tokio::time::timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => fault = error,
            Err(_) => fault = io::Error::new(io::ErrorKind::TimedOut, "no connection in time"),
        }
    }
    Err(fault)
}

fn refused(error: TargetError) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, error)
}
