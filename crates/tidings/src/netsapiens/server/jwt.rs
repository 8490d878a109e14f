//! JSON web tokens (RFC 7519, HS256): given, verified, described and revoked.
//!
//! A JSON web token names a backend's token by its id. Here it is only proved that we wrote it;
//! whether it still holds is the backend's to say.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use tidings_core::Timestamp;

use super::Desk;
use super::answer::{self, Refused};
use super::caller::{self, Caller, Place, Seen};
use super::fields;
use super::tokens::{Grant, Mfa, SECOND_STEP_SCOPE, refused};
use crate::backend::{Identity, Presented, Revoked, SignedIn, Token};
use crate::conversations::Mailbox;
use crate::error::{Error, ErrorKind, Result};
use crate::netsapiens::map::outward::NO_DEPARTMENT;
use crate::netsapiens::map::{inward, outward};
use crate::netsapiens::wire;

/// What every token says before its first dot: `{"typ":"JWT","alg":"HS256"}`.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
const AUDIENCE: &str = "ns";
/// The end that a refresh token names. Whether it still can be used is the backend's to say.
const REFRESHED_WITHIN: Duration = Duration::from_hours(24);

/// Writes and verifies tokens.
pub(super) struct Signer {
    key: Hmac<Sha256>,
}

impl Signer {
    /// With the secret, or with a key of the operating system's.
    pub(super) fn new(secret: Option<&SecretString>) -> Result<Self> {
        let mut drawn = [0; 32];
        let key = if let Some(secret) = secret {
            secret.expose_secret().as_bytes()
        } else {
            getrandom::fill(&mut drawn).map_err(|_| {
                let sentence = "the operating system gives no random bytes";
                Error::not_sent(ErrorKind::Config, sentence)
            })?;
            &drawn
        };
        let key = Hmac::new_from_slice(key);
        Ok(Self {
            key: key.expect("a key of this algorithm has any length"),
        })
    }

    /// A token that says this.
    fn sign(&self, claims: &wire::Claims) -> String {
        let claims = serde_json::to_vec(claims).expect("texts and numbers can be written as JSON");
        let mut token = URL_SAFE_NO_PAD.encode(HEADER);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.key.clone().chain_update(&token).finalize();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.into_bytes(), &mut token);
        token
    }

    /// What a token says, if we wrote it. The signature is judged before anything that it covers is
    /// believed; a token that names another algorithm, `none` included, is not ours.
    pub(super) fn verify(&self, token: &str) -> Option<wire::Claims> {
        let (covered, signature) = token.rsplit_once('.')?;
        let (header, claims) = covered.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let mac = self.key.clone().chain_update(covered);
        mac.verify_slice(&signature).ok()?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.get("alg").and_then(Value::as_str) != Some("HS256") {
            return None;
        }
        let claims: wire::Claims =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (claims.aud.0 == AUDIENCE && !claims.jti.is_empty()).then_some(claims)
    }
}

