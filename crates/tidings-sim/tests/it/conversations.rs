//! Conversations: texts that phones can answer to, and the texts that phones send.

use std::sync::Arc;

use tidings::backend::{
    Messages, Presented, Principal, Refusal, SessionWish, SignIn, Submission, Submitted,
    TakenMessage, Terms,
};
use tidings::{Message, SenderId};
use tidings_core::InboundMessage;
use tidings_sim::{PhoneText, World};

use super::harness::{TestClock, builder, message, number, owner, presented, world};

const AMADOU: &str = "+224622000001";
const FATOU: &str = "+224622000002";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

async fn send(
    world: &World,
    who: &Principal,
    message: Message,
    session: SessionWish,
) -> Result<TakenMessage, Refusal> {
    let mut terms = Terms::default();
    terms.session = session;
    let submission = Submission::one(Submitted::new(message, terms));
    let mut accepted = world.accept(who, submission).await?;
    accepted.verdicts.remove(0)
}

async fn open_session(world: &World, who: &Principal, to: &str) -> String {
    let taken = send(world, who, message(to, "hello?"), SessionWish::New).await;
    taken.unwrap().session.unwrap()
}

async fn answer(world: &World, from: &str, text: &str) -> InboundMessage {
    let text = PhoneText::new(number(from), text);
    world.receive(text).await.unwrap()
}

#[tokio::test]
async fn a_conversation_has_an_id_and_a_number_that_phones_answer_to() {
    let (world, _clock, who) = world("sender = \"2077\"").await;
    let first = open_session(&world, &who, AMADOU).await;
    let second = open_session(&world, &who, FATOU).await;
    assert_ne!(first, second);
    for id in [&first, &second] {
        assert_eq!(id.len(), 20);
        let is_base_32 = |byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
        assert!(id.bytes().all(is_base_32), "{id}");
    }
    let shown: Vec<_> = world
        .messages()
        .into_iter()
        .map(|sms| sms.session.unwrap())
        .collect();
    assert_eq!([&shown[0].id, &shown[1].id], [&first, &second]);
    assert_ne!(shown[0].number, shown[1].number);
    for session in &shown {
        assert!(session.number.starts_with("2077"), "{}", session.number);
        assert_eq!(session.number.len(), 14);
    }

    let received = answer(&world, AMADOU, "yes please").await;
    assert_eq!(received.to, shown[0].number);
    assert_eq!(received.session, Some(first.clone()));
    assert_eq!(received.keyword, None);
    assert_eq!((&*received.text, &*received.from), ("yes please", AMADOU));
    let again = send(
        &world,
        &who,
        message(AMADOU, "fine"),
        SessionWish::Continue(first.clone()),
    );
    assert_eq!(again.await.unwrap().session, Some(first.clone()));
    let by_id = PhoneText::new(number(FATOU), "who is this?").session(Some(first.clone()));
    let by_id = world.receive(by_id).await.unwrap();
    assert_eq!(by_id.session, Some(first));
    assert_eq!(world.inbound(), [received, by_id]);
}

#[tokio::test]
async fn a_conversation_ends_a_fortnight_after_its_last_use() {
    let (world, clock, who) = world("").await;
    let id = open_session(&world, &who, AMADOU).await;
    let go_on = async || {
        let wish = SessionWish::Continue(id.clone());
        send(&world, &who, message(AMADOU, "still there?"), wish).await
    };
    clock.advance(14 * DAY_MS - 1);
    assert!(go_on().await.is_ok());
    clock.advance(14 * DAY_MS - 1);
    let received = answer(&world, AMADOU, "yes").await;
    assert_eq!(received.session, Some(id.clone()));
    clock.advance(14 * DAY_MS);
    let ended = Refusal::invalid("session", "is unknown or has ended");
    assert_eq!(go_on().await.unwrap_err(), ended);
    let late = PhoneText::new(number(AMADOU), "hello?").session(Some(id));
    let gone = Refusal::NotFound {
        what: "conversation",
    };
    assert_eq!(world.receive(late).await.unwrap_err(), gone);
}

