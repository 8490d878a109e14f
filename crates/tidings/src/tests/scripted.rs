//! A server that does what a test tells it, one reply per request, and keeps what it was sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What a request is answered with.
pub(crate) enum Reply {
    /// An answer in JSON, unless its headers name another content type.
    Answer {
        status: u16,
        headers: &'static str,
        body: String,
    },
    /// The same without a content type.
    Bare(String),
    /// The connection is closed without an answer.
    Close,
    /// Nothing is answered, and the connection is left open.
    Silence,
    /// The answer comes when the test says so.
    When(tokio::sync::oneshot::Receiver<()>, Box<Self>),
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::status(200, "", body)
    }

    pub(crate) fn status(status: u16, headers: &'static str, body: impl Into<String>) -> Self {
        Self::Answer {
            status,
            headers,
            body: body.into(),
        }
    }
}

type Script = dyn FnMut(&Seen) -> Reply + Send;

/// A server on a port of its own, until it is dropped.
pub(crate) struct Scripted {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Scripted {
    pub(crate) async fn start(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(script));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&seen), script));
        Self {
            url,
            seen,
            _tasks: tasks,
        }
    }

    /// A server that gives these bodies with status 200, one after the other, then fails.
    pub(crate) async fn answering(bodies: &[&str]) -> Self {
        let mut bodies: std::collections::VecDeque<String> =
            bodies.iter().map(|body| (*body).to_owned()).collect();
        Self::start(move |_| {
            let body = bodies.pop_front();
            body.map_or_else(|| Reply::status(500, "", "unexpected call"), Reply::ok)
        })
        .await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Mutex<Vec<Seen>>>, script: Arc<Mutex<Script>>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(serve(connection, Arc::clone(&seen), Arc::clone(&script)));
    }
}

async fn serve(mut connection: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, script: Arc<Mutex<Script>>) {
    let mut received = Vec::new();
    while let Some(request) = read_request(&mut connection, &mut received).await {
        let mut reply = {
            seen.lock().unwrap().push(request.clone());
            let mut script = script.lock().unwrap();
            script(&request)
        };
        if let Reply::When(told, then) = reply {
            told.await.unwrap();
            reply = *then;
        }
        match reply {
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let length = body.len();
                let content_type = if headers.contains("content-type") {
                    ""
                } else {
                    "content-type: application/json\r\n"
                };
                let answer = format!(
                    "HTTP/1.1 {status} x\r\n{content_type}{headers}content-length: {length}\r\n\r\n{body}"
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
            Reply::Bare(body) => {
                let length = body.len();
                let answer = format!("HTTP/1.1 200 x\r\ncontent-length: {length}\r\n\r\n{body}");
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
            Reply::Close | Reply::When(..) => return,
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read_request(connection: &mut TcpStream, received: &mut Vec<u8>) -> Option<Seen> {
    let head_length = loop {
        if let Some(position) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break position + 4;
        }
        if connection.read_buf(received).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = received.drain(..head_length).collect();
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.split("\r\n");
    let mut request_line = lines.next().unwrap().split(' ');
    let method = request_line.next().unwrap().to_owned();
    let path = request_line.next().unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while received.len() < length {
        if connection.read_buf(received).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(received.drain(..length).collect()).unwrap();
    Some(Seen {
        method,
        path,
        headers,
        body,
    })
}