/// Whether a bearer value has the form of a JSON web token.
pub(super) fn looks_like_one(presented: &str) -> bool {
    presented.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// `POST /ns-api/v2/jwt`: by password, by a refresh token, by a second step, or for a user on behalf
/// of an API key.
pub(super) async fn issue(
    State(desk): State<Desk>,
    seen: Seen,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let presented = caller::bearer(&parts);
    let asked = fields::read_sign_in(Request::from_parts(parts, body)).await?;
    let iss = seen.host(&desk.options);
    let answer = if let Some(refresh) = asked.refresh.get() {
        let bad = || Refused::Credentials {
            status: desk.options.credentials_refused_as,
        };
        let claims = desk.signer.verify(refresh).ok_or_else(bad)?;
        let token = desk.backend.renew(&Presented::new(), &claims.jti.0).await;
        let token = token.map_err(|refusal| refused(&desk, refusal))?;
        written(&desk, &token, &iss, None)
    } else if let Some(presented) = presented
        && asked.username.is_empty()
    {
        let token = for_user(&desk, &presented, &asked).await?;
        written(&desk, &token, &iss, None)
    } else {
        by_grant(&desk, Grant::of(&desk, &asked)?, &iss).await?
    };
    Ok(answer::document(&answer))
}

async fn by_grant(desk: &Desk, grant: Grant, iss: &str) -> Result<wire::JwtAnswer, Refused> {
    match grant {
        Grant::Password {
            presented,
            second_step,
            mfa,
            ..
        } => {
            let signed_in = desk.backend.open(&presented, second_step.as_ref()).await;
            match signed_in.map_err(|refusal| refused(desk, refusal))? {
                SignedIn::Token(token) => Ok(written(desk, &token, iss, None)),
                SignedIn::SecondStep(token) => Ok(written(desk, &token, iss, Some(mfa))),
            }
        }
        Grant::Refresh { presented, refresh } => {
            let token = desk
                .backend
                .renew(&presented, refresh.expose_secret())
                .await;
            let token = token.map_err(|refusal| refused(desk, refusal))?;
            Ok(written(desk, &token, iss, None))
        }
    }
}

/// For a user, on behalf of somebody with an API key.
async fn for_user(
    desk: &Desk,
    presented: &str,
    asked: &wire::TokenRequest,
) -> Result<Token, Refused> {
    let key = desk.token_of(presented).await?;
    if !key.is_key() {
        return Err(Refused::no_rights());
    }
    let domain = fields::required_name("domain", &asked.domain)?;
    let user = Mailbox::new(domain, fields::required_name("user", &asked.user)?);
    let token = desk.backend.open_for(&key.who, &user).await;
    token.map_err(|refusal| Refused::of(refusal, &desk.options))
}

/// A token and, where there is one, what it is renewed with.
fn written(desk: &Desk, token: &Token, iss: &str, mfa: Option<Mfa>) -> wire::JwtAnswer {
    let is_second_step = mfa.is_some();
    let mut claims = claims_of(desk, token, iss);
    if let Some(mfa) = mfa {
        claims.user_scope = SECOND_STEP_SCOPE.into();
        claims.mfa_type = mfa.kind.into();
        claims.mfa_vendor = mfa.vendor.into();
    }
    let mut answer = wire::JwtAnswer {
        token: desk.signer.sign(&claims).into(),
        refresh: wire::Text::default(),
    };
    if let Some(refresh) = &token.refresh
        && !is_second_step
    {
        claims.jti = refresh.expose_secret().into();
        let end = token.issued_at.plus(REFRESHED_WITHIN);
        claims.exp = seconds(end).into();
        answer.refresh = desk.signer.sign(&claims).into();
    }
    answer
}

fn claims_of(desk: &Desk, token: &Token, iss: &str) -> wire::Claims {
    let nobody = Identity::new("", "");
    let identity = token.who.identity.as_deref().unwrap_or(&nobody);
    let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
    let lifetime = token.lifetime.unwrap_or_default();
    wire::Claims {
        aud: AUDIENCE.into(),
        iat: seconds(token.issued_at).into(),
        exp: seconds(token.issued_at.plus(lifetime)).into(),
        iss: iss.into(),
        jti: token.access.expose_secret().into(),
        sub: outward::user_id(identity).into(),
        time_out: outward::whole(lifetime.as_millis()),
        domain: text(&identity.domain),
        territory: identity.reseller.as_str().into(),
        user: text(&identity.user),
        user_email: text(&identity.email),
        user_scope: inward::scope(identity.rights).into(),
        display_name: identity.display_name.as_str().into(),
        apiversion: outward::version(&desk.options.api_version).into(),
        department: NO_DEPARTMENT.into(),
        login: outward::user_id(identity).into(),
        ..wire::Claims::default()
    }
}

fn seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1_000)
}

/// `GET /ns-api/v2/jwt`: what the presented token says, if it holds.
pub(super) async fn claims(
    State(desk): State<Desk>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let presented = caller::bearer(&parts).ok_or_else(Refused::no_token)?;
    let claims = desk
        .signer
        .verify(&presented)
        .ok_or_else(Refused::no_token)?;
    let token = desk.backend.bearer(&claims.jti.0).await;
    token.map_err(|refusal| Refused::of(refusal, &desk.options))?;
    Ok(answer::document(&claims))
}

/// `DELETE /ns-api/v2/jwt`: ends the presented token.
pub(super) async fn revoke_own(caller: Caller) -> Result<Response, Refused> {
    let own = caller.token.access.expose_secret();
    revoke_which(&caller, Revoked::Token(own)).await
}

/// `DELETE /ns-api/v2/jwt/{uid}` and `/{jti}`.
pub(super) async fn revoke(caller: Caller, place: Place) -> Result<Response, Refused> {
    let which = place.id("jti")?;
    let which = if which.contains('@') {
        Revoked::User(which)
    } else {
        Revoked::Token(which)
    };
    revoke_which(&caller, which).await
}

async fn revoke_which(caller: &Caller, which: Revoked<'_>) -> Result<Response, Refused> {
    let revoked = caller.backend().revoke(caller.who(), which).await;
    revoked.map_err(|refusal| caller.refused(refusal))?;
    Ok(answer::accepted())
}
