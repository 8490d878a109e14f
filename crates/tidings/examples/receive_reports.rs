//! A web application with axum that sends texts and is told what becomes of them: the provider calls
//! it, and whoever waits for the end of a message wakes up.
//!
//! It runs until it is stopped. Alone it has a provider in memory, which calls nobody; with a
//! simulated carrier reports come in:
//!
//! ```sh
//! tidings sim puzzel --set sender=Tidings --listen 127.0.0.1:0 --json \
//!     --callback-url http://127.0.0.1:8080/callbacks > account.json &
//! cargo run -p tidings --example receive_reports -- 127.0.0.1:8080 account.json
//!
//! curl --json '{"to":"+224622000001","text":"Bonjour"}' http://127.0.0.1:8080/messages
//! curl http://127.0.0.1:8080/messages/REFERENCE/end
//! ```
//!
//! Nothing here says who may call: a real application asks for a login on `/messages`, and puts a
//! secret into the address that it gives to its provider, because vendors sign nothing.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod provider;

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tidings::callback::{Callback, CallbackRequest, ParseCallback};
use tidings::layers::LayerSettings;
use tidings::messenger::{Messenger, Sent, Waiting};
use tidings::{Acceptance, ClientRef, DeliveryReport, E164, Message};

#[derive(Clone)]
struct App {
    messenger: Messenger,
    parse: Option<ParseCallback>,
    /// A real application keeps these in its database: after a restart they are how to ask.
    sent: Arc<Mutex<HashMap<ClientRef, Sent>>>,
}

impl App {
    fn keep(&self, sent: Sent) {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sent.reference.clone(), sent);
    }

    fn sent(&self, reference: &ClientRef) -> Option<Sent> {
        let all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(reference).cloned()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8080".to_owned());
    let (provider, spec) = provider::open(arguments.next().as_deref(), &LayerSettings::default())?;
    let app = App {
        messenger: Messenger::builder().account("main", provider).build()?,
        parse: spec.and_then(|spec| spec.parse_callback),
        sent: Arc::default(),
    };
    let router = Router::new()
        .route("/messages", post(send))
        .route("/messages/{reference}/end", get(end))
        .route("/callbacks", any(callback))
        .with_state(app);

    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

#[derive(Deserialize)]
struct NewMessage {
    to: String,
    text: String,
}

/// Answers with the message's reference.
async fn send(
    State(app): State<App>,
    Json(new): Json<NewMessage>,
) -> Result<(StatusCode, String), (StatusCode, String)> {
    let to = E164::parse(&new.to, None)
        .map_err(|fault| (StatusCode::UNPROCESSABLE_ENTITY, fault.to_string()))?;
    let sent = app.messenger.send(Message::new(to, new.text)).await;
    let sent = sent.map_err(|failure| match failure.error.acceptance() {
        // The caller has to know that it may arrive, or he sends it again.
        _ if failure.is_unknown() => (StatusCode::BAD_GATEWAY, "it may arrive".to_owned()),
        Acceptance::Refused => (StatusCode::UNPROCESSABLE_ENTITY, failure.error.to_string()),
        _ => (StatusCode::SERVICE_UNAVAILABLE, failure.error.to_string()),
    })?;
    let reference = sent.reference.to_string();
    app.keep(sent);
    Ok((StatusCode::ACCEPTED, reference))
}

/// Answers when the message has come to its end, or as far as it has come in some minutes.
async fn end(
    State(app): State<App>,
    Path(reference): Path<ClientRef>,
) -> Result<Json<DeliveryReport>, StatusCode> {
    let sent = app.sent(&reference).ok_or(StatusCode::NOT_FOUND)?;
    let waiting = Waiting::default();
    let report = app.messenger.wait_until_final(&sent, &waiting).await;
    report.map(Json).map_err(|_| StatusCode::GATEWAY_TIMEOUT)
}

/// The provider calls.
async fn callback(
    State(app): State<App>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(parse) = app.parse else {
        return StatusCode::NOT_FOUND;
    };
    let (told, answer) = match parse(&CallbackRequest::new(method, query, headers, body)) {
        Ok(told) => (told, StatusCode::OK),
        // What could be read is used. Because the call is refused, the provider tells all of it
        // again, or somebody there sees it; what was used before changes nothing then.
        Err(error) => {
            println!("refused: {error}");
            (error.readable, StatusCode::BAD_REQUEST)
        }
    };
    for callback in told {
        match callback {
            Callback::Report(report) => {
                println!("{:?} is {}", report.about, report.state);
                app.messenger.hear(report);
            }
            Callback::Inbound(text) => println!("{:?} wrote {} bytes", text.from, text.text.len()),
            // Conversations, and what there will be.
            _ => {}
        }
    }
    answer
}
