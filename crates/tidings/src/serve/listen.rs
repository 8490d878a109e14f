//! The one accept loop of all our servers: bounded connections, bounded patience, TLS where it is
//! wanted, and an orderly end.
//!
//! Started by whoever serves something: the simulated carrier, and the command that receives what a
//! provider tells. What answers the calls is handed in as an [`Answers`]; nothing here knows what
//! they are about.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::OverTls;
#[cfg(feature = "tls-server")]
use super::tls::{Acceptor, Protocol};

/// How long to wait when the system has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a TLS handshake may take, from the first byte on.
#[cfg(feature = "tls-server")]
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// What answers the calls that come in through a [`Listener`].
pub trait Answers: Send + Sync + 'static {
    /// What an answer's body is.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static;
    /// Why there is no answer: the call ends without one, over HTTP/1.1 with its connection, over
    /// HTTP/2 alone.
    type Error: Into<Box<dyn StdError + Send + Sync>>;

    /// Answers one call.
    fn answer(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Self::Error>> + Send;
}

/// Who makes a call, and how his connection is to end.
#[derive(Clone, Debug)]
pub struct Caller {
    address: SocketAddr,
    ending: Ending,
}

impl Caller {
    /// Where he calls from.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How his connection is to end.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }
}

/// How a connection is to end: orderly, unless somebody says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Ending(Arc<EndingState>);

#[derive(Debug, Default)]
struct EndingState {
    is_reset: AtomicBool,
    is_due: Notify,
}

impl Ending {
    /// With a TCP reset, as a crashed or overloaded machine ends it: at the latest when a call goes
    /// without an answer. Over TLS it comes without the alert that announces an end.
    pub fn by_reset(&self) {
        self.0.is_reset.store(true, Ordering::Relaxed);
    }

    fn is_by_reset(&self) -> bool {
        self.0.is_reset.load(Ordering::Relaxed)
    }
}

/// A socket that listens, with the bounds of what it takes.
#[derive(Debug)]
#[must_use = "it takes no connection before `serve`"]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    bounds: Bounds,
    #[cfg(feature = "tls-server")]
    tls: Option<rustls::ServerConfig>,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    max_connections: usize,
    patience: Duration,
    speaks_http2: bool,
}

impl Listener {
    /// Takes an address; port 0 takes a free one. By default there may be 256 connections, a caller
    /// has 30 seconds for the head of a call, and HTTP/1.1 and HTTP/2 are spoken.
    ///
    /// # Errors
    /// What the system says, for instance that the address is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            bounds: Bounds {
                max_connections: 256,
                patience: Duration::from_secs(30),
                speaks_http2: true,
            },
            #[cfg(feature = "tls-server")]
            tls: None,
        })
    }

    /// Sets how many connections there may be at once; further ones wait in the system's queue.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.bounds.max_connections = limit;
        self
    }

    /// Sets how long a caller may take for the head of a call, idle time between calls included.
    pub fn patience(mut self, limit: Duration) -> Self {
        self.bounds.patience = limit;
        self
    }

    /// Speaks HTTP/1.1 only.
    pub fn http1_only(mut self) -> Self {
        self.bounds.speaks_http2 = false;
        self
    }

    /// Speaks TLS and nothing else, with this certificate.
    ///
    /// # Errors
    /// [`CertificateError`](super::tls::CertificateError) when there is no cryptography for it.
    #[cfg(feature = "tls-server")]
    pub fn tls(
        mut self,
        certificate: &super::tls::OwnCertificate,
    ) -> Result<Self, super::tls::CertificateError> {
        self.tls = Some(certificate.config()?);
        Ok(self)
    }

    /// Speaks TLS and nothing else, with a certificate that may be replaced meanwhile.
    ///
    /// # Errors
    /// [`CertificateError`](super::tls::CertificateError) when there is no cryptography for it.
    #[cfg(feature = "tls-server")]
    pub fn given_tls(
        mut self,
        certificate: &super::tls::GivenCertificate,
    ) -> Result<Self, super::tls::CertificateError> {
        self.tls = Some(certificate.config()?);
        Ok(self)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where callers point to, such as `http://127.0.0.1:8080`, without a slash at the end.
    pub fn base_url(&self) -> String {
        #[cfg(feature = "tls-server")]
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "tls-server"))]
        let scheme = "http";
        format!("{scheme}://{}", self.address)
    }

    /// Takes connections until it is told to stop, then lets the open ones finish their calls.
    pub async fn serve<A: Answers>(self, answers: A, stopping: CancellationToken) {
        let answers = Arc::new(answers);
        let room = Arc::new(Semaphore::new(self.bounds.max_connections));
        let opener = Opener {
            bounds: self.bounds,
            #[cfg(feature = "tls-server")]
            tls: self
                .tls
                .map(|config| Acceptor::new(config, self.bounds.speaks_http2)),
        };
        let mut connections = JoinSet::new();
        loop {
            let accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (permit, self.socket.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = stopping.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let caller = Caller {
                        address,
                        ending: Ending::default(),
                    };
                    let opening = opener.clone().open(stream);
                    let served = attend(
                        opening,
                        self.bounds,
                        caller,
                        Arc::clone(&answers),
                        stopping.clone(),
                    );
                    connections.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        while connections.join_next().await.is_some() {}
    }
}

/// What makes connections out of what was accepted: beside the accept loop, so that one slow caller
/// keeps nobody waiting.
#[derive(Clone)]
struct Opener {
    bounds: Bounds,
    #[cfg(feature = "tls-server")]
    tls: Option<Acceptor>,
}

impl Opener {
    async fn open(self, stream: TcpStream) -> io::Result<Opened> {
        // An answer is small and complete: waiting for more of it only costs time.
        stream.set_nodelay(true)?;
        // Whoever says nothing at all is waited for no longer than one who stops speaking.
        within(self.bounds.patience, stream.peek(&mut [0])).await?;
        #[cfg(feature = "tls-server")]
        if let Some(tls) = self.tls {
            let (stream, protocol) = within(HANDSHAKE_PATIENCE, tls.accept(stream)).await?;
            return Ok(Opened {
                socket: Socket::Tls(Box::new(stream)),
                speech: match protocol {
                    Protocol::Http1 => Speech::Http1,
                    Protocol::Http2 => Speech::Http2,
                },
            });
        }
        let speech = if self.bounds.speaks_http2 {
            Speech::AsItBegins
        } else {
            Speech::Http1
        };
        Ok(Opened {
            socket: Socket::Plain(stream),
            speech,
        })
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// A connection that calls can come in through.
struct Opened {
    socket: Socket,
    speech: Speech,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug)]
enum Speech {
    Http1,
    #[cfg(feature = "tls-server")]
    Http2,
    /// Whatever the caller begins with.
    AsItBegins,
}

impl Speech {
    fn builder(self, bounds: &Bounds) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.patience);
        builder.http2().timer(TokioTimer::new());
        match self {
            Self::Http1 => builder.http1_only(),
            #[cfg(feature = "tls-server")]
            Self::Http2 => builder.http2_only(),
            Self::AsItBegins => builder,
        }
    }
}

