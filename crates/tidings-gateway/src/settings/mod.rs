//! What holds for all messages of one account of the gateway.
//!
//! Kept in the store as JSON; changed through the API; read by intake, inbound and the vendors' APIs. What
//! is not set follows the configuration. It decides nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::text::Replacement;
use tidings_core::{Day, DeliveryPolicy, HoursOfDay, Region, SenderId, TimeZone};
use tidings_store::{AccountId, StoredAccount};

/// What an account wants for its messages.
///
/// As JSON, with every field:
///
/// ```
/// # let text = r#"
/// {"policy": "at_most_once", "sender": "Acme", "region": "NO", "replacement": "typography", "max_parts": 4,
///  "valid_for_s": 86400, "time_zone": "Europe/Oslo", "quiet_hours": "21:00-08:00",
///  "blackout_dates": ["2026-12-25"], "same_content_window_s": 30, "opt_out_languages": ["en", "no"],
///  "opt_out_words": ["basta"], "opt_out_confirmation": "You get no more texts from us."}
/// # "#;
/// let settings = tidings_gateway::settings::AccountSettings::from_json(text)?;
/// assert_eq!(settings.max_parts, Some(4));
/// # Ok::<(), tidings_gateway::settings::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(
    description = "What an account wants for its messages. What is not set follows the configuration."
)]
pub struct AccountSettings {
    /// What is done after a lost answer: `reconcile`, `at_most_once` or `at_least_once`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "reconcile")]
    pub policy: Option<DeliveryPolicy>,
    /// The sender of messages that name none: a name of at most 11 characters, a number with its plus,
    /// or a short code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Acme")]
    pub sender: Option<SenderId>,
    /// The country of numbers that are written without one: two letters of ISO 3166-1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "NO")]
    pub region: Option<Region>,
    /// Which characters may be replaced so that a text takes fewer parts: `off`, `typography`,
    /// `accents`, `strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "typography")]
    pub replacement: Option<Replacement>,
    /// The most parts of a text, 1 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_parts: Option<u8>,
    /// How long a message is worth sending, in seconds from the moment at which it may leave; at most 30
    /// days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2_592_000)]
    pub valid_for_s: Option<u32>,
    /// In vendors' APIs without a key for a request: the same text from the same sender to the same
    /// number within so many seconds is taken once. 0 is off; at most one day.
    #[schema(maximum = 86_400)]
    pub same_content_window_s: u32,
    /// The languages of opt-out words, such as `en`; none is all.
    pub opt_out_languages: Vec<String>,
    /// Further opt-out words: a whole message that stops a number.
    pub opt_out_words: Vec<String>,
    /// What is answered to who opts out; none answers nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_confirmation: Option<String>,
    /// The zone of recipients, such as `Europe/Oslo`, whose message and contact name none. Without it
    /// a moment is good only if it is in all the zones of the number's country.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Europe/Oslo")]
    pub time_zone: Option<TimeZone>,
    /// No message leaves in these hours of the recipient's zone, over midnight where the second time is
    /// the earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "21:00-08:00")]
    pub quiet_hours: Option<HoursOfDay>,
    /// No message leaves on these days of the recipient's zone, besides those of the configuration.
    #[schema(value_type = Vec<String>, example = json!(["2026-12-25"]))]
    pub blackout_dates: Vec<Day>,
}

impl AccountSettings {
    /// The longest validity, in seconds.
    pub const MAX_VALID_FOR_S: u32 = 30 * 24 * 60 * 60;
    /// The longest window in which the same content is taken once, in seconds.
    pub const MAX_SAME_CONTENT_WINDOW_S: u32 = 24 * 60 * 60;
    /// The most entries of one of the lists.
    pub const MAX_ENTRIES: usize = 1_000;
    /// The longest opt-out word, in characters.
    pub const MAX_WORD_CHARACTERS: usize = 100;
    /// The longest confirmation of an opt-out, in characters.
    pub const MAX_CONFIRMATION_CHARACTERS: usize = 1_600;

