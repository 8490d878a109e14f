//! Nothing that is secret or private reaches a log: the whole log of a full run, client, server and
//! simulated carrier together, of every crate at the finest level, is searched for the keys, a text,
//! names and numbers.
//!
//! Every error of the run is logged as a program would log it, with its whole chain, so that errors
//! are searched too.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tidings::http::HttpClient;
use tidings::{
    Account, ClientRef, E164, Error, Message, Outbound, Provider, ProviderRef, Result, SenderId,
    passinfo,
};
use tidings_sim::Scenario;
use tidings_tests::{CapturedLog, Carrier, standard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KEY: &str = "sk-Qx7rPz0vLw";
const TEXT: &str = "Votre code est Ravenala";
const FIRST_NAME: &str = "Mariamakesso";
const LAST_NAME: &str = "Diallobanko";
const NUMBER: &str = "+224622913547";
const REFUSED_NUMBER: &str = "+224622913548";

/// How long a call may take, so that no busy machine makes it too long.
const LONG: Duration = Duration::from_secs(30);
/// Shorter than a late answer takes.
const SHORT: Duration = Duration::from_millis(500);

/// What a call can meet, one scenario each.
const FAULTS: [&str; 14] = [
    "refuse = { status = 503, code = \"busy\", body = \"come back later\" }",
    "refuse = { status = 400 }",
    "rate_limit = { retry_after_s = 2 }",
    "drop = { when = \"before\" }",
    "drop = { when = \"before\", reset = true }",
    "drop = { when = \"after\" }",
    "drop = { when = \"mid_answer\" }",
    "late = { ms = 2000 }\nfirst = 2",
    "slow = { chunk_ms = 1 }",
    "broken_json = true",
    "wrong_content_type = { content_type = \"text/html\" }",
    "empty_body = true",
    "failure_in_200 = { message = \"not today\" }",
    "no_credit = true",
];

struct Run {
    carrier: Carrier,
    client: passinfo::Client,
}

impl Run {
    async fn start() -> Self {
        let scenario = format!(
            "[delays]\nsent_ms = 0\ndelivered_ms = 0\n[[fail]]\nto = \"{REFUSED_NUMBER}\"\nat = \"accept\"\n"
        );
        let account = Account::new("secret account")
            .with("client_id", "4711")
            .with("api_key", KEY);
        let carrier = Carrier::with_account(&passinfo::SPEC, &scenario, account).await;
        Self {
            client: connect(&carrier, LONG),
            carrier,
        }
    }

    async fn messages(&self) -> Option<String> {
        let client = self.client.clone();
        let (to, refused) = (number(NUMBER), number(REFUSED_NUMBER));
        let sent = client.send(&to, TEXT, None).await;
        let sent = log("send", sent).map(|sent| sent.value);
        let bulk = client.send_bulk(&[to, refused], TEXT, None).await;
        log("bulk", bulk);
        let one = |reference: &str, to: E164, text: &str| {
            let message = Message::new(to, text).from(SenderId::parse("Ecole").unwrap());
            Outbound::new(ClientRef::new(reference).unwrap(), message)
        };
        let messages = [
            one("r-1", to, TEXT),
            one("r-2", refused, TEXT),
            one("r-3", to, &format!("{TEXT}!")),
            one("r-4", number("+33612913547"), TEXT),
        ];
        tracing::info!(?messages, "to submit");
        // The carrier asks for longer waits than this in vain: the error comes at once.
        let patience = Duration::from_millis(100);
        let layered = standard(Arc::new(client.clone()), patience);
        let submitted = layered.submit(&messages).await;
        if let Some(results) = log("submit", submitted) {
            for result in results {
                log("message", result);
            }
        }
        let id = sent.as_ref().map_or("1", |sent| sent.id.as_str());
        let status = client.message_status(id).await;
        log("status", status);
        let refs = [
            ProviderRef::message(id),
            ProviderRef::batch_member("unknown", to),
        ];
        let reports = client.status(&refs).await;
        log("reports", reports);
        sent.map(|sent| sent.id)
    }

    async fn address_book(&self) {
        let client = self.client.clone();
        let added = client
            .create_contact(FIRST_NAME, LAST_NAME, &number(NUMBER))
            .await;
        let added = log("contact", added);
        let id = added.and_then(|added| added.value.id).unwrap_or_default();
        let page = client.contacts_page(1, 10).await;
        log("page", page);
        let mut contacts = Box::pin(client.all_contacts(1));
        while let Some(contact) = contacts.next().await {
            if log("listed", contact).is_none() {
                break;
            }
        }
        let users = client.link_users(&id, &["user-1"]).await;
        log("users", users);
        let group = client.create_group("Teachers").await;
        let group = log("group", group).map(|group| group.value.id);
        let group = group.unwrap_or_default();
        let joined = client.add_contact_to_group(&id, &group).await;
        log("joined", joined);
        let groups = client.groups().await;
        log("groups", groups);
        let sent = client.send_to_group(&group, TEXT, None).await;
        log("to group", sent);
        let credits = client.credits().await;
        log("credits", credits);
    }

    /// Calls that no client of ours makes, with something private in every place of the request.
    async fn strange_calls(&self) {
        let national = number(NUMBER).national_number().to_owned();
        let body = format!("{{\"message\":\"{TEXT}\",\"contact\":\"{NUMBER}\",\"senderName\":5}}");
        let single = "/v1/message/single_message";
        let status = format!("/v1/message/get_single_status/{national}");
        let query = format!("/v1/contact/all_my_contacts?limit={national}&key={KEY}");
        for (method, path, key, body) in [
            ("POST", single, KEY, body.as_str()),
            (
                "POST",
                single,
                KEY,
                "{\"message\":\"Votre code est Ravenala",
            ),
            ("POST", single, "wrong", body.as_str()),
            ("GET", status.as_str(), KEY, ""),
            ("GET", query.as_str(), KEY, ""),
            ("GET", &format!("/{KEY}/{national}"), KEY, ""),
            ("DELETE", single, KEY, body.as_str()),
            ("Votre code est Ravenala", single, KEY, ""),
        ] {
            let length = body.len();
            let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close");
            let request = format!(
                "{head}\r\nApi-Key: {key}\r\nClient-Id: 4711\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let mut stream = TcpStream::connect(self.carrier.simulator.address())
                .await
                .unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let status = answer.get(9..12).unwrap_or_default();
            assert!(status.starts_with('4'), "{method} {path}: {answer}");
        }
    }
}

/// A client that knows the account as it is at this moment. Its calls may take as long as `limit`.
fn connect(carrier: &Carrier, limit: Duration) -> passinfo::Client {
    let http = HttpClient::builder().timeout(limit);
    let account = carrier.simulator.account().with("sender", "Ecole");
    passinfo::Client::from_account(&account, http.build().unwrap()).unwrap()
}

/// Logs how a call ended, as a program would; an answer's `Debug` is logged too.
fn log<T: Debug>(what: &str, ended: Result<T>) -> Option<T> {
    match ended {
        Ok(answer) => {
            tracing::info!(?answer, "{what}");
            Some(answer)
        }
        Err(error) => {
            let chain = chain(&error);
            tracing::error!(debug = ?error, "{what}: {chain}");
            None
        }
    }
}

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

fn chain(error: &Error) -> String {
    let mut chain = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    chain
}

#[tokio::test]
async fn no_key_no_text_no_name_and_no_number_is_logged() {
    let captured = CapturedLog::install();
    let mut run = Run::start().await;

    let id = run.messages().await.unwrap();
    run.address_book().await;
    run.strange_calls().await;
    for fault in FAULTS {
        let scenario = Scenario::from_toml(&format!("[[fault]]\n{fault}\n"));
        run.carrier
            .simulator
            .set_scenario(scenario.unwrap())
            .unwrap();
        // A renewal whose answer was lost locked the client before this one out.
        let limit = if fault.starts_with("late") {
            SHORT
        } else {
            LONG
        };
        run.client = connect(&run.carrier, limit);
        run.messages().await;
        run.address_book().await;
        if !fault.starts_with("drop") {
            let renewed = run.client.renew_api_key().await;
            log("renewal", renewed.map(|_| ()));
        }
    }
    run.carrier
        .simulator
        .set_scenario(Scenario::default())
        .unwrap();
    let stale = run.client.credits().await;
    let renewed = new_key(&run.carrier);
    tracing::info!(?stale, ?renewed, "after the renewals");

    let text = captured.text();
    let new_key = renewed.expose_secret();
    assert_ne!(new_key, KEY);
    let national = number(NUMBER).national_number().to_owned();
    for (what, secret) in [
        ("the old key", KEY),
        ("the new key", new_key),
        ("the text", TEXT),
        ("a word of the text", "Ravenala"),
        ("a first name", FIRST_NAME),
        ("a last name", LAST_NAME),
        ("a number in international form", NUMBER),
        ("a number in national form", &national),
        ("a number of another country", "612913547"),
    ] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} is in the log");
    }
    for (what, wanted) in [
        ("what the server took", format!("took message {id}")),
        (
            "what the client sent",
            format!("passinfo took message {id}"),
        ),
        (
            "the path of a call",
            "/v1/message/get_single_status/{message_id}".to_owned(),
        ),
        ("the client's connections", "hyper_util".to_owned()),
    ] {
        assert!(text.contains(&wanted), "{what} is not in the log");
    }
    for fault in FAULTS {
        let name = fault.split(' ').next().unwrap();
        let acted = format!("a fault of the scenario acts fault={name}");
        assert!(text.contains(&acted), "{name} never acted");
    }
}

fn new_key(carrier: &Carrier) -> SecretString {
    let credentials = carrier.simulator.credentials();
    let key = credentials.into_iter().find(|(name, _)| *name == "api_key");
    key.unwrap().1
}
