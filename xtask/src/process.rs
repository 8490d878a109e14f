//! Starts other programs: shows what is called, takes no input, and reports failure as an error.
//! Used by every tool; knows nothing about what the programs do.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::clock::Stopwatch;
use crate::workspace;

/// What a program wrote and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) succeeded: bool,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

/// A `cargo` command in the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command("cargo", arguments)
}

/// A command in the repository's root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(workspace::root())
        .stdin(Stdio::null());
    command
}

/// Shows the call, lets its output through, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = show(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// As [`run`], and ends the program when it takes longer than `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> anyhow::Result<()> {
    let line = show(command);
    let watch = Stopwatch::start();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "`{line}` failed: {status}");
            return Ok(());
        }
        if watch.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("`{line}` did not end within {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Shows the call, lets its output through, and keeps a copy of it.
pub(crate) fn run_and_keep(command: &mut Command) -> anyhow::Result<Output> {
    let line = show(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let stdout = child.stdout.take().expect("standard output was piped");
    let stderr = child.stderr.take().expect("standard error was piped");
    let stderr_copy = thread::spawn(move || copy_lines(stderr, std::io::stderr()));
    let mut text = copy_lines(stdout, std::io::stdout());
    text.push_str(&stderr_copy.join().expect("copying lines does not panic"));
    let succeeded = child.wait()?.success();
    Ok(Output { succeeded, text })
}

/// Shows the call, lets its complaints through, and gives back what it wrote for a program to read.
pub(crate) fn run_and_read(command: &mut Command) -> anyhow::Result<String> {
    let line = show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program of a target, in the lines of JSON that cargo writes about what it builds.
pub(crate) fn executable(said: &str, target: &str) -> Option<String> {
    let lines = said.lines();
    let built = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    built
        .filter(|it| it["target"]["name"] == target)
        .find_map(|it| it["executable"].as_str().map(str::to_owned))
}

/// Shows the call and lets it go on without a word beside what comes next. Nothing may depend on it: it
/// may fail, or not start at all.
pub(crate) fn begin_aside(command: &mut Command) -> Aside {
    let line = line_of(command);
    eprintln!("$ {line} &");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Aside(command.spawn().ok())
}

/// A program that goes on aside. It ends with this at the latest.
#[derive(Debug)]
pub(crate) struct Aside(Option<Child>);

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It has ended, or nobody needs it any more.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs quietly; the text is there for the caller to judge.
pub(crate) fn ask(command: &mut Command) -> anyhow::Result<Output> {
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", line_of(command)))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Output {
        succeeded: output.status.success(),
        text,
    })
}

/// Whether a program is there and answers with success.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    ask(&mut command(program, arguments)).is_ok_and(|output| output.succeeded)
}

fn show(command: &Command) -> String {
    let line = line_of(command);
    eprintln!("$ {line}");
    line
}

/// The call as a person would type it, with the variables that we set in front.
fn line_of(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}='{value}'", name.to_string_lossy()))
    });
    let program = command.get_program().to_string_lossy().into_owned();
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    variables
        .chain([program])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn copy_lines(from: impl Read, mut to: impl Write) -> String {
    let mut kept = String::new();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        // A closed terminal must not end the run: the copy is what counts.
        let _ = to.write_all(&line);
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}
