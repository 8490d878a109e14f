//! What the authority makes, keeps and refuses, and what callers make of it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::serve::OverTls;
use crate::serve::listen::{Answers, Caller, Listener};
use crate::{Clock as _, SystemClock};

/// What ends every call of a [`Spoilsport`].
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for NoAnswer {}

/// Says in which version it was asked, and whether over TLS.
struct Versions;

impl Answers for Versions {
    type Body = Full<Bytes>;
    type Error = Infallible;

    async fn answer(
        &self,
        _: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let version = match request.version() {
            Version::HTTP_2 => "two",
            _ => "one",
        };
        let over = match request.extensions().get::<OverTls>() {
            Some(_) => "TLS",
            None => "nothing",
        };
        Ok(Response::new(Full::from(format!("{version} over {over}"))))
    }
}

/// Gives no answer; the connection ends by a reset where that is wanted.
struct Spoilsport {
    by_reset: bool,
}

impl Answers for Spoilsport {
    type Body = Full<Bytes>;
    type Error = NoAnswer;

    async fn answer(
        &self,
        caller: &Caller,
        _: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, NoAnswer> {
        if self.by_reset {
            caller.ending().by_reset();
        }
        Err(NoAnswer)
    }
}

/// A listener that answers until the test ends.
struct Server {
    address: SocketAddr,
    authority: OwnAuthority,
    /// Dropped with the server: then it listens no more.
    #[expect(dead_code, reason = "what is in it ends when it is dropped")]
    listener: JoinSet<()>,
}

async fn listen(answers: impl Answers) -> Server {
    let now = SystemClock::new().now();
    let authority = OwnAuthority::make(now).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = Listener::bind(address).await.unwrap();
    let address = socket.address();
    let certificate = authority.certify(address.ip(), now).unwrap();
    let socket = socket.tls(&certificate).unwrap();
    assert_eq!(socket.base_url(), format!("https://{address}"));
    let mut listener = JoinSet::new();
    listener.spawn(socket.serve(answers, CancellationToken::new()));
    Server {
        address,
        authority,
        listener,
    }
}

/// Shakes hands under a name, offering to speak this.
async fn connect(
    server: &Server,
    trusted: &OwnAuthority,
    name: &'static str,
    offers: &[&[u8]],
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = trusted.certificate_pem().as_bytes();
    roots
        .add(CertificateDer::from_pem_slice(pem).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(cryptography::provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
    let tcp = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
}

const CALL: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn who_trusts_the_authority_is_served_under_every_name() {
    let server = listen(Versions).await;
    for name in ["127.0.0.1", "localhost", "::1"] {
        for offers in [&[][..], &[HTTP1]] {
            let mut stream = connect(&server, &server.authority, name, offers)
                .await
                .unwrap();
            stream.write_all(CALL).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("one over TLS"), "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_given_certificate_is_replaced_while_connections_go_on() {
    use secrecy::ExposeSecret as _;
    let now = SystemClock::new().now();
    let socket = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
    let socket = socket.unwrap();
    let address = socket.address();
    let (first, second) = (
        OwnAuthority::make(now).unwrap(),
        OwnAuthority::make(now).unwrap(),
    );
    let one = first.certify(address.ip(), now).unwrap();
    let two = second.certify(address.ip(), now).unwrap();
    let pem = |own: &OwnCertificate| {
        let key = own.key_pem().expose_secret().as_bytes().to_vec();
        (own.certificate_pem().as_bytes().to_vec(), key)
    };
    let (chain, key) = pem(&one);
    let given = GivenCertificate::from_pem(&chain, &key).unwrap();
    let socket = socket.given_tls(&given).unwrap();
    let mut listener = JoinSet::new();
    listener.spawn(socket.serve(Versions, CancellationToken::new()));
    let server = Server {
        address,
        authority: first,
        listener,
    };

    let mut open = connect(&server, &server.authority, "localhost", &[])
        .await
        .unwrap();
    let (other_chain, other_key) = pem(&two);
    let mixed = given.replace(&other_chain, &key).unwrap_err();
    assert_eq!(
        mixed.to_string(),
        "the certificate and the key do not belong together"
    );
    let empty = given.replace(b"", &key).unwrap_err();
    assert_eq!(
        empty.to_string(),
        "there is no certificate in the file of the certificate"
    );
    connect(&server, &server.authority, "localhost", &[])
        .await
        .unwrap();

    given.replace(&other_chain, &other_key).unwrap();
    connect(&server, &server.authority, "localhost", &[])
        .await
        .unwrap_err();
    connect(&server, &second, "localhost", &[]).await.unwrap();
    open.write_all(CALL).await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("one over TLS"), "{answer}");
}

#[tokio::test]
async fn a_call_in_the_clear_is_not_taken_for_one_over_tls() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = Listener::bind(address).await.unwrap();
    let mut stream = TcpStream::connect(socket.address()).await.unwrap();
    let mut listener = JoinSet::new();
    listener.spawn(socket.serve(Versions, CancellationToken::new()));
    stream.write_all(CALL).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("one over nothing"), "{answer}");
}

#[tokio::test]
async fn who_offers_http_2_speaks_it() {
    let server = listen(Versions).await;
    let stream = connect(&server, &server.authority, "localhost", &[HTTP2, HTTP1]);
    let (mut calls, connection) = h2::client::handshake(stream.await.unwrap()).await.unwrap();
    let mut driven = JoinSet::new();
    driven.spawn(connection);
    let request = Request::get("https://localhost/").body(()).unwrap();
    let (answer, _) = calls.send_request(request, true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "two over TLS");
}

#[tokio::test]
async fn who_trusts_another_authority_or_wants_another_name_hangs_up() {
    let server = listen(Versions).await;
    let another = OwnAuthority::make(SystemClock::new().now()).unwrap();
    let refused = connect(&server, &another, "localhost", &[]).await;
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
    let refused = connect(&server, &server.authority, "example.test", &[]).await;
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn what_is_no_handshake_keeps_nobody_waiting() {
    let server = listen(Versions).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let silent = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(CALL).await.unwrap();
    let mut heard = Vec::new();
    plain.read_to_end(&mut heard).await.ok();
    assert!(!heard.starts_with(b"HTTP/"), "{heard:?}");
    let stream = connect(&server, &server.authority, "localhost", &[]).await;
    assert!(stream.is_ok());
    drop(silent);
}

async fn ending_of(by_reset: bool) -> io::ErrorKind {
    let server = listen(Spoilsport { by_reset }).await;
    let mut stream = connect(&server, &server.authority, "localhost", &[])
        .await
        .unwrap();
    stream.write_all(CALL).await.unwrap();
    let ended = stream.read_to_end(&mut Vec::new()).await;
    ended.unwrap_err().kind()
}

#[tokio::test]
async fn a_connection_ends_by_a_reset_only_where_that_is_wanted() {
    // Nobody says goodbye in either case, as when a machine on the way gives up.
    assert_eq!(ending_of(false).await, io::ErrorKind::UnexpectedEof);
    assert_eq!(ending_of(true).await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_ends_the_whole_connection_over_http_2_too() {
    let server = listen(Spoilsport { by_reset: true }).await;
    let stream = connect(&server, &server.authority, "localhost", &[HTTP2]);
    let (mut calls, connection) = h2::client::handshake(stream.await.unwrap()).await.unwrap();
    let request = Request::get("https://localhost/").body(()).unwrap();
    let (answer, _) = calls.send_request(request, true).unwrap();
    let (answer, ended) = tokio::join!(answer, connection);
    assert!(answer.is_err());
    let ended = ended.unwrap_err();
    let kind = ended.get_io().map(io::Error::kind);
    assert_eq!(kind, Some(io::ErrorKind::ConnectionReset), "{ended}");
}

fn kept(path: &Path) -> Result<OwnAuthority, CertificateError> {
    OwnAuthority::kept(path, SystemClock::new().now())
}

#[track_caller]
fn check_refused(path: &Path, word: &str) {
    let refused = kept(path).unwrap_err();
    assert!(
        matches!(refused, CertificateError::NotOurs { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains(word), "{refused}");
}

#[test]
fn what_is_kept_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let first = kept(&path).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        first.certificate_pem()
    );
    let second = kept(&path).unwrap();
    assert_eq!(second.certificate_pem(), first.certificate_pem());
    // The key alone brings it back.
    std::fs::remove_file(&path).unwrap();
    kept(&path).unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn callers_of_the_first_start_trust_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let first = kept(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut server = listen(Versions).await;
    server.authority = kept(&path).unwrap();
    let now = SystemClock::new().now();
    let socket = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let socket = socket.await.unwrap();
    server.address = socket.address();
    let certificate = server.authority.certify(server.address.ip(), now).unwrap();
    let socket = socket.tls(&certificate).unwrap();
    let mut listener = JoinSet::new();
    listener.spawn(socket.serve(Versions, CancellationToken::new()));
    let stream = connect(&server, &first, "localhost", &[]).await;
    assert!(stream.is_ok());
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let key = folder.path().join("ca.pem.key");
    std::fs::write(&path, "somebody's").unwrap();
    check_refused(&path, "without the key");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
    std::fs::remove_file(&path).unwrap();

    kept(&path).unwrap();
    let another = OwnAuthority::make(SystemClock::new().now()).unwrap();
    std::fs::write(&path, another.certificate_pem()).unwrap();
    check_refused(&path, "not the certificate of the key");
    std::fs::write(&path, "no certificate").unwrap();
    check_refused(&path, "not the certificate of the key");
    std::fs::write(&key, "no key").unwrap();
    check_refused(&path, "is no key");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_key_and_write_the_certificate() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let key = folder.path().join("ca.pem.key");
    kept(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    assert_eq!(mode(&path) & 0o022, 0);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    check_refused(&path, "can be read by others");
}

#[test]
fn neither_key_nor_certificate_is_shown() {
    let now = SystemClock::new().now();
    let authority = OwnAuthority::make(now).unwrap();
    let certificate = authority.certify(Ipv4Addr::LOCALHOST.into(), now).unwrap();
    assert_eq!(
        format!("{authority:?} {certificate:?}"),
        "OwnAuthority { .. } OwnCertificate { .. }"
    );
}
