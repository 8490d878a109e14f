//! The one place of this crate that reads the environment.

/// Whether a build server runs us: `CI` is set to anything but nothing, `0` or `false`.
#[expect(
    clippy::disallowed_methods,
    reason = "this file is the one that reads the environment"
)]
pub(crate) fn is_continuous_integration() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
