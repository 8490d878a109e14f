//! A backend for the tests of the server half: it remembers what it was asked in the neutral words,
//! takes everything under made-up ids, and refuses or panics when it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings::backend::{
    Accepted, AccountDesk, Batches, CallDesk, Contacts, ConversationDesk, Messages, NumberDesk,
    Presented, Principal, Refusal, SessionWish, SignIn, Submission, Submitted, SubscriptionDesk,
    TakenMessage, TokenDesk,
};
use tidings::batches::{QueuedBatch, StoppedBatch, StoppedMessage};
use tidings::{Priority, SenderId};

pub(crate) const SERVICE_ID: &str = "1000";
pub(crate) const USERNAME: &str = "demo";
pub(crate) const PASSWORD: &str = "s3cret";
/// A text at which the desk panics.
pub(crate) const PANIC: &str = "please panic";
/// A text at which the desk never answers.
pub(crate) const NEVER: &str = "please never answer";
/// The name that the desk makes for a batch without one.
pub(crate) const MADE_NAME: &str = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11";

#[derive(Debug, Default)]
pub(crate) struct Desk {
    refusal: Mutex<Option<Refusal>>,
    sign_in_refusal: Mutex<Option<Refusal>>,
    verdicts: Mutex<Option<Vec<Result<TakenMessage, Refusal>>>>,
    stopped: Mutex<Vec<StoppedMessage>>,
    asked: Mutex<Vec<String>>,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Every further call is refused once its caller has signed in.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap() = Some(refusal);
    }

    /// Nobody can sign in any more.
    pub(crate) fn refuse_sign_in(&self, refusal: Refusal) {
        *self.sign_in_refusal.lock().unwrap() = Some(refusal);
    }

    /// What becomes of the messages of the next submissions.
    pub(crate) fn decide(&self, verdicts: Vec<Result<TakenMessage, Refusal>>) {
        *self.verdicts.lock().unwrap() = Some(verdicts);
    }

    /// What is stopped of a batch.
    pub(crate) fn stops(&self, messages: Vec<StoppedMessage>) {
        *self.stopped.lock().unwrap() = messages;
    }

    /// What was asked so far, one line a call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn ask(&self, what: String) -> Result<(), Refusal> {
        self.asked.lock().unwrap().push(what);
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

/// The made-up id of the message at this place of a submission: `7a0000000a00`, `7a0000000b00`, ..
pub(crate) fn id(index: usize) -> String {
    format!("7a0000000{:x}00", 10 + index)
}

/// A message in one line: only what is not the default.
fn line(submitted: &Submitted) -> String {
    let Submitted { message, terms, .. } = submitted;
    let mut line = message.to.to_string();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.extend([" ", name, "=", &value]);
        }
    };
    add("from", message.from.as_ref().map(sender));
    add("ref", message.reference.as_ref().map(ToString::to_string));
    let priority = message.priority;
    add(
        "priority",
        (priority != Priority::Normal).then(|| priority.to_string()),
    );
    let seconds = message.valid_for.map(|valid| valid.as_secs());
    add("valid", seconds.map(|seconds| format!("{seconds}s")));
    let window = message.window.as_ref();
    add("window", window.map(|window| format!("{window:?}")));
    add("price", (terms.price > 0).then(|| terms.price.to_string()));
    add("age", terms.minimum_age.map(|age| age.to_string()));
    add(
        "session",
        match &terms.session {
            SessionWish::None => None,
            SessionWish::New => Some("new".to_owned()),
            SessionWish::Continue(id) => Some(id.clone()),
            _ => Some("unknown".to_owned()),
        },
    );
    add("report", terms.without_report.then(|| "no".to_owned()));
    for (key, value) in &terms.parameters {
        add(key, Some(value.clone()));
    }
    line.extend([" text=", &message.text]);
    line
}

fn sender(sender: &SenderId) -> String {
    match sender {
        SenderId::Alphanumeric(name) => format!("name:{name}"),
        SenderId::ShortCode(number) => format!("short:{number}"),
        other => format!("number:{other}"),
    }
}

#[async_trait]
impl SignIn for Desk {
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal> {
        if let Some(refusal) = self.sign_in_refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let good = presented.value("service_id") == Some(SERVICE_ID)
            && presented.value("username") == Some(USERNAME)
            && presented.value("password") == Some(PASSWORD);
        if good {
            Ok(Principal::new("account"))
        } else {
            Err(Refusal::Unauthorized)
        }
    }
}

#[async_trait]
impl Messages for Desk {
    async fn accept(&self, _: &Principal, submission: Submission) -> Result<Accepted, Refusal> {
        let name = submission.batch_reference.as_deref();
        let lines: Vec<String> = submission.messages.iter().map(line).collect();
        let unreadable = match submission.unreadable.len() {
            0 => String::new(),
            more => format!(" +{more} unreadable"),
        };
        let name_asked = name.map(|name| format!(" {name:?}")).unwrap_or_default();
        self.ask(format!(
            "accept{name_asked}: {}{unreadable}",
            lines.join(" | ")
        ))?;
        match submission.messages.first().map(|one| &*one.message.text) {
            Some(PANIC) => panic!("the desk was told to"),
            Some(NEVER) => std::future::pending().await,
            _ => {}
        }
        let decided = self.verdicts.lock().unwrap().clone();
        let all_taken = || {
            (0..submission.messages.len())
                .map(|index| Ok(TakenMessage::new(id(index))))
                .collect()
        };
        let verdicts = decided.unwrap_or_else(all_taken);
        let name = name.unwrap_or(MADE_NAME).to_owned();
        Ok(Accepted::new(Some(name), verdicts))
    }
}

#[async_trait]
impl Batches for Desk {
    async fn queued_batches(&self, _: &Principal) -> Result<Vec<QueuedBatch>, Refusal> {
        self.ask("list".to_owned())?;
        Ok(vec![
            QueuedBatch::new("batch-1", 1000),
            QueuedBatch::new("batch-2", 5).on_hold(2),
        ])
    }

    async fn queued_batch(&self, _: &Principal, reference: &str) -> Result<QueuedBatch, Refusal> {
        self.ask(format!("show {reference}"))?;
        match reference {
            "batch-9" => Err(Refusal::NotFound { what: "batch" }),
            _ => Ok(QueuedBatch::new(reference, 3000).on_hold(100)),
        }
    }

    async fn stop_batch(&self, _: &Principal, reference: &str) -> Result<StoppedBatch, Refusal> {
        self.ask(format!("stop {reference}"))?;
        let stopped = self.stopped.lock().unwrap().clone();
        match reference {
            "batch-9" => Err(Refusal::NotFound { what: "batch" }),
            _ => Ok(StoppedBatch::new(reference, stopped)),
        }
    }
}

impl Contacts for Desk {}

impl AccountDesk for Desk {}

// Areas that the vendor's API does not have.
impl TokenDesk for Desk {}
impl ConversationDesk for Desk {}
impl NumberDesk for Desk {}
impl SubscriptionDesk for Desk {}
impl CallDesk for Desk {}
