//! What all layers together cost over the bare client: time and allocations of a call with 1 and with
//! 100 messages, to a provider that takes them at once.
//!
//! Run by `cargo xtask bench layers`. Both sides take their turns within one run, measured in the time
//! that the processor spent on them, so that other programs on the machine hardly count.

#![expect(
    clippy::print_stdout,
    reason = "a program at a terminal: its output is the result"
)]

mod instant;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use tidings::{Clock, Outbound, Provider, SystemClock};
use tokio::runtime::Runtime;

const ROUNDS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let sides = [instant::bare(), instant::behind_all_layers()];
    println!(
        "| messages a call | bare, ns a call | layered, ns a call | layers, ns a message | least | most \
         | allocations a call, bare | layered | bytes more a call |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for count in [1, 100] {
        let messages = instant::messages(count);
        // One round to warm up.
        let mut rounds: Vec<[f64; 2]> = (0..=ROUNDS)
            .map(|_| [0, 1].map(|side| call_ns(&runtime, &sides[side], &messages)))
            .collect();
        rounds.remove(0);
        let [bare, layered] = [0, 1].map(|side| median(rounds.iter().map(|round| round[side])));
        let per_message = |round: &[f64; 2]| (round[1] - round[0]) / as_float(count);
        let difference = median(rounds.iter().map(per_message));
        let least = rounds.iter().map(per_message).fold(f64::INFINITY, f64::min);
        let most = rounds.iter().map(per_message).fold(0.0, f64::max);
        let [before, with] = [0, 1].map(|side| allocations(&runtime, &sides[side], &messages));
        println!(
            "| {count} | {bare:.0} | {layered:.0} | {difference:.1} | {least:.1} | {most:.1} | {} | {} | {} |",
            before.count_total,
            with.count_total,
            with.bytes_total - before.bytes_total,
        );
    }
    Ok(())
}

/// Nanoseconds of one call, on average over one round.
fn call_ns(runtime: &Runtime, provider: &Arc<dyn Provider>, messages: &[Outbound]) -> f64 {
    let calls = 200_000 / (1 + messages.len() / 10);
    let began = time_spent();
    runtime.block_on(async {
        for _ in 0..calls {
            let results = provider.submit(black_box(messages)).await;
            let _results = black_box(results.expect("every message is taken"));
        }
    });
    let took = time_spent().saturating_sub(began);
    took.as_secs_f64() * 1e9 / as_float(calls)
}

/// What the processor has spent on this thread, to within a tick of some milliseconds; where the
/// system does not tell, the time that has passed.
fn time_spent() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().map(str::parse);
    match nanoseconds {
        Some(Ok(nanoseconds)) => Duration::from_nanos(nanoseconds),
        _ => SystemClock::new().elapsed(),
    }
}

fn allocations(
    runtime: &Runtime,
    provider: &Arc<dyn Provider>,
    messages: &[Outbound],
) -> AllocationInfo {
    measure(|| drop(black_box(runtime.block_on(provider.submit(messages)))))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn as_float(count: usize) -> f64 {
    count as f64
}
