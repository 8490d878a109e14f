//! Kills a gateway again and again while it works, and asks at the end whether it kept its word.
//!
//! Started by `cargo xtask chaos`. A real gateway (`tidings serve`) stands between load and simulated
//! carriers (`tidings sim`), each a process of its own; the carriers survive. The load comes through the
//! gateway's own API, single messages and batches, and through the API of every provider with that
//! provider's own client. At the end what was answered, what the carriers received, what the database holds
//! and what the API says are compared. `docs/reliability.md` describes it for readers.
//!
//! In reading order: `options.rs`, `stage.rs` (the processes), `load.rs`, `verdict.rs`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool at a terminal: its output is the result"
)]

mod disk;
mod load;
mod options;
mod stage;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidings::{Clock as _, SystemClock};

use crate::load::Load;
use crate::options::Options;
use crate::stage::Stage;

fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(what) => {
            eprintln!("chaos: {what}");
            return ExitCode::FAILURE;
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("the machine has two threads to spare");
    let kept_its_word = runtime.block_on(run(&options));
    if kept_its_word {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether the gateway kept its word.
async fn run(options: &Options) -> bool {
    println!("{options}");
    let clock = SystemClock::new();
    let began = clock.elapsed();
    let mut random = fastrand::Rng::with_seed(options.seed);
    let mut stage = Stage::set_up(options);
    stage.start_gateway().await;
    let load = Arc::new(Load::new(&stage));
    let mut working = load.start(&stage, options.seed);
    let mut restarts = Vec::new();
    for kill in 0..options.kills {
        stage.disk_before_kill(kill, options.kills);
        let millis = random.u64(options.least_ms..options.most_ms);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        if options.clock_jumps {
            // While it runs, too.
            stage.shift_clock(random.i64(-7_200..=7_200));
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
        }
        stage.kill_gateway();
        if options.clock_jumps {
            stage.shift_clock(random.i64(-7_200..=7_200));
        }
        let down = clock.elapsed();
        stage.start_gateway().await;
        restarts.push(clock.elapsed().saturating_sub(down));
    }
    let killing = clock.elapsed().saturating_sub(began);
    stage.disk_at_end();
    load.stop();
    while let Some(ended) = working.join_next().await {
        ended.expect("the load does not panic");
    }
    if options.clock_jumps {
        // What became due at the furthest time is due now.
        stage.shift_clock(7_200 + 600);
    }
    let before = clock.elapsed();
    let is_settled = stage.settle(options.patience).await;
    let settling = clock.elapsed().saturating_sub(before);
    let told = load.ask(&stage).await;
    stage.end_gateway();
    let mut verdict = verdict::compare(&stage, &load, told, is_settled).await;
    restarts.sort_unstable();
    let middle = restarts.get(restarts.len() / 2).copied();
    let times = [
        (
            "ready after a kill, median, ms",
            middle.map(|it| it.as_millis()),
        ),
        (
            "ready after a kill, longest, ms",
            restarts.last().map(Duration::as_millis),
        ),
        ("under load, s", Some(killing.as_secs().into())),
        (
            "until nothing moved any more, s",
            Some(settling.as_secs().into()),
        ),
    ];
    for (what, number) in times {
        verdict.number(
            what,
            usize::try_from(number.unwrap_or_default()).unwrap_or_default(),
        );
    }
    verdict.print(options);
    if !verdict.is_kept() {
        eprintln!("the files are kept in {}", stage.keep().display());
    }
    verdict.is_kept()
}
