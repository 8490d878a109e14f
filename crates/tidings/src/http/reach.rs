//! How far the bytes of a call went, proved rather than guessed.
//!
//! Called by `mod.rs`. Two witnesses are asked: [`Wire`], which counts what the socket took and
//! gave, and [`Call`], which knows what the HTTP engine asked of the request. When a call fails,
//! [`Call::settle`] closes the door first (no byte of this call can leave any more) and then says how
//! far it came. It knows no TLS, no provider and no error text.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper_util::client::legacy::connect::{
    CaptureConnection, Connected, Connection, capture_connection,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How far a call came. Each stage is what is proved: a call is said to have come no further than
/// this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// There was no connection: nothing can have left.
    NotConnected,
    /// There was a connection, and no byte of this call was written to it.
    Connected,
    /// Some or all of the head was written and no byte of the body.
    Head,
    /// Some of the body may have been written. A call without a body is here as soon as a byte of
    /// it may have been written, because its head is all of it.
    Body,
    /// Some of an answer came back.
    Answer,
}

impl Reach {
    /// The stable word, as in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "not_connected",
            Self::Connected => "connected",
            Self::Head => "head",
            Self::Body => "body",
            Self::Answer => "answer",
        }
    }
}

/// Prepares a request so that its reach can be told.
pub(super) fn track(mut request: http::Request<Bytes>) -> (http::Request<TrackedBody>, Arc<Call>) {
    let call = Arc::new(Call {
        capture: capture_connection(&mut request),
        stage: AtomicU8::new(WAITING),
        start: OnceLock::new(),
    });
    let request = request.map(|body| TrackedBody {
        call: Arc::clone(&call),
        data: (!body.is_empty()).then_some(body),
    });
    (request, call)
}

/// The HTTP engine has not asked for anything of the request: it is still in a queue of ours.
const WAITING: u8 = 0;
/// The engine has taken the head and none of the body.
const HEAD_TAKEN: u8 = 1;
/// The engine has all that there is.
const ALL_TAKEN: u8 = 2;
/// We have given up. The engine gets nothing any more: asked for the body, it gets an error.
const GIVEN_UP: u8 = 3;

/// One call, shared by its owner and by its body inside the HTTP engine.
#[derive(Debug)]
pub(super) struct Call {
    capture: CaptureConnection,
    stage: AtomicU8,
    start: OnceLock<Start>,
}

/// Where the counters of the connection stood when the engine took the request, before it wrote
/// any of it.
#[derive(Debug)]
struct Start {
    wire: Arc<Wire>,
    written: u64,
    read: u64,
}

impl Call {
    /// How far a call came that has failed or been given up. Whatever is said, it stays true: a
    /// call that is said to have written nothing cannot write any more.
    ///
    /// Must be called after the engine's future has ended or was dropped.
    pub(super) fn settle(&self) -> Reach {
        let Some((wire, shared)) = self.connection() else {
            return Reach::NotConnected;
        };
        if self.advance(WAITING, GIVEN_UP) {
            return Reach::Connected;
        }
        let body_withheld = self.advance(HEAD_TAKEN, GIVEN_UP);
        // The counters tell about this call alone where the connection serves one call at a time
        // and is still the one that the engine began on.
        let start = self.start.get().filter(|start| {
            let same = wire
                .as_ref()
                .is_some_and(|wire| Arc::ptr_eq(wire, &start.wire));
            same && !shared
        });
        if let Some(start) = start {
            if start.wire.seal(start.written) {
                return Reach::Connected;
            }
            if start.wire.is_plain && start.wire.read.load(Ordering::Acquire) > start.read {
                return Reach::Answer;
            }
        }
        if body_withheld {
            Reach::Head
        } else {
            Reach::Body
        }
    }

    /// The connection that this call was given, and whether other calls use it at the same time
    /// (HTTP/2).
    fn connection(&self) -> Option<(Option<Arc<Wire>>, bool)> {
        let connected = self.capture.connection_metadata();
        let connected = connected.as_ref()?;
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        let wire = extras.remove::<WireHandle>().map(|handle| handle.0);
        Some((wire, connected.is_negotiated_h2()))
    }

    /// The engine has taken the request. Called from within the engine, on the task that writes to
    /// the connection and before it has written anything of this request.
    fn begin(&self, stage: u8) {
        if self.stage.load(Ordering::Acquire) != WAITING {
            return;
        }
        if let Some((Some(wire), _)) = self.connection() {
            let start = Start {
                written: wire.written(),
                read: wire.read.load(Ordering::Acquire),
                wire,
            };
            drop(self.start.set(start));
        }
        self.advance(WAITING, stage);
    }

