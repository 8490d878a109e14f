//! Which refusals mean that the token is at its end. Called by `client.rs` with every 401, before the
//! answer is read for its meaning.
//!
//! The vendor's servers answer 401 for two things: to a token that has ended, and to a user whose
//! rights do not suffice. Only the first is cured by a new token, and to renew for the second would
//! sign in for ever. Neither its status nor its code tells them apart, so its words do.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde::Deserialize;

use super::wire;
use crate::http::HttpResponse;

/// Whether the server refuses the token and not the user. `is_past_its_end` is whether the token has
/// ended by our clock.
///
/// A text that speaks of missing rights is never about the token. A text that names it (expired,
/// invalid token, revoked) always is; any other only when the token has ended by our clock too.
pub(super) fn is_about_the_token(response: &HttpResponse, is_past_its_end: bool) -> bool {
    if response.status != StatusCode::UNAUTHORIZED {
        return false;
    }
    let said = words(response);
    if NO_RIGHTS.iter().any(|words| said.contains(words)) {
        return false;
    }
    is_past_its_end || ABOUT_THE_TOKEN.iter().any(|words| said.contains(words))
}

const NO_RIGHTS: [&str; 4] = [
    "invalid scope",
    "app001",
    "insufficient_scope",
    "permission",
];

const ABOUT_THE_TOKEN: [&str; 8] = [
    "expired",
    "invalid_token",
    "invalid token",
    "token is invalid",
    "token is not valid",
    // What this library's server says of a token that it does not know (any more).
    "token is missing or not valid",
    "invalid access token",
    "revoked",
];

/// What the server says, in small letters: its message, in the vendor's form or in OAuth's, or the
/// whole body where it has neither.
fn words(response: &HttpResponse) -> String {
    let said: Option<Said> = serde_json::from_slice(&response.body).ok();
    let mut words = match said {
        Some(said) => [said.message.0, said.error.0, said.error_description.0].join(" "),
        None => String::from_utf8_lossy(&response.body).into_owned(),
    };
    // RFC 6750, section 3.
    for challenge in response.headers.get_all(WWW_AUTHENTICATE) {
        words.push(' ');
        words.push_str(challenge.to_str().unwrap_or_default());
    }
    words.make_ascii_lowercase();
    words
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    message: wire::Text,
    error: wire::Text,
    error_description: wire::Text,
}
