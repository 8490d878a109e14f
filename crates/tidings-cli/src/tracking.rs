//! Asks a provider how far messages have come, again and again until all have come to an end.
//!
//! Called by `commands/status/mod.rs` and `commands/demo.rs`. Reports only move a message forward.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tidings::{
    DeliveryReport, Error, ErrorKind, MessageEvent, MessageState, Provider, ProviderRef,
    ReportedState,
};

use crate::waiting;

/// A message that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    /// The line of the CSV file that it came from.
    pub(crate) line: Option<u64>,
    pub(crate) about: ProviderRef,
    /// The newest report.
    pub(crate) report: Option<DeliveryReport>,
    /// Why there was no report the last time.
    pub(crate) error: Option<Arc<Error>>,
    /// Asking its provider again would bring nothing new, although it has not come to an end.
    pub(crate) is_asked_out: bool,
}

/// Calls open at the same time.
pub(crate) const IN_FLIGHT: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Tracked {
    pub(crate) fn new(line: Option<u64>, about: ProviderRef) -> Self {
        Self {
            line,
            about,
            report: None,
            error: None,
            is_asked_out: false,
        }
    }

    /// Takes a report, unless one that says more is known.
    pub(crate) fn hear(&mut self, report: DeliveryReport) {
        self.error = None;
        let known = self.report.as_ref().map(|known| known.state);
        if known.is_none_or(|known| !says_more(known, report.state)) {
            self.report = Some(report);
        }
    }

    /// Whether nothing more will be heard of it.
    pub(crate) fn is_final(&self) -> bool {
        let reported = self
            .report
            .as_ref()
            .is_some_and(|report| report.state.is_final());
        reported
            || self
                .error
                .as_ref()
                .is_some_and(|error| is_hopeless(error.kind()))
    }

    /// The word for how far it has come.
    pub(crate) fn state(&self) -> &'static str {
        match (&self.report, &self.error) {
            (Some(report), _) => report.state.as_str(),
            (None, Some(_)) => "error",
            (None, None) => "unknown",
        }
    }
}

/// Whether the first state is further on the way of a message than the second.
pub(crate) fn says_more(state: ReportedState, known: ReportedState) -> bool {
    rank(state) > rank(known)
}

fn rank(state: ReportedState) -> u8 {
    let taken = MessageState::Submitted;
    let told = taken.on(MessageEvent::Reported(state)).moved();
    told.ok().flatten().unwrap_or(taken).rank()
}

/// Asks once about every message that has not come to an end.
pub(crate) async fn ask(provider: &Arc<dyn Provider>, tracked: &mut [Tracked]) {
    if !provider.capabilities().status {
        return waiting::ask(provider, tracked).await;
    }
    let calls = calls(tracked);
    let answers = stream::iter(calls).map(|(positions, refs)| async move {
        let answer = provider.status(&refs).await;
        (positions, answer)
    });
    let answers: Vec<_> = answers.buffer_unordered(IN_FLIGHT).collect().await;
    for (positions, answer) in answers {
        let results: Vec<Result<DeliveryReport, Arc<Error>>> = match answer {
            Ok(reports) => reports.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(Arc::new(error)); positions.len()],
        };
        for (position, result) in positions.into_iter().zip(results) {
            let Some(message) = tracked.get_mut(position) else {
                continue;
            };
            match result {
                Ok(report) => message.hear(report),
                Err(error) => message.error = Some(error),
            }
        }
    }
}

/// How long to wait before the next question.
pub(crate) fn next_pause(last: Option<Duration>) -> Duration {
    last.map_or(FIRST_PAUSE, |last| last.mul_f64(1.5))
        .min(LONGEST_PAUSE)
}

/// One call per message, or per batch where messages have no ids of their own: so one unknown id
/// spoils no other answer.
fn calls(tracked: &[Tracked]) -> Vec<(Vec<usize>, Vec<ProviderRef>)> {
    let mut calls: Vec<(Vec<usize>, Vec<ProviderRef>)> = Vec::new();
    let mut batches = std::collections::HashMap::new();
    let open = tracked
        .iter()
        .enumerate()
        .filter(|(_, message)| !message.is_final());
    for (position, message) in open {
        let batch = message
            .about
            .batch
            .as_deref()
            .filter(|_| message.about.message.is_none());
        let call = match batch {
            Some(batch) => *batches.entry(batch).or_insert(calls.len()),
            None => calls.len(),
        };
        if call == calls.len() {
            calls.push((Vec::new(), Vec::new()));
        }
        if let Some((positions, refs)) = calls.get_mut(call) {
            positions.push(position);
            refs.push(message.about.clone());
        }
    }
    calls
}

/// Asking again would bring the same answer.
fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::Unsupported
            | ErrorKind::Config
            | ErrorKind::InvalidMessage
    )
}

#[cfg(test)]
mod tests {
    use tidings::ReportedState;

    use super::*;

    #[test]
    fn a_batch_is_asked_about_once_and_every_other_message_alone() {
        let number = "+224622000001".parse().unwrap();
        let mut tracked = vec![
            Tracked::new(None, ProviderRef::message("1")),
            Tracked::new(None, ProviderRef::batch_member("b", number)),
            Tracked::new(None, ProviderRef::message("2")),
            Tracked::new(None, ProviderRef::batch_member("b", number)),
        ];
        let positions = |tracked: &[Tracked]| -> Vec<Vec<usize>> {
            calls(tracked)
                .into_iter()
                .map(|(positions, _)| positions)
                .collect()
        };
        assert_eq!(positions(&tracked), [vec![0], vec![1, 3], vec![2]]);
        let about = tracked[0].about.clone();
        tracked[0].report = Some(DeliveryReport::new(about, ReportedState::Delivered));
        assert_eq!(positions(&tracked), [vec![1, 3], vec![2]]);
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pause = next_pause(None);
        assert_eq!(pause, FIRST_PAUSE);
        for _ in 0..20 {
            let next = next_pause(Some(pause));
            assert!(next > pause || next == LONGEST_PAUSE);
            pause = next;
        }
        assert_eq!(pause, LONGEST_PAUSE);
    }
}
