//! Tests of what is taken and what is not.

use tidings_core::text::Replacement;
use tidings_core::{E164, HeldReason, Priority, SenderId};
use tidings_store::{AccountChange, OptOut};

use super::*;

#[tokio::test]
async fn a_good_message_is_kept_as_it_will_leave() {
    let harness = Harness::new().await;
    let mut wanted = draft("Hello");
    wanted.from = Some(SenderId::parse("Acme").unwrap());
    wanted.reference = Some("r-1".parse().unwrap());
    wanted.tag = Some("otp".parse().unwrap());
    wanted.priority = Priority::High;
    let verdict = harness.accept_one(wanted).await;
    let accepted = good(&verdict);
    assert_eq!(accepted.state, MessageState::Queued);
    assert_eq!((accepted.segments, accepted.is_repeated), (1, false));
    assert_eq!(accepted.lane, Some("main".into()));

    let stored = harness.stored(accepted.id).await;
    assert_eq!(stored.to.as_str(), "+4740612345");
    assert_eq!((&*stored.text, stored.original_text), ("Hello", None));
    assert_eq!(stored.from.unwrap().to_string(), "Acme");
    assert_eq!(stored.reference.as_deref(), Some("r-1"));
    assert_eq!(stored.tag.as_deref(), Some("otp"));
    assert_eq!(stored.priority, Priority::High);
    assert_eq!(&*stored.origin, "tidings");
    let leased = harness.lease("main", 10).await;
    assert_eq!(leased.len(), 1);
    assert_eq!(&*leased[0].message.text, "Hello");
}

#[tokio::test]
async fn each_row_has_its_own_verdict_in_order() {
    let harness = Harness::new().await;
    let verdicts = harness
        .accept(vec![
            draft("one"),
            Draft::new(to("not a number"), "two"),
            draft(""),
            draft("four"),
            Draft::new(to("+4700000000"), "five"),
        ])
        .await;
    assert_eq!(verdicts.len(), 5);
    refused(&verdicts[1], RejectionCode::InvalidRecipient);
    refused(&verdicts[2], RejectionCode::InvalidText);
    refused(&verdicts[4], RejectionCode::InvalidRecipient);
    let texts: Vec<String> = harness
        .all()
        .await
        .iter()
        .map(|it| it.text.to_string())
        .collect();
    assert_eq!(texts, ["one", "four"]);
    let ids: Vec<MessageId> = harness.all().await.iter().map(|it| it.id).collect();
    assert_eq!([good(&verdicts[0]).id, good(&verdicts[3]).id], ids[..]);
}

#[tokio::test]
async fn a_refusal_says_nothing_of_number_and_text() {
    let harness = Harness::new().await;
    let mut too_long = draft(&"secret ".repeat(400));
    too_long.from = Some(SenderId::parse("Acme").unwrap());
    let verdicts = harness
        .accept(vec![too_long, Draft::new(to("+47 406 12 34"), "secret")])
        .await;
    for verdict in verdicts {
        let said = format!("{verdict:?}");
        assert!(!said.contains("secret") && !said.contains("406"), "{said}");
    }
}

