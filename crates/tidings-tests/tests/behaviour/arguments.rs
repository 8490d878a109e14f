//! The command line, which is that of every test program. libtest-mimic takes one filter; `cargo xtask
//! test` asks for many tests by name in one call, as libtest allows, so filters are applied here.
//!
//! Called by `main`.

use libtest_mimic::Arguments;

/// What is to be run, and how.
pub(crate) struct Chosen {
    /// Everything but the filters.
    pub(crate) arguments: Arguments,
    filters: Vec<String>,
}

/// Options whose value may be the argument after them.
const WITH_VALUE: [&str; 6] = [
    "--test-threads",
    "--logfile",
    "--skip",
    "--color",
    "--format",
    "-Z",
];

impl Chosen {
    pub(crate) fn from_command_line() -> Self {
        Self::of(std::env::args())
    }

    fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut filters = Vec::new();
        let mut others: Vec<String> = Vec::new();
        for (place, argument) in arguments.enumerate() {
            let is_value = others
                .last()
                .is_some_and(|before| WITH_VALUE.contains(&before.as_str()));
            if place == 0 || is_value || argument.starts_with('-') {
                others.push(argument);
            } else {
                filters.push(argument);
            }
        }
        Self {
            arguments: Arguments::from_iter(others),
            filters,
        }
    }

    /// Whether a test of this name passes the filters.
    pub(crate) fn is_asked_for(&self, name: &str) -> bool {
        let is_named = |filter: &String| {
            if self.arguments.exact {
                filter == name
            } else {
                name.contains(filter.as_str())
            }
        };
        self.filters.is_empty() || self.filters.iter().any(is_named)
    }
}
