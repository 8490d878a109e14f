//! What a key of a vendor's API says besides who it is: [`KeyDetails`], kept as JSON with the key.
//!
//! Written by [`crate::access`] when it makes keys, read here for every call. It holds no secret.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidings_core::{E164, SenderId};

/// The setting by which a user signs in, where callers are users.
pub(super) const USERNAME: &str = "username";
/// The setting that names the program, where there is one.
pub(super) const CLIENT_ID: &str = "client_id";
/// The setting that names the number of the caller's own.
const FROM_NUMBER: &str = "from_number";
/// The setting that names the sender of messages that name none.
const SENDER: &str = "sender";
/// The setting that says whether the vendor refuses references that it has seen lately.
const DUPLICATE_CHECKING: &str = "duplicate_checking";

/// What is kept with a key of a vendor's API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KeyDetails {
    /// Values of the provider's settings that are no secrets.
    settings: BTreeMap<String, String>,
}

/// Which messages with a reference of the caller's own are refused as taken before, within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    /// Those that repeat a message to the letter: what a program sends again that has lost the
    /// answer.
    SameMessage,
    /// All with a reference that was used within the hour, as vendors do it on request.
    SameReference,
    /// None.
    Off,
}

impl KeyDetails {
    /// Reads what stands with a key; what cannot be read counts as nothing said.
    pub fn read(kept: Option<&str>) -> Self {
        let read = kept.and_then(|json| serde_json::from_str(json).ok());
        read.unwrap_or_default()
    }

    /// The settings that are kept, by name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let settings = self.settings.iter();
        settings.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One of them.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// The number that the caller sends from.
    pub(super) fn number(&self) -> Option<E164> {
        let written = self.setting(FROM_NUMBER)?;
        let plus = if written.starts_with('+') { "" } else { "+" };
        format!("{plus}{written}").parse().ok()
    }

    /// The sender of messages that name none.
    pub(super) fn sender(&self) -> Option<SenderId> {
        SenderId::parse(self.setting(SENDER)?).ok()
    }

    /// Which messages are refused as taken before.
    pub(super) fn duplicates(&self) -> Duplicates {
        match self.setting(DUPLICATE_CHECKING) {
            Some("on") => Duplicates::SameReference,
            Some("off") => Duplicates::Off,
            Some(_) | None => Duplicates::SameMessage,
        }
    }
}
