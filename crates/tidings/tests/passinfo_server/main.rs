//! PassInfo's API as a server: what it answers to every call, and what it says to every call that is
//! wrong. The backend is the one in `desk.rs`; nothing listens on a port.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod desk;
mod golden;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tidings::Reason;
use tidings::backend::Refusal;
use tidings::passinfo::server;
use tidings::serve::Serving;
use tower::ServiceExt;

use desk::Desk;

/// Every call of the API with a request that is right.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        (
            "POST",
            "/v1/message/single_message",
            json!({"message": "Bonjour", "contact": "622000001", "senderName": "Ecole"}),
        ),
        (
            "POST",
            "/v1/message/send_bulk_contacts_messages",
            json!({"message": "Bonjour", "contacts": ["622000001"], "senderName": "Ecole"}),
        ),
        (
            "POST",
            "/v1/message/send_message_to_group/groupId",
            json!({"message": "Bonjour", "senderName": "Ecole"}),
        ),
        (
            "GET",
            "/v1/message/get_single_status/1234567890",
            Value::Null,
        ),
        ("GET", "/v1/message/get_bulk_status/b-1", Value::Null),
        ("GET", "/v1/user/get_solde", Value::Null),
        ("POST", "/v1/user/renew_api_key", Value::Null),
        ("GET", "/v1/user/renew_api_key", Value::Null),
        (
            "POST",
            "/v1/contact/add_contact",
            json!({"first_name": "John", "last_name": "Smith", "phone_number": "622000001"}),
        ),
        (
            "GET",
            "/v1/contact/all_my_contacts?page=1&limit=10",
            Value::Null,
        ),
        (
            "POST",
            "/v1/contact/add_users",
            json!({"contact_id": "c-1", "user_ids": ["u-1"]}),
        ),
        ("GET", "/v1/groupe/get_all_my_groupes", Value::Null),
        (
            "POST",
            "/v1/groupe/add_contact_to_group",
            json!({"contact_id": "c-1", "group_id": "g-1"}),
        ),
        ("POST", "/v1/groupe/create", json!({"name": "Teachers"})),
    ]
}

fn serve(desk: &Arc<Desk>) -> Router {
    let backend = Arc::clone(desk);
    server::router_with(backend, Serving::seeded(1))
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("Api-Key", desk::API_KEY)
        .header("client-id", desk::CLIENT_ID)
        .body(body.into())
        .unwrap()
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    read(router.clone().oneshot(request).await.unwrap()).await
}

async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    assert!(response.headers().contains_key("x-request-id"));
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let body = body.unwrap();
    let value = serde_json::from_slice(&body)
        .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&body)));
    (status, value)
}

fn text_of(body: &Value) -> String {
    if body.is_null() {
        String::new()
    } else {
        body.to_string()
    }
}

#[track_caller]
fn assert_refused(answer: &(StatusCode, Value), status: u16, message: &str) {
    let said = json!({"status": "error", "success": false, "message": message});
    assert_eq!(*answer, (StatusCode::from_u16(status).unwrap(), said));
}

// ---- what is answered ----

async fn check(method: &str, path: &str, body: Value, asked: &str, answer: Value) {
    let desk = Desk::new();
    let request = request(method, path, text_of(&body));
    assert_eq!(
        ask(&serve(&desk), request).await,
        (StatusCode::OK, answer),
        "{path}"
    );
    assert_eq!(desk.asked(), [asked], "{path}");
}

