//! The golden exchanges that are about messages, sessions and numbers: the client writes the same
//! request, byte for byte in its body, and reads the answer.

use std::path::Path;

use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;
use tidings_core::{E164, Media};

use crate::conversations::Page;
use crate::error::{Error, ErrorKind};
use crate::netsapiens::{Client, Credentials, Message, wire};
use crate::tests::scripted::{Reply, Scripted};

const SESSION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

type Outcome = Result<(), Error>;
type Make = for<'a> fn(&'a Client, &'a Value) -> BoxFuture<'a, Outcome>;

fn exchange(name: &str) -> (Value, String, String) {
    #[derive(serde::Deserialize)]
    struct Part {
        body: Option<Box<RawValue>>,
    }
    #[derive(serde::Deserialize)]
    struct Exchange {
        request: Part,
        answer: Part,
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/netsapiens/testdata/exchanges");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let bodies: Exchange = serde_json::from_str(&text).unwrap();
    let bytes = |part: Part| {
        let body = part
            .body
            .map(|body| body.get().to_owned())
            .unwrap_or_default();
        serde_json::from_str::<String>(&body).unwrap_or(body)
    };
    (whole, bytes(bodies.request), bytes(bodies.answer))
}

/// Makes the call of an exchange in every place that it names, and compares what is sent.
async fn run(name: &str, make: Make) -> Outcome {
    let (whole, request, answer) = exchange(name);
    let status = u16::try_from(whole["answer"]["status"].as_u64().unwrap()).unwrap();
    let target = whole["request"]["target"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = target.split(['/', '?']).collect();
    let after = |word: &str| {
        let place = parts.iter().position(|part| *part == word);
        place.map_or("~", |place| parts[place + 1])
    };
    let bearer = whole["request"]["headers"]["authorization"]
        .as_str()
        .unwrap();
    let bearer = bearer.strip_prefix("Bearer ").unwrap();
    let server = Scripted::start(move |_| Reply::status(status, "", answer.clone())).await;
    let client = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(bearer.into()))
        .domain(after("domains"))
        .user(after("users"))
        .build()
        .unwrap();
    let outcome = make(&client, &whole["request"]["body"]).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "{name}");
    assert_eq!(seen[0].method, whole["request"]["method"], "{name}");
    // The first part of a list may be asked for without saying where it starts.
    let shortest = |target: &str| target.replace("start=0&", "");
    assert_eq!(shortest(&seen[0].path), shortest(&target), "{name}");
    assert_eq!(seen[0].body, request, "{name}");
    for (header, value) in whole["request"]["headers"].as_object().unwrap() {
        assert_eq!(seen[0].headers[header], *value, "{name}");
    }
    outcome
}

fn number(value: &Value) -> E164 {
    let digits = value.as_str().unwrap();
    E164::parse_possible(&format!("+{digits}"), None).unwrap()
}

