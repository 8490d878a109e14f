//! What is left at providers that tell: asked at intervals, told when it is low, empty or filled.
//!
//! One loop for each lane, run by [`super::run`]. An empty lane is out of routing until it is filled.
//! At the start every lane is asked at once. That one is empty is remembered over a restart, so that nothing
//! is sent over it before the answer, nothing is told twice, and that it was filled meanwhile is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tidings::layers::{Breaker, Innermost, Stack};
use tidings::{Balance, Provider};
use tidings_store::{EventKind, NewEvent, StoreError};

use super::schedule;
use crate::gateway::Gateway;
use crate::lane::Lane;

/// The shortest time between two questions.
const SHORTEST: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST: Duration = Duration::from_mins(15);
/// How often an empty lane is asked whether it was filled.
const WHILE_EMPTY: Duration = Duration::from_mins(1);
/// A lane that refused a message for want of credit, although some was left, is tried again after this.
const TRY_AGAIN: Duration = Duration::from_mins(10);

/// How a balance stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is enough.
    #[default]
    Enough,
    /// Less than the configuration wants.
    Low,
    /// Nothing is left.
    Empty,
}

impl Standing {
    /// How an amount stands; without a limit nothing is low.
    pub(super) fn of(amount: i64, low: Option<i64>) -> Self {
        match low {
            _ if amount <= 0 => Self::Empty,
            Some(low) if amount < low => Self::Low,
            Some(_) | None => Self::Enough,
        }
    }

    /// What is told when a balance comes from one standing to another.
    pub(super) fn change(self, to: Self) -> Option<EventKind> {
        match (self, to) {
            (Self::Enough, Self::Low) => Some(EventKind::LowBalance),
            (Self::Enough | Self::Low, Self::Empty) => Some(EventKind::EmptyBalance),
            (Self::Low, Self::Enough) | (Self::Empty, Self::Enough | Self::Low) => {
                Some(EventKind::BalanceFilled)
            }
            (Self::Enough, Self::Enough) | (Self::Low, Self::Low) | (Self::Empty, Self::Empty) => {
                None
            }
        }
    }
}

/// When to ask again: at half of the time after which, used up as fast as lately, the balance would be
/// low (empty where no limit is set); `used` is by how much it fell within which time.
pub(super) fn next_question(amount: i64, low: Option<i64>, used: (i64, Duration)) -> Duration {
    if amount <= 0 {
        return WHILE_EMPTY;
    }
    let (fell_by, within) = used;
    let mark = low.filter(|low| amount > *low).unwrap_or(0);
    let left = amount.saturating_sub(mark);
    match (u64::try_from(fell_by), u64::try_from(left)) {
        (Ok(fell_by), Ok(left)) if fell_by > 0 => {
            let spent_in = u128::from(left).saturating_mul(within.as_millis());
            let seconds = spent_in / u128::from(fell_by) / 2_000;
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            Duration::from_secs(seconds).clamp(SHORTEST, LONGEST)
        }
        _ => LONGEST,
    }
}

/// Asks for as long as the lane is there.
pub(super) async fn run(gateway: Gateway, lane: Arc<Lane>) {
    let guarded = Breaker::new(
        Innermost::new(Arc::clone(&lane.provider)),
        lane.circuit.clone(),
    );
    let provider = Stack::new(guarded);
    let watched = lane.standing.watched();
    loop {
        let mut watch = watched.balance.lock().await;
        let pause = watch.ask(&gateway, &lane, &provider).await;
        drop(watch);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = watched.bell.notified() => {}
        }
    }
}

/// Dispatch tells that a provider refused a message because nothing is left. Where the provider can be
/// asked for its balance, the lane is out of routing from now on, and the provider is asked at once;
/// where it cannot, nobody would learn that it was filled, and only the event is raised.
pub async fn out_of_credit(gateway: &Gateway, lane: &Lane) -> Result<(), StoreError> {
    let watched = lane.standing.watched();
    if lane.capabilities.balance {
        lane.standing.set_empty(true);
        watched.is_refused.store(true, Ordering::Relaxed);
        watched.bell.notify_one();
        if watched.is_told_empty.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
    }
    let told = tell(gateway, lane, EventKind::EmptyBalance, None).await;
    match &told {
        Ok(()) => remember(gateway, lane).await,
        Err(_) => watched.is_told_empty.store(false, Ordering::Relaxed),
    }
    told
}

/// Nothing was left of a lane's balance when an earlier process ended: it is out of routing until its
/// provider says otherwise. A provider that does not tell its balance could not say so.
pub fn recall_empty(lane: &Lane) {
    if !lane.capabilities.balance {
        return;
    }
    lane.standing
        .watched()
        .is_told_empty
        .store(true, Ordering::Relaxed);
    lane.standing.set_empty(true);
    // The first answer may have come in this very moment.
    if let Some((balance, _)) = lane.standing.balance() {
        lane.standing.set_empty(balance.amount <= 0);
    }
}

