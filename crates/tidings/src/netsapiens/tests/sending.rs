//! What is sent, byte for byte where it matters, and what is refused before anything is sent.

use serde_json::{Value, json};
use tidings_core::{E164, Media};

use super::{body, builder, client};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::netsapiens::{Client, Message, SenderField, Sent, SessionId};
use crate::tests::scripted::{Reply, Scripted, Seen};

const ACCEPTED: &str = r#"{"code":202,"message":"Accepted"}"#;
const SESSION: &str = "order_4711_of_the_shop_in_conakry";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn number(text: &str) -> E164 {
    E164::parse_possible(text, None).unwrap()
}

fn from() -> E164 {
    number("+15550109876")
}

fn sms(text: &str) -> Message {
    Message::sms([number("+15550101234")], text).from(from())
}

fn png() -> Media {
    Media::new("image/png", PNG).unwrap()
}

async fn accepting() -> Scripted {
    Scripted::start(|_| Reply::status(202, "", ACCEPTED)).await
}

/// Sends one message and gives the one call that it took.
async fn sent_by(client: impl FnOnce(&Scripted) -> Client, message: &Message) -> Seen {
    let server = accepting().await;
    client(&server).send(message).await.unwrap();
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

#[tokio::test]
async fn a_text_goes_out_in_a_session_that_the_client_names() {
    let server = accepting().await;
    let sent = client(&server).send(&sms("hello")).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let session = sent.session.as_deref().unwrap();
    SessionId::new(session).unwrap();
    assert_eq!(seen[0].method, "POST");
    let path = format!("/ns-api/v2/domains/~/users/~/messagesessions/{session}/messages");
    assert_eq!(seen[0].path, path);
    assert_eq!(seen[0].headers["content-type"], "application/json");
    assert_eq!(seen[0].headers["authorization"], "Bearer nsd_s3cret");
    assert_eq!(
        seen[0].body,
        r#"{"type":"sms","message":"hello","destination":"15550101234","from-number":"15550109876"}"#
    );
    assert_eq!(sent.message, None);
}

#[tokio::test]
async fn every_new_session_has_an_id_of_its_own() {
    let server = accepting().await;
    let client = client(&server);
    let mut sessions = std::collections::HashSet::new();
    for _ in 0..100 {
        let sent = client.send(&sms("hello")).await.unwrap();
        assert!(sessions.insert(sent.session.clone().unwrap()));
    }
}

#[tokio::test]
async fn the_kinds_of_messages_are_written_as_the_contract_has_them() {
    #[track_caller]
    fn check(seen: &Seen, expected: &Value) {
        assert_eq!(body(seen), *expected);
    }
    let phones = [number("+15550101234"), number("+15550105678")];
    let group = Message::sms(phones, "hi both").from(from());
    check(
        &sent_by(client, &group).await,
        &json!({"type":"sms","message":"hi both","destination":["15550101234","15550105678"],
            "from-number":"15550109876"}),
    );
    let picture = Message::mms([phones[0]], png().name("photo.png"), "").from(from());
    check(
        &sent_by(client, &picture).await,
        &json!({"type":"mms","message":"photo.png","destination":"15550101234",
            "from-number":"15550109876","data":"iVBORw0KGgo=","mime-type":"image/png","size":8}),
    );
    let with_text = Message::mms(phones, png(), "look").from(from());
    check(
        &sent_by(client, &with_text).await,
        &json!({"type":"mms","message":"look","destination":["15550101234","15550105678"],
            "from-number":"15550109876","data":"iVBORw0KGgo=","mime-type":"image/png","size":8}),
    );
    check(
        &sent_by(client, &Message::chat(["201"], "ping")).await,
        &json!({"type":"chat","message":"ping","destination":"201"}),
    );
    check(
        &sent_by(client, &Message::chat(["201", "202"], "ping")).await,
        &json!({"type":"chat","message":"ping","destination":["201","202"]}),
    );
    check(
        &sent_by(client, &Message::chat_media(["201"], png(), "")).await,
        &json!({"type":"chat-media","message":"media","destination":"201",
            "data":"iVBORw0KGgo=","mime-type":"image/png","size":8}),
    );
}

#[tokio::test]
async fn the_disputed_fields_have_switches() {
    let as_list = |server: &Scripted| builder(server).destination_as_list(true).build().unwrap();
    let seen = sent_by(as_list, &sms("hello")).await;
    assert_eq!(body(&seen)["destination"], json!(["15550101234"]));
    let early = |server: &Scripted| {
        let builder = builder(server).sender_field(SenderField::FromNum);
        builder.build().unwrap()
    };
    let seen = sent_by(early, &sms("hello")).await;
    assert_eq!(body(&seen)["from-num"], "15550109876");
    assert_eq!(body(&seen).get("from-number"), None);
}

#[tokio::test]
async fn a_session_can_be_named_continued_or_left_to_the_server() {
    let server = accepting().await;
    let client = client(&server);
    let named = SessionId::new(SESSION).unwrap();
    let sent = client.send_in(&named, &sms("hello")).await.unwrap();
    assert_eq!(sent.session.as_deref(), Some(SESSION));
    // One that a server made, in whatever form; the recipients may be left out.
    let nobody = Message::sms([], "hello").from(from());
    let sent = client.reply("a/../b?c=d%", &nobody).await.unwrap();
    assert_eq!(sent.session.as_deref(), Some("a/../b?c=d%"));
    client.send_in_server_session(&sms("hello")).await.unwrap();
    let seen = server.seen();
    let user = "/ns-api/v2/domains/~/users/~";
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            format!("{user}/messagesessions/{SESSION}/messages"),
            format!("{user}/messagesessions/a%2F..%2Fb%3Fc%3Dd%25/messages"),
            format!("{user}/messages"),
        ]
    );
    assert_eq!(
        body(&seen[1]),
        json!({"type":"sms","message":"hello","from-number":"15550109876"})
    );
}

