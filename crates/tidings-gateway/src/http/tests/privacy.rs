//! Numbers and texts are whole for their own account alone.

use serde_json::json;

use super::{Doors, JSON, TO, bearer};

#[tokio::test]
async fn another_accounts_things_are_not_there_and_an_operator_sees_them_masked() {
    let doors = Doors::new().await;
    let other = bearer(&doors.other);
    let headers = [("authorization", &*other), JSON];
    let body = json!({"to": TO, "text": "a secret"}).to_string();
    let id = Doors::sent(&doors.call_as("POST", "/v1/messages", &headers, body).await);
    let own = doors
        .call_as("GET", "/v1/messages", &headers, "")
        .await
        .is(200)
        .json();
    assert_eq!(own["items"][0]["text"], "a secret");
    assert_eq!(own["items"][0]["to"], TO);

    let path = format!("/v1/messages/{id}");
    let mine = Doors::sent(&doors.post("/v1/messages", Doors::message("mine")).await);
    let hidden = format!("/v1/messages/{mine}");
    let answer = doors.call_as("GET", &hidden, &headers, "").await;
    answer.is_problem(404, "not_found");
    for path in [&*path, "/v1/messages?account=b", "/v1/messages?account=*"] {
        let seen = doors.get(path).await.is(200).text();
        assert!(
            seen.contains("(8 characters)") && seen.contains("+479…01"),
            "{seen}"
        );
        assert!(!seen.contains("a secret") && !seen.contains(TO), "{seen}");
    }
    // Not even an operator stops what is another's.
    let cancel = doors.post(&format!("{path}/cancel"), json!(null)).await;
    cancel.is_problem(404, "not_found");
}

#[tokio::test]
async fn keys_are_shown_once_and_never_again() {
    let doors = Doors::new().await;
    let made = doors
        .post("/v1/keys", json!({"label": "shop"}))
        .await
        .is(201)
        .json();
    let key = made["credentials"]["api_key"].as_str().unwrap();
    let secret = key.rsplit('_').next().unwrap();
    for path in [
        "/v1/keys",
        "/v1/audit",
        "/v1/keys?account=*",
        "/v1/audit?account=*",
    ] {
        let listed = doors.get(path).await.is(200).text();
        assert!(
            listed.contains(made["key"]["id"].as_str().unwrap()),
            "{listed}"
        );
        assert!(!listed.contains(secret), "{path}");
    }
    let used = [("authorization", &*bearer(key))];
    doors
        .call_as("GET", "/v1/messages", &used, "")
        .await
        .is(200);
    // Not more rights than the key it was made with.
    let more = json!({"scopes": ["admin"]}).to_string();
    let headers = [("authorization", &*bearer(key)), JSON];
    let refused = doors.call_as("POST", "/v1/keys", &headers, more).await;
    refused.is_problem(403, "missing_scope");
}
