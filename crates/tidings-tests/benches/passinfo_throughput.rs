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
    reason = "a program at a terminal: its output is the result"
)]

mod throughput;

use std::sync::Arc;

use bytes::Bytes;
use tidings::{E164, SenderId, passinfo};

use throughput::{AnyError, BareCall, Counter, Length, Load, Mode, Options, Target, Track, Wire};

const IN_FLIGHT: [usize; 2] = [1, 64];

const KEY: &str = "bench-key-0123456789abcdef";
const CLIENT_ID: &str = "4711";
const TEXT: &str = "Bonjour, votre colis est en route. Il arrive demain entre 9 h et 12 h.";
const ANSWER: &str = r#"{"status":"success","message_id":"1234567890"}"#;

fn main() -> Result<(), AnyError> {
    match Mode::from_arguments()? {
        Mode::Serve(wire) => throughput::serve(wire, answer),
        Mode::Calls(what) => throughput::calls(&what, Wire::Plain, answer, tidings),
        Mode::Compare(options) => compare(&options),
    }
}

fn answer(_: &Bytes) -> Bytes {
    Bytes::from_static(ANSWER.as_bytes())
}

async fn tidings(target: Target, in_flight: usize, length: Length) -> Result<f64, AnyError> {
    let client = passinfo::Client::builder()
        .api_key(KEY)
        .client_id(CLIENT_ID)
        .base_url(target.base_url())
        .http(target.http_client()?)
        .build()?;
    let to: E164 = "+224622000001".parse()?;
    let from = SenderId::parse("Tidings")?;
    let task = |counter: Arc<Counter>| {
        let (client, from) = (client.clone(), from.clone());
        async move {
            while !counter.is_over() {
                client.send(&to, TEXT, Some(&from)).await?;
                counter.count();
            }
            Ok(())
        }
    };
    throughput::measure(in_flight, length, task).await
}

/// The vendor's client in threads.
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

fn compare(options: &Options) -> Result<(), AnyError> {
    let track = Track::new(Wire::Plain)?;
    let call = BareCall::of(&track.runtime, answer, tidings)?;
    let mut rows = Vec::new();
    for in_flight in IN_FLIGHT {
        let load = Load {
            in_flight,
            messages_per_call: 1,
        };
        rows.push(track.hyper(load, call.clone()));
        rows.push(track.pooled(load, call.clone()));
        rows.push(track.ours("`tidings::passinfo::Client::send`", load, tidings));
        if let Some(interpreter) = options.python("passinfo-sdk") {
            let title = "`passinfo-sdk` 1.0.2, one thread per call";
            let arguments = [KEY, CLIENT_ID, TEXT];
            rows.push(track.python(title, load, interpreter, SCRIPT, &arguments));
        }
    }
    print!("{}", throughput::compare(&rows, options)?);
    Ok(())
}
