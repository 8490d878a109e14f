//! Watches the batches of a campaign until every message has come to its end.
//!
//! Called by `campaign.rs`. It changes nothing, so it can be left at any moment; a gateway that is away for a
//! short time is waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tidings::ErrorKind;
use tokio::time::sleep;

use crate::campaign::progress::Progress;
use crate::commands::Context;
use crate::gateway::{Gateway, with_query};
use crate::interrupt::Interrupt;
use crate::output::{Column, Ending, counted};

/// How often the batches are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long nothing may move before what is still with providers is left to itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a gateway that cannot be reached is waited for: a restart takes less.
const OUTAGE: Duration = Duration::from_mins(1);
/// States in which a message is still in the gateway.
const INSIDE: [&str; 4] = ["held", "queued", "leased", "sending"];
/// States after which nothing more is expected.
const OVER: [&str; 5] = ["delivered", "undelivered", "failed", "expired", "canceled"];

/// Messages by their state.
type Counts = BTreeMap<String, u64>;

/// The batches of a campaign.
#[derive(Debug, Default)]
pub(super) struct Watched {
    batches: Vec<(String, Counts)>,
    is_forbidden: bool,
}

impl Watched {
    /// Those that the gateway has: a campaign's batches are numbered by their references.
    pub(super) async fn find(gateway: &Gateway, campaign: &str) -> anyhow::Result<Self> {
        let mut watched = Self::default();
        loop {
            let reference = format!("{campaign}-{}", watched.len() + 1);
            let path = with_query("/v1/batches", [("reference", Some(&*reference))]);
            let found = match gateway.get(&path).await {
                Ok(found) => found,
                Err(error) if kind(&error) == Some(ErrorKind::Forbidden) => {
                    watched.is_forbidden = true;
                    return Ok(watched);
                }
                Err(error) => return Err(error),
            };
            match found["items"][0]["id"].as_str() {
                Some(id) => watched.add(id),
                None => return Ok(watched),
            }
        }
    }

    pub(super) fn add(&mut self, batch: &str) {
        self.batches.push((batch.to_owned(), Counts::new()));
    }

    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether the key may look at batches, as far as is known.
    pub(super) fn may_read(&self) -> bool {
        !self.is_forbidden
    }

    /// The latest.
    pub(super) fn last(&self) -> Option<&str> {
        self.batches.last().map(|(id, _)| id.as_str())
    }

    fn names(&self) -> String {
        let ids: Vec<&str> = self.batches.iter().map(|(id, _)| id.as_str()).collect();
        match ids.as_slice() {
            // The gateway keeps batches for some time only.
            [] => "the campaign".to_owned(),
            [id] => format!("batch {id}"),
            ids => format!("batches {}", ids.join(", ")),
        }
    }

    /// Looks at those that have not come to their end.
    async fn look(&mut self, gateway: &Gateway) -> anyhow::Result<()> {
        for (id, counts) in &mut self.batches {
            if !counts.is_empty() && count(counts, &OVER) == total(counts) {
                continue;
            }
            let batch = gateway.get(&format!("/v1/batches/{id}")).await?;
            let told = batch["counts"].as_object().into_iter().flatten();
            let told = told.map(|(state, count)| (state.clone(), count.as_u64().unwrap_or(0)));
            *counts = told.collect();
        }
        Ok(())
    }

    fn sum(&self) -> Counts {
        let mut sum = Counts::new();
        for (state, count) in self.batches.iter().flat_map(|(_, counts)| counts) {
            *sum.entry(state.clone()).or_default() += count;
        }
        sum
    }
}

/// How the watching ended.
enum End {
    /// Every message has come to its end, or has left and nothing moves any more.
    Settled,
    /// The person did not want to watch any longer.
    Interrupted,
    /// The key does not allow it.
    Forbidden,
}

/// Watches and tells how it ended. `n_unusable` rows were not taken; of `n_unknown` nobody knows.
pub(super) async fn to_the_end(
    context: &Context,
    gateway: &Gateway,
    mut watched: Watched,
    n_unusable: usize,
    n_unknown: usize,
) -> anyhow::Result<()> {
    let output = &context.output;
    let end = if watched.may_read() {
        watch(context, gateway, &mut watched).await?
    } else {
        End::Forbidden
    };
    let sum = watched.sum();
    match end {
        End::Forbidden => output
            .remark("what becomes of it cannot be watched: that needs a key with the scope read"),
        End::Settled | End::Interrupted => show(context, &watched, &sum)?,
    }
    if let End::Interrupted = end {
        let (names, last) = (watched.names(), watched.last().unwrap_or_default());
        let what = format!(
            "interrupted: the gateway goes on with {names}; `tidings batches show {last}` shows how far \
             it is, `tidings batches stop {last}` stops it"
        );
        return Err(Ending::Interrupted(what).into());
    }
    conclude(&watched, &sum, n_unusable, n_unknown)
}

