//! `tidings demo`, as a person and as a script see it.

use crate::shell::Shell;

#[test]
fn a_script_gets_every_row_and_a_summary() {
    let lines = Shell::new()
        .run(&["demo", "--once", "--json"])
        .succeeded()
        .json();
    let first = &lines[0];
    assert_eq!(first["type"], "carrier");
    assert!(
        first["base_url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:"),
        "{first}"
    );
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("message"), of("bad_row"), of("summary")), (986, 14, 1));
    let summary = lines.last().unwrap();
    insta::assert_snapshot!(summary.to_string(), @r"");
    let lines_of_file = include_str!("../../../../examples/campaign.csv")
        .lines()
        .count();
    assert_eq!(lines_of_file, 1_001);
}

#[test]
fn without_a_terminal_it_prints_plain_lines() {
    let ended = Shell::new().run(&["demo"]);
    insta::assert_snapshot!(ended.succeeded().stdout, @r"");
    assert!(
        ended.stderr.contains("986/986 messages handed over"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stdout.contains('\u{1b}'));
}
