//! When a provider counts as down, and when it is asked again: the state behind a breaker.
//!
//! Held by [`super::Breaker`], which makes the calls, or by a program that makes them itself; read by
//! whoever shows how an account stands.
//! It calls nobody and waits for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings_core::Clock;

use crate::error::{Error, ErrorKind, Result};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerPolicy {
    /// How many of the last `window` calls must have failed through a fault of the provider. 0 counts
    /// as 1; with more than `window` the breaker never opens. Default: 10.
    pub failures: u32,
    /// How many of the last calls are looked at: 64 at the most. Default: 20.
    pub window: u32,
    /// How long it stays open before one call probes whether the provider is back; it doubles with
    /// each probe that fails. Default: 5 s.
    pub first_pause: Duration,
    /// What the doubling stops at. Default: 1 minute.
    pub longest_pause: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 10,
            window: 20,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_mins(1),
        }
    }
}

impl BreakerPolicy {
    /// The most calls that a breaker remembers.
    pub const MAX_WINDOW: u32 = u64::BITS;

    /// A breaker that never opens.
    pub fn never_opens() -> Self {
        Self::default().opens_after(u32::MAX, Self::MAX_WINDOW)
    }

    /// Sets how many of the last `window` calls must have failed.
    #[must_use]
    pub fn opens_after(mut self, failures: u32, window: u32) -> Self {
        self.failures = failures;
        self.window = window;
        self
    }

    /// Sets how long it stays open the first time, and what the doubling stops at.
    #[must_use]
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// How long it stays open after `probes` probes in a row have failed.
    fn pause(&self, probes: u32) -> Duration {
        let doubled = self
            .first_pause
            .saturating_mul(2_u32.saturating_pow(probes));
        doubled.min(self.longest_pause)
    }

    /// Whether these calls are too many failures: one bit each, the last call's the lowest.
    fn is_too_much(&self, faults: u64) -> bool {
        let forgotten = u64::BITS - self.window.clamp(1, Self::MAX_WINDOW);
        (faults << forgotten).count_ones() >= self.failures.max(1)
    }
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// Calls fail at once.
    Open {
        /// For so long yet.
        rest: Duration,
    },
    /// The next call probes whether the provider is back, or one is at it; others fail at once.
    HalfOpen,
}

/// The state of one account's breaker. Clones share it, so that a program that shows how its accounts
/// stand can keep one.
#[derive(Clone, Debug)]
pub struct Circuit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    policy: BreakerPolicy,
    clock: Arc<dyn Clock>,
    standing: Mutex<Standing>,
}

#[derive(Debug)]
struct Standing {
    phase: Phase,
    /// Counts the changes of the phase, so that a call which began before one says nothing after it.
    era: u64,
    /// The last calls since the circuit was closed: one bit each, set where the provider was at fault.
    faults: u64,
    failed_probes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Open { until: Duration },
    HalfOpen { probing: bool },
}

/// What a call tells of the provider's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered, whatever it said.
    Alive,
    /// It was not to be reached, did not answer in time, or answered in a form that nobody knows.
    Fault,
    /// Nothing: the call may never have come to it.
    None,
}

impl Circuit {
    /// A closed circuit.
    pub fn new(policy: BreakerPolicy, clock: Arc<dyn Clock>) -> Self {
        let standing = Mutex::new(Standing {
            phase: Phase::Closed,
            era: 0,
            faults: 0,
            failed_probes: 0,
        });
        Self(Arc::new(Shared {
            policy,
            clock,
            standing,
        }))
    }

