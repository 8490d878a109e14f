//! Calls between telephones.

use tidings::backend::{CallDesk, NewPhoneCall, Refusal};

use super::{THREE_USERS, first, open, second, sign_in};

#[tokio::test]
async fn a_call_rings_is_answered_and_ends_after_half_a_minute() {
    let (world, clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let new = || NewPhoneCall::new("call-1", "200@tidings.example", "+15550105678");
    let started = world.start_call(&who, &first(), new()).await.unwrap();
    assert_eq!(started.session.len(), 32);
    assert_eq!(started.answered_at, None);
    let again = world.start_call(&who, &first(), new()).await.unwrap_err();
    assert_eq!(again, Refusal::Duplicate);
    let list = async |user| {
        world
            .calls(&who, Some("tidings.example"), user)
            .await
            .unwrap()
    };
    assert_eq!(list(None).await.len(), 1);
    assert!(list(Some("201")).await.is_empty());
    clock.advance(3_000);
    assert!(list(Some("200")).await[0].answered_at.is_some());
    clock.advance(26_999);
    assert_eq!(list(None).await.len(), 1);
    clock.advance(1);
    assert!(list(None).await.is_empty());

    let mut at_once = new();
    at_once.auto_answer = true;
    let started = world.start_call(&who, &first(), at_once).await.unwrap();
    assert_eq!(started.answered_at, Some(started.started_at));
    world.end_call(&who, &first(), "call-1").await.unwrap();
    let gone = world.end_call(&who, &first(), "call-1").await.unwrap_err();
    assert_eq!(gone, Refusal::NotFound { what: "call" });
    let his = sign_in(&world, &second()).await.who;
    let refused = world.start_call(&his, &first(), new()).await.unwrap_err();
    assert!(matches!(refused, Refusal::Forbidden { .. }));
}
