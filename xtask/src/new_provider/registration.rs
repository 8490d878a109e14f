//! What a new provider changes outside its folder: the `mod` line and the feature table of the SDK's
//! front page, the registration, the Cargo feature, and a lane in the example configuration. Each is a
//! pure function from the file's text to its new text, or an error that says what was not found; the
//! lists stay sorted. `new_provider` reads and writes the files.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use crate::new_provider::name::Name;

type Edit = fn(&str, &New<'_>) -> anyhow::Result<String>;

/// A provider that comes to the others.
pub(super) struct New<'a> {
    pub(super) name: &'a Name,
    pub(super) others: &'a BTreeSet<String>,
}

const EDITS: [(&str, Edit); 4] = [
    ("crates/tidings/src/lib.rs", front_page),
    ("crates/tidings/src/providers.rs", registration),
    ("crates/tidings/Cargo.toml", manifest),
    ("examples/tidings.toml", example_lane),
];

/// Every changed file with its new text.
pub(super) fn all(
    new: &New<'_>,
    read: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    EDITS
        .iter()
        .map(|(path, edit)| {
            let text = edit(&read(path)?, new).with_context(|| format!("cannot change {path}"))?;
            Ok((*path, text))
        })
        .collect()
}

/// The module, and the provider's name in the table of features.
pub(super) fn front_page(text: &str, new: &New<'_>) -> anyhow::Result<String> {
    let text = feature_table(text, new)?;
    let name = new.name;
    let lines: Vec<&str> = text.lines().collect();
    let first = lines
        .iter()
        .position(|line| declared(line).is_some())
        .context("it declares no module")?;
    let list = lines.get(first..).unwrap_or_default();
    let length = list
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(list.len());
    // Before the first module that comes later in the alphabet, with what is said about that one.
    let later = (first..first + length)
        .find(|at| lines.get(*at).and_then(|line| declared(line)) > Some(name.as_str()));
    let mut at = later.unwrap_or(first + length);
    while later.is_some() && lines.get(at - 1).is_some_and(|line| is_about_next(line)) {
        at -= 1;
    }
    let module = format!("#[cfg(feature = \"{name}\")]\npub mod {name};");
    Ok(inserted(&lines, at, &module))
}

/// The module that a line declares.
fn declared(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// An attribute or a comment belongs to the line after it.
fn is_about_next(line: &str) -> bool {
    line.starts_with("#[") || line.starts_with("//")
}

/// The row of the table that names the providers gets one more.
fn feature_table(text: &str, new: &New<'_>) -> anyhow::Result<String> {
    let row = text
        .lines()
        .find(|line| {
            let cell = line.split('|').nth(1).unwrap_or_default();
            line.starts_with("//! |")
                && new
                    .others
                    .iter()
                    .any(|provider| cell.contains(&format!("`{provider}`")))
        })
        .context("it has no table of features with a row of the providers")?;
    let cell = row.split('|').nth(1).unwrap_or_default();
    let mut names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    names.push(new.name.as_str());
    names.sort_unstable();
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let longer = row.replacen(cell, &format!(" {} ", names.join(", ")), 1);
    Ok(text.replacen(row, &longer, 1))
}

/// The entry in `ALL`.
pub(super) fn registration(text: &str, new: &New<'_>) -> anyhow::Result<String> {
    let name = new.name;
    let lines: Vec<&str> = text.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("pub static ALL"))
        .context("it declares no `pub static ALL`")?;
    let length = lines
        .get(first..)
        .unwrap_or_default()
        .iter()
        .position(|line| *line == "];")
        .context("`ALL` does not end in a line `];`")?;
    let later = (first..first + length)
        .find(|at| lines.get(*at).and_then(|line| entry_of(line)) > Some(name.as_str()));
    // The line before an entry says which feature it takes.
    let at = later.map_or(first + length, |at| at - 1);
    let entry = format!("    #[cfg(feature = \"{name}\")]\n    &crate::{name}::SPEC,");
    Ok(inserted(&lines, at, &entry))
}

/// The provider that a line of `ALL` registers.
fn entry_of(line: &str) -> Option<&str> {
    let path = line.trim().strip_prefix("&crate::")?;
    path.strip_suffix("::SPEC,")
}

/// The feature, and its place in `all-providers`.
pub(super) fn manifest(text: &str, new: &New<'_>) -> anyhow::Result<String> {
    let name = new.name;
    let lines: Vec<&str> = text.lines().collect();
    let all = lines
        .iter()
        .position(|line| line.starts_with("all-providers = ["))
        .context("it has no feature `all-providers` on one line")?;
    let mut providers: Vec<&str> = lines
        .get(all)
        .map(|line| line.split('"').skip(1).step_by(2).collect())
        .unwrap_or_default();
    let last = lines
        .iter()
        .rposition(|line| {
            providers
                .iter()
                .any(|provider| line.starts_with(&format!("{provider} = [")))
        })
        .context("`all-providers` names no feature")?;
    ensure!(last < all, "`all-providers` stands before its providers");
    providers.push(name.as_str());
    providers.sort_unstable();
    let providers: Vec<String> = providers.iter().map(|name| format!("\"{name}\"")).collect();
    let new_all = format!("all-providers = [{}]", providers.join(", "));
    let mut lines = lines;
    if let Some(line) = lines.get_mut(all) {
        *line = &new_all;
    }
    let feature = format!("## {}.\n{name} = [\"any-provider\"]", name.title());
    Ok(inserted(&lines, last + 1, &feature))
}

/// A lane with every setting of the new provider, because the example shows all that there are.
pub(super) fn example_lane(text: &str, new: &New<'_>) -> anyhow::Result<String> {
    let name = new.name;
    ensure!(text.contains("[[lanes]]"), "it has no `[[lanes]]`");
    let upper = name.as_str().to_uppercase();
    Ok(format!(
        "{}\n\n# An account with {}.\n\
         [[lanes]]\n\
         id = \"{name}\"\n\
         provider = \"{name}\"\n\
         base_url = \"https://sms.example.test\"\n\
         api_key = \"env:{upper}_KEY\"\n",
        text.trim_end(),
        name.title(),
    ))
}

fn inserted(lines: &[&str], at: usize, new: &str) -> String {
    let mut lines = lines.to_vec();
    lines.insert(at, new);
    lines.join("\n") + "\n"
}
