//! The account itself: what is left of its quota, and a new key in the place of the old one.
//!
//! Called by the providers' routers.

use async_trait::async_trait;
use secrecy::SecretString;
use tidings::backend::{AccountDesk, Principal, Refusal};

use super::Door;
use super::refusals::of_store;
use crate::access::{KeyError, Scope, rotate};

/// What is said to be left on an account without a quota. Vendors have no word for "without a limit",
/// and clients stop sending at 0: it is a number that nobody uses up and every client can read.
pub const WITHOUT_LIMIT: i64 = 1_000_000_000;

#[async_trait]
impl AccountDesk for Door {
    async fn balance(&self, who: &Principal) -> Result<i64, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let found = self.gateway.store().account(caller.account()).await;
        let found = found.map_err(|error| of_store(&error))?;
        let account = found.ok_or(Refusal::Unauthorized)?;
        Ok(account.quota.unwrap_or(WITHOUT_LIMIT))
    }

    async fn renew_key(&self, who: &Principal) -> Result<SecretString, Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let mut settings = self.spec.settings.iter();
        let secret = settings
            .find(|setting| setting.is_secret && setting.is_required())
            .ok_or(Refusal::Unsupported)?;
        // Without any overlap: the vendors' keys end at once.
        let now = self.gateway.now();
        let acting = caller.known().acting(None);
        let renewed = rotate(self.gateway.store(), caller.key(), now, &acting, now).await;
        self.gateway.access().changed();
        let renewed = renewed.map_err(|error| refused(&error))?;
        let value = renewed.value(secret.name).ok_or(Refusal::Unsupported)?;
        Ok(value.into())
    }
}

fn refused(error: &KeyError) -> Refusal {
    match error {
        KeyError::Store(error) => of_store(error),
        other => {
            tracing::error!(error = %other, "a key of a vendor's API was not renewed");
            Refusal::Unavailable { retry_after: None }
        }
    }
}
