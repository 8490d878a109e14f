//! Why a gateway does not start, or does not take another configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use tidings::serve::tls::CertificateError;
use tidings_store::StoreError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something in the configuration cannot work.
    #[error("the configuration cannot work")]
    Config(#[from] tidings::Error),
    /// The store cannot be opened, or another gateway works on it.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of TLS cannot be read.
    #[error("{key}: cannot read {path}")]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What is in the files of TLS cannot be used.
    #[error("the certificate of server.tls cannot be used")]
    Certificate(#[from] CertificateError),
}
