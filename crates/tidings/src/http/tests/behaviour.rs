//! What the client does when nothing breaks, what it refuses, and what it never shows.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;

use super::server::{Act, Close, OK, Server};
use super::stages::{builder, post};
use crate::error::{Acceptance, ErrorKind};
use crate::http::failure::Fault;
use crate::http::{Carries, HttpFailure, HttpResponse, Reach, without_numbers};
use crate::tests::log::CapturedLog;

#[tokio::test]
async fn one_connection_for_many_calls() {
    for server in [
        Server::plain([], Close::Fin).await,
        Server::tls([], Close::Fin).await,
    ] {
        let mut client = builder();
        if server.url().starts_with("https") {
            client = client.add_root_certificates(server.certificate());
        }
        let client = client.build().unwrap();
        for _ in 0..10 {
            let answer = client.clone().send(post(&server.url(), 10)).await.unwrap();
            assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"hi"[..]));
        }
        drop(client);
        let truth = server.finish().await;
        assert_eq!((truth.connections(), truth.whole_requests()), (1, 10));
    }
}

#[tokio::test]
async fn redirects_are_answers() {
    let moved = b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".to_vec();
    let server = Server::plain([Act::Reply(moved)], Close::Fin).await;
    let client = builder().build().unwrap();
    let answer = client.send(post(&server.url(), 10)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(answer.headers["location"], "/other");
    drop(client);
    assert_eq!(server.finish().await.whole_requests(), 1);
}

#[tokio::test]
async fn bodies_in_pieces_come_back_whole() {
    let text = "0123456789".repeat(50_000);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in text.as_bytes().chunks(1000) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\nx-trailer: 1\r\n\r\n");
    let mut known = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
    known.push_str(&text);
    let exactly = text.len();
    let acts = [Act::Reply(chunked), Act::Reply(known.into_bytes())];
    let server = Server::plain(acts, Close::Fin).await;
    let client = builder().max_body_bytes(exactly).build().unwrap();
    for _ in 0..2 {
        let answer = client.send(post(&server.url(), 10)).await.unwrap();
        assert_eq!(answer.body, text);
    }
    drop(client);
    server.finish().await;
}

#[tokio::test]
async fn headers_that_are_added() {
    let server = Server::plain([], Close::Fin).await;
    let client = builder().build().unwrap();
    client.send(post(&server.url(), 10)).await.unwrap();
    let named = builder().user_agent_suffix("shop/1.4").build().unwrap();
    named.send(post(&server.url(), 10)).await.unwrap();
    let mut own = post(&server.url(), 10);
    let value = http::HeaderValue::from_static("mine/2");
    own.headers_mut().insert(http::header::USER_AGENT, value);
    named.send(own).await.unwrap();
    drop((client, named));
    let (truth, address) = (Arc::clone(&server.truth), server.address);
    server.finish().await;
    let heads = truth.heads.lock().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        format!("tidings/{version}"),
        format!("tidings/{version} shop/1.4"),
        "mine/2".to_owned(),
    ];
    for (head, agent) in heads.iter().zip(expected) {
        assert!(head.contains(&format!("user-agent: {agent}\r\n")), "{head}");
        assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
        assert!(head.starts_with("POST /messages HTTP/1.1\r\n"), "{head}");
    }
    assert_eq!(heads.len(), 3);
}

#[tokio::test]
async fn plain_calls_through_a_proxy() {
    let proxy = Server::plain([], Close::Fin).await;
    let uri: Uri = format!("http://user:pa%20ss@{}", proxy.address)
        .parse()
        .unwrap();
    let client = builder().proxy(uri).build().unwrap();
    let answer = client
        .send(post("http://provider.invalid/messages?a=1", 10))
        .await;
    assert_eq!(answer.unwrap().body, "hi");
    assert!(!format!("{client:?} {:?}", builder()).contains("ss"));
    drop(client);
    let truth = proxy.finish().await;
    let heads = truth.heads.lock().unwrap();
    assert!(heads[0].starts_with("POST http://provider.invalid/messages?a=1 HTTP/1.1\r\n"));
    assert!(heads[0].contains("host: provider.invalid\r\n"));
    // "user:pa ss"
    assert!(heads[0].contains("proxy-authorization: Basic dXNlcjpwYSBzcw==\r\n"));
}