async fn attend<A: Answers>(
    opening: impl Future<Output = io::Result<Opened>>,
    bounds: Bounds,
    caller: Caller,
    answers: Arc<A>,
    stopping: CancellationToken,
) {
    let opened = tokio::select! {
        opened = opening => opened,
        () = stopping.cancelled() => return,
    };
    let Opened { socket, speech } = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
    };
    let ending = caller.ending.clone();
    let is_over_tls = socket.is_over_tls();
    let io = TokioIo::new(Stream {
        socket,
        ending: ending.clone(),
    });
    let service = service_fn(move |mut request: Request<Incoming>| {
        if is_over_tls {
            request.extensions_mut().insert(OverTls::new());
        }
        let (answers, caller) = (Arc::clone(&answers), caller.clone());
        async move {
            let answer = answers.answer(&caller, request).await;
            if answer.is_err() && caller.ending.is_by_reset() {
                // Over HTTP/2 the connection would outlive the call.
                caller.ending.0.is_due.notify_one();
            }
            answer
        }
    });
    let builder = speech.builder(&bounds);
    let mut connection = pin!(builder.serve_connection(io, service));
    // In a set, which asks only what has rung: a connection is woken for every call, and each of these
    // takes a lock to say that it has not come.
    let reset = ending.0.is_due.notified().map(|()| End::Reset);
    let stop = stopping.cancelled().map(|()| End::Stop);
    let mut ends: FuturesUnordered<_> = [reset.boxed(), stop.boxed()].into_iter().collect();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        Some(end) = ends.next() => match end {
            End::Reset => return,
            End::Stop => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Why a connection ends that would go on.
enum End {
    Reset,
    Stop,
}

/// What bytes come and go through.
#[derive(Debug)]
enum Socket {
    Plain(TcpStream),
    #[cfg(feature = "tls-server")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

impl Socket {
    fn is_over_tls(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls-server")]
            Self::Tls(_) => true,
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            #[cfg(feature = "tls-server")]
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

/// Does the same with either kind of socket.
macro_rules! either {
    ($socket:expr, $inner:ident => $work:expr) => {
        match $socket {
            Socket::Plain($inner) => $work,
            #[cfg(feature = "tls-server")]
            Socket::Tls($inner) => $work,
        }
    };
}

/// A connection that ends as its [`Ending`] says.
#[derive(Debug)]
struct Stream {
    socket: Socket,
    ending: Ending,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.ending.is_by_reset() {
            // Closing with a linger time of zero sends a reset. If it cannot be set the connection
            // is gone already.
            let _ = self.socket.tcp().set_zero_linger();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        either!(&self.socket, socket => socket.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.socket, socket => Pin::new(socket).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_by_reset() {
            // An orderly end would come before the reset.
            return Poll::Ready(Ok(()));
        }
        either!(&mut self.socket, socket => Pin::new(socket).poll_shutdown(context))
    }
}
