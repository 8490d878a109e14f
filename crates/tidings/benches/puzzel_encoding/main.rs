//! What a call with a thousand messages costs in each of Puzzel's forms, read and written: heap
//! allocations and time. Run by hand: `cargo bench -p tidings --bench puzzel_encoding`.
//! Prints a table in Markdown. Medians of 41 rounds; the counts are the same in every run, and
//! `tests/puzzel_allocations.rs` holds them.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]
mod call;
mod clock;

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure;
use tidings::puzzel::encoding::{self, Encoding};
use tidings::puzzel::wire;

use self::call::{N_MESSAGES, call};

/// Where the program is only tried, as `cargo test --benches` does, one round is enough.
fn n_rounds() -> usize {
    if std::env::args().any(|argument| argument == "--bench") {
        41
    } else {
        1
    }
}

const MINIMAL: &str = r#""content":"Hei, pakken din er klar til henting. Koden er 1234.""#;
const FULL: &str = r#""content":"Hei, pakken din er klar til henting. Koden er 1234.","price":0,"clientReference":"ref-000001","settings":{"originatorSettings":{"originator":"Demo","originatorType":"Alphanumeric"},"priority":3,"validity":173,"differentiator":"group","newSession":false,"invoiceNode":"department","sendWindow":{"startDate":"2026-03-21","stopDate":"2026-03-22","startTime":"09:00:00","stopTime":"17:00:00"},"autoDetectEncoding":true,"parameter":[{"key":"parsing-type","value":"AUTO_DETECT"}]}"#;

fn main() {
    println!(
        "| call of {N_MESSAGES} messages | form | bytes | read: allocations | read: µs | written: allocations | written: µs |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|");
    for (name, members) in [("recipient and text", MINIMAL), ("every field", FULL)] {
        let body = call(members);
        let request = read(Encoding::Json, body.as_bytes());
        for form in [Encoding::Json, Encoding::Xml, Encoding::Form] {
            let bytes = write(form, &request);
            assert_eq!(read(form, &bytes), request);
            let reading = Figures::of(|| drop(black_box(read(form, black_box(&bytes)))));
            let writing = Figures::of(|| drop(black_box(write(form, black_box(&request)))));
            println!(
                "| {name} | {form:?} | {} | {reading} | {writing} |",
                bytes.len()
            );
        }
        // Beside it: the same bytes into a tree of any JSON, and out of it.
        let tree = serde_json::from_str::<serde_json::Value>(&body).expect("the call is JSON");
        let reading = Figures::of(|| {
            drop(black_box(serde_json::from_str::<serde_json::Value>(
                black_box(&body),
            )));
        });
        let writing = Figures::of(|| drop(black_box(serde_json::to_vec(black_box(&tree)))));
        println!(
            "| {name} | JSON as a tree, for comparison | {} | {reading} | {writing} |",
            body.len()
        );
    }
}

struct Figures {
    allocations: u64,
    median: Duration,
}

impl Figures {
    fn of(work: impl Fn()) -> Self {
        let allocations = measure(&work).count_total;
        let mut times: Vec<Duration> = (0..n_rounds()).map(|_| clock::time(&work)).collect();
        times.sort();
        Self {
            allocations,
            median: times[times.len() / 2],
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} | {}", self.allocations, self.median.as_micros())
    }
}

fn read(form: Encoding, bytes: &[u8]) -> wire::GatewayRequest {
    encoding::read(form, bytes).expect("what was written is read")
}

fn write(form: Encoding, request: &wire::GatewayRequest) -> bytes::Bytes {
    encoding::write(form, request).expect("all texts fit into all forms")
}