#[tokio::test]
async fn a_conversation_belongs_to_its_account_and_needs_a_short_number() {
    let (world, _clock, who) = world("[[account]]\nsettings = { line = 2000 }").await;
    let id = open_session(&world, &who, AMADOU).await;
    let key = presented(&world).value("key").unwrap().to_owned();
    let other = Presented::new().with("line", "2000").with("key", key);
    let other = world.sign_in(&other).await.unwrap();
    let wish = || SessionWish::Continue(id.clone());
    let refused = send(&world, &other, message(AMADOU, "hello"), wish()).await;
    let unknown = Refusal::invalid("session", "is unknown or has ended");
    assert_eq!(refused.unwrap_err(), unknown);
    for sender in ["Acme", "+224622000003"] {
        let named = message(AMADOU, "hello").from(SenderId::parse(sender).unwrap());
        let refused = send(&world, &who, named, SessionWish::New).await;
        assert!(
            matches!(
                refused,
                Err(Refusal::Invalid {
                    field: "sender",
                    ..
                })
            ),
            "{sender}"
        );
    }
    let short = message(AMADOU, "hello").from(SenderId::parse("26112").unwrap());
    send(&world, &who, short, SessionWish::New).await.unwrap();
    let number = world.messages().pop().unwrap().session.unwrap().number;
    assert!(
        number.starts_with("26112") && number.len() == 14,
        "{number}"
    );
}

#[tokio::test]
async fn a_text_without_a_conversation_goes_to_where_the_latest_came_from() {
    let scenario = "sender = \"1960\"\n[[account]]\nsettings = { line = 2000 }\nsender = \"2077\"";
    let (world, _clock, who) = world(scenario).await;
    let received = answer(&world, AMADOU, "Stop it  now").await;
    assert_eq!((&*received.to, received.session), ("1960", None));
    assert_eq!(received.keyword.as_deref(), Some("Stop"));
    let sender = SenderId::parse("26112").unwrap();
    let text = message(AMADOU, "hello").from(sender);
    send(&world, &who, text, SessionWish::None).await.unwrap();
    assert_eq!(answer(&world, AMADOU, "hello").await.to, "26112");
    assert_eq!(answer(&world, FATOU, "hello").await.to, "1960");
    // A name cannot be answered to, but its account can.
    let key = presented(&world).value("key").unwrap().to_owned();
    let other = Presented::new().with("line", "2000").with("key", key);
    let other = world.sign_in(&other).await.unwrap();
    let text = message(FATOU, "hello").from(SenderId::parse("Acme").unwrap());
    send(&world, &other, text, SessionWish::None).await.unwrap();
    assert_eq!(answer(&world, FATOU, "who?").await.to, "2077");
    let to = PhoneText::new(number(FATOU), "hello").to(Some("2077".to_owned()));
    assert_eq!(world.receive(to).await.unwrap().to, "2077");
    assert_eq!(world.stats().inbound, 5);
    let ids: Vec<_> = world.inbound().into_iter().map(|text| text.id).collect();
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 5, "{ids:?}");
}

#[tokio::test]
async fn scripted_texts_come_when_their_time_has_come() {
    let (world, clock, _who) = world(
        "[[inbound]]\nafter_ms = 500\nfrom = \"+224622000002\"\ntext = \"second\"\n\
         [[inbound]]\nafter_ms = 100\nfrom = \"+224622000001\"\nto = \"2077\"\ntext = \"first\"",
    )
    .await;
    let texts = || -> Vec<String> {
        let inbound = world.inbound().into_iter();
        inbound.map(|text| text.text.to_string()).collect()
    };
    clock.advance(99);
    assert!(texts().is_empty());
    clock.advance(1);
    assert_eq!(texts(), ["first"]);
    clock.advance(1_000);
    assert_eq!(texts(), ["first", "second"]);
    clock.advance(1_000_000);
    assert_eq!(texts().len(), 2);
    let shown = format!("{:?}", PhoneText::new(number(AMADOU), "secret"));
    assert!(
        !shown.contains("secret") && !shown.contains(AMADOU),
        "{shown}"
    );
}

#[tokio::test]
async fn conversations_and_texts_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let clock = TestClock::new();
    let open = async |path: std::path::PathBuf| {
        let builder = builder("").clock(Arc::<TestClock>::clone(&clock));
        builder.state_file(path).into_world().await.unwrap()
    };
    let first = open(path.clone()).await;
    let who = owner(&first).await;
    let id = open_session(&first, &who, AMADOU).await;
    clock.advance(10 * DAY_MS);
    answer(&first, AMADOU, "yes").await;
    let copy = folder.path().join("killed.jsonl");
    std::fs::copy(&path, &copy).unwrap();
    let second = open(copy).await;
    assert_eq!(second.inbound(), first.inbound());
    assert_eq!(second.messages(), first.messages());
    clock.advance(10 * DAY_MS);
    let wish = SessionWish::Continue(id.clone());
    let taken = send(&second, &who, message(AMADOU, "fine"), wish).await;
    assert_eq!(taken.unwrap().session, Some(id));
    // Numbers go on where they stopped.
    open_session(&second, &who, AMADOU).await;
    let numbers: std::collections::HashSet<_> = second
        .messages()
        .into_iter()
        .map(|sms| sms.session.unwrap().number)
        .collect();
    assert_eq!(numbers.len(), 2);
}
