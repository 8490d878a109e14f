//! The client as a provider: what is submitted and what is told of it.

use serde_json::{Value, json};
use tidings_core::{
    ClientRef, E164, Media, Message, ProviderRef, ReportedState, SendWindow, SenderId,
};

use super::builder;
use crate::error::{Acceptance, ErrorKind};
use crate::netsapiens::map::status;
use crate::netsapiens::{ClientBuilder, Sessions};
use crate::provider::{Outbound, Provider};
use crate::tests::scripted::{Reply, Scripted};

const ACCEPTED: &str = r#"{"code":202,"message":"Accepted"}"#;

fn phone(text: &str) -> E164 {
    E164::parse_possible(text, None).unwrap()
}

fn own() -> E164 {
    phone("+15550109876")
}

fn outbound(reference: &str, message: Message) -> Outbound {
    Outbound::new(ClientRef::new(reference).unwrap(), message)
}

fn hello() -> Message {
    Message::new(phone("+15550101234"), "hello")
}

fn sending(server: &Scripted) -> ClientBuilder {
    builder(server).from_number(own())
}

#[tokio::test]
async fn a_message_is_one_call_and_its_receipt_says_where_it_is() {
    let server = Scripted::start(|_| Reply::status(202, "", ACCEPTED)).await;
    let client = sending(&server).build().unwrap();
    let mut results = client
        .submit(&[outbound("order-1", hello())])
        .await
        .unwrap();
    let receipt = results.remove(0).unwrap();
    let about = receipt.provider_ref;
    assert_eq!(about.reference.unwrap().as_str(), "order-1");
    assert_eq!(about.recipient, Some(phone("+15550101234")));
    let session = about.session.unwrap();
    let seen = server.seen();
    let path = format!("/ns-api/v2/domains/~/users/~/messagesessions/{session}/messages");
    assert_eq!((seen.len(), seen[0].path.as_str()), (1, path.as_str()));
    assert_eq!(receipt.http.unwrap().status, 202);
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(
        body,
        json!({"type":"sms","message":"hello","destination":"15550101234","from-number":"15550109876"})
    );
}

#[tokio::test]
async fn the_setting_says_which_messages_share_a_session() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let other = Message::new(phone("+15550105678"), "hello");
    let from_another = hello().from(SenderId::International(phone("+15550109999")));
    let messages = [
        outbound("a", hello()),
        outbound("b", hello()),
        outbound("c", other),
        outbound("d", from_another),
    ];
    let sessions = async |sessions: Sessions| -> Vec<String> {
        let client = sending(&server).sessions(sessions).build().unwrap();
        let results = client.submit(&messages).await.unwrap();
        let session = |result: crate::Result<crate::Receipt>| result.unwrap().provider_ref.session;
        results
            .into_iter()
            .map(|result| session(result).unwrap())
            .collect()
    };
    let each = sessions(Sessions::PerMessage).await;
    let different: std::collections::HashSet<_> = each.iter().collect();
    assert_eq!(different.len(), 4);
    assert_eq!(sessions(Sessions::PerMessage).await, each);
    let shared = sessions(Sessions::PerRecipient).await;
    assert_eq!(shared[0], shared[1]);
    let different: std::collections::HashSet<_> = shared.iter().collect();
    assert_eq!(different.len(), 3);
}

