//! Keeps subscriptions alive: makes them, adopts those that are there, renews them before they end
//! and makes them again when they are gone.
//!
//! Run by programs that receive events, beside the server that receives them. It sees subscriptions
//! through the neutral trait only, so that it can be tested without a server; it reads no events.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tidings_core::{Clock, Timestamp};

use super::client::Client;
use super::subscriptions::NewSubscription;
use crate::error::{Error, ErrorKind, Result};
use crate::subscriptions::{self as neutral, SubscriptionChange, Subscriptions};

/// Between two subscriptions that are made there is at least this long: three in a second at the
/// most. More at once have been seen to disturb servers.
const BETWEEN_CREATES: Duration = Duration::from_millis(334);

/// How long is waited after the first of several failures, at the longest; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What the doubling stops at.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Keeps one or several subscriptions alive while it runs.
///
/// A subscription that was made without an expiry ends with the token that it was made with, mostly
/// after an hour; one that has an expiry ends then. The keeper makes each for a lifetime, looks after
/// it at intervals, and renews it when half of the lifetime is over. It makes none where there is one
/// just like it, for the same events, address, domain and user: it adopts that one. It looks for it
/// before it makes one, and again when the server says that there is one.
///
/// Nothing is ended when the keeper stops: events go on until somebody ends the subscription or its
/// lifetime is over.
///
/// ```
/// # async fn example(client: tidings::netsapiens::Client, stop: impl Future<Output = ()>) {
/// use tidings::netsapiens::{Model, NewSubscription};
///
/// let url = "https://hooks.example.test/ns?key=s3cret";
/// let keeper = client
///     .keeper()
///     .keep(NewSubscription::new(Model::Message, url))
///     .keep(NewSubscription::new(Model::MessageSession, url))
///     .on_event(|event| println!("{}: {:?}", event.events, event.what));
/// tokio::select! {
///     () = keeper.run() => {}
///     () = stop => {}
/// }
/// # }
/// ```
#[must_use = "it keeps nothing unless it runs"]
pub struct Keeper {
    subscriptions: Arc<dyn Subscriptions>,
    /// Who knows whose events are meant where it is not said.
    account: Option<Client>,
    clock: Arc<dyn Clock>,
    kept: Vec<neutral::NewSubscription>,
    lifetime: Duration,
    check_every: Duration,
    on_event: Box<dyn Fn(&KeeperEvent) + Send + Sync>,
    random: Mutex<fastrand::Rng>,
    /// Whether a subscription has been made before.
    gate: tokio::sync::Mutex<bool>,
}

/// What a keeper has done, or what has happened to a subscription that it keeps.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeeperEvent {
    /// Which of those that it keeps, from 0 on.
    pub index: usize,
    /// What that one is about, such as `message`.
    pub events: String,
    /// What it has done.
    pub what: Kept,
}

/// What a keeper has done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Kept {
    /// The subscription was made.
    Created(Box<neutral::Subscription>),
    /// There was one just like it, which is kept from now on.
    Adopted(Box<neutral::Subscription>),
    /// Its end was moved.
    Renewed {
        /// Its id.
        id: String,
        /// Its end from now on.
        until: Timestamp,
    },
    /// It is no longer there, and is made again.
    Gone {
        /// The id that it had.
        id: String,
    },
    /// The provider says that its posts fail. Told once, until they go again.
    PostsFail {
        /// Its id.
        id: String,
        /// How many have failed.
        errors: u64,
    },
    /// Something did not work, and is tried again.
    Failed {
        /// What went wrong.
        error: Error,
        /// After this time.
        again_in: Duration,
    },
    /// The subscription cannot be made as it is, and is not kept any more.
    GivenUp(Error),
}

impl Client {
    /// A keeper of subscriptions of this client's account, with nothing to keep yet.
    #[doc(alias("renew_subscription"))]
    pub fn keeper(&self) -> Keeper {
        Keeper {
            account: Some(self.clone()),
            ..Keeper::new(self.clone(), Arc::clone(&self.shared().clock))
        }
    }
}

impl Keeper {
    /// How long a subscription is made for.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(30 * 24);

    /// How often it is looked after.
    pub const DEFAULT_CHECK_EVERY: Duration = Duration::from_mins(10);

    /// A keeper with nothing to keep. A subscription that does not say for which domain and user it is
    /// is looked for only when the server says that there is one; [`Client::keeper`] knows whose
    /// events are meant.
    pub fn new(subscriptions: impl Subscriptions + 'static, clock: Arc<dyn Clock>) -> Self {
        Self {
            subscriptions: Arc::new(subscriptions),
            account: None,
            clock,
            kept: Vec::new(),
            lifetime: Self::DEFAULT_LIFETIME,
            check_every: Self::DEFAULT_CHECK_EVERY,
            on_event: Box::new(|_| ()),
            random: Mutex::new(fastrand::Rng::new()),
            gate: tokio::sync::Mutex::new(false),
        }
    }

