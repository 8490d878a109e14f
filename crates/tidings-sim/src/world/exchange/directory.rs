//! Who is who at an exchange: its users are the world's accounts, by the user names that they sign
//! in with, and what each may do follows from his rights.
//!
//! Used by everything in this folder before it does anything for a caller.

use tidings::backend::{Identity, Principal, Refusal, Rights};
use tidings::conversations::Mailbox;

use crate::world::Shared;
use crate::world::state::State;

/// The setting by which a user of an exchange signs in.
pub(in crate::world) const USERNAME: &str = "username";
/// The setting that names the program, where there is one.
const CLIENT_ID: &str = "client_id";
/// The setting of a client that names the sender of messages that name none.
pub(crate) const FROM_NUMBER: &str = "from_number";
/// The setting that takes the place of a user's credentials: a key for programs.
pub(crate) const KEY: &str = "api_key";
/// The domain of users whose names have none.
pub(super) const DOMAIN: &str = "tidings.example";
/// Who sells the domains.
pub(super) const RESELLER: &str = "Tidings";

/// The name of an exchange's first user.
pub(in crate::world) fn draw_username() -> String {
    format!("200@{DOMAIN}")
}

/// A number of an exchange's first user: one of those that are set aside for stories.
pub(in crate::world) fn draw_from_number(random: &mut fastrand::Rng) -> tidings_core::E164 {
    let drawn = format!("+1555010{:04}", random.u32(1_000..10_000));
    drawn.parse().expect("ten digits after +1 can be a number")
}

impl State {
    /// Whose account this is.
    pub(in crate::world) fn mailbox(&self, account: usize) -> Option<Mailbox> {
        let credentials = &self.accounts.get(account)?.credentials;
        let name = credentials.get(USERNAME)?;
        let (user, domain) = name.split_once('@').unwrap_or((name, DOMAIN));
        Some(Mailbox::new(domain, user))
    }

    /// The account of a user.
    pub(in crate::world) fn account_at(&self, mailbox: &Mailbox) -> Option<usize> {
        (0..self.accounts.len()).find(|account| self.mailbox(*account).as_ref() == Some(mailbox))
    }

    pub(super) fn has_domain(&self, domain: &str) -> bool {
        let accounts = 0..self.accounts.len();
        let mut domains = accounts.filter_map(|account| self.mailbox(account));
        domains.any(|mailbox| mailbox.domain == domain)
    }
}

impl Shared {
    /// Who the owner of an account is.
    pub(super) fn identity(&self, state: &State, account: usize) -> Option<Identity> {
        let mailbox = state.mailbox(account)?;
        let user = &self.rules(account).user;
        let mut identity = Identity::new(mailbox.domain.as_str(), mailbox.user.as_str());
        RESELLER.clone_into(&mut identity.reseller);
        identity.rights = user.rights;
        let called = user.display_name.clone();
        identity.display_name = called.unwrap_or_else(|| format!("User {}", mailbox.user));
        identity.email = Some(mailbox.to_string());
        let credentials = &state.accounts.get(account)?.credentials;
        identity.client_id = credentials.get(CLIENT_ID).cloned();
        Some(identity)
    }

    /// What a caller may do.
    pub(super) fn caller(&self, state: &State, who: &Principal) -> Result<Identity, Refusal> {
        if let Some(identity) = &who.identity {
            return Ok((**identity).clone());
        }
        let account = state.account_of(who)?;
        self.identity(state, account).ok_or(Refusal::Unauthorized)
    }

    /// The account of a user for whom the caller may act.
    pub(super) fn owner(
        &self,
        state: &State,
        who: &Principal,
        owner: &Mailbox,
    ) -> Result<usize, Refusal> {
        let caller = self.caller(state, who)?;
        let is_himself = caller.user.as_deref() == Some(&*owner.user)
            && caller.domain.as_deref() == Some(&*owner.domain);
        if !is_himself && !may_see_domain(&caller, &owner.domain) {
            return Err(forbidden("acting for other users"));
        }
        if !state.has_domain(&owner.domain) {
            return Err(Refusal::NotFound { what: "domain" });
        }
        let found = state.account_at(owner);
        found.ok_or(Refusal::NotFound { what: "user" })
    }

    /// The accounts of a user, of a domain, or of all domains, where the caller may see them.
    pub(super) fn owners(
        &self,
        state: &State,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
    ) -> Result<Vec<usize>, Refusal> {
        if let (Some(domain), Some(user)) = (domain, user) {
            let owner = self.owner(state, who, &Mailbox::new(domain, user))?;
            return Ok(vec![owner]);
        }
        self.domain(state, who, domain)?;
        let accounts = 0..state.accounts.len();
        Ok(accounts
            .filter(|account| {
                state.mailbox(*account).is_some_and(|mailbox| {
                    domain.is_none_or(|domain| mailbox.domain == domain)
                        && user.is_none_or(|user| mailbox.user == user)
                })
            })
            .collect())
    }

    /// Checks that the caller may see all of a domain, or of all domains.
    pub(super) fn domain(
        &self,
        state: &State,
        who: &Principal,
        domain: Option<&str>,
    ) -> Result<Identity, Refusal> {
        let caller = self.caller(state, who)?;
        let Some(domain) = domain else {
            return if caller.rights >= Rights::System {
                Ok(caller)
            } else {
                Err(forbidden("all domains"))
            };
        };
        if !may_see_domain(&caller, domain) {
            return Err(forbidden("this domain"));
        }
        if !state.has_domain(domain) {
            return Err(Refusal::NotFound { what: "domain" });
        }
        Ok(caller)
    }
}

/// All domains here are of one reseller.
pub(super) fn may_see_domain(caller: &Identity, domain: &str) -> bool {
    match caller.rights {
        Rights::User => false,
        Rights::Domain => caller.domain.as_deref() == Some(domain),
        _ => true,
    }
}

pub(super) fn forbidden(what: &str) -> Refusal {
    Refusal::Forbidden {
        what: what.to_owned(),
    }
}
