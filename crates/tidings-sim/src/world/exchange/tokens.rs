//! Tokens: who signed in, until when that holds, and how it is renewed.
//!
//! Called by the provider's router for each sign-in and for each call with a token, and by the control
//! server, which lets tokens end on command. A refresh token is good for one use; the access token that
//! it came with holds on to its end.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tidings::backend::{
    Identity, Presented, Principal, Refusal, Revoked, Rights, SecondStep, SignedIn, Token,
    TokenDesk,
};
use tidings::conversations::Mailbox;
use tidings_core::Timestamp;

use super::ExchangeChange;
use super::directory::{DOMAIN, KEY, RESELLER, forbidden};
use crate::faults::CALL;
use crate::operation::Operation;
use crate::scenario::rules::{ApiKey, TokenRules};
use crate::world::backend::{account_presented, principal};
use crate::world::journal::Ticket;
use crate::world::open::{credential_settings, draw_key};
use crate::world::state::{Change, Impossible, State};
use crate::world::{Shared, World, lock};

/// A sign-in as it is kept.
#[derive(Serialize, Deserialize)]
pub(in crate::world) struct TokenKept {
    account: usize,
    access: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    refresh: Option<Box<str>>,
    issued_at: Timestamp,
    ends_at: Timestamp,
    /// Until when it can be renewed.
    refresh_ends_at: Timestamp,
    /// Whether it is good for nothing but a second step.
    is_first_step: bool,
}

/// All sign-ins.
#[derive(Default)]
pub(in crate::world) struct Tokens {
    kept: Vec<TokenKept>,
    by_access: HashMap<Box<str>, usize>,
    /// Those that can still be used.
    by_refresh: HashMap<Box<str>, usize>,
}

/// How often somebody signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenStats {
    /// Tokens that were opened by credentials.
    pub by_password: u64,
    /// Tokens that were opened by a refresh token.
    pub by_refresh: u64,
    /// Tokens that were opened for a user by somebody else who may do that.
    pub by_delegation: u64,
    /// First steps after which a second one was asked for.
    pub first_steps: u64,
    /// Sign-ins that were refused, second steps included.
    pub refused_sign_ins: u64,
    /// Refresh tokens that were refused.
    pub refused_refreshes: u64,
    /// Calls with a token that had ended.
    pub expired_calls: u64,
}

/// What is counted about sign-ins while the world runs.
pub(in crate::world) type TokenCounts = TokenStats;

impl Tokens {
    pub(super) fn keep(&mut self, token: TokenKept) {
        let index = self.kept.len();
        self.by_access.insert(token.access.clone(), index);
        if let Some(refresh) = &token.refresh {
            self.by_refresh.insert(refresh.clone(), index);
        }
        self.kept.push(token);
    }

    pub(super) fn use_up(&mut self, refresh: &str) -> Result<(), Impossible> {
        let used = self.by_refresh.remove(refresh);
        used.map(|_| ()).ok_or(Impossible)
    }

    pub(super) fn end(
        &mut self,
        at: Timestamp,
        account: Option<usize>,
        access: Option<&str>,
        refresh: bool,
    ) {
        for token in &mut self.kept {
            let is_meant = account.is_none_or(|account| token.account == account)
                && access.is_none_or(|access| *token.access == *access);
            if is_meant {
                token.ends_at = token.ends_at.min(at);
                if refresh {
                    token.refresh_ends_at = token.refresh_ends_at.min(at);
                }
            }
        }
    }

    fn by_access(&self, access: &str) -> Option<&TokenKept> {
        self.kept.get(*self.by_access.get(access)?)
    }

    /// The sign-in that this renews, if it still does at this moment.
    fn renewable(&self, refresh: &str, now: Timestamp) -> Option<&TokenKept> {
        let kept = self.kept.get(*self.by_refresh.get(refresh)?)?;
        (now < kept.refresh_ends_at).then_some(kept)
    }
}

#[async_trait]
impl TokenDesk for World {
    async fn open(
        &self,
        presented: &Presented,
        second_step: Option<&SecondStep>,
    ) -> Result<SignedIn, Refusal> {
        self.0.enter(Operation::SignIn, |_| false)?;
        let opened = self.0.open_by_password(presented, second_step);
        self.0.count_tokens(|counts| match &opened {
            Ok((SignedIn::SecondStep(_), _)) => counts.first_steps += 1,
            Ok(_) => counts.by_password += 1,
            Err(_) => counts.refused_sign_ins += 1,
        });
        let (signed_in, ticket) = opened?;
        self.0.on_disk(ticket).await?;
        Ok(signed_in)
    }

