//! Tests of keys: who comes in, who does not, and what is kept of it.

use std::net::IpAddr;
use std::time::Duration;

use tidings::backend::Presented;
use tidings::providers;
use tidings_store::StoredKey;

use super::*;
use crate::trial::Trial;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9));

async fn trial() -> Trial {
    Trial::new(|_| true, |_, _| {}).await
}

async fn make(trial: &Trial, change: impl FnOnce(&mut NewKeyRequest)) -> CreatedKey {
    let mut request = NewKeyRequest::new("a".into(), NATIVE);
    change(&mut request);
    let gateway = &trial.gateway;
    let acting = Acting::command();
    let created = create(gateway.store(), request, &acting, gateway.now());
    created.await.unwrap()
}

fn text(created: &CreatedKey) -> &str {
    created.value("api_key").unwrap()
}

async fn check(trial: &Trial, text: &str, from: IpAddr) -> Result<Caller, Denied> {
    let gateway = &trial.gateway;
    gateway.access().check(gateway, text, Some(from)).await
}

/// Why somebody is not let in, in a word.
#[track_caller]
fn why(result: Result<Caller, Denied>) -> &'static str {
    match result.expect_err("nobody was to be let in") {
        Denied::Wrong => "wrong",
        Denied::Expired => "expired",
        Denied::Revoked => "revoked",
        Denied::Network => "network",
        Denied::LockedOut { .. } => "locked out",
        Denied::RateLimited { .. } => "rate limited",
        Denied::Store(_) => "store",
    }
}

async fn kept(trial: &Trial, id: KeyId) -> StoredKey {
    let keys = trial.gateway.store().keys(None).await.unwrap();
    keys.into_iter().find(|key| key.id == id).unwrap()
}

#[tokio::test]
async fn a_key_has_its_form_and_only_its_hash_is_kept() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    let parts: Vec<&str> = text(&created).split('_').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("tk", 16, 64));
    let kept = kept(&trial, created.key.id).await;
    assert_eq!(&*kept.lookup, parts[1]);
    assert_eq!(kept.hash, key::hash(parts[2]));
    let shown = format!("{kept:?} {created:?}");
    assert!(!shown.contains(parts[2]), "{shown}");
    let other = make(&trial, |_| {}).await;
    assert_ne!(text(&created), text(&other));
    let caller = check(&trial, text(&created), HERE).await.unwrap();
    assert_eq!(caller.account().as_str(), "a");
    assert!(caller.allows(Scope::Send) && !caller.allows(Scope::Admin));
}

#[tokio::test]
async fn a_wrong_secret_of_a_good_name_is_wrong() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    let good = text(&created);
    let flipped = if good.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{flipped}", good.get(..good.len() - 1).unwrap());
    assert_eq!(why(check(&trial, &wrong, HERE).await), "wrong");
    check(&trial, good, HERE).await.unwrap();
}

#[tokio::test]
async fn what_another_process_revokes_is_over_within_two_seconds() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    check(&trial, text(&created), HERE).await.unwrap();
    // By another process: this one is not told.
    let now = trial.gateway.now();
    trial
        .gateway
        .store()
        .revoke_key(created.key.id, now)
        .await
        .unwrap();
    check(&trial, text(&created), HERE).await.unwrap();
    trial.clock.advance(cache::GOOD_FOR);
    assert_eq!(why(check(&trial, text(&created), HERE).await), "revoked");
}

#[tokio::test]
async fn a_busy_key_is_read_again_beside_its_requests() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    check(&trial, text(&created), HERE).await.unwrap();
    let now = trial.gateway.now();
    trial
        .gateway
        .store()
        .revoke_key(created.key.id, now)
        .await
        .unwrap();
    trial.clock.advance(Duration::from_millis(1_100));
    check(&trial, text(&created), HERE).await.unwrap();
    // The request above had it read in the background.
    tokio::task::yield_now().await;
    assert_eq!(why(check(&trial, text(&created), HERE).await), "revoked");
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_comes_from_its_networks_alone() {
    let trial = trial().await;
    let end = trial.gateway.now().plus(Duration::from_secs(60));
    let created = make(&trial, |request| {
        request.expires_at = Some(end);
        request.networks = vec!["192.0.2.0/28".parse().unwrap()];
    });
    let created = created.await;
    check(&trial, text(&created), HERE).await.unwrap();
    let mapped: IpAddr = "::ffff:192.0.2.7".parse().unwrap();
    check(&trial, text(&created), mapped).await.unwrap();
    assert_eq!(why(check(&trial, text(&created), THERE).await), "network");
    let gateway = &trial.gateway;
    let nowhere = gateway.access().check(gateway, text(&created), None).await;
    assert_eq!(why(nowhere), "network");
    trial.clock.advance(Duration::from_secs(60));
    assert_eq!(why(check(&trial, text(&created), HERE).await), "expired");
}

