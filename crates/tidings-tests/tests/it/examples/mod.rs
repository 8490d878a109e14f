//! The SDK's examples as their readers run them: each is a program of its own, against a provider in
//! memory where it has one and against simulated carriers, on a good day and on a bad one. What they
//! print is compared, and what phones received.
//!
//! The programs are those that cargo has built beside the tests, as it does for a whole workspace;
//! where one is missing or older than its sources it is built here.

mod application;
mod headers;
mod neutral;
mod vendors;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use serde_json::{Map, Value};
use tidings::{Account, ProviderSpec};
use tidings_tests::{Carrier, program_folder};

/// Everything arrives at once.
const GOOD_DAY: &str = "[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

/// The provider takes the call and its answer never arrives. The first message meets it.
const LOST_ANSWER: &str = "[[fault]]\ncall = \"submit\"\nfirst = 1\ndrop = { when = \"after\" }\n";

/// What a program did.
#[derive(Debug)]
struct Ended {
    succeeded: bool,
    printed: String,
    complained: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            succeeded: output.status.success(),
            printed: text(&output.stdout),
            complained: text(&output.stderr),
        }
    }

    /// It ended well and printed all of this.
    #[track_caller]
    fn told(&self, expected: &[&str]) {
        assert!(self.succeeded, "{self:#?}");
        assert_eq!(self.complained, "", "{self:#?}");
        for line in expected {
            assert!(self.printed.contains(line), "{line:?} is not in {self:#?}");
        }
    }

    /// It failed and said all of this to whoever ran it.
    #[track_caller]
    fn failed_with(&self, expected: &[&str]) {
        assert!(!self.succeeded, "{self:#?}");
        for line in expected {
            let is_said = self.complained.contains(line) || self.printed.contains(line);
            assert!(is_said, "{line:?} is not in {self:#?}");
        }
        assert!(!self.complained.is_empty(), "{self:#?}");
        assert!(!self.complained.contains("panicked"), "{self:#?}");
    }
}

/// Runs an example to its end.
fn run(example: &str, arguments: &[&str]) -> Ended {
    let ended = command(example).args(arguments).output();
    Ended::of(&ended.unwrap())
}

/// An example that is yet to be started, in an environment without anything.
fn command(example: &str) -> Command {
    let mut command = Command::new(program(example));
    command.env_clear().stdin(Stdio::null());
    command
}

/// The example's program.
fn program(example: &str) -> PathBuf {
    let folder = program_folder();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join("examples").join(name);
    if !is_up_to_date(&program) {
        let target = folder.parent().unwrap();
        let profile = match folder.file_name() {
            Some(name) if name == "debug" => "dev",
            Some(_) | None => "release",
        };
        // Of the whole workspace, so that what the packages share is not compiled in another form.
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--workspace",
                "--all-features",
                "--example",
                example,
            ])
            .args(["--profile", profile, "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(
            built.unwrap().success(),
            "the example {example} cannot be built"
        );
    }
    program
}

/// Whether it is there and no file that it was made of has changed since. Cargo writes their names
/// beside it, in the form of a makefile.
fn is_up_to_date(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
    let (Ok(built), Ok(made_of)) = (
        changed(program),
        fs::read_to_string(program.with_extension("d")),
    ) else {
        return false;
    };
    let is_older = |source: &str| changed(Path::new(source)).is_ok_and(|time| time <= built);
    let sources = made_of.split_once(": ").map_or("", |(_, sources)| sources);
    sources.split_whitespace().all(is_older)
}

/// A file of the account that a carrier's clients have, in the form that `tidings sim --json` prints.
fn account_file(name: &str, spec: &ProviderSpec, carrier: &Carrier) -> String {
    write_account(name, spec, &carrier.simulator.account())
}

/// The same account with secrets that are none.
fn wrong_account_file(name: &str, spec: &ProviderSpec, carrier: &Carrier) -> String {
    let account = carrier.simulator.account();
    let secrets = spec.settings.iter().filter(|setting| setting.is_secret);
    let given = secrets.filter(|setting| account.setting(setting.name).is_some());
    let wrong = given.fold(account.clone(), |account, setting| {
        account.with(setting.name, "not-the-secret")
    });
    write_account(name, spec, &wrong)
}

fn write_account(name: &str, spec: &ProviderSpec, account: &Account) -> String {
    let mut json = Map::new();
    json.insert("provider".to_owned(), spec.id.into());
    for setting in account.names() {
        let value = Value::from(account.setting(setting).unwrap());
        json.insert(setting.to_owned(), value);
    }
    let path = file(&format!("{name}-{}.json", spec.id));
    fs::write(&path, Value::Object(json).to_string()).unwrap();
    path
}

/// A path for a test's own file.
fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    fs::create_dir_all(&folder).unwrap();
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_program_is_older_than_what_it_is_made_of() {
    let (program, source) = (file("made"), file("source.rs"));
    let written = |path: &str, seconds: u64| {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        File::create(path).unwrap().set_modified(at).unwrap();
    };
    written(&program, 1_000);
    fs::write(format!("{program}.d"), format!("{program}: {source}\n")).unwrap();
    written(&source, 1_000);
    assert!(is_up_to_date(Path::new(&program)));
    written(&source, 1_001);
    assert!(!is_up_to_date(Path::new(&program)));
    fs::remove_file(&source).unwrap();
    assert!(!is_up_to_date(Path::new(&program)));
    fs::remove_file(&program).unwrap();
    assert!(!is_up_to_date(Path::new(&program)));
}
