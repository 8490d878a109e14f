//! Users of a telephone exchange: tokens, conversations, numbers, subscriptions, calls. The provider
//! exists in these tests only.

mod calls;
mod conversations;
mod keeping;
mod numbers;
mod posting;
mod subscriptions;
mod tokens;
mod wire;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tidings::backend::{
    Backend, ConversationDesk, Identity, Post, Presented, Principal, Recipient, Refusal, SignedIn,
    Token, TokenDesk,
};
use tidings::callback::{Callback, CallbackEmitter, CallbackRequest, EVENT_MODEL, SUBSCRIPTION_ID};
use tidings::conversations::{ConversationMessage, Mailbox, Page};
use tidings::subscriptions::NewSubscription;
use tidings::{Account, Capabilities, ProviderSpec, Setting};
use tidings_sim::{SimulatorBuilder, World};

use super::harness::{Refused, TestClock, builder_of, number};

/// A provider whose accounts are users of an exchange.
static SPEC: ProviderSpec = ProviderSpec::new(
    "officeline",
    "Officeline",
    capabilities(),
    &[
        Setting::required("base_url", "where it is"),
        Setting::required("client_id", "the program").unless("api_key"),
        Setting::secret("client_secret", "its secret").unless("api_key"),
        Setting::required("username", "the user").unless("api_key"),
        Setting::secret("password", "his password").unless("api_key"),
        Setting::optional("api_key", "a key for programs").hidden(),
        Setting::optional("domain", "the domain"),
        Setting::optional("user", "the user to act for"),
        Setting::optional("from_number", "the sender"),
    ],
)
.with_router(router)
.with_emit_callback(CallbackEmitter::new(emit).models(&["texts", "talks"]));

const fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::submit_only();
    capabilities.conversations = true;
    capabilities.subscriptions = true;
    capabilities.numbers = true;
    capabilities
}

/// The first user's domain.
const DOMAIN: &str = "tidings.example";
const PHONE: &str = "+15550105678";
const SECOND_PHONE: &str = "+15550105679";
/// The number of the second user.
const NUMBER_OF_201: &str = "+15550109876";

/// Two users of one domain and one of another.
const THREE_USERS: &str = "\
[[account]]
settings = { username = \"201@tidings.example\", password = \"second\" }
rights = \"user\"
[[account]]
settings = { username = \"200@other.example\", password = \"third\" }
[[number]]
number = \"+15550109876\"
owner = \"201\"
[[number]]
number = \"+15550109877\"
owner = \"200@other.example\"
";

/// All in one call: what happened, for one subscription.
fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let model = account.setting(EVENT_MODEL);
    let items = callbacks.iter().filter_map(|callback| {
        let Callback::Conversation(event) = callback else {
            panic!("something else than an event");
        };
        let text = event.message.as_ref().map(|message| message.text.as_str());
        if model == Some("texts") && text.is_none() {
            return None;
        }
        Some(json!({
            "of": event.conversation.owner.to_string(),
            "in": event.conversation.id,
            "read": event.conversation.is_read,
            "text": text,
        }))
    });
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return Vec::new();
    }
    let body = json!({
        "model": model,
        "subscription": account.setting(SUBSCRIPTION_ID),
        "items": items,
    });
    vec![CallbackRequest::post(HeaderMap::new(), body.to_string())]
}

// ---- the provider's API ----

#[expect(
    clippy::unnecessary_wraps,
    reason = "a provider's router may refuse its settings; this one has none to refuse"
)]
fn router(backend: Arc<dyn Backend>, _settings: &Account) -> tidings::Result<Router> {
    Ok(Router::new()
        .route("/token", post(token))
        .route("/talks/{id}", get(read_talk).post(write))
        .route("/subscriptions", post(subscribe))
        .with_state(backend))
}

async fn token(
    State(backend): State<Arc<dyn Backend>>,
    Json(body): Json<std::collections::HashMap<String, String>>,
) -> Result<Json<Value>, Refused> {
    let presented = ["client_id", "client_secret", "username", "password"];
    let presented = presented
        .into_iter()
        .fold(Presented::new(), |so_far, name| match body.get(name) {
            Some(value) => so_far.with(name, value.as_str()),
            None => so_far,
        });
    let token = match body.get("refresh") {
        Some(refresh) => backend.renew(&presented, refresh).await?,
        None => token_of(backend.open(&presented, None).await?),
    };
    Ok(Json(
        json!({"access": access(&token), "refresh": refresh(&token)}),
    ))
}