#[tokio::test]
async fn while_a_key_is_replaced_both_are_good() {
    let trial = trial().await;
    let (gateway, acting) = (&trial.gateway, Acting::command());
    for spec in [None, Some(providers::ALL[0])] {
        let api = spec.map_or(NATIVE, |spec| spec.id);
        let before = make(&trial, |request| request.api = api.into()).await;
        let now = gateway.now();
        let overlap = now.plus(Duration::from_secs(60));
        let after = rotate(gateway.store(), &before.key, overlap, &acting, now).await;
        let after = after.unwrap();
        let enter = async |created: &CreatedKey| match spec {
            None => check(&trial, text(created), HERE).await,
            Some(spec) => {
                let presented = presented(created);
                gateway
                    .access()
                    .check_vendor(gateway, spec, &presented)
                    .await
            }
        };
        enter(&before).await.unwrap();
        enter(&after).await.unwrap();
        trial.clock.advance(Duration::from_secs(60));
        assert_eq!(why(enter(&before).await), "revoked");
        enter(&after).await.unwrap();
        let public = |created: &CreatedKey| desk::settings_of(&created.key);
        assert_eq!(public(&before), public(&after));
    }
}

fn presented(created: &CreatedKey) -> Presented {
    let shown = created.shown.iter();
    shown.fold(Presented::new(), |so_far, one| {
        so_far.with(one.name, one.value.clone())
    })
}

/// What is created for a vendor's API has the names that the provider's settings have, and lets in.
#[tokio::test]
async fn every_vendors_credentials_let_in_and_wrong_ones_do_not() {
    let trial = trial().await;
    let gateway = &trial.gateway;
    for spec in providers::ALL {
        let created = make(&trial, |request| request.api = spec.id.into()).await;
        let json = created.to_json();
        for setting in key::credentials(spec) {
            let value = &json[setting.name];
            assert_eq!(
                value.is_number(),
                setting.is_number,
                "{}: {value}",
                setting.name
            );
        }
        let access = gateway.access();
        let caller = access
            .check_vendor(gateway, spec, &presented(&created))
            .await;
        assert_eq!(caller.unwrap().account().as_str(), "a");
        let by_id = access.caller_of(gateway, &"a".into(), created.key.id).await;
        assert_eq!(by_id.unwrap().key().id, created.key.id);
        for missing in key::credentials(spec) {
            let shown = created.shown.iter();
            let others = shown.fold(Presented::new(), |so_far, one| {
                let wrong = one.name == missing.name;
                let value = if wrong { "1".into() } else { one.value.clone() };
                so_far.with(one.name, value)
            });
            let refused = access.check_vendor(gateway, spec, &others).await;
            assert_eq!(why(refused), "wrong", "{}", missing.name);
        }
        let nothing = access.check_vendor(gateway, spec, &Presented::new()).await;
        assert_eq!(why(nothing), "wrong");
    }
}

#[tokio::test]
async fn a_setting_that_is_drawn_or_unknown_cannot_be_given() {
    let trial = trial().await;
    let gateway = &trial.gateway;
    let spec = providers::ALL[0];
    let secret = key::credentials(spec).find(|it| it.is_secret).unwrap();
    for name in [secret.name, "base_url", "no_setting"] {
        let mut request = NewKeyRequest::new("a".into(), spec.id);
        request.settings = vec![(name.to_owned(), "x".to_owned())];
        let refused = create(gateway.store(), request, &Acting::command(), gateway.now()).await;
        assert!(
            matches!(refused, Err(KeyError::BadSetting { .. })),
            "{name}"
        );
    }
    let request = NewKeyRequest::new("a".into(), "nobody");
    let refused = create(gateway.store(), request, &Acting::command(), gateway.now()).await;
    assert!(matches!(refused, Err(KeyError::NoSuchApi { .. })));
}

