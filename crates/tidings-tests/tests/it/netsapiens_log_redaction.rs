//! Nothing that is secret or private reaches a log: the whole log of a full run over NetSapiens, client,
//! server, simulated carrier and its posts to subscribers together, of every crate at the finest level,
//! is searched for secrets, tokens, texts, numbers and files.
//!
//! Every error of the run is logged as a program would log it, with its whole chain, so that errors
//! are searched too.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use tidings::conversations::Page;
use tidings::http::HttpClient;
use tidings::netsapiens::{self, Client, Model, NewCall, NewSubscription};
use tidings::{
    Account, AttemptRef, ClientRef, Clock as _, E164, Media, Message, Outbound, Provider,
    SystemClock,
};
use tidings_sim::world::PhoneText;
use tidings_tests::{CALL_LIMIT, CapturedLog, Carrier, Fault, Recorder, log_ended, standard};

const CLIENT_SECRET: &str = "cs-Bv3nXq8pTz";
const USERNAME: &str = "200@velmora.example";
const PASSWORD: &str = "pw-Zw5tLq9hKd";
const TEXT: &str = "Your code is Trollstigen";
const ANSWER: &str = "No thanks Gaustatoppen";
const NUMBER: &str = "+224621297386";
const REFUSED_NUMBER: &str = "+224621297387";
const PHONE: &str = "+224621297388";
/// In the address that events are posted to.
const HOOK_SECRET: &str = "hook-Mj4kRw7sQx";
/// It begins as a file of its type does.
const FILE: &[u8] = b"\x89PNG\r\n\x1a\n and a picture of the Preikestolen";

struct Run {
    carrier: Carrier,
    client: Client,
}

impl Run {
    async fn start() -> Self {
        let scenario = format!(
            "rights = \"system\"\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n\
             [[fail]]\nto = \"{REFUSED_NUMBER}\"\nat = \"accept\"\n"
        );
        let account = Account::new("secret account")
            .with("client_id", "velmora.app")
            .with("client_secret", CLIENT_SECRET)
            .with("username", USERNAME)
            .with("password", PASSWORD);
        let carrier = Carrier::with_account(&netsapiens::SPEC, &scenario, account).await;
        Self {
            client: connect(&carrier, CALL_LIMIT),
            carrier,
        }
    }

    /// Through the neutral interface, with layers and without.
    async fn neutral_calls(&self) {
        let one = |reference: &str, to: &str, text: &str| {
            let reference = ClientRef::new(reference).unwrap();
            Outbound::new(reference, Message::new(number(to), text))
        };
        let mut messages = [
            one("r-1", NUMBER, TEXT),
            one("r-2", REFUSED_NUMBER, TEXT),
            one("r-3", NUMBER, &format!("{TEXT}!")),
        ];
        messages[2].message.media = Some(file());
        tracing::info!(?messages, "to submit");
        // The carrier asks for longer waits than this in vain: the error comes at once.
        let layered = standard(Arc::new(self.client.clone()), Duration::from_millis(100));
        let started = SystemClock::new().now();
        for message in messages {
            let submitted = layered.submit(std::slice::from_ref(&message)).await;
            let submitted = submitted.and_then(|mut results| results.remove(0));
            let mut attempt = AttemptRef::new(message, started);
            let about = match &submitted {
                Ok(receipt) => Some(receipt.provider_ref.clone()),
                Err(error) => error.provider_ref().cloned(),
            };
            log_ended("submit", submitted);
            attempt.provider_ref.clone_from(&about);
            tracing::info!(?attempt, "to reconcile");
            log_ended("reconcile", self.client.reconcile(&attempt).await);
            if let Some(about) = about {
                log_ended("status", self.client.status(&[about]).await);
            }
        }
    }

