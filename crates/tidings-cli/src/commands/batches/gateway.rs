//! Batches of a gateway: how far they are, and what a person wants of them. Called by `mod.rs`.

use http::Method;
use serde_json::Value;

use crate::args::BatchesAction;
use crate::commands::Context;
use crate::commands::providers::shown;
use crate::gateway::Gateway;
use crate::interrupt::unless_interrupted;
use crate::output::{Column, bad_input, counted};
use crate::question::{can_be_asked, is_confirmed};

pub(super) async fn run(
    context: &Context,
    gateway: &Gateway,
    action: &BatchesAction,
) -> anyhow::Result<()> {
    match action {
        BatchesAction::List { .. } => {
            let batches = unless_interrupted(gateway.list("/v1/batches", None)).await?;
            show(context, &batches)
        }
        BatchesAction::Show { batch, .. } => {
            let path = format!("/v1/batches/{batch}");
            show(context, &[unless_interrupted(gateway.get(&path)).await?])
        }
        BatchesAction::Pause { batch } => order(context, gateway, batch, "pause").await,
        BatchesAction::Resume { batch } => order(context, gateway, batch, "resume").await,
        BatchesAction::Stop { batch, yes, .. } => {
            if *yes || unless_interrupted(confirmed(context, gateway, batch)).await? {
                stop(context, gateway, batch).await
            } else {
                anyhow::bail!("nothing was stopped")
            }
        }
        BatchesAction::ResendFailed { batch } => {
            let path = format!("/v1/batches/{batch}/resend-failed");
            let answer = gateway.act(&Method::POST, &path, &Value::Null).await?;
            if context.output.is_json() {
                return context.output.json_line(&answer);
            }
            for (name, value) in answer.as_object().into_iter().flatten() {
                let told = match value {
                    Value::Array(items) => items.len().to_string(),
                    value => shown(value),
                };
                context.output.line(format_args!("{name} {told}"))?;
            }
            Ok(())
        }
    }
}

async fn order(
    context: &Context,
    gateway: &Gateway,
    batch: &str,
    order: &str,
) -> anyhow::Result<()> {
    let path = format!("/v1/batches/{batch}/{order}");
    let batch = gateway.act(&Method::POST, &path, &Value::Null).await?;
    show(context, &[batch])
}

async fn confirmed(context: &Context, gateway: &Gateway, batch: &str) -> anyhow::Result<bool> {
    if !can_be_asked() {
        return Err(bad_input(
            "to stop a batch cannot be undone, and nobody is here to be asked: say --yes",
        ));
    }
    let found = gateway.get(&format!("/v1/batches/{batch}")).await?;
    context
        .output
        .remark(format_args!("batch {batch}: {}", counts(&found)));
    is_confirmed(&context.output, "Stop it for good?").await
}

/// Stops a batch and says exactly what that stopped.
async fn stop(context: &Context, gateway: &Gateway, batch: &str) -> anyhow::Result<()> {
    let path = format!("/v1/batches/{batch}/stop");
    let lists = gateway.act(&Method::POST, &path, &Value::Null).await?;
    let output = &context.output;
    if output.is_json() {
        return output.json_line(&lists);
    }
    let told = [
        ("canceled", "never left and never will"),
        ("already_out", "with a provider or at their end before"),
        (
            "unknown",
            "on their way, or nobody can know; not sent again",
        ),
    ];
    for (name, meaning) in told {
        let n_messages = lists[name].as_array().map_or(0, Vec::len);
        output.line(format_args!(
            "{name} {}: {meaning}",
            counted(n_messages, "message")
        ))?;
    }
    output.remark("with --json it prints all their ids");
    Ok(())
}

fn show(context: &Context, batches: &[Value]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return batches
            .iter()
            .try_for_each(|batch| context.output.json_line(batch));
    }
    let rows = batches.iter().map(|batch| {
        vec![
            shown(&batch["id"]),
            shown(&batch["reference"]),
            shown(&batch["state"]),
            counts(batch),
            shown(&batch["created_at"]),
        ]
    });
    let columns = ["batch", "reference", "state", "messages", "created"];
    context
        .output
        .table(&columns.map(Column::Text), rows.collect())
}

/// How many messages are in each state, as far as there are any.
pub(crate) fn counts(batch: &Value) -> String {
    let counts = batch["counts"].as_object().into_iter().flatten();
    let counts = counts.filter(|(_, count)| count.as_u64() != Some(0));
    let counts: Vec<String> = counts
        .map(|(state, count)| format!("{state} {count}"))
        .collect();
    counts.join(", ")
}
