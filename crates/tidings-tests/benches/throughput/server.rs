//! The server of a comparison: this program once more, in a process of its own, which reads every
//! request whole and answers it at once, plainly or in TLS.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::target::{Target, Trust, provider};
use super::{AnyError, HTTP1};

/// What a request's body is answered with, as JSON.
pub(crate) type Answers = fn(&Bytes) -> Bytes;

/// How bytes go between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Plain,
    Tls,
}

impl Wire {
    fn argument(self) -> &'static str {
        match self {
            Self::Plain => "--serve",
            Self::Tls => "--serve-tls",
        }
    }
}

/// Is the server until somebody ends the process. Its first line says where it is; what follows is the
/// certificate to trust, if there is one.
pub(crate) fn serve(wire: Wire, answers: Answers) -> Result<(), AnyError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()?
        .block_on(serve_forever(wire, answers))
}

#[expect(
    clippy::print_stdout,
    reason = "the process that started it reads the address"
)]
async fn serve_forever(wire: Wire, answers: Answers) -> Result<(), AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (tls, certificate) = match wire {
        Wire::Plain => (None, String::new()),
        Wire::Tls => {
            let (acceptor, certificate) = acceptor()?;
            (Some(acceptor), certificate)
        }
    };
    println!("{}\n{certificate}{END}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => serve_connection(connection, answers).await,
                Some(tls) => {
                    // A client that leaves during the handshake is no failure of the server.
                    if let Ok(connection) = tls.accept(connection).await {
                        serve_connection(connection, answers).await;
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// A certificate of its own making for this address, which is also the one to trust.
fn acceptor() -> Result<(TlsAcceptor, String), AnyError> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)?;
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), cert.pem()))
}

async fn serve_connection(
    connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    answers: Answers,
) {
    let serving = hyper::server::conn::http1::Builder::new();
    let service = service_fn(move |request: Request<Incoming>| async move {
        let body = request.into_body().collect().await?.to_bytes();
        let answer = Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(answers(&body)));
        Ok::<_, hyper::Error>(answer.expect("a fixed answer can be built"))
    });
    // A client that leaves is no failure of the server.
    serving
        .serve_connection(TokioIo::new(connection), service)
        .await
        .ok();
}

/// Ends what the server tells of itself.
const END: char = '.';

/// The server as a process. It ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) target: Target,
}

impl Server {
    pub(crate) fn start(wire: Wire) -> Result<Self, AnyError> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(wire.argument())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut output = BufReader::new(output);
        let (mut address, mut certificate) = (String::new(), Vec::new());
        output.read_line(&mut address)?;
        output.read_until(u8::try_from(END)?, &mut certificate)?;
        certificate.pop();
        let address = address.trim().to_owned();
        let target = if certificate.is_empty() {
            Target::plain(address)
        } else {
            Target::over_tls(address, Trust::new(certificate)?)
        };
        Ok(Self { process, target })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
