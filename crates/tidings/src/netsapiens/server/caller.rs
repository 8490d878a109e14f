//! Whose call it is, and which domain and user its path names for him.
//!
//! [`Caller`] checks what a call presents; [`Place`] reads domain and user of the path; [`Seen`] is
//! how the caller sees this server.

use std::convert::Infallible;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, MatchedPath, Path};
use http::Uri;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use secrecy::SecretString;

use super::Desk;
use super::answer::Refused;
use super::options::ServerOptions;
use crate::backend::{Backend, Identity, Principal, Refusal, Token};
use crate::conversations::Mailbox;
use crate::serve::{Failure, OverTls};

/// The longest domain that a path names, in characters.
const MAX_DOMAIN_LENGTH: usize = 64;
/// The longest user.
const MAX_USER_LENGTH: usize = 16;
/// The longest part of a path that is an id.
const MAX_ID_LENGTH: usize = 255;

/// Whoever calls, with a token that holds.
pub(super) struct Caller {
    pub(super) desk: Desk,
    pub(super) token: Token,
}

impl Caller {
    /// Whose the token is.
    pub(super) fn who(&self) -> &Principal {
        &self.token.who
    }

    pub(super) fn backend(&self) -> &dyn Backend {
        &*self.desk.backend
    }

    pub(super) fn options(&self) -> &ServerOptions {
        &self.desk.options
    }

    /// What a backend refused.
    pub(super) fn refused(&self, refusal: Refusal) -> Refused {
        Refused::of(refusal, &self.desk.options)
    }

    fn identity(&self) -> Option<&Identity> {
        self.token.who.identity.as_deref()
    }

    /// His own domain, which a key for programs has not.
    pub(super) fn own_domain(&self) -> Result<String, Refused> {
        let domain = self.identity().and_then(|identity| identity.domain.clone());
        self.own(domain)
    }

    /// He himself.
    pub(super) fn own_user(&self) -> Result<String, Refused> {
        let user = self.identity().and_then(|identity| identity.user.clone());
        self.own(user)
    }

    fn own(&self, name: Option<String>) -> Result<String, Refused> {
        match name {
            Some(name) if !self.token.is_key() => Ok(name),
            _ => Err(Refused::NobodyOfItsOwn),
        }
    }

    /// His reseller.
    pub(super) fn own_reseller(&self) -> Option<String> {
        let reseller = self.identity().map(|identity| identity.reseller.clone());
        reseller.filter(|reseller| !reseller.is_empty())
    }
}

impl FromRequestParts<Desk> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Refused> {
        let presented = bearer(parts).ok_or_else(Refused::no_token)?;
        let token = desk.token_of(&presented).await?;
        Ok(Self {
            desk: desk.clone(),
            token,
        })
    }
}

impl Desk {
    /// The token that a bearer value stands for: it is one, or it is a JSON web token of ours.
    pub(super) async fn token_of(&self, presented: &str) -> Result<Token, Refused> {
        let claims;
        let access = if super::jwt::looks_like_one(presented) {
            claims = self
                .signer
                .verify(presented)
                .ok_or_else(Refused::no_token)?;
            claims.jti.0.as_str()
        } else {
            presented
        };
        let token = self.backend.bearer(access).await;
        token.map_err(|refusal| Refused::of(refusal, &self.options))
    }
}

/// What a call presents as `Authorization: Bearer`.
pub(super) fn bearer(parts: &Parts) -> Option<String> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    is_bearer.then(|| token.to_owned())
}

/// Domain, user and id of a path, as far as it has them.
#[derive(Default)]
pub(super) struct Place {
    domain: String,
    user: String,
    id: String,
}

impl Place {
    /// The domain of which something is listed; `None` is all of them.
    pub(super) fn domain_or_all(&self, caller: &Caller) -> Result<Option<String>, Refused> {
        match self.domain.as_str() {
            "*" => Ok(None),
            _ => self.domain(caller).map(Some),
        }
    }

    /// The domain.
    pub(super) fn domain(&self, caller: &Caller) -> Result<String, Refused> {
        match self.domain.as_str() {
            "~" => caller.own_domain(),
            domain => {
                check_name("domain", domain, MAX_DOMAIN_LENGTH)?;
                Ok(domain.to_owned())
            }
        }
    }

    /// The user of whom something is listed; `None` is all of them.
    pub(super) fn user_or_all(&self, caller: &Caller) -> Result<Option<String>, Refused> {
        match self.user.as_str() {
            "*" => Ok(None),
            _ => self.user(caller).map(Some),
        }
    }

    fn user(&self, caller: &Caller) -> Result<String, Refused> {
        match self.user.as_str() {
            "~" => caller.own_user(),
            user => {
                check_name("user", user, MAX_USER_LENGTH)?;
                Ok(user.to_owned())
            }
        }
    }