    /// Reads and checks settings as they are kept.
    ///
    /// # Errors
    /// [`SettingsError`] with the field that is wrong.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        let value = serde_json::from_str(text);
        let value = value.map_err(|_| SettingsError::new("", "they are no JSON"))?;
        Self::from_value(value)
    }

    /// Reads and checks settings that are part of something larger.
    ///
    /// # Errors
    /// [`SettingsError`] with the field that is wrong.
    pub fn from_value(value: serde_json::Value) -> Result<Self, SettingsError> {
        if !value.is_object() {
            // A list would be read as the fields in their order.
            return Err(SettingsError::new("", "they are no JSON object"));
        }
        let settings: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            let field = if field == "." { String::new() } else { field };
            SettingsError::new(field, error.into_inner().to_string())
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// The settings as they are kept.
    pub fn to_json(&self) -> Arc<str> {
        let text = serde_json::to_string(self).expect("settings are texts, numbers and lists");
        text.into()
    }

    /// Checks what the types of the fields do not say.
    ///
    /// # Errors
    /// [`SettingsError`] with the first field that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.max_parts == Some(0) {
            return Err(SettingsError::new("max_parts", "must be 1 to 255"));
        }
        let too_long = |seconds: &u32| *seconds == 0 || *seconds > Self::MAX_VALID_FOR_S;
        if self.valid_for_s.as_ref().is_some_and(too_long) {
            return Err(SettingsError::new("valid_for_s", "must be 1 to 2592000"));
        }
        if self.same_content_window_s > Self::MAX_SAME_CONTENT_WINDOW_S {
            return Err(SettingsError::new(
                "same_content_window_s",
                "must be 0 to 86400",
            ));
        }
        check_count("opt_out_languages", self.opt_out_languages.len())?;
        check_count("opt_out_words", self.opt_out_words.len())?;
        check_count("blackout_dates", self.blackout_dates.len())?;
        for (place, language) in self.opt_out_languages.iter().enumerate() {
            let is_code = (2..=3).contains(&language.len())
                && language.bytes().all(|byte| byte.is_ascii_lowercase());
            if !is_code {
                let field = format!("opt_out_languages[{place}]");
                return Err(SettingsError::new(
                    field,
                    "must be a language by its two or three letters, such as en",
                ));
            }
        }
        for (place, word) in self.opt_out_words.iter().enumerate() {
            let length = word.trim().chars().count();
            if length == 0 || length > Self::MAX_WORD_CHARACTERS {
                let field = format!("opt_out_words[{place}]");
                return Err(SettingsError::new(field, "must have 1 to 100 characters"));
            }
        }
        if let Some(text) = &self.opt_out_confirmation {
            let length = text.chars().count();
            if text.trim().is_empty() || length > Self::MAX_CONFIRMATION_CHARACTERS {
                return Err(SettingsError::new(
                    "opt_out_confirmation",
                    "must have 1 to 1600 characters; leave it out to answer nothing",
                ));
            }
        }
        Ok(())
    }
}

fn check_count(field: &'static str, count: usize) -> Result<(), SettingsError> {
    if count > AccountSettings::MAX_ENTRIES {
        return Err(SettingsError::new(field, "must have at most 1000 entries"));
    }
    Ok(())
}

/// Something is wrong with the settings of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    field: String,
    what: String,
}

impl SettingsError {
    fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            what: what.into(),
        }
    }

    /// Which field, such as `quiet_hours` or `blackout_dates[1]`; empty where it is all of it.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.field {
            "" => write!(f, "the settings cannot be read: {}", self.what),
            field => write!(f, "the setting {field}: {}", self.what),
        }
    }
}

impl std::error::Error for SettingsError {}

/// An account on whose behalf something is done.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Its name.
    pub id: AccountId,
    /// What it wants.
    pub settings: Arc<AccountSettings>,
    /// Whether it may send.
    pub is_active: bool,
}

impl Customer {
    /// A customer that may send.
    pub fn new(id: AccountId, settings: AccountSettings) -> Self {
        Self {
            id,
            settings: Arc::new(settings),
            is_active: true,
        }
    }

    /// A customer as the store has it.
    ///
    /// # Errors
    /// [`SettingsError`] where its settings were written by a newer version.
    pub fn of(account: &StoredAccount) -> Result<Self, SettingsError> {
        Ok(Self {
            id: account.id.clone(),
            settings: Arc::new(AccountSettings::from_json(&account.settings)?),
            is_active: account.is_active,
        })
    }
}

#[cfg(test)]
mod tests;
