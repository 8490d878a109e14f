//! The HTTP client that an account's settings ask for: what of them is about the way to the provider,
//! and the same for every provider.
//!
//! Called by programs that connect accounts, before they hand the client to the provider's `connect`.

use std::fs;

use super::{HttpClient, HttpClientBuilder};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{Account, CA_FILE};

impl HttpClient {
    /// A client for an account: with the certificates of its `ca_file`, where it has one, and
    /// otherwise as `builder` says. The file is read here, once.
    ///
    /// ```
    /// use tidings::http::HttpClient;
    /// use tidings::{Account, providers};
    ///
    /// # fn example(account: Account) -> tidings::Result<()> {
    /// let http = HttpClient::for_account(&account, HttpClient::builder())?;
    /// for spec in providers::ALL {
    ///     println!("{}: {}", spec.id, (spec.connect)(&account, http.clone()).is_ok());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the file when it cannot be read or holds no
    /// certificates, and as [`HttpClientBuilder::build`].
    pub fn for_account(account: &Account, builder: HttpClientBuilder) -> Result<Self> {
        let Some(file) = account.setting(CA_FILE) else {
            return builder.build();
        };
        let wrong = |what: &str| {
            let what = format!("account {} with {CA_FILE} {file}: {what}", account.id());
            Error::not_sent(ErrorKind::Config, what)
        };
        let pem =
            fs::read(file).map_err(|error| wrong("the file cannot be read").with_source(error))?;
        let http = builder.add_root_certificates(pem).build();
        http.map_err(|error| wrong(&error.to_string()).with_source(error))
    }
}
