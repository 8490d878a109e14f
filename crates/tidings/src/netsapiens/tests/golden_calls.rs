//! The client makes the calls of the golden exchanges, and understands their answers.

use std::collections::BTreeMap;

use serde_json::Value;
use tidings_core::{E164, Media};

use super::exchanges::exchanges;
use crate::answer::Answer;
use crate::conversations::Page;
use crate::error::{Acceptance, ErrorKind, Result};
use crate::netsapiens::{Brings, Client, Credentials, Message, SessionId, SignedIn};
use crate::tests::scripted::{Reply, Scripted, Seen};

const SESSION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Serves the exchange's answer, and gives what the client made of it once the call was held against
/// the file.
async fn exchange<T>(name: &str, call: impl AsyncFnOnce(&Client) -> T) -> T {
    let server = serve(&[name]).await;
    let token = exchanges()[name].request.headers["authorization"].clone();
    let token = token.strip_prefix("Bearer ").unwrap().to_owned();
    let client = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(token.into()))
        .build()
        .unwrap();
    let result = call(&client).await;
    assert_calls(&server, &[name]);
    result
}

async fn serve(names: &[&str]) -> Scripted {
    let exchanges = exchanges();
    let answers = names.iter().map(|name| &exchanges[*name].answer);
    let mut replies: std::collections::VecDeque<Reply> = answers
        .map(|answer| Reply::status(answer.status, "", answer.body()))
        .collect();
    Scripted::start(move |_| replies.pop_front().unwrap_or(Reply::Close)).await
}

#[track_caller]
fn assert_calls(server: &Scripted, names: &[&str]) {
    let exchanges = exchanges();
    let seen = server.seen();
    assert_eq!(seen.len(), names.len(), "{names:?}");
    for (seen, name) in seen.iter().zip(names) {
        assert_call(seen, name, &exchanges[*name].request);
    }
}

#[track_caller]
fn assert_call(seen: &Seen, name: &str, golden: &super::exchanges::GoldenRequest) {
    assert_eq!(seen.method, golden.method, "{name}");
    assert_eq!(target(&seen.path), target(&golden.target), "{name}");
    let headers = ["accept", "authorization", "content-type"];
    for header in headers {
        assert_eq!(
            seen.headers.get(header),
            golden.headers.get(header),
            "{name}: {header}"
        );
    }
    assert_eq!(document(&seen.body), document(&golden.body()), "{name}");
}

/// The path, and the query without its order. Lists begin at 0 unless it says otherwise.
fn target(target: &str) -> (&str, BTreeMap<String, String>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    (
        path,
        pairs
            .filter(|pair| *pair != ("start".to_owned(), "0".to_owned()))
            .collect(),
    )
}

/// One recipient may stand in a list or without it.
fn document(body: &str) -> Option<Value> {
    let mut document: Value = match body {
        "" => return None,
        body => serde_json::from_str(body).unwrap(),
    };
    if let Some(destination) = document.get_mut("destination")
        && let Some([one]) = destination.as_array().map(Vec::as_slice)
    {
        *destination = one.clone();
    }
    Some(document)
}

fn number(digits: &str) -> E164 {
    E164::parse_possible(&format!("+{digits}"), None).unwrap()
}

fn photo() -> Media {
    let png = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
    Media::new("image/png", png.to_vec()).unwrap()
}

#[tokio::test]
async fn messages_are_sent_in_a_session_of_ours() {
    async fn check(name: &str, message: Message) {
        let session = SessionId::new(SESSION).unwrap();
        let sent = exchange(name, async |client| {
            client.send_in(&session, &message).await
        });
        let sent = sent.await.unwrap().value;
        assert_eq!(sent.session.as_deref(), Some(SESSION), "{name}");
        assert_eq!(sent.message, None, "{name}");
    }
    let (to, other) = (number("15550101234"), number("15550105678"));
    let from = number("15550109876");
    check("send.sms", Message::sms([to], "hello").from(from)).await;
    let group = Message::sms([to, other], "hi both").from(from);
    check("send.group", group).await;
    check(
        "send.mms",
        Message::mms([to], photo(), "photo.png").from(from),
    )
    .await;
    check("send.chat", Message::chat(["201"], "ping")).await;
    check("send.group_chat", Message::chat(["201", "202"], "ping")).await;
    check(
        "send.chat_media",
        Message::chat_media(["201"], photo(), "media"),
    )
    .await;
}

#[tokio::test]
async fn messages_are_sent_in_a_session_of_the_servers() {
    let sms = || Message::sms([number("15550101234")], "hello").from(number("15550109876"));
    let sent = exchange("send.new_session", async |client| {
        client.send_in_server_session(&sms()).await
    });
    let sent = sent.await.unwrap().value;
    assert_eq!(sent.session.as_deref(), Some(SESSION));
    assert_eq!(sent.message.as_deref(), Some("m-65f0a1b2c3d4f"));
    let sent = exchange("send.new_session.accepted", async |client| {
        client.send_in_server_session(&sms()).await
    });
    let sent = sent.await.unwrap().value;
    assert_eq!((sent.session, sent.message), (None, None));
    let none = Message::sms([], "hello").from(number("15550109876"));
    let sent = exchange("send.reply", async |client| {
        client.reply(SESSION, &none).await
    });
    assert_eq!(sent.await.unwrap().value.session.as_deref(), Some(SESSION));
}

