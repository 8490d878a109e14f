//! `tidings send --gateway`: the gateway takes the messages and keeps them; the command hands them over and
//! watches.
//!
//! Called by `mod.rs`. A campaign is one batch under a name that is made of its file, its template and its
//! options: repeated after whatever happened, the same command hands over what is missing and watches on,
//! and nothing is taken twice. No journal is needed: what became of each row is in the gateway.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tidings::Capabilities;
use tidings::http::Carries;
use tokio::time::sleep;

use super::{
    Prepared, PreparedMessage, addressed, new_name, show_bad_rows, show_plan, text_of, window,
};
use crate::args::SendArgs;
use crate::campaign::journal::Fingerprint;
use crate::campaign::prepare::{Envelope, Recipe, prepare};
use crate::campaign::progress::Progress;
use crate::commands::Context;
use crate::commands::providers::shown;
use crate::gateway::{Call, Gateway, with_query};
use crate::interrupt::{Interrupt, unless_interrupted};
use crate::media;
use crate::output::{Column, Ending, bad_input, counted};

/// How often the batch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long nothing may move before what is still with providers is left to itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// States in which a message is still in the gateway.
const INSIDE: [&str; 4] = ["held", "queued", "leased", "sending"];
/// States after which nothing more is expected.
const OVER: [&str; 5] = ["delivered", "undelivered", "failed", "expired", "canceled"];

