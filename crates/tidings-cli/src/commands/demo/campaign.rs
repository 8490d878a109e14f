//! The demo's campaign: read from its file, sent to the gateway as one batch, followed to its end.
//!
//! Called by `mod.rs`. It speaks the gateway's API as any program does.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tidings::http::Carries;
use tidings::providers;

use super::super::Context;
use super::show;
use crate::gateway::{Call, Gateway};
use crate::interrupt::Interrupt;

const CAMPAIGN: &[u8] = include_bytes!("../../../../../examples/campaign-three-countries.csv");
/// The simulated carriers deliver within two seconds, and are asked after five.
const TIME_LIMIT: Duration = Duration::from_mins(3);
/// How often the gateway is asked how far it is.
const ASKED_EVERY: Duration = Duration::from_millis(250);
/// States from which a message goes no further.
const FINAL: [&str; 5] = ["delivered", "undelivered", "failed", "expired", "canceled"];

/// What became of the campaign.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) batch: String,
    pub(super) n_rows: usize,
    pub(super) accepted: u64,
    pub(super) rejected: Vec<Rejected>,
    pub(super) counts: Counts,
    pub(super) end: End,
}

/// Messages by state.
pub(super) type Counts = BTreeMap<String, u64>;

/// A row that the gateway did not take.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rejected {
    pub(super) index: u64,
    pub(super) code: String,
    #[serde(default)]
    pub(super) detail: String,
}

/// Why nobody looks any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    AllFinal,
    TimeIsUp,
    Interrupted,
}

#[derive(Deserialize)]
struct Row {
    to: String,
    text: String,
}

#[derive(Deserialize)]
struct Verdict {
    id: String,
    accepted: u64,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

/// Sends the campaign and follows it until every message has come to its end.
pub(super) async fn send(
    context: &Context,
    interrupt: &mut Interrupt,
    gateway: &Gateway,
) -> anyhow::Result<Followed> {
    let rows = rows()?;
    let n_rows = rows.len();
    show::beginning(&context.output, n_rows);
    let verdict = hand_over(gateway, &rows).await?;
    show::accepted(&context.output, verdict.accepted, &verdict.rejected)?;
    let mut followed = Followed {
        batch: verdict.id,
        n_rows,
        accepted: verdict.accepted,
        rejected: verdict.rejected,
        counts: Counts::new(),
        end: End::TimeIsUp,
    };
    let following = tokio::time::timeout(TIME_LIMIT, follow(context, gateway, &mut followed));
    let end = tokio::select! {
        ended = following => match ended {
            Ok(followed) => followed.map(|()| End::AllFinal)?,
            Err(_) => End::TimeIsUp,
        },
        () = interrupt.wait() => End::Interrupted,
    };
    followed.end = end;
    Ok(followed)
}

fn rows() -> anyhow::Result<Vec<Row>> {
    let mut reader = csv::Reader::from_reader(CAMPAIGN);
    let rows: Result<Vec<Row>, _> = reader.deserialize().collect();
    rows.context("the file of the campaign")
}

async fn hand_over(gateway: &Gateway, rows: &[Row]) -> anyhow::Result<Verdict> {
    let messages: Vec<Value> = rows
        .iter()
        .map(|row| json!({"to": row.to, "text": row.text}))
        .collect();
    let body = json!({"reference": "demo", "messages": messages});
    let call = Call {
        method: &Method::POST,
        path: "/v1/batches",
        operation: "send",
        carries: Carries::Message,
        once: None,
        content_type: "application/json",
    };
    let body = Bytes::from(serde_json::to_vec(&body)?);
    let answer = gateway.call(call, body).await?;
    serde_json::from_value(answer).context("the gateway's verdict on the batch")
}

async fn follow(
    context: &Context,
    gateway: &Gateway,
    followed: &mut Followed,
) -> anyhow::Result<()> {
    let path = format!("/v1/batches/{}", followed.batch);
    loop {
        let mut batch = gateway.get(&path).await?;
        let counts: Counts = serde_json::from_value(batch["counts"].take())
            .context("the gateway's counts of the batch")?;
        let is_new = counts != followed.counts;
        followed.counts = counts;
        if is_new {
            show::progress(&context.output, followed)?;
        }
        let rest = followed.accepted.saturating_sub(followed.n_final());
        let handed_over = followed.n("submitted") + followed.n("sent");
        if rest == 0 {
            return Ok(());
        }
        let is_still = !is_new && rest == handed_over;
        if is_still && nobody_tells_more(gateway, followed).await? {
            return Ok(());
        }
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

/// Whether all messages that a provider has and that have not come to an end are at providers that never
/// tell one: nobody should wait for it.
async fn nobody_tells_more(gateway: &Gateway, followed: &Followed) -> anyhow::Result<bool> {
    for state in ["submitted", "sent"] {
        let path = format!("/v1/messages?batch={}&state={state}", followed.batch);
        let messages = gateway.list(&path, None).await?;
        let may_be_told = messages.iter().any(|message| {
            let lane = message["lane"].as_str().unwrap_or_default();
            // A lane of the demo is called as its provider is.
            providers::by_id(lane).is_none_or(|spec| spec.capabilities.tells_delivery)
        });
        if may_be_told {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Followed {
    /// How many messages go no further.
    pub(super) fn n_final(&self) -> u64 {
        let counts = self.counts.iter();
        counts
            .filter(|(state, _)| FINAL.contains(&state.as_str()))
            .map(|(_, count)| count)
            .sum()
    }

    /// How many messages are in this state.
    pub(super) fn n(&self, state: &str) -> u64 {
        self.counts.get(state).copied().unwrap_or_default()
    }
}
