//! The scenarios of `examples/scenarios`: each is read, and each action has one.

use std::path::Path;

use tidings_sim::Scenario;

const ACTIONS: [&str; 11] = [
    "refuse",
    "rate_limit",
    "drop",
    "late",
    "slow",
    "broken_json",
    "wrong_content_type",
    "empty_body",
    "failure_in_200",
    "unknown_status",
    "no_credit",
];

fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios");
    let mut examples: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    examples.sort();
    examples
}

#[test]
fn every_example_is_a_scenario_that_says_what_it_is_for() {
    let examples = examples();
    assert!(
        examples.len() > ACTIONS.len(),
        "{} examples",
        examples.len()
    );
    for (name, text) in examples {
        let scenario = Scenario::from_toml(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with("# "), "{name} opens with what it is for");
        let does_something = scenario.n_faults() + scenario.n_failing() > 0;
        let tables = [
            "[delays]",
            "[tokens]",
            "[limits]",
            "[[inbound]]",
            "[[number]]",
        ];
        let has_a_table = tables.iter().any(|table| text.contains(table));
        assert!(does_something || has_a_table, "{name}");
    }
}

#[test]
fn every_key_is_explained_and_has_an_example() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let examples = examples();
    for key in [
        "rate_per_s",
        "refuse_duplicates",
        "recipient_quota",
        "max_price",
        "allows_premium",
        "sender",
        "account",
        "phone",
        "reports",
        "inbound",
        "rights",
        "display_name",
        "passcode",
        "number",
        "api_key",
        "tokens",
        "limits",
    ] {
        let explained = format!("`{key}`");
        let as_table = format!("[{key}]");
        assert!(
            readme.contains(&explained) || readme.contains(&as_table),
            "{key} in the README"
        );
        let shown = |text: &String| {
            text.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ', '[']);
                line.starts_with(&format!("{key} = ")) || line.starts_with(&format!("{key}]"))
            })
        };
        assert!(examples.iter().any(|(_, text)| shown(text)), "{key}");
    }
}

#[test]
fn every_action_has_an_example() {
    let examples = examples();
    for action in ACTIONS {
        let key = format!("\n{action} = ");
        assert!(
            examples.iter().any(|(_, text)| text.contains(&key)),
            "{action}"
        );
    }
    for when in ["before", "after", "mid_answer"] {
        let key = format!("when = \"{when}\"");
        assert!(
            examples.iter().any(|(_, text)| text.contains(&key)),
            "{when}"
        );
    }
}
