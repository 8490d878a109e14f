//! How measured latencies and faults move the weights of accounts, and how the weights come back.
//!
//! Pure: observations and the time come in, weights come out, and two controllers that are told the same give the
//! same weights. Fed by whoever sends; read by `Routes::decide` through a `Standing`.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::Routes;
use super::config;
use super::rule::Order;
use crate::account::AccountName;
use crate::error::Result;

/// How far and how fast weights move. In a configuration, durations are seconds: `interval_s`,
/// `slow_after_s`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdaptivePolicy {
    /// The shortest time between two changes. Default: 1 minute.
    #[serde(rename = "interval_s", deserialize_with = "config::seconds")]
    pub interval: Duration,
    /// How long a call may take and still be good. Default: 5 seconds.
    #[serde(rename = "slow_after_s", deserialize_with = "config::seconds")]
    pub slow_after: Duration,
    /// How many calls an account is judged by; fewer wait for more. Default: 20.
    pub min_observations: u32,
    /// Which share of the calls may be slow or faults, from 0 to 1. Default: 0.1.
    pub tolerance: f64,
    /// How much an account in trouble gives away in one change, as a share of its weight at rest. Default:
    /// 0.2.
    pub step: f64,
    /// How much comes back in one change, as a share of the weight at rest. Default: 0.05, so that the
    /// way back is slower than the way there.
    pub return_step: f64,
    /// The lowest weight, as a share of the weight at rest; above 0, so that a few messages go on to tell how
    /// the account is. Default: 0.1.
    pub lowest: f64,
    /// The highest weight, as a multiple of the weight at rest. Default: 10.
    pub highest: f64,
}

impl Default for AdaptivePolicy {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            slow_after: Duration::from_secs(5),
            min_observations: 20,
            tolerance: 0.1,
            step: 0.2,
            return_step: 0.05,
            lowest: 0.1,
            highest: 10.0,
        }
    }
}

impl AdaptivePolicy {
    /// Sets the shortest time between two changes.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long a call may take and still be good.
    #[must_use]
    pub fn slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = limit;
        self
    }

    /// Sets how many calls an account is judged by.
    #[must_use]
    pub fn min_observations(mut self, n: u32) -> Self {
        self.min_observations = n;
        self
    }

    /// Sets which share of the calls may be slow or faults, from 0 to 1.
    #[must_use]
    pub fn tolerance(mut self, share: f64) -> Self {
        self.tolerance = share;
        self
    }

    /// Sets how much of its weight at rest an account in trouble gives away in one change, and how
    /// much comes back in one.
    #[must_use]
    pub fn steps(mut self, away: f64, back: f64) -> Self {
        (self.step, self.return_step) = (away, back);
        self
    }

    /// Sets the lowest and the highest weight as multiples of the weight at rest.
    #[must_use]
    pub fn bounds(mut self, lowest: f64, highest: f64) -> Self {
        (self.lowest, self.highest) = (lowest, highest);
        self
    }
}

/// What one call told of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// How long the call took.
    pub latency: Duration,
    /// Whether it failed by a fault of the provider's.
    pub fault: bool,
}

impl Observation {
    /// A call that took so long.
    pub fn new(latency: Duration, fault: bool) -> Self {
        Self { latency, fault }
    }

    /// What the outcome of a call tells. Only faults of the provider count against an account
    /// ([`ErrorKind::is_provider_fault`](crate::ErrorKind::is_provider_fault)): a message that it refuses,
    /// a rate limit or a wrong key tells nothing about it.
    pub fn of<T>(outcome: &Result<T>, latency: Duration) -> Option<Self> {
        match outcome {
            Ok(_) => Some(Self::new(latency, false)),
            Err(error) if error.kind().is_provider_fault() => Some(Self::new(latency, true)),
            Err(_) => None,
        }
    }
}

/// Moves the weights of some accounts that share messages.
///
/// Each account has a weight at rest. Calls are observed; at most once in an
/// [interval](AdaptivePolicy::interval) every account with
/// [enough of them](AdaptivePolicy::min_observations) is judged. An account with too many slow calls or faults
/// gives a part of its weight to those that are well. When none is well nothing moves: where all are slow, the
/// cause is elsewhere. Weights that have moved come back by smaller steps, unless the account shows
/// trouble still. Their sum stays what it is at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    policy: AdaptivePolicy,
    accounts: Vec<Watched>,
    /// When the present window of observations began.
    window_began: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq)]
struct Watched {
    name: AccountName,
    at_rest: f64,
    weight: f64,
    n_observed: u32,
    n_bad: u32,
}

/// What the observations of an account say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Enough of them, and too many are bad.
    Trouble,
    /// Too many are bad, but there are too few of them to judge by.
    Doubt,
    /// Too few of them, or none, and not too many are bad.
    Quiet,
    /// Enough of them, and not too many are bad.
    Well,
}

