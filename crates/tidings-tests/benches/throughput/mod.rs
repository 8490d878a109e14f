//! What the comparisons of clients share: a server that answers at once, plainly or in TLS, loops over
//! bare `hyper` clients, Python programs as processes, and rounds in which every row takes its turn.
//!
//! Used by the benches named after a provider, which say what is sent and what their contestants
//! are. Knows no provider.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings::{Clock as _, SystemClock};
use tidings_tests::{Answer, Recorder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub(crate) use server::{Answers, Server, Wire, serve};
pub(crate) use table::{Load, Row};
pub(crate) use target::Target;

mod server;
mod table;
mod target;

pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What is agreed on in a TLS handshake: every client and the server speak HTTP/1.1 and nothing else.
const HTTP1: &[u8] = b"http/1.1";

const ROUNDS: usize = 7;
const RUN: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(500);
/// For those who want to see whether it works at all.
const QUICK_RUN: Duration = Duration::from_millis(150);

// ---- the program's arguments ----

/// What the program was started for.
pub(crate) enum Mode {
    /// To be the server of another one.
    Serve(Wire),
    /// To make calls and nothing else, for a tool that counts instructions: a difference of two such
    /// runs is exact where seconds are not. The client, how many calls are in flight, how many calls.
    Calls([String; 3]),
    Compare(Options),
}

/// How a comparison is made.
#[derive(Default)]
pub(crate) struct Options {
    /// Vendors' packages: what the bench calls each, and an interpreter that has it.
    pub(crate) pythons: Vec<(String, PathBuf)>,
    /// One short round, whose numbers mean nothing.
    pub(crate) is_quick: bool,
}

impl Options {
    pub(crate) fn python(&self, name: &str) -> Option<&Path> {
        let found = self.pythons.iter().find(|(known, _)| known == name);
        found.map(|(_, interpreter)| interpreter.as_path())
    }
}

impl Mode {
    /// `--serve`, `--serve-tls`, `--calls CLIENT IN_FLIGHT N`, or any of `--python NAME INTERPRETER`
    /// and `--quick`.
    /// The `--bench` that cargo adds is no argument of ours.
    pub(crate) fn from_arguments() -> Result<Self, AnyError> {
        let mut arguments = std::env::args().skip(1);
        let mut options = Options::default();
        let next = |arguments: &mut dyn Iterator<Item = String>| {
            arguments.next().ok_or("an argument is missing")
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--serve" => return Ok(Self::Serve(Wire::Plain)),
                "--serve-tls" => return Ok(Self::Serve(Wire::Tls)),
                "--calls" => {
                    let client = next(&mut arguments)?;
                    let in_flight = next(&mut arguments)?;
                    return Ok(Self::Calls([client, in_flight, next(&mut arguments)?]));
                }
                "--python" => {
                    let name = next(&mut arguments)?;
                    options.pythons.push((name, next(&mut arguments)?.into()));
                }
                "--quick" => options.is_quick = true,
                "--bench" => {}
                unknown => return Err(format!("what is {unknown}?").into()),
            }
        }
        Ok(Self::Compare(options))
    }
}

// ---- the clients ----

/// How long a run goes on.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    Time(Duration),
    Calls(u64),
}

/// What the tasks of a run share.
pub(crate) struct Counter {
    is_over: AtomicBool,
    n_calls: AtomicU64,
    n_most: u64,
}

