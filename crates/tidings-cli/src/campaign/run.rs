//! Sends prepared messages: so many calls at a time, so many parts a second, each on disk in the
//! journal before its first byte leaves.
//!
//! Called by `commands/send.rs` and `commands/demo.rs`. It repeats nothing: what may be repeated
//! safely inside one run is repeated by the layers around the provider, everything else when the
//! person runs the command again.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tidings::{
    Acceptance, Clock, Error, ErrorKind, Outbound, Provider, ProviderRef, Receipt, Timestamp,
};
use tokio::task::JoinSet;

use super::journal::{Fingerprint, Journal, Outcome};
use crate::interrupt::Interrupt;

/// A message that is to be sent in this run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The line of the file, or the position on the command line.
    pub(crate) line: u64,
    /// The row's place in the journal.
    pub(crate) slot: u64,
    pub(crate) parts: usize,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outbound: Outbound,
}

/// What came of a job. Messages that travelled in one call share its error.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Submitted(Box<Receipt>),
    Failed(Arc<Error>),
}

/// How fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// Calls that may be open at the same time.
    pub(crate) in_flight: usize,
    /// Parts per second.
    pub(crate) rate: Option<f64>,
    pub(crate) calls: Calls,
}

/// What travels together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// One message a call.
    Single,
    /// Up to so many messages of equal text and sender a call.
    EqualTexts(usize),
    /// Up to so many messages a call, whatever they say.
    AnyTexts(usize),
}

/// Why a run ended.
#[derive(Debug)]
pub(crate) enum RunEnd {
    /// Every job has a verdict.
    Complete,
    /// The person stopped it; `abandoned` calls had no answer yet.
    Interrupted { abandoned: usize },
    /// Going on makes no sense: the account is refused, or one call after the other fails.
    Trouble(Arc<Error>),
}

/// What a run needs besides its jobs.
pub(crate) struct Desk<'a> {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) journal: Option<&'a mut Journal>,
    pub(crate) interrupt: &'a mut Interrupt,
}

/// So many failures in a row are not the messages' fault.
const FAILURES_IN_A_ROW: usize = 20;

impl Verdict {
    /// How to ask about it. Some providers name what may have been taken also where they fail.
    pub(crate) fn provider_ref(&self) -> Option<&ProviderRef> {
        match self {
            Self::Submitted(receipt) => Some(&receipt.provider_ref),
            Self::Failed(error) => error.provider_ref(),
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Submitted(_) => Outcome::Submitted,
            Self::Failed(error) => match error.acceptance() {
                Acceptance::NotSent => Outcome::NotSent,
                Acceptance::Refused if concerns_the_account(error.kind()) => Outcome::NotSent,
                Acceptance::Refused => Outcome::Refused,
                // Also for answers that are younger than this program.
                _ => Outcome::Unknown,
            },
        }
    }
}

