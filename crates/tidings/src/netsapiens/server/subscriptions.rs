//! Subscriptions to events.

use std::time::Duration;

use axum::extract::{RawQuery, Request};
use axum::response::Response;
use tidings_core::Timestamp;

use super::answer::{self, Refused};
use super::caller::{Caller, Place, secret};
use super::fields::{self, Query};
use crate::backend::Refusal;
use crate::netsapiens::map::{inward, outward};
use crate::netsapiens::{Model, wire};
use crate::subscriptions::{NewSubscription, SubscriptionChange};

/// How long a subscription lasts that is made with an API key: 20 years.
const WITH_A_KEY: Duration = Duration::from_hours(20 * 8_766);

const EXPIRES: &str = "subscription-expires-datetime";

/// `GET /subscriptions`.
pub(super) async fn list(caller: Caller, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    rows(&caller, &Place::default(), None, query.as_deref()).await
}

/// `GET /domains/{domain}/subscriptions`.
pub(super) async fn list_of_domain(
    caller: Caller,
    place: Place,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    rows(&caller, &place, domain.as_deref(), query.as_deref()).await
}

async fn rows(
    caller: &Caller,
    place: &Place,
    domain: Option<&str>,
    query: Option<&str>,
) -> Result<Response, Refused> {
    let page = Query::of(query).page()?;
    let found = caller
        .backend()
        .subscriptions(caller.who(), domain, page)
        .await;
    let found = found.map_err(|refusal| place.refused(caller, refusal))?;
    let rows: Vec<_> = found.iter().map(outward::subscription).collect();
    Ok(answer::document(&rows))
}

/// `POST /subscriptions`: answered at once, with the whole subscription.
pub(super) async fn create(caller: Caller, request: Request) -> Result<Response, Refused> {
    make(&caller, &Place::default(), None, request).await
}

/// `POST /domains/{domain}/subscriptions`.
pub(super) async fn create_in_domain(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let domain = domain.unwrap_or_else(|| "*".to_owned());
    make(&caller, &place, Some(domain), request).await
}

async fn make(
    caller: &Caller,
    place: &Place,
    domain: Option<String>,
    request: Request,
) -> Result<Response, Refused> {
    let new = read_new(caller, &fields::read(request).await?, domain)?;
    let made = caller.backend().subscribe(caller.who(), new).await;
    let made = made.map_err(inward::subscription_field);
    let made = made.map_err(|refusal| match refusal {
        Refusal::Duplicate => Refused::Exists("Subscription"),
        refusal => place.refused(caller, refusal),
    })?;
    Ok(answer::document(&outward::subscription(&made)))
}

/// `GET /subscriptions/{id}`.
pub(super) async fn one(caller: Caller, place: Place) -> Result<Response, Refused> {
    let found = caller.backend();
    let found = found.subscription(caller.who(), place.id("id")?).await;
    let found = found.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::document(&outward::subscription(&found)))
}

/// `GET /domains/{domain}/subscriptions/{id}`.
pub(super) async fn one_of_domain(caller: Caller, place: Place) -> Result<Response, Refused> {
    is_of_domain(&caller, &place).await?;
    one(caller, place).await
}

/// `PUT /subscriptions/{id}`: what is not there stays as it is. Clients are known to send the whole
/// subscription; whose events it is about does not change any more.
pub(super) async fn change(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let id = place.id("id")?;
    let change = read_change(&fields::read(request).await?)?;
    let changed = caller.backend();
    let changed = changed.change_subscription(caller.who(), id, change).await;
    let changed = changed.map_err(inward::subscription_field);
    changed.map_err(|refusal| match refusal {
        Refusal::Duplicate => Refused::Exists("Subscription"),
        refusal => place.refused(&caller, refusal),
    })?;
    Ok(answer::accepted())
}

/// `PUT /domains/{domain}/subscriptions/{id}`.
pub(super) async fn change_of_domain(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    is_of_domain(&caller, &place).await?;
    change(caller, place, request).await
}

/// `DELETE /subscriptions/{id}`. A body, which one description has, is not looked at.
pub(super) async fn delete(caller: Caller, place: Place) -> Result<Response, Refused> {
    let ended = caller.backend();
    let ended = ended.unsubscribe(caller.who(), place.id("id")?).await;
    ended.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::accepted())
}

