//! The parsers and the choice of steps, on recorded output of the programs that they read.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::counts::Counts;
use super::{Outcome, choose, package, readme, setup, skipped, snapshots, steps, summary};
use crate::process;

const fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
    Counts {
        passed,
        failed,
        skipped,
    }
}

#[track_caller]
fn check_nextest(output: &str, expected: Option<Counts>) {
    assert_eq!(Counts::from_nextest(output), expected);
}

#[test]
fn nextest_summaries_are_read() {
    check_nextest(
        "  PASS [ 0.1s] a b\n     Summary [   0.004s] 3 tests run: 3 passed, 1 skipped\n",
        Some(counts(3, 0, 1)),
    );
    check_nextest(
        "     Summary [  10.0s] 9/12 tests run: 5 passed (1 slow, 2 leaky), 1 failed (1 due to being leaky), 2 timed out, 1 exec failed, 3 skipped\n        FAIL a\n",
        Some(counts(5, 4, 3)),
    );
    check_nextest(
        "\u{1b}[32;1m     Summary\u{1b}[0m [   0.0s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped\n",
        Some(counts(1, 0, 0)),
    );
    check_nextest(
        "     Summary [   0.0s] 0 tests run: 0 passed, 0 skipped",
        Some(counts(0, 0, 0)),
    );
    check_nextest("error: could not compile `tidings`", None);
}

#[track_caller]
fn check_libtest(output: &str, expected: Option<Counts>) {
    assert_eq!(Counts::from_libtest(output), expected);
}

#[test]
fn libtest_results_are_added_up() {
    check_libtest(
        "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
         test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.00s\n",
        Some(counts(4, 2, 1)),
    );
    check_libtest("error: could not compile", None);
}

#[test]
fn skipped_tests_are_told_with_their_reasons() {
    let listed =
        "    Finished `test` profile in 0.1s\ntidings-tests::it a::needs_more\ntidings b::c\n";
    assert_eq!(skipped::names(listed), ["a::needs_more", "b::c"]);
    let said = "running 1 test\ntest a::needs_more ... ignored, needs a modem\ntest b::c ... ignored\ntest d ... ok\n";
    assert_eq!(
        skipped::reasons(said),
        ["a::needs_more: needs a modem", "b::c: "]
    );
}

#[test]
fn tests_that_are_skipped_for_one_reason_take_one_line() {
    let said = "running 3 tests\n\
                test provider::acme::cancels        ... ignored\n\
                test provider::acme::cancels_twice  ... ignored\n\
                test provider::acmeville::cancels   ... ignored\n\n\
                skipped: provider::acme: 2 behaviours: no message can be stopped\n";
    assert_eq!(
        skipped::reasons(said),
        [
            "provider::acmeville::cancels: ",
            "provider::acme: 2 behaviours: no message can be stopped"
        ]
    );
}

#[test]
fn a_run_that_cannot_be_counted_is_a_failure() {
    assert_eq!(Counts::of_run(Some(counts(3, 0, 1)), true), counts(3, 0, 1));
    assert_eq!(
        Counts::of_run(Some(counts(3, 2, 0)), false),
        counts(3, 2, 0)
    );
    assert_eq!(
        Counts::of_run(Some(counts(3, 0, 0)), false),
        counts(3, 1, 0)
    );
    assert_eq!(Counts::of_run(None, false), counts(0, 1, 0));
    assert_eq!(Counts::of_run(None, true), counts(0, 1, 0));
}

#[test]
fn the_last_line_has_a_fixed_form() {
    assert_eq!(
        counts(12, 0, 3).to_string(),
        "12 passed, 0 failed, 3 skipped"
    );
}

#[test]
fn the_summary_shows_each_step_with_its_reason() {
    let outcome = Outcome {
        name: "docs",
        counts: Counts::one_failed(),
        took: Duration::from_millis(1500),
        error: Some("broken link\nand more".to_owned()),
    };
    let text = summary(&[outcome], Duration::from_secs(2));
    assert!(
        text.contains("docs         FAILED        0       1        0      1.5  broken link\n"),
        "{text}"
    );
    assert!(!text.contains("and more"));
}

#[track_caller]
fn check_choice(arguments: &[&str], expected: Result<&[&str], &str>) {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    match (choose(&arguments), expected) {
        (Ok(steps), Ok(names)) => {
            assert_eq!(
                steps.iter().map(|step| step.name).collect::<Vec<_>>(),
                names
            );
        }
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
        (result, expected) => panic!("{:?} is not {expected:?}", result.map(|steps| steps.len())),
    }
}

#[test]
fn steps_are_chosen_by_name_or_by_speed() {
    check_choice(&["--fast"], Ok(&["fmt", "tidy", "clippy", "tests"]));
    check_choice(&["docs", "fmt"], Ok(&["fmt", "docs"]));
    check_choice(&["--quick"], Err("`--quick` is neither"));
    assert_eq!(choose(&[]).unwrap().len(), super::STEPS.len());
}

#[test]
fn features_are_read_from_the_manifest() {
    let manifest = "[package]\nname = \"a\"\n[features]\ndefault = [\"client\"]\n## Said of it.\n\
        client = [\"dep:x\"]\n\"server\" = []\n[dependencies]\nserde = \"1\"\n";
    assert_eq!(steps::feature_names(manifest), ["client", "server"]);
    assert_eq!(steps::feature_names("[package]\n"), Vec::<String>::new());
}

