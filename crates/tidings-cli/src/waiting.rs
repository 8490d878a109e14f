//! What can be found out by asking about messages whose provider tells what became of them only by
//! calling its customer's server: whether their batches still wait there.
//!
//! Called by `tracking.rs`. It makes no call that is bound to fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tidings::batches::QueuedBatch;
use tidings::{DeliveryReport, Error, ErrorKind, Provider, ReportedState};

use crate::output::counted;
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
    let left = counted(usize::try_from(batch.left).unwrap_or(usize::MAX), "message");
    let on_hold = match batch.on_hold {
        0 => String::new(),
        held => format!(", {held} of them on hold"),
    };
    format!("its batch waits at the provider: {left} left{on_hold}")
}

fn end(message: &mut Tracked, why: &'static str) {
    let report = DeliveryReport::new(message.about.clone(), ReportedState::Unknown);
    message.hear(report.detail(why));
    message.is_asked_out = true;
}

#[cfg(test)]
mod tests {
    use tidings::ProviderRef;

    use super::*;
    use crate::fake::CallingBack;

    fn of_batch(message: &str, batch: &str) -> Tracked {
        let mut about = ProviderRef::message(message);
        about.batch = Some(batch.to_owned());
        Tracked::new(None, about)
    }

    fn told(tracked: &[Tracked]) -> Vec<(&str, bool)> {
        let told = tracked.iter();
        told.map(|message| (message.state(), message.is_asked_out))
            .collect()
    }

    #[tokio::test]
    async fn what_waits_is_submitted_and_the_rest_is_not_known() {
        let fake = Arc::new(CallingBack::with(&[("a", 2)]));
        let provider = Arc::clone(&fake) as Arc<dyn Provider>;
        let mut tracked = [
            of_batch("1", "a"),
            of_batch("2", "a"),
            of_batch("3", "gone"),
            Tracked::new(None, ProviderRef::message("4")),
        ];
        ask(&provider, &mut tracked).await;
        let expected = [
            ("submitted", false),
            ("submitted", false),
            ("unknown", true),
            ("unknown", true),
        ];
        assert_eq!(told(&tracked), expected);
        // One question for each batch, none for what cannot be asked about.
        assert_eq!(*fake.n_shown.lock().unwrap(), 2);
        fake.leave("a");
        ask(&provider, &mut tracked).await;
        assert_eq!(told(&tracked), [("unknown", true); 4]);
        assert_eq!(*fake.n_shown.lock().unwrap(), 3);
        ask(&provider, &mut tracked).await;
        assert_eq!(*fake.n_shown.lock().unwrap(), 3);
    }

    #[tokio::test]
    async fn what_was_reported_is_not_taken_back() {
        let provider = Arc::new(CallingBack::with(&[("a", 1)])) as Arc<dyn Provider>;
        let mut message = of_batch("1", "a");
        message.hear(DeliveryReport::new(
            message.about.clone(),
            ReportedState::Sent,
        ));
        let mut tracked = [message];
        ask(&provider, &mut tracked).await;
        assert_eq!(told(&tracked), [("sent", false)]);
    }

    #[tokio::test]
    async fn a_question_that_fails_is_the_messages_error() {
        let fake = CallingBack {
            trouble: Some(ErrorKind::Unauthorized),
            ..CallingBack::default()
        };
        let provider = Arc::new(fake) as Arc<dyn Provider>;
        let mut tracked = [of_batch("1", "a")];
        ask(&provider, &mut tracked).await;
        assert_eq!(told(&tracked), [("error", false)]);
        assert!(tracked[0].is_final(), "asking again brings the same answer");
    }
}
