//! How well a lane does: the share of its calls and messages that fail by the provider's fault, whether
//! delivery takes too long, and whether anything is heard of what was sent.
//!
//! Fed by `hearing.rs` with what became of messages and by dispatch with how calls ended, and looked at from
//! time to time; raises `lane.failure_rate` and `lane.delays`, once when it begins and once when it is over.
//! That an alarm was told is remembered over a restart, so that it is not told twice and that its end is.
//! The windows are pure: time comes in. It takes no lane out of anything; breaker and routing do that by
//! themselves.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tidings::Clock;
use tidings_core::{Reason, Timestamp};
use tidings_store::{EventKind, NewEvent, StoreError};

use super::Watched;
use crate::config::MonitoringConfig;
use crate::gateway::Gateway;
use crate::lane::Lane;

/// How far back is looked.
const WINDOW: Duration = Duration::from_mins(5);
/// In how many steps old news is forgotten.
const STEPS: u32 = 30;
/// Below so many nothing is said: one failure of two is no rate.
const ENOUGH: u64 = 20;
/// An alarm ends when the share is below this part of what began it.
const CALM: f64 = 0.5;
/// Delays begin to be told when more than this share is late, that is, when the median is.
const LATE: f64 = 0.5;
/// So many messages of which nothing is heard are a silence: one phone may be switched off.
const SILENT: u64 = 3;

/// The windows of one lane. Empty at the start, and kept over a reload of the configuration.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Windows>);

#[derive(Debug, Default)]
struct Windows {
    failures: Window,
    delays: Window,
    silence: Silence,
    /// Whether it was told that deliveries are delayed, for one reason or the other.
    is_delay_told: bool,
}

/// The alarms of a lane that were told and are not over: what is remembered of its health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldAlarms {
    is_failing: bool,
    is_delayed: bool,
    /// Where nothing is heard: of how many messages, and since when.
    unheard: Option<(u64, Timestamp)>,
}

/// What a lane's provider has done, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Calls that were answered and messages that were delivered or failed by no fault of the
    /// provider.
    pub(super) good: u64,
    /// Calls and messages that failed by the provider's fault.
    pub(super) faults: u64,
    /// Messages that were delivered in time.
    pub(super) timely: u64,
    /// Messages that were delivered late.
    pub(super) late: u64,
    /// Messages that were taken, and of which an end will be told.
    pub(super) taken: u64,
    /// Messages of which an end was told.
    pub(super) ended: u64,
}

/// How calls to a lane's provider ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that were answered, whatever was said.
    pub n_answered: u64,
    /// Calls that failed by a fault of the provider ([`tidings::ErrorKind::is_provider_fault`]).
    pub n_faults: u64,
    /// Messages that the provider took.
    pub n_taken: u64,
}

/// Dispatch tells how calls to a lane's provider ended.
pub async fn note_calls(gateway: &Gateway, lane: &Lane, calls: Calls) -> Result<(), StoreError> {
    let hears_of_ends = super::polling::hears_of_ends(lane);
    let news = News {
        good: calls.n_answered,
        faults: calls.n_faults,
        taken: if hears_of_ends { calls.n_taken } else { 0 },
        ..News::default()
    };
    note(gateway, lane, news).await
}

/// Looks whether anything begins or is over by time alone, such as that nothing is heard any more.
pub(super) async fn look(gateway: &Gateway) {
    for lane in gateway.live().lanes.values() {
        if let Err(error) = tell(gateway, lane, News::default()).await {
            let id = &lane.id;
            tracing::warn!(lane = %id, %error, "lane {id}: an alarm was not kept: {error}");
        }
    }
}

/// Takes news into the windows and writes the events that follow.
pub(super) async fn note(gateway: &Gateway, lane: &Lane, news: News) -> Result<(), StoreError> {
    if news == News::default() {
        return Ok(());
    }
    tell(gateway, lane, news).await
}

async fn tell(gateway: &Gateway, lane: &Lane, news: News) -> Result<(), StoreError> {
    let config = gateway.live().config.monitoring.clone();
    let alarms = lane
        .standing
        .watched()
        .health
        .take_in(news, &config, gateway.clock().elapsed());
    if alarms.is_empty() {
        return Ok(());
    }
    let events = alarms.iter().map(|alarm| {
        let kind = alarm.kind.as_str();
        let (begins, share) = (alarm.begins, alarm.share);
        let id = &lane.id;
        tracing::warn!(lane = %id, kind, begins, share, "lane {id}: {kind}, share {share:.2}");
        NewEvent {
            at: gateway.now(),
            kind: alarm.kind,
            account: None,
            batch: None,
            lane: Some(lane.id.clone()),
            detail: Some(alarm.detail(&config).into()),
        }
    });
    gateway.store().record(events.collect()).await?;
    gateway.signals().happened();
    crate::dispatch::remember(gateway, lane).await
}

