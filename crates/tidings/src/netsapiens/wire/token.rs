//! Documents of signing in: tokens, JSON web tokens and API keys. Part of `wire`.

use serde::Serialize;

use super::read::reads;
use super::{OneOrMore, Text, Whole, YesNo};

/// `POST /tokens`, `POST /jwt` and the older `POST /ns-api/oauth2/token/`. What is not set is not
/// written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenRequest {
    /// `password`, `refresh_token` or `mfa`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub grant_type: Text,
    /// The program's id.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub client_id: Text,
    /// The program's secret.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub client_secret: Text,
    /// The user, mostly `user@domain`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub username: Text,
    /// His password.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub password: Text,
    /// For `refresh_token`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub refresh_token: Text,
    /// For `mfa`: such as `authenticator`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_type: Text,
    /// For `mfa`: such as `google`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_vendor: Text,
    /// For `mfa`: `subscriber` or `level1`.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub ns_id_type: Text,
    /// For `mfa`: six digits.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub passcode: Text,
    /// For `mfa`: the token of the first step.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub access_token: Text,
    /// `POST /jwt`: the refresh token of a JSON web token.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub refresh: Text,
    /// `POST /jwt` with an API key: for whom.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub user: Text,
    /// `POST /jwt` with an API key: for whom.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub domain: Text,
}

reads!(TokenRequest {
    "grant_type" => grant_type,
    "client_id" => client_id,
    "client_secret" => client_secret,
    "username" => username,
    "password" => password,
    "refresh_token" => refresh_token,
    "mfa_type" => mfa_type,
    "mfa_vendor" => mfa_vendor,
    "ns_id_type" => ns_id_type,
    "passcode" => passcode,
    "access_token" => access_token,
    "refresh" => refresh,
    "user" => user,
    "domain" => domain,
});

/// The answer to `POST /tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenAnswer {
    /// The user's name for signing in.
    pub username: Text,
    /// The extension.
    pub user: Text,
    /// The reseller.
    pub territory: Text,
    /// The domain.
    pub domain: Text,
    /// The department, `n/a` for none.
    pub department: Text,
    /// The site.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub site: Text,
    /// The group.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub group: Text,
    /// `user@domain`.
    pub uid: Text,
    /// The name that was used for signing in.
    pub login: Text,
    /// How far the rights go; `mfa_required` where a second step is due.
    pub scope: Text,
    /// The user's mail address.
    pub user_email: Text,
    /// The user's name as people are shown it.
    #[serde(rename = "displayName")]
    pub display_name: Text,
    /// What is presented with every call.
    pub access_token: Text,
    /// How long it holds, in seconds.
    pub expires_in: Whole,
    /// `Bearer`.
    pub token_type: Text,
    /// What it is renewed with.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub refresh_token: Text,
    /// The program's id.
    pub client_id: Text,
    /// Such as `Version: 44.1.2`.
    pub apiversion: Text,
    /// Where a second step is due: how.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_type: Text,
    /// Where a second step is due: by whose program.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_vendor: Text,
    /// Of older servers: whether the password is of an older kind.
    #[serde(skip_serializing_if = "YesNo::is_unset")]
    pub legacy: YesNo,
    /// Of older servers: for how many days such a password still holds.
    #[serde(skip_serializing_if = "Whole::is_unset")]
    pub legacy_expires_days: Whole,
    /// Of older servers: whether the password was forgotten.
    #[serde(skip_serializing_if = "YesNo::is_unset")]
    pub recover: YesNo,
}

reads!(TokenAnswer {
    "username" => username,
    "user" => user,
    "territory" => territory,
    "domain" => domain,
    "department" => department,
    "site" => site,
    "group" => group,
    "uid" => uid,
    "login" => login,
    "scope" => scope,
    "user_email" => user_email,
    "displayName" => display_name,
    "access_token" => access_token,
    "expires_in" => expires_in,
    "token_type" => token_type,
    "refresh_token" => refresh_token,
    "client_id" => client_id,
    "apiversion" => apiversion,
    "mfa_type" => mfa_type,
    "mfa_vendor" => mfa_vendor,
    "legacy" => legacy,
    "legacy_expires_days" => legacy_expires_days,
    "recover" => recover,
});

