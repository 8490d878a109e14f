//! The two witnesses of a call's reach, and sockets that stop at an exact byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::Reach;
use crate::http::reach::{Counted, TrackedBody, track};

/// A socket that takes a number of bytes and then does one thing for ever.
#[derive(Clone)]
struct Socket {
    taken: Arc<Mutex<Vec<u8>>>,
    room: usize,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Takes no more and never fails: a peer that does not read.
    Stuck,
    /// Reports a reset.
    Reset,
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut taken = self.taken.lock().unwrap();
        let count = buffer.len().min(self.room - taken.len());
        if count == 0 {
            return match self.then {
                Then::Stuck => Poll::Pending,
                Then::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        }
        taken.extend_from_slice(&buffer[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Sends `body` over a socket and returns how far the call says it came, with what the socket took.
fn reach_over(room: usize, then: Then, body: &'static str) -> (Reach, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let socket = Socket {
        taken: Arc::default(),
        room,
        then,
    };
    let given = socket.clone();
    let connector = tower::service_fn(move |_: http::Uri| {
        let io = TokioIo::new(Counted::new(given.clone(), true, false));
        std::future::ready(Ok::<_, io::Error>(io))
    });
    let reach = runtime.block_on(async {
        let client: Client<_, TrackedBody> = Client::builder(TokioExecutor::new()).build(connector);
        let request = http::Request::post("http://127.0.0.1/").body(Bytes::from(body));
        let (request, call) = track(request.unwrap());
        let sent = tokio::time::timeout(Duration::from_secs(1), client.request(request)).await;
        assert!(!matches!(sent, Ok(Ok(_))));
        let reach = call.settle();
        // Whatever was said stays true: nothing more leaves while the engine winds up.
        let before = socket.taken.lock().unwrap().len();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let after = socket.taken.lock().unwrap().len();
        assert_eq!(before, after);
        reach
    });
    let taken = socket.taken.lock().unwrap().len();
    (reach, taken)
}

#[test]
fn a_socket_that_takes_nothing_proves_that_nothing_left() {
    for then in [Then::Stuck, Then::Reset] {
        for body in ["", "hello"] {
            assert_eq!(
                reach_over(0, then, body),
                (Reach::Connected, 0),
                "{then:?} {body:?}"
            );
        }
    }
}

#[test]
fn one_byte_is_enough_to_doubt() {
    for then in [Then::Stuck, Then::Reset] {
        for body in ["", "hello"] {
            assert_eq!(
                reach_over(1, then, body),
                (Reach::Body, 1),
                "{then:?} {body:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn never_less_than_what_the_socket_took(
        room in 0_usize..200,
        resets in any::<bool>(),
        has_body in any::<bool>(),
    ) {
        let then = if resets { Then::Reset } else { Then::Stuck };
        let (reach, taken) = reach_over(room, then, if has_body { "hello" } else { "" });
        prop_assert_eq!(reach <= Reach::Head, taken == 0);
    }
}

#[test]
fn without_a_connection_nothing_left() {
    let (request, call) = track(http::Request::new(Bytes::from_static(b"hello")));
    assert_eq!(call.settle(), Reach::NotConnected);
    drop(request);
}

#[test]
fn stages_are_in_order_and_have_words() {
    let stages = [
        (Reach::NotConnected, "not_connected"),
        (Reach::Connected, "connected"),
        (Reach::Head, "head"),
        (Reach::Body, "body"),
        (Reach::Answer, "answer"),
    ];
    assert!(stages.is_sorted());
    for (stage, word) in stages {
        assert_eq!(stage.as_str(), word);
    }
}
