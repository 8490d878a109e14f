//! Numbers of ours: lists, counts, and what they are used for.

use serde_json::json;

use super::{builder, client};
use crate::conversations::Page;
use crate::error::{Acceptance, ErrorKind};
use crate::netsapiens::wire;
use crate::numbers::OwnNumber;
use crate::provider::Provider;
use crate::tests::scripted::{Reply, Scripted};

const V2: &str = "/ns-api/v2";

fn row() -> serde_json::Value {
    json!({"number":15_550_109_876_i64,"application":"user","domain":"example.test","dest":200,
        "carrier":"carrier-a","mms-capable":"true","group-mms-capable":"false"})
}

#[tokio::test]
async fn numbers_of_the_system_the_domain_and_the_user_are_listed() {
    let server = Scripted::start(|_| Reply::ok(json!([row()]).to_string())).await;
    let client = client(&server);
    let page = Page::first(1000);
    client.system_numbers(page).await.unwrap();
    client.domain_numbers(page).await.unwrap();
    let listed = client.user_numbers(page).await.unwrap();
    assert_eq!(listed[0].number.0, "15550109876");
    let neutral = client.numbers().unwrap().list().await.unwrap();
    let expected = OwnNumber::new("+15550109876", "user")
        .owner(Some("200".to_owned()))
        .carrier(Some("carrier-a".to_owned()));
    assert_eq!(
        (neutral[0].number.as_str(), &neutral[0].owner),
        ("+15550109876", &expected.owner)
    );
    assert!(neutral[0].media && !neutral[0].group_media);
    let paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    let query = "?limit=1000";
    assert_eq!(
        paths,
        [
            format!("{V2}/smsnumbers{query}"),
            format!("{V2}/domains/~/smsnumbers{query}"),
            format!("{V2}/domains/~/users/~/smsnumbers{query}"),
            format!("{V2}/domains/~/users/~/smsnumbers{query}"),
        ]
    );
}

#[tokio::test]
async fn numbers_are_counted() {
    let server = Scripted::answering(&[
        r#"{"total":2}"#,
        r#"{"total":"3"}"#,
        "{}",
        r#"{"total":-1}"#,
    ])
    .await;
    let client = client(&server);
    assert_eq!(*client.count_user_numbers().await.unwrap(), 2);
    assert_eq!(client.numbers().unwrap().count().await.unwrap(), 3);
    for _ in 0..2 {
        let error = client.count_user_numbers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
    assert_eq!(
        server.seen()[0].path,
        format!("{V2}/domains/~/users/~/smsnumbers/count")
    );
}

#[tokio::test]
async fn a_client_for_all_users_lists_the_domain() {
    let server = Scripted::start(|_| Reply::ok(json!([row(), row()]).to_string())).await;
    let client = builder(&server).user("*").build().unwrap();
    assert_eq!(client.numbers().unwrap().count().await.unwrap(), 2);
    assert!(
        server.seen()[0]
            .path
            .starts_with("/ns-api/v2/domains/~/smsnumbers")
    );
}

#[tokio::test]
async fn numbers_are_added_changed_and_removed() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = client(&server);
    let numbers = client.numbers().unwrap();
    let number = OwnNumber::new("+15550109876", "user").owner(Some("200".to_owned()));
    numbers.add(&number).await.unwrap();
    numbers.change(&number).await.unwrap();
    numbers.remove("+15550109876").await.unwrap();
    client.remove_number("a/../b").await.unwrap();
    let calls: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| format!("{} {} {}", seen.method, seen.path, seen.body))
        .collect();
    let list = format!("{V2}/domains/~/smsnumbers");
    assert_eq!(
        calls,
        [
            format!(r#"POST {list} {{"number":"15550109876","application":"user","dest":"200"}}"#),
            format!(r#"PUT {list}/15550109876 {{"application":"user","dest":"200"}}"#),
            format!("DELETE {list}/15550109876 "),
            format!("DELETE {list}/a%2F..%2Fb "),
        ]
    );
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_sent() {
    let server = Scripted::start(|_| Reply::ok("")).await;
    let client = client(&server);
    let mut assignment = wire::NumberAssignment::default();
    let error = client.add_number(&assignment).await.unwrap_err();
    assert!(error.to_string().contains("the number"), "{error}");
    assignment.number = "15550109876".into();
    for error in [
        client.add_number(&assignment).await.unwrap_err(),
        client
            .change_number("15550109876", &assignment)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidMessage, Acceptance::NotSent)
        );
        assert!(error.to_string().contains("application"), "{error}");
    }
    assert!(server.seen().is_empty());
}