#[tokio::test]
async fn every_call_is_answered_as_documented() {
    let [
        single,
        bulk,
        group,
        ..,
        renew,
        _,
        contact,
        _,
        users,
        _,
        join,
        create,
    ] = {
        let calls = calls();
        let calls: [_; 14] = calls.try_into().unwrap();
        calls
    };
    check(
        single.0,
        single.1,
        single.2,
        "accept +224622000001<Ecole:Bonjour +0",
        json!({"status": "success", "message_id": "123", "message": "123"}),
    )
    .await;
    check(
        bulk.0,
        bulk.1,
        bulk.2,
        "accept +224622000001<Ecole:Bonjour +0",
        json!({"status": "success", "successful_sends": 1, "failed_sends": 0, "batch_id": "b-1"}),
    )
    .await;
    check(
        group.0,
        group.1,
        group.2,
        "group groupId<Ecole:Bonjour",
        json!({"status": "success", "group_size": 50, "messages_queued": 50, "batch_id": "b-2"}),
    )
    .await;
    check(
        "GET",
        "/v1/message/get_single_status/1234567890",
        Value::Null,
        "message 1234567890",
        json!({"status": "sent", "message_id": "1234567890", "timestamp": "2024-01-20T15:30:45Z"}),
    )
    .await;
    check(
        "GET",
        "/v1/user/get_solde",
        Value::Null,
        "balance",
        json!({"solde": 100}),
    )
    .await;
    for method in ["POST", "GET"] {
        let keys = json!({"new_api_key": "made-up-new-key", "api_key": "made-up-new-key"});
        check(method, renew.1, Value::Null, "renew", keys).await;
    }
    let john = json!({
        "id": "contact_123", "first_name": "John", "last_name": "Smith", "phone_number": "622000001",
    });
    check(
        contact.0,
        contact.1,
        contact.2,
        "add John +224622000001",
        json!({"success": true, "contact_id": "contact_123", "contact": john}),
    )
    .await;
    check(
        "GET",
        "/v1/contact/all_my_contacts",
        Value::Null,
        "contacts 1 10",
        json!({"contacts": [john], "total": 1, "page": 1, "total_pages": 1}),
    )
    .await;
    let done = json!({"success": true});
    check(users.0, users.1, users.2, "link c-1 u-1", done.clone()).await;
    check(
        "GET",
        "/v1/groupe/get_all_my_groupes",
        Value::Null,
        "groups",
        json!([{"id": "group_456", "name": "Conakry", "member_count": 50}]),
    )
    .await;
    check(join.0, join.1, join.2, "join c-1 g-1", done).await;
    check(
        create.0,
        create.1,
        create.2,
        "create Teachers",
        json!({"id": "group_456", "name": "Teachers", "member_count": 0}),
    )
    .await;
}

#[tokio::test]
async fn numbers_are_read_in_every_form_of_guinea_and_in_no_other() {
    let desk = Desk::new();
    let router = serve(&desk);
    let send = |contact: Value| {
        let body = json!({"message": "m", "contact": contact, "senderName": "Ecole"});
        ask(
            &router,
            request("POST", "/v1/message/single_message", body.to_string()),
        )
    };
    for contact in [
        json!("622000001"),
        json!("622 00 00 01"),
        json!("+224622000001"),
        json!("224622000001"),
        json!(622_000_001),
    ] {
        let (status, answer) = send(contact.clone()).await;
        assert_eq!(status, StatusCode::OK, "{contact}: {answer}");
    }
    assert!(
        desk.asked()
            .iter()
            .all(|asked| asked.starts_with("accept +224622000001<"))
    );
    for contact in [
        "+33612345678",
        "62200000",
        "6220000011",
        "abc",
        "+1234567890",
    ] {
        let (status, answer) = send(json!(contact)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{contact}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.starts_with("contact "), "{message}");
        assert!(
            !message.contains(contact),
            "the number is repeated: {message}"
        );
    }
    assert_eq!(desk.asked().len(), 5);
}

#[tokio::test]
async fn a_bulk_call_counts_what_was_refused_and_says_who() {
    let desk = Desk::new();
    let contacts = json!(["622000001", "12", "622000009", 622_000_002]);
    let body = json!({"message": "m", "contacts": contacts, "senderName": "Ecole"});
    let path = "/v1/message/send_bulk_contacts_messages";
    let (status, answer) = ask(&serve(&desk), request("POST", path, body.to_string())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["successful_sends"], 2);
    assert_eq!(answer["failed_sends"], 2);
    let failed = answer["error_details"].as_array().unwrap();
    let failed: Vec<_> = failed.iter().map(|detail| &detail["contact"]).collect();
    assert_eq!(failed, ["12", "622000009"]);
    assert_eq!(
        answer["error_details"][1]["error"],
        "nothing is left on the account"
    );
}

