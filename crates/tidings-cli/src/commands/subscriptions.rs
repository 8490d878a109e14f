//! `tidings subscriptions`: which events a provider posts, and where.

use secrecy::ExposeSecret as _;
use serde::Serialize;
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange, Subscriptions};
use tidings::{Error, ErrorKind, Provider, Timestamp};

use super::Context;
use crate::args::{ChangeArgs, CreateArgs, SubscriptionsAction, SubscriptionsArgs};
use crate::config;
use crate::output::{Column, shown};

/// One subscription, in JSON.
#[derive(Serialize)]
struct SubscriptionLine<'s> {
    subscription: &'s str,
    events: &'s str,
    url: &'s str,
    domain: &'s str,
    user: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reseller: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'s str>,
    status: &'s str,
    errors: u64,
    posts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    fails_over: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_server: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_server: Option<&'s str>,
}

impl<'s> From<&'s Subscription> for SubscriptionLine<'s> {
    fn from(subscription: &'s Subscription) -> Self {
        Self {
            subscription: &subscription.id,
            events: &subscription.events,
            url: subscription.url.expose_secret(),
            domain: &subscription.domain,
            user: &subscription.user,
            reseller: subscription.reseller.as_deref(),
            scope: subscription.scope.as_deref(),
            status: &subscription.status,
            errors: subscription.errors,
            posts: subscription.posts,
            expires_at: subscription.expires_at,
            created_at: subscription.created_at,
            fails_over: subscription.fails_over,
            preferred_server: subscription.preferred_server.as_deref(),
            active_server: subscription.active_server.as_deref(),
        }
    }
}

pub(super) async fn run(context: &Context, args: &SubscriptionsArgs) -> anyhow::Result<()> {
    match &args.action {
        SubscriptionsAction::List { account } => {
            let connected = context.connect(account)?;
            let all = subscriptions_of(&*connected.provider)?.list().await?;
            if all.is_empty() && !context.output.is_json() {
                context.output.remark("there are no subscriptions");
                return Ok(());
            }
            show(context, &all)
        }
        SubscriptionsAction::Show {
            subscription,
            account,
        } => {
            let connected = context.connect(account)?;
            let found = subscriptions_of(&*connected.provider)?;
            show(context, &[found.show(subscription).await?])
        }
        SubscriptionsAction::Create { new, account } => {
            let connected = context.connect(account)?;
            let new = new_subscription(context, new)?;
            let subscriptions = subscriptions_of(&*connected.provider)?;
            show(context, &[subscriptions.create(&new).await?])
        }
        SubscriptionsAction::Update {
            subscription,
            change,
            account,
        } => {
            let connected = context.connect(account)?;
            let change = change_of(context, change)?;
            let subscriptions = subscriptions_of(&*connected.provider)?;
            subscriptions.update(subscription, &change).await?;
            let what = format_args!("subscription {subscription} is changed");
            context.output.remark(what);
            Ok(())
        }
        SubscriptionsAction::Delete {
            subscription,
            account,
        } => {
            let connected = context.connect(account)?;
            let subscriptions = subscriptions_of(&*connected.provider)?;
            subscriptions.delete(subscription).await?;
            let what = format_args!("subscription {subscription} has ended");
            context.output.remark(what);
            Ok(())
        }
    }
}

fn subscriptions_of(provider: &dyn Provider) -> tidings::Result<&dyn Subscriptions> {
    provider.subscriptions().ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Unsupported,
            "this provider has no subscriptions that can be changed by calls",
        )
    })
}

fn new_subscription(context: &Context, args: &CreateArgs) -> anyhow::Result<NewSubscription> {
    let url = config::value(&args.url, &context.environment)?;
    let mut new = NewSubscription::new(args.events.as_str(), url);
    new.domain.clone_from(&args.domain);
    new.user.clone_from(&args.user);
    new.reseller.clone_from(&args.reseller);
    new.scope.clone_from(&args.scope);
    let now = context.clock.now();
    new.expires_at = args.expires.map(|expires| expires.from(now));
    new.fails_over = args.fails_over;
    new.preferred_server.clone_from(&args.preferred_server);
    Ok(new)
}

fn change_of(context: &Context, args: &ChangeArgs) -> anyhow::Result<SubscriptionChange> {
    let mut change = SubscriptionChange::default();
    let url = args.url.as_deref();
    let url = url.map(|written| config::value(written, &context.environment));
    change.url = url.transpose()?.map(Into::into);
    change.events.clone_from(&args.events);
    let now = context.clock.now();
    change.expires_at = args.expires.map(|expires| expires.from(now));
    change.reset_errors = args.reset_errors;
    change.reset_posts = args.reset_posts;
    change.fails_over = args.fails_over;
    change.preferred_server.clone_from(&args.preferred_server);
    Ok(change)
}

fn show(context: &Context, subscriptions: &[Subscription]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return subscriptions.iter().try_for_each(|subscription| {
            context
                .output
                .json_line(&SubscriptionLine::from(subscription))
        });
    }
    let columns = [
        Column::Text("subscription"),
        Column::Text("events"),
        Column::Text("whose"),
        Column::Text("url"),
        Column::Text("status"),
        Column::Number("posts"),
        Column::Number("errors"),
        Column::Text("expires"),
    ];
    let rows = subscriptions.iter().map(|subscription| {
        let expires = subscription.expires_at;
        vec![
            shown(&subscription.id),
            shown(&subscription.events),
            shown(&format!("{}@{}", subscription.user, subscription.domain)),
            shown(&without_query(subscription.url.expose_secret())),
            shown(&subscription.status),
            subscription.posts.to_string(),
            subscription.errors.to_string(),
            expires.map(|at| at.to_string()).unwrap_or_default(),
        ]
    });
    context.output.table(&columns, rows.collect())
}

/// Secrets stand in the query mostly; who wants to see them asks for JSON.
pub(super) fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((address, _)) => format!("{address}?.."),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_no_query() {
        assert_eq!(without_query("https://h/p?token=x"), "https://h/p?..");
        assert_eq!(without_query("https://h/p"), "https://h/p");
    }
}