    async fn open_for(&self, who: &Principal, user: &Mailbox) -> Result<Token, Refusal> {
        self.0.enter(Operation::DelegateToken, |_| false)?;
        let (token, ticket) = {
            let mut state = self.0.state_now();
            let rights = self.0.caller(&state, who)?.rights;
            if rights < Rights::Domain {
                return Err(forbidden("signing in for other users"));
            }
            let account = self.0.owner(&state, who, user)?;
            // Nobody gets further than his own rights go by signing in for another.
            if self.0.rules(account).user.rights > rights {
                return Err(forbidden("signing in for users with more rights"));
            }
            self.0.issue(&mut state, account, false)?
        };
        self.0.count_tokens(|counts| counts.by_delegation += 1);
        self.0.on_disk(ticket).await?;
        Ok(token)
    }

    async fn renew(&self, presented: &Presented, refresh: &str) -> Result<Token, Refusal> {
        self.0.enter(Operation::RefreshToken, |_| false)?;
        let renewed = self.0.open_by_refresh(presented, refresh);
        self.0.count_tokens(|counts| match &renewed {
            Ok(_) => counts.by_refresh += 1,
            Err(_) => counts.refused_refreshes += 1,
        });
        let (token, ticket) = renewed?;
        self.0.on_disk(ticket).await?;
        Ok(token)
    }

    async fn bearer(&self, token: &str) -> Result<Token, Refusal> {
        let state = self.0.state_now();
        if let Some(kept) = state.exchange.tokens.by_access(token) {
            if kept.is_first_step {
                return Err(Refusal::Unauthorized);
            }
            if state.now >= kept.ends_at {
                self.0.count_tokens(|counts| counts.expired_calls += 1);
                return Err(Refusal::Expired);
            }
            let ends_at = kept.ends_at;
            // What is made with a token may end with it.
            CALL.try_with(|notes| notes.borrow_mut().token_ends_at = Some(ends_at))
                .ok();
            return self.0.shown(&state, kept).ok_or(Refusal::Unauthorized);
        }
        self.0.key(&state, token).ok_or(Refusal::Unauthorized)
    }

    async fn revoke(&self, who: &Principal, which: Revoked<'_>) -> Result<(), Refusal> {
        self.0.enter(Operation::RevokeToken, |_| false)?;
        let ticket = {
            let mut state = self.0.state_now();
            let (account, access) = match which {
                Revoked::Token(access) => {
                    let kept = state.exchange.tokens.by_access(access);
                    let account = kept.ok_or(Refusal::NotFound { what: "token" })?.account;
                    (account, Some(access.into()))
                }
                Revoked::User(name) => {
                    let (user, domain) = name.split_once('@').unwrap_or((name, DOMAIN));
                    (
                        self.0.owner(&state, who, &Mailbox::new(domain, user))?,
                        None,
                    )
                }
                _ => return Err(Refusal::Unsupported),
            };
            let mailbox = state.mailbox(account).ok_or(Refusal::Unsupported)?;
            self.0.owner(&state, who, &mailbox)?;
            let change = ExchangeChange::Ended {
                at: state.now,
                account: Some(account),
                access,
                refresh: true,
            };
            self.0.change(&mut state, Change::Exchange(change))?
        };
        self.0.on_disk(ticket).await
    }
}

impl World {
    /// Ends all tokens at once; where `refresh` says so they cannot be renewed either.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the state file cannot be written.
    pub async fn end_tokens(&self, refresh: bool) -> Result<(), Refusal> {
        let ticket = {
            let mut state = self.0.state_now();
            let change = ExchangeChange::Ended {
                at: state.now,
                account: None,
                access: None,
                refresh,
            };
            self.0.change(&mut state, Change::Exchange(change))?
        };
        self.0.on_disk(ticket).await
    }
}

impl Shared {
    fn count_tokens(&self, count: impl FnOnce(&mut TokenCounts)) {
        count(&mut lock(&self.traffic).tokens);
    }

    fn token_rules(&self) -> TokenRules {
        self.scenario().tokens
    }

