//! Lists of sessions and messages, in pages and as streams, and what can be changed.

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use super::{builder, client};
use crate::conversations::Page;
use crate::error::{Acceptance, ErrorKind};
use crate::tests::scripted::{Reply, Scripted, Seen};

const USER: &str = "/ns-api/v2/domains/~/users/~/messagesessions";

fn session(id: &str) -> Value {
    json!({"user":"200","domain":"example.test","messagesession-id":id,
        "messagesession-remote":15550101234_i64,"messagesession-sms-number":15550109876_i64,
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
            format!("{USER}?start=0&limit=10"),
            "/ns-api/v2/domains/~/messagesessions?start=20&limit=10".to_owned(),
            format!("{USER}/a%2F1/messages?start=1&limit=1000"),
        ]
    );
}
