//! The server breaks off at every stage, on fresh and on used connections, politely (FIN) and not
//! (RST), with and without TLS. What the client then claims is compared with what the server counted.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::server::{Act, Close, OK, Server};
use crate::error::{Acceptance, ErrorKind};
use crate::http::{Carries, HttpClient, HttpClientBuilder, HttpFailure, HttpResponse, Reach};

/// Bigger than the buffers of both sockets together, so that it cannot all be on its way unless the
/// server reads.
const LARGE: usize = 16 << 20;
const SMALL: usize = 300;

/// One broken call.
#[derive(Debug)]
struct Case {
    act: Act,
    close: Close,
    tls: bool,
    /// Whether the connection has served a call before.
    reused: bool,
    body_bytes: usize,
}

impl Case {
    /// Every combination of how the server closes, TLS, and a connection's age.
    fn all(act: &Act, body_bytes: usize) -> impl Iterator<Item = Self> {
        (0..8).map(move |bits| Self {
            act: act.clone(),
            close: if bits & 1 == 0 {
                Close::Fin
            } else {
                Close::Rst
            },
            tls: bits & 2 != 0,
            reused: bits & 4 != 0,
            body_bytes,
        })
    }
}

pub(super) fn builder() -> HttpClientBuilder {
    HttpClient::builder().system_roots(false)
}

pub(super) fn post(url: &str, body_bytes: usize) -> http::Request<Bytes> {
    let body = Bytes::from(vec![b'x'; body_bytes]);
    http::Request::post(url).body(body).unwrap()
}

/// Runs a case, holds the client to the truth, and returns what it said.
#[track_caller]
fn check(case: Case, allowed: &[Reach]) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let (result, whole) = run(&case, builder()).await;
        let failure = result.expect_err(&format!("{caller}: {case:?}"));
        hold_to_truth(&failure, whole, &format!("{caller}: {case:?}"));
        assert!(
            allowed.contains(&failure.reach),
            "{caller}: {case:?} reached {:?}",
            failure.reach
        );
    }
}

/// Returns the outcome and how many whole requests of the broken call the server got.
async fn run(case: &Case, client: HttpClientBuilder) -> (Result<HttpResponse, HttpFailure>, usize) {
    let mut acts = vec![case.act.clone()];
    if case.reused {
        acts.insert(0, Act::Reply(OK.to_vec()));
    }
    let server = if case.tls {
        Server::tls(acts, case.close).await
    } else {
        Server::plain(acts, case.close).await
    };
    let client = if case.tls {
        client.add_root_certificates(server.certificate())
    } else {
        client
    };
    let client = client.build().unwrap();
    let url = server.url();
    let earlier = usize::from(case.reused);
    if case.reused {
        let answer = client.send(post(&url, 1)).await.unwrap();
        assert_eq!(answer.body, "hi");
    }
    let result = client.send(post(&url, case.body_bytes)).await;
    drop(client);
    let truth = server.finish().await;
    (result, truth.whole_requests() - earlier)
}

/// The promise itself: nothing that the server may have got whole is called "not sent".
#[track_caller]
fn hold_to_truth(failure: &HttpFailure, whole_requests: usize, context: &str) {
    let acceptance = failure.acceptance(Carries::Message);
    if whole_requests > 0 {
        assert_eq!(acceptance, Acceptance::Unknown, "{context}: {failure:?}");
    }
    assert_eq!(
        failure.acceptance(Carries::Question),
        Acceptance::NotSent,
        "{context}"
    );
    assert!(whole_requests <= 1, "{context}: the call was repeated");
}

#[tokio::test]
async fn refused_connection() {
    let server = Server::plain([], Close::Fin).await;
    let url = server.url();
    server.finish().await;
    let failure = builder().build().unwrap().send(post(&url, SMALL)).await;
    let failure = failure.unwrap_err();
    assert_eq!(failure.reach, Reach::NotConnected);
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert_eq!(failure.acceptance(Carries::Message), Acceptance::NotSent);
    assert!(!failure.timed_out);
}

/// The client may or may not have written by the time it hears of the end; only what it can prove
/// counts.
#[tokio::test]
async fn closed_after_accept_or_handshake() {
    for case in Case::all(&Act::CloseAtOnce, SMALL).filter(|case| !case.reused) {
        let allowed = [Reach::NotConnected, Reach::Connected, Reach::Body];
        check(case, &allowed).await;
    }
}

#[tokio::test]
async fn closed_after_the_head() {
    for case in Case::all(&Act::CloseAfterHead, LARGE) {
        check(case, &[Reach::Body]).await;
    }
    for case in Case::all(&Act::CloseAfterHead, SMALL) {
        check(case, &[Reach::Body]).await;
    }
}