/// What is known of one lane's balance.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<(i64, Duration)>,
    standing: Standing,
    n_failures: u32,
    /// What was left when a message was refused nevertheless, since when: too little for a message of
    /// several parts, or the provider counts differently.
    too_little: Option<(i64, Duration)>,
}

impl Watch {
    /// Asks, tells what changed, and says when to ask again.
    pub(super) async fn ask(
        &mut self,
        gateway: &Gateway,
        lane: &Lane,
        provider: &dyn Provider,
    ) -> Duration {
        let balance = match provider.balance().await {
            Ok(balance) => balance,
            Err(error) => {
                self.n_failures += 1;
                let id = &lane.id;
                let kind = error.kind();
                tracing::warn!(lane = %id, %kind, "lane {id}: asking for the balance failed: {error}");
                let random = gateway.randomness().next();
                return schedule::pause_after(self.n_failures, error.retry_after(), random);
            }
        };
        self.n_failures = 0;
        match self.take_in(gateway, lane, &balance).await {
            Ok(pause) => pause,
            Err(error) => {
                let id = &lane.id;
                tracing::warn!(lane = %id, %error, "lane {id}: a change of the balance was not kept: {error}");
                super::STORE_PAUSE
            }
        }
    }

    /// The standing is kept only when what it tells is on disk, so that it is told after all.
    async fn take_in(
        &mut self,
        gateway: &Gateway,
        lane: &Lane,
        balance: &Balance,
    ) -> Result<Duration, StoreError> {
        let amount = balance.amount;
        let low = lane.config.low_balance;
        lane.standing.set_balance(balance.clone(), gateway.now());
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
        metrics::gauge!("tidings_lane_balance", "lane" => lane.id.as_str().to_owned())
            .set(amount as f64);
        let at = gateway.clock().elapsed();
        let watched = lane.standing.watched();
        if watched.is_refused.swap(false, Ordering::Relaxed) && amount > 0 {
            self.too_little = Some((amount, at));
        }
        // As long as it stays the same it is as good as nothing, but for a try now and then.
        self.too_little = self.too_little.filter(|(left, _)| *left == amount);
        let (standing, is_empty) = if let Some((_, since)) = self.too_little {
            (Standing::Empty, at.saturating_sub(since) < TRY_AGAIN)
        } else {
            let standing = Standing::of(amount, low);
            (standing, standing == Standing::Empty)
        };
        // What dispatch has told meanwhile counts too.
        let before = if watched.is_told_empty.load(Ordering::Relaxed) {
            Standing::Empty
        } else {
            self.standing
        };
        if lane.standing.set_empty(is_empty) && !is_empty {
            gateway.signals().wake_lane(&lane.id);
            gateway.signals().janitor().notify_one();
        }
        if let Some(kind) = before.change(standing) {
            self.standing = before;
            tell(gateway, lane, kind, Some(balance)).await?;
        }
        self.standing = standing;
        let is_told_empty = standing == Standing::Empty;
        let was_told_empty = watched.is_told_empty.swap(is_told_empty, Ordering::Relaxed);
        if was_told_empty != is_told_empty {
            remember(gateway, lane).await;
        }
        let used = self.last.map_or((0, Duration::ZERO), |(before, since)| {
            (before.saturating_sub(amount), at.saturating_sub(since))
        });
        self.last = Some((amount, at));
        Ok(if standing == Standing::Empty {
            WHILE_EMPTY
        } else {
            next_question(amount, low, used)
        })
    }
}

/// What is not remembered is asked for after a restart, only not before the first messages.
async fn remember(gateway: &Gateway, lane: &Lane) {
    if let Err(error) = crate::dispatch::remember(gateway, lane).await {
        let id = &lane.id;
        tracing::warn!(lane = %id, %error, "lane {id}: how its balance stands was not kept: {error}");
    }
}

async fn tell(
    gateway: &Gateway,
    lane: &Lane,
    kind: EventKind,
    balance: Option<&Balance>,
) -> Result<(), StoreError> {
    let (id, what) = (&lane.id, kind.as_str());
    tracing::warn!(lane = %id, what, "lane {id}: {what}");
    let detail = json!({
        "amount": balance.map(|balance| balance.amount),
        "unit": balance.map(|balance| balance.unit),
        "low_balance": lane.config.low_balance,
    });
    let event = NewEvent {
        at: gateway.now(),
        kind,
        account: None,
        batch: None,
        lane: Some(lane.id.clone()),
        detail: Some(detail.to_string().into()),
    };
    gateway.store().record(vec![event]).await?;
    gateway.signals().happened();
    Ok(())
}
