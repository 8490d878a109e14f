//! The commands in the headers of the examples, as their readers type them: a carrier is started,
//! its account goes into a file, and the example finds it there.
//!
//! `cargo run` is played by a script that starts the program which is already built: in a test there is
//! no time to look whether all is compiled in the form that one package alone has. The web application
//! runs until it is stopped and listens on the address that its header gives; `application.rs` runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tidings_tests::program_folder;

use super::{Ended, file, program};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tidings/examples");
const APPLICATION: &str = "receive_reports";

/// `cargo run -p tidings [--features NAMES] --example NAME [-- ARGUMENT...]`. The carrier in the
/// background writes its account while cargo, the real one, looks for changes.
const CARGO: &str = r#"#!/bin/sh
set -e
[ "$1 $2 $3" = "run -p tidings" ]
shift 3
if [ "$1" = --features ]; then shift 2; fi
[ "$1" = --example ]
program="$EXAMPLES/$2"
shift 2
if [ "$1" = -- ]; then shift; fi
for argument in "$@"; do
    case "$argument" in
        *.json) until [ -s "$argument" ]; do sleep 0.02; done ;;
    esac
done
echo "run $program"
exec "$program" "$@"
"#;

/// The names of all examples, and what their first lines say.
fn examples() -> Vec<(String, String)> {
    let files = fs::read_dir(EXAMPLES)
        .unwrap()
        .map(|file| file.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let named = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    let mut examples: Vec<_> = sources.map(named).collect();
    examples.sort();
    examples
}

/// The lines of the header's block of commands.
fn commands(source: &str) -> Vec<&str> {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    header
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| *line != "```sh")
        .skip(1)
        .take_while(|line| *line != "```")
        .collect()
}

#[test]
fn commands_are_found_in_a_header() {
    let source =
        "//! Text.\n//!\n//! ```sh\n//! one\n//!\n//! two \\\n//!     three\n//! ```\n\nfn";
    assert_eq!(commands(source), ["one", "", "two \\", "    three"]);
    assert_eq!(commands("fn main() {}\n//! ```sh\n//! one"), [""; 0]);
}

#[cfg(unix)]
#[test]
fn the_commands_in_the_headers_of_all_examples_work_as_written() {
    let examples = examples();
    assert_eq!(examples.len(), 9);
    for (name, source) in examples.iter().filter(|(name, _)| name != APPLICATION) {
        let folder = fresh_folder(name);
        let programs = program(name);
        let commands = commands(source);
        let n_runs = commands
            .iter()
            .filter(|line| line.starts_with("cargo run "))
            .count();
        assert!(n_runs > 0, "{name} has no command that runs it");
        let done = run(&folder, programs.parent().unwrap(), &commands.join("\n"));
        done.told(&[]);
        let n_done = done.printed.matches(&format!("/{name}\n")).count();
        assert_eq!(n_done, n_runs, "{done:#?}");
    }
}

fn fresh_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(file(&format!("header-of-{name}")));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir(&folder).unwrap();
    folder
}

/// Runs lines in a shell, and ends what they have left running.
fn run(folder: &Path, examples: &Path, lines: &str) -> Ended {
    use std::os::unix::fs::PermissionsExt as _;

    let tools = folder.join("tools");
    fs::create_dir(&tools).unwrap();
    let cargo = tools.join("cargo");
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    // A picture like the one that a header speaks of.
    fs::copy(format!("{EXAMPLES}/parcel.png"), folder.join("cat.jpg")).unwrap();
    // What is left running holds the pipes open that are read here to their end.
    let lines = lines.replace("&\n", "&\nstarted=\"$started $!\"\n");
    let script = format!("set -e\ntrap 'kill $started 2>/dev/null || true' EXIT\n{lines}\n");
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        tools.display(),
        program_folder().display()
    );
    let ended = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", path)
        .env("EXAMPLES", examples)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    Ended::of(&ended.unwrap())
}
