//! Batches that wait: both families of paths, both forms of answers, and who may ask.

use http::StatusCode;
use serde_json::json;
use tidings::ClientRef;
use tidings::backend::Refusal;
use tidings::batches::StoppedMessage;
use tidings::puzzel::Dialect;
use tidings::puzzel::server::{RefusedCredentials, ServerOptions};

use crate::desk::{self, Desk};
use crate::{Answer, ask, assert_problem, request, serve, serve_as};

/// `demo:s3cret`.
pub(crate) const BASIC: &str = "Basic ZGVtbzpzM2NyZXQ=";
const FAMILIES: [&str; 2] = ["/management/1000/batch", "/mgmt/rs/service/1000/batch"];

async fn manage(desk: &std::sync::Arc<Desk>, method: &str, path: &str) -> Answer {
    let headers = [("authorization", BASIC), ("accept", "application/json")];
    ask(&serve(desk), request(method, path, &headers, "")).await
}

#[tokio::test]
async fn batches_are_listed_shown_and_stopped_in_both_families() {
    for family in FAMILIES {
        let desk = Desk::new();
        desk.stops(vec![
            StoppedMessage::new(desk::id(0), None),
            StoppedMessage::new(desk::id(1), Some(ClientRef::new("ref%202").unwrap())),
        ]);
        let list = manage(&desk, "GET", family).await;
        let expected = json!({"messageBatch": [
            {"clientBatchReference": "batch-1", "totalSize": 1000, "onHold": 0},
            {"clientBatchReference": "batch-2", "totalSize": 5, "onHold": 2},
        ]});
        assert_eq!(list.json(), expected);

        let single = manage(&desk, "GET", &format!("{family}/batch-1")).await;
        let expected = json!({"messageBatch":
            {"clientBatchReference": "batch-1", "totalSize": 3000, "onHold": 100}});
        assert_eq!(single.json(), expected);

        let stopped = manage(&desk, "DELETE", &format!("{family}/batch-1")).await;
        let expected = json!({
            "serviceId": 1000,
            "clientBatchReference": "batch-1",
            "stoppedMessages": [
                {"messageId": "7a0000000a00", "clientMessageReference": null},
                {"messageId": "7a0000000b00", "clientMessageReference": "ref 2"},
            ],
        });
        assert_eq!(stopped.json(), expected);
        assert_eq!(desk.asked(), ["list", "show batch-1", "stop batch-1"]);
    }
}

#[tokio::test]
async fn a_batch_that_does_not_wait_is_not_found() {
    let desk = Desk::new();
    for family in FAMILIES {
        for method in ["GET", "DELETE"] {
            let answer = manage(&desk, method, &format!("{family}/batch-9")).await;
            assert_problem(&answer, 404, "No batch batch-9 for service 1000");
        }
    }
}

#[tokio::test]
async fn a_head_looks_and_does_nothing() {
    let desk = Desk::new();
    for path in ["/management/1000/batch", "/management/1000/batch/batch-1"] {
        let answer = manage(&desk, "HEAD", path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, "");
    }
    assert_eq!(desk.asked(), ["list", "show batch-1"]);
}

#[tokio::test]
async fn wrong_credentials_are_refused_before_the_path_is_judged() {
    let sentence = "the credentials are missing, wrong or expired";
    let wrong = [
        None,
        Some(""),
        Some("Basic"),
        Some("Basic "),
        Some("Basic ZGVtbzpzM2NyZXQ"),
        Some("Basic !!!"),
        // demo, demo:wrong, demo:s3cret followed by a byte that is no text
        Some("Basic ZGVtbw=="),
        Some("Basic ZGVtbzp3cm9uZw=="),
        Some("Basic ZGVtbzpzM2NyZXT/"),
        Some("Bearer ZGVtbzpzM2NyZXQ="),
    ];
    let options = [
        ServerOptions::new(Dialect::V3),
        ServerOptions::new(Dialect::Manual),
        ServerOptions::new(Dialect::V3).refused_credentials(RefusedCredentials::Status),
    ];
    for options in options {
        let desk = Desk::new();
        let router = serve_as(&desk, options);
        for value in wrong {
            for family in FAMILIES {
                for (method, rest) in [
                    ("GET", ""),
                    ("GET", "/b"),
                    ("DELETE", "/b"),
                    ("GET", "/%FF"),
                ] {
                    let headers: Vec<_> = value
                        .map(|value| ("authorization", value))
                        .into_iter()
                        .collect();
                    let path = format!("{family}{rest}");
                    let answer = ask(&router, request(method, &path, &headers, "")).await;
                    assert_problem(&answer, 401, sentence);
                    let challenge = answer.header("www-authenticate");
                    assert_eq!(challenge, Some("Basic realm=\"management\""));
                }
            }
        }
        assert!(desk.asked().is_empty());
    }
}

#[tokio::test]
async fn the_credentials_hold_for_their_service_only() {
    let desk = Desk::new();
    for service in ["1001", "999999999"] {
        let answer = manage(&desk, "GET", &format!("/management/{service}/batch")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    for service in [
        "0",
        "-1",
        "1e3",
        "abc",
        "%FF",
        "99999999999999999999",
        "1000.0",
    ] {
        let answer = manage(&desk, "GET", &format!("/management/{service}/batch")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{service}");
        let named = &answer.json()["errors"]["serviceId"];
        assert!(named.is_array(), "{service}: {}", answer.body);
    }
    desk.refuse_sign_in(Refusal::Forbidden {
        what: "this service".to_owned(),
    });
    let answer = manage(&desk, "GET", "/management/1000/batch").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_name_that_is_no_text_is_refused() {
    let desk = Desk::new();
    let answer = manage(&desk, "DELETE", "/management/1000/batch/%FF").await;
    let sentence = "clientBatchReference must be UTF-8, percent-encoded in the path";
    assert_problem(&answer, 400, sentence);
    assert_eq!(
        answer.json()["errors"],
        json!({"clientBatchReference": [sentence]})
    );
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn management_answers_in_xml_where_it_is_asked_to() {
    let desk = Desk::new();
    desk.stops(vec![StoppedMessage::new(desk::id(0), None)]);
    for accept in ["text/xml", "application/xml"] {
        for (method, path, root, holds) in [
            (
                "GET",
                "/mgmt/rs/service/1000/batch/",
                "getBatchListResponse",
                "<totalSize>1000</totalSize>",
            ),
            (
                "GET",
                "/mgmt/rs/service/1000/batch/batch-1",
                "getBatchStatusResponse",
                "<onHold>100</onHold>",
            ),
            (
                "DELETE",
                "/mgmt/rs/service/1000/batch/batch-1",
                "stopBatchResponse",
                "<messageId>7a0000000a00</messageId>",
            ),
        ] {
            let headers = [("authorization", BASIC), ("accept", accept)];
            let answer = ask(&serve(&desk), request(method, path, &headers, "")).await;
            assert_eq!(answer.status, StatusCode::OK);
            let content_type = answer.header("content-type").unwrap();
            assert_eq!(content_type, format!("{accept}; charset=utf-8"));
            assert!(
                answer.body.contains(&format!("<{root}>")),
                "{}",
                answer.body
            );
            assert!(answer.body.contains(holds), "{}", answer.body);
        }
    }
}