impl Counter {
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) {
        if self.n_calls.fetch_add(1, Ordering::Relaxed) + 1 >= self.n_most {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}

/// Lets so many tasks call until the run is over, and says how many calls there were per second.
/// Each task counts its calls and ends when the counter says so.
pub(crate) async fn measure<T>(
    in_flight: usize,
    length: Length,
    task: impl Fn(Arc<Counter>) -> T,
) -> Result<f64, AnyError>
where
    T: Future<Output = Result<(), AnyError>> + Send + 'static,
{
    let n_most = match length {
        Length::Time(_) => u64::MAX,
        Length::Calls(count) => count,
    };
    let counter = Arc::new(Counter {
        is_over: AtomicBool::new(false),
        n_calls: AtomicU64::new(0),
        n_most,
    });
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        tasks.spawn(task(Arc::clone(&counter)));
    }
    let clock = SystemClock::new();
    let started = clock.now();
    if let Length::Time(time) = length {
        tokio::time::sleep(time).await;
        counter.is_over.store(true, Ordering::Relaxed);
    }
    let n_calls = counter.n_calls.load(Ordering::Relaxed);
    let elapsed = clock.now().since(started);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(per_second(n_calls, elapsed))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_second(n_calls: u64, elapsed: Duration) -> f64 {
    n_calls as f64 / elapsed.as_secs_f64()
}

/// A call with everything in it made beforehand: what our client sends, byte for byte, and what it is
/// answered.
#[derive(Clone)]
pub(crate) struct BareCall {
    path: String,
    headers: HeaderMap,
    body: Bytes,
    answer: Bytes,
}

impl BareCall {
    /// Writes down what our client sends in one call; what it has to do before that, such as signing
    /// in, is left out. `run` is as for [`Track::ours`].
    pub(crate) fn of<T>(
        runtime: &Runtime,
        answers: Answers,
        run: impl FnOnce(Target, usize, Length) -> T,
    ) -> Result<Self, AnyError>
    where
        T: Future<Output = Result<f64, AnyError>>,
    {
        let recorder = Recorder::answering(move |call| {
            let answer = answers(&Bytes::copy_from_slice(call.body.as_bytes()));
            Answer::json(String::from_utf8_lossy(&answer).into_owned())
        });
        let target = Target::plain(recorder.address().to_string());
        runtime.block_on(run(target, 1, Length::Calls(1)))?;
        let calls = recorder.calls();
        let call = calls.last().ok_or("no call was made")?;
        let n_calls = calls.iter().filter(|other| other.call == call.call).count();
        if n_calls != 1 {
            return Err(format!("{n_calls} calls were made for one").into());
        }
        let path = call.call.strip_prefix("POST ").ok_or("no POST was made")?;
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            // What `hyper` writes itself.
            if !["host", "content-length"].contains(&name.to_lowercase().as_str()) {
                headers.append(HeaderName::from_bytes(name.as_bytes())?, value.parse()?);
            }
        }
        let body = Bytes::from(call.body.clone());
        Ok(Self {
            path: path.to_owned(),
            headers,
            answer: answers(&body),
            body,
        })
    }

    fn request(
        &self,
        request: http::request::Builder,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = request.body(Full::new(self.body.clone()))?;
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.clone()));
        request.headers_mut().extend(headers);
        Ok(request)
    }

    async fn check(&self, answer: Response<Incoming>) -> Result<(), AnyError> {
        let answer = answer.into_body().collect().await?.to_bytes();
        if answer != self.answer {
            return Err("the server gave another answer".into());
        }
        Ok(())
    }
}

/// A loop over one connection per task, with nothing around it.
pub(crate) async fn bare_hyper(
    target: &Target,
    call: &BareCall,
    in_flight: usize,
    length: Length,
) -> Result<f64, AnyError> {
    let task = |counter: Arc<Counter>| {
        let (call, target) = (call.clone(), target.clone());
        async move {
            let connection = TcpStream::connect(&target.address).await?;
            connection.set_nodelay(true)?;
            match &target.trust {
                None => call_over(connection, &target, &call, &counter).await,
                Some(trust) => {
                    let connection = trust.connect(connection).await?;
                    call_over(connection, &target, &call, &counter).await
                }
            }
        }
    };
    measure(in_flight, length, task).await
}

/// Makes a call after the other over one connection.
async fn call_over(
    connection: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    target: &Target,
    call: &BareCall,
    counter: &Counter,
) -> Result<(), AnyError> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
    let (mut sender, connection) = handshake;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    while !counter.is_over() {
        let request = call.request(Request::post(&call.path).header(HOST, &target.address))?;
        call.check(sender.send_request(request).await?).await?;
        counter.count();
    }
    Ok(())
}

/// The same request through the pool that our client is built on, with nothing of ours around it.
pub(crate) async fn pooled(
    target: &Target,
    call: &BareCall,
    in_flight: usize,
    length: Length,
) -> Result<f64, AnyError> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let builder = Client::builder(TokioExecutor::new());
    let uri = format!("{}{}", target.base_url(), call.path);
    match &target.trust {
        None => through(builder.build(connector), uri, call, in_flight, length).await,
        Some(trust) => {
            connector.enforce_http(false);
            let client = builder.build(trust.around(connector));
            through(client, uri, call, in_flight, length).await
        }
    }
}

async fn through<C>(
    client: Client<C, Full<Bytes>>,
    uri: String,
    call: &BareCall,
    in_flight: usize,
    length: Length,
) -> Result<f64, AnyError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let task = |counter: Arc<Counter>| {
        let (client, call, uri) = (client.clone(), call.clone(), uri.clone());
        async move {
            while !counter.is_over() {
                let request = call.request(Request::post(&uri))?;
                call.check(client.request(request).await?).await?;
                counter.count();
            }
            Ok(())
        }
    };
    measure(in_flight, length, task).await
}