#[tokio::test]
async fn numbers_without_a_country_are_of_the_accounts_or_the_drafts() {
    let harness = Harness::with_settings(r#"{"region": "NO"}"#).await;
    let of_draft = DraftRecipient::Written("622 00 00 01".into(), Some("GN".parse().unwrap()));
    let verdicts = harness
        .accept(vec![
            Draft::new(to("406 12 345"), "Hei"),
            Draft::new(of_draft, "Bonjour"),
        ])
        .await;
    let first = harness.stored(good(&verdicts[0]).id).await;
    let second = harness.stored(good(&verdicts[1]).id).await;
    assert_eq!(first.to.as_str(), "+4740612345");
    assert_eq!(second.to.as_str(), "+224622000001");
    let nowhere = Harness::new().await;
    let verdict = nowhere
        .accept_one(Draft::new(to("406 12 345"), "Hei"))
        .await;
    refused(&verdict, RejectionCode::InvalidRecipient);
}

#[tokio::test]
async fn parts_are_those_of_the_text_with_its_footer() {
    let routes = "[[routes]]\nlanes = [\"main\"]\nfooter = \"Stop: send STOP\"\n";
    let harness = Harness::with(routes, AccountSettings::default()).await;
    // 145 and a new line and 15 are 161.
    let verdict = harness.accept_one(draft(&"a".repeat(145))).await;
    assert_eq!(good(&verdict).segments, 2);
    let stored = harness.stored(good(&verdict).id).await;
    assert!(stored.text.ends_with("a\nStop: send STOP"));
    assert_eq!(stored.original_text.as_deref(), Some(&*"a".repeat(145)));
    assert_eq!(stored.parts, 2);
    let verdict = harness.accept_one(draft(&"b".repeat(144))).await;
    assert_eq!(good(&verdict).segments, 1);
    // Whoever has just opted out is not told how to.
    let mut confirmation = draft("You get no more texts.");
    confirmation.passes_opt_out = true;
    let verdict = harness.accept_one(confirmation).await;
    let stored = harness.stored(good(&verdict).id).await;
    assert_eq!(&*stored.text, "You get no more texts.");
}

#[tokio::test]
async fn a_text_that_is_encoded_already_gets_no_footer_and_only_the_lane_that_it_is_for() {
    let routes = "[[routes]]\nlanes = [\"main\"]\nfooter = \"Stop: send STOP\"\n";
    let harness = Harness::with(routes, AccountSettings::default()).await;
    let provider = harness.gateway.lane(&"main".into()).unwrap().spec.id;
    let mut encoded = draft("C3A6");
    let terms = |api: &str| format!(r#"{{"api":"{api}","parameters":[["dcs","F5"]]}}"#);
    encoded.terms = Some(terms(provider).into());
    let verdict = harness.accept_one(encoded.clone()).await;
    let stored = harness.stored(good(&verdict).id).await;
    assert_eq!(&*stored.text, "C3A6");
    encoded.terms = Some(terms("elsewhere").into());
    let verdict = harness.accept_one(encoded).await;
    refused(&verdict, RejectionCode::NoRoute);
}

#[tokio::test]
async fn characters_are_replaced_as_the_draft_or_the_account_says() {
    let settings = r#"{"replacement": "typography"}"#;
    let harness = Harness::with_settings(settings).await;
    let text = format!("{}\u{2019}s", "a".repeat(100));
    let mut as_written = draft(&text);
    as_written.replacement = Some(Replacement::Off);
    let verdicts = harness.accept(vec![draft(&text), as_written]).await;
    assert_eq!(good(&verdicts[0]).segments, 1);
    assert_eq!(good(&verdicts[1]).segments, 2);
    let replaced = harness.stored(good(&verdicts[0]).id).await;
    assert!(replaced.text.ends_with("a's"));
    assert_eq!(replaced.original_text.as_deref(), Some(&*text));
    let kept = harness.stored(good(&verdicts[1]).id).await;
    assert_eq!((&*kept.text, kept.original_text), (&*text, None));
}

#[tokio::test]
async fn a_text_may_have_so_many_parts() {
    let harness = Harness::with_settings(r#"{"max_parts": 2}"#).await;
    let text = "a".repeat(307);
    let mut more = draft(&text);
    more.max_parts = Some(3);
    let mut too_many = draft(&"a".repeat(1_600));
    too_many.max_parts = Some(200);
    let verdicts = harness.accept(vec![draft(&text), more, too_many]).await;
    refused(&verdicts[0], RejectionCode::InvalidText);
    assert_eq!(good(&verdicts[1]).segments, 3);
    // The operator's limit holds for all.
    refused(&verdicts[2], RejectionCode::InvalidText);
    let detail = &verdicts[2].as_ref().unwrap_err().detail;
    assert_eq!(detail, "the text needs 11 parts, 10 are permitted");
}

#[tokio::test]
async fn who_has_opted_out_gets_nothing_but_the_confirmation() {
    let harness = Harness::new().await;
    let opt_out = |phone: &str, sender: Option<&str>| OptOut {
        phone: E164::parse(phone, None).unwrap(),
        sender: sender.map(Into::into),
        source: "keyword".into(),
        word: None,
        since: at(NOON),
    };
    let outs = vec![
        opt_out("+4740600001", None),
        opt_out("+4740600002", Some("Acme")),
    ];
    let account = &harness.customer.id;
    harness
        .store()
        .add_opt_outs(account, outs, at(NOON))
        .await
        .unwrap();
    let from = |n: u32, sender: &str| {
        let mut draft = Draft::new(number(n), "Hello");
        draft.from = Some(SenderId::parse(sender).unwrap());
        draft
    };
    let mut confirmation = from(1, "Acme");
    confirmation.passes_opt_out = true;
    let verdicts = harness
        .accept(vec![
            from(1, "Acme"),
            from(2, "Acme"),
            from(2, "Other"),
            from(3, "Acme"),
            confirmation,
        ])
        .await;
    refused(&verdicts[0], RejectionCode::OptedOut);
    refused(&verdicts[1], RejectionCode::OptedOut);
    good(&verdicts[2]);
    good(&verdicts[3]);
    good(&verdicts[4]);
}

#[tokio::test]
async fn a_sender_that_the_lane_sets_counts_for_opt_outs() {
    let routes = "[[routes]]\nlanes = [\"main\"]\ndefault_sender = \"Acme\"\n";
    let harness = Harness::with(routes, AccountSettings::default()).await;
    let out = OptOut {
        phone: E164::parse("+4740600001", None).unwrap(),
        sender: Some("Acme".into()),
        source: "api".into(),
        word: None,
        since: at(NOON),
    };
    let account = &harness.customer.id;
    harness
        .store()
        .add_opt_outs(account, vec![out], at(NOON))
        .await
        .unwrap();
    let verdicts = harness
        .accept(vec![Draft::new(number(1), "a"), Draft::new(number(2), "b")])
        .await;
    refused(&verdicts[0], RejectionCode::OptedOut);
    // It is kept without a sender: on another lane it may have another.
    let stored = harness.stored(good(&verdicts[1]).id).await;
    assert_eq!(stored.from, None);
}

#[tokio::test]
async fn the_quota_is_charged_with_parts() {
    let harness = Harness::new().await;
    let change = AccountChange {
        quota: Some(Some(3)),
        ..AccountChange::default()
    };
    let account = &harness.customer.id;
    harness
        .store()
        .change_account(account, change)
        .await
        .unwrap();
    let verdicts = harness
        .accept(vec![
            draft("a"),
            draft(&"b".repeat(400)),
            draft(&"c".repeat(200)),
            draft("d"),
        ])
        .await;
    good(&verdicts[0]);
    refused(&verdicts[1], RejectionCode::QuotaExceeded);
    good(&verdicts[2]);
    refused(&verdicts[3], RejectionCode::QuotaExceeded);
}

#[tokio::test]
async fn an_account_that_is_not_active_sends_nothing() {
    let mut harness = Harness::new().await;
    harness.customer.is_active = false;
    let verdicts = harness.accept(vec![draft("a"), draft("b")]).await;
    assert_eq!(verdicts.len(), 2);
    refused(&verdicts[0], RejectionCode::Inactive);
    assert!(harness.all().await.is_empty());
}

#[tokio::test]
async fn a_lane_that_is_out_of_service_is_passed_over() {
    let harness = Harness::new().await;
    harness.lane("main").standing.set_empty(true);
    let verdict = harness.accept_one(draft("a")).await;
    assert_eq!(good(&verdict).lane, Some("spare".into()));
    harness.lane("main").standing.set_empty(false);
    harness.lane("main").standing.set_paused(true);
    let verdict = harness.accept_one(draft("b")).await;
    assert_eq!(good(&verdict).lane, Some("spare".into()));
    // With no lane in service it waits for the first.
    harness.lane("spare").standing.set_paused(true);
    let verdict = harness.accept_one(draft("c")).await;
    assert_eq!(good(&verdict).lane, Some("main".into()));
    assert_eq!(good(&verdict).state, MessageState::Queued);
}

#[tokio::test]
async fn a_lane_whose_breaker_is_open_is_passed_over() {
    let harness = Harness::new().await;
    let main = harness.lane("main");
    for _ in 0..10 {
        let away = tidings::Error::not_sent(tidings::ErrorKind::Unavailable, "away");
        main.circuit.enter().unwrap().end_with(&Err(away));
    }
    let verdict = harness.accept_one(draft("a")).await;
    assert_eq!(good(&verdict).lane, Some("spare".into()));
}

#[tokio::test]
async fn a_lane_that_cannot_carry_a_message_is_passed_over() {
    let harness = Harness::new().await;
    let mut small = Capabilities::submit_only();
    small.max_parts = 1;
    replace_capabilities(&harness, "main", small);
    let verdict = harness.accept_one(draft(&"a".repeat(200))).await;
    assert_eq!(good(&verdict).lane, Some("spare".into()));
    let verdict = harness.accept_one(draft("short")).await;
    assert_eq!(good(&verdict).lane, Some("main".into()));
    // One that can carry it and is out of service is better than one that cannot.
    harness.lane("spare").standing.set_paused(true);
    let verdict = harness.accept_one(draft(&"a".repeat(200))).await;
    assert_eq!(good(&verdict).lane, Some("spare".into()));
    replace_capabilities(&harness, "spare", small);
    let verdict = harness.accept_one(draft(&"a".repeat(200))).await;
    refused(&verdict, RejectionCode::InvalidText);
    let detail = &verdict.unwrap_err().detail;
    assert_eq!(
        detail,
        "lane main: the text needs 2 parts, the account takes 1"
    );
}

#[tokio::test]
async fn a_lane_that_needs_a_sender_is_not_given_messages_without() {
    let harness = Harness::new().await;
    let mut needs_sender = Capabilities::submit_only();
    needs_sender.sender_optional = false;
    replace_capabilities(&harness, "main", needs_sender);
    replace_capabilities(&harness, "spare", needs_sender);
    let verdict = harness.accept_one(draft("a")).await;
    refused(&verdict, RejectionCode::InvalidSender);
    let harness = Harness::with_settings(r#"{"sender": "Acme"}"#).await;
    replace_capabilities(&harness, "main", needs_sender);
    let verdict = harness.accept_one(draft("a")).await;
    assert_eq!(good(&verdict).lane, Some("main".into()));
    let stored = harness.stored(good(&verdict).id).await;
    assert_eq!(stored.from.unwrap().to_string(), "Acme");
}

#[tokio::test]
async fn without_a_rule_there_is_no_route() {
    let routes = "[[routes]]\nprefix = \"+224\"\nlanes = [\"main\"]\n";
    let harness = Harness::with(routes, AccountSettings::default()).await;
    let verdict = harness.accept_one(draft("a")).await;
    refused(&verdict, RejectionCode::NoRoute);
    let detail = &verdict.unwrap_err().detail;
    assert!(detail.contains("does not fit"), "{detail}");
}

#[tokio::test]
async fn a_message_is_valid_from_the_moment_at_which_it_may_leave() {
    let harness = Harness::with_settings(r#"{"valid_for_s": 600}"#).await;
    let mut short = draft("a");
    short.valid_for = Some(Duration::from_mins(5));
    let mut later = draft("b");
    later.timing.send_at = Some(at("2026-11-22T15:00:00Z"));
    let mut never = draft("c");
    never.valid_for = Some(Duration::ZERO);
    let verdicts = harness.accept(vec![draft("0"), short, later, never]).await;
    let expires = async |verdict: &Verdict| {
        let stored = harness.stored(good(verdict).id).await;
        stored.expires_at.unwrap().to_string()
    };
    assert_eq!(expires(&verdicts[0]).await, "2026-11-22T11:10:00Z");
    assert_eq!(expires(&verdicts[1]).await, "2026-11-22T11:05:00Z");
    assert_eq!(expires(&verdicts[2]).await, "2026-11-22T15:10:00Z");
    let state = good(&verdicts[2]).state;
    assert_eq!(state, MessageState::Held(HeldReason::Schedule));
    refused(&verdicts[3], RejectionCode::InvalidRequest);
}

#[tokio::test]
async fn lanes_with_something_to_do_are_woken() {
    let harness = Harness::new().await;
    let bell = harness.gateway.signals().lane(&"main".into());
    let events = harness.gateway.signals().events();
    let before = *events.borrow();
    good(&harness.accept_one(draft("a")).await);
    // It was rung before anybody waited, so this does not wait.
    bell.notified().await;
    assert!(*events.borrow() > before);
    let mut later = draft("b");
    later.timing.send_at = Some(at("2026-11-22T15:00:00Z"));
    good(&harness.accept_one(later).await);
    harness.gateway.signals().janitor().notified().await;
}

pub(super) fn replace_capabilities(harness: &Harness, id: &str, capabilities: Capabilities) {
    let before = harness.gateway.live();
    let old = &before.lanes[id];
    let clock: Arc<dyn Clock> = Arc::clone(&harness.clock) as _;
    let provider = Arc::clone(&old.provider);
    let mut lane = Lane::with_provider(old.config.clone(), provider, &clock, Some(old));
    lane.capabilities = capabilities;
    let mut lanes = before.lanes.clone();
    lanes.insert(id.into(), Arc::new(lane));
    let config = before.config.clone();
    harness.gateway.set_live(Live { config, lanes });
}
