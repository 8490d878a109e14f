//! Tests of who may do what: keys, tokens, and users of an account.

use secrecy::ExposeSecret as _;
use tidings::backend::{
    AccountDesk, Batches, Contacts, Messages, NumberDesk, Presented, Refusal, Revoked, Rights,
    SecondStep, SignIn, SignedIn, Submission, Token, TokenDesk,
};
use tidings::conversations::{Mailbox, Page};
use tidings_store::AccountChange;

use super::{Scene, able, message, presented};
use crate::access::{Acting, NATIVE, NewKeyRequest, Scope, Scopes, bootstrap};
use crate::vendors::WITHOUT_LIMIT;

fn forbidden<T: std::fmt::Debug>(result: &Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::Forbidden { .. }))
}

#[tokio::test]
async fn wrong_credentials_are_unauthorized_everywhere() {
    for spec in tidings::providers::ALL {
        let scene = Scene::of(spec, &[]).await;
        scene.who().await;
        for wrong in spec.settings.iter().filter(|setting| setting.is_required()) {
            if wrong.name == "base_url" {
                continue;
            }
            let shown = scene.key.shown.iter();
            let presented = shown.fold(Presented::new(), |so_far, one| {
                let value = one.value.expose_secret();
                let value = if one.name == wrong.name { "77" } else { value };
                so_far.with(one.name, value)
            });
            let said = scene.door.sign_in(&presented).await;
            assert_eq!(
                said,
                Err(Refusal::Unauthorized),
                "{} {}",
                spec.id,
                wrong.name
            );
        }
        let said = scene.door.sign_in(&Presented::new()).await;
        assert_eq!(said, Err(Refusal::Unauthorized), "{}", spec.id);
    }
}

#[tokio::test]
async fn a_key_does_what_its_scopes_allow() {
    let scene = Scene::with(|it| it.address_book).await;
    let reader = scene.door.key("acme", &[], Scopes::of([Scope::Read])).await;
    let who = scene.door.signed_in(&reader).await;
    assert!(scene.door.balance(&who).await.is_ok());
    assert!(scene.door.groups(&who).await.is_ok());
    assert!(forbidden(&scene.door.create_group(&who, "Teachers").await));
    assert!(forbidden(&scene.door.renew_key(&who).await.map(drop)));
    assert!(forbidden(&scene.door.stop_batch(&who, "b").await));
    let submission = Submission::one(message(1, "a"));
    assert!(forbidden(
        &scene.door.accept(&who, submission).await.map(drop)
    ));
}

#[tokio::test]
async fn the_balance_is_what_is_left_of_the_quota() {
    let scene = Scene::with(|it| it.balance).await;
    let who = scene.who().await;
    assert_eq!(scene.door.balance(&who).await, Ok(WITHOUT_LIMIT));
    let change = AccountChange {
        quota: Some(Some(3)),
        ..AccountChange::default()
    };
    scene.set(change).await;
    scene
        .door
        .accept(&who, Submission::one(message(1, "a")))
        .await
        .unwrap();
    assert_eq!(scene.door.balance(&who).await, Ok(2));
}

#[tokio::test]
async fn a_renewed_key_ends_the_old_one_at_once() {
    let scene = Scene::with(|it| it.balance).await;
    let who = scene.who().await;
    let renewed = scene.door.renew_key(&who).await.unwrap();
    let old = scene.door.sign_in(&presented(&scene.key)).await;
    assert_eq!(old, Err(Refusal::Unauthorized));
    let shown = scene.key.shown.iter();
    let new = shown.fold(Presented::new(), |so_far, one| {
        let value = one.value.expose_secret();
        let value = if one.is_secret {
            renewed.expose_secret()
        } else {
            value
        };
        so_far.with(one.name, value)
    });
    assert!(scene.door.sign_in(&new).await.is_ok());
    let filter = tidings_store::AuditFilter::default();
    let audit = scene
        .door
        .gateway
        .store()
        .audit_entries(filter)
        .await
        .unwrap();
    assert_eq!(&*audit.items[0].what, "key.rotated");
    assert_eq!(*audit.items[0].who, scene.key.key.id.to_string());
}

// ---- tokens ----

async fn open(scene: &Scene) -> Token {
    let opened = scene.door.open(&presented(&scene.key), None).await.unwrap();
    match opened {
        SignedIn::Token(token) => *token,
        other => panic!("{other:?}"),
    }
}

fn refresh_of(token: &Token) -> &str {
    token.refresh.as_ref().unwrap().expose_secret()
}

