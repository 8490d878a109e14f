//! The paths: slashes where they should not be, names of batches that hold them, and the API mounted
//! under a prefix.

use axum::Router;
use http::StatusCode;
use serde_json::json;

use crate::desk::Desk;
use crate::management::BASIC;
use crate::{ask, assert_problem, call_with, post, request, serve};

#[tokio::test]
async fn sending_is_found_with_every_number_of_slashes() {
    let desk = Desk::new();
    for prefix in ["", "/puzzel", "/a/b"] {
        let router = mounted(&desk, prefix);
        for path in [
            "/gw/rs/sendMessages",
            "/gw/rs/sendMessages/",
            "//gw/rs/sendMessages",
            "//gw//rs///sendMessages//",
        ] {
            let mut call = post(&call_with(&json!({})));
            *call.uri_mut() = format!("{prefix}{path}").parse().unwrap();
            let answer = ask(&router, call).await;
            assert_eq!(answer.statuses()[0].0, 1, "{prefix}{path}");
        }
    }
    assert_eq!(desk.asked().len(), 12);
}

#[tokio::test]
async fn the_name_of_a_batch_is_what_follows_decoded_once() {
    for (raw, name) in [
        ("batch-1", "batch-1"),
        ("batch-1/", "batch-1"),
        ("/batch-1", "batch-1"),
        ("my%20batch%2F%C3%A6%3F%23%252F.", "my batch/\u{e6}?#%2F."),
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("a//b", "a//b"),
        ("%2Fa%2F", "/a/"),
        ("a%2fbatch%2fb", "a/batch/b"),
        ("batch/batch", "batch/batch"),
        ("1%2B1+1", "1+1+1"),
        ("%", "%"),
        ("50%zz", "50%zz"),
        (".", "."),
        ("a;b=c&d", "a;b=c&d"),
    ] {
        for prefix in ["", "/puzzel", "/a/b"] {
            for family in [
                "/management/1000/batch",
                "//management//1000//batch",
                "/mgmt/rs/service/1000/batch",
                "//mgmt/rs//service/1000/batch",
            ] {
                for method in ["GET", "DELETE"] {
                    let desk = Desk::new();
                    let path = format!("{prefix}{family}/{raw}");
                    let headers = [("authorization", BASIC)];
                    let call = request(method, &path, &headers, "");
                    let answer = ask(&mounted(&desk, prefix), call).await;
                    assert_eq!(
                        answer.status,
                        StatusCode::OK,
                        "{method} {path}: {}",
                        answer.body
                    );
                    let verb = if method == "GET" { "show" } else { "stop" };
                    assert_eq!(desk.asked(), [format!("{verb} {name}")], "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_list_is_found_with_and_without_a_slash_behind_it() {
    let desk = Desk::new();
    for family in ["/management/1000/batch", "/mgmt/rs/service/1000/batch"] {
        for end in ["", "/", "//", "?a=b", "/?a=b"] {
            let call = request(
                "GET",
                &format!("{family}{end}"),
                &[("authorization", BASIC)],
                "",
            );
            let answer = ask(&serve(&desk), call).await;
            assert!(answer.json()["messageBatch"].is_array(), "{family}{end}");
        }
    }
}

#[tokio::test]
async fn other_paths_are_not_there() {
    let desk = Desk::new();
    let answer = ask(&serve(&desk), request("GET", "/", &[], "")).await;
    assert_problem(&answer, 404, "no such path");
    for prefix in ["", "/puzzel"] {
        let router = mounted(&desk, prefix);
        for path in [
            "/gw",
            "/gw/rs",
            "/gw/rs/sendmessages",
            "/gw/rs/sendMessages/more",
            "/gw/rs/sendMessagesMore",
            "/gwrs/sendMessages",
            "/management",
            "/management/1000",
            "/management/1000/batches",
            "/management/1000/batchbatch-1",
            "/management/batch",
            "/mgmt/1000/batch",
            "/mgmt/rs/service/1000",
            "/v4",
            "/%67w/rs/sendMessages",
        ] {
            for method in ["GET", "POST", "DELETE"] {
                let path = format!("{prefix}{path}");
                let answer = ask(&router, request(method, &path, &[], "")).await;
                assert_problem(&answer, 404, "no such path");
            }
        }
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn methods_that_a_place_does_not_have_are_refused_with_those_that_it_has() {
    let desk = Desk::new();
    let router = serve(&desk);
    for (path, allowed, wrong) in [
        (
            "/gw/rs/sendMessages",
            "GET, POST",
            &["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"][..],
        ),
        (
            "//gw/rs/sendMessages",
            "GET, POST",
            &["HEAD", "PUT", "DELETE"],
        ),
        (
            "/management/1000/batch",
            "GET, HEAD",
            &["POST", "PUT", "DELETE"],
        ),
        (
            "/mgmt/rs/service/1000/batch/",
            "GET, HEAD",
            &["POST", "DELETE"],
        ),
        (
            "/management/1000/batch/b",
            "DELETE, GET, HEAD",
            &["POST", "PUT", "PATCH"],
        ),
    ] {
        for method in wrong {
            let call = call_with(&json!({})).to_string();
            let headers = [
                ("content-type", "application/json"),
                ("authorization", BASIC),
            ];
            let answer = ask(&router, request(method, path, &headers, call)).await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
            if *method != "HEAD" {
                assert_problem(&answer, 405, "this path does not take this method");
            }
        }
    }
    assert!(desk.asked().is_empty());
}

fn mounted(desk: &std::sync::Arc<Desk>, prefix: &str) -> Router {
    match prefix {
        "" => serve(desk),
        prefix => Router::new().nest(prefix, serve(desk)),
    }
}
