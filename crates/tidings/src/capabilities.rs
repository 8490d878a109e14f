//! Whether an account can carry a message, as far as that can be told before the first call:
//! [`Capabilities::check`].
//!
//! Called by the messenger for each account that may carry a message, and by programs that want to
//! know before they send. A provider's client checks again, by rules that only it knows.

use tidings_core::text::{self, Policy, TextError};
use tidings_core::{Message, SenderId};

use crate::error::{Error, ErrorKind, Result};
use crate::provider::Capabilities;

/// The fewest units that a part of a text holds that goes on after it: of UTF-16, when a surrogate
/// pair does not fit in. A part in septets holds at least 76 characters of two septets each.
const FEWEST_UNITS_OF_A_PART: usize = 66;

impl Capabilities {
    /// Checks number, sender, content and length of a message against what an account can do.
    ///
    /// # Errors
    /// Always [`Acceptance::NotSent`](crate::Acceptance::NotSent):
    /// [`ErrorKind::InvalidRecipient`] for a calling code that is not served,
    /// [`ErrorKind::InvalidSender`] when the account has no sender for a message without one,
    /// [`ErrorKind::InvalidMessage`] for a text that is empty or too long, and for a file or a send
    /// window that the account cannot carry.
    ///
    /// ```
    /// use tidings::{Capabilities, E164, ErrorKind, Message};
    ///
    /// let mut capabilities = Capabilities::submit_only();
    /// capabilities.max_parts = 2;
    /// let to = E164::parse("+224622000001", None)?;
    /// assert!(capabilities.check(&Message::new(to, "a".repeat(306))).is_ok());
    /// let error = capabilities.check(&Message::new(to, "a".repeat(307))).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    /// assert_eq!(error.to_string(), "the text needs 3 parts, the account takes 2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, message: &Message) -> Result<()> {
        self.check_from(message, message.from.as_ref())
    }

    /// As [`Self::check`], with a sender that a route sets in the place of the message's own.
    pub(crate) fn check_from(&self, message: &Message, sender: Option<&SenderId>) -> Result<()> {
        let calling_code = message.to.calling_code();
        if !self.calling_codes.is_empty() && !self.calling_codes.contains(&calling_code) {
            let what = format!("the account serves no numbers with calling code {calling_code}");
            return Err(Error::not_sent(ErrorKind::InvalidRecipient, what));
        }
        if sender.is_none() && !self.sender_optional {
            let what = "the message names no sender, and the account has none of its own";
            return Err(Error::not_sent(ErrorKind::InvalidSender, what));
        }
        if message.window.is_some() && !self.send_window {
            // It would leave at once, which is what its sender does not want.
            return Err(invalid("the account has no send windows"));
        }
        self.check_media(message)?;
        self.check_text(message)
    }

    fn check_media(&self, message: &Message) -> Result<()> {
        let Some(media) = &message.media else {
            return Ok(());
        };
        let size = media.content().len();
        match self.max_media_bytes {
            None => Err(invalid("the account sends texts only, no files")),
            Some(max) if size > max => Err(invalid(format!(
                "the file has {size} bytes, the account takes {max}"
            ))),
            Some(_) => Ok(()),
        }
    }

    fn check_text(&self, message: &Message) -> Result<()> {
        let text = &*message.text;
        if text.is_empty() && message.media.is_none() {
            return Err(invalid("the text is empty"));
        }
        if let Some(max) = self.max_characters
            && text.len() > max
        {
            let length = text.chars().count();
            if length > max {
                let what = format!("the text has {length} characters, the account takes {max}");
                return Err(invalid(what));
            }
        }
        // Most texts are so short that nothing needs to be counted: no byte is more than a unit of
        // UTF-16, or two septets.
        let max = self.max_parts.max(1);
        if text.len() <= usize::from(max) * FEWEST_UNITS_OF_A_PART {
            return Ok(());
        }
        match text::plan(text, &Policy::default().max_parts(max)) {
            Ok(_) => Ok(()),
            Err(TextError::TooManyParts { parts_needed, .. }) => Err(invalid(format!(
                "the text needs {parts_needed} parts, the account takes {max}"
            ))),
            // `TextError` may grow; what is new is about this text too.
            Err(error) => Err(invalid("the text cannot be encoded").with_source(error)),
        }
    }
}

fn invalid(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::not_sent(ErrorKind::InvalidMessage, what)
}
