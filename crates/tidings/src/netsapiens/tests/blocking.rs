//! The blocking client against a scripted server.

use std::sync::mpsc;

use serde_json::json;

use super::{KEY, builder};
use crate::blocking::tests::{Served, first_waits_for_second, from_two_threads};
use crate::conversations::Page;
use crate::netsapiens::blocking::Client;
use crate::netsapiens::{Model, NewSubscription};
use crate::tests::scripted::{Reply, Seen};

fn client(served: &Served) -> Client {
    builder(&served.server)
        .page_size(2)
        .build_blocking()
        .unwrap()
}

/// Lists of one row each, whatever is asked for.
fn one_row(seen: &Seen) -> Reply {
    let row = if seen.path.contains("/subscriptions") {
        json!({"id":"s1","post-url":"https://hooks.example.test/ns","model":"message","domain":"example.test","user":"*","status":"active"})
    } else if seen.path.contains("/smsnumbers") {
        json!({"number":"15550109876","application":"user","domain":"example.test","dest":"200"})
    } else {
        json!({"user":"200","domain":"example.test","messagesession-id":"a1"})
    };
    Reply::ok(json!([row]).to_string())
}

#[test]
fn a_call_returns_when_it_is_answered() {
    let served = Served::start(one_row);
    let client = client(&served).act_for("example.test", "200");
    let listed = client.sessions(Page::first(10)).unwrap();
    assert_eq!(listed[0].messagesession_id.0, "a1");
    let path = &served.server.seen()[0].path;
    assert!(path.contains("/domains/example.test/users/200/"), "{path}");
    assert!(client.token().is_some());
}

#[test]
fn two_threads_do_not_wait_for_each_other() {
    let served = Served::start(first_waits_for_second("[]"));
    let client = client(&served);
    for listed in from_two_threads(|| client.sessions(Page::first(1))) {
        assert!(listed.unwrap().is_empty());
    }
}

#[test]
fn sessions_are_an_iterator_over_all_pages() {
    let served = Served::start(|seen| {
        let row = |id: &str| json!({"user":"200","domain":"example.test","messagesession-id":id});
        let rows = if seen.path.contains("start=2") {
            json!([row("a3")])
        } else {
            json!([row("a1"), row("a2")])
        };
        Reply::ok(rows.to_string())
    });
    let listed: Result<Vec<_>, _> = client(&served).all_sessions().collect();
    let ids: Vec<String> = listed
        .unwrap()
        .into_iter()
        .map(|row| row.messagesession_id.0)
        .collect();
    assert_eq!(ids, ["a1", "a2", "a3"]);
}

#[test]
fn the_areas_of_the_neutral_interface() {
    let served = Served::start(one_row);
    let provider = client(&served).provider();
    let conversations = provider.conversations().unwrap();
    assert_eq!(conversations.list(Page::first(2)).unwrap()[0].id, "a1");
    let subscriptions = provider.subscriptions().unwrap();
    assert_eq!(subscriptions.list().unwrap()[0].id, "s1");
    let numbers = provider.numbers().unwrap();
    assert_eq!(numbers.list().unwrap()[0].number, "+15550109876");
}

#[test]
fn a_keeper_runs_while_the_program_goes_on() {
    let served = Served::start(|_| Reply::ok("[]"));
    let client = client(&served);
    let (tell, told) = mpsc::channel();
    let url = "https://hooks.example.test/ns";
    let keeper = client
        .keeper()
        .keep(NewSubscription::new(Model::Message, url))
        .on_event(move |event| tell.send(event.index).unwrap_or_default());
    let kept = client.keep(keeper);
    assert_eq!(told.recv(), Ok(0));
    drop(kept);
    // With the keeper goes what it tells by.
    while told.recv().is_ok() {}
}

#[test]
fn no_key_shows() {
    let served = Served::start(|_| Reply::ok("[]"));
    let shown = format!("{:?}", client(&served));
    assert!(shown.starts_with("blocking("), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}
