//! Who may know what: the rules of ARCHITECTURE.md about crates, providers, SQL, the environment,
//! the time and unsafe code.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::source::{Source, numbered, word_positions};

/// Packages that `tidings-core` must not be built from: run times, HTTP, SQL.
const NOT_IN_CORE: &[&str] = &[
    "async-std",
    "axum",
    "deadpool-postgres",
    "diesel",
    "futures-executor",
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "postgres",
    "reqwest",
    "rusqlite",
    "smol",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio-util",
    "tower",
    "tower-http",
    "ureq",
];

/// What each crate may build on, from the bottom up. A crate that stands in no line may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("tidings-core", &[]),
    ("tidings", &["tidings-core"]),
    ("tidings-store", &["tidings-core"]),
    ("tidings-sim", &["tidings-core", "tidings"]),
    (
        "tidings-gateway",
        &["tidings-core", "tidings", "tidings-store"],
    ),
    (
        "tidings-cli",
        &[
            "tidings-core",
            "tidings",
            "tidings-sim",
            "tidings-store",
            "tidings-gateway",
        ],
    ),
    (
        "tidings-tests",
        &[
            "tidings-core",
            "tidings",
            "tidings-sim",
            "tidings-store",
            "tidings-gateway",
            "tidings-cli",
        ],
    ),
    ("xtask", &["tidings-core", "tidings", "tidings-sim"]),
];

const SQL_CRATES: &[&str] = &[
    "rusqlite",
    "tokio_postgres",
    "deadpool_postgres",
    "refinery",
    "sqlx",
];

/// `tree`: what `cargo tree --prefix none --format {p}` prints for `tidings-core`.
pub(crate) fn core_dependencies(tree: &str) -> Vec<Finding> {
    let packages: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    NOT_IN_CORE
        .iter()
        .filter(|banned| packages.contains(**banned))
        .map(|banned| {
            Finding::new(
                "crates/tidings-core/Cargo.toml",
                1,
                format!(
                    "tidings-core builds on `{banned}`; it is pure functions, move what needs it to a crate above"
                ),
            )
        })
        .collect()
}

pub(crate) fn crate_dependencies(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in packages(sources) {
        let name = package_name(manifest).unwrap_or_default();
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            if name.starts_with("tidings") {
                findings.push(Finding::new(
                    &manifest.path,
                    1,
                    format!(
                        "say in MAY_USE (xtask) and ARCHITECTURE.md what `{name}` may build on"
                    ),
                ));
            }
            continue;
        };
        for (line, dependency) in dependencies(manifest) {
            let ours = MAY_USE.iter().any(|(known, _)| *known == dependency);
            if ours && !allowed.contains(&dependency.as_str()) {
                findings.push(Finding::new(
                    &manifest.path,
                    line,
                    format!(
                        "`{name}` must not know `{dependency}`; see the crates in ARCHITECTURE.md"
                    ),
                ));
            }
        }
    }
    findings
}

/// A provider's name is known in its folder and in the registration; all other code goes through
/// `providers::ALL`, which is what makes a new provider one folder and one line.
pub(crate) fn provider_names(sources: &[Source]) -> Vec<Finding> {
    naming(sources, &providers(sources))
}

/// Code that names one of these providers where none may be named.
pub(crate) fn naming(sources: &[Source], providers: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        // Comments are documentation, and documentation may name a provider.
        let code = source.code_and_literals();
        for provider in providers {
            if may_name(source, provider) {
                continue;
            }
            for (line, text) in numbered(&code) {
                if text.to_lowercase().contains(provider) && !declares_named_file(source, text) {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!(
                            "names the provider `{provider}`; go through `providers::ALL` instead"
                        ),
                    ));
                }
            }
        }
    }
    findings
}

pub(crate) fn sql(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let outside = |source: &&Source| !source.path.starts_with("crates/tidings-store/");
    for source in sources.iter().filter(outside) {
        let lines: Vec<usize> = if source.is_rust() {
            let code = source.code();
            numbered(&code)
                .filter(|(_, text)| {
                    SQL_CRATES
                        .iter()
                        .any(|name| !word_positions(text, name).is_empty())
                })
                .map(|(line, _)| line)
                .collect()
        } else if source.is_manifest() && source.path != "Cargo.toml" {
            dependencies(source)
                .into_iter()
                .filter(|(_, name)| SQL_CRATES.contains(&name.replace('-', "_").as_str()))
                .map(|(line, _)| line)
                .collect()
        } else {
            continue;
        };
        findings.extend(lines.into_iter().map(|line| {
            Finding::new(
                &source.path,
                line,
                "uses a database driver; only tidings-store knows SQL, ask its `Store` instead",
            )
        }));
    }
    findings
}

pub(crate) fn environment(sources: &[Source]) -> Vec<Finding> {
    calls_outside(
        sources,
        "config",
        &["env::var", "env::var_os", "env::vars", "env::vars_os"],
        "reads the environment; only config.rs does, hand the value in",
    )
}

pub(crate) fn time(sources: &[Source]) -> Vec<Finding> {
    calls_outside(
        sources,
        "clock",
        &[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ],
        "reads the time; only clock.rs does, hand a `Clock` in",
    )
    .into_iter()
    .filter(|finding| !reads_paused_clock(sources, finding))
    .collect()
}

/// In a test, tokio's instant stands for the paused clock that the test moves itself.
fn reads_paused_clock(sources: &[Source], finding: &Finding) -> bool {
    sources
        .iter()
        .filter(|source| source.path == finding.path && source.is_test_file())
        .filter_map(|source| source.text.lines().nth(finding.line - 1))
        .any(|line| line.contains("tokio::time::Instant::now"))
}

