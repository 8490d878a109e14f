//! Subscriptions: what is sent, what is read, and what is refused before anything is sent.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{at_noon, body, builder, client};
use crate::conversations::Page;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::netsapiens::{
    Client, Expiry, Model, NewSubscription, Subscription, SubscriptionChange, SubscriptionStatus,
};
use crate::provider::Provider as _;
use crate::subscriptions as neutral;
use crate::tests::scripted::{Reply, Scripted};

const URL: &str = "https://hooks.example.test/ns?k=abc";
const ID: &str = "aabbccddeeff00112233445566778899";
const ROW: &str = r#"{"id":"aabbccddeeff00112233445566778899","subscription-geo-support":"yes",
"post-url":"https://hooks.example.test/ns?k=abc","model":"message","user-scope":"Office Manager",
"reseller":"Acme","domain":"example.test","user":"*","preferred-server":"","current-active-server":"",
"status":"pending","error-count":0,"posts-count":0,
"subscription-creation-datetime":"2026-01-01T00:00:00+00:00",
"subscription-expires-datetime":"2046-01-01T00:00:00+00:00"}"#;
const ACCEPTED: &str = r#"{"code":202,"message":"Accepted"}"#;

fn new() -> NewSubscription {
    NewSubscription::new(Model::Message, URL)
        .domain("example.test")
        .user("*")
}

fn calls(server: &Scripted) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect()
}

#[track_caller]
fn check_example(found: &Subscription) {
    assert_eq!(found.id, ID);
    assert_eq!(found.model, Model::Message);
    assert_eq!(found.post_url.expose_secret(), URL);
    assert_eq!(found.user_scope.as_deref(), Some("Office Manager"));
    assert_eq!(found.reseller.as_deref(), Some("Acme"));
    assert_eq!(
        (found.domain.as_str(), found.user.as_str()),
        ("example.test", "*")
    );
    assert_eq!(
        (&found.preferred_server, &found.active_server),
        (&None, &None)
    );
    assert_eq!(found.status, SubscriptionStatus::Pending);
    assert_eq!((found.error_count, found.posts_count), (0, 0));
    assert_eq!(found.fails_over, Some(true));
    assert_eq!(found.created_at, "2026-01-01T00:00:00Z".parse().ok());
    assert_eq!(found.expires_at, "2046-01-01T00:00:00Z".parse().ok());
}

#[tokio::test]
async fn a_subscription_is_made_for_a_year_unless_it_is_said_otherwise() {
    let server = Scripted::answering(&[ROW, ROW, ROW]).await;
    let client = at_noon(&server);
    let made = client.create_subscription(&new()).await.unwrap();
    check_example(&made);
    let end = Expiry::At("2046-01-01T00:00:00Z".parse().unwrap());
    client
        .create_subscription(&new().expiry(end))
        .await
        .unwrap();
    let none = new().expiry(Expiry::AsTheServerSays);
    client.create_subscription(&none).await.unwrap();

    let seen = server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("POST", "/ns-api/v2/subscriptions")
    );
    assert_eq!(
        seen[0].body,
        r#"{"model":"message","post-url":"https://hooks.example.test/ns?k=abc","domain":"example.test","user":"*","subscription-expires-datetime":"2027-11-22 12:00:00"}"#
    );
    assert_eq!(
        body(&seen[1])["subscription-expires-datetime"],
        "2046-01-01 00:00:00"
    );
    assert_eq!(body(&seen[2]).get("subscription-expires-datetime"), None);
}

