//! Subscriptions to events: webhooks of the account whose form is the vendor's.
//!
//! Called by the routers of APIs whose customers subscribe by calls. The posts are made by
//! [`crate::webhooks`], in the form that [`super::told`] gives them. A subscription ends by itself at
//! its end.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tidings::backend::{Identity, Principal, Refusal, Rights, SubscriptionDesk};
use tidings::conversations::{Mailbox, Page};
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange};
use tidings_core::Timestamp;
use tidings_store::{
    EventKind, PageRequest, StoredDelivery, StoredWebhook, WebhookChange, WebhookId,
};

use super::Door;
use super::caller::{Caller, RESELLER};
use super::refusals::{forbidden, of_store};
use crate::access::Scope;

/// Everything of a kind.
const ALL: &str = "*";
/// Deliveries that are counted for one subscription.
const COUNTED: usize = 1_000;

const NO_SUBSCRIPTION: Refusal = Refusal::NotFound {
    what: "subscription",
};

/// What stands with the webhook of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SubscriptionDetails {
    /// The vendor's word for the events.
    pub(super) events: String,
    /// Whose events: a domain, or `*`.
    pub(super) domain: String,
    /// Whose events: a user of the domain, or `*`.
    pub(super) user: String,
    reseller: Option<String>,
    scope: Option<String>,
    /// Who made it, `user@domain`, where he may see his own only.
    made_by: Option<String>,
    fails_over: bool,
    preferred_server: Option<String>,
    errors_since: Option<Timestamp>,
    posts_since: Option<Timestamp>,
}

impl SubscriptionDetails {
    /// Reads what stands with a webhook; `None` for one that is no subscription.
    pub(super) fn read(kept: Option<&str>) -> Option<Self> {
        let read: Self = serde_json::from_str(kept?).ok()?;
        (!read.events.is_empty()).then_some(read)
    }

    /// Whether it is about what happens to this user.
    pub(super) fn wants(&self, owner: &Mailbox) -> bool {
        (self.domain == ALL || self.domain == owner.domain)
            && (self.user == ALL || self.user == owner.user)
    }

    fn written(&self) -> Arc<str> {
        let json = serde_json::to_string(self).expect("texts and flags can be written as JSON");
        json.into()
    }

    fn is_seen_by(&self, caller: &Identity) -> bool {
        match caller.rights {
            Rights::User => {
                let name =
                    |user| format!("{user}@{}", caller.domain.as_deref().unwrap_or_default());
                self.made_by.is_some() && self.made_by == caller.user.as_deref().map(name)
            }
            _ => true,
        }
    }
}

/// A webhook that is a subscription.
struct Kept {
    webhook: StoredWebhook,
    details: SubscriptionDetails,
}

impl Kept {
    fn is_like(&self, url: &str, details: &SubscriptionDetails) -> bool {
        let whose =
            |it: &SubscriptionDetails| [&it.events, &it.domain, &it.user].map(String::clone);
        &*self.webhook.url == url && whose(&self.details) == whose(details)
    }
}

