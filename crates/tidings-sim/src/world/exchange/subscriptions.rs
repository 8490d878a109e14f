//! Subscriptions: who wants to be told of what, until when, and how the posts went.
//!
//! Called by the provider's router, and by `server::subscriptions`, which makes the posts.

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tidings::backend::{Identity, Principal, Refusal, Rights, SubscriptionDesk};
use tidings::callback::Callback;
use tidings::conversations::Page;
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange};
use tidings_core::Timestamp;

use super::ExchangeChange;
use super::desk::part;
use super::directory::{DOMAIN, RESELLER, forbidden, may_see_domain};
use super::tokens::KEY_LIFE;
use crate::faults::CALL;
use crate::operation::Operation;
use crate::world::open::draw_key;
use crate::world::state::{Change, State};
use crate::world::{Shared, World, lock};

/// Everything of a kind.
const ALL: &str = "*";

/// A subscription as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::world) struct SubscriptionKept {
    id: Box<str>,
    events: String,
    url: String,
    domain: String,
    user: String,
    reseller: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    scope: Option<String>,
    /// Whose rights it has, to the domain of; `None` where it may tell of all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    made_in: Option<String>,
    /// Set where it belongs to a user who may see his own only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    made_by: Option<String>,
    expires_at: Timestamp,
    created_at: Timestamp,
    status: Status,
    errors: u64,
    posts: u64,
    fails_over: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    preferred_server: Option<String>,
}

/// How the posts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// None has been taken yet.
    Pending,
    /// The latest was taken.
    Active,
    /// The latest was not taken.
    Error,
}

/// All subscriptions.
#[derive(Default)]
pub(in crate::world) struct Subscriptions(Vec<SubscriptionKept>);

/// What is to be posted for one subscription in one round.
#[derive(Clone)]
pub(crate) struct Posting {
    pub(crate) id: String,
    pub(crate) events: String,
    pub(crate) url: SecretString,
    pub(crate) callbacks: Vec<Callback>,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Error => "error",
        }
    }
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn keep(&mut self, subscription: SubscriptionKept) {
        match self.0.iter_mut().find(|kept| kept.id == subscription.id) {
            Some(kept) => *kept = subscription,
            None => self.0.push(subscription),
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.retain(|kept| *kept.id != *id);
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        self.0.retain(|kept| now < kept.expires_at);
    }

    pub(super) fn posted(&mut self, id: &str, is_acknowledged: bool) {
        let found = self.0.iter_mut().find(|kept| *kept.id == *id);
        // It may have been ended while the post was made.
        if let Some(kept) = found {
            kept.posts += 1;
            kept.errors += u64::from(!is_acknowledged);
            kept.status = if is_acknowledged {
                Status::Active
            } else {
                Status::Error
            };
        }
    }

    fn find(&self, caller: &Identity, id: &str) -> Result<&SubscriptionKept, Refusal> {
        let found = self.0.iter().find(|kept| *kept.id == *id);
        found
            .filter(|kept| kept.is_seen_by(caller))
            .ok_or(Refusal::NotFound {
                what: "subscription",
            })
    }
}

impl SubscriptionKept {
    fn is_seen_by(&self, caller: &Identity) -> bool {
        match caller.rights {
            Rights::User => {
                self.made_by.is_some()
                    && self.made_by == caller.user
                    && self.made_in == caller.domain
            }
            Rights::Domain => self.domain != ALL && may_see_domain(caller, &self.domain),
            Rights::Reseller => self.domain != ALL,
            _ => true,
        }
    }

    fn wants(&self, domain: &str, user: &str) -> bool {
        (self.domain == ALL || self.domain == domain) && (self.user == ALL || self.user == user)
    }

    fn is_like(&self, other: &Self) -> bool {
        let of = |kept: &Self| {
            [
                &kept.events,
                &kept.url,
                &kept.domain,
                &kept.user,
                &kept.reseller,
            ]
            .map(String::clone)
        };
        of(self) == of(other)
    }

    fn shown(&self) -> Subscription {
        let mut shown = Subscription::new(&*self.id, self.events.as_str(), self.url.as_str());
        shown.domain.clone_from(&self.domain);
        shown.user.clone_from(&self.user);
        shown.reseller = Some(self.reseller.clone());
        shown.scope.clone_from(&self.scope);
        shown.expires_at = Some(self.expires_at);
        shown.created_at = Some(self.created_at);
        self.status.as_str().clone_into(&mut shown.status);
        shown.errors = self.errors;
        shown.posts = self.posts;
        shown.fails_over = self.fails_over;
        shown.preferred_server.clone_from(&self.preferred_server);
        // A node has taken it up when it has made a post.
        shown.active_server = (self.posts > 0).then(|| format!("core1.{DOMAIN}"));
        shown
    }
}