#[tokio::test]
async fn a_token_stands_for_its_key() {
    let scene = Scene::with(|it| it.conversations).await;
    let token = open(&scene).await;
    let again = scene
        .door
        .bearer(token.access.expose_secret())
        .await
        .unwrap();
    assert_eq!(again.who, scene.who().await);
    assert_eq!(again.lifetime, token.lifetime);
    let identity = again.who.identity.unwrap();
    assert_eq!(identity.domain.as_deref(), Some("acme.tidings"));
    assert_eq!(identity.user.as_deref(), Some("200"));
    assert_eq!(identity.rights, Rights::Domain);
    let said = scene.door.bearer("0123456789abcdef").await.map(drop);
    assert_eq!(said, Err(Refusal::Unauthorized));
    let said = scene.door.bearer(refresh_of(&token)).await.map(drop);
    assert_eq!(said, Err(Refusal::Unauthorized));
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_use() {
    let scene = Scene::with(|it| it.conversations).await;
    let token = open(&scene).await;
    let nothing = Presented::new();
    let renewed = scene
        .door
        .renew(&nothing, refresh_of(&token))
        .await
        .unwrap();
    let again = scene.door.renew(&nothing, refresh_of(&token)).await;
    assert_eq!(again.map(drop), Err(Refusal::Unauthorized));
    // The access token that it came with holds on.
    for token in [&token, &renewed] {
        assert!(
            scene
                .door
                .bearer(token.access.expose_secret())
                .await
                .is_ok()
        );
    }
    let wrong = Presented::new().with("client_id", "another");
    let said = scene.door.renew(&wrong, refresh_of(&renewed)).await;
    assert_eq!(said.map(drop), Err(Refusal::Unauthorized));
    let as_access = scene
        .door
        .renew(&nothing, renewed.access.expose_secret())
        .await;
    assert_eq!(as_access.map(drop), Err(Refusal::Unauthorized));
}

#[tokio::test]
async fn a_token_that_is_revoked_can_not_be_renewed_either() {
    let scene = Scene::with(|it| it.conversations).await;
    let token = open(&scene).await;
    let access = token.access.expose_secret();
    let revoked = scene.door.revoke(&token.who, Revoked::Token(access)).await;
    assert_eq!(revoked, Ok(()));
    let said = scene.door.bearer(access).await.map(drop);
    assert_eq!(said, Err(Refusal::Unauthorized));
    let renewed = scene
        .door
        .renew(&Presented::new(), refresh_of(&token))
        .await;
    assert_eq!(renewed.map(drop), Err(Refusal::Unauthorized));
    let unknown = Refusal::NotFound { what: "token" };
    let again = scene.door.revoke(&token.who, Revoked::Token(access)).await;
    assert_eq!(again, Err(unknown));
}

#[tokio::test]
async fn all_tokens_of_a_user_are_revoked_together() {
    let scene = Scene::with(|it| it.conversations).await;
    let (one, other) = (open(&scene).await, open(&scene).await);
    let user = Revoked::User("200@acme.tidings");
    assert_eq!(scene.door.revoke(&one.who, user).await, Ok(()));
    for token in [one, other] {
        let said = scene.door.bearer(token.access.expose_secret()).await;
        assert_eq!(said.map(drop), Err(Refusal::Unauthorized));
    }
}

#[tokio::test]
async fn nobody_is_asked_for_a_second_step() {
    let scene = Scene::with(|it| it.conversations).await;
    let step = SecondStep::new("t", "123456");
    let said = scene.door.open(&presented(&scene.key), Some(&step)).await;
    assert_eq!(said.map(drop), Err(Refusal::Unauthorized));
}

#[tokio::test]
async fn a_manager_signs_in_for_users_of_his_own_account() {
    let spec = able(|it| it.conversations);
    let scene = Scene::of(spec, &[]).await;
    let user = [("username", "201@acme.tidings")];
    scene
        .door
        .key("acme", &user, Scopes::of([Scope::Send]))
        .await;
    let who = scene.who().await;
    let token = scene
        .door
        .open_for(&who, &Mailbox::new("acme.tidings", "201"))
        .await;
    let identity = token.unwrap().who.identity.unwrap();
    assert_eq!(identity.user.as_deref(), Some("201"));
    assert_eq!(identity.rights, Rights::User);
    let nobody = scene
        .door
        .open_for(&who, &Mailbox::new("acme.tidings", "299"))
        .await;
    assert_eq!(nobody.map(drop), Err(Refusal::NotFound { what: "user" }));
    let elsewhere = scene
        .door
        .open_for(&who, &Mailbox::new("other.tidings", "200"))
        .await;
    assert!(forbidden(&elsewhere.map(drop)));
}

#[tokio::test]
async fn numbers_are_those_of_the_users_keys() {
    let spec = able(|it| it.numbers);
    let scene = Scene::of(spec, &[("from_number", "15550101234")]).await;
    let who = scene.who().await;
    let page = Page::first(10);
    let own = Mailbox::new("acme.tidings", "200");
    let (domain, user) = (Some("acme.tidings"), Some("200"));
    let numbers = scene.door.numbers(&who, domain, user, page).await.unwrap();
    assert_eq!(numbers[0].number, "+15550101234");
    assert_eq!(numbers[0].owner.as_deref(), Some("200"));
    assert_eq!(scene.door.count_numbers(&who, &own).await, Ok(1));
    assert!(forbidden(&scene.door.numbers(&who, None, None, page).await));
    let other = scene
        .door
        .numbers(&who, Some("other.tidings"), None, page)
        .await;
    assert!(forbidden(&other));
    let changed = scene
        .door
        .remove_number(&who, "acme.tidings", "+15550101234")
        .await;
    assert_eq!(changed, Err(Refusal::Unsupported));
}

#[tokio::test]
async fn a_key_of_our_own_api_acts_for_the_users_of_its_account() {
    let scene = Scene::with(|it| it.conversations).await;
    let request = NewKeyRequest::new("acme".into(), NATIVE);
    let store = scene.door.gateway.store();
    let acting = Acting::command();
    let key = bootstrap(store, request, &acting, scene.door.gateway.now()).await;
    let key = key.unwrap();
    let token = scene
        .door
        .bearer(key.value("api_key").unwrap())
        .await
        .unwrap();
    assert!(token.is_key());
    let identity = token.who.identity.as_ref().unwrap();
    assert_eq!(
        (identity.user.as_deref(), identity.rights),
        (None, Rights::Domain)
    );
    let user = Mailbox::new("acme.tidings", "200");
    let opened = scene.door.open_for(&token.who, &user).await.unwrap();
    assert_eq!(opened.who, scene.who().await);
    let wrong = scene.door.bearer("tk_0123456789abcdef_00").await;
    assert_eq!(wrong.map(drop), Err(Refusal::Unauthorized));
}
