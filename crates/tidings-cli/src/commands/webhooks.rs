//! `tidings webhooks`: which programs a gateway tells what happens.

use http::Method;
use serde_json::{Value, json};

use super::Context;
use super::providers::shown;
use super::subscriptions::without_query;
use crate::args::{SigningWord, WebhooksAction, WebhooksArgs};
use crate::gateway::Gateway;
use crate::output::{Column, Ending};

/// What a list shows of each webhook.
const LISTED: [&str; 7] = [
    "id",
    "url",
    "types",
    "format",
    "is_enabled",
    "disabled_because",
    "label",
];

pub(super) async fn run(context: &Context, args: &WebhooksArgs) -> anyhow::Result<()> {
    let gateway = Gateway::find(&args.gateway, &context.environment)?;
    match &args.action {
        WebhooksAction::List => {
            let webhooks = gateway.list("/v1/webhooks", None).await?;
            show(context, &webhooks, &LISTED)
        }
        WebhooksAction::Show { id } => {
            let webhook = gateway.get(&format!("/v1/webhooks/{id}")).await?;
            show_answer(context, &webhook)
        }
        WebhooksAction::Test { id } => test(context, &gateway, id).await,
        WebhooksAction::Create {
            url,
            events,
            label,
            format,
            signing,
        } => {
            let mut body = json!({"url": url, "types": events});
            let options = [
                ("label", label.as_deref()),
                ("format", format.as_deref()),
                ("signing", signing.map(SigningWord::word)),
            ];
            for (name, value) in options {
                if let Some(value) = value {
                    body[name] = value.into();
                }
            }
            let made = gateway.act(&Method::POST, "/v1/webhooks", &body).await?;
            show_secret(context, &made)
        }
        WebhooksAction::Deliveries { id, limit } => {
            let path = format!("/v1/webhooks/{id}/deliveries");
            let deliveries = gateway.list(&path, Some(*limit)).await?;
            let names = [
                "id",
                "event/type",
                "state",
                "tries",
                "last_at",
                "last_status",
                "last_error",
                "next_at",
            ];
            show(context, &deliveries, &names)
        }
        WebhooksAction::Replay { id, since } => {
            let path = format!("/v1/webhooks/{id}/replay");
            let answer = gateway
                .act(&Method::POST, &path, &json!({"since": since}))
                .await?;
            show_answer(context, &answer)
        }
        WebhooksAction::RotateSecret { id } => {
            let path = format!("/v1/webhooks/{id}/rotate-secret");
            let made = gateway.act(&Method::POST, &path, &json!({})).await?;
            show_secret(context, &made)
        }
        WebhooksAction::Enable { id } => {
            let path = format!("/v1/webhooks/{id}");
            let webhook = gateway
                .act(&Method::PATCH, &path, &json!({"is_enabled": true}))
                .await?;
            show_answer(context, &webhook)
        }
        WebhooksAction::Delete { id } => {
            let path = format!("/v1/webhooks/{id}");
            gateway.act(&Method::DELETE, &path, &Value::Null).await?;
            show_answer(context, &json!({"id": id, "deleted": true}))
        }
    }
}

/// Has it called now. That the receiver takes it is what the command is for.
async fn test(context: &Context, gateway: &Gateway, id: &str) -> anyhow::Result<()> {
    let path = format!("/v1/webhooks/{id}/test");
    let answer = gateway.act(&Method::POST, &path, &Value::Null).await?;
    show_answer(context, &answer)?;
    match answer["is_taken"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(Ending::Partly("the receiver did not take the call".to_owned()).into()),
    }
}

/// `members`: paths into each item.
fn show(context: &Context, items: &[Value], members: &[&'static str]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return items
            .iter()
            .try_for_each(|item| context.output.json_line(item));
    }
    let rows = items.iter().map(|item| {
        let cell = |name: &&str| match item.pointer(&format!("/{name}")).unwrap_or(&Value::Null) {
            Value::Array(words) if words.is_empty() => "everything".to_owned(),
            Value::Array(words) => words.iter().map(shown).collect::<Vec<_>>().join(" "),
            value if *name == "url" => without_query(&shown(value)),
            value => shown(value),
        };
        members.iter().map(cell).collect()
    });
    let last = |member: &&'static str| member.rsplit('/').next().unwrap_or_default();
    let columns: Vec<Column> = members.iter().map(last).map(Column::Text).collect();
    context.output.table(&columns, rows.collect())
}

/// The secret is shown here and nowhere else.
fn show_secret(context: &Context, made: &Value) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.json_line(made);
    }
    context.output.line(format_args!(
        "webhook {} {}",
        shown(&made["id"]),
        without_query(&shown(&made["url"]))
    ))?;
    for name in ["secret", "public_key"] {
        if !made[name].is_null() {
            context
                .output
                .line(format_args!("{name} {}", shown(&made[name])))?;
        }
    }
    context
        .output
        .remark("keep the secret now, it cannot be shown again");
    Ok(())
}

fn show_answer(context: &Context, answer: &Value) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context.output.json_line(answer);
    }
    for (name, value) in answer.as_object().into_iter().flatten() {
        let told = match name.as_str() {
            "url" => without_query(&shown(value)),
            _ => shown(value),
        };
        context.output.line(format_args!("{name} {told}"))?;
    }
    Ok(())
}