#[tokio::test]
async fn closed_in_the_middle_of_the_body() {
    for case in Case::all(&Act::CloseAfterBytes(100_000), LARGE) {
        check(case, &[Reach::Body]).await;
    }
}

#[tokio::test]
async fn closed_after_the_body() {
    for case in Case::all(&Act::CloseAfterBody, SMALL) {
        check(case, &[Reach::Body]).await;
    }
    for case in Case::all(&Act::CloseAfterBody, LARGE) {
        check(case, &[Reach::Body]).await;
    }
}

/// A call without a body is whole as soon as its head is.
#[tokio::test]
async fn closed_after_a_request_without_a_body() {
    for case in Case::all(&Act::CloseAfterBody, 0) {
        check(case, &[Reach::Body]).await;
    }
}

#[tokio::test]
async fn closed_in_the_middle_of_the_answer() {
    let half_head = Act::ReplyAndClose(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec());
    for case in Case::all(&half_head, SMALL) {
        // After a reset the system may throw away what it had received.
        let allowed: &[Reach] = if case.tls || case.close == Close::Rst {
            &[Reach::Body, Reach::Answer]
        } else {
            &[Reach::Answer]
        };
        check(case, allowed).await;
    }
    let half_body =
        Act::ReplyAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec());
    for case in Case::all(&half_body, SMALL) {
        let allowed: &[Reach] = match case.close {
            Close::Rst => &[Reach::Body, Reach::Answer],
            Close::Fin => &[Reach::Answer],
        };
        check(case, allowed).await;
    }
}

/// The server stops reading at any byte at all.
#[tokio::test]
async fn closed_after_any_byte() {
    let whole_length = {
        let server = Server::plain([], Close::Fin).await;
        let client = builder().build().unwrap();
        client.send(post(&server.url(), SMALL)).await.unwrap();
        drop(client);
        let truth = server.finish().await;
        truth.request_bytes.load(Ordering::SeqCst)
    };
    assert!(whole_length > SMALL);
    for bytes in (1..=whole_length).rev().step_by(5) {
        let close = if bytes % 2 == 0 {
            Close::Fin
        } else {
            Close::Rst
        };
        let case = Case {
            act: Act::CloseAfterBytes(bytes),
            close,
            tls: false,
            reused: bytes % 3 == 0,
            body_bytes: SMALL,
        };
        let (result, whole) = run(&case, builder()).await;
        hold_to_truth(&result.unwrap_err(), whole, &format!("{case:?}"));
    }
}

/// The server ends the connection while it is idle: the next call gets a new one or a failure, and
/// never arrives twice.
#[tokio::test]
async fn closed_while_idle() {
    for close in [Close::Fin, Close::Rst] {
        let server = Server::plain([Act::ReplyAndClose(OK.to_vec())], close).await;
        let client = builder().build().unwrap();
        let (mut arrived, mut claimed_not_sent) = (0, 0);
        for _ in 0..20 {
            match client.send(post(&server.url(), SMALL)).await {
                Ok(_) => arrived += 1,
                Err(failure) if failure.acceptance(Carries::Message) == Acceptance::NotSent => {
                    claimed_not_sent += 1;
                }
                Err(_) => {}
            }
        }
        drop(client);
        let truth = server.finish().await;
        assert!(truth.whole_requests() >= arrived);
        assert!(truth.whole_requests() <= 20 - claimed_not_sent);
    }
}

/// Long enough for everything but the answer, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn answer_that_never_comes() {
    let cases = Case::all(&Act::Silence, SMALL).map(async |case| {
        let (result, whole) = run(&case, builder().timeout(PATIENCE)).await;
        let failure = result.unwrap_err();
        assert_eq!(
            (whole, failure.reach, failure.timed_out, failure.kind()),
            (1, Reach::Body, true, ErrorKind::Timeout),
            "{case:?}"
        );
        hold_to_truth(&failure, whole, &format!("{case:?}"));
    });
    futures_util::future::join_all(cases).await;
}

