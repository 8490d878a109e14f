//! An authority that outlives the program: its certificate in a file that callers are pointed to,
//! its key in another one beside it.
//!
//! What is there is used or refused, never overwritten: callers may trust it already.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use tidings_core::Timestamp;

use super::{CertificateError, OwnAuthority};

impl OwnAuthority {
    /// Takes up the authority whose certificate is in this file, or makes one and keeps it there:
    /// so that what callers were told to trust is good after a restart. The key is in a file of the
    /// same name with `.key` at its end, which only its owner can read and write; whoever has it can
    /// pass for any server with those who trust the certificate. A certificate that is missing beside
    /// its key is made again, and means the same.
    ///
    /// # Errors
    /// [`CertificateError::File`] when a file cannot be read or written,
    /// [`CertificateError::NotOurs`] when the certificate is not the key's, when there is no key
    /// beside it, or when others can read the key.
    pub fn kept(certificate: &Path, now: Timestamp) -> Result<Self, CertificateError> {
        let key_path = key_path(certificate);
        let pem = read(certificate)?;
        let Some(key_pem) = read_key(&key_path)? else {
            if pem.is_some() {
                return Err(CertificateError::NotOurs {
                    path: certificate.to_owned(),
                    why: "is there already, without the key of an authority of ours beside it",
                });
            }
            let made = Self::make(now)?;
            write(&key_path, &made.key.serialize_pem(), OWNER_ONLY)?;
            write(certificate, &made.certificate_pem, READABLE)?;
            return Ok(made);
        };
        let key = KeyPair::from_pem(&key_pem).map_err(|_| CertificateError::NotOurs {
            path: key_path,
            why: "is no key of an authority of ours",
        })?;
        let made = Self::of_key(key, now)?;
        let Some(certificate_pem) = pem else {
            write(certificate, &made.certificate_pem, READABLE)?;
            return Ok(made);
        };
        if anchor(&certificate_pem).is_none_or(|found| Some(found) != anchor(&made.certificate_pem))
        {
            return Err(CertificateError::NotOurs {
                path: certificate.to_owned(),
                why: "is not the certificate of the key beside it",
            });
        }
        Ok(Self {
            certificate_pem,
            ..made
        })
    }
}

/// What callers compare: the name and the public key.
fn anchor(pem: &str) -> Option<TrustAnchor<'static>> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let mut store = RootCertStore::empty();
    store.add(certificate).ok()?;
    store.roots.pop()
}

fn key_path(certificate: &Path) -> PathBuf {
    let mut path = OsString::from(certificate);
    path.push(".key");
    path.into()
}

const OWNER_ONLY: u32 = 0o600;
const READABLE: u32 = 0o644;

fn failed(path: &Path) -> impl FnOnce(io::Error) -> CertificateError {
    let path = path.to_owned();
    |source| CertificateError::File { path, source }
}

fn read(path: &Path) -> Result<Option<String>, CertificateError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

fn read_key(path: &Path) -> Result<Option<String>, CertificateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    if others_can_read(&file).map_err(failed(path))? {
        return Err(CertificateError::NotOurs {
            path: path.to_owned(),
            why: "can be read by others than its owner: whoever did can pass for any server",
        });
    }
    let text = io::read_to_string(file).map_err(failed(path))?;
    Ok(Some(text))
}

#[cfg(unix)]
fn others_can_read(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Writes a file that was not there.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let written = || {
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().map_err(failed(path))
}