#[tokio::test]
async fn a_file_is_sent_as_mms() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = sending(&server).max_media_bytes(8).build().unwrap();
    assert_eq!(client.capabilities().max_media_bytes, Some(8));
    let png = Media::new("image/png", &b"\x89PNG\r\n\x1a\n"[..])
        .unwrap()
        .name("a.png");
    let mut message = Message::new(phone("+15550101234"), "").media(png);
    client
        .submit(&[outbound("a", message.clone())])
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(
        (&body["type"], &body["message"]),
        (&json!("mms"), &json!("a.png"))
    );
    message.media = Some(Media::new("text/plain", &b"123456789"[..]).unwrap());
    let results = client.submit(&[outbound("a", message)]).await.unwrap();
    let error = results.into_iter().next().unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::InvalidMessage, Acceptance::NotSent)
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_beside_what_can() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = sending(&server).build().unwrap();
    let window = SendWindow::from("2026-11-23T08:00[Africa/Conakry]".parse().unwrap());
    let messages = [
        outbound("a", hello().window(window)),
        outbound("b", Message::new(phone("+15550101234"), " ")),
        outbound("c", hello().from(SenderId::parse("Tidings").unwrap())),
        outbound("d", hello().from(SenderId::parse("12345").unwrap())),
        outbound("e", hello()),
    ];
    let results = client.submit(&messages).await.unwrap();
    let kinds: Vec<Option<ErrorKind>> = results
        .iter()
        .map(|result| result.as_ref().err().map(crate::Error::kind))
        .collect();
    use ErrorKind::{InvalidMessage, InvalidSender};
    assert_eq!(
        kinds,
        [
            Some(InvalidMessage),
            Some(InvalidMessage),
            Some(InvalidSender),
            Some(InvalidSender),
            None
        ]
    );
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(
            (error.acceptance(), error.operation()),
            (Acceptance::NotSent, Some("submit"))
        );
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_sender_must_be_known() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = builder(&server).build().unwrap();
    assert!(!client.capabilities().sender_optional);
    let results = client.submit(&[outbound("a", hello())]).await.unwrap();
    assert_eq!(
        results[0].as_ref().unwrap_err().kind(),
        ErrorKind::InvalidSender
    );
    let named = hello().from(SenderId::International(own()));
    assert!(client.submit(&[outbound("a", named)]).await.unwrap()[0].is_ok());
    assert!(
        sending(&server)
            .build()
            .unwrap()
            .capabilities()
            .sender_optional
    );
}

#[tokio::test]
async fn the_only_call_that_fails_is_the_outer_error_and_says_where_to_look() {
    let server = Scripted::start(|_| Reply::Close).await;
    let client = sending(&server).build().unwrap();
    let error = client
        .submit(&[outbound("order-1", hello())])
        .await
        .unwrap_err();
    assert_eq!(
        (error.acceptance(), error.operation()),
        (Acceptance::Unknown, Some("submit"))
    );
    let about = error.provider_ref().unwrap();
    assert!(about.session.is_some() && about.recipient == Some(phone("+15550101234")));
    assert_eq!(about.reference.as_ref().unwrap().as_str(), "order-1");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn many_messages_are_sent_once_each_and_their_results_keep_the_order() {
    let server = Scripted::start(|seen| {
        if seen.body.contains("text 7\"") {
            Reply::status(400, "", r#"{"code":400,"message":"Invalid destination"}"#)
        } else {
            Reply::status(202, "", ACCEPTED)
        }
    })
    .await;
    let client = sending(&server).build().unwrap();
    let messages: Vec<Outbound> = (0..40)
        .map(|n| {
            let message = Message::new(phone("+15550101234"), format!("text {n}"));
            outbound(&format!("order-{n}"), message)
        })
        .collect();
    let results = client.submit(&messages).await.unwrap();
    for (n, (result, message)) in results.iter().zip(&messages).enumerate() {
        match result {
            Ok(receipt) => {
                let reference = receipt.provider_ref.reference.as_ref();
                assert_eq!(reference, Some(&message.reference));
            }
            Err(error) => assert_eq!((n, error.kind()), (7, ErrorKind::InvalidRecipient)),
        }
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 40);
    let different: std::collections::HashSet<&str> =
        seen.iter().map(|seen| seen.body.as_str()).collect();
    assert_eq!(different.len(), 40);
}

#[tokio::test]
async fn nothing_new_is_begun_after_a_call_that_would_meet_the_next_too() {
    for (reply, kind) in [
        (
            || Reply::status(429, "retry-after: 7\r\n", ""),
            ErrorKind::RateLimited,
        ),
        (|| Reply::status(403, "", ""), ErrorKind::RateLimited),
        (|| Reply::Close, ErrorKind::Unavailable),
    ] as [(fn() -> Reply, ErrorKind); 3]
    {
        let server = Scripted::start(move |_| reply()).await;
        let client = sending(&server).build().unwrap();
        let messages: Vec<Outbound> = (0..40)
            .map(|n| outbound(&format!("order-{n}"), hello()))
            .collect();
        let results = client.submit(&messages).await.unwrap();
        assert_eq!(results.len(), 40);
        // What was open at once may still end; each was sent at most once.
        let n_calls = server.seen().len();
        assert!((1..=16).contains(&n_calls), "{n_calls}");
        let mut n_unsent = 0;
        for error in results.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.kind(), kind);
            n_unsent += usize::from(error.to_string().contains("not attempted"));
        }
        assert_eq!(n_unsent, 40 - n_calls);
    }
}

