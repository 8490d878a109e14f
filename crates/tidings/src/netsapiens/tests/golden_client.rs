//! The client makes the calls of the golden exchanges, byte for byte, and understands their answers.
//! Those that sign in or ask about access are made in `sign_in::golden`.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tidings_core::{E164, Media};

use super::exchanges::{Exchange, exchanges};
use crate::answer::Answer;
use crate::conversations::Page;
use crate::error::{Error, ErrorKind};
use crate::netsapiens::{
    ActiveCall, Client, Credentials, Expiry, Message, Model, NewCall, NewSubscription, Sent,
    SessionId, Subscription, SubscriptionChange, wire,
};
use crate::tests::scripted::{Reply, Scripted};

const SESSION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SUBSCRIPTION: &str = "aabbccddeeff00112233445566778899";
const CALL: &str = "20260102030405000001-00112233445566778899aabbccddeeff";

/// What the client told of the answer, in a few words.
type Told = Result<String, Error>;
type Make = for<'a> fn(&'a Client, &'a Value) -> BoxFuture<'a, Told>;

/// An exchange, how the client makes its call, and what it then tells.
type Row = (&'static str, Make, Result<&'static str, ErrorKind>);

/// Makes a call: what is made of the request's body is the message, the number or the call that is
/// given to the client.
macro_rules! call {
    (|$client:ident| $made:expr, $told:expr) => {
        |$client, _| Box::pin(async move { $made.await.map(|answer| $told(&answer)) })
    };
    (|$client:ident, $body:ident| $made:expr, $told:expr) => {
        |$client, $body| Box::pin(async move { $made.await.map(|answer| $told(&answer)) })
    };
}

const MESSAGES: &[Row] = &[
    ("send.sms", SEND, Ok(SESSION)),
    ("send.group", SEND, Ok(SESSION)),
    ("send.mms", SEND, Ok(SESSION)),
    ("send.chat", SEND, Ok(SESSION)),
    ("send.group_chat", SEND, Ok(SESSION)),
    ("send.chat_media", SEND, Ok(SESSION)),
    (
        "send.reply",
        call!(|client, body| client.reply(SESSION, &message(body)), sent),
        Ok(SESSION),
    ),
    (
        "send.new_session",
        SEND_ANEW,
        Ok("0f1e2d3c4b5a69788796a5b4c3d2e1f0 m-65f0a1b2c3d4f"),
    ),
    ("send.new_session.accepted", SEND_ANEW, Ok("")),
];

const SEND: Make = call!(
    |client, body| async {
        let session = SessionId::new(SESSION).unwrap();
        client.send_in(&session, &message(body)).await
    },
    sent
);

const SEND_ANEW: Make = call!(
    |client, body| async { client.send_in_server_session(&message(body)).await },
    sent
);

const SESSIONS: &[Row] = &[
    (
        "sessions.domain",
        DOMAIN_SESSIONS,
        Ok("15550101234 see you, 201@example.test,202@example.test 5"),
    ),
    ("sessions.user", USER_SESSIONS, Ok("15550101234 see you")),
    (
        "sessions.user.timestamps",
        USER_SESSIONS,
        Ok("15550101234 see you"),
    ),
    (
        "sessions.user.one_row",
        USER_SESSIONS,
        Ok("15550101234 see you"),
    ),
    (
        "session.one",
        call!(|client| client.session(SESSION), |row: &Answer<
            wire::MessageSession,
        >| row
            .messagesession_sms_number
            .0
            .clone()),
        Ok("15550109876"),
    ),
    (
        "messages.list",
        call!(
            |client| client.messages(SESSION, Page::first(100)),
            |rows: &Answer<Vec<wire::Message>>| list(rows, |row| row.id.0.clone())
        ),
        Ok("12345678901, m-65f0a1b2c3d4f, m-65f0a1b2c3d4e"),
    ),
    (
        "session.participants",
        call!(
            |client, body| async {
                let all: Vec<&str> = text(body, "participants").split(',').collect();
                client.set_participants(SESSION, &all).await
            },
            done
        ),
        Ok(""),
    ),
    (
        "session.name",
        call!(
            |client, body| client.rename_session(SESSION, text(body, "session-name")),
            done
        ),
        Ok(""),
    ),
    (
        "session.read",
        call!(|client| client.mark_session(SESSION, true), done),
        Ok(""),
    ),
    (
        "session.unread",
        call!(|client| client.mark_session(SESSION, false), done),
        Ok(""),
    ),
    (
        "session.leave",
        call!(|client| client.leave_session(SESSION), done),
        Ok(""),
    ),
    (
        "session.delete",
        call!(|client| client.delete_session(SESSION), done),
        Ok(""),
    ),
];

