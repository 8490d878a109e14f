//! `cargo xtask bench gateway`: how fast a gateway accepts and sends, beside the limits of the same machine.
//!
//! Every measurement has fresh processes: the gateway with an empty database, the load generator
//! (`tidings bench`), a carrier that answers at once, or a server that only parses. They share the
//! machine, so the ratios are what counts. Prints a table in Markdown.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool at a terminal: its output is the result"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::throughput::succeed;
use crate::{process, workspace};

const ROUNDS: usize = 3;

/// Where messages go: a server that answers every one at once.
pub(super) struct Carrier {
    /// The bench of `tidings-tests` that is that server when it is told to `--serve`.
    pub(super) bench: &'static str,
    /// The beginning of numbers that its provider serves; five digits follow.
    pub(super) numbers: &'static str,
    /// The keys of a lane that leads to it, by its base URL.
    pub(super) lane: fn(&str) -> String,
}

/// The programs, built beforehand.
struct Programs<'a> {
    carrier_is: &'a Carrier,
    tidings: PathBuf,
    parse_only: PathBuf,
    carrier: PathBuf,
    bare_store: PathBuf,
}

/// A process that is ended when it is dropped. Its output stays open: it may say more than where it listens.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
struct Rates {
    accepted: f64,
    end_to_end: f64,
    p50: f64,
    p99: f64,
    p999: f64,
}

/// How the load is made.
#[derive(Clone, Copy)]
struct Load {
    seconds: u32,
    connections: u32,
    batch: Option<u32>,
    /// Whether it waits until everything has left.
    waits: bool,
}

/// What one round found: the server that only parses, (a), (b), (c), bare inserts into one table, bare inserts
/// of the same rows.
type Round = [Rates; 6];

pub(super) fn run(arguments: &[String], carrier: &Carrier) -> Result<()> {
    let seconds = match arguments {
        [] => 10,
        [quick] if quick == "--quick" => 2,
        _ => bail!("usage: cargo xtask bench gateway [--quick]"),
    };
    let programs = Programs::build(carrier)?;
    let single = Load {
        seconds,
        connections: 64,
        batch: None,
        waits: false,
    };
    let batches = Load {
        connections: 4,
        batch: Some(1_000),
        ..single
    };
    let whole_way = Load {
        waits: true,
        ..single
    };
    let mut rounds = Vec::new();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        let [bare_plain, bare_same] = programs.bare_inserts()?.map(Rates::of_rate);
        rounds.push([
            programs.parse_only(single)?,
            programs.gateway(single, Lane::Stands)?,
            programs.gateway(batches, Lane::Stands)?,
            programs.gateway(whole_way, Lane::Sends)?,
            bare_plain,
            bare_same,
        ]);
    }
    show(&rounds);
    Ok(())
}

fn show(rounds: &[Round]) {
    let median = |read: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(read).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let row = |name: &str, rate: &dyn Fn(&Round) -> f64, limit: &dyn Fn(&Round) -> f64| {
        let ratio = median(&|round| rate(round) / limit(round));
        println!(
            "| {name} | {:.0} | {:.0} | {ratio:.2} |",
            median(rate),
            median(limit)
        );
    };
    println!("| what | messages a second | limit | ratio |");
    println!("|---|---|---|---|");
    let parse_only = |round: &Round| round[0].accepted;
    row(
        "(a) single messages accepted, 64 connections; limit: a server that only parses",
        &|round| round[1].accepted,
        &parse_only,
    );
    row(
        "(b) batches of 1,000 accepted; limit: bare inserts of the same rows in transactions of 1,000",
        &|round| round[2].accepted,
        &|round| round[5].accepted,
    );
    row(
        "(b) beside bare inserts into one table with one index",
        &|round| round[2].accepted,
        &|round| round[4].accepted,
    );
    row(
        "(c) end to end, single messages, one call each; limit: a server that only parses",
        &|round| round[3].end_to_end,
        &parse_only,
    );
    println!("\nAcceptance at 80 in 100 of the highest rate, in milliseconds:\n");
    println!("| what | p50 | p99 | p99.9 |");
    println!("|---|---|---|---|");
    for (place, name) in [(0, "parse only"), (1, "(a)"), (2, "(b)"), (3, "(c)")] {
        println!(
            "| {name} | {:.2} | {:.2} | {:.2} |",
            median(&|round| round[place].p50),
            median(&|round| round[place].p99),
            median(&|round| round[place].p999)
        );
    }
}

/// Whether anything leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    Stands,
    Sends,
}

impl<'a> Programs<'a> {
    fn build(carrier: &'a Carrier) -> Result<Self> {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--profile", "dist", "--package"]);
        succeed(cargo.arg("tidings-cli").current_dir(workspace::root()))?;
        Ok(Self {
            carrier_is: carrier,
            tidings: workspace::root().join("target/dist/tidings"),
            parse_only: bench_of("tidings-tests", "gateway_limits")?,
            carrier: bench_of("tidings-tests", carrier.bench)?,
            bare_store: bench_of("tidings-store", "sqlite")?,
        })
    }

