//! Posts to those who subscribe: what has happened since the last round, made into the provider's own
//! calls.
//!
//! Started by the simulator where customers subscribe to events by calls. A round is made as often as
//! the vendor makes one, and whenever the control server asks for one. A post that is not taken is not
//! made again; the subscription counts it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::{StatusCode, Uri};
use secrecy::ExposeSecret as _;
use tidings::callback::{CallbackEmitter, EVENT_MODEL, SUBSCRIPTION_ID};
use tidings::http::HttpClient;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::callbacks::{addressed, has_stopped_after};
use crate::error::SimError;
use crate::world::{Posting, World};

/// The last status that counts as taken.
const LAST_TAKEN: StatusCode = StatusCode::FOUND;

/// Makes posts.
pub(super) struct Poster {
    world: World,
    emitter: CallbackEmitter,
    http: HttpClient,
    /// One round at a time: events are told in their order.
    turn: Mutex<()>,
}

/// How the posts of one round went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) posted: u64,
    pub(super) failed: u64,
}

impl Poster {
    /// `None` where customers do not subscribe. `trusted` are further certificates (PEM) that may be
    /// behind addresses.
    ///
    /// # Errors
    /// [`SimError::Callback`] when the certificates cannot be read.
    pub(super) fn new(world: World, trusted: Option<Vec<u8>>) -> Result<Option<Self>, SimError> {
        let spec = world.spec();
        let Some(emitter) = spec
            .emit_callback
            .filter(|_| spec.capabilities.subscriptions)
        else {
            return Ok(None);
        };
        let mut http = HttpClient::builder().timeout(emitter.time_limit);
        if let Some(pem) = trusted {
            http = http.add_root_certificates(pem);
        }
        let http = http.build().map_err(|_| SimError::Callback {
            fault: "the HTTP client cannot be made".to_owned(),
        })?;
        Ok(Some(Self {
            world,
            emitter,
            http,
            turn: Mutex::new(()),
        }))
    }

    /// Lets the first user subscribe to everything that the provider tells.
    pub(super) async fn subscribe(&self, url: &str) -> Result<(), SimError> {
        if self.emitter.models.is_empty() {
            let fault = "its customers subscribe by calls".to_owned();
            return Err(SimError::Callback { fault });
        }
        for model in self.emitter.models {
            let subscribed = self.world.subscribe_first_user(model, url).await;
            subscribed.map_err(|refusal| SimError::Callback {
                fault: refusal.to_string(),
            })?;
        }
        Ok(())
    }

    /// Makes the posts that are due, those to different subscribers at once.
    pub(super) async fn round(&self) -> Round {
        let _turn = self.turn.lock().await;
        let postings = self.world.take_postings();
        let posts = postings.into_iter().map(|posting| self.post(posting));
        let mut round = Round::default();
        for is_taken in join_all(posts).await.into_iter().flatten() {
            round.posted += 1;
            round.failed += u64::from(!is_taken);
        }
        round
    }

    /// Makes the post of one subscription; `None` where there is nothing in it for him.
    async fn post(&self, posting: Posting) -> Option<bool> {
        let known = self
            .world
            .known_of(0)
            .with(EVENT_MODEL, posting.events)
            .with(SUBSCRIPTION_ID, posting.id.as_str());
        let requests = (self.emitter.emit)(&known, &posting.callbacks);
        let mut is_taken = None;
        for request in requests {
            let url: Option<Uri> = posting.url.expose_secret().parse().ok();
            let status = match url.and_then(|url| addressed(&url, request)) {
                Some(request) => self.http.send(request).await.ok().map(|it| it.status),
                None => None,
            };
            let this_one = status.is_some_and(|status| status <= LAST_TAKEN);
            self.world.posted(&posting.id, this_one);
            if !this_one {
                let status = status.map(|status| status.as_u16());
                tracing::info!(subscription = posting.id, status, "a post was not taken");
            }
            is_taken = Some(is_taken.unwrap_or(true) && this_one);
        }
        is_taken
    }
}

/// Makes rounds until it is told to stop; one that is being made may finish.
pub(super) async fn run(poster: Arc<Poster>, every: Option<Duration>, stopping: CancellationToken) {
    let every = every.unwrap_or(poster.emitter.at_most_every);
    while !has_stopped_after(&stopping, every).await {
        poster.round().await;
    }
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}
