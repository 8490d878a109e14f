//! Every number that a gateway counts, and the page on which Prometheus reads them.
//!
//! Whoever counts something does so where it happens, by a macro of the `metrics` facade and a name of
//! [`METRICS`]; a test holds the two together, another one `docs/operations.md`. What only the store knows,
//! such as how much is held, is asked from time to time by [`run`].

use std::sync::OnceLock;
use std::time::Duration;

use self::MetricKind::{Counter, Gauge, Histogram};
use crate::gateway::Gateway;
use crate::metrics as names;
use crate::telemetry::stages;
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
    metric(stages::ACCEPTED, Counter, &["lane"], "messages that were accepted; `none` is waiting for a route"),
    metric(stages::REJECTED, Counter, &["code"], "messages that were refused at the door, by the code of the answer"),
    metric(stages::ACCEPT_SECONDS, Histogram, &[], "from the drafts of a request until they are on disk"),
    metric(names::SENT, Counter, &["lane", "outcome", "error"], "messages that were handed to a provider; `outcome` is `taken`, `not_taken` or `unknown`, `error` the kind of error or `none`"),
    metric(names::CALL_SECONDS, Histogram, &["lane"], "how long calls to a provider take, without any wait in our own limits"),
    metric(names::CALLS_OPEN, Gauge, &["lane"], "calls to a provider that are open"),
    metric(names::SENDING_SECONDS, Histogram, &["lane"], "from acceptance until the provider took the message"),
    metric(names::DUPLICATE_RISKS, Counter, &["lane"], "messages that were sent again after a lost answer because their policy says so, and may arrive twice"),
    metric(names::DOUBTS_SETTLED, Counter, &["lane", "finding"], "what was found out about lost answers: `taken`, `not_taken`, `resent`, `given_up`"),
    metric(names::MOVED, Counter, &["lane"], "messages that went from a lane out of service to another; `lane` is the one they left"),
    metric(names::LANE_UP, Gauge, &["lane"], "1 where a lane is in service, 0 where it is not"),
    metric(names::PARTS_TODAY, Gauge, &["lane"], "parts that left over a lane today, where it has a daily cap"),
    metric("tidings_lane_balance", Gauge, &["lane"], "what is left at the provider, in its own units"),
    metric(names::QUEUE_DEPTH, Gauge, &["lane", "state"], "messages that wait for a lane: `ready`, `waiting` for a time, `in_hand`, `in_doubt`"),
    metric(names::QUEUE_AGE_SECONDS, Gauge, &["lane"], "how long the message that has waited longest for a lane has done so"),
    metric("tidings_held_messages", Gauge, &[], "messages that are held for a time or for a person"),
    metric("tidings_reports_total", Counter, &["lane", "state"], "what providers told of messages, by the state that it brought them to, or why it brought them to none"),
    metric("tidings_delivery_seconds", Histogram, &["lane"], "from acceptance until the phone had the message"),
    metric("tidings_carrier_seconds", Histogram, &["lane"], "from the provider's word that it has the message until the phone had it"),
    metric("tidings_polls_total", Counter, &["lane"], "messages that a provider was asked about, where it does not tell by itself"),
    metric("tidings_poll_failures_total", Counter, &["lane", "kind"], "such questions that failed, by the kind of error"),
    metric("tidings_callbacks_refused_total", Counter, &["lane"], "calls to a lane's callback address with a wrong token"),
    metric("tidings_callbacks_unreadable_total", Counter, &["lane"], "callbacks that were too long, broke off, or of which something could not be read"),
    metric("tidings_inbound_total", Counter, &["lane", "asks_for"], "texts from phones, by what they ask for"),
    metric("tidings_webhook_deliveries_total", Counter, &["outcome"], "calls to webhooks, by how they ended"),
    metric("tidings_webhook_seconds", Histogram, &[], "how long calls to webhooks take"),
    metric("tidings_webhooks_disabled_total", Counter, &[], "webhooks that were switched off because they failed too long"),
    metric("tidings_due_deliveries", Gauge, &[], "webhook deliveries that are due or wait for their next try"),
    metric(names::REPAIRED, Counter, &["what"], "what the janitor made good: `leases`, `attempts`, `expired`, `released`, `removed`, `closed`"),
    metric("tidings_commit_calls", Histogram, &[], "calls of the store that shared one commit"),
    metric("tidings_commit_rows", Histogram, &[], "rows that one commit wrote, those of indexes not counted"),
    metric("tidings_commit_seconds", Histogram, &[], "how long one commit takes, with the statements of its calls"),
    metric("tidings_store_seconds", Histogram, &[], "how long the store takes to answer whether it can write"),
];

/// The recorder of this process. There can be one only, so gateways of one process share it.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(build).as_ref()
}

fn build() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), ROWS)
        })
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_commit_calls".to_owned()), ROWS)
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

/// Makes the recorder, so that what is counted from now on is on the page.
pub fn install() {
    let _ = recorder();
}

/// Gives the gateway its page of numbers.
pub fn start(gateway: &Gateway) {
    if let Some(recorder) = recorder() {
        gateway.set_metrics_page(Box::new(|| recorder.render()));
    }
}

/// Asks the store how it fares, until the gateway stops.
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
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers for people, far below 2^52"
)]
fn number(count: u64) -> f64 {
    count as f64
}