impl Controller {
    /// Accounts with their weights at rest.
    pub fn new(
        accounts: impl IntoIterator<Item = (AccountName, f64)>,
        policy: AdaptivePolicy,
    ) -> Self {
        let watched = |(name, weight): (AccountName, f64)| {
            let at_rest = if weight.is_finite() {
                weight.max(0.0)
            } else {
                0.0
            };
            Watched {
                name,
                at_rest,
                weight: at_rest,
                n_observed: 0,
                n_bad: 0,
            }
        };
        Self {
            policy,
            accounts: accounts.into_iter().map(watched).collect(),
            window_began: None,
        }
    }

    /// Takes what a call told of its account. Nothing moves before [`Self::adjust`].
    pub fn observe(&mut self, account: &AccountName, observation: Observation) {
        let is_bad = observation.fault || observation.latency > self.policy.slow_after;
        let mut accounts = self.accounts.iter_mut();
        if let Some(watched) = accounts.find(|watched| watched.name == *account) {
            watched.n_observed = watched.n_observed.saturating_add(1);
            watched.n_bad = watched.n_bad.saturating_add(u32::from(is_bad));
        }
    }

    /// Moves the weights if it is time to; to be called often, with a time that only goes forward, such as
    /// that of [`Clock::elapsed`](crate::Clock::elapsed). The first call begins the first interval. Gives
    /// whether a weight has changed.
    pub fn adjust(&mut self, now: Duration) -> bool {
        let began = *self.window_began.get_or_insert(now);
        if now.saturating_sub(began) < self.policy.interval {
            return false;
        }
        self.window_began = Some(now);
        let verdicts: Vec<Verdict> = self.accounts.iter().map(|one| self.verdict(one)).collect();
        let has_shifted = self.shift(&verdicts);
        let has_returned = self.bring_back(&verdicts);
        self.forget(&verdicts);
        has_shifted || has_returned
    }

    /// Goes on with the weights that accounts had when the program ended. They count
    /// only if they are those of the very same accounts: each is named, and their sum is that of the weights
    /// at rest; otherwise nothing changes. Whether they count.
    pub fn resume(&mut self, weights: impl Fn(&AccountName) -> Option<f64>) -> bool {
        let known = self.accounts.iter().map(|watched| weights(&watched.name));
        let Some(known) = known.collect::<Option<Vec<f64>>>() else {
            return false;
        };
        let at_rest: f64 = self.accounts.iter().map(|watched| watched.at_rest).sum();
        let sum: f64 = known.iter().sum();
        let is_the_same = (sum - at_rest).abs() <= REMEMBERED * at_rest;
        if !is_the_same || known.iter().any(|weight| *weight < 0.0) {
            return false;
        }
        for (watched, weight) in self.accounts.iter_mut().zip(known) {
            watched.weight = weight;
        }
        true
    }

    /// The accounts with their weights at present.
    pub fn weights(&self) -> impl ExactSizeIterator<Item = (&AccountName, f64)> {
        self.accounts
            .iter()
            .map(|watched| (&watched.name, watched.weight))
    }

    fn verdict(&self, watched: &Watched) -> Verdict {
        let is_enough = watched.n_observed >= self.policy.min_observations;
        let tolerated = self.policy.tolerance * f64::from(watched.n_observed);
        let is_bad = f64::from(watched.n_bad) > tolerated;
        match (is_enough, is_bad) {
            (true, true) => Verdict::Trouble,
            (false, true) => Verdict::Doubt,
            (false, false) => Verdict::Quiet,
            (true, false) => Verdict::Well,
        }
    }

    /// From accounts in trouble to those that are well, as far as the bounds allow.
    fn shift(&mut self, verdicts: &[Verdict]) -> bool {
        let AdaptivePolicy {
            step,
            lowest,
            highest,
            ..
        } = self.policy;
        let gives = |watched: &Watched, verdict| match verdict {
            Verdict::Trouble => {
                let above_the_lowest = watched.weight - lowest * watched.at_rest;
                (step * watched.at_rest).min(above_the_lowest).max(0.0)
            }
            Verdict::Doubt | Verdict::Quiet | Verdict::Well => 0.0,
        };
        let takes = |watched: &Watched, verdict| match verdict {
            Verdict::Well => (highest * watched.at_rest - watched.weight).max(0.0),
            Verdict::Doubt | Verdict::Quiet | Verdict::Trouble => 0.0,
        };
        self.transfer(verdicts, gives, takes)
    }