const USER_SESSIONS: Make = call!(|client| client.sessions(Page::first(100)), sessions);
const DOMAIN_SESSIONS: Make = call!(|client| client.domain_sessions(Page::first(100)), sessions);

const NUMBERS: &[Row] = &[
    (
        "numbers.system",
        call!(|client| client.system_numbers(Page::first(100)), numbers),
        Ok("15550109876 for 200, 15550109877 for "),
    ),
    (
        "numbers.domain",
        call!(|client| client.domain_numbers(Page::first(100)), numbers),
        Ok("15550109876 for 200"),
    ),
    (
        "numbers.user",
        call!(|client| client.user_numbers(Page::first(100)), numbers),
        Ok("15550109876 for 200"),
    ),
    (
        "numbers.count",
        call!(|client| client.count_user_numbers(), count),
        Ok("2"),
    ),
    (
        "numbers.add",
        call!(
            |client, body| async { client.add_number(&assignment(body)).await },
            done
        ),
        Ok(""),
    ),
    (
        "numbers.change",
        call!(
            |client, body| async {
                let change = assignment(body);
                client.change_number("15550109876", &change).await
            },
            done
        ),
        Ok(""),
    ),
    (
        "numbers.remove",
        call!(|client| client.remove_number("+15550109876"), done),
        Ok(""),
    ),
];

const SUBSCRIPTIONS: &[Row] = &[
    ("subscription.create", CREATE_SUBSCRIPTION, Ok(SUBSCRIPTION)),
    (
        "subscription.exists",
        CREATE_SUBSCRIPTION,
        Err(ErrorKind::Rejected),
    ),
    (
        "domain_subscription.create",
        call!(
            |client, body| async { client.create_domain_subscription(&subscription(body)).await },
            id
        ),
        Ok(SUBSCRIPTION),
    ),
    (
        "subscriptions.list",
        call!(
            |client| client.subscriptions(Page::first(500)),
            subscriptions
        ),
        Ok("aabbccddeeff00112233445566778899, babbccddeeff00112233445566778899"),
    ),
    (
        "domain_subscriptions.list",
        call!(
            |client| client.domain_subscriptions(Page::first(500)),
            subscriptions
        ),
        Ok(SUBSCRIPTION),
    ),
    (
        "subscription.one",
        call!(|client| client.subscription(SUBSCRIPTION), id),
        Ok(SUBSCRIPTION),
    ),
    (
        "subscription.update",
        call!(
            |client, body| async {
                let until = wire::time::parse(text(body, "subscription-expires-datetime"));
                let change = SubscriptionChange::expires_at(until.unwrap());
                client.update_subscription(SUBSCRIPTION, &change).await
            },
            done
        ),
        Ok(""),
    ),
    (
        "subscription.reset",
        call!(
            |client| async {
                let change = SubscriptionChange::reset_counts();
                client.update_subscription(SUBSCRIPTION, &change).await
            },
            done
        ),
        Ok(""),
    ),
    (
        "domain_subscription.update",
        call!(
            |client, body| async {
                let change = SubscriptionChange {
                    post_url: Some(text(body, "post-url").into()),
                    ..SubscriptionChange::default()
                };
                let changed = client.update_domain_subscription(SUBSCRIPTION, &change);
                changed.await
            },
            done
        ),
        Ok(""),
    ),
    (
        "subscription.delete",
        call!(|client| client.delete_subscription(SUBSCRIPTION), done),
        Ok(""),
    ),
    (
        "domain_subscription.delete",
        call!(
            |client| client.delete_domain_subscription(SUBSCRIPTION),
            done
        ),
        Ok(""),
    ),
];

const CREATE_SUBSCRIPTION: Make = call!(
    |client, body| async { client.create_subscription(&subscription(body)).await },
    id
);

const CALLS: &[Row] = &[
    ("calls.user", USER_CALLS, Ok(CALL)),
    ("calls.user.older", USER_CALLS, Ok(CALL)),
    (
        "calls.domain",
        call!(|client| client.domain_calls(), calls),
        Ok(CALL),
    ),
    (
        "calls.count",
        call!(|client| client.count_domain_calls(), count),
        Ok("0"),
    ),
    (
        "call.one",
        call!(|client| client.active_call(CALL), |call: &Answer<
            ActiveCall,
        >| call
            .session_id
            .clone()),
        Ok(CALL),
    ),
    ("call.new", START_CALL, Ok("nsaio20260102030405ra1b2c3")),
    (
        "call.new.synchronous",
        START_CALL,
        Ok("nsaio20260102030405ra1b2c3 200"),
    ),
];