#[tokio::test]
async fn every_form_of_success_is_one() {
    async fn check(status: u16, body: &'static str, session: Option<&str>, message: Option<&str>) {
        let server = Scripted::start(move |_| Reply::status(status, "", body)).await;
        let client = client(&server);
        let sent = client.send_in_server_session(&sms("hello")).await.unwrap();
        let expected = (session.map(str::to_owned), message.map(str::to_owned));
        assert_eq!(
            (sent.session.clone(), sent.message.clone()),
            expected,
            "{body}"
        );
        // In a session of ours it is ours that counts.
        let ours = SessionId::new(SESSION).unwrap();
        let sent = client.send_in(&ours, &sms("hello")).await.unwrap();
        let Sent { session, message } = sent.into_value();
        assert_eq!((session.as_deref(), message), (Some(SESSION), expected.1));
    }
    for status in [200, 201, 202] {
        check(status, "", None, None).await;
        check(status, "Accepted", None, None).await;
        check(status, "null", None, None).await;
        check(status, "{}", None, None).await;
        check(status, "[]", None, None).await;
        check(status, "{oops", None, None).await;
        check(status, ACCEPTED, None, None).await;
        check(
            status,
            r#"{"code":"202","message":"Accepted","error":null}"#,
            None,
            None,
        )
        .await;
        let message = r#"{"id":20260000001,"messagesession-id":"abc","status":"sending"}"#;
        check(status, message, Some("abc"), Some("20260000001")).await;
        let row = r#"[{"id":"m-1","messagesession-id":"abc"}]"#;
        check(status, row, Some("abc"), Some("m-1")).await;
    }
    check(204, "", None, None).await;
}