/// Whether a message that ended for this reason was let down by its provider. A provider that gives no
/// reason is counted: of some, nothing better is ever heard.
pub(super) fn is_provider_fault(reason: Option<Reason>) -> bool {
    match reason {
        None | Some(Reason::CarrierError | Reason::NoRoute | Reason::Unspecified) => true,
        Some(
            // The caller's.
            Reason::InvalidRequest
            | Reason::InvalidSender
            | Reason::UnsupportedContent
            | Reason::ContentFiltered
            | Reason::ComplianceBlocked
            | Reason::Canceled
            // The account's.
            | Reason::Unauthorized
            | Reason::Forbidden
            | Reason::InsufficientFunds
            | Reason::QuotaExceeded
            // The recipient's.
            | Reason::InvalidRecipient
            | Reason::NotSmsCapable
            | Reason::OptedOut
            | Reason::RecipientUnreachable
            | Reason::RecipientBlocked
            | Reason::Expired
            | Reason::Partial
            // What is not known here is nobody's in particular.
            | _,
        ) => false,
    }
}

/// Something about a lane that begins or is over.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Alarm {
    kind: EventKind,
    begins: bool,
    share: f64,
    n_seen: u64,
    /// Where nothing is heard: of how many messages, for how long.
    silence: Option<(u64, Duration)>,
}

impl Alarm {
    fn detail(&self, config: &MonitoringConfig) -> String {
        let mut detail = json!({
            "state": if self.begins { "begins" } else { "over" },
            "share": (self.share * 1_000.0).round() / 1_000.0,
            "seen": self.n_seen,
            "window_s": WINDOW.as_secs(),
        });
        if self.kind == EventKind::Delays {
            detail["limit_s"] = config.delivery_delay.map(|limit| limit.as_secs()).into();
        } else {
            detail["limit"] = config.failure_rate.into();
        }
        if let Some((n_unheard, lasts)) = self.silence {
            detail["unheard"] = n_unheard.into();
            detail["silent_s"] = lasts.as_secs().into();
        }
        detail.to_string()
    }
}

impl Health {
    fn take_in(&self, news: News, config: &MonitoringConfig, at: Duration) -> Vec<Alarm> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_failures = windows.look_at_failures(news, config.failure_rate, at);
        let of_delays = windows.look_at_delays(news, config.delivery_delay, at);
        of_failures.into_iter().chain(of_delays).collect()
    }
}

impl Watched {
    /// The alarms that were told and are not over, to be remembered.
    pub fn told_alarms(&self, clock: &dyn Clock) -> ToldAlarms {
        self.health.told(clock.elapsed(), clock.now())
    }

    /// Takes up what is remembered of alarms.
    pub fn recall_alarms(&self, told: ToldAlarms, clock: &dyn Clock) {
        self.health.recall(told, clock.elapsed(), clock.now());
    }
}

impl Health {
    fn told(&self, at: Duration, now: Timestamp) -> ToldAlarms {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = &windows.silence;
        let is_silent = windows.is_delay_told && !windows.delays.is_alarmed;
        let unheard = silence.lasts(at).filter(|_| is_silent);
        ToldAlarms {
            is_failing: windows.failures.is_alarmed,
            is_delayed: windows.is_delay_told,
            unheard: unheard.map(|lasts| (silence.n_taken, now.minus(lasts))),
        }
    }

    fn recall(&self, told: ToldAlarms, at: Duration, now: Timestamp) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is known by now goes on as it is.
        if told.is_failing {
            windows.failures.resume_alarm(at);
        }
        windows.is_delay_told |= told.is_delayed;
        match told.unheard {
            Some((n_taken, since)) if told.is_delayed => {
                let silence = &mut windows.silence;
                silence.since.get_or_insert(at);
                silence.before = now.since(since);
                silence.n_taken += n_taken;
            }
            _ if told.is_delayed => windows.delays.resume_alarm(at),
            _ => {}
        }
    }
}

impl Windows {
    fn look_at_failures(&mut self, news: News, limit: Option<f64>, at: Duration) -> Option<Alarm> {
        self.failures.add(news.good, news.faults, at);
        let begins = self.failures.turn(limit?, at)?;
        Some(Alarm {
            kind: EventKind::FailureRate,
            begins,
            share: self.failures.share(),
            n_seen: self.failures.n_seen(),
            silence: None,
        })
    }