#[tokio::test]
async fn all_that_can_be_said_is_sent() {
    let server = Scripted::answering(&[ROW]).await;
    let new = NewSubscription::new(Model::Other("contacts".into()), "http://10.0.0.1:8080/ns")
        .domain("*")
        .user("200")
        .reseller("Acme")
        .user_scope("Office Manager")
        .fails_over(false)
        .preferred_server("core1.example.test")
        .expiry(Expiry::After(Duration::from_hours(1)));
    at_noon(&server).create_subscription(&new).await.unwrap();
    let expected = json!({"model": "contacts", "post-url": "http://10.0.0.1:8080/ns", "domain": "*",
        "user": "200", "reseller": "Acme", "user-scope": "Office Manager",
        "subscription-geo-support": "no", "preferred-server": "core1.example.test",
        "subscription-expires-datetime": "2026-11-22 13:00:00"});
    assert_eq!(body(&server.seen()[0]), expected);
}

/// A token tells whose it is.
#[tokio::test]
async fn the_domain_is_the_accounts_own_and_never_all() {
    async fn made(scope: &str, adjust: fn(Client) -> Client) -> Value {
        let token = format!(
            r#"{{"access_token":"t","expires_in":3600,"domain":"example.test","user":"200","scope":"{scope}"}}"#
        );
        let server = Scripted::start(move |seen| {
            Reply::ok(if seen.path.ends_with("/tokens") {
                token.as_str()
            } else {
                ROW
            })
        })
        .await;
        let client = Client::builder()
            .base_url(&server.url)
            .password("acme.app", "s3cr3t", "200@example.test", "hunter2")
            .build()
            .unwrap();
        let new = NewSubscription::new(Model::Message, URL);
        adjust(client).create_subscription(&new).await.unwrap();
        let body = body(&server.seen()[1]);
        json!([body["domain"], body["user"]])
    }
    assert_eq!(
        made("Office Manager", |it| it).await,
        json!(["example.test", "*"])
    );
    assert_eq!(
        made("Basic User", |it| it).await,
        json!(["example.test", "200"])
    );
    let other = |it: Client| it.act_for("other.test", "201");
    assert_eq!(made("Reseller", other).await, json!(["other.test", "*"]));

    // A key belongs to nobody, and so it says whose domain it is for.
    let server = Scripted::answering(&[ROW]).await;
    let key = client(&server).act_for("example.test", "200");
    let new = NewSubscription::new(Model::Message, URL);
    key.create_subscription(&new).await.unwrap();
    assert_eq!(body(&server.seen()[0])["domain"], "example.test");
}

#[tokio::test]
async fn every_answer_of_success_is_one() {
    for status in [200, 201, 202] {
        for answer in [ROW.to_owned(), format!("[{ROW}]")] {
            let server = Scripted::start(move |_| Reply::status(status, "", answer.as_str())).await;
            let made = at_noon(&server).create_subscription(&new()).await.unwrap();
            check_example(&made);
        }
    }
}

/// It was made: making it again would be answered with 409.
#[tokio::test]
async fn what_the_answer_does_not_hold_is_looked_up() {
    for answer in ["", ACCEPTED, "OK", "{}"] {
        let server = Scripted::start(move |seen| match seen.method.as_str() {
            "POST" => Reply::status(202, "", answer),
            _ => Reply::ok(format!("[{},{ROW}]", ROW.replace("message", "cdr"))),
        })
        .await;
        let made = at_noon(&server).create_subscription(&new()).await.unwrap();
        check_example(&made);
        assert_eq!(server.seen().len(), 2);
    }
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "POST" => Reply::status(202, "", ""),
        _ => Reply::ok("[]"),
    })
    .await;
    let error = at_noon(&server)
        .create_subscription(&new())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Protocol, Acceptance::Unknown)
    );
}

