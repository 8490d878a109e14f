//! The blocking client against a scripted server.

use super::super::blocking::Client;
use super::guinea;
use super::scripted::Reply;
use crate::blocking::tests::{Served, first_waits_for_second, from_two_threads};
use crate::error::ErrorKind;

fn client(served: &Served) -> Client {
    served.server.builder().build_blocking().unwrap()
}

#[test]
fn a_call_returns_when_it_is_answered() {
    let served = Served::start(|_| {
        Reply::ok(r#"{"success":true,"message_id":"m-1","id":"m-1","data":{"id":"m-1"}}"#)
    });
    let client = client(&served);
    let sent = client.send(&guinea(1), "Bonjour", None);
    let asynchronous = served.server.seen();
    assert_eq!(asynchronous.len(), 1, "{sent:?}");
    assert!(asynchronous[0].body.contains("Bonjour"));
}

#[test]
fn two_threads_do_not_wait_for_each_other() {
    let served = Served::start(first_waits_for_second(r#"{"solde":7}"#));
    let client = client(&served);
    for credits in from_two_threads(|| client.credits()) {
        assert_eq!(credits.unwrap().value, 7);
    }
}

#[test]
fn contacts_are_an_iterator_over_all_pages() {
    let served = Served::start(|seen| {
        let first = seen.path.contains("page=1&");
        let (id, page) = if first { (1, 1) } else { (2, 2) };
        let contacts = serde_json::json!([
            {"id": id, "first_name": "A", "last_name": "B", "phone_number": "622000001"}
        ]);
        let body =
            serde_json::json!({"contacts": contacts, "total": 2, "page": page, "total_pages": 2});
        Reply::ok(body.to_string())
    });
    let contacts: Result<Vec<_>, _> = client(&served).all_contacts(1).collect();
    let ids: Vec<Option<String>> = contacts.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, [Some("1".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn inside_a_task_nothing_is_sent() {
    let server = super::scripted::Scripted::answering(&[]).await;
    let client = server.builder().build_blocking().unwrap();
    let error = client.send(&guinea(1), "Bonjour", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(server.seen(), []);
}

#[test]
fn no_key_shows() {
    let served = Served::start(|_| Reply::ok("{}"));
    let shown = format!("{:?}", client(&served));
    assert!(shown.starts_with("blocking(passinfo::Client {"), "{shown}");
    assert!(!shown.contains(super::scripted::KEY), "{shown}");
}
