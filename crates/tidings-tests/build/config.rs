//! What cargo tells a build script by its environment, which nothing else in here reads.

use std::env;
use std::path::PathBuf;

/// Where the script writes what it makes.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place in here that reads the environment"
)]
pub(crate) fn output_folder() -> PathBuf {
    env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .expect("cargo sets it for every build script")
}
