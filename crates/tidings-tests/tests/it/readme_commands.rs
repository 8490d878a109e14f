//! The commands that README.md shows, in its blocks and in its sentences, are run as written.
//!
//! Two are not: `cargo run --release -- ...` is run by the program that is already built, because a
//! release build belongs into no test (`cargo xtask test` runs it as written, as a step of its own);
//! and `cargo xtask test` is what runs this test, so it is only looked for.
//!
//! They are run in a folder with what they speak of: a file `people.csv`, and a configuration whose
//! account is at a simulated carrier.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::ExposeSecret;
use tidings::providers;
use tidings_tests::{Carrier, SimulatedByCommand, program_folder};

const README: &str = include_str!("../../../../README.md");
const ALIASES: &str = include_str!("../../../../.cargo/config.toml");
const OURSELVES: &str = "cargo xtask test";
const BUILD_AND_RUN: &str = "cargo run --release --";
/// It stays for a person to look at; here it ends when its campaign has.
const STAYS: &str = "cargo run --release -- demo";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_readme_works_as_written() {
    let spec = providers::ALL.first().unwrap();
    let carrier = Carrier::start(spec, "").await;
    let folder = folder(&carrier, spec.id);
    let commands = commands(README);
    assert!(commands.len() >= 7, "{commands:?}");
    assert!(commands.contains(&OURSELVES.to_owned()));
    for command in commands {
        let runs_until_stopped = command.starts_with("tidings sim");
        if command == OURSELVES {
            assert!(
                ALIASES.contains("xtask ="),
                "cargo does not know the word xtask"
            );
        } else if command == STAYS {
            run(&format!("{command} --once"), &folder);
        } else if runs_until_stopped {
            run_carrier(&command, &folder);
        } else {
            run(&command, &folder);
        }
    }
}

/// The lines of the blocks that are marked as shell, and what stands between backquotes in a
/// sentence, begins with `tidings` and has an option; without one it is a name and not a command.
fn commands(text: &str) -> Vec<String> {
    let (mut commands, mut sentences, mut in_block) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block => commands.push(line.to_owned()),
            line => {
                sentences.push_str(line);
                sentences.push(' ');
            }
        }
    }
    let spans = sentences.split('`').skip(1).step_by(2);
    let spans = spans.filter(|span| span.starts_with("tidings ") && span.contains(" --"));
    commands.extend(spans.map(str::to_owned));
    commands.retain(|command| !command.is_empty());
    commands
}

#[test]
fn commands_are_found_in_blocks_and_in_sentences() {
    let text =
        "a `tidings serve`\n```sh\nls -l\n\n```\n`tidings send --help` and\n`tidings x\n--y`";
    assert_eq!(
        commands(text),
        ["ls -l", "tidings send --help", "tidings x --y"]
    );
}

fn folder(carrier: &Carrier, provider: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-commands");
    // What an earlier run left: a journal would tell that everything was sent.
    fs::remove_dir_all(&folder).ok();
    fs::create_dir(&folder).unwrap();
    let people = "phone,first_name\n+224622000001,Aïssatou\n+224622000002,Mamadou\n";
    fs::write(folder.join("people.csv"), people).unwrap();
    let base_url = carrier.simulator.base_url();
    let mut lane = vec![
        "[[lanes]]".to_owned(),
        "id = \"guinea\"".to_owned(),
        format!("provider = \"{provider}\""),
        format!("base_url = \"{base_url}\""),
        "sender = \"Tidings\"".to_owned(),
    ];
    for (name, value) in carrier.simulator.credentials() {
        fs::write(folder.join(name), value.expose_secret()).unwrap();
        lane.push(format!("{name} = \"file:{name}\""));
    }
    fs::write(folder.join("tidings.toml"), lane.join("\n")).unwrap();
    folder
}

/// A shell that finds the program `tidings` and runs one command.
fn shell(command: &str, folder: &Path) -> Command {
    let command = command.replacen(BUILD_AND_RUN, "tidings", 1);
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", "PATH=\"$0:$PATH\"; eval \"$1\""])
        .arg(program_folder())
        .arg(command)
        .current_dir(folder)
        .stdin(Stdio::null());
    shell
}

fn run(command: &str, folder: &Path) {
    let done = shell(command, folder).output().unwrap();
    let (out, err) = (&done.stdout, &done.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(
        done.status.success(),
        "{command}: {}\n{out}\n{err}",
        done.status
    );
    assert!(!out.trim().is_empty(), "{command} printed nothing\n{err}");
}

/// Runs until it has told where it is.
fn run_carrier(command: &str, folder: &Path) {
    let carrier = SimulatedByCommand::of(shell(&format!("exec {command}"), folder));
    let access = carrier.access();
    let base_url = access["base_url"].as_str().unwrap();
    assert!(
        base_url.starts_with("http://127.0.0.1:"),
        "{command}: {access}"
    );
}
