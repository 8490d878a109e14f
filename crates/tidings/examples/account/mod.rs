//! An account out of a JSON file, as the examples take it: the line that `tidings sim PROVIDER --json`
//! prints. `provider` says whose account it is, everything else is a setting of that provider.
//!
//! A program of yours reads its configuration where it always does; that it ends as an [`Account`]
//! is all that the SDK wants. Keys come in a file because everybody on a machine can read the
//! command lines of its programs.

use std::fs;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tidings::{Account, ProviderSpec, providers};

/// Whose account it is, and the account.
pub(crate) fn read(path: &str) -> anyhow::Result<(&'static ProviderSpec, Account)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let json = serde_json::from_str(&text).with_context(|| format!("{path} is not JSON"))?;
    let Value::Object(settings) = json else {
        bail!("{path} holds no JSON object");
    };
    let provider = settings.get("provider").and_then(Value::as_str);
    let provider = provider.with_context(|| format!("{path} has no `provider`"))?;
    let spec = providers::by_id(provider)
        .with_context(|| format!("{path}: `{provider}` is no provider of this build"))?;

    let mut account = Account::new(path);
    for (name, value) in &settings {
        match value {
            _ if name == "provider" => {}
            Value::String(text) => account = account.with(name, text.as_str()),
            // Numbers, mostly; what does not belong there is refused when the account is checked.
            other => account = account.with(name, other.to_string()),
        }
    }
    Ok((spec, account))
}
