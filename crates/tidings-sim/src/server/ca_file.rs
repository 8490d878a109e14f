//! Where the certificate lies that a simulator's clients have to trust.
//!
//! Called when a simulator with TLS starts.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tidings::SystemClock;
use tidings::serve::tls::{CertificateError, OwnAuthority, OwnCertificate};
use tidings_core::Clock as _;

/// What is wanted.
#[derive(Debug)]
pub(super) enum KeepCa {
    /// As long as the simulator is there.
    Temporarily,
    /// In this file, for the next start.
    At(PathBuf),
}

/// What there is.
#[derive(Debug)]
pub(super) enum CaFile {
    /// Removed when it is dropped.
    Temporary(NamedTempFile),
    Kept(PathBuf),
}

impl CaFile {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(file) => file.path(),
            Self::Kept(path) => path,
        }
    }
}

/// Makes or takes up an authority, and has it certify the address. Certificates go by the system's
/// clock and not by the world's: their readers do.
pub(super) fn prepare(
    keep: KeepCa,
    listens_at: IpAddr,
) -> Result<(CaFile, OwnCertificate), CertificateError> {
    let now = SystemClock::new().now();
    let (file, authority) = match keep {
        KeepCa::Temporarily => {
            let authority = OwnAuthority::make(now)?;
            let file = temporary(authority.certificate_pem());
            let file = file.map_err(|source| CertificateError::File {
                path: "a temporary file".into(),
                source,
            })?;
            (CaFile::Temporary(file), authority)
        }
        KeepCa::At(path) => {
            let authority = OwnAuthority::kept(&path, now)?;
            (
                CaFile::Kept(std::path::absolute(&path).unwrap_or(path)),
                authority,
            )
        }
    };
    let certificate = authority.certify(listens_at, now)?;
    Ok((file, certificate))
}

fn temporary(pem: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("tidings-ca-")
        .suffix(".pem")
        .tempfile()?;
    file.write_all(pem.as_bytes())?;
    file.flush()?;
    Ok(file)
}
