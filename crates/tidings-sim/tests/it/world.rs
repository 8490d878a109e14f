//! The world directly, with a clock of the test's own.

use std::time::Duration;

use tidings::backend::{
    AccountDesk, Contacts, Messages, NewContact, Presented, Principal, Refusal, SignIn, Submission,
    TakenMessage,
};
use tidings::{ClientRef, Reason, ReportedState, SenderId};
use tidings_core::Clock;
use tidings_sim::World;

use super::harness::{account, builder, message, number, presented, scenario, world};

const AMADOU: &str = "+224622000001";
const FATOU: &str = "+224622000002";
const ABSENT: &str = "+224622000009";

async fn send(world: &World, who: &Principal, to: &str, text: &str) -> Result<String, Refusal> {
    let submission = Submission::one(message(to, text));
    let mut accepted = world.accept(who, submission).await?;
    assert_eq!((accepted.verdicts.len(), &accepted.batch), (1, &None));
    accepted.verdicts.remove(0).map(|taken| taken.id)
}

async fn state(world: &World, who: &Principal, id: &str) -> (ReportedState, Option<Reason>) {
    let view = world.message(who, id).await.unwrap();
    (view.state, view.reason)
}

#[tokio::test]
async fn a_message_goes_from_pending_to_sent_to_delivered_with_the_clock() {
    let (world, clock, who) = world("[delays]\nsent_ms = 100\ndelivered_ms = 300").await;
    let accepted_at = clock.now();
    let id = send(&world, &who, AMADOU, "hello").await.unwrap();
    for (advance, expected, since) in [
        (0, ReportedState::Submitted, 0),
        (99, ReportedState::Submitted, 0),
        (1, ReportedState::Sent, 100),
        (199, ReportedState::Sent, 100),
        (1, ReportedState::Delivered, 300),
        (1_000_000, ReportedState::Delivered, 300),
    ] {
        clock.advance(advance);
        let view = world.message(&who, &id).await.unwrap();
        assert_eq!((view.state, view.reason), (expected, None));
        assert_eq!(view.at, accepted_at.plus(Duration::from_millis(since)));
    }
}

#[tokio::test]
async fn numbers_fail_where_the_scenario_says() {
    let (world, clock, who) = world(
        "[delays]\nsent_ms = 10\ndelivered_ms = 20\n\
         [[fail]]\nto = \"+224622000001\"\nreason = \"opted_out\"\nat = \"accept\"\n\
         [[fail]]\nto = \"+224622000002\"\nreason = \"no_route\"\nat = \"sent\"\n\
         [[fail]]\nprefix = \"+2246220\"\nreason = \"recipient_unreachable\"\nat = \"delivered\"",
    )
    .await;
    let refused = send(&world, &who, AMADOU, "hello").await.unwrap_err();
    assert!(matches!(
        refused,
        Refusal::Invalid {
            field: "recipient",
            ..
        }
    ));
    let at_sent = send(&world, &who, FATOU, "hello").await.unwrap();
    let at_delivery = send(&world, &who, ABSENT, "hello").await.unwrap();
    assert_eq!(
        state(&world, &who, &at_sent).await,
        (ReportedState::Submitted, None)
    );
    clock.advance(10);
    let failed = (ReportedState::Failed, Some(Reason::NoRoute));
    assert_eq!(state(&world, &who, &at_sent).await, failed);
    assert_eq!(
        state(&world, &who, &at_delivery).await,
        (ReportedState::Sent, None)
    );
    clock.advance(10);
    let undelivered = (
        ReportedState::Undelivered,
        Some(Reason::RecipientUnreachable),
    );
    assert_eq!(state(&world, &who, &at_sent).await, failed);
    assert_eq!(state(&world, &who, &at_delivery).await, undelivered);
    assert_eq!(world.messages().len(), 2, "what is refused is not kept");
}

#[tokio::test]
async fn what_was_decided_at_acceptance_outlives_the_scenario() {
    let (world, clock, who) = world("[delays]\nsent_ms = 0\ndelivered_ms = 0").await;
    let delivered = send(&world, &who, ABSENT, "hello").await.unwrap();
    world
        .set_scenario(scenario(
            "[delays]\nsent_ms = 5000\n[[fail]]\nto = \"+224622000009\"",
        ))
        .unwrap();
    assert_eq!(
        state(&world, &who, &delivered).await.0,
        ReportedState::Delivered
    );
    let fails = send(&world, &who, ABSENT, "hello").await.unwrap();
    clock.advance(4_999);
    assert_eq!(
        state(&world, &who, &fails).await.0,
        ReportedState::Submitted
    );
    clock.advance(1);
    assert_eq!(state(&world, &who, &fails).await.0, ReportedState::Failed);
}

