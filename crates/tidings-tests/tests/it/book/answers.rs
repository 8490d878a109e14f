//! What a provider's client makes of answers: each is played to the real client by a server that
//! gives it to every call. Asked by the tables of the book.
//!
//! The answers that every provider can give are made here; those in a vendor's own words are in the
//! provider's folder, in `testdata/answers.json`, with the account that is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tidings::http::HttpClient;
use tidings::{Account, ClientRef, E164, Message, Outbound, Provider, ProviderSpec, SenderId};
use tidings_tests::{Answer, Recorder};

use super::provider_folder;

/// What an answer to a call with one message means for the message: a kind and an acceptance, or that it
/// was taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Meaning {
    pub(super) kind: String,
    pub(super) acceptance: String,
}

/// `testdata/answers.json` of a provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Where the answers come from, for people.
    #[serde(rename = "source")]
    _source: String,
    /// The settings of the account, without the address.
    account: BTreeMap<String, String>,
    to: String,
    from: Option<String>,
    /// Answers in the vendor's own words.
    pub(super) answers: Vec<OwnAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnAnswer {
    /// How the book describes it.
    pub(super) answer: String,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

impl Asked {
    #[track_caller]
    pub(super) fn of(spec: &ProviderSpec) -> Self {
        let path = provider_folder(spec.id).join("testdata/answers.json");
        let text = fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| {
            let path = path.display();
            panic!("{path}: {error}; it is made as in the folders of the other providers")
        });
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(super) fn message(&self) -> Message {
        let message = Message::new(E164::parse(&self.to, None).unwrap(), "Hello");
        match &self.from {
            Some(sender) => message.from(SenderId::parse(sender).unwrap()),
            None => message,
        }
    }

    fn account(&self, base_url: &str, changed: &BTreeMap<String, String>) -> Account {
        let settings = self.account.iter().chain(changed);
        let account = Account::new("book").with("base_url", base_url);
        settings.fold(account, |account, (name, value)| {
            account.with(name, value.as_str())
        })
    }
}

/// A client, and the server that answers it as it is told to.
pub(super) struct Played {
    spec: &'static ProviderSpec,
    asked: Asked,
    next: Arc<Mutex<Answer>>,
    server: Recorder,
}

impl Played {
    pub(super) fn of(spec: &'static ProviderSpec) -> Self {
        let next = Arc::new(Mutex::new(Answer::status(500)));
        let told = Arc::clone(&next);
        Self {
            spec,
            asked: Asked::of(spec),
            next,
            server: Recorder::answering(move |_| told.lock().unwrap().clone()),
        }
    }

    pub(super) fn own_answers(&self) -> &[OwnAnswer] {
        &self.asked.answers
    }

    /// The client of an account with these settings besides its own.
    pub(super) fn client(&self, changed: &BTreeMap<String, String>) -> Arc<dyn Provider> {
        let account = self.asked.account(&self.server.base_url(), changed);
        let http = HttpClient::builder()
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        (self.spec.connect)(&account, http).unwrap()
    }

    pub(super) async fn meaning(&self, client: &dyn Provider, answer: Answer) -> Meaning {
        *self.next.lock().unwrap() = answer;
        let outbound = Outbound::new(ClientRef::new("book-1").unwrap(), self.asked.message());
        let given = client.submit(&[outbound]).await;
        meaning(given.and_then(|mut each| each.remove(0)))
    }

    pub(super) async fn meaning_of_own(&self, own: &OwnAnswer) -> Meaning {
        let mut answer = Answer::status(own.status).body(&own.body);
        for (name, value) in &own.headers {
            answer = answer.header(name, value);
        }
        self.meaning(&*self.client(&own.settings), answer).await
    }
}

pub(super) fn meaning<T>(given: tidings::Result<T>) -> Meaning {
    match given {
        Ok(_) => Meaning {
            kind: "taken".to_owned(),
            acceptance: String::new(),
        },
        Err(error) => Meaning {
            kind: format!("`{}`", error.kind()),
            acceptance: format!("`{}`", error.acceptance()),
        },
    }
}
