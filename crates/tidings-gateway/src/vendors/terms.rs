//! What the caller of a vendor's API asks for beside a message, as it is kept with the message:
//! [`KeptTerms`].
//!
//! Written when a message is taken; read by dispatch when it leaves, when it is listed, and when the
//! customer is told of it. What only the same vendor can do is refused where a message may leave over
//! another, and routes that change later do not lead it there: [`KeptTerms::only_at`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings::ProviderSpec;
use tidings::backend::{Refusal, SessionWish, Terms};
use tidings::routing::Standing;
use tidings_core::Message;

use super::refusals::forbidden;
use crate::gateway::Live;

/// The parameters by which a caller says that a text is encoded already.
const ENCODED: [&str; 2] = ["dcs", "udh"];

/// What is kept with a message that came by a vendor's API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptTerms {
    /// The provider whose API it came by: the words below are of that one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub api: Box<str>,
    /// What the recipient pays, in the smallest unit of the currency.
    #[serde(skip_serializing_if = "is_zero")]
    pub price: u32,
    /// How old the recipient has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
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
    /// Keeps what can be passed on, or looked after here.
    ///
    /// # Errors
    /// [`Refusal`] for what a message could not be given on its way: a price for the recipient and a
    /// text that is encoded already where it may leave over another provider, and a conversation that
    /// the vendor's network keeps.
    pub(super) fn of(
        terms: Terms,
        message: &Message,
        spec: &ProviderSpec,
        live: &Live,
    ) -> Result<Self, Refusal> {
        let is_priced = terms.price > 0 || terms.minimum_age.is_some();
        if is_priced && !goes_only_to(message, spec, live) {
            return Err(forbidden("texts that the recipient pays for"));
        }
        if terms.session != SessionWish::None {
            // Its id would have to be given before the vendor's network has given one.
            return Err(forbidden("conversations that the vendor's network keeps"));
        }
        if is_encoded(&terms.parameters) && !goes_only_to(message, spec, live) {
            let fault = "asks for a text that is encoded already, which no route takes";
            return Err(Refusal::invalid("parameter", fault));
        }
        let has_words = is_priced || !terms.parameters.is_empty();
        Ok(Self {
            api: if has_words { spec.id.into() } else { "".into() },
            price: terms.price,
            minimum_age: terms.minimum_age,
            without_report: terms.without_report,
            parameters: terms.parameters,
            ..Self::default()
        })
    }

    /// What of it is passed on to a provider: everything to the one whose API it came by, nothing to
    /// others, which have no words for it.
    pub fn passed_on(kept: Option<&str>, spec: &ProviderSpec) -> Option<Arc<Terms>> {
        let kept = Self::read(Some(kept?));
        if *kept.api != *spec.id {
            return None;
        }
        let mut terms = Terms::default();
        terms.price = kept.price;
        terms.minimum_age = kept.minimum_age;
        terms.without_report = kept.without_report;
        terms.parameters = kept.parameters;
        Some(Arc::new(terms))
    }

    /// The provider whose accounts alone can carry a message of which this is kept, where there is one:
    /// over another it would arrive without its price, or as hexadecimal digits.
    pub fn only_at(kept: Option<&str>) -> Option<Box<str>> {
        let kept = Self::read(Some(kept?));
        let is_priced = kept.price > 0 || kept.minimum_age.is_some();
        (is_priced || kept.is_encoded()).then_some(kept.api)
    }

    /// The same of what goes out over an account at a provider.
    pub fn only_there(terms: Option<&Terms>, spec: &ProviderSpec) -> Option<Box<str>> {
        let terms = terms?;
        let is_priced = terms.price > 0 || terms.minimum_age.is_some();
        (is_priced || is_encoded(&terms.parameters)).then(|| spec.id.into())
    }

    /// Whether the text is encoded already, so that nothing may be added to it.
    pub fn is_encoded(&self) -> bool {
        is_encoded(&self.parameters)
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

/// Whether a caller says that a text is encoded already.
fn is_encoded(parameters: &[(String, String)]) -> bool {
    let mut names = parameters.iter().map(|(name, _)| name.as_str());
    names.any(|name| ENCODED.contains(&name))
}

/// Whether every lane that may carry a message is an account at this provider.
fn goes_only_to(message: &Message, spec: &ProviderSpec, live: &Live) -> bool {
    let decision = live
        .config
        .routes
        .decide(message, &Standing::default(), 0.0);
    let mut candidates = decision.candidates().peekable();
    candidates.peek().is_some()
        && candidates.all(|candidate| {
            let lane = live.lanes.get(candidate.account.as_str());
            lane.is_some_and(|lane| lane.spec.id == spec.id)
        })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(flag: &bool) -> bool {
    !flag
}