/// Sends the jobs in their order. `on_done` hears of each verdict as it comes; if it fails, nothing
/// more is begun and its error is returned when the open calls have ended.
///
/// # Errors
/// Those of the journal and of `on_done`. What goes wrong with the provider is a verdict.
pub(crate) async fn run(
    mut desk: Desk<'_>,
    jobs: Vec<Job>,
    pacing: Pacing,
    on_done: &mut (dyn FnMut(&Job, &Verdict) -> anyhow::Result<()> + Send),
) -> anyhow::Result<RunEnd> {
    let mut waiting = calls_of(jobs, pacing.calls);
    let mut open: JoinSet<(Vec<Job>, Vec<Verdict>)> = JoinSet::new();
    let mut pace = Pace::new(pacing.rate);
    let mut trouble = Trouble::default();
    let mut end: Option<anyhow::Result<RunEnd>> = None;
    loop {
        let mut pause = None;
        if end.is_none() {
            let room = pacing.in_flight.saturating_sub(open.len());
            let group = pace.take(&mut waiting, room, desk.clock.now());
            if group.is_empty() && room > 0 && !waiting.is_empty() {
                pause = Some(pace.pause(desk.clock.now()));
            }
            match begin(&mut desk, &group) {
                Ok(()) => group
                    .into_iter()
                    .for_each(|call| spawn(&mut open, &desk.provider, call)),
                Err(error) => end = Some(Err(error)),
            }
        }
        if open.is_empty() && (waiting.is_empty() || end.is_some()) {
            break;
        }
        tokio::select! {
            Some(done) = open.join_next() => {
                // A call that panicked leaves its rows begun without an end, which is the truth.
                let (jobs, verdicts) = done?;
                let told = finish(&mut desk, &jobs, &verdicts, on_done);
                trouble.hear(&verdicts);
                match (&end, told, trouble.verdict()) {
                    (None, Err(error), _) => end = Some(Err(error)),
                    (None, Ok(()), Some(error)) => end = Some(Ok(RunEnd::Trouble(error))),
                    _ => {}
                }
            }
            () = desk.interrupt.wait() => {
                // The second time, the person does not want to wait for the open calls.
                let again = matches!(end, Some(Ok(RunEnd::Interrupted { .. })));
                let abandoned = if again { open.len() } else { 0 };
                end = Some(Ok(RunEnd::Interrupted { abandoned }));
                if again {
                    open.abort_all();
                    break;
                }
            }
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
    if let Some(journal) = desk.journal {
        journal.sync()?;
    }
    end.unwrap_or(Ok(RunEnd::Complete))
}

/// The journal knows of the group before any of its calls is made: one wait for the disk for all.
/// It blocks this task alone; the open calls go on in the run time's workers.
fn begin(desk: &mut Desk<'_>, group: &[Vec<Job>]) -> anyhow::Result<()> {
    if let (Some(journal), false) = (desk.journal.as_deref_mut(), group.is_empty()) {
        let rows: Vec<_> = group
            .iter()
            .flatten()
            .map(|job| (job.slot, job.fingerprint.clone()))
            .collect();
        journal.begin(&rows, desk.clock.now())?;
    }
    Ok(())
}

fn spawn(
    open: &mut JoinSet<(Vec<Job>, Vec<Verdict>)>,
    provider: &Arc<dyn Provider>,
    call: Vec<Job>,
) {
    let provider = Arc::clone(provider);
    open.spawn(async move {
        let messages: Vec<Outbound> = call.iter().map(|job| job.outbound.clone()).collect();
        let verdicts = match provider.submit(&messages).await {
            Ok(results) => results.into_iter().map(verdict).collect(),
            Err(error) => vec![Verdict::Failed(Arc::new(error)); call.len()],
        };
        (call, verdicts)
    });
}

fn verdict(result: tidings::Result<Receipt>) -> Verdict {
    match result {
        Ok(receipt) => Verdict::Submitted(Box::new(receipt)),
        Err(error) => Verdict::Failed(Arc::new(error)),
    }
}

fn finish(
    desk: &mut Desk<'_>,
    jobs: &[Job],
    verdicts: &[Verdict],
    on_done: &mut (dyn FnMut(&Job, &Verdict) -> anyhow::Result<()> + Send),
) -> anyhow::Result<()> {
    let pairs = || jobs.iter().zip(verdicts);
    if let Some(journal) = desk.journal.as_deref_mut() {
        journal.end(pairs().map(|(job, verdict)| {
            let provider_ref = verdict.provider_ref().cloned();
            (job.slot, verdict.outcome(), provider_ref)
        }))?;
    }
    pairs().try_for_each(|(job, verdict)| on_done(job, verdict))
}

/// Puts jobs together where the first of them stands.
fn calls_of(jobs: Vec<Job>, calls: Calls) -> VecDeque<Vec<Job>> {
    match calls {
        Calls::Single => jobs.into_iter().map(|job| vec![job]).collect(),
        Calls::EqualTexts(size) => filled(jobs, size, |job| {
            let message = &job.outbound.message;
            (Arc::clone(&message.text), message.from.clone())
        }),
        Calls::AnyTexts(size) => filled(jobs, size, |_| ()),
    }
}

/// Calls of up to `size` jobs with the same key.
fn filled<K: Eq + Hash>(
    jobs: Vec<Job>,
    size: usize,
    key: impl Fn(&Job) -> K,
) -> VecDeque<Vec<Job>> {
    let mut calls: VecDeque<Vec<Job>> = VecDeque::new();
    let mut unfilled: HashMap<K, usize> = HashMap::new();
    for job in jobs {
        let key = key(&job);
        match unfilled.get(&key).and_then(|index| calls.get_mut(*index)) {
            Some(call) if call.len() < size => call.push(job),
            _ => {
                unfilled.insert(key, calls.len());
                calls.push_back(vec![job]);
            }
        }
    }
    calls
}

fn concerns_the_account(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::InsufficientCredit
            | ErrorKind::Unsupported
            | ErrorKind::Config
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
    )
}

/// Notices that it is not the messages that fail.
#[derive(Debug, Default)]
struct Trouble {
    in_a_row: usize,
    last: Option<Arc<Error>>,
    at_once: bool,
}

impl Trouble {
    fn hear(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            match verdict {
                Verdict::Submitted(_) => self.in_a_row = 0,
                Verdict::Failed(error) => match error.kind() {
                    ErrorKind::Unauthorized
                    | ErrorKind::Forbidden
                    | ErrorKind::InsufficientCredit
                    | ErrorKind::Unsupported
                    | ErrorKind::Config => {
                        self.at_once = true;
                        self.last = Some(Arc::clone(error));
                    }
                    ErrorKind::RateLimited
                    | ErrorKind::Unavailable
                    | ErrorKind::Timeout
                    | ErrorKind::Protocol => {
                        self.in_a_row += 1;
                        self.last = Some(Arc::clone(error));
                    }
                    // The provider looked at the message: it is at work.
                    _ => self.in_a_row = 0,
                },
            }
        }
    }

    fn verdict(&self) -> Option<Arc<Error>> {
        let stop = self.at_once || self.in_a_row >= FAILURES_IN_A_ROW;
        self.last.clone().filter(|_| stop)
    }
}

