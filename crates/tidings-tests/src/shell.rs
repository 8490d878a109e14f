//! The command `tidings` as a person uses it: in a folder with a campaign's recipients, with a carrier's
//! account in the environment.
//!
//! Used by the tests that kill campaigns and repeat them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tidings::{Account, ProviderSpec};

use crate::{Carrier, program_folder};

/// A folder with `people.csv`, and an environment.
#[derive(Debug)]
pub struct Shell {
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl Shell {
    /// Makes the folder anew, with `people` as its `people.csv`; `settings` are added to those of the
    /// carrier's account.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn beside(
        carrier: &Carrier,
        spec: &ProviderSpec,
        folder: &Path,
        people: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        // What an earlier run left: a journal would tell that everything was sent.
        fs::remove_dir_all(folder).ok();
        fs::create_dir(folder).expect("a folder can be made");
        fs::write(folder.join("people.csv"), people).expect("a file can be written");
        let with = |account: Account, (name, value): &(&str, &str)| account.with(*name, *value);
        let account = settings.iter().fold(carrier.simulator.account(), with);
        let variable = |name: &str| {
            let value = account.setting(name).unwrap_or_default().to_owned();
            (format!("TIDINGS_{}_{name}", spec.id).to_uppercase(), value)
        };
        let mut variables: Vec<_> = account.names().map(variable).collect();
        variables.push(("TIDINGS_PROVIDER".to_owned(), spec.id.to_owned()));
        Self {
            folder: folder.to_owned(),
            variables,
        }
    }

    /// The command with these arguments, ready to be started.
    pub fn tidings(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program_folder().join("tidings"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.folder)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let ended = self.tidings(arguments).output();
        ended.expect("the program can be started")
    }

    /// Runs the command until the carrier has so many messages, and kills it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn kill_after(&self, carrier: &Carrier, messages: usize, arguments: &[&str]) {
        let mut command = self.tidings(arguments);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child: Child = quiet.spawn().expect("the program can be started");
        let world = carrier.simulator.world();
        let is_running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        while world.messages().len() < messages && is_running(&mut child) {
            std::thread::yield_now();
        }
        child.kill().ok();
        child.wait().expect("it was started here");
    }
}
