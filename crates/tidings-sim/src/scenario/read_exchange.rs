//! The part of a scenario's TOML that is about users of an exchange: their numbers, keys and tokens, and
//! how many calls may be made.
//!
//! Called by [`super::read`] and [`super::read_rules`] only.

use std::time::Duration;

use serde::Deserialize;
use tidings::backend::Rights;

use super::ScenarioError;
use super::read::{bad_value, number};
use super::rules::{ApiKey, CallLimit, NumberRule, TokenRules};

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RightsForm {
    User,
    #[default]
    Domain,
    Reseller,
    System,
}

impl RightsForm {
    pub(super) fn rights(self) -> Rights {
        match self {
            Self::User => Rights::User,
            Self::Domain => Rights::Domain,
            Self::Reseller => Rights::Reseller,
            Self::System => Rights::System,
        }
    }
}

pub(super) fn passcode(
    key: &str,
    passcode: Option<String>,
) -> Result<Option<String>, ScenarioError> {
    match passcode {
        Some(digits) if digits.len() != 6 || !digits.bytes().all(|it| it.is_ascii_digit()) => {
            Err(bad_value(key, "6 digits"))
        }
        passcode => Ok(passcode),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberForm {
    number: String,
    owner: String,
    application: Option<String>,
    media: Option<bool>,
}

impl NumberForm {
    pub(super) fn check(self, key: &str) -> Result<NumberRule, ScenarioError> {
        if self.owner.is_empty() {
            return Err(bad_value(format!("{key}.owner"), "a user, or user@domain"));
        }
        Ok(NumberRule {
            number: number(&format!("{key}.number"), &self.number)?,
            owner: self.owner,
            application: self.application.unwrap_or_else(|| "user".to_owned()),
            media: self.media.unwrap_or(true),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyForm {
    key: String,
    #[serde(default)]
    rights: RightsForm,
    domain: Option<String>,
}

impl ApiKeyForm {
    pub(super) fn check(self, key: &str) -> Result<ApiKey, ScenarioError> {
        if self.key.is_empty() {
            return Err(bad_value(format!("{key}.key"), "at least one character"));
        }
        Ok(ApiKey {
            key: self.key,
            rights: self.rights.rights(),
            domain: self.domain,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokensForm {
    lifetime_s: Option<u32>,
    refresh_lifetime_s: Option<u32>,
    refresh: WorksForm,
    sign_in: WorksForm,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WorksForm {
    #[default]
    Works,
    Fails,
}

impl TokensForm {
    pub(super) fn check(&self) -> Result<TokenRules, ScenarioError> {
        let default = TokenRules::default();
        let given = |key: &str, seconds: Option<u32>, default: Duration| match seconds {
            Some(0) => Err(bad_value(format!("tokens.{key}"), "at least 1 second")),
            Some(seconds) => Ok(Duration::from_secs(seconds.into())),
            None => Ok(default),
        };
        Ok(TokenRules {
            lifetime: given("lifetime_s", self.lifetime_s, default.lifetime)?,
            refresh_lifetime: given(
                "refresh_lifetime_s",
                self.refresh_lifetime_s,
                default.refresh_lifetime,
            )?,
            refresh_fails: self.refresh == WorksForm::Fails,
            sign_in_fails: self.sign_in == WorksForm::Fails,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsForm {
    calls_per_s: u32,
    block_for_s: Option<u32>,
}

impl LimitsForm {
    pub(super) fn check(self) -> Result<CallLimit, ScenarioError> {
        let block_for_s = self.block_for_s.unwrap_or(5);
        for (word, value) in [
            ("calls_per_s", self.calls_per_s),
            ("block_for_s", block_for_s),
        ] {
            if value == 0 {
                return Err(bad_value(format!("limits.{word}"), "at least 1"));
            }
        }
        Ok(CallLimit {
            calls_per_s: self.calls_per_s,
            block_for: Duration::from_secs(block_for_s.into()),
        })
    }
}