#[tokio::test]
async fn one_that_is_there_already_is_an_error_of_its_own_and_can_be_found() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "POST" => Reply::status(409, "", r#"{"message":"Subscription already exists"}"#),
        _ => Reply::ok(format!("[{ROW}]")),
    })
    .await;
    let client = at_noon(&server);
    let error = client.create_subscription(&new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Rejected, Acceptance::Refused)
    );
    assert_eq!(error.provider_code(), Some("409"));
    let found = client.find_subscription(&new()).await.unwrap().unwrap();
    check_example(&found);
    for other in [
        NewSubscription::new(Model::MessageSession, URL),
        NewSubscription::new(Model::Message, "https://hooks.example.test/ns?k=abd"),
        new().user("200"),
        new().domain("other.test"),
    ] {
        assert!(client.find_subscription(&other).await.unwrap().is_none());
    }
    let anybodys = NewSubscription::new(Model::Message, URL);
    assert!(client.find_subscription(&anybodys).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_anything_is_sent() {
    let server = Scripted::answering(&[]).await;
    let client = at_noon(&server);
    let check = async |new: NewSubscription, fault: &str| {
        let error: Error = client.create_subscription(&new).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidMessage, Acceptance::NotSent)
        );
        assert_eq!(error.to_string(), fault);
    };
    let url = |url: &str| {
        NewSubscription::new(Model::Message, url)
            .domain("*")
            .user("*")
    };
    let neither = "the post_url begins with neither http:// nor https://";
    check(url("hooks.example.test"), neither).await;
    check(url("/ns?k=abc"), neither).await;
    check(url("ftp://hooks.example.test/"), neither).await;
    check(url(""), "the post_url is no URL").await;
    check(url("https://"), "the post_url is no URL").await;
    check(
        url("https://hooks.example.test/a b"),
        "the post_url is no URL",
    )
    .await;
    let host = "the preferred server is a host name without scheme, port and path";
    for server in [
        "https://core1.example.test",
        "core1.example.test:443",
        "core1/x",
        "",
        "a b",
    ] {
        check(new().preferred_server(server), host).await;
    }
    check(
        new().user(""),
        "whose events are subscribed must not be empty",
    )
    .await;
    let nothing = NewSubscription::new(Model::Other("".into()), URL);
    check(nothing, "a subscription needs a model").await;
    assert_eq!(server.seen(), []);
}

