//! Where the server of a comparison is, and what its clients trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tidings::http::HttpClient;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{AnyError, HTTP1};

/// Where the server is, and what its clients trust if they speak TLS.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) trust: Option<Trust>,
}

impl Target {
    pub(crate) fn plain(address: String) -> Self {
        Self {
            address,
            trust: None,
        }
    }

    pub(crate) fn over_tls(address: String, trust: Trust) -> Self {
        Self {
            address,
            trust: Some(trust),
        }
    }

    pub(crate) fn base_url(&self) -> String {
        let scheme = if self.trust.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The HTTP client that ours are given.
    pub(crate) fn http_client(&self) -> Result<HttpClient, AnyError> {
        let builder = HttpClient::builder().system_roots(false);
        let builder = match &self.trust {
            Some(trust) => builder.add_root_certificates(&*trust.certificate),
            None => builder,
        };
        Ok(builder.build()?)
    }
}

/// A certificate to trust, and what is made of it once.
#[derive(Clone)]
pub(crate) struct Trust {
    /// PEM.
    certificate: Arc<[u8]>,
    file: Arc<Path>,
    config: Arc<ClientConfig>,
}

impl Trust {
    /// Trusts a certificate in PEM, and keeps it in a file for programs that read one.
    pub(crate) fn new(certificate: Vec<u8>) -> Result<Self, AnyError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&certificate)?)?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![HTTP1.to_vec()];
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("bench-{}.pem", std::process::id()));
        std::fs::write(&file, &certificate)?;
        Ok(Self {
            certificate: certificate.into(),
            file: file.into(),
            config: Arc::new(config),
        })
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) async fn connect(
        &self,
        connection: TcpStream,
    ) -> Result<TlsStream<TcpStream>, AnyError> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let name = ServerName::try_from("127.0.0.1")?;
        Ok(connector.connect(name, connection).await?)
    }

    pub(crate) fn around(&self, connector: HttpConnector) -> HttpsConnector<HttpConnector> {
        let mut config = ClientConfig::clone(&self.config);
        // The connector says itself what it speaks.
        config.alpn_protocols.clear();
        HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(connector)
    }
}

/// What all parties do their cryptography with.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
