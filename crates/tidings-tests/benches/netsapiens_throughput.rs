//! Messages per second of the NetSapiens client beside a bare `hyper` client and a Python loop, against
//! the same server and all in TLS: with 1 and with 64 calls in flight. The Python client that people
//! use with this API is in no package index, so the loop makes its calls as it does, with `aiohttp`: a
//! session, and so a connection and a handshake, for every call.
//!
//! `--calls tidings|pooled|hyper IN_FLIGHT N` makes N calls on one thread and nothing else, for a tool
//! that counts instructions: a difference of two such runs is exact where seconds are not.
//!
//! Run by `cargo xtask bench netsapiens`, which makes the Python environment and passes its
//! interpreter. The server is a process of its own that answers at once; on a machine of two cores it
//! shares them with the client, so the ratios are what counts. Prints a table in Markdown.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]

mod throughput;

use std::sync::Arc;

use bytes::Bytes;
use tidings::E164;
use tidings::netsapiens::{Client, Message};

use throughput::{AnyError, BareCall, Counter, Length, Load, Mode, Options, Target, Track, Wire};

const IN_FLIGHT: [usize; 2] = [1, 64];

const USERNAME: &str = "200@example.test";
const PASSWORD: &str = "bench-password";
const FROM: &str = "+15550109876";
const TO: &str = "+15550101234";
const TEXT: &str = "Your parcel is on its way. It comes tomorrow between 9 and 12.";

fn main() -> Result<(), AnyError> {
    match Mode::from_arguments()? {
        Mode::Serve(wire) => throughput::serve(wire, answer),
        Mode::Calls(what) => throughput::calls(&what, Wire::Tls, answer, tidings),
        Mode::Compare(options) => compare(&options),
    }
}

// ---- the wire ----

const TOKEN: &str = r#"{"username":"200@example.test","user":"200","domain":"example.test",
"uid":"200@example.test","scope":"Basic User","access_token":"00112233445566778899aabbccddeeff",
"expires_in":3600,"token_type":"Bearer","refresh_token":"ffeeddccbbaa99887766554433221100"}"#;
const ACCEPTED: &str = r#"{"code":202,"message":"Accepted"}"#;

/// Every client but the bare ones signs in first.
fn answer(request: &Bytes) -> Bytes {
    let is_sign_in = request
        .windows(10)
        .take(200)
        .any(|part| part == b"grant_type");
    Bytes::from_static(if is_sign_in { TOKEN } else { ACCEPTED }.as_bytes())
}

fn connect(target: &Target) -> Result<Client, AnyError> {
    let client = Client::builder()
        .base_url(target.base_url())
        .password("bench", "bench-secret", USERNAME, PASSWORD)
        .from_number(E164::parse_possible(FROM, None)?)
        .http(target.http_client()?)
        .build()?;
    Ok(client)
}

fn message() -> Result<Message, AnyError> {
    Ok(Message::sms([E164::parse_possible(TO, None)?], TEXT))
}

async fn tidings(target: Target, in_flight: usize, length: Length) -> Result<f64, AnyError> {
    let client = connect(&target)?;
    let message = message()?;
    let task = |counter: Arc<Counter>| {
        let (client, message) = (client.clone(), message.clone());
        async move {
            while !counter.is_over() {
                client.send(&message).await?;
                counter.count();
            }
            Ok(())
        }
    };
    throughput::measure(in_flight, length, task).await
}

// ---- the comparison ----

const SCRIPT: &str = include_str!("netsapiens_aiohttp.py");

fn compare(options: &Options) -> Result<(), AnyError> {
    let track = Track::new(Wire::Tls)?;
    let call = BareCall::of(&track.runtime, answer, tidings)?;
    let mut rows = Vec::new();
    for in_flight in IN_FLIGHT {
        let load = Load {
            in_flight,
            messages_per_call: 1,
        };
        rows.push(track.hyper(load, call.clone()));
        rows.push(track.pooled(load, call.clone()));
        rows.push(track.ours("`tidings::netsapiens::Client::send`", load, tidings));
        if let Some(interpreter) = options.python("aiohttp") {
            let title = "`aiohttp` 3.14.5, a connection per call";
            let arguments = [USERNAME, PASSWORD, FROM, TO, TEXT];
            rows.push(track.python(title, load, interpreter, SCRIPT, &arguments));
        }
    }
    print!("{}", throughput::compare(&rows, options)?);
    Ok(())
}