#[tokio::test]
async fn tls_calls_through_a_proxy() {
    let server = Server::tls([], Close::Fin).await;
    let proxy = Server::plain([Act::TunnelTo(server.address)], Close::Fin).await;
    let uri: Uri = format!("http://user:pass@{}", proxy.address)
        .parse()
        .unwrap();
    let client = builder()
        .proxy(uri)
        .add_root_certificates(server.certificate())
        .build()
        .unwrap();
    let answer = client.send(post("https://localhost/messages", 10)).await;
    assert_eq!(answer.unwrap().body, "hi");
    drop(client);
    let connect = proxy.finish().await.heads.lock().unwrap().remove(0);
    assert!(
        connect.starts_with("CONNECT localhost:443 HTTP/1.1\r\n"),
        "{connect}"
    );
    assert!(
        connect
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic dxnlcjpwyxnz")
    );
    let head = server.finish().await.heads.lock().unwrap().remove(0);
    assert!(head.starts_with("POST /messages HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("proxy-authorization"), "{head}");
}

#[tokio::test]
async fn proxy_that_refuses() {
    let refusal = Act::ReplyAndClose(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n".to_vec());
    let proxy = Server::plain([refusal], Close::Fin).await;
    let trusted = Server::tls([], Close::Fin).await;
    let client = builder()
        .proxy(format!("http://{}", proxy.address).parse().unwrap())
        .add_root_certificates(trusted.certificate())
        .build()
        .unwrap();
    let failure = client
        .send(post("https://localhost/messages", 10))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.reach, failure.kind()),
        (Reach::NotConnected, ErrorKind::Unavailable)
    );
    drop(client);
    proxy.finish().await;
    trusted.finish().await;
}

#[tokio::test]
async fn without_root_certificates() {
    let server = Server::plain([], Close::Fin).await;
    let client = builder().build().unwrap();
    client.send(post(&server.url(), 10)).await.unwrap();
    let url = format!("https://{}/", server.address);
    let failure = client.send(post(&url, 10)).await.unwrap_err();
    assert_eq!(failure.reach, Reach::NotConnected);
    let error = failure.into_error("passing", "send", Carries::Message);
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Config, Acceptance::NotSent)
    );
    assert_eq!(
        error.to_string(),
        "passing cannot be trusted over TLS: no root certificates on this machine"
    );
    drop(client);
    assert_eq!(server.finish().await.whole_requests(), 1);
}

#[tokio::test]
async fn requests_that_cannot_be_sent() {
    let client = builder().build().unwrap();
    for uri in ["/no/host", "ftp://host/"] {
        let failure = client.send(post(uri, 10)).await.unwrap_err();
        assert!(failure.reach <= Reach::Connected, "{uri} {failure:?}");
        assert_eq!(failure.acceptance(Carries::Message), Acceptance::NotSent);
    }
}

#[test]
fn settings_that_cannot_be_used() {
    let not_a_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    for client in [
        builder().add_root_certificates("hello"),
        builder().add_root_certificates(not_a_certificate),
        builder().user_agent_suffix("two\nlines"),
        builder().proxy(Uri::from_static("socks5://127.0.0.1:1")),
        builder().proxy(Uri::from_static("https://127.0.0.1:1")),
    ] {
        let error = client.build().unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Config, Acceptance::NotSent)
        );
    }
}