    fn is_given_up(&self) -> bool {
        self.stage.load(Ordering::Acquire) == GIVEN_UP
    }

    fn advance(&self, from: u8, to: u8) -> bool {
        self.stage
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// The body of a request, which notes what the engine asks of it. It has no `Debug`, so that nobody
/// can show what is sent.
pub(super) struct TrackedBody {
    call: Arc<Call>,
    data: Option<Bytes>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        if self.data.is_some() {
            self.call.begin(HEAD_TAKEN);
            self.call.advance(HEAD_TAKEN, ALL_TAKEN);
        }
        if self.call.is_given_up() {
            return Poll::Ready(Some(Err(GivenUp)));
        }
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    /// The engine asks this when it takes the request, before it writes the head; of a request
    /// without a body it asks nothing else. A call that was given up claims to have a body, so that
    /// the engine asks for it and is stopped by the error.
    fn is_end_stream(&self) -> bool {
        let stage = match self.data {
            Some(_) => HEAD_TAKEN,
            None => ALL_TAKEN,
        };
        self.call.begin(stage);
        self.data.is_none() && !self.call.is_given_up()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}

/// What the engine is told when it asks for the body of a call that was given up.
#[derive(Debug)]
pub(super) struct GivenUp;

impl std::fmt::Display for GivenUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the call was given up")
    }
}

impl std::error::Error for GivenUp {}

/// What one connection's socket has taken and given.
#[derive(Debug)]
pub(super) struct Wire {
    /// Bytes that the socket took, and the two flags below.
    written: AtomicU64,
    read: AtomicU64,
    /// Whether what is read is HTTP. Under TLS there are bytes, such as session tickets, that
    /// belong to no answer.
    is_plain: bool,
}

/// Nothing may be written any more.
const SEALED: u64 = 1 << 63;
/// A write is going on, so that the count is about to change.
const WRITING: u64 = 1 << 62;

impl Wire {
    fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire) & !(SEALED | WRITING)
    }

    /// Forbids every further write if nothing was written since the count stood at `written`, and
    /// says whether that is so. One atomic step: there is no moment between looking and forbidding.
    fn seal(&self, written: u64) -> bool {
        self.written
            .compare_exchange(
                written,
                written | SEALED,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }

    fn begin_write(&self) -> io::Result<()> {
        if self.written.fetch_or(WRITING, Ordering::AcqRel) & SEALED == 0 {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn end_write(&self, result: &Poll<io::Result<usize>>) {
        let count = match result {
            Poll::Ready(Ok(count)) => *count as u64,
            // The system takes bytes or reports an error, never both.
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        // Adds the count and clears the flag in one step.
        self.written
            .fetch_add(count.wrapping_sub(WRITING), Ordering::AcqRel);
    }
}

#[derive(Clone)]
struct WireHandle(Arc<Wire>);

/// A connection that counts: the plain TCP stream, below TLS, so that the counts are the socket's.
#[derive(Debug)]
pub(super) struct Counted<T> {
    io: T,
    wire: Arc<Wire>,
    is_proxied: bool,
}

impl<T> Counted<T> {
    /// `is_plain` if HTTP is spoken on it without TLS; `is_proxied` if it leads to a proxy that
    /// wants whole URLs.
    pub(super) fn new(io: T, is_plain: bool, is_proxied: bool) -> Self {
        let wire = Wire {
            written: AtomicU64::new(0),
            read: AtomicU64::new(0),
            is_plain,
        };
        Self {
            io,
            wire: Arc::new(wire),
            is_proxied,
        }
    }
}

impl<T> Connection for Counted<T> {
    fn connected(&self) -> Connected {
        Connected::new()
            .proxy(self.is_proxied)
            .extra(WireHandle(Arc::clone(&self.wire)))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(context, buffer);
        let count = buffer.filled().len().saturating_sub(before);
        self.wire.read.fetch_add(count as u64, Ordering::AcqRel);
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wire.begin_write()?;
        let result = Pin::new(&mut self.io).poll_write(context, buffer);
        self.wire.end_write(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.begin_write()?;
        let result = Pin::new(&mut self.io).poll_write_vectored(context, buffers);
        self.wire.end_write(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