#[tokio::test]
async fn bootstrap_makes_the_account_with_its_first_key() {
    let trial = trial().await;
    let gateway = &trial.gateway;
    for _ in 0..2 {
        let request = NewKeyRequest::new("new".into(), NATIVE);
        let made = bootstrap(gateway.store(), request, &Acting::command(), gateway.now()).await;
        check(&trial, text(&made.unwrap()), HERE).await.unwrap();
    }
    let acts = gateway
        .store()
        .audit_entries(tidings_store::AuditFilter::default())
        .await;
    let acts: Vec<String> = acts
        .unwrap()
        .items
        .iter()
        .map(|act| act.what.to_string())
        .collect();
    assert_eq!(acts, ["key.created", "key.created", "account.created"]);
}

#[tokio::test]
async fn who_tries_wrong_keys_waits_longer_each_time() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    let name = text(&created).get(..20).unwrap().to_owned();
    let wrong = format!("{name}{}", "0".repeat(64));
    for _ in 0..5 {
        assert_eq!(why(check(&trial, &wrong, HERE).await), "wrong");
    }
    // From elsewhere the same name waits too, also with the right secret.
    for from in [HERE, THERE] {
        assert_eq!(why(check(&trial, text(&created), from).await), "locked out");
    }
    trial.clock.advance(Duration::from_secs(1));
    assert_eq!(why(check(&trial, &wrong, HERE).await), "wrong");
    trial.clock.advance(Duration::from_secs(1));
    assert_eq!(why(check(&trial, text(&created), HERE).await), "locked out");
    trial.clock.advance(Duration::from_secs(1));
    check(&trial, text(&created), HERE).await.unwrap();
}

/// Somebody who guesses at a name does not shut its owner out.
#[tokio::test]
async fn a_key_that_was_good_from_an_address_stays_good_from_there() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    check(&trial, text(&created), HERE).await.unwrap();
    let name = text(&created).get(..20).unwrap();
    let wrong = format!("{name}{}", "0".repeat(64));
    for _ in 0..5 {
        assert_eq!(why(check(&trial, &wrong, THERE).await), "wrong");
    }
    assert_eq!(
        why(check(&trial, text(&created), THERE).await),
        "locked out"
    );
    check(&trial, text(&created), HERE).await.unwrap();
}

#[tokio::test]
async fn an_address_that_tries_many_names_waits() {
    let trial = trial().await;
    for number in 0..20 {
        let guess = format!("tk_{number:016x}_{}", "0".repeat(64));
        assert_eq!(why(check(&trial, &guess, HERE).await), "wrong");
    }
    let created = make(&trial, |_| {}).await;
    assert_eq!(why(check(&trial, text(&created), HERE).await), "locked out");
    check(&trial, text(&created), THERE).await.unwrap();
    trial.clock.advance(Duration::from_mins(15));
    check(&trial, text(&created), HERE).await.unwrap();
}

#[test]
fn the_table_of_wrong_tries_does_not_grow_without_bound() {
    let lockouts = Lockouts::default();
    for number in 0..30_000_u32 {
        let name = number.to_string();
        let from = IpAddr::from(number.to_be_bytes());
        lockouts.wrong(Some(from), Some(&name), Duration::from_secs(1));
    }
    assert!(lockouts.n_rows() <= 20_000, "{}", lockouts.n_rows());
}

#[tokio::test(start_paused = true)]
async fn when_a_key_was_used_last_is_written_once_a_minute() {
    let trial = trial().await;
    let created = make(&trial, |_| {}).await;
    let first = trial.gateway.now();
    for _ in 0..3 {
        check(&trial, text(&created), HERE).await.unwrap();
    }
    assert_eq!(kept(&trial, created.key.id).await.last_used_at, None);
    tokio::time::advance(NOTED_EVERY).await;
    trial.gateway.tasks().close();
    trial.gateway.tasks().wait().await;
    let kept = kept(&trial, created.key.id).await;
    assert_eq!(
        (kept.last_used_at, kept.last_used_from),
        (Some(first), Some(HERE))
    );
}

#[tokio::test]
async fn a_key_of_an_account_that_is_gone_or_of_another_api_is_none() {
    let trial = trial().await;
    let created = make(&trial, |request| request.api = providers::ALL[0].id.into()).await;
    let lookup = &created.key.lookup;
    let guess = format!("tk_{lookup}_{}", "0".repeat(64));
    assert_eq!(why(check(&trial, &guess, HERE).await), "wrong");
    for text in ["", "tk_", "tk__", "tk_zz_zz", &"tk_".repeat(1_000)] {
        assert_eq!(why(check(&trial, text, THERE).await), "wrong");
    }
}