#[tokio::test]
async fn credit_is_charged_per_part_and_runs_out() {
    let (world, _clock, who) = world("credit = 4").await;
    send(&world, &who, AMADOU, "one part").await.unwrap();
    send(&world, &who, AMADOU, &"a".repeat(161)).await.unwrap();
    assert_eq!(world.balance(&who).await.unwrap(), 1);
    let two_parts = "ê".repeat(71);
    let refused = send(&world, &who, AMADOU, &two_parts).await.unwrap_err();
    assert_eq!(refused, Refusal::InsufficientCredit);
    assert_eq!(world.credit(), 1, "what is refused is not charged");
    send(&world, &who, AMADOU, "last").await.unwrap();
    assert_eq!(
        send(&world, &who, AMADOU, "more").await.unwrap_err(),
        Refusal::InsufficientCredit
    );
    let parts: Vec<u8> = world
        .messages()
        .iter()
        .map(|message| message.parts)
        .collect();
    assert_eq!(parts, [1, 2, 1]);
    world.set_scenario(scenario("credit = 50")).unwrap();
    assert_eq!(world.balance(&who).await.unwrap(), 50);
    world.set_scenario(scenario("")).unwrap();
    assert_eq!(world.balance(&who).await.unwrap(), 50);
}

#[tokio::test]
async fn a_text_that_is_too_long_and_a_country_that_is_not_served_are_refused() {
    let (world, _clock, who) = world("").await;
    let refused = send(&world, &who, AMADOU, &"a".repeat(460))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        Refusal::invalid("text", "takes 4 parts, 3 are permitted")
    );
    let refused = send(&world, &who, "+33612345678", "hello")
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        Refusal::Invalid {
            field: "recipient",
            ..
        }
    ));
    send(&world, &who, "+4790000001", "hello").await.unwrap();
}

#[tokio::test]
async fn a_batch_counts_its_messages_and_lists_its_failures() {
    let (world, clock, who) = world(
        "credit = 5\n[delays]\nsent_ms = 10\ndelivered_ms = 20\n\
         [[fail]]\nto = \"+224622000009\"\nreason = \"recipient_blocked\"\n\
         [[fail]]\nto = \"+224622000008\"\nreason = \"opted_out\"\nat = \"accept\"",
    )
    .await;
    let to = [AMADOU, ABSENT, "+224622000008", AMADOU, FATOU, FATOU, FATOU];
    let messages = to.iter().map(|to| message(to, "hello"));
    let unreadable = vec![("12".to_owned(), Refusal::invalid("contact", "is too short"))];
    let submission = Submission::batch(messages, unreadable);
    let accepted = world.accept(&who, submission).await.unwrap();
    let taken: Vec<bool> = accepted.verdicts.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, true, false, true, true, true, false]);
    assert_eq!(
        accepted.verdicts.last().unwrap(),
        &Err(Refusal::InsufficientCredit)
    );

    let id = accepted.batch.unwrap();
    let counts = async || {
        let view = world.batch(&who, &id).await.unwrap();
        (view.successful, view.failed, view.pending)
    };
    assert_eq!(counts().await, (0, 3, 5));
    clock.advance(10);
    assert_eq!(counts().await, (0, 4, 4));
    clock.advance(10);
    assert_eq!(counts().await, (4, 4, 0));
    let view = world.batch(&who, &id).await.unwrap();
    assert_eq!(
        view.failures,
        [
            ("12".to_owned(), Reason::InvalidRecipient),
            ("+224622000008".to_owned(), Reason::OptedOut),
            (FATOU.to_owned(), Reason::InsufficientFunds),
            (ABSENT.to_owned(), Reason::RecipientBlocked),
        ]
    );
    // Recipients that are named twice get it twice: as the caller wrote it.
    let to_amadou = world.messages();
    let to_amadou = to_amadou.iter().filter(|sms| sms.to == number(AMADOU));
    assert_eq!(to_amadou.count(), 2);
}