#[tokio::test]
async fn any_one_field_is_changed_alone() {
    let server = Scripted::start(|_| Reply::status(202, "", ACCEPTED)).await;
    let client = client(&server);
    let mut changes = vec![
        (
            SubscriptionChange::expires_at("2046-01-01T00:00:00Z".parse().unwrap()),
            r#"{"subscription-expires-datetime":"2046-01-01 00:00:00"}"#,
        ),
        (
            SubscriptionChange::reset_counts(),
            r#"{"error-count":0,"posts-count":0}"#,
        ),
    ];
    let mut one = |set: fn(&mut SubscriptionChange), expected| {
        let mut change = SubscriptionChange::default();
        set(&mut change);
        changes.push((change, expected));
    };
    one(|it| it.model = Some(Model::Cdr), r#"{"model":"cdr"}"#);
    one(
        |it| it.post_url = Some(URL.into()),
        r#"{"post-url":"https://hooks.example.test/ns?k=abc"}"#,
    );
    one(
        |it| it.fails_over = Some(false),
        r#"{"subscription-geo-support":"no"}"#,
    );
    one(
        |it| it.preferred_server = Some("core2".to_owned()),
        r#"{"preferred-server":"core2"}"#,
    );
    one(|it| it.reset_errors = true, r#"{"error-count":0}"#);
    one(|it| it.reset_posts = true, r#"{"posts-count":0}"#);
    for (change, _) in &changes {
        client.update_subscription(ID, change).await.unwrap();
    }
    for (seen, (_, expected)) in server.seen().iter().zip(&changes) {
        assert_eq!(
            (seen.method.as_str(), seen.body.as_str()),
            ("PUT", *expected)
        );
        assert_eq!(seen.path, format!("/ns-api/v2/subscriptions/{ID}"));
    }
    assert_eq!(server.seen().len(), changes.len());

    let check = async |set: fn(&mut SubscriptionChange)| {
        let mut change = SubscriptionChange::default();
        set(&mut change);
        let error = client.update_subscription(ID, &change).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidMessage, Acceptance::NotSent)
        );
    };
    check(|_| ()).await;
    check(|it| it.post_url = Some("ftp://a/".into())).await;
    check(|it| it.preferred_server = Some("https://core2".to_owned())).await;
    assert_eq!(server.seen().len(), changes.len());
}

#[tokio::test]
async fn a_change_and_an_end_need_no_body_in_the_answer() {
    for (status, answer) in [
        (200, ""),
        (201, "OK"),
        (202, ""),
        (202, ACCEPTED),
        (200, ROW),
    ] {
        let server = Scripted::start(move |_| Reply::status(status, "", answer)).await;
        let client = client(&server);
        let change = SubscriptionChange::reset_counts();
        client.update_subscription(ID, &change).await.unwrap();
        client.delete_subscription(ID).await.unwrap();
        client
            .delete_subscription_of(ID, "example.test")
            .await
            .unwrap();
        let seen = server.seen();
        assert_eq!(
            (seen[1].method.as_str(), seen[1].body.as_str()),
            ("DELETE", "")
        );
        let body = format!(r#"{{"subscription_id":"{ID}","domain":"example.test"}}"#);
        assert_eq!(seen[2].body, body);
    }
}

#[tokio::test]
async fn the_domains_own_list_has_the_same_calls() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "GET" => Reply::ok(format!("[{ROW}]")),
        "POST" => Reply::ok(ROW),
        _ => Reply::status(202, "", ACCEPTED),
    })
    .await;
    let client = client(&server).act_for("example.test", "200");
    client.create_domain_subscription(&new()).await.unwrap();
    client
        .domain_subscriptions(Page::new(200, 100))
        .await
        .unwrap();
    let change = SubscriptionChange::reset_counts();
    client
        .update_domain_subscription("a/b", &change)
        .await
        .unwrap();
    client.delete_domain_subscription(ID).await.unwrap();
    let all: Vec<Subscription> = client
        .all_domain_subscriptions()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    let base = "/ns-api/v2/domains/example.test/subscriptions";
    let expected = [
        format!("POST {base}"),
        format!("GET {base}?start=200&limit=100"),
        format!("PUT {base}/a%2Fb"),
        format!("DELETE {base}/{ID}"),
        format!("GET {base}?limit=1000"),
    ];
    assert_eq!(calls(&server), expected);
}

