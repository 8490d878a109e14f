//! How each vendor's API is served: what the configuration says of it and, where it says nothing of a secret
//! that the API signs with, one that the store keeps, so that what was signed is good after a restart.
//!
//! [`keep_secrets`] is called once, before anybody is answered; [`settings`] by [`crate::http`] when it makes the
//! doors.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use tidings::{Account, ProviderSpec, Setting, providers};
use tidings_store::StoreError;

use crate::gateway::Gateway;

/// The setting of servers that write addresses of their own.
const PUBLIC_URL: &str = "public_url";

/// Under which name the store keeps what addresses of files are signed with.
pub(super) const MEDIA_SECRET: &str = "vendors.media";

/// Takes up the secrets that the store keeps for the vendors' APIs, or draws them and has them kept.
///
/// # Errors
/// Those of the store.
pub async fn keep_secrets(gateway: &Gateway) -> Result<(), StoreError> {
    let of_servers = providers::ALL.iter().flat_map(|spec| {
        let settings = spec.server_settings.iter();
        let secret = settings.filter(|setting| setting.is_secret);
        secret.map(|setting| name_of(spec, setting))
    });
    let mut secrets = BTreeMap::new();
    for name in of_servers.chain([MEDIA_SECRET.to_owned()]) {
        // Without the system's randomness the door says what is wrong.
        let Some(drawn) = draw() else { continue };
        let kept = gateway.store().secret(&name, drawn).await?;
        secrets.insert(name, kept);
    }
    gateway.set_secrets(secrets);
    Ok(())
}

/// The settings that a provider's server half is made with, where its API is at `path`.
pub fn settings(gateway: &Gateway, spec: &ProviderSpec, path: &str) -> Account {
    let live = gateway.live();
    let mut account = live.config.vendor(spec);
    for setting in spec.server_settings {
        if account.setting(setting.name).is_some() {
            continue;
        }
        if setting.is_secret {
            if let Some(kept) = gateway.secret(&name_of(spec, setting)) {
                account = account.with(setting.name, kept.expose_secret());
            }
        } else if setting.name == PUBLIC_URL
            && let Some(url) = &live.config.server.public_url
        {
            let url = url.trim_end_matches('/');
            account = account.with(PUBLIC_URL, format!("{url}{path}"));
        }
    }
    account
}

/// Under which name the store keeps a secret.
fn name_of(spec: &ProviderSpec, setting: &Setting) -> String {
    format!("vendors.{}.{}", spec.id, setting.name)
}

fn draw() -> Option<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    let mut digits = String::with_capacity(64);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string can be written to");
    }
    Some(digits.into())
}
