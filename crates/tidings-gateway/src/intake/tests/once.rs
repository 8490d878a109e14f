//! Tests of requests that are taken once.

use serde_json::json;
use tidings_core::SenderId;

use super::super::once::{KEPT, body_hash, check_key, draft_hash, of_client_reference, of_request};
use super::*;

#[test]
fn keys_are_visible_ascii() {
    #[track_caller]
    fn check(key: &str, is_good: bool) {
        assert_eq!(check_key(key).is_ok(), is_good);
    }
    check("k", true);
    check("8e03978e-40d5-43e8-bc93-6894a57f9324", true);
    check(&"k".repeat(255), true);
    check(&"k".repeat(256), false);
    check("", false);
    check("two words", false);
    check("nøkkel", false);
    check("tab\t", false);
}

#[test]
fn a_body_is_the_same_whatever_its_form() {
    let hash = |text: &str| body_hash(&serde_json::from_str(text).unwrap());
    let one = hash(r#"{"to": "+47", "text": "h\u00e9", "n": [1, null, true]}"#);
    let other = hash(r#"{ "n":[1,null,true],"text":"hé","to":"+47" }"#);
    assert_eq!(one, other);
    for different in [
        json!({"to": "+47", "text": "hé", "n": [1, null]}),
        json!({"to": "+47", "text": "hé", "n": [1, null, "true"]}),
        json!({"to": "+47", "text": "h", "n": [1, null, true]}),
        json!([]),
        json!({}),
        json!(null),
    ] {
        assert_ne!(body_hash(&different), one);
    }
    assert_ne!(
        body_hash(&json!(["ab", "c"])),
        body_hash(&json!(["a", "bc"]))
    );
    assert_ne!(body_hash(&json!("1")), body_hash(&json!(1)));
}

#[test]
fn drafts_that_differ_in_anything_have_different_hashes() {
    let mut drafts = vec![draft("a"), draft("b"), Draft::new(to("+4740612346"), "a")];
    let changed = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft("a");
        change(&mut draft);
        draft
    };
    drafts.push(changed(&|it| {
        it.from = Some(SenderId::parse("Acme").unwrap());
    }));
    drafts.push(changed(&|it| it.priority = tidings_core::Priority::High));
    drafts.push(changed(&|it| it.valid_for = Some(Duration::from_secs(5))));
    drafts.push(changed(&|it| it.timing.send_at = Some(at(NOON))));
    drafts.push(changed(&|it| it.timing.ignores_quiet_hours = true));
    drafts.push(changed(&|it| it.max_parts = Some(1)));
    drafts.push(changed(&|it| it.reference = Some("r".parse().unwrap())));
    drafts.push(changed(&|it| it.tag = Some("r".parse().unwrap())));
    let hashes: std::collections::HashSet<_> = drafts.iter().map(draft_hash).collect();
    assert_eq!(hashes.len(), drafts.len());
    assert_eq!(draft_hash(&draft("a")), draft_hash(&draft("a")));
}

#[tokio::test]
async fn a_request_is_taken_once_and_told_again_as_it_was() {
    let harness = Harness::new().await;
    let asked = |text: &str| {
        let mut draft = draft(text);
        let body = body_hash(&json!({"text": text}));
        draft.once = Some(of_request("key-1", body, at(NOON)).unwrap());
        draft
    };
    let first = harness.accept_one(asked("Hello")).await;
    // What would be decided now is not what was decided then.
    harness.lane("main").standing.set_paused(true);
    let again = harness.accept_one(asked("Hello")).await;
    let (first, again) = (good(&first), good(&again));
    assert_eq!((again.id, again.is_repeated), (first.id, true));
    assert_eq!(again.lane, Some("main".into()));
    assert_eq!((again.state, again.segments), (first.state, first.segments));
    assert!(again.answer.is_some());
    let other = harness.accept_one(asked("Other")).await;
    refused(&other, RejectionCode::KeyReused);
    assert_eq!(harness.all().await.len(), 1);
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_after_the_message_may_leave() {
    let harness = Harness::new().await;
    let asked = |now: Timestamp| {
        let mut draft = draft("Hello");
        draft.once = Some(of_request("key-1", [1; 32], now).unwrap());
        draft.timing.send_at = Some(at("2026-11-25T11:00:00Z"));
        draft
    };
    good(&harness.accept_one(asked(at(NOON))).await);
    let kept = harness.store().once(&harness.customer.id, "key-1").await;
    assert_eq!(
        kept.unwrap().unwrap().keep_until,
        at("2026-11-26T11:00:00Z")
    );
    let later = at("2026-11-26T10:59:59Z");
    harness.clock.set(later);
    let again = harness.accept_one(asked(later)).await;
    assert!(good(&again).is_repeated);
    // When its time is over it counts as never used, whether or not it was removed.
    let later = at("2026-11-26T11:00:00Z");
    harness.clock.set(later);
    let anew = harness.accept_one(asked(later)).await;
    assert!(!good(&anew).is_repeated);
    assert_eq!(KEPT, Duration::from_hours(24));
}

#[tokio::test]
async fn a_reference_of_a_vendors_api_names_a_request() {
    let harness = Harness::new().await;
    let asked = |text: &str| {
        let mut draft = draft(text);
        let reference = "order-1".parse().unwrap();
        let now = harness.gateway.now();
        draft.once = Some(of_client_reference("vendor", &reference, &draft, now));
        draft.reference = Some(reference);
        draft
    };
    let take = async |text: &str| {
        let drafts = vec![asked(text)];
        let taken = accept(&harness.gateway, &harness.customer, "vendor", drafts).await;
        taken.unwrap().remove(0)
    };
    let first = take("Hello").await;
    let again = take("Hello").await;
    assert_eq!(good(&again).id, good(&first).id);
    assert!(good(&again).is_repeated);
    refused(&take("Other").await, RejectionCode::KeyReused);
}

#[tokio::test]
async fn the_same_content_is_taken_once_within_a_window_where_the_account_wants_it() {
    let harness = Harness::with_settings(r#"{"same_content_window_s": 30}"#).await;
    let take = async |origin: &str, text: &str| {
        let drafts = vec![draft(text)];
        let taken = accept(&harness.gateway, &harness.customer, origin, drafts).await;
        taken.unwrap().remove(0)
    };
    let first = take("vendor", "Hello").await;
    let again = take("vendor", "Hello").await;
    assert_eq!(good(&again).id, good(&first).id);
    assert!(good(&again).is_repeated && !good(&first).is_repeated);
    assert!(!good(&take("vendor", "Other").await).is_repeated);
    // Our own API has keys for requests.
    assert!(!good(&take("tidings", "Hello").await).is_repeated);
    harness.clock.set(at(NOON).plus(Duration::from_secs(30)));
    assert!(!good(&take("vendor", "Hello").await).is_repeated);
    // Off by default.
    let off = Harness::new().await;
    for _ in 0..2 {
        let drafts = vec![draft("Hello")];
        let taken = accept(&off.gateway, &off.customer, "vendor", drafts)
            .await
            .unwrap();
        assert!(!good(&taken[0]).is_repeated);
    }
}
