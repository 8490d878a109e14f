//! The one place of the SDK that reads the environment.
//!
//! Called by the `from_env` constructors of the clients. Programs with a configuration of their own
//! build clients from accounts instead.

use crate::error::{Error, ErrorKind, Result};

/// Environment variables as settings: an empty variable counts as one that is not set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Environment {
    read: fn(&str) -> Option<String>,
}

impl Environment {
    /// The environment of this process.
    pub(crate) fn of_process() -> Self {
        Self {
            read: process_variable,
        }
    }

    /// An environment that is a function, for tests.
    #[cfg(test)]
    pub(crate) fn of(read: fn(&str) -> Option<String>) -> Self {
        Self { read }
    }

    /// A variable that may be missing.
    pub(crate) fn variable(self, name: &str) -> Option<String> {
        (self.read)(name).filter(|value| !value.is_empty())
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable.
    pub(crate) fn required(self, name: &str) -> Result<String> {
        self.variable(name).ok_or_else(|| {
            Error::not_sent(
                ErrorKind::Config,
                format!("the environment variable {name} is not set"),
            )
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the environment"
)]
fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
