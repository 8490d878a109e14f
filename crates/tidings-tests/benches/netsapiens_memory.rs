//! How much memory a message with a file of 1 MiB takes while it is sent to a NetSapiens PBX.
//!
//! Run by `cargo xtask bench netsapiens` after the comparison of speeds, which is a program of its own
//! because counting allocations costs time. Nothing here depends on the machine's load.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]

use std::error::Error;

use allocation_counter::{AllocationInfo, measure};
use tidings::netsapiens::{Client, Message};
use tidings::{E164, Media};
use tidings_tests::{Answer, Recorder};
use tokio::runtime::Runtime;

const MEBIBYTE: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let server = Recorder::answering(|call| {
        let is_sign_in = call.call.ends_with("/tokens");
        let token = r#"{"access_token":"00112233445566778899aabbccddeeff","expires_in":3600}"#;
        let accepted = r#"{"code":202,"message":"Accepted"}"#;
        Answer::json(if is_sign_in { token } else { accepted })
    });
    // The server has a thread of its own, everything of the client runs on this one.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let client = Client::builder()
        .base_url(server.base_url())
        .password(
            "bench",
            "bench-secret",
            "200@example.test",
            "bench-password",
        )
        .from_number(E164::parse_possible("+15550109876", None)?)
        .build()?;

    let to = E164::parse_possible("+15550101234", None)?;
    let begin = b"\x89PNG\r\n\x1a\n".iter().copied();
    let content: Vec<u8> = begin.chain((0..=u8::MAX).cycle()).take(MEBIBYTE).collect();
    let file = Media::new("image/png", content)?;
    let text = Message::sms([to], "Your parcel is on its way.");
    let with_file = Message::mms([to], file, "Your parcel is on its way.");
    // Signs in, and opens the connection that is used again.
    runtime.block_on(client.send(&text))?;
    let without = peak(&runtime, &client, &text)?.bytes_max;
    let with = peak(&runtime, &client, &with_file)?.bytes_max;
    println!(
        "\nA message with a file of 1 MiB: {with} bytes of memory at the most besides the file, {:.2} times \
         the file with it included; a message without one: {without} bytes.",
        times(with) + 1.0,
    );
    Ok(())
}

/// What one call takes at the most.
fn peak(
    runtime: &Runtime,
    client: &Client,
    message: &Message,
) -> Result<AllocationInfo, Box<dyn Error>> {
    let mut done = Ok(());
    let info = measure(|| done = runtime.block_on(client.send(message)).map(drop));
    done?;
    Ok(info)
}

#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn times(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE as f64
}