    /// Adds a subscription. When it ends is the keeper's to say.
    pub fn keep(mut self, new: impl Into<neutral::NewSubscription>) -> Self {
        self.kept.push(new.into());
        self
    }

    /// Sets how long subscriptions are made and renewed for; at least a minute. They outlive the
    /// program by up to this time.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.max(Duration::from_mins(1));
        self
    }

    /// Sets how often each is looked after; at least every second.
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.check_every = interval.max(Duration::from_secs(1));
        self
    }

    /// Sets who is told what the keeper does. It is called between two calls to the server, and
    /// should not take long.
    pub fn on_event(mut self, told: impl Fn(&KeeperEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Box::new(told);
        self
    }

    /// Makes the waits between tries repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.random = Mutex::new(fastrand::Rng::with_seed(seed));
        self
    }

    /// Keeps them alive until it is dropped, or until there is none left to keep. Dropped, it leaves
    /// nothing behind but the subscriptions; a call that is under way may still have been carried
    /// out, and is found again by the next run.
    pub async fn run(&self) {
        let all = self.kept.iter().enumerate();
        join_all(all.map(|(index, new)| self.keep_one(index, new))).await;
    }

    /// Until it has to be given up.
    async fn keep_one(&self, index: usize, new: &neutral::NewSubscription) {
        let mut one = One {
            keeper: self,
            index,
            new,
            id: None,
            posts_fail: false,
        };
        let mut failures = 0_u32;
        loop {
            let wait = match one.look_after().await {
                Ok(wait) => {
                    failures = 0;
                    wait
                }
                Err(error) if is_hopeless(&error) => {
                    one.tell(Kept::GivenUp(error));
                    return;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let again_in = self.wait(failures, error.retry_after());
                    one.tell(Kept::Failed { error, again_in });
                    again_in
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let random = self.random.lock();
        let random = random.unwrap_or_else(PoisonError::into_inner).f64();
        wait_after(failures, random, asked)
    }

    /// Waits until another subscription may be made.
    async fn pass_gate(&self) {
        let mut was_passed = self.gate.lock().await;
        if *was_passed {
            tokio::time::sleep(BETWEEN_CREATES).await;
        }
        *was_passed = true;
    }
}

/// Between half and all of a time that doubles with each failure, and no less than what the server
/// asked for. `random` is from 0 to 1.
fn wait_after(failures: u32, random: f64, asked: Option<Duration>) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let longest = FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
    let wait = longest.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
    wait.max(asked.unwrap_or_default())
}

/// What no repetition cures: the subscription itself is wrong.
fn is_hopeless(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidMessage | ErrorKind::Config | ErrorKind::Unsupported
    )
}

/// One subscription that is kept.
struct One<'a> {
    keeper: &'a Keeper,
    index: usize,
    new: &'a neutral::NewSubscription,
    id: Option<String>,
    /// Whether it was told that its posts fail.
    posts_fail: bool,
}

