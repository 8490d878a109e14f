//! Calls that are refused as a whole: credentials in both styles, refusals of the backend, limits.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::stream;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tidings::backend::Refusal;
use tidings::puzzel::server::{self, RefusedCredentials, ServerOptions};
use tidings::puzzel::{Dialect, setting};
use tidings::serve::Serving;
use tidings::{Account, ErrorKind};
use tower::ServiceExt;

use crate::desk::{self, Desk};
use crate::forms::{self, FORMS};
use crate::management::BASIC;
use crate::{SEND, ask, assert_problem, call_of, call_with, post, read, request, serve, serve_as};

const WRONG: &str = "the credentials are missing, wrong or expired";

/// Calls whose credentials are wrong, most of them wrong in other ways as well.
fn wrongly_signed() -> Vec<Value> {
    let credentials = [
        (json!("demo"), json!("wrong")),
        (json!("other"), json!("s3cret")),
        (json!(""), json!("")),
        (Value::Null, json!("s3cret")),
        (json!("demo"), Value::Null),
        (Value::Null, Value::Null),
    ];
    let mut calls = Vec::new();
    for (username, password) in credentials {
        for call in [
            call_with(&json!({"clientReference": "ref-1"})),
            call_with(&json!({"recipient": "12", "content": null})),
            call_with(&json!({"price": "dear"})),
            call_of(json!([])),
            call_of(Value::Null),
        ] {
            let mut call = call;
            call["username"] = username.clone();
            call["password"] = password.clone();
            calls.push(call);
        }
    }
    let mut call = call_with(&json!({}));
    call["serviceId"] = json!(1001);
    calls.push(call);
    calls
}

