//! Looks for a Python that is new enough for every vendor's client, so that the test that needs it
//! can be reported as ignored, with the reason, where there is none.
//!
//! Sets the condition `python_3_13` and the variable `TIDINGS_PYTHON_3_13`, the name of the program
//! (empty where there is none). It looks again whenever a file of this package changes; after
//! installing such a Python: `cargo clean --package tidings-tests`.

use std::process::Command;

const CANDIDATES: [&str; 3] = ["python3.14", "python3.13", "python3"];

/// Fails where the version is older or virtual environments cannot be made.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 13))";

fn main() {
    let found = CANDIDATES.into_iter().find(|program| {
        let probe = Command::new(program).args(["-c", PROBE]).output();
        probe.is_ok_and(|done| done.status.success())
    });
    println!("cargo::rustc-check-cfg=cfg(python_3_13)");
    if found.is_some() {
        println!("cargo::rustc-cfg=python_3_13");
    }
    let program = found.unwrap_or_default();
    println!("cargo::rustc-env=TIDINGS_PYTHON_3_13={program}");
}
