//! `tidings bench`: how fast a gateway accepts, and how fast messages leave it.
//!
//! Two measurements, one after the other. The first sends as fast as the connections allow and counts
//! what is accepted. The second sends at a fixed pace below that, on a timetable that does not wait for
//! answers, and takes each answer's time from the moment at which its request was due: a gateway that
//! stands still for a second cannot hide the requests that it kept from being sent. What leaves the gateway
//! is counted from its own figures of its lanes.

mod figures;
mod load;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::sleep;

use self::figures::Figures;
use self::load::{Load, Pace};
use self::wire::{Connection, Target};
use super::Context;
use crate::args::BenchArgs;
use crate::config;
use crate::output::bad_input;

/// Which share of the highest rate the second measurement offers.
const PACED_SHARE: f64 = 0.8;
/// How often the lanes are asked how much has left.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(super) async fn run(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    let key = config::value(&args.api_key, &context.environment)?;
    let target = Target::parse(&args.url, &SecretString::from(key))?;
    let load = Load::new(target.clone(), args, Arc::clone(&context.clock));
    let mut bench = Bench {
        context,
        args,
        load,
        gateway: Connection::open(&target).await?,
    };
    let (saturated, paced) = if let Some(rate) = args.rate {
        (None, bench.measure(Pace::Every(rate), args.duration).await?)
    } else {
        let half = args.duration / 2;
        let saturated = bench.measure(Pace::Unlimited, half).await?;
        let rate = saturated.figures.accepted_per_second() * PACED_SHARE;
        let paced = bench.measure(Pace::Every(rate), half).await?;
        (Some(saturated), paced)
    };
    show(context, args, saturated.as_ref(), &paced)
}

/// A gateway under load.
struct Bench<'a> {
    context: &'a Context,
    args: &'a BenchArgs,
    load: Load,
    gateway: Connection,
}

/// What one measurement found.
struct Measured {
    figures: Figures,
    /// Messages that left the gateway, until all had or the patience was over.
    n_left: u64,
    end_to_end_per_second: f64,
}

impl Bench<'_> {
    /// Sends for some time, then waits until what was accepted has left.
    async fn measure(&mut self, pace: Pace, length: Duration) -> anyhow::Result<Measured> {
        let Self { context, args, .. } = self;
        context.output.remark(match pace {
            Pace::Unlimited => format!("as fast as possible for {:.1} s", length.as_secs_f64()),
            Pace::Every(rate) => format!(
                "{rate:.0} messages a second for {:.1} s",
                length.as_secs_f64()
            ),
        });
        let clock = Arc::clone(&context.clock);
        let (drain, left_before) = (args.drain, lanes(&mut self.gateway).await?.n_left);
        let began = clock.elapsed();
        let figures = self.load.run(pace, length).await?;
        if figures.n_accepted == 0 {
            return Err(bad_input(nothing_accepted(&figures)));
        }
        let patience = clock.elapsed() + drain;
        let n_left = loop {
            let lanes = lanes(&mut self.gateway).await?;
            let n_left = lanes.n_left.saturating_sub(left_before);
            let is_over = n_left >= figures.n_accepted || lanes.are_empty;
            if is_over || clock.elapsed() >= patience {
                break n_left;
            }
            sleep(LOOK_EVERY).await;
        };
        let took = clock.elapsed().saturating_sub(began);
        Ok(Measured {
            figures,
            n_left,
            end_to_end_per_second: per_second(n_left, took),
        })
    }
}

fn show(
    context: &Context,
    args: &BenchArgs,
    saturated: Option<&Measured>,
    paced: &Measured,
) -> anyhow::Result<()> {
    let fastest = saturated.unwrap_or(paced);
    let all = || saturated.into_iter().chain([paced]);
    let n_refused: u64 = all().map(|it| it.figures.n_refused).sum();
    let n_rejected: u64 = all().map(|it| it.figures.n_rejected).sum();
    let n_accepted: u64 = all().map(|it| it.figures.n_accepted).sum();
    let n_left: u64 = all().map(|it| it.n_left).sum();
    let output = &context.output;
    let percentile = |share| paced.figures.percentile_ms(share);
    if output.is_json() {
        return output.json_line(&json!({
            "accepted_per_second": fastest.figures.accepted_per_second(),
            "end_to_end_per_second": fastest.end_to_end_per_second,
            "offered_per_second": paced.figures.offered_per_second,
            "p50_ms": percentile(0.5),
            "p99_ms": percentile(0.99),
            "p99.9_ms": percentile(0.999),
            "accepted": n_accepted,
            "left": n_left,
            "refused": n_refused,
            "rejected": n_rejected,
            "concurrency": args.concurrency,
            "batch": args.batch,
        }));
    }
    output.line(format_args!(
        "accepted      {:.0} messages a second",
        fastest.figures.accepted_per_second()
    ))?;
    output.line(format_args!(
        "end to end    {:.0} messages a second",
        fastest.end_to_end_per_second
    ))?;
    output.line(format_args!(
        "acceptance    p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, at {:.0} messages a second",
        percentile(0.5),
        percentile(0.99),
        percentile(0.999),
        paced.figures.offered_per_second.unwrap_or_default(),
    ))?;
    if n_refused > 0 {
        output.line(format_args!("refused       {n_refused} requests"))?;
    }
    if n_rejected > 0 {
        let first = all().find_map(|it| it.figures.first_refusal.as_deref());
        let first = first.unwrap_or_default();
        output.line(format_args!(
            "not accepted  {n_rejected} rows of batches; the first: {first}"
        ))?;
    }
    if n_left < n_accepted {
        output.warn(format_args!(
            "{} of {n_accepted} accepted messages had not left after {:.0} s",
            n_accepted - n_left,
            args.drain.as_secs_f64()
        ));
    }
    Ok(())
}

/// What a gateway tells of its lanes, put together.
struct Lanes {
    /// How many messages have left since the gateway started.
    n_left: u64,
    /// Whether nothing waits any more: what has not left by then never will.
    are_empty: bool,
}

async fn lanes(connection: &mut Connection) -> anyhow::Result<Lanes> {
    let answer = connection.get("/v1/providers").await?;
    let lanes = answer["items"]
        .as_array()
        .context("the gateway does not tell what its lanes did")?;
    let is_empty = |lane: &Value| {
        let queue = lane["queue"].as_object();
        queue.is_some_and(|queue| queue.values().all(|n| n.as_u64().unwrap_or(0) == 0))
    };
    Ok(Lanes {
        n_left: lanes.iter().filter_map(|lane| lane["sent"].as_u64()).sum(),
        are_empty: lanes.iter().all(is_empty),
    })
}

fn nothing_accepted(figures: &Figures) -> String {
    match &figures.first_refusal {
        Some(refusal) => format!("nothing was accepted; the first refusal was: {refusal}"),
        None => "nothing was accepted in this time; try a longer --duration".to_owned(),
    }
}

fn per_second(count: u64, time: Duration) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "no run counts more than 2^52 messages"
    )]
    let count = count as f64;
    count / time.as_secs_f64().max(f64::MIN_POSITIVE)
}
