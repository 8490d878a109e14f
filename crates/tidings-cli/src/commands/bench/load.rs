//! Sends on many connections, each with one request open at a time.
//!
//! With a pace, every request has a moment at which it is due, and answers are timed from there. A wait
//! ends up to a millisecond late (the run time's timers), which counts as the gateway's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tidings::Clock;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::figures::Figures;
use super::wire::{Answer, Connection, Target};
use crate::args::BenchArgs;

/// How often requests leave.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As soon as the one before is answered.
    Unlimited,
    /// So many messages a second over all connections, answered or not.
    Every(f64),
}

/// What is sent, on how many connections.
#[derive(Debug)]
pub(super) struct Load(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    target: Target,
    clock: Arc<dyn Clock>,
    concurrency: usize,
    batch: Option<u32>,
    prefix: String,
    text: String,
    n_messages: AtomicU64,
}

/// One measurement under way.
#[derive(Debug)]
struct Run {
    began: Duration,
    length: Duration,
    /// The time between two requests; `None` without a pace.
    interval: Option<Duration>,
    n_requests: AtomicU64,
}

impl Load {
    pub(super) fn new(target: Target, args: &BenchArgs, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            target,
            clock,
            concurrency: usize::from(args.concurrency),
            batch: args.batch,
            prefix: args.to_prefix.clone(),
            text: args.text.clone(),
            n_messages: AtomicU64::new(0),
        }))
    }

    /// Sends for some time and counts.
    pub(super) async fn run(&self, pace: Pace, length: Duration) -> anyhow::Result<Figures> {
        let shared = &self.0;
        let mut connections = Vec::with_capacity(shared.concurrency);
        for _ in 0..shared.concurrency {
            connections.push(Connection::open(&shared.target).await?);
        }
        let per_request = f64::from(shared.batch.unwrap_or(1));
        let run = Arc::new(Run {
            began: shared.clock.elapsed(),
            length,
            interval: match pace {
                Pace::Unlimited => None,
                Pace::Every(rate) => Some(Duration::from_secs_f64(per_request / rate)),
            },
            n_requests: AtomicU64::new(0),
        });
        let mut workers = JoinSet::new();
        for connection in connections {
            let (shared, run) = (Arc::clone(shared), Arc::clone(&run));
            workers.spawn(async move { work(&shared, &run, connection).await });
        }
        let mut all = Vec::new();
        while let Some(figures) = workers.join_next().await {
            all.push(figures??);
        }
        let took = shared.clock.elapsed().saturating_sub(run.began);
        let mut sum = Figures::sum(all, took);
        sum.offered_per_second = match pace {
            Pace::Unlimited => None,
            Pace::Every(rate) => Some(rate),
        };
        Ok(sum)
    }
}

async fn work(shared: &Shared, run: &Run, mut connection: Connection) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    loop {
        let now = shared.clock.elapsed();
        let due = match run.interval {
            None => now,
            Some(interval) => {
                let place = run.n_requests.fetch_add(1, Ordering::Relaxed);
                run.began + interval.mul_f64(to_f64(place))
            }
        };
        if due >= run.began + run.length {
            return Ok(figures);
        }
        if let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) {
            sleep(early).await;
        }
        let answer = match shared.batch {
            None => connection.post("/v1/messages", shared.message()).await?,
            Some(size) => {
                connection
                    .post("/v1/batches", shared.batch_of(size))
                    .await?
            }
        };
        match answer {
            Answer::Accepted(taken) => {
                let latency = shared.clock.elapsed().saturating_sub(due);
                figures.accepted(taken.accepted.unwrap_or(1), latency);
                if let Some(first) = taken.rejected.into_iter().next() {
                    figures.rejected(taken.rejected_count, first.detail);
                }
            }
            Answer::Refused { said, retry_after } => {
                figures.refused(|| said);
                // Whoever does not wait when he is asked to measures how fast refusals are.
                sleep(retry_after.unwrap_or_default().min(Duration::from_secs(1))).await;
            }
        }
    }
}

impl Shared {
    fn message(&self) -> Bytes {
        let mut body = Vec::with_capacity(160);
        self.write_message(&mut body);
        body.into()
    }

    fn batch_of(&self, size: u32) -> Bytes {
        let mut body = Vec::with_capacity(160 * size as usize);
        body.extend_from_slice(br#"{"messages":["#);
        for position in 0..size {
            if position > 0 {
                body.push(b',');
            }
            self.write_message(&mut body);
        }
        body.extend_from_slice(b"]}");
        body.into()
    }

    /// Every message goes to a number of its own, until the numbers begin again.
    fn write_message(&self, body: &mut Vec<u8>) {
        let number = self.n_messages.fetch_add(1, Ordering::Relaxed);
        let to = format!("{}{:05}", self.prefix, number % 100_000);
        let message = serde_json::json!({"to": to, "text": format_args!("{} {number}", self.text).to_string()});
        serde_json::to_writer(&mut *body, &message).expect("a vector takes all that is written");
    }
}

fn to_f64(place: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "no run makes more than 2^52 requests"
    )]
    let place = place as f64;
    place
}