#[tokio::test]
async fn sessions_are_listed() {
    let page = Page::first(100);
    let listed = exchange("sessions.domain", async |client| {
        client.domain_sessions(page).await
    });
    let listed = listed.await.unwrap().value;
    assert_eq!(listed[0].messagesession_remote.0, "15550101234");
    assert_eq!(listed[1].messagesession_last_message.0, "5");
    assert_eq!(listed.len(), 2);
    for name in [
        "sessions.user",
        "sessions.user.timestamps",
        "sessions.user.one_row",
    ] {
        let listed = exchange(name, async |client| client.sessions(page).await).await;
        let listed = listed.unwrap().value;
        assert_eq!(listed.len(), 1, "{name}");
        assert_eq!(listed[0].messagesession_id.0, SESSION, "{name}");
        assert!(!listed[0].messagesession_last_datetime.is_empty(), "{name}");
    }
    let one = exchange("session.one", async |client| client.session(SESSION).await);
    assert_eq!(
        one.await.unwrap().messagesession_sms_number.0,
        "15550109876"
    );
    let messages = exchange("messages.list", async |client| {
        client.messages(SESSION, page).await
    });
    let messages = messages.await.unwrap().value;
    let ids: Vec<&str> = messages.iter().map(|message| &*message.id.0).collect();
    assert_eq!(ids, ["12345678901", "m-65f0a1b2c3d4f", "m-65f0a1b2c3d4e"]);
    let url = messages[0].file_access_url.get().unwrap();
    assert!(url.ends_with("&auth=00112233445566778899aabbccddeeff"));
}

#[tokio::test]
async fn sessions_are_changed() {
    async fn check(name: &str, call: impl AsyncFnOnce(&Client) -> Result<Answer<()>>) {
        exchange(name, call).await.unwrap();
    }
    check("session.participants", async |client| {
        let everybody = ["200@example.test", "201@example.test"];
        client.set_participants(SESSION, &everybody).await
    })
    .await;
    check("session.name", async |client| {
        client.rename_session(SESSION, "Team").await
    })
    .await;
    check("session.read", async |client| {
        client.mark_session(SESSION, true).await
    })
    .await;
    check("session.unread", async |client| {
        client.mark_session(SESSION, false).await
    })
    .await;
    check("session.leave", async |client| {
        client.leave_session(SESSION).await
    })
    .await;
    check("session.delete", async |client| {
        client.delete_session(SESSION).await
    })
    .await;
}

#[tokio::test]
async fn refusals_are_understood() {
    async fn check(name: &str, domain: &str, user: Option<&str>, kind: ErrorKind) {
        let page = Page::first(100);
        let listed = exchange(name, async |client| match user {
            Some(user) => client.act_for(domain, user).sessions(page).await,
            None => client.act_for(domain, "~").domain_sessions(page).await,
        });
        let error = listed.await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert_eq!(error.acceptance(), Acceptance::NotSent, "{name}");
    }
    check("refused.rights", "other.test", None, ErrorKind::Forbidden).await;
    check("refused.domain", "other.test", None, ErrorKind::Forbidden).await;
    check(
        "refused.unknown_user",
        "example.test",
        Some("999"),
        ErrorKind::NotFound,
    )
    .await;
    check("refused.no_route", "~", None, ErrorKind::Unsupported).await;
}

#[tokio::test]
async fn signing_in() {
    async fn sign_in(names: &[&str], brings: Brings) -> (Scripted, Client, Result<SignedIn>) {
        let server = serve(names).await;
        let client = Client::builder()
            .base_url(&server.url)
            .password("acme.app", "s3cr3t", "200@example.test", "hunter2")
            .brings(brings)
            .build()
            .unwrap();
        let signed_in = client.sign_in().await;
        (server, client, signed_in)
    }
    let (server, client, signed_in) = sign_in(&["token.password"], Brings::Token).await;
    assert!(matches!(signed_in, Ok(SignedIn::Done(_))));
    assert_eq!(client.token().unwrap().user_email, "a@example.test");
    assert_calls(&server, &["token.password"]);

    let (server, _client, signed_in) = sign_in(&["jwt.password"], Brings::Jwt).await;
    assert!(matches!(signed_in, Ok(SignedIn::Done(_))));
    assert_calls(&server, &["jwt.password"]);

    let steps = ["token.mfa_challenge", "token.mfa_step"];
    let (server, client, signed_in) = sign_in(&steps, Brings::Token).await;
    let Ok(SignedIn::SecondStep(challenge)) = signed_in else {
        panic!("{signed_in:?}");
    };
    let signed_in = client.answer(challenge, "012345").await;
    assert!(matches!(signed_in, Ok(SignedIn::Done(_))));
    assert_calls(&server, &steps);
}