/// A Python program in a process of its own: a script that prints how many calls it made per second.
fn python(
    interpreter: &Path,
    script: &str,
    target: &Target,
    arguments: &[String],
) -> Result<f64, AnyError> {
    let mut command = Command::new(interpreter);
    if let Some(trust) = &target.trust {
        command.env("SSL_CERT_FILE", trust.file());
    }
    let done = command
        .args(["-c", script])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !done.status.success() {
        return Err("the Python program failed".into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().parse()?)
}

/// Makes `n_calls` calls with a client and a few more where several are in flight, on one thread and
/// nothing else. `ours` is as for [`Track::ours`].
pub(crate) fn calls<T>(
    [client, in_flight, n_calls]: &[String; 3],
    wire: Wire,
    answers: Answers,
    ours: impl Fn(Target, usize, Length) -> T,
) -> Result<(), AnyError>
where
    T: Future<Output = Result<f64, AnyError>>,
{
    let in_flight = in_flight.parse()?;
    let length = Length::Calls(n_calls.parse()?);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let server = Server::start(wire)?;
    let call = BareCall::of(&runtime, answers, &ours)?;
    let target = &server.target;
    match client.as_str() {
        "hyper" => runtime.block_on(bare_hyper(target, &call, in_flight, length))?,
        "pooled" => runtime.block_on(pooled(target, &call, in_flight, length))?,
        "tidings" => runtime.block_on(ours(target.clone(), in_flight, length))?,
        _ => return Err("--calls hyper|pooled|tidings IN_FLIGHT N".into()),
    };
    Ok(())
}

// ---- the comparison ----

/// Where the contestants run: one server, and one run time for those that are written in Rust.
pub(crate) struct Track {
    pub(crate) runtime: Runtime,
    pub(crate) server: Server,
}

impl Track {
    pub(crate) fn new(wire: Wire) -> Result<Self, AnyError> {
        Ok(Self {
            runtime: Runtime::new()?,
            server: Server::start(wire)?,
        })
    }

    /// The client that all others with the same load are measured against. `run` is given the server
    /// and how many calls are to be in flight.
    pub(crate) fn ours<'r, T>(
        &'r self,
        title: &'static str,
        load: Load,
        run: impl Fn(Target, usize, Length) -> T + 'r,
    ) -> Row<'r>
    where
        T: Future<Output = Result<f64, AnyError>>,
    {
        let run = move |time| {
            let target = self.server.target.clone();
            let run = run(target, load.in_flight, Length::Time(time));
            self.runtime.block_on(run)
        };
        Row::new(title, load, run).ours()
    }

    pub(crate) fn hyper(&self, load: Load, call: BareCall) -> Row<'_> {
        let run = move |time| {
            let (target, length) = (&self.server.target, Length::Time(time));
            let run = bare_hyper(target, &call, load.in_flight, length);
            self.runtime.block_on(run)
        };
        Row::new("bare `hyper`, one connection per task", load, run)
    }

    pub(crate) fn pooled(&self, load: Load, call: BareCall) -> Row<'_> {
        let run = move |time| {
            let (target, length) = (&self.server.target, Length::Time(time));
            let run = pooled(target, &call, load.in_flight, length);
            self.runtime.block_on(run)
        };
        Row::new("bare `hyper-util`, its pool", load, run)
    }

    /// A Python program. The script's arguments are the base URL, how many calls are to be in
    /// flight, the seconds, and then those given here.
    pub(crate) fn python<'r>(
        &'r self,
        title: &'static str,
        load: Load,
        interpreter: &'r Path,
        script: &'r str,
        arguments: &[&str],
    ) -> Row<'r> {
        let given: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let run = move |time: Duration| {
            let target = &self.server.target;
            let mut arguments = vec![
                target.base_url(),
                load.in_flight.to_string(),
                time.as_secs_f64().to_string(),
            ];
            arguments.extend_from_slice(&given);
            python(interpreter, script, target, &arguments)
        };
        Row::new(title, load, run)
    }
}

/// Runs every row for a while, and that for some rounds; another row begins in each. Returns the
/// table in Markdown.
#[expect(clippy::print_stderr, reason = "somebody waits for minutes")]
pub(crate) fn compare(rows: &[Row<'_>], options: &Options) -> Result<String, AnyError> {
    let (rounds, run) = if options.is_quick {
        (1, QUICK_RUN)
    } else {
        (ROUNDS, RUN)
    };
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    for round in 0..=rounds {
        let what = if round == 0 { ": warming up" } else { "" };
        eprintln!("round {round} of {rounds}{what}");
        for turn in 0..rows.len() {
            let place = (turn + round) % rows.len();
            let time = if round == 0 { WARM_UP.min(run) } else { run };
            let rate = (rows[place].run)(time)?;
            if round > 0 {
                rates[place].push(rate);
            }
        }
    }
    Ok(table::markdown(rows, &rates))
}
