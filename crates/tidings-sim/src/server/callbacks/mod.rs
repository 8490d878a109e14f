//! Calls to the customer's server: the provider's own calls, made of what the world has to tell.
//!
//! Started by the simulator where there is an address to call. One task for each account, which makes
//! a round of calls as often as the vendor does. What is not acknowledged with 200 is told again,
//! later and later, under the same ids; what has been told is written down, so that after a restart
//! only the rest is told.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use tidings::callback::{Callback, CallbackEmitter, CallbackRequest};
use tidings::http::HttpClient;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::SimError;
use crate::world::{ItemKey, Told, World};

/// The most that is told in one round. Of 5,000 reports a call of the largest kind has 1.5 MB.
const MAX_PER_ROUND: usize = 5_000;
/// How often accounts are looked at whose provider sets no limit to its calls.
const SHORTEST_ROUND: Duration = Duration::from_millis(100);
/// How long to wait after the first failed call; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of these waits.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// After so many failed calls something is not told any more. With the pauses between them that is
/// after about 43 minutes.
const MAX_ATTEMPTS: u32 = 17;

/// What makes a call, and says how it was answered: `None` for no answer.
type Post =
    Box<dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, Option<StatusCode>> + Send + Sync>;

/// Whom to call, and how.
pub(super) struct Caller {
    world: World,
    emitter: CallbackEmitter,
    url: Uri,
    post: Post,
    interval: Option<Duration>,
}

impl Caller {
    /// # Errors
    /// [`SimError::Callback`] when the provider makes no calls, or the address cannot be called.
    pub(super) fn new(
        world: World,
        url: &str,
        interval: Option<Duration>,
    ) -> Result<Self, SimError> {
        let refused = |fault: &str| SimError::Callback {
            fault: fault.to_owned(),
        };
        let emitter = world
            .spec()
            .emit_callback
            .ok_or_else(|| refused("the provider does not call its customers"))?;
        let url: Uri = url.parse().map_err(|_| refused("the address is no URL"))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
            return Err(refused("the address has to begin with http:// or https://"));
        }
        let http = HttpClient::builder().timeout(emitter.time_limit).build();
        let http = http.map_err(|_| refused("the HTTP client cannot be made"))?;
        Ok(Self {
            world,
            emitter,
            url,
            interval,
            post: Box::new(move |request| {
                let http = http.clone();
                Box::pin(async move { Some(http.send(request).await.ok()?.status) })
            }),
        })
    }

    fn round(&self) -> Duration {
        let usual = self.emitter.at_most_every.max(SHORTEST_ROUND);
        self.interval.unwrap_or(usual)
    }
}

/// Calls until it is told to stop; a call that is being made may finish.
pub(super) async fn run(caller: Caller, stopping: CancellationToken) {
    let caller = std::sync::Arc::new(caller);
    let mut accounts = JoinSet::new();
    loop {
        // A scenario may add accounts at any time.
        for account in accounts.len()..caller.world.n_accounts() {
            let (caller, stopping) = (std::sync::Arc::clone(&caller), stopping.clone());
            accounts.spawn(async move {
                let mut telling = Telling::new(&caller, account);
                while !has_stopped_after(&stopping, caller.round()).await {
                    telling.round().await;
                }
            });
        }
        if has_stopped_after(&stopping, caller.round()).await {
            break;
        }
    }
    while accounts.join_next().await.is_some() {}
}

pub(super) async fn has_stopped_after(stopping: &CancellationToken, pause: Duration) -> bool {
    let stopped = stopping.cancelled();
    tokio::time::timeout(pause, stopped).await.is_ok()
}

/// What is told to the owner of one account.
struct Telling<'c> {
    caller: &'c Caller,
    account: usize,
    failed: HashMap<ItemKey, u32>,
    /// Told once, by a scenario that has everything told twice.
    told_once: HashSet<ItemKey>,
}