#[async_trait]
impl SubscriptionDesk for Door {
    async fn subscriptions(
        &self,
        who: &Principal,
        domain: Option<&str>,
        page: Page,
    ) -> Result<Vec<Subscription>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        if domain.is_some() {
            caller.check_domain(domain)?;
        }
        let all = self.all_subscriptions(&caller).await?;
        let identity = caller.identity()?;
        let seen = all.into_iter().filter(|kept| {
            kept.details.is_seen_by(identity)
                && domain.is_none_or(|domain| kept.details.domain == domain)
        });
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let part = seen.skip(count(page.start)).take(count(page.limit));
        let part: Vec<Kept> = part.collect();
        let mut shown = Vec::with_capacity(part.len());
        for kept in &part {
            shown.push(self.show_subscription(kept).await?);
        }
        Ok(shown)
    }

    async fn subscription(&self, who: &Principal, id: &str) -> Result<Subscription, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let kept = self.one_subscription(&caller, id).await?;
        self.show_subscription(&kept).await
    }

    async fn subscribe(
        &self,
        who: &Principal,
        new: NewSubscription,
    ) -> Result<Subscription, Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let url = checked_url(new.url.expose_secret())?.to_owned();
        let expires_at = new.expires_at;
        let details = details_of(&caller, new)?;
        let all = self.all_subscriptions(&caller).await?;
        if all.iter().any(|kept| kept.is_like(&url, &details)) {
            return Err(Refusal::Duplicate);
        }
        let webhook = StoredWebhook {
            id: WebhookId(self.gateway.new_id()),
            account: Some(caller.account().clone()),
            url: url.into(),
            kinds: self.kinds_of(&details.events),
            format: self.spec.id.into(),
            details: Some(details.written()),
            secrets: Vec::new(),
            label: None,
            is_enabled: true,
            disabled_because: None,
            failing_since: None,
            expires_at,
            created_at: self.gateway.now(),
        };
        let added = self.gateway.store().add_webhook(webhook.clone()).await;
        added.map_err(|error| of_store(&error))?;
        self.show_subscription(&Kept { webhook, details }).await
    }

    async fn change_subscription(
        &self,
        who: &Principal,
        id: &str,
        change: SubscriptionChange,
    ) -> Result<(), Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let kept = self.one_subscription(&caller, id).await?;
        let mut details = kept.details;
        let mut changed = WebhookChange::default();
        if let Some(events) = change.events {
            changed.kinds = Some(self.kinds_of(&events));
            details.events = events;
        }
        let url = change
            .url
            .as_ref()
            .map(|url| checked_url(url.expose_secret()));
        let url = url.transpose()?.unwrap_or(&kept.webhook.url);
        let others = self.all_subscriptions(&caller).await?;
        let mut others = others
            .iter()
            .filter(|other| other.webhook.id != kept.webhook.id);
        if others.any(|other| other.is_like(url, &details)) {
            return Err(Refusal::Duplicate);
        }
        if let Some(fails_over) = change.fails_over {
            details.fails_over = fails_over;
        }
        if change.preferred_server.is_some() {
            details.preferred_server = change.preferred_server;
        }
        let now = self.gateway.now();
        if change.reset_errors {
            details.errors_since = Some(now);
        }
        if change.reset_posts {
            details.posts_since = Some(now);
        }
        changed.url = Some(url.into());
        changed.expires_at = change.expires_at.map(Some);
        changed.details = Some(details.written());
        // Whoever looks after a subscription wants it to be called again.
        changed.is_enabled = (!kept.webhook.is_enabled).then_some(true);
        let done = self.gateway.store();
        let done = done.change_webhook(kept.webhook.id, changed).await;
        done.map(drop).map_err(|error| of_store(&error))
    }

    async fn unsubscribe(&self, who: &Principal, id: &str) -> Result<(), Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let kept = self.one_subscription(&caller, id).await?;
        let removed = self.gateway.store().remove_webhook(kept.webhook.id).await;
        removed.map(drop).map_err(|error| of_store(&error))
    }
}

impl Door {
    /// Those of the account that have not ended, in the order in which they were made.
    async fn all_subscriptions(&self, caller: &Caller) -> Result<Vec<Kept>, Refusal> {
        let found = self.gateway.store().webhooks(Some(caller.account())).await;
        let found = found.map_err(|error| of_store(&error))?;
        let now = self.gateway.now();
        let kept = found.into_iter().filter_map(|webhook| {
            let is_over = webhook.expires_at.is_some_and(|end| end <= now);
            let is_ours = *webhook.format == *self.spec.id && !is_over;
            let details = SubscriptionDetails::read(webhook.details.as_deref());
            let details = details.filter(|_| is_ours)?;
            Some(Kept { webhook, details })
        });
        let mut kept: Vec<Kept> = kept.collect();
        kept.sort_by_key(|kept| kept.webhook.id);
        Ok(kept)
    }

