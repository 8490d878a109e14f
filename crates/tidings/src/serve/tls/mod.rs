//! TLS for listeners, with a certificate that somebody gave us or with one of our own making.
//!
//! A [`GivenCertificate`] comes as PEM, as public authorities give it, and can be replaced while the
//! listener runs. Where no public authority vouches for a listener, on a machine or a network of one's own,
//! an [`OwnAuthority`] is made or, with its files, kept ([`OwnAuthority::kept`]); it certifies the address
//! that a listener has, [`OwnAuthority::certify`]; callers trust the authority's certificate. The listener
//! takes either, [`Listener::tls`](super::listen::Listener::tls) and
//! [`Listener::given_tls`](super::listen::Listener::given_tls). Nothing here asks a public authority for anything.

mod given;
mod kept;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secrecy::SecretString;
use tidings_core::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::cryptography;

pub use self::given::GivenCertificate;

/// How long a certificate of a listener is good. No client accepts more of some authorities.
const VALID_FOR: Duration = Duration::from_hours(397 * 24);
/// How far a caller's clock may be behind ours.
const CLOCK_SLACK: Duration = Duration::from_hours(24);
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// An authority that vouches for our own listeners and for nobody else.
///
/// Its certificate has no end, so that what callers once trusted stays good; those that it gives to
/// listeners are good for 397 days and made anew with each start.
pub struct OwnAuthority {
    key: KeyPair,
    certificate_pem: String,
}

impl OwnAuthority {
    /// Makes one with a key of its own. Its certificate is good from a day before `now`, by the
    /// clock that the callers go by.
    ///
    /// # Errors
    /// [`CertificateError::NotMade`] when the cryptography fails.
    pub fn make(now: Timestamp) -> Result<Self, CertificateError> {
        Self::of_key(KeyPair::generate()?, now)
    }

    fn of_key(key: KeyPair, now: Timestamp) -> Result<Self, CertificateError> {
        let mut params = authority_params(&key);
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now.minus(CLOCK_SLACK));
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self {
            key,
            certificate_pem,
        })
    }

    /// The certificate that callers have to trust, in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Vouches for a listener at this address, and at 127.0.0.1, `::1` and `localhost`.
    ///
    /// # Errors
    /// [`CertificateError::NotMade`] when the cryptography fails.
    pub fn certify(
        &self,
        listens_at: IpAddr,
        now: Timestamp,
    ) -> Result<OwnCertificate, CertificateError> {
        let key = KeyPair::generate()?;
        let mut addresses = vec![
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ];
        if !addresses.contains(&listens_at) {
            addresses.push(listens_at);
        }
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        let names = addresses.into_iter().map(SanType::IpAddress);
        params.subject_alt_names.extend(names);
        params.distinguished_name = name("Tidings listener");
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now.minus(CLOCK_SLACK));
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now.plus(VALID_FOR));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let authority = authority_params(&self.key);
        let issuer = Issuer::from_params(&authority, &self.key);
        let certificate = params.signed_by(&key, &issuer)?;
        Ok(OwnCertificate {
            chain: vec![certificate.der().clone()],
            certificate_pem: certificate.pem(),
            key,
        })
    }
}

/// All of it follows from the key, so that the key alone has to be kept secret and whole.
fn authority_params(key: &KeyPair) -> CertificateParams {
    use std::fmt::Write as _;
    let mut params = CertificateParams::default();
    let identifier = params.key_identifier(key);
    let mut common_name = String::from("Tidings on this machine ");
    for byte in identifier.iter().take(4) {
        write!(common_name, "{byte:02x}").expect("writing to a string works");
    }
    params.distinguished_name = name(&common_name);
    // RFC 5280, section 4.1.2.5: the value for a certificate without an end.
    params.not_after = rcgen::date_time_ymd(9999, 12, 31) + Duration::from_secs(86_399);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// In whole seconds: certificates have no others.
fn since_1970(at: Timestamp) -> Duration {
    Duration::from_secs(at.since(Timestamp::UNIX_EPOCH).as_secs())
}

/// Shows whose it is, which is public, and nothing of the key.
impl fmt::Debug for OwnAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAuthority").finish_non_exhaustive()
    }
}

/// What a listener shows its callers.
pub struct OwnCertificate {
    chain: Vec<CertificateDer<'static>>,
    certificate_pem: String,
    key: KeyPair,
}

impl OwnCertificate {
    /// The certificate in PEM, for a listener that takes a [`GivenCertificate`].
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its key in PEM. Whoever has it can pass for the listener.
    pub fn key_pem(&self) -> SecretString {
        self.key.serialize_pem().into()
    }

    /// What a TLS server needs to know, but for what is spoken inside.
    pub(super) fn config(&self) -> Result<ServerConfig, CertificateError> {
        let provider = cryptography::provider().map_err(CertificateError::NoCryptography)?;
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(self.chain.clone(), key.into())
            })
            .map_err(|error| CertificateError::NotMade(error.into()))
    }
}

impl fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCertificate").finish_non_exhaustive()
    }
}

/// Makes TLS connections of TCP connections.
#[derive(Clone)]
pub(super) struct Acceptor(TlsAcceptor);

/// What both sides have agreed to speak. A caller that names nothing speaks HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Acceptor {
    pub(super) fn new(mut config: ServerConfig, speaks_http2: bool) -> Self {
        let spoken = speaks_http2.then_some(HTTP2).into_iter().chain([HTTP1]);
        config.alpn_protocols = spoken.map(<[u8]>::to_vec).collect();
        Self(TlsAcceptor::from(Arc::new(config)))
    }

    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, Protocol)> {
        let stream = self.0.accept(stream).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        let protocol = if agreed == Some(HTTP2) {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        Ok((stream, protocol))
    }
}

/// Why there is no certificate.
#[derive(Debug)]
#[non_exhaustive]
pub enum CertificateError {
    /// The process has no cryptography for TLS.
    NoCryptography(crate::Error),
    /// A key or a certificate cannot be made.
    NotMade(Box<dyn std::error::Error + Send + Sync>),
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What was given is no certificate with its key.
    NotGiven {
        /// Why, as a sentence.
        why: &'static str,
        /// What the reader says of it.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The file is there and holds no certificate of an authority of ours whose key is beside it.
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Why, as the end of a sentence.
        why: &'static str,
    },
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCryptography(_) => f.write_str("there is no cryptography for TLS"),
            Self::NotMade(_) => f.write_str("no certificate can be made"),
            Self::File { path, .. } => write!(f, "cannot use the file {}", path.display()),
            Self::NotGiven { why, .. } => f.write_str(why),
            Self::NotOurs { path, why } => write!(f, "{} {why}", path.display()),
        }
    }
}

impl std::error::Error for CertificateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoCryptography(error) => Some(error),
            Self::NotMade(error) => Some(&**error),
            Self::File { source, .. } => Some(source),
            Self::NotGiven { source, .. } => source.as_ref().map(|source| &**source as _),
            Self::NotOurs { .. } => None,
        }
    }
}

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self::NotMade(error.into())
    }
}
