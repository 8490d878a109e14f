//! How the API is served where its vendor's descriptions leave a choice: [`ServerOptions`].
//!
//! Read from an account's settings by `router`, or made by a program for `router_with`.

use crate::error::{Error, ErrorKind, Result};
use crate::provider::Account;
use crate::puzzel::{Dialect, callback, setting};

/// How the API is served where its vendor's descriptions leave a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerOptions {
    /// What priority and validity mean, how long a text may be, and which status codes answers hold.
    /// Both families of paths are served in either dialect.
    pub dialect: Dialect,
    /// How a call that sends with wrong credentials is refused.
    pub refused_credentials: RefusedCredentials,
}

/// How a call that sends with wrong credentials is refused. Management answers 401 in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedCredentials {
    /// 401 and a problem document, as the vendor's present client expects it.
    Problem,
    /// 200 and status code 2 for each message, which is the only way that the vendor's manual has
    /// to say it. A call without a readable list of 1 to
    /// [`MAX_BULK_SIZE`](crate::puzzel::MAX_BULK_SIZE) messages is refused as by [`Self::Problem`].
    Status,
}

impl ServerOptions {
    /// A dialect, with wrong credentials refused as its description has it: as a problem in the
    /// present client's, by status codes in the manual's.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            refused_credentials: match dialect {
                Dialect::V3 => RefusedCredentials::Problem,
                Dialect::Manual => RefusedCredentials::Status,
            },
        }
    }

    /// Sets how wrong credentials are refused.
    #[must_use]
    pub const fn refused_credentials(mut self, refused: RefusedCredentials) -> Self {
        self.refused_credentials = refused;
        self
    }

    /// Reads the settings [`DIALECT`](setting::DIALECT) and [`CREDENTIALS_REFUSED_AS`](setting::CREDENTIALS_REFUSED_AS);
    /// all others make no difference to a server. Of
    /// [`CALLBACK_FORMAT`](callback::setting::CALLBACK_FORMAT) is seen that it is a form that there is.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting that has another value than those offered.
    pub fn of(account: &Account) -> Result<Self> {
        let dialect = account.setting(setting::DIALECT).map(str::parse);
        let dialect = dialect
            .transpose()
            .map_err(|_| bad(account, setting::DIALECT, "v3 or manual"))?;
        // How the customer is called makes no difference here, but a word that nobody knows would be
        // taken for the default there.
        let form = account.setting(callback::setting::CALLBACK_FORMAT);
        if form.is_some_and(|word| word.parse::<callback::Form>().is_err()) {
            let name = callback::setting::CALLBACK_FORMAT;
            return Err(bad(account, name, "json, xml or get"));
        }
        let options = Self::new(dialect.unwrap_or_default());
        Ok(match account.setting(setting::CREDENTIALS_REFUSED_AS) {
            None => options,
            Some("problem") => options.refused_credentials(RefusedCredentials::Problem),
            Some("status") => options.refused_credentials(RefusedCredentials::Status),
            Some(_) => {
                return Err(bad(
                    account,
                    setting::CREDENTIALS_REFUSED_AS,
                    "problem or status",
                ));
            }
        })
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}

fn bad(account: &Account, name: &str, demand: &str) -> Error {
    let id = account.id();
    let sentence = format!("account {id}: setting {name} must be {demand}");
    Error::not_sent(ErrorKind::Config, sentence)
}
