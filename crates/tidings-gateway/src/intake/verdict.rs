//! What became of a message that somebody wanted to be sent.

use std::sync::Arc;

use tidings_core::MessageState;
use tidings_store::{LaneId, MessageId};

/// One answer for each message.
pub type Verdict = Result<AcceptedMessage, Rejection>;

/// A message that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedMessage {
    /// Its name.
    pub id: MessageId,
    /// `held` or `queued`; for a request that was taken before, what it was then.
    pub state: MessageState,
    /// How many parts it has.
    pub segments: u16,
    /// The lane that it waits for.
    pub lane: Option<LaneId>,
    /// Whether the same request was taken before, so that this one changed nothing.
    pub is_repeated: bool,
    /// The answer that was kept then.
    pub answer: Option<Arc<str>>,
}

/// A message that was not taken. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why, as a stable word.
    pub code: RejectionCode,
    /// Why, as a sentence for the caller: no secret, no text and no full number.
    pub detail: String,
}

impl Rejection {
    /// A reason with a sentence.
    pub fn new(code: RejectionCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

macro_rules! rejection_codes {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// Why a message was not taken. The words are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum RejectionCode {
            $($(#[$doc])* $variant,)+
        }

        impl RejectionCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

rejection_codes!(
    /// No phone has this number.
    InvalidRecipient => "invalid_recipient",
    /// The sender has no valid form, or none of the accounts allows it.
    InvalidSender => "invalid_sender",
    /// The text is empty, too long or cannot be encoded.
    InvalidText => "invalid_text",
    /// Another field is wrong.
    InvalidRequest => "invalid_request",
    /// The recipient does not want texts.
    OptedOut => "opted_out",
    /// The account's quota is used up.
    QuotaExceeded => "quota_exceeded",
    /// No route leads to a lane that can carry it.
    NoRoute => "no_route",
    /// The batch has as many rows as it may.
    TooManyRows => "too_many_rows",
    /// The same message stands in the batch already.
    DuplicateRow => "duplicate_row",
    /// The key was used for another request.
    KeyReused => "idempotency_key_reused",
    /// The time in which it may leave is over.
    WindowOver => "window_over",
    /// The account may not send.
    Inactive => "account_inactive",
);
