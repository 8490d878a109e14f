//! Messages of a gateway: listed, shown with all that happened to them, stopped, sent again.

use http::Method;
use serde_json::Value;
use tidings::{Acceptance, Error, ErrorKind};

use crate::args::{MessageFilterArgs, MessagesAction};
use crate::commands::Context;
use crate::commands::providers::shown;
use crate::gateway::{Gateway, with_query};
use crate::output::{Column, Ending, counted};

pub(super) async fn run(context: &Context, action: &MessagesAction) -> anyhow::Result<()> {
    let find = |args| Gateway::find(args, &context.environment);
    match action {
        MessagesAction::List { filter, gateway } => list(context, &find(gateway)?, filter).await,
        MessagesAction::Show { id, gateway } => show(context, &find(gateway)?, id).await,
        MessagesAction::Cancel { ids, gateway } => cancel(context, &find(gateway)?, ids).await,
        MessagesAction::Resend { ids, gateway } => {
            each(
                context,
                &find(gateway)?,
                ids,
                "resend",
                &["id", "state", "lane"],
            )
            .await?;
            Ok(())
        }
    }
}

async fn list(
    context: &Context,
    gateway: &Gateway,
    filter: &MessageFilterArgs,
) -> anyhow::Result<()> {
    let from = filter.from.map(|time| time.to_string());
    let until = filter.until.map(|time| time.to_string());
    let state = filter.states.join(",");
    let conditions = [
        (
            "state",
            Some(state.as_str()).filter(|state| !state.is_empty()),
        ),
        ("to", filter.to.as_deref()),
        ("batch", filter.batch.as_deref()),
        ("reference", filter.reference.as_deref()),
        ("tag", filter.tag.as_deref()),
        ("lane", filter.lane.as_deref()),
        ("from", from.as_deref()),
        ("until", until.as_deref()),
    ];
    let path = with_query("/v1/messages", conditions);
    let messages = gateway.list(&path, Some(filter.limit)).await?;
    if context.output.is_json() {
        return messages
            .iter()
            .try_for_each(|message| context.output.json_line(message));
    }
    let members = ["id", "state", "to", "lane", "reference", "accepted_at"];
    context
        .output
        .table(&members.map(Column::Text), rows(&messages, &members))
}

async fn show(context: &Context, gateway: &Gateway, id: &str) -> anyhow::Result<()> {
    let message = gateway.get(&format!("/v1/messages/{id}")).await?;
    let output = &context.output;
    if output.is_json() {
        return output.json_line(&message);
    }
    for (name, value) in message.as_object().into_iter().flatten() {
        if !value.is_array() {
            output.line(format_args!("{name} {}", shown(value)))?;
        }
    }
    let attempts = message["attempts"].as_array();
    let members = [
        "number",
        "lane",
        "from",
        "began_at",
        "ended_at",
        "outcome",
        "error",
        "code",
        "checks",
        "next_check_at",
    ];
    output.table(
        &members.map(Column::Text),
        rows(attempts.map_or(&[], Vec::as_slice), &members),
    )?;
    let events = message["events"].as_array();
    let members = ["at", "type", "attempt", "their_time", "code", "reason"];
    output.table(
        &members.map(Column::Text),
        rows(events.map_or(&[], Vec::as_slice), &members),
    )
}

/// Stops messages that have not left. One that has is not stopped, and the exit code says so.
async fn cancel(context: &Context, gateway: &Gateway, ids: &[String]) -> anyhow::Result<()> {
    let members = ["id", "outcome", "state"];
    let answers = each(context, gateway, ids, "cancel", &members).await?;
    let n_that = |outcome: &str| answers.iter().filter(|it| it["outcome"] == outcome).count();
    let (n_out, n_unknown) = (n_that("already_out"), n_that("unknown"));
    if n_unknown > 0 {
        let what = format!(
            "{} on the way at this moment, or nobody knows: `tidings messages show` tells what becomes of \
             it",
            is_or_are(n_unknown)
        );
        return Err(Ending::OutcomeUnknown(what).into());
    }
    let what = || format!("{} out already and cannot be stopped", is_or_are(n_out));
    match n_out {
        0 => Ok(()),
        all if all == ids.len() => {
            Err(Error::new(ErrorKind::Rejected, Acceptance::Refused, what()).into())
        }
        _ => Err(Ending::Partly(what()).into()),
    }
}

fn is_or_are(n_messages: usize) -> String {
    let verb = if n_messages == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(n_messages, "message"))
}

/// Lets the same be done to each message, and tells what became of it.
async fn each(
    context: &Context,
    gateway: &Gateway,
    ids: &[String],
    what: &str,
    members: &[&'static str],
) -> anyhow::Result<Vec<Value>> {
    let mut answers = Vec::with_capacity(ids.len());
    for id in ids {
        let path = format!("/v1/messages/{id}/{what}");
        let answer = gateway.act(&Method::POST, &path, &Value::Null).await?;
        if context.output.is_json() {
            context.output.json_line(&answer)?;
        }
        answers.push(answer);
    }
    if !context.output.is_json() {
        let columns: Vec<Column> = members.iter().copied().map(Column::Text).collect();
        context.output.table(&columns, rows(&answers, members))?;
    }
    Ok(answers)
}

fn rows(items: &[Value], members: &[&str]) -> Vec<Vec<String>> {
    let row = |item: &Value| members.iter().map(|name| shown(&item[*name])).collect();
    items.iter().map(row).collect()
}