impl<'c> Telling<'c> {
    fn new(caller: &'c Caller, account: usize) -> Self {
        Self {
            caller,
            account,
            failed: HashMap::new(),
            told_once: HashSet::new(),
        }
    }

    /// Tells what is due. Reports and texts from phones go in calls of their own.
    async fn round(&mut self) {
        let world = &self.caller.world;
        let due = world.take_what_is_due(self.account, MAX_PER_ROUND);
        let doubles = world.doubles_reports();
        self.tell(due.ends, doubles).await;
        self.tell(due.inbound, false).await;
    }

    async fn tell(&mut self, group: Vec<Told>, doubles: bool) {
        if group.is_empty() {
            return;
        }
        let (items, callbacks): (Vec<ItemKey>, Vec<Callback>) = group
            .into_iter()
            .map(|told| (told.item, told.callback))
            .unzip();
        let known = self.caller.world.known_of(self.account);
        let requests = (self.caller.emitter.emit)(&known, &callbacks);
        let mut is_acknowledged = true;
        for request in requests {
            // One that fails makes all of them be told again: which of them tells what is the
            // provider's own business.
            is_acknowledged &= self.call(request).await;
        }
        if is_acknowledged {
            self.acknowledged(items, doubles).await;
        } else {
            self.not_acknowledged(items).await;
        }
    }

    async fn call(&self, request: CallbackRequest) -> bool {
        let Some(request) = addressed(&self.caller.url, request) else {
            return false;
        };
        let status = (self.caller.post)(request).await;
        let is_acknowledged = status == Some(StatusCode::OK);
        self.caller.world.count_callback(is_acknowledged);
        if !is_acknowledged {
            let status = status.map(|status| status.as_u16());
            tracing::info!(status, "the customer's server has not acknowledged a call");
        }
        is_acknowledged
    }

    async fn acknowledged(&mut self, items: Vec<ItemKey>, doubles: bool) {
        let (again, done): (Vec<_>, Vec<_>) = items
            .into_iter()
            .partition(|item| doubles && self.told_once.insert(*item));
        for item in &done {
            self.failed.remove(item);
            self.told_once.remove(item);
        }
        if !again.is_empty() {
            self.caller.world.tell_again(&again, Duration::ZERO);
        }
        self.finish(done).await;
    }

    async fn not_acknowledged(&mut self, items: Vec<ItemKey>) {
        let mut given_up = Vec::new();
        let mut again: HashMap<u32, Vec<ItemKey>> = HashMap::new();
        for item in items {
            let failures = self.failed.entry(item).or_default();
            *failures += 1;
            if *failures >= MAX_ATTEMPTS {
                self.failed.remove(&item);
                self.told_once.remove(&item);
                given_up.push(item);
            } else {
                again.entry(*failures).or_default().push(item);
            }
        }
        for (failures, items) in again {
            self.caller.world.tell_again(&items, pause_after(failures));
        }
        if !given_up.is_empty() {
            let n_items = given_up.len();
            tracing::warn!(
                n_items,
                "the customer's server is not told of this any more"
            );
        }
        self.finish(given_up).await;
    }

    async fn finish(&self, items: Vec<ItemKey>) {
        if items.is_empty() {
            return;
        }
        if self.caller.world.told(&items).await.is_err() {
            // It is told again after a restart: better twice than never.
            tracing::warn!("the state file does not say that the customer was told");
        }
    }
}

fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// The call under the customer's address: the query of the call follows that of the address.
pub(super) fn addressed(url: &Uri, call: CallbackRequest) -> Option<http::Request<Bytes>> {
    let queries = [url.query(), call.query.as_deref()];
    let queries: Vec<_> = queries.into_iter().flatten().collect();
    let path = if queries.is_empty() {
        url.path().to_owned()
    } else {
        format!("{}?{}", url.path(), queries.join("&"))
    };
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(path.parse::<PathAndQuery>().ok()?);
    let mut request = http::Request::new(call.body);
    *request.method_mut() = call.method;
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.headers_mut() = call.headers;
    Some(request)
}