pub(super) async fn run(context: &Context, args: &SendArgs) -> anyhow::Result<()> {
    let gateway = Gateway::find(&args.gateway, &context.environment)?;
    let envelope = envelope(context, args)?;
    match (&args.campaign.csv, &args.campaign.template) {
        (Some(csv), Some(template)) => {
            campaign(context, args, &gateway, envelope, csv, template).await
        }
        _ => direct(context, args, &gateway, &envelope).await,
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

async fn campaign(
    context: &Context,
    args: &SendArgs,
    gateway: &Gateway,
    envelope: Envelope,
    csv: &Path,
    template: &str,
) -> anyhow::Result<()> {
    let output = &context.output;
    let file =
        std::fs::read(csv).map_err(|error| bad_input(format!("{}: {error}", csv.display())))?;
    let recipe = Recipe {
        template,
        to_column: args.campaign.to_column.as_deref(),
        allow_duplicates: args.campaign.allow_duplicates,
        envelope,
    };
    let prepared = prepare(&file, &recipe).with_context(|| csv.display().to_string())?;
    if args.dry_run {
        return show_plan(context, &prepared, true);
    }
    show_bad_rows(context, &prepared.bad_rows, true)?;
    let n_bad = prepared.bad_rows.len();
    if prepared.messages.is_empty() {
        return Err(bad_input("no row of the file can be sent"));
    }

    let mut body = Vec::new();
    for message in &prepared.messages {
        serde_json::to_writer(&mut body, &self::body(args, message))?;
        body.push(b'\n');
    }
    let once = name_of(&body);
    let duplicates = args.campaign.allow_duplicates.then_some("true");
    let conditions = [
        ("reference", Some(&*once)),
        ("allow_duplicates", duplicates),
    ];
    let path = with_query("/v1/batches", conditions);
    let call = Call {
        method: &Method::POST,
        path: &path,
        operation: "send",
        carries: Carries::Message,
        once: Some(&once),
        content_type: "application/x-ndjson",
    };
    let answer = unless_interrupted(gateway.call(call, Bytes::from(body)))
        .await
        .context("the same command hands over what is missing, and nothing twice")?;
    let n_rejected = show_taken(context, &answer, &prepared.messages)?;
    let id = shown(&answer["id"]);
    let end = watch(context, gateway, &id).await?;
    conclude(context, &id, &end, n_bad + n_rejected)?;
    if let End::Interrupted(_) = end {
        let what = format!(
            "interrupted: the gateway goes on; `tidings batches show {id}` shows how far it is, \
             `tidings batches stop {id}` stops it"
        );
        return Err(Ending::Interrupted(what).into());
    }
    output.remark(format_args!("batch {id}"));
    Ok(())
}

/// The same for the same rows, whoever sends them and whenever.
fn name_of(body: &[u8]) -> String {
    let fingerprint = serde_json::to_value(Fingerprint::of(&[body])).unwrap_or_default();
    format!("csv-{}", shown(&fingerprint))
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
        let until = args.until.as_ref().map(ToString::to_string);
        let bounds = [("from", from), ("until", until)];
        let bounds = bounds
            .into_iter()
            .filter_map(|(name, time)| Some((name.to_owned(), Value::from(time?))));
        body["window"] = Value::Object(bounds.collect());
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

/// Tells what was refused at the door, by the lines of the file. How many.
fn show_taken(
    context: &Context,
    answer: &Value,
    messages: &[PreparedMessage],
) -> anyhow::Result<usize> {
    let rejected = answer["rejected"].as_array().map_or(&[][..], Vec::as_slice);
    for row in rejected {
        let index = row["index"]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok());
        let line = index.and_then(|index| messages.get(index));
        let line = line.map_or(0, |message| message.line);
        if context.output.is_json() {
            context.output.json_line(
                &json!({"type": "rejected", "line": line, "code": row["code"], "detail": row["detail"]}),
            )?;
        } else {
            context
                .output
                .remark(format_args!("line {line}: {}", shown(&row["detail"])));
        }
    }
    if context.output.is_json() {
        let told = json!({
            "type": "batch",
            "id": answer["id"],
            "accepted": answer["accepted"],
            "rejected": rejected.len(),
        });
        context.output.json_line(&told)?;
    }
    Ok(rejected.len())
}

/// The last that was seen of the batch.
enum End {
    /// Every message has come to its end, or has left and nothing moves any more.
    Settled(Value),
    /// The person did not want to watch any longer.
    Interrupted(Value),
}

async fn watch(context: &Context, gateway: &Gateway, id: &str) -> anyhow::Result<End> {
    let mut interrupt = Interrupt::listen()?;
    let path = format!("/v1/batches/{id}");
    let mut batch = gateway.get(&path).await?;
    let total = usize::try_from(total(&batch)).unwrap_or(usize::MAX);
    let output = &context.output;
    let mut sent = Progress::new(output, &context.clock, "messages sent", total);
    let mut last_counts = batch["counts"].clone();
    let mut last_move = context.clock.elapsed();
    loop {
        let inside = count(&batch, &INSIDE);
        let over = count(&batch, &OVER);
        sent.set(
            output,
            total - usize::try_from(inside).unwrap_or(total).min(total),
        );
        let all = self::total(&batch);
        let now = context.clock.elapsed();
        if batch["counts"] != last_counts {
            last_counts = batch["counts"].clone();
            last_move = now;
        }
        let is_still = now.saturating_sub(last_move) >= PATIENCE;
        if over >= all || (inside == 0 && is_still) {
            sent.finish();
            return Ok(End::Settled(batch));
        }
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = interrupt.wait() => {
                sent.finish();
                return Ok(End::Interrupted(batch));
            }
        }
        batch = gateway.get(&path).await?;
    }
}

fn conclude(context: &Context, id: &str, end: &End, n_unusable: usize) -> anyhow::Result<()> {
    let (End::Settled(batch) | End::Interrupted(batch)) = end;
    let output = &context.output;
    if output.is_json() {
        output.json_line(&json!({"type": "counts", "id": id, "counts": batch["counts"]}))?;
    } else {
        let counts = batch["counts"].as_object().into_iter().flatten();
        let counts = counts.filter(|(_, count)| count.as_u64() != Some(0));
        let rows = counts.map(|(state, count)| vec![state.clone(), shown(count)]);
        output.table(
            &[Column::Text("state"), Column::Number("messages")],
            rows.collect(),
        )?;
    }
    if let End::Interrupted(_) = end {
        return Ok(());
    }
    let n_unknown = usize::try_from(count(batch, &["unknown"])).unwrap_or(usize::MAX);
    if n_unknown > 0 {
        let what = format!(
            "nobody can know what became of {} of batch {id}",
            counted(n_unknown, "message")
        );
        return Err(Ending::OutcomeUnknown(what).into());
    }
    let failed = count(batch, &["failed", "undelivered", "expired", "canceled"]);
    let n_failed = usize::try_from(failed).unwrap_or(usize::MAX);
    match (n_unusable, n_failed) {
        (0, 0) => Ok(()),
        (unusable, failed) => {
            let what = format!(
                "batch {id}: {} could not be used, {} did not arrive",
                counted(unusable, "row"),
                counted(failed, "message")
            );
            Err(Ending::Partly(what).into())
        }
    }
}

fn total(batch: &Value) -> u64 {
    let counts = batch["counts"].as_object().into_iter().flatten();
    counts.filter_map(|(_, count)| count.as_u64()).sum()
}

fn count(batch: &Value, states: &[&str]) -> u64 {
    let counts = states
        .iter()
        .filter_map(|state| batch["counts"][state].as_u64());
    counts.sum()
}
