//! Who is calling: credentials as the vendors' clients present them, checked by [`crate::access`].

use std::sync::Arc;

use async_trait::async_trait;
use tidings::backend::{Presented, Principal, Refusal, SignIn};

use super::Door;
use super::caller::Caller;
use super::refusals::{forbidden, of_store};
use crate::access::{Denied, Scope};

#[async_trait]
impl SignIn for Door {
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal> {
        Ok(self.caller_presenting(presented).await?.principal())
    }
}

impl Door {
    /// Whoever presents these credentials.
    pub(super) async fn caller_presenting(
        &self,
        presented: &Presented,
    ) -> Result<Arc<Caller>, Refusal> {
        let access = self.gateway.access();
        let known = access.check_vendor(&self.gateway, self.spec, presented);
        let known = known.await.map_err(of_denied)?;
        let caller = |known| Caller::new(self.spec, known);
        Ok(self.callers.remember(known, caller))
    }

    /// Whom a principal names, if his key allows this.
    pub(super) fn caller(&self, who: &Principal, scope: Scope) -> Result<Arc<Caller>, Refusal> {
        let caller = self.callers.of(who)?;
        caller.check(scope)?;
        Ok(caller)
    }
}

/// Why somebody is not let in. Of a key that was good, no more is said than of one that never was.
pub(super) fn of_denied(denied: Denied) -> Refusal {
    match denied {
        Denied::Wrong | Denied::Expired | Denied::Revoked => Refusal::Unauthorized,
        Denied::Network => forbidden("calls from this address"),
        Denied::LockedOut { retry_after } | Denied::RateLimited { retry_after, .. } => {
            Refusal::RateLimited {
                retry_after: Some(retry_after),
            }
        }
        Denied::Store(error) => of_store(&error),
    }
}
