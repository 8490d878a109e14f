//! Tests of contacts, groups and subscriptions.

use tidings::backend::{Contacts, Messages, NewContact, Refusal, SubscriptionDesk};
use tidings::conversations::Page;
use tidings::subscriptions::{NewSubscription, SubscriptionChange};
use tidings_core::Timestamp;

use super::{Scene, phone};
use crate::access::{Scope, Scopes};

// ---- contacts ----

async fn add(scene: &Scene, place: u32) -> String {
    let who = scene.who().await;
    let contact = NewContact::new("Awa", format!("Camara {place}"), phone(place));
    let added = scene.door.add_contact(&who, contact).await.unwrap();
    added.id.unwrap()
}

#[tokio::test]
async fn contacts_come_in_pages_that_count_from_one() {
    let scene = Scene::with(|it| it.address_book).await;
    let mut ids = Vec::new();
    for place in 1..=5 {
        ids.push(add(&scene, place).await);
    }
    let who = scene.who().await;
    let mut seen = Vec::new();
    for page in 1..=3 {
        let page = scene.door.contacts(&who, page, 2).await.unwrap();
        assert_eq!((page.total, page.total_pages), (Some(5), Some(3)));
        let shown = page.contacts.into_iter();
        seen.extend(shown.map(|contact| contact.id.unwrap()));
    }
    assert_eq!(seen, ids);
    let beyond = scene.door.contacts(&who, 4, 2).await.unwrap();
    assert!(beyond.contacts.is_empty());
}

#[tokio::test]
async fn a_number_that_is_added_again_is_changed() {
    let scene = Scene::with(|it| it.address_book).await;
    let first = add(&scene, 1).await;
    let who = scene.who().await;
    let again = NewContact::new("Mariama", "Diallo", phone(1));
    let again = scene.door.add_contact(&who, again).await.unwrap();
    assert_eq!(again.id.as_deref(), Some(&*first));
    let page = scene.door.contacts(&who, 1, 10).await.unwrap();
    let names: Vec<_> = page
        .contacts
        .iter()
        .map(|it| it.first_name.as_str())
        .collect();
    assert_eq!(names, ["Mariama"]);
}

