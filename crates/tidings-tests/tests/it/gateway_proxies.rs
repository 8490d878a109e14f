//! Proxies before a gateway: allow-lists, the wait after wrong keys and the audit see the caller, and nobody
//! chooses by a header where he comes from.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::json;
use tidings::http::HttpClient;
use tidings_tests::TestGateway;

/// The status of a call with this key, as it comes from a proxy that says this.
async fn status(
    http: &HttpClient,
    gateway: &TestGateway,
    key: &str,
    said: Option<&str>,
) -> StatusCode {
    let mut request = Request::get(format!("{}/v1/messages", gateway.url()))
        .header("authorization", format!("Bearer {key}"));
    if let Some(said) = said {
        request = request.header("x-forwarded-for", said);
    }
    let answer = http.send(request.body(Bytes::new()).unwrap()).await;
    answer.unwrap().status
}

/// A key that may be used from one network alone, made by a call that comes from 198.51.100.9.
async fn key_of_a_network(gateway: &TestGateway) -> String {
    let body = json!({"account": "acme", "scopes": ["read"], "networks": ["192.0.2.0/24"]});
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-for", "198.51.100.9"),
    ];
    let made = gateway
        .call(Method::POST, "/v1/keys", &headers, body.to_string())
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let key = made.body["credentials"]["api_key"].as_str();
    key.expect("a new key is shown").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_calls() {
    let builder = TestGateway::builder().server_keys("trusted_proxies = [\"127.0.0.0/8\"]");
    let gateway = builder.start().await;
    let key = key_of_a_network(&gateway).await;
    let http = HttpClient::builder().build().unwrap();
    for (said, expected) in [
        (Some("192.0.2.7"), StatusCode::OK),
        (Some("127.0.0.9, 192.0.2.7, 127.0.0.5"), StatusCode::OK),
        (Some("198.51.100.1"), StatusCode::FORBIDDEN),
        // The caller wrote the first one.
        (Some("192.0.2.7, 198.51.100.1"), StatusCode::FORBIDDEN),
        (Some("192.0.2.7, unknown"), StatusCode::FORBIDDEN),
        (None, StatusCode::FORBIDDEN),
    ] {
        assert_eq!(
            status(&http, &gateway, &key, said).await,
            expected,
            "{said:?}"
        );
    }
    let audit = gateway.get("/v1/audit").await.body.to_string();
    assert!(audit.contains("198.51.100.9"), "{audit}");

    // Whoever tries wrong keys waits alone, and cannot wait elsewhere by writing another address.
    let mut told = Vec::new();
    for number in 0..30 {
        let said = format!("203.0.113.{number}, 198.51.100.66");
        told.push(status(&http, &gateway, "tk_wrong", Some(&said)).await);
    }
    assert!(told.contains(&StatusCode::TOO_MANY_REQUESTS), "{told:?}");
    assert_eq!(
        status(&http, &gateway, "tk_wrong", Some("203.0.113.1")).await,
        StatusCode::UNAUTHORIZED
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trusted_proxy_no_header_is_believed() {
    let gateway = TestGateway::start().await;
    let key = key_of_a_network(&gateway).await;
    let http = HttpClient::builder().build().unwrap();
    for said in [None, Some("192.0.2.7")] {
        assert_eq!(
            status(&http, &gateway, &key, said).await,
            StatusCode::FORBIDDEN
        );
    }
    let audit = gateway.get("/v1/audit").await.body.to_string();
    assert!(audit.contains("127.0.0.1") && !audit.contains("198.51.100.9"));
    gateway.finish().await;
}
