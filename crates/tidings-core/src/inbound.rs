//! A text that a phone has sent to one of our numbers.
//!
//! Made by each provider's `callback.rs` (or by asking, where a provider has no callbacks), read by
//! whoever keeps conversations. What a text asks for, such as to be left alone, is decided elsewhere.

use std::fmt;
use std::sync::Arc;

use crate::time::Timestamp;

/// One text from a phone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundMessage {
    /// The provider's id of it: the same text that comes twice has the same id.
    pub id: String,
    /// Who sent it, as the provider wrote it: mostly a number, but networks also send from names
    /// and short numbers.
    pub from: String,
    /// The number of ours that it was sent to.
    pub to: String,
    /// The text.
    pub text: Arc<str>,
    /// When the provider had it, by the provider's clock.
    pub received_at: Option<Timestamp>,
    /// The conversation that it belongs to, where the provider tells.
    pub session: Option<String>,
    /// The word by which the provider chose whom to give it to, where it does so.
    pub keyword: Option<String>,
}

impl InboundMessage {
    /// A text of which only the necessary is known.
    pub fn new(
        id: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
        text: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            id: id.into(),
            from: from.into(),
            to: to.into(),
            text: text.into(),
            received_at: None,
            session: None,
            keyword: None,
        }
    }

    /// Adds when the provider had it.
    #[must_use]
    pub fn received_at(mut self, at: Timestamp) -> Self {
        self.received_at = Some(at);
        self
    }

    /// Adds the conversation that it belongs to.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Adds the word by which the provider chose whom to give it to.
    #[must_use]
    pub fn keyword(mut self, keyword: impl Into<String>) -> Self {
        self.keyword = Some(keyword.into());
        self
    }
}

/// Shows ids and lengths, neither the text nor one of the two numbers.
impl fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundMessage")
            .field("id", &self.id)
            .field("text_bytes", &self.text.len())
            .field("received_at", &self.received_at)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
