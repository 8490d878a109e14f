//! `GET /v1/events`: what happens, as it happens, as server-sent events.
//!
//! A task for each listener reads events from the store, from where the listener says that he left off, and
//! hands them on through a short queue. Who does not take them is dropped, and comes back with
//! `Last-Event-ID`; nothing is kept for him meanwhile.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use http::HeaderMap;
use serde::Deserialize;
use tidings_store::{Event, EventFilter, EventKind, EventSeq};
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::Api;
use super::auth::{View, Who};
use super::body::Query;
use super::error::{Code, Problem, Result};
use super::view::EventView;

/// Listeners at once.
const MAX_STREAMS: usize = 1_000;
/// Events that wait for a listener.
const QUEUE: usize = 64;
/// Events that are read at once.
const PAGE: usize = 256;
/// Who takes nothing for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a listener is told that the line is open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the store is looked at when nothing says that anything happened.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What is listened to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only these kinds, with commas between: `message.delivered,inbound.received`.
    types: Option<String>,
    /// From after this place on; `Last-Event-ID` comes first. Without either only what is to come.
    after: Option<i64>,
    /// Of which account; `*` is all, the operator's included. For operators, who are told neither texts
    /// nor numbers.
    account: Option<String>,
}

/// Follows what happens, as server-sent events.
///
/// Each event has its place as `id`, its kind as `event`, and as `data` what `events` of a message hold.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "webhooks",
    params(
        EventQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The id of the last event that was taken"),
    ),
    responses((status = 200, description = "Events, without end", body = String, content_type = "text/event-stream")),
)]
pub(crate) async fn follow(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Response> {
    let view = who.view(query.account.as_deref())?;
    let kinds = kinds(query.types.as_deref())?;
    let after = match last_event_id(&headers)?.or(query.after) {
        Some(after) => EventSeq(after),
        None => api.gateway.store().last_event().await?,
    };
    let permit = Permit::take(&api)?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let listener = Listener {
        api: Arc::clone(&api),
        view,
        kinds,
        after,
        sender,
        _permit: permit,
    };
    api.gateway.tasks().spawn(listener.run());
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(received(receiver))
        .keep_alive(keep_alive)
        .into_response())
}

fn kinds(words: Option<&str>) -> Result<Vec<EventKind>> {
    let words = words.into_iter().flat_map(|words| words.split(','));
    let read: Result<_, _> = words.map(|word| word.trim().parse()).collect();
    read.map_err(|fault: tidings_store::UnknownEvent| {
        Problem::new(Code::InvalidQuery, format!("types: {fault}"))
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let bad = || Problem::new(Code::InvalidQuery, "Last-Event-ID is the id of an event");
    number.map(Some).ok_or_else(bad)
}

fn received(
    receiver: mpsc::Receiver<Sent>,
) -> impl Stream<Item = Result<Sent, Infallible>> + Send + 'static {
    futures_util::stream::unfold(receiver, async |mut receiver| {
        let event = receiver.recv().await?;
        Some((Ok(event), receiver))
    })
}

/// One of the places for listeners; free again when it is dropped.
struct Permit(Arc<Api>);

impl Permit {
    fn take(api: &Arc<Api>) -> Result<Self> {
        let permit = Self(Arc::clone(api));
        if api.n_streams.fetch_add(1, Ordering::Relaxed) >= MAX_STREAMS {
            let detail = "too many follow events already";
            return Err(Problem::new(Code::Overloaded, detail).retry_after(PATIENCE));
        }
        Ok(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.n_streams.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Listener {
    api: Arc<Api>,
    view: View,
    kinds: Vec<EventKind>,
    after: EventSeq,
    sender: mpsc::Sender<Sent>,
    _permit: Permit,
}

impl Listener {
    /// Hands events on until the listener has gone, takes nothing any more, or the gateway stops.
    async fn run(mut self) {
        let gateway = self.api.gateway.clone();
        let mut happened = gateway.signals().events();
        loop {
            // Seen before the store is read: what happens meanwhile wakes it at once.
            happened.mark_unchanged();
            match self.hand_on().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(_gone) => return,
            }
            tokio::select! {
                _ = happened.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = self.sender.closed() => return,
                () = gateway.stopping().cancelled() => return,
            }
        }
    }

    /// Hands on what is there; how many events were read.
    async fn hand_on(&mut self) -> Result<usize, Gone> {
        let filter = EventFilter {
            account: self.view.account.clone(),
            after: self.after,
            limit: PAGE,
        };
        let events = match self.api.gateway.store().events(filter).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events cannot be read");
                return Err(Gone);
            }
        };
        let n_events = events.len();
        for event in events {
            self.after = event.seq;
            if !self.kinds.is_empty() && !self.kinds.contains(&event.kind) {
                continue;
            }
            let sent = sent(event, self.view.is_masked);
            if self.sender.send_timeout(sent, PATIENCE).await.is_err() {
                return Err(Gone);
            }
        }
        Ok(n_events)
    }
}

/// The listener has gone, or takes nothing any more.
struct Gone;

fn sent(event: Event, is_masked: bool) -> Sent {
    let shown = EventView::of(event, is_masked);
    let data = serde_json::to_string(&shown);
    Sent::default()
        .id(shown.seq.to_string())
        .event(shown.kind)
        .data(data.expect("texts and numbers can be written as JSON"))
}
