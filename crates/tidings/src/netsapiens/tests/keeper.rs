//! The keeper of subscriptions, with a list that needs no server and a clock that jumps.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{Clock, Timestamp};

use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::netsapiens::{Keeper, Kept, Model, NewSubscription};
use crate::subscriptions::{
    NewSubscription as New, Subscription, SubscriptionChange, Subscriptions,
};
use crate::tests::log::{CapturedLog, check_clean};
use crate::tests::scripted::{Reply, Scripted};

const URL: &str = "https://hooks.example.test/ns?k=s3cret";
const HOUR: Duration = Duration::from_hours(1);

/// The time of the paused run time.
#[derive(Debug)]
struct PausedClock(tokio::time::Instant);

impl PausedClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the paused clock of the test, not the system's"
    )]
    fn new() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.plus(self.0.elapsed())
    }
}

/// A list of subscriptions, with what goes wrong next.
#[derive(Clone)]
struct Desk {
    clock: Arc<PausedClock>,
    rows: Arc<Mutex<Vec<Subscription>>>,
    calls: Arc<Mutex<Vec<(Duration, &'static str)>>>,
    faults: Arc<Mutex<VecDeque<Option<Error>>>>,
}

impl Desk {
    fn new() -> Self {
        Self {
            clock: PausedClock::new(),
            rows: Arc::default(),
            calls: Arc::default(),
            faults: Arc::default(),
        }
    }

    fn call(&self, name: &'static str) -> Result<()> {
        let now = self.clock.now().since(Timestamp::UNIX_EPOCH);
        self.calls.lock().unwrap().push((now, name));
        match self.faults.lock().unwrap().pop_front() {
            Some(Some(fault)) => Err(fault),
            Some(None) | None => Ok(()),
        }
    }

    fn fails(&self, faults: impl IntoIterator<Item = Error>) {
        self.faults
            .lock()
            .unwrap()
            .extend(faults.into_iter().map(Some));
    }

    /// The next calls, so many of them, do not fail.
    fn works(&self, n_calls: usize) {
        let good = (0..n_calls).map(|_| None);
        self.faults.lock().unwrap().extend(good);
    }

    fn times_of(&self, name: &str) -> Vec<Duration> {
        let calls = self.calls.lock().unwrap();
        let of_it = calls.iter().filter(|(_, called)| *called == name);
        of_it.map(|(at, _)| *at).collect()
    }

    fn add(&self, id: &str, expires_in: Option<Duration>) {
        let mut row = Subscription::new(id, "message", URL);
        row.expires_at = expires_in.map(|time| self.clock.now().plus(time));
        self.rows.lock().unwrap().push(row);
    }

    fn with(&self, id: &str, change: impl FnOnce(&mut Subscription)) -> Result<()> {
        let mut rows = self.rows.lock().unwrap();
        let row = rows.iter_mut().find(|row| row.id == id);
        change(row.ok_or_else(|| Error::not_sent(ErrorKind::NotFound, "no such subscription"))?);
        Ok(())
    }

    fn keeper(&self) -> (Keeper, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let keeper = Keeper::new(self.clone(), Arc::clone(&self.clock) as Arc<dyn Clock>)
            .seed(7)
            .lifetime(24 * HOUR)
            .check_every(HOUR);
        let writer = Arc::clone(&told);
        let keeper = keeper.on_event(move |event| {
            let line = match &event.what {
                Kept::Created(it) => format!("created {}", it.id),
                Kept::Adopted(it) => format!("adopted {}", it.id),
                Kept::Renewed { id, until } => {
                    format!(
                        "renewed {id} {}",
                        until.since(Timestamp::UNIX_EPOCH).as_secs() / 3600
                    )
                }
                Kept::Gone { id } => format!("gone {id}"),
                Kept::PostsFail { id, errors } => format!("posts of {id} fail: {errors}"),
                Kept::Failed { error, .. } => format!("failed: {}", error.kind()),
                Kept::GivenUp(error) => format!("given up: {}", error.kind()),
            };
            writer.lock().unwrap().push(line);
        });
        (keeper, told)
    }
}

#[async_trait]
impl Subscriptions for Desk {
    async fn list(&self) -> Result<Vec<Subscription>> {
        self.call("list")?;
        Ok(self.rows.lock().unwrap().clone())
    }