    async fn one_subscription(&self, caller: &Caller, id: &str) -> Result<Kept, Refusal> {
        let id: WebhookId = id.parse().map_err(|_| NO_SUBSCRIPTION)?;
        let identity = caller.identity()?;
        let all = self.all_subscriptions(caller).await?;
        let found = all.into_iter().find(|kept| kept.webhook.id == id);
        found
            .filter(|kept| kept.details.is_seen_by(identity))
            .ok_or(NO_SUBSCRIPTION)
    }

    async fn show_subscription(&self, kept: &Kept) -> Result<Subscription, Refusal> {
        let Kept { webhook, details } = kept;
        let latest = PageRequest {
            after: None,
            limit: COUNTED,
        };
        let deliveries = self.gateway.store().deliveries(webhook.id, latest).await;
        let deliveries = deliveries.map_err(|error| of_store(&error))?.items;
        let tried_since = |since: Option<Timestamp>| {
            let tried = deliveries.iter().filter(move |it| it.last_at > since);
            tried.filter(|it| it.n_tries > 0)
        };
        let mut shown = Subscription::new(
            webhook.id.to_string(),
            details.events.as_str(),
            &*webhook.url,
        );
        shown.domain.clone_from(&details.domain);
        shown.user.clone_from(&details.user);
        shown.reseller.clone_from(&details.reseller);
        shown.scope.clone_from(&details.scope);
        shown.expires_at = webhook.expires_at;
        shown.created_at = Some(webhook.created_at);
        shown.errors = sum(tried_since(details.errors_since).map(n_failed));
        shown.posts = sum(tried_since(details.posts_since).map(|it| u64::from(it.n_tries)));
        let was_tried = deliveries.iter().any(|it| it.n_tries > 0);
        let is_failing = webhook.failing_since.is_some() || !webhook.is_enabled;
        let status = match (is_failing, was_tried) {
            (true, _) => "error",
            (false, true) => "active",
            (false, false) => "pending",
        };
        status.clone_into(&mut shown.status);
        shown.fails_over = details.fails_over;
        shown.preferred_server.clone_from(&details.preferred_server);
        Ok(shown)
    }

    /// Which of our events make these of the vendor's.
    fn kinds_of(&self, events: &str) -> Vec<EventKind> {
        let emitter = self.spec.emit_callback;
        if emitter.is_some_and(|emitter| emitter.models.contains(&events)) {
            vec![EventKind::Accepted, EventKind::Inbound]
        } else {
            // Calls and the like: nothing of that happens here, and no kinds at all would be every
            // kind.
            vec![EventKind::WebhookDisabled]
        }
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// How many tries of a delivery failed.
fn n_failed(delivery: &StoredDelivery) -> u64 {
    let tries = u64::from(delivery.n_tries);
    if &*delivery.state == "done" {
        tries.saturating_sub(1)
    } else {
        tries
    }
}

fn details_of(caller: &Caller, new: NewSubscription) -> Result<SubscriptionDetails, Refusal> {
    let identity = caller.identity()?;
    let own = caller.mailbox()?;
    let is_user = identity.rights == Rights::User;
    let domain = new.domain.unwrap_or_else(|| own.domain.clone());
    let user = new.user.unwrap_or_else(|| {
        if is_user {
            own.user.clone()
        } else {
            ALL.to_owned()
        }
    });
    if domain == ALL {
        return Err(forbidden("events of all domains"));
    }
    if domain != own.domain || user != own.user {
        caller.check_domain(Some(&domain))?;
    }
    Ok(SubscriptionDetails {
        events: new.events,
        domain,
        user,
        reseller: Some(new.reseller.unwrap_or_else(|| RESELLER.to_owned())),
        scope: new.scope,
        made_by: is_user.then(|| own.to_string()),
        fails_over: new.fails_over.unwrap_or(true),
        preferred_server: new.preferred_server,
        errors_since: None,
        posts_since: None,
    })
}

/// Where posts can be made; whether they may is found out when they are.
fn checked_url(url: &str) -> Result<&str, Refusal> {
    let parsed: Option<http::Uri> = url.parse().ok();
    let can_be_called = parsed.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
    });
    let fault = "is no address that begins with http:// or https://";
    can_be_called
        .then_some(url)
        .ok_or_else(|| Refusal::invalid("url", fault))
}
