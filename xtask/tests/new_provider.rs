//! `cargo xtask new-provider` in a copy of the repository: what it makes keeps the rules of `tidy`,
//! compiles, and of the behaviours of a provider fails exactly those that it has yet to earn, while the
//! other providers keep theirs.
//!
//! Starts cargo, so nextest runs it by itself: `programs` in `.config/nextest.toml`. Crates of the
//! registry are not built again: the copy is built beside this repository's own artifacts, in the same
//! folder, with the same features, and under a version of its own, so that neither takes the other's.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In two pieces, because this file goes into the copy, where nothing may name a provider.
const NAME: &str = concat!("quill", "post");

/// What a provider shows that says of everything honestly that it is not there. All others it fails,
/// but for those that it shows as ignored because they need a capability.
const HOLDS_FROM_THE_START: [&str; 10] = [
    "a_missing_setting_is_told",
    "an_account_shows_no_secret",
    "an_unknown_setting_is_told",
    "areas_are_there_exactly_where_the_capabilities_say_so",
    "asking_for_a_balance_that_is_not_there_makes_no_call",
    "asking_to_stop_what_cannot_be_stopped_makes_no_call",
    "asking_where_nobody_answers_makes_no_call",
    "every_secret_setting_is_marked_as_one",
    "layers_change_no_limit",
    "no_messages_make_no_call",
];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Folders that hold no sources, at any depth.
const NOT_COPIED: [&str; 5] = [".git", "target", "node_modules", "__pycache__", ".venv"];
const OWN_VERSION: [&str; 2] = ["\nversion = \"0.1.0\"\n", "\nversion = \"0.1.1\"\n"];

#[test]
fn a_new_provider_in_a_scratch_copy_fails_what_it_has_yet_to_earn() {
    let copy = Copy::of_the_repository();
    let made = succeed(&mut copy.xtask(&["new-provider", NAME]));
    let filter = format!("provider::{NAME}::");
    assert!(made.contains(&filter), "{made}");
    succeed(&mut copy.xtask(&["tidy"]));
    succeed(&mut copy.cargo(&["fmt", "--all", "--check"]));

    let said = copy.behave(&[&filter]);
    let all = listed(&copy.behave(&["--list"]));
    let of = |provider: &str| -> BTreeSet<String> {
        let prefix = format!("provider::{provider}::");
        let own = all.iter().filter_map(|name| name.strip_prefix(&prefix));
        own.map(str::to_owned).collect()
    };
    let own = of(NAME);
    for other in other_providers() {
        assert_eq!(of(&other), own, "{other} keeps its tests");
    }

    let ended = |word: &str| -> BTreeSet<String> {
        let names = ended(&said, word);
        let own = names.iter().filter_map(|name| name.strip_prefix(&filter));
        own.map(str::to_owned).collect()
    };
    let mut expected = &own - &ended("ignored");
    for behaviour in HOLDS_FROM_THE_START {
        assert!(expected.remove(behaviour), "{behaviour} is ignored or gone");
    }
    assert_eq!(ended("FAILED"), expected, "{said}");
    assert!(expected.len() > 20, "{expected:?}");
}

/// A copy of the repository that is deleted when it is dropped.
struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn of_the_repository() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new(ROOT), folder.path());
        let manifest = folder.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let [usual, own] = OWN_VERSION;
        assert_eq!(text.matches(usual).count(), 1, "{text}");
        fs::write(manifest, text.replacen(usual, own, 1)).unwrap();
        Self { folder }
    }

    fn xtask(&self, arguments: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_xtask"), arguments)
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO"), arguments);
        command.env("CARGO_TARGET_DIR", target_folder());
        // Built once and thrown away.
        command.env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        command
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path());
        // Everything is there already, also where there is no network.
        command.env("CARGO_NET_OFFLINE", "true");
        // A backtrace of each failure would take longer than the behaviours.
        command.env("RUST_BACKTRACE", "0");
        command
    }

    /// What the behaviour suite says. It may fail, but has to be built.
    #[track_caller]
    fn behave(&self, arguments: &[&str]) -> String {
        let mut command = self.cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--test",
            "behaviour",
            "--",
        ]);
        let output = command.args(arguments).output().unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            complained.contains("Running tests/behaviour"),
            "{complained}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// What a program says that has to succeed.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}\n{complained}");
    said
}

/// Where the program of this crate was built: the folder that holds `debug/xtask`.
fn target_folder() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask"));
    program.ancestors().nth(2).unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let (from, to) = (entry.path(), to.join(&name));
        if !entry.file_type().unwrap().is_dir() {
            fs::copy(from, to).unwrap();
        } else if !NOT_COPIED.iter().any(|skipped| name == *skipped) {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        }
    }
}

/// The providers of this repository, from the feature that switches all of them on.
fn other_providers() -> Vec<String> {
    let manifest = Path::new(ROOT).join("crates/tidings/Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let mut lines = text.lines();
    let all = lines.find(|line| line.starts_with("all-providers = ["));
    let names: Vec<String> = all
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    names
}

/// The names in what `--list` prints.
fn listed(list: &str) -> BTreeSet<String> {
    let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// The tests that ended so, in lines such as `test NAME ... FAILED`.
fn ended(said: &str, word: &str) -> BTreeSet<String> {
    let tests = said.lines().filter_map(|line| {
        let (name, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
        end.starts_with(word).then(|| name.trim().to_owned())
    });
    tests.collect()
}
