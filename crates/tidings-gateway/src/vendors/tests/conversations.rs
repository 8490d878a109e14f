//! Tests of conversations.

use tidings::backend::{ConversationChange, ConversationDesk, Post, Principal, Recipient, Refusal};
use tidings::conversations::{Direction, Mailbox, Page};
use tidings_core::{E164, Media, Timestamp};
use tidings_store::{InboundId, StoredInbound};

use super::{Scene, able, phone};
use crate::access::{Scope, Scopes};

const OURS: &str = "+15550101234";

struct Talk {
    scene: Scene,
    who: Principal,
    owner: Mailbox,
}

async fn talk() -> Talk {
    let spec = able(|it| it.conversations);
    let scene = Scene::of(spec, &[("from_number", OURS)]).await;
    let who = scene.who().await;
    Talk {
        scene,
        who,
        owner: Mailbox::new("acme.tidings", "200"),
    }
}

fn ours() -> E164 {
    OURS.parse().unwrap()
}

fn text(text: &str, to: &[u32]) -> Post {
    let to = to.iter().map(|place| Recipient::Phone(phone(*place)));
    let mut post = Post::new("sms", text, to.collect());
    post.from = Some(ours());
    post
}

impl Talk {
    async fn post(&self, post: Post) -> Result<String, Refusal> {
        let posted = self.scene.door.post(&self.who, &self.owner, post).await;
        posted.map(|message| message.conversation)
    }

    async fn texts(&self, conversation: &str, page: Page) -> Vec<String> {
        let door = &self.scene.door;
        let texts = door.conversation_messages(&self.who, &self.owner, conversation, page);
        let texts = texts.await.unwrap().into_iter();
        texts.map(|text| text.text).collect()
    }

