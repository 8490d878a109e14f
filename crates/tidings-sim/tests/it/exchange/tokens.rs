//! Tokens: sign-ins that hold for a while, are renewed once each, and end on command.

use std::time::Duration;

use tidings::backend::{Presented, Refusal, Revoked, Rights, SecondStep, SignedIn, TokenDesk};
use tidings::conversations::Mailbox;

use super::{
    THREE_USERS, access, check_hexadecimal, first, open, presented_by, refresh, second, sign_in,
    third, token_of,
};

#[tokio::test]
async fn a_sign_in_brings_two_secrets_and_says_who_it_is() {
    let (world, _clock) = open("display_name = \"Ann Doe\"").await;
    let token = sign_in(&world, &first()).await;
    check_hexadecimal(&access(&token), 32);
    check_hexadecimal(&refresh(&token), 32);
    assert_eq!(token.lifetime, Some(Duration::from_hours(1)));
    let identity = token.who.identity.clone().unwrap();
    assert_eq!(identity.user.as_deref(), Some("200"));
    assert_eq!(identity.domain.as_deref(), Some("tidings.example"));
    assert_eq!(identity.display_name, "Ann Doe");
    assert_eq!(identity.rights, Rights::Domain);
    let shown = world.bearer(&access(&token)).await.unwrap();
    assert_eq!(shown.who, token.who);
    assert_eq!(
        world.bearer("nothing").await.unwrap_err(),
        Refusal::Unauthorized
    );
    let wrong = presented_by(&world, &first()).with("extra", "x");
    assert!(world.open(&wrong, None).await.is_ok());
    let wrong = Presented::new().with("username", "200@tidings.example");
    let refused = world.open(&wrong, None).await.unwrap_err();
    assert_eq!(refused, Refusal::Unauthorized);
    let tokens = world.stats().tokens;
    assert_eq!((tokens.by_password, tokens.refused_sign_ins), (2, 1));
}

#[tokio::test]
async fn a_token_ends_by_the_clock_and_is_renewed_once() {
    let (world, clock) = open("[tokens]\nlifetime_s = 60\nrefresh_lifetime_s = 120").await;
    let old = sign_in(&world, &first()).await;
    clock.advance(59_999);
    assert!(world.bearer(&access(&old)).await.is_ok());
    clock.advance(1);
    assert_eq!(
        world.bearer(&access(&old)).await.unwrap_err(),
        Refusal::Expired
    );
    // A program may say which it is, and then has to be right.
    let other = Presented::new().with("client_id", "another");
    let refused = world.renew(&other, &refresh(&old)).await;
    assert_eq!(refused.unwrap_err(), Refusal::Unauthorized);
    let nothing = Presented::new();
    let new = world.renew(&nothing, &refresh(&old)).await.unwrap();
    assert_ne!(refresh(&new), refresh(&old));
    assert!(world.bearer(&access(&new)).await.is_ok());
    let again = world.renew(&nothing, &refresh(&old)).await;
    assert_eq!(again.unwrap_err(), Refusal::Unauthorized);
    clock.advance(120_000);
    let late = world.renew(&nothing, &refresh(&new)).await;
    assert_eq!(late.unwrap_err(), Refusal::Unauthorized);
    let tokens = world.stats().tokens;
    let counted = (
        tokens.by_password,
        tokens.by_refresh,
        tokens.refused_refreshes,
    );
    assert_eq!(counted, (1, 1, 3));
    assert_eq!(tokens.expired_calls, 1);
}