const USER_CALLS: Make = call!(|client| client.calls(), calls);

const START_CALL: Make = |client, body| {
    Box::pin(async move {
        let mut new = NewCall::new(text(body, "call-term-user"))
            .id(text(body, "call-id"))
            .from(text(body, "call-orig-user"))
            .waits(body["synchronous"] == "yes");
        let said = |name: &str| body[name].as_str().map(str::to_owned);
        new.caller_id_number = said("caller-id-number");
        new.callback_caller_id_number = said("callback-caller-id-number");
        new.added_sip_header = said("call-term-added-sip-header");
        let started = client.start_call(&new).await?;
        let from = started.call.as_ref().map(|call| call.from.user.as_str());
        let told = [Some(started.id.as_str()), from];
        Ok(told.into_iter().flatten().collect::<Vec<_>>().join(" "))
    })
};

const REFUSALS: &[Row] = &[
    ("refused.domain", DOMAIN_SESSIONS, Err(ErrorKind::Forbidden)),
    ("refused.rights", DOMAIN_SESSIONS, Err(ErrorKind::Forbidden)),
    (
        "refused.no_route",
        DOMAIN_SESSIONS,
        Err(ErrorKind::Unsupported),
    ),
    (
        "refused.unknown_user",
        USER_SESSIONS,
        Err(ErrorKind::NotFound),
    ),
    (
        "refused.key_has_no_user",
        USER_SESSIONS,
        Err(ErrorKind::InvalidMessage),
    ),
    // With a ready token there is nothing to refresh it with; `sign_in::golden` has the other case.
    (
        "refused.expired",
        DOMAIN_SESSIONS,
        Err(ErrorKind::Unauthorized),
    ),
];

/// What `sign_in::golden` makes.
const SIGNING_IN: &[&str] = &[
    "apikey.own",
    "jwt.claims",
    "jwt.delegated",
    "jwt.mfa_step",
    "jwt.password",
    "jwt.refresh",
    "jwt.revoke_one",
    "jwt.revoke_own",
    "jwt.revoke_user",
    "token.legacy",
    "token.mfa_challenge",
    "token.mfa_step",
    "token.not_served",
    "token.password",
    "token.refresh",
    "token.wrong_credentials",
    "version",
];

/// What other clients write, and ours does not: older names and forms, and a message without a text.
const OF_OTHERS: &[&str] = &[
    "send.no_message",
    "send.older.from_num",
    "send.older.from_num_v1",
    "send.python",
    "token.password.form",
    "token.password.query",
];

#[test]
fn every_exchange_is_made() {
    let made = [MESSAGES, SESSIONS, NUMBERS, SUBSCRIPTIONS, CALLS, REFUSALS].concat();
    let made = made.iter().map(|(name, ..)| *name);
    let all = made.chain(SIGNING_IN.iter().copied());
    let all: Vec<String> = all
        .chain(OF_OTHERS.iter().copied())
        .map(str::to_owned)
        .collect();
    let different: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), different.len(), "each once");
    assert_eq!(different, exchanges().into_keys().collect());
}

#[tokio::test]
async fn messages_are_sent_as_in_the_exchanges() {
    check_all(MESSAGES).await;
}

#[tokio::test]
async fn sessions_are_read_and_changed_as_in_the_exchanges() {
    check_all(SESSIONS).await;
}

#[tokio::test]
async fn numbers_are_read_and_changed_as_in_the_exchanges() {
    check_all(NUMBERS).await;
}

#[tokio::test]
async fn subscriptions_are_made_and_changed_as_in_the_exchanges() {
    check_all(SUBSCRIPTIONS).await;
}

#[tokio::test]
async fn calls_are_made_and_read_as_in_the_exchanges() {
    check_all(CALLS).await;
}

#[tokio::test]
async fn refusals_of_the_exchanges_have_their_kinds() {
    check_all(REFUSALS).await;
}

async fn check_all(rows: &[Row]) {
    let exchanges = exchanges();
    for (name, make, expected) in rows {
        let told = made(name, &exchanges[*name], *make).await;
        let told = told.as_deref().map_err(Error::kind);
        assert_eq!(told, *expected, "{name}");
    }
}

