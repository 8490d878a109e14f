//! Kills a gateway again and again while it works, and asks at the end whether it kept its word.
//!
//! Started by `cargo xtask chaos`. A real gateway (`tidings serve`) stands between load and simulated
//! carriers (`tidings sim`), each a process of its own; the carriers survive. The load comes through the
//! gateway's own API, single messages and batches, and through the API of every provider with that
//! provider's own client. At the end what was answered, what the carriers received, what the database holds
//! and what the API says are compared. `docs/reliability.md` describes it for readers.
//!
//! In reading order: `options.rs`, `place.rs` (the files and their disk), `stage.rs` and `gateway.rs` (the
//! processes), `load.rs`, `world.rs` (what is gathered), `verdict/` (what is concluded), `summary.rs`.
//!
//! Its last line is its verdict, however it ends: `cargo xtask chaos` believes nothing else.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool at a terminal: its output is the result"
)]

mod gateway;
mod load;
mod options;
mod place;
mod stage;
mod summary;
mod verdict;
mod world;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tidings::{Clock as _, SystemClock};
use tokio::task::JoinSet;

use crate::load::Load;
use crate::options::Options;
use crate::place::Place;
use crate::stage::Stage;
use crate::summary::Course;
use crate::verdict::{Fault, Verdict};

/// How far the gateway's clock is set off at the most, in seconds.
const FURTHEST_SECONDS: i64 = 7_200;

/// How often is told how far it is, in kills.
const TELL_EVERY: u32 = 25;

/// How long is waited until a full disk is felt: before it needs more room, a gateway writes over a log
/// that is in the database already.
const FULL_PATIENCE: Duration = Duration::from_secs(5);

/// How long the gateway may take to go on when there is room again.
const ROOM_PATIENCE: Duration = Duration::from_secs(20);

/// So many more messages mean that the gateway goes on.
const GOES_ON: u64 = 20;

fn main() -> ExitCode {
    let (options, place) = match begin() {
        Ok(begun) => begun,
        Err(what) => {
            eprintln!("chaos: {what}");
            println!("no verdict: nothing was begun");
            return ExitCode::FAILURE;
        }
    };
    println!("{options}");
    println!("files: {}", place.path("").display());
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("the machine has two threads to spare");
    let run = async {
        tokio::select! {
            ended = run(&options, &place) => ended,
            () = told_to_end() => Err("it was told to end before its run was over".to_owned()),
        }
    };
    let ended = match runtime.block_on(AssertUnwindSafe(run).catch_unwind()) {
        Ok(Ok(true)) => {
            place.remove();
            println!("verdict: it kept its word");
            return ExitCode::SUCCESS;
        }
        Ok(Ok(false)) => "verdict: it did not keep its word".to_owned(),
        Ok(Err(why)) => {
            eprintln!("chaos: {why}");
            "no verdict: the run could not go on".to_owned()
        }
        // The panic has said why.
        Err(_) => "no verdict: the run broke off".to_owned(),
    };
    println!(
        "the files are kept in {}; gateway.log is the gateway's",
        place.keep().display()
    );
    println!("{ended}");
    ExitCode::FAILURE
}

/// Ends when somebody wants the run to end: so that no process and no file system is left behind.
async fn told_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = signal(SignalKind::terminate());
        let mut terminated = terminated.expect("the system lets programs listen for signals");
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await.ok();
}

fn begin() -> Result<(Options, Place), String> {
    let options = Options::of(std::env::args().skip(1))?;
    let place = Place::make(options.full_disk)?;
    Ok((options, place))
}

/// Whether the gateway kept its word.
async fn run(options: &Options, place: &Place) -> Result<bool, String> {
    let clock = SystemClock::new();
    let mut stage = Stage::set_up(options, place);
    stage.start_gateway(false).await?;
    let load = Arc::new(Load::new(&stage));
    let mut working = load.start(&stage, options.seed);
    let began = clock.elapsed();
    let mut kills = Kills {
        random: fastrand::Rng::with_seed(options.seed),
        restarts: Vec::new(),
        disks: Disks::default(),
        faults: Vec::new(),
    };
    for kill in 0..options.kills {
        kills.next(kill, options, &mut stage, &load).await?;
        if (kill + 1) % TELL_EVERY == 0 && kill + 1 < options.kills {
            println!("{} kills, {} accepted", kill + 1, load.n_accepted());
        }
    }
    stage.empty_disk();
    let loading = clock.elapsed().saturating_sub(began);
    load.stop();
    finish(&mut working, options, &mut kills).await;
    if options.clock_jumps {
        // What became due at the furthest time is due now.
        stage.shift_clock(FURTHEST_SECONDS + 600);
    }
    let before = clock.elapsed();
    if let Err(rest) = stage.settle(options.patience).await {
        kills.saw(Fault::StillMoving, rest);
    }
    let settling = clock.elapsed().saturating_sub(before);
    let told = world::ask(&stage).await?;
    if !stage.end_gateway().await {
        kills.saw(Fault::EndedByItself, "it did not end when it was asked to");
    }
    let mut world = world::gather(&stage, &load, told).await?;
    let course = Course {
        restarts: kills.restarts,
        loading,
        settling,
        disk_refusals: load.disk_refusals(),
        disks: kills.disks,
        refused_starts: stage.refused_starts(),
    };
    for (fault, which) in kills.faults {
        world.saw(fault, which);
    }
    if options.full_disk && (course.disk_refusals == 0 || course.disks.went_on == 0) {
        let what = format!("{} refusals, {:?}", course.disk_refusals, course.disks);
        world.saw(Fault::DiskNotTested, what);
    }
    let verdict = Verdict::of(&world);
    summary::print(options, &course, &verdict);
    Ok(verdict.is_kept())
}

