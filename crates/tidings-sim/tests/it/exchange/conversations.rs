//! Conversations of users: with phones, among themselves, and what is done to them.

use bytes::Bytes;
use secrecy::SecretString;
use tidings::backend::{
    ConversationChange, ConversationDesk, MediaAddress, Post, Recipient, Refusal,
};
use tidings::conversations::{ConversationMessage, Direction, Page};
use tidings_core::Media;
use tidings_sim::{PhoneText, World};

use super::{
    ALL, NUMBER_OF_201, PHONE, SECOND_PHONE, THREE_USERS, check_hexadecimal, first, open, second,
    send, sign_in, third, to_phones,
};
use crate::harness::number;

const ID: &str = "conversation_of_our_own_making_1";

async fn texts(world: &World, id: &str) -> Vec<ConversationMessage> {
    let who = sign_in(world, &first()).await.who;
    let texts = world.conversation_messages(&who, &first(), id, ALL).await;
    texts.unwrap()
}

#[tokio::test]
async fn a_text_to_a_phone_goes_out_and_stays_at_sending() {
    let (world, clock) = open("").await;
    let own = world.from_number().unwrap();
    let taken = send(&world, ID, "hello").await;
    check_hexadecimal(taken.id.strip_prefix("m-").unwrap(), 13);
    assert_eq!(taken.conversation, ID);
    assert_eq!(taken.direction, Direction::Outbound);
    assert_eq!(
        (&*taken.from, taken.to.as_slice()),
        (own.as_str(), &[PHONE.to_owned()][..])
    );
    assert_eq!(taken.status.as_deref(), Some("sending"));
    clock.advance(1_000_000);
    assert_eq!(texts(&world, ID).await, [taken]);
    let sms = world.messages().remove(0);
    assert_eq!((sms.to, &*sms.text), (number(PHONE), "hello"));
    assert_eq!(sms.state, tidings::ReportedState::Delivered);
    let session = sms.session.unwrap();
    assert_eq!((&*session.id, &*session.number), (ID, own.as_str()));
    assert!(texts(&world, "another").await.is_empty());
    let who = sign_in(&world, &first()).await.who;
    let refused = world.conversation(&who, &first(), "another").await;
    assert!(matches!(refused, Err(Refusal::NotFound { .. })));
}

