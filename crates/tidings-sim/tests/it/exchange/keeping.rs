//! All of it in a state file: what was answered for is there after a kill.

use std::path::Path;
use std::sync::Arc;

use tidings::backend::{
    ConversationChange, ConversationDesk, NumberDesk, Presented, Recipient, SubscriptionDesk,
    TokenDesk,
};
use tidings::conversations::Conversation;
use tidings::numbers::OwnNumber;
use tidings::subscriptions::NewSubscription;
use tidings_core::Media;
use tidings_sim::{PhoneText, World};

use super::{
    ALL, PHONE, THREE_USERS, access, builder, first, refresh, second, send, sign_in, to_phones,
};
use crate::harness::{TestClock, number};

async fn open(path: &Path, clock: &Arc<TestClock>) -> World {
    let builder = builder(THREE_USERS).clock(Arc::<TestClock>::clone(clock));
    builder.state_file(path).into_world().await.unwrap()
}

async fn conversations(world: &World, access: &str) -> Vec<Conversation> {
    let who = world.bearer(access).await.unwrap().who;
    let list = world.conversations(&who, Some("tidings.example"), None, ALL);
    list.await.unwrap()
}

#[tokio::test]
async fn users_find_everything_again_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let clock = TestClock::new();
    let world = open(&path, &clock).await;
    let used = sign_in(&world, &first()).await;
    let token = world
        .renew(&Presented::new(), &refresh(&used))
        .await
        .unwrap();
    let who = token.who.clone();
    send(&world, "with_a_phone", "hello \u{1f600}").await;
    let mut picture = to_phones("with_a_phone", "photo.png", &[PHONE]);
    picture.media = Some(
        Media::new("image/png", vec![0, 1, 2, 255])
            .unwrap()
            .name("photo.png"),
    );
    let picture = world.post(&who, &first(), picture).await.unwrap();
    let chat = tidings::backend::Post::new("chat", "ping", vec![Recipient::User("201".to_owned())]);
    let chat = world.post(&who, &first(), chat).await.unwrap();
    let name = ConversationChange::Name("Team".to_owned());
    let id = chat.conversation.as_str();
    world
        .change_conversation(&who, &first(), id, name)
        .await
        .unwrap();
    world
        .receive(PhoneText::new(number(PHONE), "STOP"))
        .await
        .unwrap();
    let new = OwnNumber::new("15550103333", "user").owner(Some("201".to_owned()));
    world
        .add_number(&who, "tidings.example", new)
        .await
        .unwrap();
    let new = NewSubscription::new("texts", "http://127.0.0.1:9/");
    let subscription = world.subscribe(&who, new).await.unwrap();

    let copy = folder.path().join("killed.jsonl");
    std::fs::copy(&path, &copy).unwrap();
    let again = open(&copy, &clock).await;
    assert_eq!(again.messages(), world.messages());
    assert_eq!(again.inbound(), world.inbound());
    assert_eq!(again.from_number(), world.from_number());
    let access = access(&token);
    assert_eq!(
        conversations(&again, &access).await,
        conversations(&world, &access).await
    );
    let texts = async |world: &World| {
        let texts = world
            .conversation_messages(&who, &first(), "with_a_phone", ALL)
            .await;
        texts.unwrap()
    };
    assert_eq!(texts(&again).await, texts(&world).await);
    assert_eq!(texts(&again).await.len(), 3);
    let address = again
        .media_address(&who, &first(), &picture.id)
        .await
        .unwrap();
    let media = again.stored_media(&address).await.unwrap();
    assert_eq!(
        (&media.content()[..], media.file_name()),
        (&[0, 1, 2, 255][..], Some("photo.png"))
    );
    assert_eq!(again.count_numbers(&who, &second()).await.unwrap(), 2);
    assert!(again.subscription(&who, &subscription.id).await.is_ok());
    // What was used up stays used up, what was not still works.
    let nothing = Presented::new();
    assert!(again.renew(&nothing, &refresh(&used)).await.is_err());
    assert!(again.renew(&nothing, &refresh(&token)).await.is_ok());
    // Ids go on where they stopped.
    let next = send(&again, "with_a_phone", "next").await;
    assert!(texts(&world).await.iter().all(|text| text.id != next.id));
}

#[tokio::test]
async fn a_file_of_the_form_before_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let credentials = "{\"client_id\":\"1\",\"client_secret\":\"2\",\
        \"username\":\"200@tidings.example\",\"password\":\"3\"}";
    let earlier = format!(
        "{{\"change\":\"begin\",\"version\":2,\"provider\":\"officeline\",\"ids\":\
         {{\"messages\":1,\"batches\":1,\"contacts\":1,\"groups\":1,\"inbound\":1}}}}\n\
         {{\"change\":\"account\",\"credentials\":{credentials},\"credit\":5}}\n"
    );
    std::fs::write(&path, earlier).unwrap();
    let world = open(&path, &TestClock::new()).await;
    assert_eq!(world.credit(), 5);
    assert_eq!(send(&world, "talk", "hello").await.conversation, "talk");
}
