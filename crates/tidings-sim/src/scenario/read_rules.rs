//! The part of a scenario's TOML that is about accounts, phones, reports and texts from phones: its
//! form as serde types, and the checks that a form cannot express.
//!
//! Called by [`super::read`] only.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tidings::backend::Rights;
use tidings_core::SenderId;

use super::ScenarioError;
use super::read::{bad_value, number, whom};
use super::read_exchange::{RightsForm, passcode};
use super::rules::{
    Excess, FurtherAccount, PhoneRule, RecipientQuota, Reports, Rules, ScriptedText, UserRules,
};

/// The most that leaves in a second: one message each microsecond.
const MAX_RATE: f64 = 1_000_000.0;
/// The slowest rate: one message in about eleven days.
const MIN_RATE: f64 = 0.000_001;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountForm {
    settings: BTreeMap<String, SettingForm>,
    credit: Option<u32>,
    rate_per_s: Option<f64>,
    #[serde(default)]
    refuse_duplicates: bool,
    recipient_quota: Option<QuotaForm>,
    allows_premium: Option<bool>,
    max_price: Option<u32>,
    sender: Option<String>,
    rights: Option<RightsForm>,
    display_name: Option<String>,
    passcode: Option<String>,
}

/// A setting's value: numbers may be written as such.
#[derive(Deserialize)]
#[serde(untagged)]
enum SettingForm {
    Number(i64),
    Text(String),
}

/// The rules of an account, at the top of a scenario or within an `[[account]]`.
pub(super) struct RulesForm {
    pub(super) rate_per_s: Option<f64>,
    pub(super) refuse_duplicates: bool,
    pub(super) recipient_quota: Option<QuotaForm>,
    pub(super) allows_premium: Option<bool>,
    pub(super) max_price: Option<u32>,
    pub(super) sender: Option<String>,
    pub(super) rights: Option<RightsForm>,
    pub(super) display_name: Option<String>,
    pub(super) passcode: Option<String>,
}

impl AccountForm {
    pub(super) fn check(self, key: &str) -> Result<FurtherAccount, ScenarioError> {
        if self.settings.is_empty() {
            return Err(bad_value(
                format!("{key}.settings"),
                "at least one setting that differs from the first account's",
            ));
        }
        let settings = self.settings.into_iter().map(|(name, value)| {
            let value = match value {
                SettingForm::Number(number) => number.to_string(),
                SettingForm::Text(text) => text,
            };
            (name, value)
        });
        let rules = RulesForm {
            rate_per_s: self.rate_per_s,
            refuse_duplicates: self.refuse_duplicates,
            recipient_quota: self.recipient_quota,
            allows_premium: self.allows_premium,
            max_price: self.max_price,
            sender: self.sender,
            rights: self.rights,
            display_name: self.display_name,
            passcode: self.passcode,
        };
        Ok(FurtherAccount {
            settings: settings.collect(),
            credit: self.credit.map(i64::from),
            rules: rules.check(&format!("{key}."))?,
        })
    }
}

impl RulesForm {
    /// `way` is what stands before the keys.
    pub(super) fn check(self, way: &str) -> Result<Rules, ScenarioError> {
        let rate_per_s = match self.rate_per_s {
            Some(rate) if !(MIN_RATE..=MAX_RATE).contains(&rate) => {
                return Err(bad_value(
                    format!("{way}rate_per_s"),
                    "0.000001 to 1000000 messages a second",
                ));
            }
            rate => rate,
        };
        let sender = self.sender.map(|sender| {
            SenderId::parse(&sender).map_err(|_| {
                let allowed = "a name of up to 11 characters, a number with +, or 3 to 8 digits";
                bad_value(format!("{way}sender"), allowed)
            })
        });
        let quota = self.recipient_quota;
        Ok(Rules {
            rate_per_s,
            refuses_duplicates: self.refuse_duplicates,
            recipient_quota: quota
                .map(|quota| quota.check(&format!("{way}recipient_quota")))
                .transpose()?,
            allows_premium: self.allows_premium.unwrap_or(true),
            max_price: self.max_price,
            sender: sender.transpose()?,
            user: UserRules {
                rights: self.rights.map_or(Rights::Domain, RightsForm::rights),
                display_name: self.display_name,
                passcode: passcode(&format!("{way}passcode"), self.passcode)?,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaForm {
    messages: u32,
    within_s: Option<u32>,
    #[serde(default)]
    excess: ExcessForm,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExcessForm {
    #[default]
    Held,
    Refused,
}

impl QuotaForm {
    fn check(self, key: &str) -> Result<RecipientQuota, ScenarioError> {
        for (word, value) in [
            ("messages", Some(self.messages)),
            ("within_s", self.within_s),
        ] {
            if value == Some(0) {
                return Err(bad_value(format!("{key}.{word}"), "at least 1"));
            }
        }
        Ok(RecipientQuota {
            messages: self.messages,
            within: Duration::from_secs(self.within_s.unwrap_or(3_600).into()),
            excess: match self.excess {
                ExcessForm::Held => Excess::Held,
                ExcessForm::Refused => Excess::Refused,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneForm {
    to: Option<String>,
    prefix: Option<String>,
    age: Option<u8>,
    #[serde(default)]
    bars_premium: bool,
}

impl PhoneForm {
    pub(super) fn check(self, key: &str) -> Result<PhoneRule, ScenarioError> {
        if self.age.is_none() && !self.bars_premium {
            return Err(bad_value(key, "at least one of age, bars_premium"));
        }
        Ok(PhoneRule {
            whom: whom(key, self.to, self.prefix)?,
            age: self.age,
            bars_premium: self.bars_premium,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReportsForm {
    duplicate: bool,
    shuffle: bool,
    late_ms: u32,
}

impl ReportsForm {
    pub(super) fn check(&self) -> Reports {
        Reports {
            duplicate: self.duplicate,
            shuffle: self.shuffle,
            late: Duration::from_millis(self.late_ms.into()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InboundForm {
    #[serde(default)]
    after_ms: u32,
    from: String,
    to: Option<String>,
    text: String,
}

impl InboundForm {
    pub(super) fn check(self, key: &str) -> Result<ScriptedText, ScenarioError> {
        Ok(ScriptedText {
            after: Duration::from_millis(self.after_ms.into()),
            from: number(&format!("{key}.from"), &self.from)?,
            to: self.to,
            text: self.text,
        })
    }
}