#[tokio::test]
async fn answer_that_never_ends() {
    let stalled =
        Act::Reply(b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\n1".to_vec());
    let server = Server::plain([stalled], Close::Fin).await;
    let client = builder().timeout(PATIENCE).build().unwrap();
    let failure = client.send(post(&server.url(), SMALL)).await.unwrap_err();
    assert_eq!((failure.reach, failure.timed_out), (Reach::Answer, true));
    let http = failure.http.unwrap();
    assert_eq!(http.status, 429);
    assert_eq!(http.retry_after, Some(Duration::from_secs(7)));
    drop(client);
    server.finish().await;
}

/// Accepting a TCP connection is not all that there is to connecting: the limit covers TLS too.
#[tokio::test]
async fn handshake_that_never_comes() {
    let server = Server::plain([Act::Silence], Close::Fin).await;
    let trusted = Server::tls([], Close::Fin).await;
    let client = builder()
        .connect_timeout(Duration::from_millis(300))
        .add_root_certificates(trusted.certificate())
        .build()
        .unwrap();
    let url = format!("https://{}/", server.address);
    let failure = client.send(post(&url, SMALL)).await.unwrap_err();
    assert_eq!(failure.reach, Reach::NotConnected);
    assert_eq!(
        (failure.timed_out, failure.kind()),
        (true, ErrorKind::Timeout)
    );
    assert_eq!(failure.acceptance(Carries::Message), Acceptance::NotSent);
    assert_eq!(failure.to_string(), "cannot be reached in time");
    drop(client);
    assert_eq!(server.finish().await.whole_requests(), 0);
    trusted.finish().await;
}

/// A certificate that nobody vouches for ends the call before any of it leaves.
#[tokio::test]
async fn untrusted_certificate() {
    let server = Server::tls([], Close::Fin).await;
    let other = Server::tls([], Close::Fin).await;
    let client = builder().add_root_certificates(other.certificate());
    let client = client.build().unwrap();
    let failure = client.send(post(&server.url(), SMALL)).await.unwrap_err();
    assert_eq!(failure.reach, Reach::NotConnected);
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    drop(client);
    let truth = server.finish().await;
    assert_eq!(truth.request_bytes.load(Ordering::SeqCst), 0);
    other.finish().await;
}

#[tokio::test]
async fn garbage_and_floods() {
    let flood =
        Act::ReplyForever(b"x-header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec());
    let many = {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        for number in 0..200 {
            head.extend_from_slice(format!("x-{number}: 1\r\n").as_bytes());
        }
        head.extend_from_slice(b"content-length: 0\r\n\r\n");
        Act::ReplyAndClose(head)
    };
    let endless_head = {
        let mut head = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
        head.extend_from_slice(&b"a".repeat(100_000));
        Act::ReplyAndClose(head)
    };
    let garbage = Act::ReplyAndClose(b"220 mail.example ESMTP ready\r\n".to_vec());
    let bad_chunks = Act::ReplyAndClose(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n".to_vec(),
    );
    for act in [flood, many, endless_head, garbage] {
        for tls in [false, true] {
            let case = Case {
                act: act.clone(),
                close: Close::Fin,
                tls,
                reused: false,
                body_bytes: SMALL,
            };
            let (result, whole) = run(&case, builder()).await;
            let failure = result.unwrap_err();
            hold_to_truth(&failure, whole, &format!("{case:?}"));
            let found = (failure.reach, failure.kind());
            assert_eq!(
                found,
                (Reach::Answer, ErrorKind::Protocol),
                "{case:?} {failure:?}"
            );
        }
    }
    for case in Case::all(&bad_chunks, SMALL).filter(|case| case.close == Close::Fin) {
        let (result, whole) = run(&case, builder()).await;
        let failure = result.unwrap_err();
        hold_to_truth(&failure, whole, &format!("{case:?}"));
        assert_eq!(failure.reach, Reach::Answer);
        assert_eq!(failure.http.unwrap().status, 200);
    }
}

/// The limit is kept while reading: a length that the server announces is neither needed nor
/// believed.
#[tokio::test]
async fn oversized_bodies() {
    let announced = Act::ReplyAndClose(
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n12345678901".to_vec(),
    );
    let chunked = {
        let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        answer.extend_from_slice(&b"4\r\nabcd\r\n".repeat(1000));
        Act::ReplyAndClose(answer)
    };
    let until_closed = Act::ReplyAndClose(b"HTTP/1.1 200 OK\r\n\r\n12345678901".to_vec());
    for act in [announced, chunked, until_closed] {
        let case = Case {
            act,
            close: Close::Fin,
            tls: false,
            reused: false,
            body_bytes: SMALL,
        };
        let (result, whole) = run(&case, builder().max_body_bytes(10)).await;
        let failure = result.unwrap_err();
        hold_to_truth(&failure, whole, &format!("{case:?}"));
        let found = (failure.reach, failure.kind());
        assert_eq!(found, (Reach::Answer, ErrorKind::Protocol));
        assert_eq!(
            failure.to_string(),
            "gave an answer that is longer than the limit"
        );
    }
}

/// Some of the large body is in the buffers of the system, so nobody can know.
#[tokio::test]
async fn server_that_does_not_read() {
    let server = Server::plain([Act::Deaf], Close::Fin).await;
    let client = builder().timeout(PATIENCE).build().unwrap();
    let failure = client.send(post(&server.url(), LARGE)).await.unwrap_err();
    assert_eq!((failure.reach, failure.timed_out), (Reach::Body, true));
    drop(client);
    let truth = server.finish().await;
    hold_to_truth(&failure, truth.whole_requests(), "a deaf server");
}