    /// Through the vendor's own calls.
    async fn vendor_calls(&self, customer: &Recorder) {
        let client = &self.client;
        let message = netsapiens::Message::sms([number(NUMBER)], TEXT);
        let picture = netsapiens::Message::mms([number(NUMBER)], file(), TEXT);
        let chat = netsapiens::Message::chat(["200"], TEXT);
        tracing::info!(?message, ?picture, ?chat, ?client, "to send");
        log_ended("send", client.send(&message).await);
        let sent = log_ended("picture", client.send(&picture).await);
        log_ended("chat", client.send(&chat).await);
        log_ended("own session", client.send_in_server_session(&message).await);
        let session = sent.and_then(|sent| sent.value.session);
        let session = session.unwrap_or_else(|| "tidings_0123456789abcdef0123456789".to_owned());
        // Short lists: one of the faults lets them come byte by byte.
        let page = Page::first(1);
        log_ended("sessions", client.sessions(page).await);
        log_ended("domain", client.domain_sessions(page).await);
        log_ended("session", client.session(&session).await);
        let listed = log_ended("messages", client.messages(&session, page).await);
        let neutral = client.conversations().unwrap();
        let mailbox = log_ended("neutral", neutral.messages(&session, page).await);
        tracing::info!(?listed, ?mailbox, "listed");
        for stored in mailbox.into_iter().flatten().filter_map(|one| one.media) {
            log_ended("file", client.fetch_media(&stored).await);
        }
        log_ended("read", client.mark_session(&session, true).await);
        log_ended("numbers", client.user_numbers(page).await);
        let hook = format!("{}/?k={HOOK_SECRET}", customer.base_url());
        let events = NewSubscription::new(Model::Message, hook);
        tracing::info!(?events, "to subscribe");
        log_ended("subscribe", client.create_subscription(&events).await);
        log_ended("subscriptions", client.subscriptions(page).await);
        let call = NewCall::new(NUMBER);
        tracing::info!(?call, "to call");
        let started = log_ended("call", client.start_call(&call).await);
        log_ended("calls", client.calls().await);
        if let Some(started) = started {
            log_ended("hang up", client.hang_up(&started.value.id).await);
        }
        tracing::info!(token = ?client.token(), "signed in");
    }

    /// Calls that no client of ours makes, with something private in every place of the request.
    async fn strange_calls(&self) {
        let token = self.token();
        let send = "/ns-api/v2/domains/~/users/~/messages";
        let number = NUMBER.trim_start_matches('+');
        let body = format!(
            "{{\"type\":\"sms\",\"message\":\"{TEXT}\",\"destination\":\"{number}\",\
             \"from-number\":\"{TEXT}\",\"data\":\"{}\"}}",
            STANDARD.encode(FILE)
        );
        let cut: String = body.chars().take(60).collect();
        let sign_in =
            format!("username={USERNAME}&password={PASSWORD}&client_secret={CLIENT_SECRET}");
        for (method, path, body) in [
            ("POST", send.to_owned(), body.as_str()),
            ("POST", send.to_owned(), cut.as_str()),
            ("POST", format!("{send}/{number}"), body.as_str()),
            (
                "PUT",
                format!("/ns-api/v2/{PASSWORD}/{number}"),
                body.as_str(),
            ),
            ("POST", format!("/ns-api/v2/tokens?{sign_in}"), ""),
            (
                "POST",
                format!("/ns-api/oauth2/token/?{sign_in}"),
                sign_in.as_str(),
            ),
            ("POST", "/ns-api/v2/tokens".to_owned(), sign_in.as_str()),
            ("GET", format!("/ns-api/v2/jwt/{token}"), ""),
        ] {
            let authorization = format!("Bearer {token}");
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Content-Type", "application/json"),
            ];
            let head = format!("{method} {path}");
            self.carrier.strange_call(&head, &headers, body).await;
        }
    }

    /// A phone answers, and the customer is told.
    async fn events(&self, customer: &Recorder) {
        let to = Some(own_number(&self.carrier).as_str().to_owned());
        let text = PhoneText::new(number(PHONE), ANSWER).to(to);
        tracing::info!(?text, "a phone sends");
        let received = self.carrier.simulator.world().receive(text).await;
        tracing::info!(?received, "received");
        let calls =
            customer.wait_until(|calls| calls.iter().any(|call| call.body.contains(ANSWER)));
        for call in calls {
            let callback = call.as_callback();
            let parse = netsapiens::SPEC.parse_callback.unwrap();
            let told = parse(&callback);
            let read = netsapiens::callback::read(&callback.body);
            tracing::info!(?callback, ?told, ?read, "told");
            let mut spoilt = callback.clone();
            spoilt.body = call.body.replace(':', ",").into();
            let told = parse(&spoilt);
            tracing::info!(?told, "spoilt");
        }
    }

    fn token(&self) -> String {
        let token = self.client.token().expect("it has signed in");
        token.access_token.expose_secret().to_owned()
    }
}

