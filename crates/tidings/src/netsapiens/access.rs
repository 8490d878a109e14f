//! What a client can ask about its own access: its key, its JSON web token, the server's version; and
//! how it gets a token for somebody else.
//!
//! Called by programs. Signing in itself is in `sign_in.rs`.

use http::Method;
use serde::Serialize;

use super::client::Client;
use super::path::Path;
use super::token::Token;
use super::verdict::{Call, read_done, read_one};
use super::wire;
use crate::answer::Answer;
use crate::error::{Acceptance, ErrorKind, Result};

const API_KEY_INFO: Call = Call::asks("api_key_info");
const CLAIMS: Call = Call::asks("jwt_claims");
// A token that has been revoked can be revoked again.
const REVOKE: Call = Call::asks("revoke_jwt");
// Nothing is different after it but that there is one token more.
const DELEGATE: Call = Call::asks("delegate");
const VERSION: Call = Call::asks("version");

impl Client {
    /// What the server knows of the API key that this client presents (`GET /apikeys/~`).
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] and the like for a client that presents no key.
    pub async fn api_key_info(&self) -> Result<Answer<wire::ApiKey>> {
        let path = Some(Path::new("/apikeys/~"));
        self.call(API_KEY_INFO, Method::GET, path, None, read_one)
            .await
    }

    /// What the server reads in the JSON web token that this client presents (`GET /jwt`); what the
    /// token itself says is in [`Client::token`], without a call.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] for a token that does not hold any more.
    pub async fn jwt_claims(&self) -> Result<Answer<wire::Claims>> {
        let path = Some(Path::new("/jwt"));
        self.call(CLAIMS, Method::GET, path, None, read_one).await
    }

    /// Makes the JSON web token that this client presents worthless (`DELETE /jwt`). A client that
    /// has a password signs in anew with its next call.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn revoke_jwt(&self) -> Result<Answer<()>> {
        let path = Some(Path::new("/jwt"));
        let done = self
            .call(REVOKE, Method::DELETE, path, None, read_done)
            .await?;
        self.shared().sign_in.forget();
        Ok(done)
    }

    /// Makes JSON web tokens worthless: all of a user, named `user@domain`, or the one with this id
    /// (`jti`); `DELETE /jwt/{uid}` and `DELETE /jwt/{jti}`.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for tokens of others without the right to do so.
    pub async fn revoke_jwt_of(&self, user_or_id: &str) -> Result<Answer<()>> {
        let path = Path::new("/jwt").part(user_or_id);
        self.call(REVOKE, Method::DELETE, path, None, read_done)
            .await
    }

    /// Gets a JSON web token for a user of the key's domain, or of one of its domains (`POST /jwt`
    /// with an API key). A client that acts as the user is made with
    /// [`Credentials::Jwt`](super::Credentials::Jwt) and the token's
    /// [`access_token`](Token::access_token).
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] or [`ErrorKind::Unauthorized`] without such a key,
    /// [`ErrorKind::NotFound`] for a user who is not there.
    pub async fn delegate(&self, domain: &str, user: &str) -> Result<Answer<Token>> {
        #[derive(Serialize)]
        struct ForUser<'a> {
            user: &'a str,
            domain: &'a str,
        }
        let body = serde_json::to_vec(&ForUser { user, domain }).map_err(|_| {
            DELEGATE.not_sent(
                ErrorKind::InvalidMessage,
                "the request cannot be written as json",
            )
        })?;
        let asked_at = self.shared().clock.now();
        let path = Some(Path::new("/jwt"));
        let answer: Answer<wire::JwtAnswer> = self
            .call(DELEGATE, Method::POST, path, Some(body.into()), read_one)
            .await?;
        let Answer { value, http } = answer;
        let Some(mut token) = Token::of_jwt(value, asked_at) else {
            let what = "netsapiens answered without a json web token";
            let error = DELEGATE.error(ErrorKind::Protocol, Acceptance::Unknown, what);
            return Err(error.with_http(http));
        };
        token.api_url = self.shared().base.to_string();
        Ok(Answer::new(token, http))
    }

    /// Which version the server is of (`GET /version`). Needs no signing in.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] or [`ErrorKind::NotFound`] from servers that do not tell.
    pub async fn version(&self) -> Result<Answer<wire::Version>> {
        let path = Some(Path::new("/version"));
        self.call_unsigned(VERSION, Method::GET, path, None, read_one)
            .await
    }
}
