//! Nothing that is secret or private reaches a log: the whole log of a full run over Puzzel, client,
//! server, simulated carrier and its calls to the customer together, of every crate at the finest
//! level, is searched for the password, texts, numbers and references that name people.
//!
//! Every error of the run is logged as a program would log it, with its whole chain, so that errors
//! are searched too.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidings::http::HttpClient;
use tidings::puzzel::encoding::Encoding;
use tidings::puzzel::{OriginatorSettings, Parameter, SendOptions, Session, Settings};
use tidings::{
    Account, AttemptRef, ClientRef, Clock as _, E164, Message, Outbound, Provider, SenderId,
    SystemClock, puzzel,
};
use tidings_sim::world::PhoneText;
use tidings_tests::{CALL_LIMIT, CapturedLog, Carrier, Fault, Recorder, log_ended, standard};

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
            client: connect(&carrier, CALL_LIMIT),
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
                    if let Some(receipt) = log_ended("message", result) {
                        let canceled = self.client.cancel(&receipt.provider_ref).await;
                        log_ended("cancel", canceled);
                    }
                }
            }
            Err(error) => {
                let about = error.provider_ref().cloned();
                log_ended::<()>("submit", Err(error));
                let mut attempt = AttemptRef::new(messages[0].clone(), started);
                attempt.provider_ref = about;
                let reconciled = self.client.reconcile(&attempt).await;
                log_ended("reconcile", reconciled);
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
            log_ended("send", sent);
        }
        let sent = client.send_by_get(&messages, &SendOptions::new()).await;
        let batch = log_ended("get", sent).and_then(|sent| sent.batch_reference);
        let batch = batch.unwrap_or_else(|| "batch-9".to_owned());
        let wrong = [
            puzzel::Message::new(format!("{NUMBER}x"), TEXT),
            puzzel::Message::new(NUMBER, ""),
        ];
        for message in &wrong {
            let sent = client.send_one(message, &SendOptions::new()).await;
            log_ended("wrong", sent);
        }
        let batches = client.list_batches().await;
        log_ended("list", batches);
        let shown = client.batch(&batch).await;
        log_ended("show", shown);
        let stopped = client.stop_batch(&batch).await;
        log_ended("stop", stopped);
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
            let headers = [
                ("Authorization", format!("Basic {PASSWORD}")),
                ("Content-Type", content_type.to_owned()),
            ];
            let headers = headers.each_ref().map(|(name, value)| (*name, &**value));
            let head = format!("{method} {path}");
            self.carrier.strange_call(&head, &headers, body).await;
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

fn number(text: &str) -> E164 {
    text.parse().unwrap()
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
    for fault in Fault::OF_ALL_PROVIDERS {
        let simulator = &run.carrier.simulator;
        simulator.set_scenario(fault.scenario()).unwrap();
        // The last client's connections may have been told to be slow.
        run.client = connect(&run.carrier, fault.time_limit());
        run.neutral_calls().await;
        run.vendor_calls().await;
    }

    let basic = STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    captured.assert_lacks(&[
        ("the password", PASSWORD),
        ("the password in HTTP Basic", &basic),
        ("the text", TEXT),
        ("a word of the text", "Trollstigen"),
        ("a word of a phone's text", "Gaustatoppen"),
        ("a recipient", "41297386"),
        ("a refused recipient", "41297387"),
        ("a phone that wrote", "41297388"),
        ("a person's number as the sender", "41297389"),
    ]);
    captured.assert_holds(&[
        ("what the server took", "took"),
        ("the path of a call", "/gw/rs/sendMessages"),
        ("the path of a batch", "/management/{service_id}/batch/{"),
        ("the client's connections", "hyper_util"),
    ]);
    captured.assert_acted(&Fault::OF_ALL_PROVIDERS);
}
