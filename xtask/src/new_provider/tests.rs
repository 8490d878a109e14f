//! Names and edits on made-up files. That the whole compiles and fails only what it has yet to earn
//! is tried in a copy of the repository, in `xtask/tests/new_provider.rs`.

use std::collections::BTreeSet;

use super::name::Name;
use super::registration::{self, New};
use crate::tidy::source::Source;

#[track_caller]
fn check_name(written: &str, fault: &str) {
    let error = Name::parse(written).unwrap_err().to_string();
    assert!(error.contains(fault), "{error}");
}

#[test]
fn a_name_is_of_letters_and_digits_and_no_word_of_the_language() {
    assert_eq!(Name::parse("sms77").unwrap().title(), "Sms77");
    check_name("", "is no name");
    check_name("Acme", "is no name");
    check_name("7sms", "is no name");
    check_name("big-sms", "is no name");
    check_name("../acme", "is no name");
    check_name("ab", "too short");
    check_name("abcdefghijklmnopqrstuvwxyz", "too long");
    check_name("async", "word of the language");
    check_name("core", "word of the language");
}

#[track_caller]
fn check_free(name: &str, fault: Option<&str>) {
    let sources = [
        Source::new("crates/tidings/src/memory.rs", "//! In memory."),
        Source::new("crates/tidings/src/other/mod.rs", "//! Another."),
        Source::new(
            "crates/tidings/Cargo.toml",
            "[features]\nclient = []\n[dependencies]\nquick-xml.workspace = true\nserde_json = \"1\"\n",
        ),
        Source::new(
            "crates/tidings-cli/src/main.rs",
            "//! Says acme in a comment.\nconst A: &str = \"Globex\";\n",
        ),
    ];
    let result = Name::parse(name).unwrap().check_free(&sources);
    match (result, fault) {
        (Ok(()), None) => {}
        (Err(error), Some(fault)) => assert!(error.to_string().contains(fault), "{error}"),
        (result, expected) => panic!("{name}: {result:?} is not {expected:?}"),
    }
}

#[test]
fn a_name_that_something_has_already_is_refused() {
    check_free("acme", None);
    check_free("memory", Some("is taken: crates/tidings/src/memory.rs"));
    check_free("other", Some("is taken: crates/tidings/src/other/mod.rs"));
    check_free("client", Some("a feature or a dependency"));
    check_free("globex", Some("already stands in code"));
}

const FRONT_PAGE: &str = "\
//! | feature | what |
//! |---|---|
//! | `client` | the client |
//! | `early`, `late` | that provider |

mod answer;
#[cfg(feature = \"early\")]
pub mod early;
// Said of the next.
#[cfg(feature = \"client\")]
mod http;
#[cfg(feature = \"late\")]
pub mod late;

pub use answer::Answer;
";

/// The lines that are new, each with the line after it.
fn added<'a>(before: &str, after: &'a str) -> Vec<(&'a str, &'a str)> {
    let known: BTreeSet<&str> = before.lines().collect();
    let lines: Vec<&str> = after.lines().collect();
    let following = lines.iter().skip(1).chain([&""]);
    lines
        .iter()
        .zip(following)
        .filter(|(line, _)| !known.contains(**line))
        .map(|(line, next)| (*line, *next))
        .collect()
}

type Edit = fn(&str, &New<'_>) -> anyhow::Result<String>;

#[track_caller]
fn check_edit(edit: Edit, before: &str, name: &str, expected: &[(&str, &str)]) {
    let new = New {
        name: &Name::parse(name).unwrap(),
        others: &BTreeSet::from(["early".to_owned(), "late".to_owned()]),
    };
    let after = edit(before, &new).unwrap();
    assert_eq!(added(before, &after), expected, "{after}");
}

#[test]
fn the_front_page_declares_the_module_in_its_place() {
    check_edit(
        registration::front_page,
        FRONT_PAGE,
        "gamma",
        &[
            ("//! | `early`, `gamma`, `late` | that provider |", ""),
            ("#[cfg(feature = \"gamma\")]", "pub mod gamma;"),
            ("pub mod gamma;", "// Said of the next."),
        ],
    );
    check_edit(
        registration::front_page,
        FRONT_PAGE,
        "zeta",
        &[
            ("//! | `early`, `late`, `zeta` | that provider |", ""),
            ("#[cfg(feature = \"zeta\")]", "pub mod zeta;"),
            ("pub mod zeta;", ""),
        ],
    );
}

#[test]
fn the_registration_stays_sorted() {
    let before = "pub static ALL: &[&ProviderSpec] = &[\n    #[cfg(feature = \"early\")]\n    \
                  &crate::early::SPEC,\n    #[cfg(feature = \"late\")]\n    &crate::late::SPEC,\n];\n";
    check_edit(
        registration::registration,
        before,
        "gamma",
        &[
            (
                "    #[cfg(feature = \"gamma\")]",
                "    &crate::gamma::SPEC,",
            ),
            ("    &crate::gamma::SPEC,", "    #[cfg(feature = \"late\")]"),
        ],
    );
    check_edit(
        registration::registration,
        before,
        "zeta",
        &[
            ("    #[cfg(feature = \"zeta\")]", "    &crate::zeta::SPEC,"),
            ("    &crate::zeta::SPEC,", "];"),
        ],
    );
}

#[test]
fn the_manifest_gets_a_feature_and_all_providers_switch_it_on() {
    let before = "[features]\nclient = []\nlate = [\"any-provider\", \"dep:x\"]\nearly = []\n\
                  ## Every provider.\nall-providers = [\"early\", \"late\"]\n[dependencies]\n";
    check_edit(
        registration::manifest,
        before,
        "gamma",
        &[
            ("## Gamma.", "gamma = [\"any-provider\"]"),
            ("gamma = [\"any-provider\"]", "## Every provider."),
            (
                "all-providers = [\"early\", \"gamma\", \"late\"]",
                "[dependencies]",
            ),
        ],
    );
}

#[test]
fn a_file_that_is_not_as_expected_is_left_alone() {
    let new = New {
        name: &Name::parse("gamma").unwrap(),
        others: &BTreeSet::from(["early".to_owned()]),
    };
    let edits: [Edit; 4] = [
        registration::front_page,
        registration::registration,
        registration::manifest,
        registration::example_lane,
    ];
    for edit in edits {
        edit("something else\n", &new).unwrap_err();
    }
}
