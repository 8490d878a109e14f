//! The examples of the documents, run as written.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::Child;

use crate::shell::{Carrier, Shell, signal, spec};

const COMMANDS: &str = include_str!("../../../../docs/command.md");
const CONFIGURATION: &str = include_str!("../../../../examples/tidings.toml");

/// The lines of the code blocks that are marked as shell.
fn examples() -> Vec<&'static str> {
    let mut examples = Vec::new();
    let mut inside = false;
    for line in COMMANDS.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => examples.push(line),
            _ => {}
        }
    }
    examples
}

#[test]
fn every_example_of_the_commands_works_as_written() {
    let carrier = Carrier::start();
    let mut shell = Shell::beside(&carrier);
    shell.set("TIDINGS_SERVER_LISTEN", "127.0.0.1:0");
    let others = tidings::providers::ALL.iter().copied();
    let others: Vec<Carrier> = others
        .filter(|other| other.id != spec().id)
        .map(|other| Carrier::of(other, ""))
        .collect();
    for other in &others {
        let simulator = other.simulator();
        shell.add_account(simulator.world().spec(), &simulator.account());
    }
    let gateway = start_gateway(&mut shell);
    let examples = examples();
    assert!(examples.len() > 40, "{}", examples.len());
    for example in examples {
        let is_server = ["tidings sim", "tidings callbacks", "tidings serve"];
        if is_server.iter().any(|server| example.starts_with(server)) || example == "tidings demo" {
            run_until_it_listens(&shell, example);
            continue;
        }
        let mut command = shell.command("sh");
        let ended = command.args(["-ec", example]).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(
            ended.status.success(),
            "{example}\n{}\n{stderr}",
            ended.status
        );
    }
    signal(&gateway, "TERM");
    let mut gateway = gateway;
    assert!(gateway.wait().unwrap().success());
}

/// The gateway of the examples, whose address is `$GATEWAY`. Its lane is the account of the environment.
fn start_gateway(shell: &mut Shell) -> Child {
    let configuration = format!(
        "[store]\nurl = \"sqlite://gateway.db\"\n\
         [[routes]]\nlanes = [\"{}\"]\ndefault_sender = \"Tidings\"\n",
        spec().id
    );
    shell.write("gateway.toml", configuration);
    let mut serve = shell.tidings(&["serve", "--json", "--config", "gateway.toml"]);
    let log = std::fs::File::create(shell.path("gateway.log")).unwrap();
    let mut gateway = serve.stderr(log).spawn().unwrap();
    let mut line = String::new();
    let stdout = gateway.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    shell.set("GATEWAY", told["url"].as_str().unwrap());
    gateway
}

/// Such a command runs until it is stopped, and says where it listens.
fn run_until_it_listens(shell: &Shell, example: &str) {
    let mut command = shell.command("sh");
    // `exec` makes it the process that the signal reaches.
    command.args(["-ec", &format!("exec {example}")]);
    let mut child = command.spawn().unwrap();
    let on_stdout = ["tidings sim", "tidings serve --json"];
    let on_stdout = on_stdout.iter().any(|server| example.starts_with(server));
    let speaks: &mut dyn Read = if on_stdout {
        child.stdout.as_mut().unwrap()
    } else {
        child.stderr.as_mut().unwrap()
    };
    let mut line = String::new();
    BufReader::new(speaks).read_line(&mut line).unwrap();
    assert!(line.contains("://127.0.0.1:"), "{example}: {line}");
    signal(&child, "INT");
    assert!(child.wait().unwrap().success(), "{example}");
}

#[test]
fn the_example_campaign_works_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let readme = std::fs::read_to_string(Path::new(folder).join("README.md")).unwrap();
    let mut lines = readme.lines();
    let example = lines
        .find(|line| line.contains("--csv campaign.csv"))
        .unwrap();
    let mut command = Shell::new().command("sh");
    let ended = command.current_dir(folder).args(["-ec", example]).output();
    let ended = ended.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{told}");
    // As many as the table of the same file says.
    assert!(readme.contains("14 rows are bad on purpose"));
    assert!(told.contains("14 rows could not be used"), "{told}");
}

#[test]
fn every_command_has_an_example() {
    let shell = Shell::new();
    let help = shell.run(&["help"]).succeeded().stdout.clone();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        // Deeper lines go on with the one before.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 17, "{commands:?}");
    for name in commands {
        let used = examples()
            .iter()
            .any(|example| example.contains(&format!("tidings {name}")));
        assert!(used, "docs/command.md has no example of `tidings {name}`");
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    for row in Shell::new()
        .run(&["exit-codes", "--json"])
        .succeeded()
        .json()
    {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let line = format!(
            "| {} | {} | {} |",
            row["code"],
            text("name"),
            text("meaning")
        );
        assert!(COMMANDS.contains(&line), "docs/command.md lacks {line}");
    }
}

#[test]
fn the_example_of_a_configuration_can_be_loaded() {
    let mut shell = Shell::new();
    shell.write("tidings.toml", CONFIGURATION);
    std::fs::create_dir(shell.path("secrets")).unwrap();
    for line in CONFIGURATION.lines() {
        if let Some((_, rest)) = line.split_once("\"env:") {
            shell.set(rest.split('"').next().unwrap(), "a-key");
        }
        if let Some((_, rest)) = line.split_once("\"file:") {
            let path = rest.split('"').next().unwrap();
            assert!(Path::new(path).is_relative(), "{path}");
            shell.write(path, "a-key\n");
        }
    }
    let arguments = [
        "send",
        "--account",
        "guinea",
        "--to",
        "622000001",
        "Bonjour",
        "--dry-run",
    ];
    let ended = shell.run(&arguments);
    // Nothing is warned about: the file was read and its account can be connected.
    assert_eq!(
        ended.succeeded().stderr.lines().count(),
        1,
        "{}",
        ended.stderr
    );
}
