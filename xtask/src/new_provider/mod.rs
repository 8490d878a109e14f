//! `cargo xtask new-provider NAME`: the folder of a provider that compiles, is registered, says of
//! everything that it is not there yet, and so fails exactly the behaviours that it has yet to earn.
//! The files are those in `templates/`; what changes outside the folder is in `registration.rs`.
//! Everything is worked out before the first file is written. Nothing is sent anywhere, and nothing
//! is invented about the vendor.

mod name;
mod registration;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::new_provider::name::Name;
use crate::new_provider::registration::New;
use crate::tidy::layering;
use crate::{process, workspace};

/// The files of the folder. `tidy` demands the most of them, and ARCHITECTURE.md says what each is.
const TEMPLATES: [(&str, &str); 13] = [
    ("README.md", include_str!("templates/README.md.txt")),
    ("mod.rs", include_str!("templates/mod.rs.txt")),
    ("wire.rs", include_str!("templates/wire.rs.txt")),
    ("map.rs", include_str!("templates/map.rs.txt")),
    ("verdict.rs", include_str!("templates/verdict.rs.txt")),
    ("builder.rs", include_str!("templates/builder.rs.txt")),
    ("client.rs", include_str!("templates/client.rs.txt")),
    ("blocking.rs", include_str!("templates/blocking.rs.txt")),
    ("submit.rs", include_str!("templates/submit.rs.txt")),
    ("server.rs", include_str!("templates/server.rs.txt")),
    ("tests.rs", include_str!("templates/tests.rs.txt")),
    (
        "testdata/answers.json",
        include_str!("templates/answers.json.txt"),
    ),
    (
        "testdata/README.md",
        include_str!("templates/testdata.md.txt"),
    ),
];

/// What is said at the end.
const NEXT: &str = include_str!("templates/next.txt");

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [written] = arguments else {
        bail!("`new-provider` takes one name: cargo xtask new-provider NAME");
    };
    let name = Name::parse(written)?;
    let root = workspace::root();
    let sources = workspace::sources()?;
    name.check_free(&sources)?;
    let folder = format!("crates/tidings/src/{name}");
    ensure!(
        !root.join(&folder).exists(),
        "{folder} is there already; a provider is made once"
    );
    let new = New {
        name: &name,
        others: &layering::providers(&sources),
    };
    let changed = registration::all(&new, |path| {
        fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
    })?;
    for (file, template) in TEMPLATES {
        write(root, &format!("{folder}/{file}"), &fill(template, &name))?;
    }
    for (path, text) in &changed {
        write(root, path, text)?;
    }
    // How long the name is decides where some lines break.
    process::run(&mut process::cargo(&["fmt", "--package", "tidings"]))?;
    print!(
        "{}",
        report(&name, &folder, changed.iter().map(|(path, _)| *path))
    );
    Ok(())
}

/// A template with the provider's name in it.
fn fill(template: &str, name: &Name) -> String {
    template
        .replace("{{name}}", name.as_str())
        .replace("{{title}}", &name.title())
}

fn write(root: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let file = root.join(path);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(&file, text).with_context(|| format!("cannot write {path}"))
}

/// What was made, and what is to be done next.
fn report<'a>(name: &Name, folder: &str, changed: impl Iterator<Item = &'a str>) -> String {
    let mut lines = vec![format!("made the provider `{name}`:")];
    lines.extend(TEMPLATES.map(|(file, _)| format!("  {folder}/{file}")));
    lines.push("changed:".to_owned());
    lines.extend(changed.map(|path| format!("  {path}")));
    lines.push(fill(NEXT, name));
    lines.join("\n")
}