/// Makes the call of an exchange, in the domain and for the user that its path names, and holds what
/// is sent against it.
async fn made(name: &str, exchange: &Exchange, make: Make) -> Told {
    let (request, answer) = (&exchange.request, &exchange.answer);
    let parts: Vec<&str> = request.target.split(['/', '?']).collect();
    let after = |word: &str| {
        let place = parts.iter().position(|part| *part == word);
        place.map_or("~", |place| parts[place + 1])
    };
    let bearer = request.headers["authorization"].as_str();
    let bearer = bearer.strip_prefix("Bearer ").unwrap();
    let (status, body) = (answer.status, answer.body());
    let server = Scripted::start(move |_| Reply::status(status, "", body.clone())).await;
    let client = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(bearer.into()))
        .domain(after("domains"))
        .user(after("users"))
        // The contract's MMS to one phone names it in a list.
        .destination_as_list(name == "send.mms")
        .build()
        .unwrap();
    let body = match request.body().as_str() {
        "" => Value::Null,
        body => serde_json::from_str(body).unwrap(),
    };
    let told = make(&client, &body).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "{name}");
    assert_eq!(seen[0].method, request.method, "{name}");
    // The first part of a list may be asked for without saying where it starts.
    let shortest = |target: &str| target.replace("start=0&", "");
    assert_eq!(shortest(&seen[0].path), shortest(&request.target), "{name}");
    for header in ["accept", "authorization", "content-type"] {
        let found = seen[0].headers.get(header);
        assert_eq!(found, request.headers.get(header), "{name}: {header}");
    }
    assert_eq!(seen[0].body, request.body(), "{name}");
    told
}

// ---- what is given to the client ----

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap()
}

fn number(value: &Value) -> E164 {
    let digits = value.as_str().unwrap();
    E164::parse_possible(&format!("+{digits}"), None).unwrap()
}

fn message(body: &Value) -> Message {
    let to: Vec<Value> = match &body["destination"] {
        Value::Array(several) => several.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let words = text(body, "message");
    let media = || {
        let content = wire::read::<wire::SentMessage>(body.to_string().as_bytes()).unwrap();
        let content = content.content().unwrap().unwrap();
        Media::new(text(body, "mime-type"), content).unwrap()
    };
    let users = || to.iter().map(|user| user.as_str().unwrap());
    let message = match text(body, "type") {
        "sms" => Message::sms(to.iter().map(number), words),
        "mms" => Message::mms(to.iter().map(number), media(), words),
        "chat" => Message::chat(users(), words),
        "chat-media" => Message::chat_media(users(), media(), words),
        other => panic!("{other}"),
    };
    match body.get("from-number") {
        Some(from) => message.from(number(from)),
        None => message,
    }
}

fn assignment(body: &Value) -> wire::NumberAssignment {
    wire::read(body.to_string().as_bytes()).unwrap()
}

fn subscription(body: &Value) -> NewSubscription {
    let until = wire::time::parse(text(body, "subscription-expires-datetime"));
    NewSubscription::new(Model::Message, text(body, "post-url"))
        .domain(text(body, "domain"))
        .user(text(body, "user"))
        .fails_over(body["subscription-geo-support"] == "yes")
        .expiry(Expiry::At(until.unwrap()))
}

// ---- what is told of the answer ----

fn done(_: &Answer<()>) -> String {
    String::new()
}

fn sent(sent: &Answer<Sent>) -> String {
    let told = [sent.session.as_deref(), sent.message.as_deref()];
    told.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn count(total: &Answer<u64>) -> String {
    total.to_string()
}

fn list<T>(rows: &[T], show: impl Fn(&T) -> String) -> String {
    rows.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn sessions(rows: &Answer<Vec<wire::MessageSession>>) -> String {
    list(rows, |row| {
        assert!(!row.messagesession_last_datetime.is_empty());
        let (remote, last) = (&row.messagesession_remote, &row.messagesession_last_message);
        format!("{} {}", remote.0, last.0)
    })
}

fn numbers(rows: &Answer<Vec<wire::SmsNumber>>) -> String {
    list(rows, |row| format!("{} for {}", row.number.0, row.dest.0))
}

fn id(subscription: &Answer<Subscription>) -> String {
    subscription.id.clone()
}

fn subscriptions(rows: &Answer<Vec<Subscription>>) -> String {
    list(rows, |row| row.id.clone())
}

fn calls(rows: &Answer<Vec<ActiveCall>>) -> String {
    list(rows, |call| call.session_id.clone())
}