#[tokio::test]
async fn the_list_comes_in_pages_and_as_one_stream() {
    let row = |number: u32| ROW.replace(ID, &format!("{number:032x}"));
    let server = Scripted::start(move |seen| {
        let rows = match seen.path.split_once('?').unwrap().1 {
            "limit=2" => vec![row(1), row(2)],
            "start=2&limit=2" => vec![row(3), row(4)],
            "start=4&limit=2" => vec![row(5)],
            other => panic!("{other}"),
        };
        Reply::ok(format!("[{}]", rows.join(",")))
    })
    .await;
    let client = builder(&server).page_size(2).build().unwrap();
    let all: Vec<Subscription> = client.all_subscriptions().try_collect().await.unwrap();
    let ids: Vec<u128> = all
        .iter()
        .map(|it| u128::from_str_radix(&it.id, 16).unwrap())
        .collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn rows_are_read_leniently_and_nothing_is_made_of_something_else() {
    let numbers = ROW
        .replace(r#""error-count":0"#, r#""error-count":"3""#)
        .replace("2046-01-01T00:00:00+00:00", "2046-01-01 00:00:00")
        .replace("preferred-server", "server_preferred")
        .replace(r#""pending""#, r#""sleeping""#)
        .replace(r#""message""#, r#""call_recording""#);
    let server = Scripted::start(move |_| Reply::ok(numbers.as_str())).await;
    let found = client(&server).subscription(ID).await.unwrap();
    assert_eq!(found.error_count, 3);
    assert_eq!(found.expires_at, "2046-01-01T00:00:00Z".parse().ok());
    assert_eq!(found.status, SubscriptionStatus::Other("sleeping".into()));
    assert_eq!(found.model, Model::Other("call_recording".into()));

    for (answer, kind) in [
        ("[]", ErrorKind::NotFound),
        ("{}", ErrorKind::Protocol),
        ("", ErrorKind::Protocol),
        (r#"[{"id":"other"}]"#, ErrorKind::Protocol),
        (
            r#"{"code":404,"message":"Resource not found."}"#,
            ErrorKind::NotFound,
        ),
    ] {
        let server = Scripted::start(move |_| Reply::ok(answer)).await;
        let error = client(&server).subscription(ID).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}");
    }
    let server = Scripted::start(|_| Reply::ok(r#"[{"model":"message"}]"#)).await;
    let error = client(&server)
        .subscriptions(Page::first(10))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn ids_stay_one_part_of_the_path() {
    let server = Scripted::start(|_| Reply::status(202, "", ACCEPTED)).await;
    let client = client(&server);
    client.delete_subscription("../tokens?x=").await.unwrap();
    assert_eq!(
        calls(&server),
        ["DELETE /ns-api/v2/subscriptions/..%2Ftokens%3Fx%3D"]
    );
    for id in ["", ".", ".."] {
        let error = client.delete_subscription(id).await.unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::NotSent, "{id}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn programs_that_know_no_provider_reach_the_same_calls() {
    let server = Scripted::start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/ns-api/v2/subscriptions?limit=1000") => Reply::ok(format!("[{ROW}]")),
        ("GET" | "POST", _) => Reply::ok(ROW),
        _ => Reply::status(202, "", ACCEPTED),
    })
    .await;
    let client = at_noon(&server);
    let desk = crate::provider::Provider::subscriptions(&client).unwrap();
    assert!(client.capabilities().subscriptions);
    let new = neutral::NewSubscription::new("message", URL)
        .domain("example.test")
        .user("*");
    let made = desk.create(&new).await.unwrap();
    assert_eq!(desk.list().await.unwrap()[0].id, made.id);
    let shown = desk.show(ID).await.unwrap();
    assert_eq!(
        (shown.events.as_str(), shown.status.as_str()),
        ("message", "pending")
    );
    assert_eq!(shown.expires_at, "2046-01-01T00:00:00Z".parse().ok());
    let change = neutral::SubscriptionChange {
        reset_errors: true,
        ..neutral::SubscriptionChange::default()
    };
    desk.update(ID, &change).await.unwrap();
    desk.delete(ID).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        body(&seen[0])["subscription-expires-datetime"],
        "2027-11-22 12:00:00"
    );
    assert_eq!(seen[3].body, r#"{"error-count":0}"#);
    assert_eq!(seen[4].method, "DELETE");
}

#[test]
fn every_word_for_a_model_is_kept() {
    for model in Model::LISTED {
        assert_eq!(Model::from(model.as_str()), model);
        assert!(!matches!(Model::from(model.as_str()), Model::Other(_)));
    }
    let words: Vec<String> = Model::LISTED.iter().map(ToString::to_string).collect();
    let listed = "agent auditlog auditlog_lite call call_origid cdr message messagesession subscriber presence voicemail";
    assert_eq!(words.join(" "), listed);
    assert_eq!(Model::from("contacts").as_str(), "contacts");
}

#[test]
fn no_address_is_shown() {
    let new = new();
    let row: crate::netsapiens::wire::Subscription = serde_json::from_str(ROW).unwrap();
    let change = SubscriptionChange {
        post_url: Some(URL.into()),
        ..SubscriptionChange::default()
    };
    let shown = format!(
        "{new:?} {change:?} {:?} {row:?}",
        Subscription::from_wire(&row)
    );
    assert!(
        !shown.contains("hooks") && !shown.contains("abc\""),
        "{shown}"
    );
}
