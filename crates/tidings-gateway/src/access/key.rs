//! What a key is made of: the public part by which it is found, the secret of which only the hash is kept,
//! and the texts that its owner is shown once.
//!
//! Called by `desk.rs`, which creates keys, and by `mod.rs`, which checks them. It neither reads nor writes
//! the store.

use std::fmt::Write as _;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tidings::ProviderSpec;
use tidings::backend::Presented;
use tidings::provider::Setting;
use tidings_store::StoredKey;

/// The API of our own, as keys name it.
pub const NATIVE: &str = "tidings";

/// What every key of our own begins with, so that one that leaked can be searched for.
const PREFIX: &str = "tk_";
/// Bytes of the public part.
const LOOKUP_BYTES: usize = 8;
/// Bytes of the secret.
const SECRET_BYTES: usize = 32;

/// A key as its owner presents it, found to have the right form.
pub(super) struct Parsed<'k> {
    /// The public part.
    pub(super) lookup: &'k str,
    /// The secret part.
    pub(super) secret: &'k str,
}

/// Reads `tk_<lookup>_<secret>`.
pub(super) fn parse(text: &str) -> Option<Parsed<'_>> {
    let (lookup, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hexadecimal = |part: &str, bytes: usize| {
        part.len() == 2 * bytes && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_key = is_hexadecimal(lookup, LOOKUP_BYTES) && is_hexadecimal(secret, SECRET_BYTES);
    is_key.then_some(Parsed { lookup, secret })
}

/// What is kept of a secret.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A new key: where it is found, what is kept, and what its owner is shown.
pub(super) struct Drawn {
    pub(super) lookup: String,
    pub(super) hash: [u8; 32],
    pub(super) shown: Vec<Shown>,
}

/// One of the texts that a key consists of.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The name of the setting.
    pub name: &'static str,
    /// Its value.
    pub value: SecretString,
    /// Whether it is written as a number in JSON.
    pub is_number: bool,
    /// Whether it must be kept secret.
    pub is_secret: bool,
}

/// The system has no randomness to draw a secret from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no randomness for a key")]
pub struct NoRandomness;

/// Draws a key of our own API.
pub(super) fn draw_native() -> Result<Drawn, NoRandomness> {
    let lookup = hexadecimal(&draw::<LOOKUP_BYTES>()?);
    let secret = hexadecimal(&draw::<SECRET_BYTES>()?);
    let shown = Shown {
        name: "api_key",
        value: format!("{PREFIX}{lookup}_{secret}").into(),
        is_number: false,
        is_secret: true,
    };
    Ok(Drawn {
        hash: hash(&secret),
        lookup,
        shown: vec![shown],
    })
}

/// The settings that a caller of a vendor's API presents: all that are required but the address.
pub(super) fn credentials(spec: &'static ProviderSpec) -> impl Iterator<Item = &'static Setting> {
    let settings = spec.settings.iter();
    settings.filter(|setting| setting.is_required() && setting.name != "base_url")
}

/// Draws credentials of a vendor's API. `given` are values of settings that are not secret.
pub(super) fn draw_vendor(
    spec: &'static ProviderSpec,
    user: &str,
    given: &[(String, String)],
) -> Result<Drawn, NoRandomness> {
    let mut shown = Vec::new();
    for setting in credentials(spec) {
        let given = given.iter().find(|(name, _)| name == setting.name);
        let value = match given {
            Some((_, value)) if !setting.is_secret => value.clone(),
            _ if setting.is_secret => hexadecimal(&draw::<16>()?),
            // Where conversations belong to users, a user has a domain.
            _ if spec.capabilities.conversations && setting.name == "username" => user.to_owned(),
            _ => draw_number()?.to_string(),
        };
        shown.push(Shown {
            name: setting.name,
            value: value.into(),
            is_number: setting.is_number,
            is_secret: setting.is_secret,
        });
    }
    let presented = shown.iter().fold(Presented::new(), |so_far, one| {
        so_far.with(one.name, one.value.clone())
    });
    let known = vendor_key(spec, &presented).expect("every setting was given a value");
    // What a client needs to know besides, such as the number that its texts go out from.
    for setting in spec.settings.iter().filter(|it| !it.is_required()) {
        if let Some((_, value)) = given.iter().find(|(name, _)| name == setting.name) {
            shown.push(Shown {
                name: setting.name,
                value: value.as_str().into(),
                is_number: setting.is_number,
                is_secret: setting.is_secret,
            });
        }
    }
    Ok(Drawn {
        lookup: known.lookup,
        hash: known.hash,
        shown,
    })
}

/// Credentials of a vendor's API, as they are looked for.
pub(super) struct VendorKey {
    /// What may be known of them: what wrong tries are counted by.
    pub(super) public: String,
    /// Where they are found: the public part with the beginning of the hash, so that a name can have
    /// several secrets while one is being replaced.
    pub(super) lookup: String,
    /// The hash of the secret part.
    pub(super) hash: [u8; 32],
}

/// Puts presented credentials together; `None` where one is missing.
pub(super) fn vendor_key(spec: &'static ProviderSpec, presented: &Presented) -> Option<VendorKey> {
    let mut public = String::new();
    let mut secret = Sha256::new();
    for setting in credentials(spec) {
        let value = presented.value(setting.name)?;
        if value.is_empty() || value.len() > MAX_CREDENTIAL_BYTES {
            return None;
        }
        if setting.is_secret {
            // With its length, so that two secrets cannot be cut in another place.
            secret.update(value.len().to_be_bytes());
            secret.update(value.as_bytes());
        } else {
            if !public.is_empty() {
                public.push('/');
            }
            public.push_str(value);
        }
    }
    let hash: [u8; 32] = secret.finalize().into();
    let beginning = hash.first_chunk::<4>().expect("a hash has 32 bytes");
    Some(VendorKey {
        lookup: format!("{public}/{}", hexadecimal(beginning)),
        public,
        hash,
    })
}

/// The longest credential that is looked at, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 256;

/// A key that was just created. Its texts are not kept: this is the only time that they are there.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// What is kept of it.
    pub key: StoredKey,
    /// What its owner presents.
    pub shown: Vec<Shown>,
}

impl CreatedKey {
    /// One of its texts.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.shown.iter().find(|shown| shown.name == name);
        found.map(|shown| shown.value.expose_secret())
    }

    /// Its texts as a JSON object: `api_key` for our own API, for a vendor's the names of its settings.
    pub fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let member = |shown: &Shown| {
            let text = shown.value.expose_secret();
            let number = shown.is_number.then(|| text.parse::<u64>().ok()).flatten();
            let value = number.map_or_else(|| text.into(), serde_json::Value::from);
            (shown.name.to_owned(), value)
        };
        self.shown.iter().map(member).collect()
    }
}

fn draw<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A number of nine digits, as vendors name accounts and services.
fn draw_number() -> Result<u32, NoRandomness> {
    let drawn = u32::from_be_bytes(draw()?);
    Ok(100_000_000 + drawn % 900_000_000)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string can be written to");
    }
    text
}
