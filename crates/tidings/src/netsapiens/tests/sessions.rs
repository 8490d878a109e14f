//! Lists of sessions and messages, in pages and as streams, and what can be changed.

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use super::{builder, client};
use crate::conversations::Page;
use crate::error::{Acceptance, ErrorKind};
use crate::netsapiens::wire;
use crate::provider::Provider;
use crate::tests::scripted::{Reply, Scripted, Seen};

const USER: &str = "/ns-api/v2/domains/~/users/~/messagesessions";

fn session(id: &str) -> Value {
    json!({"user":"200","domain":"example.test","messagesession-id":id,
        "messagesession-remote":15_550_101_234_i64,"messagesession-sms-number":15_550_109_876_i64,
        "messagesession-last-message":5,"messagesession-last-type":"sms"})
}

/// `start` and `limit` of a call, as a server that knows both reads them.
fn part(seen: &Seen) -> (usize, usize) {
    let query = seen.path.split_once('?').unwrap().1.to_owned();
    let mut part = (0, 100);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value.parse().unwrap();
        match name {
            "start" => part.0 = value,
            "limit" => part.1 = value,
            other => panic!("{other}"),
        }
    }
    part
}

fn page_of(all: &[Value], seen: &Seen) -> Reply {
    let (start, limit) = part(seen);
    let rows: Vec<&Value> = all.iter().skip(start).take(limit).collect();
    Reply::ok(serde_json::to_string(&rows).unwrap())
}

#[tokio::test]
async fn sessions_of_the_user_and_of_the_domain_are_listed() {
    let server = Scripted::start(|_| Reply::ok(json!([session("a1")]).to_string())).await;
    let client = client(&server);
    let listed = client.sessions(Page::first(10)).await.unwrap();
    assert_eq!(listed[0].messagesession_id.0, "a1");
    assert_eq!(listed[0].messagesession_remote.0, "15550101234");
    assert_eq!(listed[0].messagesession_last_message.0, "5");
    client.domain_sessions(Page::new(20, 10)).await.unwrap();
    client
        .messages("a/1", Page::new(1, 1000))
        .await
        .unwrap_err();
    let paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        paths,
        [
            format!("{USER}?limit=10"),
            "/ns-api/v2/domains/~/messagesessions?start=20&limit=10".to_owned(),
            format!("{USER}/a%2F1/messages?start=1&limit=1000"),
        ]
    );
}

#[tokio::test]
async fn a_stream_asks_for_the_next_page_until_one_is_not_full() {
    for n_rows in [0, 1, 2, 3, 4, 5] {
        let all: Vec<Value> = (0..n_rows).map(|n| session(&format!("a{n}"))).collect();
        let served = all.clone();
        let server = Scripted::start(move |seen| page_of(&served, seen)).await;
        let client = builder(&server).page_size(2).build().unwrap();
        let listed: Vec<wire::MessageSession> = client.all_sessions().try_collect().await.unwrap();
        let ids: Vec<&str> = listed
            .iter()
            .map(|row| row.messagesession_id.0.as_str())
            .collect();
        let expected: Vec<String> = (0..n_rows).map(|n| format!("a{n}")).collect();
        assert_eq!(ids, expected);
        assert_eq!(server.seen().len(), n_rows / 2 + 1);
        let listed = client.all_domain_sessions();
        assert_eq!(listed.try_collect::<Vec<_>>().await.unwrap().len(), n_rows);
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_start_is_an_error_after_what_it_gives() {
    let all: Vec<Value> = (0..3).map(|n| session(&format!("a{n}"))).collect();
    let server =
        Scripted::start(move |_| Reply::ok(serde_json::to_string(&all[..2]).unwrap())).await;
    let client = builder(&server).page_size(2).build().unwrap();
    let mut rows = Box::pin(client.all_sessions());
    assert!(rows.try_next().await.unwrap().is_some());
    assert!(rows.try_next().await.unwrap().is_some());
    let error = rows.try_next().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Protocol, Acceptance::NotSent)
    );
    assert!(error.to_string().contains("start"), "{error}");
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_know_limit_has_given_everything() {
    let all: Vec<Value> = (0..3).map(|n| session(&format!("a{n}"))).collect();
    let server = Scripted::start(move |_| Reply::ok(serde_json::to_string(&all).unwrap())).await;
    let client = builder(&server).page_size(2).build().unwrap();
    let rows: Vec<_> = client.all_sessions().try_collect().await.unwrap();
    assert_eq!((rows.len(), server.seen().len()), (3, 1));
}

/// Between the two calls a message comes in, and moves every row by one.
#[tokio::test]
async fn rows_that_move_between_two_calls_come_once() {
    let message = |n: usize| json!({"id": format!("m{n}"), "type": "sms", "text": "a"});
    let mut rows: Vec<Value> = (0..4).rev().map(message).collect();
    let server = Scripted::start(move |seen| {
        let reply = page_of(&rows, seen);
        rows.insert(0, message(10 + rows.len()));
        reply
    })
    .await;
    let client = builder(&server).page_size(3).build().unwrap();
    let listed: Vec<wire::Message> = client.all_messages("s").try_collect().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|row| row.id.0.as_str()).collect();
    assert_eq!(ids, ["m3", "m2", "m1", "m0"]);
}

