//! Which tests were skipped, and why. nextest only counts them; the reason stands in the test's own
//! `ignore = ".."`, and the test programs print it when they are asked for those tests.

use crate::process;

/// Lets the test programs, which are built already, say why each of their tests is skipped.
pub(super) fn say_why() -> anyhow::Result<()> {
    let listed = process::ask(&mut process::cargo(&[
        "nextest",
        "list",
        "--workspace",
        "--all-features",
        "--run-ignored",
        "only",
        "--message-format",
        "oneline",
    ]))?;
    let said = process::ask(
        process::cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--lib",
            "--bins",
            "--tests",
            "--",
            "--exact",
        ])
        .args(names(&listed.text)),
    )?;
    for line in reasons(&said.text) {
        println!("skipped: {line}");
    }
    Ok(())
}

/// The names in nextest's list: `package::binary name`, one a line.
pub(super) fn names(list: &str) -> Vec<&str> {
    list.lines()
        .filter_map(|line| line.trim().split_once(' '))
        .filter(|(binary, name)| !binary.ends_with(':') && !name.contains(' '))
        .map(|(_, name)| name)
        .collect()
}

/// Name and reason in libtest's lines `test NAME ... ignored, REASON`.
pub(super) fn reasons(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"))
        .map(|(name, reason)| format!("{name}: {}", reason.trim_start_matches([',', ' '])))
        .collect()
}