#[tokio::test]
async fn users_are_kept_with_a_contact() {
    let scene = Scene::with(|it| it.address_book).await;
    let id = add(&scene, 1).await;
    let who = scene.who().await;
    for users in [["1", "2"], ["2", "3"]] {
        let users = users.map(str::to_owned);
        scene.door.link_users(&who, &id, &users).await.unwrap();
    }
    let store = scene.door.gateway.store();
    let kept = store.contact(&"acme".into(), id.parse().unwrap()).await;
    let fields = kept.unwrap().unwrap().fields;
    assert_eq!(fields.as_deref(), Some(r#"{"user_ids":["1","2","3"]}"#));
    let unknown = scene.door.link_users(&who, "7", &[]).await;
    assert_eq!(unknown, Err(Refusal::NotFound { what: "contact" }));
}

#[tokio::test]
async fn a_text_to_a_group_goes_to_its_members() {
    let scene = Scene::with(|it| it.address_book).await;
    let (one, other) = (add(&scene, 1).await, add(&scene, 2).await);
    add(&scene, 3).await;
    let who = scene.who().await;
    let group = scene.door.create_group(&who, "Teachers").await.unwrap();
    let taken = scene.door.create_group(&who, "Teachers").await;
    assert!(matches!(taken, Err(Refusal::Invalid { field: "name", .. })));
    for contact in [&one, &other] {
        scene
            .door
            .add_to_group(&who, contact, &group.id)
            .await
            .unwrap();
    }
    let groups = scene.door.groups(&who).await.unwrap();
    assert_eq!(groups[0].members, Some(2));
    let sender = Some("Ecole".parse().unwrap());
    let accepted = scene
        .door
        .accept_for_group(&who, &group.id, "Bonjour", sender)
        .await;
    let accepted = accepted.unwrap();
    assert_eq!(accepted.n_taken(), 2);
    let view = scene
        .door
        .batch(&who, &accepted.batch.unwrap())
        .await
        .unwrap();
    assert_eq!(view.pending, 2);
    let unknown = Refusal::NotFound { what: "group" };
    let nowhere = scene.door.add_to_group(&who, &one, "7").await;
    assert_eq!(nowhere, Err(unknown.clone()));
    let nowhere = scene.door.accept_for_group(&who, "7", "a", None).await;
    assert_eq!(nowhere.map(drop), Err(unknown));
}

// ---- subscriptions ----

fn to(url: &str) -> NewSubscription {
    let end = Timestamp::from_millis(4_000_000_000_000).unwrap();
    NewSubscription::new("message", url).expires_at(end)
}

#[tokio::test]
async fn a_subscription_is_a_webhook_in_the_vendors_form() {
    let scene = Scene::with(|it| it.subscriptions).await;
    let who = scene.who().await;
    let made = scene
        .door
        .subscribe(&who, to("https://example.test/in"))
        .await
        .unwrap();
    assert_eq!(
        (made.domain.as_str(), made.user.as_str()),
        ("acme.tidings", "*")
    );
    assert_eq!(
        (made.status.as_str(), made.posts, made.errors),
        ("pending", 0, 0)
    );
    let store = scene.door.gateway.store();
    let webhook = store
        .webhook(made.id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&*webhook.format, scene.door.spec.id);
    assert_eq!(&*webhook.url, "https://example.test/in");
    assert_eq!(webhook.expires_at, made.expires_at);
    let again = scene
        .door
        .subscribe(&who, to("https://example.test/in"))
        .await;
    assert_eq!(again.map(drop), Err(Refusal::Duplicate));
    let nowhere = scene
        .door
        .subscribe(&who, to("ftp://example.test/in"))
        .await;
    assert!(matches!(
        nowhere,
        Err(Refusal::Invalid { field: "url", .. })
    ));
}

#[tokio::test]
async fn a_subscription_can_be_changed_and_ended() {
    let scene = Scene::with(|it| it.subscriptions).await;
    let who = scene.who().await;
    let made = scene
        .door
        .subscribe(&who, to("https://example.test/in"))
        .await
        .unwrap();
    let mut change = SubscriptionChange::default();
    change.url = Some("https://example.test/other".into());
    change.reset_errors = true;
    scene
        .door
        .change_subscription(&who, &made.id, change)
        .await
        .unwrap();
    let page = Page::first(10);
    let all = scene.door.subscriptions(&who, None, page).await.unwrap();
    assert_eq!(all.len(), 1);
    let store = scene.door.gateway.store();
    let webhook = store
        .webhook(made.id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&*webhook.url, "https://example.test/other");
    scene.door.unsubscribe(&who, &made.id).await.unwrap();
    let unknown = Refusal::NotFound {
        what: "subscription",
    };
    assert_eq!(
        scene.door.unsubscribe(&who, &made.id).await,
        Err(unknown.clone())
    );
    let gone = scene.door.subscription(&who, &made.id).await;
    assert_eq!(gone.map(drop), Err(unknown));
}

#[tokio::test]
async fn a_user_sees_and_makes_subscriptions_to_what_is_his() {
    let scene = Scene::with(|it| it.subscriptions).await;
    let manager = scene.who().await;
    let of_domain = scene
        .door
        .subscribe(&manager, to("https://example.test/a"))
        .await
        .unwrap();
    let user = [("username", "201@acme.tidings")];
    let scopes = Scopes::of([Scope::Send, Scope::Read]);
    let key = scene.door.key("acme", &user, scopes).await;
    let who = scene.door.signed_in(&key).await;
    let seen = scene.door.subscription(&who, &of_domain.id).await;
    assert!(matches!(seen, Err(Refusal::NotFound { .. })), "{seen:?}");
    let own = scene
        .door
        .subscribe(&who, to("https://example.test/b"))
        .await;
    assert!(matches!(own, Err(Refusal::Forbidden { .. })), "{own:?}");
}