#[tokio::test]
async fn a_batch_of_a_hundred_thousand_is_taken_and_counted() {
    let (world, clock, who) = world("credit = 100000").await;
    let text: std::sync::Arc<str> = "hello".into();
    let messages = (0..100_000).map(|index| {
        let to = number(&format!("+224622{index:06}"));
        tidings::Message::new(to, std::sync::Arc::clone(&text))
    });
    let submission = Submission::batch(messages, Vec::new());
    let accepted = world.accept(&who, submission).await.unwrap();
    assert_eq!(accepted.n_taken(), 100_000);
    clock.advance(500);
    let view = world.batch(&who, &accepted.batch.unwrap()).await.unwrap();
    assert_eq!(
        (view.successful, view.failed, view.pending),
        (100_000, 0, 0)
    );
    assert_eq!(world.credit(), 0);
    let stats = world.stats();
    assert_eq!((stats.messages, stats.parts), (100_000, 100_000));
    assert_eq!(stats.arrival.len(), 10_000);
    assert_eq!(
        stats.arrival.last(),
        world.messages().last().map(|message| &message.provider_id)
    );
}

#[tokio::test]
async fn a_batch_without_any_credit_is_refused_as_a_whole() {
    let (world, _clock, who) = world("credit = 0").await;
    let messages = vec![message(AMADOU, "hello"), message(FATOU, "hello")];
    let refused = world.accept(&who, Submission::batch(messages, Vec::new()));
    assert_eq!(refused.await.unwrap_err(), Refusal::InsufficientCredit);
}

#[tokio::test]
async fn sender_reference_and_batch_are_kept() {
    let (world, _clock, who) = world("").await;
    let reference = ClientRef::new("r-1").unwrap();
    let sender = SenderId::parse("Acme").unwrap();
    let one = message(AMADOU, "hello")
        .from(sender.clone())
        .reference(reference.clone());
    let submission = Submission::batch(vec![one], Vec::new());
    let accepted = world.accept(&who, submission).await.unwrap();
    let kept = world.messages().remove(0);
    assert_eq!(kept.from, Some(sender));
    assert_eq!(kept.reference, Some(reference));
    assert_eq!(kept.batch, accepted.batch);
    let taken = TakenMessage::new(kept.provider_id.clone());
    assert_eq!(&Ok(taken), accepted.verdicts.first().unwrap());
    assert!(kept.provider_id.bytes().all(|byte| byte.is_ascii_digit()));
    let shown = format!("{kept:?}");
    assert!(
        !shown.contains("hello") && !shown.contains(AMADOU),
        "{shown}"
    );
}

#[tokio::test]
async fn only_the_right_credentials_sign_in_and_a_renewed_key_ends_the_old_one() {
    let world = builder("")
        .account(account("7", "sesame"))
        .into_world()
        .await
        .unwrap();
    let old = presented(&world);
    let who = world.sign_in(&old).await.unwrap();
    for wrong in [
        Presented::new(),
        Presented::new().with("line", "7"),
        Presented::new().with("key", "sesame"),
        Presented::new().with("line", "7").with("key", ""),
        Presented::new().with("line", "7").with("key", "Sesame"),
        Presented::new().with("line", "7").with("key", "sesame "),
        Presented::new().with("line", "8").with("key", "sesame"),
    ] {
        let refused = world.sign_in(&wrong).await.unwrap_err();
        assert_eq!(refused, Refusal::Unauthorized);
    }
    let key = world.renew_key(&who).await.unwrap();
    assert_eq!(
        world.sign_in(&old).await.unwrap_err(),
        Refusal::Unauthorized
    );
    let new = Presented::new().with("line", "7").with("key", key);
    assert_eq!(world.sign_in(&new).await.unwrap(), who);
    assert_eq!(world.sign_in(&presented(&world)).await.unwrap(), who);
}