#[tokio::test]
async fn states_are_looked_up_in_the_sessions() {
    let server = Scripted::start(|seen| {
        let session = seen.path.split('/').nth(8).unwrap();
        let row = |id: &str, status: &str| {
            json!({"id": id, "timestamp": "2026-01-02 03:04:05", "type": "sms", "direction": "term",
                "dialed": "15550101234", "text": "a", "status": status})
        };
        let answer = json!({"id": "x", "timestamp": "2026-01-02 03:04:06", "type": "sms",
            "direction": "orig", "dialed": "15550109876", "text": "b", "status": ""});
        let rows = match session {
            "one" => json!([answer, row("m-1", "sending")]),
            "two" => json!([row("m-1", "delivered"), row("m-2", "sent")]),
            "odd" => json!([row("m-1", "vanished")]),
            "mute" => json!([row("m-1", "")]),
            "bare" => row("m-1", "queued"),
            "empty" => json!([]),
            _ => return Reply::status(404, "", r#"{"code":404,"message":"Resource not found."}"#),
        };
        Reply::ok(rows.to_string())
    })
    .await;
    let client = sending(&server).build().unwrap();
    let about = |session: &str, message: Option<&str>| {
        let mut about = ProviderRef::default();
        about.session = Some(session.to_owned());
        about.message = message.map(str::to_owned);
        about.recipient = Some(phone("+15550101234"));
        about
    };
    use ReportedState::{Delivered, Sent, Submitted, Unknown};
    let asked = [
        (about("one", None), Submitted, Some("sending")),
        (about("two", Some("m-1")), Delivered, Some("delivered")),
        (about("two", Some("m-2")), Sent, Some("sent")),
        (about("two", Some("m-3")), Unknown, None),
        // Two of ours with different words: which is it?
        (about("two", None), Unknown, None),
        (about("odd", None), Unknown, Some("vanished")),
        (about("bare", None), Submitted, Some("queued")),
        (about("mute", None), Submitted, None),
        (about("empty", None), Unknown, None),
        (about("missing", None), Unknown, None),
        (ProviderRef::message("m-1"), Unknown, None),
    ];
    let refs: Vec<ProviderRef> = asked.iter().map(|(about, ..)| about.clone()).collect();
    let reports = client.status(&refs).await.unwrap();
    for (report, (about, state, raw)) in reports.iter().zip(&asked) {
        assert_eq!(
            (&report.about, report.state, report.raw.as_deref()),
            (about, *state, *raw)
        );
        assert_eq!(report.at.is_some(), raw.is_some() || *state == Submitted);
    }
    // Each session once.
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn a_failed_question_is_the_error_of_all() {
    let server = Scripted::start(|_| Reply::status(500, "", "")).await;
    let client = sending(&server).build().unwrap();
    let mut about = ProviderRef::default();
    about.session = Some("one".to_owned());
    let error = client.status(&[about]).await.unwrap_err();
    assert_eq!(
        (error.acceptance(), error.operation()),
        (Acceptance::NotSent, Some("status"))
    );
    assert!(client.status(&[]).await.unwrap().is_empty());
}

#[test]
fn the_words_for_states() {
    use ReportedState::{Delivered, Failed, Sent, Submitted, Unknown};
    for (word, state) in [
        ("sending", Submitted),
        ("pending", Submitted),
        ("queued", Submitted),
        ("scheduled", Submitted),
        (" Sent ", Sent),
        ("delivered", Delivered),
        ("failed", Failed),
        ("", Submitted),
        ("vanished", Unknown),
    ] {
        assert_eq!(status::state(word), state, "{word}");
    }
}

#[tokio::test]
async fn what_a_pbx_has_not_is_unsupported() {
    let server = Scripted::start(|_| Reply::ok("")).await;
    let client = sending(&server).build().unwrap();
    let errors = [
        client.balance().await.unwrap_err(),
        client.cancel(&ProviderRef::message("m")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert!(client.address_book().is_none() && client.batches().is_none());
    assert!(client.conversations().is_some() && client.numbers().is_some());
    assert!(server.seen().is_empty());
}
