//! The blocking client against a scripted server.

use super::encoding::golden::exchanges;
use super::{builder, queued_all};
use crate::blocking::tests::{Served, first_waits_for_second, from_two_threads};
use crate::puzzel::blocking::Client;
use crate::puzzel::{Message, SendOptions};
use crate::tests::scripted::Reply;

fn client(served: &Served) -> Client {
    builder(&served.server).build_blocking().unwrap()
}

#[test]
fn a_call_returns_when_it_is_answered() {
    let served = Served::start(queued_all);
    let message = Message::new("+4741000000", "Hei");
    let queued = client(&served).send_one(&message, &SendOptions::new());
    assert_eq!(queued.unwrap().message_id(), Some("m+4741000000"));
}

#[test]
fn two_threads_do_not_wait_for_each_other() {
    let served = Served::start(first_waits_for_second(r#"{"messageBatch":[]}"#));
    let client = client(&served);
    let [one, other] = from_two_threads(|| client.list_batches());
    assert_eq!(one.is_ok(), other.is_ok());
    assert_eq!(served.server.seen().len(), 2);
}

#[test]
fn waiting_batches() {
    let exchanges = exchanges();
    let shown = |name: &str| exchanges[name].answer.as_ref().unwrap().body();
    let (list, show, stop) = (
        shown("batch_list.v3"),
        shown("batch_show.v3"),
        shown("batch_stop.v3"),
    );
    let served = Served::start(move |seen| {
        let is_one = seen.path.contains("batch-1");
        Reply::ok(match (seen.method.as_str(), is_one) {
            ("DELETE", _) => stop.clone(),
            (_, true) => show.clone(),
            (_, false) => list.clone(),
        })
    });
    let provider = client(&served).provider();
    let batches = provider.batches().unwrap();
    assert!(!batches.list().unwrap().is_empty());
    assert!(batches.show("batch-1").unwrap().left > 0);
    assert!(!batches.stop("batch-1").unwrap().stopped.is_empty());
}