#[tokio::test]
async fn an_account_that_lacks_a_setting_is_refused() {
    let incomplete = tidings::Account::new("x").with("line", "7");
    let error = builder("")
        .account(incomplete)
        .into_world()
        .await
        .unwrap_err();
    assert!(
        matches!(error, tidings_sim::SimError::Account { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_same_seed_draws_the_same_ids_and_keys() {
    let (one, _, who) = world("").await;
    let (other, _, other_who) = world("").await;
    assert_eq!(
        send(&one, &who, AMADOU, "hello").await,
        send(&other, &other_who, AMADOU, "hello").await
    );
    use secrecy::ExposeSecret;
    let shown = |world: &World| -> Vec<(&str, String)> {
        let credentials = world.credentials().into_iter();
        credentials
            .map(|(setting, value)| (setting, value.expose_secret().to_owned()))
            .collect()
    };
    assert_eq!(shown(&one), shown(&other));
    let fields = shown(&one);
    assert_eq!(
        fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["line", "key"]
    );
    assert!(fields[0].1.parse::<u32>().is_ok());
    assert_eq!(fields[1].1.len(), 32);
    let unseeded = tidings_sim::Simulator::builder(&super::harness::SPEC);
    assert_ne!(shown(&unseeded.into_world().await.unwrap()), shown(&one));
}

#[tokio::test]
async fn contacts_are_listed_in_pages() {
    let (world, _clock, who) = world("").await;
    for index in 0..25 {
        let phone = number(&format!("+2246220000{index:02}"));
        let added = world.add_contact(&who, NewContact::new("A", format!("{index}"), phone));
        assert!(added.await.unwrap().id.is_some());
    }
    let page = async |page, limit| world.contacts(&who, page, limit).await.unwrap();
    let third = page(3, 10).await;
    let names: Vec<&str> = third
        .contacts
        .iter()
        .map(|contact| contact.last_name.as_str())
        .collect();
    assert_eq!(names, ["20", "21", "22", "23", "24"]);
    assert_eq!(
        (third.page, third.total, third.total_pages),
        (3, Some(25), Some(3))
    );
    assert!(page(4, 10).await.contacts.is_empty());
    assert!(page(u32::MAX, u32::MAX).await.contacts.is_empty());
    assert_eq!(page(0, 0).await.contacts.len(), 1, "read as page 1 of 1");
}

#[tokio::test]
async fn a_group_send_reaches_each_member_once() {
    let (world, clock, who) = world("credit = 2").await;
    let group = world.create_group(&who, "staff").await.unwrap();
    let mut contacts = Vec::new();
    for phone in [AMADOU, FATOU, ABSENT] {
        let contact = NewContact::new("A", "B", number(phone));
        contacts.push(world.add_contact(&who, contact).await.unwrap().id.unwrap());
    }
    for contact in [&contacts[0], &contacts[1], &contacts[0]] {
        world.add_to_group(&who, contact, &group.id).await.unwrap();
    }
    assert_eq!(world.groups(&who).await.unwrap()[0].members, Some(2));
    let sender = SenderId::parse("Acme").unwrap();
    let accepted = world.accept_for_group(&who, &group.id, "hello", Some(sender.clone()));
    let accepted = accepted.await.unwrap();
    assert_eq!(accepted.n_taken(), 2);
    let to: Vec<_> = world
        .messages()
        .iter()
        .map(|sms| (sms.to, sms.from.clone()))
        .collect();
    assert_eq!(
        to,
        [
            (number(AMADOU), Some(sender.clone())),
            (number(FATOU), Some(sender))
        ]
    );
    clock.advance(1_000);
    let view = world.batch(&who, &accepted.batch.unwrap()).await.unwrap();
    assert_eq!((view.successful, view.failed, view.pending), (2, 0, 0));

    world
        .link_users(&who, &contacts[2], &["5".to_owned()])
        .await
        .unwrap();
    let empty = world.create_group(&who, "empty").await.unwrap();
    let accepted = world
        .accept_for_group(&who, &empty.id, "hello", None)
        .await
        .unwrap();
    assert_eq!(accepted.verdicts.len(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (world, _clock, who) = world("").await;
    let id = send(&world, &who, AMADOU, "hello").await.unwrap();
    let missing = |what| Refusal::NotFound { what };
    for wrong in [
        "",
        "x",
        "0",
        "1",
        "99999999999999999999",
        &format!("+{id}"),
        &format!("0{id}"),
    ] {
        assert_eq!(
            world.message(&who, wrong).await.unwrap_err(),
            missing("message"),
            "{wrong}"
        );
        assert_eq!(
            world.batch(&who, wrong).await.unwrap_err(),
            missing("batch")
        );
        assert_eq!(
            world.link_users(&who, wrong, &[]).await.unwrap_err(),
            missing("contact")
        );
        let refused = world.accept_for_group(&who, wrong, "hello", None).await;
        assert_eq!(refused.unwrap_err(), missing("group"));
    }
    assert_eq!(world.batch(&who, &id).await.unwrap_err(), missing("batch"));
    let stranger = Principal::new("7");
    assert_eq!(
        world.message(&stranger, &id).await.unwrap_err(),
        Refusal::Unauthorized
    );
    assert_eq!(
        world.balance(&stranger).await.unwrap_err(),
        Refusal::Unauthorized
    );
}