/// `DELETE /domains/{domain}/subscriptions/{id}`.
pub(super) async fn delete_of_domain(caller: Caller, place: Place) -> Result<Response, Refused> {
    is_of_domain(&caller, &place).await?;
    delete(caller, place).await
}

/// A subscription of another domain is not there.
async fn is_of_domain(caller: &Caller, place: &Place) -> Result<(), Refused> {
    let Some(domain) = place.domain_or_all(caller)? else {
        return Ok(());
    };
    let found = caller.backend();
    let found = found.subscription(caller.who(), place.id("id")?).await;
    let found = found.map_err(|refusal| place.refused(caller, refusal))?;
    if found.domain == domain {
        return Ok(());
    }
    let what = "subscription";
    Err(caller.refused(Refusal::NotFound { what }))
}

fn read_new(
    caller: &Caller,
    wanted: &wire::CreateSubscription,
    domain: Option<String>,
) -> Result<NewSubscription, Refused> {
    let model = fields::required_name("model", &wanted.model)?;
    check_model(&model)?;
    let url = fields::required("post-url", &wanted.post_url)?;
    check_url(url)?;
    let mut new = NewSubscription::new(model, secret(url));
    new.domain = match fields::name("domain", &wanted.domain)? {
        Some(own) if own == "~" => Some(caller.own_domain()?),
        Some(named) => Some(named),
        None => domain,
    };
    new.user = match fields::name("user", &wanted.user)? {
        Some(own) if own == "~" => Some(caller.own_user()?),
        named => named,
    };
    new.reseller = match fields::name("reseller", &wanted.reseller)? {
        Some(own) if own == "~" => caller.own_reseller(),
        named => named,
    };
    new.scope = fields::name("user-scope", &wanted.user_scope)?;
    new.expires_at = Some(match read_end(&wanted.subscription_expires_datetime)? {
        Some(end) => end,
        None => default_end(caller),
    });
    new.fails_over = wanted.subscription_geo_support.0;
    new.preferred_server = fields::name("preferred-server", &wanted.preferred_server)?;
    Ok(new)
}

/// With the token that it was made with, as the vendor's servers do it.
fn default_end(caller: &Caller) -> Timestamp {
    match caller.token.lifetime {
        Some(lifetime) => caller.token.issued_at.plus(lifetime),
        None => caller.options().clock.now().plus(WITH_A_KEY),
    }
}

fn read_change(wanted: &wire::ChangeSubscription) -> Result<SubscriptionChange, Refused> {
    let mut change = SubscriptionChange::default();
    if let Some(model) = fields::name("model", &wanted.model)? {
        check_model(&model)?;
        change.events = Some(model);
    }
    if let Some(url) = wanted.post_url.get() {
        check_url(url)?;
        change.url = Some(secret(url));
    }
    change.expires_at = read_end(&wanted.subscription_expires_datetime)?;
    change.reset_errors = is_reset("error-count", wanted.error_count)?;
    change.reset_posts = is_reset("posts-count", wanted.posts_count)?;
    change.fails_over = wanted.subscription_geo_support.0;
    change.preferred_server = fields::name("preferred-server", &wanted.preferred_server)?;
    Ok(change)
}

fn is_reset(name: &'static str, count: wire::Whole) -> Result<bool, Refused> {
    match count.0 {
        None => Ok(false),
        Some(0) => Ok(true),
        Some(_) => Err(Refused::wrong(name, "can only be set to 0")),
    }
}

fn read_end(written: &wire::Text) -> Result<Option<Timestamp>, Refused> {
    wire::time::read(EXPIRES, written).map_err(fields::wrong)
}

fn check_model(model: &str) -> Result<(), Refused> {
    if Model::LISTED.iter().any(|listed| listed.as_str() == model) {
        return Ok(());
    }
    let listed = Model::LISTED.map(|model| model.to_string());
    let fault = format!("must be one of {}", listed.join(", "));
    Err(Refused::wrong("model", fault))
}

fn check_url(url: &str) -> Result<(), Refused> {
    let url: Option<http::Uri> = url.parse().ok();
    let is_usable = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
    });
    if is_usable {
        return Ok(());
    }
    let fault = "must be a URL that begins with http:// or https://";
    Err(Refused::wrong("post-url", fault))
}
