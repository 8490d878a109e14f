//! Signatures of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>): `v1` with HMAC-SHA256 and a
//! shared secret, `v1a` with ed25519 and a key pair.
//!
//! Called by `deliver.rs` for each call, and by `manage.rs` for new secrets. What is signed is
//! `id.timestamp.body`.

use std::fmt::{self, Write as _};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::Timestamp;
use tidings_store::WebhookSecret;

const SHARED: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// How calls are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// With a secret that the receiver has too.
    #[default]
    Hmac,
    /// With a private key whose public half the receiver has.
    Ed25519,
}

/// What one signature is made with.
pub struct Secret(Key);

enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Secret {
    /// Reads `whsec_` with base64 of 24 to 64 bytes, or `whsk_` with base64 of an ed25519 seed of 32
    /// bytes, with or without the 32 bytes of its public key behind it.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| SecretError);
        if let Some(text) = text.strip_prefix(SHARED) {
            let bytes = bytes(text)?;
            if !(24..=64).contains(&bytes.len()) {
                return Err(SecretError);
            }
            let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
            return Ok(Self(Key::Hmac(Box::new(key))));
        }
        let text = text.strip_prefix(PRIVATE).ok_or(SecretError)?;
        let bytes = bytes(text)?;
        let pair = match bytes.split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(SecretError),
        };
        Ok(Self(Key::Ed25519(Box::new(pair.map_err(|_| SecretError)?))))
    }

    /// The public key that receivers check with, `whpk_..`; `None` where they share the secret.
    pub fn public_key(&self) -> Option<String> {
        match &self.0 {
            Key::Hmac(_) => None,
            Key::Ed25519(pair) => Some(format!("{PUBLIC}{}", BASE64.encode(pair.public_key()))),
        }
    }

    /// One signature, with its version before it: `v1,..` or `v1a,..`.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut signed = format!("{id}.{timestamp_s}.").into_bytes();
        signed.extend_from_slice(body);
        match &self.0 {
            Key::Hmac(key) => format!("v1,{}", BASE64.encode(hmac::sign(key, &signed))),
            Key::Ed25519(pair) => format!("v1a,{}", BASE64.encode(pair.sign(&signed))),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// A text is no secret of Standard Webhooks. Repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected whsec_ with 24 to 64 bytes in base64, or whsk_ with an ed25519 key of 32 or 64 bytes"
)]
pub struct SecretError;

/// Makes a secret.
pub fn new_secret(signing: Signing) -> Result<SecretString, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let text = match signing {
        Signing::Hmac => format!("{SHARED}{}", BASE64.encode(seed)),
        Signing::Ed25519 => {
            let pair =
                Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed of ed25519");
            let mut both = seed.to_vec();
            both.extend_from_slice(pair.public_key().as_ref());
            format!("{PRIVATE}{}", BASE64.encode(both))
        }
    };
    Ok(text.into())
}

/// The header `webhook-signature`: one signature for each secret that is good at `now`, the newest
/// first, so that receivers which have not changed over yet find theirs.
pub(super) fn signatures(
    secrets: &[WebhookSecret],
    id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<String, SecretError> {
    let mut header = String::new();
    let is_good = |secret: &&WebhookSecret| secret.until.is_none_or(|until| until > now);
    for secret in secrets.iter().filter(is_good) {
        let secret = Secret::parse(secret.secret.expose_secret())?;
        let separator = if header.is_empty() { "" } else { " " };
        let signature = secret.sign(id, seconds(now), body);
        write!(header, "{separator}{signature}").expect("a String takes everything");
    }
    Ok(header)
}

/// Whole seconds since 1970, as `webhook-timestamp` has them.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn at() -> Timestamp {
        Timestamp::from_millis(AT * 1_000 + 999).unwrap()
    }

    /// The test vector of Standard Webhooks' libraries.
    #[test]
    fn the_published_vector_comes_out() {
        let signature = Secret::parse(SECRET).unwrap().sign(ID, AT, BODY);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// The first example in `docs/webhooks.md` says yes to that vector, and no to another body.
    #[test]
    fn the_example_for_receivers_checks_what_is_signed() {
        let page = include_str!("../../../../docs/webhooks.md");
        let example = page.split("```python\n").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let signature = Secret::parse(SECRET).unwrap().sign(ID, AT, BODY);
        let body = std::str::from_utf8(BODY).unwrap();
        let script = format!(
            "{example}\ntime.time = lambda: {AT}\nheaders = {{'webhook-id': '{ID}', \
             'webhook-timestamp': '{AT}', 'webhook-signature': 'v1,AAAA {signature}'}}\n\
             print(is_ours('{SECRET}', headers, b'{body}'), is_ours('{SECRET}', headers, b'x'))\n\
             time.time = lambda: {AT} + 301\nprint(is_ours('{SECRET}', headers, b'{body}'))\n"
        );
        let python = std::process::Command::new("python3")
            .args(["-c", &script])
            .output();
        let told = String::from_utf8(python.unwrap().stdout).unwrap();
        assert_eq!(told, "True False\nFalse\n");
    }

    /// RFC 8032, section 7.1, test 1: the key pair; and what it signs is checked with its public half.
    #[test]
    fn a_key_pair_signs_what_its_public_half_checks() {
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let secret = Secret::parse(&format!("whsk_{seed}")).unwrap();
        let public = secret.public_key().unwrap();
        assert_eq!(public, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let signature = secret.sign(ID, AT, BODY);
        let signature = BASE64
            .decode(signature.strip_prefix("v1a,").unwrap())
            .unwrap();
        let public = BASE64
            .decode(public.strip_prefix("whpk_").unwrap())
            .unwrap();
        let signed = [format!("{ID}.{AT}.").as_bytes(), BODY].concat();
        let key = UnparsedPublicKey::new(&ED25519, public);
        key.verify(&signed, &signature).unwrap();
        assert!(key.verify(b"something else", &signature).is_err());
    }

    #[test]
    fn new_secrets_can_be_read_and_differ() {
        for signing in [Signing::Hmac, Signing::Ed25519] {
            let (one, other) = (new_secret(signing).unwrap(), new_secret(signing).unwrap());
            assert_ne!(one.expose_secret(), other.expose_secret());
            let secret = Secret::parse(one.expose_secret()).unwrap();
            assert_eq!(secret.public_key().is_some(), signing == Signing::Ed25519);
        }
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let kept = |text: &str, until| WebhookSecret {
            secret: text.to_owned().into(),
            until,
        };
        let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let soon = Timestamp::from_millis((AT + 60) * 1_000);
        let before = Timestamp::from_millis(AT * 1_000);
        let both = signatures(&[kept(new, None), kept(SECRET, soon)], ID, at(), BODY).unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, Secret::parse(new).unwrap().sign(ID, AT, BODY));
        assert_eq!(second, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let later = signatures(&[kept(new, None), kept(SECRET, before)], ID, at(), BODY).unwrap();
        assert_eq!(later, first);
    }

    #[track_caller]
    fn refused(text: &str) {
        assert!(Secret::parse(text).is_err(), "{text}");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        refused("");
        refused("whsec_");
        refused("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        refused("whsec_not base64");
        let of = |n_bytes: usize| format!("whsec_{}", BASE64.encode(vec![7; n_bytes]));
        refused(&of(23));
        refused(&of(65));
        assert!(Secret::parse(&of(24)).is_ok() && Secret::parse(&of(64)).is_ok());
        refused(&format!("whsk_{}", BASE64.encode([7; 31])));
        // A public key that does not belong to the seed.
        refused(&format!("whsk_{}", BASE64.encode([7; 64])));
    }
}
