//! Who is calling, as it is known for the length of a call: [`Caller`].
//!
//! Made when somebody signs in or presents a token, asked for by every area. The seam passes a
//! [`Principal`], which is a name and no more; what the name stands for is kept here from the sign-in
//! of the same call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings::ProviderSpec;
use tidings::backend::{Identity, Principal, Refusal, Rights};
use tidings::conversations::Mailbox;
use tidings_store::{AccountId, KeyId, StoredKey};

use super::details::{CLIENT_ID, KeyDetails, USERNAME};
use super::refusals::forbidden;
use crate::access::{self, Scope};
use crate::settings::Customer;

/// Who runs the domains.
pub(super) const RESELLER: &str = "Tidings";
/// The domain of users whose names have none.
const DOMAIN: &str = "tidings";

/// A caller.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    known: access::Caller,
    /// What stands with his key.
    pub(super) details: KeyDetails,
    /// Who he is within the account, where the vendor's API knows that.
    identity: Option<Identity>,
}

impl Caller {
    pub(super) fn new(spec: &'static ProviderSpec, known: access::Caller) -> Self {
        let details = KeyDetails::read(known.details());
        let has_users = spec.capabilities.conversations;
        let identity = has_users.then(|| identity_of(&details, &known));
        Self {
            known,
            details,
            identity,
        }
    }

    /// A program with a key of its own, which is no user of the domain.
    pub(super) fn of_program(
        spec: &'static ProviderSpec,
        known: access::Caller,
        domain: String,
    ) -> Self {
        let mut caller = Self::new(spec, known);
        if let Some(identity) = &mut caller.identity {
            identity.user = None;
            identity.domain = Some(domain);
            identity.email = None;
        }
        caller
    }

    /// On whose behalf.
    pub(super) fn customer(&self) -> &Customer {
        self.known.customer()
    }

    /// The account's name.
    pub(super) fn account(&self) -> &AccountId {
        self.known.account()
    }

    /// With which key.
    pub(super) fn key(&self) -> &StoredKey {
        self.known.key()
    }

    /// As the keeper of keys knows him.
    pub(super) fn known(&self) -> &access::Caller {
        &self.known
    }

    /// Whether his key allows this.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] where it does not.
    pub(super) fn check(&self, scope: Scope) -> Result<(), Refusal> {
        if !self.known.allows(scope) {
            return Err(forbidden("this key may not do that"));
        }
        if scope == Scope::Send && !self.known.is_active() {
            return Err(forbidden("sending from this account"));
        }
        Ok(())
    }

    /// His name for the seam.
    pub(super) fn principal(&self) -> Principal {
        let principal = Principal::new(self.key().id.to_string());
        match &self.identity {
            Some(identity) => principal.identity(identity.clone()),
            None => principal,
        }
    }

    /// Who he is, where callers are users.
    pub(super) fn identity(&self) -> Result<&Identity, Refusal> {
        self.identity.as_ref().ok_or(Refusal::Unsupported)
    }

    /// His own mailbox.
    pub(super) fn mailbox(&self) -> Result<Mailbox, Refusal> {
        let identity = self.identity()?;
        let domain = identity.domain.as_deref().unwrap_or(DOMAIN);
        let user = identity.user.as_deref().unwrap_or_default();
        Ok(Mailbox::new(domain, user))
    }

    /// Whether he may act for a user: he is it, or the user is of his domain, which is that of his
    /// account.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for others.
    pub(super) fn check_owner(&self, owner: &Mailbox) -> Result<(), Refusal> {
        if self.mailbox()? == *owner {
            return Ok(());
        }
        self.check_domain(Some(&owner.domain))
    }

    /// Whether he may see all of a domain. Nobody sees all domains.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] where he may not.
    pub(super) fn check_domain(&self, domain: Option<&str>) -> Result<(), Refusal> {
        let identity = self.identity()?;
        let is_his = domain.is_some() && identity.domain.as_deref() == domain;
        if is_his && identity.rights >= Rights::Domain {
            Ok(())
        } else {
            Err(forbidden("acting for other users"))
        }
    }
}

/// The name that a user of an account signs in with.
pub(super) fn mailbox_of(name: &str) -> Mailbox {
    let (user, domain) = name.split_once('@').unwrap_or((name, DOMAIN));
    Mailbox::new(domain, user)
}

fn identity_of(details: &KeyDetails, known: &access::Caller) -> Identity {
    let account = known.account().as_str();
    let name = details.setting(USERNAME).unwrap_or(account);
    let Mailbox { domain, user, .. } = mailbox_of(name);
    let mut identity = Identity::new(domain, user);
    RESELLER.clone_into(&mut identity.reseller);
    identity.rights = if known.allows(Scope::Manage) {
        Rights::Domain
    } else {
        Rights::User
    };
    account.clone_into(&mut identity.display_name);
    identity.email = name.contains('@').then(|| name.to_owned());
    identity.client_id = details.setting(CLIENT_ID).map(str::to_owned);
    identity
}

/// Those who have signed in since the gateway began: at most one for each key.
#[derive(Debug, Default)]
pub(super) struct Callers(Mutex<HashMap<KeyId, Arc<Caller>>>);

impl Callers {
    /// Keeps what is known of a caller from now on. What was made of the same key, the same account
    /// and the same settings before is made again by nobody.
    pub(super) fn remember(
        &self,
        known: access::Caller,
        make: impl FnOnce(access::Caller) -> Caller,
    ) -> Arc<Caller> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = known.key().id;
        // Whoever reads keys and accounts again makes the settings anew.
        let is_same = |caller: &&Arc<Caller>| {
            Arc::ptr_eq(&caller.customer().settings, &known.customer().settings)
        };
        if let Some(caller) = all.get(&id).filter(is_same) {
            return Arc::clone(caller);
        }
        let caller = Arc::new(make(known));
        all.insert(id, Arc::clone(&caller));
        caller
    }

    /// Whom a principal names.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] for one who has not signed in.
    pub(super) fn of(&self, who: &Principal) -> Result<Arc<Caller>, Refusal> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id: Option<KeyId> = who.account.parse().ok();
        let found = id.and_then(|id| all.get(&id));
        found.map(Arc::clone).ok_or(Refusal::Unauthorized)
    }
}