#[tokio::test]
async fn a_bulk_call_of_which_nothing_is_taken_is_refused() {
    let desk = Desk::new();
    let send = |contacts: Value| {
        let body = json!({"message": "m", "contacts": contacts, "senderName": "Ecole"});
        let path = "/v1/message/send_bulk_contacts_messages";
        let request = request("POST", path, body.to_string());
        let router = serve(&desk);
        async move { ask(&router, request).await }
    };
    let answer = send(json!(["622000009", "622000009"])).await;
    assert_refused(&answer, 402, "nothing is left on the account");
    let (status, answer) = send(json!(["12", "13"])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["message"].as_str().unwrap().starts_with("contacts "));
    assert_eq!(
        desk.asked().len(),
        1,
        "nothing readable: the backend is not asked"
    );
}

#[tokio::test]
async fn an_empty_group_is_no_failure() {
    let path = "/v1/message/send_message_to_group/empty";
    let body = json!({"message": "m", "senderName": "Ecole"});
    let answer = json!({"status": "success", "group_size": 0, "messages_queued": 0});
    check("POST", path, body, "group empty<Ecole:m", answer).await;
}

#[tokio::test]
async fn the_states_of_messages_and_batches_are_the_vendors_words() {
    let desk = Desk::new();
    let status = async |path: &str| {
        let (status, answer) = ask(&serve(&desk), request("GET", path, "")).await;
        assert_eq!(status, StatusCode::OK);
        answer
    };
    desk.show(desk::failed(Reason::InvalidRecipient));
    let answer = status("/v1/message/get_single_status/1234567890").await;
    assert_eq!(answer["status"], "failed");
    assert!(answer["error_message"].is_string());
    let mut odd = desk::failed(Reason::Unspecified);
    odd.raw_state = Some("en route".to_owned());
    desk.show(odd);
    let answer = status("/v1/message/get_single_status/1234567890").await;
    assert_eq!(answer["status"], "en route");

    for (counts, word) in [
        ((45, 2, 3), "processing"),
        ((48, 2, 0), "completed"),
        ((0, 50, 0), "failed"),
    ] {
        desk.show_batch(desk::batch(counts.0, counts.1, counts.2));
        let answer = status("/v1/message/get_bulk_status/b-1").await;
        let expected = json!({
            "status": word, "successful": counts.0, "failed": counts.1, "pending": counts.2,
            "timestamp": "2024-01-20T15:30:45Z",
        });
        assert_eq!(answer, expected);
    }
    let mut batch = desk::batch(1, 1, 0);
    let failure = ("+224622000009".to_owned(), Reason::RecipientUnreachable);
    batch.failures.push(failure);
    desk.show_batch(batch);
    let answer = status("/v1/message/get_bulk_status/b-1").await;
    assert_eq!(answer["error_details"][0]["contact"], "622000009");
}

// ---- what is refused ----