    fn parse_only(&self, load: Load) -> Result<Rates> {
        let (_server, url) = listening(&mut Command::new(&self.parse_only))?;
        self.measure(load, &url, "nobody-asks")
    }

    /// Into one plain table, and the same rows as the gateway's.
    fn bare_inserts(&self) -> Result<[f64; 2]> {
        let output = Command::new(&self.bare_store)
            .args(["bare"])
            .output()
            .context("the bench of the store")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rates: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
        let rates = rates.ok().and_then(|rates| rates.try_into().ok());
        rates.with_context(|| format!("the bench of the store printed: {text}"))
    }

    fn gateway(&self, load: Load, lane: Lane) -> Result<Rates> {
        let folder = workspace::root().join("target/bench-gateway");
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder)?;
        let (_carrier, carrier) = listening(Command::new(&self.carrier).arg("--serve"))?;
        let config = folder.join("tidings.toml");
        fs::write(
            &config,
            configuration(&folder, &(self.carrier_is.lane)(&carrier), lane),
        )?;
        let (_gateway, url) = listening(
            Command::new(&self.tidings)
                .args(["serve", "--json", "--config"])
                .arg(&config),
        )?;
        let key = self.key(&config)?;
        self.measure(load, &url, &key)
    }

    fn key(&self, config: &Path) -> Result<String> {
        let output = Command::new(&self.tidings)
            .args(["keys", "create", "--json", "--account", "bench"])
            .args(["--scope", "admin,send,read,manage", "--config"])
            .arg(config)
            .output()?;
        let key: Value = serde_json::from_slice(&output.stdout).context("the key")?;
        let key = key["api_key"].as_str().context("the key")?;
        Ok(key.to_owned())
    }

    fn measure(&self, load: Load, url: &str, key: &str) -> Result<Rates> {
        let mut bench = Command::new(&self.tidings);
        bench
            .args(["bench", "--json", "--url", url, "--api-key", key])
            .args(["--to-prefix", self.carrier_is.numbers])
            .arg(format!("--duration={}s", load.seconds))
            .arg(format!("--concurrency={}", load.connections))
            .arg(if load.waits {
                "--drain=120s"
            } else {
                "--drain=0s"
            });
        if let Some(size) = load.batch {
            bench.arg(format!("--batch={size}"));
        }
        let output = bench.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "tidings bench failed");
        let found: Value = serde_json::from_slice(&output.stdout).context("tidings bench")?;
        let number = |name: &str| {
            found[name]
                .as_f64()
                .with_context(|| format!("tidings bench tells no {name}"))
        };
        Ok(Rates {
            accepted: number("accepted_per_second")?,
            end_to_end: number("end_to_end_per_second")?,
            p50: number("p50_ms")?,
            p99: number("p99_ms")?,
            p999: number("p99.9_ms")?,
        })
    }
}

impl Rates {
    fn of_rate(rate: f64) -> Self {
        Self {
            accepted: rate,
            end_to_end: rate,
            p50: 0.0,
            p99: 0.0,
            p999: 0.0,
        }
    }
}

/// A gateway whose limits are out of the way.
fn configuration(folder: &Path, provider: &str, lane: Lane) -> String {
    let rate = match lane {
        Lane::Stands => "rate = 0.001",
        Lane::Sends => "",
    };
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         [store]\nurl = \"sqlite://{}\"\n\
         [limits]\nmax_queued = 100000000\nrequests_per_second = 1000000\n\
         [[lanes]]\nid = \"carrier\"\n{}from = \"Tidings\"\nin_flight = 64\nbulk = 1\n{rate}\n\
         [[routes]]\nlanes = [\"carrier\"]\n",
        folder.join("tidings.db").display(),
        provider
    )
}

/// Builds a bench without running it, and says where it is.
fn bench_of(package: &str, name: &str) -> Result<PathBuf> {
    let output = Command::new("cargo")
        // The profile of what is handed out, so that both share what they are built of.
        .args(["bench", "--profile", "dist", "--no-run", "--quiet"])
        .arg("--message-format=json")
        .args(["--package", package, "--bench", name])
        .current_dir(workspace::root())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the bench {name} cannot be built");
    let text = String::from_utf8(output.stdout)?;
    let found = process::executable(&text, name).map(PathBuf::from);
    found.with_context(|| format!("cargo does not say where the bench {name} is"))
}

/// Starts a server and reads where it listens from its first line: an address, a URL, or an object with
/// `url`.
fn listening(command: &mut Command) -> Result<(Running, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("its output")?;
    let mut running = Running {
        child,
        output: BufReader::new(output),
    };
    let mut first = String::new();
    running.output.read_line(&mut first)?;
    let first = first.trim();
    let url = match serde_json::from_str::<Value>(first) {
        Ok(object) => object["url"]
            .as_str()
            .context("the first line has no url")?
            .to_owned(),
        Err(_) if first.starts_with("http") => first.to_owned(),
        Err(_) => format!("http://{first}"),
    };
    Ok((running, url))
}
