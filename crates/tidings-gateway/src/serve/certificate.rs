//! The certificate of the TLS listener, read from its files again and again: whoever renews it need not
//! tell the gateway.
//!
//! Called by `listeners.rs`. Certificates that cannot be used are told of in the log, and the one before
//! stays.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidings::serve::tls::GivenCertificate;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::TlsConfig;

/// How often the files are looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// What is shown, and the files that it is of.
#[derive(Debug)]
pub(super) struct Certificate {
    given: GivenCertificate,
    files: Mutex<Files>,
}

#[derive(Clone, PartialEq, Eq)]
struct Files {
    of: TlsConfig,
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    pub(super) async fn read(config: &TlsConfig) -> Result<Self, StartError> {
        let files = Files::read(config).await?;
        Ok(Self {
            given: GivenCertificate::from_pem(&files.cert, &files.key)?,
            files: Mutex::new(files),
        })
    }

    /// What a listener shows.
    pub(super) fn given(&self) -> &GivenCertificate {
        &self.given
    }

    /// Takes up what is in these files. Whether it is another certificate.
    pub(super) async fn take_up(&self, config: &TlsConfig) -> Result<bool, StartError> {
        let found = Files::read(config).await?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if found == *files {
            return Ok(false);
        }
        self.given.replace(&found.cert, &found.key)?;
        *files = found;
        Ok(true)
    }

    /// Looks at the files until it is told to stop.
    pub(super) async fn watch(&self, stopping: CancellationToken) {
        let mut complaint = Complaint::default();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(LOOKED_AT_EVERY) => {}
            }
            let config = {
                let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
                files.of.clone()
            };
            match self.take_up(&config).await {
                Ok(is_new) => {
                    if is_new {
                        tracing::info!("took up another certificate for TLS");
                    }
                    complaint = Complaint::default();
                }
                Err(error) => {
                    if complaint.is_due(&error.to_string()) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the certificate for TLS cannot be taken up; the one before stays: {error}"
                        );
                    }
                }
            }
        }
    }
}

/// What was wrong at the last look, and how often in a row.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    what: String,
    n_looks: u32,
}

impl Complaint {
    /// Whether this is to be told now: once, and when it still is so at the second look, as the two files do
    /// not belong together for a moment while they are being replaced.
    pub(super) fn is_due(&mut self, what: &str) -> bool {
        if self.what != what {
            what.clone_into(&mut self.what);
            self.n_looks = 0;
        }
        self.n_looks = self.n_looks.saturating_add(1);
        self.n_looks == 2
    }
}

impl Files {
    async fn read(config: &TlsConfig) -> Result<Self, StartError> {
        Ok(Self {
            of: config.clone(),
            cert: read("server.tls.cert", &config.cert).await?,
            key: read("server.tls.key", &config.key).await?,
        })
    }
}

async fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, StartError> {
    tokio::fs::read(path)
        .await
        .map_err(|source| StartError::File {
            key,
            path: path.to_owned(),
            source,
        })
}
