//! A certificate that somebody gave us, with its key: replaced while a listener shows it, without an end to
//! any connection.
//!
//! Made by whoever has the files; it reads none itself.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::CertificateError;
use crate::cryptography;

/// A certificate with its key, in PEM. Clones share it, so that one that is kept can
/// [replace](Self::replace) what a listener shows.
#[derive(Clone)]
pub struct GivenCertificate(Arc<Shown>);

struct Shown(ArcSwap<CertifiedKey>);

impl GivenCertificate {
    /// Takes a certificate, followed by those that vouch for it, and its key.
    ///
    /// # Errors
    /// [`CertificateError::NotGiven`] when they are not PEM or do not belong together,
    /// [`CertificateError::NoCryptography`] when there is none for TLS.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let certified = certified(chain, key)?;
        Ok(Self(Arc::new(Shown(ArcSwap::from_pointee(certified)))))
    }

    /// Shows another one from the next handshake on. Where it cannot be used, the one before stays.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        self.0.0.store(Arc::new(certified(chain, key)?));
        Ok(())
    }

    /// What a TLS server needs to know, but for what is spoken inside.
    pub(in crate::serve) fn config(&self) -> Result<ServerConfig, CertificateError> {
        let provider = cryptography::provider().map_err(CertificateError::NoCryptography)?;
        let shown: Arc<dyn ResolvesServerCert> = Arc::clone(&self.0) as _;
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|config| config.with_no_client_auth().with_cert_resolver(shown))
            .map_err(|error| CertificateError::NotMade(error.into()))
    }
}

fn certified(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, CertificateError> {
    let provider = cryptography::provider().map_err(CertificateError::NoCryptography)?;
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|error| not_given("the certificate is not PEM", error))?;
    if chain.is_empty() {
        let why = "there is no certificate in the file of the certificate";
        return Err(CertificateError::NotGiven { why, source: None });
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| not_given("there is no key in the file of the key", error))?;
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| not_given("the certificate and the key do not belong together", error))
}

fn not_given(
    why: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> CertificateError {
    CertificateError::NotGiven {
        why,
        source: Some(Box::new(source)),
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Shows nothing of the key.
impl fmt::Debug for GivenCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenCertificate").finish_non_exhaustive()
    }
}