/// The message that a request's body says.
fn message(body: &Value) -> Message {
    let to: Vec<Value> = match &body["destination"] {
        Value::Array(several) => several.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let text = body["message"].as_str().unwrap();
    let media = || {
        let content = wire::read::<wire::SentMessage>(body.to_string().as_bytes()).unwrap();
        let content = content.content().unwrap().unwrap();
        Media::new(body["mime-type"].as_str().unwrap(), content).unwrap()
    };
    let users = || to.iter().map(|user| user.as_str().unwrap());
    let message = match body["type"].as_str().unwrap() {
        "sms" => Message::sms(to.iter().map(number), text),
        "mms" => Message::mms(to.iter().map(number), media(), text),
        "chat" => Message::chat(users(), text),
        "chat-media" => Message::chat_media(users(), media(), text),
        other => panic!("{other}"),
    };
    match body.get("from-number") {
        Some(from) => message.from(number(from)),
        None => message,
    }
}

fn send<'a>(client: &'a Client, body: &'a Value) -> BoxFuture<'a, Outcome> {
    Box::pin(async move { client.reply(SESSION, &message(body)).await.map(drop) })
}

#[tokio::test]
async fn what_is_sent_is_written_as_in_the_exchanges() {
    for name in ["sms", "group", "chat", "group_chat", "chat_media", "reply"] {
        run(&format!("send.{name}"), send).await.unwrap();
    }
    for name in ["send.new_session", "send.new_session.accepted"] {
        run(name, |client, body| {
            Box::pin(async move {
                client
                    .send_in_server_session(&message(body))
                    .await
                    .map(drop)
            })
        })
        .await
        .unwrap();
    }
}

/// The contract's MMS to one phone names it in a list.
#[tokio::test]
async fn a_file_is_written_as_in_the_exchange() {
    let (whole, request, _) = exchange("send.mms");
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = super::builder(&server)
        .destination_as_list(true)
        .build()
        .unwrap();
    client
        .reply(SESSION, &message(&whole["request"]["body"]))
        .await
        .unwrap();
    assert_eq!(server.seen()[0].body, request);
}

#[tokio::test]
async fn lists_and_changes_are_as_in_the_exchanges() {
    let calls: [(&str, Make); 17] = [
        ("sessions.user", |client, _| {
            Box::pin(async {
                client
                    .sessions(Page::first(100))
                    .await
                    .map(|rows| assert_eq!(rows.len(), 1))
            })
        }),
        ("sessions.user.one_row", |client, _| {
            Box::pin(async {
                client
                    .sessions(Page::first(100))
                    .await
                    .map(|rows| assert_eq!(rows.len(), 1))
            })
        }),
        ("sessions.user.timestamps", |client, _| {
            Box::pin(async {
                let rows = client.sessions(Page::first(100)).await?;
                assert!(!rows[0].messagesession_last_datetime.is_empty());
                Ok(())
            })
        }),
        ("sessions.domain", |client, _| {
            Box::pin(async { client.domain_sessions(Page::first(100)).await.map(drop) })
        }),
        ("session.one", |client, _| {
            Box::pin(async { client.session(SESSION).await.map(drop) })
        }),
        ("messages.list", |client, _| {
            Box::pin(async { client.messages(SESSION, Page::first(100)).await.map(drop) })
        }),
        ("session.participants", |client, body| {
            Box::pin(async move {
                let all: Vec<&str> = body["participants"].as_str().unwrap().split(',').collect();
                client.set_participants(SESSION, &all).await.map(drop)
            })
        }),
        ("session.name", |client, body| {
            Box::pin(async move {
                let name = body["session-name"].as_str().unwrap();
                client.rename_session(SESSION, name).await.map(drop)
            })
        }),
        ("session.read", |client, _| {
            Box::pin(async { client.mark_session(SESSION, true).await.map(drop) })
        }),
        ("session.unread", |client, _| {
            Box::pin(async { client.mark_session(SESSION, false).await.map(drop) })
        }),
        ("session.leave", |client, _| {
            Box::pin(async { client.leave_session(SESSION).await.map(drop) })
        }),
        ("session.delete", |client, _| {
            Box::pin(async { client.delete_session(SESSION).await.map(drop) })
        }),
        ("numbers.system", |client, _| {
            Box::pin(async { client.system_numbers(Page::first(100)).await.map(drop) })
        }),
        ("numbers.user", |client, _| {
            Box::pin(async { client.user_numbers(Page::first(100)).await.map(drop) })
        }),
        ("numbers.count", |client, _| {
            Box::pin(async { client.count_user_numbers().await.map(drop) })
        }),
        ("numbers.add", |client, body| {
            Box::pin(async move {
                let number = wire::read(body.to_string().as_bytes()).unwrap();
                client.add_number(&number).await.map(drop)
            })
        }),
        ("numbers.remove", |client, _| {
            Box::pin(async { client.remove_number("15550109876").await.map(drop) })
        }),
    ];
    for (name, make) in calls {
        run(name, make)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

#[tokio::test]
async fn refusals_of_the_exchanges_have_their_kinds() {
    for (name, kind) in [
        ("refused.domain", ErrorKind::Forbidden),
        ("refused.expired", ErrorKind::Unauthorized),
        ("refused.key_has_no_user", ErrorKind::InvalidMessage),
        ("refused.no_route", ErrorKind::Unsupported),
        ("refused.rights", ErrorKind::Forbidden),
        ("refused.unknown_user", ErrorKind::NotFound),
        ("send.no_message", ErrorKind::InvalidMessage),
    ] {
        let (whole, _, answer) = exchange(name);
        let status = u16::try_from(whole["answer"]["status"].as_u64().unwrap()).unwrap();
        let server = Scripted::start(move |_| Reply::status(status, "", answer.clone())).await;
        let client = super::client(&server);
        let error = client.sessions(Page::first(100)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
}
