//! Where tokens are given: the present call, and the older one that is still in use. `GET /apikeys/~`
//! stands here too. JSON web tokens are in `jwt`.

use axum::extract::{Request, State};
use axum::response::Response;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Desk;
use super::answer::{self, Refused};
use super::caller::{Caller, secret};
use super::fields;
use crate::backend::{Identity, Presented, Refusal, SecondStep, SignedIn, Token};
use crate::netsapiens::map::{inward, outward};
use crate::netsapiens::{setting, wire};

/// What scope a token has that is good for nothing but the second step.
pub(super) const SECOND_STEP_SCOPE: &str = "mfa_required";
const DEFAULT_MFA_TYPE: &str = "authenticator";
const DEFAULT_MFA_VENDOR: &str = "google";

/// `POST /ns-api/v2/tokens`.
pub(super) async fn issue(State(desk): State<Desk>, request: Request) -> Result<Response, Refused> {
    let answer = Grant::read(&desk, request).await?.carry_out(&desk).await?;
    Ok(answer::document(&answer))
}

/// `POST /ns-api/oauth2/token/`: as above, with what older servers say besides.
pub(super) async fn issue_legacy(
    State(desk): State<Desk>,
    request: Request,
) -> Result<Response, Refused> {
    let answer = Grant::read(&desk, request).await?.carry_out(&desk).await?;
    let mut answer = serde_json::to_value(&answer).expect("texts and numbers are JSON");
    if let Value::Object(fields) = &mut answer {
        fields.insert("legacy".to_owned(), json!(false));
        fields.insert("legacy_expires_days".to_owned(), json!(0));
        fields.insert("recover".to_owned(), json!(false));
    }
    Ok(answer::document(&answer))
}

/// What a caller asks for a token with.
pub(super) enum Grant {
    /// User and password, and what he answers to the second step.
    Password {
        presented: Presented,
        login: String,
        second_step: Option<SecondStep>,
        mfa: Mfa,
    },
    /// What a token is renewed with.
    Refresh {
        presented: Presented,
        refresh: secrecy::SecretString,
    },
}

/// How a second step is made.
pub(super) struct Mfa {
    pub(super) kind: String,
    pub(super) vendor: String,
}

impl Grant {
    async fn read(desk: &Desk, request: Request) -> Result<Self, Refused> {
        Self::of(desk, &fields::read_sign_in(request).await?)
    }

    /// Reads what is asked for. `access_token` of a second step may be a JSON web token.
    pub(super) fn of(desk: &Desk, asked: &wire::TokenRequest) -> Result<Self, Refused> {
        let grant = fields::name("grant_type", &asked.grant_type)?;
        match grant.as_deref().unwrap_or("password") {
            "password" => Self::password(asked, None),
            "mfa" => {
                let step = fields::required("access_token", &asked.access_token)?;
                let step = match desk.signer.verify(step) {
                    Some(claims) => claims.jti.0,
                    None => step.to_owned(),
                };
                let passcode = fields::required_name("passcode", &asked.passcode)?;
                if passcode.len() != 6 || !passcode.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Refused::wrong("passcode", "must be six digits"));
                }
                check_id_type(asked)?;
                Self::password(asked, Some(SecondStep::new(secret(step), secret(passcode))))
            }
            "refresh_token" => {
                let presented = of_client(asked)?;
                Ok(Self::Refresh {
                    presented,
                    refresh: secret(fields::required("refresh_token", &asked.refresh_token)?),
                })
            }
            _ => {
                let fault = "must be password, refresh_token or mfa";
                Err(Refused::wrong("grant_type", fault))
            }
        }
    }

    fn password(
        asked: &wire::TokenRequest,
        second_step: Option<SecondStep>,
    ) -> Result<Self, Refused> {
        let login = fields::required_name("username", &asked.username)?;
        let presented = of_client(asked)?
            .with(setting::USERNAME, login.clone())
            .with(
                setting::PASSWORD,
                secret(fields::required("password", &asked.password)?),
            );
        let or = |name: Option<String>, default: &str| name.unwrap_or_else(|| default.to_owned());
        Ok(Self::Password {
            presented,
            login,
            second_step,
            mfa: Mfa {
                kind: or(fields::name("mfa_type", &asked.mfa_type)?, DEFAULT_MFA_TYPE),
                vendor: or(
                    fields::name("mfa_vendor", &asked.mfa_vendor)?,
                    DEFAULT_MFA_VENDOR,
                ),
            },
        })
    }

    async fn carry_out(self, desk: &Desk) -> Result<wire::TokenAnswer, Refused> {
        match self {
            Self::Password {
                presented,
                login,
                second_step,
                mfa,
            } => {
                let signed_in = desk.backend.open(&presented, second_step.as_ref()).await;
                match signed_in.map_err(|refusal| refused(desk, refusal))? {
                    SignedIn::Token(token) => Ok(answer(desk, &token, Some(&login))),
                    SignedIn::SecondStep(token) => {
                        let mut answer = answer(desk, &token, Some(&login));
                        answer.scope = SECOND_STEP_SCOPE.into();
                        answer.refresh_token = wire::Text::default();
                        answer.mfa_type = mfa.kind.into();
                        answer.mfa_vendor = mfa.vendor.into();
                        Ok(answer)
                    }
                }
            }
            Self::Refresh { presented, refresh } => {
                let token = desk
                    .backend
                    .renew(&presented, refresh.expose_secret())
                    .await;
                let token = token.map_err(|refusal| refused(desk, refusal))?;
                Ok(answer(desk, &token, None))
            }
        }
    }
}

