//! `tidings send --gateway`: the gateway takes the messages and keeps them; the command hands them over and
//! watches.
//!
//! Called by `send/mod.rs`. What is handed over of a campaign is in `campaign.rs`, how it is watched in
//! `watch.rs`.

mod campaign;
mod watch;

use http::Method;
use serde_json::{Value, json};
use tidings::Capabilities;
use tidings::http::Carries;

use super::{Prepared, PreparedMessage, addressed, new_name, show_plan, text_of, window};
use crate::args::SendArgs;
use crate::campaign::prepare::Envelope;
use crate::commands::Context;
use crate::commands::providers::shown;
use crate::gateway::{Call, Gateway};
use crate::interrupt::unless_interrupted;
use crate::media;
use crate::output::{Column, bad_input};

/// A beginning that is over.
const LONG_AGO: &str = "1970-01-01T00:00:00Z";

pub(super) async fn run(context: &Context, args: &SendArgs) -> anyhow::Result<()> {
    check_options(args)?;
    let gateway = Gateway::find(&args.gateway, &context.environment)?;
    let envelope = envelope(context, args)?;
    match (&args.campaign.csv, &args.campaign.template) {
        (Some(csv), Some(template)) => {
            campaign::run(context, args, &gateway, envelope, csv, template).await
        }
        _ => direct(context, args, &gateway, &envelope).await,
    }
}

/// Refuses what only holds where the command itself calls a provider: taken without a word, it would let
/// somebody believe in a limit that is not there.
fn check_options(args: &SendArgs) -> anyhow::Result<()> {
    let pace = "how fast and how its lanes send is said in its configuration, or by `tidings providers pause`";
    let choice = "its routes choose the account";
    let given = [
        ("--rate", args.campaign.rate.is_some(), pace),
        ("--in-flight", args.campaign.in_flight.is_some(), pace),
        ("--bulk", args.campaign.bulk, pace),
        ("--provider", args.account.provider.is_some(), choice),
        ("--account", args.account.account.is_some(), choice),
    ];
    match given.iter().find(|(_, is_given, _)| *is_given) {
        None => Ok(()),
        Some((option, _, instead)) => Err(bad_input(format!(
            "{option} does not work with a gateway: leave it out; {instead}"
        ))),
    }
}

/// What all messages have in common. Limits are the gateway's affair: it knows its providers.
fn envelope(context: &Context, args: &SendArgs) -> anyhow::Result<Envelope> {
    let window = window(
        context.clock.now(),
        args.not_before.as_ref(),
        args.until.as_ref(),
    );
    let media = args.media.as_deref();
    let media = media.map(|path| media::read(path, args.media_type.as_deref()));
    Ok(Envelope {
        from: args.from.clone(),
        region: args.region,
        priority: args.priority.priority(),
        valid_for: args.valid_for,
        window: window.map_err(bad_input)?,
        media: media.transpose()?,
        policy: args.text_options.policy(u8::MAX),
        capabilities: Capabilities::submit_only(),
    })
}

async fn direct(
    context: &Context,
    args: &SendArgs,
    gateway: &Gateway,
    envelope: &Envelope,
) -> anyhow::Result<()> {
    let text = text_of(args.text.as_deref().unwrap_or_default())?;
    let messages = addressed(context, envelope, &args.to, &text)?;
    if args.dry_run {
        let bad_rows = Vec::new();
        return show_plan(context, &Prepared { messages, bad_rows }, false);
    }
    let (name, mut rows) = (new_name(), Vec::new());
    for message in &messages {
        let once = format!("{name}-{}", message.line);
        let call = Call {
            method: &Method::POST,
            path: "/v1/messages",
            operation: "send",
            carries: Carries::Message,
            once: Some(&once),
            content_type: "application/json",
        };
        let body = serde_json::to_vec(&body(args, message))?;
        let taken = unless_interrupted(gateway.call(call, body.into())).await?;
        if context.output.is_json() {
            context.output.json_line(&taken)?;
        }
        let told = ["id", "state", "segments", "lane"].map(|name| shown(&taken[name]));
        let to = message.message.to.to_string();
        rows.push([to].into_iter().chain(told).collect());
    }
    if context.output.is_json() {
        return Ok(());
    }
    let columns = ["to", "id", "state", "parts", "lane"].map(Column::Text);
    context.output.table(&columns, rows)
}

fn body(args: &SendArgs, message: &PreparedMessage) -> Value {
    let it = &message.message;
    let mut body = json!({"to": it.to.as_str(), "text": &*it.text, "priority": it.priority});
    if let Some(from) = &it.from {
        body["from"] = from.to_string().into();
    }
    if let Some(validity) = it.valid_for {
        body["valid_for_s"] = validity.as_secs().into();
    }
    if args.not_before.is_some() || args.until.is_some() {
        let from = args.not_before.as_ref().map(ToString::to_string);
        // Where it begins at once, the same words in every run: a row's key stands for what it says.
        let mut window = json!({"from": from.as_deref().unwrap_or(LONG_AGO)});
        if let Some(until) = &args.until {
            window["until"] = until.to_string().into();
        }
        body["window"] = window;
    }
    if let Some(media) = &it.media {
        use base64::Engine as _;
        let content = base64::engine::general_purpose::STANDARD.encode(media.content());
        body["media"] = json!({
            "mime_type": media.mime_type(),
            "content": content,
            "name": media.file_name(),
        });
    }
    body
}
