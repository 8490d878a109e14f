//! Messages per second of the Puzzel client beside a bare `hyper` client and the vendor's Python
//! packages, against the same server: with 1 and with 64 calls in flight, and with 1 and with 100
//! messages in each call.
//!
//! `--calls tidings|pooled|hyper IN_FLIGHT N` makes N calls on one thread and nothing else, for a tool
//! that counts instructions: a difference of two such runs is exact where seconds are not.
//!
//! Run by `cargo xtask bench puzzel`, which makes the Python environments and passes their
//! interpreters. The server is a process of its own that answers at once; on a machine of two cores
//! it shares them with the client, so the ratios are what counts. Prints a table in Markdown.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]

mod throughput;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tidings::{E164, E164Error, puzzel};

use throughput::{AnyError, BareCall, Counter, Length, Load, Mode, Options, Target, Track, Wire};

const IN_FLIGHT: [usize; 2] = [1, 64];
const MESSAGES: [u16; 2] = [1, 100];

const SERVICE_ID: i64 = 1000;
const USERNAME: &str = "bench";
const PASSWORD: &str = "bench-password";
const TEXT: &str = "Hei, pakken din er underveis. Den kommer i morgen mellom 9 og 12.";

fn main() -> Result<(), AnyError> {
    match Mode::from_arguments()? {
        Mode::Serve(wire) => throughput::serve(wire, answer),
        Mode::Calls(what) => throughput::calls(&what, Wire::Plain, answer, ours_with(1)),
        Mode::Compare(options) => compare(&options),
    }
}

// ---- the wire ----

/// A call has either one message or as many as the large one; its length tells which.
fn answer(request: &Bytes) -> Bytes {
    static ANSWERS: LazyLock<[Bytes; 2]> = LazyLock::new(|| MESSAGES.map(answer_of));
    let [one, many] = &*ANSWERS;
    let answer = if request.len() < 2_000 { one } else { many };
    answer.clone()
}

fn answer_of(messages: u16) -> Bytes {
    let status = |index: u16| {
        json!({
            "statusCode": 1,
            "statusMessage": "Message enqueued for sending",
            "clientReference": null,
            "recipient": recipient(index),
            "messageId": format!("7a{index:08}00"),
            "sessionId": null,
            "sequenceIndex": index + 1,
        })
    };
    let statuses: Vec<Value> = (0..messages).map(status).collect();
    let answer = json!({
        "batchReference": "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11",
        "messageStatus": statuses,
    });
    Bytes::from(answer.to_string())
}

fn recipient(index: u16) -> String {
    format!("+47{}", 41_000_000 + u32::from(index))
}

/// Everything that our client is asked for, with so many messages in each call.
async fn tidings(
    target: Target,
    in_flight: usize,
    messages: u16,
    length: Length,
) -> Result<f64, AnyError> {
    let client = puzzel::Client::builder()
        .service_id(SERVICE_ID)
        .username(USERNAME)
        .password(PASSWORD)
        .base_url(target.base_url())
        .http(target.http_client()?)
        .build()?;
    // Numbers that were read once, as programs keep them.
    let message = |index| {
        let to: E164 = recipient(index).parse()?;
        Ok(puzzel::Message::new(to, TEXT))
    };
    let messages: Result<Arc<[puzzel::Message]>, E164Error> = (0..messages).map(message).collect();
    let messages = messages?;
    let options = Arc::new(puzzel::SendOptions::new());
    let task = |counter: Arc<Counter>| {
        let (client, messages, options) =
            (client.clone(), Arc::clone(&messages), Arc::clone(&options));
        async move {
            while !counter.is_over() {
                let outcome = client.send(&messages, &options).await?;
                if !outcome.is_complete() {
                    return Err("a message was not taken".into());
                }
                counter.count();
            }
            Ok(())
        }
    };
    throughput::measure(in_flight, length, task).await
}

/// As [`tidings`], with so many messages in each call.
fn ours_with(
    messages: u16,
) -> impl Fn(Target, usize, Length) -> BoxFuture<'static, Result<f64, AnyError>> + Copy {
    move |target, in_flight, length| Box::pin(tidings(target, in_flight, messages, length))
}

// ---- the comparison ----

/// The vendor's packages: what `cargo xtask bench` calls them, the title, and what drives them.
const PACKAGES: [(&str, &str, &str); 2] = [
    (
        "v2",
        "`puzzel-sms-gateway-client` 2.0.4, one thread per call",
        include_str!("puzzel_v2.py"),
    ),
    (
        "v3",
        "`puzzel-sms-gateway-client` 3.0.1, one task per call",
        include_str!("puzzel_v3.py"),
    ),
];

fn compare(options: &Options) -> Result<(), AnyError> {
    let track = Track::new(Wire::Plain)?;
    let service_id = SERVICE_ID.to_string();
    let mut rows = Vec::new();
    for messages_per_call in MESSAGES {
        let ours = ours_with(messages_per_call);
        let call = BareCall::of(&track.runtime, answer, ours)?;
        for in_flight in IN_FLIGHT {
            let load = Load {
                in_flight,
                messages_per_call,
            };
            rows.push(track.hyper(load, call.clone()));
            rows.push(track.pooled(load, call.clone()));
            rows.push(track.ours("`tidings::puzzel::Client::send`", load, ours));
            for (name, title, script) in PACKAGES {
                let Some(interpreter) = options.python(name) else {
                    continue;
                };
                let messages = messages_per_call.to_string();
                let arguments = [&messages, &service_id, USERNAME, PASSWORD, TEXT];
                rows.push(track.python(title, load, interpreter, script, &arguments));
            }
        }
    }
    print!("{}", throughput::compare(&rows, options)?);
    Ok(())
}