#[test]
fn failures_become_errors() {
    use Acceptance::{NotSent, Unknown};
    let faults = [
        (Fault::Timeout, ErrorKind::Timeout),
        (Fault::ConnectTimeout, ErrorKind::Timeout),
        (Fault::NoRoots, ErrorKind::Config),
        (Fault::Connect, ErrorKind::Unavailable),
        (Fault::Closed, ErrorKind::Unavailable),
        (Fault::Malformed, ErrorKind::Protocol),
        (Fault::TooLong, ErrorKind::Protocol),
        (Fault::BadRequest, ErrorKind::Config),
    ];
    let stages = [
        (Reach::NotConnected, NotSent),
        (Reach::Connected, NotSent),
        (Reach::Head, NotSent),
        (Reach::Body, Unknown),
        (Reach::Answer, Unknown),
    ];
    for (fault, kind) in faults {
        for (reach, acceptance) in stages {
            let failure = || HttpFailure::new(reach, fault).with_source(io::Error::other("cause"));
            let error = failure().into_error("vendor", "send_one", Carries::Message);
            assert_eq!((error.kind(), error.acceptance()), (kind, acceptance));
            assert_eq!(
                (error.provider(), error.operation()),
                (Some("vendor"), Some("send_one"))
            );
            assert_eq!(
                std::error::Error::source(&error).unwrap().to_string(),
                "cause"
            );
            assert!(error.to_string().starts_with("vendor "));
            let error = failure().into_error("vendor", "balance", Carries::Question);
            assert_eq!((error.kind(), error.acceptance()), (kind, NotSent));
        }
    }
}

/// Everything at the most talkative level, our libraries included: no header, no query, no body, no
/// number, no password.
#[tokio::test]
async fn nothing_secret_is_logged_or_shown() {
    let log = CapturedLog::start();
    let acts = [
        Act::Reply(OK.to_vec()),
        Act::CloseAfterBody,
        Act::ReplyAndClose(b"junk TOPSECRET-answer\r\n".to_vec()),
    ];
    let server = Server::plain(acts, Close::Fin).await;
    let client = builder().timeout(Duration::from_secs(5)).build().unwrap();
    let mut shown = String::new();
    for _ in 0..3 {
        let url = format!("{}/to/224622000001?key=TOPSECRET-query", server.url());
        let request = http::Request::post(url)
            .header("x-key", "TOPSECRET-header")
            .body(Bytes::from_static(b"TOPSECRET-body"))
            .unwrap();
        if let Err(failure) = client.send(request).await {
            let error = failure.into_error("vendor", "send", Carries::Message);
            writeln!(shown, "{error} {error:?}").unwrap();
        }
    }
    drop(client);
    server.finish().await;
    let log = log.text();
    let ours: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("tidings::http"))
        .collect();
    assert_eq!(ours.len(), 3, "{log}");
    assert!(
        ours[0].contains("POST /messages/to/# answered 200"),
        "{}",
        ours[0]
    );
    assert!(ours[1].contains("reach=\"body\""), "{}", ours[1]);
    assert!(!shown.is_empty());
    for text in [&log, &shown] {
        assert!(!text.contains("TOPSECRET"), "{text}");
        assert!(!text.contains("224622000001"), "{text}");
    }
}

#[test]
fn answers_show_how_much_and_not_what() {
    let headers = http::HeaderMap::from_iter([(
        http::header::SET_COOKIE,
        http::HeaderValue::from_static("hush"),
    )]);
    let answer = HttpResponse::new(http::StatusCode::OK, headers, "new key: hush");
    assert_eq!(
        format!("{answer:?}"),
        "HttpResponse { status: 200, headers: 1, body_bytes: 13 }"
    );
}

#[test]
fn paths_are_logged_without_numbers() {
    for (path, shown) in [
        ("/messages", "/messages"),
        ("/v2/groups/123456/contacts", "/v2/groups/123456/contacts"),
        ("/to/224622000001", "/to/#"),
        ("/to/+1234567/x/7654321", "/to/+#/x/#"),
        ("", ""),
    ] {
        assert_eq!(without_numbers(path), shown);
    }
}