#[async_trait]
impl SubscriptionDesk for World {
    async fn subscriptions(
        &self,
        who: &Principal,
        domain: Option<&str>,
        page: Page,
    ) -> Result<Vec<Subscription>, Refusal> {
        self.0.enter(Operation::ListSubscriptions, |_| false)?;
        let state = self.0.state_now();
        let caller = self.0.caller(&state, who)?;
        if domain.is_some() {
            self.0.domain(&state, who, domain)?;
        }
        let kept = state.exchange.subscriptions.0.iter();
        let seen = kept.filter(|kept| {
            kept.is_seen_by(&caller) && domain.is_none_or(|domain| kept.domain == domain)
        });
        Ok(part(seen.map(SubscriptionKept::shown), page).collect())
    }

    async fn subscription(&self, who: &Principal, id: &str) -> Result<Subscription, Refusal> {
        self.0.enter(Operation::ShowSubscription, |_| false)?;
        let state = self.0.state_now();
        let caller = self.0.caller(&state, who)?;
        Ok(state.exchange.subscriptions.find(&caller, id)?.shown())
    }

    async fn subscribe(
        &self,
        who: &Principal,
        new: NewSubscription,
    ) -> Result<Subscription, Refusal> {
        self.0.enter(Operation::Subscribe, |_| false)?;
        let token_ends_at = CALL.try_with(|notes| notes.borrow().token_ends_at);
        let (made, ticket) = {
            let mut state = self.0.state_now();
            let caller = self.0.caller(&state, who)?;
            let ends_at = token_ends_at.ok().flatten();
            let made = self.0.subscription_of(&state, &caller, new, ends_at)?;
            if state
                .exchange
                .subscriptions
                .0
                .iter()
                .any(|kept| kept.is_like(&made))
            {
                return Err(Refusal::Duplicate);
            }
            let shown = made.shown();
            let change = ExchangeChange::Subscription(Box::new(made));
            (shown, self.0.change(&mut state, Change::Exchange(change))?)
        };
        self.0.on_disk(ticket).await?;
        Ok(made)
    }

    async fn change_subscription(
        &self,
        who: &Principal,
        id: &str,
        change: SubscriptionChange,
    ) -> Result<(), Refusal> {
        self.0.enter(Operation::ChangeSubscription, |_| false)?;
        let ticket = {
            let mut state = self.0.state_now();
            let caller = self.0.caller(&state, who)?;
            let mut kept = state.exchange.subscriptions.find(&caller, id)?.clone();
            if let Some(events) = change.events {
                kept.events = events;
            }
            if let Some(url) = change.url {
                kept.url = checked_url(url.expose_secret())?;
            }
            if let Some(expires_at) = change.expires_at {
                kept.expires_at = expires_at;
            }
            if let Some(fails_over) = change.fails_over {
                kept.fails_over = fails_over;
            }
            if let Some(server) = change.preferred_server {
                kept.preferred_server = Some(server);
            }
            if change.reset_errors {
                kept.errors = 0;
            }
            if change.reset_posts {
                kept.posts = 0;
            }
            let others = state.exchange.subscriptions.0.iter();
            let mut others = others.filter(|other| other.id != kept.id);
            if others.any(|other| other.is_like(&kept)) {
                return Err(Refusal::Duplicate);
            }
            let change = ExchangeChange::Subscription(Box::new(kept));
            self.0.change(&mut state, Change::Exchange(change))?
        };
        self.0.on_disk(ticket).await
    }

    async fn unsubscribe(&self, who: &Principal, id: &str) -> Result<(), Refusal> {
        self.0.enter(Operation::Unsubscribe, |_| false)?;
        let ticket = {
            let mut state = self.0.state_now();
            let caller = self.0.caller(&state, who)?;
            let id = state.exchange.subscriptions.find(&caller, id)?.id.clone();
            let change = Change::Exchange(ExchangeChange::SubscriptionGone { id });
            self.0.change(&mut state, change)?
        };
        self.0.on_disk(ticket).await
    }
}