#[tokio::test]
async fn wrong_messages_are_named_before_anything_is_sent() {
    async fn check(message: Message, kind: ErrorKind, words: &str) {
        let server = accepting().await;
        let client = builder(&server).max_media_bytes(8).build().unwrap();
        let refused = |error: Error| {
            assert_eq!(
                (error.kind(), error.acceptance()),
                (kind, Acceptance::NotSent)
            );
            let shown = error.to_string();
            assert!(shown.contains(words), "{words} is not in: {shown}");
        };
        refused(client.send(&message).await.unwrap_err());
        refused(client.send_in_server_session(&message).await.unwrap_err());
        let named = SessionId::new(SESSION).unwrap();
        refused(client.send_in(&named, &message).await.unwrap_err());
        assert!(server.seen().is_empty());
    }
    use ErrorKind::{InvalidMessage, InvalidRecipient, InvalidSender};
    let phone = number("+15550101234");
    check(sms(""), InvalidMessage, "text").await;
    check(sms(" \n"), InvalidMessage, "text").await;
    check(
        Message::sms([], "a").from(from()),
        InvalidRecipient,
        "recipient",
    )
    .await;
    check(
        Message::sms([phone, phone], "a").from(from()),
        InvalidRecipient,
        "twice",
    )
    .await;
    check(
        Message::sms([phone], "a"),
        InvalidSender,
        "number to send from",
    )
    .await;
    check(
        Message::chat(["201"], "a").from(from()),
        InvalidSender,
        "chat",
    )
    .await;
    check(Message::chat([""], "a"), InvalidRecipient, "user").await;
    check(Message::chat(["201,202"], "a"), InvalidRecipient, "user").await;
    check(Message::chat(["20 1"], "a"), InvalidRecipient, "user").await;
    check(Message::chat(["201\n2"], "a"), InvalidRecipient, "user").await;
    let large = Media::new("image/png", [PNG, b"x"].concat()).unwrap();
    let large = Message::mms([phone], large, "").from(from());
    check(large, InvalidMessage, "8 bytes").await;
    for kind in ["image/png", "image/jpeg", "image/jpg", "image/gif"] {
        let other = Media::new(kind, &b"no image"[..]).unwrap();
        check(
            Message::mms([phone], other.clone(), "").from(from()),
            InvalidMessage,
            "mime type",
        )
        .await;
        check(
            Message::chat_media(["201"], other, ""),
            InvalidMessage,
            "mime type",
        )
        .await;
    }
}

#[tokio::test]
async fn an_empty_or_dotted_session_is_refused() {
    let server = accepting().await;
    for session in ["", ".", ".."] {
        let error = client(&server).reply(session, &sms("a")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidMessage, Acceptance::NotSent)
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_unknown_outcome_tells_the_session_to_look_into() {
    let server = Scripted::start(|_| Reply::Close).await;
    let named = SessionId::new(SESSION).unwrap();
    let error = client(&server)
        .send_in(&named, &sms("a"))
        .await
        .unwrap_err();
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    let about = error.provider_ref().unwrap();
    assert_eq!(about.session.as_deref(), Some(SESSION));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_id_rule_of_sessions() {
    use crate::netsapiens::SessionIdError::{BadCharacter, TooShort};
    let one_less = "a_2".repeat(10) + "a";
    let shortest = one_less.clone() + "_";
    let shortest = shortest.as_str();
    SessionId::new(shortest).unwrap();
    SessionId::new("Z".repeat(1_000)).unwrap();
    let check = |id: &str, expected| assert_eq!(SessionId::new(id).unwrap_err(), expected);
    check("", TooShort { length: 0 });
    check(&one_less, TooShort { length: 31 });
    check(&format!("{shortest}\n"), BadCharacter { position: 32 });
    for (position, wrong) in [(0, "/"), (32, "-"), (5, "é"), (7, "%"), (31, " ")] {
        let mut id = shortest.to_owned();
        id.insert_str(position, wrong);
        check(&id, BadCharacter { position });
    }
}

#[tokio::test]
async fn files_are_read_with_type_and_name() {
    let folder = std::env::temp_dir().join(format!("tidings-media-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let server = accepting().await;
    let client = builder(&server).max_media_bytes(100).build().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    // The content is asked before the name.
    let media = client.media_from_file(write("a.jpg", PNG)).await.unwrap();
    assert_eq!(
        (media.mime_type(), media.file_name(), &media.content()[..]),
        ("image/png", Some("a.jpg"), PNG)
    );
    let media = client
        .media_from_file(write("b.VCF", b"BEGIN"))
        .await
        .unwrap();
    assert_eq!(media.mime_type(), "text/vcard");
    for (path, words) in [
        (write("c.unknown", b"x"), "type"),
        (write("noend", b"x"), "type"),
        (write("d.txt", b""), "empty"),
        (write("e.txt", &[b'x'; 101]), "100 bytes"),
        (folder.join("missing.png"), "cannot be read"),
        (folder.clone(), ""),
    ] {
        let error = client.media_from_file(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMessage);
        assert!(error.to_string().contains(words), "{error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