#[tokio::test]
async fn one_session_comes_as_an_object_or_in_a_list() {
    async fn check(body: Value) {
        let server = Scripted::start(move |_| Reply::ok(body.to_string())).await;
        let found = client(&server).session("a1").await.unwrap();
        assert_eq!(found.messagesession_id.0, "a1");
        assert_eq!(server.seen()[0].path, format!("{USER}/a1"));
    }
    check(session("a1")).await;
    check(json!([session("a1")])).await;
    check(json!([session("a0"), session("a1")])).await;
    let mut nameless = session("");
    nameless
        .as_object_mut()
        .unwrap()
        .remove("messagesession-id");
    check(nameless).await;

    async fn refused(body: &'static str, kind: ErrorKind) {
        let server = Scripted::start(move |_| Reply::ok(body)).await;
        let error = client(&server).session("a1").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
    }
    refused("[]", ErrorKind::NotFound).await;
    refused(r#"[{"messagesession-id":"b"}]"#, ErrorKind::Protocol).await;
    refused("", ErrorKind::Protocol).await;
}

#[tokio::test]
async fn sessions_are_changed_left_and_deleted() {
    let server =
        Scripted::start(|_| Reply::status(202, "", r#"{"code":202,"message":"Accepted"}"#)).await;
    let client = client(&server);
    let all = ["200@example.test", "201@example.test"];
    client.set_participants("a/1", &all).await.unwrap();
    client.rename_session("a1", "Team").await.unwrap();
    client.mark_session("a1", true).await.unwrap();
    client.mark_session("a1", false).await.unwrap();
    client.leave_session("a1").await.unwrap();
    client.delete_session("a1").await.unwrap();
    let seen = server.seen();
    let calls: Vec<String> = seen
        .iter()
        .map(|seen| format!("{} {} {}", seen.method, seen.path, seen.body))
        .collect();
    assert_eq!(
        calls,
        [
            format!(r#"PUT {USER}/a%2F1 {{"participants":"200@example.test,201@example.test"}}"#),
            format!(r#"PUT {USER}/a1 {{"session-name":"Team"}}"#),
            format!(r#"PUT {USER}/a1 {{"messagesession-last-status":"read"}}"#),
            format!(r#"PUT {USER}/a1 {{"messagesession-last-status":"unread"}}"#),
            format!("PUT {USER}/a1/leave "),
            format!("DELETE {USER}/a1 "),
        ]
    );
    for wrong in [&[][..], &[""], &["200,201"]] {
        let error = client.set_participants("a1", wrong).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidRecipient, Acceptance::NotSent)
        );
    }
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn an_early_version_has_no_list_of_a_domain() {
    let server = Scripted::start(|_| {
        Reply::status(404, "", r#"{"code":404,"message":"No Route Found [92]"}"#)
    })
    .await;
    let error = client(&server)
        .domain_sessions(Page::first(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn conversations_are_told_in_neutral_words() {
    let body = json!([{"user":"200","domain":"example.test","messagesession-id":"a1",
        "messagesession-remote":15_550_101_234_i64,"messagesession-sms-number":"15550109876",
        "messagesession-muted":"yes","messagesession-last-timestamp":"2026-01-02 03:04:05",
        "messagesession-start-datetime":"2026-01-01T00:00:00+00:00",
        "messagesession-last-message":5,"messagesession-last-sender":15_550_101_234_i64,
        "messagesession-last-status":"unread","messagesession-last-type":"sms",
        "messagesession-last-media-size":0,"messagesession-type":"","messagesession-name":"",
        "messagesession-participants":null}]);
    let server = Scripted::start(move |_| Reply::ok(body.to_string())).await;
    let client = client(&server);
    let conversations = client.conversations().unwrap();
    let listed = conversations.list(Page::first(5)).await.unwrap();
    let shown = conversations.show("a1").await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&shown));
    assert_eq!(
        (shown.id.as_str(), shown.owner.to_string()),
        ("a1", "200@example.test".to_owned())
    );
    assert_eq!(shown.remote, ["+15550101234"]);
    assert_eq!(shown.number.as_deref(), Some("+15550109876"));
    assert!(shown.is_muted && !shown.is_read && !shown.is_group && shown.name.is_none());
    assert_eq!(
        shown.started_at.unwrap().to_string(),
        "2026-01-01T00:00:00Z"
    );
    let last = shown.last.unwrap();
    assert_eq!((last.text.as_str(), last.kind.as_str()), ("5", "sms"));
    assert_eq!(last.at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(
        (last.sender.as_deref(), last.media_bytes),
        (Some("+15550101234"), None)
    );
}

#[tokio::test]
async fn messages_are_told_in_neutral_words() {
    use crate::conversations::Direction::{Inbound, Internal, Outbound};

    let body = json!([
        {"id":7,"timestamp":"2026-01-02 03:04:05","type":"mms","direction":"orig","dialed":"15550109876",
            "text":"look","status":"","from-number":15_550_101_234_i64,"from-user-id":"",
            "media-type":"image/png","media-size":"8","file-access-url ":"https://core1.example.test/x?auth=1"},
        {"id":"m-2","timestamp":"2026-01-02T03:04:06+00:00","type":"sms","direction":"term",
            "dialed":"15550101234,15550105678","text":"hi","status":"sending","from-number":"15550109876",
            "from-user-id":"200@example.test","deleted-timestamp":""},
        {"id":"m-3","timestamp":"2026-01-02 03:04:07","type":"chat","direction":"","dialed":"",
            "text":"ping","from-user-id":"200@example.test","terminating-user-id":"201@example.test,202@example.test"}
    ]);
    let server = Scripted::start(move |_| Reply::ok(body.to_string())).await;
    let client = client(&server);
    let listed = client
        .conversations()
        .unwrap()
        .messages("a1", Page::first(5))
        .await
        .unwrap();
    let ways: Vec<_> = listed.iter().map(|message| message.direction).collect();
    assert_eq!(ways, [Inbound, Outbound, Internal]);
    assert_eq!(
        (listed[0].id.as_str(), listed[0].from.as_str()),
        ("7", "+15550101234")
    );
    assert_eq!(listed[0].to, ["+15550109876"]);
    let media = listed[0].media.as_ref().unwrap();
    assert_eq!(
        (media.mime_type.as_str(), media.bytes),
        ("image/png", Some(8))
    );
    assert!(media.url.is_some() && listed[0].status.is_none());
    assert_eq!(listed[1].from, "+15550109876");
    assert_eq!(listed[1].to, ["+15550101234", "+15550105678"]);
    assert_eq!(listed[1].status.as_deref(), Some("sending"));
    assert!(listed[1].media.is_none() && listed[1].deleted_at.is_none());
    assert_eq!(listed[2].from, "200@example.test");
    assert_eq!(listed[2].to, ["201@example.test", "202@example.test"]);
    assert!(
        listed
            .iter()
            .all(|message| message.conversation == "a1" && message.at.is_some())
    );
}