impl One<'_> {
    /// Does what is to be done now, and says when to look again.
    async fn look_after(&mut self) -> Result<Duration> {
        let found = match self.id.clone() {
            Some(id) => match self.keeper.subscriptions.show(&id).await {
                Ok(found) => found,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.is_gone(id);
                    self.make().await?
                }
                Err(error) => return Err(error),
            },
            None => self.make().await?,
        };
        self.tell_of_posts(&found);
        self.renew_if_due(&found).await
    }

    /// Makes it, or finds the one that is in its place.
    async fn make(&mut self) -> Result<neutral::Subscription> {
        let keeper = self.keeper;
        keeper.pass_gate().await;
        let mut new = self.new.clone();
        if let Some(account) = &keeper.account {
            (new.domain, new.user) = account.whose_events_if_known(&(&new).into()).await?;
        }
        new.expires_at = Some(keeper.clock.now().plus(keeper.lifetime));
        // What is not said may be anybody's: another's must not be taken for it.
        let is_known = new.domain.is_some() && new.user.is_some();
        let there = if is_known {
            self.find(&new).await?
        } else {
            None
        };
        let (found, is_made) = match there {
            Some(found) => (found, false),
            None => match keeper.subscriptions.create(&new).await {
                Ok(made) => (made, true),
                // What the server calls the same may be for somebody else, and out of sight.
                Err(error) if is_there_already(&error) => {
                    (self.find(&new).await?.ok_or(error)?, false)
                }
                Err(error) => return Err(error),
            },
        };
        self.id = Some(found.id.clone());
        self.posts_fail = false;
        let shown = Box::new(found.clone());
        self.tell(if is_made {
            Kept::Created(shown)
        } else {
            Kept::Adopted(shown)
        });
        Ok(found)
    }

    /// The one in its place, where the account may list what there is.
    async fn find(&self, new: &neutral::NewSubscription) -> Result<Option<neutral::Subscription>> {
        let all = match self.keeper.subscriptions.list().await {
            Err(error) if cannot_list(&error) => return Ok(None),
            all => all?,
        };
        Ok(all.into_iter().find(|found| is_like(new, found)))
    }

    async fn renew_if_due(&mut self, found: &neutral::Subscription) -> Result<Duration> {
        let keeper = self.keeper;
        let now = keeper.clock.now();
        let half = keeper.lifetime / 2;
        let left = found.expires_at.map(|end| end.since(now));
        let until_half = left.unwrap_or_default().saturating_sub(half);
        if !until_half.is_zero() {
            return Ok(until_half.min(keeper.check_every));
        }
        let until = now.plus(keeper.lifetime);
        let change = SubscriptionChange {
            expires_at: Some(until),
            ..SubscriptionChange::default()
        };
        match keeper.subscriptions.update(&found.id, &change).await {
            Ok(()) => {
                let id = found.id.clone();
                self.tell(Kept::Renewed { id, until });
                Ok(half.min(keeper.check_every))
            }
            Err(error) => {
                if error.kind() == ErrorKind::NotFound {
                    self.is_gone(found.id.clone());
                }
                Err(error)
            }
        }
    }

    fn is_gone(&mut self, id: String) {
        self.id = None;
        self.tell(Kept::Gone { id });
    }

    fn tell_of_posts(&mut self, found: &neutral::Subscription) {
        let fail = found.status == "error";
        if fail && !self.posts_fail {
            self.tell(Kept::PostsFail {
                id: found.id.clone(),
                errors: found.errors,
            });
        }
        self.posts_fail = fail;
    }

    fn tell(&self, what: Kept) {
        let event = KeeperEvent {
            index: self.index,
            events: self.new.events.clone(),
            what,
        };
        event.log();
        (self.keeper.on_event)(&event);
    }
}

/// Whether the server has one just like it.
fn is_there_already(error: &Error) -> bool {
    error.kind() == ErrorKind::Rejected && error.provider_code() == Some("409")
}

/// Whether the account may not list subscriptions, or the server cannot.
fn cannot_list(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported)
}

/// Whether `found` is for the same events and address, and for those whose events `new` names.
fn is_like(new: &neutral::NewSubscription, found: &neutral::Subscription) -> bool {
    use secrecy::ExposeSecret as _;
    let is_same =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    new.events == found.events
        && new.url.expose_secret() == found.url.expose_secret()
        && is_same(&new.domain, &found.domain)
        && is_same(&new.user, &found.user)
}

impl KeeperEvent {
    fn log(&self) {
        let events = self.events.as_str();
        match &self.what {
            Kept::Created(made) => tracing::info!(events, id = made.id, "subscription made"),
            Kept::Adopted(found) => tracing::info!(events, id = found.id, "subscription adopted"),
            Kept::Renewed { id, until } => {
                tracing::info!(events, id, %until, "subscription renewed");
            }
            Kept::Gone { id } => tracing::warn!(events, id, "subscription is gone"),
            Kept::PostsFail { id, errors } => {
                tracing::warn!(events, id, errors, "posts of the subscription fail");
            }
            Kept::Failed { error, again_in } => {
                let again_in_ms = u64::try_from(again_in.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    events,
                    error.kind = error.kind().as_str(),
                    again_in_ms,
                    "subscription could not be looked after: {error}"
                );
            }
            Kept::GivenUp(error) => tracing::error!(
                events,
                error.kind = error.kind().as_str(),
                "subscription is given up: {error}"
            ),
        }
    }
}

impl From<NewSubscription> for neutral::NewSubscription {
    /// Without its expiry, which is the keeper's to say.
    fn from(new: NewSubscription) -> Self {
        let mut neutral = Self::new(new.model.as_str(), new.post_url);
        neutral.domain = new.domain;
        neutral.user = new.user;
        neutral.reseller = new.reseller;
        neutral.scope = new.user_scope;
        neutral.fails_over = new.fails_over;
        neutral.preferred_server = new.preferred_server;
        neutral
    }
}

/// Shows what it keeps, without addresses.
impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<&str> = self.kept.iter().map(|new| new.events.as_str()).collect();
        f.debug_struct("Keeper")
            .field("kept", &events)
            .field("lifetime", &self.lifetime)
            .field("check_every", &self.check_every)
            .finish_non_exhaustive()
    }
}
