//! A server that does exactly what a test tells it, down to the byte, and keeps count of the truth.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What the server does with its next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Closes the connection as soon as there is one (under TLS: as soon as TLS is up).
    CloseAtOnce,
    /// Reads this many bytes of a request, then closes.
    CloseAfterBytes(usize),
    /// Reads the head, then closes.
    CloseAfterHead,
    /// Reads everything, then closes.
    CloseAfterBody,
    /// Reads everything, writes these bytes and waits for the next request.
    Reply(Vec<u8>),
    /// Reads everything, writes these bytes, then closes.
    ReplyAndClose(Vec<u8>),
    /// Writes these bytes over and over until the client is gone.
    ReplyForever(Vec<u8>),
    /// Reads and never answers.
    Silence,
    /// Reads no more than the first piece, and keeps the connection until the server is stopped.
    Deaf,
    /// Answers a `CONNECT`, then carries bytes to this address.
    TunnelTo(SocketAddr),
}

/// How the server closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Fin,
    Rst,
}

pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) truth: Arc<Truth>,
    certificate: Option<String>,
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
}

/// What really arrived.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) connections: AtomicUsize,
    pub(super) whole_requests: AtomicUsize,
    pub(super) request_bytes: AtomicUsize,
    pub(super) heads: Mutex<Vec<String>>,
}

impl Server {
    pub(super) async fn plain(acts: impl Into<VecDeque<Act>>, close: Close) -> Self {
        Self::start(acts.into(), close, None).await
    }

    pub(super) async fn tls(acts: impl Into<VecDeque<Act>>, close: Close) -> Self {
        Self::start(acts.into(), close, Some(self_signed(&[b"http/1.1"]))).await
    }

    async fn start(acts: VecDeque<Act>, close: Close, tls: Option<(ServerConfig, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let truth = Arc::new(Truth::default());
        let (stop, stopped) = watch::channel(());
        let (tls, certificate) = match tls {
            Some((config, pem)) => (Some(TlsAcceptor::from(Arc::new(config))), Some(pem)),
            None => (None, None),
        };
        let shared = Shared {
            acts: Arc::new(Mutex::new(acts)),
            truth: Arc::clone(&truth),
            close,
            tls,
            stopped,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared));
        Self {
            address,
            truth,
            certificate,
            stop,
            tasks,
        }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}/messages", self.address)
    }

    pub(super) fn certificate(&self) -> String {
        self.certificate.clone().expect("this server speaks TLS")
    }

    /// Stops accepting and waits until every connection has been served to its end. Only then is
    /// the count final.
    pub(super) async fn finish(mut self) -> Arc<Truth> {
        drop(self.stop);
        while let Some(result) = self.tasks.join_next().await {
            result.unwrap();
        }
        self.truth
    }
}

impl Truth {
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn whole_requests(&self) -> usize {
        self.whole_requests.load(Ordering::SeqCst)
    }
}

/// A certificate for 127.0.0.1 that nobody has signed, in PEM, and a server that shows it.
pub(super) fn self_signed(protocols: &[&[u8]]) -> (ServerConfig, String) {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    (config, cert.pem())
}

#[derive(Clone)]
struct Shared {
    acts: Arc<Mutex<VecDeque<Act>>>,
    truth: Arc<Truth>,
    close: Close,
    tls: Option<TlsAcceptor>,
    stopped: watch::Receiver<()>,
}

impl Shared {
    /// The next act; a server without further orders answers.
    fn next(&self) -> Act {
        let mut acts = self.acts.lock().unwrap();
        acts.pop_front().unwrap_or_else(|| Act::Reply(OK.to_vec()))
    }

    fn closes_at_once(&self) -> bool {
        let mut acts = self.acts.lock().unwrap();
        let closes = acts.front() == Some(&Act::CloseAtOnce);
        if closes {
            acts.pop_front();
        }
        closes
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    let mut stopped = shared.stopped.clone();
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            accepted = listener.accept() => {
                let (socket, _) = accepted.unwrap();
                shared.truth.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(connection(socket, shared.clone()));
            }
        }
    }
    drop(listener);
    while let Some(result) = connections.join_next().await {
        result.unwrap();
    }
}

