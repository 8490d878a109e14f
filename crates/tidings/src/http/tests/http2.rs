//! HTTP/2, where many calls share a connection and less can be proved about each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::server::self_signed;
use super::stages::{builder, post};
use crate::error::Acceptance;
use crate::http::reach::track;
use crate::http::{Carries, HttpClient, Reach};

/// What the server does with each stream.
#[derive(Clone, Copy, Debug)]
enum Act {
    Answer,
    /// Allows one stream at a time, answers those without a body and no others.
    OneAtATime,
    /// Refuses the stream as soon as its head is there.
    Refuse,
    /// Reads everything and then drops the whole connection.
    DropAfterBody,
    /// Reads everything and never answers.
    Silence,
}

#[derive(Debug, Default)]
struct Truth {
    connections: AtomicUsize,
    whole_requests: AtomicUsize,
}

struct Server {
    url: String,
    client: HttpClient,
    truth: Arc<Truth>,
    /// Ends when dropped.
    _tasks: JoinSet<()>,
}

async fn server(act: Act) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/messages", listener.local_addr().unwrap());
    let (config, pem) = self_signed(&[b"h2", b"http/1.1"]);
    let tls = TlsAcceptor::from(Arc::new(config));
    let truth = Arc::new(Truth::default());
    let mut tasks = JoinSet::new();
    let counted = Arc::clone(&truth);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            counted.connections.fetch_add(1, Ordering::SeqCst);
            let stream = tls.accept(socket).await.unwrap();
            let counted = Arc::clone(&counted);
            connections.spawn(async move {
                let mut builder = h2::server::Builder::new();
                if matches!(act, Act::OneAtATime) {
                    builder.max_concurrent_streams(1);
                }
                let mut connection = builder.handshake(stream).await.unwrap();
                let mut streams = JoinSet::new();
                loop {
                    tokio::select! {
                        accepted = connection.accept() => match accepted {
                            Some(Ok((request, respond))) => {
                                let body = request.into_body();
                                streams.spawn(stream_of(act, body, respond, Arc::clone(&counted)));
                            }
                            Some(Err(_)) | None => return,
                        },
                        Some(stays) = streams.join_next() => if !stays.unwrap() {
                            return;
                        },
                    }
                }
            });
        }
    });
    let client = builder()
        .timeout(Duration::from_secs(3))
        .add_root_certificates(pem)
        .build()
        .unwrap();
    Server {
        url,
        client,
        truth,
        _tasks: tasks,
    }
}

/// Does one act and says whether the connection stays.
async fn stream_of(
    act: Act,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    truth: Arc<Truth>,
) -> bool {
    if matches!(act, Act::Refuse) {
        respond.send_reset(Reason::REFUSED_STREAM);
        return true;
    }
    let has_body = !body.is_end_stream();
    while let Some(piece) = body.data().await {
        let Ok(piece) = piece else {
            return true;
        };
        drop(body.flow_control().release_capacity(piece.len()));
    }
    truth.whole_requests.fetch_add(1, Ordering::SeqCst);
    match act {
        Act::OneAtATime if has_body => std::future::pending().await,
        Act::Answer | Act::OneAtATime => {
            let mut stream = respond
                .send_response(http::Response::new(()), false)
                .unwrap();
            stream.send_data(Bytes::from_static(b"hi"), true).unwrap();
            true
        }
        Act::DropAfterBody => false,
        Act::Refuse | Act::Silence => std::future::pending().await,
    }
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    let server = server(Act::Answer).await;
    server.client.send(post(&server.url, 10)).await.unwrap();
    let calls = (0..20).map(|_| server.client.send(post(&server.url, 40_000)));
    for answer in futures_util::future::join_all(calls).await {
        let answer = answer.unwrap();
        assert_eq!(answer.body, "hi");
    }
    assert_eq!(server.truth.connections.load(Ordering::SeqCst), 1);
    assert_eq!(server.truth.whole_requests.load(Ordering::SeqCst), 21);
}

#[tokio::test]
async fn whole_calls_without_an_answer_are_unknown() {
    for act in [Act::DropAfterBody, Act::Silence] {
        for body_bytes in [0, 10, 40_000] {
            let server = server(act).await;
            let result = server.client.send(post(&server.url, body_bytes)).await;
            let failure = result.unwrap_err();
            assert_eq!(failure.reach, Reach::Body, "{act:?} {body_bytes}");
            assert_eq!(failure.acceptance(Carries::Message), Acceptance::Unknown);
            assert_eq!(server.truth.whole_requests.load(Ordering::SeqCst), 1);
        }
    }
}

/// The engine has the head, has never asked for the body, and gets an error if it does now: that is
/// proof.
#[tokio::test]
async fn a_body_that_was_never_asked_for_was_not_sent() {
    let server = server(Act::OneAtATime).await;
    // By the answer to this one the client has learnt how many streams there may be.
    server.client.send(post(&server.url, 0)).await.unwrap();
    // A call without a time limit, which takes up the only stream.
    let (occupying, _call) = track(post(&server.url, 10));
    let occupant = server.client.inner.client.request(occupying);
    let failure = tokio::select! {
        biased;
        answer = occupant => panic!("{answer:?}"),
        result = server.client.send(post(&server.url, 10)) => result.unwrap_err(),
    };
    assert_eq!((failure.reach, failure.timed_out), (Reach::Head, true));
    assert_eq!(failure.acceptance(Carries::Message), Acceptance::NotSent);
    assert_eq!(server.truth.whole_requests.load(Ordering::SeqCst), 2);
    assert_eq!(server.truth.connections.load(Ordering::SeqCst), 1);
}

/// Refused before its body was there, or while it was on its way: the claim is what is proved, and
/// the server counts no whole request either way.
#[tokio::test]
async fn refused_streams() {
    let server = server(Act::Refuse).await;
    let failure = server.client.send(post(&server.url, 500_000)).await;
    let failure = failure.unwrap_err();
    assert!((Reach::Connected..=Reach::Body).contains(&failure.reach));
    assert_eq!(server.truth.whole_requests.load(Ordering::SeqCst), 0);
}