/// Waits until every request is answered.
async fn finish(working: &mut JoinSet<()>, options: &Options, kills: &mut Kills) {
    let all = async {
        while let Some(ended) = working.join_next().await {
            ended.expect("the load does not panic");
        }
    };
    if tokio::time::timeout(options.patience, all).await.is_err() {
        let clients = format!("{} clients still wait", working.len());
        kills.saw(Fault::Unanswered, clients);
        working.abort_all();
    }
}

/// What is done to the gateway, and what was seen meanwhile.
struct Kills {
    random: fastrand::Rng,
    restarts: Vec<Duration>,
    disks: Disks,
    faults: Vec<(Fault, String)>,
}

/// What was done to the disk, and what was seen of that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disks {
    /// How often it was made full.
    pub(crate) filled: u32,
    /// After how many of these something was refused.
    pub(crate) felt: u32,
    /// How often the gateway went on when there was room again, without a restart.
    pub(crate) went_on: u32,
}

impl Kills {
    fn saw(&mut self, fault: Fault, which: impl Into<String>) {
        self.faults.push((fault, which.into()));
    }

    /// Lets the gateway live for a while, kills it and starts it again.
    async fn next(
        &mut self,
        kill: u32,
        options: &Options,
        stage: &mut Stage<'_>,
        load: &Load,
    ) -> Result<(), String> {
        let millis = self.random.u64(options.least_ms..options.most_ms);
        let life = Duration::from_millis(millis);
        let middle = options.kills / 3..options.kills * 2 / 3;
        if options.full_disk && middle.contains(&kill) {
            tokio::time::sleep(life / 2).await;
            self.full_disk(kill, stage, load, life / 2).await;
        } else {
            if kill == middle.end {
                stage.empty_disk();
            }
            tokio::time::sleep(life).await;
        }
        if options.clock_jumps {
            // While it runs, too.
            self.shift_clock(stage);
            let pause = Duration::from_millis(self.random.u64(..300));
            tokio::time::sleep(pause).await;
        }
        if !stage.kill_gateway() {
            self.saw(Fault::EndedByItself, format!("before kill {}", kill + 1));
        }
        if options.clock_jumps {
            self.shift_clock(stage);
        }
        let is_next_full = options.full_disk && middle.contains(&(kill + 1));
        let clock = SystemClock::new();
        let down = clock.elapsed();
        stage.start_gateway(is_next_full).await?;
        let restart = clock.elapsed().saturating_sub(down);
        self.restarts.push(restart);
        Ok(())
    }

    fn shift_clock(&mut self, stage: &Stage<'_>) {
        let seconds = self.random.i64(-FURTHEST_SECONDS..=FURTHEST_SECONDS);
        stage.shift_clock(seconds);
    }

    /// The disk becomes full under a gateway that works. Every second time there is room again before it is
    /// killed, and it has to go on by itself.
    async fn full_disk(&mut self, kill: u32, stage: &Stage<'_>, load: &Load, rest: Duration) {
        let refused = load.disk_refusals();
        stage.fill_disk();
        self.disks.filled += 1;
        if wait_until(FULL_PATIENCE, || load.disk_refusals() > refused).await {
            self.disks.felt += 1;
        }
        tokio::time::sleep(rest).await;
        if !has_room(kill) {
            return;
        }
        stage.empty_disk();
        let accepted = load.n_accepted();
        if wait_until(ROOM_PATIENCE, || load.n_accepted() >= accepted + GOES_ON).await {
            self.disks.went_on += 1;
        } else {
            self.saw(Fault::DiskNotTested, "it did not go on without a restart");
        }
    }
}

/// Whether there is room again on a full disk before this kill.
fn has_room(kill: u32) -> bool {
    kill.is_multiple_of(2)
}

/// Waits until something is so. Whether it became so.
async fn wait_until(patience: Duration, is_so: impl Fn() -> bool + Send + Sync) -> bool {
    let became_so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, became_so).await.is_ok()
}
