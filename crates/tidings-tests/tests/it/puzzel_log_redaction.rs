//! Nothing that is secret or private reaches a log: the whole log of a full run over Puzzel, client,
//! server, simulated carrier and its calls to the customer together, of every crate at the finest
//! level, is searched for the password, texts, numbers and references that name people.
//!
//! Every error of the run is logged as a program would log it, with its whole chain, so that errors
//! are searched too.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidings::http::HttpClient;
use tidings::puzzel::encoding::Encoding;
use tidings::puzzel::{OriginatorSettings, Parameter, SendOptions, Session, Settings};
use tidings::{
    Account, AttemptRef, ClientRef, Clock as _, E164, Error, Message, Outbound, Provider, Result,
    SenderId, SystemClock, puzzel,
};
use tidings_sim::Scenario;
use tidings_sim::world::PhoneText;
use tidings_tests::{CapturedLog, Carrier, Recorder, standard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SERVICE_ID: &str = "4711";
const USERNAME: &str = "velmora";
const PASSWORD: &str = "sk-Zw5tLq9hKd";
const TEXT: &str = "Koden din er Trollstigen";
const ANSWER: &str = "Nei takk Gaustatoppen";
const NUMBER: &str = "+4741297386";
const REFUSED_NUMBER: &str = "+4741297387";
const PHONE: &str = "+4741297388";
/// The sender of messages that come from a person's own number.
const SENDER: &str = "+4741297389";

/// How long a call may take, so that no busy machine makes it too long.
const LONG: Duration = Duration::from_secs(30);
/// Shorter than a late answer takes.
const SHORT: Duration = Duration::from_millis(500);

/// What a call can meet, one scenario each.
const FAULTS: [&str; 13] = [
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
];

struct Run {
    carrier: Carrier,
    client: puzzel::Client,
}

impl Run {
    async fn start(customer: &Recorder) -> Self {
        let scenario = format!(
            "[delays]\nsent_ms = 0\ndelivered_ms = 0\n[[fail]]\nto = \"{REFUSED_NUMBER}\"\nat = \"accept\"\n"
        );
        let account = Account::new("secret account")
            .with("service_id", SERVICE_ID)
            .with("username", USERNAME)
            .with("password", PASSWORD);
        let carrier =
            Carrier::of_account_telling(&puzzel::SPEC, &scenario, account, customer).await;
        Self {
            client: connect(&carrier, LONG),
            carrier,
        }
    }

    /// Through the neutral interface, with layers and without.
    async fn neutral_calls(&self) {
        let one = |reference: &str, to: &str, text: &str| {
            let message = Message::new(number(to), text).from(SenderId::parse("Skole").unwrap());
            Outbound::new(ClientRef::new(reference).unwrap(), message)
        };
        let messages = [
            one("r-1", NUMBER, TEXT),
            one("r-2", REFUSED_NUMBER, TEXT),
            one("r-3", NUMBER, &format!("{TEXT}!")),
        ];
        tracing::info!(?messages, "to submit");
        // The carrier asks for longer waits than this in vain: the error comes at once.
        let patience = Duration::from_millis(100);
        let layered = standard(Arc::new(self.client.clone()), patience);
        let started = SystemClock::new().now();
        match layered.submit(&messages).await {
            Ok(results) => {
                for result in results {
                    if let Some(receipt) = log("message", result) {
                        let canceled = self.client.cancel(&receipt.provider_ref).await;
                        log("cancel", canceled);
                    }
                }
            }
            Err(error) => {
                let about = error.provider_ref().cloned();
                log::<()>("submit", Err(error));
                let mut attempt = AttemptRef::new(messages[0].clone(), started);
                attempt.provider_ref = about;
                let reconciled = self.client.reconcile(&attempt).await;
                log("reconcile", reconciled);
            }
        }
    }

    /// Through the vendor's own calls, in every form.
    async fn vendor_calls(&self) {
        let client = &self.client;
        let settings = Settings::new()
            .originator(OriginatorSettings::network("1960"))
            .session(Session::New)
            .parameter(Parameter::strex_authorization_token(PASSWORD));
        let messages = [
            puzzel::Message::new(NUMBER, TEXT).settings(settings),
            puzzel::Message::new(REFUSED_NUMBER, TEXT),
            puzzel::Message::new(number(NUMBER), TEXT).settings(
                Settings::new().originator(OriginatorSettings::international(&number(SENDER))),
            ),
        ];
        tracing::info!(?messages, ?client, "to send");
        for encoding in [Encoding::Json, Encoding::Xml, Encoding::Form] {
            let options = SendOptions::new().encoding(encoding);
            let sent = client.send(&messages, &options).await;
            log("send", sent);
        }
        let sent = client.send_by_get(&messages, &SendOptions::new()).await;
        let batch = log("get", sent).and_then(|sent| sent.batch_reference);
        let batch = batch.unwrap_or_else(|| "batch-9".to_owned());
        let wrong = [
            puzzel::Message::new(format!("{NUMBER}x"), TEXT),
            puzzel::Message::new(NUMBER, ""),
        ];
        for message in &wrong {
            let sent = client.send_one(message, &SendOptions::new()).await;
            log("wrong", sent);
        }
        let batches = client.list_batches().await;
        log("list", batches);
        let shown = client.batch(&batch).await;
        log("show", shown);
        let stopped = client.stop_batch(&batch).await;
        log("stop", stopped);
    }

    /// Calls that no client of ours makes, with something private in every place of the request.
    async fn strange_calls(&self) {
        let body = format!(
            "{{\"serviceId\":{SERVICE_ID},\"username\":\"{USERNAME}\",\"password\":\"{PASSWORD}\",\
             \"message\":[{{\"recipient\":\"{NUMBER}\",\"content\":\"{TEXT}\",\"price\":\"{TEXT}\"}}]}}"
        );
        let xml = format!(
            "<request><serviceId>{SERVICE_ID}</serviceId><username>{USERNAME}</username>\
             <password>{PASSWORD}</password><message><content>{TEXT}</message></request>"
        );
        let send = "/gw/rs/sendMessages";
        let query = format!(
            "{send}?serviceId={SERVICE_ID}&username={USERNAME}&password={PASSWORD}\
             &message[0].recipient=%2B4741297386&message[0].content=Trollstigen&{PASSWORD}=1"
        );
        let json = "application/json";
        let wrong = body.replace(PASSWORD, "wrong");
        let cut: String = body.chars().take(150).collect();
        for (method, path, content_type, body) in [
            ("POST", send, json, cut.as_str()),
            ("POST", send, json, wrong.as_str()),
            ("POST", send, "application/xml", xml.as_str()),
            ("POST", send, PASSWORD, body.as_str()),
            (
                "POST",
                send,
                "application/x-www-form-urlencoded",
                body.as_str(),
            ),
            ("GET", &query.replace(USERNAME, "nobody"), json, ""),
            ("GET", &format!("{query}&message[x]=1"), json, ""),
            ("GET", &format!("/{PASSWORD}/{NUMBER}"), json, ""),
            ("DELETE", &format!("{send}/{NUMBER}"), json, &body),
            (
                "GET",
                &format!("/management/{SERVICE_ID}/batch/{PASSWORD}"),
                json,
                "",
            ),
        ] {
            let length = body.len();
            let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close");
            let request = format!(
                "{head}\r\nAuthorization: Basic {PASSWORD}\r\nContent-Type: {content_type}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            let mut stream = TcpStream::connect(self.carrier.simulator.address())
                .await
                .unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let status = answer.get(9..12).unwrap_or_default();
            assert!(!status.is_empty(), "{method} {path}");
        }
    }

    /// A phone answers, and the customer is told of that and of the reports.
    async fn callbacks(&self, customer: &Recorder) {
        let text = PhoneText::new(number(PHONE), ANSWER).to(Some("1960".to_owned()));
        tracing::info!(?text, "a phone sends");
        let world = self.carrier.simulator.world();
        let received = world.receive(text).await;
        tracing::info!(?received, "received");
        let calls = customer.wait_until(|calls| {
            let bodies = || calls.iter().map(|call| call.body.as_str());
            bodies().any(|body| body.contains(ANSWER))
                && bodies().any(|body| body.contains("\"dr\""))
        });
        for call in calls {
            let callback = call.as_callback();
            let parse = puzzel::SPEC.parse_callback.unwrap();
            let told = parse(&callback);
            tracing::info!(?callback, ?told, "told");
            let mut spoilt = callback.clone();
            spoilt.body = call.body.replace(':', ",").into();
            let told = parse(&spoilt);
            tracing::info!(?told, "spoilt");
        }
    }
}

/// A client of the carrier's account. Its calls may take as long as `limit`.
fn connect(carrier: &Carrier, limit: Duration) -> puzzel::Client {
    let http = HttpClient::builder().timeout(limit);
    let account = carrier.simulator.account();
    puzzel::Client::from_account(&account, http.build().unwrap()).unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn no_password_no_text_and_no_number_is_logged() {
    let captured = CapturedLog::install();
    let customer = Recorder::start("");
    let mut run = Run::start(&customer).await;

    run.neutral_calls().await;
    run.vendor_calls().await;
    run.strange_calls().await;
    run.callbacks(&customer).await;
    for fault in FAULTS {
        let scenario = Scenario::from_toml(&format!("[[fault]]\n{fault}\n")).unwrap();
        run.carrier.simulator.set_scenario(scenario).unwrap();
        // The last client's connections may have been told to be slow.
        let limit = if fault.starts_with("late") {
            SHORT
        } else {
            LONG
        };
        run.client = connect(&run.carrier, limit);
        run.neutral_calls().await;
        run.vendor_calls().await;
    }

    let basic = STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    let text = captured.text();
    for (what, secret) in [
        ("the password", PASSWORD),
        ("the password in HTTP Basic", &basic),
        ("the text", TEXT),
        ("a word of the text", "Trollstigen"),
        ("a word of a phone's text", "Gaustatoppen"),
        ("a recipient", "41297386"),
        ("a refused recipient", "41297387"),
        ("a phone that wrote", "41297388"),
        ("a person's number as the sender", "41297389"),
    ] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} is in the log");
    }
    for (what, wanted) in [
        ("what the server took", "took"),
        ("the path of a call", "/gw/rs/sendMessages"),
        ("the path of a batch", "/management/{service_id}/batch/{"),
        ("the client's connections", "hyper_util"),
    ] {
        assert!(text.contains(wanted), "{what} is not in the log");
    }
    for fault in FAULTS {
        let name = fault.split(' ').next().unwrap();
        let acted = format!("a fault of the scenario acts fault={name}");
        assert!(text.contains(&acted), "{name} never acted");
    }
}