    /// Towards the weights at rest, from accounts above theirs to those below theirs that show no trouble.
    fn bring_back(&mut self, verdicts: &[Verdict]) -> bool {
        let return_step = self.policy.return_step;
        let gives = |watched: &Watched, _| (watched.weight - watched.at_rest).max(0.0);
        let takes = |watched: &Watched, verdict| match verdict {
            Verdict::Quiet | Verdict::Well => {
                let below_rest = watched.at_rest - watched.weight;
                (return_step * watched.at_rest).min(below_rest).max(0.0)
            }
            Verdict::Doubt | Verdict::Trouble => 0.0,
        };
        let has_moved = self.transfer(verdicts, gives, takes);
        let mut accounts = self.accounts.iter();
        if accounts.all(|one| (one.weight - one.at_rest).abs() <= ROUNDING * one.at_rest) {
            for watched in &mut self.accounts {
                watched.weight = watched.at_rest;
            }
        }
        has_moved
    }

    /// Moves as much as all givers have and all takers want, each in proportion.
    fn transfer(
        &mut self,
        verdicts: &[Verdict],
        gives: impl Fn(&Watched, Verdict) -> f64,
        takes: impl Fn(&Watched, Verdict) -> f64,
    ) -> bool {
        let pairs = || self.accounts.iter().zip(verdicts.iter().copied());
        let given: f64 = pairs()
            .map(|(watched, verdict)| gives(watched, verdict))
            .sum();
        let taken: f64 = pairs()
            .map(|(watched, verdict)| takes(watched, verdict))
            .sum();
        let moved = given.min(taken);
        // Also where a policy that nobody checked makes this no number.
        if !(moved > 0.0 && moved.is_finite()) {
            return false;
        }
        for (watched, &verdict) in self.accounts.iter_mut().zip(verdicts) {
            let away = gives(watched, verdict) * (moved / given);
            let here = takes(watched, verdict) * (moved / taken);
            watched.weight += here - away;
        }
        true
    }

    /// Ends the window of those that were judged; the others go on collecting.
    fn forget(&mut self, verdicts: &[Verdict]) {
        for (watched, verdict) in self.accounts.iter_mut().zip(verdicts) {
            match verdict {
                Verdict::Trouble | Verdict::Well => {
                    (watched.n_observed, watched.n_bad) = (0, 0);
                }
                Verdict::Doubt | Verdict::Quiet => {}
            }
        }
    }
}

/// How near to its weight at rest, in parts of it, an account counts as having come back.
const ROUNDING: f64 = 1e-9;

/// How near the sum of weights that were written down must be to that at rest, in parts of it.
const REMEMBERED: f64 = 1e-6;

/// One [`Controller`] for each adaptive rule, so that an account that is slow in one country keeps its
/// share in others.
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptation {
    /// By the place of the rule.
    controllers: Vec<Option<Controller>>,
}

impl Adaptation {
    /// Every weight at rest.
    pub fn of(routes: &Routes) -> Self {
        let controllers = routes.rules().map(|rule| {
            let accounts = rule.accounts.iter();
            let at_rest = accounts.map(|account| (account.name.clone(), account.weight));
            (rule.order == Order::Adaptive).then(|| Controller::new(at_rest, rule.adaptive))
        });
        Self {
            controllers: controllers.collect(),
        }
    }

    /// Takes what a call told of its account, for messages that this rule decides about:
    /// [`Decision::rule`](super::Decision::rule).
    pub fn observe(&mut self, rule: usize, account: &AccountName, observation: Observation) {
        if let Some(Some(controller)) = self.controllers.get_mut(rule) {
            controller.observe(account, observation);
        }
    }

    /// As [`Controller::adjust`], for every rule.
    pub fn adjust(&mut self, now: Duration) -> bool {
        let controllers = self.controllers.iter_mut().flatten();
        controllers.fold(false, |changed, controller| {
            controller.adjust(now) | changed
        })
    }

    /// As [`Controller::resume`], for the accounts of one rule.
    pub fn resume(&mut self, rule: usize, weights: impl Fn(&AccountName) -> Option<f64>) -> bool {
        match self.controllers.get_mut(rule) {
            Some(Some(controller)) => controller.resume(weights),
            Some(None) | None => false,
        }
    }

    /// What moves the weights of a rule; `None` where nothing does.
    pub fn controller(&self, rule: usize) -> Option<&Controller> {
        self.controllers.get(rule)?.as_ref()
    }

    /// All weights as they are now, for a [`Standing`](super::Standing). Cloning what is given shares it, so one is
    /// enough until the next change.
    pub fn weights(&self) -> Weights {
        let of_rule = |controller: &Option<Controller>| {
            let accounts = controller.iter().flat_map(|one| &one.accounts);
            accounts.map(|watched| watched.weight).collect()
        };
        Weights(self.controllers.iter().map(of_rule).collect())
    }
}

/// Weights that were measured, of every adaptive rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(Arc<[Box<[f64]>]>);

impl Weights {
    /// The weight of the account at a place of a rule.
    pub(super) fn of(&self, rule: usize, place: usize) -> Option<f64> {
        self.0.get(rule)?.get(place).copied()
    }
}
