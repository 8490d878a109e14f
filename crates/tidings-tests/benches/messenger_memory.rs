//! How much memory a million messages take on their way through `Messenger::send_many` to the provider in
//! memory, which keeps none of them, and how many pass in a second.
//!
//! Run by `cargo xtask bench messenger`. The memory is counted allocation by allocation, so it does not
//! depend on the machine's load; the speed does.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use futures_util::stream::{self, Stream, StreamExt as _};
use tidings::memory::MemoryProvider;
use tidings::messenger::{Messenger, VerdictOrder};
use tidings::{Clock as _, E164, Message, Provider as _, SystemClock};
use tokio::runtime::Runtime;

const MESSAGES: usize = 1_000_000;

const LIMIT_MEBIBYTES: f64 = 64.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build()?;
    println!("{MESSAGES} messages through `send_many` to the provider in memory:\n");
    println!("| texts | order | memory at the most | messages a second |");
    println!("|---|---|---|---|");
    let mut highest = 0.0_f64;
    for mixes in [true, false] {
        for order in [VerdictOrder::Given, VerdictOrder::AsTheyCome] {
            let mut counted = Ok(Duration::ZERO);
            let info = measure(|| counted = send(&runtime, mixes, order));
            counted?;
            let took = send(&runtime, mixes, order)?;
            let (peak, rate) = (mebibytes(info.bytes_max), per_second(took));
            let texts = if mixes {
                "mixed in a call"
            } else {
                "alike in a call"
            };
            println!("| {texts} | {order:?} | {peak:.1} MiB | {rate:.0} |");
            highest = highest.max(peak);
        }
    }
    if let Some(resident) = peak_resident() {
        println!("\nThe whole process at its highest: {resident}.");
    }
    if highest >= LIMIT_MEBIBYTES {
        return Err(format!("{highest:.1} MiB, the limit is {LIMIT_MEBIBYTES}").into());
    }
    Ok(())
}

/// Sends a million messages, and tells how long that took.
fn send(runtime: &Runtime, mixes: bool, order: VerdictOrder) -> Result<Duration, Box<dyn Error>> {
    let provider = MemoryProvider::new();
    provider.keep_last(0);
    let mut capabilities = provider.capabilities();
    capabilities.mixed_texts_per_call = mixes;
    provider.set_capabilities(capabilities);
    let messenger = Messenger::builder()
        .account("main", Arc::new(provider.clone()))
        .build()?;
    let messages = messages()?;
    let clock = SystemClock::new();
    let began = clock.elapsed();
    let verdicts = messenger.send_many(messages, order);
    let sent = verdicts.filter(|verdict| std::future::ready(verdict.outcome.is_ok()));
    let n_sent = runtime.block_on(sent.count());
    let took = clock.elapsed().saturating_sub(began);
    if n_sent != MESSAGES || provider.taken() != MESSAGES as u64 {
        return Err("some messages were not sent".into());
    }
    Ok(took)
}

/// A million messages of three texts.
fn messages() -> Result<impl Stream<Item = Message> + Send, Box<dyn Error>> {
    let texts = [
        "Your parcel is on its way.",
        "Your parcel is here.",
        "We open at nine.",
    ];
    let texts: [Arc<str>; 3] = texts.map(Into::into);
    let to = E164::parse("+224622000001", None)?;
    let message = move |index| Message::new(to, Arc::clone(&texts[index % texts.len()]));
    Ok(stream::iter(0..MESSAGES).map(message))
}

/// The most memory that the system gave to this process, where the system tells.
fn peak_resident() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1_u32 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "a million")]
fn per_second(took: Duration) -> f64 {
    MESSAGES as f64 / took.as_secs_f64()
}
