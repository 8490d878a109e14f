//! Gathers what the verdict compares: from the load, the API, the database and the carriers.
//!
//! Called by `main.rs` at the end of a run, first [`ask`] while the gateway still runs, then [`gather`].

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use tidings_store::store::Messages as _;
use tidings_store::{MessageFilter, MessageHistory, PageRequest};

use crate::load::Load;
use crate::stage::Stage;
use crate::verdict::{Fault, Kept, Seen, Told, World};

/// What the API says of every message, by its id.
pub(crate) async fn ask(stage: &Stage<'_>) -> Result<BTreeMap<String, Told>, String> {
    let mut told = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let request = stage.get(&format!("/v1/messages?limit=500{cursor}"));
        let answer = stage.http().send(request).await;
        let answer = answer.map_err(|error| format!("the list of messages: {error}"))?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if !answer.status.is_success() {
            return Err(format!("the list of messages: {}: {body}", answer.status));
        }
        let page: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        for item in page["items"].as_array().into_iter().flatten() {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            let version = item["version"].as_u64().unwrap_or_default();
            let state = text("state");
            told.insert(text("id"), Told { state, version });
        }
        let Some(next) = page["next"].as_str() else {
            return Ok(told);
        };
        cursor = format!("&cursor={next}");
    }
}

/// Everything else. The gateway has ended.
pub(crate) async fn gather(
    stage: &Stage<'_>,
    load: &Load,
    told: BTreeMap<String, Told>,
) -> Result<World, String> {
    let mut world = World {
        kept: kept(stage).await?,
        arrived: stage.arrived().await,
        told,
        ..World::default()
    };
    load.hand_over(&mut world);
    Ok(world)
}

impl World {
    /// Something that must not be was seen while the run was going on.
    pub(crate) fn saw(&mut self, fault: Fault, which: impl Into<String>) {
        self.seen_before.push((fault, which.into()));
    }
}

async fn kept(stage: &Stage<'_>) -> Result<Vec<Kept>, String> {
    const AT_ONCE: usize = 16;
    let store = stage.store().await;
    let why = |error: tidings_store::StoreError| format!("the database cannot be read: {error:?}");
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest {
            after,
            limit: 1_000,
        };
        let filter = MessageFilter {
            page,
            ..MessageFilter::default()
        };
        let page = store.messages(filter).await.map_err(why)?;
        let histories = page.items.iter().map(|it| store.message(None, it.id));
        let mut histories = stream::iter(histories).buffer_unordered(AT_ONCE);
        while let Some(history) = histories.next().await {
            let history = history.map_err(why)?;
            let history = history.ok_or("a message that is listed cannot be found")?;
            all.push(read(&history));
        }
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn read(history: &MessageHistory) -> Kept {
    let message = &history.message;
    let lane = message.lane.as_ref().map_or("", |lane| lane.as_str());
    Kept {
        id: message.id.to_string(),
        seen: Seen::new(message.to.as_str(), &*message.text),
        state: message.state,
        version: message.version.into(),
        policy: message.policy,
        lane: lane.to_owned(),
        is_marked: message.duplicate_risk,
        why: format!("{:?} {:?}", message.reason, message.detail),
        attempts: history.attempts.iter().map(|it| it.outcome).collect(),
    }
}
