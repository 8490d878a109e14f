//! Messages per second of the PassInfo client beside a bare `hyper` client and the vendor's Python
//! package, with 1 and with 64 calls in flight, against the same server.
//!
//! `--calls tidings|pooled|hyper IN_FLIGHT N` makes N calls on one thread and nothing else, for a tool
//! that counts instructions: a difference of two such runs is exact where seconds are not.
//!
//! Run by `cargo xtask bench passinfo`, which makes the Python environment and passes its
//! interpreter. The server is a process of its own that answers at once; on a machine of two cores
//! it shares them with the client, so the ratios are what counts. Prints a table in Markdown.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program at a terminal: its output is the result"
)]

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings::{Clock as _, E164, SenderId, SystemClock, passinfo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: usize = 7;
const RUN: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(500);
const IN_FLIGHT: [usize; 2] = [1, 64];

const KEY: &str = "bench-key-0123456789abcdef";
const CLIENT_ID: &str = "4711";
const TEXT: &str = "Bonjour, votre colis est en route. Il arrive demain entre 9 h et 12 h.";
const ANSWER: &str = r#"{"status":"success","message_id":"1234567890"}"#;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve", ..] => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build()?.block_on(serve())
        }
        ["--calls", client, in_flight, n_calls, ..] => {
            calls(client, in_flight.parse()?, n_calls.parse()?)
        }
        ["--python", interpreter, ..] => compare(Some(Path::new(interpreter))),
        _ => compare(None),
    }
}

// ---- the server ----

