//! Which tests were skipped, and why. nextest only counts them; the reason stands in the test's own
//! `ignore = ".."`, and the test programs print it when they are asked for those tests. A program
//! that makes its tests at run time says why for many of them in one line of its own.

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

/// Name and reason in libtest's lines `test NAME ... ignored, REASON`, and in lines `skipped: GROUP: REASON`,
/// which stand for all tests of a group that have no reason of their own.
pub(super) fn reasons(output: &str) -> Vec<String> {
    let grouped = || {
        output
            .lines()
            .filter_map(|line| line.strip_prefix("skipped: "))
    };
    let is_grouped = |name: &str| {
        let mut groups = grouped().filter_map(|line| line.split_once(": "));
        groups.any(|(group, _)| {
            let rest = name.strip_prefix(group);
            rest.is_some_and(|rest| rest.starts_with("::"))
        })
    };
    let single = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored"))
        .map(|(name, reason)| (name.trim_end(), reason.trim_start_matches([',', ' '])))
        .filter(|(name, reason)| !reason.is_empty() || !is_grouped(name))
        .map(|(name, reason)| format!("{name}: {reason}"));
    single.chain(grouped().map(str::to_owned)).collect()
}