    fn open_by_password(
        &self,
        presented: &Presented,
        second_step: Option<&SecondStep>,
    ) -> Result<(SignedIn, Option<Ticket>), Refusal> {
        use secrecy::ExposeSecret as _;
        let mut state = self.state_now();
        let account = account_presented(self.spec, &state, presented);
        let account = account.filter(|_| !self.token_rules().sign_in_fails);
        let account = account.ok_or(Refusal::Unauthorized)?;
        let rules = self.rules(account);
        let (Some(passcode), second_step) = (&rules.user.passcode, second_step) else {
            let (token, ticket) = self.issue(&mut state, account, false)?;
            return Ok((SignedIn::Token(Box::new(token)), ticket));
        };
        let Some(second_step) = second_step else {
            let (token, ticket) = self.issue(&mut state, account, true)?;
            return Ok((SignedIn::SecondStep(Box::new(token)), ticket));
        };
        let first = state
            .exchange
            .tokens
            .by_access(second_step.token.expose_secret());
        let is_his = first
            .is_some_and(|it| it.is_first_step && it.account == account && state.now < it.ends_at);
        let given = second_step.passcode.expose_secret().as_bytes();
        if !is_his || !bool::from(passcode.as_bytes().ct_eq(given)) {
            return Err(Refusal::Unauthorized);
        }
        let (token, ticket) = self.issue(&mut state, account, false)?;
        Ok((SignedIn::Token(Box::new(token)), ticket))
    }

    fn open_by_refresh(
        &self,
        presented: &Presented,
        refresh: &str,
    ) -> Result<(Token, Option<Ticket>), Refusal> {
        if self.token_rules().refresh_fails {
            return Err(Refusal::Unauthorized);
        }
        let mut state = self.state_now();
        let kept = state.exchange.tokens.renewable(refresh, state.now);
        let account = kept.ok_or(Refusal::Unauthorized)?.account;
        let credentials = state.accounts.get(account).map(|it| &it.credentials);
        // A program may have to say which one it is; where it does, it has to be right.
        let is_right = credential_settings(self.spec).all(|setting| {
            let expected = credentials.and_then(|it| it.get(setting.name));
            let expected = expected.map_or("", String::as_str);
            presented
                .value(setting.name)
                .is_none_or(|given| bool::from(expected.as_bytes().ct_eq(given.as_bytes())))
        });
        if !is_right {
            return Err(Refusal::Unauthorized);
        }
        let used = ExchangeChange::Used {
            refresh: refresh.into(),
        };
        self.change(&mut state, Change::Exchange(used))?;
        self.issue(&mut state, account, false)
    }

    /// Opens a sign-in for an account.
    fn issue(
        &self,
        state: &mut State,
        account: usize,
        is_first_step: bool,
    ) -> Result<(Token, Option<Ticket>), Refusal> {
        let rules = self.token_rules();
        let now = state.now;
        let (access, refresh) = {
            let mut random = lock(&self.random);
            (draw_key(&mut random), draw_key(&mut random))
        };
        let kept = TokenKept {
            account,
            access: access.clone().into(),
            refresh: (!is_first_step).then(|| refresh.into()),
            issued_at: now,
            ends_at: now.plus(rules.lifetime),
            refresh_ends_at: now.plus(rules.refresh_lifetime),
            is_first_step,
        };
        let ticket = self.change(state, Change::Exchange(ExchangeChange::Token(kept)))?;
        let kept = state.exchange.tokens.by_access(&access);
        let kept = kept.expect("the change has kept it");
        let mut token = self.shown(state, kept).ok_or(Refusal::Unauthorized)?;
        token.refresh = kept.refresh.as_deref().map(Into::into);
        Ok((token, ticket))
    }

    fn shown(&self, state: &State, kept: &TokenKept) -> Option<Token> {
        let identity = self.identity(state, kept.account)?;
        let who = principal(kept.account).identity(identity);
        let mut token = Token::new(&*kept.access, kept.issued_at, who);
        token.lifetime = Some(kept.ends_at.since(kept.issued_at));
        Some(token)
    }

    /// A key for programs: those of the scenario, and the one that the simulator was started with.
    fn key(&self, state: &State, presented: &str) -> Option<Token> {
        let scenario = self.scenario();
        let given = self.served_as.setting(KEY).map(|key| ApiKey {
            key: key.to_owned(),
            rights: Rights::Domain,
            domain: None,
        });
        let mut found = None;
        for key in scenario.api_keys.iter().chain(&given) {
            if bool::from(key.key.as_bytes().ct_eq(presented.as_bytes())) {
                found = found.or(Some(key));
            }
        }
        let key = found?;
        let first = || state.mailbox(0).map(|mailbox| mailbox.domain);
        let domain = key.domain.clone().or_else(first)?;
        let mut identity = Identity::new(domain, "");
        identity.user = None;
        if key.rights > Rights::Domain {
            identity.domain.clone_from(&key.domain);
        }
        identity.rights = key.rights;
        RESELLER.clone_into(&mut identity.reseller);
        // It belongs to no account.
        let who = Principal::new("key").identity(identity);
        Some(Token::new(presented, Timestamp::UNIX_EPOCH, who))
    }
}

/// How long a subscription holds that is made with a key: 20 years.
pub(super) const KEY_LIFE: Duration = Duration::from_hours(20 * 8_766);
