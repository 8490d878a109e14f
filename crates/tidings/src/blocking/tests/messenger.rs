//! The messenger without a runtime, against in-memory accounts.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tidings_core::{DeliveryReport, E164, Message, ReportedState};

use crate::blocking::Messenger;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::memory::MemoryProvider;
use crate::messenger::{VerdictOrder, Waiting};
use crate::provider::Reconciled;

fn message(number: u32) -> Message {
    let to = E164::parse(&format!("+2246220{number:05}"), None).unwrap();
    Message::new(to, "Hello")
}

fn messenger(memory: &MemoryProvider) -> Messenger {
    Messenger::builder()
        .account("main", Arc::new(memory.clone()))
        .build_blocking()
        .unwrap()
}

#[test]
fn one_message_is_sent_asked_about_and_cancelled() {
    let memory = MemoryProvider::new();
    let messenger = messenger(&memory);
    let sent = messenger.send(message(1)).unwrap();
    assert_eq!(memory.messages().len(), 1);
    let mut reports = messenger.status(std::slice::from_ref(&sent)).unwrap();
    assert_eq!(reports.remove(0).unwrap().about, sent.provider_ref);
    let balance = messenger.balance().unwrap().remove(0);
    assert_eq!(balance.0.as_str(), "main");
    assert!(balance.1.is_ok());
    assert!(!messenger.decide(&message(1)).why().is_empty());
    messenger.cancel(&sent).unwrap();
}

#[test]
fn many_messages_have_a_verdict_each_in_their_order() {
    let memory = MemoryProvider::new();
    let refused = message(3).to;
    memory.refuse(
        &refused,
        Error::new(ErrorKind::InvalidRecipient, Acceptance::Refused, "no"),
    );
    let outcomes: Result<Vec<(u64, bool)>, Error> = messenger(&memory)
        .send_many((1..=5).map(message), VerdictOrder::Given)
        .map(|verdict| verdict.map(|it| (it.position, it.outcome.is_ok())))
        .collect();
    let expected = [(0, true), (1, true), (2, false), (3, true), (4, true)];
    assert_eq!(outcomes.unwrap(), expected);
}

#[test]
fn an_iterator_may_borrow_and_be_left_in_the_middle() {
    let memory = MemoryProvider::new();
    let messages: Vec<Message> = (1..=3).map(message).collect();
    let messenger = messenger(&memory);
    let mut verdicts = messenger.send_many(messages.iter().cloned(), VerdictOrder::AsTheyCome);
    assert!(verdicts.next().unwrap().unwrap().outcome.is_ok());
    drop(verdicts);
    let mut none = messenger.send_many([], VerdictOrder::Given);
    assert!(none.next().is_none());
    assert!(none.next().is_none());
}

#[test]
fn a_report_from_another_thread_wakes_who_waits() {
    let memory = MemoryProvider::new();
    let messenger = messenger(&memory);
    let sent = messenger.send(message(1)).unwrap();
    // Longer than the test lasts, so that it is the report that ends the waiting.
    let waiting = Waiting::default()
        .waits(Duration::from_hours(1), Duration::from_hours(1))
        .total(Duration::from_hours(2));
    let report = thread::scope(|threads| {
        let waits = threads.spawn(|| messenger.wait_until_final(&sent, &waiting));
        let report = DeliveryReport::new(sent.provider_ref.clone(), ReportedState::Delivered);
        // Which account it is of has to be said: this one's provider reports nothing by itself.
        messenger.hear(report.clone());
        messenger.hear_from(&sent.account, report).unwrap();
        waits.join().unwrap()
    });
    assert_eq!(report.unwrap().state, ReportedState::Delivered);
    let stray = DeliveryReport::new(sent.provider_ref, ReportedState::Failed);
    assert!(messenger.hear_from(&"other".into(), stray).is_err());
}

#[test]
fn a_failure_is_that_of_the_asynchronous_messenger() {
    let memory = MemoryProvider::new();
    memory.fail_next(Error::new(
        ErrorKind::InsufficientCredit,
        Acceptance::Refused,
        "empty",
    ));
    let messenger = messenger(&memory);
    let failure = messenger.send(message(1)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::InsufficientCredit);
    assert_eq!(messenger.reconcile(&failure).unwrap(), Reconciled::NotTaken);
}

#[tokio::test]
async fn inside_a_task_nothing_is_sent() {
    let memory = MemoryProvider::new();
    let messenger = messenger(&memory);
    let failure = messenger.send(message(1)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Config);
    assert!(!failure.is_unknown());
    let mut verdicts = messenger.send_many([message(1)], VerdictOrder::Given);
    assert_eq!(
        verdicts.next().unwrap().unwrap_err().kind(),
        ErrorKind::Config
    );
    assert!(verdicts.next().is_none());
    assert_eq!(messenger.balance().unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(memory.messages(), []);
}