/// A client of the carrier's account. Its calls may take as long as `limit`.
fn connect(carrier: &Carrier, limit: Duration) -> Client {
    let http = HttpClient::builder().timeout(limit).build().unwrap();
    Client::builder()
        .base_url(carrier.simulator.base_url())
        .password("velmora.app", CLIENT_SECRET, USERNAME, PASSWORD)
        .from_number(own_number(carrier))
        .settle_time(Duration::ZERO)
        .http(http)
        .build()
        .unwrap()
}

/// The number that the carrier has drawn for the user.
fn own_number(carrier: &Carrier) -> E164 {
    number(carrier.simulator.account().setting("from_number").unwrap())
}

fn file() -> Media {
    Media::new("image/png", FILE).unwrap()
}

fn number(text: &str) -> E164 {
    E164::parse_possible(text, None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_no_token_no_text_no_number_and_no_file_is_logged() {
    let captured = CapturedLog::install();
    let customer = Recorder::start("");
    let mut run = Run::start().await;

    run.neutral_calls().await;
    run.vendor_calls(&customer).await;
    run.strange_calls().await;
    run.events(&customer).await;
    let mut tokens = vec![run.client.token().unwrap()];
    for fault in Fault::OF_ALL_PROVIDERS {
        let simulator = &run.carrier.simulator;
        simulator.set_scenario(fault.scenario()).unwrap();
        // The last client's connections may have been told to be slow.
        run.client = connect(&run.carrier, fault.time_limit());
        run.neutral_calls().await;
        run.vendor_calls(&customer).await;
        tokens.extend(run.client.token());
    }

    let data = STANDARD.encode(FILE);
    let own = own_number(&run.carrier);
    captured.assert_lacks(&[
        ("the client's secret", CLIENT_SECRET),
        ("the password", PASSWORD),
        ("the text", TEXT),
        ("a word of the text", "Trollstigen"),
        ("a word of a phone's text", "Gaustatoppen"),
        ("a recipient", "21297386"),
        ("a refused recipient", "21297387"),
        ("a phone that wrote", "21297388"),
        ("the number of ours", own.as_str().get(4..).unwrap()),
        ("the secret of the customer's address", HOOK_SECRET),
        ("the file", "Preikestolen"),
        ("the file in base64", data.get(16..48).unwrap()),
        ("the address of a file", "action=read_media"),
    ]);
    for token in tokens {
        captured.assert_lacks(&[("a token", token.access_token.expose_secret())]);
        if let Some(refresh) = &token.refresh_token {
            captured.assert_lacks(&[("a refresh token", refresh.expose_secret())]);
        }
    }
    captured.assert_holds(&[
        ("what the server took", "took"),
        ("the path of a sign-in", "/ns-api/v2/tokens"),
        ("the path of a call", "/messagesessions/"),
        ("the client's connections", "hyper_util"),
    ]);
    captured.assert_acted(&Fault::OF_ALL_PROVIDERS);
}