/// What a program says of itself, whatever kind of grant it asks for.
fn of_client(asked: &wire::TokenRequest) -> Result<Presented, Refused> {
    let id = fields::required_name("client_id", &asked.client_id)?;
    let its_secret = secret(fields::required("client_secret", &asked.client_secret)?);
    Ok(Presented::new()
        .with(setting::CLIENT_ID, id)
        .with(setting::CLIENT_SECRET, its_secret))
}

fn check_id_type(asked: &wire::TokenRequest) -> Result<(), Refused> {
    match fields::name("ns_id_type", &asked.ns_id_type)?.as_deref() {
        None | Some("subscriber" | "level1") => Ok(()),
        Some(_) => Err(Refused::wrong("ns_id_type", "must be subscriber or level1")),
    }
}

/// A refusal where tokens are given: of wrong credentials nothing is said but that they are wrong.
pub(super) fn refused(desk: &Desk, refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Unauthorized | Refusal::Expired => Refused::Credentials {
            status: desk.options.credentials_refused_as,
        },
        other => Refused::of(other, &desk.options),
    }
}

fn answer(desk: &Desk, token: &Token, login: Option<&str>) -> wire::TokenAnswer {
    let nobody = Identity::new("", "");
    let identity = token.who.identity.as_deref().unwrap_or(&nobody);
    let uid = outward::user_id(identity);
    let login = login.unwrap_or(&uid);
    let mut answer = outward::token_answer(identity, login, &desk.options.api_version);
    answer.access_token = token.access.expose_secret().into();
    if let Some(refresh) = &token.refresh {
        answer.refresh_token = refresh.expose_secret().into();
    }
    let lifetime = token.lifetime.unwrap_or_default();
    answer.expires_in = outward::whole(lifetime.as_secs());
    answer
}

/// How much of an API key is no secret: its prefix and eight characters.
const KEY_ID_LENGTH: usize = 12;

/// `GET /ns-api/v2/apikeys/~`: the key that the caller presents.
pub(super) async fn own_key(caller: Caller) -> Result<Response, Refused> {
    if !caller.token.is_key() {
        return Err(Refused::no_rights());
    }
    let key = caller.token.access.expose_secret();
    let nobody = Identity::new("", "");
    let identity = caller.who().identity.as_deref().unwrap_or(&nobody);
    let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
    let key_id: String = key.chars().take(KEY_ID_LENGTH).collect();
    let answer = wire::ApiKey {
        key_id: key_id.into(),
        description: identity.display_name.as_str().into(),
        reseller: identity.reseller.as_str().into(),
        domain: text(&identity.domain),
        user: text(&identity.user),
        user_scope: inward::scope(identity.rights).into(),
        readonly: false.into(),
        ..wire::ApiKey::default()
    };
    Ok(answer::document(&answer))
}