#[test]
fn snapshots_that_no_test_reads_are_refused() {
    let present = ["a/read.snap", "a/left.snap", "a/new.snap.new", "a/lib.rs"].map(str::to_owned);
    let references = BTreeSet::from(["a/read.snap".to_owned()]);
    assert_eq!(
        snapshots::problems(&present, &references),
        [
            "a/left.snap: no test that ran reads it; delete it",
            "a/new.snap.new: accept it by renaming it to .snap, or delete it",
        ]
    );
    assert_eq!(
        snapshots::problems(&present[..1], &references),
        Vec::<String>::new()
    );
}

#[test]
fn references_become_paths_from_the_root() {
    let written = "/somewhere/else/b.snap\n/repository/crates/a/b.snap\n";
    assert_eq!(
        snapshots::relative_paths(written, Path::new("/repository")),
        BTreeSet::from(["crates/a/b.snap".to_owned()])
    );
    let root = crate::workspace::root();
    let up_and_down = format!("{}/xtask/src/../Cargo.toml\n", root.display());
    assert_eq!(
        snapshots::relative_paths(&up_and_down, root),
        BTreeSet::from(["xtask/Cargo.toml".to_owned()])
    );
}

#[test]
fn the_readme_shows_its_commands_in_blocks() {
    let readme = "# A\ntext\n```sh\na b\n\n# nothing\nc\n```\n```toml\nd = 1\n```\n```sh\ntidings e \"f # g\"\n```\n";
    assert_eq!(
        readme::command_blocks(readme),
        [vec!["a b", "c"], vec!["tidings e \"f # g\""]]
    );
    assert_eq!(
        readme::command_blocks("no block"),
        Vec::<Vec<String>>::new()
    );
}

#[test]
fn examples_are_run_from_source() {
    assert_eq!(
        readme::from_source("tidings segments \"a  b\"").as_deref(),
        Some("cargo run --release --quiet -- segments \"a  b\"")
    );
    assert_eq!(readme::from_source("cargo install tidings"), None);
}

#[test]
fn cargo_says_where_a_program_is() {
    let said = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"chaos\"},\"executable\":null}\n\
        {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"chaos\"},\"executable\":\"/t/chaos\"}\n\
        {\"reason\":\"build-finished\",\"success\":true}\nnot of cargo\n";
    assert_eq!(
        process::executable(said, "chaos").as_deref(),
        Some("/t/chaos")
    );
    assert_eq!(process::executable(said, "tidings"), None);
}

#[test]
fn what_goes_on_aside_ends_with_its_owner() {
    let mut sleeping = process::command("sh", &["-c", "exec sleep 600"]);
    drop(process::begin_aside(&mut sleeping));
    // Nothing may depend on it, so what cannot be started is no error.
    drop(process::begin_aside(&mut process::command(
        "/no/such/program",
        &[],
    )));
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    let within = |script: &str, limit| {
        process::run_within(&mut process::command("sh", &["-c", script]), limit)
    };
    let long = Duration::from_mins(1);
    assert!(within("exit 0", long).is_ok());
    let failed = within("exit 3", long).unwrap_err().to_string();
    assert!(failed.contains("failed: exit status: 3"), "{failed}");
    let ended = within("exec sleep 600", Duration::ZERO)
        .unwrap_err()
        .to_string();
    assert!(ended.contains("did not end within 0 s"), "{ended}");
}

#[test]
fn missing_packages_are_named_in_one_command() {
    assert_eq!(
        setup::advice(&["gcc", "python3-venv"]),
        "on Debian this installs it: sudo apt-get install gcc python3-venv"
    );
}

#[track_caller]
fn check_package(change: impl FnOnce(&mut serde_json::Value), expected: &[&str]) {
    let mut metadata = serde_json::json!({"packages": [
        {
            "name": "shown", "publish": null, "description": "d", "license": "MIT",
            "rust_version": "1.95", "readme": "README.md", "keywords": ["k"], "categories": ["c"],
            "metadata": {"docs": {"rs": {"all-features": true}}},
            "dependencies": [
                {"name": "base", "kind": null, "path": "/base", "req": "^0.1.0"},
                {"name": "serde", "kind": null, "req": "^1"},
            ],
        },
        {
            "name": "base", "publish": null, "description": "d", "license": "MIT",
            "rust_version": "1.95", "readme": "README.md", "keywords": ["k"], "categories": ["c"],
            "metadata": {"docs": {"rs": {"all-features": true}}}, "dependencies": [],
        },
        {"name": "hidden", "publish": [], "dependencies": []},
    ]});
    change(&mut metadata["packages"][0]);
    assert_eq!(package::manifest_faults(&metadata), expected);
}

#[test]
fn a_package_says_what_it_is_and_needs_nothing_unpublished() {
    check_package(|_| {}, &[]);
    check_package(
        |shown| shown["description"] = serde_json::Value::Null,
        &["shown: `description` is missing"],
    );
    check_package(
        |shown| shown["keywords"] = serde_json::json!([]),
        &["shown: 0 keywords, but it must be 1 to 5"],
    );
    check_package(
        |shown| shown["metadata"] = serde_json::Value::Null,
        &["shown: docs.rs would not show all features"],
    );
    check_package(
        |shown| shown["dependencies"][0]["req"] = "*".into(),
        &["shown: needs `base` of no version"],
    );
    check_package(
        |shown| shown["dependencies"][0]["name"] = "hidden".into(),
        &["shown: needs `hidden`, which is not published"],
    );
    check_package(
        |shown| {
            shown["dependencies"][0]["kind"] = "dev".into();
            shown["dependencies"][0]["name"] = "hidden".into();
        },
        &["shown: its tests need `hidden`, which is not published"],
    );
}

#[test]
fn a_package_carries_its_licences() {
    let list = "Cargo.toml\nLICENSE-APACHE\nREADME.md\nsrc/lib.rs\n";
    assert_eq!(
        package::file_faults("shown", list),
        ["shown: LICENSE-MIT is not in the package"]
    );
}
