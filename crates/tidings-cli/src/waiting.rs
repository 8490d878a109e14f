//! What can be found out by asking about messages whose provider tells what became of them only by
//! calling its customer's server: whether their batches still wait there.
//!
//! Called by `tracking.rs`. It makes no call that is bound to fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tidings::batches::QueuedBatch;
use tidings::{DeliveryReport, Error, ErrorKind, Provider, ReportedState};

use crate::tracking::{IN_FLIGHT, Tracked};

const LEFT: &str = "it has left the provider, which tells the rest only by calling back";
const NOTHING_TO_ASK: &str = "this provider tells what became of a message only by calling back";

/// Asks once about the batch of every message that has not come to an end. A message of which
/// nothing more can be found out like this is marked so.
pub(crate) async fn ask(provider: &Arc<dyn Provider>, tracked: &mut [Tracked]) {
    let mut by_batch: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, message) in tracked.iter_mut().enumerate() {
        if message.is_final() || message.is_asked_out {
            continue;
        }
        match (&message.about.batch, provider.batches()) {
            (Some(batch), Some(_)) => by_batch.entry(batch.clone()).or_default().push(position),
            (None, _) | (_, None) => end(message, NOTHING_TO_ASK),
        }
    }
    let answers = stream::iter(by_batch).map(|(batch, positions)| async move {
        let answer = match provider.batches() {
            Some(batches) => batches.show(&batch).await,
            None => Ok(QueuedBatch::new(batch, 0)),
        };
        (positions, answer.map_err(Arc::new))
    });
    let answers: Vec<_> = answers.buffer_unordered(IN_FLIGHT).collect().await;
    for (positions, answer) in answers {
        for position in positions {
            if let Some(message) = tracked.get_mut(position) {
                take(message, &answer);
            }
        }
    }
}

fn take(message: &mut Tracked, answer: &Result<QueuedBatch, Arc<Error>>) {
    match answer {
        Ok(batch) if batch.left > 0 => {
            let report = DeliveryReport::new(message.about.clone(), ReportedState::Submitted);
            message.hear(report.detail(waits(batch)));
        }
        Ok(_) => end(message, LEFT),
        // So a provider says that nothing of the batch waits.
        Err(error) if error.kind() == ErrorKind::NotFound => end(message, LEFT),
        Err(error) => message.error = Some(Arc::clone(error)),
    }
}

/// Of a batch with more than one message nobody is told which of them still wait.
fn waits(batch: &QueuedBatch) -> String {
    let left = batch.left;
    let on_hold = match batch.on_hold {
        0 => String::new(),
        held => format!(", {held} of them on hold"),
    };
    format!("messages of its batch that wait at the provider: {left}{on_hold}")
}

fn end(message: &mut Tracked, why: &'static str) {
    let report = DeliveryReport::new(message.about.clone(), ReportedState::Unknown);
    message.hear(report.detail(why));
    message.is_asked_out = true;
}
