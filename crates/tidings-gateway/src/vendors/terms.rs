//! What the caller of a vendor's API asks for beside a message, as it is kept with the message:
//! [`KeptTerms`].
//!
//! Written when a message is taken, read when it leaves, when it is listed and when the customer is
//! told of it. What only the same vendor can do is refused where a message may leave over another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings::backend::{Refusal, SessionWish, Terms};

use super::refusals::forbidden;

/// The parameters by which a caller says that a text is encoded already.
const ENCODED: [&str; 2] = ["dcs", "udh"];

/// What is kept with a message that came by a vendor's API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptTerms {
    /// Whether no report is wanted.
    #[serde(skip_serializing_if = "is_false")]
    pub without_report: bool,
    /// What else was asked for in the vendor's own words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(String, String)>,
    /// The name of the batch as its sender gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Box<str>>,
    /// The vendor's word for what it is, such as `sms`, where it is one of a conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// What the messages to all recipients of one text of a conversation have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<Box<str>>,
    /// The MIME type of the file that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Box<str>>,
    /// How large the file is, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_bytes: Option<u64>,
}

impl KeptTerms {
    /// Keeps what a backend can keep and keep to.
    ///
    /// # Errors
    /// [`Refusal`] for what a message could not be given on its way: a price for the recipient, a
    /// conversation that the vendor's network keeps, and a text that is encoded already.
    pub(super) fn of(terms: Terms) -> Result<Self, Refusal> {
        if terms.price > 0 || terms.minimum_age.is_some() {
            return Err(forbidden("texts that the recipient pays for"));
        }
        if terms.session != SessionWish::None {
            let fault = "is not offered by this gateway";
            return Err(Refusal::invalid("session", fault));
        }
        let mut names = terms.parameters.iter().map(|(name, _)| name.as_str());
        if names.any(|name| ENCODED.contains(&name)) {
            let fault = "asks for a text that is encoded already, which this gateway does not send";
            return Err(Refusal::invalid("parameter", fault));
        }
        Ok(Self {
            without_report: terms.without_report,
            parameters: terms.parameters,
            ..Self::default()
        })
    }

    /// As it is kept; nothing where nothing was asked for.
    pub(super) fn written(&self) -> Option<Arc<str>> {
        if *self == Self::default() {
            return None;
        }
        let json = serde_json::to_string(self).expect("texts and flags can be written as JSON");
        Some(json.into())
    }

    /// Reads what was kept; what cannot be read counts as nothing asked for.
    pub fn read(kept: Option<&str>) -> Self {
        let read = kept.and_then(|json| serde_json::from_str(json).ok());
        read.unwrap_or_default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !flag
}