    async fn show(&self, id: &str) -> Result<Subscription> {
        self.call("show")?;
        let mut found = None;
        self.with(id, |row| found = Some(row.clone()))?;
        Ok(found.unwrap())
    }

    async fn create(&self, new: &New) -> Result<Subscription> {
        self.call("create")?;
        let mut rows = self.rows.lock().unwrap();
        if rows.iter().any(|row| row.events == new.events) {
            let there = Error::new(ErrorKind::Rejected, Acceptance::Refused, "there already");
            return Err(there.with_provider_code("409"));
        }
        let mut row = Subscription::new(
            format!("{}-{}", new.events, rows.len()),
            &*new.events,
            new.url.clone(),
        );
        row.expires_at = new.expires_at;
        rows.push(row.clone());
        Ok(row)
    }

    async fn update(&self, id: &str, change: &SubscriptionChange) -> Result<()> {
        self.call("update")?;
        self.with(id, |row| {
            row.expires_at = change.expires_at.or(row.expires_at);
        })
    }

    async fn delete(&self, id: &str) -> Result<()> {
        self.rows.lock().unwrap().retain(|row| row.id != id);
        Ok(())
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, Acceptance::Unknown, "no answer")
}

/// Lets the keeper run for a time, and gives what it has told.
async fn told_after(keeper: &Keeper, told: &Mutex<Vec<String>>, time: Duration) -> Vec<String> {
    let ended = tokio::time::timeout(time, keeper.run()).await;
    assert!(ended.is_err(), "it has nothing left to keep");
    std::mem::take(&mut told.lock().unwrap())
}

fn message() -> New {
    New::new("message", URL)
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_made_and_renewed_when_half_of_its_life_is_over() {
    let desk = Desk::new();
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(NewSubscription::new(Model::Message, URL));
    let told = told_after(&keeper, &told, 29 * HOUR + HOUR / 2).await;
    assert_eq!(
        told,
        [
            "created message-0",
            "renewed message-0 36",
            "renewed message-0 48"
        ]
    );
    let renewals: Vec<u64> = desk
        .times_of("update")
        .iter()
        .map(|at| at.as_secs() / 3600)
        .collect();
    assert_eq!(renewals, [12, 24]);
    // Looked after once an hour.
    assert_eq!(desk.times_of("show").len(), 29);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_is_adopted_and_renewed_at_once_if_it_is_near_its_end() {
    let desk = Desk::new();
    desk.rows
        .lock()
        .unwrap()
        .push(Subscription::new("other", "cdr", URL));
    desk.add("old", Some(HOUR));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    assert_eq!(
        told_after(&keeper, &told, HOUR / 2).await,
        ["adopted old", "renewed old 24"]
    );
    assert_eq!(desk.rows.lock().unwrap().len(), 2);

    let desk = Desk::new();
    desk.add("endless", None);
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    let expected = ["adopted endless", "renewed endless 24"];
    assert_eq!(told_after(&keeper, &told, HOUR / 2).await, expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_belongs_to_somebody_else_is_not_adopted() {
    let desk = Desk::new();
    desk.add("theirs", Some(24 * HOUR));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message().user("200"));
    let told = told_after(&keeper, &told, Duration::from_millis(100)).await;
    assert_eq!(told, ["failed: rejected"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_made_again() {
    let desk = Desk::new();
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    assert_eq!(
        told_after(&keeper, &told, HOUR / 2).await,
        ["created message-0"]
    );
    // The next run knows nothing of the first.
    assert_eq!(
        told_after(&keeper, &told, HOUR / 2).await,
        ["adopted message-0"]
    );
    let taker = async {
        tokio::time::sleep(HOUR / 2).await;
        desk.delete("message-0").await.unwrap();
        std::future::pending::<()>().await;
    };
    let run = async {
        tokio::select! { () = keeper.run() => (), () = taker => () }
    };
    assert!(tokio::time::timeout(2 * HOUR, run).await.is_err());
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(
        told,
        ["adopted message-0", "gone message-0", "created message-0"]
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_when_it_is_renewed_is_made_again_after_a_wait() {
    let desk = Desk::new();
    desk.add("old", Some(HOUR));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    // Listed, and yet not known to the call that renews.
    desk.works(2);
    desk.fails([Error::not_sent(ErrorKind::NotFound, "no such subscription")]);
    let told = told_after(&keeper, &told, HOUR / 2).await;
    let expected = [
        "adopted old",
        "gone old",
        "failed: not_found",
        "adopted old",
        "renewed old 24",
    ];
    assert_eq!(told, expected);
    let tries = desk.times_of("create");
    assert!(
        tries[1].saturating_sub(tries[0]) >= Duration::from_millis(500),
        "{tries:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn at_most_three_are_made_in_a_second() {
    let desk = Desk::new();
    let (mut keeper, told) = desk.keeper();
    for model in Model::LISTED {
        keeper = keeper.keep(NewSubscription::new(model, URL));
    }
    let told = told_after(&keeper, &told, HOUR / 2).await;
    assert_eq!(told.len(), 11);
    let times = desk.times_of("create");
    assert_eq!((times.len(), times[0]), (11, Duration::ZERO));
    for four in times.windows(4) {
        assert!(
            four[3].saturating_sub(four[0]) >= Duration::from_secs(1),
            "{times:?}"
        );
    }
    // And without idling.
    assert!(times[10] < Duration::from_secs(4), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_and_tried_again_after_ever_longer_waits() {
    let desk = Desk::new();
    desk.fails((0..12).map(|_| unavailable()));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    let told = told_after(&keeper, &told, HOUR / 2).await;
    let (last, failed) = told.split_last().unwrap();
    assert_eq!(last, "created message-0");
    assert_eq!(failed.len(), 12);
    assert!(failed.iter().all(|line| line == "failed: unavailable"));
    let times = desk.times_of("create");
    for (failures, two) in (1_u32..).zip(times.windows(2)) {
        // The gate stands before each of them.
        let waited = two[1].saturating_sub(two[0] + Duration::from_millis(334));
        let longest = Duration::from_secs(2_u64.pow(failures - 1).min(300));
        let bounds = longest / 2..=longest + Duration::from_millis(2);
        assert!(bounds.contains(&waited), "{failures}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_to_wait_is_waited() {
    let desk = Desk::new();
    let asked = Duration::from_secs(90);
    desk.fails([Error::not_sent(ErrorKind::RateLimited, "too often").with_retry_after(asked)]);
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    told_after(&keeper, &told, HOUR / 2).await;
    assert!(desk.times_of("create")[1] >= asked);
}

/// What was carried out without an answer is found again.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_subscription() {
    let desk = Desk::new();
    desk.fails([unavailable()]);
    desk.add("made", Some(24 * HOUR));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    let told = told_after(&keeper, &told, HOUR / 2).await;
    assert_eq!(told, ["failed: unavailable", "adopted made"]);
    assert_eq!(desk.rows.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_no_repetition_cures_is_given_up_and_the_others_are_kept() {
    let desk = Desk::new();
    desk.fails([Error::not_sent(ErrorKind::InvalidMessage, "no url")]);
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message()).keep(New::new("cdr", URL));
    let told = told_after(&keeper, &told, HOUR / 2).await;
    assert_eq!(told, ["given up: invalid_message", "created cdr-0"]);

    let desk = Desk::new();
    desk.fails([Error::not_sent(ErrorKind::Unsupported, "no such call")]);
    let (keeper, _) = desk.keeper();
    // Nothing is left: it ends.
    keeper.keep(message()).run().await;
    assert_eq!(desk.times_of("create").len(), 1);
    desk.keeper().0.run().await;
}

#[tokio::test(start_paused = true)]
async fn failing_posts_are_told_once_until_they_go_again() {
    let desk = Desk::new();
    desk.add("it", Some(24 * HOUR));
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    let posts = async {
        let set = |status: &str, errors| {
            desk.with("it", |row| {
                row.status = status.to_owned();
                row.errors = errors;
            })
            .unwrap();
        };
        tokio::time::sleep(HOUR / 2).await;
        set("error", 3);
        tokio::time::sleep(2 * HOUR).await;
        set("active", 3);
        tokio::time::sleep(HOUR).await;
        set("error", 9);
        std::future::pending::<()>().await;
    };
    let run = async {
        tokio::select! { () = keeper.run() => (), () = posts => () }
    };
    assert!(tokio::time::timeout(6 * HOUR, run).await.is_err());
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(
        told,
        ["adopted it", "posts of it fail: 3", "posts of it fail: 9"]
    );
}

/// Dropped, it makes no call any more, and it leaves the subscription where it is.
#[tokio::test(start_paused = true)]
async fn it_stops_when_it_is_dropped() {
    let desk = Desk::new();
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    told_after(&keeper, &told, 2 * HOUR).await;
    drop(keeper);
    let before = desk.calls.lock().unwrap().len();
    tokio::time::sleep(48 * HOUR).await;
    assert_eq!(desk.calls.lock().unwrap().len(), before);
    assert_eq!(desk.rows.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_address_is_shown_or_logged() {
    let log = CapturedLog::start();
    let desk = Desk::new();
    desk.fails([unavailable()]);
    let (keeper, told) = desk.keeper();
    let keeper = keeper.keep(message());
    told_after(&keeper, &told, 13 * HOUR).await;
    let expected = [
        "subscription made",
        "could not be looked after",
        "subscription renewed",
    ];
    log.check(&expected, &["s3cret", "hooks"]);
    check_clean(&format!("{keeper:?}"), &["s3cret", "hooks"]);
}

/// What a client's keeper does first, at a server that lists these and makes whatever it is asked for.
async fn first_step(listed: &str) -> (String, Vec<String>) {
    const MADE: &str = r#"{"id":"made","model":"message","domain":"example.test","user":"*",
        "post-url":"https://hooks.example.test/ns?k=s3cret"}"#;
    let listed = listed.to_owned();
    let server = Scripted::start(move |seen| match seen.method.as_str() {
        "POST" => Reply::ok(MADE),
        "PUT" => Reply::status(202, "", ""),
        _ => Reply::ok(listed.clone()),
    })
    .await;
    let client = super::builder(&server)
        .domain("example.test")
        .build()
        .unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let keeper = client
        .keeper()
        .keep(NewSubscription::new(Model::Message, URL))
        .on_event(move |event| drop(tell.send(format!("{:?}", event.what))));
    let first = tokio::select! {
        () = keeper.run() => None,
        first = told.recv() => first,
    };
    let seen = server.seen().into_iter();
    (first.unwrap(), seen.map(|seen| seen.method).collect())
}

/// Not every server refuses a second one just like the first: what differs in its end may be another
/// to it.
#[tokio::test]
async fn one_that_is_there_is_found_before_another_is_made() {
    let own = r#"[{"id":"old","model":"message","domain":"example.test","user":"*",
        "post-url":"https://hooks.example.test/ns?k=s3cret",
        "subscription-expires-datetime":"2046-01-01 00:00:00"}]"#;
    let (first, seen) = first_step(own).await;
    assert!(first.starts_with("Adopted"), "{first}");
    assert_eq!(seen, ["GET"]);
    // One of another domain with the same address is another one.
    let (first, seen) = first_step(&own.replace("\"example", "\"other")).await;
    assert!(first.starts_with("Created"), "{first}");
    assert_eq!(seen, ["GET", "POST"]);
    let (first, seen) = first_step(r#"{"code":401,"message":"Invalid Scope [APP001]"}"#).await;
    assert!(first.starts_with("Created"), "{first}");
    assert_eq!(seen, ["GET", "POST"]);
}
