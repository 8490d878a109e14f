//! No asynchronous method is without its blocking one: the names are read from the sources, because
//! what nobody wrote cannot be seen by the compiler. That parameters and answers agree it sees.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::providers;

/// What blocking clients have besides: how they are made and what they go around. `keep` runs what
/// asynchronously runs by itself.
const BESIDES: [&str; 5] = ["asynchronous", "keep", "new", "on", "provider"];

#[test]
fn every_method_of_every_client_has_its_blocking_one() {
    let common = names_in(&read("blocking/mod.rs"), "        impl Client {");
    assert!(common.contains("from_account"));
    for spec in providers::ALL {
        let folder = source(spec.id);
        let mut blocking = names_in(&read(&format!("{}/blocking.rs", spec.id)), "impl Client {");
        blocking.extend(common.clone());
        let mut asynchronous = BTreeSet::new();
        for file in rust_files(&folder) {
            asynchronous.extend(names_in(
                &fs::read_to_string(file).unwrap(),
                "impl Client {",
            ));
        }
        assert!(asynchronous.contains("builder"), "{asynchronous:?}");
        for name in BESIDES {
            blocking.remove(name);
        }
        assert_eq!(blocking, asynchronous, "{}", spec.id);
    }
}

#[track_caller]
fn check(trait_file: &str, name: &str, blocking_file: &str, blocking: &str) {
    let of_trait = names_in(&read(trait_file), &format!("pub trait {name}: "));
    let mut of_blocking = names_in(&read(blocking_file), blocking);
    for name in BESIDES {
        of_blocking.remove(name);
    }
    assert!(of_trait.len() > 2, "{of_trait:?}");
    assert_eq!(of_blocking, of_trait, "{name}");
}

#[test]
fn every_method_of_the_neutral_interface_has_its_blocking_one() {
    check(
        "provider.rs",
        "Provider",
        "blocking/provider.rs",
        "impl Provider {",
    );
    for (file, name) in [
        ("address_book.rs", "AddressBook"),
        ("batches.rs", "QueuedBatches"),
        ("conversations.rs", "Conversations"),
        ("subscriptions.rs", "Subscriptions"),
        ("numbers.rs", "OwnNumbers"),
    ] {
        check(
            file,
            name,
            "blocking/areas.rs",
            &format!("impl {name}<'_> {{"),
        );
    }
}

#[test]
fn every_method_of_the_messenger_has_its_blocking_one() {
    let asynchronous = names_in(&read("messenger/mod.rs"), "impl Messenger {");
    let mut blocking = names_in(&read("blocking/messenger.rs"), "impl Messenger {");
    for name in BESIDES {
        blocking.remove(name);
    }
    assert!(asynchronous.len() > 5, "{asynchronous:?}");
    assert_eq!(blocking, asynchronous);
}

/// The public functions and trait methods in blocks that open with this line, up to a closing brace
/// that stands as far in.
fn names_in(code: &str, opening: &str) -> BTreeSet<String> {
    let indent = " ".repeat(opening.len() - opening.trim_start().len());
    let closing = format!("{indent}}}");
    let mut names = BTreeSet::new();
    let mut is_inside = false;
    for line in code.lines() {
        if line.starts_with(opening) {
            is_inside = true;
        } else if line == closing {
            is_inside = false;
        } else if is_inside {
            names.extend(declared(line, opening.starts_with("pub trait")));
        }
    }
    names
}

/// The name of what a line declares to the public, whether in Rust or in the words of `mirror!`.
/// What a trait declares is public without saying so.
fn declared(line: &str, is_trait: bool) -> Option<String> {
    let starts: &[&str] = if is_trait {
        &["async fn ", "fn "]
    } else {
        &[
            "pub fn ",
            "pub async fn ",
            "pub const fn ",
            "call ",
            "wait ",
            "items ",
        ]
    };
    let line = line.trim_start();
    let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
    let end = rest.find(['(', '<'])?;
    rest.get(..end).map(str::to_owned)
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(source(path)).unwrap()
}

/// All but the tests and the blocking client.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("blocking.rs")
        {
            files.push(path);
        }
    }
    files
}