    /// Lets a phone write into a conversation.
    async fn hear(&self, conversation: &str, place: u32, text: &str) {
        let gateway = &self.scene.door.gateway;
        let heard = StoredInbound {
            id: InboundId(gateway.new_id()),
            account: "acme".into(),
            lane: "one".into(),
            provider_id: text.into(),
            from: phone(place).as_str().into(),
            to: OURS.into(),
            text: text.into(),
            conversation: conversation.into(),
            keyword: None,
            asks_for: None,
            their_time: None,
            received_at: gateway.now(),
            file: None,
        };
        gateway
            .store()
            .add_inbound(vec![heard], gateway.now())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_text_begins_a_conversation_that_goes_on() {
    let talk = talk().await;
    let id = talk.post(text("Hello", &[1])).await.unwrap();
    talk.hear(&id, 1, "Hi").await;
    let mut answer = text("How are you?", &[]);
    answer.conversation = Some(id.clone());
    assert_eq!(talk.post(answer).await.as_deref(), Ok(&*id));
    let all = Page::first(10);
    assert_eq!(talk.texts(&id, all).await, ["How are you?", "Hi", "Hello"]);
    assert_eq!(talk.texts(&id, Page::new(1, 1)).await, ["Hi"]);
    let door = &talk.scene.door;
    let shown = door
        .conversation(&talk.who, &talk.owner, &id)
        .await
        .unwrap();
    assert_eq!(shown.remote, [phone(1).as_str()]);
    assert_eq!(shown.number.as_deref(), Some(OURS));
    assert_eq!(shown.last.unwrap().text, "How are you?");
    let domain = Some("acme.tidings");
    let list = door
        .conversations(&talk.who, domain, None, all)
        .await
        .unwrap();
    assert_eq!((list.len(), &list[0].id), (1, &id));
    let messages = door
        .conversation_messages(&talk.who, &talk.owner, &id, all)
        .await
        .unwrap();
    let ways: Vec<_> = messages.iter().map(|it| it.direction).collect();
    assert_eq!(
        ways,
        [Direction::Outbound, Direction::Inbound, Direction::Outbound]
    );
    assert_eq!(messages[0].status.as_deref(), Some("sending"));
    assert_eq!(messages[0].from, OURS);
}

#[tokio::test]
async fn a_text_to_several_phones_is_shown_as_one() {
    let talk = talk().await;
    let id = talk.post(text("All of you", &[1, 2, 3])).await.unwrap();
    let mut more = text("And more", &[]);
    more.conversation = Some(id.clone());
    talk.post(more).await.unwrap();
    assert_eq!(
        talk.texts(&id, Page::first(10)).await,
        ["And more", "All of you"]
    );
    let door = &talk.scene.door;
    let page = Page::first(1);
    let messages = door
        .conversation_messages(&talk.who, &talk.owner, &id, page)
        .await
        .unwrap();
    let phones = [1, 2, 3].map(phone);
    let expected = phones.each_ref().map(E164::as_str);
    assert_eq!(messages[0].to, expected);
    let shown = door
        .conversation(&talk.who, &talk.owner, &id)
        .await
        .unwrap();
    assert!(shown.is_group);
}

#[tokio::test]
async fn what_cannot_be_posted_is_refused_by_its_field() {
    let talk = talk().await;
    let field = |refused: Result<String, Refusal>| match refused {
        Err(Refusal::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(talk.post(text("", &[1])).await), "text");
    assert_eq!(field(talk.post(text("a", &[])).await), "to");
    let mut to_a_user = text("a", &[]);
    to_a_user.to = vec![Recipient::User("201".to_owned())];
    assert_eq!(field(talk.post(to_a_user).await), "to");
    let mut foreign = text("a", &[1]);
    foreign.from = Some(phone(9));
    assert_eq!(field(talk.post(foreign).await), "from");
    let list = talk.scene.door.conversations(
        &talk.who,
        Some("acme.tidings"),
        Some("200"),
        Page::first(10),
    );
    assert!(list.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_conversation_of_which_nothing_was_taken_never_began() {
    let talk = talk().await;
    let store = talk.scene.door.gateway.store();
    let opt_out = tidings_store::OptOut {
        phone: phone(1),
        sender: None,
        source: "api".into(),
        word: None,
        since: Timestamp::UNIX_EPOCH,
    };
    let now = talk.scene.door.gateway.now();
    store
        .add_opt_outs(&"acme".into(), vec![opt_out], now)
        .await
        .unwrap();
    let mut post = text("a", &[1]);
    post.conversation = Some("c-1".to_owned());
    let refused = talk.post(post).await;
    assert!(
        matches!(refused, Err(Refusal::Invalid { field: "to", .. })),
        "{refused:?}"
    );
    let shown = talk
        .scene
        .door
        .conversation(&talk.who, &talk.owner, "c-1")
        .await;
    assert!(matches!(shown, Err(Refusal::NotFound { .. })));
}

#[tokio::test]
async fn conversations_are_marked_and_removed() {
    let talk = talk().await;
    let id = talk.post(text("Hello", &[1])).await.unwrap();
    talk.hear(&id, 1, "Hi").await;
    let door = &talk.scene.door;
    let change = |change| door.change_conversation(&talk.who, &talk.owner, &id, change);
    for is_read in [true, false] {
        change(ConversationChange::Read(is_read)).await.unwrap();
        let shown = door
            .conversation(&talk.who, &talk.owner, &id)
            .await
            .unwrap();
        assert_eq!(shown.is_read, is_read);
    }
    let named = change(ConversationChange::Name("Friends".to_owned())).await;
    assert!(matches!(named, Err(Refusal::Invalid { field: "name", .. })));
    change(ConversationChange::Delete).await.unwrap();
    assert!(talk.texts(&id, Page::first(10)).await.is_empty());
    let gone = change(ConversationChange::Leave).await;
    assert_eq!(
        gone,
        Err(Refusal::NotFound {
            what: "conversation"
        })
    );
}

#[tokio::test]
async fn a_user_does_not_see_conversations_of_another() {
    let talk = talk().await;
    let mut post = text("Hello", &[1]);
    post.conversation = Some("c-1".to_owned());
    talk.post(post).await.unwrap();
    let door = &talk.scene.door;
    let user = [("username", "201@acme.tidings"), ("from_number", OURS)];
    let scopes = Scopes::of([Scope::Send, Scope::Read]);
    let key = door.key("acme", &user, scopes).await;
    let other = door.signed_in(&key).await;
    let own = Mailbox::new("acme.tidings", "201");
    let refused = door.conversation(&other, &talk.owner, "c-1").await;
    assert!(matches!(refused, Err(Refusal::Forbidden { .. })));
    let refused = door.conversation(&other, &own, "c-1").await;
    assert!(matches!(refused, Err(Refusal::NotFound { .. })));
    let mut post = text("Mine", &[2]);
    post.conversation = Some("c-1".to_owned());
    let refused = door.post(&other, &own, post).await;
    assert!(matches!(
        refused,
        Err(Refusal::Invalid {
            field: "conversation",
            ..
        })
    ));
    let (domain, user) = (Some("acme.tidings"), Some("201"));
    let list = door
        .conversations(&other, domain, user, Page::first(10))
        .await;
    assert!(list.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_goes_with_the_message_and_is_not_handed_out_again() {
    let talk = talk().await;
    let mut post = text("Look", &[1]);
    post.media = Some(Media::new("image/png", &b"png"[..]).unwrap());
    let id = talk.post(post).await.unwrap();
    let door = &talk.scene.door;
    let page = Page::first(10);
    let messages = door
        .conversation_messages(&talk.who, &talk.owner, &id, page)
        .await
        .unwrap();
    let media = messages[0].media.as_ref().unwrap();
    assert_eq!(
        (media.mime_type.as_str(), media.bytes),
        ("image/png", Some(3))
    );
    let address = door
        .media_address(&talk.who, &talk.owner, &messages[0].id)
        .await;
    assert_eq!(address.map(drop), Err(Refusal::NotFound { what: "file" }));
}
