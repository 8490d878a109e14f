//! A message as Puzzel's users know it: [`Message`].
//!
//! Made by programs, and by `submit.rs` from the neutral message; checked and written by `check.rs`.

use std::fmt;
use std::sync::Arc;

use tidings_core::E164;

use super::settings::Settings;

/// One text to one phone: contract model `Message`.
///
/// ```
/// use tidings::puzzel::{Message, Settings};
///
/// let message = Message::new("+4700000001", "Hei")
///     .client_reference("order-1")
///     .settings(Settings::new().differentiator("orders"));
/// # drop(message);
/// ```
#[doc(alias("SmsMessage"))]
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub(super) recipient: Recipient,
    pub(super) content: Arc<str>,
    pub(super) price: Option<u32>,
    pub(super) price_xml: Option<String>,
    pub(super) client_reference: Option<String>,
    pub(super) settings: Settings,
}

impl Message {
    /// A message without a price, with the service's settings.
    pub fn new(recipient: impl Into<Recipient>, content: impl Into<Arc<str>>) -> Self {
        Self {
            recipient: recipient.into(),
            content: content.into(),
            price: None,
            price_xml: None,
            client_reference: None,
            settings: Settings::default(),
        }
    }

    /// The same message to each of these phones.
    ///
    /// ```
    /// use tidings::puzzel::Message;
    ///
    /// let all = Message::new("+4700000001", "Hei").to_each(["+4700000001", "+4700000002"]);
    /// assert_eq!(all.len(), 2);
    /// ```
    #[doc(alias("recipients", "primary_message"))]
    pub fn to_each<R: Into<Recipient>>(
        &self,
        recipients: impl IntoIterator<Item = R>,
    ) -> Vec<Self> {
        let to = |recipient: R| Self {
            recipient: recipient.into(),
            ..self.clone()
        };
        recipients.into_iter().map(to).collect()
    }

    /// What the recipient pays, in the smallest unit of the currency: in Norway 100 to 100,000 in
    /// steps of 100, so that 200 is two kroner. 0 is nothing.
    #[must_use]
    pub fn price(mut self, price: u32) -> Self {
        self.price = Some(price);
        self
    }

    /// A field of the vendor's model that none of its papers explains. Goes out as it is; the
    /// vendor's XML schema does not have it.
    #[doc(alias = "priceXml")]
    #[must_use]
    pub fn price_xml(mut self, price: impl Into<String>) -> Self {
        self.price_xml = Some(price.into());
        self
    }

    /// The sender's own name for the message: it is in the answer and in the report.
    #[doc(alias = "clientReference")]
    #[must_use]
    pub fn client_reference(mut self, reference: impl Into<String>) -> Self {
        self.client_reference = Some(reference.into());
        self
    }

    /// What differs from the service's settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }
}

/// Shows how much there is, never the text or the number.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("puzzel::Message")
            .field("recipient", &self.recipient)
            .field("content_bytes", &self.content.len())
            .field("price", &self.price)
            .field("client_reference", &self.client_reference)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The phone that a message is for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// A number.
    Number(E164),
    /// A number as somebody wrote it, with country code and plus; read when the message leaves.
    Text(String),
}

impl From<E164> for Recipient {
    fn from(number: E164) -> Self {
        Self::Number(number)
    }
}

impl From<&E164> for Recipient {
    fn from(number: &E164) -> Self {
        Self::Number(*number)
    }
}

impl From<String> for Recipient {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Recipient {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Shows no whole number.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Debug::fmt(number, f),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}