    fn look_at_delays(
        &mut self,
        news: News,
        limit: Option<Duration>,
        at: Duration,
    ) -> Option<Alarm> {
        self.delays.add(news.timely, news.late, at);
        self.silence.take_in(news, at);
        let silence = self.silence.longer_than(limit?, at);
        self.delays.turn(LATE, at);
        // After a silence it is not over before what comes is in time.
        let is_still_late = self.is_delay_told && self.delays.share() > LATE * CALM;
        let begins = silence.is_some() || self.delays.is_alarmed || is_still_late;
        if begins == self.is_delay_told {
            return None;
        }
        self.is_delay_told = begins;
        Some(Alarm {
            kind: EventKind::Delays,
            begins,
            share: self.delays.share(),
            n_seen: self.delays.n_seen(),
            silence,
        })
    }
}

/// The messages that were taken since an end of any was told last.
#[derive(Debug, Default)]
struct Silence {
    /// When the first of them was taken.
    since: Option<Duration>,
    /// How long it had lasted when it was remembered and taken up.
    before: Duration,
    n_taken: u64,
}

impl Silence {
    fn take_in(&mut self, news: News, at: Duration) {
        if news.ended > 0 {
            *self = Self::default();
        }
        if news.taken > 0 {
            self.since.get_or_insert(at);
            self.n_taken += news.taken;
        }
    }

    fn lasts(&self, at: Duration) -> Option<Duration> {
        Some(at.saturating_sub(self.since?) + self.before)
    }

    /// Of how many messages nothing is heard, and for how long, if that is longer than the limit.
    fn longer_than(&self, limit: Duration, at: Duration) -> Option<(u64, Duration)> {
        let lasts = self.lasts(at)?;
        (self.n_taken >= SILENT && lasts > limit).then_some((self.n_taken, lasts))
    }
}

/// Counts of the last while, in steps that are forgotten one by one.
#[derive(Debug, Default)]
struct Window {
    steps: VecDeque<Step>,
    is_alarmed: bool,
    /// An alarm that was taken up from before a restart: until then, too few news say nothing about it.
    holds_until: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    since: Duration,
    good: u64,
    bad: u64,
}

impl Window {
    fn add(&mut self, good: u64, bad: u64, at: Duration) {
        while self
            .steps
            .front()
            .is_some_and(|step| at.saturating_sub(step.since) >= WINDOW)
        {
            self.steps.pop_front();
        }
        match self.steps.back_mut() {
            Some(step) if at.saturating_sub(step.since) < WINDOW / STEPS => {
                step.good += good;
                step.bad += bad;
            }
            _ => self.steps.push_back(Step {
                since: at,
                good,
                bad,
            }),
        }
    }

    /// Whether an alarm begins (`true`) or is over (`false`); `None` is no change. Between the limit
    /// and half of it nothing changes, so that a share that swings around the limit is told once.
    fn turn(&mut self, limit: f64, at: Duration) -> Option<bool> {
        let share = self.share();
        let turned = if self.is_alarmed {
            let is_known = at >= self.holds_until || self.n_seen() >= ENOUGH;
            is_known && share <= limit * CALM
        } else {
            self.n_seen() >= ENOUGH && share > limit
        };
        if !turned {
            return None;
        }
        self.is_alarmed = !self.is_alarmed;
        Some(self.is_alarmed)
    }

    fn resume_alarm(&mut self, at: Duration) {
        self.is_alarmed = true;
        self.holds_until = at + WINDOW;
    }

    fn n_seen(&self) -> u64 {
        self.steps.iter().map(|step| step.good + step.bad).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of five minutes")]
    fn share(&self) -> f64 {
        let bad: u64 = self.steps.iter().map(|step| step.bad).sum();
        bad as f64 / self.n_seen().max(1) as f64
    }
}

#[cfg(test)]
pub(super) mod probe {
    //! What the tests see of the windows.

    use super::{Duration, EventKind, Health, MonitoringConfig, News, Timestamp, ToldAlarms};

    /// The alarms as another process takes them up after so long.
    pub(in super::super) fn after_a_restart(
        before: &Health,
        at: Duration,
        later: Duration,
    ) -> (Health, ToldAlarms) {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let told = before.told(at, now);
        let written = serde_json::to_string(&told).unwrap();
        let after = Health::default();
        let read = serde_json::from_str(&written).unwrap();
        after.recall(read, Duration::ZERO, now.plus(later));
        (after, told)
    }

    pub(in super::super) fn alarms(
        health: &Health,
        news: News,
        config: &MonitoringConfig,
        at: Duration,
    ) -> Vec<(EventKind, bool)> {
        let alarms = health.take_in(news, config, at);
        let shown = alarms.iter().map(|alarm| (alarm.kind, alarm.begins));
        shown.collect()
    }
}
