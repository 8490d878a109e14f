//! Where a table of the file and its keys are written, for the sentences about what is wrong with them.
//!
//! Kept by `lanes.rs` and `vendors.rs` beside what was read, because much is found wrong only later: by the
//! provider, or beside other keys. It reads nothing.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use tidings::{Error, ErrorKind};

use super::file::Entry;

/// The lines of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    file: Arc<str>,
    line: usize,
    keys: BTreeMap<Box<str>, usize>,
}

impl Origin {
    /// A table that begins on this line.
    pub(super) fn new(file: &str, line: usize, entries: &[Entry]) -> Self {
        let keys = entries.iter();
        Self {
            file: file.into(),
            line,
            keys: keys
                .map(|entry| (entry.key.as_str().into(), entry.line))
                .collect(),
        }
    }

    /// The line on which it begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The line of a key; where it is not written, that of the table.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.keys.get(key).copied().unwrap_or(self.line)
    }

    /// `tidings.toml: line 7`
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}: line {}", self.file, self.line_of(key))
    }

    /// [`told_of`] of something that this table says, on the line of the key that it is about.
    pub(super) fn told(&self, error: Error, account: &str, whose: &str) -> Error {
        told_of(error, account, whose, |said| {
            let key = first_named(said, |word| self.keys.contains_key(word));
            Some(self.place(key.unwrap_or_default()))
        })
    }
}

/// The first word of a sentence that is one of these names.
pub(super) fn first_named(said: &str, is_one: impl Fn(&str) -> bool) -> Option<&str> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut words = said.split(|character| !is_of_name(character));
    words.find(|word| is_one(word))
}

/// What a provider says of the settings of an account, told of the table that they stand in: `whose`, such as
/// `lane norway`, takes the place of the name that the account has. Other errors stay as they are.
pub(super) fn told_of(
    error: Error,
    account: &str,
    whose: &str,
    place: impl FnOnce(&str) -> Option<String>,
) -> Error {
    if error.kind() != ErrorKind::Config {
        return error;
    }
    let said = error.to_string();
    let named = format!("account {account}");
    let what = said.strip_prefix(&named);
    let place = place(what.unwrap_or(&said)).map_or_else(String::new, |place| place + ": ");
    let what = match what {
        Some(what) => format!("{place}{whose}{what}"),
        None => format!("{place}{whose}: {said}"),
    };
    let told = Error::not_sent(ErrorKind::Config, what);
    if error.source().is_some() {
        told.with_source(Cause(error))
    } else {
        told
    }
}

/// What was behind an error whose own sentence is told anew.
#[derive(Debug)]
struct Cause(Error);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |cause| write!(f, "{cause}"))
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source().and_then(std::error::Error::source)
    }
}