#[tokio::test]
async fn only_the_users_own_numbers_can_be_senders() {
    let (world, _clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let refused = async |from: Option<&str>, to: &[&str], text: &str| {
        let mut post = to_phones(ID, text, to);
        post.from = from.map(number);
        world.post(&who, &first(), post).await.unwrap_err()
    };
    let not_his = Refusal::invalid("from", "is not a number of this user");
    assert_eq!(refused(Some(NUMBER_OF_201), &[PHONE], "x").await, not_his);
    assert_eq!(refused(Some(PHONE), &[PHONE], "x").await, not_his);
    let missing = |member| Refusal::invalid(member, "is missing");
    assert_eq!(refused(None, &[PHONE], "x").await, missing("from"));
    assert_eq!(refused(None, &[], "x").await, missing("to"));
    assert_eq!(refused(None, &[PHONE], "").await, missing("text"));
    assert!(world.messages().is_empty());
    // In a conversation that is there both can be left out.
    send(&world, ID, "hello").await;
    let again = world
        .post(&who, &first(), to_phones(ID, "again", &[]))
        .await;
    assert_eq!(again.unwrap().to, [PHONE]);
    assert_eq!(world.messages().len(), 2);
    // Who may act for a user sends from his numbers.
    let mut for_him = to_phones(ID, "for him", &[PHONE]);
    for_him.from = Some(number(NUMBER_OF_201));
    world.post(&who, &second(), for_him).await.unwrap();
    let his = sign_in(&world, &second()).await.who;
    let forbidden = world
        .post(&his, &first(), to_phones(ID, "x", &[PHONE]))
        .await;
    assert!(matches!(forbidden, Err(Refusal::Forbidden { .. })));
}

#[tokio::test]
async fn the_same_name_is_two_conversations_of_two_users() {
    let (world, _clock) = open(THREE_USERS).await;
    send(&world, ID, "of the first").await;
    let his = sign_in(&world, &second()).await.who;
    let mut post = to_phones(ID, "of the second", &[PHONE]);
    post.from = Some(number(NUMBER_OF_201));
    world.post(&his, &second(), post).await.unwrap();
    assert_eq!(texts(&world, ID).await.len(), 1);
    let his = world
        .conversation_messages(&his, &second(), ID, ALL)
        .await
        .unwrap();
    assert_eq!(
        his.iter().map(|it| &*it.text).collect::<Vec<_>>(),
        ["of the second"]
    );
    // Each is in the domain's list, and only in that.
    let who = sign_in(&world, &first()).await.who;
    let list = world.conversations(&who, Some("tidings.example"), None, ALL);
    assert_eq!(list.await.unwrap().len(), 2);
    let other = sign_in(&world, &third()).await.who;
    let list = world.conversations(&other, Some("other.example"), None, ALL);
    assert!(list.await.unwrap().is_empty());
    for domain in [Some("tidings.example"), None] {
        let list = world.conversations(&other, domain, None, ALL).await;
        assert!(matches!(list, Err(Refusal::Forbidden { .. })), "{domain:?}");
    }
}

#[tokio::test]
async fn a_text_for_several_phones_is_one_message_with_a_leg_for_each() {
    let scenario = "[[fail]]\nto = \"+15550105679\"\nat = \"accept\"\n[[fail]]\n\
                    to = \"+15550105670\"\nat = \"accept\"";
    let (world, _clock) = open(scenario).await;
    let who = sign_in(&world, &first()).await.who;
    let post = async |id: &str, to: &[&str]| {
        let mut post = to_phones(id, "hi both", to);
        post.from = world.from_number();
        world.post(&who, &first(), post).await
    };
    let taken = post(ID, &[PHONE, "+15550105671", PHONE]).await.unwrap();
    assert_eq!(taken.to, [PHONE, "+15550105671"]);
    assert_eq!(texts(&world, ID).await.len(), 1);
    assert_eq!(world.messages().len(), 2);
    let shown = world.conversation(&who, &first(), ID).await.unwrap();
    assert!(shown.is_group);
    // One of two that cannot be reached holds nothing up; where nobody can be, it is said.
    assert!(post("second", &[PHONE, SECOND_PHONE]).await.is_ok());
    assert_eq!(world.messages().len(), 3);
    let refused = post("third", &[SECOND_PHONE, "+15550105670"])
        .await
        .unwrap_err();
    assert_eq!(refused, Refusal::invalid("recipient", "cannot be reached"));
    assert!(texts(&world, "third").await.is_empty());
}

#[tokio::test]
async fn users_write_to_each_other_without_a_phone() {
    let (world, _clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let to = |user: &str| vec![Recipient::User(user.to_owned())];
    let taken = world
        .post(&who, &first(), Post::new("chat", "ping", to("201")))
        .await
        .unwrap();
    check_hexadecimal(&taken.conversation, 32);
    assert_eq!(taken.direction, Direction::Internal);
    assert_eq!(
        (&*taken.from, taken.status.as_deref()),
        ("200@tidings.example", None)
    );
    assert_eq!(taken.to, ["201@tidings.example"]);
    assert!(world.messages().is_empty());

    let his = sign_in(&world, &second()).await.who;
    let id = taken.conversation.as_str();
    let seen = world.conversation(&his, &second(), id).await.unwrap();
    assert_eq!(seen.remote, ["200@tidings.example"]);
    assert!(!seen.is_read);
    assert_eq!(
        seen.participants,
        ["200@tidings.example", "201@tidings.example"]
    );
    let messages = world
        .conversation_messages(&his, &second(), id, ALL)
        .await
        .unwrap();
    assert_eq!(messages, std::slice::from_ref(&taken));
    let mut answer = Post::new("chat", "pong", Vec::new());
    answer.conversation = Some(id.to_owned());
    world.post(&his, &second(), answer).await.unwrap();
    let mine = world.conversation(&who, &first(), id).await.unwrap();
    assert!(!mine.is_read);
    assert_eq!(mine.last.unwrap().text, "pong");
    let unknown = world
        .post(&who, &first(), Post::new("chat", "x", to("999")))
        .await;
    assert!(matches!(unknown, Err(Refusal::Invalid { field: "to", .. })));
}

#[tokio::test]
async fn conversations_are_named_changed_read_left_and_deleted() {
    let (world, _clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let his = sign_in(&world, &second()).await.who;
    let mut chat = Post::new("chat", "ping", vec![Recipient::User("201".to_owned())]);
    chat.conversation = Some(ID.to_owned());
    world.post(&who, &first(), chat.clone()).await.unwrap();
    let change = async |change| world.change_conversation(&who, &first(), ID, change).await;
    change(ConversationChange::Name("Team".to_owned()))
        .await
        .unwrap();
    let both = ["200@tidings.example", "201@tidings.example"].map(str::to_owned);
    change(ConversationChange::Participants(both.to_vec()))
        .await
        .unwrap();
    change(ConversationChange::Read(false)).await.unwrap();
    let shown = world.conversation(&who, &first(), ID).await.unwrap();
    assert_eq!(shown.name.as_deref(), Some("Team"));
    assert_eq!(shown.participants, both);
    assert!(!shown.is_read);

    let leave = ConversationChange::Leave;
    world
        .change_conversation(&his, &second(), ID, leave)
        .await
        .unwrap();
    world.post(&who, &first(), chat).await.unwrap();
    let seen = world
        .conversation_messages(&his, &second(), ID, ALL)
        .await
        .unwrap();
    assert_eq!(seen.len(), 1);
    change(ConversationChange::Delete).await.unwrap();
    let gone = Refusal::NotFound {
        what: "conversation",
    };
    assert_eq!(
        world.conversation(&who, &first(), ID).await.unwrap_err(),
        gone
    );
    assert_eq!(change(ConversationChange::Delete).await.unwrap_err(), gone);
    assert!(texts(&world, ID).await.is_empty());

    send(&world, "with_a_phone", "hello").await;
    for change in [
        ConversationChange::Name("x".to_owned()),
        ConversationChange::Participants(Vec::new()),
    ] {
        let refused = world
            .change_conversation(&who, &first(), "with_a_phone", change)
            .await;
        assert!(matches!(refused, Err(Refusal::Invalid { .. })));
    }
}

#[tokio::test]
async fn lists_begin_with_the_latest_and_come_in_pages() {
    let (world, clock) = open("").await;
    for place in 0..5 {
        send(&world, &format!("talk_{place}"), "hello").await;
        clock.advance(1_000);
    }
    send(&world, "talk_2", "again").await;
    let who = sign_in(&world, &first()).await.who;
    let ids = async |page| -> Vec<String> {
        let list = world.conversations(&who, Some("tidings.example"), Some("200"), page);
        list.await.unwrap().into_iter().map(|it| it.id).collect()
    };
    assert_eq!(
        ids(ALL).await,
        ["talk_2", "talk_4", "talk_3", "talk_1", "talk_0"]
    );
    assert_eq!(ids(Page::new(1, 2)).await, ["talk_4", "talk_3"]);
    assert!(ids(Page::new(5, 2)).await.is_empty());
    let texts = texts(&world, "talk_2").await;
    assert_eq!(
        texts.iter().map(|it| &*it.text).collect::<Vec<_>>(),
        ["again", "hello"]
    );
    let page = Page::new(1, 1);
    let second = world
        .conversation_messages(&who, &first(), "talk_2", page)
        .await
        .unwrap();
    assert_eq!(second, texts[1..]);
}

#[tokio::test]
async fn a_phones_text_comes_into_the_conversation_with_it() {
    let (world, _clock) = open(THREE_USERS).await;
    let answer = async |from: &str, to: Option<&str>, session: Option<&str>| {
        let text = PhoneText::new(number(from), "STOP");
        let text = text
            .to(to.map(str::to_owned))
            .session(session.map(str::to_owned));
        world.receive(text).await
    };
    send(&world, ID, "hello").await;
    let own = world.from_number().unwrap();
    let heard = answer(PHONE, None, None).await.unwrap();
    assert_eq!(
        (heard.session.as_deref(), &*heard.to),
        (Some(ID), own.as_str())
    );
    let latest = texts(&world, ID).await.remove(0);
    assert_eq!(
        (latest.direction, latest.status),
        (Direction::Inbound, None)
    );
    assert_eq!((&*latest.from, &*latest.text), (PHONE, "STOP"));
    let who = sign_in(&world, &first()).await.who;
    assert!(
        !world
            .conversation(&who, &first(), ID)
            .await
            .unwrap()
            .is_read
    );

    // Nobody has written to this phone: a conversation is begun for whose number it is, once.
    let digits = NUMBER_OF_201.trim_start_matches('+');
    let begun = answer(SECOND_PHONE, Some(digits), None).await.unwrap();
    let id = begun.session.unwrap();
    check_hexadecimal(&id, 32);
    let again = answer(SECOND_PHONE, Some(NUMBER_OF_201), None)
        .await
        .unwrap();
    assert_eq!(again.session.as_deref(), Some(&*id));
    let by_id = answer(SECOND_PHONE, None, Some(&id)).await.unwrap();
    assert_eq!(by_id.to, NUMBER_OF_201);
    let his = sign_in(&world, &second()).await.who;
    let messages = world
        .conversation_messages(&his, &second(), &id, ALL)
        .await
        .unwrap();
    assert_eq!(messages.len(), 3);
    // Without any hint it is for the first user.
    let hint = answer("+15550105555", None, None).await.unwrap();
    assert_eq!(hint.to, own.as_str());
    let nobody = answer(PHONE, Some("+15550100000"), None).await.unwrap_err();
    assert_eq!(nobody, Refusal::NotFound { what: "number" });
    let nobody = answer(PHONE, None, Some("unknown")).await.unwrap_err();
    assert_eq!(
        nobody,
        Refusal::NotFound {
            what: "conversation"
        }
    );
}

#[tokio::test]
async fn a_file_is_kept_and_fetched_under_an_address_for_an_hour() {
    let (world, clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let mut post = to_phones(ID, "photo.png", &[PHONE]);
    post.kind = "mms".to_owned();
    post.from = world.from_number();
    let media = Media::new("image/png", Bytes::from_static(b"\x89PNG")).unwrap();
    post.media = Some(media.clone());
    let taken = world.post(&who, &first(), post).await.unwrap();
    let stored = taken.media.clone().unwrap();
    assert_eq!((&*stored.mime_type, stored.bytes), ("image/png", Some(4)));
    let address = world
        .media_address(&who, &first(), &taken.id)
        .await
        .unwrap();
    assert_eq!(address.time, "20261121120000");
    {
        use secrecy::ExposeSecret as _;
        check_hexadecimal(address.proof.expose_secret(), 32);
    }
    assert_eq!(world.stored_media(&address).await.unwrap(), media);
    let mut forged = address.clone();
    forged.time = "99999999999999".to_owned();
    let refused = world.stored_media(&forged).await.unwrap_err();
    assert_eq!(refused, Refusal::Unauthorized);
    let proof = SecretString::from("0".repeat(32));
    let guessed = MediaAddress::new(first(), &*taken.id, &*address.time, proof);
    let refused = world.stored_media(&guessed).await.unwrap_err();
    assert_eq!(refused, Refusal::Unauthorized);
    clock.advance(60 * 60 * 1_000);
    let late = world.stored_media(&address).await.unwrap_err();
    assert_eq!(late, Refusal::Expired);

    let plain = send(&world, ID, "no file").await;
    for (owner, message) in [
        (first(), &plain.id),
        (second(), &taken.id),
        (first(), &"m-1".to_owned()),
    ] {
        let refused = world
            .media_address(&who, &owner, message)
            .await
            .unwrap_err();
        assert!(matches!(refused, Refusal::NotFound { .. }), "{refused}");
    }
}

#[tokio::test]
async fn what_a_scenario_says_of_messages_holds_for_legs() {
    let (world, _clock) = open("credit = 1\n[[fail]]\nto = \"+15550105679\"").await;
    let who = sign_in(&world, &first()).await.who;
    let post = async |to: &str| {
        let mut post = to_phones(ID, "hello", &[to]);
        post.from = world.from_number();
        world.post(&who, &first(), post).await
    };
    // That it will never arrive is not told.
    assert_eq!(
        post(SECOND_PHONE).await.unwrap().status.as_deref(),
        Some("sending")
    );
    assert_eq!(post(PHONE).await.unwrap_err(), Refusal::InsufficientCredit);
    assert_eq!(world.credit(), 0);
}