/// A token bucket over the clock, counted in parts.
#[derive(Debug)]
struct Pace {
    milliseconds_per_part: f64,
    /// When the next call may begin, in milliseconds since 1970.
    next: f64,
}

/// What was not used in the last moments may be used at once, so that the coarse timer does not slow
/// down high rates.
const BURST_MILLISECONDS: f64 = 100.0;

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self {
            milliseconds_per_part: rate.map_or(0.0, |rate| 1_000.0 / rate),
            next: 0.0,
        }
    }

    /// The calls that may begin now, at most `room`.
    fn take(
        &mut self,
        waiting: &mut VecDeque<Vec<Job>>,
        room: usize,
        now: Timestamp,
    ) -> Vec<Vec<Job>> {
        let now = milliseconds(now);
        self.next = self.next.max(now - BURST_MILLISECONDS);
        let mut group = Vec::new();
        while group.len() < room && (self.milliseconds_per_part == 0.0 || self.next <= now) {
            let Some(call) = waiting.pop_front() else {
                break;
            };
            for job in &call {
                let parts = u32::try_from(job.parts).unwrap_or(u32::MAX);
                self.next += self.milliseconds_per_part * f64::from(parts);
            }
            group.push(call);
        }
        group
    }

    fn pause(&self, now: Timestamp) -> Duration {
        Duration::try_from_secs_f64((self.next - milliseconds(now)) / 1_000.0).unwrap_or_default()
            + Duration::from_millis(1)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 have 41 bits, a double holds 53"
)]
fn milliseconds(at: Timestamp) -> f64 {
    at.as_millis() as f64
}

#[cfg(test)]
mod tests {
    use tidings::{ClientRef, Message};

    use super::*;

    fn call(parts: usize) -> Vec<Job> {
        let message = Message::new("+224622000001".parse().unwrap(), "x");
        vec![Job {
            line: 2,
            slot: 2,
            parts,
            fingerprint: Fingerprint::of(&[]),
            outbound: Outbound::new(ClientRef::new("r").unwrap(), message),
        }]
    }

    /// How many calls may begin at each of these moments.
    #[track_caller]
    fn check(rate: Option<f64>, parts: usize, moments: &[i64], expected: &[usize]) {
        let mut waiting: VecDeque<Vec<Job>> = (0..1_000).map(|_| call(parts)).collect();
        let mut pace = Pace::new(rate);
        let begun: Vec<usize> = moments
            .iter()
            .map(|moment| {
                let now = Timestamp::from_millis(1_000_000 + moment).unwrap();
                pace.take(&mut waiting, 200, now).len()
            })
            .collect();
        assert_eq!(begun, expected);
    }

    #[test]
    fn the_rate_is_counted_in_parts() {
        // A tenth of a second may be used at once at the beginning.
        check(Some(10.0), 1, &[0, 50, 100, 200, 1_200], &[2, 0, 1, 1, 2]);
        check(Some(10.0), 2, &[0, 99, 100, 199, 300], &[1, 0, 1, 0, 1]);
        check(Some(1_000.0), 1, &[0, 10, 20], &[101, 10, 10]);
        check(None, 1, &[0, 0], &[200, 200]);
    }

    #[test]
    fn a_pause_ends_when_the_next_call_may_begin() {
        let mut waiting: VecDeque<Vec<Job>> = (0..10).map(|_| call(1)).collect();
        let mut pace = Pace::new(Some(4.0));
        let now = Timestamp::from_millis(1_000_000).unwrap();
        pace.take(&mut waiting, 10, now);
        let later = now.plus(pace.pause(now));
        assert_eq!(pace.take(&mut waiting, 10, later).len(), 1);
    }
}