async fn bearer(
    backend: &dyn Backend,
    headers: &HeaderMap,
) -> Result<(Principal, Mailbox), Refusal> {
    let value = headers.get("authorization").and_then(|it| it.to_str().ok());
    let token = backend.bearer(value.unwrap_or_default()).await?;
    let identity = token.who.identity.clone();
    let own = identity.and_then(|it| Some(Mailbox::new(it.domain?, it.user?)));
    Ok((token.who, own.unwrap_or_else(first)))
}

async fn write(
    State(backend): State<Arc<dyn Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Refused> {
    let (who, owner) = bearer(&*backend, &headers).await?;
    let text = body["text"].as_str().unwrap_or_default();
    let mut written = to_phones(&id, text, &[PHONE]);
    written.from = body["from"].as_str().map(number);
    let taken = backend.post(&who, &owner, written).await?;
    Ok(Json(json!({"id": taken.id})))
}

async fn read_talk(
    State(backend): State<Arc<dyn Backend>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let (who, owner) = bearer(&*backend, &headers).await?;
    let messages = backend
        .conversation_messages(&who, &owner, &id, ALL)
        .await?;
    let messages: Vec<_> = messages
        .iter()
        .map(|message| json!({"text": message.text, "status": message.status}))
        .collect();
    Ok(Json(json!(messages)))
}

async fn subscribe(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Refused> {
    let (who, _) = bearer(&*backend, &headers).await?;
    let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let new = NewSubscription::new(word("events"), word("url"));
    let made = backend.subscribe(&who, new).await?;
    let ends = made.expires_at.map(|at| at.to_string());
    Ok(Json(json!({"id": made.id, "ends": ends})))
}

// ---- what the tests share ----

const ALL: Page = Page::first(1_000);

fn builder(scenario: &str) -> SimulatorBuilder {
    builder_of(&SPEC, scenario)
}

async fn open(scenario: &str) -> (World, Arc<TestClock>) {
    let clock = TestClock::new();
    let builder = builder(scenario).clock(Arc::<TestClock>::clone(&clock));
    (builder.into_world().await.unwrap(), clock)
}

fn first() -> Mailbox {
    Mailbox::new(DOMAIN, "200")
}

fn second() -> Mailbox {
    Mailbox::new(DOMAIN, "201")
}

fn third() -> Mailbox {
    Mailbox::new("other.example", "200")
}

/// What a user of [`THREE_USERS`] presents.
fn presented_by(world: &World, user: &Mailbox) -> Presented {
    let own = super::harness::presented(world);
    let value = |name: &str| own.value(name).unwrap_or_default().to_owned();
    let password = match user {
        user if *user == second() => "second".to_owned(),
        user if *user == third() => "third".to_owned(),
        _ => value("password"),
    };
    Presented::new()
        .with("client_id", value("client_id"))
        .with("client_secret", value("client_secret"))
        .with("username", user.to_string())
        .with("password", password)
}

#[track_caller]
fn token_of(signed_in: SignedIn) -> Token {
    let SignedIn::Token(token) = signed_in else {
        panic!("{signed_in:?}");
    };
    *token
}

async fn sign_in(world: &World, user: &Mailbox) -> Token {
    let presented = presented_by(world, user);
    token_of(world.open(&presented, None).await.unwrap())
}

fn access(token: &Token) -> String {
    use secrecy::ExposeSecret as _;
    token.access.expose_secret().to_owned()
}

fn refresh(token: &Token) -> String {
    use secrecy::ExposeSecret as _;
    let refresh = token.refresh.as_ref();
    refresh.map_or_else(String::new, |it| it.expose_secret().to_owned())
}

fn to_phones(conversation: &str, text: &str, to: &[&str]) -> Post {
    let to = to.iter().map(|phone| Recipient::Phone(number(phone)));
    let mut post = Post::new("sms", text, to.collect());
    post.conversation = Some(conversation.to_owned());
    post
}

/// A text of the first user to [`PHONE`].
async fn send(world: &World, conversation: &str, text: &str) -> ConversationMessage {
    let who = sign_in(world, &first()).await.who;
    let mut post = to_phones(conversation, text, &[PHONE]);
    post.from = world.from_number();
    world.post(&who, &first(), post).await.unwrap()
}

#[track_caller]
fn check_hexadecimal(text: &str, digits: usize) {
    assert_eq!(text.len(), digits, "{text}");
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(text.bytes().all(is_digit), "{text}");
}

fn identity(rights: tidings::backend::Rights) -> Principal {
    let mut identity = Identity::new(DOMAIN, "200");
    identity.rights = rights;
    Principal::new("0").identity(identity)
}
