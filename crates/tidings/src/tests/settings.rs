//! How a client is refused that was given wrong settings. Called by the tests of every provider.

use std::fmt::Debug;

use crate::error::{ErrorKind, Result};

/// What stands in a test's settings where no error may show it.
pub(crate) const SECRET: &str = "s3cret";

/// Base URLs that no client takes.
pub(crate) const WRONG_BASE_URLS: [&str; 5] = [
    "sms.example",
    "ftp://sms.example",
    "https://user:s3cret@sms.example",
    "https://sms.example/?a=s3cret",
    "not a url s3cret",
];

/// Checks that a client was not made because of one setting, and that the error names it without
/// [`SECRET`]. Gives what the error shows.
#[track_caller]
pub(crate) fn check_refused<T: Debug>(made: Result<T>, setting: &str) -> String {
    let error = made.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let shown = error.to_string();
    assert!(shown.contains(setting), "{setting} is not in: {shown}");
    let everything = format!("{error} {error:?}");
    assert!(!everything.contains(SECRET), "{everything}");
    shown
}