#[tokio::test]
async fn a_scenario_can_refuse_whoever_renews_or_signs_in() {
    let (world, _clock) = open("[tokens]\nrefresh = \"fails\"").await;
    let token = sign_in(&world, &first()).await;
    let refused = world.renew(&Presented::new(), &refresh(&token)).await;
    assert_eq!(refused.unwrap_err(), Refusal::Unauthorized);
    assert!(world.bearer(&access(&token)).await.is_ok());
    let closed = super::super::harness::scenario("[tokens]\nsign_in = \"fails\"");
    world.set_scenario(closed).unwrap();
    let presented = presented_by(&world, &first());
    let refused = world.open(&presented, None).await.unwrap_err();
    assert_eq!(refused, Refusal::Unauthorized);
    // What was opened before can be renewed still.
    assert!(
        world
            .renew(&Presented::new(), &refresh(&token))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn tokens_end_on_command() {
    let (world, _clock) = open("").await;
    let nothing = Presented::new();
    let token = sign_in(&world, &first()).await;
    world.end_tokens(false).await.unwrap();
    assert_eq!(
        world.bearer(&access(&token)).await.unwrap_err(),
        Refusal::Expired
    );
    let token = world.renew(&nothing, &refresh(&token)).await.unwrap();
    world.end_tokens(true).await.unwrap();
    assert_eq!(
        world.bearer(&access(&token)).await.unwrap_err(),
        Refusal::Expired
    );
    let refused = world.renew(&nothing, &refresh(&token)).await;
    assert_eq!(refused.unwrap_err(), Refusal::Unauthorized);
    assert!(
        world
            .bearer(&access(&sign_in(&world, &first()).await))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_second_step_needs_the_digits_of_the_device() {
    let (world, _clock) = open("passcode = \"123456\"").await;
    let presented = presented_by(&world, &first());
    let SignedIn::SecondStep(pending) = world.open(&presented, None).await.unwrap() else {
        panic!("no second step");
    };
    assert!(pending.refresh.is_none());
    let refused = world.bearer(&access(&pending)).await.unwrap_err();
    assert_eq!(refused, Refusal::Unauthorized);
    for (token, passcode) in [(access(&pending), "654321"), ("other".to_owned(), "123456")] {
        let step = SecondStep::new(token, passcode);
        let refused = world.open(&presented, Some(&step)).await.unwrap_err();
        assert_eq!(refused, Refusal::Unauthorized);
    }
    let step = SecondStep::new(access(&pending), "123456");
    let token = token_of(world.open(&presented, Some(&step)).await.unwrap());
    assert!(world.bearer(&access(&token)).await.is_ok());
    let tokens = world.stats().tokens;
    let counted = (
        tokens.first_steps,
        tokens.by_password,
        tokens.refused_sign_ins,
    );
    assert_eq!(counted, (1, 1, 2));
}

#[tokio::test]
async fn who_may_can_sign_in_for_others_and_end_their_tokens() {
    let (world, _clock) = open(THREE_USERS).await;
    let admin = sign_in(&world, &first()).await.who;
    let user = sign_in(&world, &second()).await;
    let for_him = world.open_for(&admin, &second()).await.unwrap();
    let named = for_him.who.identity.as_ref().unwrap().user.as_deref();
    assert_eq!(named, Some("201"));
    let forbidden = |refusal: &Refusal| matches!(refusal, Refusal::Forbidden { .. });
    let refused = world.open_for(&user.who, &first()).await.unwrap_err();
    assert!(forbidden(&refused), "{refused}");
    let refused = world.open_for(&admin, &third()).await.unwrap_err();
    assert!(forbidden(&refused), "{refused}");

    world
        .revoke(&admin, Revoked::Token(&access(&for_him)))
        .await
        .unwrap();
    let ended = world.bearer(&access(&for_him)).await.unwrap_err();
    assert_eq!(ended, Refusal::Expired);
    assert!(world.bearer(&access(&user)).await.is_ok());
    let refused = world.revoke(&user.who, Revoked::User("200@tidings.example"));
    let refused = refused.await.unwrap_err();
    assert!(forbidden(&refused), "{refused}");
    world
        .revoke(&admin, Revoked::User("201@tidings.example"))
        .await
        .unwrap();
    assert_eq!(
        world.bearer(&access(&user)).await.unwrap_err(),
        Refusal::Expired
    );
    assert_eq!(world.stats().tokens.by_delegation, 1);
}

#[tokio::test]
async fn nobody_gets_more_rights_by_signing_in_for_another() {
    let scenario = "\
[[account]]
settings = { username = \"202@tidings.example\", password = \"operator\" }
rights = \"system\"
[[api_key]]
key = \"of-domain\"
rights = \"domain\"
domain = \"tidings.example\"";
    let (world, _clock) = open(scenario).await;
    let operator = Mailbox::new("tidings.example", "202");
    for who in [
        sign_in(&world, &first()).await.who,
        world.bearer("of-domain").await.unwrap().who,
    ] {
        let refused = world.open_for(&who, &operator).await.unwrap_err();
        assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
        assert!(world.open_for(&who, &first()).await.is_ok());
    }
}

#[tokio::test]
async fn keys_hold_without_end_and_belong_to_nobody() {
    let scenario = "[[api_key]]\nkey = \"of-all\"\nrights = \"system\"";
    let (world, clock) = open(scenario).await;
    clock.advance(365 * 24 * 60 * 60 * 1_000);
    let key = world.bearer("of-all").await.unwrap();
    assert!(key.is_key());
    let identity = key.who.identity.unwrap();
    assert_eq!((identity.user, identity.domain), (None, None));
    assert_eq!(identity.rights, Rights::System);

    let builder = super::builder("").setting("api_key", "nsd_given");
    let sim = builder.start().await.unwrap();
    let key = sim.world().bearer("nsd_given").await.unwrap();
    assert_eq!(
        key.who.identity.unwrap().domain.as_deref(),
        Some("tidings.example")
    );
    let account = sim.account();
    assert_eq!(account.setting("domain"), Some("tidings.example"));
    assert_eq!(account.setting("user"), Some("200"));
    assert_eq!(account.setting("api_key"), Some("nsd_given"));
}