    /// How it stands now.
    pub fn state(&self) -> CircuitState {
        let now = self.0.clock.elapsed();
        let phase = self.standing().phase;
        match phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { until } if now < until => CircuitState::Open {
                rest: until.saturating_sub(now),
            },
            Phase::Open { .. } | Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// Lets a call go through, or says how long there is no use in it. For programs that make their
    /// calls without a [`Breaker`](super::Breaker) around them.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`], proved not to be sent, while the provider counts as down;
    /// [`Error::retry_after`] is then the rest of the pause, where that is known.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use tidings::layers::{BreakerPolicy, Circuit, CircuitState};
    /// use tidings::memory::MemoryProvider;
    /// use tidings::{ClientRef, E164, Error, ErrorKind, Message, Outbound, Provider, SystemClock};
    ///
    /// let policy = BreakerPolicy::default().opens_after(1, 1);
    /// let circuit = Circuit::new(policy, Arc::new(SystemClock::new()));
    /// let provider = MemoryProvider::new();
    /// provider.fail_next(Error::not_sent(ErrorKind::Unavailable, "down"));
    /// let message = Message::new(E164::parse("+224622000001", None)?, "Hello");
    ///
    /// let passage = circuit.enter()?;
    /// let results = provider.submit(&[Outbound::new(ClientRef::new("hello-1")?, message)]).await;
    /// passage.end_with(&results);
    /// assert!(matches!(circuit.state(), CircuitState::Open { .. }));
    /// assert!(circuit.enter().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn enter(&self) -> Result<Passage<'_>> {
        let mut standing = self.standing();
        match standing.phase {
            Phase::Closed => {}
            Phase::Open { until } => {
                let rest = until.saturating_sub(self.0.clock.elapsed());
                if !rest.is_zero() {
                    return Err(broken().with_retry_after(rest));
                }
                standing.turn(Phase::HalfOpen { probing: true });
            }
            // How long the probe will take nobody knows.
            Phase::HalfOpen { probing: true } => return Err(broken()),
            Phase::HalfOpen { probing: false } => {
                standing.turn(Phase::HalfOpen { probing: true });
            }
        }
        Ok(Passage {
            circuit: self,
            era: standing.era,
            sign: Sign::None,
        })
    }

    fn leave(&self, era: u64, sign: Sign) {
        let mut standing = self.standing();
        if standing.era != era {
            return;
        }
        let policy = &self.0.policy;
        match (standing.phase, sign) {
            (Phase::Closed, Sign::Alive) => standing.faults <<= 1,
            (Phase::Closed, Sign::Fault) => {
                standing.faults = (standing.faults << 1) + 1;
                if policy.is_too_much(standing.faults) {
                    self.open(&mut standing);
                }
            }
            (Phase::HalfOpen { .. }, Sign::Alive) => {
                standing.failed_probes = 0;
                standing.faults = 0;
                standing.turn(Phase::Closed);
            }
            (Phase::HalfOpen { .. }, Sign::Fault) => {
                standing.failed_probes = standing.failed_probes.saturating_add(1);
                self.open(&mut standing);
            }
            (Phase::HalfOpen { .. }, Sign::None) => {
                standing.turn(Phase::HalfOpen { probing: false });
            }
            // Nobody enters an open circuit.
            (Phase::Closed, Sign::None) | (Phase::Open { .. }, _) => {}
        }
    }

    fn open(&self, standing: &mut Standing) {
        let pause = self.0.policy.pause(standing.failed_probes);
        let until = self.0.clock.elapsed().saturating_add(pause);
        standing.turn(Phase::Open { until });
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        let standing = self.0.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }
}

/// A call on its way: given by [`Circuit::enter`]. Dropped without a sign, as when the call is given up, it
/// tells nothing and frees the place of a probe.
#[derive(Debug)]
#[must_use = "a passage that is dropped at once tells nothing"]
pub struct Passage<'a> {
    circuit: &'a Circuit,
    era: u64,
    sign: Sign,
}

impl Passage<'_> {
    pub(super) fn end(mut self, sign: Sign) {
        self.sign = sign;
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.circuit.leave(self.era, self.sign);
    }
}

fn broken() -> Error {
    Error::not_sent(
        ErrorKind::Unavailable,
        "not called, because too many of the last calls to this provider failed",
    )
}
