//! Each rule on a made-up example that breaks it and on one that does not, and all of them on the
//! repository itself.

use super::source::{Source, Span};
use super::{Finding, book, docs, findings, layering, lints, manifests, shape, size};

#[test]
fn the_repository_is_tidy() {
    let findings = findings().unwrap();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// `expected`: the places that break the rule, as `path:line`.
#[track_caller]
fn check(rule: fn(&[Source]) -> Vec<Finding>, files: &[(&str, &str)], expected: &[&str]) {
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source::new(*path, *text))
        .collect();
    let places: Vec<String> = rule(&sources)
        .iter()
        .map(|finding| format!("{}:{}", finding.path, finding.line))
        .collect();
    assert_eq!(places, expected);
}

// --- source ---

/// `kinds`: below each byte of the text `c` for code, `l` for a literal, `-` for a comment.
#[track_caller]
fn check_kinds(text: &str, kinds: &str) {
    let source = Source::new("a.rs", text);
    let views = [(source.code(), 'c'), (source.comments(), '-')];
    for (view, kind) in views {
        let expected: String = text
            .bytes()
            .zip(kinds.chars())
            .map(|(byte, of_byte)| {
                if of_byte == kind {
                    char::from(byte)
                } else {
                    ' '
                }
            })
            .collect();
        assert_eq!(view, expected, "the bytes of kind {kind}");
    }
    assert_eq!(text.len(), kinds.len());
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    check_kinds("let a = 1; // x", "ccccccccccc----");
    check_kinds("a /* b /* c */ d */ e", "cc-----------------cc");
    check_kinds(r#"f("a // \" b") + 1"#, "ccclllllllllcccccc");
    check_kinds(r##"r#"a " b"# c"##, "ccclllllcccc");
    check_kinds(r#"br"a\" c"#, "cccllccc");
    check_kinds("bar\"x\"", "cccclc");
    check_kinds("let c: &'a str = 'x';", "cccccccccccccccccclcc");
    check_kinds(r"('\'', '{', '\u{1f600}')", "ccllcccclcccclllllllllcc");
    check_kinds("\"unfinished", "cllllllllll");
}

#[test]
fn blanks_keep_lines_and_characters_whole() {
    let source = Source::new("a.rs", "\"é\n\" // ü\nb");
    assert_eq!(source.code(), "\"  \n\"      \nb");
    assert_eq!(source.code_and_literals(), "\"é\n\"      \nb");
}

#[track_caller]
fn check_functions(text: &str, expected: &[(&str, usize, usize)]) {
    let expected: Vec<Span> = expected
        .iter()
        .map(|(name, first_line, last_line)| Span {
            name: (*name).to_owned(),
            first_line: *first_line,
            last_line: *last_line,
        })
        .collect();
    assert_eq!(Source::new("a.rs", text).functions(), expected);
}

#[test]
fn functions_reach_from_the_keyword_to_the_brace() {
    check_functions("fn a() {}", &[("a", 1, 1)]);
    check_functions("fn a(x: [u8; 3])\nwhere\n{\n  \"}\";\n}\n", &[("a", 1, 5)]);
    check_functions("trait T {\n fn a();\n fn b() {\n }\n}", &[("b", 3, 4)]);
    check_functions("fn a() {\n fn b() {\n }\n}", &[("a", 1, 4), ("b", 2, 3)]);
    check_functions("type F = fn(u8) -> u8;\n// fn c() {}\n", &[]);
}

// --- layering ---

#[test]
fn core_depends_on_no_run_time() {
    let bare = "tidings-core v0.1.0 (/x)\njiff v0.2.43\ntokio-like v1.0.0\n";
    assert_eq!(layering::core_dependencies(bare), []);
    let with_tokio = format!("{bare}tokio v1.48.0\nhyper v1.8.0\n");
    assert_eq!(layering::core_dependencies(&with_tokio).len(), 2);
}

#[test]
fn crates_build_only_on_what_lies_below() {
    const CORE: &str = "[package]\nname = \"tidings-core\"\n[dependencies]\njiff = \"1\"\n";
    check(
        layering::crate_dependencies,
        &[("crates/tidings-core/Cargo.toml", CORE)],
        &[],
    );
    let upward = format!("{CORE}tidings.workspace = true\n");
    check(
        layering::crate_dependencies,
        &[("crates/tidings-core/Cargo.toml", &upward)],
        &["crates/tidings-core/Cargo.toml:5"],
    );
    let as_table = format!("{CORE}[dev-dependencies.tidings-sim]\nworkspace = true\n");
    check(
        layering::crate_dependencies,
        &[("crates/tidings-core/Cargo.toml", &as_table)],
        &["crates/tidings-core/Cargo.toml:5"],
    );
    check(
        layering::crate_dependencies,
        &[(
            "crates/tidings-extra/Cargo.toml",
            "[package]\nname = \"tidings-extra\"\n",
        )],
        &["crates/tidings-extra/Cargo.toml:1"],
    );
}

#[test]
fn a_provider_is_named_only_at_home() {
    let wire = (
        "crates/tidings/src/acme/wire.rs",
        "//! The wire.\nstruct Acme;",
    );
    check(
        layering::provider_names,
        &[
            wire,
            ("crates/tidings/src/providers.rs", "pub mod acme;"),
            (
                "crates/tidings/src/lib.rs",
                "//! `tidings::acme::Client` sends.\n#[cfg(feature = \"acme\")]\npub mod acme;",
            ),
            ("docs/providers.md", "acme"),
            ("crates/tidings-tests/tests/it/main.rs", "mod acme_client;"),
            (
                "crates/tidings-tests/tests/it/acme_client.rs",
                "use tidings::acme;",
            ),
            (
                "crates/tidings/tests/acme_server/main.rs",
                "use tidings::acme;",
            ),
            (
                "crates/tidings/benches/acme_encoding.rs",
                "use tidings::acme;",
            ),
            ("fuzz/fuzz_targets/acme_json.rs", "use tidings::acme;"),
            ("xtask/src/acme_bench.rs", "use tidings::acme;"),
            ("xtask/src/benches/mod.rs", "acme_bench::run"),
        ],
        &[],
    );
    check(
        layering::provider_names,
        &[
            wire,
            (
                "crates/tidings/src/lib.rs",
                "//! Front.\npub use acme::Client;",
            ),
            (
                "crates/tidings-cli/src/main.rs",
                "fn a() {\n    connect(\"ACME\");\n}",
            ),
            (
                "crates/tidings-tests/tests/it/main.rs",
                "use tidings::acme;",
            ),
        ],
        &[
            "crates/tidings/src/lib.rs:2",
            "crates/tidings-cli/src/main.rs:2",
            "crates/tidings-tests/tests/it/main.rs:1",
        ],
    );
}

#[test]
fn only_the_store_knows_sql() {
    check(
        layering::sql,
        &[
            (
                "crates/tidings-store/src/sqlite/mod.rs",
                "use rusqlite::Connection;",
            ),
            (
                "crates/tidings-store/Cargo.toml",
                "[dependencies]\nrusqlite = \"1\"",
            ),
            ("Cargo.toml", "[workspace.dependencies]\nrusqlite = \"1\""),
            (
                "crates/tidings/src/lib.rs",
                "// rusqlite is not used here\nlet my_rusqlite_like = 1;",
            ),
        ],
        &[],
    );
    check(
        layering::sql,
        &[
            (
                "crates/tidings-cli/src/main.rs",
                "//! x\nuse tokio_postgres::Client;",
            ),
            (
                "crates/tidings-cli/Cargo.toml",
                "[dependencies]\ntokio-postgres = \"1\"",
            ),
        ],
        &[
            "crates/tidings-cli/src/main.rs:2",
            "crates/tidings-cli/Cargo.toml:2",
        ],
    );
}

#[test]
fn only_config_reads_the_environment() {
    check(
        layering::environment,
        &[
            ("crates/a/src/config.rs", "std::env::var(\"A\")"),
            ("crates/b/src/config/mod.rs", "std::env::var(\"A\")"),
            (
                "crates/a/src/main.rs",
                "std::env::args(); env!(\"A\"); // std::env::var",
            ),
        ],
        &[],
    );
    check(
        layering::environment,
        &[(
            "crates/a/src/main.rs",
            "\nstd::env::var(\"A\");\nenv::vars()",
        )],
        &["crates/a/src/main.rs:2", "crates/a/src/main.rs:3"],
    );
}

#[test]
fn only_the_clock_reads_the_time() {
    check(
        layering::time,
        &[
            ("crates/a/src/clock.rs", "SystemTime::now()"),
            ("crates/a/src/tests.rs", "tokio::time::Instant::now()"),
            ("crates/a/src/main.rs", "clock.now(); MyInstant::now_ish()"),
        ],
        &[],
    );
    check(
        layering::time,
        &[(
            "crates/a/src/main.rs",
            "std::time::Instant::now();\njiff::Timestamp::now()",
        )],
        &["crates/a/src/main.rs:1", "crates/a/src/main.rs:2"],
    );
    check(
        layering::time,
        &[
            ("crates/a/src/main.rs", "tokio::time::Instant::now()"),
            ("crates/a/src/tests.rs", "std::time::Instant::now()"),
        ],
        &["crates/a/src/main.rs:1", "crates/a/src/tests.rs:1"],
    );
}

#[test]
fn unsafe_code_is_forbidden_in_every_package() {
    const WORKSPACE: &str = "[workspace]\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
    const INHERITS: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n";
    const ALONE: &str = "[package]\nname = \"a\"\n";
    check(
        layering::unsafe_forbidden,
        &[("Cargo.toml", WORKSPACE), ("crates/a/Cargo.toml", INHERITS)],
        &[],
    );
    check(
        layering::unsafe_forbidden,
        &[
            ("crates/a/Cargo.toml", ALONE),
            ("crates/a/src/lib.rs", "#![forbid(unsafe_code)]"),
        ],
        &[],
    );
    check(
        layering::unsafe_forbidden,
        &[("Cargo.toml", WORKSPACE), ("crates/a/Cargo.toml", ALONE)],
        &["crates/a/Cargo.toml:1"],
    );
    check(
        layering::unsafe_forbidden,
        &[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/a/Cargo.toml", INHERITS),
        ],
        &["crates/a/Cargo.toml:1"],
    );
}

// --- size ---

#[test]
fn files_have_at_most_600_lines_without_tests() {
    let lines = |n: usize| format!("//! A.\n{}", "x;\n".repeat(n - 1));
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "x;\n".repeat(50));
    check(size::files, &[("a.rs", &lines(600))], &[]);
    check(size::files, &[("a.rs", &lines(601))], &["a.rs:1"]);
    check(
        size::files,
        &[("a.rs", &format!("{}{tests}", lines(600)))],
        &[],
    );
    check(
        size::files,
        &[("a/tests.rs", &lines(700)), ("tests/it/a.rs", &lines(700))],
        &[],
    );
    let generated = format!("//! A.\n//! B.\n\n// @generated by xtask\n{}", lines(700));
    check(size::files, &[("a.rs", &generated)], &[]);
    let mark_too_late = format!("{}// @generated\n", lines(700));
    check(size::files, &[("a.rs", &mark_too_late)], &["a.rs:1"]);
}

#[test]
fn functions_have_at_most_80_lines_without_tests() {
    let function = |n: usize| format!("fn long() {{\n{}}}\n", "x;\n".repeat(n - 2));
    check(size::functions, &[("a.rs", &function(80))], &[]);
    check(
        size::functions,
        &[("a.rs", &format!("\n{}", function(81)))],
        &["a.rs:2"],
    );
    let in_tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(100));
    check(size::functions, &[("a.rs", &in_tests)], &[]);
}

// --- shape ---

#[test]
fn files_open_with_a_header() {
    check(
        shape::headers,
        &[
            ("a.rs", "//! What it does.\n"),
            ("acme/mod.rs", "#![doc = include_str!(\"README.md\")]\n"),
            ("a.md", "x"),
        ],
        &[],
    );
    check(
        shape::headers,
        &[("a.rs", "use b;\n//! Too late.\n")],
        &["a.rs:1"],
    );
}

#[test]
fn modules_have_telling_names() {
    check(
        shape::module_names,
        &[(
            "crates/tidings-core/src/text/mod.rs",
            "mod gsm7;\nuse core::fmt;",
        )],
        &[],
    );
    check(
        shape::module_names,
        &[
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/lib.rs", "pub(crate) mod helpers {\n}"),
        ],
        &["crates/a/src/utils.rs:1", "crates/a/src/lib.rs:1"],
    );
}

#[test]
fn provider_folders_are_complete_and_registered() {
    let names = [
        "mod.rs",
        "README.md",
        "wire.rs",
        "map.rs",
        "client.rs",
        "blocking.rs",
        "server.rs",
        "tests.rs",
        "testdata/send.http",
    ];
    let paths: Vec<String> = names
        .iter()
        .map(|name| format!("crates/tidings/src/acme/{name}"))
        .collect();
    let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
    files.push(("crates/tidings/src/providers.rs", "ALL = &[&acme::SPEC];"));
    check(shape::provider_folders, &files, &[]);

    let mut with_folder = files.clone();
    with_folder[4] = ("crates/tidings/src/acme/client/mod.rs", "");
    check(shape::provider_folders, &with_folder, &[]);

    let mut calls_back = files.clone();
    calls_back[0].1 = "parse_callback: Some(callback::parse),";
    check(
        shape::provider_folders,
        &calls_back,
        &["crates/tidings/src/acme/callback.rs:1"],
    );

    check(
        shape::provider_folders,
        &[
            ("crates/tidings/src/acme/wire.rs", ""),
            ("crates/tidings/src/acme/mod.rs", ""),
            ("crates/tidings/src/acme/README.md", ""),
            ("crates/tidings/src/acme/map.rs", ""),
            ("crates/tidings/src/acme/client.rs", ""),
            ("crates/tidings/src/acme/blocking.rs", ""),
            ("crates/tidings/src/acme/tests.rs", ""),
        ],
        &[
            "crates/tidings/src/acme/server.rs:1",
            "crates/tidings/src/acme/testdata/:1",
            "crates/tidings/src/providers.rs:1",
        ],
    );
}

#[test]
fn nothing_unfinished_stays() {
    check(
        shape::leftovers,
        &[
            ("a.rs", "let todo = \"todo!()\"; // to be done: nothing"),
            ("a.md", "TODO"),
        ],
        &[],
    );
    let outside = concat!("see ../", "shared/design.md");
    check(
        shape::leftovers,
        &[
            ("a.rs", "\ntodo!();\n// FIXME later\ndbg!(x);"),
            ("b.md", outside),
        ],
        &["a.rs:2", "a.rs:4", "a.rs:3", "b.md:1"],
    );
}

#[test]
fn ignored_tests_say_why() {
    check(
        shape::ignored_tests,
        &[(
            "a.rs",
            "#[ignore = \"needs a modem\"]\nlet a = \"#[ignore]\";",
        )],
        &[],
    );
    check(
        shape::ignored_tests,
        &[(
            "a.rs",
            "#[ignore]\n#[ignore = \"\"]\n#[cfg_attr(windows, ignore)]",
        )],
        &["a.rs:1", "a.rs:2", "a.rs:3"],
    );
}

// --- lints ---

#[test]
fn published_crates_ask_for_documentation() {
    const MANIFEST: &str = "[package]\nname = \"a\"\n";
    let all = "#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]";
    check(
        lints::published_crates,
        &[
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/src/lib.rs", all),
        ],
        &[],
    );
    check(
        lints::published_crates,
        &[
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/src/lib.rs", "// missing_docs"),
        ],
        &[
            "crates/a/src/lib.rs:1",
            "crates/a/src/lib.rs:1",
            "crates/a/src/lib.rs:1",
        ],
    );
    let private = format!("{MANIFEST}publish = false\n");
    check(
        lints::published_crates,
        &[
            ("crates/a/Cargo.toml", &private),
            ("crates/a/src/lib.rs", ""),
        ],
        &[],
    );
}

#[test]
fn maps_ask_for_matches_without_a_wildcard() {
    const WIRE: (&str, &str) = ("crates/tidings/src/acme/wire.rs", "");
    let map = "crates/tidings/src/acme/map.rs";
    let asks = "//! Map.\n#![warn(clippy::wildcard_enum_match_arm)]";
    check(lints::exhaustive_maps, &[WIRE, (map, asks)], &[]);
    check(
        lints::exhaustive_maps,
        &[WIRE, (map, "//! Map.")],
        &["crates/tidings/src/acme/map.rs:1"],
    );
}

#[test]
fn layers_forward_every_method() {
    let layer = "crates/tidings/src/layers/retry.rs";
    let complete = "#[async_trait]\n#[deny(clippy::missing_trait_methods)]\nimpl<P: Provider> Provider for Retry<P> {}";
    check(lints::complete_wrappers, &[(layer, complete)], &[]);
    let partial = "#[deny(clippy::missing_trait_methods)]\nstruct A;\n#[async_trait]\nimpl<P: Provider> Provider for Retry<P> {}";
    check(
        lints::complete_wrappers,
        &[
            (layer, partial),
            (
                "crates/tidings/src/memory.rs",
                "impl Provider for Memory {}",
            ),
        ],
        &["crates/tidings/src/layers/retry.rs:4"],
    );
}

// --- docs ---

#[test]
fn the_map_names_every_crate() {
    const MANIFEST: (&str, &str) = ("crates/a/Cargo.toml", "[package]\nname = \"tidings-a\"");
    check(
        docs::crates_in_the_map,
        &[MANIFEST, ("ARCHITECTURE.md", "`tidings-a`")],
        &[],
    );
    check(
        docs::crates_in_the_map,
        &[MANIFEST, ("ARCHITECTURE.md", "`tidings-ab`")],
        &["ARCHITECTURE.md:1"],
    );
    check(docs::crates_in_the_map, &[MANIFEST], &["ARCHITECTURE.md:1"]);
}

#[test]
fn documents_name_only_what_exists() {
    const CODE: (&str, &str) = ("crates/a/src/text/mod.rs", "//! A.\npub fn plan() {}");
    let fine = "`crates/a/src/text/mod.rs::plan` `text/mod.rs` `crates/a/` `crates/{a,a/src}` \
        `/v1/messages` `application/json` `<provider>/tests.rs` `cargo test` [x](../docs/a.md#b)\n\
        ```\n`crates/gone`\n```\n";
    check(docs::paths, &[CODE, ("docs/a.md", fine)], &[]);
    check(
        docs::paths,
        &[
            CODE,
            (
                "docs/a.md",
                "`crates/b`\n`gone.rs`\n`text/mod.rs::stop`\n[x](b.md)\n`crates/{a,b}`",
            ),
            ("CHANGELOG.md", "`crates/b` was taken out"),
        ],
        &[
            "docs/a.md:1",
            "docs/a.md:2",
            "docs/a.md:3",
            "docs/a.md:4",
            "docs/a.md:5",
        ],
    );
}

#[test]
fn promises_name_tests_that_exist() {
    const TESTS: (&str, &str) = ("a/tests.rs", "fn parts_join() {}\nname: \"stop_stops\",");
    check(
        docs::promises,
        &[
            TESTS,
            (
                "README.md",
                "x\n<!-- held by: a::parts_join, stop_stops, cargo xtask test readme -->",
            ),
        ],
        &[],
    );
    check(
        docs::promises,
        &[
            TESTS,
            ("README.md", "x\n<!-- held by: parts_join, parts_part -->"),
        ],
        &["README.md:2"],
    );
}

#[test]
fn every_page_of_the_book_is_in_its_contents_once() {
    let page = ("docs/a.md", "# A\n");
    let nested = ("docs/decisions/0001-b.md", "# B\n");
    let summary = "# Book\n\n- [A](a.md)\n  - [B](decisions/0001-b.md)\n";
    check(
        book::contents,
        &[
            ("docs/SUMMARY.md", summary),
            page,
            nested,
            ("README.md", ""),
        ],
        &[],
    );
    check(
        book::contents,
        &[
            ("docs/SUMMARY.md", "- [A](a.md)\n- [A](./a.md)\n"),
            page,
            nested,
        ],
        &["docs/SUMMARY.md:2", "docs/decisions/0001-b.md:1"],
    );
    check(book::contents, &[page], &["docs/SUMMARY.md:1"]);
}

#[test]
fn a_link_to_a_heading_finds_it() {
    let to = (
        "docs/b.md",
        "# B & C: `d`\n## Twice\n## Twice\n```\n# no heading\n```\n",
    );
    let fine = "# A\n[x](b.md#b--c-d) [x](b.md#twice-1) [x](#a) [x](../src/c.rs#L1) [x](b.md)\n";
    check(
        book::anchors,
        &[to, ("docs/a.md", fine), ("src/c.rs", "//! C")],
        &[],
    );
    let broken = "[x](b.md#no-heading)\n[x](#b)\n[x](b.md#twice-2)\n";
    check(
        book::anchors,
        &[to, ("docs/a.md", broken)],
        &["docs/a.md:1", "docs/a.md:2", "docs/a.md:3"],
    );
}

#[test]
fn the_table_of_features_is_that_of_the_manifest() {
    let manifest = "[package]\nname = \"a\"\n[features]\ndefault = [\"all\"]\n## One.\none = []\n\
                    ## Internal, switched on by the others.\nhidden = []\nall = [\"one\", \"dep:x\"]\n\
                    off = [\"hidden\"]\n[dependencies]\nx = \"1\"\n";
    let check_table = |rows: &str, expected: &[&str]| {
        let page = format!("//! A.\n//!\n//! # Features\n//!\n{rows}\n#![warn(missing_docs)]\n");
        let files = [
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/src/lib.rs", &page),
        ];
        check(manifests::feature_tables, &files, expected);
    };
    let head = "//! | feature | what | default |\n//! |---|---|---|\n";
    check_table(
        &format!("{head}//! | `one`, `all` | x | yes |\n//! | `off` | `one` | |"),
        &[],
    );
    check_table(
        &format!("{head}//! | `one`, `all` | x | |\n//! | `off` | x | yes |"),
        &[
            "crates/a/src/lib.rs:7",
            "crates/a/src/lib.rs:8",
            "crates/a/src/lib.rs:7",
        ],
    );
    check_table(
        &format!("{head}//! | `one` | x | yes |\n//! | `gone` | x | |"),
        &[
            "crates/a/src/lib.rs:1",
            "crates/a/src/lib.rs:1",
            "crates/a/src/lib.rs:8",
        ],
    );
}
