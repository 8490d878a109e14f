//! Python with packages of the vendors: a virtual environment made once and used by every test that
//! needs it, also when several test processes want it at the same moment.
//!
//! Used by the tests that run a vendor's own client. It needs `python3` with its `venv` module, and
//! a package index that `pip` can reach.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What a virtual environment is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packages<'p> {
    requirements: &'p str,
    interpreter: &'p str,
    ignores_requires_python: bool,
}

impl<'p> Packages<'p> {
    /// What `requirements`, the text of a requirements file, names, for `python3`.
    pub const fn new(requirements: &'p str) -> Self {
        Self {
            requirements,
            interpreter: "python3",
            ignores_requires_python: false,
        }
    }

    /// Takes another interpreter than `python3`: its name or its path.
    #[must_use]
    pub const fn interpreter(mut self, program: &'p str) -> Self {
        self.interpreter = program;
        self
    }

    /// Installs packages also where their metadata demand another version of Python. Nothing in the
    /// packages changes by that; whether they work then is for the test to see.
    #[must_use]
    pub const fn for_any_python(mut self) -> Self {
        self.ignores_requires_python = true;
        self
    }
}

/// An interpreter that has certain packages.
#[derive(Clone, Debug)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The interpreter of a virtual environment with these packages. It is made inside `folder`
    /// unless it is there already; other packages make another environment.
    ///
    /// # Panics
    /// When Python is missing or a package cannot be installed; the message says what to do.
    pub fn with_packages(folder: &Path, packages: Packages<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        packages.hash(&mut hasher);
        let home = folder.join(format!("python-{:016x}", hasher.finish()));
        fs::create_dir_all(folder).expect("the folder for test data can be made");
        let lock = File::create(home.with_extension("lock")).expect("a lock file can be made");
        // Released when the file is closed, even if this process dies.
        lock.lock().expect("a lock file can be locked");
        let python = Self {
            interpreter: home.join("bin").join("python"),
        };
        let ready = home.join("ready");
        if !ready.exists() {
            // What an interrupted run left behind is of no use.
            fs::remove_dir_all(&home).ok();
            make(&home, packages.interpreter);
            python.install(&home, packages);
            fs::write(&ready, "").expect("a file can be written beside the environment");
        }
        python
    }

    fn install(&self, home: &Path, packages: Packages<'_>) {
        let requirements = packages.requirements;
        let file = home.join("requirements.txt");
        fs::write(&file, requirements).expect("a file can be written into the environment");
        let mut pip = Command::new(&self.interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--only-binary=:all:"])
            .arg("--requirement")
            .arg(&file);
        if packages.ignores_requires_python {
            pip.arg("--ignore-requires-python");
        }
        let done = pip.output().expect("the environment's interpreter runs");
        assert!(
            done.status.success(),
            "pip could not install {requirements:?}; it needs a package index that it can reach:\n{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Runs a script with arguments; it reads `input` as JSON from its standard input and writes
    /// JSON to its standard output.
    ///
    /// # Panics
    /// When the script fails or writes something else; the message holds what it wrote.
    pub fn run(&self, script: &Path, arguments: &[&str], input: &Value) -> Value {
        self.run_with(&[], script, arguments, input)
    }

    /// As [`Self::run`], with variables in the script's environment.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub fn run_with(
        &self,
        variables: &[(&str, &str)],
        script: &Path,
        arguments: &[&str],
        input: &Value,
    ) -> Value {
        let mut child = Command::new(&self.interpreter)
            .envs(variables.iter().copied())
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the environment's interpreter runs");
        let mut stdin = child.stdin.take().expect("it was asked for");
        let written = stdin.write_all(input.to_string().as_bytes());
        written.expect("a script reads its input");
        drop(stdin);
        let done = child.wait_with_output().expect("the script ends");
        let what = |done: &Output| {
            let (out, err) = (&done.stdout, &done.stderr);
            let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
            format!("{}: {}\n{out}\n{err}", script.display(), done.status)
        };
        assert!(done.status.success(), "{}", what(&done));
        serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("no JSON: {}", what(&done)))
    }
}

fn make(home: &Path, interpreter: &str) {
    let made = Command::new(interpreter)
        .args(["-m", "venv"])
        .arg(home)
        .output();
    let help = "this test runs a vendor's own Python client and needs `python3` with its `venv` \
                module; on Debian: apt-get install python3 python3-venv";
    match made {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            // Debian's python3 without python3-venv says why on its standard output.
            let (out, err) = (&done.stdout, &done.stderr);
            let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
            panic!("{help}\n{out}\n{err}");
        }
        Err(error) => panic!("{help}\n{error}"),
    }
}
