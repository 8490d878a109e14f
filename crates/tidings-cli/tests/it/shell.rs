//! What the tests share: the binary in a folder of its own, and a simulated carrier beside it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tidings::backend::{
    ConversationDesk as _, Post, Presented, Recipient, SignedIn, TokenDesk as _,
};
use tidings::conversations::Mailbox;
use tidings::{Account, Capabilities, ProviderSpec, Setting};
use tidings_sim::{Scenario, SimMessage, Simulator, SimulatorBuilder};

/// A folder with nothing in it, and an environment with nothing set.
pub(crate) struct Shell {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A simulated carrier on a run time of its own.
pub(crate) struct Carrier {
    simulator: Option<Simulator>,
    run_time: tokio::runtime::Runtime,
}

/// The provider that these tests run with where any would do that has a balance and contacts.
pub(crate) fn spec() -> &'static ProviderSpec {
    spec_that(|can| can.balance && can.address_book)
}

/// A provider that can do this.
pub(crate) fn spec_that(can: impl Fn(&Capabilities) -> bool) -> &'static ProviderSpec {
    let mut specs = tidings::providers::ALL.iter();
    specs
        .find(|spec| can(&spec.capabilities))
        .expect("such a provider is compiled in")
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// A shell whose environment names the carrier's account.
    pub(crate) fn beside(carrier: &Carrier) -> Self {
        let mut shell = Self::new();
        let spec = carrier.simulator().world().spec();
        shell.add_account(spec, &carrier.simulator().account());
        shell.set("TIDINGS_PROVIDER", spec.id);
        shell
    }

    /// Names another account, for `--provider`.
    pub(crate) fn add_account(&mut self, spec: &ProviderSpec, account: &Account) {
        for name in account.names() {
            self.set(&variable_of(spec, name), account.setting(name).unwrap());
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A variable of its environment: what was said last.
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut variables = self.variables.iter().rev();
        let found = variables.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", path_with_the_binary())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn tidings(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_tidings"));
        command.args(arguments);
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.tidings(arguments).output().unwrap().into()
    }

    /// A command that can write files of half a kibibyte at the most: to it, the disk is full then.
    pub(crate) fn tidings_on_a_full_disk(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("bash");
        let script = "trap '' XFSZ; set -o posix; ulimit -f 1; exec tidings \"$@\"";
        command.args(["-c", script, "bash"]).args(arguments);
        command
    }

    /// Runs the command to its end with something to read.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut command = self.tidings(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let ended = child.wait_with_output().unwrap().into();
        writer.join().unwrap().ok();
        ended
    }
}

/// The name of the variable for a setting of [`spec`].
pub(crate) fn variable(setting: &str) -> String {
    variable_of(spec(), setting)
}

pub(crate) fn variable_of(spec: &ProviderSpec, setting: &str) -> String {
    format!("TIDINGS_{}_{}", spec.id, setting).to_uppercase()
}

fn path_with_the_binary() -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_tidings"));
    format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        binary.parent().unwrap().display()
    )
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// The lines of stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect()
    }

    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        self.exited_with(0)
    }

    #[track_caller]
    pub(crate) fn exited_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }
}

impl Carrier {
    pub(crate) fn start() -> Self {
        Self::with_scenario("")
    }

    pub(crate) fn with_scenario(scenario: &str) -> Self {
        Self::of(spec(), scenario)
    }

    pub(crate) fn of(spec: &'static ProviderSpec, scenario: &str) -> Self {
        Self::built(spec, scenario, |builder| builder)
    }

    pub(crate) fn built(
        spec: &'static ProviderSpec,
        scenario: &str,
        set: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
    ) -> Self {
        let run_time = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let scenario = Scenario::from_toml(scenario).unwrap();
        let builder = set(Simulator::builder(spec).scenario(scenario));
        let simulator = run_time.block_on(builder.start()).unwrap();
        Self {
            simulator: Some(simulator),
            run_time,
        }
    }

    pub(crate) fn simulator(&self) -> &Simulator {
        self.simulator
            .as_ref()
            .expect("it is stopped only when it is dropped")
    }

    /// Lets the first user write to a colleague, and returns the conversation.
    pub(crate) fn chat(&self, colleague: &str) -> String {
        let account = self.simulator().account();
        let world = self.simulator().world();
        let mut presented = Presented::new();
        for Setting { name, .. } in world.spec().settings {
            if let Some(value) = account.setting(name) {
                presented = presented.with(name, value);
            }
        }
        let to = vec![Recipient::User(colleague.to_owned())];
        let written = self.run_time.block_on(async {
            let Ok(SignedIn::Token(token)) = world.open(&presented, None).await else {
                panic!("the first user can sign in");
            };
            let (user, domain) = account
                .setting("username")
                .unwrap()
                .split_once('@')
                .unwrap();
            let mailbox = Mailbox::new(domain, user);
            let post = Post::new("chat", "Hello", to);
            world.post(&token.who, &mailbox, post).await.unwrap()
        });
        written.conversation
    }

    pub(crate) fn messages(&self) -> Vec<SimMessage> {
        self.simulator().world().messages()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Some(simulator) = self.simulator.take() {
            self.run_time.block_on(simulator.stop());
        }
    }
}

/// Sends a signal to a child that this test started.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status();
    assert!(status.unwrap().success());
}
