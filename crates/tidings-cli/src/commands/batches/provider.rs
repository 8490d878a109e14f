//! Batches of which messages still wait at a provider, and how they are stopped. Called by `mod.rs`.

use serde_json::json;
use tidings::batches::{QueuedBatch, QueuedBatches, StoppedBatch};
use tidings::{Acceptance, Error, ErrorKind, Provider};

use crate::args::AccountArgs;
use crate::commands::Context;
use crate::interrupt::{Interrupt, unless_interrupted};
use crate::output::{Column, Ending, bad_input, counted, explain};
use crate::question::{can_be_asked, is_confirmed};

pub(super) async fn stop_one(
    context: &Context,
    account: &AccountArgs,
    batch: &str,
    yes: bool,
) -> anyhow::Result<()> {
    let connected = context.connect(account)?;
    let batches = batches_of(&*connected.provider)?;
    if yes || unless_interrupted(confirmed(context, batches, batch)).await? {
        stop(context, batches, batch).await
    } else {
        anyhow::bail!("nothing was stopped")
    }
}

pub(super) async fn list(context: &Context, account: &AccountArgs) -> anyhow::Result<()> {
    let connected = context.connect(account)?;
    let batches = batches_of(&*connected.provider)?.list().await?;
    show(context, &batches)?;
    if batches.is_empty() {
        context.output.remark("no batch waits at the provider");
    }
    Ok(())
}

pub(super) async fn show_one(
    context: &Context,
    account: &AccountArgs,
    batch: &str,
) -> anyhow::Result<()> {
    let connected = context.connect(account)?;
    let found = find(batches_of(&*connected.provider)?, batch).await?;
    show(context, &[found])
}

fn batches_of(provider: &dyn Provider) -> tidings::Result<&dyn QueuedBatches> {
    provider.batches().ok_or_else(|| {
        Error::not_sent(
            ErrorKind::Unsupported,
            "this provider does not tell which batches wait, and cannot stop them",
        )
    })
}

async fn find(batches: &dyn QueuedBatches, batch: &str) -> anyhow::Result<QueuedBatch> {
    let found = batches.show(batch).await;
    found.map_err(|error| missing(error, batch))
}

/// A provider knows a batch only while something of it waits.
fn missing(error: Error, batch: &str) -> anyhow::Error {
    let is_missing = error.kind() == ErrorKind::NotFound;
    let error = anyhow::Error::from(error);
    if is_missing {
        error.context(format!(
            "nothing of batch {batch} waits at the provider (it knows no such batch, or all of it has left)"
        ))
    } else {
        error
    }
}

/// Whether the person wants it, after having seen what it is about.
async fn confirmed(
    context: &Context,
    batches: &dyn QueuedBatches,
    batch: &str,
) -> anyhow::Result<bool> {
    if !can_be_asked() {
        return Err(bad_input(
            "to stop a batch cannot be undone, and nobody is here to be asked: say --yes",
        ));
    }
    let found = find(batches, batch).await?;
    context.output.remark(format_args!(
        "in batch {batch} wait: {}, {} of them on hold",
        counted(usize::try_from(found.left).unwrap_or(usize::MAX), "message"),
        found.on_hold
    ));
    is_confirmed(&context.output, "Stop them for good?").await
}

async fn stop(context: &Context, batches: &dyn QueuedBatches, batch: &str) -> anyhow::Result<()> {
    let not_known = format!(
        "nobody can know whether batch {batch} was stopped; `tidings batches show` tells what is left of it"
    );
    let mut interrupt = Interrupt::listen()?;
    let stopped = tokio::select! {
        stopped = batches.stop(batch) => stopped,
        () = interrupt.wait() => {
            return Err(Ending::Interrupted(format!("interrupted: {not_known}")).into());
        }
    };
    let stopped = match stopped {
        Ok(stopped) => stopped,
        Err(error) if error.acceptance() == Acceptance::Unknown => {
            let cause = explain(&error.into());
            return Err(Ending::OutcomeUnknown(format!("{not_known}: {cause}")).into());
        }
        Err(error) => return Err(missing(error, batch)),
    };
    show_stopped(context, &stopped)?;
    let told = match stopped.stopped.len() {
        0 => "nothing was stopped: all of it has left".to_owned(),
        count => format!(
            "{} will not be sent; what else was in the batch has left",
            counted(count, "message")
        ),
    };
    context.output.remark(told);
    Ok(())
}

fn show(context: &Context, batches: &[QueuedBatch]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return batches.iter().try_for_each(|batch| {
            let line = json!({
                "batch": batch.reference,
                "left": batch.left,
                "on_hold": batch.on_hold,
            });
            context.output.json_line(&line)
        });
    }
    if batches.is_empty() {
        return Ok(());
    }
    let rows = batches.iter().map(|batch| {
        vec![
            batch.reference.clone(),
            batch.left.to_string(),
            batch.on_hold.to_string(),
        ]
    });
    let columns = [
        Column::Text("batch"),
        Column::Number("left"),
        Column::Number("on hold"),
    ];
    context.output.table(&columns, rows.collect())
}

/// One line in JSON, so that it is there as a whole or not at all.
fn show_stopped(context: &Context, batch: &StoppedBatch) -> anyhow::Result<()> {
    let stopped = batch.stopped.iter();
    if context.output.is_json() {
        let stopped: Vec<_> = stopped
            .map(|message| json!({"message": message.id, "reference": message.reference}))
            .collect();
        return context
            .output
            .json_line(&json!({"batch": batch.reference, "stopped": stopped}));
    }
    if batch.stopped.is_empty() {
        return Ok(());
    }
    let rows = stopped.map(|message| {
        let reference = message.reference.as_ref().map(ToString::to_string);
        vec![message.id.clone(), reference.unwrap_or_default()]
    });
    let columns = ["stopped message", "reference"].map(Column::Text);
    context.output.table(&columns, rows.collect())
}