/// The answer to `POST /jwt`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JwtAnswer {
    /// The JSON web token.
    pub token: Text,
    /// Another one that it is renewed with.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub refresh: Text,
}

reads!(JwtAnswer {
    "token" => token,
    "refresh" => refresh,
});

/// What a JSON web token says of its holder, and the answer to `GET /jwt`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Claims {
    /// `ns`.
    pub aud: Text,
    /// When it ends, in seconds since 1970.
    pub exp: Whole,
    /// When it was made, in seconds since 1970.
    pub iat: Whole,
    /// The host that made it.
    pub iss: Text,
    /// Its id: 40 hexadecimal digits.
    pub jti: Text,
    /// `user@domain`.
    pub sub: Text,
    /// How long it holds, in milliseconds.
    pub time_out: Whole,
    /// The domain.
    pub domain: Text,
    /// The reseller.
    pub territory: Text,
    /// The extension.
    pub user: Text,
    /// The user's mail address.
    pub user_email: Text,
    /// How far the rights go; `mfa_required` where a second step is due.
    pub user_scope: Text,
    /// The user's name as people are shown it.
    #[serde(rename = "displayName")]
    pub display_name: Text,
    /// Such as `Version: 44.1.2`.
    pub apiversion: Text,
    /// The department.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub department: Text,
    /// The name that was used for signing in.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub login: Text,
    /// Where a second step is due: how.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_type: Text,
    /// Where a second step is due: by whose program.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mfa_vendor: Text,
    /// Who acts in truth, where somebody acts as another user.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub mask_chain: Text,
}

reads!(Claims {
    "aud" => aud,
    "exp" => exp,
    "iat" => iat,
    "iss" => iss,
    "jti" => jti,
    "sub" => sub,
    "time_out" => time_out,
    "domain" => domain,
    "territory" => territory,
    "user" => user,
    "user_email" => user_email,
    "user_scope" => user_scope,
    "displayName" => display_name,
    "apiversion" => apiversion,
    "department" => department,
    "login" => login,
    "mfa_type" => mfa_type,
    "mfa_vendor" => mfa_vendor,
    "mask_chain" => mask_chain,
});

/// `GET /apikeys/~`: an API key as it is described to its holder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ApiKey {
    /// Its public part: prefix and eight characters.
    pub key_id: Text,
    /// What it is for.
    pub description: Text,
    /// The reseller.
    pub reseller: Text,
    /// The domain.
    pub domain: Text,
    /// The user.
    pub user: Text,
    /// How far its rights go.
    pub user_scope: Text,
    /// Whether it may only read.
    pub readonly: YesNo,
    /// The key itself: shown once, where it is made.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub key: Text,
    /// From where it may be used: addresses and networks, with commas between them.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub ip_address: Text,
    /// Whether further keys may be made with it.
    #[serde(skip_serializing_if = "YesNo::is_unset")]
    pub can_create_keys: YesNo,
    /// For which parts of the API it is, `*` for all of them.
    #[serde(skip_serializing_if = "OneOrMore::is_empty")]
    pub allowed_models: OneOrMore,
    /// When it was made.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub created_datetime: Text,
    /// When it was last used.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub lastused_datetime: Text,
    /// What the server remarks where it is made.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub notes: Text,
}

reads!(ApiKey {
    "key-id" => key_id,
    "description" => description,
    "reseller" => reseller,
    "domain" => domain,
    "user" => user,
    "user-scope" => user_scope,
    "readonly" => readonly,
    "key" => key,
    "ip-address" => ip_address,
    "can-create-keys" => can_create_keys,
    "allowed-models" => allowed_models,
    "created-datetime" => created_datetime,
    "lastused-datetime" => lastused_datetime,
    "notes" => notes,
});