pub(crate) fn unsafe_forbidden(sources: &[Source]) -> Vec<Finding> {
    let workspace_forbids = sources.iter().any(|source| {
        source.path == "Cargo.toml"
            && section_lines(&source.text, "workspace.lints.rust")
                .iter()
                .any(|(_, line)| line.replace(' ', "").starts_with("unsafe_code=\"forbid\""))
    });
    packages(sources)
        .filter(|manifest| {
            let inherits = section_lines(&manifest.text, "lints")
                .iter()
                .any(|(_, line)| line.replace(' ', "") == "workspace=true");
            let folder = manifest.path.trim_end_matches("Cargo.toml");
            let roots = [
                format!("{folder}src/lib.rs"),
                format!("{folder}src/main.rs"),
            ];
            let root_forbids = sources.iter().any(|source| {
                roots.contains(&source.path) && source.code().contains("#![forbid(unsafe_code)]")
            });
            !(root_forbids || inherits && workspace_forbids)
        })
        .map(|manifest| {
            Finding::new(
                &manifest.path,
                1,
                "does not forbid unsafe code; add `[lints] workspace = true`",
            )
        })
        .collect()
}

/// The providers there are: the folders of the SDK that hold a `wire.rs` or a folder of that name.
pub(crate) fn providers(sources: &[Source]) -> BTreeSet<String> {
    sources
        .iter()
        .filter_map(|source| {
            let path = source.path.strip_prefix("crates/tidings/src/")?;
            let folder = path.strip_suffix("/wire.rs");
            let folder = folder.or_else(|| path.strip_suffix("/wire/mod.rs"))?;
            (!folder.contains('/')).then(|| folder.to_owned())
        })
        .collect()
}

/// Manifests of packages; the workspace's own manifest is none.
pub(crate) fn packages(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources
        .iter()
        .filter(|source| source.is_manifest() && package_name(source).is_some())
}

pub(crate) fn package_name(manifest: &Source) -> Option<&str> {
    let lines = section_lines(&manifest.text, "package");
    let (_, line) = lines.iter().find(|(_, line)| line.starts_with("name"))?;
    line.split('"').nth(1)
}

fn may_name(source: &Source, provider: &str) -> bool {
    let path = source.path.as_str();
    let own_folder = path.starts_with(&format!("crates/tidings/src/{provider}/"));
    let registration = [
        "crates/tidings/src/providers.rs",
        "xtask/src/benches/mod.rs",
    ]
    .contains(&path);
    let sample = path
        .split('/')
        .any(|part| part == "testdata" || part == "examples");
    // What is said on one vendor's wire cannot be said for all alike: a test of the vendor's server
    // by its own requests, a test or bench that drives the vendor's own published client, a count or
    // a fuzz target of its documents. The file or its folder is named after the vendor.
    let witness = [
        "crates/tidings/tests/",
        "crates/tidings/benches/",
        "crates/tidings-tests/tests/it/",
        "crates/tidings-tests/benches/",
        "fuzz/",
        "xtask/",
    ]
    .iter()
    .any(|folder| path.starts_with(folder))
        && path.split('/').any(|part| part.starts_with(provider));
    own_folder || registration || sample || witness
}

/// `mod acme_client;` only says that the file exists; the file is judged by its own path. The SDK's
/// root declares its providers in the same way, with the feature that switches each on, because
/// Rust looks for a folder beside `lib.rs` only there.
fn declares_named_file(source: &Source, line: &str) -> bool {
    let line = line.trim();
    let declares = line.ends_with(';') && line.trim_start_matches("pub ").starts_with("mod ");
    if source.path == "crates/tidings/src/lib.rs" {
        return declares || line.starts_with("#[cfg(");
    }
    let holds_witnesses = ["xtask/", "fuzz/"]
        .iter()
        .any(|folder| source.path.starts_with(folder));
    declares && (source.path.contains("/tests/") || holds_witnesses)
}

/// `home`: the module that may make these calls, as a file or as a folder.
fn calls_outside(sources: &[Source], home: &str, calls: &[&str], advice: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let mut parts = source.path.split('/');
        // A build script is told everything by cargo in variables.
        let is_home = parts.any(|part| part == "build.rs" || part.trim_end_matches(".rs") == home);
        if !source.is_rust() || is_home {
            continue;
        }
        let code = source.code();
        for (line, text) in numbered(&code) {
            if calls
                .iter()
                .any(|call| !word_positions(text, call).is_empty())
            {
                findings.push(Finding::new(&source.path, line, advice));
            }
        }
    }
    findings
}

/// Names in all tables of dependencies, also those for tests, builds and targets. A dependency on
/// another crate's tests is as wrong as one on its code, so the kinds are not told apart.
fn dependencies(manifest: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (line, text) in numbered(&manifest.text) {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            in_table = header.ends_with("dependencies");
            if let Some((table, name)) = header.rsplit_once('.')
                && table.ends_with("dependencies")
            {
                found.push((line, name.to_owned()));
            }
        } else if in_table && !text.starts_with('#') {
            let name: String = text
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '-' || *c == '_')
                .collect();
            if !name.is_empty() {
                found.push((line, name));
            }
        }
    }
    found
}

fn section_lines<'a>(manifest: &'a str, section: &str) -> Vec<(usize, &'a str)> {
    let header = format!("[{section}]");
    numbered(manifest)
        .map(|(line, text)| (line, text.trim()))
        .skip_while(|(_, text)| *text != header)
        .skip(1)
        .take_while(|(_, text)| !text.starts_with('['))
        .collect()
}