impl Shared {
    fn subscription_of(
        &self,
        state: &State,
        caller: &Identity,
        new: NewSubscription,
        token_ends_at: Option<Timestamp>,
    ) -> Result<SubscriptionKept, Refusal> {
        let is_above_domains = caller.rights > Rights::Domain;
        let domain = new.domain.unwrap_or_else(|| match &caller.domain {
            Some(domain) if !is_above_domains => domain.clone(),
            _ => ALL.to_owned(),
        });
        let user = new.user.unwrap_or_else(|| match &caller.user {
            Some(user) if caller.rights == Rights::User => user.clone(),
            _ => ALL.to_owned(),
        });
        let is_own =
            caller.domain.as_deref() == Some(&*domain) && caller.user.as_deref() == Some(&*user);
        match &*domain {
            ALL if caller.rights < Rights::System => {
                return Err(forbidden("events of all domains"));
            }
            ALL => {}
            named if !is_own && !may_see_domain(caller, named) => {
                return Err(forbidden("events of others"));
            }
            named => {
                if !state.has_domain(named) {
                    return Err(Refusal::NotFound { what: "domain" });
                }
            }
        }
        let expires_at = new.expires_at.unwrap_or_else(|| match token_ends_at {
            Some(ends_at) => ends_at,
            None if caller.user.is_none() => state.now.plus(KEY_LIFE),
            None => state.now.plus(self.scenario().tokens.lifetime),
        });
        let is_user = caller.rights == Rights::User;
        Ok(SubscriptionKept {
            id: draw_key(&mut lock(&self.random)).into(),
            events: new.events,
            url: checked_url(new.url.expose_secret())?,
            domain,
            user,
            reseller: new.reseller.unwrap_or_else(|| RESELLER.to_owned()),
            scope: new.scope,
            made_in: caller.domain.clone(),
            made_by: caller.user.clone().filter(|_| is_user),
            expires_at,
            created_at: state.now,
            status: Status::Pending,
            errors: 0,
            posts: 0,
            fails_over: new.fails_over.unwrap_or(true),
            preferred_server: new.preferred_server,
        })
    }
}

impl World {
    /// Subscribes the first user to events of a kind, until the end of all days. That he has done so
    /// before is no mistake.
    ///
    /// # Errors
    /// As [`SubscriptionDesk::subscribe`].
    pub(crate) async fn subscribe_first_user(
        &self,
        events: &str,
        url: &str,
    ) -> Result<(), Refusal> {
        let mut new = NewSubscription::new(events, url);
        new.expires_at = Some(Timestamp::MAX);
        let domain = self.0.state().mailbox(0).map(|mailbox| mailbox.domain);
        new.domain = domain;
        new.user = Some(ALL.to_owned());
        let mut everything = Identity::new(DOMAIN, "");
        everything.rights = Rights::System;
        let who = Principal::new("simulator").identity(everything);
        match self.subscribe(&who, new).await {
            Ok(_) | Err(Refusal::Duplicate) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Takes out what is to be posted by now, for each subscription to which something happened.
    pub(crate) fn take_postings(&self) -> Vec<Posting> {
        let mut state = self.0.state_now();
        let events = state.exchange.events.take();
        let subscriptions = state.exchange.subscriptions.0.iter();
        let of = |kept: &SubscriptionKept| {
            let events = events.iter().filter(|event| kept.created_at <= event.at);
            let told = events.filter_map(|event| {
                let owner = state.mailbox(event.account)?;
                if !kept.wants(&owner.domain, &owner.user) {
                    return None;
                }
                let told = state.exchange.tell(event, owner)?;
                Some(Callback::Conversation(Box::new(told)))
            });
            Posting {
                id: kept.id.to_string(),
                events: kept.events.clone(),
                url: kept.url.as_str().into(),
                callbacks: told.collect(),
            }
        };
        let postings = subscriptions.map(of);
        postings
            .filter(|posting| !posting.callbacks.is_empty())
            .collect()
    }

    /// Counts a post.
    pub(crate) fn posted(&self, id: &str, is_acknowledged: bool) {
        let mut state = self.0.state_now();
        let change = ExchangeChange::Posted {
            id: id.into(),
            is_acknowledged,
        };
        // A carrier whose state file cannot be written refuses every call that could see the count.
        self.0.change(&mut state, Change::Exchange(change)).ok();
        lock(&self.0.traffic).count_callback(is_acknowledged);
    }
}

/// Where posts can be made.
fn checked_url(url: &str) -> Result<String, Refusal> {
    let parsed: Option<http::Uri> = url.parse().ok();
    let can_be_called = parsed.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
    });
    if can_be_called {
        Ok(url.to_owned())
    } else {
        Err(Refusal::invalid(
            "url",
            "is no address that begins with http:// or https://",
        ))
    }
}
