//! The provider in memory does what it is told.

use tidings_core::{ClientRef, E164, Message, ProviderRef, Reason, ReportedState, Timestamp};

use crate::error::{Acceptance, Error, ErrorKind};
use crate::memory::MemoryProvider;
use crate::provider::{AttemptRef, Outbound, Provider, Reconciled};

fn number(index: usize) -> E164 {
    E164::parse(&format!("+2246220{index:05}"), None).unwrap()
}

fn outbound(index: usize) -> Outbound {
    let reference = ClientRef::new(format!("m{index}")).unwrap();
    Outbound::new(reference, Message::new(number(index), "a text"))
}

async fn send(provider: &MemoryProvider, index: usize) -> crate::Result<ProviderRef> {
    let mut results = provider.submit(&[outbound(index)]).await?;
    assert_eq!(results.len(), 1);
    results.remove(0).map(|receipt| receipt.provider_ref)
}

#[tokio::test]
async fn takes_and_reports() {
    let provider = MemoryProvider::new();
    let [first, second] = [
        send(&provider, 1).await.unwrap(),
        send(&provider, 2).await.unwrap(),
    ];
    assert_ne!(first, second);
    assert_eq!(provider.messages(), [outbound(1), outbound(2)]);
    for (state, reason) in [
        (ReportedState::Submitted, None),
        (ReportedState::Sent, None),
        (ReportedState::Delivered, None),
        (ReportedState::Failed, Some(Reason::Unspecified)),
        (ReportedState::Undelivered, Some(Reason::Unspecified)),
        (ReportedState::Expired, Some(Reason::Expired)),
        (ReportedState::Canceled, Some(Reason::Canceled)),
        (ReportedState::Unknown, None),
    ] {
        provider.report(&second, state);
        let refs = [second.clone(), first.clone()];
        let reports = provider.status(&refs).await.unwrap();
        assert_eq!((reports[0].state, reports[0].reason), (state, reason));
        assert_eq!(reports[0].about, second);
        assert_eq!(reports[1].state, ReportedState::Submitted);
    }
    let nobody = ProviderRef::message("x");
    provider.report(&nobody, ReportedState::Sent);
    let error = provider.status(&[first, nobody]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn fails_on_demand_in_the_order_of_the_demands() {
    let provider = MemoryProvider::new();
    let error = |kind| Error::not_sent(kind, "as ordered");
    provider.fail_next(error(ErrorKind::Unavailable));
    provider.fail_next(error(ErrorKind::Unauthorized));
    provider.fail_next_to(&number(1), error(ErrorKind::RateLimited));
    provider.refuse(&number(2), error(ErrorKind::InvalidRecipient));
    let kind = |result: crate::Result<ProviderRef>| result.map_err(|error| error.kind());
    let kinds = [
        kind(send(&provider, 1).await),
        kind(send(&provider, 1).await),
        kind(send(&provider, 1).await),
        kind(send(&provider, 2).await),
        kind(send(&provider, 2).await),
    ];
    let expected = [
        ErrorKind::Unavailable,
        ErrorKind::Unauthorized,
        ErrorKind::RateLimited,
        ErrorKind::InvalidRecipient,
        ErrorKind::InvalidRecipient,
    ];
    assert_eq!(kinds, expected.map(Err));
    assert!(send(&provider, 1).await.is_ok());
    assert_eq!((provider.messages().len(), provider.submissions()), (1, 6));
}

#[tokio::test]
async fn a_lost_answer_can_be_reconciled() {
    let provider = MemoryProvider::new();
    let lost = Error::new(ErrorKind::Timeout, Acceptance::Unknown, "no answer");
    provider.take_and_fail_next(lost);
    assert!(send(&provider, 1).await.is_err());
    let attempt = |index| AttemptRef::new(outbound(index), Timestamp::UNIX_EPOCH);
    let Reconciled::Taken(receipt) = provider.reconcile(&attempt(1)).await.unwrap() else {
        panic!("it was taken");
    };
    assert!(provider.status(&[receipt.provider_ref]).await.is_ok());
    let other = provider.reconcile(&attempt(2)).await.unwrap();
    assert_eq!(other, Reconciled::NotTaken);
}

#[tokio::test(start_paused = true)]
async fn hangs_once() {
    let provider = MemoryProvider::new();
    provider.hang_next();
    let limit = std::time::Duration::from_mins(1);
    assert!(
        tokio::time::timeout(limit, send(&provider, 1))
            .await
            .is_err()
    );
    assert!(provider.messages().is_empty());
    assert!(send(&provider, 1).await.is_ok());
}

#[tokio::test]
async fn cancels_what_has_not_left() {
    let provider = MemoryProvider::new();
    let about = send(&provider, 1).await.unwrap();
    provider.cancel(&about).await.unwrap();
    let again = provider.cancel(&about).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Rejected);
    let nobody = provider.cancel(&ProviderRef::message("x")).await;
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn credit_runs_out() {
    let provider = MemoryProvider::new();
    assert_eq!(provider.balance().await.unwrap().amount, i64::MAX);
    provider.set_credit(1);
    assert!(send(&provider, 1).await.is_ok());
    assert_eq!(provider.balance().await.unwrap().amount, 0);
    let error = send(&provider, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InsufficientCredit);
}

#[tokio::test]
async fn keeps_an_address_book() {
    let provider = MemoryProvider::new();
    let book = provider.address_book().unwrap();
    for index in 1..=5 {
        book.add_contact("Mariama", "Bah", &number(index))
            .await
            .unwrap();
    }
    let page = book.contacts(2, 2).await.unwrap();
    assert_eq!(
        (page.page, page.total, page.total_pages),
        (2, Some(5), Some(3))
    );
    let numbers: Vec<&str> = page
        .contacts
        .iter()
        .map(|contact| &*contact.phone_number)
        .collect();
    assert_eq!(numbers, [number(3).as_str(), number(4).as_str()]);
    assert!(book.contacts(9, 2).await.unwrap().contacts.is_empty());
    assert!(book.contacts(0, 2).await.is_err());

    let group = book.create_group("Staff").await.unwrap();
    let id = page.contacts[0].id.clone().unwrap();
    for _ in 0..2 {
        book.add_to_group(&id, &group.id).await.unwrap();
    }
    assert_eq!(book.groups().await.unwrap(), [group.clone().members(1)]);
    let receipt = book.send_to_group(&group.id, "a text", None).await.unwrap();
    assert_eq!((receipt.group_size, receipt.queued), (1, 1));
    assert_eq!(provider.messages()[0].message.to, number(3));
    for result in [
        book.add_to_group("x", &group.id).await,
        book.add_to_group(&id, "x").await,
        book.send_to_group("x", "a text", None).await.map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn keeps_only_the_last_messages_and_counts_all() {
    let provider = MemoryProvider::new();
    let mut refs = Vec::new();
    for index in 1..=3 {
        refs.push(send(&provider, index).await.unwrap());
    }
    provider.keep_last(2);
    refs.push(send(&provider, 4).await.unwrap());
    assert_eq!(provider.messages(), [outbound(3), outbound(4)]);
    assert_eq!(provider.taken(), 4);
    provider.report(&refs[2], ReportedState::Delivered);
    let kept = provider.status(&refs[2..]).await.unwrap();
    assert_eq!(kept[0].state, ReportedState::Delivered);
    assert_eq!(kept[1].state, ReportedState::Submitted);
    let forgotten = provider.status(&refs[..1]).await.unwrap_err();
    assert_eq!(forgotten.kind(), ErrorKind::NotFound);
    // Of what it has forgotten it cannot say that it never came.
    let attempt = |index| AttemptRef::new(outbound(index), Timestamp::UNIX_EPOCH);
    let told = provider.reconcile(&attempt(1)).await.unwrap();
    assert_eq!(told, Reconciled::CannotTell);
    let told = provider.reconcile(&attempt(3)).await.unwrap();
    assert!(matches!(told, Reconciled::Taken(receipt) if receipt.provider_ref == refs[2]));
}

#[test]
fn can_do_what_it_is_told_that_it_can() {
    let provider = MemoryProvider::new();
    let mut less = provider.capabilities();
    less.max_messages_per_call = 3;
    provider.set_capabilities(less);
    assert_eq!(provider.clone().capabilities(), less);
}

#[tokio::test]
async fn shows_how_much_and_not_what() {
    let provider = MemoryProvider::new();
    send(&provider, 1).await.unwrap();
    let debug = format!("{provider:?}");
    assert_eq!(debug, "MemoryProvider { messages: 1, submissions: 1, .. }");
}
