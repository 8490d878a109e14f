//! What a JSON web token says of itself, read without checking its signature: that is the server's
//! work, and the client only wants to know when it ends. Called by `token.rs` and `account.rs`.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use tidings_core::Timestamp;

use super::wire::Claims;

/// Reads the middle one of the three parts (RFC 7519, section 3). `None` when it is none.
pub(super) fn claims(token: &str) -> Option<Claims> {
    let payload = token.trim().split('.').nth(1)?;
    serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
}

/// How long the token held when it was made: until `exp`, counted from `iat`, by the server's own
/// clock; where one of them is missing, what `time_out` says.
pub(super) fn lifetime(claims: &Claims) -> Option<Duration> {
    let until_end = claims.exp.0.zip(claims.iat.0);
    let seconds = until_end.and_then(|(end, made)| u64::try_from(end.checked_sub(made)?).ok());
    let milliseconds = claims.time_out.0.and_then(|time| u64::try_from(time).ok());
    seconds
        .map(Duration::from_secs)
        .or(milliseconds.map(Duration::from_millis))
}

/// When the token ends, by the server's own clock.
pub(super) fn end(claims: &Claims) -> Option<Timestamp> {
    Timestamp::from_millis(claims.exp.0?.checked_mul(1_000)?)
}

/// With and without padding: RFC 7515 has none, some programs write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