#[tokio::test]
async fn wrong_credentials_are_a_problem_whatever_else_is_wrong() {
    let desk = Desk::new();
    let problem =
        ServerOptions::new(Dialect::Manual).refused_credentials(RefusedCredentials::Problem);
    for options in [ServerOptions::new(Dialect::V3), problem] {
        let router = serve_as(&desk, options);
        for call in wrongly_signed() {
            for form in FORMS {
                let answer = ask(&router, forms::write(form, &call)).await;
                assert_problem(&answer, 401, WRONG);
            }
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn wrong_credentials_are_a_status_of_each_message_in_the_old_style() {
    let desk = Desk::new();
    let status = ServerOptions::new(Dialect::V3).refused_credentials(RefusedCredentials::Status);
    for options in [ServerOptions::new(Dialect::Manual), status] {
        let router = serve_as(&desk, options);
        for call in wrongly_signed() {
            for form in FORMS {
                let answer = ask(&router, forms::write(form, &call)).await;
                let messages = call["message"].as_array().cloned().unwrap_or_default();
                let is_readable = messages
                    .first()
                    .is_some_and(|message| message["price"] != "dear");
                if !is_readable {
                    assert_problem(&answer, 401, WRONG);
                    continue;
                }
                assert_eq!(answer.statuses(), [(2, WRONG.to_owned())], "{form} {call}");
                let status = &answer.json()["messageStatus"][0];
                assert_eq!(status["recipient"], messages[0]["recipient"]);
                assert_eq!(status["sequenceIndex"], 1);
            }
        }
    }
    assert!(desk.asked().is_empty());
}

/// A call of three bytes a message would else be answered with two hundred.
#[tokio::test]
async fn more_messages_than_are_read_are_a_problem_in_the_old_style_too() {
    let mut call = call_of(json!(vec![json!({}); 1_001]));
    call["password"] = json!("wrong");
    let router = serve_as(&Desk::new(), ServerOptions::new(Dialect::Manual));
    assert_problem(&ask(&router, post(&call)).await, 401, WRONG);
}

#[tokio::test]
async fn a_service_that_is_not_allowed_is_told_in_the_style_of_credentials() {
    let desk = Desk::new();
    desk.refuse_sign_in(Refusal::Forbidden {
        what: "this service".to_owned(),
    });
    let sentence = "not allowed: this service";
    let router = serve_as(&desk, ServerOptions::new(Dialect::V3));
    let answer = ask(&router, post(&call_with(&json!({})))).await;
    assert_problem(&answer, 403, sentence);
    let router = serve_as(&desk, ServerOptions::new(Dialect::Manual));
    let answer = ask(&router, post(&call_with(&json!({})))).await;
    assert_eq!(answer.statuses(), [(4, sentence.to_owned())]);
}

#[tokio::test]
async fn refusals_about_the_caller_or_the_server_have_their_status() {
    let wait = Some(Duration::from_millis(1500));
    for (refusal, status, retry_after) in [
        (Refusal::Unauthorized, 401, None),
        (Refusal::invalid("batchReference", "is odd"), 400, None),
        (Refusal::RateLimited { retry_after: wait }, 429, Some("2")),
        (Refusal::RateLimited { retry_after: None }, 429, None),
        (Refusal::Unavailable { retry_after: wait }, 503, Some("2")),
        (Refusal::Unavailable { retry_after: None }, 503, None),
        (Refusal::Unsupported, 501, None),
    ] {
        let desk = Desk::new();
        desk.refuse(refusal.clone());
        let basic = [("authorization", BASIC)];
        let mut calls = vec![
            request("GET", "/management/1000/batch", &basic, ""),
            request("GET", "/management/1000/batch/b", &basic, ""),
            request("DELETE", "/mgmt/rs/service/1000/batch/b", &basic, ""),
        ];
        calls.extend(FORMS.map(|form| forms::write(form, &call_with(&json!({})))));
        for call in calls {
            let answer = ask(&serve(&desk), call).await;
            assert_problem(&answer, status, &refusal.to_string());
            assert_eq!(answer.header("retry-after"), retry_after);
        }
    }
}

#[tokio::test]
async fn refusals_about_messages_are_said_of_each_of_them() {
    let forbidden = Refusal::Forbidden {
        what: "premium".to_owned(),
    };
    for (refusal, v3, manual) in [
        (Refusal::Duplicate, 25, 25),
        (Refusal::RecipientQuota, 24, 24),
        (Refusal::InsufficientCredit, 2, 3),
        (forbidden, 2, 3),
    ] {
        for (dialect, code) in [(Dialect::V3, v3), (Dialect::Manual, manual)] {
            let desk = Desk::new();
            desk.refuse(refusal.clone());
            let router = serve_as(&desk, ServerOptions::new(dialect));
            let right = json!({"recipient": "+4741000001", "content": "Hei"});
            let mut call = call_of(json!([right, {}, right]));
            call["batchReference"] = json!("batch-1");
            let answer = ask(&router, post(&call)).await;
            let codes: Vec<i64> = answer.statuses().iter().map(|(code, _)| *code).collect();
            let unreadable = if dialect == Dialect::V3 { 2 } else { 5 };
            assert_eq!(codes, [code, unreadable, code], "{refusal:?}");
            assert_eq!(answer.statuses()[0].1, refusal.to_string());
            assert_eq!(answer.json()["batchReference"], "batch-1");
        }
    }
}

#[tokio::test]
async fn every_refusal_of_one_message_has_its_code() {
    let table = [
        (Refusal::Unauthorized, 2, 2),
        (Refusal::invalid("recipient", "is odd"), 2, 5),
        (Refusal::NotFound { what: "session" }, 2, 5),
        (
            Refusal::Forbidden {
                what: "premium".to_owned(),
            },
            2,
            3,
        ),
        (Refusal::Duplicate, 25, 25),
        (Refusal::RecipientQuota, 24, 24),
        (Refusal::InsufficientCredit, 2, 3),
        (Refusal::RateLimited { retry_after: None }, 3, 6),
        (Refusal::Unavailable { retry_after: None }, 3, 6),
        (Refusal::Unsupported, 2, 3),
    ];
    for (refusal, v3, manual) in table {
        for (dialect, code) in [(Dialect::V3, v3), (Dialect::Manual, manual)] {
            let desk = Desk::new();
            desk.decide(vec![Err(refusal.clone())]);
            let router = serve_as(&desk, ServerOptions::new(dialect));
            let answer = ask(&router, post(&call_with(&json!({})))).await;
            assert_eq!(answer.statuses(), [(code, refusal.to_string())]);
        }
    }
}

#[tokio::test]
async fn settings_choose_dialect_and_style() {
    let answer_of = |account: Account| async move {
        let router = server::router(Desk::new(), &account).unwrap();
        let mut call = call_with(&json!({}));
        call["password"] = json!("wrong");
        let refused = ask(&router, post(&call)).await;
        let unreadable = ask(&router, post(&call_of(json!([{}])))).await;
        (refused.status.as_u16(), unreadable.statuses()[0].0)
    };
    let account = || Account::new("norway");
    let style = setting::CREDENTIALS_REFUSED_AS;
    for (account, expected) in [
        (account(), (401, 2)),
        (account().with("dialect", "v3"), (401, 2)),
        (account().with("dialect", "manual"), (200, 5)),
        (
            account().with("dialect", "manual").with(style, "problem"),
            (401, 5),
        ),
        (
            account().with("dialect", "v3").with(style, "status"),
            (200, 2),
        ),
        (
            account().with(style, "status").with("sender", "Demo"),
            (200, 2),
        ),
    ] {
        let what = format!("{account:?}");
        assert_eq!(answer_of(account).await, expected, "{what}");
    }
    for (name, value, sentence) in [
        (
            "dialect",
            "v4",
            "account norway: setting dialect must be v3 or manual",
        ),
        (
            "dialect",
            "",
            "account norway: setting dialect must be v3 or manual",
        ),
        (
            style,
            "old",
            "account norway: setting credentials_refused_as must be problem or status",
        ),
    ] {
        let error = server::router(Desk::new(), &account().with(name, value)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), sentence);
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_break_off_are_refused() {
    let desk = Desk::new();
    let serving = Serving::seeded(1).max_body_bytes(200);
    let backend = Arc::clone(&desk);
    let router = server::router_with(backend, ServerOptions::default(), serving);
    let call = call_with(&json!({}));
    assert_eq!(ask(&router, post(&call)).await.status, StatusCode::OK);
    for form in ["json", "xml", "form"] {
        let call = call_with(&json!({"content": "a".repeat(200)}));
        let answer = ask(&router, forms::write(form, &call)).await;
        assert_problem(&answer, 413, "the body is larger than 200 bytes");
        let pieces = [
            Ok("{\"serviceId\""),
            Err(std::io::Error::other("line dropped")),
        ];
        let mut broken = forms::write(form, &call);
        *broken.body_mut() = Body::from_stream(stream::iter(pieces));
        assert_problem(&ask(&router, broken).await, 400, "the body broke off");
    }
    assert_eq!(desk.asked().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_no_document_is_refused() {
    let desk = Desk::new();
    for (content_type, bodies) in [
        (
            "application/json",
            &["", "{", "[]", "null", "\"text\"", "5", "\u{0}", "{}}"][..],
        ),
        (
            "application/xml",
            &[
                "",
                "<",
                "text",
                "<request>",
                "<a/>",
                "<!DOCTYPE a>",
                "<a></b>",
            ],
        ),
        (
            "application/x-www-form-urlencoded",
            &["", "=", "&&&", "a", "message=x", "%FF=%FF"],
        ),
    ] {
        for body in bodies {
            let headers = [("content-type", content_type)];
            let answer = ask(&serve(&desk), request("POST", SEND, &headers, *body)).await;
            assert_eq!(
                answer.status,
                StatusCode::BAD_REQUEST,
                "{content_type} {body}"
            );
            let content_type = answer.header("content-type");
            assert_eq!(content_type, Some("application/problem+json"));
            assert_eq!(answer.json()["status"], 400);
        }
    }
    // As the vendor's present client sends it when nobody has told it anything, and as it packs
    // messages into a query, where they cannot be read as such.
    for query in [
        "",
        "?",
        "?Message=&Password=&Username=",
        "?Message=a,b&Password=p&Username=u&ServiceId=1000",
    ] {
        let answer = ask(
            &serve(&desk),
            request("GET", &format!("{SEND}{query}"), &[], ""),
        )
        .await;
        assert!(
            [400, 401].contains(&answer.status.as_u16()),
            "{query}: {}",
            answer.body
        );
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let router = serve(&Desk::new());
    let call = post(&call_with(&json!({"content": desk::PANIC})));
    assert_problem(&ask(&router, call).await, 500, "the server failed");
    let call = post(&call_with(&json!({})));
    assert_eq!(ask(&router, call).await.status, StatusCode::OK);
}

/// 504 would make the vendor's present client send once more, by itself.
#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_not_answered_with_504() {
    let router = serve(&Desk::new());
    let call: Request<Body> = post(&call_with(&json!({"content": desk::NEVER})));
    let answer = read(router.oneshot(call).await.unwrap()).await;
    let sentence = "the call took too long; whether it was carried out is not known";
    assert_problem(&answer, 500, sentence);
}
