//! The users of an account, where a vendor's API knows users: each key of that API is one.
//!
//! Called by the areas that are about users.

use tidings::backend::{Refusal, Rights};
use tidings::conversations::Mailbox;
use tidings_core::{E164, Timestamp};
use tidings_store::{AccountId, StoredKey};

use super::Door;
use super::caller::{Caller, mailbox_of};
use super::details::{KeyDetails, USERNAME};
use super::refusals::{forbidden, of_store};

/// A user.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// Who he is.
    pub(super) mailbox: Mailbox,
    /// The number that his texts go out from.
    pub(super) number: Option<E164>,
    /// His key.
    pub(super) key: StoredKey,
}

impl User {
    fn of(key: StoredKey) -> Option<Self> {
        let details = KeyDetails::read(key.details.as_deref());
        Some(Self {
            mailbox: mailbox_of(details.setting(USERNAME)?),
            number: details.number(),
            key,
        })
    }
}

impl Door {
    /// All users of the caller's account.
    pub(super) async fn users(&self, caller: &Caller) -> Result<Vec<User>, Refusal> {
        self.users_of(caller.account()).await
    }

    /// All users of an account whose keys are good; each once.
    pub(super) async fn users_of(&self, account: &AccountId) -> Result<Vec<User>, Refusal> {
        let keys = self.gateway.store().keys(Some(account)).await;
        let keys = keys.map_err(|error| of_store(&error))?;
        let now = self.gateway.now();
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        let good = keys.into_iter().filter(|key| {
            *key.api == *self.spec.id && !is_over(key.revoked_at) && !is_over(key.expires_at)
        });
        let mut users: Vec<User> = Vec::new();
        for user in good.filter_map(User::of) {
            // The later key of a user whose key is being replaced.
            users.retain(|known| known.mailbox != user.mailbox);
            users.push(user);
        }
        Ok(users)
    }

    /// One of them.
    pub(super) async fn user(&self, caller: &Caller, owner: &Mailbox) -> Result<User, Refusal> {
        caller.check_owner(owner)?;
        let users = self.users(caller).await?;
        let mut users = users.into_iter();
        let found = users.find(|user| user.mailbox == *owner);
        found.ok_or(Refusal::NotFound { what: "user" })
    }

    /// A user, those of a domain, or of all domains, where the caller may see them.
    pub(super) async fn users_shown(
        &self,
        caller: &Caller,
        domain: Option<&str>,
        user: Option<&str>,
    ) -> Result<Vec<User>, Refusal> {
        if let (Some(domain), Some(user)) = (domain, user) {
            let owner = Mailbox::new(domain, user);
            return Ok(vec![self.user(caller, &owner).await?]);
        }
        if domain.is_some() {
            caller.check_domain(domain)?;
        } else if caller.identity()?.rights < Rights::System {
            return Err(forbidden("seeing all domains"));
        }
        let mut users = self.users(caller).await?;
        users.retain(|known| {
            domain.is_none_or(|domain| known.mailbox.domain == domain)
                && user.is_none_or(|user| known.mailbox.user == user)
        });
        Ok(users)
    }
}