    /// The user for whom something is done.
    pub(super) fn owner(&self, caller: &Caller) -> Result<Mailbox, Refused> {
        Ok(Mailbox::new(self.domain(caller)?, self.user(caller)?))
    }

    /// The id at the end of the path; `name` is what the vendor calls it.
    pub(super) fn id(&self, name: &'static str) -> Result<&str, Refused> {
        if self.id.chars().count() > MAX_ID_LENGTH || self.id.chars().any(char::is_control) {
            let fault = format!("must be a text of at most {MAX_ID_LENGTH} characters");
            return Err(Refused::wrong(name, fault));
        }
        Ok(&self.id)
    }

    /// A refusal, said with the names of the path where the vendor does so.
    pub(super) fn refused(&self, caller: &Caller, refusal: Refusal) -> Refused {
        let domain = self.domain(caller).unwrap_or_default();
        match refusal {
            Refusal::NotFound { what: "domain" } => {
                Refused::NotThere(format!("Domain {domain} does not exist"))
            }
            Refusal::NotFound { what: "user" } => {
                let user = self.user(caller).unwrap_or_default();
                Refused::NotThere(format!("User {user} does not exist in domain {domain}"))
            }
            refusal => caller.refused(refusal),
        }
    }
}

fn check_name(field: &'static str, name: &str, longest: usize) -> Result<(), Refused> {
    let is_fine = (1..=longest).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_fine {
        return Ok(());
    }
    let fault =
        format!("must be ~ or 1 to {longest} letters, digits, dots, dashes and underscores");
    Err(Refused::wrong(field, fault))
}

impl FromRequestParts<Desk> for Place {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Refused> {
        let named = Path::<Vec<(String, String)>>::from_request_parts(parts, desk).await;
        let Path(named) = named.map_err(|rejection| match rejection {
            PathRejection::FailedToDeserializePathParams(_) => {
                Refused::wrong("the path", "must be UTF-8, percent-encoded")
            }
            _ => Refused::Failure(Failure::Broken),
        })?;
        let mut place = Self::default();
        for (name, value) in named {
            match name.as_str() {
                "domain" => place.domain = value,
                "user" => place.user = value,
                "id" | "number" | "which" => place.id = value,
                _ => {}
            }
        }
        Ok(place)
    }
}

/// How the caller sees this server: where it was called.
pub(super) struct Seen {
    authority: Option<String>,
    prefix: String,
    is_over_tls: bool,
}

impl Seen {
    /// The host, without a port.
    pub(super) fn host(&self, options: &ServerOptions) -> String {
        let uri: Option<Uri> = options.public_url.as_ref().and_then(|url| url.parse().ok());
        let public = uri.as_ref().and_then(Uri::host);
        let authority = self.authority.as_deref().and_then(|text| {
            let authority: http::uri::Authority = text.parse().ok()?;
            Some(authority.host().to_owned())
        });
        let host = public.map(str::to_owned).or(authority);
        host.unwrap_or_else(|| "localhost".to_owned())
    }

    /// Where a file can be fetched. Its last part is a secret.
    pub(super) fn file_url(
        &self,
        options: &ServerOptions,
        address: &crate::backend::MediaAddress,
    ) -> String {
        use secrecy::ExposeSecret as _;
        let base = match (&options.public_url, &self.authority) {
            (Some(url), _) => url.clone(),
            (None, authority) => {
                let scheme = if self.is_over_tls { "https" } else { "http" };
                let authority = authority.as_deref().unwrap_or("localhost");
                format!("{scheme}://{authority}{}", self.prefix)
            }
        };
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("object", "message")
            .append_pair("action", "read_media")
            .append_pair("domain", &address.owner.domain)
            .append_pair("user", &address.owner.user)
            .append_pair("time", &address.time)
            .append_pair("id", &address.message)
            .append_pair("auth", address.proof.expose_secret())
            .finish();
        format!("{base}/ns-api/?{query}")
    }
}

impl FromRequestParts<Desk> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Desk) -> Result<Self, Infallible> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = parts
            .uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or(host);
        // What is no authority would make another address of the one that it becomes a part of.
        let authority = authority.filter(|text| text.parse::<http::uri::Authority>().is_ok());
        let matched = parts.extensions.get::<MatchedPath>();
        let prefix = matched.and_then(|path| path.as_str().split_once("/ns-api"));
        let prefix = prefix.map_or("", |(prefix, _)| prefix);
        let is_over_tls =
            parts.extensions.get::<OverTls>().is_some() || parts.uri.scheme_str() == Some("https");
        Ok(Self {
            authority: authority.map(str::to_owned),
            prefix: prefix.to_owned(),
            is_over_tls,
        })
    }
}

/// What a call presented, kept as a secret.
pub(super) fn secret(text: impl Into<String>) -> SecretString {
    SecretString::from(text.into())
}
