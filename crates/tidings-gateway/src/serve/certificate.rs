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
        let mut told: Option<String> = None;
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
                    told = None;
                }
                // While the two files are being replaced they do not belong together for a moment, so
                // what is wrong is told when it still is at the second look.
                Err(error) => {
                    let what = error.to_string();
                    if told.as_ref() == Some(&what) {
                        continue;
                    }
                    if told.is_some() {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the certificate for TLS cannot be taken up; the one before stays"
                        );
                    }
                    told = Some(what);
                }
            }
        }
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
