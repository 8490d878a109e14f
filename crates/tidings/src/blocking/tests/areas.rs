//! The neutral interface without a runtime, against the in-memory provider. What it does not have is
//! tested with the providers that do.

use std::sync::Arc;

use tidings_core::{ClientRef, E164, Message, Timestamp};

use crate::blocking::Provider;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::memory::MemoryProvider;
use crate::provider::{AttemptRef, Outbound, Reconciled};

fn outbound() -> Outbound {
    let to = E164::parse("+224622000001", None).unwrap();
    Outbound::new(ClientRef::new("r-1").unwrap(), Message::new(to, "Hello"))
}

#[test]
fn every_method_of_the_interface_is_there() {
    let memory = MemoryProvider::new();
    let provider = Provider::new(Arc::new(memory.clone())).unwrap();
    assert_eq!(
        provider.capabilities(),
        crate::Provider::capabilities(&memory)
    );

    let receipt = provider.submit(&[outbound()]).unwrap().remove(0).unwrap();
    assert_eq!(memory.messages(), [outbound()]);
    let about = receipt.provider_ref;
    let reports = provider.status(std::slice::from_ref(&about)).unwrap();
    assert_eq!(reports[0].about, about);
    let attempt = AttemptRef::new(outbound(), Timestamp::from_millis(0).unwrap());
    assert!(matches!(
        provider.reconcile(&attempt).unwrap(),
        Reconciled::Taken(_)
    ));
    provider.cancel(&about).unwrap();
    assert!(provider.balance().is_ok());

    assert!(provider.batches().is_none());
    assert!(provider.conversations().is_none());
    assert!(provider.subscriptions().is_none());
    assert!(provider.numbers().is_none());
}

#[test]
fn errors_come_as_they_are() {
    let memory = MemoryProvider::new();
    memory.fail_next(Error::new(
        ErrorKind::Timeout,
        Acceptance::Unknown,
        "no answer",
    ));
    let provider = Provider::new(Arc::new(memory)).unwrap();
    let error = provider.submit(&[outbound()]).unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Timeout, Acceptance::Unknown)
    );
}

#[test]
fn the_address_book() {
    let memory = MemoryProvider::new();
    let provider = Provider::new(Arc::new(memory)).unwrap();
    let book = provider.address_book().unwrap();
    let number = E164::parse("+224622000001", None).unwrap();
    let contact = book.add_contact("Aïssatou", "Bah", &number).unwrap();
    let listed = book.contacts(1, 10).unwrap().contacts;
    assert_eq!(listed, std::slice::from_ref(&contact));
    let group = book.create_group("Friends").unwrap();
    let (contact, group_id) = (contact.id.unwrap(), group.id.as_str());
    book.add_to_group(&contact, group_id).unwrap();
    assert_eq!(book.groups().unwrap().len(), 1);
    assert_eq!(
        book.send_to_group(group_id, "Hello", None)
            .unwrap()
            .group_size,
        1
    );
}
