//! Asks providers how far messages have come, where they do not tell by themselves.
//!
//! One loop for each lane, run by [`super::run`]. When which message is asked about stands in the
//! store; `schedule.rs` says when next.

use std::sync::Arc;
use std::time::Duration;

use tidings::callback::Callback;
use tidings::layers::{Breaker, CircuitState, Innermost, Stack};
use tidings::{Error, ErrorKind, Provider};
use tidings_core::{DeliveryReport, ReportedState};
use tidings_store::{NextPoll, Poll, StoreError};

use super::hearing::hear;
use super::{STORE_PAUSE, schedule};
use crate::gateway::Gateway;
use crate::lane::Lane;

/// The most messages of one question.
const AT_ONCE: usize = 100;
/// How long a message that is being asked about is nobody else's to ask about.
const LEASE: Duration = Duration::from_mins(2);
/// How long a provider is asked that need not ever say what became of a message in the end.
const WITHOUT_DELIVERY: Duration = Duration::from_hours(1);
/// How often is looked whether there is anything to ask.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Whether messages of a lane are asked about: its provider can be asked, and either never tells by
/// itself or has no address of ours to call.
pub(super) fn is_asked(lane: &Lane) -> bool {
    let tells = lane.capabilities.reports && lane.callback_token.is_some();
    lane.capabilities.status && !tells
}

/// Whether anybody tells us what became of messages in the end, asked or not.
pub(super) fn hears_of_ends(lane: &Lane) -> bool {
    let tells = lane.capabilities.reports && lane.callback_token.is_some();
    lane.capabilities.tells_delivery && (tells || lane.capabilities.status)
}

