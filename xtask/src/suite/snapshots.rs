//! Snapshots that no test reads any more, and new ones that nobody has looked at, are refused.
//! The library insta appends the path of each snapshot that a test reads to a file that we name;
//! what lies in the repository and not in that file is left over. cargo-insta is not needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::suite::counts::Counts;
use crate::tidy::source::has_extension;
use crate::workspace;

/// Makes the tests write down which snapshots they read, and keeps them from writing new ones.
pub(crate) fn watched(command: &mut Command) -> &mut Command {
    command
        .env("INSTA_UPDATE", "no")
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", references_file())
}

/// Before the tests, so that the file holds this run's references only.
pub(crate) fn forget_references() -> anyhow::Result<()> {
    let file = references_file();
    if let Some(folder) = file.parent() {
        // Cargo may build elsewhere; the tests would fail for want of the folder.
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    if file.exists() {
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

/// After the tests.
pub(crate) fn run() -> anyhow::Result<Counts> {
    let present: Vec<String> = workspace::sources()?
        .into_iter()
        .map(|source| source.path)
        .collect();
    let written = fs::read_to_string(references_file()).unwrap_or_default();
    let references = relative_paths(&written, workspace::root());
    let problems = problems(&present, &references);
    for problem in &problems {
        println!("{problem}");
    }
    anyhow::ensure!(
        problems.is_empty(),
        "{} snapshots need a decision",
        problems.len()
    );
    println!("{} snapshots are read by tests", references.len());
    Ok(Counts::one_passed())
}

/// One sentence for each snapshot that is left over or not accepted yet.
pub(crate) fn problems(present: &[String], references: &BTreeSet<String>) -> Vec<String> {
    present
        .iter()
        .filter_map(|path| {
            if path.ends_with(".snap.new") || path.ends_with(".pending-snap") {
                Some(format!(
                    "{path}: accept it by renaming it to .snap, or delete it"
                ))
            } else if has_extension(path, "snap") && !references.contains(path) {
                Some(format!("{path}: no test that ran reads it; delete it"))
            } else {
                None
            }
        })
        .collect()
}

/// What insta wrote down, as paths from the root. It writes the path as the test saw it, which may
/// go up and down again (`crates/a/src/../tests`).
pub(crate) fn relative_paths(written: &str, root: &Path) -> BTreeSet<String> {
    let resolve = |line: &str| -> Option<String> {
        let path = Path::new(line);
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let relative = path.strip_prefix(root).ok()?;
        Some(relative.to_string_lossy().replace('\\', "/"))
    };
    written.lines().filter_map(resolve).collect()
}

fn references_file() -> PathBuf {
    workspace::root().join("target/insta-references.txt")
}