async fn connection(socket: TcpStream, shared: Shared) {
    if shared.close == Close::Rst {
        socket.set_zero_linger().unwrap();
    }
    match shared.tls.clone() {
        Some(tls) => {
            // A client that does not trust us ends it here.
            if let Ok(stream) = tls.accept(socket).await {
                serve(stream, shared).await;
            }
        }
        None => serve(socket, shared).await,
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Shared) {
    if shared.closes_at_once() {
        return;
    }
    let mut input = Input::default();
    // A connection on which no request has begun uses up no act.
    while input.fill(&mut stream).await {
        let stays = act(&shared, &mut input, &mut stream).await;
        if !stays {
            break;
        }
    }
    shared
        .truth
        .request_bytes
        .fetch_add(input.total, Ordering::SeqCst);
}

/// Does one act and says whether the connection goes on.
async fn act(
    shared: &Shared,
    input: &mut Input,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> bool {
    let truth = &*shared.truth;
    match shared.next() {
        Act::CloseAtOnce => false,
        Act::CloseAfterBytes(count) => {
            while input.buffer.len() < count && input.fill(stream).await {}
            input.note_whole(truth);
            false
        }
        Act::CloseAfterHead => {
            while input.head().is_none() && input.fill(stream).await {}
            input.note_whole(truth);
            false
        }
        Act::CloseAfterBody => {
            input.request(stream, truth).await;
            false
        }
        Act::Reply(bytes) => {
            input.request(stream, truth).await && stream.write_all(&bytes).await.is_ok()
        }
        Act::ReplyAndClose(bytes) => {
            if input.request(stream, truth).await {
                drop(stream.write_all(&bytes).await);
                drop(stream.flush().await);
            }
            false
        }
        Act::ReplyForever(bytes) => {
            input.request(stream, truth).await;
            while stream.write_all(&bytes).await.is_ok() {}
            false
        }
        Act::Silence => {
            input.request(stream, truth).await;
            while input.fill(stream).await {}
            false
        }
        Act::Deaf => {
            drop(shared.stopped.clone().changed().await);
            false
        }
        Act::TunnelTo(address) => {
            input.request(stream, truth).await;
            let mut target = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            drop(tokio::io::copy_bidirectional(stream, &mut target).await);
            false
        }
    }
}

/// What has been read of a connection.
#[derive(Default)]
struct Input {
    buffer: Vec<u8>,
    total: usize,
}

impl Input {
    /// Reads some more; `false` when there is no more.
    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> bool {
        let mut chunk = vec![0; 16 << 10];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                self.total += count;
                true
            }
        }
    }

    /// The head of the request at the beginning of the buffer.
    fn head(&self) -> Option<String> {
        let end = self
            .buffer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")?;
        Some(String::from_utf8(self.buffer[..end + 4].to_vec()).unwrap())
    }

    fn whole_length(&self) -> Option<usize> {
        let head = self.head()?;
        let lower = head.to_ascii_lowercase();
        let body = lower
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        Some(head.len() + body)
    }

    /// Counts the request if the buffer holds all of it, and takes it out.
    fn note_whole(&mut self, truth: &Truth) -> bool {
        match self.whole_length() {
            Some(length) if self.buffer.len() >= length => {
                truth.heads.lock().unwrap().push(self.head().unwrap());
                truth.whole_requests.fetch_add(1, Ordering::SeqCst);
                self.buffer.drain(..length);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Reads one whole request; `false` when the client ended before that.
    async fn request(&mut self, stream: &mut (impl AsyncRead + Unpin), truth: &Truth) -> bool {
        while !self.note_whole(truth) {
            if !self.fill(stream).await {
                return false;
            }
        }
        true
    }
}