/// Asks for as long as the lane is there.
pub(super) async fn run(gateway: Gateway, lane: Arc<Lane>) {
    let guarded = Breaker::new(
        Innermost::new(Arc::clone(&lane.provider)),
        lane.circuit.clone(),
    );
    let provider = Stack::new(guarded);
    let mut n_failures = 0;
    loop {
        let pause = match round(&gateway, &lane, &provider, n_failures).await {
            Ok(Asked::Nothing) => LOOK_EVERY,
            Ok(Asked::Answered { count }) => {
                n_failures = 0;
                breath(&lane, count)
            }
            Ok(Asked::Failed { pause }) => {
                n_failures += 1;
                pause
            }
            Err(error) => {
                let id = &lane.id;
                tracing::warn!(lane = %id, %error, "lane {id}: cannot ask about messages: {error}");
                STORE_PAUSE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// How a round went.
pub(super) enum Asked {
    Nothing,
    Answered { count: usize },
    Failed { pause: Duration },
}

/// Asks once about what is due.
pub(super) async fn round(
    gateway: &Gateway,
    lane: &Lane,
    provider: &dyn Provider,
    n_failures: u32,
) -> Result<Asked, StoreError> {
    if let CircuitState::Open { rest } = lane.circuit.state() {
        return Ok(Asked::Failed { pause: rest });
    }
    let now = gateway.now();
    let until = now.plus(LEASE);
    let store = gateway.store();
    let polls = store.polls_due(&lane.id, until, at_once(lane), now).await?;
    if polls.is_empty() {
        return Ok(Asked::Nothing);
    }
    let answers = ask(provider, &polls).await;
    let callbacks = answers.reports.into_iter().map(Callback::Report);
    hear(gateway, &lane.id, callbacks.collect()).await?;
    let failure = answers.failure.map(|error| {
        let pause = pause_after(gateway, lane, &error, n_failures + 1);
        (pause, gateway.now().plus(pause))
    });
    let next = polls
        .iter()
        .zip(answers.of_each)
        .map(|(poll, answer)| match (answer, failure) {
            (Answer::None, Some((_, at))) => NextPoll {
                key: poll.key,
                attempt: poll.attempt,
                at: Some(at),
            },
            (Answer::None | Answer::Refused, _) => next_of(gateway, lane, poll, None),
            (Answer::Said(state), _) => next_of(gateway, lane, poll, Some(state)),
        });
    store.schedule_polls(next.collect()).await?;
    metrics::counter!("tidings_polls_total", "lane" => lane.id.as_str().to_owned())
        .increment(polls.len() as u64);
    Ok(match failure {
        Some((pause, _)) => Asked::Failed { pause },
        None => Asked::Answered { count: polls.len() },
    })
}

/// What a provider said to one question about many messages.
struct Answers {
    reports: Vec<DeliveryReport>,
    of_each: Vec<Answer>,
    /// Why not all of them were asked about.
    failure: Option<Error>,
}

/// What a provider said of one message.
#[derive(Clone, Copy)]
enum Answer {
    None,
    /// It does not know the message, or does not want to be asked about it.
    Refused,
    Said(ReportedState),
}

/// Asks about messages at once. Where the provider refuses the question for one of them, it is asked
/// about the halves, so that one message which it has forgotten does not silence it about all others.
async fn ask(provider: &dyn Provider, polls: &[Poll]) -> Answers {
    let refs: Vec<_> = polls.iter().map(|poll| poll.provider_ref.clone()).collect();
    let mut answers = Answers {
        reports: Vec::new(),
        of_each: vec![Answer::None; polls.len()],
        failure: None,
    };
    let mut parts = vec![(0, refs.len())];
    while let Some((start, end)) = parts.pop() {
        match provider.status(&refs[start..end]).await {
            Ok(reports) => {
                let places = answers.of_each[start..end].iter_mut();
                for (place, report) in places.zip(&reports) {
                    *place = Answer::Said(report.state);
                }
                answers.reports.extend(reports);
            }
            Err(error) if !is_about_a_message(error.kind()) => {
                answers.failure = Some(error);
                return answers;
            }
            Err(_) if end - start == 1 => answers.of_each[start] = Answer::Refused,
            Err(_) => {
                let middle = usize::midpoint(start, end);
                parts.push((start, middle));
                parts.push((middle, end));
            }
        }
    }
    answers
}

/// Whether an error says something of a message rather than of the provider or the account.
fn is_about_a_message(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::Rejected
            | ErrorKind::InvalidMessage
            | ErrorKind::InvalidRecipient
    )
}

fn next_of(gateway: &Gateway, lane: &Lane, poll: &Poll, state: Option<ReportedState>) -> NextPoll {
    let random = gateway.randomness().next();
    let age = gateway.now().since(poll.taken_at);
    let is_given_up = !lane.capabilities.tells_delivery && age >= WITHOUT_DELIVERY;
    let is_over = is_given_up || state.is_some_and(|state| is_last_word(lane, state));
    let at = if is_over {
        None
    } else {
        schedule::next_poll(gateway.now(), poll.taken_at, poll.expires_at, random)
    };
    NextPoll {
        key: poll.key,
        attempt: poll.attempt,
        at,
    }
}

/// Whether a provider will say nothing more. One that does not know of phones says no more than that the
/// message went out.
fn is_last_word(lane: &Lane, state: ReportedState) -> bool {
    state.is_final() || (state == ReportedState::Sent && !lane.capabilities.tells_delivery)
}

fn pause_after(gateway: &Gateway, lane: &Lane, error: &Error, n_failures: u32) -> Duration {
    let random = gateway.randomness().next();
    let pause = schedule::pause_after(n_failures, error.retry_after(), random);
    let (id, kind) = (&lane.id, error.kind());
    tracing::warn!(lane = %id, %kind, n_failures, "lane {id}: asking about messages failed: {error}");
    metrics::counter!("tidings_poll_failures_total", "lane" => id.as_str().to_owned(), "kind" => kind.as_str())
        .increment(1);
    pause
}

/// Where a lane has a rate, a question is no larger than what leaves in a few seconds: some providers
/// are asked by a call for each message.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1..=100"
)]
fn at_once(lane: &Lane) -> usize {
    match lane.config.rate {
        Some(rate) => (rate * 5.0).ceil().clamp(1.0, 100.0) as usize,
        None => AT_ONCE,
    }
}

/// The pause after a question, so that asking takes no more of the lane's rate than sending does.
fn breath(lane: &Lane, count: usize) -> Duration {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    match lane.config.rate {
        Some(rate) if rate > 0.0 => Duration::from_secs_f64(f64::from(count) / rate),
        _ => Duration::from_millis(50),
    }
}