async fn watch(context: &Context, gateway: &Gateway, watched: &mut Watched) -> anyhow::Result<End> {
    let mut interrupt = Interrupt::listen()?;
    let output = &context.output;
    let mut progress: Option<Progress> = None;
    let mut seen = Counts::new();
    let mut last_move = context.clock.elapsed();
    let mut away_since: Option<Duration> = None;
    let end = loop {
        let looked = watched.look(gateway).await;
        let now = context.clock.elapsed();
        match looked {
            Ok(()) => away_since = None,
            Err(error) if kind(&error) == Some(ErrorKind::Forbidden) => break Ok(End::Forbidden),
            Err(error) if may_pass(&error) => {
                let since = *away_since.get_or_insert_with(|| {
                    output.remark("the gateway cannot be reached at present: waiting for it");
                    now
                });
                if now.saturating_sub(since) >= OUTAGE {
                    break Err(lost(error, watched));
                }
            }
            Err(error) => break Err(lost(error, watched)),
        }
        let sum = watched.sum();
        if away_since.is_none() {
            let (all, inside) = (total(&sum), count(&sum, &INSIDE));
            let [all_shown, done] = [all, all - inside].map(|it| usize::try_from(it).unwrap_or(0));
            let progress = progress.get_or_insert_with(|| {
                Progress::new(output, &context.clock, "messages done", all_shown)
            });
            progress.set(output, done);
            if sum != seen {
                seen = sum;
                last_move = now;
            }
            let is_still = now.saturating_sub(last_move) >= PATIENCE;
            if count(&seen, &OVER) >= all || (inside == 0 && is_still) {
                break Ok(End::Settled);
            }
        }
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = interrupt.wait() => break Ok(End::Interrupted),
        }
    };
    if let Some(progress) = progress {
        progress.finish();
    }
    end
}

/// Whether a gateway that fails so may be back in a moment.
fn may_pass(error: &anyhow::Error) -> bool {
    use ErrorKind::{RateLimited, Timeout, Unavailable};
    matches!(kind(error), Some(RateLimited | Timeout | Unavailable))
}

fn lost(error: anyhow::Error, watched: &Watched) -> anyhow::Error {
    let what = format!(
        "{} cannot be watched any more: what was handed over stays with the gateway, and the same command \
         watches on",
        watched.names()
    );
    error.context(what)
}

fn kind(error: &anyhow::Error) -> Option<ErrorKind> {
    let error = error.downcast_ref::<tidings::Error>();
    error.map(tidings::Error::kind)
}

fn show(context: &Context, watched: &Watched, sum: &Counts) -> anyhow::Result<()> {
    let output = &context.output;
    if output.is_json() {
        let ids: Vec<&String> = watched.batches.iter().map(|(id, _)| id).collect();
        return output.json_line(&json!({
            "type": "counts",
            "id": watched.last(),
            "batches": ids,
            "counts": sum,
        }));
    }
    let counts = sum.iter().filter(|(_, count)| **count != 0);
    let rows = counts.map(|(state, count)| vec![state.clone(), count.to_string()]);
    let columns = [Column::Text("state"), Column::Number("messages")];
    output.table(&columns, rows.collect())
}

fn conclude(
    watched: &Watched,
    sum: &Counts,
    n_unusable: usize,
    n_unknown: usize,
) -> anyhow::Result<()> {
    let of = |states: &[&str]| usize::try_from(count(sum, states)).unwrap_or(usize::MAX);
    let names = watched.names();
    let n_unknown_messages = of(&["unknown"]) + n_unknown;
    if n_unknown_messages > 0 {
        let what = format!(
            "{names}: nobody can know what became of {}",
            counted(n_unknown_messages, "message")
        );
        return Err(Ending::OutcomeUnknown(what).into());
    }
    let told = [
        (n_unusable, "row", "could not be used"),
        (of(&["canceled"]), "message", "stopped before leaving"),
        (
            of(&["failed", "undelivered", "expired"]),
            "message",
            "did not arrive",
        ),
    ];
    let told = told.into_iter().filter(|(n, ..)| *n > 0);
    let told: Vec<String> = told
        .map(|(n, what, why)| format!("{} {why}", counted(n, what)))
        .collect();
    match told.as_slice() {
        [] => Ok(()),
        told => Err(Ending::Partly(format!("{names}: {}", told.join(", "))).into()),
    }
}

fn total(counts: &Counts) -> u64 {
    counts.values().sum()
}

fn count(counts: &Counts, states: &[&str]) -> u64 {
    let counts = states.iter().filter_map(|state| counts.get(*state));
    counts.sum()
}
