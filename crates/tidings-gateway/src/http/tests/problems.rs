//! What is refused, and how: every refusal is a problem document with a stable code.

use std::time::Duration;

use serde_json::json;

use super::{Doors, JSON, TO, bearer};
use crate::access::Scope;

#[tokio::test]
async fn who_has_no_good_key_is_not_let_in() {
    let doors = Doors::new().await;
    let call =
        async |headers: &[(&str, &str)]| doors.call_as("GET", "/v1/messages", headers, "").await;
    let missing = call(&[]).await;
    missing.is_problem(401, "unauthorized");
    assert!(missing.header("www-authenticate").starts_with("Bearer"));
    call(&[("authorization", "Basic YTpi")])
        .await
        .is_problem(401, "unauthorized");
    for key in ["no-key", "tk_00_00", &format!("{}0", doors.operator)] {
        call(&[("authorization", &bearer(key))])
            .await
            .is_problem(401, "invalid_key");
    }
    // The same where the handler itself looks at the key.
    let headers = [("authorization", "Bearer no-key"), JSON];
    let body = Doors::message("hi").to_string();
    let answer = doors.call_as("POST", "/v1/messages", &headers, body).await;
    answer.is_problem(401, "invalid_key");
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let doors = Doors::new().await;
    let reads = bearer(&doors.key([Scope::Read]).await);
    let sends = bearer(&doors.key([Scope::Send]).await);
    let body = Doors::message("hi").to_string();
    let check = async |key: &str, method: &str, path: &str, status: u16| {
        let headers = [("authorization", key), JSON];
        let answer = doors.call_as(method, path, &headers, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        if status == 403 {
            answer.is_problem(403, "missing_scope");
        }
    };
    check(&reads, "POST", "/v1/messages", 403).await;
    check(&reads, "GET", "/v1/messages", 200).await;
    check(&reads, "GET", "/v1/keys", 403).await;
    check(&sends, "POST", "/v1/messages", 202).await;
    check(&sends, "GET", "/v1/messages", 403).await;
    check(&sends, "POST", "/v1/contacts", 422).await;
    check(&sends, "GET", "/v1/providers", 403).await;
    let plain = bearer(&doors.other);
    check(&plain, "GET", "/v1/providers", 403).await;
    check(&plain, "GET", "/v1/messages?account=*", 403).await;
    check(&plain, "GET", "/v1/audit?account=a", 403).await;
}

#[tokio::test]
async fn what_the_library_refuses_is_a_problem_document_too() {
    let doors = Doors::with(|config| config.limits.max_body_bytes = 1_000).await;
    doors.get("/nowhere").await.is_problem(404, "not_found");
    doors.get("/v1/nowhere").await.is_problem(404, "not_found");
    doors
        .get("/v1/messages/not-an-id")
        .await
        .is_problem(404, "not_found");
    let wrong = doors.call("PUT", "/v1/messages", &[], "").await;
    wrong.is_problem(405, "method_not_allowed");
    let wrong = doors.call("PUT", "/v1/batches", &[], "").await;
    wrong.is_problem(405, "method_not_allowed");
    doors
        .get("/v1/messages?limit=many")
        .await
        .is_problem(400, "invalid_query");
    doors
        .get("/v1/messages?limit=0")
        .await
        .is_problem(400, "invalid_query");
    doors
        .get("/v1/messages?state=lost")
        .await
        .is_problem(400, "invalid_query");
    doors
        .get("/v1/messages?cursor=nonsense")
        .await
        .is_problem(400, "invalid_cursor");
    let long = json!({"to": TO, "text": "a".repeat(2_000)});
    doors
        .post("/v1/messages", long)
        .await
        .is_problem(413, "body_too_large");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = doors.call("POST", "/v1/messages", &form, "to=1").await;
    answer.is_problem(415, "unsupported_media_type");
    let packed = [JSON, ("content-encoding", "br")];
    let answer = doors.call("POST", "/v1/messages", &packed, "{}").await;
    answer.is_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_where() {
    let doors = Doors::new().await;
    let check = async |body: &'static str, status: u16, code: &str, says: &str| {
        let answer = doors.call("POST", "/v1/messages", &[JSON], body).await;
        let problem = answer.is_problem(status, code);
        let told = format!("{} {}", problem["field"], problem["detail"]);
        assert!(told.contains(says), "{told}");
    };
    check("", 400, "invalid_json", "is empty").await;
    check("{\n  \"to\": ,}", 400, "invalid_json", "line 2, column 9").await;
    check("{} x", 422, "invalid_request", "missing field `to`").await;
    check(
        "[]",
        422,
        "invalid_request",
        "null \"the body is a list; expected an object",
    )
    .await;
    check("7", 422, "invalid_request", "null \"expected an object").await;
    check(
        r#"{"to":4790000001,"text":"hi"}"#,
        422,
        "invalid_request",
        "\"to\" \"expected a text",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","valid_for_s":"600"}"#,
        422,
        "invalid_request",
        "expected a whole number, not below 0",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","window":{"opens":"9","closes":"17:00"}}"#,
        422,
        "invalid_request",
        "expected a time of day such as 09:00",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","window":{"opens":"09:00","closes":"17:00","first_day":"1.1."}}"#,
        422,
        "invalid_request",
        "expected a day such as 2026-03-29",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","txt":1}"#,
        422,
        "invalid_request",
        "unknown field `txt`",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","priority":"+4790000002"}"#,
        422,
        "invalid_request",
        "priority",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","send_at":"soon"}"#,
        422,
        "invalid_request",
        "send_at",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","window":{"opens":"09:00","from":"2026-11-23T09:00Z"}}"#,
        422,
        "invalid_request",
        "window",
    )
    .await;
    check(
        r#"{"to":"12","text":"hi"}"#,
        422,
        "invalid_recipient",
        "country",
    )
    .await;
    check(
        r#"{"to":"+4790000001","text":"hi","from":"a name that is too long"}"#,
        422,
        "invalid_sender",
        "",
    )
    .await;
}

/// What was sent is not repeated: it may be a number or a text.
#[tokio::test]
async fn a_problem_does_not_repeat_what_was_sent() {
    let doors = Doors::new().await;
    for body in [
        r#"{"to":"+4790000001","text":"secret","valid_for_s":"+4790000001"}"#,
        r#"{"to":"+4790000001","text":"secret","policy":"+4790000001"}"#,
        r#"{"to":4790000001,"text":"secret"}"#,
        r#"{"to":"+479000000x1","text":"secret"}"#,
        r#"{"to":"+4790000001","text":"secret","reference":"+4790000001 secret"}"#,
    ] {
        let answer = doors.call("POST", "/v1/messages", &[JSON], body).await;
        assert_eq!(answer.status.as_u16(), 422);
        let text = answer.text();
        assert!(
            !text.contains("90000001") && !text.contains("secret"),
            "{text}"
        );
    }
}

/// A parameter of another name is refused at every call, with those that the call has.
#[tokio::test]
async fn a_parameter_that_the_call_does_not_have_is_refused() {
    let doors = Doors::new().await;
    let check = async |method: &str, path: &str, says: &str| {
        let answer = doors.call(method, path, &[JSON], "{}").await;
        let problem = answer.is_problem(400, "invalid_query");
        assert_eq!(problem["detail"], says);
    };
    let of_batches = "the call has no parameter templat; it has reference, template, defaults, \
                      allow_duplicates, delimiter, verdicts";
    check("POST", "/v1/batches?templat=Hi", of_batches).await;
    let of_list = "the call has no parameter referenc; it has reference, account, cursor, limit";
    check("GET", "/v1/batches?referenc=autumn", of_list).await;
    let nothing = "the call has no parameter text; it has none";
    check("POST", "/v1/messages?text=hi", nothing).await;
    check("DELETE", "/v1/webhooks/1?text=hi", nothing).await;
    let id = "019aabcd-0000-7000-8000-000000000000";
    check("GET", &format!("/v1/messages/{id}?text=hi"), nothing).await;
    // What may be a number or a text is not repeated.
    let unnamed = "the call has no parameter of this name; it has none";
    check("POST", "/v1/messages?%2B4790000001=hi", unnamed).await;
    let wrong = "limit: expected a whole number that is not too large";
    check("GET", "/v1/batches?limit=many", wrong).await;
    doors.get("/v1/batches?%72eference=x&limit=5").await.is(200);
    // Who has no key is not told.
    let answer = doors.call_as("GET", "/v1/batches?x=1", &[], "").await;
    answer.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_number_in_a_query_may_have_its_plus_as_a_blank() {
    let doors = Doors::new().await;
    doors
        .post("/v1/messages", Doors::message("hi"))
        .await
        .is(202);
    for to in ["%2B4790000001", "+4790000001", "%204790000001"] {
        let listed = doors.get(&format!("/v1/messages?to={to}")).await.is(200);
        assert_eq!(listed.json()["items"].as_array().unwrap().len(), 1, "{to}");
    }
    let refused = doors.get("/v1/messages?to=4790000001").await;
    refused.is_problem(400, "invalid_query");
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let doors = Doors::with(|config| config.limits.requests_per_second = 2).await;
    let first = doors.get("/v1/messages").await.is(200);
    let left = ["limit", "remaining", "reset"].map(|name| {
        let name = format!("ratelimit-{name}");
        first.header(&name).to_owned()
    });
    assert_eq!(left, ["2", "1", "1"]);
    let sent = doors.post("/v1/messages", Doors::message("hi")).await;
    assert_eq!(sent.is(202).header("ratelimit-remaining"), "0");
    for path in ["/v1/messages", "/v1/batches"] {
        let refused = doors.get(path).await;
        refused.is_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("ratelimit-remaining"), "0");
    }
    let refused = doors.post("/v1/messages", Doors::message("hi")).await;
    refused.is_problem(429, "rate_limited");
    // Another key has its own.
    let other = [("authorization", &*bearer(&doors.other))];
    doors
        .call_as("GET", "/v1/messages", &other, "")
        .await
        .is(200);
    doors.trial.clock.advance(Duration::from_millis(500));
    doors.get("/v1/messages").await.is(200);
}

#[tokio::test]
async fn what_is_too_much_is_refused_with_a_time_to_come_back_at() {
    let full = Doors::with(|config| config.limits.max_queued = 1).await;
    full.post("/v1/messages", Doors::message("first"))
        .await
        .is(202);
    for path in ["/v1/messages", "/v1/batches"] {
        let refused = full.post(path, Doors::message("second")).await;
        refused.is_problem(503, "queue_full");
        assert_eq!(refused.header("retry-after"), "5");
    }
    // What has left since is known before anybody is refused again.
    let listed = full.get("/v1/messages").await.json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    let path = format!("/v1/messages/{id}/cancel");
    full.post(&path, serde_json::Value::Null).await.is(200);
    full.trial.clock.advance(Duration::from_millis(150));
    full.post("/v1/messages", Doors::message("second"))
        .await
        .is(202);
    let busy = Doors::with(|config| config.limits.max_waiting = 0).await;
    let refused = busy.post("/v1/messages", Doors::message("hi")).await;
    refused.is_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    // What reads is not held up by what sends.
    busy.get("/v1/messages").await.is(200);
}

#[tokio::test]
async fn every_answer_has_an_id_and_large_ones_are_compressed_for_who_wants_that() {
    let doors = Doors::new().await;
    let answer = doors.get("/v1/messages").await.is(200);
    assert_eq!(answer.header("x-request-id").len(), 16);
    let page = doors
        .call("GET", "/docs", &[("accept-encoding", "gzip")], "")
        .await;
    assert_eq!(page.header("content-encoding"), "gzip");
    let plain = doors.get("/docs").await;
    assert!(plain.bytes.len() > 2 * page.bytes.len());
}
