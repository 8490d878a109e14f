//! A server that writes down what it is sent, byte for byte, and gives the same answer to everything,
//! or to each call the answer that a test has for it.
//!
//! Used by tests that want to know what a vendor's own client puts on the wire, or what a carrier
//! tells its customer's server. It reads just enough of HTTP/1.1 for such clients: a body is as long as `Content-Length` says, and every connection
//! ends after its answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tidings::callback::CallbackRequest;

/// How long something may take that is expected to happen: far more than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A call as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The method and the target, as `GET /path?query`.
    pub call: String,
    /// Names as they were written, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Recorded {
    /// A header's value; the case of its name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The call as the providers' parsers take it.
    ///
    /// # Panics
    /// When it is no valid HTTP.
    pub fn as_callback(&self) -> CallbackRequest {
        let (method, target) = self.call.split_once(' ').expect("a method and a target");
        let query = target.split_once('?').map(|(_, query)| query.to_owned());
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            headers.append(name, value.parse().expect("a header's value"));
        }
        match method {
            "GET" => CallbackRequest::get(query.unwrap_or_default()),
            _ => CallbackRequest::post(headers, self.body.clone()).query(query),
        }
    }
}

/// What a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    /// 200 and this JSON.
    pub fn json(body: impl Into<String>) -> Self {
        Self::status(200).body(body)
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header. What is not said of the content type is that it is JSON.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn as_http(&self) -> String {
        let Self {
            status,
            headers,
            body,
        } = self;
        let content_type = "Content-Type";
        let is_typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case(content_type);
        let mut head = format!("HTTP/1.1 {status} Answer\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !headers.iter().any(is_typed) {
            head.extend([content_type, ": application/json\r\n"]);
        }
        let length = body.len();
        format!("{head}Content-Length: {length}\r\n\r\n{body}")
    }
}

/// A server on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    calls: Arc<Calls>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What has been recorded, and a bell that rings for each call.
#[derive(Debug, Default)]
struct Calls {
    list: Mutex<Vec<Recorded>>,
    bell: Condvar,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, call: Recorded) {
        self.lock().push(call);
        self.bell.notify_all();
    }
}

impl Recorder {
    /// Starts a server that answers every call with 200 and this JSON.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(answer: &str) -> Self {
        let answer = Answer::json(answer);
        Self::answering(move |_| answer.clone())
    }

    /// Starts a server that asks for the answer to each call.
    ///
    /// # Panics
    /// When no port is free.
    pub fn answering(answers: impl Fn(&Recorded) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (calls, is_over) = (Arc::<Calls>::default(), Arc::new(AtomicBool::new(false)));
        let (kept, over) = (Arc::clone(&calls), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // A client that leaves in the middle of a call made none.
                drop(connection.and_then(|connection| serve(connection, &answers, &kept)));
            }
        });
        Self {
            address,
            calls,
            is_over,
            thread: Some(thread),
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has been sent so far.
    pub fn calls(&self) -> Vec<Recorded> {
        self.calls.lock().clone()
    }

    /// Blocks until what it has been sent is enough, and returns it.
    ///
    /// # Panics
    /// When it is not enough after a minute.
    pub fn wait_until(&self, is_enough: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        let calls = self.calls.lock();
        let waited = self
            .calls
            .bell
            .wait_timeout_while(calls, PATIENCE, |calls| !is_enough(calls));
        let (calls, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            !timeout.timed_out(),
            "{} calls came, and more were expected",
            calls.len()
        );
        calls.clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The thread waits for a connection; this is the one that tells it to look.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Writes a call down, and then answers it: whoever has the answer finds the call.
fn serve(
    connection: TcpStream,
    answers: &impl Fn(&Recorded) -> Answer,
    calls: &Calls,
) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let call = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim_start().to_owned()));
    }
    let mut recorded = Recorded {
        call,
        headers,
        body: String::new(),
    };
    let length = recorded.header("content-length").unwrap_or("0");
    let length = length.parse().map_err(io::Error::other)?;
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    // Some bodies are no text; what is text in them can be read all the same.
    recorded.body = String::from_utf8_lossy(&body).into_owned();
    let answer = answers(&recorded).as_http();
    calls.push(recorded);
    reader.get_mut().write_all(answer.as_bytes())
}
