//! Every number that a gateway counts, and the page on which Prometheus reads them.
//!
//! Whoever counts something does so where it happens, by a macro of the `metrics` facade and a name of
//! [`METRICS`]; a test holds the two together, another one `docs/operations.md`. What only the store knows,
//! such as how much waits, is asked from time to time by [`run`].

use std::sync::OnceLock;
use std::time::Duration;

use self::MetricKind::{Counter, Gauge, Histogram};
use crate::gateway::Gateway;
use crate::metrics as names;
use metrics::{gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// How often the store is asked.
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// Bounds of durations, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    300.0, 1_800.0, 7_200.0,
];
/// Bounds of numbers of rows.
const ROWS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0,
];

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often a value was how large.
    Histogram,
}

impl MetricKind {
    /// The word of the Prometheus text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One number.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// By what it is told apart.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
    }
}

/// Every number.
#[rustfmt::skip]
pub const METRICS: &[Metric] = &[
    metric(names::SENT, Counter, &["lane", "outcome", "error"], "messages that were handed to a provider; `outcome` is `taken`, `not_taken` or `unknown`, `error` the kind of error or `none`"),
    metric(names::CALL_SECONDS, Histogram, &["lane"], "how long calls to a provider take, without any wait in our own limits"),
    metric(names::CALLS_OPEN, Gauge, &["lane"], "calls to a provider that are open"),
    metric(names::SENDING_SECONDS, Histogram, &["lane"], "from acceptance until the provider took the message"),
    metric(names::DUPLICATE_RISKS, Counter, &["lane"], "messages that were sent again after a lost answer because their policy says so, and may arrive twice"),
    metric(names::DOUBTS_SETTLED, Counter, &["lane", "finding"], "what was found out about lost answers: `taken`, `not_taken`, `resent`, `given_up`"),
    metric(names::MOVED, Counter, &["lane"], "messages that went from a lane out of service to another; `lane` is the one they left"),
    metric(names::QUEUE_DEPTH, Gauge, &["lane", "state"], "messages that wait for a lane: `ready`, `waiting` for a time, `in_hand`, `in_doubt`"),
    metric(names::QUEUE_AGE_SECONDS, Gauge, &["lane"], "how long the message that has waited longest for a lane has done so"),
    metric(names::LANE_UP, Gauge, &["lane"], "1 where a lane is in service, 0 where it is not"),
    metric(names::PARTS_TODAY, Gauge, &["lane"], "parts that left over a lane today, where it has a daily cap"),
    metric(names::REPAIRED, Counter, &["what"], "what the janitor made good: `leases`, `attempts`, `expired`, `released`, `removed`"),
    metric("tidings_held_messages", Gauge, &[], "messages that are held for a time or for a person"),
    metric("tidings_due_deliveries", Gauge, &[], "webhook deliveries that are due or wait for their next try"),
    metric("tidings_store_seconds", Histogram, &[], "how long the store takes to answer whether it can write"),
];

/// The recorder of this process. There can be one only, so gateways of one process share it.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), ROWS)
        });
    let handle = match builder.map(PrometheusBuilder::install_recorder) {
        Ok(Ok(handle)) => handle,
        Ok(Err(error)) | Err(error) => {
            tracing::warn!(%error, "numbers cannot be counted in this process");
            return None;
        }
    };
    for metric in METRICS {
        match metric.kind {
            Counter => metrics::describe_counter!(metric.name, metric.help),
            Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    Some(handle)
}

/// Gives the gateway its page of numbers.
pub fn start(gateway: &Gateway) {
    if let Some(recorder) = recorder() {
        gateway.set_metrics_page(Box::new(|| recorder.render()));
    }
}

/// Asks the store what waits, until the gateway stops.
pub async fn run(gateway: Gateway) {
    loop {
        if let Err(error) = ask(&gateway).await {
            tracing::debug!(%error, "the store did not say how much waits");
        }
        if let Some(recorder) = recorder() {
            recorder.run_upkeep();
        }
        tokio::select! {
            () = gateway.stopping().cancelled() => return,
            () = tokio::time::sleep(ASKED_EVERY) => {}
        }
    }
}

async fn ask(gateway: &Gateway) -> tidings_store::Result<()> {
    let began = gateway.clock().elapsed();
    gateway.store().check().await?;
    let took = gateway.clock().elapsed().saturating_sub(began);
    histogram!("tidings_store_seconds").record(took.as_secs_f64());
    let depth = gateway.store().depth().await?;
    gauge!("tidings_held_messages").set(number(depth.held));
    gauge!("tidings_due_deliveries").set(number(depth.deliveries));
    let depths = gateway.store().lane_depths().await?;
    let now = gateway.now();
    for id in gateway.live().lanes.keys() {
        let depth = depths.iter().find(|depth| depth.lane == *id);
        let waits = |of: fn(&tidings_store::LaneDepth) -> u64| depth.map_or(0, of);
        for (state, waiting) in [
            ("ready", waits(|depth| depth.ready)),
            ("waiting", waits(|depth| depth.waiting)),
            ("in_hand", waits(|depth| depth.in_hand)),
            ("in_doubt", waits(|depth| depth.in_doubt)),
        ] {
            gauge!(names::QUEUE_DEPTH, "lane" => id.to_string(), "state" => state)
                .set(number(waiting));
        }
        let oldest = depth.and_then(|depth| depth.oldest);
        let age = oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        gauge!(names::QUEUE_AGE_SECONDS, "lane" => id.to_string()).set(age);
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers for people, far below 2^52"
)]
fn number(count: u64) -> f64 {
    count as f64
}
