//! The name of a provider: its id in configuration, its folder, its module and its Cargo feature.
//! Checked before anything is written; used by `new_provider` alone.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{bail, ensure};

use crate::tidy::layering;
use crate::tidy::source::Source;

const LONGEST: usize = 20;

/// Words that Rust keeps for itself, and names that every crate sees.
const RESERVED: [&str; 57] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue",
    "core", "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen",
    "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv",
    "pub", "ref", "return", "self", "static", "std", "struct", "super", "test", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield", "default",
];

/// Lower-case letters and digits, no word of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(written: &str) -> anyhow::Result<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        ensure!(
            written.starts_with(|c: char| c.is_ascii_lowercase()) && written.chars().all(plain),
            "`{written}` is no name of a provider: lower-case letters and digits, a letter first"
        );
        ensure!(
            (3..=LONGEST).contains(&written.len()),
            "`{written}` is too short or too long: from 3 to {LONGEST} letters and digits"
        );
        ensure!(
            !RESERVED.contains(&written),
            "`{written}` is a word of the language"
        );
        Ok(Self(written.to_owned()))
    }

    /// Nothing in the repository is called so: no module, no feature, no crate that the SDK uses. And
    /// the word stands in no code, because a provider's name stands only where the provider is.
    pub(super) fn check_free(&self, sources: &[Source]) -> anyhow::Result<()> {
        let Self(name) = self;
        let module = [
            format!("crates/tidings/src/{name}.rs"),
            format!("crates/tidings/src/{name}/mod.rs"),
        ];
        let taken = sources.iter().find(|source| module.contains(&source.path));
        if let Some(taken) = taken {
            bail!("`{name}` is taken: {}", taken.path);
        }
        let manifest = sources
            .iter()
            .find(|source| source.path == "crates/tidings/Cargo.toml");
        let is_key = |line: &str| {
            let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
            key.replace('-', "_") == *name
        };
        if let Some(manifest) = manifest {
            ensure!(
                !manifest.text.lines().any(is_key),
                "`{name}` is taken: a feature or a dependency of the SDK"
            );
        }
        let named = layering::naming(sources, &BTreeSet::from([name.clone()]));
        match named.first() {
            Some(place) => bail!(
                "`{name}` already stands in code where no provider may be named, so choose another name: {place}"
            ),
            None => Ok(()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for people, until somebody writes it as the vendor does.
    pub(super) fn title(&self) -> String {
        let mut letters = self.0.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
