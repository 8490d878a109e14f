//! Numbers: drawn, given and scripted ones, and who may change them.

use tidings::backend::{NumberDesk, Refusal, Rights};
use tidings::numbers::OwnNumber;
use tidings_sim::SimError;

use super::{
    ALL, NUMBER_OF_201, THREE_USERS, builder, first, identity, open, second, sign_in, third,
};
use crate::harness::{number, world};

#[tokio::test]
async fn the_first_user_has_a_number_that_his_client_is_told() {
    let sim = builder("").start().await.unwrap();
    let own = sim.world().from_number().unwrap();
    assert!(own.as_str().starts_with("+155501"), "{own}");
    assert_eq!(sim.account().setting("from_number"), Some(own.as_str()));
    assert_eq!(
        sim.account().setting("username"),
        Some("200@tidings.example")
    );
    // It can be given, with a plus or without; clients are told it as it was given.
    for given in ["+15550102222", "15550102222"] {
        let sim = builder("")
            .setting("from_number", given)
            .start()
            .await
            .unwrap();
        assert_eq!(sim.world().from_number(), Some(number("+15550102222")));
        assert_eq!(sim.account().setting("from_number"), Some(given));
    }
    let refused = builder("").setting("from_number", "12").start().await;
    assert!(matches!(refused, Err(SimError::Account { .. })));
    // Providers whose accounts are no users have none.
    assert_eq!(world("").await.0.from_number(), None);
}

#[tokio::test]
async fn numbers_are_listed_counted_added_changed_and_removed() {
    let (world, _clock) = open(THREE_USERS).await;
    let who = sign_in(&world, &first()).await.who;
    let domain = Some("tidings.example");
    let list = async |user| world.numbers(&who, domain, user, ALL).await.unwrap();
    assert_eq!(list(None).await.len(), 2);
    let his = list(Some("201")).await;
    assert_eq!((his.len(), &*his[0].number), (1, NUMBER_OF_201));
    assert_eq!(
        (&*his[0].application, his[0].owner.as_deref()),
        ("user", Some("201"))
    );
    assert!(his[0].media);
    assert_eq!(world.count_numbers(&who, &second()).await.unwrap(), 1);

    let new = || OwnNumber::new("15550103333", "user").owner(Some("201".to_owned()));
    let added = world
        .add_number(&who, "tidings.example", new())
        .await
        .unwrap();
    assert_eq!(added.number, "+15550103333");
    let again = world
        .add_number(&who, "tidings.example", new())
        .await
        .unwrap_err();
    assert_eq!(again, Refusal::Duplicate);
    assert_eq!(world.count_numbers(&who, &second()).await.unwrap(), 2);
    let nobody = OwnNumber::new("+15550104444", "user").owner(Some("999".to_owned()));
    let refused = world
        .add_number(&who, "tidings.example", nobody)
        .await
        .unwrap_err();
    assert!(matches!(refused, Refusal::Invalid { field: "owner", .. }));
    let changed = OwnNumber::new("+15550103333", "user").owner(Some("200".to_owned()));
    world
        .change_number(&who, "tidings.example", changed)
        .await
        .unwrap();
    assert_eq!(list(Some("200")).await.len(), 2);
    world
        .remove_number(&who, "tidings.example", "15550103333")
        .await
        .unwrap();
    let gone = world
        .remove_number(&who, "tidings.example", "15550103333")
        .await;
    assert_eq!(gone.unwrap_err(), Refusal::NotFound { what: "number" });
}

#[tokio::test]
async fn rights_say_whose_numbers_one_sees() {
    let (world, _clock) = open(THREE_USERS).await;
    let forbidden = |refusal: &Refusal| matches!(refusal, Refusal::Forbidden { .. });
    let his = sign_in(&world, &second()).await.who;
    let own = world
        .numbers(&his, Some("tidings.example"), Some("201"), ALL)
        .await;
    assert_eq!(own.unwrap().len(), 1);
    for user in [Some("200"), None] {
        let refused = world
            .numbers(&his, Some("tidings.example"), user, ALL)
            .await;
        assert!(forbidden(&refused.unwrap_err()), "{user:?}");
    }
    let new = OwnNumber::new("15550103333", "user");
    let refused = world
        .add_number(&his, "tidings.example", new)
        .await
        .unwrap_err();
    assert!(forbidden(&refused));
    let domain = identity(Rights::Domain);
    let refused = world.numbers(&domain, None, None, ALL).await.unwrap_err();
    assert!(forbidden(&refused));
    let refused = world.count_numbers(&domain, &third()).await.unwrap_err();
    assert!(forbidden(&refused));
    let all = world
        .numbers(&identity(Rights::System), None, None, ALL)
        .await;
    assert_eq!(all.unwrap().len(), 3);
    let unknown = world
        .numbers(
            &identity(Rights::System),
            Some("nowhere.example"),
            None,
            ALL,
        )
        .await;
    assert_eq!(unknown.unwrap_err(), Refusal::NotFound { what: "domain" });
}
