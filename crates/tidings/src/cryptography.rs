//! Which cryptography TLS uses, in both directions.
//!
//! Called by the client's connector and by our listeners.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::{Error, ErrorKind, Result};

/// What the program installed goes first; else what this crate was built with.
///
/// # Errors
/// [`ErrorKind::Config`] when there is neither.
pub(crate) fn provider() -> Result<Arc<CryptoProvider>> {
    let provider = CryptoProvider::get_default().cloned();
    #[cfg(feature = "aws-lc-rs")]
    let provider =
        provider.or_else(|| Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider())));
    provider.ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Config,
            "no cryptography for TLS: enable the feature aws-lc-rs of tidings, or install a \
             rustls CryptoProvider for the process first",
        )
    })
}