/// Reads every request whole and answers it at once.
async fn serve() -> Result<(), AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        connections.spawn(async move {
            let serving = hyper::server::conn::http1::Builder::new();
            // A client that leaves is no failure of the server.
            serving
                .serve_connection(TokioIo::new(connection), service_fn(answer))
                .await
                .ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    let answer = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    Ok(answer.expect("a fixed answer can be built"))
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Result<Self, AnyError> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let output = process.stdout.take().ok_or("the server has no output")?;
        std::io::BufReader::new(output).read_line(&mut address)?;
        Ok(Self {
            process,
            address: address.trim().to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

// ---- the clients ----

#[derive(Clone, Copy, PartialEq, Eq)]
enum Contestant {
    Hyper,
    Pooled,
    Tidings,
    Python,
}

impl Contestant {
    const ALL: [Self; 4] = [Self::Hyper, Self::Pooled, Self::Tidings, Self::Python];

    fn title(self) -> &'static str {
        match self {
            Self::Hyper => "bare `hyper` client, one connection per task",
            Self::Pooled => "bare `hyper-util` client, its pool",
            Self::Tidings => "`tidings::passinfo::Client::send`",
            Self::Python => "`passinfo-sdk` 1.0.2, one thread per call",
        }
    }
}

/// How long a run goes on.
#[derive(Clone, Copy)]
enum Length {
    Time(Duration),
    Calls(u64),
}

/// Counts calls until the run is over.
struct Meter {
    counter: Arc<Counter>,
    length: Length,
}

/// What the tasks of a run share.
struct Counter {
    is_over: AtomicBool,
    n_calls: AtomicU64,
    n_most: u64,
}

impl Counter {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn count(&self) {
        if self.n_calls.fetch_add(1, Ordering::Relaxed) + 1 >= self.n_most {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}

impl Meter {
    fn new(length: Length) -> Self {
        let n_most = match length {
            Length::Time(_) => u64::MAX,
            Length::Calls(count) => count,
        };
        let counter = Counter {
            is_over: AtomicBool::new(false),
            n_calls: AtomicU64::new(0),
            n_most,
        };
        Self {
            counter: Arc::new(counter),
            length,
        }
    }

    /// Lets the tasks run and says how many calls there were per second.
    async fn rate(self, mut tasks: JoinSet<Result<(), AnyError>>) -> Result<f64, AnyError> {
        let clock = SystemClock::new();
        let started = clock.now();
        if let Length::Time(time) = self.length {
            tokio::time::sleep(time).await;
            self.counter.is_over.store(true, Ordering::Relaxed);
        }
        let n_calls = self.counter.n_calls.load(Ordering::Relaxed);
        let elapsed = clock.now().since(started);
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(per_second(n_calls, elapsed))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_second(n_calls: u64, elapsed: Duration) -> f64 {
    n_calls as f64 / elapsed.as_secs_f64()
}

async fn tidings(address: &str, in_flight: usize, length: Length) -> Result<f64, AnyError> {
    let client = passinfo::Client::builder()
        .api_key(KEY)
        .client_id(CLIENT_ID)
        .base_url(format!("http://{address}"))
        .build()?;
    let to: E164 = "+224622000001".parse()?;
    let from = SenderId::parse("Tidings")?;
    let meter = Meter::new(length);
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (client, from) = (client.clone(), from.clone());
        let counter = Arc::clone(&meter.counter);
        tasks.spawn(async move {
            while !counter.is_over() {
                client.send(&to, TEXT, Some(&from)).await?;
                counter.count();
            }
            Ok(())
        });
    }
    meter.rate(tasks).await
}

async fn bare_hyper(address: &str, in_flight: usize, length: Length) -> Result<f64, AnyError> {
    let body = body();
    let meter = Meter::new(length);
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (body, address) = (body.clone(), address.to_owned());
        let counter = Arc::clone(&meter.counter);
        tasks.spawn(async move {
            let connection = TcpStream::connect(&address).await?;
            connection.set_nodelay(true)?;
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
            let (mut sender, connection) = handshake;
            let mut driver = JoinSet::new();
            driver.spawn(connection);
            while !counter.is_over() {
                let request = Request::post("/v1/message/single_message").header(HOST, &address);
                let request = with_headers(request).body(Full::new(body.clone()))?;
                let answer = sender.send_request(request).await?;
                let answer = answer.into_body().collect().await?.to_bytes();
                if answer != ANSWER.as_bytes() {
                    return Err("the server gave another answer".into());
                }
                counter.count();
            }
            Ok(())
        });
    }
    meter.rate(tasks).await
}

/// The same request through the pool that ours is built on, with nothing of ours around it.
async fn pooled(address: &str, in_flight: usize, length: Length) -> Result<f64, AnyError> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let (body, uri) = (
        body(),
        format!("http://{address}/v1/message/single_message"),
    );
    let meter = Meter::new(length);
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (client, body, uri) = (client.clone(), body.clone(), uri.clone());
        let counter = Arc::clone(&meter.counter);
        tasks.spawn(async move {
            while !counter.is_over() {
                let request = with_headers(Request::post(&uri)).body(Full::new(body.clone()))?;
                let answer = client.request(request).await?;
                let answer = answer.into_body().collect().await?.to_bytes();
                if answer != ANSWER.as_bytes() {
                    return Err("the server gave another answer".into());
                }
                counter.count();
            }
            Ok(())
        });
    }
    meter.rate(tasks).await
}

fn body() -> Bytes {
    let body =
        serde_json::json!({"message": TEXT, "contact": "622000001", "senderName": "Tidings"});
    Bytes::from(body.to_string())
}

/// The headers that our client sends.
fn with_headers(request: http::request::Builder) -> http::request::Builder {
    request
        .header("api-key", KEY)
        .header("client-id", CLIENT_ID)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .header("user-agent", concat!("tidings/", env!("CARGO_PKG_VERSION")))
}

/// The vendor's client in threads; prints how many calls there were and how long they took.
const SCRIPT: &str = r#"
import sys, threading, time
from passinfo_sdk.client import PassInfoSDKClient
base_url, n_threads, seconds, key, client_id, text = sys.argv[1:]
client = PassInfoSDKClient(api_key=key, client_id=client_id, base_url=base_url)
counts = [0] * int(n_threads)
over = threading.Event()
def work(i):
    while not over.is_set():
        answer = client.send_message(message=text, contact="622000001", sender_name="Tidings")
        assert answer["status"] == "success"
        counts[i] += 1
threads = [threading.Thread(target=work, args=(i,)) for i in range(int(n_threads))]
started = time.monotonic()
for thread in threads: thread.start()
time.sleep(float(seconds))
n = sum(counts)
elapsed = time.monotonic() - started
over.set()
for thread in threads: thread.join()
print(n / elapsed)
"#;

fn python(
    interpreter: &Path,
    address: &str,
    in_flight: usize,
    time: Duration,
) -> Result<f64, AnyError> {
    let done = Command::new(interpreter)
        .args([
            "-c",
            SCRIPT,
            &format!("http://{address}"),
            &in_flight.to_string(),
        ])
        .args([&time.as_secs_f64().to_string(), KEY, CLIENT_ID, TEXT])
        .stderr(Stdio::inherit())
        .output()?;
    if !done.status.success() {
        return Err("the vendor's client failed".into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().parse()?)
}

// ---- the comparison ----

/// Makes `n_calls` calls, and a few more where several are in flight.
fn calls(client: &str, in_flight: usize, n_calls: u64) -> Result<(), AnyError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let server = Server::start()?;
    let (address, length) = (server.address.as_str(), Length::Calls(n_calls));
    match client {
        "hyper" => runtime.block_on(bare_hyper(address, in_flight, length))?,
        "pooled" => runtime.block_on(pooled(address, in_flight, length))?,
        "tidings" => runtime.block_on(tidings(address, in_flight, length))?,
        _ => return Err("--calls hyper|pooled|tidings IN_FLIGHT N".into()),
    };
    Ok(())
}

fn compare(interpreter: Option<&Path>) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Runtime::new()?;
    let server = Server::start()?;
    let address = server.address.as_str();
    let run = |contestant: Contestant, in_flight: usize, time: Duration| match contestant {
        Contestant::Hyper => runtime
            .block_on(bare_hyper(address, in_flight, Length::Time(time)))
            .map(Some),
        Contestant::Pooled => runtime
            .block_on(pooled(address, in_flight, Length::Time(time)))
            .map(Some),
        Contestant::Tidings => runtime
            .block_on(tidings(address, in_flight, Length::Time(time)))
            .map(Some),
        Contestant::Python => interpreter
            .map(|interpreter| python(interpreter, address, in_flight, time))
            .transpose(),
    };
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); Contestant::ALL.len() * IN_FLIGHT.len()];
    for round in 0..=ROUNDS {
        eprintln!(
            "round {round} of {ROUNDS}{}",
            if round == 0 { ": warming up" } else { "" }
        );
        for turn in 0..rates.len() {
            // Another one begins in each round.
            let place = (turn + round) % rates.len();
            let contestant = Contestant::ALL[place / IN_FLIGHT.len()];
            let in_flight = IN_FLIGHT[place % IN_FLIGHT.len()];
            let time = if round == 0 { WARM_UP } else { RUN };
            let rate = run(contestant, in_flight, time)?;
            if let (Some(rate), 1..) = (rate, round) {
                rates[place].push(rate);
            }
        }
    }
    print!("{}", table(&rates));
    Ok(())
}

fn table(rates: &[Vec<f64>]) -> String {
    let mut table = String::from(
        "| client | in flight | messages/s, median | least | most | ours to it |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for (column, in_flight) in IN_FLIGHT.into_iter().enumerate() {
        let of = |contestant: Contestant| &rates[contestant as usize * IN_FLIGHT.len() + column];
        let ours = median(of(Contestant::Tidings));
        for contestant in Contestant::ALL {
            let rates = of(contestant);
            let (Some(least), Some(most)) = (
                rates.iter().copied().reduce(f64::min),
                rates.iter().copied().reduce(f64::max),
            ) else {
                continue;
            };
            let middle = median(rates);
            let (title, ratio) = (contestant.title(), ours / middle);
            writeln!(
                table,
                "| {title} | {in_flight} | {middle:.0} | {least:.0} | {most:.0} | {ratio:.2} |"
            )
            .expect("a text can be written to");
        }
    }
    table
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
