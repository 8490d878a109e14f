//! Subscriptions: who may have which, when they end, and which are the same.

use tidings::backend::{Identity, Principal, Refusal, Rights, SubscriptionDesk, TokenDesk};
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange};
use tidings_sim::World;

use super::{ALL, THREE_USERS, check_hexadecimal, first, identity, open, second, sign_in};

const URL: &str = "http://127.0.0.1:9/ns?k=secret";

async fn subscribe(world: &World, who: &Principal, new: NewSubscription) -> Subscription {
    world.subscribe(who, new).await.unwrap()
}

#[tokio::test]
async fn a_subscription_is_made_shown_changed_and_ended() {
    let (world, _clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let made = subscribe(&world, &who, NewSubscription::new("texts", URL)).await;
    check_hexadecimal(&made.id, 32);
    assert_eq!((&*made.domain, &*made.user), ("tidings.example", "*"));
    assert_eq!((&*made.status, made.posts, made.errors), ("pending", 0, 0));
    assert!(made.active_server.is_none() && made.fails_over);
    let again = world
        .subscribe(&who, NewSubscription::new("texts", URL))
        .await;
    assert_eq!(again.unwrap_err(), Refusal::Duplicate);
    let other = subscribe(&world, &who, NewSubscription::new("talks", URL)).await;
    assert_eq!(world.subscriptions(&who, None, ALL).await.unwrap().len(), 2);

    let mut change = SubscriptionChange::default();
    change.events = Some("texts".to_owned());
    let same = world.change_subscription(&who, &other.id, change).await;
    assert_eq!(same.unwrap_err(), Refusal::Duplicate);
    let mut change = SubscriptionChange::default();
    change.url = Some("https://127.0.0.1:9/other".into());
    change.fails_over = Some(false);
    change.preferred_server = Some("core2".to_owned());
    world
        .change_subscription(&who, &made.id, change)
        .await
        .unwrap();
    let shown = world.subscription(&who, &made.id).await.unwrap();
    assert_eq!(
        (shown.fails_over, shown.preferred_server.as_deref()),
        (false, Some("core2"))
    );
    world.unsubscribe(&who, &made.id).await.unwrap();
    let gone = Refusal::NotFound {
        what: "subscription",
    };
    assert_eq!(world.subscription(&who, &made.id).await.unwrap_err(), gone);
    assert_eq!(world.unsubscribe(&who, &made.id).await.unwrap_err(), gone);
    for url in ["ftp://127.0.0.1/", "nothing", ""] {
        let refused = world
            .subscribe(&who, NewSubscription::new("texts", url))
            .await;
        assert!(
            matches!(refused, Err(Refusal::Invalid { field: "url", .. })),
            "{url}"
        );
    }
}

#[tokio::test]
async fn rights_say_whose_events_one_may_have() {
    let (world, _clock) = open(THREE_USERS).await;
    let of = |domain: Option<&str>, user: Option<&str>| {
        let mut new = NewSubscription::new("texts", URL);
        new.domain = domain.map(str::to_owned);
        new.user = user.map(str::to_owned);
        new
    };
    let refused = async |who: &Principal, new| {
        let refused = world.subscribe(who, new).await;
        matches!(refused, Err(Refusal::Forbidden { .. }))
    };
    let his = sign_in(&world, &second()).await.who;
    assert!(refused(&his, of(Some("tidings.example"), Some("*"))).await);
    assert!(refused(&his, of(None, Some("200"))).await);
    let own = subscribe(&world, &his, of(None, None)).await;
    assert_eq!((&*own.domain, &*own.user), ("tidings.example", "201"));
    let admin = identity(Rights::Domain);
    assert!(refused(&admin, of(Some("*"), None)).await);
    assert!(refused(&admin, of(Some("other.example"), None)).await);
    assert!(refused(&identity(Rights::Reseller), of(Some("*"), None)).await);
    subscribe(
        &world,
        &identity(Rights::Reseller),
        of(Some("other.example"), None),
    )
    .await;
    let all = subscribe(&world, &identity(Rights::System), of(None, None)).await;
    assert_eq!((&*all.domain, &*all.user), ("*", "*"));
    let unknown = world
        .subscribe(&identity(Rights::System), of(Some("nowhere"), None))
        .await;
    assert_eq!(unknown.unwrap_err(), Refusal::NotFound { what: "domain" });
    let seen = async |who: &Principal| world.subscriptions(who, None, ALL).await.unwrap().len();
    assert_eq!(seen(&his).await, 1);
    assert_eq!(seen(&admin).await, 1);
    assert_eq!(seen(&identity(Rights::Reseller)).await, 2);
    assert_eq!(seen(&identity(Rights::System)).await, 3);
    let hidden = world.subscription(&his, &all.id).await;
    assert!(matches!(hidden, Err(Refusal::NotFound { .. })));
}

#[tokio::test]
async fn a_subscription_ends_with_its_time_and_is_renewed_by_a_later_one() {
    let (world, clock) = open("[[api_key]]\nkey = \"k\"").await;
    let who = sign_in(&world, &first()).await.who;
    let made = subscribe(&world, &who, NewSubscription::new("texts", URL)).await;
    let ends_at = made.expires_at.unwrap();
    assert_eq!(ends_at.since(made.created_at.unwrap()).as_secs(), 3_600);
    let mut later = SubscriptionChange::default();
    later.expires_at = Some(ends_at.plus(std::time::Duration::from_hours(1)));
    world
        .change_subscription(&who, &made.id, later)
        .await
        .unwrap();
    clock.advance(2 * 3_600_000 - 1);
    assert!(world.subscription(&who, &made.id).await.is_ok());
    clock.advance(1);
    assert!(world.subscription(&who, &made.id).await.is_err());
    // A key does not end, and what is made with one lasts for 20 years.
    let key = world.bearer("k").await.unwrap().who;
    let made = subscribe(&world, &key, NewSubscription::new("texts", URL)).await;
    let lasts = made.expires_at.unwrap().since(made.created_at.unwrap());
    assert_eq!(lasts.as_secs() / (366 * 24 * 3_600), 19);
    assert_eq!(made.domain, "tidings.example");
    let nobody = Principal::new("9");
    assert_eq!(
        world.subscriptions(&nobody, None, ALL).await.unwrap_err(),
        Refusal::Unauthorized
    );
    let stranger = Principal::new("x").identity(Identity::new("other.example", "1"));
    assert!(
        world
            .subscriptions(&stranger, None, ALL)
            .await
            .unwrap()
            .is_empty()
    );
}