#[tokio::test]
async fn wrong_credentials_are_refused_before_anything_is_read() {
    let desk = Desk::new();
    let router = serve(&desk);
    for (client_id, api_key) in [
        (Some(desk::CLIENT_ID), Some("wrong")),
        (Some("8"), Some(desk::API_KEY)),
        (Some("None"), Some(desk::API_KEY)),
        (None, Some(desk::API_KEY)),
        (Some(desk::CLIENT_ID), None),
        (Some(""), Some("")),
        (Some("\u{e9}"), Some("\u{e9}")),
    ] {
        for (method, path, _) in calls() {
            let mut request = request(method, path, "this is not JSON");
            let headers = request.headers_mut();
            for (name, value) in [("client-id", client_id), ("api-key", api_key)] {
                headers.remove(name);
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let answer = ask(&router, request).await;
            assert_refused(
                &answer,
                401,
                "the credentials are missing, wrong or expired",
            );
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn every_refusal_of_the_backend_has_its_status_on_every_call() {
    let wait = Some(Duration::from_millis(1500));
    let table = [
        (Refusal::Unauthorized, 401, None),
        (Refusal::invalid("contact", "is odd"), 400, None),
        (Refusal::NotFound { what: "message" }, 404, None),
        (Refusal::InsufficientCredit, 402, None),
        (Refusal::RateLimited { retry_after: wait }, 429, Some("2")),
        (Refusal::RateLimited { retry_after: None }, 429, None),
        (Refusal::Unavailable { retry_after: wait }, 503, Some("2")),
        (Refusal::Unsupported, 501, None),
    ];
    for (refusal, status, retry_after) in table {
        for (method, path, body) in calls() {
            let desk = Desk::new();
            desk.refuse(refusal.clone());
            let request = request(method, path, text_of(&body));
            let response = serve(&desk).oneshot(request).await.unwrap();
            let waits = response.headers().get("retry-after").cloned();
            assert_eq!(
                waits.as_ref().map(|waits| waits.to_str().unwrap()),
                retry_after
            );
            assert_refused(&read(response).await, status, &refusal.to_string());
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_as_json() {
    let desk = Desk::new();
    let router = serve(&desk);
    for path in [
        "/",
        "/v1",
        "/v1/message/single",
        "/v1/message/get_single_status/",
    ] {
        assert_refused(
            &ask(&router, request("GET", path, "")).await,
            404,
            "no such path",
        );
    }
    for (method, path, _) in calls() {
        if path.ends_with("renew_api_key") {
            continue;
        }
        let other = if method == "GET" { "POST" } else { "GET" };
        for method in [other, "PUT", "DELETE"] {
            let response = router.clone().oneshot(request(method, path, "{}"));
            let response = response.await.unwrap();
            assert!(response.headers().contains_key("allow"), "{method} {path}");
            let answer = read(response).await;
            assert_refused(&answer, 405, "this path does not take this method");
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_head_request_does_not_renew_the_key() {
    let desk = Desk::new();
    let request = request("HEAD", "/v1/user/renew_api_key", "");
    let response = serve(&desk).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let desk = Desk::new();
    let router = serve(&desk);
    let deep = "[".repeat(100_000);
    for (body, message) in [
        ("", "the body is empty"),
        (
            "{",
            "the body is no JSON: it goes wrong at line 1, column 1",
        ),
        (
            "{\"message\":\n\"a\"b",
            "the body is no JSON: it goes wrong at line 2, column 4",
        ),
        ("[]", "the body is no JSON object"),
        ("null", "the body is no JSON object"),
        ("\"text\"", "the body is no JSON object"),
        (
            &deep,
            "the body is no JSON: it goes wrong at line 1, column 128",
        ),
        (
            "\u{0}",
            "the body is no JSON: it goes wrong at line 1, column 1",
        ),
    ] {
        for (method, path, right) in calls() {
            if !right.is_null() {
                let answer = ask(&router, request(method, path, body.to_owned())).await;
                assert_refused(&answer, 400, message);
            }
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn every_field_wrong_in_turn_is_refused_by_name() {
    let desk = Desk::new();
    let router = serve(&desk);
    let long = "9".repeat(40_000);
    let wrong = [
        ("missing", None),
        ("null", Some(Value::Null)),
        ("true", Some(json!(true))),
        ("a negative number", Some(json!(-1))),
        ("a fraction", Some(json!(1.5))),
        ("a list", Some(json!([[]]))),
        ("an empty list", Some(json!([]))),
        ("a list with null", Some(json!([null]))),
        ("a list of objects", Some(json!([{}]))),
        ("a list with an empty text", Some(json!([""]))),
        ("an object", Some(json!({"a": 1}))),
        ("empty", Some(json!(""))),
        ("blank", Some(json!(" \n"))),
        ("huge", Some(json!(long))),
        ("a list with a huge text", Some(json!([long]))),
    ];
    let mut n_checked = 0;
    for (method, path, right) in calls() {
        let Value::Object(fields) = right else {
            continue;
        };
        for field in fields.keys() {
            for (what, value) in &wrong {
                let mut body = fields.clone();
                body.remove(field);
                body.extend(value.clone().map(|value| (field.clone(), value)));
                let body = Value::Object(body).to_string();
                let (status, answer) = ask(&router, request(method, path, body)).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {field}: {what}");
                let message = answer["message"].as_str().unwrap();
                assert!(
                    message.starts_with(&format!("{field} ")),
                    "{path} {what}: {message}"
                );
                assert!(message.len() < 150, "the value is repeated: {message}");
                n_checked += 1;
            }
        }
    }
    assert_eq!(n_checked, 16 * wrong.len());
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_number_is_no_text_where_a_text_is_due() {
    let desk = Desk::new();
    let router = serve(&desk);
    for (method, path, right) in calls() {
        let Value::Object(fields) = right else {
            continue;
        };
        for field in ["message", "senderName", "first_name", "last_name", "name"] {
            let mut body = fields.clone();
            if body.insert(field.to_owned(), json!(5)).is_none() {
                continue;
            }
            let request = request(method, path, Value::Object(body).to_string());
            let (status, answer) = ask(&router, request).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {field}");
            assert!(answer["message"].as_str().unwrap().starts_with(field));
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn ids_are_read_as_texts_and_as_numbers_of_any_length() {
    let desk = Desk::new();
    let router = serve(&desk);
    let body = r#"{"contact_id":18446744073709551615,"user_ids":[1,"u-2"]}"#;
    let (status, _) = ask(&router, request("POST", "/v1/contact/add_users", body)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(desk.asked(), ["link 18446744073709551615 1 u-2"]);
}

#[tokio::test]
async fn a_field_that_is_there_twice_is_refused() {
    let desk = Desk::new();
    let body = r#"{"contact_id":"c-1","contact_id":"c-2","group_id":"g-1"}"#;
    let request = request("POST", "/v1/groupe/add_contact_to_group", body);
    let (status, _) = ask(&serve(&desk), request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn texts_and_senders_that_cannot_be_sent_are_refused() {
    let desk = Desk::new();
    let router = serve(&desk);
    let send = |message: &str, sender: &str| {
        let body = json!({"message": message, "contact": "622000001", "senderName": sender});
        ask(
            &router,
            request("POST", "/v1/message/single_message", body.to_string()),
        )
    };
    let most = "a".repeat(255 * 153);
    assert_eq!(send(&most, "Ecole").await.0, StatusCode::OK);
    assert_refused(
        &send(&(most + "a"), "Ecole").await,
        400,
        "message is too long: the text needs 256 parts, 255 are permitted",
    );
    assert_refused(
        &send("m", "twelve chars").await,
        400,
        "senderName is wrong: a sender name may have 11 characters, not 12",
    );
}

#[tokio::test]
async fn pages_have_bounds() {
    let desk = Desk::new();
    let router = serve(&desk);
    let page = async |query: &str| {
        let path = format!("/v1/contact/all_my_contacts{query}");
        ask(&router, request("GET", &path, "")).await
    };
    for query in ["", "?page=3&limit=1000", "?limit=1&page=4294967295&other=x"] {
        assert_eq!(page(query).await.0, StatusCode::OK, "{query}");
    }
    assert_eq!(
        desk.asked(),
        ["contacts 1 10", "contacts 3 1000", "contacts 4294967295 1"]
    );
    for query in [
        "page=0",
        "page=-1",
        "page=4294967296",
        "page=",
        "page=a",
        "page=1.0",
    ] {
        let answer = page(&format!("?{query}")).await;
        let message = "page must be a whole number from 1 to 4294967295";
        assert_refused(&answer, 400, message);
    }
    for query in ["limit=0", "limit=1001", "limit=all", "limit=99999999999"] {
        let answer = page(&format!("?{query}")).await;
        assert_refused(&answer, 400, "limit must be a whole number from 1 to 1000");
    }
}

#[tokio::test]
async fn an_id_in_a_path_that_is_no_text_is_refused() {
    let desk = Desk::new();
    for path in [
        "/v1/message/get_single_status/%ff",
        "/v1/message/get_bulk_status/%ff",
    ] {
        let answer = ask(&serve(&desk), request("GET", path, "")).await;
        assert_refused(&answer, 400, "path holds an id that is no text");
    }
    let path = "/v1/message/get_single_status/a%2Fb%20c";
    let answer = ask(&serve(&desk), request("GET", path, "")).await;
    assert_refused(&answer, 404, "no such message");
    assert_eq!(desk.asked(), ["message a/b c"]);
}

// ---- what holds for every call ----

#[tokio::test]
async fn any_content_type_will_do() {
    let (method, path, body) = calls().swap_remove(0);
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "",
    ] {
        let mut request = request(method, path, body.to_string());
        request
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        assert_eq!(
            ask(&serve(&Desk::new()), request).await.0,
            StatusCode::OK,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let desk = Desk::new();
    let serving = Serving::seeded(1).max_body_bytes(100);
    let backend = Arc::clone(&desk);
    let small = server::router_with(backend, serving);
    let create = |length: usize| {
        request(
            "POST",
            "/v1/groupe/create",
            "{}".to_owned() + &" ".repeat(length - 2),
        )
    };
    assert_refused(&ask(&small, create(100)).await, 400, "name is missing");
    assert_refused(
        &ask(&small, create(101)).await,
        413,
        "the body is larger than 100 bytes",
    );
    let standard = serve(&desk);
    assert_refused(
        &ask(&standard, create(Serving::DEFAULT_MAX_BODY_BYTES)).await,
        400,
        "name is missing",
    );
    let answer = ask(&standard, create(Serving::DEFAULT_MAX_BODY_BYTES + 1)).await;
    assert_refused(&answer, 413, "the body is larger than 8388608 bytes");
}

#[tokio::test]
async fn a_bulk_call_of_a_hundred_thousand_is_taken() {
    let desk = Desk::new();
    let contacts: Vec<String> = (0..100_000)
        .map(|number| format!("+224 622 1{:02} {:03}", number / 1000, number % 1000))
        .collect();
    let body = json!({"message": "m", "contacts": contacts, "senderName": "Ecole"});
    let path = "/v1/message/send_bulk_contacts_messages";
    let (status, answer) = ask(&serve(&desk), request("POST", path, body.to_string())).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["successful_sends"], 100_000);
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let desk = Desk::new();
    let router = serve(&desk);
    let send = |message: &str| {
        let body = json!({"message": message, "contact": "622000001", "senderName": "Ecole"});
        ask(
            &router,
            request("POST", "/v1/message/single_message", body.to_string()),
        )
    };
    assert_refused(&send(desk::PANIC).await, 500, "the server failed");
    assert_eq!(send("m").await.0, StatusCode::OK);
}

/// The clock of the runtime stands still and jumps to the next timer.
#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_answered() {
    let desk = Desk::new();
    let message = "the call took too long; whether it was carried out is not known";
    let body = json!({"message": desk::NEVER, "contact": "622000001", "senderName": "Ecole"});
    let request = request("POST", "/v1/message/single_message", body.to_string());
    assert_refused(&ask(&serve(&desk), request).await, 504, message);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let bytes = stream::pending::<Result<&[u8], std::io::Error>>();
    let request = request("POST", "/v1/groupe/create", Body::from_stream(bytes));
    let message = "the call took too long; whether it was carried out is not known";
    assert_refused(&ask(&serve(&Desk::new()), request).await, 504, message);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let broken = std::io::Error::other("the connection is gone");
    let bytes = stream::iter([Ok(&b"{\"name\":"[..]), Err(broken)]);
    let request = request("POST", "/v1/groupe/create", Body::from_stream(bytes));
    assert_refused(
        &ask(&serve(&Desk::new()), request).await,
        400,
        "the body broke off",
    );
}

#[tokio::test]
async fn ids_of_requests_follow_from_the_seed() {
    let ids = async |seed: u64| {
        let router = server::router_with(Desk::new(), Serving::seeded(seed));
        let mut ids = Vec::new();
        for _ in 0..3 {
            let request = request("GET", "/v1/user/get_solde", "");
            let response = router.clone().oneshot(request).await.unwrap();
            let id = response.headers()["x-request-id"].to_str().unwrap();
            ids.push(id.to_owned());
        }
        ids
    };
    let first = ids(7).await;
    assert_eq!(first, ids(7).await);
    assert_ne!(first, ids(8).await);
    assert!(first[0] != first[1] && first[1] != first[2]);
    assert!(first.iter().all(|id| id.len() == 16));
}
